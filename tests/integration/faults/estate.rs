//! The buckets and queues that a test's traffic is written to: what AWS writes of it goes into a
//! sandbox, and every message is remembered, because whoever makes a queue anew has to send again
//! what was lost with it. It knows no fault.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use deltrail::sandbox::act::{Act, Call, Caller};
use deltrail::sandbox::clock::Clock;
use deltrail::sandbox::delivery::{Delivery, DeliveryOptions, Estate, TrailOptions};
use deltrail::sandbox::faults::Faults;
use deltrail::sandbox::identifiers::Identifiers;
use deltrail::sandbox::principal::Kind;
use deltrail::sandbox::record::cloudtrail::ChildLayout;
use deltrail::sandbox::s3::{AccessLogTarget, Buckets, NotificationRule, ServicePut, Versioning};
use deltrail::sandbox::sqs::{QueueAttributes, Queues, Redrive};
use deltrail::sandbox::{Options, Sandbox};
use deltrail_core::domain::Timestamp;
use md5::{Digest as _, Md5};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_util::sync::CancellationToken;

use super::traffic::{ACCOUNT, REGION, principal, service};

/// Who asks S3 and SQS.
pub const DAEMON: &str = "deltrail";
/// Where CloudTrail and S3 write their logs.
pub const LOGS: &str = "example-trail-logs";
/// The queue that hears of new log objects.
pub const QUEUE: &str = "trail-logs";
/// The queue that hears of every object that is made or removed.
pub const EVENTS_QUEUE: &str = "s3-events";
const ACCESS_PREFIX: &str = "access/";
/// As often as SQS lets a message be received at most: what is received so often is lost.
const RECEIVES_MAX: u32 = 1_000;

/// A sandbox that only the daemon asks, and where the clocks begin at this time: that of what
/// happens, which goes so many times as fast, and that of the queues, which is the world's.
pub async fn sandbox_from(begin: Timestamp, scale: f64, seed: u64, faults: Faults) -> Sandbox {
    Sandbox::start(Options {
        listen: ([127, 0, 0, 1], 0).into(),
        seed,
        clock: Clock::starting_at(begin, scale),
        pace: Clock::starting_at(begin, 1.0),
        account: ACCOUNT.into(),
        region: REGION.into(),
        principals: vec![principal(DAEMON, Kind::User)],
        faults,
        trail: None,
        access_log_delay_seconds: 1..2,
    })
    .await
    .unwrap()
}

/// What AWS writes about a traffic, on its way into a sandbox.
pub struct Writing {
    acts: UnboundedSender<Act>,
    delivery: Delivery,
    remembering: Arc<Remembering>,
    attributes: QueueAttributes,
    closing: CancellationToken,
}

struct Remembering {
    buckets: Buckets,
    queues: Queues,
    clock: Clock,
    identifiers: Identifiers,
    acts: UnboundedSender<Act>,
    sent: Mutex<BTreeMap<String, Vec<String>>>,
    logs: Mutex<BTreeMap<String, Bytes>>,
}

impl Writing {
    /// Makes the buckets and queues in a sandbox and begins to write. A message that was received
    /// stays invisible for the attributes' time.
    pub async fn into(
        sandbox: &Sandbox,
        seed: u64,
        attributes: QueueAttributes,
        child_layout: ChildLayout,
    ) -> Self {
        let queues = sandbox.queues();
        for name in [QUEUE, EVENTS_QUEUE] {
            let dead_letters = dead_letters_of(name);
            queues.create(&dead_letters, QueueAttributes::default());
            let dead_letter_arn = queues.arn(&dead_letters);
            let redrive = Redrive { dead_letter_arn, receives_max: RECEIVES_MAX };
            queues.create(name, QueueAttributes { redrive: Some(redrive), ..attributes.clone() });
        }
        sandbox.buckets().create(LOGS, Versioning::Off);
        let (acts, acted) = mpsc::unbounded_channel();
        let identifiers = Identifiers::seeded(seed);
        let remembering = Arc::new(Remembering {
            buckets: sandbox.buckets().clone(),
            queues: queues.clone(),
            clock: sandbox.clock().clone(),
            identifiers: identifiers.clone(),
            acts: acts.clone(),
            sent: Mutex::default(),
            logs: Mutex::default(),
        });
        let closing = CancellationToken::new();
        let options = DeliveryOptions {
            clock: sandbox.clock().clone(),
            identifiers,
            faults: sandbox.faults().clone(),
            estate: Arc::clone(&remembering) as Arc<dyn Estate>,
            account: ACCOUNT.into(),
            region: REGION.into(),
            trail: Some(TrailOptions {
                name: "example-trail".into(),
                bucket: LOGS.into(),
                prefix: None,
                child_layout,
                delay_seconds: 5..150,
                gather_seconds: 20,
                selects: Arc::new(|act: &Act| act.bucket != LOGS),
                writes_digests: false,
            }),
            access_log_delay_seconds: 30..120,
        };
        let delivery = Delivery::start(options, acted, closing.clone()).await.unwrap();
        Self { acts, delivery, remembering, attributes, closing }
    }

