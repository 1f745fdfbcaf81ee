//! Deleting objects, one or up to 1 000 of them, over the wire. Each request becomes one act.

use s3s::{S3Request, S3Result, dto};

use super::super::act::{BulkEntry, Call, Effect};
use super::bucket::Object;
use super::buckets::Buckets;
use super::operations_objects::holds;
use super::refused::Refused;
use super::visit::{Permission, Visit};

/// Keys in one `DeleteObjects` call, at most.
const KEYS_MAX: usize = 1_000;

const ACTION: &str = "s3:DeleteObject";

pub(super) fn delete(
    buckets: &Buckets,
    request: S3Request<dto::DeleteObjectInput>,
) -> S3Result<dto::DeleteObjectOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let (bucket, key) = (input.bucket.as_str(), input.key.as_str());
    let named = input.version_id.as_deref();
    let permission = Permission { action: action_for(named), bucket, key: Some(key) };
    let deleted = visit
        .admit(buckets, permission, input.expected_bucket_owner.as_deref())
        .and_then(|()| meets(buckets, bucket, key, input.if_match.as_ref()))
        .and_then(|()| remove(buckets, &visit, (bucket, key), named));
    let effect = deleted.as_ref().map_or(Effect::Nothing, Clone::clone);
    let answer = match &effect {
        Effect::Object => dto::DeleteObjectOutput::default(),
        Effect::Nothing => {
            dto::DeleteObjectOutput { version_id: input.version_id.clone(), ..Default::default() }
        }
        Effect::Version { id, was_marker } => dto::DeleteObjectOutput {
            delete_marker: was_marker.then_some(true),
            version_id: Some(id.clone()),
            ..Default::default()
        },
        Effect::Marker { id } => dto::DeleteObjectOutput {
            delete_marker: Some(true),
            version_id: Some(id.clone()),
            ..Default::default()
        },
    };
    let call = Call::Delete { key: input.key, named_version: input.version_id, effect };
    visit.conclude(buckets, call, deleted.as_ref().err());
    deleted.map(|_| answer).map_err(Into::into)
}

pub(super) fn delete_many(
    buckets: &Buckets,
    request: S3Request<dto::DeleteObjectsInput>,
) -> S3Result<dto::DeleteObjectsOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let bucket = input.bucket.as_str();
    if input.delete.objects.is_empty() || input.delete.objects.len() > KEYS_MAX {
        let message = "The XML you provided was not well-formed or did not validate against our \
                       published schema";
        return Err(Refused::new(400, "MalformedXML", message).into());
    }
    let permission = Permission { action: ACTION, bucket, key: None };
    let owner = input.expected_bucket_owner.as_deref();
    // Whoever may not delete in the bucket at all is told so for each key; only a missing bucket,
    // its owner and chance refuse the call as a whole.
    let admitted = visit.admit(buckets, permission, owner);
    let is_denied = buckets.options().faults.denies(ACTION, bucket);
    let refused = admitted.err().filter(|refused| !(is_denied && refused.refusal.status == 403));
    let asked = input.delete.objects;
    let entries: Vec<BulkEntry> = if refused.is_some() {
        Vec::new()
    } else {
        asked.into_iter().map(|object| delete_one(buckets, &visit, bucket, object)).collect()
    };
    let is_quiet = input.delete.quiet.unwrap_or_default();
    let answer = answer_of(&entries, is_quiet);
    visit.conclude(buckets, Call::BulkDelete { entries }, refused.as_ref());
    refused.map_or(Ok(answer), |refused| Err(refused.into()))
}

fn delete_one(
    buckets: &Buckets,
    visit: &Visit,
    bucket: &str,
    object: dto::ObjectIdentifier,
) -> BulkEntry {
    let dto::ObjectIdentifier { key, version_id: named_version, .. } = object;
    let named = named_version.as_deref();
    let permission = Permission { action: action_for(named), bucket, key: Some(&key) };
    let result = visit
        .check(buckets, permission)
        .and_then(|()| remove(buckets, visit, (bucket, &key), named))
        .map_err(|refused| refused.refusal);
    BulkEntry { key, named_version, result }
}

fn action_for(named_version: Option<&str>) -> &'static str {
    if named_version.is_some() { "s3:DeleteObjectVersion" } else { ACTION }
}

fn meets(
    buckets: &Buckets,
    bucket: &str,
    key: &str,
    if_match: Option<&dto::ETagCondition>,
) -> Result<(), Refused> {
    let Some(condition) = if_match else { return Ok(()) };
    let etag_of = |object: &Object| object.etag.clone();
    let current = buckets.with(bucket, |holding| {
        holding.bucket.find(key, None).ok().map(|(_, object)| etag_of(object))
    });
    match current.flatten() {
        None => Err(Refused::no_such_key()),
        Some(etag) if holds(condition, &etag) => Ok(()),
        Some(_) => Err(Refused::precondition_failed()),
    }
}

fn remove(
    buckets: &Buckets,
    visit: &Visit,
    (bucket, key): (&str, &str),
    named: Option<&str>,
) -> Result<Effect, Refused> {
    let fresh_id = buckets.options().identifiers.version_id();
    buckets
        .with(bucket, |holding| holding.bucket.delete(key, named, visit.arrival.at, fresh_id))
        .ok_or_else(Refused::no_such_bucket)
}

fn answer_of(entries: &[BulkEntry], is_quiet: bool) -> dto::DeleteObjectsOutput {
    let mut answer = dto::DeleteObjectsOutput::default();
    for BulkEntry { key, named_version, result } in entries {
        let (key, version_id) = (Some(key.clone()), named_version.clone());
        match result {
            Err(refusal) => answer.errors.get_or_insert_default().push(dto::Error {
                code: Some(refusal.code.clone()),
                message: Some(refusal.message.clone()),
                key,
                version_id,
            }),
            Ok(_) if is_quiet => {}
            Ok(effect) => {
                let marker = match effect {
                    Effect::Marker { id } | Effect::Version { id, was_marker: true } => {
                        Some(id.clone())
                    }
                    _ => None,
                };
                answer.deleted.get_or_insert_default().push(dto::DeletedObject {
                    delete_marker: marker.is_some().then_some(true),
                    delete_marker_version_id: marker,
                    key,
                    version_id,
                });
            }
        }
    }
    answer
}
