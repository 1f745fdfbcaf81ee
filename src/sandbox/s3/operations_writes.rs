//! `PutObject` and `CopyObject`, over the wire.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use s3s::{S3Request, S3Result, dto};

use super::super::act::Call;
use super::bucket::{Absence, Object};
use super::buckets::Buckets;
use super::conditions::{checked_version_id, permission, satisfies};
use super::operations_buckets::shown_time;
use super::operations_reads::look_up;
use super::refused::Refused;
use super::visit::{Permission, Visit};

/// Most bytes of an object; all of them are in memory. S3 itself takes 5 GiB in one put.
const OBJECT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// What an object is that nobody said anything about.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// An object that was stored.
struct Stored {
    version_id: Option<String>,
    last_modified: dto::Timestamp,
    etag: String,
    object_bytes: u64,
}

pub(super) async fn put(
    buckets: &Buckets,
    mut request: S3Request<dto::PutObjectInput>,
) -> S3Result<dto::PutObjectOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let body = request.input.body.take();
    let input = request.input;
    let wanted =
        Permission { action: "s3:PutObject", bucket: &input.bucket, key: Some(&input.key) };
    // The body is read whatever the answer, or a caller that still sends would not hear it.
    let body = collected(body).await;
    let result = visit
        .admit(buckets, wanted, input.expected_bucket_owner.as_deref())
        .and_then(|()| store(buckets, &visit, &input, body?));
    let call = Call::Put {
        key: input.key,
        version_id: result.as_ref().ok().and_then(|stored| stored.version_id.clone()),
        object_bytes: result.as_ref().map_or(0, |stored| stored.object_bytes),
        etag: result.as_ref().map_or_else(|_| String::new(), |stored| stored.etag.clone()),
    };
    visit.conclude(buckets, call, result.as_ref().err());
    let stored = result?;
    Ok(dto::PutObjectOutput {
        e_tag: Some(dto::ETag::Strong(stored.etag)),
        version_id: stored.version_id,
        ..dto::PutObjectOutput::default()
    })
}

pub(super) fn copy(
    buckets: &Buckets,
    request: S3Request<dto::CopyObjectInput>,
) -> S3Result<dto::CopyObjectOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let result = copied(buckets, &visit, &input);
    let call = Call::Copy {
        version_id: result.as_ref().ok().and_then(|stored| stored.version_id.clone()),
        object_bytes: result.as_ref().map_or(0, |stored| stored.object_bytes),
        etag: result.as_ref().map_or_else(|_| String::new(), |stored| stored.etag.clone()),
        source: match &input.copy_source {
            dto::CopySource::Bucket { bucket, key, .. } => format!("{bucket}/{key}"),
            dto::CopySource::AccessPoint { key, .. } | dto::CopySource::Outpost { key, .. } => {
                key.to_string()
            }
        },
        key: input.key,
    };
    visit.conclude(buckets, call, result.as_ref().err());
    let stored = result?;
    let copy_object_result = dto::CopyObjectResult {
        e_tag: Some(dto::ETag::Strong(stored.etag)),
        last_modified: Some(stored.last_modified),
        ..dto::CopyObjectResult::default()
    };
    let copy_source_version_id = match input.copy_source {
        dto::CopySource::Bucket { version_id, .. } => version_id.map(String::from),
        _ => None,
    };
    Ok(dto::CopyObjectOutput {
        copy_object_result: Some(copy_object_result),
        copy_source_version_id,
        version_id: stored.version_id,
        ..dto::CopyObjectOutput::default()
    })
}

fn store(
    buckets: &Buckets,
    visit: &Visit,
    input: &dto::PutObjectInput,
    body: Bytes,
) -> Result<Stored, Refused> {
    let metadata = input.metadata.clone().unwrap_or_default().into_iter().collect();
    let content_type = input.content_type.clone().unwrap_or_else(|| DEFAULT_CONTENT_TYPE.into());
    let encoding = input.content_encoding.as_deref().and_then(stored_encoding);
    let object = Object::new(body, content_type, encoding, metadata);
    let (if_match, if_none_match) = (input.if_match.as_ref(), input.if_none_match.as_ref());
    store_if(buckets, visit, (&input.bucket, &input.key), object, |current| {
        let holds = match (if_match, current) {
            (None, _) => true,
            (Some(_), None) => return Err(Refused::no_such_key()),
            (Some(condition), Some(etag)) => satisfies(condition, etag),
        };
        let is_new =
            if_none_match.zip(current).is_none_or(|(condition, etag)| !satisfies(condition, etag));
        if holds && is_new { Ok(()) } else { Err(Refused::precondition_failed()) }
    })
}

