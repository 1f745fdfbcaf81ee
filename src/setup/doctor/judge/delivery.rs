//! Whether a new log object of a bucket is told to a queue: by the bucket itself, through a topic
//! of SNS, through `EventBridge`, or by the trail's own topic; and whether the queue lets that in.

use crate::setup::arn::Arn;
use crate::setup::doctor::check::{Check, Verdict};
use crate::setup::doctor::seen::{Inside, Seen, SeenLogBucket, SeenQueue};
use crate::setup::notification::{Listed, Target};
use crate::setup::policy::{Deed, Permission, bucket_arn, permission, statement_to_send};
use crate::setup::sending::{S3, SEND};

/// How log files are made: `CloudTrail` and S3 put each of them at once.
const CREATED: &str = "s3:ObjectCreated:Put";
/// How the names of `CloudTrail`'s files end.
const LOG_SUFFIX: &str = ".json.gz";

/// A way on which a queue is told.
#[derive(Debug)]
struct Path<'a> {
    queue: &'a SeenQueue,
    /// The service that sends to the queue.
    service: &'static str,
    /// For which resource; not known of a rule of `EventBridge`.
    source_arn: Option<String>,
    /// In words.
    told: String,
}

pub(super) fn checks(seen: &Seen, bucket: &SeenLogBucket) -> Vec<Check> {
    let inside = match &bucket.inside {
        Ok(inside) => inside,
        Err(refusal) => {
            let verdict = Verdict::fail(refusal.to_string(), refusal.remedy());
            return vec![verdict.about("log_bucket", bucket.name.as_str())];
        }
    };
    let found = paths(seen, bucket, inside);
    let verdict = told(seen, bucket, inside, &found);
    let mut checks = vec![verdict.about("notification", bucket.name.as_str())];
    for path in &found {
        let subject = format!("{} from {}", path.queue.name, bucket.name);
        checks.push(lets_in(seen, path).about("queue_policy", subject));
    }
    checks
}

fn paths<'a>(seen: &'a Seen, bucket: &SeenLogBucket, inside: &Inside) -> Vec<Path<'a>> {
    let mut found = Vec::new();
    let entries = inside.notifications.as_deref().unwrap_or_default();
    for entry in entries.iter().filter(|entry| tells_of_logs(entry, &bucket.prefix)) {
        match entry.target {
            Target::Queue => {
                let queues = seen.queues.iter().filter(|queue| queue.arn == entry.arn);
                found.extend(queues.map(|queue| Path {
                    queue,
                    service: S3,
                    source_arn: Some(bucket_arn(&bucket.name, &inside.region)),
                    told: "directly".to_owned(),
                }));
            }
            Target::Topic => {
                let behind = inside.subscribers.get(&entry.arn).and_then(|told| told.as_ref().ok());
                found.extend(through_topic(seen, &entry.arn, behind));
            }
            Target::EventBridge => {
                let open = seen.queues.iter().filter(|queue| takes_from_rules(queue));
                found.extend(open.map(|queue| Path {
                    queue,
                    service: "events.amazonaws.com",
                    source_arn: None,
                    told: "through EventBridge, if a rule leads there".to_owned(),
                }));
            }
            Target::Function => {}
        }
    }
    for trail in seen.trails.iter().filter(|trail| trail.bucket == bucket.name) {
        if let Some(topic) = &trail.topic_arn {
            let behind = inside.subscribers.get(topic).and_then(|told| told.as_ref().ok());
            found.extend(through_topic(seen, topic, behind));
        }
    }
    found
}

fn through_topic<'a>(
    seen: &'a Seen,
    topic: &str,
    subscribers: Option<&Vec<String>>,
) -> impl Iterator<Item = Path<'a>> {
    let behind = |queue: &&SeenQueue| subscribers.is_some_and(|all| all.contains(&queue.arn));
    let queues: Vec<&SeenQueue> = seen.queues.iter().filter(behind).collect();
    queues.into_iter().map(move |queue| Path {
        queue,
        service: "sns.amazonaws.com",
        source_arn: Some(topic.to_owned()),
        told: format!("through topic {topic}"),
    })
}

/// Whether the policy of a queue has anything for rules of `EventBridge`.
fn takes_from_rules(queue: &SeenQueue) -> bool {
    let policy = queue.settings.as_ref().ok().and_then(|settings| settings.policy.as_deref());
    policy.is_some_and(|policy| policy.contains("events.amazonaws.com"))
}

/// Whether an entry tells of the log files below a prefix.
fn tells_of_logs(entry: &Listed, prefix: &str) -> bool {
    let below = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let keys = entry.prefix();
    entry.tells_of(CREATED)
        && (below.starts_with(keys) || keys.starts_with(&below))
        && LOG_SUFFIX.ends_with(entry.suffix())
}

