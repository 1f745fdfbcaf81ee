//! Whether everything outside the daemon is as it needs it: asked, all side by side and with a
//! deadline each, and then judged. Of AWS it reads only.

mod check;
mod judge;
mod log_buckets;
mod queues;
mod seen;
mod store;
mod watched;

use std::collections::BTreeSet;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use futures_util::future::join_all;

pub use check::{Check, State, Verdict};
use seen::{Answer, Seen, SeenLogBucket, SeenQueue};

use super::arn::Arn;
use super::client::default_region;
use super::identity::identity;
use super::refusal::Refusal;
use super::trail::{Trail, trails};
use crate::store::Location;

/// What is to be looked at.
#[derive(Debug)]
pub struct Options {
    /// URLs of the queues.
    pub queue_urls: Vec<String>,
    /// The log buckets, each with a prefix without a `/` at its end, or an empty one.
    pub log_buckets: Vec<(String, String)>,
    /// The account that owns the log buckets, if that is said.
    pub log_bucket_owner: Option<String>,
    /// The buckets whose deletions are kept.
    pub watched: Watched,
    /// Whether buckets are addressed by path.
    pub path_style: bool,
    /// Where evidence is kept.
    pub store: Location,
}

/// Whether a bucket fits.
pub type Fits = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Which buckets are watched.
pub struct Watched {
    /// Those that are named.
    pub names: Vec<String>,
    /// Which others fit a pattern, if there are patterns.
    pub fits: Option<Fits>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Looks at all of it. What cannot be found out is a verdict too.
pub async fn examine(options: &Options, aws: &SdkConfig) -> Vec<Check> {
    let queues = join_all(options.queue_urls.iter().map(|url| queues::read(aws, url)));
    let logs = options.log_buckets.iter();
    let logs = join_all(
        logs.map(|(name, prefix)| log_buckets::read(aws, name, prefix, options.path_style)),
    );
    let watched = watched::read(aws, &options.watched, options.path_style);
    let ((identity, clocks), queues, mut log_buckets, watched, store) =
        tokio::join!(identity(aws), queues, logs, watched, store::read(&options.store));
    let (trails, trails_untold) = trails(aws, &regions(aws, &queues, &log_buckets)).await;
    tell_topics_of(aws, &trails, &mut log_buckets).await;
    let log_bucket_owner = options.log_bucket_owner.clone();
    let seen = Seen {
        identity,
        clocks,
        log_bucket_owner,
        queues,
        log_buckets,
        watched,
        trails,
        trails_untold,
        store,
    };
    judge::judge(&seen, now_millis())
}

/// Where trails may be: in the regions of the settings, of the queues and of the log buckets.
fn regions(aws: &SdkConfig, queues: &[SeenQueue], logs: &[SeenLogBucket]) -> BTreeSet<String> {
    let of_queues = queues.iter().filter_map(|queue| Arn::parse(&queue.arn)).map(|arn| arn.region);
    let of_logs = logs.iter().filter_map(|log| Some(log.inside.as_ref().ok()?.region.as_str()));
    let named = of_queues.chain(of_logs).filter(|region| !region.is_empty());
    named.map(str::to_owned).chain([default_region(aws)]).collect()
}

/// Adds the queues behind the topics that trails tell of their files.
async fn tell_topics_of(aws: &SdkConfig, trails: &[Trail], logs: &mut [SeenLogBucket]) {
    for log in logs {
        let Ok(inside) = &mut log.inside else { continue };
        let topics = trails.iter().filter(|trail| trail.bucket == log.name);
        for topic in topics.filter_map(|trail| trail.topic_arn.as_ref()) {
            if !inside.subscribers.contains_key(topic) {
                let behind = log_buckets::queues_behind(aws, topic).await;
                inside.subscribers.insert(topic.clone(), behind);
            }
        }
    }
}

fn now_millis() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// An answer that what was asked for is not set up is an answer too.
fn or_none<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Refusal::Absent { .. }) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}
