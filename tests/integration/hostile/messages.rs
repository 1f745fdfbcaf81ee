//! Messages that anybody who may send to the queue could write: what they forge is not believed,
//! what they name is not fetched, and the true part of a message is told whatever lies beside it.

use std::collections::BTreeMap;

use deltrail::sandbox::faults::Fault;
use serde_json::{Value, json};

use super::{
    DEAD_LETTERS, FOREIGN_BUCKET, LOG_BUCKET, Place, RESIDENT_BYTES_MAX, SECONDS_MAX, counts,
    delete, document, key_set,
};
use crate::emulator::eventually;

/// The largest message that SQS takes since August 2025.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
const DEPTH: usize = 100_000;

/// A record as S3 writes them, of a removal from `images-prod`.
fn removed(key: &str) -> Value {
    event("ObjectRemoved:Delete", "images-prod", key)
}

fn event(name: &str, bucket: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-11-23T10:00:00.123Z", "eventName": name,
        "userIdentity": { "principalId": "AWS:AROAEXAMPLE:session" },
        "requestParameters": { "sourceIPAddress": "203.0.113.5" },
        "responseElements": { "x-amz-request-id": format!("R{key}"), "x-amz-id-2": "host" },
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "all",
            "bucket": {
                "name": bucket, "ownerIdentity": { "principalId": "A3NL1KOZZKExample" },
                "arn": format!("arn:aws:s3:::{bucket}")
            },
            "object": { "key": key, "sequencer": "0A" }
        }
    })
}

