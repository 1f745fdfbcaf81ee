//! Putting, copying and reading objects, over the wire. Each of these requests becomes an act.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use s3s::dto::{CopySource, ETag, ETagCondition};
use s3s::{S3Request, S3Result, dto};

use super::super::act::Call;
use super::super::faults::Fault;
use super::bucket::{Object, Version};
use super::buckets::Buckets;
use super::operations_buckets::shown_time;
use super::refused::Refused;
use super::slow_body;
use super::visit::{Permission, Visit};

/// What S3 calls an object whose writer did not say what it is.
const CONTENT_TYPE: &str = "binary/octet-stream";

/// What a write made, as the act and the answer tell it.
#[derive(Default)]
struct Made {
    version_id: Option<String>,
    object_bytes: u64,
    etag: String,
}

pub(super) async fn put(
    buckets: &Buckets,
    request: S3Request<dto::PutObjectInput>,
) -> S3Result<dto::PutObjectOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let (bucket, key) = (input.bucket, input.key);
    // S3 reads the body before it answers, whatever the answer; one that does not arrive whole is
    // no request that it logs.
    let body = whole(input.body).await?;
    let permission = Permission { action: "s3:PutObject", bucket: &bucket, key: Some(&key) };
    let metadata = input.metadata.unwrap_or_default().into_iter().collect();
    let content_type = input.content_type.unwrap_or_else(|| CONTENT_TYPE.to_owned());
    let object = Object::new(body, content_type, input.content_encoding, metadata);
    let stored = visit
        .admit(buckets, permission, input.expected_bucket_owner.as_deref())
        .and_then(|()| store(buckets, &visit, (&bucket, &key), object));
    let (made, refused) = split(stored);
    let answer = dto::PutObjectOutput {
        e_tag: Some(ETag::Strong(made.etag.clone())),
        version_id: made.version_id.clone(),
        ..dto::PutObjectOutput::default()
    };
    let Made { version_id, object_bytes, etag } = made;
    let call = Call::Put { key, version_id, object_bytes, etag };
    visit.conclude(buckets, call, refused.as_ref());
    refused.map_or(Ok(answer), |refused| Err(refused.into()))
}

pub(super) fn copy(
    buckets: &Buckets,
    request: S3Request<dto::CopyObjectInput>,
) -> S3Result<dto::CopyObjectOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let CopySource::Bucket { bucket: from, key: source_key, version_id: source_version } =
        input.copy_source
    else {
        return Err(Refused::invalid_argument("Copy sources of access points do not exist").into());
    };
    let (bucket, key) = (input.bucket, input.key);
    let stored = (|| {
        let read = Permission { action: "s3:GetObject", bucket: &from, key: Some(&source_key) };
        let write = Permission { action: "s3:PutObject", bucket: &bucket, key: Some(&key) };
        visit.admit(buckets, write, input.expected_bucket_owner.as_deref())?;
        visit.admit_without_chance(buckets, read, None)?;
        visit.check_key(buckets, &from)?;
        let (_, object) = found(buckets, &from, &source_key, source_version.as_deref())?;
        store(buckets, &visit, (&bucket, &key), object)
    })();
    let (made, refused) = split(stored);
    let result = dto::CopyObjectResult {
        e_tag: Some(ETag::Strong(made.etag.clone())),
        last_modified: Some(shown_time(visit.arrival.at)),
        ..dto::CopyObjectResult::default()
    };
    let answer = dto::CopyObjectOutput {
        copy_object_result: Some(result),
        version_id: made.version_id.clone(),
        ..dto::CopyObjectOutput::default()
    };
    let Made { version_id, object_bytes, etag } = made;
    let source = format!("{from}/{source_key}");
    let call = Call::Copy { key, version_id, object_bytes, etag, source };
    visit.conclude(buckets, call, refused.as_ref());
    refused.map_or(Ok(answer), |refused| Err(refused.into()))
}

pub(super) fn get(
    buckets: &Buckets,
    request: S3Request<dto::GetObjectInput>,
) -> S3Result<dto::GetObjectOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let conditions = (input.if_match.as_ref(), input.if_none_match.as_ref());
    let owner = input.expected_bucket_owner.as_deref();
    let named = input.version_id.as_deref();
    let read = read(buckets, &visit, (&input.bucket, &input.key), named, owner, conditions)
        .and_then(|(version, object)| {
            let all = 0..object.body.len() as u64;
            let part = match &input.range {
                Some(range) => range.check(all.end).map_err(|_| Refused::invalid_range())?,
                None => all,
            };
            Ok((version, object, part))
        });
    let (answer, object_bytes, refused) = match read {
        Ok((version, object, part)) => {
            let object_bytes = object.body.len() as u64;
            let is_part = input.range.is_some();
            (Some(answer_of(buckets, version, object, part, is_part)), object_bytes, None)
        }
        Err(refused) => (None, 0, Some(refused)),
    };
    let call =
        Call::Get { key: input.key, named_version: input.version_id, object_bytes, is_head: false };
    visit.conclude(buckets, call, refused.as_ref());
    match (answer, refused) {
        (Some(answer), _) => Ok(answer),
        (None, refused) => Err(refused.unwrap_or_else(Refused::internal_error).into()),
    }
}

