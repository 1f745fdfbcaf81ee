//! The main job from end to end: log files of every shape are put into a bucket of the emulator,
//! and the daemon's metrics must equal the truth that the world wrote when it acted.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::emulator::{Daemon, Estate, Scrape, emulator, eventually};
use crate::requirement::{scratch, tool};
use crate::world::{Counts, Truth, World};

/// More than the tests take: a deadline is there to fail, not to measure.
const SECONDS_MAX: u64 = 120;

/// What the durable families say, over all restarts.
#[derive(Debug, PartialEq, Eq)]
struct Durable {
    requests: Counts,
    removed: Counts,
    kinds: Counts,
    timed_requests: u64,
    service_millis: u64,
    corrections: Counts,
}

impl From<&Truth> for Durable {
    fn from(truth: &Truth) -> Self {
        Self {
            requests: truth.requests.clone(),
            removed: truth.removed.clone(),
            kinds: truth.kinds.clone(),
            timed_requests: truth.timed_requests,
            service_millis: truth.service_millis,
            corrections: Counts::new(),
        }
    }
}

impl From<&Scrape> for Durable {
    fn from(scrape: &Scrape) -> Self {
        let latency = "deltrail_request_to_delete_latency_seconds";
        let service = [("basis", "service")];
        let whole = |value: f64| format!("{value:.0}").parse().unwrap();
        Self {
            requests: scrape
                .counts("deltrail_delete_requests_total", &["bucket", "api", "outcome"]),
            removed: scrape.counts("deltrail_objects_removed_total", &["bucket"]),
            kinds: scrape.counts("deltrail_removals_by_kind_total", &["bucket", "kind", "cause"]),
            timed_requests: whole(scrape.sum(&format!("{latency}_count"), &service)),
            service_millis: whole(1000.0 * scrape.sum(&format!("{latency}_sum"), &service)),
            corrections: scrape.counts("deltrail_corrections_total", &["reason"]),
        }
    }
}

pub fn world_of_today(seed: u64, files: usize) -> World {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let quarter_of_an_hour = 900_000;
    World::full(seed, i64::try_from(now.as_millis()).unwrap() - quarter_of_an_hour, files)
}

async fn put_all(estate: &Estate, world: &World) {
    for file in &world.files {
        estate.put(&file.key, file.body()).await;
    }
    for bystander in world.bystanders.iter().chain(&world.poison) {
        estate.put(&bystander.key, bystander.body.clone()).await;
    }
}

/// A new series shows 0 until it has been scraped once, so the truth may need a second look.
pub async fn until_durable_equals(daemon: &Daemon, truth: &Truth) -> Scrape {
    eventually(SECONDS_MAX, "the durable metrics equal the truth", async || {
        let scrape = daemon.scrape()?;
        let (seen, expected) = (Durable::from(&scrape), Durable::from(truth));
        if seen == expected { Ok(scrape) } else { Err(difference(&seen, &expected)) }
    })
    .await
}

fn difference(seen: &Durable, expected: &Durable) -> String {
    let mut lines = Vec::new();
    for (name, seen, expected) in [
        ("requests", &seen.requests, &expected.requests),
        ("removed", &seen.removed, &expected.removed),
        ("kinds", &seen.kinds, &expected.kinds),
        ("corrections", &seen.corrections, &expected.corrections),
    ] {
        let labels = seen.keys().chain(expected.keys()).collect::<std::collections::BTreeSet<_>>();
        for labels in labels {
            let (seen, expected) = (seen.get(labels), expected.get(labels));
            if seen != expected {
                lines.push(format!("{name}{labels:?}: seen {seen:?}, expected {expected:?}"));
            }
        }
    }
    lines.push(format!(
        "timed requests: seen {} of {} ms, expected {} of {} ms",
        seen.timed_requests, seen.service_millis, expected.timed_requests, expected.service_millis
    ));
    lines.join("\n")
}

