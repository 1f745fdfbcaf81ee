//! `deltrail scan s3://bucket/prefix` against a bucket of the sandbox, with a gate between that
//! sees every request: each object is read once, days that are not wanted are not listed, and what
//! cannot be read is said and stops nothing.

use std::path::PathBuf;
use std::process::Command;

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::faults::Fault;
use deltrail::sandbox::s3::{ServicePut, Versioning};
use serde_json::{Value, json};

use crate::emulator::eventually;
use crate::gated::{Gate, KEY, LOGS};
use crate::requirement::scratch;
use crate::sandbox::{REGION, sandbox_of};
use crate::world::{World, gzip, one_delete};

/// A noon of September 2026.
const START_MILLIS: i64 = 1_789_992_000_000;

/// A log bucket, a gate before it, and a store.
struct Place {
    sandbox: Sandbox,
    gate: Gate,
    folder: PathBuf,
}

/// What a scan said.
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Said {
    fn summary(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stderr))
    }

    /// The paths and reasons of all failures, by path.
    fn failures(&self) -> Vec<(String, String)> {
        let summary = self.summary();
        let failures = summary["files"]["failures"].as_array().unwrap();
        let text = |of: &Value| of.as_str().unwrap().to_owned();
        let mut told: Vec<_> =
            failures.iter().map(|it| (text(&it["path"]), text(&it["reason"]))).collect();
        told.sort();
        told
    }
}

impl Place {
    async fn new(name: &str, versioning: Versioning) -> Self {
        let sandbox = sandbox_of("gated", KEY).await;
        sandbox.buckets().create(LOGS, versioning);
        let gate = Gate::to(sandbox.endpoint()).await;
        Self { sandbox, gate, folder: scratch(&format!("scan-s3-{name}")) }
    }

    fn put(&self, key: &str, body: &[u8]) {
        let put = ServicePut {
            bucket: LOGS.into(),
            key: key.into(),
            body: body.to_vec().into(),
            content_type: "application/json".into(),
            content_encoding: Some("gzip".into()),
            metadata: [].into(),
        };
        self.sandbox.buckets().put_by_service("cloudtrail.amazonaws.com", put).unwrap();
    }