pub(super) fn head(
    buckets: &Buckets,
    request: S3Request<dto::HeadObjectInput>,
) -> S3Result<dto::HeadObjectOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let conditions = (input.if_match.as_ref(), input.if_none_match.as_ref());
    let owner = input.expected_bucket_owner.as_deref();
    let named = input.version_id.as_deref();
    let read = read(buckets, &visit, (&input.bucket, &input.key), named, owner, conditions);
    let object_bytes = read.as_ref().map_or(0, |(_, object)| object.body.len() as u64);
    let call = Call::Get {
        key: input.key,
        named_version: input.version_id.clone(),
        object_bytes,
        is_head: true,
    };
    visit.conclude(buckets, call, read.as_ref().err());
    let (version, object) = read?;
    Ok(dto::HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: i64::try_from(object_bytes).ok(),
        content_type: Some(object.content_type),
        content_encoding: object.content_encoding,
        e_tag: Some(ETag::Strong(object.etag)),
        last_modified: Some(shown_time(version.last_modified)),
        metadata: Some(object.metadata.into_iter().collect()),
        version_id: version.shown_id,
        ..dto::HeadObjectOutput::default()
    })
}

/// A version as an answer tells of it.
struct ShownVersion {
    last_modified: deltrail_core::domain::Timestamp,
    shown_id: Option<String>,
}

type Found = (ShownVersion, Object);

/// What the caller may read and wants to.
fn read(
    buckets: &Buckets,
    visit: &Visit,
    (bucket, key): (&str, &str),
    named: Option<&str>,
    owner: Option<&str>,
    (if_match, if_none_match): (Option<&ETagCondition>, Option<&ETagCondition>),
) -> Result<Found, Refused> {
    let permission = Permission { action: "s3:GetObject", bucket, key: Some(key) };
    visit.admit(buckets, permission, owner)?;
    let (version, object) = found(buckets, bucket, key, named)?;
    visit.check_key(buckets, bucket)?;
    if if_match.is_some_and(|wanted| !holds(wanted, &object.etag)) {
        return Err(Refused::precondition_failed());
    }
    if if_none_match.is_some_and(|known| holds(known, &object.etag)) {
        return Err(Refused::not_modified());
    }
    Ok((version, object))
}

fn found(
    buckets: &Buckets,
    bucket: &str,
    key: &str,
    named: Option<&str>,
) -> Result<Found, Refused> {
    let look = buckets.with(bucket, |holding| {
        let (Version { id, last_modified, .. }, object) = holding.bucket.find(key, named)?;
        let shown_id = holding.bucket.shown(id.clone());
        Ok((ShownVersion { last_modified: *last_modified, shown_id }, object.clone()))
    });
    look.ok_or_else(Refused::no_such_bucket)?.map_err(|absence| Refused::absent(&absence))
}

pub(super) fn holds(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.value() == etag,
    }
}

fn store(
    buckets: &Buckets,
    visit: &Visit,
    (bucket, key): (&str, &str),
    object: Object,
) -> Result<Made, Refused> {
    let (object_bytes, etag) = (object.body.len() as u64, object.etag.clone());
    let fresh_id = buckets.options().identifiers.version_id();
    let put = |version_id| Made { version_id, object_bytes, etag };
    buckets
        .with(bucket, |holding| holding.bucket.put(key, object, visit.arrival.at, fresh_id))
        .map(put)
        .ok_or_else(Refused::no_such_bucket)
}

fn split(stored: Result<Made, Refused>) -> (Made, Option<Refused>) {
    match stored {
        Ok(made) => (made, None),
        Err(refused) => (Made::default(), Some(refused)),
    }
}

fn answer_of(
    buckets: &Buckets,
    version: ShownVersion,
    object: Object,
    part: std::ops::Range<u64>,
    is_part: bool,
) -> dto::GetObjectOutput {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(object.body.len());
    let body = object.body.slice(place(part.start)..place(part.end));
    let (last, whole) = (part.end.saturating_sub(1), object.body.len());
    let range = is_part.then(|| format!("bytes {}-{last}/{whole}", part.start));
    let length = i64::try_from(body.len()).ok();
    let body = match buckets.options().faults.strike(&[Fault::S3BodyReset, Fault::S3SlowBody]) {
        Some(Fault::S3BodyReset) => slow_body::cut(&body),
        Some(_) => slow_body::slow(&body),
        None => s3s::Body::from(body).into(),
    };
    dto::GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        body: Some(body),
        content_length: length,
        content_range: range,
        content_type: Some(object.content_type),
        content_encoding: object.content_encoding,
        e_tag: Some(ETag::Strong(object.etag)),
        last_modified: Some(shown_time(version.last_modified)),
        metadata: Some(object.metadata.into_iter().collect()),
        version_id: version.shown_id,
        ..dto::GetObjectOutput::default()
    }
}

async fn whole(body: Option<dto::StreamingBlob>) -> Result<Bytes, Refused> {
    let Some(mut body) = body else { return Ok(Bytes::new()) };
    let mut all = BytesMut::new();
    loop {
        match body.try_next().await {
            Ok(Some(piece)) => all.extend_from_slice(&piece),
            Ok(None) => return Ok(all.freeze()),
            Err(error) => {
                let message = format!("The body did not arrive as it was announced: {error}");
                return Err(Refused::new(400, "IncompleteBody", &message));
            }
        }
    }
}
