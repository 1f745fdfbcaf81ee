//! Every source of evidence from end to end: a world acts and writes its own truth, what AWS would
//! have written of it goes through the emulator's queues, with sources left out, and the daemon's
//! metrics must equal what the remaining sources allow; so after a restart, and when everything has
//! come again.
//!
//! Only the words that log objects are there are the emulator's own: its other notifications give
//! each key of a bulk call a request id of its own, which AWS does not.

mod delivery;
mod figures;
mod scenes;
mod truth;
mod wire;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use fastrand::Rng;

use self::delivery::{NOTHING, Parcel, Shipment};
use self::figures::{DISCARDED, Figures, RECORDS};
use self::truth::{Source, Sources, truth_of};
use self::wire::{Origin, Piece, pieces_of, pulse};
use self::world::{BUCKETS, DOCUMENTS, EPOCHS, World};
use crate::emulator::{Daemon, Estate, emulator, eventually};
use crate::requirement::scratch;
use crate::world::Counts;

/// More than a test takes: a deadline is there to fail, not to measure.
const SECONDS_MAX: u64 = 120;

/// How late an event of each source may be delivered, in milliseconds.
const LATENESS_MILLIS: [(&str, i64); 4] = [
    ("cloudtrail", 20 * 60_000),
    ("s3_notification", 2 * 60_000),
    ("eventbridge", 2 * 60_000),
    ("access_log", 3 * 60 * 60_000),
];

