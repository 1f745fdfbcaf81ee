//! `deltrail who-deleted` and `deltrail deletions` as people and scripts run them, on a store that
//! a daemon has open: exit codes, what goes to stdout, and what goes to stderr.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use deltrail::store::{Batch, Location, Options, Store, StoredFact};
use deltrail_core::domain::{
    Actor, Api, Call, Cause, Evidence, Fact, Mark, Outcome, RemovalRole, Source, Target, Timestamp,
};
use serde_json::Value;

/// What a question is answered with.
struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("stdout is one JSON value")
    }
}

/// Asks with the default store, `deltrail.db` of the folder.
fn ask(folder: &Path, arguments: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_deltrail"))
        .args(arguments)
        .env_clear()
        .current_dir(folder)
        .output()
        .unwrap();
    Answer {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A store of the folder that stays open, as a daemon has it.
fn store(folder: &Path) -> Store {
    Store::open(Options {
        location: Location::File(folder.join("deltrail.db")),
        writer: "daemon".into(),
        labelled_buckets_max: 10,
        creations_max: 10,
        is_important: Arc::new(|_| false),
    })
    .unwrap()
}

/// `CloudTrail`'s record of a delete by a session of a role.
pub fn deleted(key: &str, request: &str, at: &str) -> Evidence {
    Evidence {
        id: format!("ct:111122223333:{request}"),
        source: Source::CloudTrail,
        call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }),
        role: RemovalRole::Claim,
        bucket: "photos".into(),
        key: Some(key.into()),
        target: Target::Current,
        mark: Mark::Object,
        cause: Cause::Api,
        request_id: Some(request.into()),
        event_id: Some(request.into()),
        shared_event_id: None,
        amends_event_id: None,
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        at: Timestamp::parse(at).unwrap(),
        started_at: None,
        ended_at: None,
        total_millis: None,
        sequencer: None,
        http_status: Some(204),
        error_code: None,
        marker_version_id: None,
        actor: Actor {
            arn: Some("arn:aws:sts::111122223333:assumed-role/cleaner/i-0abc".into()),
            ..Actor::default()
        }
        .into(),
    }
}

