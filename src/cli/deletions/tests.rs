//! What people and programs read about the removals of one day, and how they ask for them.

use clap::Parser;

use super::*;
use crate::store::scene::{at, day, store_of};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    arguments: DeletionsArguments,
}

fn filter(flags: &[&str]) -> DeletionFilter {
    let line = std::iter::once("deletions").chain(flags.iter().copied());
    Line::try_parse_from(line).unwrap().arguments.filter().unwrap()
}

async fn found(flags: &[&str]) -> Deletions {
    let (_folder, mut reader) = store_of(day()).await;
    reader.deletions(&filter(flags)).unwrap()
}

#[tokio::test]
async fn a_day_is_one_table_and_nothing_in_it_reaches_the_terminal_raw() {
    let deletions = found(&[]).await;
    insta::assert_snapshot!(answer_text(Form::Table, &deletions), @r#"
    AT                        BUCKET  KEY                      KIND     CAUSE      WHO            REQUEST    SAID
    2026-11-23T12:30:00Z      photos  odd\u{1b}[2J, "key".tmp  unknown  api        image-service  LATE       confirmed, provisional
    2026-11-23T12:30:00.000Z  photos  end.tmp                  object   api        image-service  END        confirmed, provisional
    2026-11-23T08:55:00.300Z  photos  banner.webp              object   api        image-service  STALE      stale, unconfirmed
    2026-11-23T08:40:00.700Z  photos  avatar.png               object   api        image-service  AGAIN      duplicate, unconfirmed
    2026-11-23T08:40:00.000Z  photos  avatar.png               object   api        image-service  FIRST      unconfirmed
    2026-11-23T08:31:00.010Z  photos  doc.txt                  version  api        image-service  SHOW       undelete, unconfirmed
    2026-11-23T08:30:00.500Z  photos  doc.txt                  marker   api        -              HIDE       confirmed
    2026-11-23T08:20:00.000Z  photos  old.log                  object   lifecycle  -              LIFECYCLE  confirmed
    2026-11-23T08:10:01.300Z  photos  b.jpg                    object   api        image-service  BULK       confirmed
    2026-11-23T08:10:01.300Z  photos  a.jpg                    object   api        image-service  BULK       confirmed
    2026-11-23T08:00:00.120Z  photos  cat.jpg                  object   api        image-service  SINGLE     confirmed, declared

    DECLARED                  BUCKET  KEY NOT REMOVED SINCE  BY             INTENT  REFERENCE
    2026-11-23T08:59:30.000Z  photos  master.raw             image-service  job-18  TICKET-1
    "#);
    let answer: serde_json::Value =
        serde_json::from_str(&answer_text(Form::Json, &deletions)).unwrap();
    assert_eq!(answer["unfulfilled_intents"][0]["key"], "master.raw");
    let elsewhere = found(&["--bucket", "photos", "--prefix", "cat"]).await;
    assert!(elsewhere.unfulfilled.is_empty());
    insta::assert_snapshot!(notes(&deletions), @r#"
    complete up to 2026-11-23T09:30:00.000Z; later removals may still be on their way
    access_log (111122223333, eu-west-1): complete up to 2026-11-23T09:30:00.000Z
    cloudtrail (111122223333, eu-west-1): complete up to 2026-11-23T12:10:00.000Z, last delivery 2026-11-23T12:31:00.000Z
    s3_notification (111122223333, eu-west-1): complete up to 2026-11-23T12:28:00.000Z, last delivery 2026-11-23T12:31:00.000Z
    "#);
}

#[tokio::test]
async fn csv_is_exact() {
    let flags = ["--bucket", "photos", "--since", "2026-11-23T08:55:00Z"];
    let csv = answer_text(Form::Csv, &found(&flags).await);
    let visible = csv.replace("\r\n", "\n").replace('\u{1b}', "<ESC>").replace('\u{9b}', "<CSI>");
    insta::assert_snapshot!(visible, @r#"
    bucket,key,at,at_precision,kind,cause,version_id,marker_version_id,is_undelete,is_confirmed,is_settled,duplicate_of_request_id,is_stale,sources,principal,session,arn,account_id,access_key_id,source_ip,user_agent,request_id,api,outcome,service_seconds,access_log_seconds,confirmed_seconds,intents,provenance
    photos,"odd<ESC>[2J, ""key"".tmp",2026-11-23T12:30:00.000Z,second,unknown,api,,,false,true,false,,false,access_log,image-service,i-0abc,arn:aws:sts::111122223333:assumed-role/image-service/i-0abc,111122223333,ASIAEXAMPLE,10.0.0.7,tool<CSI>31m,LATE,,,,,,,live
    photos,end.tmp,2026-11-23T12:30:00.000Z,millisecond,object,api,,,false,true,false,,false,cloudtrail s3_notification,image-service,i-0abc,arn:aws:sts::111122223333:assumed-role/image-service/i-0abc,111122223333,ASIAEXAMPLE,10.0.0.7,aws-sdk-java/2.20,END,DeleteObject,ok,0.042,,0.042,,live
    photos,banner.webp,2026-11-23T08:55:00.300Z,millisecond,object,api,,,false,false,true,,true,cloudtrail,image-service,i-0abc,arn:aws:sts::111122223333:assumed-role/image-service/i-0abc,111122223333,ASIAEXAMPLE,10.0.0.7,aws-sdk-java/2.20,STALE,DeleteObject,ok,0.042,,,,live
    "#);
}

#[tokio::test]
async fn ndjson_is_one_deletion_a_line() {
    let lines = answer_text(Form::Ndjson, &found(&["--request-id", "BULK"]).await);
    let keys: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["key"].to_string())
        .collect();
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&"\"a.jpg\"".to_owned()), "{keys:?}");
}

#[tokio::test]
async fn more_than_the_limit_is_said() {
    let deletions = found(&["--bucket", "photos", "--limit", "2"]).await;
    assert_eq!(deletions.rows.len(), 2);
    assert!(notes(&deletions).contains("newest 2; there are more"), "{}", notes(&deletions));
}

#[tokio::test]
async fn nothing_found_is_said_with_what_may_be_missing() {
    let deletions = found(&["--bucket", "elsewhere"]).await;
    assert_eq!(answer_text(Form::Table, &deletions), "");
    let notes = notes(&deletions);
    assert!(notes.starts_with("no removal is known that fits\n"), "{notes}");
    assert!(notes.contains("no cloudtrail: who it was may be unknown"), "{notes}");
}

#[tokio::test]
async fn what_the_api_tells_is_printed_as_what_the_store_tells() {
    for flags in [&[][..], &["--bucket", "photos", "--limit", "3"], &["--bucket", "elsewhere"]] {
        let known = found(flags).await;
        let told = serde_json::to_string(&DeletionList::of(&known)).unwrap();
        let read: DeletionList<'_> = serde_json::from_str(&told).unwrap();
        let read = read.answer().unwrap();
        for form in [Form::Table, Form::Json, Form::Ndjson, Form::Csv] {
            assert_eq!(answer_text(form, &read), answer_text(form, &known), "{form:?}");
        }
        assert_eq!(notes(&read), notes(&known));
        assert_eq!(read.next, known.next);
    }
}

#[test]
fn times_are_written_as_times_as_days_or_as_how_long_ago() {
    assert_eq!(parse_moment("2026-11-23T10:00:00Z"), Ok(at("10:00:00")));
    assert_eq!(parse_moment("2026-11-23"), Ok(at("00:00:00")));
    let hour_ago = parse_moment("1h").unwrap();
    let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    assert!(now.millis_since(hour_ago) >= 3_600_000);
    assert!(parse_moment("yesterday").unwrap_err().contains("2026-11-23T10:00:00Z"));
}

#[test]
fn what_cannot_be_asked_is_a_usage_error() {
    let parse = |flags: &[&str]| {
        let line = std::iter::once("deletions").chain(flags.iter().copied());
        Line::try_parse_from(line).map(|line| line.arguments)
    };
    for flags in [
        &["--prefix", "a/"][..],
        &["--limit", "0"],
        &["--limit", "10001"],
        &["--since", "yesterday"],
        &["--output", "xml"],
    ] {
        assert_eq!(parse(flags).unwrap_err().exit_code(), 2, "{flags:?}");
    }
    let backwards = parse(&["--since", "2026-11-23", "--until", "2026-11-22"]).unwrap();
    assert!(backwards.filter().unwrap_err().contains("nothing lies between"));
}
