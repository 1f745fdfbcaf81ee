//! All buckets of the sandbox and their settings, as the sandbox itself uses them. It knows
//! nothing of HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use deltrail_core::domain::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::super::act::{Act, Call, Effect};
use super::super::clock::Clock;
use super::super::faults::Faults;
use super::super::identifiers::Identifiers;
use super::super::principal::{Kind, Principal};
use super::bucket::{Bucket, Object, Versioning};
use super::endpoint::S3Endpoint;
use super::error::SandboxS3Error;
use super::notifications::{NotificationRule, test_event};
use super::visit::{Arrival, Visit};

/// Who S3 says expires objects.
const LIFECYCLE: &str = "s3.amazonaws.com";

/// Tells a queue (its ARN) that a bucket will notify it, with the body of the message.
pub type RaisesTestEvent = Arc<dyn Fn(&str, String) + Send + Sync>;

/// What S3 in the sandbox needs.
#[derive(Clone)]
pub struct S3Options {
    /// What times are shown.
    pub clock: Clock,
    /// Where request ids, version ids and service times come from.
    pub identifiers: Identifiers,
    /// What goes wrong, and what is denied.
    pub faults: Faults,
    /// The region of the endpoint and of all buckets.
    pub region: String,
    /// The account that owns all buckets.
    pub account: String,
    /// Who may sign requests.
    pub principals: Vec<Arc<Principal>>,
    /// Where each request about an object is told of.
    pub acts: UnboundedSender<Act>,
    /// Called for each queue when a bucket's notifications are configured.
    pub raises_test_event: RaisesTestEvent,
}

/// Where a bucket's access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogTarget {
    /// The bucket that the log objects are written to.
    pub bucket: String,
    /// What their keys begin with; may be empty.
    pub prefix: String,
}

/// An object that a service writes.
#[derive(Debug, Clone)]
pub struct ServicePut {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// What is stored, as it is.
    pub body: Bytes,
    /// `Content-Type`.
    pub content_type: String,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// User metadata, names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// A bucket with what is set for it.
#[derive(Debug)]
pub(super) struct Holding {
    pub bucket: Bucket,
    pub created_at: Timestamp,
    pub notifications: Vec<NotificationRule>,
    pub access_log: Option<AccessLogTarget>,
}

/// All buckets. Clones are the same buckets.
#[derive(Clone)]
pub struct Buckets {
    shared: Arc<Shared>,
}

struct Shared {
    options: S3Options,
    by_name: Mutex<BTreeMap<String, Holding>>,
}

impl Buckets {
    /// No bucket yet.
    #[must_use]
    pub fn new(options: S3Options) -> Self {
        Self { shared: Arc::new(Shared { options, by_name: Mutex::default() }) }
    }

    /// Creates a bucket. One that exists keeps what it holds and gets the versioning.
    pub fn create(&self, bucket: &str, versioning: Versioning) {
        let created_at = self.shared.options.clock.now();
        let mut by_name = self.by_name();
        let holding = by_name.entry(bucket.to_owned()).or_insert_with(|| Holding {
            bucket: Bucket::new(versioning),
            created_at,
            notifications: Vec::new(),
            access_log: None,
        });
        holding.bucket.set_versioning(versioning);
    }

    /// Replaces what a bucket notifies of, and sends each queue a test event, as S3 does. Without
    /// the bucket nothing happens.
    pub fn set_notifications(&self, bucket: &str, rules: Vec<NotificationRule>) {
        self.notify(bucket, rules, &self.arrival());
    }

    /// What a bucket notifies of.
    #[must_use]
    pub fn notification_rules(&self, bucket: &str) -> Vec<NotificationRule> {
        let rules = self.with(bucket, |holding| holding.notifications.clone());
        rules.unwrap_or_default()
    }

    /// Turns a bucket's access log on or off. Without the bucket nothing happens.
    pub fn set_access_log(&self, bucket: &str, target: Option<AccessLogTarget>) {
        self.with(bucket, |holding| holding.access_log = target);
    }

