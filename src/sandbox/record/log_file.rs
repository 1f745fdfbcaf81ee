//! Files of CloudTrail records: where they lie, and their bytes. It knows no bucket and no clock.

use std::io::Read;

use bytes::Bytes;
use deltrail_core::domain::Timestamp;
use flate2::Compression;
use flate2::read::GzEncoder;
use serde_json::{Value, json};

use super::text::{civil, rounded_up, sha256};
use crate::sandbox::identifiers::Identifiers;

/// The minute in a file's name is a multiple of five, and the first such that is not before the
/// writing: it may lie up to five minutes ahead.
const SLOT_MILLIS: i64 = 5 * 60 * 1_000;

/// Where a trail writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailPlace {
    /// The bucket.
    pub bucket: String,
    /// The prefix of its keys, without a slash at its end.
    pub prefix: Option<String>,
    /// The account, 12 digits.
    pub account: String,
    /// The region whose events it logs, which is its home region as well.
    pub region: String,
    /// Its name.
    pub trail: String,
}

impl TrailPlace {
    /// The key of an object below `AWSLogs` and the account.
    #[must_use]
    pub fn key(&self, below: &str) -> String {
        let prefix = self.prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
        format!("{prefix}AWSLogs/{}/{below}", self.account)
    }

    /// The key of the empty object that CloudTrail writes when a trail is made.
    #[must_use]
    pub fn folder_key(&self) -> String {
        self.key("CloudTrail/")
    }

    /// A new key for a file that is written at `written_at`.
    #[must_use]
    pub fn log_file_key(&self, written_at: Timestamp, identifiers: &Identifiers) -> String {
        let Self { account, region, .. } = self;
        let slot = rounded_up(written_at, SLOT_MILLIS);
        let (day, minute) = (civil(slot, "%Y/%m/%d"), civil(slot, "%Y%m%dT%H%MZ"));
        let suffix = identifiers.file_suffix();
        let file = format!("{account}_CloudTrail_{region}_{minute}_{suffix}.json.gz");
        self.key(&format!("CloudTrail/{region}/{day}/{file}"))
    }
}

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The bytes, compressed.
    pub body: Bytes,
    /// SHA-256 of the document before compression, in hexadecimal digits.
    pub sha256: String,
}

/// The file of these records.
#[must_use]
pub fn packed_records(records: &[Value]) -> Packed {
    packed(json!({ "Records": records }).to_string().as_bytes())
}

/// A document, compressed.
#[must_use]
pub fn packed(document: &[u8]) -> Packed {
    let mut body = Vec::new();
    // Reading from memory cannot fail.
    let _ = GzEncoder::new(document, Compression::default()).read_to_end(&mut body);
    Packed { body: body.into(), sha256: sha256(document) }
}

#[cfg(test)]
mod tests {
    use deltrail_core::decode::{Content, LogDecoder, LogKey, LogPath};
    use deltrail_core::domain::Evidence;

    use super::*;
    use crate::sandbox::record::specimen::STARTED;

    pub(super) fn place(prefix: Option<&str>) -> TrailPlace {
        TrailPlace {
            bucket: "trail-logs".into(),
            prefix: prefix.map(str::to_owned),
            account: "111122223333".into(),
            region: "eu-west-1".into(),
            trail: "objects".into(),
        }
    }

    #[test]
    fn a_file_is_named_after_the_slot_that_ends_next() {
        let key = place(None).log_file_key(STARTED, &Identifiers::seeded(1));
        let expected = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/23/\
                        111122223333_CloudTrail_eu-west-1_20261123T1205Z_";
        let suffix = key.strip_prefix(expected).unwrap_or_else(|| panic!("{key}"));
        assert_eq!(suffix.strip_suffix(".json.gz").unwrap().len(), 16);
        let read = LogPath {
            account: Some("111122223333".into()),
            region: Some("eu-west-1".into()),
            ..LogPath::default()
        };
        assert_eq!(LogKey::of(&key), LogKey::Log(read));
    }

    #[test]
    fn the_prefix_of_a_trail_stands_before_everything() {
        assert_eq!(place(Some("own")).folder_key(), "own/AWSLogs/111122223333/CloudTrail/");
    }

    #[test]
    fn a_consumer_reads_the_records_of_a_file() {
        let record = json!({
            "eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": "PutObject",
        });
        let file = packed_records(&[record.clone(), record]);
        let (summary, _) = decoded(&file.body);
        assert_eq!((summary.content, summary.records), (Content::CloudTrail, 2));
        assert_eq!(summary.trailing_bytes, 0);
    }

    fn decoded(body: &[u8]) -> (deltrail_core::decode::Summary, Vec<Evidence>) {
        let limits = deltrail_core::decode::Limits {
            inflated_bytes_max: 1 << 20,
            record_bytes_max: 1 << 20,
        };
        let mut decoder = LogDecoder::new(limits, LogPath::default());
        decoder.push(body).unwrap();
        let summary = decoder.finish().unwrap();
        let evidence =
            decoder.take().facts.into_iter().filter_map(|located| located.fact.deletion());
        (summary, evidence.collect())
    }
}
