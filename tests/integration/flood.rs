//! Many tiny messages beside a log object: however deep the queue of the one is, the other is read.

use serde_json::json;

use crate::emulator::{Daemon, Estate, emulator, eventually};
use crate::requirement::scratch;
use crate::world::World;

/// More than are in flight at a time, and more than the emulator hands out while a file is read.
const NOTICES: usize = 4_000;
/// More than the test takes: a deadline is there to fail, not to measure.
const SECONDS_MAX: u64 = 120;

fn notice(number: usize) -> String {
    let record = json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-11-23T10:00:00.123Z", "eventName": "ObjectRemoved:Delete",
        "responseElements": { "x-amz-request-id": format!("FLOOD{number:011}") },
        "s3": {
            "bucket": { "name": "flooded" },
            "object": { "key": format!("{number}.tmp"), "sequencer": "0A" }
        }
    });
    json!({ "Records": [record] }).to_string()
}

#[tokio::test]
async fn a_flood_of_notices_does_not_hold_up_a_log_object() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build_with_two_queues(emulator, "flood", 5).await;
    let folder = scratch("flood");
    let notices: Vec<String> = (0..NOTICES).map(notice).collect();
    let flooded = estate.second_queue_url.clone().unwrap();
    estate.send_all(&flooded, &notices).await;
    let world = World::full(7, 1_795_428_000_000, 40);
    for file in &world.files {
        estate.put(&file.key, file.body()).await;
    }

    let settings = ["--queue-url", &flooded];
    let daemon = Daemon::start_with(&estate, &folder, &settings).await;
    let committed = [("source", "cloudtrail"), ("result", "committed")];
    eventually(SECONDS_MAX, "the log object is read", async || {
        let scrape = daemon.scrape()?;
        let count = scrape.sum("deltrail_log_objects_total", &committed);
        if count > 0.0 { Ok(()) } else { Err(format!("{count} log objects")) }
    })
    .await;
    let (visible, _) = estate.depth().await;
    assert!(visible > 0, "the notices were not all drained before the log object was read");
    eventually(SECONDS_MAX, "every notice is counted once", async || {
        let removed = daemon.scrape()?.counts("deltrail_objects_removed_total", &["bucket"]);
        let flooded = removed.get(&vec!["flooded".to_owned()]).copied().unwrap_or_default();
        if flooded == NOTICES as u64 { Ok(()) } else { Err(format!("{flooded} of {NOTICES}")) }
    })
    .await;
    daemon.stop();
}
