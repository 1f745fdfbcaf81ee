//! Whether what is deleted in a watched bucket could be had back.

use crate::setup::doctor::check::{Check, Verdict};
use crate::setup::doctor::seen::{Protection, SeenBucket, SeenWatched, Versioning};

/// A mistake should be found before it is final.
const NONCURRENT_DAYS_MIN: i32 = 7;

pub(super) fn checks(watched: &SeenWatched) -> Vec<Check> {
    let mut checks: Vec<Check> = watched.buckets.iter().map(check).collect();
    if watched.more > 0 {
        let verdict = Verdict::unknown(
            format!("{} more buckets are watched, and were not looked at", watched.more),
            "name those that matter with --important-bucket or --watch-bucket",
        );
        checks.push(verdict.about("recoverability", "the other buckets"));
    }
    if let Some(refusal) = &watched.unlisted {
        checks.push(Verdict::unanswered(refusal).about("recoverability", "watched buckets"));
    }
    checks
}

fn check(bucket: &SeenBucket) -> Check {
    let verdict = match &bucket.protection {
        Ok(protection) => recoverable(&bucket.name, protection),
        Err(refusal) => Verdict::unanswered(refusal),
    };
    verdict.about("recoverability", bucket.name.as_str())
}

fn recoverable(name: &str, protection: &Protection) -> Verdict {
    let enable = format!(
        "aws s3api put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled"
    );
    match (protection.versioning, &protection.noncurrent_days) {
        (Versioning::Never, _) => Verdict::warn("no versioning: a delete is final", enable),
        (Versioning::Suspended, _) => {
            Verdict::warn("versioning is suspended: deletes and overwrites are final", enable)
        }
        (Versioning::Enabled, Ok(Some(days))) if *days < NONCURRENT_DAYS_MIN => Verdict::warn(
            format!("versions are kept, and removed {days} days after they were replaced"),
            "lengthen NoncurrentVersionExpiration in the bucket's lifecycle rules",
        ),
        (Versioning::Enabled, Ok(Some(days))) => {
            Verdict::ok(format!("versions are kept for {days} days after they were replaced"))
        }
        (Versioning::Enabled, Ok(None)) => Verdict::ok("versions are kept"),
        (Versioning::Enabled, Err(refusal)) => Verdict::unknown(
            format!("versions are kept; how long is not known: {refusal}"),
            refusal.remedy(),
        ),
    }
}
