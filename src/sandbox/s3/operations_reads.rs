//! `GetObject` and `HeadObject`, over the wire.

use bytes::Bytes;
use s3s::{S3Request, S3Response, S3Result, dto};

use super::super::act::Call;
use super::super::bad_body;
use super::super::faults::Fault;
use super::bucket::{Absence, Object, Version};
use super::buckets::Buckets;
use super::conditions::{checked_version_id, permission, satisfies};
use super::operations_buckets::{look, shown_time};
use super::refused::Refused;
use super::visit::{Permission, Visit};

pub(super) fn get(
    buckets: &Buckets,
    request: S3Request<dto::GetObjectInput>,
) -> S3Result<dto::GetObjectOutput> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let wanted = Wanted {
        bucket: &input.bucket,
        key: &input.key,
        named: input.version_id.as_deref(),
        owner: input.expected_bucket_owner.as_deref(),
        if_match: input.if_match.as_ref(),
        if_none_match: input.if_none_match.as_ref(),
        range: input.range,
        is_head: false,
    };
    let found = read(buckets, visit, &wanted)?;
    let body = match buckets.options().faults.strike(&[Fault::S3BodyReset, Fault::S3SlowBody]) {
        Some(Fault::S3BodyReset) => dto::StreamingBlob::wrap(bad_body::cut(&found.bytes)),
        Some(Fault::S3SlowBody) => dto::StreamingBlob::wrap(bad_body::slow(&found.bytes)),
        _ => s3s::Body::from(found.bytes.clone()).into(),
    };
    Ok(dto::GetObjectOutput {
        accept_ranges: Some("bytes".into()),
        body: Some(body),
        content_encoding: found.object.content_encoding,
        content_length: i64::try_from(found.bytes.len()).ok(),
        content_range: found.content_range,
        content_type: Some(found.object.content_type),
        e_tag: Some(dto::ETag::Strong(found.object.etag)),
        last_modified: Some(shown_time(found.version.last_modified)),
        metadata: Some(found.object.metadata.into_iter().collect()),
        version_id: found.version_id,
        ..dto::GetObjectOutput::default()
    })
}

pub(super) fn head(
    buckets: &Buckets,
    request: S3Request<dto::HeadObjectInput>,
) -> S3Result<S3Response<dto::HeadObjectOutput>> {
    let visit = Visit::of(buckets, &request, &request.input.bucket);
    let input = request.input;
    let wanted = Wanted {
        bucket: &input.bucket,
        key: &input.key,
        named: input.version_id.as_deref(),
        owner: input.expected_bucket_owner.as_deref(),
        if_match: input.if_match.as_ref(),
        if_none_match: input.if_none_match.as_ref(),
        range: input.range,
        is_head: true,
    };
    let found = read(buckets, visit, &wanted)?;
    let status = found.content_range.as_ref().map(|_| axum::http::StatusCode::PARTIAL_CONTENT);
    let output = dto::HeadObjectOutput {
        accept_ranges: Some("bytes".into()),
        content_encoding: found.object.content_encoding,
        content_length: i64::try_from(found.bytes.len()).ok(),
        content_range: found.content_range,
        content_type: Some(found.object.content_type),
        e_tag: Some(dto::ETag::Strong(found.object.etag)),
        last_modified: Some(shown_time(found.version.last_modified)),
        metadata: Some(found.object.metadata.into_iter().collect()),
        version_id: found.version_id,
        ..dto::HeadObjectOutput::default()
    };
    Ok(S3Response { status, ..S3Response::new(output) })
}

/// What a read asks for.
struct Wanted<'a> {
    bucket: &'a str,
    key: &'a str,
    named: Option<&'a str>,
    owner: Option<&'a str>,
    if_match: Option<&'a dto::ETagCondition>,
    if_none_match: Option<&'a dto::ETagCondition>,
    range: Option<dto::Range>,
    is_head: bool,
}

/// What a read found.
struct Found {
    version: Version,
    object: Object,
    version_id: Option<String>,
    /// The bytes of the range.
    bytes: Bytes,
    content_range: Option<String>,
}

fn read(buckets: &Buckets, visit: Visit, wanted: &Wanted<'_>) -> Result<Found, Refused> {
    let result = visit
        .admit(
            buckets,
            permission("s3:GetObject", wanted.bucket, wanted.key, wanted.named),
            wanted.owner,
        )
        .and_then(|()| found(buckets, &visit, wanted));
    let call = Call::Get {
        key: wanted.key.to_owned(),
        named_version: wanted.named.map(str::to_owned),
        object_bytes: result.as_ref().map_or(0, |found| found.object.body.len() as u64),
        is_head: wanted.is_head,
    };
    visit.conclude(buckets, call, result.as_ref().err());
    result
}

fn found(buckets: &Buckets, visit: &Visit, wanted: &Wanted<'_>) -> Result<Found, Refused> {
    checked_version_id(wanted.named)?;
    let looked_up = look_up(buckets, wanted.bucket, wanted.key, wanted.named)?;
    let (version, object, version_id) = match looked_up {
        Ok(seen) => seen,
        Err(absence) => {
            // Who may not list a bucket is not told what is missing in it.
            let list = Permission { action: "s3:ListBucket", bucket: wanted.bucket, key: None };
            visit.check(buckets, list)?;
            return Err(Refused::absent(&absence));
        }
    };
    visit.check_key(buckets, wanted.bucket)?;
    if wanted.if_match.is_some_and(|condition| !satisfies(condition, &object.etag)) {
        return Err(Refused::precondition_failed());
    }
    if wanted.if_none_match.is_some_and(|condition| satisfies(condition, &object.etag)) {
        return Err(Refused::not_modified());
    }
    let whole = object.body.len();
    let Some(range) = wanted.range else {
        let bytes = object.body.clone();
        return Ok(Found { version, object, version_id, bytes, content_range: None });
    };
    let range = range.check(whole as u64).map_err(|_| Refused::invalid_range())?;
    let part = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    let (start, end) = part.ok_or_else(Refused::invalid_range)?;
    let content_range = Some(format!("bytes {start}-{}/{whole}", end.saturating_sub(1)));
    Ok(Found { bytes: object.body.slice(start..end), version, object, version_id, content_range })
}

/// A version, its object, and the version's id as answers show it.
type Seen = (Version, Object, Option<String>);

/// The object, or why there is none, in a bucket that has to exist.
pub(super) fn look_up(
    buckets: &Buckets,
    bucket: &str,
    key: &str,
    named: Option<&str>,
) -> Result<Result<Seen, Absence>, Refused> {
    look(buckets, bucket, |holding| {
        let (version, object) = holding.bucket.find(key, named)?;
        let version_id = holding.bucket.shown(version.id.clone());
        Ok((version.clone(), object.clone(), version_id))
    })
}
