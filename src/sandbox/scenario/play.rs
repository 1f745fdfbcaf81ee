//! Plays a scenario through S3's wire protocol, each deed at its time by the sandbox's clock, and
//! writes the truth as S3 answers. It knows the sandbox as any client of S3 does.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::delete_object::{DeleteObjectError, DeleteObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use deltrail_core::domain::Timestamp;

use super::deed::{Actor, Deed, Planned};
use super::image_service::PROTECTED;
use super::truth::Truth;
use crate::sandbox::clock::{Clock, after};
use crate::sandbox::faults::Faults;
use crate::sandbox::s3::Buckets;

/// S3 did not answer as the scenario needs it.
#[derive(Debug, thiserror::Error)]
#[error("{call} of {bucket}/{key} in the sandbox: {detail}")]
pub struct PlayError {
    call: &'static str,
    bucket: String,
    key: String,
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
}

/// The versions that the scenario has seen, by bucket and key.
type Seen = HashMap<(&'static str, String), String>;

impl Player {
    /// Plays `plan`, whose times count from `beginning`, and passes every line of the story to
    /// `tell` at its time.
    ///
    /// # Errors
    /// When S3 does not answer as it should.
    pub async fn play(
        &self,
        plan: Vec<Planned>,
        beginning: Timestamp,
        mut tell: impl FnMut(Timestamp, Actor, &str),
    ) -> Result<Truth, PlayError> {
        let mut truth = Truth::default();
        let mut seen = Seen::new();
        for (bucket, key) in plan.iter().flat_map(|planned| protected(&planned.deed)) {
            self.faults.deny("s3:DeleteObject", &format!("{bucket}/{key}"));
        }
        for Planned { after: time, actor, deed } in plan {
            let at = after(beginning, time);
            self.clock.sleep_until(at).await;
            if let Deed::Tell(text) = &deed {
                tell(at, actor, text);
            } else {
                self.act(&self.clients[&actor], deed, &mut truth, &mut seen).await?;
            }
        }
        Ok(truth)
    }

    async fn act(
        &self,
        client: &Client,
        deed: Deed,
        truth: &mut Truth,
        seen: &mut Seen,
    ) -> Result<(), PlayError> {
        match deed {
            Deed::Tell(_) => Ok(()),
            Deed::Upload { bucket, key, object_bytes } => {
                let body = ByteStream::from(vec![b'i'; object_bytes]);
                let put = client.put_object().bucket(bucket).key(&key).body(body).send().await;
                let put = put.map_err(|error| failed("PutObject", bucket, &key, &error))?;
                seen.extend(put.version_id.map(|version| ((bucket, key), version)));
                Ok(())
            }
            Deed::Read { bucket, key } => {
                let read = client.get_object().bucket(bucket).key(&key).send().await;
                read.map(drop).map_err(|error| failed("GetObject", bucket, &key, &error))
            }
            Deed::Delete { bucket, key } => {
                let deleted = client.delete_object().bucket(bucket).key(&key).send().await;
                note_delete(deleted, bucket, key, truth, seen)
            }
            Deed::DeleteTwice { bucket, key } => {
                let delete = || client.delete_object().bucket(bucket).key(&key).send();
                let (one, other) = tokio::join!(delete(), delete());
                note_delete(one, bucket, key.clone(), truth, seen)?;
                note_delete(other, bucket, key, truth, seen)
            }
            Deed::DeleteVersion { bucket, key } | Deed::Undelete { bucket, key } => {
                let version = seen.get(&(bucket, key.clone())).cloned().unwrap_or_default();
                let delete = client.delete_object().bucket(bucket).key(&key).version_id(version);
                let deleted = delete.send().await;
                deleted.map_err(|error| failed("DeleteObject", bucket, &key, &error))?;
                truth.deleted(bucket, "version");
                Ok(())
            }
            Deed::DeleteMany { bucket, keys } => delete_many(client, bucket, &keys, truth).await,
            Deed::Expire { bucket, key } => {
                self.buckets.expire(bucket, &key).map_err(|error| PlayError {
                    call: "expiry",
                    bucket: bucket.into(),
                    key,
                    detail: error.to_string(),
                })?;
                truth.expired += 1;
                Ok(())
            }
        }
    }
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

/// What S3 answered to a `DeleteObject` that named no version.
fn note_delete(
    deleted: Result<DeleteObjectOutput, SdkError<DeleteObjectError>>,
    bucket: &'static str,
    key: String,
    truth: &mut Truth,
    seen: &mut Seen,
) -> Result<(), PlayError> {
    match deleted {
        Ok(answer) if answer.delete_marker == Some(true) => {
            truth.deleted(bucket, "marker");
            seen.extend(answer.version_id.map(|marker| ((bucket, key), marker)));
        }
        Ok(_) => truth.deleted(bucket, "object"),
        Err(error) if error.code() == Some("AccessDenied") => truth.refused(bucket),
        Err(error) => return Err(failed("DeleteObject", bucket, &key, &error)),
    }
    Ok(())
}

async fn delete_many(
    client: &Client,
    bucket: &'static str,
    keys: &[String],
    truth: &mut Truth,
) -> Result<(), PlayError> {
    let first = keys.first().map_or("", String::as_str);
    let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
    let objects = objects.collect::<Result<Vec<_>, _>>();
    let delete = objects.and_then(|keys| Delete::builder().set_objects(Some(keys)).build());
    let delete = delete.map_err(|error| PlayError {
        call: "DeleteObjects",
        bucket: bucket.into(),
        key: first.into(),
        detail: error.to_string(),
    })?;
    let answer = client.delete_objects().bucket(bucket).delete(delete).send().await;
    let answer = answer.map_err(|error| failed("DeleteObjects", bucket, first, &error))?;
    truth.deleted_many(bucket, answer.deleted().len() as u64);
    Ok(())
}

fn failed<E>(call: &'static str, bucket: &str, key: &str, error: &SdkError<E>) -> PlayError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let detail = DisplayErrorContext(error).to_string();
    PlayError { call, bucket: bucket.into(), key: key.into(), detail }
}
