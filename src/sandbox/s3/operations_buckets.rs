//! Buckets themselves and their settings, over the wire. None of these requests becomes an act,
//! and none fails by chance: they set the scene.

use s3s::{S3Request, S3Result, dto};

use super::bucket::Versioning;
use super::buckets::{AccessLogTarget, Buckets, Holding};
use super::notifications;
use super::refused::Refused;
use super::visit::{Permission, Visit};

/// The region whose buckets name no location.
const FIRST_REGION: &str = "us-east-1";

pub(super) fn create(
    buckets: &Buckets,
    request: &S3Request<dto::CreateBucketInput>,
) -> S3Result<dto::CreateBucketOutput> {
    let bucket = request.input.bucket.as_str();
    let permission = Permission { action: "s3:CreateBucket", bucket, key: None };
    Visit::of(buckets, request, bucket).check(buckets, permission)?;
    let region = buckets.options().region.as_str();
    let configuration = request.input.create_bucket_configuration.as_ref();
    let wanted = configuration.and_then(|wanted| wanted.location_constraint.as_ref());
    let right = (region != FIRST_REGION).then_some(region);
    if wanted.map(dto::BucketLocationConstraint::as_str) != right {
        let named = wanted.map_or("unspecified", dto::BucketLocationConstraint::as_str);
        let message = format!(
            "The {named} location constraint is incompatible for the region specific endpoint \
             this request was sent to."
        );
        return Err(Refused::new(400, "IllegalLocationConstraintException", &message).into());
    }
    // In its first region S3 says yes a second time.
    if buckets.has(bucket) && region != FIRST_REGION {
        let message = "Your previous request to create the named bucket succeeded and you already \
                       own it.";
        return Err(Refused::new(409, "BucketAlreadyOwnedByYou", message).into());
    }
    if !buckets.has(bucket) {
        buckets.create(bucket, Versioning::Off);
    }
    Ok(dto::CreateBucketOutput { location: Some(format!("/{bucket}")) })
}

pub(super) fn delete(
    buckets: &Buckets,
    request: &S3Request<dto::DeleteBucketInput>,
) -> S3Result<dto::DeleteBucketOutput> {
    let input = &request.input;
    let owner = input.expected_bucket_owner.as_deref();
    admit(buckets, request, "s3:DeleteBucket", &input.bucket, owner)?;
    let mut by_name = buckets.by_name();
    if by_name.get(&input.bucket).is_some_and(|holding| !holding.bucket.is_empty()) {
        let message = "The bucket you tried to delete is not empty. You must delete all versions \
                       in the bucket.";
        return Err(Refused::new(409, "BucketNotEmpty", message).into());
    }
    by_name.remove(&input.bucket);
    Ok(dto::DeleteBucketOutput {})
}

pub(super) fn head(
    buckets: &Buckets,
    request: &S3Request<dto::HeadBucketInput>,
) -> S3Result<dto::HeadBucketOutput> {
    let input = &request.input;
    let owner = input.expected_bucket_owner.as_deref();
    admit(buckets, request, "s3:ListBucket", &input.bucket, owner)?;
    let bucket_region = Some(buckets.options().region.clone());
    Ok(dto::HeadBucketOutput { bucket_region, ..Default::default() })
}

pub(super) fn list(
    buckets: &Buckets,
    request: &S3Request<dto::ListBucketsInput>,
) -> S3Result<dto::ListBucketsOutput> {
    let permission = Permission { action: "s3:ListAllMyBuckets", bucket: "*", key: None };
    Visit::of(buckets, request, "").check(buckets, permission)?;
    let prefix = request.input.prefix.as_deref().unwrap_or_default();
    let by_name = buckets.by_name();
    let listed = by_name.iter().filter(|(name, _)| name.starts_with(prefix));
    let shown = listed.map(|(name, holding)| dto::Bucket {
        name: Some(name.clone()),
        creation_date: Some(shown_time(holding.created_at)),
        bucket_region: Some(buckets.options().region.clone()),
    });
    let prefix = request.input.prefix.clone();
    Ok(dto::ListBucketsOutput { buckets: Some(shown.collect()), prefix, ..Default::default() })
}

pub(super) fn location(
    buckets: &Buckets,
    request: &S3Request<dto::GetBucketLocationInput>,
) -> S3Result<dto::GetBucketLocationOutput> {
    let input = &request.input;
    let owner = input.expected_bucket_owner.as_deref();
    admit(buckets, request, "s3:GetBucketLocation", &input.bucket, owner)?;
    let region = Some(buckets.options().region.clone()).filter(|region| region != FIRST_REGION);
    let location_constraint = region.map(dto::BucketLocationConstraint::from);
    Ok(dto::GetBucketLocationOutput { location_constraint })
}

