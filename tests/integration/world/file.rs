//! Log files as objects: their keys, and the many shapes of bytes that hold the same records.

use std::io::Write as _;

use deltrail_core::domain::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// How the records of a file are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One gzip member, as CloudTrail writes.
    Gzip,
    /// The document cut into several gzip members.
    GzipMembers,
    /// Plain JSON: a server in between has inflated it.
    Plain,
    /// Indented and with keys in another order, compressed.
    PrettyGzip,
    /// Indented, plain.
    Pretty,
    /// Bytes after the gzip stream.
    GzipTrailing,
}

impl Shape {
    pub const ALL: [Self; 6] = [
        Self::Gzip,
        Self::GzipMembers,
        Self::Plain,
        Self::PrettyGzip,
        Self::Pretty,
        Self::GzipTrailing,
    ];
}

/// One log file.
#[derive(Debug, Clone)]
pub struct LogFile {
    pub key: String,
    pub records: Vec<Value>,
    pub shape: Shape,
}

impl LogFile {
    /// An empty file under its canonical key.
    pub fn new(account: &str, region: &str, at_millis: i64, nonce: &str, shape: Shape) -> Self {
        let five_minutes = 300_000;
        let slot = Timestamp::from_millis(at_millis.div_euclid(five_minutes) * five_minutes);
        let slot = slot.to_string();
        let (date, time) = slot.split_once('T').unwrap();
        let (hour, minute) = (&time[..2], &time[3..5]);
        let day = date.replace('-', "");
        let key = format!(
            "AWSLogs/{account}/CloudTrail/{region}/{}/\
             {account}_CloudTrail_{region}_{day}T{hour}{minute}Z_{nonce}.json.gz",
            date.replace('-', "/"),
        );
        Self { key, records: Vec::new(), shape }
    }

    /// The object's bytes.
    pub fn body(&self) -> Vec<u8> {
        let document = json!({ "Records": self.records });
        match self.shape {
            Shape::Gzip => gzip(document.to_string().as_bytes()),
            Shape::GzipMembers => {
                let text = document.to_string().into_bytes();
                text.chunks(text.len() / 3 + 1).flat_map(gzip).collect()
            }
            Shape::Plain => document.to_string().into_bytes(),
            Shape::PrettyGzip => gzip(serde_json::to_string_pretty(&document).unwrap().as_bytes()),
            Shape::Pretty => serde_json::to_string_pretty(&document).unwrap().into_bytes(),
            Shape::GzipTrailing => {
                let mut body = gzip(document.to_string().as_bytes());
                body.extend_from_slice(b"bytes that belong to no gzip member");
                body
            }
        }
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
