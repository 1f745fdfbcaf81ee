//! CloudTrail records as AWS writes them in 2026 (version 1.11), and what older or odd ones lack.
//! Knows the shapes, not what they count for.

use deltrail_core::domain::Timestamp;
use serde_json::{Value, json};

/// What every record of one call has in common.
#[derive(Debug, Clone)]
pub struct Stamp {
    pub account: String,
    pub request_id: String,
    pub event_id: String,
    /// When S3 began to serve the call and when it had, in milliseconds.
    pub started_millis: i64,
    pub ended_millis: i64,
}

/// An S3 call on a bucket; `key` for a call on one object.
fn s3_call(stamp: &Stamp, name: &str, bucket: &str, key: Option<&str>) -> Value {
    let account = &stamp.account;
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": image_service(account),
        "eventTime": whole_seconds(stamp.ended_millis),
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.77",
        "userAgent": "[aws-sdk-js/3.901.0 ua/2.1 os/linux lang/js md/nodejs#22.11.0]",
        "requestParameters": {
            "bucketName": bucket,
            "Host": format!("{bucket}.s3.us-east-1.amazonaws.com")
        },
        "responseElements": null,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": 0,
            "bytesTransferredOut": 0,
            "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": "QLcn/+4K2xnYRvUCgv1+btreKCfNOjmgtXABA0KvC2JWVPt+9EOwOj35LY3e4x1G6gd1mk=",
            "startTime": stamp.started_millis,
            "endTime": stamp.ended_millis,
            "httpStatusCode": 204
        },
        "requestID": stamp.request_id,
        "eventID": stamp.event_id,
        "readOnly": false,
        "resources": [
            { "type": "AWS::S3::Object", "ARNPrefix": format!("arn:aws:s3:::{bucket}/") },
            {
                "accountId": account,
                "type": "AWS::S3::Bucket",
                "ARN": format!("arn:aws:s3:::{bucket}")
            }
        ],
        "eventType": "AwsApiCall",
        "managementEvent": false,
        "recipientAccountId": account,
        "eventCategory": "Data",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": format!("{bucket}.s3.us-east-1.amazonaws.com")
        }
    });
    if let Some(key) = key {
        record["requestParameters"]["key"] = json!(key);
        record["resources"][0] = object_resource(bucket, key);
    }
    record
}

/// A role that a service has taken on: who deletes most.
fn image_service(account: &str) -> Value {
    json!({
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLEROLEID0000:image-service",
        "arn": format!("arn:aws:sts::{account}:assumed-role/image-service/image-service"),
        "accountId": account,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLEROLEID0000",
                "arn": format!("arn:aws:iam::{account}:role/image-service"),
                "accountId": account,
                "userName": "image-service"
            },
            "attributes": {
                "creationDate": "2026-11-23T08:00:00Z",
                "mfaAuthenticated": "false"
            }
        }
    })
}

/// A direct `DeleteObject`.
pub fn delete_object(stamp: &Stamp, bucket: &str, key: &str) -> Value {
    let mut record = s3_call(stamp, "DeleteObject", bucket, Some(key));
    record["requestParameters"]["x-id"] = json!("DeleteObject");
    record
}

/// The `DeleteObjects` aggregate: it names no key.
pub fn delete_objects(stamp: &Stamp, bucket: &str) -> Value {
    let mut record = s3_call(stamp, "DeleteObjects", bucket, None);
    record["requestParameters"]["delete"] = json!("");
    record["additionalEventData"]["httpStatusCode"] = json!(200);
    record
}

/// One key of a `DeleteObjects` call: a `DeleteObject` that no caller made directly. It has no
/// times of its own.
pub fn child(stamp: &Stamp, bucket: &str, key: &str) -> Value {
    let mut record = delete_object(stamp, bucket, key);
    record["eventType"] = json!("AwsServiceEvent");
    record["requestParameters"].as_object_mut().unwrap().remove("x-id");
    record["additionalEventData"] = json!({ "SignatureVersion": "SigV4" });
    record
}

/// A call that deletes no object, of S3 or of another service.
pub fn foreign(stamp: &Stamp, source: &str, name: &str, parameters: &Value) -> Value {
    let mut record = s3_call(stamp, name, "anything", None);
    record["eventSource"] = json!(source);
    record["requestParameters"] = parameters.clone();
    record
}

/// The `resources` entry of an object.
pub fn object_resource(bucket: &str, key: &str) -> Value {
    json!({ "type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::{bucket}/{key}") })
}

/// The record as version 1.01 wrote it: without the fields that came later.
pub fn of_version_1_01(mut record: Value) -> Value {
    let fields = record.as_object_mut().unwrap();
    for later in [
        "eventType",
        "recipientAccountId",
        "readOnly",
        "managementEvent",
        "eventCategory",
        "tlsDetails",
        "resources",
    ] {
        fields.remove(later);
    }
    record["eventVersion"] = json!("1.01");
    without_times(record)
}

/// The record without the undocumented fields that came in 2026.
pub fn without_times(mut record: Value) -> Value {
    if let Some(additional) = record["additionalEventData"].as_object_mut() {
        for field in ["startTime", "endTime", "httpStatusCode"] {
            additional.remove(field);
        }
    }
    record
}

/// A refused call.
pub fn refused(mut record: Value, code: &str, status: u16) -> Value {
    record["errorCode"] = json!(code);
    record["errorMessage"] = json!("User is not authorized to perform: s3:DeleteObject");
    record["additionalEventData"]["httpStatusCode"] = json!(status);
    record
}

fn whole_seconds(millis: i64) -> String {
    let text = Timestamp::from_millis(millis.div_euclid(1000) * 1000).to_string();
    text.replace(".000Z", "Z")
}
