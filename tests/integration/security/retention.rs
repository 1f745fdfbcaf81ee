//! Evidence that is older than the daemon keeps any.

use super::Place;
use super::secrets::removed;
use crate::emulator::{eventually, http_get};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_the_retention_is_counted_as_that_and_as_nothing_else() {
    let place = Place::new("retention").await;
    // It waits when the daemon starts, which has to know from the first message on.
    place.send(&removed().replace("2026-11-23", "2020-02-29"));
    let running = place.run(&["--retention", "90d"], &[]);
    let metrics = eventually(60, "the message is acknowledged", async || {
        let (_, metrics) = http_get(running.ops, "/metrics").map_err(|error| error.to_string())?;
        let acknowledged = r#"deltrail_messages_acknowledged_total{queue="trail"} 1"#;
        if metrics.contains(acknowledged) { Ok(metrics) } else { Err(running.output()) }
    })
    .await;
    let skipped = r#"deltrail_rejected_total{reason="too_old",source="s3_notification"} 1"#;
    assert!(metrics.contains(skipped), "{metrics}");
    assert!(!metrics.contains("deltrail_objects_removed_total{"), "{metrics}");
    running.stop();
}
