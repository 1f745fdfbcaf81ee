//! Log objects as they lie in a bucket: files of the profiles under the names that CloudTrail
//! gives them, and what is true of all of them together.

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::profiles::{Profile, Trail, Truth, compose, log_files};

/// Bytes of a record of the mixed profile, as most are.
const RECORD_BYTES: u64 = 1_866;

/// A log object.
pub struct LogObject {
    /// Its key.
    pub key: String,
    /// Its bytes, compressed.
    pub gzip: Vec<u8>,
}

/// What lies in the bucket.
#[derive(Default)]
pub struct Logs {
    /// The objects.
    pub objects: Vec<LogObject>,
    /// Records in all of them.
    pub records: u64,
    /// Removals that they tell of.
    pub removals: u64,
}

impl Logs {
    /// So many files, each of so many bytes before it is compressed.
    ///
    /// # Errors
    /// When they cannot be written or read.
    pub fn of_files(profile: Profile, count: u64, bytes: u64) -> anyhow::Result<Self> {
        let mut logs = Self::default();
        for file in log_files(profile, count, bytes)? {
            let key = key(logs.objects.len());
            logs.push(LogObject { key, gzip: file.bytes()? }, &file.truth);
        }
        Ok(logs)
    }

    /// So many files as a trail writes them when little happens.
    ///
    /// # Errors
    /// When they cannot be composed.
    pub fn of_few_records(profile: Profile, count: u64) -> anyhow::Result<Self> {
        let mut logs = Self::default();
        let mut writer = LogWriter::new(profile, Compression::default());
        for _ in 0..count {
            let (object, truth) = writer.next_of_few_records()?;
            logs.push(object, &truth);
        }
        Ok(logs)
    }

    fn push(&mut self, object: LogObject, truth: &Truth) {
        self.objects.push(object);
        self.records += truth.records;
        self.removals += truth.removals;
    }

    /// Bytes of the object in the middle, compressed.
    pub fn median_bytes(&self) -> usize {
        let mut sizes: Vec<usize> = self.objects.iter().map(|object| object.gzip.len()).collect();
        sizes.sort_unstable();
        sizes.get(sizes.len() / 2).copied().unwrap_or_default()
    }
}

/// Log objects of one trail, one after the other.
pub struct LogWriter {
    trail: Trail,
    number: usize,
    compression: Compression,
}

impl LogWriter {
    /// Before the first one.
    pub fn new(profile: Profile, compression: Compression) -> Self {
        Self { trail: Trail::new(profile, 1), number: 0, compression }
    }

    /// The next one, of about so many records, and what is true of it.
    ///
    /// # Errors
    /// When it cannot be composed.
    pub fn next_object(&mut self, records: u64) -> anyhow::Result<(LogObject, Truth)> {
        let mut gzip = GzEncoder::new(Vec::new(), self.compression);
        let truth = compose(&mut self.trail, records * RECORD_BYTES, &mut gzip)?;
        let object = LogObject { key: key(self.number), gzip: gzip.finish()? };
        self.number += 1;
        Ok((object, truth))
    }

    /// The next one as a trail writes them when little happens: of one record up to nine, five in
    /// the middle.
    ///
    /// # Errors
    /// When it cannot be composed.
    pub fn next_of_few_records(&mut self) -> anyhow::Result<(LogObject, Truth)> {
        self.next_object(1 + self.number as u64 % 9)
    }
}

/// The key of an object of the account and region of the profiles.
fn key(number: usize) -> String {
    let (hour, minute) = (number / 12 % 24, number % 12 * 5);
    format!(
        "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/23/\
         111122223333_CloudTrail_eu-west-1_20261123T{hour:02}{minute:02}Z_{number:016}.json.gz"
    )
}
