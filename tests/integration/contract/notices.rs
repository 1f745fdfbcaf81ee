//! Checks of what S3 tells a queue: the test event, and a notification for each object.

use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, Delete, Event, FilterRule, FilterRuleName, NotificationConfiguration,
    NotificationConfigurationFilter, ObjectIdentifier, QueueConfiguration, S3KeyFilter,
    VersioningConfiguration,
};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::{Seen, Service};
use crate::emulator::eventually;

/// What AWS does: "Event message structure", and captures of September 2026.
pub(super) const AWS: &[(&str, &str)] = &[
    ("a bulk delete has one request id", "2 notices, 1 request id"),
    (
        "a marker is told",
        "ObjectRemoved:DeleteMarkerCreated, version of the answer true, size none",
    ),
    ("a new configuration is tested", "s3:TestEvent of contract-notices"),
    ("a notice has the request id of the answer", "true"),
    ("a put is told", "ObjectCreated:Put, 2.6, size 1, key a+b%2Bc%2525/%C3%BC.txt"),
    ("a removed version is told", "ObjectRemoved:Delete, version of the request true"),
    ("sequencers of a key grow", "true"),
    ("what a filter leaves out is not told", "nothing"),
];

const BUCKET: &str = "contract-notices";

pub(super) async fn check(service: &Service, seen: &mut Seen) {
    let (s3, sqs) = (&service.s3, &service.sqs);
    let url = sqs.create_queue().queue_name(BUCKET).send().await.unwrap().queue_url.unwrap();
    let arn = sqs.get_queue_attributes().queue_url(&url);
    let arn = arn.attribute_names(QueueAttributeName::QueueArn).send().await.unwrap();
    let arn = arn.attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
    s3.create_bucket().bucket(BUCKET).send().await.unwrap();
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let enabled = enabled.build();
    let versioning = s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(enabled);
    versioning.send().await.unwrap();
    configure(service, arn).await;

    let test = messages(service, &url, 1).await.remove(0);
    let told = format!("{} of {}", text(&test["Event"]), text(&test["Bucket"]));
    seen.insert("a new configuration is tested", told);

    let key = "a b+c%25/ü.txt";
    let left_out = s3.put_object().bucket(BUCKET).key("left/out.bin").send();
    left_out.await.unwrap();
    let put = s3.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"x"));
    let put = put.send().await.unwrap();
    let notice = records(service, &url, 1).await.remove(0);
    let only_it = text(&notice["s3"]["object"]["key"]) != "left/out.bin";
    let told = if only_it { "nothing" } else { "the object" };
    seen.insert("what a filter leaves out is not told", told.to_owned());
    let object = &notice["s3"]["object"];
    let told = format!(
        "{}, {}, size {}, key {}",
        text(&notice["eventName"]),
        text(&notice["eventVersion"]),
        object["size"],
        text(&object["key"])
    );
    seen.insert("a put is told", told);
    let id = text(&notice["responseElements"]["x-amz-request-id"]);
    let is_same = Some(id) == put.request_id();
    seen.insert("a notice has the request id of the answer", is_same.to_string());
    removals(service, &url, key, object, seen).await;
    bulk(service, &url, seen).await;
}

async fn configure(service: &Service, arn: String) {
    let rule = FilterRule::builder().name(FilterRuleName::Suffix).value(".txt").build();
    let filter = S3KeyFilter::builder().filter_rules(rule).build();
    let queue = QueueConfiguration::builder()
        .queue_arn(arn)
        .events(Event::from("s3:ObjectCreated:*"))
        .events(Event::from("s3:ObjectRemoved:*"))
        .filter(NotificationConfigurationFilter::builder().key(filter).build())
        .build()
        .unwrap();
    let configuration = NotificationConfiguration::builder().queue_configurations(queue).build();
    let put = service.s3.put_bucket_notification_configuration().bucket(BUCKET);
    put.notification_configuration(configuration).send().await.unwrap();
}

async fn removals(service: &Service, url: &str, key: &str, created: &Value, seen: &mut Seen) {
    let s3 = &service.s3;
    let marker = s3.delete_object().bucket(BUCKET).key(key).send().await.unwrap();
    let notice = records(service, url, 1).await.remove(0);
    let object = &notice["s3"]["object"];
    let is_its = object["versionId"].as_str() == marker.version_id.as_deref();
    let size = object.get("size").map_or("none".into(), Value::to_string);
    let told =
        format!("{}, version of the answer {is_its}, size {size}", text(&notice["eventName"]));
    seen.insert("a marker is told", told);
    let grows = sequencer(object) > sequencer(created);
    seen.insert("sequencers of a key grow", grows.to_string());

    let version = text(&created["versionId"]);
    let delete = s3.delete_object().bucket(BUCKET).key(key).version_id(version);
    delete.send().await.unwrap();
    let notice = records(service, url, 1).await.remove(0);
    let is_its = text(&notice["s3"]["object"]["versionId"]) == version;
    let told = format!("{}, version of the request {is_its}", text(&notice["eventName"]));
    seen.insert("a removed version is told", told);
}

async fn bulk(service: &Service, url: &str, seen: &mut Seen) {
    let s3 = &service.s3;
    for key in ["1.txt", "2.txt"] {
        s3.put_object().bucket(BUCKET).key(key).send().await.unwrap();
    }
    records(service, url, 2).await;
    let keys = ["1.txt", "2.txt"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(keys.into())).build().unwrap();
    s3.delete_objects().bucket(BUCKET).delete(delete).send().await.unwrap();
    let notices = records(service, url, 2).await;
    let mut ids: Vec<_> = notices
        .iter()
        .map(|notice| text(&notice["responseElements"]["x-amz-request-id"]))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let told = format!("{} notices, {} request id", notices.len(), ids.len());
    seen.insert("a bulk delete has one request id", told);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The number that a sequencer writes in hexadecimal digits.
fn sequencer(object: &Value) -> u128 {
    u128::from_str_radix(text(&object["sequencer"]), 16).unwrap()
}

/// The next so many records that S3 tells of.
async fn records(service: &Service, url: &str, count: usize) -> Vec<Value> {
    let bodies = messages(service, url, count).await;
    bodies.into_iter().map(|mut body| body["Records"][0].take()).collect()
}

/// The bodies of the next so many messages, which are then deleted.
async fn messages(service: &Service, url: &str, count: usize) -> Vec<Value> {
    let mut bodies = Vec::new();
    let asked = &mut bodies;
    eventually(30, "S3 has told the queue", async || {
        let receive = service.sqs.receive_message().queue_url(url).wait_time_seconds(1);
        let received = receive.max_number_of_messages(10).send().await.unwrap();
        for message in received.messages() {
            let delete = service.sqs.delete_message().queue_url(url);
            delete.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
            asked.push(serde_json::from_str(message.body().unwrap()).unwrap());
        }
        if asked.len() < count { Err(format!("{} of {count}", asked.len())) } else { Ok(()) }
    })
    .await;
    assert_eq!(bodies.len(), count, "{bodies:?}");
    bodies
}
