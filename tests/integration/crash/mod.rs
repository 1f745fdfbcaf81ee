//! What a crash may not do: the daemon is killed at any moment while it drains a backlog, and in
//! the end it must know all that happened, once, and never have said less than before. It knows no
//! rule of counting.
//!
//! `DELTRAIL_CRASH_SEED` and `DELTRAIL_CRASH_KILLS` play another one.

mod opening;
mod scene;
mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use self::opening::OpensIn;
use self::scene::Scene;
use crate::emulator::{Daemon, Scrape};
use crate::faults::number;
use crate::requirement::scratch;

const KILLS: u64 = 20;
/// What happens between two kills.
const DEEDS: usize = 30;
const ALIVE_MILLIS: std::ops::Range<u64> = 0..500;
/// A drain with something in flight takes longer.
const DRAINING_MILLIS: std::ops::Range<u64> = 0..60;
/// A kill that comes too late is tried again.
const TRIES_MAX: usize = 20;
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

/// At which time of its life a daemon is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// It opens its store, and loads what it has counted.
    Opening,
    AtWork,
    /// It was asked to stop, and finishes what is in flight.
    Draining,
}

/// The moments of kills, over and over: one half of them at work.
const MOMENTS: [Moment; 4] = [Moment::AtWork, Moment::Opening, Moment::AtWork, Moment::Draining];

/// Kills a daemon after it was asked to stop, before it has.
async fn kill_draining(scene: &Scene, shown: &mut Shown, random: &mut Rng) {
    for _ in 0..TRIES_MAX {
        let mut daemon = scene.daemon().await;
        shown.look(&daemon.scrape().unwrap());
        daemon.signal("TERM");
        sleep(Duration::from_millis(random.u64(DRAINING_MILLIS))).await;
        let has_ended = daemon.has_ended();
        daemon.kill();
        if !has_ended {
            return;
        }
    }
    panic!("{TRIES_MAX} kills came too late");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_counts_everything_once_and_never_shows_less() {
    let seed = number("DELTRAIL_CRASH_SEED").unwrap_or(1);
    let kills = number("DELTRAIL_CRASH_KILLS").unwrap_or(KILLS);
    println!("again: DELTRAIL_CRASH_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let mut scene = Scene::open("crash", seed).await;
    let mut opens_in = OpensIn::measured(&scene, &scratch("crash-measured")).await;
    let folder = scene.folder.clone();
    let mut shown = Shown::default();
    let (mut at_work, mut unfinished) = (0, 0);
    for (_, moment) in (0..kills).zip(MOMENTS.into_iter().cycle()) {
        scene.write(DEEDS).await;
        // Duplicates, long after what they tell was read.
        scene.writing.send_again(|| random.u8(..10) == 0);
        match moment {
            Moment::Opening => opens_in.kill(&scene, &folder, &mut random).await,
            Moment::AtWork => {
                let daemon = scene.daemon().await;
                let end = Instant::now() + Duration::from_millis(random.u64(ALIVE_MILLIS));
                shown.look_until(&daemon, end).await;
                daemon.kill();
                unfinished += u64::from(scene.left() > 0);
                at_work += 1;
            }
            Moment::Draining => kill_draining(&scene, &mut shown, &mut random).await,
        }
    }
    assert!(unfinished * 2 > at_work, "{unfinished} of {at_work} kills were in the middle of work");
    let daemon = scene.daemon().await;
    shown.look(&daemon.scrape().unwrap());
    scene.until_true(&daemon, &folder).await;
    shown.look(&daemon.scrape().unwrap());
    daemon.stop();
}
