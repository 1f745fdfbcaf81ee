//! The deletions that the configuration file announces, on their way to the store. What they cover
//! is decided elsewhere.

use deltrail_core::detect::Expectation;
use deltrail_core::domain::Timestamp;

use crate::config::{Config, ExpectedDeletions};
use crate::store::{Configured, Store, StoreError};

/// Puts them in place of those that the file held before.
///
/// # Errors
/// When they cannot be kept.
pub(super) async fn write(
    config: &Config,
    store: &Store,
    now: Timestamp,
) -> Result<(), StoreError> {
    let configured = config.expectations.iter().map(|it| configured(it, now)).collect();
    store.configure_expectations(configured, now).await
}

/// Its id says all that it is but how many it covers and since when, so that it stays the same
/// over restarts.
fn configured(it: &ExpectedDeletions, now: Timestamp) -> Configured {
    let principal = it.principal.as_deref().unwrap_or("anybody");
    let (bucket, prefix, until) = (&it.bucket, &it.prefix, it.until);
    Configured {
        expectation: Expectation {
            id: format!("{}{principal} s3://{bucket}/{prefix} {until}", Configured::ID_PREFIX),
            principal: it.principal.clone(),
            bucket: bucket.clone(),
            prefix: prefix.clone(),
            since: it.since.unwrap_or(now),
            until,
            objects_max: it.objects_max,
        },
        keeps_since: it.since.is_none(),
    }
}
