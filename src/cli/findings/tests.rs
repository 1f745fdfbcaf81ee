//! What people and programs read about findings, and how they ask for them.

use std::collections::BTreeMap;

use clap::Parser;
use deltrail_core::domain::{Day, Finding, Mode, Reason, Source, Tally, Who};
use tempfile::TempDir;

use super::*;
use crate::store::scene::{at, day, store_of};
use crate::store::{Found, Location, Options, Reader, Store};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    arguments: FindingsArguments,
}

fn parse(flags: &[&str]) -> Result<FindingsArguments, clap::Error> {
    let line = std::iter::once("findings").chain(flags.iter().copied());
    Line::try_parse_from(line).map(|line| line.arguments)
}

/// Somebody removed 12 480 thumbnails within 6 minutes.
fn purge() -> Finding {
    Finding {
        detector: Detector::MassDelete,
        bucket: "photos".to_owned(),
        subject: String::new(),
        day: Day::of(at("10:00:00")),
        severity: Severity::Critical,
        who: vec![Who {
            principal: "image-\u{1b}[2Jservice".to_owned(),
            sessions: vec!["i-0abc".to_owned()],
            objects: 12_480,
        }],
        principals: 1,
        tally: Tally { markers: 12_000, versions: 480, ..Tally::default() },
        reason: Reason {
            observed: 12_480,
            threshold: 804,
            baseline: 402,
            sentence: "31 times the largest hour of the last 28 days (402, on 3 Nov)".to_owned(),
        },
        first_at: at("10:00:00"),
        last_at: at("10:10:00"),
        origins: vec!["10.0.0.0/24 (new)".to_owned()],
        agents: vec!["aws-sdk-java/2".to_owned()],
        related: vec![Detector::NewDeleter],
        notes: Vec::new(),
        prefixes: vec!["thumbs/".to_owned()],
        sample_keys: vec!["thumbs/a,1.jpg".to_owned()],
    }
}

/// The day of the scene, on which this was found, and something else that later evidence did not
/// support.
async fn found_on_the_day() -> (TempDir, Reader) {
    let (folder, reader) = store_of(day()).await;
    let store = Store::open(Options {
        location: Location::File(folder.path().join("deltrail.db")),
        writer: "here".into(),
        labelled_buckets_max: 10,
        creations_max: 1_000,
        is_important: std::sync::Arc::new(|_| false),
    })
    .unwrap();
    let stale = Finding {
        detector: Detector::StaleDelete,
        severity: Severity::Warning,
        first_at: at("08:55:00"),
        last_at: at("08:55:00"),
        ..purge()
    };
    let because = BTreeMap::from([(stale.id(), "4 fresh uploads then, 0 now".to_owned())]);
    let looks = [vec![purge(), stale], vec![purge()]];
    for (nth, findings) in looks.into_iter().enumerate() {
        let due = store.due_days(10).await.unwrap();
        let due = if due.is_empty() { again(&store).await } else { due };
        let findings = findings.into_iter().map(|finding| (finding, Mode::Live)).collect();
        let found = Found {
            bucket: "photos".to_owned(),
            days: BTreeMap::from([(due[0].day, findings)]),
            due,
            withdrawn_because: because.clone(),
            notifiers: Vec::new(),
            told_from: Severity::Info,
            now: at(["12:31:00", "12:32:00"][nth]),
        };
        assert!(store.write_findings(found).await.unwrap().is_current);
    }
    store.close().await.unwrap();
    (folder, reader)
}

/// Has the day looked at again.
async fn again(store: &Store) -> Vec<crate::store::DueDay> {
    let expectation = deltrail_core::detect::Expectation {
        id: "e-1".to_owned(),
        principal: None,
        bucket: "photos".to_owned(),
        prefix: String::new(),
        since: at("12:00:00"),
        until: at("12:59:00"),
        objects_max: 1,
    };
    store.announce(expectation, None, at("12:31:30")).await.unwrap();
    store.due_days(10).await.unwrap()
}

async fn found(flags: &[&str]) -> Findings {
    let (_folder, mut reader) = found_on_the_day().await;
    let arguments = parse(flags).unwrap();
    match &arguments.id {
        Some(id) => reader.finding(id).unwrap(),
        None => reader.findings(&arguments.filter().unwrap()).unwrap(),
    }
}

fn now() -> Timestamp {
    at("12:33:00")
}