    /// Something has happened.
    pub fn tell(&self, act: Act) {
        self.acts.send(act).unwrap();
    }

    /// Writes all that is still waiting to be written.
    pub async fn flush(&self) {
        self.delivery.flush().await;
    }

    /// Makes a queue that was deleted, and sends again all that was ever sent to it.
    pub fn make_anew(&self, queue: &str) {
        let queues = &self.remembering.queues;
        let dead_letter_arn = queues.arn(&dead_letters_of(queue));
        let redrive = Redrive { dead_letter_arn, receives_max: RECEIVES_MAX };
        let attributes = QueueAttributes { redrive: Some(redrive), ..self.attributes.clone() };
        // Nothing is sent between its making and the look at what was sent before.
        let sent = self.remembering.sent.lock().unwrap_or_else(PoisonError::into_inner);
        queues.create(queue, attributes);
        for body in sent.get(queue).into_iter().flatten() {
            assert!(queues.send(&queues.arn(queue), body.clone()));
        }
    }
}

impl Writing {
    /// Sends again some of what was ever sent, as a queue may do long after a message was deleted.
    pub fn send_again(&self, mut is_chosen: impl FnMut() -> bool) {
        let sent = self.remembering.sent.lock().unwrap_or_else(PoisonError::into_inner);
        for (queue, bodies) in sent.iter() {
            for body in bodies.iter().filter(|_| is_chosen()) {
                let queues = &self.remembering.queues;
                assert!(queues.send(&queues.arn(queue), body.clone()));
            }
        }
    }

    /// Every log object that was written, by its key.
    pub fn logs(&self) -> BTreeMap<String, Bytes> {
        self.remembering.logs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// How many messages are in the queues and their dead-letter queues; in a queue that is not there
/// are none.
pub fn waiting(queues: &Queues) -> [usize; 2] {
    let depth = |name: &str| {
        let depth = queues.depth(name).unwrap_or_default();
        depth.visible + depth.in_flight + depth.delayed
    };
    let names = [QUEUE, EVENTS_QUEUE];
    let dead = names.map(|name| depth(&dead_letters_of(name)));
    [names.map(depth).iter().sum(), dead.iter().sum()]
}

fn dead_letters_of(queue: &str) -> String {
    format!("{queue}-dead-letters")
}

impl Estate for Remembering {
    fn put(&self, name: &str, put: ServicePut) -> bool {
        let now = self.clock.now();
        let call = Call::Put {
            key: put.key.clone(),
            version_id: None,
            object_bytes: put.body.len() as u64,
            etag: format!("{:032x}", u128::from_be_bytes(Md5::digest(&put.body).into())),
        };
        let act = Act {
            started_at: now,
            ended_at: now,
            request_id: self.identifiers.request_id(),
            host_id: self.identifiers.host_id(),
            caller: Caller {
                principal: Some(service(name)),
                source_address: name.into(),
                user_agent: name.into(),
                host: format!("{LOGS}.s3.{REGION}.amazonaws.com"),
            },
            bucket: put.bucket.clone(),
            bucket_account: ACCOUNT.into(),
            region: REGION.into(),
            call,
            refusal: None,
        };
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.insert(put.key.clone(), put.body.clone());
        drop(logs);
        let is_taken = self.buckets.put_by_service(name, put).is_ok();
        // Whoever writes is gone when the test ends.
        is_taken && self.acts.send(act).is_ok()
    }

    fn send(&self, queue_arn: &str, body: String) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue_arn.rsplit(':').next().unwrap_or_default();
        sent.entry(queue.into()).or_default().push(body.clone());
        // One that is not there now is sent it when it is made anew.
        let _ = self.queues.send(queue_arn, body);
        true
    }

    fn notification_rules(&self, bucket: &str) -> Vec<NotificationRule> {
        let rule = |queue: &str, events: &[&str], [prefix, suffix]: [&str; 2]| NotificationRule {
            id: format!("{queue}-{prefix}"),
            queue_arn: self.queues.arn(queue),
            events: events.iter().map(|&event| event.to_owned()).collect(),
            prefix: prefix.into(),
            suffix: suffix.into(),
        };
        let made = ["s3:ObjectCreated:*"];
        let all = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"];
        match bucket {
            LOGS => [["AWSLogs/", ".json.gz"], [ACCESS_PREFIX, ""]]
                .map(|place| rule(QUEUE, &made, place))
                .into(),
            _ => vec![rule(EVENTS_QUEUE, &all, ["", ""])],
        }
    }

    fn access_log(&self, bucket: &str) -> Option<AccessLogTarget> {
        let target = AccessLogTarget { bucket: LOGS.into(), prefix: ACCESS_PREFIX.into() };
        (bucket != LOGS).then_some(target)
    }
}
