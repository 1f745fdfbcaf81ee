//! Whether a trail writes to the log buckets, logs the deletes of the watched ones with the keys of
//! bulk deletes, and does not log its own writing.

use super::few;
use crate::setup::doctor::check::{Check, Verdict};
use crate::setup::doctor::seen::{Seen, SeenBucket, SeenLogBucket};
use crate::setup::policy::bucket_arn;
use crate::setup::trail::Trail;
use crate::setup::trail::selectors::{Coverage, Events, coverage};

/// A trail that has written nothing for so long writes nothing, or nobody does anything.
const SILENCE_MAX_MILLIS: i64 = 3_600_000;
const CALL: &str = "AwsApiCall";
/// What the keys of a bulk delete are logged as.
const KEY_OF_BULK: &str = "AwsServiceEvent";
/// A bucket that no selector names: what is logged of it is logged of all.
const ANY_BUCKET: &str = "*";

/// A bucket whose deletes should be logged.
struct Wanted<'a> {
    name: &'a str,
    arn: String,
    /// Where it is, if that is known.
    region: Option<&'a str>,
}

pub(super) fn checks(seen: &Seen, now_millis: i64) -> Vec<Check> {
    let untold = seen.trails_untold.iter();
    let mut checks: Vec<Check> =
        untold.map(|refusal| Verdict::unanswered(refusal).about("trail", "trails")).collect();
    for bucket in &seen.log_buckets {
        let writes = seen.trails.iter().any(|trail| writes_to(trail, bucket));
        if writes || !seen.trails_untold.is_empty() {
            continue;
        }
        let verdict = Verdict::warn(
            "no trail that this account sees writes there",
            "if one of another account does, run `deltrail doctor` with credentials of that \
             account; else make a trail, or ask for access logs or notifications alone",
        );
        checks.push(verdict.about("trail", bucket.name.as_str()));
    }
    let ours: Vec<&Trail> = seen
        .trails
        .iter()
        .filter(|trail| seen.log_buckets.iter().any(|bucket| writes_to(trail, bucket)))
        .collect();
    for trail in &ours {
        let verdicts = [
            ("trail_logging", logging(trail, now_millis)),
            ("digest_validation", digests(trail)),
            ("feedback_loop", feedback(trail)),
            ("management_events", management(trail)),
        ];
        checks.extend(verdicts.map(|(name, verdict)| verdict.about(name, trail.arn.as_str())));
    }
    if !ours.is_empty() {
        let wanted = wanted(seen);
        checks.push(deletes(seen, &ours, &wanted).about("delete_events", "watched buckets"));
        checks.push(keys_of_bulk(&ours, &wanted).about("bulk_delete_keys", "watched buckets"));
    }
    checks
}

fn writes_to(trail: &Trail, bucket: &SeenLogBucket) -> bool {
    let below = |deeper: &str, upper: &str| {
        upper.is_empty()
            || deeper.strip_prefix(upper).is_some_and(|it| it.is_empty() || it.starts_with('/'))
    };
    // A prefix of ours may lie below that of the trail, as `org/AWSLogs/1111...` does.
    trail.bucket == bucket.name
        && (below(&trail.prefix, &bucket.prefix) || below(&bucket.prefix, &trail.prefix))
}

fn logging(trail: &Trail, now_millis: i64) -> Verdict {
    let status = match &trail.status {
        Ok(status) => status,
        Err(refusal) => return Verdict::unanswered(refusal),
    };
    if !status.is_logging {
        let command = format!(
            "aws cloudtrail start-logging --name {} --region {}",
            trail.arn, trail.home_region
        );
        return Verdict::fail("it is switched off", command);
    }
    if let Some(error) = &status.delivery_error {
        return Verdict::fail(
            format!("it cannot write to its bucket ({error})"),
            "check the policy of the bucket: cloudtrail.amazonaws.com needs s3:GetBucketAcl on it \
             and s3:PutObject below AWSLogs/ACCOUNT/; and the policy of its key",
        );
    }
    match status.delivered_millis {
        Some(at) if now_millis - at > SILENCE_MAX_MILLIS => Verdict::warn(
            format!("it logs, and wrote last {} min ago", (now_millis - at) / 60_000),
            "see that anything happens that it selects",
        ),
        Some(at) => {
            Verdict::ok(format!("it logs, and wrote {} min ago", (now_millis - at).max(0) / 60_000))
        }
        None => Verdict::ok("it logs, and has not written yet"),
    }
}

fn digests(trail: &Trail) -> Verdict {
    if !trail.validates {
        let command = format!(
            "aws cloudtrail update-trail --name {} --region {} --enable-log-file-validation",
            trail.arn, trail.home_region
        );
        return Verdict::warn("no digests: a log file that was changed looks like any", command);
    }
    let error = trail.status.as_ref().ok().and_then(|status| status.digest_error.as_deref());
    match error {
        Some(error) => Verdict::warn(
            format!("digests are on, and the last could not be written ({error})"),
            "check the policy of the bucket and of its key",
        ),
        None => Verdict::ok("digests are on"),
    }
}

