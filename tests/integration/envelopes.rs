//! Every envelope in which word of a log object may come, sent to the queue by hand: each means
//! the same, and what means nothing is neither fetched nor lost.

use serde_json::{Value, json};

use crate::emulator::{Daemon, Estate, emulator, eventually};
use crate::requirement::scratch;
use crate::world::one_delete;

const SECONDS_MAX: u64 = 60;

/// A bucket in which nothing but what an envelope names is deleted, and the log object for it.
/// The key has a prefix that tells form-encoded keys from raw ones.
fn log_object(name: &str) -> (String, String) {
    let key = format!(
        "logs of 2026+27/100%25/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/\
         111122223333_CloudTrail_us-east-1_20261123T1000Z_{name}.json.gz"
    );
    (format!("told-by-{name}"), key)
}

/// As S3 writes keys into its own notifications.
fn form_encoded(key: &str) -> String {
    key.replace('%', "%25").replace('+', "%2B").replace(' ', "+")
}

fn s3_record(bucket: &str, key: &str, event_name: &str) -> Value {
    json!({
        "eventVersion": "2.6",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-23T10:04:11.123Z",
        "eventName": event_name,
        "userIdentity": { "principalId": "AWS:AROAEXAMPLE:CloudTrail" },
        "requestParameters": { "sourceIPAddress": "203.0.113.5" },
        "responseElements": { "x-amz-request-id": "B510PK4BKYA5YD2R", "x-amz-id-2": "x" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "logs",
            "bucket": {
                "name": bucket,
                "ownerIdentity": { "principalId": "A3NL1KOZZKExample" },
                "arn": format!("arn:aws:s3:::{bucket}")
            },
            "object": { "key": form_encoded(key), "size": 700, "eTag": "d0", "sequencer": "0A" }
        }
    })
}

fn s3_event(bucket: &str, key: &str) -> Value {
    json!({ "Records": [s3_record(bucket, key, "ObjectCreated:Put")] })
}

fn in_sns(message: &str) -> Value {
    json!({
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-east-1:111122223333:logs",
        "Message": message,
        "Timestamp": "2026-11-23T10:04:12.000Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "http://127.0.0.1:9/never-fetched.pem",
        "UnsubscribeURL": "http://127.0.0.1:9/never-fetched"
    })
}

fn event_bridge(bucket: &str, key: &str) -> Value {
    json!({
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-11-23T10:04:11Z",
        "region": "us-east-1",
        "resources": [format!("arn:aws:s3:::{bucket}")],
        "detail": {
            "version": "0",
            "bucket": { "name": bucket },
            "object": { "key": key, "size": 700, "etag": "d0", "sequencer": "0A" },
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "cloudtrail.amazonaws.com",
            "reason": "PutObject"
        }
    })
}

fn named_by_cloudtrail(bucket: &str, key: &str) -> Value {
    json!({ "s3Bucket": bucket, "s3ObjectKey": [key] })
}

/// How word of an object is wrapped, from its bucket and key.
type Envelope = fn(&str, &str) -> Value;

#[tokio::test]
async fn every_envelope_leads_to_its_log_object() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build_silent(emulator, "envelopes", 2).await;
    let logs = estate.bucket.clone();
    let mut expected = Vec::new();
    let mut messages = Vec::new();
    let envelopes: [(&str, Envelope); 6] = [
        ("s3", s3_event),
        ("sns-wrapped", |bucket, key| in_sns(&s3_event(bucket, key).to_string())),
        ("eventbridge", event_bridge),
        ("eventbridge-in-sns", |bucket, key| in_sns(&event_bridge(bucket, key).to_string())),
        ("cloudtrail-sns", |bucket, key| in_sns(&named_by_cloudtrail(bucket, key).to_string())),
        ("cloudtrail-raw", named_by_cloudtrail),
    ];
    for (name, envelope) in envelopes {
        let (bucket, key) = log_object(name);
        estate.put(&key, one_delete(&bucket)).await;
        messages.push(envelope(&logs, &key).to_string());
        expected.push((vec![bucket], 1));
    }
    // Several in one message: both of these, and an event of another bucket between them.
    let (one, two) = (log_object("first-of-two"), log_object("second-of-two"));
    for (bucket, key) in [&one, &two] {
        estate.put(key, one_delete(bucket)).await;
        expected.push((vec![bucket.clone()], 1));
    }
    let records = [
        s3_record(&logs, &one.1, "ObjectCreated:Put"),
        s3_record("images-prod", "some/key.png", "ObjectRemoved:Delete"),
        s3_record(&logs, &two.1, "ObjectCreated:CompleteMultipartUpload"),
    ];
    messages.push(json!({ "Records": records }).to_string());
    messages.push(test_event(&logs).to_string());
    messages.push(in_sns(&test_event(&logs).to_string()).to_string());
    messages.push("CloudTrail validation message.".to_owned());
    messages.push(in_sns("CloudTrail validation message.").to_string());
    messages.push(json!({ "Records": [] }).to_string());
    // The notice of a removal among them is evidence itself.
    expected.push((vec!["images-prod".to_owned()], 1));
    for message in &messages {
        estate.send(message).await;
    }

    let daemon = Daemon::start(&estate, &scratch("envelopes")).await;
    estate.until_drained(SECONDS_MAX).await;
    let expected = expected.into_iter().collect();
    let scrape = eventually(SECONDS_MAX, "every log object is counted", async || {
        let scrape = daemon.scrape()?;
        let removed = scrape.counts("deltrail_objects_removed_total", &["bucket"]);
        if removed == expected { Ok(scrape) } else { Err(format!("{removed:?}")) }
    })
    .await;
    let acknowledged = scrape.counts("deltrail_messages_acknowledged_total", &["queue"]);
    assert_eq!(acknowledged[&vec![estate.queue.clone()]], messages.len() as u64);
    estate.dead_letters(0, 1).await;
    daemon.stop();
}

