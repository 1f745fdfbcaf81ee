//! One log object from its name to its verdict. It knows nothing of messages, except that something
//! named the object, and nothing of how an object is read.

use deltrail_core::decode::{DigestPath, LogKey, LogPath, ObjectRef};
use deltrail_core::domain::Source;
use tokio::time::Instant;

use super::Ingest;
use super::decoding::{DecodingFailure, object_bytes, object_bytes_max};
use super::disposition::{Failure, Verdict};
use super::memory::Reservation;
use super::observe::InFlight;
use super::reading::{Reading, Staged, Whole, heard};
use super::tell::{STORE, bucket_place};
use super::underway::Naming;
use super::verify::verify_arrived;
use crate::metrics::{ObjectResult, SkipReason};
use crate::objects::{FILES, Object, ObjectError, Revision};
use crate::store::{Batch, LedgerKey, ProofOfLife, StoreError};
use crate::trail_keys::KeysError;

/// Objects of so few bytes, compressed, are not looked for in the ledger before they are read.
const SOONER_READ_BYTES_MAX: u64 = 64 * 1024;

/// What became of an object.
pub(super) enum Handled {
    Committed(Source),
    Duplicate(Source),
    Skipped(SkipReason),
    /// It is JSON of some other kind; its row in the reject table says so.
    WithoutRecords,
}

/// Why an object could not be committed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ObjectFailure {
    #[error(transparent)]
    Fetch(#[from] ObjectError),
    #[error("log object {object} cannot be read: {failure}")]
    Decode { object: String, failure: DecodingFailure },
    #[error(
        "log object {object} was written again while it was read; it is read anew when its \
        message comes back, or by the next scan"
    )]
    Rewritten { object: String },
    #[error("{message}; the digest is verified when its message comes back")]
    Digest { reason: &'static str, message: String },
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the daemon is stopping")]
    Stopping,
}

impl ObjectFailure {
    /// One of a closed set of words; the value of a label.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Fetch(error) => error.kind(),
            Self::Decode { failure, .. } => failure.kind(),
            Self::Rewritten { .. } => "changed",
            Self::Digest { reason, .. } => reason,
            Self::Keys(_) => "public_keys",
            Self::Store(_) => "store",
            Self::Stopping => "stopping",
        }
    }

    /// Whether the same may succeed in a moment, though nobody changes anything.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Fetch(error) if error.is_transient())
    }

    fn verdict(&self, object: &ObjectRef) -> Verdict {
        let is_transient = match self {
            Self::Fetch(ObjectError::InvalidName { .. }) => false,
            Self::Decode { failure, .. } => failure.is_transient(),
            // Whatever else S3 refuses may be mended by its owner while the message waits.
            Self::Fetch(_)
            | Self::Rewritten { .. }
            | Self::Digest { .. }
            | Self::Keys(_)
            | Self::Store(_)
            | Self::Stopping => true,
        };
        let reason = self.reason();
        let place = match self {
            Self::Fetch(error) if error.is_of_whole_bucket() => Some(bucket_place(&object.bucket)),
            Self::Store(_) => Some(STORE.to_owned()),
            _ => None,
        };
        let request_id = match self {
            Self::Fetch(error) => error.request_id().map(str::to_owned),
            _ => None,
        };
        let object = Some(Box::new(object.clone()));
        let failures =
            vec![Failure { reason, message: self.to_string(), object, place, request_id }];
        if is_transient { Verdict::Retry(failures) } else { Verdict::Poison(failures) }
    }
}

/// Fetches, decodes and commits one object of a log bucket, whatever of it was done before.
pub(super) async fn commit_object(
    ingest: &Ingest,
    object: &ObjectRef,
    naming: &Naming<'_>,
) -> Verdict {
    // What is not read to its end is taken for what log objects usually are.
    let source = Source::CloudTrail;
    let result = match LogKey::of(&object.key) {
        LogKey::Log(_) if object.size == Some(0) => Ok(Handled::Skipped(SkipReason::ZeroByte)),
        LogKey::Log(path) => read_once(ingest, object, &path, naming).await,
        LogKey::Digest(digest) => note_digest(ingest, object, &digest).await,
        LogKey::Insight => Ok(Handled::Skipped(SkipReason::Insight)),
        LogKey::NetworkActivity => Ok(Handled::Skipped(SkipReason::NetworkActivity)),
        LogKey::Aggregated => Ok(Handled::Skipped(SkipReason::Aggregated)),
        LogKey::Folder => Ok(Handled::Skipped(SkipReason::Folder)),
    };
    match result {
        Ok(Handled::Committed(source)) => ingest.count_object(source, ObjectResult::Committed),
        Ok(Handled::Duplicate(source)) => ingest.count_object(source, ObjectResult::Duplicate),
        Ok(Handled::WithoutRecords) => ingest.count_object(source, ObjectResult::Skipped),
        Ok(Handled::Skipped(reason)) => ingest.metrics.skip_object(source, reason),
        Err(ObjectFailure::Fetch(error))
            if matches!(error, ObjectError::Gone { .. }) && ingest.options.skips_missing =>
        {
            tracing::warn!(
                bucket = object.bucket,
                key = object.key,
                request_id = error.request_id(),
                reason = error.kind(),
                "{error}; skipped, as --missing-object says"
            );
            ingest.metrics.skip_object(source, SkipReason::Missing);
        }
        Err(failure) => {
            ingest.count_object(source, ObjectResult::Failed);
            return failure.verdict(object);
        }
    }
    Verdict::Done
}

