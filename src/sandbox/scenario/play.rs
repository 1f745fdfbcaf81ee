//! Plays a scenario through the wire protocols of S3 and SQS, each deed at its time by the
//! sandbox's clock, and writes the truth as S3 answers. It knows the sandbox as any client does.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::delete_object::{DeleteObjectError, DeleteObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, DeletedObject, ObjectIdentifier};
use deltrail_core::domain::{Intent, Timestamp};

use super::deed::{Actor, Channel, Deed, Planned};
use super::image_service::PROTECTED;
use super::truth::{Removed, Truth};
use crate::sandbox::act::Effect;
use crate::sandbox::clock::{Clock, after};
use crate::sandbox::faults::Faults;
use crate::sandbox::record::intent;
use crate::sandbox::s3::Buckets;

/// What the keys of objects with intents begin with in the bucket of the logs.
pub(super) const INTENTS_PREFIX: &str = "intents/";

/// S3 or SQS did not answer as the scenario needs it.
#[derive(Debug, thiserror::Error)]
#[error("{call} of {resource} in the sandbox: {detail}")]
pub struct PlayError {
    call: &'static str,
    resource: String,
    detail: String,
}

impl PlayError {
    /// Never: the sandbox is on this machine, and faults are not for the scenario's own calls.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// What is needed to play.
pub struct Player {
    /// The sandbox's clock.
    pub clock: Clock,
    /// For what S3 does by itself.
    pub buckets: Buckets,
    /// For what a policy forbids.
    pub faults: Faults,
    /// An S3 client for each actor.
    pub clients: BTreeMap<Actor, Client>,
    /// The SQS client of the application.
    pub sqs: aws_sdk_sqs::Client,
    /// The URL of the queue that intents are told to.
    pub intents_queue_url: String,
    /// The bucket that intents are written to.
    pub log_bucket: String,
}

/// What a play has come to.
struct Play<'a> {
    player: &'a Player,
    truth: Truth,
    /// The versions and markers that were made last, by bucket and key.
    seen: HashMap<(&'static str, String), String>,
}

impl Player {
    /// Plays `plan`, whose times count from `beginning`, and passes every line of the story to
    /// `tell` at its time. The clock stands still at each deed until it is done, so that all
    /// happens as planned however fast that clock runs; after the last one it is left standing.
    ///
    /// # Errors
    /// When S3 or SQS do not answer as they should.
    pub async fn play(
        &self,
        plan: Vec<Planned>,
        beginning: Timestamp,
        mut tell: impl FnMut(Timestamp, Actor, &str),
    ) -> Result<Truth, PlayError> {
        for (bucket, key) in plan.iter().flat_map(|planned| protected(&planned.deed)) {
            self.faults.deny("s3:DeleteObject", &format!("{bucket}/{key}"));
        }
        let mut under_way = Play { player: self, truth: Truth::default(), seen: HashMap::new() };
        for Planned { after: time, actor, deed } in plan {
            let at = after(beginning, time);
            self.clock.stop_at(at).await;
            if let Deed::Tell(text) = &deed {
                tell(at, actor, text);
            } else {
                under_way.act(actor, deed).await?;
            }
        }
        Ok(under_way.truth)
    }
}

impl Play<'_> {
    async fn act(&mut self, actor: Actor, deed: Deed) -> Result<(), PlayError> {
        let client = &self.player.clients[&actor];
        let at = self.player.clock.now();
        match deed {
            Deed::Tell(_) => Ok(()),
            Deed::Upload { bucket, key, object_bytes } => {
                let body = ByteStream::from(vec![b'i'; object_bytes]);
                let put = client.put_object().bucket(bucket).key(&key).body(body).send().await;
                let put = put.map_err(|error| failed("PutObject", bucket, &key, &error))?;
                self.truth.uploaded(bucket, &key, at);
                self.seen.extend(put.version_id.map(|version| ((bucket, key), version)));
                Ok(())
            }
            Deed::Read { bucket, key } => {
                let read = client.get_object().bucket(bucket).key(&key).send().await;
                read.map(drop).map_err(|error| failed("GetObject", bucket, &key, &error))
            }
            Deed::Delete { bucket, key } => {
                let deleted = client.delete_object().bucket(bucket).key(&key).send().await;
                self.note_delete(deleted, bucket, key)
            }
            Deed::DeleteTwice { bucket, key } => {
                let delete = || client.delete_object().bucket(bucket).key(&key).send();
                let (one, other) = tokio::join!(delete(), delete());
                self.note_delete(one, bucket, key.clone())?;
                self.note_delete(other, bucket, key)
            }
            Deed::DeleteVersion { bucket, key } | Deed::Undelete { bucket, key } => {
                let version = self.seen.get(&(bucket, key.clone())).cloned().unwrap_or_default();
                let delete = client.delete_object().bucket(bucket).key(&key).version_id(&version);
                let deleted = delete.send().await;
                deleted.map_err(|error| failed("DeleteObject", bucket, &key, &error))?;
                self.truth.deleted(bucket, &key, Removed::Version(&version), at);
                Ok(())
            }
            Deed::DeleteMany { bucket, keys } => self.delete_many(actor, bucket, &keys).await,
            Deed::Declare { channel, bucket, intents } => {
                self.declare(actor, channel, bucket, intents).await
            }
            Deed::Expire { bucket, key } => self.expire(bucket, &key),
        }
    }

