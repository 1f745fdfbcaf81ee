//! Asking S3 about the buckets whose deletions are kept: which ones there are, and whether what is
//! deleted there could be had back.

use aws_config::SdkConfig;
use aws_sdk_s3::types::{BucketVersioningStatus, ExpirationStatus};
use futures_util::future::join_all;

use super::seen::{Answer, Protection, SeenBucket, SeenWatched, Versioning};
use super::{Watched, or_none};
use crate::setup::client::{Bucket, config, default_region, in_time};
use crate::setup::refusal::{Asked, Refusal};

/// Buckets that are looked at; each takes three questions.
const BUCKETS_MAX: usize = 20;
/// Pages of the list of buckets.
const PAGES_MAX: usize = 20;

/// The buckets that are meant, and what protects them.
pub(super) async fn read(aws: &SdkConfig, watched: &Watched, path_style: bool) -> SeenWatched {
    let mut names = watched.names.clone();
    names.dedup();
    let mut unlisted = None;
    if let Some(fits) = &watched.fits {
        match in_time(asked_of_account(), names_of_all(aws)).await {
            Ok(all) => {
                let others =
                    all.into_iter().filter(|name| fits(name) && !watched.names.contains(name));
                names.extend(others);
            }
            Err(refusal) => unlisted = Some(refusal),
        }
    }
    let more = names.len().saturating_sub(BUCKETS_MAX);
    names.truncate(BUCKETS_MAX);
    let buckets = names.into_iter().map(async |name| SeenBucket {
        protection: protection(aws, &name, path_style).await,
        name,
    });
    SeenWatched { buckets: join_all(buckets).await, more, unlisted }
}

fn asked_of_account() -> Asked {
    Asked::new("s3:ListAllMyBuckets", "the account")
}

async fn names_of_all(aws: &SdkConfig) -> Answer<Vec<String>> {
    let client = aws_sdk_s3::Client::new(&config(aws, &default_region(aws)));
    let mut names = Vec::new();
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let page = client.list_buckets().set_continuation_token(token).send().await;
        let page = page.map_err(|error| Refusal::of(asked_of_account(), &error))?;
        names.extend(page.buckets.unwrap_or_default().into_iter().filter_map(|it| it.name));
        token = page.continuation_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(names)
}

async fn protection(aws: &SdkConfig, name: &str, path_style: bool) -> Answer<Protection> {
    let bucket = Bucket::find(aws, name, path_style).await?;
    let (versioning, noncurrent_days) = tokio::join!(versioning(&bucket), noncurrent_days(&bucket));
    Ok(Protection { versioning: versioning?, noncurrent_days, region: bucket.region })
}

async fn versioning(bucket: &Bucket) -> Answer<Versioning> {
    let answer = bucket.client.get_bucket_versioning().bucket(&bucket.name).send().await;
    let asked = || bucket.asked("s3:GetBucketVersioning");
    let answer = answer.map_err(|error| Refusal::of(asked(), &error))?;
    Ok(match answer.status {
        Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
        Some(_) => Versioning::Suspended,
        None => Versioning::Never,
    })
}

async fn noncurrent_days(bucket: &Bucket) -> Answer<Option<i32>> {
    let get = bucket.client.get_bucket_lifecycle_configuration().bucket(&bucket.name).send().await;
    let asked = || bucket.asked("s3:GetLifecycleConfiguration");
    let answer = or_none(get.map_err(|error| Refusal::of(asked(), &error)))?;
    let rules = answer.and_then(|answer| answer.rules).unwrap_or_default();
    let rules = rules.into_iter().filter(|rule| rule.status == ExpirationStatus::Enabled);
    Ok(rules.filter_map(|rule| rule.noncurrent_version_expiration?.noncurrent_days).min())
}