/// A digest proves that its trail was alive until the hour it covers ended. It is read only to be
/// verified, when that is asked for.
async fn note_digest(
    ingest: &Ingest,
    object: &ObjectRef,
    digest: &DigestPath,
) -> Result<Handled, ObjectFailure> {
    let life = ProofOfLife {
        proof_of_life_at: digest.ended_at,
        ..heard(ingest, object, &digest.log, Source::CloudTrail)
    };
    ingest.commit(Batch { life: vec![life], ..Batch::default() }).await?;
    ingest.observe_delivery(Source::CloudTrail);
    if let Some(keys) = &ingest.options.trail_keys {
        Box::pin(verify_arrived(ingest, keys, object)).await?;
    }
    Ok(Handled::Skipped(SkipReason::Digest))
}

/// Reads and commits an object when nobody else does, unless that was done before.
async fn read_once(
    ingest: &Ingest,
    object: &ObjectRef,
    path: &LogPath,
    naming: &Naming<'_>,
) -> Result<Handled, ObjectFailure> {
    // The ledger knows objects by their revisions, and a message need not name one.
    let names_revision = named_revision(object).is_some();
    if naming.is_redelivered
        && !names_revision
        && let Some(source) = ingest.underway.done_before(naming, object)
    {
        return Ok(Handled::Duplicate(source));
    }
    let mut turn = ingest.underway.turn(object).await;
    let seen = turn.read_since(naming.received_at).filter(|_| !names_revision);
    let handled = if let Some(source) = seen {
        Handled::Duplicate(source)
    } else {
        let begun_at = Instant::now();
        let may_be_done = naming.is_redelivered || turn.was_waited_for();
        let handled = read_object(ingest, object, path, may_be_done).await?;
        match &handled {
            // Of a version that was named nobody knows whether it is the current one.
            Handled::Committed(source) if object.version_id.is_none() => {
                turn.note_read(begun_at, *source);
            }
            Handled::Duplicate(source) if !names_revision => turn.note_read(begun_at, *source),
            _ => {}
        }
        handled
    };
    if let (false, Handled::Committed(source) | Handled::Duplicate(source)) =
        (names_revision, &handled)
    {
        ingest.underway.note_done(naming, object, *source);
    }
    Ok(handled)
}

/// Reads and commits an object that may be a log file. When it `may_be_done`, the ledger is asked
/// first.
pub(super) async fn read_object(
    ingest: &Ingest,
    object: &ObjectRef,
    path: &LogPath,
    may_be_done: bool,
) -> Result<Handled, ObjectFailure> {
    if (may_be_done || !is_sooner_read(object, object.size))
        && let Some(source) = committed_as_named(ingest, object).await?
    {
        return Ok(Handled::Duplicate(source));
    }
    match read_in_turn(ingest, object, path).await? {
        Read::Handled(handled) => Ok(handled),
        // What a commit takes would make every message larger, and messages are moved about.
        Read::Whole(reading, whole) => Box::pin(reading.commit(*whole)).await,
    }
}

/// What a reading came to.
enum Read<'a> {
    /// Nothing is left to be done.
    Handled(Handled),
    /// What it holds is to be committed.
    Whole(Reading<'a>, Box<Whole>),
}

/// Reads an object when it is its turn. Its turn ends before its commit: what is staged waits with
/// its part of the memory budget, so that many objects share a transaction while others are read.
async fn read_in_turn<'a>(
    ingest: &'a Ingest,
    object: &'a ObjectRef,
    path: &'a LogPath,
) -> Result<Read<'a>, ObjectFailure> {
    let permit = ingest.object_permits.acquire().await;
    let _permit = permit.map_err(|_| ObjectFailure::Stopping)?;
    let _flight = InFlight::new(&ingest.metrics.in_flight_objects);
    let bytes = object_bytes(object.size, ingest.options.memory_budget_bytes);
    // A reading takes much room, which those who wait for their turn need not carry about.
    match Box::pin(read_within(ingest, object, path, bytes)).await {
        // Waiting for more while holding would block others that do the same; so it is given back,
        // and the object waits in line for all that it may ever need.
        Err(ObjectFailure::Decode { failure: DecodingFailure::NoMemory, .. }) => {
            let bytes = object_bytes_max(ingest.options.limits.record_bytes_max);
            Box::pin(read_within(ingest, object, path, bytes)).await
        }
        result => result,
    }
}

