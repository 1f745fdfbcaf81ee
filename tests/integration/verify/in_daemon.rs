//! A daemon with `--verify-digests`: what it says of digests that its queue tells of, and of the
//! log files that they name.

use std::collections::BTreeMap;

use deltrail::sandbox::sqs::Depth;
use rusqlite::Connection;

use super::in_s3::{key_service, put};
use super::trail::{Trail, digest_key, log_key};
use crate::emulator::{Daemon, eventually};
use crate::gated::{Gated, KEY, LOGS, QUEUE, SECONDS_MAX};
use crate::sandbox::REGION;

const FAMILY: &str = "deltrail_verified_files_total";

/// How many files of each kind have each verdict.
fn verdicts(daemon: &Daemon) -> Result<BTreeMap<String, u64>, String> {
    let counts = daemon.scrape()?.counts(FAMILY, &["kind", "verdict"]);
    Ok(counts.into_iter().map(|(labels, count)| (labels.join(" "), count)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_are_verified_as_they_come_with_what_they_name() {
    let gated = Gated::build("verify-digests", 30, None).await;
    let mut trail = Trail::of_a_morning("verify-daemon-keys");
    let keys = key_service(&trail);
    trail.stored(&log_key(2, 10)).body.push(b'x');
    trail.objects.remove(&log_key(4, 35));
    trail.stored(&digest_key(3, false)).signature = Some("00".repeat(256));
    for (key, stored) in &trail.objects {
        put(&gated.sandbox, key, stored);
    }
    let url = gated.sandbox.queues().url(QUEUE);
    let settings = ["--verify-digests", "--queue-url", &url, "--log-bucket", LOGS];
    let variables = [("AWS_ENDPOINT_URL_CLOUDTRAIL", keys.as_str())];
    let signer = [REGION, KEY[0], KEY[1]];
    let endpoint = &gated.gate.endpoint;
    let daemon = Daemon::start_among(endpoint, signer, &gated.folder, &settings, &variables).await;

    // Two files for each digest that holds: one is longer, and one is gone.
    let expected = [
        ("digest signature_invalid", 1),
        ("digest verified", 4),
        ("log_file appended", 1),
        ("log_file missing", 1),
        ("log_file verified", 6),
    ];
    let expected = expected.map(|(verdict, count)| (verdict.to_owned(), count)).into();
    eventually(SECONDS_MAX, "every digest is verified", async || {
        let told = verdicts(&daemon)?;
        if told == expected { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    assert!(daemon.output().contains("bytes were appended"), "{}", daemon.output());
    let store = Connection::open(gated.folder.join("deltrail.db")).unwrap();
    let query =
        "SELECT reason FROM rejects WHERE reason LIKE 'digest_%' OR reason LIKE 'log_file_%'
                 ORDER BY reason";
    let mut query = store.prepare(query).unwrap();
    let reasons = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let reasons: Vec<String> = reasons.map(Result::unwrap).collect();
    assert_eq!(reasons, ["digest_signature_invalid", "log_file_appended", "log_file_missing"]);

    // The same digests once more change nothing.
    for (key, stored) in trail.objects.iter().filter(|(key, _)| key.contains("Digest")) {
        put(&gated.sandbox, key, stored);
    }
    eventually(SECONDS_MAX, "the queue is empty", async || {
        let depth = gated.depth(QUEUE);
        if depth == Depth::default() { Ok(()) } else { Err(format!("{depth:?}")) }
    })
    .await;
    assert_eq!(verdicts(&daemon).unwrap(), expected);
}