    /// Where a bucket's access log goes; none if it has none.
    #[must_use]
    pub fn access_log(&self, bucket: &str) -> Option<AccessLogTarget> {
        self.with(bucket, |holding| holding.access_log.clone()).flatten()
    }

    /// Puts an object as a service of AWS does (`cloudtrail.amazonaws.com`). Faults do not touch
    /// it.
    pub fn put_by_service(&self, service: &str, put: ServicePut) -> Result<(), SandboxS3Error> {
        let ServicePut { bucket, key, body, content_type, content_encoding, metadata } = put;
        let visit = Visit::by_service(self, self.service_principal(service), &bucket);
        let object = Object::new(body, content_type, content_encoding, metadata);
        let (etag, object_bytes) = (object.etag.clone(), object.body.len() as u64);
        let fresh_id = self.shared.options.identifiers.version_id();
        let version_id = self
            .with(&bucket, |holding| holding.bucket.put(&key, object, visit.arrival.at, fresh_id))
            .ok_or(SandboxS3Error::NoSuchBucket { bucket })?;
        visit.conclude(self, Call::Put { key, version_id, object_bytes, etag }, None);
        Ok(())
    }

    /// Expires an object as a lifecycle rule does, and says what came of it.
    pub fn expire(&self, bucket: &str, key: &str) -> Result<Effect, SandboxS3Error> {
        let visit = Visit::by_service(self, self.service_principal(LIFECYCLE), bucket);
        let fresh_id = self.shared.options.identifiers.version_id();
        let effect = self
            .with(bucket, |holding| holding.bucket.expire(key, visit.arrival.at, fresh_id))
            .ok_or_else(|| SandboxS3Error::NoSuchBucket { bucket: bucket.into() })?;
        if effect == Effect::Nothing {
            return Err(SandboxS3Error::NothingToExpire { bucket: bucket.into(), key: key.into() });
        }
        visit.conclude(self, Call::Expire { key: key.into(), effect: effect.clone() }, None);
        Ok(effect)
    }

    /// The endpoint that speaks S3.
    #[must_use]
    pub fn service(&self) -> S3Endpoint {
        S3Endpoint::new(self.clone())
    }

    pub(super) fn options(&self) -> &S3Options {
        &self.shared.options
    }

    /// Who signs with this key.
    pub(super) fn principal(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        // A service has no key, and nobody is it for naming none.
        let mut signers =
            self.shared.options.principals.iter().filter(|one| !one.access_key_id.is_empty());
        signers.find(|signer| signer.access_key_id == access_key_id).cloned()
    }

    /// What a request is given that arrives now.
    pub(super) fn arrival(&self) -> Arrival {
        let S3Options { clock, identifiers, .. } = &self.shared.options;
        Arrival {
            at: clock.now(),
            request_id: identifiers.request_id(),
            host_id: identifiers.host_id(),
        }
    }

    pub(super) fn has(&self, bucket: &str) -> bool {
        self.by_name().contains_key(bucket)
    }

    /// Does something with a bucket, which nobody else sees before it is done; none if there is
    /// no such bucket.
    pub(super) fn with<T>(&self, bucket: &str, act: impl FnOnce(&mut Holding) -> T) -> Option<T> {
        self.by_name().get_mut(bucket).map(act)
    }

    /// All buckets by name.
    pub(super) fn by_name(&self) -> MutexGuard<'_, BTreeMap<String, Holding>> {
        self.shared.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Buckets::set_notifications`], by a request that arrived before.
    pub(super) fn notify(&self, bucket: &str, rules: Vec<NotificationRule>, arrival: &Arrival) {
        let replaced = self.with(bucket, |holding| holding.notifications.clone_from(&rules));
        if replaced.is_none() {
            return;
        }
        for rule in rules {
            let body = test_event(arrival.at, bucket, &arrival.request_id, &arrival.host_id);
            (self.shared.options.raises_test_event)(&rule.queue_arn, body);
        }
    }

    fn service_principal(&self, service: &str) -> Principal {
        Principal {
            name: service.into(),
            kind: Kind::Service,
            account: self.shared.options.account.clone(),
            access_key_id: String::new(),
            secret_access_key: String::new(),
        }
    }
}
