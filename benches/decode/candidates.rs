//! The readers that are compared: gunzip alone, the decoder of this project, and a plain reader of
//! whole documents. Each says how many S3 deletes it saw, and none may be wrong about it.

use std::io::Read as _;

use anyhow::{Context, anyhow, ensure};
use deltrail_core::decode::{Decoded, Limits, LogDecoder, LogPath, Summary, Wanted};
use deltrail_core::domain::Fact;
use serde_json::Value;

use crate::profiles::{Fingerprint, Truth};

/// Compressed bytes that the daemon gives the decoder together.
pub const PIECE_BYTES: usize = 256 * 1024;
/// What the daemon lets the decoder stage between two looks at it.
const STEP_BYTES_MAX: usize = 128 * 1024;
const LIMITS: Limits = Limits { inflated_bytes_max: 1 << 40, record_bytes_max: 4 << 20 };
const GUNZIP_WINDOW_BYTES: usize = 64 * 1024;

/// The head of a gzip file without a name, as the profiles have it, and its tail.
const GZIP_HEAD_BYTES: usize = 10;
const GZIP_TAIL_BYTES: usize = 8;

/// The window of [`gunzip`].
pub fn gunzip_window() -> Vec<u8> {
    vec![0; GUNZIP_WINDOW_BYTES]
}

/// `G`: inflates into the window and throws away what comes out. Gives the number of its bytes.
///
/// # Errors
/// When it is no gzip.
#[expect(clippy::disallowed_types, reason = "gunzip alone is what decoding is compared with")]
pub fn gunzip(compressed: &[u8], window: &mut [u8]) -> anyhow::Result<u64> {
    let mut reader = flate2::bufread::GzDecoder::new(compressed);
    let mut inflated_bytes = 0;
    loop {
        match reader.read(window)? {
            0 => return Ok(inflated_bytes),
            count => inflated_bytes += count as u64,
        }
    }
}

/// One file on its way through the decoder, as the daemon does it: in pieces, taking what is
/// staged after each step. What is taken is shown and dropped.
pub struct Decoding {
    decoder: LogDecoder,
    facts: u64,
}

impl Decoding {
    pub fn new(wanted: Wanted) -> Self {
        let decoder = LogDecoder::new(LIMITS, LogPath::default()).wanting(wanted);
        Self { decoder, facts: 0 }
    }

    /// The next compressed bytes.
    ///
    /// # Errors
    /// When they cannot be decoded.
    pub fn push(
        &mut self,
        mut piece: &[u8],
        seen: &mut impl FnMut(&Decoded),
    ) -> anyhow::Result<()> {
        while !piece.is_empty() {
            let used = self.decoder.push_until(piece, STEP_BYTES_MAX)?;
            piece = &piece[used..];
            self.take(seen);
        }
        Ok(())
    }

    /// How many facts the whole file told.
    ///
    /// # Errors
    /// When it was not whole.
    pub fn finish(mut self, seen: &mut impl FnMut(&Decoded)) -> anyhow::Result<(u64, Summary)> {
        let summary = self.decoder.finish()?;
        self.take(seen);
        Ok((self.facts, summary))
    }

    fn take(&mut self, seen: &mut impl FnMut(&Decoded)) {
        let decoded = self.decoder.take();
        self.facts += decoded.facts.len() as u64;
        seen(&decoded);
    }
}

/// Decodes a file that is in memory. Gives the number of deletes.
///
/// # Errors
/// When it cannot be decoded.
pub fn decode(compressed: &[u8]) -> anyhow::Result<u64> {
    decode_wanted(compressed, Wanted::Deletes)
}

/// Decodes a file that is in memory. Gives the number of deletes, and of writes if they are wanted.
///
/// # Errors
/// When it cannot be decoded.
pub fn decode_wanted(compressed: &[u8], wanted: Wanted) -> anyhow::Result<u64> {
    let mut decoding = Decoding::new(wanted);
    for piece in compressed.chunks(PIECE_BYTES) {
        decoding.push(piece, &mut |_| ())?;
    }
    Ok(decoding.finish(&mut |_| ())?.0)
}

/// Decodes a file and compares every delete with the truth.
///
/// # Errors
/// When it is not what was written.
pub fn expect_truth(compressed: &[u8], truth: &Truth) -> anyhow::Result<()> {
    let mut fingerprint = Fingerprint::default();
    let mut odd = 0;
    let mut see = |decoded: &Decoded| {
        odd += decoded.rejected.len();
        for located in &decoded.facts {
            match &located.fact {
                Fact::Deletion(evidence) => {
                    fingerprint.push(&evidence.bucket, evidence.key.as_deref());
                }
                _ => odd += 1,
            }
        }
    };
    let mut decoding = Decoding::new(Wanted::Deletes);
    for piece in compressed.chunks(PIECE_BYTES) {
        decoding.push(piece, &mut see)?;
    }
    let (deletes, summary) = decoding.finish(&mut see)?;
    let Truth { records, inflated_bytes, .. } = *truth;
    ensure!(odd == 0, "{odd} records were taken for something else");
    ensure!(deletes == truth.deletes, "{deletes} deletes of {} were found", truth.deletes);
    ensure!(summary.records == records, "{} records of {records} were read", summary.records);
    ensure!(summary.inflated_bytes == inflated_bytes, "it inflated to {summary:?}");
    ensure!(fingerprint.sum() == truth.fingerprint, "the deletes are of other objects");
    Ok(())
}

/// What is done without further thought: the whole document inflated by `miniz_oxide`, all of it
/// read into `serde_json::Value`, and the deletes picked out. Gives their number.
///
/// # Errors
/// When it cannot be read.
pub fn plain(compressed: &[u8]) -> anyhow::Result<u64> {
    let end = compressed.len().saturating_sub(GZIP_TAIL_BYTES);
    let deflated = compressed.get(GZIP_HEAD_BYTES..end).context("no gzip file is so short")?;
    let inflated =
        miniz_oxide::inflate::decompress_to_vec(deflated).map_err(|error| anyhow!("{error}"))?;
    let mut checksum = flate2::Crc::new();
    checksum.update(&inflated);
    ensure!(compressed[end..].starts_with(&checksum.sum().to_le_bytes()), "the checksum is wrong");
    let document: Value = serde_json::from_slice(&inflated)?;
    let records = document["Records"].as_array().context("there are no records")?;
    let is_delete = |record: &&Value| {
        record["eventSource"] == "s3.amazonaws.com"
            && (record["eventName"] == "DeleteObject" || record["eventName"] == "DeleteObjects")
    };
    let told = |record: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parameters = &record["requestParameters"];
        [
            text(&record["eventTime"]),
            text(&record["requestID"]),
            text(&record["userIdentity"]["arn"]),
            text(&parameters["bucketName"]),
            text(&parameters["key"]),
        ]
    };
    let deletes: Vec<[String; 5]> = records.iter().filter(is_delete).map(told).collect();
    Ok(deletes.len() as u64)
}
