//! S3's own words: notifications of structure versions 2.1 and 2.6, with and without `s3:` in their
//! names, and events through EventBridge. One for each key, and none of what was refused.

use fastrand::Rng;
use serde_json::{Value, json};

use super::{What, exact, form_encoded, guid, sequencer, whole_seconds};
use crate::every_source::bucket::{Bucket, OWNER};
use crate::every_source::world::{By, Call, Removed, Upload, token};

/// What both ways have in common.
struct Told<'a> {
    bucket: &'static Bucket,
    key: &'a str,
    request_id: &'a str,
    at: i64,
    version: Option<&'a str>,
    is_lifecycle: bool,
}

fn told_of<'a>(call: &'a Call, removed: &'a Removed, at: i64) -> Told<'a> {
    Told {
        bucket: call.bucket,
        key: &removed.key,
        request_id: &call.request_id,
        at,
        version: removed.marker.as_deref().or(removed.version.as_deref()),
        is_lifecycle: call.by == By::Lifecycle,
    }
}

fn told_keys(call: &Call) -> impl Iterator<Item = (Told<'_>, &Removed)> {
    let told = |removed| Some((told_of(call, removed, removed.notified_at?), removed));
    call.keys.iter().filter_map(told)
}

fn told_of_upload(upload: &Upload) -> Told<'_> {
    Told {
        bucket: upload.bucket,
        key: &upload.key,
        request_id: &upload.request_id,
        at: upload.at,
        version: upload.version.as_deref(),
        is_lifecycle: false,
    }
}

pub fn records_of_call(call: &Call, random: &mut Rng) -> Vec<What> {
    let record = |(told, removed): (Told<'_>, &Removed)| {
        let family = if told.is_lifecycle { "LifecycleExpiration" } else { "ObjectRemoved" };
        let name = if removed.marker.is_some() { "DeleteMarkerCreated" } else { "Delete" };
        let mut record = record(&told, &format!("{family}:{name}"), random);
        if removed.marker.is_some() {
            record["s3"]["object"]["eTag"] = json!("d41d8cd98f00b204e9800998ecf8427e");
        }
        What::Notice { region: call.bucket.region, record }
    };
    told_keys(call).map(record).collect()
}

pub fn records_of_upload(upload: &Upload, random: &mut Rng) -> Vec<What> {
    let names = ["Put", "Post", "Copy", "CompleteMultipartUpload"];
    let name = format!("ObjectCreated:{}", random.choice(names).unwrap());
    let mut record = record(&told_of_upload(upload), &name, random);
    record["s3"]["object"]["size"] = json!(184_662);
    record["s3"]["object"]["eTag"] = json!("4e68adba0abe2dc8653dc3354e14c01d");
    vec![What::Notice { region: upload.bucket.region, record }]
}

pub fn records_of_bystander(
    bucket: &'static Bucket,
    key: &str,
    at: i64,
    random: &mut Rng,
) -> Vec<What> {
    let request_id = token(random, 16);
    let told =
        Told { bucket, key, request_id: &request_id, at, version: None, is_lifecycle: false };
    ["ObjectTagging:Delete", "ObjectAcl:Put", "LifecycleTransition", "ObjectRestore:Delete"]
        .map(|name| What::Notice { region: bucket.region, record: record(&told, name, random) })
        .to_vec()
}

