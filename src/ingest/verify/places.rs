//! Where digests and log files lie, found by their names. It opens none of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;

use deltrail_core::decode::digest::ChainId;
use deltrail_core::decode::{LogKey, Look};
use deltrail_core::domain::Timestamp;

use super::{VerifyError, VerifyOrder};
use crate::ingest::object::named;
use crate::ingest::scan::ScanSource;
use crate::objects::{FILES, Found, ObjectError, Objects, Walk};

/// Where a file lies: a bucket and a key, or [`FILES`] and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub bucket: String,
    pub key: String,
}

/// A digest as its name tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DigestPlace {
    pub place: Place,
    pub ended_at: Timestamp,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// In the order of their ends.
    digests: BTreeMap<ChainId, Vec<DigestPlace>>,
    digest_files: BTreeSet<String>,
    /// Log files of this host, by file name: a copy of a bucket keeps those, wherever it lies.
    local_logs: HashMap<String, Vec<String>>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&named(&self.bucket, &self.key))
    }
}

impl Place {
    pub fn is_local(&self) -> bool {
        self.bucket == FILES
    }

    /// Whether this is where CloudTrail wrote what it calls so. Of a copy only the file's name is
    /// kept.
    pub fn is_that_of(&self, bucket: &str, key: &str) -> bool {
        if self.is_local() {
            file_of(&self.key) == file_of(key)
        } else {
            self.bucket == bucket && self.key == key
        }
    }
}

impl Places {
    /// Finds all digests, and on this host all log files.
    pub async fn find(order: &VerifyOrder, objects: &Objects) -> Result<Self, VerifyError> {
        let mut places = Self::default();
        match &order.source {
            ScanSource::Path(root) => {
                for key in files_of(root.clone()).await? {
                    places.add_local(order, key);
                }
            }
            ScanSource::S3 { bucket, prefix } => {
                let mut listing = objects.listing(bucket, prefix);
                while let Some(listed) =
                    listing.next().await.map_err(|error| listing_failed(&error))?
                {
                    if let Some(folder) = log_folder(&listed.key) {
                        // Log files are named by digests; whoever is not, is looked for later.
                        listing.skip_until(&format!("{folder}0"));
                        continue;
                    }
                    match order.bounds.look(&listed.key, None) {
                        Look::Within => places.add_digest(bucket, listed.key),
                        Look::Outside => {}
                        Look::OutsideUntil(key) => listing.skip_until(&key),
                    }
                }
            }
        }
        for digests in places.digests.values_mut() {
            digests.sort_by(|a, b| (a.ended_at, &a.place.key).cmp(&(b.ended_at, &b.place.key)));
        }
        Ok(places)
    }

    /// The digests of each chain.
    pub fn chains(&self) -> impl Iterator<Item = (&ChainId, &[DigestPlace])> {
        self.digests.iter().map(|(id, digests)| (id, digests.as_slice()))
    }

    /// Whether there is a digest with this file name.
    pub fn has_digest(&self, file: &str) -> bool {
        self.digest_files.contains(file)
    }

    /// The copies of a log file on this host.
    pub fn local_copies(&self, key: &str) -> impl Iterator<Item = &String> {
        self.local_logs.get(file_of(key)).into_iter().flatten()
    }

    /// All log files of this host.
    pub fn local_logs(&self) -> impl Iterator<Item = &String> {
        self.local_logs.values().flatten()
    }

    fn add_local(&mut self, order: &VerifyOrder, key: String) {
        if is_log(&key) {
            self.local_logs.entry(file_of(&key).to_owned()).or_default().push(key);
        } else if order.bounds.look(&key, None) == Look::Within {
            self.add_digest(FILES, key);
        }
    }

    fn add_digest(&mut self, bucket: &str, key: String) {
        let Some((id, ended_at)) = ChainId::of_file(&key) else { return };
        self.digest_files.insert(file_of(&key).to_owned());
        let place = Place { bucket: bucket.to_owned(), key };
        self.digests.entry(id).or_default().push(DigestPlace { place, ended_at });
    }
}

/// The files below a folder.
async fn files_of(root: PathBuf) -> Result<Vec<String>, VerifyError> {
    let walking = tokio::task::spawn_blocking(move || {
        let mut files = Vec::new();
        for found in Walk::through(vec![root]) {
            match found {
                Ok(Found::File(file)) => files.push(file.path),
                Ok(Found::Link(_) | Found::Special(_)) => {}
                // What cannot be looked at may be what somebody hides.
                Err(error) => return Err(VerifyError::List(error.to_string())),
            }
        }
        Ok(files)
    });
    walking.await.unwrap_or_else(|error| Err(VerifyError::List(error.to_string())))
}

pub(super) fn listing_failed(error: &ObjectError) -> VerifyError {
    VerifyError::List(error.to_string())
}

/// Whether a name is that of a CloudTrail log file: `ACCOUNT_CloudTrail_REGION_...`.
pub(super) fn is_log(key: &str) -> bool {
    let file = file_of(key);
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    file.split_once("_CloudTrail_").is_some_and(|(account, _)| is_account(account))
        && file.ends_with(".json.gz")
}

/// Of a log file in its place, everything before the region and the `/`: `.../CloudTrail`.
fn log_folder(key: &str) -> Option<&str> {
    let LogKey::Log(path) = LogKey::of(key) else { return None };
    let region = path.region.filter(|_| path.bucket.is_none())?;
    let (folder, _) = key.rsplit_once(&format!("/CloudTrail/{region}/"))?;
    key.get(..folder.len() + "/CloudTrail".len())
}

/// The last part of a key or path.
pub(super) fn file_of(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}