/// No more of a record than tells of a removal.
fn short(key: &str) -> String {
    let s3 = format!(r#"{{"bucket":{{"name":"images-prod"}},"object":{{"key":"{key}"}}}}"#);
    let told = r#""eventTime":"2026-11-23T10:00:00Z","eventName":"ObjectRemoved:Delete""#;
    format!(r#"{{{told},"s3":{s3}}}"#)
}

fn records(records: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

fn in_sns(message: &str) -> String {
    json!({
        "Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:111122223333:logs",
        "Message": message, "UnsubscribeURL": "http://169.254.169.254/latest/meta-data/",
        "SigningCertURL": "http://169.254.169.254/latest/meta-data/"
    })
    .to_string()
}

/// As many records as fit into the largest message, each made by `record` from its number.
fn full_message(record: impl Fn(usize) -> String) -> (String, usize) {
    let mut body = r#"{"Records":["#.to_owned();
    let mut count = 0;
    loop {
        let next = record(count);
        if body.len() + next.len() + 3 > MESSAGE_BYTES_MAX {
            break;
        }
        if count > 0 {
            body.push(',');
        }
        body += &next;
        count += 1;
    }
    (body + "]}", count)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_messages_are_told_in_full() {
    let place = Place::new("largest").await;
    let (long, longs) = full_message(|nth| removed(&format!("long/{nth}")).to_string());
    // Other records between them that say nothing, or nothing that can be understood.
    let (brief, briefs) = full_message(|nth| match nth % 100 {
        98 => "{}".to_owned(),
        99 => "7".to_owned(),
        _ => short(&format!("short/{nth}")),
    });
    assert!(longs > 1_000 && briefs > 5_000, "{longs} long and {briefs} short records");
    let empty = format!(r#"{{"Records":[{}{}]}}"#, "{},".repeat(300_000), short("empty/last"));
    for body in [&long, &brief, &empty] {
        assert!(body.len() <= MESSAGE_BYTES_MAX);
        place.send(body.as_str());
    }
    // Whatever surrounds what matters.
    let padding = "x".repeat(MESSAGE_BYTES_MAX - 1_000);
    place.send(format!(r#"{{"padding":"{padding}","Records":[{}]}}"#, removed("padded")));

    let daemon = place.daemon(&[]).await;
    place.until_settled(0).await;
    let told = |nth: &usize| nth % 100 < 98;
    let mut expected = key_set(["empty/last", "padded"]);
    expected.extend((0..longs).map(|nth| format!("long/{nth}")));
    expected.extend((0..briefs).filter(told).map(|nth| format!("short/{nth}")));
    let found = place.kept().keys_of("images-prod");
    assert!(found == expected, "{} of {} removals", found.len(), expected.len());
    let scrape = daemon.scrape().unwrap();
    let rejected = scrape.counts("deltrail_rejected_total", &["reason"]);
    let of = |reason: &str| rejected.get(&vec![reason.to_owned()]).copied().unwrap_or_default();
    let not_told = (0..briefs).filter(|nth| !told(nth)).count();
    let odd = (0..briefs).filter(|nth| nth % 100 == 99).count() as u64;
    assert_eq!(of("not_an_object"), odd);
    assert_eq!(of("unknown_envelope"), 300_000 + not_told as u64 - odd);
    assert_eq!(
        place.kept().rejects(),
        counts([("not_an_object", 1), ("unknown_envelope", 2)]),
        "a message is kept once for each reason"
    );
    let peak = daemon.peak_resident_bytes();
    assert!(peak < RESIDENT_BYTES_MAX, "peak resident set: {} MiB", peak >> 20);
    daemon.stop();
}

/// Bad records, each with its reason, between good ones in one message.
fn bad_records() -> Vec<(String, &'static str)> {
    let good = removed("bad").to_string();
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    let nest = |open: &str, close: &str| open.repeat(DEPTH) + "1" + &close.repeat(DEPTH);
    let bucket = r#""name":"images-prod""#;
    let key = r#""key":"bad""#;
    let time = "2026-11-23T10:00:00.123Z";
    vec![
        (with(r#""0A""#, &nest("[", "]")), "record_too_large"),
        (format!(r#"{{"s3":{}"#, "[".repeat(200)) + &"]".repeat(200) + "}", "invalid_json"),
        (with(r#""0A""#, "1e999999"), "invalid_json"),
        (with(key, r#""key":"\ud800""#), "invalid_json"),
        (with(key, r#""key":"%ff%fe""#), "invalid_utf8"),
        (with(key, r#""key":null"#), "wrong_type"),
        (with(key, r#""key":"ok","key":{}"#), "wrong_type"),
        (with(bucket, r#""name":"images-prod","name":"arn:aws:s3:::x""#), "bucket_not_allowed"),
        (with(bucket, r#""name":"https://x.s3.amazonaws.com/""#), "bucket_not_allowed"),
        (with(bucket, r#""name":"../images-prod""#), "bucket_not_allowed"),
        (with(bucket, r#""name":["a","b"]"#), "missing_bucket"),
        (with(time, "9999999-11-23T10:00:00Z"), "missing_time"),
        (with(time, "-2026-11-23T10:00:00Z"), "missing_time"),
        (with(r#""2.1""#, "9e99"), "unknown_version"),
        (with(r#""aws:s3""#, r#""aws:s3","eventSource":"aws:ses""#), "unknown_envelope"),
        ("null".to_owned(), "not_an_object"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_of_a_message_stop_none_beside_them() {
    let place = Place::new("bad-records").await;
    let mut all = Vec::new();
    let mut expected = Vec::new();
    for (nth, (bad, _)) in bad_records().into_iter().enumerate() {
        let good = format!("good/{nth}");
        all.extend([removed(&good).to_string(), bad]);
        expected.push(good);
    }
    // The last of two members counts, as for any reader of JSON.
    let twice = removed("first").to_string();
    all.push(twice.replace(r#""key":"first""#, r#""key":"first","key":"second""#));
    all.push(short("nul%00+and%2B%E2%80%AE"));
    all.push(short("size").replace(r#""key":"size""#, r#""key":"size","size":-1"#));
    expected.extend(["second", "nul\0 and+\u{202e}", "size"].map(str::to_owned));
    place.send(records(&all));
    place.send(in_sns(&records(&[short("in sns")])));
    expected.push("in sns".to_owned());

    let daemon = place.daemon(&[]).await;
    place.until_settled(0).await;
    assert_eq!(place.kept().keys_of("images-prod"), expected.into_iter().collect());
    let mut reasons = BTreeMap::new();
    for (_, reason) in bad_records() {
        *reasons.entry(vec![reason.to_owned()]).or_insert(0_u64) += 1;
    }
    let scrape = daemon.scrape().unwrap();
    assert_eq!(scrape.counts("deltrail_rejected_total", &["reason"]), reasons);
    let bodies = place.kept().pairs("SELECT reason, body FROM rejects WHERE body IS NOT NULL");
    assert!(bodies.iter().all(|(_, body)| *body == records(&all)), "the message is kept whole");
    assert_eq!(bodies.len(), reasons.len());
    daemon.stop();
}

/// Messages that are understood by nobody: they go where such messages go.
fn poison() -> Vec<String> {
    let nest = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
    let mut sns = records(&[short("too deep")]);
    for _ in 0..4 {
        sns = in_sns(&sns);
    }
    vec![
        nest.clone(),
        r#"{"a":"#.repeat(DEPTH),
        format!(r#"{{"Records":{nest}"#),
        sns,
        r#"{"Type":"SubscriptionConfirmation","SubscribeURL":"http://127.0.0.1:9/"}"#.to_owned(),
        "\u{202e}\u{1b}[31mno JSON".to_owned(),
        format!("\"{}\"", "x".repeat(MESSAGE_BYTES_MAX - 2)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_nobody_understands_hold_up_no_other() {
    let place = Place::new("poison").await;
    for body in poison() {
        place.send(body);
    }
    place.send(records(&[short("behind them")]));
    let daemon = place.daemon(&[]).await;
    place.until_settled(poison().len() as u64).await;
    assert_eq!(place.kept().keys_of("images-prod"), key_set(["behind them"]));
    let log = daemon.output();
    assert!(!log.contains(['\u{1b}', '\u{202e}']), "{log}");
    daemon.expect_well_formed_log();
    let depth = place.sandbox.queues().depth(DEAD_LETTERS).unwrap();
    assert_eq!(depth.visible, poison().len(), "they are kept there");
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_forged_message_names_is_neither_fetched_nor_believed() {
    let place = Place::new("forged").await;
    let name = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/x.json.gz";
    let trap = document(&[&delete("trap", "")]);
    place.put(FOREIGN_BUCKET, name, trap.clone());
    place.put(LOG_BUCKET, "elsewhere/x.json.gz", trap);
    let created = |bucket: &str, key: &str| {
        json!({ "Records": [event("ObjectCreated:Put", bucket, key)] }).to_string()
    };
    let access_point = "arn:aws:s3:us-east-1:111122223333:accesspoint/logs";
    let listed = |bucket: &str| json!({ "s3Bucket": bucket, "s3ObjectKey": [name] }).to_string();
    for body in [
        created(FOREIGN_BUCKET, name),
        created(access_point, name),
        created("https://somebody-elses-logs.s3.amazonaws.com/", name),
        created("169.254.169.254/", name),
        listed(FOREIGN_BUCKET),
        listed(&format!("arn:aws:s3:::{FOREIGN_BUCKET}")),
        listed(&format!("{LOG_BUCKET}/../{FOREIGN_BUCKET}")),
        in_sns(&listed("http://127.0.0.1:9/")),
        in_sns(&in_sns(&created(FOREIGN_BUCKET, name))),
    ] {
        place.send(body);
    }
    // Buckets whose notifications are not believed, and one whose are.
    let foreign = ["ledgers", "Images-prod", "xn--images-prod", "images.prod", "prod-images-1"];
    let forged = foreign.map(|bucket| event("ObjectRemoved:Delete", bucket, "forged").to_string());
    place.send(records(&forged));
    place.send(records(&[removed("true").to_string()]));

    let log_bucket = format!("{LOG_BUCKET}/AWSLogs");
    let daemon = place.daemon_of(&log_bucket, &["--watch-bucket", "images-*"]).await;
    place.until_settled(0).await;
    let expected = [("images-prod".to_owned(), "true".to_owned())];
    assert_eq!(place.kept().removed(), expected);
    let scrape = daemon.scrape().unwrap();
    let refused = scrape.sum("deltrail_rejected_total", &[("reason", "bucket_not_allowed")]);
    assert!((refused - 9.0).abs() < 0.5, "{refused} refused");
    assert!(scrape.counts("deltrail_log_objects_total", &["result"]).is_empty(), "nothing fetched");
    let ignored = scrape.sum("deltrail_records_total", &[("result", "ignored")]);
    assert!((ignored - 6.0).abs() < 0.5, "{ignored} not believed");
    daemon.stop();
}

/// As many as may be in flight by their number, of the largest size, while what they name comes
/// slowly.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_messages_wait_in_the_queue_and_not_in_memory() {
    let place = Place::new("heavy").await;
    let faults = place.sandbox.faults();
    faults.set(Fault::S3SlowBody, 1_000);
    let padding = "x".repeat(MESSAGE_BYTES_MAX - 1_000);
    let count = 160;
    for nth in 0..count {
        let key = format!("AWSLogs/{nth}.json.gz");
        // The bucket tells of it too, in a small message.
        place.put(LOG_BUCKET, &key, document(&[&delete(&format!("{nth}"), "")]));
        let named = event("ObjectCreated:Put", LOG_BUCKET, &key);
        place.send(format!(r#"{{"padding":"{padding}","Records":[{named}]}}"#));
    }
    let daemon = place.daemon(&["--in-flight-objects=1"]).await;
    eventually(SECONDS_MAX, "some are worked off", async || {
        let scrape = daemon.scrape()?;
        let acknowledged = scrape.sum("deltrail_messages_acknowledged_total", &[]);
        if acknowledged > 15.0 { Ok(()) } else { Err(format!("{acknowledged} acknowledged")) }
    })
    .await;
    faults.calm();
    place.until_settled(0).await;
    let expected = (0..count).map(|nth| nth.to_string()).collect();
    assert_eq!(place.kept().keys_of("images-prod"), expected);
    let peak = daemon.peak_resident_bytes();
    assert!(peak < RESIDENT_BYTES_MAX, "peak resident set: {} MiB", peak >> 20);
    daemon.stop();
}
