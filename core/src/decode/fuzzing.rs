//! What the fuzz targets reach of the inside of decoding. It is compiled with `--cfg fuzzing` only,
//! which cargo-fuzz sets, and judges nothing.

use super::cloudtrail::read_record;
use super::inflate::Inflater;
use super::structure::Level;
use super::{DecodeError, Decoded, Limits, LogDecoder, LogPath, RejectReason, Summary, Wanted};
use crate::domain::Fact;

/// What a gzip stream in these pieces inflates to, and how many bytes follow its last member.
///
/// # Errors
/// As [`LogDecoder::push`] of the same, as far as the stream itself is concerned.
pub fn inflate<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limit: u64,
) -> Result<(Vec<u8>, u64), DecodeError> {
    let mut inflater = Inflater::new(limit);
    let mut inflated = Vec::new();
    for piece in pieces {
        let mut rest = piece;
        loop {
            let step = inflater.step(rest)?;
            rest = &rest[step.consumed..];
            inflated.extend(step.bytes);
            if rest.is_empty() && !step.is_window_full {
                break;
            }
        }
    }
    inflater.finish()?;
    Ok((inflated, inflater.trailing_bytes()))
}

/// What a decoder tells of an object, or why it tells nothing.
pub type Outcome = Result<(Decoded, Summary), DecodeError>;

/// What an object gives, with the instructions of each kind that this processor has: the portable
/// ones first.
pub fn decode_at_each_level(
    object: &[u8],
    limits: Limits,
    wanted: Wanted,
) -> impl Iterator<Item = Outcome> {
    Level::each().map(move |level| {
        let mut decoder = LogDecoder::at_level(limits, LogPath::default(), level).wanting(wanted);
        decoder.push(object)?;
        let summary = decoder.finish()?;
        Ok((decoder.take(), summary))
    })
}

/// What the reader of single records says of one, which knows no layouts and remembers nothing.
///
/// # Errors
/// Why it is refused.
pub fn read_alone(record: &[u8]) -> Result<Option<Fact>, RejectReason> {
    read_record(record, &LogPath::default()).map_err(|refusal| refusal.reason)
}
