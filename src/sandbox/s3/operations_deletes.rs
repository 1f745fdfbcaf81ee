//! `DeleteObject` and `DeleteObjects`, over the wire.

use s3s::{S3Request, S3Result, dto};

use super::super::act::{BulkEntry, Call, Effect};
use super::buckets::Buckets;
use super::conditions::{checked_version_id, permission, satisfies};
use super::refused::Refused;
use super::visit::Visit;

/// Most keys in one `DeleteObjects` call.
const KEYS_MAX: usize = 1_000;

pub(super) fn delete(
    buckets: &Buckets,
    request: S3Request<dto::DeleteObjectInput>,
) -> S3Result<dto::DeleteObjectOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let named = input.version_id.as_deref();
    let wanted = permission("s3:DeleteObject", &input.bucket, &input.key, named);
    let owner = input.expected_bucket_owner.as_deref();
    let target = Target { key: &input.key, named, if_match: input.if_match.as_ref() };
    let result = visit
        .admit(buckets, wanted, owner)
        .and_then(|()| delete_one(buckets, &visit, &input.bucket, target));
    let effect = result.clone().unwrap_or(Effect::Nothing);
    let output = answer(&effect, named);
    let call = Call::Delete { key: input.key, named_version: input.version_id, effect };
    visit.conclude(buckets, call, result.as_ref().err());
    result?;
    Ok(output)
}

pub(super) fn delete_many(
    buckets: &Buckets,
    request: S3Request<dto::DeleteObjectsInput>,
) -> S3Result<dto::DeleteObjectsOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let whole = admit_many(buckets, &visit, &input);
    // A call that is refused as a whole names no result for any key.
    let admitted = if whole.is_ok() { input.delete.objects } else { Vec::new() };
    let each = admitted.into_iter().map(|object| entry(buckets, &visit, &input.bucket, object));
    let entries: Vec<BulkEntry> = each.collect();
    let output = bulk_answer(&entries, input.delete.quiet.unwrap_or(false));
    visit.conclude(buckets, Call::BulkDelete { entries }, whole.as_ref().err());
    whole?;
    Ok(output)
}

/// What is to be deleted, and under which condition.
#[derive(Clone, Copy)]
struct Target<'a> {
    key: &'a str,
    named: Option<&'a str>,
    /// What the object's entity tag has to be.
    if_match: Option<&'a dto::ETagCondition>,
}

fn admit_many(
    buckets: &Buckets,
    visit: &Visit,
    input: &dto::DeleteObjectsInput,
) -> Result<(), Refused> {
    // A caller who may not delete is told so for each key, inside an answer that says yes.
    visit.admit_unchecked(buckets, input.expected_bucket_owner.as_deref())?;
    if (1..=KEYS_MAX).contains(&input.delete.objects.len()) {
        return Ok(());
    }
    let message = "The XML you provided was not well-formed or did not validate against our \
                   published schema";
    Err(Refused::new(400, "MalformedXML", message))
}

fn entry(
    buckets: &Buckets,
    visit: &Visit,
    bucket: &str,
    object: dto::ObjectIdentifier,
) -> BulkEntry {
    let dto::ObjectIdentifier { key, version_id: named_version, e_tag, .. } = object;
    let named = named_version.as_deref();
    let if_match = e_tag.map(dto::ETagCondition::ETag);
    let target = Target { key: &key, named, if_match: if_match.as_ref() };
    let result = visit
        .check(buckets, permission("s3:DeleteObject", bucket, &key, named))
        .and_then(|()| delete_one(buckets, visit, bucket, target))
        .map_err(|refused| refused.refusal);
    BulkEntry { key, named_version, result }
}

fn delete_one(
    buckets: &Buckets,
    visit: &Visit,
    bucket: &str,
    target: Target<'_>,
) -> Result<Effect, Refused> {
    let Target { key, named, if_match } = target;
    checked_version_id(named)?;
    if if_match.is_some() && named.is_some() {
        let message = "A header you provided implies functionality that is not implemented";
        return Err(Refused::new(501, "NotImplemented", message));
    }
    let fresh_id = buckets.options().identifiers.version_id();
    let deleted = buckets.with(bucket, |holding| {
        if let Some(condition) = if_match {
            let (_, object) =
                holding.bucket.find(key, None).map_err(|absence| Refused::absent(&absence))?;
            if !satisfies(condition, &object.etag) {
                return Err(Refused::precondition_failed());
            }
        }
        Ok(holding.bucket.delete(key, named, visit.arrival.at, fresh_id))
    });
    deleted.unwrap_or_else(|| Err(Refused::no_such_bucket()))
}

fn answer(effect: &Effect, named: Option<&str>) -> dto::DeleteObjectOutput {
    let (is_marker, version_id) = match effect {
        Effect::Object | Effect::Nothing => (false, named),
        Effect::Version { id, was_marker } => (*was_marker, Some(id.as_str())),
        Effect::Marker { id } => (true, Some(id.as_str())),
    };
    dto::DeleteObjectOutput {
        delete_marker: is_marker.then_some(true),
        version_id: version_id.map(str::to_owned),
        request_charged: None,
    }
}

fn bulk_answer(entries: &[BulkEntry], is_quiet: bool) -> dto::DeleteObjectsOutput {
    let mut output = dto::DeleteObjectsOutput::default();
    for BulkEntry { key, named_version, result } in entries {
        let key = Some(key.clone());
        match result {
            Err(refusal) => output.errors.get_or_insert_default().push(dto::Error {
                code: Some(refusal.code.clone()),
                key,
                message: Some(refusal.message.clone()),
                version_id: named_version.clone(),
            }),
            Ok(_) if is_quiet => {}
            Ok(effect) => output.deleted.get_or_insert_default().push(dto::DeletedObject {
                key,
                version_id: named_version.clone(),
                ..marker_of(effect)
            }),
        }
    }
    output
}

/// What a bulk answer says of a delete marker that was made or deleted.
fn marker_of(effect: &Effect) -> dto::DeletedObject {
    let (Effect::Marker { id } | Effect::Version { id, was_marker: true }) = effect else {
        return dto::DeletedObject::default();
    };
    dto::DeletedObject {
        delete_marker: Some(true),
        delete_marker_version_id: Some(id.clone()),
        ..dto::DeletedObject::default()
    }
}
