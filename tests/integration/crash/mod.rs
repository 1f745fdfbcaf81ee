//! What a crash may not do: the daemon is killed at any moment while it drains a backlog, and in
//! the end it must know all that happened, once, and never have said less than before. It knows no
//! rule of counting.
//!
//! `DELTRAIL_CRASH_SEED` and `DELTRAIL_CRASH_KILLS` play another one.

mod scene;
mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use self::scene::Scene;
use crate::emulator::{Daemon, Scrape};
use crate::faults::number;

const KILLS: u64 = 10;
/// What happens between two kills.
const DEEDS: usize = 30;
const ALIVE_MILLIS: std::ops::Range<u64> = 0..500;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Families that continue over restarts.
const DURABLE: [(&str, &[&str]); 6] = [
    ("deltrail_delete_requests_total", &["bucket", "api", "outcome"]),
    ("deltrail_objects_removed_total", &["bucket"]),
    ("deltrail_removals_by_kind_total", &["bucket", "kind", "cause"]),
    ("deltrail_removals_confirmed_total", &["bucket"]),
    ("deltrail_request_to_delete_latency_seconds_count", &["bucket", "basis"]),
    ("deltrail_corrections_total", &["reason"]),
];

/// The most that each durable series has ever shown.
#[derive(Default)]
struct Shown(BTreeMap<(&'static str, Vec<String>), u64>);

impl Shown {
    /// Fails if a series shows less than before.
    fn look(&mut self, scrape: &Scrape) {
        let mut now = BTreeMap::new();
        for (family, labels) in DURABLE {
            let counts = scrape.counts(family, labels);
            now.extend(counts.into_iter().map(|(labels, count)| ((family, labels), count)));
        }
        for (series, before) in &self.0 {
            let count = now.get(series).copied().unwrap_or_default();
            assert!(count >= *before, "{series:?} shows {count} after {before}");
        }
        self.0.extend(now);
    }

    /// Looks again and again until a time.
    async fn look_until(&mut self, daemon: &Daemon, end: Instant) {
        loop {
            self.look(&daemon.scrape().unwrap());
            if Instant::now() >= end {
                return;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_counts_everything_once_and_never_shows_less() {
    let seed = number("DELTRAIL_CRASH_SEED").unwrap_or(1);
    let kills = number("DELTRAIL_CRASH_KILLS").unwrap_or(KILLS);
    println!("again: DELTRAIL_CRASH_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let mut scene = Scene::open("crash", seed).await;
    let (mut shown, mut unfinished) = (Shown::default(), 0);
    for _ in 0..kills {
        scene.write(DEEDS).await;
        // Duplicates, long after what they tell was read.
        scene.writing.send_again(|| random.u8(..10) == 0);
        let daemon = scene.daemon().await;
        let end = Instant::now() + Duration::from_millis(random.u64(ALIVE_MILLIS));
        shown.look_until(&daemon, end).await;
        daemon.kill();
        unfinished += u64::from(scene.left() > 0);
    }
    assert!(unfinished * 2 > kills, "it was killed in the middle of its work {unfinished} times");
    let daemon = scene.daemon().await;
    shown.look(&daemon.scrape().unwrap());
    let folder = scene.folder.clone();
    scene.until_true(&daemon, &folder).await;
    shown.look(&daemon.scrape().unwrap());
    daemon.stop();
}
