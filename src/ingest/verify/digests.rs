//! Reads digests, some ahead of those who judge them, in their order. It judges nothing.

use deltrail_core::decode::DecodeError;
use deltrail_core::decode::digest::{Contents, Digest, DigestError, DigestFault, Hashed};
use deltrail_core::domain::Timestamp;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, iter};

use super::places::{DigestPlace, Place};
use crate::ingest::patience::patiently;
use crate::objects::{Object, ObjectError, Objects, Revision};

/// Digests that are read at a time.
const AHEAD: usize = 16;
/// A digest of an hour with 50 000 log files has about 20 MiB.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;
/// A signature of the longest key has 2 048 digits.
const SIGNATURE_BYTES_MAX: usize = 4 << 10;
/// What is added to the name of a digest's copy for the file that holds its signature.
const SIGNATURE_FILE: &str = ".signature";
/// The metadata of a digest's object.
const SIGNATURE: &str = "signature";
const BACKFILLED_AT: &str = "backfill-generation-timestamp";

/// A digest that was read, or not.
pub(super) struct Read<'a> {
    pub place: &'a DigestPlace,
    pub outcome: Result<Box<(Digest, Hashed)>, Outcome>,
    /// Its signature, where that lies beside it.
    pub signature: Option<String>,
    /// What tells its content from an earlier or a later one.
    pub revision: String,
    backfilled_at: Option<String>,
}

/// Why a digest does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Fault(DigestFault),
    /// It could not be read at all.
    Unreadable {
        reason: &'static str,
        message: String,
    },
}

impl Read<'_> {
    /// When it was signed, of one that was made afterwards.
    pub fn signed_at(&self) -> Option<Timestamp> {
        Timestamp::parse(self.backfilled_at.as_deref()?).ok()
    }
}

impl From<DecodeError> for Outcome {
    fn from(error: DecodeError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<DigestError> for Outcome {
    fn from(error: DigestError) -> Self {
        Self::Fault(error.into())
    }
}

/// Reads these digests one after the other.
pub(super) fn read_all<'a>(
    objects: &'a Objects,
    digests: &'a [DigestPlace],
) -> BoxStream<'a, Read<'a>> {
    iter(digests).map(|place| read(objects, place)).buffered(AHEAD).boxed()
}

/// Reads one digest.
pub(super) async fn read<'a>(objects: &Objects, place: &'a DigestPlace) -> Read<'a> {
    let fetched = patiently(ObjectError::is_transient, || fetch(objects, &place.place)).await;
    match fetched {
        Ok(Fetched { bytes, signature, revision, backfilled_at }) => {
            let outcome = parsed(&bytes).map(Box::new);
            Read { place, outcome, signature, revision, backfilled_at }
        }
        Err(error) => {
            let (reason, message) = (error.kind(), error.to_string());
            let outcome = Err(Outcome::Unreadable { reason, message });
            let revision = String::new();
            Read { place, outcome, signature: None, revision, backfilled_at: None }
        }
    }
}

struct Fetched {
    bytes: Vec<u8>,
    signature: Option<String>,
    revision: String,
    backfilled_at: Option<String>,
}

async fn fetch(objects: &Objects, place: &Place) -> Result<Fetched, ObjectError> {
    let mut object = objects.get(&place.bucket, &place.key, Revision::default(), None).await?;
    let mut metadata = std::mem::take(&mut object.metadata);
    let revision = std::mem::take(&mut object.revision);
    // What is longer inflates to more than a digest may, or is none.
    let bytes = bytes_of(object, usize::try_from(DOCUMENT_BYTES_MAX).unwrap_or(usize::MAX)).await?;
    let signature = match metadata.remove(SIGNATURE) {
        None if place.is_local() => signature_beside(objects, place).await,
        told => told,
    };
    Ok(Fetched { bytes, signature, revision, backfilled_at: metadata.remove(BACKFILLED_AT) })
}

/// The signature in a file beside a copy of a digest.
async fn signature_beside(objects: &Objects, place: &Place) -> Option<String> {
    let key = format!("{}{SIGNATURE_FILE}", place.key);
    let file = objects.get(&place.bucket, &key, Revision::default(), None).await.ok()?;
    let bytes = bytes_of(file, SIGNATURE_BYTES_MAX).await.ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// The bytes of an object, and no more than so many and a chunk.
async fn bytes_of(mut object: Object, bytes_max: usize) -> Result<Vec<u8>, ObjectError> {
    let mut bytes = Vec::new();
    while bytes.len() <= bytes_max
        && let Some(chunk) = object.chunk().await?
    {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn parsed(bytes: &[u8]) -> Result<(Digest, Hashed), Outcome> {
    let mut contents = Contents::new(DOCUMENT_BYTES_MAX);
    contents.push(bytes)?;
    let (document, hashed) = contents.finish()?;
    Ok((Digest::parse(&document)?, hashed))
}
