//! The stage of the scenarios: a sandbox with their buckets, their queues and their people. It
//! knows nothing of what they do.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use deltrail_core::domain::Timestamp;

use super::deed::Actor;
use super::image_service::{ARCHIVE, IMAGES};
use super::play::{INTENTS_PREFIX, Player};
use crate::sandbox::act::Act;
use crate::sandbox::clock::Clock;
use crate::sandbox::delivery::TrailOptions;
use crate::sandbox::faults::Faults;
use crate::sandbox::principal::{Kind, Principal, identifier};
use crate::sandbox::record::cloudtrail::ChildLayout;
use crate::sandbox::s3::{AccessLogTarget, NotificationRule, Versioning};
use crate::sandbox::sqs::{QueueAttributes, Redrive};
use crate::sandbox::{Options, Sandbox, SandboxError};

/// Where CloudTrail and S3 write their logs.
pub const LOGS: &str = "example-trail-logs";
/// The queue that hears of new log objects.
pub const QUEUE: &str = "trail-logs";
/// The queue that hears from S3 of every object that is made or removed, and from the application
/// of what it will remove.
pub const EVENTS_QUEUE: &str = "s3-events";
/// Who reads: the role of the daemon.
pub const DAEMON: &str = "deltrail";
/// Whoever looks on and wants to try something.
pub const VISITOR: &str = "visitor";

/// What the keys of access logs begin with.
const ACCESS_PREFIX: &str = "access/";

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// CloudTrail's usual 2 to 7 minutes.
const TRAIL_DELAY_SECONDS: std::ops::Range<u64> = 120..420;

/// What the stage is told.
pub struct StageOptions {
    /// Where S3 and SQS listen, on loopback.
    pub listen: SocketAddr,
    /// Where all identifiers, delays and faults come from.
    pub seed: u64,
    /// What time it is there now.
    pub beginning: Timestamp,
    /// How many times as fast as the world's its time runs.
    pub scale: f64,
    /// What the visitor signs with.
    pub visitor_secret: String,
    /// How CloudTrail writes the keys of a bulk delete.
    pub child_layout: ChildLayout,
    /// What goes wrong.
    pub faults: Faults,
}

/// Opens the stage. Its clock stands at the beginning until somebody plays or lets it run. Queues
/// run at the world's pace, because those who read them do.
///
/// # Errors
/// When the sandbox cannot be started.
pub async fn open(options: StageOptions) -> Result<Sandbox, SandboxError> {
    let StageOptions { listen, seed, beginning, scale, visitor_secret, child_layout, faults } =
        options;
    let sandbox = Sandbox::start(Options {
        listen,
        seed,
        clock: Clock::standing_at(beginning, scale),
        pace: Clock::starting_at(beginning, 1.0),
        account: ACCOUNT.into(),
        region: REGION.into(),
        principals: people(visitor_secret),
        faults,
        trail: Some(TrailOptions {
            name: "example-trail".into(),
            bucket: LOGS.into(),
            prefix: None,
            child_layout,
            delay_seconds: TRAIL_DELAY_SECONDS,
            gather_seconds: 60,
            selects: Arc::new(|act: &Act| act.bucket != LOGS),
            writes_digests: true,
        }),
        access_log_delay_seconds: 600..3600,
    })
    .await?;
    for queue in [QUEUE, EVENTS_QUEUE] {
        create_queue(&sandbox, queue);
    }
    for (bucket, versioning) in [(IMAGES, Versioning::Off), (ARCHIVE, Versioning::Enabled)] {
        create_bucket(&sandbox, bucket, versioning);
    }
    let rules = [
        ("new-trail-logs", "AWSLogs/", ".json.gz"),
        ("new-access-logs", ACCESS_PREFIX, ""),
        ("new-intents", INTENTS_PREFIX, ".ndjson.gz"),
    ];
    let rules = rules.map(|(id, prefix, suffix)| NotificationRule {
        id: id.into(),
        queue_arn: sandbox.queues().arn(QUEUE),
        events: vec!["s3:ObjectCreated:*".into()],
        prefix: prefix.into(),
        suffix: suffix.into(),
    });
    sandbox.buckets().set_notifications(LOGS, rules.into());
    Ok(sandbox)
}

