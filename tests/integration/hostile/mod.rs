//! What a hostile or broken sender may put into a log bucket, a queue or a folder: the program
//! lives, its memory stays bounded, what is bad is counted by reason and kept, and the good beside
//! it arrives in full. The real program as its own process against the sandbox; it knows the
//! command line, the store's tables and the metrics, and nothing of how anything is read.

mod bombs;
mod log_objects;
mod messages;
mod names;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::{NotificationRule, ServicePut, Versioning};
use deltrail::sandbox::sqs::{QueueAttributes, Redrive};
use rusqlite::Connection;

use crate::emulator::{Daemon, eventually};
use crate::requirement::scratch;
use crate::sandbox::{REGION, sandbox_of};

const ACCESS_KEY_ID: &str = "AKIAHOSTILEXXXXXXXXX";
const SECRET_ACCESS_KEY: &str = "secret";
const QUEUE: &str = "trail";
const DEAD_LETTERS: &str = "trail-dead-letters";
const LOG_BUCKET: &str = "trail-logs";
const FOREIGN_BUCKET: &str = "somebody-elses-logs";
/// More than the tests take: a deadline is there to fail, not to measure.
const SECONDS_MAX: u64 = 120;
/// Short, so that a poisonous message soon comes to the dead-letter queue.
const VISIBILITY: std::time::Duration = std::time::Duration::from_secs(3);

/// What the daemon may hold at most, whatever it is sent: the program itself, its budget of 48 MiB
/// and the messages in flight.
const RESIDENT_BYTES_MAX: u64 = 160 << 20;

/// A log bucket that tells a queue of every object, a bucket that is not to be read, and a folder
/// for the daemon.
struct Place {
    sandbox: Sandbox,
    folder: PathBuf,
}

impl Place {
    async fn new(name: &str) -> Self {
        let sandbox = sandbox_of("hostile", [ACCESS_KEY_ID, SECRET_ACCESS_KEY]).await;
        let queues = sandbox.queues();
        queues.create(DEAD_LETTERS, QueueAttributes::default());
        let redrive = Redrive { dead_letter_arn: queues.arn(DEAD_LETTERS), receives_max: 2 };
        let attributes = QueueAttributes {
            visibility_timeout: VISIBILITY,
            redrive: Some(redrive),
            ..QueueAttributes::default()
        };
        queues.create(QUEUE, attributes);
        for bucket in [LOG_BUCKET, FOREIGN_BUCKET] {
            sandbox.buckets().create(bucket, Versioning::Off);
        }
        let rule = NotificationRule {
            id: "logs".into(),
            queue_arn: queues.arn(QUEUE),
            events: vec!["s3:ObjectCreated:*".into()],
            prefix: String::new(),
            suffix: String::new(),
        };
        sandbox.buckets().set_notifications(LOG_BUCKET, vec![rule]);
        Self { sandbox, folder: scratch(&format!("hostile-{name}")) }
    }

    /// Puts an object; the log bucket tells the queue of it.
    fn put(&self, bucket: &str, key: &str, body: impl Into<bytes::Bytes>) {
        let put = ServicePut {
            bucket: bucket.into(),
            key: key.into(),
            body: body.into(),
            content_type: "application/json".into(),
            content_encoding: None,
            metadata: BTreeMap::new(),
        };
        self.sandbox.buckets().put_by_service("cloudtrail.amazonaws.com", put).unwrap();
    }

    /// Sends a message by hand.
    fn send(&self, body: impl Into<String>) {
        let queues = self.sandbox.queues();
        assert!(queues.send(&queues.arn(QUEUE), body.into()), "the queue takes the message");
    }

    async fn daemon(&self, more: &[&str]) -> Daemon {
        self.daemon_of(LOG_BUCKET, more).await
    }

    async fn daemon_of(&self, log_bucket: &str, more: &[&str]) -> Daemon {
        let signer = [REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY];
        let url = self.sandbox.queues().url(QUEUE);
        let settings = ["--queue-url", &url, "--log-bucket", log_bucket];
        Daemon::start_at(self.sandbox.endpoint(), signer, &self.folder, &[&settings, more].concat())
            .await
    }

    /// Waits until the queue is empty and the dead-letter queue holds this many messages.
    async fn until_settled(&self, dead_letters: u64) {
        eventually(SECONDS_MAX, "every message is settled", async || {
            let [queue, dead] = [QUEUE, DEAD_LETTERS].map(|name| {
                let depth = self.sandbox.queues().depth(name).unwrap();
                (depth.visible + depth.in_flight + depth.delayed) as u64
            });
            if (queue, dead) == (0, dead_letters) {
                Ok(())
            } else {
                Err(format!("{queue} messages in the queue, {dead} of {dead_letters} dead"))
            }
        })
        .await;
    }

    fn kept(&self) -> Kept {
        Kept::of(&self.folder.join("deltrail.db"))
    }
}

/// What a store holds.
struct Kept(Connection);

impl Kept {
    fn of(store: &Path) -> Self {
        Self(Connection::open(store).unwrap())
    }

    /// Every removal, as bucket and key.
    fn removed(&self) -> Vec<(String, String)> {
        self.pairs(
            "SELECT s.bucket, s.key FROM removals AS r JOIN slots AS s ON s.id = r.slot_id \
             ORDER BY 1, 2",
        )
    }

    /// The keys that were removed from a bucket.
    fn keys_of(&self, bucket: &str) -> BTreeSet<String> {
        let removed = self.removed().into_iter().filter(|(of, _)| of == bucket);
        removed.map(|(_, key)| key).collect()
    }

    /// The reasons of what is in the reject table, with how many rows there are of each.
    fn rejects(&self) -> BTreeMap<String, u64> {
        let mut by_reason = BTreeMap::new();
        for (reason, _) in self.pairs("SELECT reason, detail FROM rejects") {
            *by_reason.entry(reason).or_default() += 1;
        }
        by_reason
    }

    fn pairs(&self, query: &str) -> Vec<(String, String)> {
        let mut select = self.0.prepare(query).unwrap();
        let pairs = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        pairs.map(Result::unwrap).collect()
    }
}

/// A delete record of a key in `images-prod`; `more` is spliced in as text.
fn delete(key: &str, more: &str) -> String {
    record("DeleteObject", &serde_json::to_string(key).unwrap(), more)
}

/// A record with a key as it is written, quotation marks included. Its ids are those of its key.
fn record(name: &str, written_key: &str, more: &str) -> String {
    let numbers: Vec<String> = written_key.bytes().map(|byte| byte.to_string()).collect();
    let id = numbers.join("-");
    let id = &id[id.len().saturating_sub(200)..];
    format!(
        concat!(
            r#"{{"eventVersion":"1.11","eventTime":"2026-11-23T10:00:00Z","#,
            r#""eventSource":"s3.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","#,
            r#""requestParameters":{{"bucketName":"images-prod","key":{key}}},"#,
            r#""requestID":"R{id}","eventID":"E{id}","eventType":"AwsApiCall","#,
            r#""recipientAccountId":"111122223333"{more}}}"#
        ),
        name = name,
        key = written_key,
        id = id,
        more = more,
    )
}

fn document(records: &[&str]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

fn key_set<'a>(keys: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    keys.into_iter().map(str::to_owned).collect()
}

/// How many there are of each.
fn counts<'a>(pairs: impl IntoIterator<Item = (&'a str, u64)>) -> BTreeMap<String, u64> {
    pairs.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect()
}
