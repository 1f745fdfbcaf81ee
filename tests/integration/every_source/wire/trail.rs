//! CloudTrail records: as version 1.11 has them since 2026, with times to the millisecond and the
//! status in `additionalEventData`, and as they were before. A bulk call has an aggregate, and one
//! child for each key, in a layout that AWS does not document.

use fastrand::Rng;
use serde_json::{Value, json};

use super::{What, guid, whole_seconds};
use crate::every_source::bucket::{Bucket, OWNER, PARTNER};
use crate::every_source::world::{By, Call, KeyIn, Layout, Refusal, Removed, Upload, token};

/// What a record of any S3 call says.
struct Told<'a> {
    name: &'a str,
    bucket: &'a Bucket,
    /// None for a call that names no single one.
    key: Option<&'a str>,
    request_id: &'a str,
    started_at: i64,
    ended_at: i64,
    status: u16,
    has_times: bool,
}

pub fn of_call(call: &Call, random: &mut Rng) -> Vec<What> {
    let records = match call.by {
        By::DeleteObject => vec![direct(call, &call.keys[0], random)],
        By::DeleteObjects => {
            let mut records = vec![aggregate(call, random)];
            if let (Some(layout), None) = (call.layout, call.refusal) {
                let is_told = |it: &&Removed| it.refusal.is_none() || it.is_refusal_told;
                let keys = call.keys.iter().filter(is_told);
                records.extend(keys.map(|removed| child(call, removed, layout, random)));
            }
            records
        }
        By::Lifecycle => Vec::new(),
    };
    let copies = records.into_iter().flat_map(|record| {
        if call.is_across_accounts { two_copies(record, random) } else { vec![(OWNER, record)] }
    });
    let region = call.bucket.region;
    copies.map(|(account, record)| What::Record { account, region, record }).collect()
}

pub fn of_upload(upload: &Upload, random: &mut Rng) -> Vec<What> {
    vec![bystander(upload.bucket, "PutObject", &upload.key, upload.at, random)]
}

pub fn of_bystander(bucket: &'static Bucket, key: &str, at: i64, random: &mut Rng) -> Vec<What> {
    ["GetObject", "DeleteObjectTagging", "AbortMultipartUpload", "ListObjects"]
        .map(|name| bystander(bucket, name, key, at, random))
        .to_vec()
}

/// A change of a bucket's protection.
pub fn of_change(bucket: &'static Bucket, at: i64, random: &mut Rng) -> Vec<What> {
    let mut what = bystander(bucket, "PutBucketLifecycle", "", at, random);
    if let What::Record { record, .. } = &mut what {
        record["eventCategory"] = json!("Management");
        record["managementEvent"] = json!(true);
        record["requestParameters"] = json!({
            "bucketName": bucket.name,
            "lifecycle": "",
            "LifecycleConfiguration": {
                "Rule": { "ID": "purge", "Status": "Enabled", "Expiration": { "Days": 1 } }
            }
        });
    }
    vec![what]
}

fn bystander(bucket: &'static Bucket, name: &str, key: &str, at: i64, random: &mut Rng) -> What {
    let request_id = token(random, 16);
    let told = Told {
        name,
        bucket,
        key: Some(key),
        request_id: &request_id,
        started_at: at - 30,
        ended_at: at,
        status: 200,
        has_times: true,
    };
    let record = record(&told, random);
    What::Record { account: OWNER, region: bucket.region, record }
}

/// A call for one key.
fn direct(call: &Call, removed: &Removed, random: &mut Rng) -> Value {
    let mut record = record(&told_of(call, "DeleteObject", Some(&removed.key), 204), random);
    if random.bool() {
        record["requestParameters"]["x-id"] = json!("DeleteObject");
    }
    if let Some(version) = &removed.version {
        record["requestParameters"]["versionId"] = json!(version);
    }
    if call.refusal.is_none() {
        record["responseElements"] = response(removed);
    }
    refused(record, call.refusal)
}

fn aggregate(call: &Call, random: &mut Rng) -> Value {
    let mut record = record(&told_of(call, "DeleteObjects", None, 200), random);
    record["requestParameters"]["delete"] = json!("");
    refused(record, call.refusal)
}

/// One key of a bulk call, which no caller asked for by itself.
fn child(call: &Call, removed: &Removed, layout: Layout, random: &mut Rng) -> Value {
    let own_request_id = token(random, 16);
    let mut told = told_of(call, "DeleteObject", Some(&removed.key), 204);
    told.has_times = layout.has_times;
    if !layout.shares_request_id {
        told.request_id = &own_request_id;
    }
    let mut record = record(&told, random);
    record["eventType"] = json!("AwsServiceEvent");
    if layout.names_version {
        record["requestParameters"]["versionId"] = json!(removed.version);
        record["responseElements"] = response(removed);
    }
    place_key(&mut record, layout.key_in, call.bucket.name, &removed.key);
    refused(record, removed.refusal)
}

/// Leaves the key in one of the places where it may be, and puts the version beside it.
fn place_key(record: &mut Value, key_in: KeyIn, bucket: &str, key: &str) {
    let bucket_alone = json!([record["resources"][1]]);
    let version = record["requestParameters"]["versionId"].take();
    match key_in {
        KeyIn::RequestParameters => {
            record["resources"] = bucket_alone;
            record["requestParameters"]["versionId"] = version;
        }
        KeyIn::Resources => {
            record["requestParameters"] = json!({ "bucketName": bucket, "versionId": version });
        }
        KeyIn::ServiceEventDetails => {
            record["resources"] = bucket_alone;
            record["requestParameters"] = Value::Null;
            record["serviceEventDetails"] =
                json!({ "bucketName": bucket, "key": key, "versionId": version });
        }
    }
}