/// The dead-letter queue of a queue of the stage.
pub(super) fn dead_letters_of(queue: &str) -> String {
    format!("{queue}-dead-letters")
}

fn create_queue(sandbox: &Sandbox, name: &str) {
    let queues = sandbox.queues();
    let dead_letters = dead_letters_of(name);
    queues.create(&dead_letters, QueueAttributes::default());
    let redrive = Redrive { dead_letter_arn: queues.arn(&dead_letters), receives_max: 5 };
    queues.create(name, QueueAttributes { redrive: Some(redrive), ..Default::default() });
}

/// A bucket that tells of every object that is made or removed, and logs who accesses it.
fn create_bucket(sandbox: &Sandbox, bucket: &str, versioning: Versioning) {
    let buckets = sandbox.buckets();
    buckets.create(bucket, versioning);
    let events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"];
    let rule = NotificationRule {
        id: "made-and-removed".into(),
        queue_arn: sandbox.queues().arn(EVENTS_QUEUE),
        events: events.map(str::to_owned).into(),
        prefix: String::new(),
        suffix: String::new(),
    };
    buckets.set_notifications(bucket, vec![rule]);
    let target = AccessLogTarget { bucket: LOGS.into(), prefix: ACCESS_PREFIX.into() };
    buckets.set_access_log(bucket, Some(target));
}

/// What plays a plan on this stage.
#[must_use]
pub fn player(sandbox: &Sandbox) -> Player {
    let client = |actor: Actor| (actor, client(sandbox, actor.name()));
    Player {
        clock: sandbox.clock().clone(),
        buckets: sandbox.buckets().clone(),
        faults: sandbox.faults().clone(),
        clients: Actor::ALL.into_iter().map(client).collect(),
        sqs: sqs_client(sandbox, Actor::ImageService.name()),
        intents_queue_url: sandbox.queues().url(EVENTS_QUEUE),
        log_bucket: LOGS.into(),
    }
}

/// An S3 client that signs as `name`; one that is nobody's, if there is no such identity.
fn client(sandbox: &Sandbox, name: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(sandbox.region().to_owned()))
        .endpoint_url(sandbox.endpoint())
        .credentials_provider(credentials(sandbox, name))
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// An SQS client that signs as `name`.
fn sqs_client(sandbox: &Sandbox, name: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(sandbox.region().to_owned()))
        .endpoint_url(sandbox.endpoint())
        .credentials_provider(credentials(sandbox, name))
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

fn credentials(sandbox: &Sandbox, name: &str) -> Credentials {
    let (key, secret) = sandbox.principal(name).map_or(("", ""), |principal| {
        (principal.access_key_id.as_str(), principal.secret_access_key.as_str())
    });
    Credentials::new(key, secret, None, None, "the sandbox")
}

fn people(visitor_secret: String) -> Vec<Principal> {
    let role = |name: &str| Principal {
        name: name.into(),
        kind: Kind::Role { session: format!("{name}-session") },
        account: ACCOUNT.into(),
        access_key_id: identifier("ASIA", name, 16),
        secret_access_key: format!("secret-of-{name}"),
    };
    let user = |name: &str| Principal {
        kind: Kind::User,
        access_key_id: identifier("AKIA", name, 16),
        ..role(name)
    };
    vec![
        role(Actor::ImageService.name()),
        role(Actor::CleanupJob.name()),
        user(Actor::Intern.name()),
        user(Actor::Archivist.name()),
        role(DAEMON),
        Principal { secret_access_key: visitor_secret, ..user(VISITOR) },
    ]
}