fn feedback(trail: &Trail) -> Verdict {
    if trail.logs_itself == Some(false) {
        return Verdict::ok("its own writing is not logged (RecursiveLogging is off)");
    }
    let selectors = match &trail.selectors {
        Ok(selectors) => selectors,
        Err(refusal) => return Verdict::unanswered(refusal),
    };
    let arn = bucket_arn(&trail.bucket, &trail.home_region);
    let puts = Events::Object { name: "PutObject", kind: CALL, bucket_arn: &arn };
    match coverage(selectors, puts) {
        Coverage::None => Verdict::ok("what is written to its own bucket is not logged"),
        Coverage::Part | Coverage::Full => Verdict::warn(
            "it logs what it writes to its own bucket, and so writes for ever",
            format!(
                "aws cloudtrail update-trail --name {} --region {} --no-recursive-logging; or \
                 leave the bucket out by an advanced selector: resources.ARN NotStartsWith {arn}/",
                trail.arn, trail.home_region
            ),
        ),
    }
}

fn management(trail: &Trail) -> Verdict {
    let selectors = match &trail.selectors {
        Ok(selectors) => selectors,
        Err(refusal) => return Verdict::unanswered(refusal),
    };
    match coverage(selectors, Events::Management { name: "PutBucketLifecycle" }) {
        Coverage::Full => Verdict::ok("changes of what protects buckets are logged"),
        Coverage::Part => Verdict::ok("some changes of what protects buckets are logged"),
        Coverage::None => Verdict::warn(
            "changes of what protects buckets (lifecycle, versioning, policies) are not logged",
            "log management events that write, in this trail or in another one to the same bucket",
        ),
    }
}

/// The watched buckets without those that logs are written to; any bucket when none is known.
fn wanted(seen: &Seen) -> Vec<Wanted<'_>> {
    let is_log = |bucket: &&SeenBucket| seen.log_buckets.iter().any(|log| log.name == bucket.name);
    let wanted: Vec<Wanted<'_>> = seen
        .watched
        .buckets
        .iter()
        .filter(|bucket| !is_log(bucket))
        .map(|bucket| {
            let region = bucket.protection.as_ref().ok().map(|it| it.region.as_str());
            let arn = bucket_arn(&bucket.name, region.unwrap_or_default());
            Wanted { name: &bucket.name, arn, region }
        })
        .collect();
    if wanted.is_empty() {
        let arn = bucket_arn(ANY_BUCKET, "");
        return vec![Wanted { name: ANY_BUCKET, arn, region: None }];
    }
    wanted
}

/// How much of the deletes of a bucket all trails together log. What several log in part is a part.
fn logged(trails: &[&Trail], bucket: &Wanted<'_>, kind: &'static str) -> Coverage {
    let of_trail = |trail: &&Trail| {
        let is_seen =
            trail.is_multi_region || bucket.region.is_none_or(|region| region == trail.home_region);
        let selectors = trail.selectors.as_ref().ok().filter(|_| is_seen);
        let deletes = Events::Object { name: "DeleteObject", kind, bucket_arn: &bucket.arn };
        selectors.map_or(Coverage::None, |selectors| coverage(selectors, deletes))
    };
    trails.iter().map(of_trail).max().unwrap_or(Coverage::None)
}

fn named<'a>(wanted: &[&Wanted<'a>]) -> Vec<&'a str> {
    wanted.iter().map(|bucket| bucket.name).collect()
}

fn deletes(seen: &Seen, trails: &[&Trail], wanted: &[Wanted<'_>]) -> Verdict {
    let with = |wanted_coverage| -> Vec<&Wanted<'_>> {
        wanted.iter().filter(|it| logged(trails, it, CALL) == wanted_coverage).collect()
    };
    let (none, part) = (with(Coverage::None), with(Coverage::Part));
    if none.is_empty() && part.is_empty() {
        return Verdict::ok("deletes of every watched bucket are logged");
    }
    if let Some(refusal) = trails.iter().find_map(|trail| trail.selectors.as_ref().err()) {
        return Verdict::unanswered(refusal);
    }
    let remedy = "log data events of AWS::S3::Object that write: an advanced selector with \
                  eventCategory Equals Data, resources.type Equals AWS::S3::Object, readOnly \
                  Equals false, and no eventType (aws cloudtrail put-event-selectors)";
    if wanted.iter().any(|bucket| bucket.name == ANY_BUCKET) {
        let seen_why = seen.watched.unlisted.as_ref().map(ToString::to_string);
        return Verdict::unknown(
            format!(
                "not every bucket's deletes are logged, and which are watched is not known{}",
                seen_why.map(|why| format!(": {why}")).unwrap_or_default()
            ),
            "name the buckets with --watch-bucket or --important-bucket",
        );
    }
    if none.len() == wanted.len() {
        return Verdict::fail("deletes of no watched bucket are logged", remedy);
    }
    if none.is_empty() {
        let seen = format!("some deletes are not logged in {}", few(&named(&part)));
        return Verdict::warn(seen, remedy);
    }
    Verdict::warn(format!("deletes are not logged in {}", few(&named(&none))), remedy)
}

fn keys_of_bulk(trails: &[&Trail], wanted: &[Wanted<'_>]) -> Verdict {
    if let Some(refusal) = trails.iter().find_map(|trail| trail.selectors.as_ref().err()) {
        return Verdict::unanswered(refusal);
    }
    let less =
        |bucket: &&Wanted<'_>| logged(trails, bucket, KEY_OF_BULK) < logged(trails, bucket, CALL);
    let without: Vec<&Wanted<'_>> = wanted.iter().filter(less).collect();
    if without.is_empty() {
        return Verdict::ok("nothing leaves out the keys of bulk deletes");
    }
    Verdict::fail(
        format!("a selector leaves out the keys of bulk deletes in {}", few(&named(&without))),
        "take the condition on eventType out of the advanced selectors: the keys are events of \
         type AwsServiceEvent (aws cloudtrail put-event-selectors)",
    )
}