fn record(told: &Told<'_>, name: &str, random: &mut Rng) -> Value {
    let bucket = told.bucket.name;
    let prefix = if random.u8(..4) == 0 { "s3:" } else { "" };
    let is_of_2026 = random.bool();
    let mut record = json!({
        "eventVersion": if is_of_2026 { "2.6" } else { "2.1" },
        "eventSource": "aws:s3",
        "awsRegion": told.bucket.region,
        "eventTime": exact(told.at),
        "eventName": format!("{prefix}{name}"),
        "userIdentity": { "principalId": "AWS:AROAEXAMPLEROLEID0000:image-service" },
        "requestParameters": { "sourceIPAddress": "203.0.113.77" },
        "responseElements": {
            "x-amz-request-id": told.request_id,
            // Not the one that the caller got.
            "x-amz-id-2": format!("{}=", token(random, 72))
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "deltrail",
            "bucket": {
                "name": bucket,
                "ownerIdentity": { "principalId": "A3NL1KOZZKEXAMPLE" },
                "arn": format!("arn:aws:s3:::{bucket}")
            },
            "object": { "key": form_encoded(told.key), "sequencer": sequencer(told.at) }
        }
    });
    if told.is_lifecycle {
        record["userIdentity"]["principalId"] = json!("s3.amazonaws.com");
        record["requestParameters"]["sourceIPAddress"] = json!("s3.amazonaws.com");
    }
    let object = &mut record["s3"]["object"];
    match told.version {
        Some(version) => object["versionId"] = json!(version),
        None if random.bool() => object["versionId"] = Value::Null,
        None => {}
    }
    if is_of_2026 {
        object["hasObjectAnnotation"] = json!(false);
    }
    record
}

pub fn events_of_call(call: &Call, random: &mut Rng) -> Vec<What> {
    let event = |(told, removed): (Told<'_>, &Removed)| {
        let mut event = event(&told, "Object Deleted", random);
        let detail = &mut event["detail"];
        detail["reason"] =
            json!(if told.is_lifecycle { "Lifecycle Expiration" } else { "DeleteObject" });
        detail["deletion-type"] = json!("Permanently Deleted");
        if removed.marker.is_some() {
            detail["deletion-type"] = json!("Delete Marker Created");
            detail["object"]["etag"] = json!("d41d8cd98f00b204e9800998ecf8427e");
        }
        What::Event { region: call.bucket.region, event }
    };
    told_keys(call).map(event).collect()
}

pub fn events_of_upload(upload: &Upload, random: &mut Rng) -> Vec<What> {
    let mut event = event(&told_of_upload(upload), "Object Created", random);
    event["detail"]["reason"] = json!("PutObject");
    event["detail"]["object"]["size"] = json!(184_662);
    event["detail"]["object"]["etag"] = json!("4e68adba0abe2dc8653dc3354e14c01d");
    vec![What::Event { region: upload.bucket.region, event }]
}

pub fn events_of_bystander(
    bucket: &'static Bucket,
    key: &str,
    at: i64,
    random: &mut Rng,
) -> Vec<What> {
    let request_id = token(random, 16);
    let told =
        Told { bucket, key, request_id: &request_id, at, version: None, is_lifecycle: false };
    ["Object Tags Deleted", "Object ACL Updated", "Object Storage Class Changed"]
        .map(|kind| What::Event { region: bucket.region, event: event(&told, kind, random) })
        .to_vec()
}

/// The time of an event has whole seconds, and its key is raw.
fn event(told: &Told<'_>, kind: &str, random: &mut Rng) -> Value {
    let bucket = told.bucket.name;
    let mut event = json!({
        "version": "0",
        "id": guid(random),
        "detail-type": kind,
        "source": "aws.s3",
        "account": OWNER,
        "time": whole_seconds(told.at),
        "region": told.bucket.region,
        "resources": [format!("arn:aws:s3:::{bucket}")],
        "detail": {
            "version": if random.bool() { "0" } else { "1.2" },
            "bucket": { "name": bucket },
            "object": { "key": told.key, "sequencer": sequencer(told.at) },
            "request-id": told.request_id,
            "requester": if told.is_lifecycle { "s3.amazonaws.com" } else { OWNER }
        }
    });
    if let Some(version) = told.version {
        event["detail"]["object"]["version-id"] = json!(version);
    }
    if !told.is_lifecycle {
        event["detail"]["source-ip-address"] = json!("203.0.113.77");
    }
    event
}
