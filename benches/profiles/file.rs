//! Files of a trail: composed, compressed and kept for the next time, each with what is true of it.
//! They are known by profile, seed and size, and by a version that is raised whenever what is
//! composed changes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::{Deleted, Profile, Told, Trail};
use crate::harness::target_folder;

/// Of what is composed.
const VERSION: u32 = 1;
/// Without a name and a time in its head. How fast a file inflates depends on who deflated it, and
/// this is how most do: zlib-rs finds fewer matches, and what it writes inflates faster.
const GZIP: [&str; 3] = ["-6", "--no-name", "--stdout"];

/// What is true of a file, by whoever wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Records.
    pub records: u64,
    /// S3 delete records: of single calls, of calls for many keys, and of single keys of those.
    pub deletes: u64,
    /// Objects that were removed, each told by one record.
    pub removals: u64,
    /// Over bucket and key of every delete in their order; see [`Fingerprint`].
    pub fingerprint: u32,
    /// Bytes of the document.
    pub inflated_bytes: u64,
}

/// A checksum of deletes, by which two lists of them can be compared.
#[derive(Default)]
pub struct Fingerprint(flate2::Crc);

impl Fingerprint {
    /// The next delete; `None` is a key that is not told.
    pub fn push(&mut self, bucket: &str, key: Option<&str>) {
        for text in [bucket, key.unwrap_or_default()] {
            self.0.update(text.as_bytes());
            self.0.update(b"\n");
        }
    }

    /// Of all of them.
    pub fn sum(&self) -> u32 {
        self.0.sum()
    }
}

/// A compressed file of a trail.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// Where it is kept.
    pub path: PathBuf,
    /// What is true of it.
    pub truth: Truth,
}

impl LogFile {
    /// Its bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        fs::read(&self.path).with_context(|| self.path.display().to_string())
    }
}

/// The files of seeds from 1, each of so many bytes before they are compressed, or a record more.
///
/// # Errors
/// As [`log_file`].
pub fn log_files(profile: Profile, count: u64, bytes: u64) -> anyhow::Result<Vec<LogFile>> {
    (1..=count).map(|seed| log_file(profile, seed, bytes)).collect()
}

/// The file of a seed, of so many bytes before it is compressed, or a record more: the one that was
/// kept, or a new one.
///
/// # Errors
/// When it cannot be written or read.
pub fn log_file(profile: Profile, seed: u64, bytes: u64) -> anyhow::Result<LogFile> {
    let folder = target_folder().join("bench").join("profiles");
    let name = format!("v{VERSION}-{}-{bytes}-{seed}", profile.name());
    let path = folder.join(format!("{name}.json.gz"));
    let truth_path = folder.join(format!("{name}.truth.json"));
    // The truth is written last: where it is, the file is whole.
    if let Ok(kept) = fs::read(&truth_path) {
        return Ok(LogFile { path, truth: serde_json::from_slice(&kept)? });
    }
    fs::create_dir_all(&folder)?;
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    let mut gzip = Command::new("gzip");
    let mut gzip = gzip.args(GZIP).stdin(Stdio::piped()).stdout(file).spawn().context("gzip")?;
    let mut document = BufWriter::new(gzip.stdin.take().context("gzip takes nothing")?);
    let truth = compose(&mut Trail::new(profile, seed), bytes, &mut document)?;
    document.flush()?;
    drop(document);
    ensure!(gzip.wait()?.success(), "gzip fails");
    fs::write(&truth_path, serde_json::to_vec(&truth)?)?;
    Ok(LogFile { path, truth })
}

/// Writes a document of so many bytes of the trail, or a record more.
///
/// # Errors
/// When it cannot be written.
pub fn compose(trail: &mut Trail, bytes: u64, to: &mut impl Write) -> anyhow::Result<Truth> {
    let mut truth = Truth::default();
    let mut fingerprint = Fingerprint::default();
    let mut text = String::from(r#"{"Records":["#);
    while truth.inflated_bytes + 2 < bytes {
        if truth.records > 0 {
            text.push(',');
        }
        if let Told::Delete(Deleted { bucket, key, is_refused }) = trail.next(&mut text) {
            truth.deletes += 1;
            truth.removals += u64::from(key.is_some() && !is_refused);
            fingerprint.push(bucket, key.as_deref());
        }
        truth.records += 1;
        truth.inflated_bytes += text.len() as u64;
        to.write_all(text.as_bytes())?;
        text.clear();
    }
    to.write_all(b"]}")?;
    truth.inflated_bytes += 2;
    truth.fingerprint = fingerprint.sum();
    Ok(truth)
}