#[tokio::test]
async fn a_day_is_one_table_and_says_how_far_it_may_be_believed() {
    let findings = found(&["--all"]).await;
    insta::assert_snapshot!(list_text(Form::Table, &findings, now()), @r"
    ID                FROM                  TO                    KEPT AS  FINDING
    a5365fe04d4e97d4  2026-11-23T10:00:00Z  2026-11-23T10:10:00Z  live     [critical] mass_delete: image-\u{1b}[2Jservice removed 12480 objects in s3://photos (prefix thumbs/)
    105c134ff19a4eb4  2026-11-23T08:55:00Z  2026-11-23T08:55:00Z  live     [withdrawn, warning] stale_delete: image-\u{1b}[2Jservice removed 12480 fresh uploads in s3://photos (prefix thumbs/)
    ");
    let notes = notes(None, &findings, now());
    let notes: Vec<&str> = notes.lines().collect();
    assert!(notes[0].starts_with("learning until 2026-12-21T"), "{notes:?}");
    assert!(notes[1].starts_with("read_then_destroy is off: reads are not decoded"), "{notes:?}");
    assert!(notes[2].starts_with("complete up to 2026-11-23T09:30:00.000Z"), "{notes:?}");
    assert!(notes.iter().any(|line| line.starts_with("cloudtrail (111122223333")), "{notes:?}");
}

#[tokio::test]
async fn one_finding_is_told_as_everywhere_with_what_became_of_it() {
    let findings = found(&[&purge().id()]).await;
    let table = whole_text(Form::Table, &findings, now());
    let row = &findings.rows[0];
    let (told, life) = table.split_at(table.rfind("  Finding:").unwrap());
    assert_eq!(told, row.text(&findings.completeness, now()).lines() + "\n");
    let found_at = "2026-11-23T12:31:00.000Z";
    let expected =
        format!("  Finding: a5365fe04d4e97d4, live, found {found_at}, revision 1 of {found_at}\n");
    assert_eq!(life, expected);
    let whole = whole_text(Form::Json, &findings, now());
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(whole["text"].as_str().unwrap(), told.trim_end());
    assert_eq!((&whole["id"], &whole["state"]), (&row.id.as_str().into(), &"open".into()));
    assert_eq!(whole["removed"]["versions"], 480);
    assert_eq!(whole["reason"]["threshold"], 804);
    assert_eq!(whole["related"][0], "new_deleter");
    assert_eq!(whole["completeness"]["bucket"], "photos");
    assert_eq!(whole["completeness"]["sources"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_was_withdrawn_says_why_in_every_form() {
    let findings = found(&["--all", "--detector", "stale_delete"]).await;
    let because = "4 fresh uploads then, 0 now";
    let table = whole_text(Form::Table, &findings, now());
    assert!(table.contains(&format!("\n  Withdrawn: {because}\n")), "{table}");
    let whole = whole_text(Form::Json, &findings, now());
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(
        (&whole["state"], &whole["withdrawn_because"]),
        (&"withdrawn".into(), &because.into())
    );
    let csv = list_text(Form::Csv, &findings, now());
    assert!(csv.ends_with(&format!(",\"{because}\"\r\n")), "{csv}");
}

#[tokio::test]
async fn what_was_announced_is_listed_with_how_much_of_it_came() {
    let (_folder, mut reader) = found_on_the_day().await;
    let mut listed = reader.expectations(at("12:00:00"), 10).unwrap();
    listed[0].came = Some(3);
    let table = expectations::text(Form::Table, &listed);
    insta::assert_snapshot!(table, @r"
    ID   BY  WHERE         UNTIL                 UP TO  USED  BEYOND
    e-1  -   s3://photos/  2026-11-23T12:59:00Z  1      1     2
    ");
    let csv = expectations::text(Form::Csv, &listed);
    assert!(csv.ends_with(",2026-11-23T12:59:00.000Z,1,,false,1,2\r\n"), "{csv}");
    let json = expectations::text(Form::Json, &listed);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let told = &json["expectations"][0];
    assert_eq!((&told["used"], &told["beyond"]), (&1.into(), &2.into()));
    listed[0].came = None;
    assert!(expectations::text(Form::Table, &listed).trim_end().ends_with("-     -"));
}

#[tokio::test]
async fn csv_and_ndjson_have_a_line_for_each() {
    let findings = found(&[]).await;
    let csv = list_text(Form::Csv, &findings, now());
    let visible = csv.replace("\r\n", "\n").replace('\u{1b}', "<ESC>");
    insta::assert_snapshot!(visible, @r#"
    id,detector,severity,mode,state,bucket,first_at,last_at,opened_at,changed_at,closed_at,revision,is_history,principal,principals,removed,markers,versions,objects,unknown,denied,observed,threshold,baseline,reason,prefixes,withdrawn_because
    a5365fe04d4e97d4,mass_delete,critical,live,open,photos,2026-11-23T10:00:00.000Z,2026-11-23T10:10:00.000Z,2026-11-23T12:31:00.000Z,2026-11-23T12:31:00.000Z,,1,false,image-<ESC>[2Jservice,1,12480,12000,480,0,0,0,12480,804,402,"31 times the largest hour of the last 28 days (402, on 3 Nov)",thumbs/,
    "#);
    let lines = list_text(Form::Ndjson, &findings, now());
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["who"][0]["principal"], "image-\u{1b}[2Jservice");
}

#[tokio::test]
async fn what_the_api_tells_is_printed_as_what_the_store_tells() {
    let known = found(&["--all"]).await;
    let told = serde_json::to_string(&FindingList::of(&known, now())).unwrap();
    let list = serde_json::from_str::<FindingList<'_>>(&told).unwrap().answer();
    let one = found(&[&purge().id()]).await;
    let told = serde_json::to_string(&WholeFinding::of(&one, now())).unwrap();
    let whole = serde_json::from_str::<WholeFinding<'_>>(&told).unwrap().answer();
    for form in [Form::Table, Form::Json, Form::Ndjson, Form::Csv] {
        assert_eq!(list_text(form, &list, now()), list_text(form, &known, now()), "{form:?}");
        assert_eq!(whole_text(form, &whole, now()), whole_text(form, &one, now()), "{form:?}");
    }
    assert_eq!(notes(None, &list, now()), notes(None, &known, now()));
    assert_eq!(notes(Some("id"), &whole, now()), notes(Some("id"), &one, now()));
}

#[tokio::test]
async fn what_is_asked_for_is_told_and_nothing_else() {
    let count = async |flags: &[&str]| found(flags).await.rows.len();
    assert_eq!(count(&["--detector", "mass_delete", "--severity", "critical"]).await, 1);
    assert_eq!(count(&["--severity", "info"]).await, 0);
    assert_eq!(count(&["--all", "--detector", "stale_delete"]).await, 1);
    assert_eq!(count(&["--open", "--principal", "image-\u{1b}[2Jservice"]).await, 1);
    assert_eq!(count(&["--principal", "intern"]).await, 0);
    assert_eq!(count(&["--until", "2026-11-23T10:00:00Z"]).await, 0);
    assert_eq!(count(&["--bucket", "photos", "--prefix", "thumbs/a"]).await, 1);
    assert_eq!(count(&["--bucket", "photos", "--prefix", "raw/"]).await, 0);
    assert_eq!(count(&["--request-id", "unknown"]).await, 0);
    assert_eq!(count(&["--bucket", "photos", "--since", "2026-11-23T10:10:00Z"]).await, 1);
    let none = found(&["0123456789abcdef"]).await;
    assert_eq!(whole_text(Form::Json, &none, now()), "");
    let notes = notes(Some("0123456789abcdef"), &none, now());
    assert!(notes.starts_with("there is no finding 0123456789abcdef"), "{notes}");
}

#[tokio::test]
async fn after_four_weeks_nothing_is_learnt_any_more() {
    let findings = found(&[]).await;
    let since = findings.observed_since.unwrap();
    let later = |days: i64| Timestamp::from_millis(since.as_millis() + days * Day::MILLIS);
    assert!(notes(None, &findings, later(27)).starts_with("learning until 2026-12-21"));
    assert!(!notes(None, &findings, later(28)).contains("learning"));
}

#[tokio::test]
async fn files_of_the_past_do_not_say_which_detectors_cannot_look() {
    let mut findings = found(&[]).await;
    findings.completeness.sources.retain(|state| state.key.source == Source::CloudTrail);
    assert_eq!(findings.completeness.sources.len(), 1);
    let of_one_source = notes(None, &findings, now());
    assert!(of_one_source.contains("blind_spot is off"), "{of_one_source}");
    findings.completeness.sources.clear();
    let of_history = notes(None, &findings, now());
    assert!(!of_history.contains("blind_spot is off"), "{of_history}");
    assert!(of_history.contains("read_then_destroy is off"), "{of_history}");
}

#[test]
fn what_cannot_be_asked_is_a_usage_error() {
    for flags in [
        &["0123456789abcdef", "--open"][..],
        &["--open", "--all"],
        &["--open", "--notify-test"],
        &["--prefix", "thumbs/"],
        &["--expectations", "--open"],
        &["0123456789abcdef", "--request-id", "ABC"],
        &["--limit", "0"],
        &["--since", "yesterday"],
        &["--detector", "mass"],
        &["--severity", "high"],
        &["--output", "xml"],
    ] {
        assert_eq!(parse(flags).unwrap_err().exit_code(), 2, "{flags:?}");
    }
    let told = parse(&["--detector", "mass"]).unwrap_err().to_string();
    assert!(told.contains("write one of mass_delete, off_pattern"), "{told}");
    let backwards = parse(&["--since", "2026-11-23", "--until", "2026-11-22"]).unwrap();
    assert!(backwards.filter().unwrap_err().contains("nothing lies between"));
}
