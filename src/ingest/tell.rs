//! What ingest says in the log about failures: each when it begins and when it has passed, and not
//! on every try. It decides nothing about messages.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deltrail_core::decode::ObjectRef;

use super::Ingest;
use super::disposition::Failure;
use super::source_queue::SourceQueue;
use super::trouble::{Naming, Strangers, Troubles};
use crate::queue::Message;

/// The place of failures of the store.
pub(super) const STORE: &str = "the store";

/// What was said so far.
#[derive(Debug)]
pub(super) struct Said {
    begun_at: Instant,
    troubles: Mutex<Troubles>,
    strangers: Mutex<Strangers>,
}

impl Default for Said {
    fn default() -> Self {
        Self { begun_at: Instant::now(), troubles: Mutex::default(), strangers: Mutex::default() }
    }
}

impl Said {
    fn at(&self) -> Duration {
        self.begun_at.elapsed()
    }
}

/// A place as failures name it: everything that is read from this bucket.
pub(super) fn bucket_place(bucket: &str) -> String {
    format!("bucket {bucket}")
}

/// A place as failures name it: what is asked of this queue.
pub(super) fn queue_place(what: &str, queue: &SourceQueue) -> String {
    format!("{what} of queue {}", queue.name())
}

impl Ingest {
    /// Says why a message was not worked off. What concerns a whole place is said once until it has
    /// passed, and what concerns one object once for its message.
    pub(super) fn tell_failure(&self, queue: &SourceQueue, message: &Message, failure: &Failure) {
        let is_first = match &failure.place {
            Some(place) => self.is_new_trouble(place, failure.reason),
            None => queue.is_first_told(format!("{} {}", failure.reason, message.id)),
        };
        let object = failure.object.as_deref();
        let after = if failure.place.is_some() { "; tried again until it works" } else { "" };
        if is_first {
            tracing::warn!(
                queue = queue.name(),
                bucket = object.map(|object| object.bucket.as_str()),
                key = object.map(|object| object.key.as_str()),
                region = object.and_then(|object| object.region.as_deref()),
                request_id = failure.request_id,
                message_id = message.id,
                receive_count = message.receive_count,
                reason = failure.reason,
                "{}{after}",
                failure.message
            );
        } else {
            tracing::debug!(
                queue = queue.name(),
                request_id = failure.request_id,
                message_id = message.id,
                receive_count = message.receive_count,
                reason = failure.reason,
                "{}",
                failure.message
            );
        }
    }

    /// Whether this failure of a place is to be said: it begins, or had passed.
    pub(super) fn is_new_trouble(&self, place: &str, kind: &'static str) -> bool {
        let at = self.said.at();
        locked(&self.said.troubles).failed(place, kind, at)
    }

    /// Notes that something succeeded at a place, and says which failures there have passed.
    pub(super) fn place_is_well(&self, place: &str) {
        let passed = locked(&self.said.troubles).passed(place, self.said.at());
        for (reason, failures) in passed {
            tracing::info!(place, reason, failures, "{place} works again");
        }
    }

    /// Says that a message named a log object of a bucket that is not allowed, once for each
    /// bucket, up to a limit.
    pub(super) fn tell_stranger(&self, queue: &SourceQueue, object: &ObjectRef) {
        let queue = queue.name();
        match locked(&self.said.strangers).meet(&object.bucket) {
            Naming::Name => tracing::warn!(
                queue,
                bucket = object.bucket,
                key = object.key,
                region = object.region,
                "{}",
                not_allowed(object, &self.options.log_bucket_names)
            ),
            Naming::NoMore => tracing::warn!(
                queue,
                "messages name more than {} buckets that are no --log-bucket: no more of them are \
                 named here, all are counted in deltrail_rejected_total; check who may send to the \
                 queue",
                Strangers::MAX
            ),
            Naming::Count => {}
        }
    }
}

/// Why a log object was not fetched, and what to do if it should be.
fn not_allowed(object: &ObjectRef, named: &[String]) -> String {
    let ObjectRef { bucket, key, .. } = object;
    let counted = "more objects of this bucket are only counted, in deltrail_rejected_total";
    if named.contains(bucket) {
        return format!(
            "log object s3://{bucket}/{key} was not fetched: it lies outside the prefix that \
             --log-bucket names in bucket {bucket}; if it is a log of yours, add --log-bucket \
             {bucket}/PREFIX ({counted})"
        );
    }
    format!(
        "log object s3://{bucket}/{key} was not fetched: bucket {bucket} is no --log-bucket; if it \
         is yours, add --log-bucket {bucket} ({counted})"
    )
}

/// A panic elsewhere does not make what was said untrue.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::Source;

    use super::*;

    #[test]
    fn a_bucket_that_is_not_allowed_is_named_with_the_flag_that_allows_it() {
        let object = ObjectRef {
            bucket: "their-logs".to_owned(),
            key: "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/23/a.json.gz".to_owned(),
            version_id: None,
            etag: None,
            size: None,
            region: None,
            event_at: None,
            source: Source::S3Notification,
        };
        let told = [not_allowed(&object, &[]), not_allowed(&object, &["their-logs".to_owned()])];
        insta::assert_snapshot!(told.join("\n"), @r#"
        log object s3://their-logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/23/a.json.gz was not fetched: bucket their-logs is no --log-bucket; if it is yours, add --log-bucket their-logs (more objects of this bucket are only counted, in deltrail_rejected_total)
        log object s3://their-logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/23/a.json.gz was not fetched: it lies outside the prefix that --log-bucket names in bucket their-logs; if it is a log of yours, add --log-bucket their-logs/PREFIX (more objects of this bucket are only counted, in deltrail_rejected_total)
        "#);
    }
}