/// Whether an object of so many bytes is sooner read than looked for in the ledger. That it was
/// committed before is rare, and then its commit finds it out. A scan is often a second one.
fn is_sooner_read(object: &ObjectRef, bytes: Option<u64>) -> bool {
    object.bucket != FILES && bytes.is_some_and(|bytes| bytes <= SOONER_READ_BYTES_MAX)
}

/// As what the revision that a message named was committed, if it was.
async fn committed_as_named(
    ingest: &Ingest,
    object: &ObjectRef,
) -> Result<Option<Source>, StoreError> {
    match named_revision(object) {
        Some(revision) => ingest.store.committed_as(&ledger_key(object, revision)).await,
        None => Ok(None),
    }
}

/// Reads an object with `bytes` of the memory budget.
async fn read_within<'a>(
    ingest: &'a Ingest,
    object: &'a ObjectRef,
    path: &'a LogPath,
    bytes: usize,
) -> Result<Read<'a>, ObjectFailure> {
    let reserved = ingest.budget.reserve(bytes).await;
    let reservation = reserved.ok_or(ObjectFailure::Stopping)?;
    let fetched = match fetch(ingest, object, None).await {
        Ok(fetched) => fetched,
        // It may have been committed before its bucket let it go.
        Err(error) => match committed_as_named(ingest, object).await? {
            Some(source) => return Ok(Read::Handled(Handled::Duplicate(source))),
            None => return Err(error.into()),
        },
    };
    if fetched.content_length == Some(0) {
        return Ok(Read::Handled(Handled::Skipped(SkipReason::ZeroByte)));
    }
    let key = ledger_key(object, revision_of(object, &fetched));
    // The revision that the message named was looked for before, unless it is looked for by the
    // commit.
    let is_looked_for = named_revision(object) == Some(fetched.revision.as_str())
        || is_sooner_read(object, fetched.content_length);
    if !is_looked_for {
        let fetched_key = ledger_key(object, &fetched.revision);
        if let Some(source) = ingest.store.committed_as(&fetched_key).await? {
            return Ok(Read::Handled(Handled::Duplicate(source)));
        }
    }
    ingest.place_is_well(&bucket_place(&object.bucket));
    let etag = fetched.etag.clone();
    let reading = Reading { ingest, object, path, key };
    let whole = match reading.stage(fetched, reservation).await? {
        Staged::Whole(whole) => whole,
        Staged::Outgrown(reservation) => read_again(&reading, etag.as_deref(), reservation).await?,
    };
    Ok(Read::Whole(reading, Box::new(whole)))
}

/// Commits in chunks what is too much to wait in memory. The file is good, and it must be the same
/// file: its bytes are committed before its end is seen again.
async fn read_again(
    reading: &Reading<'_>,
    etag: Option<&str>,
    reservation: Reservation,
) -> Result<Whole, ObjectFailure> {
    let again = fetch(reading.ingest, reading.object, etag).await?;
    let revision = revision_of(reading.object, &again);
    if revision.is_empty() || revision != reading.key.revision {
        return Err(ObjectFailure::Rewritten { object: shown(&reading.key) });
    }
    reading.commit_in_chunks(again, reservation).await
}

async fn fetch(
    ingest: &Ingest,
    object: &ObjectRef,
    etag: Option<&str>,
) -> Result<Object, ObjectError> {
    let revision = Revision { version_id: object.version_id.as_deref(), etag };
    ingest.objects.get(&object.bucket, &object.key, revision, object.region.as_deref()).await
}

/// The revision that a message named, as the ledger knows it.
fn named_revision(object: &ObjectRef) -> Option<&str> {
    object.version_id.as_deref().or(object.etag.as_deref())
}

/// The revision by which the ledger is to know what was fetched. Lists of S3 name an entity tag
/// where an answer names a version; what was named so is looked for so the next time.
fn revision_of<'a>(object: &'a ObjectRef, fetched: &'a Object) -> &'a str {
    match &object.etag {
        Some(etag) if object.version_id.is_none() && fetched.etag.as_ref() == Some(etag) => etag,
        _ => &fetched.revision,
    }
}

fn ledger_key(object: &ObjectRef, revision: &str) -> LedgerKey {
    LedgerKey {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        revision: revision.to_owned(),
    }
}

/// The name of an object for people.
pub(super) fn shown(key: &LedgerKey) -> String {
    named(&key.bucket, &key.key)
}

/// The name of an object, or of a file, for people.
pub(super) fn named(bucket: &str, key: &str) -> String {
    let key = key.escape_debug();
    if bucket == FILES { key.to_string() } else { format!("s3://{}/{key}", bucket.escape_debug()) }
}

#[cfg(test)]
mod tests;
