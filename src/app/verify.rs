//! The composition root of `deltrail verify`: objects, public keys, and the shell that verifies. No
//! store is opened and nothing is served.

use std::path::Path;

use aws_config::{BehaviorVersion, SdkConfig};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::ingest::{self, ScanSource, Verified, VerifyOrder, VerifySummary};
use crate::objects::{Objects, ObjectsOptions, S3Objects};
use crate::trail_keys::TrailKeys;

/// Tries of one request: no queue brings back what failed.
const ATTEMPTS: u32 = 5;
/// Verdicts that nobody has taken yet.
const TOLD_MAX: usize = 256;

/// Verifies what an order names, and calls `tell` with each verdict. Public keys come out of a file
/// if one is named, else from CloudTrail.
///
/// # Errors
/// What keeps it from going on: no public keys, or a list that cannot be had.
pub async fn verify(
    config: &Config,
    order: VerifyOrder,
    public_keys: Option<&Path>,
    mut tell: impl FnMut(&Verified),
) -> anyhow::Result<VerifySummary> {
    let is_in_s3 = matches!(order.source, ScanSource::S3 { .. });
    // To look for credentials takes seconds where there are none.
    let aws = if is_in_s3 || public_keys.is_none() {
        aws_config::defaults(BehaviorVersion::latest()).load().await
    } else {
        SdkConfig::builder().build()
    };
    let keys = match public_keys {
        Some(path) => TrailKeys::of_file(path)?,
        None => TrailKeys::of_service(&aws),
    };
    let objects = if is_in_s3 {
        Objects::FilesAndS3(S3Objects::new(
            &aws,
            ObjectsOptions {
                path_style: config.s3_path_style,
                expected_bucket_owner: config.log_bucket_owner.clone(),
                attempts: ATTEMPTS,
            },
        ))
    } else {
        Objects::Files
    };
    let (sender, mut told) = mpsc::channel(TOLD_MAX);
    let verifying = ingest::verify(order, objects, keys, sender);
    let telling = async {
        while let Some(verified) = told.recv().await {
            tell(&verified);
        }
    };
    let (summary, ()) = tokio::join!(verifying, telling);
    Ok(summary?)
}