/// The sources that are there in one test, and the seed of its world.
#[derive(Clone, Copy)]
struct Run(&'static str, u64, Sources);

const BY_CLOUDTRAIL: Run = Run("by-cloudtrail", 1, Sources(&[Source::Trail]));
const BY_NOTIFICATIONS: Run = Run("by-notifications", 2, Sources(&[Source::Notifications]));
const BY_ACCESS_LOGS: Run = Run("by-access-logs", 3, Sources(&[Source::AccessLogs]));
const BY_TRAIL_AND_NOTICES: Run =
    Run("by-trail-and-notices", 4, Sources(&[Source::Trail, Source::Notifications]));
const BY_TRAIL_AND_LOGS: Run =
    Run("by-trail-and-logs", 5, Sources(&[Source::Trail, Source::AccessLogs]));
const BY_EVERYTHING: Run = Run("by-everything", 6, Sources(&Source::ALL));
const BY_EVENTBRIDGE: Run =
    Run("by-eventbridge", 7, Sources(&[Source::Trail, Source::EventBridge, Source::AccessLogs]));

#[tokio::test]
async fn what_cloudtrail_alone_can_tell() {
    tell(BY_CLOUDTRAIL).await;
}

#[tokio::test]
async fn what_notifications_alone_can_tell() {
    tell(BY_NOTIFICATIONS).await;
}

#[tokio::test]
async fn what_access_logs_alone_can_tell() {
    tell(BY_ACCESS_LOGS).await;
}

#[tokio::test]
async fn what_cloudtrail_and_notifications_can_tell() {
    tell(BY_TRAIL_AND_NOTICES).await;
}

#[tokio::test]
async fn what_cloudtrail_and_access_logs_can_tell() {
    tell(BY_TRAIL_AND_LOGS).await;
}

#[tokio::test]
async fn what_all_sources_together_can_tell() {
    tell(BY_EVERYTHING).await;
}

#[tokio::test]
async fn what_eventbridge_tells_in_the_place_of_notifications() {
    tell(BY_EVENTBRIDGE).await;
}

/// A number that is zero in every world would be compared for nothing.
#[test]
fn the_worlds_hold_all_that_is_compared() {
    let mut seen = BTreeSet::new();
    for Run(_, seed, sources) in [
        BY_CLOUDTRAIL,
        BY_NOTIFICATIONS,
        BY_ACCESS_LOGS,
        BY_TRAIL_AND_NOTICES,
        BY_TRAIL_AND_LOGS,
        BY_EVERYTHING,
        BY_EVENTBRIDGE,
    ] {
        let (world, _) = world_of(seed);
        for (family, labels) in truth_of(&world, sources).series() {
            seen.extend(labels.into_iter().map(|label| (family.clone(), label)));
        }
    }
    let of = |family: &str, label: &str| {
        assert!(seen.contains(&(family.to_owned(), label.to_owned())), "{family} {label}");
    };
    for bucket in BUCKETS.map(|bucket| bucket.name) {
        of("deltrail_delete_requests_total", bucket);
        of("deltrail_duplicate_delete_requests_total", bucket);
        of("deltrail_removals_confirmed_total", bucket);
        of("deltrail_unfulfilled_intents", bucket);
    }
    for label in ["ok", "denied", "failed", "DeleteObject", "DeleteObjects"] {
        of("deltrail_delete_requests_total", label);
    }
    for label in ["object", "version", "marker", "unknown", "api", "lifecycle"] {
        of("deltrail_removals_by_kind_total", label);
    }
    for label in ["service", "access_log", "confirmed", "intent", "other", DOCUMENTS.name] {
        of("deltrail_request_to_delete_latency_seconds_count", label);
    }
    for label in ["images", "documents", "backups"] {
        of("deltrail_stale_deletes_total", label);
        of("deltrail_unresolved_bulk_deletes", label);
    }
    of("deltrail_unconfirmed_removals", "images");
    of(DISCARDED, "over_1h");
}

/// A world in which all has happened, and what else is left to chance.
fn world_of(seed: u64) -> (World, Rng) {
    let mut random = Rng::with_seed(seed);
    let mut world = World::before(now_millis(), random.fork());
    scenes::play(&mut world);
    (world, random)
}

/// Lets the world act, tells the daemon what these sources tell of it, and compares.
async fn tell(Run(name, seed, sources): Run) {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build_with_two_queues(emulator, name, 10).await;
    let folder = scratch(name);
    let (world, mut random) = world_of(seed);
    let pieces = pieces_of(&world, sources, &mut random);
    let mut play = Play {
        origins: pieces.iter().filter_map(|piece| piece.what.origin()).collect(),
        truth: truth_of(&world, sources),
        objects: Vec::new(),
        estate,
        random,
    };

    let daemon = play.start(&folder).await;
    let mut own = Counts::new();
    for epoch in 0..EPOCHS {
        let of_epoch = pieces.iter().filter(|piece| world.epoch_of(piece.at) == epoch).cloned();
        play.send(of_epoch.collect(), &mut own).await;
        // What settles by what comes later must have come.
        until_read(&daemon, &own).await;
    }
    play.push_and_compare(&daemon, &mut own).await;
    play.estate.until_drained(SECONDS_MAX).await;
    assert_eq!(play.estate.dead_letters(0, SECONDS_MAX).await, Vec::<String>::new());
    daemon.stop();

    let daemon = play.start(&folder).await;
    let mut own = Counts::new();
    play.truth.begin_anew();
    play.push_and_compare(&daemon, &mut own).await;
    play.send_objects_again().await;
    play.send(pieces, &mut own).await;
    until_read(&daemon, &own).await;
    play.push_and_compare(&daemon, &mut own).await;
    daemon.expect_well_formed_log();
    daemon.stop();
}

/// Waits until the daemon has read all these records in this life of its own.
async fn until_read(daemon: &Daemon, own: &Counts) {
    eventually(SECONDS_MAX, "everything is read", async || {
        let read = daemon.scrape()?.counts(RECORDS, &["source", "result"]);
        if read == *own { Ok(()) } else { Err(format!("read {read:?}, expected {own:?}")) }
    })
    .await;
}

/// A world on its way to the daemon.
struct Play {
    estate: Estate,
    /// What has to be pushed on when all is told.
    origins: BTreeSet<Origin>,
    truth: Figures,
    /// What was put into the log bucket.
    objects: Vec<(String, Vec<u8>)>,
    random: Rng,
}

impl Play {
    /// Starts the daemon. One that has just begun waits for word of every queue before it calls
    /// anything complete; the emulator gives the first message to the one that has just ended.
    async fn start(&self, folder: &Path) -> Daemon {
        let second_queue = self.queue_urls().last().unwrap();
        let settings = ["--queue-url", second_queue, "--important-bucket", DOCUMENTS.name];
        let daemon = Daemon::start_with(&self.estate, folder, &settings).await;
        for _ in 0..2 {
            for url in self.queue_urls() {
                self.estate.send_all(url, &[NOTHING.to_owned()]).await;
            }
            eventually(SECONDS_MAX, "the queues show nothing", async || {
                let (visible, _) = self.estate.depth().await;
                if visible == 0 { Ok(()) } else { Err(format!("{visible} messages visible")) }
            })
            .await;
        }
        daemon
    }

    /// Sends pieces in any order, some of them twice; adds the records to what this life reads.
    async fn send(&mut self, pieces: Vec<Piece>, own: &mut Counts) {
        let shipment = Shipment::of(pieces, &mut self.random);
        self.ship(shipment, own).await;
    }

    async fn ship(&mut self, shipment: Shipment, own: &mut Counts) {
        for (labels, amount) in shipment.records {
            *own.entry(labels).or_default() += amount;
        }
        let mut queues = [Vec::new(), Vec::new()];
        for parcel in shipment.parcels {
            match parcel {
                Parcel::Object { key, body } => {
                    self.estate.put(&key, body.clone()).await;
                    self.objects.push((key, body));
                }
                Parcel::Message(body) => queues[self.random.usize(..2)].push(body),
            }
        }
        for (url, bodies) in self.queue_urls().zip(&queues) {
            self.estate.send_all(url, bodies).await;
        }
    }

    fn queue_urls(&self) -> impl Iterator<Item = &str> {
        let second = self.estate.second_queue_url.as_deref();
        std::iter::once(self.estate.queue_url.as_str()).chain(second)
    }

    /// The same files under the same keys: they are known, and not read again.
    async fn send_objects_again(&self) {
        for (key, body) in &self.objects {
            self.estate.put(key, body.clone()).await;
        }
    }

    /// When all has arrived, lets a little time pass at every origin, so that all of the world is
    /// settled; then the metrics must equal the truth. The watermarks among them show that it was
    /// looked at since.
    async fn push_and_compare(&mut self, daemon: &Daemon, own: &mut Counts) {
        let second = now_millis().div_euclid(1_000) * 1_000;
        let mut shipment = Shipment::default();
        let mut watermarks: BTreeMap<&'static str, i64> = BTreeMap::new();
        for (nth, origin) in (0..).zip(&self.origins) {
            let at = second - nth * 1_000;
            let pulse = pulse(*origin, at, &mut self.random);
            shipment.pack(vec![pulse], &mut self.random);
            let (_, lateness) = LATENESS_MILLIS.iter().find(|it| it.0 == origin.0).unwrap();
            let watermark = watermarks.entry(origin.0).or_insert(i64::MAX);
            *watermark = (*watermark).min(at - lateness);
        }
        self.ship(shipment, own).await;
        let mut expected = self.truth.clone();
        expected.add_all(RECORDS, own);
        expected.set_watermarks(&watermarks);
        eventually(SECONDS_MAX, "the metrics equal the truth", async || {
            let seen = Figures::of(&daemon.scrape()?);
            let difference = seen.difference(&expected);
            if difference.is_empty() { Ok(()) } else { Err(difference) }
        })
        .await;
    }
}

fn now_millis() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}