    /// What S3 answered to a `DeleteObject` that named no version.
    fn note_delete(
        &mut self,
        deleted: Result<DeleteObjectOutput, SdkError<DeleteObjectError>>,
        bucket: &'static str,
        key: String,
    ) -> Result<(), PlayError> {
        let at = self.player.clock.now();
        match deleted {
            Ok(answer) if answer.delete_marker == Some(true) => {
                self.truth.deleted(bucket, &key, Removed::Marker, at);
                self.seen.extend(answer.version_id.map(|marker| ((bucket, key), marker)));
            }
            Ok(_) => self.truth.deleted(bucket, &key, Removed::Object, at),
            Err(error) if error.code() == Some("AccessDenied") => self.truth.refused(bucket),
            Err(error) => return Err(failed("DeleteObject", bucket, &key, &error)),
        }
        Ok(())
    }

    async fn delete_many(
        &mut self,
        actor: Actor,
        bucket: &'static str,
        keys: &[String],
    ) -> Result<(), PlayError> {
        let first = keys.first().map_or("", String::as_str);
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
        let objects = objects.collect::<Result<Vec<_>, _>>();
        let delete = objects.and_then(|keys| Delete::builder().set_objects(Some(keys)).build());
        let delete = delete.map_err(|error| PlayError {
            call: "DeleteObjects",
            resource: format!("{bucket}/{first}"),
            detail: error.to_string(),
        })?;
        let client = &self.player.clients[&actor];
        let answer = client.delete_objects().bucket(bucket).delete(delete).send().await;
        let answer = answer.map_err(|error| failed("DeleteObjects", bucket, first, &error))?;
        let accepted = answer.deleted().iter().map(|one| (one.key().unwrap_or(""), removed(one)));
        let refused = answer.errors().len() as u64;
        self.truth.deleted_many(bucket, accepted, refused, self.player.clock.now());
        Ok(())
    }

    async fn declare(
        &mut self,
        actor: Actor,
        channel: Channel,
        bucket: &'static str,
        intents: Vec<Vec<String>>,
    ) -> Result<(), PlayError> {
        let requested_at = self.player.clock.now();
        let mut declared = Vec::with_capacity(intents.len());
        for keys in intents {
            let number = self.truth.intents + 1;
            let intent = Intent {
                id: format!("removal-{number:04}"),
                bucket: bucket.into(),
                keys,
                requested_at,
                by: Some(actor.name().into()),
                reference: None,
            };
            self.truth.declared(bucket, &intent);
            declared.push(intent);
        }
        match channel {
            Channel::Message => self.send_intents(&declared).await,
            Channel::LogObject => self.put_intents(actor, &declared).await,
        }
    }

    async fn send_intents(&self, intents: &[Intent]) -> Result<(), PlayError> {
        let Player { sqs, intents_queue_url, .. } = self.player;
        for intent in intents {
            let body = intent::line(intent);
            let sent = sqs.send_message().queue_url(intents_queue_url).message_body(body);
            sent.send().await.map_err(|error| PlayError {
                call: "SendMessage",
                resource: intents_queue_url.clone(),
                detail: DisplayErrorContext(&error).to_string(),
            })?;
        }
        Ok(())
    }

    async fn put_intents(&mut self, actor: Actor, intents: &[Intent]) -> Result<(), PlayError> {
        let bucket = self.player.log_bucket.as_str();
        let first = intents.first().map_or("none", |intent| intent.id.as_str());
        let key = format!("{INTENTS_PREFIX}{first}.ndjson.gz");
        let body = ByteStream::from(intent::log_object(intents));
        let client = &self.player.clients[&actor];
        let put = client.put_object().bucket(bucket).key(&key).body(body).send().await;
        put.map_err(|error| failed("PutObject", bucket, &key, &error))?;
        self.truth.intent_objects += 1;
        Ok(())
    }

    fn expire(&mut self, bucket: &'static str, key: &str) -> Result<(), PlayError> {
        let effect = self.player.buckets.expire(bucket, key).map_err(|error| PlayError {
            call: "expiry",
            resource: format!("{bucket}/{key}"),
            detail: error.to_string(),
        })?;
        let removed = match &effect {
            Effect::Object | Effect::Nothing => Removed::Object,
            Effect::Marker { .. } => Removed::Marker,
            Effect::Version { id, .. } => Removed::Version(id),
        };
        self.truth.expired(bucket, key, removed);
        Ok(())
    }
}

/// What a bulk call did to one of its keys, none of which named a version.
fn removed(deleted: &DeletedObject) -> Removed<'_> {
    if deleted.delete_marker == Some(true) { Removed::Marker } else { Removed::Object }
}

/// The keys that a deed goes for and a policy protects.
fn protected(deed: &Deed) -> Vec<(&'static str, String)> {
    let (bucket, keys) = match deed {
        Deed::Delete { bucket, key } => (*bucket, std::slice::from_ref(key)),
        Deed::DeleteMany { bucket, keys } => (*bucket, keys.as_slice()),
        _ => return Vec::new(),
    };
    let held = keys.iter().filter(|key| key.starts_with(PROTECTED));
    held.map(|key| (bucket, key.clone())).collect()
}

fn failed<E>(call: &'static str, bucket: &str, key: &str, error: &SdkError<E>) -> PlayError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let detail = DisplayErrorContext(error).to_string();
    PlayError { call, resource: format!("{bucket}/{key}"), detail }
}
