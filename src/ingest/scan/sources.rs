//! What there is to be scanned: files below folders and objects below prefixes, one after the
//! other, within bounds of time. It reads none of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use deltrail_core::decode::{Look, ObjectRef, TimeBounds};
use deltrail_core::domain::{Source, Timestamp};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::report::Failed;
use crate::ingest::Ingest;
use crate::objects::{FILES, FolderError, Found, Listed, LocalFile, ObjectError, Walk};

/// What was found and nobody has taken yet.
const FOUND_MAX: usize = 256;

/// Something that a scan was told to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanSource {
    /// A file, or a folder with all that is below it.
    Path(PathBuf),
    /// All objects whose keys begin with a text, which may be empty.
    S3 {
        /// The bucket.
        bucket: String,
        /// The text.
        prefix: String,
    },
}

/// What a scan is told.
#[derive(Debug, Clone, Default)]
pub struct ScanOrder {
    /// What is read.
    pub sources: Vec<ScanSource>,
    /// Which of it: files that may hold something of this time.
    pub bounds: TimeBounds,
    /// Files of the store, which are no logs.
    pub own_files: BTreeSet<String>,
}

/// What was come across.
pub(super) enum Find {
    /// A file or an object that may be a log.
    Object(ObjectRef),
    /// Something that is none, with the reason.
    Skipped(&'static str),
    /// Something that cannot be looked at.
    Failed(Failed),
    /// Nothing at all where objects were looked for, `s3://BUCKET/PREFIX`.
    Nothing(String),
}

/// Whoever took finds has gone.
struct Gone;

/// Looks through the sources in their order, never far ahead of those who take.
pub(super) fn find(ingest: &Arc<Ingest>, order: &ScanOrder) -> Receiver<Find> {
    let (sender, found) = mpsc::channel(FOUND_MAX);
    let (ingest, order) = (Arc::clone(ingest), order.clone());
    tokio::spawn(async move {
        for source in &order.sources {
            let result = match source {
                ScanSource::Path(path) => walk(path.clone(), &order, &sender).await,
                ScanSource::S3 { bucket, prefix } => {
                    list(&ingest, bucket, prefix, order.bounds, &sender).await
                }
            };
            if result.is_err() {
                return;
            }
        }
    });
    found
}

/// Walks on a thread of its own.
async fn walk(root: PathBuf, order: &ScanOrder, sender: &Sender<Find>) -> Result<(), Gone> {
    let (order, sender) = (order.clone(), sender.clone());
    let walking = tokio::task::spawn_blocking(move || {
        for one in Walk::through(vec![root]) {
            let find = match one {
                Ok(Found::File(file)) => match file_of(file, &order) {
                    Some(find) => find,
                    None => continue,
                },
                Ok(Found::Link(_)) => Find::Skipped("link"),
                Ok(Found::Special(_)) => Find::Skipped("no_file"),
                Err(error) => Find::Failed(failed(&error)),
            };
            sender.blocking_send(find).map_err(|_| Gone)?;
        }
        Ok(())
    });
    // It neither panics nor is cancelled.
    walking.await.unwrap_or(Err(Gone))
}

fn file_of(file: LocalFile, order: &ScanOrder) -> Option<Find> {
    if order.own_files.contains(&file.path) {
        return Some(Find::Skipped("store"));
    }
    let written_at = file.last_modified_millis.map(Timestamp::from_millis);
    (order.bounds.look(&file.path, written_at) == Look::Within).then(|| {
        Find::Object(ObjectRef {
            version_id: Some(file.revision),
            size: Some(file.bytes),
            ..object(FILES, file.path)
        })
    })
}

fn failed(error: &FolderError) -> Failed {
    Failed {
        path: error.path().display().to_string(),
        reason: error.kind(),
        message: error.to_string(),
    }
}

/// Lists page by page, and passes over the days that are not wanted without listing them.
async fn list(
    ingest: &Ingest,
    bucket: &str,
    prefix: &str,
    bounds: TimeBounds,
    sender: &Sender<Find>,
) -> Result<(), Gone> {
    let mut listing = ingest.objects.listing(bucket, prefix);
    let mut found = 0_u64;
    loop {
        let listed = match listing.next().await {
            Ok(Some(listed)) => listed,
            Ok(None) => break,
            Err(error) => {
                let failed = list_failed(bucket, prefix, listing.after(), &error);
                return sender.send(Find::Failed(failed)).await.map_err(|_| Gone);
            }
        };
        let written_at = listed.last_modified_millis.map(Timestamp::from_millis);
        match bounds.look(&listed.key, written_at) {
            Look::Within => {
                found += 1;
                let find = Find::Object(object_of(bucket, listed));
                sender.send(find).await.map_err(|_| Gone)?;
            }
            Look::Outside => {}
            Look::OutsideUntil(key) => listing.skip_until(&key),
        }
    }
    if found == 0 {
        let place = place(bucket, prefix);
        return sender.send(Find::Nothing(place)).await.map_err(|_| Gone);
    }
    Ok(())
}

fn place(bucket: &str, prefix: &str) -> String {
    format!("s3://{}/{}", bucket.escape_debug(), prefix.escape_debug())
}

fn list_failed(bucket: &str, prefix: &str, after: Option<&str>, error: &ObjectError) -> Failed {
    let until = after.map(|key| format!(", after {}", key.escape_debug())).unwrap_or_default();
    Failed {
        path: place(bucket, prefix),
        reason: error.kind(),
        message: format!("the list of objects ends early{until}: {error}"),
    }
}

fn object_of(bucket: &str, listed: Listed) -> ObjectRef {
    ObjectRef { etag: listed.etag, size: Some(listed.bytes), ..object(bucket, listed.key) }
}

fn object(bucket: &str, key: String) -> ObjectRef {
    ObjectRef {
        bucket: bucket.to_owned(),
        key,
        version_id: None,
        etag: None,
        size: None,
        region: None,
        event_at: None,
        source: Source::CloudTrail,
    }
}