#[tokio::test]
async fn the_metrics_equal_what_was_done() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build(emulator, "the-truth", 2).await;
    let folder = scratch("the-truth");
    let world = world_of_today(1, 50);
    put_all(&estate, &world).await;
    let daemon = Daemon::start(&estate, &folder).await;

    let poison = &world.poison.as_ref().unwrap().key;
    let dead = estate.dead_letters(1, SECONDS_MAX).await;
    assert!(dead[0].contains(poison.as_str()), "{dead:?}");
    estate.until_drained(SECONDS_MAX).await;
    let scrape = until_durable_equals(&daemon, &world.truth).await;

    let objects = scrape.counts("deltrail_log_objects_total", &["result"]);
    let result = |result: &str| objects.get(&vec![result.to_owned()]).copied();
    assert_eq!(result("committed"), Some(world.files.len() as u64), "{objects:?}");
    assert_eq!(result("skipped"), Some(world.bystanders.len() as u64), "{objects:?}");
    assert_eq!(result("failed"), Some(2), "the poison file, as often as it was received");
    let records = scrape.counts("deltrail_records_total", &["source", "result"]);
    let of = |result: &str| records.get(&vec!["cloudtrail".to_owned(), result.to_owned()]).copied();
    assert_eq!(of("evidence"), Some(world.truth.evidence_records), "{records:?}");
    assert_eq!(of("ignored"), Some(world.truth.ignored_records), "{records:?}");
    let rejected = scrape.counts("deltrail_rejected_total", &["reason"]);
    assert_eq!(rejected, world.truth.rejected);
    let acknowledged = scrape.counts("deltrail_messages_acknowledged_total", &["queue"]);
    // One more: S3 tries out a new notification with a message of its own.
    let expected = (world.files.len() + world.bystanders.len() + 1) as u64;
    assert_eq!(acknowledged, BTreeMap::from([(vec![estate.queue.clone()], expected)]));
    for path in ["/-/healthy", "/healthz", "/-/ready", "/readyz"] {
        assert_eq!(daemon.status_of(path), 200, "{path}");
    }
    assert!(daemon.output().contains(poison.as_str()), "the log names the poison file");

    daemon.stop();
    let daemon = Daemon::start(&estate, &folder).await;
    let first = daemon.scrape().expect("a ready daemon has loaded its totals");
    assert_eq!(Durable::from(&first), Durable::from(&world.truth), "right after the restart");
    daemon.stop();
}

#[tokio::test]
async fn killed_in_the_middle_it_still_counts_everything_once() {
    let Some(emulator) = emulator() else { return };
    // Every life receives what the one before left, so that redrive must not take it away.
    let estate = Estate::build(emulator, "killed", 100).await;
    let folder = scratch("killed");
    let world = world_of_today(2, 50);
    let mut was_unfinished = false;
    for files in world.files.chunks(10) {
        let daemon = Daemon::start(&estate, &folder).await;
        for file in files {
            estate.put(&file.key, file.body()).await;
        }
        daemon.kill();
        was_unfinished |= estate.depth().await != (0, 0);
    }
    assert!(was_unfinished, "the daemon was never killed in the middle of its work");
    let daemon = Daemon::start(&estate, &folder).await;
    estate.until_drained(SECONDS_MAX).await;
    until_durable_equals(&daemon, &world.truth).await;
    daemon.stop();
}

#[tokio::test]
async fn redelivery_and_copies_of_files_change_nothing() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build(emulator, "again", 100).await;
    let folder = scratch("again");
    let world = world_of_today(3, 50);
    let daemon = Daemon::start(&estate, &folder).await;
    for round in 0..2 {
        for (number, file) in world.files.iter().enumerate() {
            // In the second round every other file comes under a key of its own.
            let copy = file.key.replace("_CloudTrail_", "_CloudTrail_copy-");
            let key = if round == 1 && number % 2 == 0 { &copy } else { &file.key };
            estate.put(key, file.body()).await;
        }
    }
    estate.until_drained(SECONDS_MAX).await;
    let scrape = until_durable_equals(&daemon, &world.truth).await;
    let objects = scrape.counts("deltrail_log_objects_total", &["result"]);
    let duplicates = objects.get(&vec!["duplicate".to_owned()]).copied();
    assert_eq!(duplicates, Some(world.files.len() as u64 / 2), "{objects:?}");
    daemon.stop();
}

#[tokio::test]
async fn promtool_finds_nothing_to_say_about_the_metrics() {
    let (Some(emulator), Some(promtool)) = (emulator(), tool("tools/bin", "promtool")) else {
        return;
    };
    let estate = Estate::build(emulator, "promtool", 2).await;
    let folder = scratch("promtool");
    let world = world_of_today(4, 50);
    put_all(&estate, &world).await;
    let daemon = Daemon::start(&estate, &folder).await;
    estate.until_drained(SECONDS_MAX).await;
    until_durable_equals(&daemon, &world.truth).await;
    let text = folder.join("metrics.txt");
    std::fs::write(&text, daemon.metrics().unwrap()).unwrap();
    let checked = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::from(std::fs::File::open(&text).unwrap()))
        .output()
        .unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "", "see {}", text.display());
    assert!(checked.status.success());
    daemon.stop();
}