/// A folder with a store of two deletes, one of an odd key, in the hands of a daemon.
async fn running() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let evidence = [
        deleted("cat.jpg", "CAT", "2026-11-23T10:00:00Z"),
        deleted("a %20+\u{1b}[31m?versionId=x", "ODD", "2026-11-23T11:00:00Z"),
    ];
    let facts = evidence.into_iter().map(|piece| Fact::Deletion(Box::new(piece)));
    let facts = facts.map(|fact| StoredFact { fact, record_index: None }).collect();
    store.commit(Batch { facts, ..Batch::default() }).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn who_deleted_tells_the_role_beside_a_running_daemon() {
    let (folder, _daemon) = running().await;
    let answer = ask(folder.path(), &["who-deleted", "s3://photos/cat.jpg"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert!(answer.stdout.starts_with("s3://photos/cat.jpg: 1 removal\n"), "{}", answer.stdout);
    assert!(answer.stdout.contains("cleaner, session i-0abc"), "{}", answer.stdout);

    let answer = ask(folder.path(), &["who-deleted", "s3://photos/cat.jpg", "--output", "json"]);
    let deletion = &answer.json()["deletions"][0];
    assert_eq!(deletion["actor"]["name"], "cleaner");
    assert_eq!(deletion["at"], "2026-11-23T10:00:00.000Z");
    assert_eq!(deletion["at_precision"], "second");
}

#[tokio::test]
async fn an_odd_key_is_asked_for_as_it_is_and_shown_without_harm() {
    let (folder, _daemon) = running().await;
    let odd = "s3://photos/a %20+\u{1b}[31m?versionId=x?versionId=null";
    let answer = ask(folder.path(), &["who-deleted", odd]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stdout.contains("a %20+\\u{1b}[31m?versionId=x"), "{}", answer.stdout);
    assert!(!answer.stdout.contains('\u{1b}'));
    let lines = ask(folder.path(), &["deletions", "--request-id", "ODD", "--output", "ndjson"]);
    let line: Value = serde_json::from_str(lines.stdout.trim_end()).unwrap();
    assert_eq!(line["key"], "a %20+\u{1b}[31m?versionId=x");
}

#[tokio::test]
async fn a_url_or_an_arn_asks_for_the_key_that_it_names() {
    let (folder, _daemon) = running().await;
    for pasted in [
        "https://photos.s3.eu-west-1.amazonaws.com/cat.jpg?X-Amz-Signature=00ff",
        "https://s3.console.aws.amazon.com/s3/object/photos?prefix=cat.jpg",
        "arn:aws:s3:::photos/cat.jpg",
    ] {
        let answer = ask(folder.path(), &["who-deleted", pasted]);
        assert!(answer.stdout.starts_with("s3://photos/cat.jpg: 1 removal\n"), "{}", answer.stderr);
    }
}

#[tokio::test]
async fn an_unknown_key_is_a_no_that_says_why() {
    let (folder, _daemon) = running().await;
    let answer = ask(folder.path(), &["who-deleted", "s3://photos/dog.jpg"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (1, ""));
    let why = "no s3_notification or eventbridge or access_log: nothing is confirmed";
    assert!(answer.stdout.contains("no removal is known"), "{}", answer.stdout);
    assert!(answer.stdout.contains(why), "{}", answer.stdout);

    let lines = ask(folder.path(), &["who-deleted", "s3://photos/dog.jpg", "--output", "ndjson"]);
    assert_eq!((lines.code, lines.stdout.as_str()), (1, ""));
    assert!(lines.stderr.contains(why), "{}", lines.stderr);
}

#[tokio::test]
async fn deletions_are_data_on_stdout_and_notes_on_stderr() {
    let (folder, daemon) = running().await;
    // After the daemon has gone as well.
    daemon.close().await.unwrap();
    let flags = ["deletions", "--bucket", "photos", "--since", "2026-11-23T10:30:00Z"];
    let answer = ask(folder.path(), &[&flags[..], &["--output", "csv"]].concat());
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let lines: Vec<&str> = answer.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "a header and one deletion: {lines:?}");
    assert!(lines[1].starts_with("photos,a %20+\u{1b}[31m?versionId=x,2026-11-23T11:00:00"));
    assert!(answer.stderr.contains("no s3_notification"), "{}", answer.stderr);

    let by = ["deletions", "--principal", "clean*", "--until", "2026-11-23T10:30:00Z"];
    let answer = ask(folder.path(), &[&by[..], &["--output", "json"]].concat());
    assert_eq!(answer.json()["deletions"].as_array().unwrap().len(), 1);
    let nobody = ask(folder.path(), &["deletions", "--principal", "nobody"]);
    assert_eq!((nobody.code, nobody.stdout.as_str()), (1, ""));
    assert!(nobody.stderr.contains("no removal is known that fits"), "{}", nobody.stderr);
}

#[tokio::test]
async fn what_cannot_be_asked_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = ask(folder.path(), &["deletions"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("there is no sqlite://deltrail.db"), "{}", missing.stderr);
    assert!(!folder.path().join("deltrail.db").exists(), "a question makes no store");

    let cases = [
        (&["who-deleted", "https://cdn.example/cat.jpg"][..], "write s3://BUCKET/KEY"),
        (&["who-deleted", "s3://photos"], "deltrail deletions --bucket photos"),
        (&["deletions", "--store", "postgres://u:p@h:x/d"], "write postgres://"),
        (&["deletions", "--prefix", "a/"], "--bucket"),
        (&["deletions", "--limit", "0"], "1..=10000"),
    ];
    for (arguments, remedy) in cases {
        let answer = ask(folder.path(), arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(answer.stderr.contains(remedy), "{arguments:?}: {}", answer.stderr);
    }
}
