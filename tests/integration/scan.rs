//! `deltrail scan` over folders of composed log files: every file is read once, whatever else lies
//! beside it; history is told as history; and what cannot be read is said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::requirement::scratch;
use crate::world::{World, gzip, one_delete};

/// A noon of September 2026.
const START_MILLIS: i64 = 1_789_992_000_000;

/// The access log's line of a delete of September.
const LINE: &str = concat!(
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be example-images ",
    "[21/Sep/2026:10:00:00 +0000] 192.0.2.3 arn:aws:iam::111122223333:user/dev ",
    "3E57427F33A59F07 REST.DELETE.OBJECT a/b.jpg \"DELETE /a/b.jpg HTTP/1.1\" 204 - - 1234 7 ",
    "- \"-\" \"aws-cli/2.15\" - aGVsbG8= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader ",
    "example-images.s3.us-east-1.amazonaws.com TLSv1.3 - -\n",
);

/// A folder with log files in it, and a store beside it.
struct Place {
    logs: PathBuf,
    store: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = scratch(name).canonicalize().unwrap();
        let logs = folder.join("logs");
        std::fs::create_dir(&logs).unwrap();
        Self { logs, store: folder.join("deltrail.db") }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.logs.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// `deltrail scan` with these arguments, in an environment without settings.
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_deltrail"))
            .arg("scan")
            .arg(format!("--store=sqlite://{}", self.store.display()))
            .args(["--log-format=text", "--instance=here", "--workers=2"])
            .args(arguments)
            .current_dir(&self.logs)
            .env_clear()
            .output()
            .unwrap()
    }

    /// The summary of a scan of `source`, and whether all was well.
    fn scan(&self, source: &Path, arguments: &[&str]) -> (Value, bool) {
        let source = source.to_str().unwrap();
        let output = self.run(&[&["--output=json", source], arguments].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        let summary = serde_json::from_slice(&output.stdout);
        (summary.unwrap_or_else(|error| panic!("{error}: {told}")), output.status.success())
    }

    /// The one number that a query of the store gives.
    fn number(&self, query: &str) -> u64 {
        let store = Connection::open(&self.store).unwrap();
        let number: i64 = store.query_row(query, [], |row| row.get(0)).unwrap();
        u64::try_from(number).unwrap()
    }
}

/// A world's files in a folder, under their keys, bystanders and poison among them; and what a scan
/// should say of the bystanders.
fn world_in(place: &Place) -> (World, BTreeMap<String, u64>) {
    let world = World::full(4, START_MILLIS, 40);
    let mut skipped = BTreeMap::new();
    for file in &world.files {
        place.write(&file.key, &file.body());
    }
    let reasons = world.truth.rejected.clone();
    // No file is called so, and a folder is no file.
    let bystanders = world.bystanders.iter().filter(|one| !one.key.ends_with('/'));
    for bystander in bystanders {
        place.write(&bystander.key, &bystander.body);
    }
    for reason in ["digest", "insight", "network_activity", "aggregated", "zero_byte"] {
        if let Some(count) = reasons.get(&vec![reason.to_owned()]) {
            skipped.insert(reason.to_owned(), *count);
        }
    }
    let poison = world.poison.as_ref().unwrap();
    place.write(&poison.key, &poison.body);
    (world, skipped)
}

#[test]
fn a_folder_of_the_past_tells_what_was_done_once() {
    let place = Place::new("scan-world");
    let (world, skipped) = world_in(&place);
    let (summary, is_well) = place.scan(&place.logs, &[]);
    assert!(!is_well, "one file cannot be read");

    let files = world.files.len();
    assert_eq!(summary["files"]["read"], files);
    assert_eq!(summary["files"]["duplicates"], 0);
    assert_eq!(summary["files"]["skipped"], json!(skipped));
    let failures = summary["files"]["failures"].as_array().unwrap();
    let poison = place.logs.join(&world.poison.as_ref().unwrap().key);
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0]["path"], poison.to_str().unwrap());
    assert_eq!(summary["records"]["evidence"], world.truth.evidence_records);
    assert_eq!(summary["records"]["ignored"], world.truth.ignored_records);
    let rejects: BTreeMap<String, u64> = world
        .truth
        .rejected
        .iter()
        .map(|(reason, count)| (reason[0].clone(), *count))
        .filter(|(reason, _)| reason != "folder" && !skipped.contains_key(reason))
        .collect();
    assert_eq!(summary["records"]["rejects"], json!(rejects));
    let removals: u64 = world.truth.removed.values().sum();
    assert_eq!(summary["removals_learnt"], removals);
    assert!(summary["oldest_event_at"].as_str() <= summary["newest_event_at"].as_str());
    assert!(summary["oldest_event_at"].as_str().unwrap().starts_with("2026-09-21T"));

    assert_eq!(place.number("SELECT count(*) FROM removals"), removals);
    assert_eq!(place.number("SELECT count(*) FROM sources"), 0, "history is no sign of life");
    let backfilled = "family = 'deltrail_backfilled_removals_total' AND writer = 'scan@here'";
    let total =
        |of: &str| place.number(&format!("SELECT coalesce(sum(value), 0) FROM totals WHERE {of}"));
    assert_eq!(total(backfilled), removals);
    assert_eq!(total(&format!("NOT ({backfilled})")), 0, "history never looks like a purge");

    let (again, is_well) = place.scan(&place.logs, &[]);
    assert!(!is_well, "it still cannot be read");
    assert_eq!(again["files"]["duplicates"], files);
    assert_eq!((&again["files"]["read"], &again["removals_learnt"]), (&json!(0), &json!(0)));
    assert_eq!(again["oldest_event_at"], Value::Null);
    assert_eq!(place.number("SELECT count(*) FROM removals"), removals);
}