pub(super) fn put_versioning(
    buckets: &Buckets,
    request: &S3Request<dto::PutBucketVersioningInput>,
) -> S3Result<dto::PutBucketVersioningOutput> {
    let input = &request.input;
    let owner = input.expected_bucket_owner.as_deref();
    admit(buckets, request, "s3:PutBucketVersioning", &input.bucket, owner)?;
    let status = input.versioning_configuration.status.as_ref();
    let versioning = match status.map(dto::BucketVersioningStatus::as_str) {
        Some(dto::BucketVersioningStatus::ENABLED) => Versioning::Enabled,
        Some(dto::BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
        _ => {
            let message = "The Versioning element must be specified";
            let code = "IllegalVersioningConfigurationException";
            return Err(Refused::new(400, code, message).into());
        }
    };
    look(buckets, &input.bucket, |holding| holding.bucket.set_versioning(versioning))?;
    Ok(dto::PutBucketVersioningOutput {})
}

pub(super) fn versioning(
    buckets: &Buckets,
    request: &S3Request<dto::GetBucketVersioningInput>,
) -> S3Result<dto::GetBucketVersioningOutput> {
    let input = &request.input;
    let owner = input.expected_bucket_owner.as_deref();
    admit(buckets, request, "s3:GetBucketVersioning", &input.bucket, owner)?;
    let status = match look(buckets, &input.bucket, |holding| holding.bucket.versioning())? {
        Versioning::Off => None,
        Versioning::Enabled => Some(dto::BucketVersioningStatus::ENABLED),
        Versioning::Suspended => Some(dto::BucketVersioningStatus::SUSPENDED),
    };
    let status = status.map(dto::BucketVersioningStatus::from_static);
    Ok(dto::GetBucketVersioningOutput { status, mfa_delete: None })
}

pub(super) fn put_notifications(
    buckets: &Buckets,
    request: S3Request<dto::PutBucketNotificationConfigurationInput>,
) -> S3Result<dto::PutBucketNotificationConfigurationOutput> {
    let owner = request.input.expected_bucket_owner.as_deref();
    let bucket = request.input.bucket.as_str();
    let visit = admit(buckets, &request, "s3:PutBucketNotification", bucket, owner)?;
    let fresh_id = || buckets.options().identifiers.uuid();
    let input = request.input;
    let rules = notifications::rules_of(input.notification_configuration, fresh_id);
    buckets.notify(&input.bucket, rules, &visit.arrival);
    Ok(dto::PutBucketNotificationConfigurationOutput {})
}

pub(super) fn notifications(
    buckets: &Buckets,
    request: &S3Request<dto::GetBucketNotificationConfigurationInput>,
) -> S3Result<dto::GetBucketNotificationConfigurationOutput> {
    let input = &request.input;
    let owner = input.expected_bucket_owner.as_deref();
    admit(buckets, request, "s3:GetBucketNotification", &input.bucket, owner)?;
    let rules = buckets.notification_rules(&input.bucket).into_iter();
    let queues: Vec<_> = rules.map(notifications::configuration_of).collect();
    let queue_configurations = Some(queues).filter(|queues| !queues.is_empty());
    Ok(dto::GetBucketNotificationConfigurationOutput { queue_configurations, ..Default::default() })
}

pub(super) fn put_logging(
    buckets: &Buckets,
    request: S3Request<dto::PutBucketLoggingInput>,
) -> S3Result<dto::PutBucketLoggingOutput> {
    let owner = request.input.expected_bucket_owner.as_deref();
    admit(buckets, &request, "s3:PutBucketLogging", &request.input.bucket, owner)?;
    let dto::PutBucketLoggingInput { bucket, bucket_logging_status, .. } = request.input;
    let target = bucket_logging_status
        .logging_enabled
        .map(|on| AccessLogTarget { bucket: on.target_bucket, prefix: on.target_prefix });
    if target.as_ref().is_some_and(|target| !buckets.has(&target.bucket)) {
        let message = "The target bucket for logging does not exist";
        return Err(Refused::new(400, "InvalidTargetBucketForLogging", message).into());
    }
    buckets.set_access_log(&bucket, target);
    Ok(dto::PutBucketLoggingOutput {})
}

pub(super) fn logging(
    buckets: &Buckets,
    request: &S3Request<dto::GetBucketLoggingInput>,
) -> S3Result<dto::GetBucketLoggingOutput> {
    let input = &request.input;
    let owner = input.expected_bucket_owner.as_deref();
    admit(buckets, request, "s3:GetBucketLogging", &input.bucket, owner)?;
    let target = buckets.access_log(&input.bucket);
    let logging_enabled = target.map(|target| dto::LoggingEnabled {
        target_bucket: target.bucket,
        target_prefix: target.prefix,
        target_grants: None,
        target_object_key_format: None,
    });
    Ok(dto::GetBucketLoggingOutput { logging_enabled })
}

/// A time as the protocol crate takes it.
pub(super) fn shown_time(at: deltrail_core::domain::Timestamp) -> dto::Timestamp {
    let since_epoch = std::time::Duration::from_millis(at.as_millis().max(0).cast_unsigned());
    (std::time::UNIX_EPOCH + since_epoch).into()
}

fn admit<T>(
    buckets: &Buckets,
    request: &S3Request<T>,
    action: &str,
    bucket: &str,
    owner: Option<&str>,
) -> Result<Visit, Refused> {
    let visit = Visit::of(buckets, request, bucket);
    visit.admit_without_chance(buckets, Permission { action, bucket, key: None }, owner)?;
    Ok(visit)
}

/// Does something with a bucket that has to be there.
pub(super) fn look<T>(
    buckets: &Buckets,
    bucket: &str,
    act: impl FnOnce(&mut Holding) -> T,
) -> Result<T, Refused> {
    buckets.with(bucket, act).ok_or_else(Refused::no_such_bucket)
}