/// A marker that is made is told with its id; so is one that is removed.
fn response(removed: &Removed) -> Value {
    let marker = match &removed.version {
        Some(version) if removed.is_undelete => Some(version),
        _ => removed.marker.as_ref(),
    };
    match (marker, &removed.version) {
        (Some(id), _) => json!({ "x-amz-delete-marker": "true", "x-amz-version-id": id }),
        (None, Some(version)) => json!({ "x-amz-version-id": version }),
        (None, None) => Value::Null,
    }
}

fn refused(mut record: Value, refusal: Option<Refusal>) -> Value {
    let Some(Refusal { code, status }) = refusal else { return record };
    record["errorCode"] = json!(code);
    record["errorMessage"] = json!("User is not authorized to perform: s3:DeleteObject");
    if record["additionalEventData"]["httpStatusCode"].is_number() {
        record["additionalEventData"]["httpStatusCode"] = json!(status);
    }
    record["responseElements"] = Value::Null;
    record
}

/// The caller's copy and that of the bucket's owner, who does not learn the caller's name.
fn two_copies(mut record: Value, random: &mut Rng) -> Vec<(&'static str, Value)> {
    record["sharedEventID"] = json!(guid(random));
    record["userIdentity"]["accountId"] = json!(PARTNER);
    let mut owners = record.clone();
    owners["eventID"] = json!(guid(random));
    owners["userIdentity"] =
        json!({ "type": "AWSAccount", "principalId": "AROAEXAMPLE", "accountId": PARTNER });
    record["recipientAccountId"] = json!(PARTNER);
    vec![(PARTNER, record), (OWNER, owners)]
}

fn told_of<'a>(call: &'a Call, name: &'a str, key: Option<&'a str>, status: u16) -> Told<'a> {
    Told {
        name,
        bucket: call.bucket,
        key,
        request_id: &call.request_id,
        started_at: call.started_at,
        ended_at: call.ended_at,
        status,
        has_times: call.has_times,
    }
}

fn record(told: &Told<'_>, random: &mut Rng) -> Value {
    let Told { bucket, .. } = *told;
    let object = match told.key {
        Some(key) => json!({
            "type": "AWS::S3::Object",
            "ARN": format!("arn:aws:s3:::{}/{key}", bucket.name)
        }),
        None => json!({
            "type": "AWS::S3::Object",
            "ARNPrefix": format!("arn:aws:s3:::{}/", bucket.name)
        }),
    };
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": identity(),
        "eventTime": whole_seconds(told.ended_at),
        "eventSource": "s3.amazonaws.com",
        "eventName": told.name,
        "awsRegion": bucket.region,
        "sourceIPAddress": "203.0.113.77",
        "userAgent": "[aws-sdk-js/3.901.0 ua/2.1 os/linux lang/js md/nodejs#22.11.0]",
        "requestParameters": {
            "bucketName": bucket.name,
            "Host": format!("{}.s3.{}.amazonaws.com", bucket.name, bucket.region)
        },
        "responseElements": null,
        "additionalEventData": additional(told, random),
        "requestID": told.request_id,
        "eventID": guid(random),
        "readOnly": false,
        "resources": [
            object,
            {
                "accountId": OWNER,
                "type": "AWS::S3::Bucket",
                "ARN": format!("arn:aws:s3:::{}", bucket.name)
            }
        ],
        "eventType": "AwsApiCall",
        "managementEvent": false,
        "recipientAccountId": OWNER,
        "eventCategory": "Data"
    });
    if let Some(key) = told.key {
        record["requestParameters"]["key"] = json!(key);
    }
    if !told.has_times && told.name != "DeleteObjects" {
        // As records were written years ago.
        record["eventVersion"] = json!("1.08");
        let host = record["requestParameters"]["Host"].take();
        record["requestParameters"]["host"] = json!([host]);
    }
    record
}

fn additional(told: &Told<'_>, random: &mut Rng) -> Value {
    let mut additional = json!({
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "bytesTransferredIn": 0,
        "bytesTransferredOut": 0,
        "AuthenticationMethod": "AuthHeader",
        "x-amz-id-2": format!("{}=", token(random, 72))
    });
    if told.has_times {
        additional["startTime"] = json!(told.started_at);
        additional["endTime"] = json!(told.ended_at);
        additional["httpStatusCode"] = json!(told.status);
    } else {
        additional["bytesTransferredIn"] = json!(1376.0);
    }
    additional
}

/// A role that a service has taken on: who deletes most.
fn identity() -> Value {
    json!({
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLEROLEID0000:image-service",
        "arn": format!("arn:aws:sts::{OWNER}:assumed-role/image-service/image-service"),
        "accountId": OWNER,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLEROLEID0000",
                "arn": format!("arn:aws:iam::{OWNER}:role/image-service"),
                "accountId": OWNER,
                "userName": "image-service"
            },
            "attributes": { "creationDate": "2026-11-23T08:00:00Z", "mfaAuthenticated": "false" }
        }
    })
}
