//! Adapter to the public keys that CloudTrail signs its digests with: by the service's
//! `ListPublicKeys`, or out of a file that holds such an answer. It says whether a signature fits,
//! and refuses to know what a digest is. [`TrailKeys`] is the face.

#[cfg(test)]
#[expect(clippy::duplicate_mod, reason = "adapters share a test server, not imports")]
#[path = "../queue/canned_http.rs"]
mod canned_http;
mod error;
mod file;
mod key;
mod service;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;

pub use error::KeysError;
pub use key::PublicKey;

use service::Service;

/// Tries of one request before its error is given back.
const ATTEMPTS: u32 = 4;
/// How long a fingerprint that nobody knew is not asked for again.
const UNKNOWN_FOR: Duration = Duration::from_mins(10);
/// Fingerprints that are remembered. A region has a new key about once a month.
const KEYS_MAX: usize = 10_000;

/// The public keys of all regions. Cheap to clone; clones share what was learnt.
#[derive(Debug, Clone)]
pub struct TrailKeys {
    /// None when a file holds all there are.
    service: Option<Service>,
    known: Arc<Mutex<HashMap<KeyName, Known>>>,
}

/// What a digest calls a key by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct KeyName {
    /// Empty in a file, which does not tell it.
    region: String,
    fingerprint: String,
}

#[derive(Debug, Clone)]
enum Known {
    Key(PublicKey),
    /// Nobody knew it then.
    Nobody(Instant),
}

/// A key as it was told, by its fingerprint.
type Told = (String, PublicKey);

impl TrailKeys {
    /// Keys that CloudTrail is asked for when they are needed, in the region of each digest, with
    /// the credentials and endpoint of `config`. Nothing is sent.
    #[must_use]
    pub fn of_service(config: &SdkConfig) -> Self {
        Self::with_attempts(config, ATTEMPTS)
    }

    fn with_attempts(config: &SdkConfig, attempts: u32) -> Self {
        Self { service: Some(Service::new(config, attempts)), known: Arc::default() }
    }

    /// The keys in a file that holds what `aws cloudtrail list-public-keys` prints, and no others.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn of_file(path: &Path) -> Result<Self, KeysError> {
        let keys = Self { service: None, known: Arc::default() };
        keys.learn("", file::read(path)?);
        Ok(keys)
    }

    /// The key of this fingerprint with which CloudTrail signed digests of this region around this
    /// time, in milliseconds since 1970; `None` when there is none.
    ///
    /// # Errors
    /// When CloudTrail could not be asked.
    pub async fn key(
        &self,
        region: &str,
        fingerprint: &str,
        at_millis: i64,
    ) -> Result<Option<PublicKey>, KeysError> {
        let region = if self.service.is_some() { region } else { "" };
        let name = KeyName { region: region.to_owned(), fingerprint: fingerprint.to_owned() };
        let known = self.known().get(&name).cloned();
        match (known, &self.service) {
            (Some(Known::Key(key)), _) => Ok(Some(key)),
            (Some(Known::Nobody(since)), _) if since.elapsed() < UNKNOWN_FOR => Ok(None),
            (_, None) => Ok(None),
            (_, Some(service)) => {
                self.learn(region, service.list(region, at_millis).await?);
                let mut known = self.known();
                let told = known.entry(name).or_insert(Known::Nobody(Instant::now()));
                Ok(match told {
                    Known::Key(key) => Some(key.clone()),
                    Known::Nobody(since) => {
                        *since = Instant::now();
                        None
                    }
                })
            }
        }
    }

    fn learn(&self, region: &str, told: Vec<Told>) {
        let mut known = self.known();
        if known.len() + told.len() > KEYS_MAX {
            known.clear();
        }
        for (fingerprint, key) in told {
            known.insert(KeyName { region: region.to_owned(), fingerprint }, Known::Key(key));
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<KeyName, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
