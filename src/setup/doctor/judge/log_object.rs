//! Whether the newest log object can be read, with the key that it is encrypted with.

use std::time::Duration;

use crate::setup::doctor::check::{Check, Verdict};
use crate::setup::doctor::seen::{Inside, NewestObject, SeenLogBucket};
use crate::setup::refusal::Refusal;

/// `CloudTrail` writes every five minutes where anything happens; a day without is odd.
const AGE_MAX: Duration = Duration::from_hours(24);

pub(super) fn checks(bucket: &SeenLogBucket) -> Vec<Check> {
    let Ok(inside) = &bucket.inside else { return Vec::new() };
    let mut checks = vec![readable(bucket, inside).about("log_object", bucket.name.as_str())];
    checks.extend(key(inside).map(|verdict| verdict.about("log_key", bucket.name.as_str())));
    checks
}

fn readable(bucket: &SeenLogBucket, inside: &Inside) -> Verdict {
    let newest = match &inside.newest {
        Ok(Some(newest)) => newest,
        Ok(None) => {
            let place = format!("s3://{}/{}", bucket.name, bucket.prefix);
            return Verdict::warn(
                format!("there is no log object below {place}"),
                "wait ten minutes if the trail is new; else check its bucket and prefix",
            );
        }
        Err(refusal) => return Verdict::unanswered(refusal),
    };
    let NewestObject { key, age, read } = newest;
    match read {
        Ok(_) if age.is_some_and(|age| age > AGE_MAX) => {
            let hours = age.unwrap_or_default().as_secs() / 3_600;
            Verdict::warn(
                format!("{key} can be read, and is {hours} h old, the newest that was found"),
                "see that the trail still logs, and that --log-bucket names where it writes",
            )
        }
        Ok(_) => Verdict::ok(format!("{key} can be read")),
        // The words of S3 name the key, and the action on it.
        Err(refusal) if is_about_key(refusal) => Verdict::fail(
            refusal.to_string(),
            "allow kms:Decrypt on the key in the caller's IAM policy and in the policy of the key",
        ),
        Err(refusal) => Verdict::fail(refusal.to_string(), refusal.remedy()),
    }
}

fn is_about_key(refusal: &Refusal) -> bool {
    let text = refusal.to_string();
    text.contains("kms:") || text.contains("KMS.")
}

/// What KMS says of the key, if there is one.
fn key(inside: &Inside) -> Option<Verdict> {
    let read = inside.newest.as_ref().ok().and_then(Option::as_ref);
    let is_read = read.is_some_and(|newest| newest.read.as_ref().is_ok_and(Option::is_some));
    let Some(told) = &inside.key else {
        return inside.key_id.as_ref().err().map(Verdict::unanswered);
    };
    Some(match told {
        Ok(key) if key.state == "Enabled" && is_read => {
            Verdict::ok(format!("{} decrypts what was read", key.arn))
        }
        Ok(key) if key.state == "Enabled" => Verdict::unknown(
            format!("{} is enabled, and nothing was read with it", key.arn),
            format!("allow kms:Decrypt on {} where log objects cannot be read", key.arn),
        ),
        Ok(key) => Verdict::fail(
            format!("{} is in state {}", key.arn, key.state),
            format!("aws kms enable-key --key-id {}, or cancel its deletion first", key.arn),
        ),
        Err(_) if is_read => {
            Verdict::ok("it decrypts what was read, though it may not be described")
        }
        Err(refusal) => Verdict::unanswered(refusal),
    })
}