fn store_if(
    buckets: &Buckets,
    visit: &Visit,
    (bucket, key): (&str, &str),
    object: Object,
    condition: impl FnOnce(Option<&str>) -> Result<(), Refused>,
) -> Result<Stored, Refused> {
    let (etag, object_bytes) = (object.etag.clone(), object.body.len() as u64);
    let fresh_id = buckets.options().identifiers.version_id();
    let stored = buckets.with(bucket, |holding| {
        let current = holding.bucket.find(key, None).ok();
        condition(current.map(|(_, object)| object.etag.as_str()))?;
        let version_id = holding.bucket.put(key, object, visit.arrival.at, fresh_id);
        let last_modified = shown_time(visit.arrival.at);
        Ok(Stored { version_id, last_modified, etag, object_bytes })
    });
    stored.unwrap_or_else(|| Err(Refused::no_such_bucket()))
}

fn copied(
    buckets: &Buckets,
    visit: &Visit,
    input: &dto::CopyObjectInput,
) -> Result<Stored, Refused> {
    let to = Permission { action: "s3:PutObject", bucket: &input.bucket, key: Some(&input.key) };
    visit.admit(buckets, to, input.expected_bucket_owner.as_deref())?;
    let dto::CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
        return Err(Refused::new(501, "NotImplemented", "The source has to be bucket/key."));
    };
    let named = version_id.as_deref();
    checked_version_id(named)?;
    let from = permission("s3:GetObject", bucket, key, named);
    visit.admit_without_chance(buckets, from, input.expected_source_bucket_owner.as_deref())?;
    visit.check_key(buckets, bucket)?;
    let (_, source, _) =
        look_up(buckets, bucket, key, named)?.map_err(|absence| match absence {
            Absence::Marker { .. } => Refused::new(
                400,
                "InvalidRequest",
                "The source of a copy request may not specifically refer to a delete marker by \
                 version id.",
            ),
            other => Refused::absent(&other),
        })?;
    let directive = input.metadata_directive.as_ref().map(dto::MetadataDirective::as_str);
    let is_replaced = directive == Some(dto::MetadataDirective::REPLACE);
    let is_itself = **bucket == *input.bucket && **key == *input.key && named.is_none();
    if is_itself && !is_replaced {
        let message = "This copy request is illegal because it is trying to copy an object to \
                       itself without changing the object's metadata, storage class, website \
                       redirect location or encryption attributes.";
        return Err(Refused::new(400, "InvalidRequest", message));
    }
    let object = if is_replaced { replaced(source, input) } else { source };
    store_if(buckets, visit, (&input.bucket, &input.key), object, |_| Ok(()))
}

/// The same bytes with what the copy says of them.
fn replaced(source: Object, input: &dto::CopyObjectInput) -> Object {
    let metadata: BTreeMap<String, String> =
        input.metadata.clone().unwrap_or_default().into_iter().collect();
    Object {
        content_type: input.content_type.clone().unwrap_or_else(|| DEFAULT_CONTENT_TYPE.into()),
        content_encoding: input.content_encoding.as_deref().and_then(stored_encoding),
        metadata,
        ..source
    }
}

/// The encoding of what is stored: how the request was cut into chunks is not part of it.
fn stored_encoding(header: &str) -> Option<String> {
    let kept: Vec<&str> =
        header.split(',').map(str::trim).filter(|one| *one != "aws-chunked").collect();
    Some(kept.join(",")).filter(|kept| !kept.is_empty())
}

async fn collected(body: Option<dto::StreamingBlob>) -> Result<Bytes, Refused> {
    let mut collected = BytesMut::new();
    let Some(mut body) = body else { return Ok(collected.freeze()) };
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| {
            let message = format!("The request body could not be read: {error}");
            Refused::new(400, "IncompleteBody", &message)
        })?;
        if collected.len() + chunk.len() > OBJECT_BYTES_MAX {
            let message = "Your proposed upload exceeds the maximum allowed size";
            return Err(Refused::new(400, "EntityTooLarge", message));
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.freeze())
}