fn test_event(bucket: &str) -> Value {
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-11-23T10:00:00.000Z",
        "Bucket": bucket,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE"
    })
}

#[tokio::test]
async fn a_bucket_that_is_no_log_bucket_is_never_read() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build_silent(emulator, "closed", 2).await;
    let (bucket, key) = log_object("a-stranger");
    estate.put_elsewhere("not-the-log-bucket", &key, one_delete(&bucket)).await;
    for message in [
        s3_event("not-the-log-bucket", &key),
        event_bridge("not-the-log-bucket", &key),
        named_by_cloudtrail("not-the-log-bucket", &key),
        in_sns(&named_by_cloudtrail("arn:aws:s3:::not-the-log-bucket", &key).to_string()),
        in_sns(&named_by_cloudtrail("http://127.0.0.1:9/", &key).to_string()),
    ] {
        estate.send(&message.to_string()).await;
    }
    // One that is allowed, sent last: when it is counted, the others have been seen.
    let (allowed_bucket, allowed_key) = log_object("a-friend");
    estate.put(&allowed_key, one_delete(&allowed_bucket)).await;
    estate.send(&s3_event(&estate.bucket, &allowed_key).to_string()).await;

    let daemon = Daemon::start(&estate, &scratch("closed")).await;
    let scrape = eventually(SECONDS_MAX, "refusals are counted", async || {
        let scrape = daemon.scrape()?;
        let removed = scrape.counts("deltrail_objects_removed_total", &["bucket"]);
        let refused = scrape.sum("deltrail_rejected_total", &[("reason", "bucket_not_allowed")]);
        let is_done = refused >= 3.0 && removed.contains_key(&vec![allowed_bucket.clone()]);
        if is_done { Ok(scrape) } else { Err(format!("refused {refused}, removed {removed:?}")) }
    })
    .await;
    estate.until_drained(SECONDS_MAX).await;
    let removed = scrape.counts("deltrail_objects_removed_total", &["bucket"]);
    assert_eq!(removed.len(), 1, "{removed:?}");
    let objects = scrape.counts("deltrail_log_objects_total", &["result"]);
    assert_eq!(objects.get(&vec!["committed".to_owned()]), Some(&1), "{objects:?}");
    daemon.stop();
}

/// A small message can name thousands of bad records; what is kept of it stays small.
#[tokio::test]
async fn a_message_of_countless_bad_records_is_kept_once_for_each_reason() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build_silent(emulator, "countless", 2).await;
    let records = vec!["1"; 1_500].join(",");
    estate.send(&format!(r#"{{"Records":[{records}]}}"#)).await;
    let folder = scratch("countless");
    let daemon = Daemon::start(&estate, &folder).await;
    eventually(SECONDS_MAX, "the bad records are counted", async || {
        let scrape = daemon.scrape()?;
        let refused = scrape.sum("deltrail_rejected_total", &[("reason", "not_an_object")]);
        if refused > 1_499.5 { Ok(()) } else { Err(format!("{refused} of 1500")) }
    })
    .await;
    estate.until_drained(SECONDS_MAX).await;
    daemon.stop();
    let bytes = std::fs::metadata(folder.join("deltrail.db")).unwrap().len();
    assert!(bytes < 1 << 20, "the store has {bytes} bytes after a message of 3 KB");
}

#[tokio::test]
async fn what_is_not_understood_is_kept() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build_silent(emulator, "kept", 2).await;
    let strange = [r#"{"hello":"world"}"#, "no JSON at all", r#"{"Records":"#];
    for message in strange {
        estate.send(message).await;
    }
    let daemon = Daemon::start(&estate, &scratch("kept")).await;
    let mut dead = estate.dead_letters(strange.len(), SECONDS_MAX).await;
    dead.sort();
    let mut expected = strange.map(str::to_owned);
    expected.sort();
    assert_eq!(dead, expected);
    let scrape = daemon.scrape().unwrap();
    let failed = scrape.counts("deltrail_messages_failed_total", &["queue", "reason"]);
    let unknown = [estate.queue.clone(), "unknown_envelope".to_owned()];
    let receives = 2 * strange.len() as u64;
    assert_eq!(failed, [(unknown.to_vec(), receives)].into(), "each as often as it was received");
    daemon.expect_well_formed_log();
    daemon.stop();
}