    /// Runs `deltrail scan` with these arguments.
    async fn scan(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deltrail"));
        command
            .args(["scan", "--output=json", "--log-format=text", "--s3-path-style"])
            .arg(format!("--store=sqlite://{}", self.folder.join("deltrail.db").display()))
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs([("AWS_REGION", REGION), ("AWS_EC2_METADATA_DISABLED", "true")])
            .envs([("AWS_ACCESS_KEY_ID", KEY[0]), ("AWS_SECRET_ACCESS_KEY", KEY[1])])
            .env("AWS_ENDPOINT_URL", &self.gate.endpoint);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Said {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The keys of the objects that were fetched since the last time, in the order of the alphabet.
    fn fetched(&self) -> Vec<String> {
        let gets = self.gate.requests("x-id=GetObject");
        let key = |path: &str| path.split('?').next().unwrap().replace(&format!("/{LOGS}/"), "");
        let mut keys: Vec<String> = gets.iter().map(|request| key(&request.what)).collect();
        keys.sort();
        keys
    }
}

fn address(prefix: &str) -> String {
    format!("s3://{LOGS}/{prefix}")
}

/// The key of a file of a trail, or of an organisation's.
fn trail(organisation: &str, day: &str, time: &str) -> String {
    let folder = format!("AWSLogs/{organisation}111122223333/CloudTrail/us-east-1/{day}");
    let name = format!("111122223333_CloudTrail_us-east-1_{}T{time}Z", day.replace('/', ""));
    format!("{folder}/{name}_0123456789abcdef.json.gz")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_objects_of_a_bucket_tell_what_was_done_and_are_fetched_once() {
    for (name, versioning) in [("plain", Versioning::Off), ("versioned", Versioning::Enabled)] {
        let place = Place::new(name, versioning).await;
        let world = World::full(4, START_MILLIS, 40);
        for file in &world.files {
            place.put(&file.key, &file.body());
        }
        for bystander in &world.bystanders {
            place.put(&bystander.key, &bystander.body);
        }
        let said = place.scan(&[&address("")]).await;
        assert_eq!(said.code, 0, "{}", said.stderr);
        let summary = said.summary();
        let removals: u64 = world.truth.removed.values().sum();
        assert_eq!(summary["files"]["read"], world.files.len());
        assert_eq!(summary["records"]["evidence"], world.truth.evidence_records);
        assert_eq!(summary["removals_learnt"], removals);
        let skipped = summary["files"]["skipped"].as_object().unwrap();
        for reason in ["digest", "insight", "folder"] {
            assert!(skipped.contains_key(reason), "{reason}: {skipped:?}");
        }

        place.gate.forget();
        let again = place.scan(&[&address("")]).await.summary();
        assert_eq!(again["files"]["duplicates"], world.files.len());
        assert_eq!((&again["files"]["read"], &again["removals_learnt"]), (&json!(0), &json!(0)));
        let logs: Vec<&String> = world.files.iter().map(|file| &file.key).collect();
        assert!(place.fetched().iter().all(|key| !logs.contains(&key)), "the ledger has them");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_days_that_are_asked_for_are_listed_and_read() {
    let place = Place::new("bounds", Versioning::Off).await;
    let mut wanted = Vec::new();
    for (owner, organisation) in [("account", ""), ("organisation", "o-abc123/")] {
        for (day, time) in [("2026/09/20", "2355"), ("2026/09/21", "0955"), ("2026/09/21", "1210")]
        {
            let key = trail(organisation, day, time);
            place.put(&key, &one_delete(&format!("{owner}-{time}")));
            if day == "2026/09/21" {
                wanted.push(key);
            }
        }
        // Years of other days: more than two pages, if anybody turned them.
        for number in 0..1_200 {
            let (month, rest) = (1 + number / 100, number % 100);
            let (day, minute) = (1 + rest % 28, rest / 28);
            for year in [2024, 2027] {
                let day = format!("{year}/{month:02}/{day:02}");
                place.put(&trail(organisation, &day, &format!("12{minute}0")), b"");
            }
        }
    }
    place.put("AWSLogs/notes.txt", b"{\"name\": \"no log\"}");
    let bounds = ["--since=2026-09-21T10:00:00Z", "--until=2026-09-21T12:00:00Z"];
    let said = place.scan(&[&address("AWSLogs/"), bounds[0], bounds[1]]).await;
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(said.summary()["files"]["read"], 4);
    assert_eq!(said.summary()["removals_learnt"], 4);
    assert_eq!(said.summary()["files"]["skipped"], json!({}), "others are not even looked at");
    assert_eq!(place.fetched(), wanted);
    let lists = place.gate.requests("list-type=2").len();
    assert!((2..=10).contains(&lists), "{lists} lists, of which half are to count");

    let said = place.scan(&[&address("AWSLogs/"), "--since=2031-01-01"]).await;
    assert_eq!((said.code, &said.summary()["files"]["read"]), (0, &json!(0)));
    assert!(said.stderr.contains("check the prefix"), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_read_page_by_page() {
    let place = Place::new("pages", Versioning::Off).await;
    for number in 0..2_300 {
        place.put(&format!("logs/{number:05}.json"), b"");
    }
    place.put("logs/99999.json.gz", &one_delete("photos"));
    place.put("logs-of-others/1.json.gz", &one_delete("theirs"));
    let said = place.scan(&[&address("logs/")]).await;
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(said.summary()["files"]["skipped"], json!({"zero_byte": 2_300}));
    assert_eq!(said.summary()["files"]["read"], 1);
    assert_eq!(place.fetched(), ["logs/99999.json.gz"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_and_stops_nothing_else() {
    let place = Place::new("faults", Versioning::Off).await;
    let key = |number: usize| format!("logs/{number:02}.json.gz");
    for number in 0..20 {
        place.put(&key(number), &one_delete(&format!("bucket-{number}")));
    }
    place.put(&key(20), &gzip(b"{\"Records\":[]}")[..20]);
    let faults = place.sandbox.faults();
    faults.deny("s3:GetObject", &format!("{LOGS}/{}", key(3)));
    for fault in [Fault::S3InternalError, Fault::S3SlowDown, Fault::S3BodyReset] {
        faults.set(fault, 150);
    }
    // One object goes away between the list and its fetch.
    place.gate.hold(&key(5));
    let vanish = async {
        eventually(60, "the object is asked for", async || {
            let asked = place.gate.requests(&key(5)).len();
            if asked > 0 { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await;
        place.sandbox.buckets().expire(LOGS, &key(5)).unwrap();
        place.gate.release();
    };
    let source = address("logs/");
    let arguments = [source.as_str()];
    let (said, ()) = tokio::join!(place.scan(&arguments), vanish);

    assert_eq!(said.code, 1, "{}", said.stderr);
    let told = |number: usize, reason: &str| (address(&key(number)), reason.to_owned());
    let expected = [told(3, "access_denied"), told(5, "gone"), told(20, "truncated_gzip")];
    assert_eq!(said.failures(), expected);
    assert_eq!(said.summary()["files"]["read"], 18, "what may pass was tried again");
    assert!(faults.injected().values().sum::<u64>() > 0, "something went wrong");
    assert!(said.stderr.contains("allow s3:GetObject on"), "{}", said.stderr);

    faults.calm();
    faults.allow("s3:GetObject", &format!("{LOGS}/{}", key(3)));
    let again = place.scan(&arguments).await;
    assert_eq!(again.failures(), [told(20, "truncated_gzip")]);
    assert_eq!(again.summary()["files"]["read"], 1);
    assert_eq!(again.summary()["files"]["duplicates"], 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_listed_is_a_failure_with_the_next_step() {
    let place = Place::new("list", Versioning::Off).await;
    place.put("a.json.gz", &one_delete("photos"));
    place.sandbox.faults().deny("s3:ListBucket", LOGS);
    std::fs::write(place.folder.join("b.json.gz"), one_delete("images")).unwrap();
    let said = place.scan(&[&address("AWSLogs/"), "b.json.gz", "s3://not-there"]).await;
    assert_eq!(said.code, 1);
    assert_eq!(said.summary()["files"]["read"], 1, "the file beside it");
    let denied = (address("AWSLogs/"), "access_denied".to_owned());
    assert_eq!(said.failures(), [denied, ("s3://not-there/".into(), "bucket_missing".into())]);
    assert!(said.stderr.contains("allow s3:ListBucket on arn:aws:s3:::"), "{}", said.stderr);
    assert!(place.fetched().is_empty(), "{:?}", place.fetched());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_that_makes_no_sense_is_refused_before_anything_is_asked() {
    let place = Place::new("usage", Versioning::Off).await;
    for (arguments, part) in [
        (&["s3://"][..], "s3://: "),
        (&["s3://arn:aws:s3:::logs/x"], "arn:aws:s3:::logs"),
        (&["s3://logs", "--since=yesterday"], "write a time as"),
        (&["s3://logs", "--since=2026-09-21", "--until=2026-09-21"], "is not before --until"),
    ] {
        let said = place.scan(arguments).await;
        assert_eq!(said.code, 2, "{arguments:?}: {}", said.stderr);
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    assert_eq!(place.gate.connections(), 0);
}
