//! Records of log objects, read again for people to see what evidence was read from. It knows no
//! store; which objects may be fetched was decided by the settings, and it fetches no other, as
//! whatever names them came from outside once.

use std::sync::Arc;
use std::time::Duration;

use deltrail_core::decode::{DecodeError, Limits, RawRecord, RawRecords};
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::objects::{Object, ObjectError, Objects, Revision};
use crate::store::LogObject;

/// Objects that are read at a time, each with a part of it in memory.
const OBJECTS_MAX: usize = 2;
/// How long one object may take, waiting for its turn included.
const OBJECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of one object that are inflated at most: CloudTrail's have 50 MB.
const INFLATED_BYTES_MAX: u64 = 256 << 20;
/// Bytes of one record that are shown at most: `CloudTrail` writes at most 256 KB.
const RECORD_BYTES_MAX: usize = 512 << 10;
/// Bytes of an object that are decoded in one go, so that other requests get their turn.
const PIECE_BYTES: usize = 64 << 10;

/// How the bucket is called under which `scan` keeps files of a host.
const FILES: &str = "file:";

/// Whether an object of this bucket and key may be fetched.
pub type AllowsObject = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// Reads records again. Cheap to clone; clones share their turns.
#[derive(Clone)]
pub struct RecordReader {
    objects: Objects,
    allows: AllowsObject,
    turns: Arc<Semaphore>,
    timeout: Duration,
}

/// Why records cannot be read again.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It was read from a file of some host.
    #[error(
        "it was read by `deltrail scan` from a file, which the daemon does not open: look for \
         {path} on the host where it was scanned"
    )]
    File {
        /// The file.
        path: String,
    },
    /// It is in a bucket, or under a prefix, that the settings do not name.
    #[error(
        "the daemon fetches objects of --log-bucket only, and s3://{bucket}/{key} is none; read it \
         with your own credentials"
    )]
    NotAllowed {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
    /// The object cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] ObjectError),
    /// What is there now is something else.
    #[error(
        "s3://{bucket}/{key} was written again since, and what it held before is gone, unless the \
         bucket keeps versions"
    )]
    Rewritten {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
    /// The object cannot be decoded.
    #[error("s3://{bucket}/{key} cannot be read: {error}")]
    Decode {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// It takes too long.
    #[error("reading it took longer than {} s; try again", .0.as_secs())]
    TooSlow(Duration),
}

impl RecordError {
    /// Whether it may pass without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fetch(error) => error.is_transient(),
            Self::TooSlow(_) => true,
            Self::File { .. }
            | Self::NotAllowed { .. }
            | Self::Rewritten { .. }
            | Self::Decode { .. } => false,
        }
    }
}

impl RecordReader {
    /// Reads what `allows` lets it, through `objects`.
    #[must_use]
    pub fn new(objects: Objects, allows: AllowsObject) -> Self {
        let turns = Arc::new(Semaphore::new(OBJECTS_MAX));
        Self { objects, allows, turns, timeout: OBJECT_TIMEOUT }
    }

    /// The records of one object at these positions, in their order; one that is not there is left
    /// out.
    ///
    /// # Errors
    /// See [`RecordError`].
    #[must_use]
    pub fn read(
        &self,
        object: LogObject,
        record_indexes: Vec<u64>,
    ) -> BoxFuture<'static, Result<Vec<RawRecord>, RecordError>> {
        let own = self.clone();
        Box::pin(async move {
            let timeout = own.timeout;
            let reading = own.read_in_turn(&object, record_indexes);
            tokio::time::timeout(timeout, reading)
                .await
                .unwrap_or(Err(RecordError::TooSlow(timeout)))
        })
    }

    async fn read_in_turn(
        &self,
        place: &LogObject,
        record_indexes: Vec<u64>,
    ) -> Result<Vec<RawRecord>, RecordError> {
        let LogObject { bucket, key, .. } = place;
        if bucket == FILES {
            return Err(RecordError::File { path: key.clone() });
        }
        if !(self.allows)(bucket, key) {
            let (bucket, key) = (bucket.clone(), key.clone());
            return Err(RecordError::NotAllowed { bucket, key });
        }
        // It is never closed.
        let _turn = self.turns.acquire().await;
        let mut object = self.open(place).await?;
        let decode = |error| {
            let (bucket, key) = (bucket.clone(), key.clone());
            RecordError::Decode { bucket, key, error }
        };
        let limits =
            Limits { inflated_bytes_max: INFLATED_BYTES_MAX, record_bytes_max: RECORD_BYTES_MAX };
        let mut records = RawRecords::new(limits, record_indexes);
        while let Some(chunk) = object.chunk().await? {
            for piece in chunk.chunks(PIECE_BYTES) {
                if records.push(piece).map_err(decode)? {
                    return records.finish().map_err(decode);
                }
                tokio::task::yield_now().await;
            }
        }
        records.finish().map_err(decode)
    }

    /// The content of the key that evidence was read from: what is there now if it is that, else
    /// the version of that id. A revision does not say which of the two it is.
    async fn open(&self, place: &LogObject) -> Result<Object, RecordError> {
        let LogObject { bucket, key, revision, .. } = place;
        let is_it = |object: &Object| {
            object.revision == *revision || object.etag.as_deref() == Some(revision)
        };
        let current = self.objects.get(bucket, key, Revision::default(), None).await;
        match current {
            Ok(object) if is_it(&object) => return Ok(object),
            Err(error) if !matches!(error, ObjectError::Gone { .. }) => return Err(error.into()),
            Ok(_) if is_etag(revision) => {
                let (bucket, key) = (bucket.clone(), key.clone());
                return Err(RecordError::Rewritten { bucket, key });
            }
            Err(error) if is_etag(revision) => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
        let named = Revision { version_id: Some(revision), etag: None };
        let object = self.objects.get(bucket, key, named, None).await?;
        if is_it(&object) {
            return Ok(object);
        }
        let (bucket, key) = (bucket.clone(), key.clone());
        Err(RecordError::Rewritten { bucket, key })
    }
}

/// Whether a revision is an entity tag of S3: 32 hexadecimal digits, and of a multipart upload the
/// number of its parts. A version id has other characters besides, or it would be one in 10^19.
fn is_etag(revision: &str) -> bool {
    let digest = revision.split('-').next().unwrap_or_default();
    digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
