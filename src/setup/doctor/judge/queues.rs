//! Whether a queue is there, keeps what could not be read, and waits long enough.

use std::time::Duration;

use crate::queue::{QueueSettings, Redrive};
use crate::setup::doctor::check::{Check, Verdict};
use crate::setup::doctor::seen::{Answer, SeenQueue};
use crate::setup::policy::{Openness, openness};
use crate::setup::refusal::Refusal;
use crate::setup::sending::SEND;

/// A third of this is what a slow moment may take before a message is received twice.
const VISIBILITY_MIN: Duration = Duration::from_secs(30);
/// What a daemon held that was killed comes again after so long.
const VISIBILITY_MAX: Duration = Duration::from_mins(15);
/// A restart and a short outage of S3 are no reason to give a message up.
const RECEIVES_MIN: u32 = 3;
/// A weekend without anybody who looks.
const RETENTION_MIN: Duration = Duration::from_hours(3 * 24);

pub(super) fn checks(queue: &SeenQueue) -> Vec<Check> {
    let settings = match &queue.settings {
        Ok(settings) => settings,
        Err(refusal) => return vec![missing(refusal).about("queue", queue.name.as_str())],
    };
    let mut all = vec![
        ("queue", Verdict::ok(queue.arn.as_str())),
        ("queue_policy_scope", scope(settings, &queue.arn)),
        ("redrive_policy", redrive(settings, &queue.url)),
        ("visibility_timeout", visibility(settings, &queue.url)),
        ("message_retention", retention(settings, &queue.url)),
    ];
    all.extend(queue.dead_letters.as_ref().map(|told| ("dead_letter_queue", dead_letters(told))));
    all.extend(key(settings).map(|verdict| ("queue_key", verdict)));
    all.into_iter().map(|(name, verdict)| verdict.about(name, queue.name.as_str())).collect()
}

fn missing(refusal: &Refusal) -> Verdict {
    match refusal {
        Refusal::Denied { .. } => Verdict::unanswered(refusal),
        _ => Verdict::fail(refusal.to_string(), refusal.remedy()),
    }
}

fn set(url: &str, name: &str, value: &str) -> String {
    format!("aws sqs set-queue-attributes --queue-url {url} --attributes {name}={value}")
}

fn scope(settings: &QueueSettings, arn: &str) -> Verdict {
    let remedy = "name the sender in the statement: aws:SourceArn with the ARN of the bucket, and \
                  aws:SourceAccount; whoever may send may claim that something was deleted";
    match openness(settings.policy.as_deref(), SEND, arn) {
        Openness::Closed => Verdict::ok("nobody may send without a condition"),
        Openness::Everybody(statement) => {
            Verdict::warn(format!("everybody may send ({statement})"), remedy)
        }
        Openness::AnyAccount(statement) => Verdict::warn(
            format!("a service may send for resources of any account ({statement})"),
            remedy,
        ),
    }
}

fn redrive(settings: &QueueSettings, url: &str) -> Verdict {
    let command = format!(
        "aws sqs set-queue-attributes --queue-url {url} --attributes \
         '{{\"RedrivePolicy\":\"{{\\\"deadLetterTargetArn\\\":\\\"ARN\\\",\
         \\\"maxReceiveCount\\\":\\\"10\\\"}}\"}}'"
    );
    match &settings.redrive {
        None => Verdict::warn(
            "there is none: what cannot be read is given up after --poison-after receives",
            command,
        ),
        Some(Redrive { dead_letter_queue_arn: None, .. }) => {
            Verdict::fail("it names no dead-letter queue", command)
        }
        Some(Redrive { dead_letter_queue_arn: Some(arn), max_receive_count }) => {
            let count = max_receive_count.unwrap_or_default();
            let seen = format!("to {arn} after {count} receives");
            if count < RECEIVES_MIN { Verdict::warn(seen, command) } else { Verdict::ok(seen) }
        }
    }
}

fn dead_letters(told: &Answer<Option<u64>>) -> Verdict {
    match told {
        Ok(None | Some(0)) => Verdict::ok("it is there, and empty"),
        Ok(Some(count)) => Verdict::warn(
            format!("it holds {count} messages"),
            "look at what they have in common, and send them back when that is mended: \
             aws sqs start-message-move-task --source-arn ARN-OF-THE-DEAD-LETTER-QUEUE",
        ),
        Err(refusal) => missing(refusal),
    }
}

fn visibility(settings: &QueueSettings, url: &str) -> Verdict {
    let Some(timeout) = settings.visibility_timeout else {
        return Verdict::unknown("SQS did not tell it", "look at the queue's attributes");
    };
    let seconds = timeout.as_secs();
    let command = set(url, "VisibilityTimeout", "120");
    if timeout < VISIBILITY_MIN {
        return Verdict::warn(
            format!("{seconds} s: a lease that is not extended in time is lost, and done again"),
            command,
        );
    }
    if timeout > VISIBILITY_MAX {
        return Verdict::warn(
            format!("{seconds} s: what a killed daemon held comes again only then"),
            command,
        );
    }
    Verdict::ok(format!("{seconds} s, extended every third of it"))
}

fn retention(settings: &QueueSettings, url: &str) -> Verdict {
    let Some(retention) = settings.retention else {
        return Verdict::unknown("SQS did not tell it", "look at the queue's attributes");
    };
    let hours = retention.as_secs() / 3_600;
    if retention < RETENTION_MIN {
        return Verdict::warn(
            format!("{hours} h: what is not read by then is lost"),
            set(url, "MessageRetentionPeriod", "1209600"),
        );
    }
    Verdict::ok(format!("{hours} h"))
}

/// What encrypts its messages, if a key of KMS does.
fn key(settings: &QueueSettings) -> Option<Verdict> {
    let id = settings.kms_key_id.as_deref()?;
    if id == "alias/aws/sqs" || id.ends_with(":alias/aws/sqs") {
        return Some(Verdict::fail(
            format!("{id}: other services cannot send to a queue with the key of AWS"),
            "encrypt it with SSE-SQS, or with a key of your own whose policy lets \
             s3.amazonaws.com use kms:GenerateDataKey and kms:Decrypt",
        ));
    }
    Some(Verdict::unknown(
        format!("{id}: whether S3 may use it is in the policy of the key, which is not read"),
        "see that the policy of the key lets s3.amazonaws.com (or sns, or events) use \
         kms:GenerateDataKey and kms:Decrypt",
    ))
}
