//! What people and programs read about keys of one day.

use super::*;
use crate::store::KeyHistory;
use crate::store::scene::{day, store_of};

async fn history(key: &str, version_id: Option<&str>) -> (KeyQuestion, KeyHistory) {
    let (_folder, mut reader) = store_of(day()).await;
    let question = KeyQuestion {
        bucket: "photos".into(),
        key: key.into(),
        version_id: version_id.map(str::to_owned),
    };
    let history = reader.key_history(&question).unwrap();
    (question, history)
}

async fn text(key: &str) -> String {
    let (question, history) = history(key, None).await;
    report(&question, &history)
}

/// The report up to how complete it is.
async fn removals(key: &str) -> String {
    let text = text(key).await;
    text.split("\nHow complete").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_confirmed_delete_is_told_with_its_author_its_time_and_its_intent() {
    insta::assert_snapshot!(text("cat.jpg").await, @r#"
    s3://photos/cat.jpg: 1 removal

    2026-11-23T08:00:00.120Z  object removed, confirmed by S3
      who       image-service, session i-0abc, arn:aws:sts::111122223333:assumed-role/image-service/i-0abc, access key ASIAEXAMPLE
      from      10.0.0.7, aws-sdk-java/2.20
      request   SINGLE, DeleteObject, ok
      sources   cloudtrail, s3_notification
      took      0.042 s in S3, 0.120 s from the request to S3's notification
      intent    job-17 by image-service for TICKET-1, declared at 2026-11-23T07:59:00.000Z, 1 min 0 s before

    How complete this is
      complete up to 2026-11-23T09:30:00.000Z; later removals may still be on their way
      access_log (111122223333, eu-west-1): complete up to 2026-11-23T09:30:00.000Z
      cloudtrail (111122223333, eu-west-1): complete up to 2026-11-23T12:10:00.000Z, last delivery 2026-11-23T12:31:00.000Z
      s3_notification (111122223333, eu-west-1): complete up to 2026-11-23T12:28:00.000Z, last delivery 2026-11-23T12:31:00.000Z
    "#);
}

#[tokio::test]
async fn each_kind_of_removal_is_told_in_its_own_words() {
    let mut told = String::new();
    for key in ["a.jpg", "old.log", "doc.txt", "avatar.png", "banner.webp"] {
        told.push_str(&removals(key).await);
    }
    insta::assert_snapshot!(told, @r#"
    s3://photos/a.jpg: 1 removal

    2026-11-23T08:10:01.300Z  object removed, confirmed by S3
      who       image-service, session i-0abc, arn:aws:sts::111122223333:assumed-role/image-service/i-0abc, access key ASIAEXAMPLE
      from      10.0.0.7, aws-sdk-java/2.20
      request   BULK, DeleteObjects, ok
      sources   cloudtrail, s3_notification
      took      0.250 s in S3, 1.300 s from the request to S3's notification
    s3://photos/old.log: 1 removal

    2026-11-23T08:20:00.000Z  object removed, by a lifecycle rule, confirmed by S3
      who       S3, for a lifecycle rule
      request   LIFECYCLE
      sources   s3_notification

    Changes of protection in the 48 h before
      2026-11-23T08:19:00Z  PutBucketLifecycle (Days=1): ok, by image-service, session i-0abc
    s3://photos/doc.txt: 2 removals, newest first

    2026-11-23T08:31:00.010Z  delete marker marker-1 removed by its id, so that the object is back, not confirmed by S3, although it tells of this bucket
      who       image-service, session i-0abc, arn:aws:sts::111122223333:assumed-role/image-service/i-0abc, access key ASIAEXAMPLE
      from      10.0.0.7, aws-sdk-java/2.20
      request   SHOW, DeleteObject, ok
      sources   cloudtrail
      took      0.042 s in S3

    2026-11-23T08:30:00.500Z  hidden by delete marker marker-1, confirmed by S3
      who       no source tells
      request   HIDE
      sources   s3_notification

    Changes of protection in the 48 h before
      2026-11-23T08:19:00Z  PutBucketLifecycle (Days=1): ok, by image-service, session i-0abc
    s3://photos/avatar.png: 2 removals, newest first

    2026-11-23T08:40:00.700Z  object removed, not confirmed by S3, although it tells of this bucket
      who       image-service, session i-0abc, arn:aws:sts::111122223333:assumed-role/image-service/i-0abc, access key ASIAEXAMPLE
      from      10.0.0.7, aws-sdk-java/2.20
      request   AGAIN, DeleteObject, ok
      sources   cloudtrail
      took      0.042 s in S3
      repeats   the removal at 2026-11-23T08:40:00.000Z by request FIRST

    2026-11-23T08:40:00.000Z  object removed, not confirmed by S3, although it tells of this bucket
      who       image-service, session i-0abc, arn:aws:sts::111122223333:assumed-role/image-service/i-0abc, access key ASIAEXAMPLE
      from      10.0.0.7, aws-sdk-java/2.20
      request   FIRST, DeleteObject, ok
      sources   cloudtrail
      took      0.042 s in S3

    Changes of protection in the 48 h before
      2026-11-23T08:19:00Z  PutBucketLifecycle (Days=1): ok, by image-service, session i-0abc
    s3://photos/banner.webp: 1 removal

    2026-11-23T08:55:00.300Z  object removed, not confirmed by S3, although it tells of this bucket
      who       image-service, session i-0abc, arn:aws:sts::111122223333:assumed-role/image-service/i-0abc, access key ASIAEXAMPLE
      from      10.0.0.7, aws-sdk-java/2.20
      request   STALE, DeleteObject, ok
      sources   cloudtrail
      took      0.042 s in S3
      stale     uploaded at 2026-11-23T08:50:00.000Z, 5 min 0 s before, when it replaced the upload of 2026-11-23T08:45:00.000Z

    Changes of protection in the 48 h before
      2026-11-23T08:19:00Z  PutBucketLifecycle (Days=1): ok, by image-service, session i-0abc
    "#);
}

#[tokio::test]
async fn a_key_that_was_not_removed_is_told_with_all_that_may_explain_it() {
    insta::assert_snapshot!(text("master.raw").await, @r#"
    s3://photos/master.raw: no removal is known

    It may have been among the keys of these bulk deletes, which no source tells
      2026-11-23T09:30:00Z  request KEYLESS, by image-service, session i-0abc; its keys may still come

    Refused attempts
      2026-11-23T09:00:00Z  DeleteObject: AccessDenied, by image-service, session i-0abc

    Declared, and not removed since
      job-18 by image-service for TICKET-1, declared at 2026-11-23T08:59:30.000Z

    Changes of protection in the 48 h before
      2026-11-23T08:19:00Z  PutBucketLifecycle (Days=1): ok, by image-service, session i-0abc

    How complete this is
      complete up to 2026-11-23T09:30:00.000Z; later removals may still be on their way
      access_log (111122223333, eu-west-1): complete up to 2026-11-23T09:30:00.000Z
      cloudtrail (111122223333, eu-west-1): complete up to 2026-11-23T12:10:00.000Z, last delivery 2026-11-23T12:31:00.000Z
      s3_notification (111122223333, eu-west-1): complete up to 2026-11-23T12:28:00.000Z, last delivery 2026-11-23T12:31:00.000Z
    "#);
}

#[tokio::test]
async fn what_is_not_settled_is_provisional_and_hostile_texts_are_escaped() {
    insta::assert_snapshot!(removals("odd\u{1b}[2J, \"key\".tmp").await, @r#"
    s3://photos/odd\u{1b}[2J, "key".tmp: 1 removal

    2026-11-23T12:30:00Z, within this second  removed; no source tells whether for good or by a delete marker, confirmed by S3
      who       image-service, session i-0abc, arn:aws:sts::111122223333:assumed-role/image-service/i-0abc, access key ASIAEXAMPLE
      from      10.0.0.7, tool\u{9b}31m
      request   LATE
      sources   access_log
      settled   not yet: more may be on its way, and what is said here may change

    Changes of protection in the 48 h before
      2026-11-23T08:19:00Z  PutBucketLifecycle (Days=1): ok, by image-service, session i-0abc
    "#);
}

#[tokio::test]
async fn a_marker_is_found_by_its_id_made_and_removed() {
    let (_, of_marker) = history("doc.txt", Some("marker-1")).await;
    assert_eq!(of_marker.deletions.len(), 2);
    let (_, of_other) = history("doc.txt", Some("marker-2")).await;
    assert_eq!(of_other.deletions.len(), 0);
    let (_, of_null) = history("doc.txt", Some("null")).await;
    assert_eq!(of_null.deletions.len(), 1, "the marker's making named no version");
}

#[tokio::test]
async fn what_the_api_tells_is_printed_as_what_the_store_tells() {
    let keys = [
        "cat.jpg",
        "a.jpg",
        "old.log",
        "doc.txt",
        "avatar.png",
        "banner.webp",
        "master.raw",
        "odd\u{1b}[2J, \"key\".tmp",
        "nothing",
    ];
    for key in keys {
        let (question, known) = history(key, None).await;
        let told = serde_json::to_string(&WhoDeleted::of(&known)).unwrap();
        let read: WhoDeleted<'_> = serde_json::from_str(&told).unwrap();
        let read = read.answer(&question).unwrap();
        assert_eq!(report(&question, &read), report(&question, &known));
        assert_eq!(json(&WhoDeleted::of(&read)), json(&WhoDeleted::of(&known)));
        assert_eq!(deletions_csv(&read.deletions), deletions_csv(&known.deletions));
    }
}

#[tokio::test]
async fn json_carries_everything_under_its_names() {
    let (_, history) = history("banner.webp", None).await;
    insta::assert_snapshot!("json", json(&WhoDeleted::of(&history)));
    let (_, history) = self::history("master.raw", None).await;
    let answer = serde_json::to_value(WhoDeleted::of(&history)).unwrap();
    assert_eq!(answer["refused"][0]["error_code"], "AccessDenied");
    assert_eq!(answer["intents"][0]["id"], "job-18");
    assert_eq!(answer["protection_changes"][0]["event_name"], "PutBucketLifecycle");
    assert_eq!(answer["unresolved_bulk_deletes"][0]["request_id"], "KEYLESS");
}
