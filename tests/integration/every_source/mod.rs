//! Every source of evidence from end to end: a world acts and writes its own truth, what AWS would
//! have written of it goes through the emulator's queues, with sources left out, and the daemon's
//! metrics must equal what the remaining sources allow; so after a restart, and when everything has
//! come again.
//!
//! Only the words that log objects are there are the emulator's own: its other notifications give
//! each key of a bulk call a request id of its own, which AWS does not.

mod again;
mod bucket;
mod delivery;
mod figures;
mod play;
mod scenes;
mod truth;
mod wire;
mod world;

use std::collections::BTreeSet;
use std::time::SystemTime;

use fastrand::Rng;

use self::bucket::{BUCKETS, DOCUMENTS};
use self::figures::DISCARDED;
use self::play::Play;
use self::truth::{Source, Sources, truth_of};
use self::wire::pieces_of;
use self::world::{EPOCHS, World};
use crate::emulator::{Estate, emulator};
use crate::requirement::scratch;

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
async fn the_metrics_equal_what_cloudtrail_alone_can_tell() {
    tell(BY_CLOUDTRAIL).await;
}

#[tokio::test]
async fn the_metrics_equal_what_notifications_alone_can_tell() {
    tell(BY_NOTIFICATIONS).await;
}

#[tokio::test]
async fn the_metrics_equal_what_access_logs_alone_can_tell() {
    tell(BY_ACCESS_LOGS).await;
}

#[tokio::test]
async fn the_metrics_equal_what_cloudtrail_and_notifications_can_tell() {
    tell(BY_TRAIL_AND_NOTICES).await;
}

#[tokio::test]
async fn the_metrics_equal_what_cloudtrail_and_access_logs_can_tell() {
    tell(BY_TRAIL_AND_LOGS).await;
}

#[tokio::test]
async fn the_metrics_equal_what_all_sources_together_can_tell() {
    tell(BY_EVERYTHING).await;
}

#[tokio::test]
async fn the_metrics_equal_what_eventbridge_tells_in_place_of_notifications() {
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

/// Lets the world act, tells the daemon what these sources tell of it, and compares.
async fn tell(Run(name, seed, sources): Run) {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build_with_two_queues(emulator, name, 10).await;
    let folder = scratch(name);
    let (world, mut random) = world_of(seed);
    let pieces = pieces_of(&world, sources, &mut random);
    let origins = pieces.iter().filter_map(|piece| piece.what.origin()).collect();
    let mut play = Play::new(estate, origins, truth_of(&world, sources), random);

    let daemon = play.start(&folder).await;
    for epoch in 0..EPOCHS {
        let of_epoch = pieces.iter().filter(|piece| world.epoch_of(piece.at) == epoch).cloned();
        play.send(of_epoch.collect()).await;
        // What settles by what comes later must have come.
        play.until_read(&daemon).await;
    }
    play.push_and_compare(&daemon).await;
    play.expect_no_dead_letters().await;
    play.stop(daemon).await;

    let daemon = play.start(&folder).await;
    play.push_and_compare(&daemon).await;
    play.send_objects_again().await;
    play.send(pieces).await;
    play.until_read(&daemon).await;
    play.push_and_compare(&daemon).await;
    daemon.expect_well_formed_log();
    daemon.stop();
}

/// A world in which all has happened, and what else is left to chance.
fn world_of(seed: u64) -> (World, Rng) {
    let mut random = Rng::with_seed(seed);
    let mut world = World::before(now_millis(), random.fork());
    scenes::play(&mut world);
    (world, random)
}

fn now_millis() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}
