//! What nobody can read, among everything else: bodies that are no JSON, log objects that are no
//! gzip, and truncated ones, in a queue with a redrive policy and in one without. Each has to end
//! in the dead-letter queue or in the reject table, once. It knows no rule of dispositions.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::ServicePut;
use deltrail::sandbox::sqs::{QueueAttributes, Queues, Redrive};
use fastrand::Rng;
use futures_util::future::join_all;
use md5::{Digest as _, Md5};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::estate::LOGS;
use super::schedule::FAULTY_MILLIS;
use super::traffic::{ACCOUNT, REGION};
use crate::world::one_delete;

/// Gives up what was received twice.
pub const REDRIVEN: &str = "poison-redriven";
/// Keeps everything.
pub const KEPT: &str = "poison-kept";
const DEAD_LETTERS: &str = "poison-dead-letters";
/// So often is poison received, with a redrive policy or without one.
pub const RECEIVES_MAX: u32 = 2;
const VISIBILITY: Duration = Duration::from_secs(2);

/// A way not to be readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    NoJson,
    NoGzip,
    TruncatedGzip,
}

impl Sort {
    const ALL: [Self; 3] = [Self::NoJson, Self::NoGzip, Self::TruncatedGzip];

    /// The reason that is counted when it is rejected.
    const fn reason(self) -> &'static str {
        match self {
            Self::NoJson => "unknown_envelope",
            Self::NoGzip => "not_gzip",
            Self::TruncatedGzip => "truncated_gzip",
        }
    }
}

/// One message that comes to nothing.
#[derive(Debug)]
pub struct Bad {
    sort: Sort,
    queue: &'static str,
    /// When it is sent, since the schedule began.
    millis: u64,
    body: String,
    /// Key and bytes of the log object that it names.
    object: Option<(String, Vec<u8>)>,
}

impl Bad {
    /// What kind of poison it is, and where.
    pub fn name(&self) -> String {
        name_of(self.sort, self.queue)
    }
}

fn name_of(sort: Sort, queue: &str) -> String {
    format!("{sort:?} in {queue}")
}

/// The names of all kinds of poison.
pub fn names() -> impl Iterator<Item = String> {
    let queues = [REDRIVEN, KEPT].into_iter();
    queues.flat_map(|queue| Sort::ALL.map(|sort| name_of(sort, queue)))
}

/// The poison of a schedule.
#[derive(Debug, Default)]
pub struct Poison(Vec<Bad>);

impl Poison {
    /// Makes the queues that it is sent to.
    pub fn make_queues(queues: &Queues) {
        let attributes =
            QueueAttributes { visibility_timeout: VISIBILITY, ..QueueAttributes::default() };
        queues.create(DEAD_LETTERS, QueueAttributes::default());
        queues.create(KEPT, attributes.clone());
        let dead_letter_arn = queues.arn(DEAD_LETTERS);
        let redrive = Redrive { dead_letter_arn, receives_max: RECEIVES_MAX };
        queues.create(REDRIVEN, QueueAttributes { redrive: Some(redrive), ..attributes });
    }

    /// Draws some of each kind for each queue, or none.
    pub fn drawn(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed ^ 0x70);
        let places = [REDRIVEN, KEPT].map(|queue| Sort::ALL.map(|sort| (queue, sort)));
        let mut drawn = Vec::new();
        for (queue, sort) in places.concat() {
            for _ in 0..random.usize(..3) {
                let name = format!("bad-{seed}-{}", drawn.len());
                drawn.push(bad(sort, queue, &name, &mut random));
            }
        }
        Self(drawn)
    }

    pub fn all(&self) -> &[Bad] {
        &self.0
    }

    /// Sends each at its time.
    pub async fn send(&self, sandbox: &Sandbox) {
        let began = Instant::now();
        let each = self.0.iter().map(|bad| async move {
            sleep_until(began + Duration::from_millis(bad.millis)).await;
            if let Some((key, body)) = &bad.object {
                let put = ServicePut {
                    bucket: LOGS.into(),
                    key: key.clone(),
                    body: body.clone().into(),
                    content_type: "application/json".into(),
                    content_encoding: Some("gzip".into()),
                    metadata: BTreeMap::new(),
                };
                sandbox.buckets().put_by_service("cloudtrail.amazonaws.com", put).unwrap();
            }
            let queues = sandbox.queues();
            assert!(queues.send(&queues.arn(bad.queue), bad.body.clone()));
        });
        join_all(each).await;
    }

    /// For each that will be rejected, why.
    pub fn reasons(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(|bad| bad.queue == KEPT).map(|bad| bad.sort.reason())
    }

    /// Fails with every difference to what became of it: nothing is left, what had a redrive policy
    /// is in the dead-letter queue and nowhere else, and the rest is in the reject table.
    pub fn expect(&self, queues: &Queues, store: &Path) -> Result<(), String> {
        let depth = |name: &str| {
            let depth = queues.depth(name).unwrap_or_default();
            depth.visible + depth.in_flight + depth.delayed
        };
        let left = [REDRIVEN, KEPT, DEAD_LETTERS].map(depth);
        let redriven = self.0.iter().filter(|bad| bad.queue == REDRIVEN).count();
        let mut expected: Vec<(String, String)> = self
            .0
            .iter()
            .filter(|bad| bad.queue == KEPT)
            .map(|bad| (bad.sort.reason().to_owned(), bad.body.clone()))
            .collect();
        expected.sort();
        let rejected = rejected(store).map_err(|error| error.to_string())?;
        if left == [0, 0, redriven] && rejected == expected {
            return Ok(());
        }
        Err(format!(
            "poison: {left:?} in the queues and the dead-letter queue, expected [0, 0, {redriven}]; \
             rejected {rejected:#?}, expected {expected:#?}"
        ))
    }
}

fn bad(sort: Sort, queue: &'static str, name: &str, random: &mut Rng) -> Bad {
    let millis = random.u64(..FAULTY_MILLIS);
    let bytes = match sort {
        Sort::NoJson => {
            let body = format!("{{\"Records\": [{name}");
            return Bad { sort, queue, millis, body, object: None };
        }
        Sort::NoGzip => format!("<html>{name}: this is no log file</html>").into_bytes(),
        Sort::TruncatedGzip => {
            let whole = one_delete(name);
            // Within or after the head of the gzip stream, which has ten bytes.
            whole[..random.usize(11..whole.len())].to_vec()
        }
    };
    let key = format!(
        "AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/16/\
         {ACCOUNT}_CloudTrail_{REGION}_20261116T1200Z_{name}.json.gz"
    );
    let etag = format!("{:032x}", u128::from_be_bytes(Md5::digest(&bytes).into()));
    let body = json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION,
        "eventTime": "2026-11-16T12:00:00.000Z", "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": { "name": LOGS },
            "object": { "key": key, "size": bytes.len(), "eTag": etag, "sequencer": "0A" }
        }
    }] });
    Bad { sort, queue, millis, body: body.to_string(), object: Some((key, bytes)) }
}

/// Reason and body of everything in the reject table.
fn rejected(store: &Path) -> rusqlite::Result<Vec<(String, String)>> {
    let connection = rusqlite::Connection::open(store)?;
    let mut all = connection
        .prepare("SELECT reason, coalesce(body, '') FROM rejects ORDER BY reason, body")?;
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