#[test]
fn a_scan_goes_on_where_an_earlier_one_ended() {
    let place = Place::new("scan-resumed");
    for n in 0..6 {
        place.write(&format!("{}/{n}.json.gz", n % 2), &one_delete(&format!("bucket-{n}")));
    }
    let (part, is_well) = place.scan(&place.logs.join("1"), &[]);
    assert!(is_well, "{part}");
    assert_eq!((&part["files"]["read"], &part["removals_learnt"]), (&json!(3), &json!(3)));
    let (whole, is_well) = place.scan(&place.logs, &["--in-flight-objects=1"]);
    assert!(is_well, "{whole}");
    assert_eq!((&whole["files"]["read"], &whole["files"]["duplicates"]), (&json!(3), &json!(3)));
    assert_eq!(whole["removals_learnt"], 3);

    place.write("0/0.json.gz", &one_delete("written-again"));
    let (again, _) = place.scan(&place.logs, &[]);
    assert_eq!((&again["files"]["read"], &again["removals_learnt"]), (&json!(1), &json!(1)));
}

#[test]
fn every_kind_of_log_is_read_whatever_it_is_called() {
    let place = Place::new("scan-kinds");
    let intent = json!({
        "deltrail": "intent", "id": "i-1", "bucket": "example-images", "keys": ["a/b.jpg"],
        "requested_at": "2026-09-21T09:59:00.123Z",
    });
    place.write("2026-09-21-10-15-00-0123456789ABCDEF", LINE.as_bytes());
    place.write("declared.ndjson", format!("{intent}\n").as_bytes());
    place.write("trail", &one_delete("example-images"));
    place.write("nothing.json", b"");
    place.write("broken.json.gz", &gzip(b"{\"Records\":[]}")[..20]);
    place.write("other.json", b"{\"name\": \"package\"}");
    std::os::unix::fs::symlink(place.logs.join("trail"), place.logs.join("link")).unwrap();

    let (summary, is_well) = place.scan(&place.logs, &[]);
    assert!(!is_well);
    assert_eq!(summary["files"]["read"], 3, "{summary}");
    assert_eq!(summary["files"]["skipped"], json!({"link": 1, "no_records": 1, "zero_byte": 1}));
    assert_eq!(summary["files"]["failed"], json!({"truncated_gzip": 1}));
    assert_eq!(summary["records"]["evidence"], 3);
    assert_eq!(summary["removals_learnt"], 2);
    assert_eq!(summary["oldest_event_at"], "2026-09-21T09:59:00.123Z");
}

#[test]
fn what_is_older_than_what_a_daemon_forgot_is_skipped_and_said() {
    let place = Place::new("scan-too-old");
    place.write("a.json.gz", &one_delete("photos"));
    place.scan(&place.logs, &[]);
    let october: i64 = 1_790_812_800_000;
    let store = Connection::open(&place.store).unwrap();
    store.execute("UPDATE forgotten SET before_at = ?1", [october]).unwrap();
    place.write("2026-09-21-10-15-00-0123456789ABCDEF", LINE.as_bytes());
    let (summary, is_well) = place.scan(&place.logs, &[]);
    assert!(is_well);
    assert_eq!((&summary["files"]["read"], &summary["records"]["too_old"]), (&json!(1), &json!(1)));
    assert_eq!(summary["removals_learnt"], 0);
    assert_eq!(place.number("SELECT count(*) FROM removals"), 1);
}

#[test]
fn only_watched_buckets_are_kept() {
    let place = Place::new("scan-watched");
    place.write("a.json.gz", &one_delete("prod-images"));
    place.write("b.json.gz", &one_delete("test-images"));
    let (summary, is_well) = place.scan(&place.logs, &["--watch-bucket=prod-*"]);
    assert!(is_well);
    assert_eq!(
        (&summary["records"]["evidence"], &summary["records"]["ignored"]),
        (&1.into(), &1.into())
    );
    assert_eq!(place.number("SELECT count(*) FROM removals WHERE bucket = 'prod-images'"), 1);
    assert_eq!(place.number("SELECT count(*) FROM removals"), 1);
}

#[test]
fn the_store_may_lie_in_the_folder_that_is_scanned() {
    let mut place = Place::new("scan-own-store");
    place.store = place.logs.join("deltrail.db");
    place.write("a.json.gz", &one_delete("photos"));
    let output = place.run(&["."]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    assert!(told.starts_with("files read ") && told.contains("  store "), "{told}");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "",
        "a scan that is well says nothing else"
    );
}

#[test]
fn a_file_is_held_to_the_account_of_its_path() {
    let place = Place::new("scan-paths");
    let name = "AWSLogs/999999999999/CloudTrail/us-east-1/2026/09/21/x.json.gz";
    place.write(name, &one_delete("photos"));
    let (summary, _) = place.scan(&place.logs, &[]);
    assert_eq!(summary["records"]["rejects"], json!({"account_mismatch": 1}));
    assert_eq!(summary["removals_learnt"], 0);
}

#[test]
fn what_is_no_source_is_told_with_the_next_step() {
    let place = Place::new("scan-usage");
    let told = |arguments: &[&str]| {
        let output = place.run(arguments);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(told(&[]).0, Some(2));
    let (code, text) = told(&[".", "--workers=0"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("--workers"), "{text}");
    let (code, text) = told(&["not-there"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("not-there cannot be read (No such file"), "{text}");
}