fn told(seen: &Seen, bucket: &SeenLogBucket, inside: &Inside, found: &[Path<'_>]) -> Verdict {
    if let Some(path) = found.iter().find(|path| path.source_arn.is_some()) {
        return Verdict::ok(format!("tells queue {} {}", path.queue.name, path.told));
    }
    let queue = seen.queues.first().map_or("ARN", |queue| queue.arn.as_str());
    let command = format!(
        "deltrail attach --bucket {} --queue-arn {queue} --events 's3:ObjectCreated:*' \
         --suffix {LOG_SUFFIX} --apply",
        bucket.name
    );
    let entries = match &inside.notifications {
        Ok(entries) => entries,
        Err(refusal) => return Verdict::unanswered(refusal),
    };
    let unanswered = inside.subscribers.values().find_map(|told| told.as_ref().err());
    if entries.iter().any(|entry| entry.target == Target::EventBridge) {
        return Verdict::unknown(
            "it tells EventBridge; whether a rule leads to the queue is not read",
            format!("see that one does: aws events list-rule-names-by-target --target-arn {queue}"),
        );
    }
    if let Some(refusal) = unanswered {
        return Verdict::unanswered(refusal);
    }
    let is_ours = |entry: &&Listed| seen.queues.iter().any(|queue| queue.arn == entry.arn);
    if let Some(entry) = entries.iter().filter(|it| it.tells_of(CREATED)).find(is_ours) {
        return Verdict::fail(
            format!(
                "it tells queue {} of other keys than log files have (prefix {:?}, suffix {:?})",
                entry.arn,
                entry.prefix(),
                entry.suffix()
            ),
            format!("correct these, or add the others: {command}"),
        );
    }
    if entries.iter().any(|entry| entry.tells_of(CREATED)) {
        let others: Vec<String> = entries.iter().map(Listed::told_target).collect();
        return Verdict::fail(
            format!(
                "it tells others of new log files, and no queue of ours ({})",
                others.join(", ")
            ),
            format!("subscribe the queue to that topic, or attach it: {command}"),
        );
    }
    Verdict::fail("no queue is told of new log files", command)
}

/// Whose resource it is that is sent for, and whether that is known; a bucket is taken to be the
/// caller's unless `--log-bucket-owner` says otherwise.
fn account_of<'a>(seen: &'a Seen, path: &'a Path<'_>) -> (Option<&'a str>, bool) {
    let of_arn = path.source_arn.as_deref().and_then(Arn::parse).map(|arn| arn.account);
    let of_arn = of_arn.filter(|account| !account.is_empty());
    match of_arn.or(seen.log_bucket_owner.as_deref()) {
        Some(account) => (Some(account), true),
        None => (seen.identity.as_ref().ok().map(|identity| identity.account.as_str()), false),
    }
}

/// Whether the queue takes what is sent on this way.
fn lets_in(seen: &Seen, path: &Path<'_>) -> Verdict {
    let settings = match &path.queue.settings {
        Ok(settings) => settings,
        Err(refusal) => return Verdict::unanswered(refusal),
    };
    let (account, is_known) = account_of(seen, path);
    let deed = Deed {
        service: path.service,
        source_arn: path.source_arn.as_deref(),
        source_account: account,
        action: SEND,
        resource: &path.queue.arn,
    };
    let mut told = permission(settings.policy.as_deref(), &deed);
    if !is_known && told != Permission::Allowed {
        // The bucket may be of another account than the caller.
        let of_any = Deed { source_account: None, ..deed };
        told = permission(settings.policy.as_deref(), &of_any);
    }
    let source_arn =
        path.source_arn.as_deref().unwrap_or("arn:aws:events:REGION:ACCOUNT:rule/NAME");
    let statement = statement_to_send(path.service, source_arn, account, &path.queue.arn);
    let remedy = format!("add this statement to the policy of the queue:\n{statement}");
    let from = path.source_arn.as_deref().unwrap_or("a rule");
    match told {
        Permission::Allowed => Verdict::ok(format!("{} may send for {from}", path.service)),
        Permission::NotAllowed => {
            let seen = format!("no statement lets {} send for {from}", path.service);
            Verdict::fail(seen, remedy)
        }
        Permission::Denied(statement) => {
            Verdict::fail(format!("{statement} denies {} to send for {from}", path.service), remedy)
        }
        Permission::Unknown(why) => {
            let seen = format!("whether {} may send for {from} is not known: {why}", path.service);
            Verdict::unknown(seen, remedy)
        }
    }
}
