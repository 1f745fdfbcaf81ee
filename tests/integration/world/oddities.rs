//! The oddities: records that are old, incomplete or wrong, and objects that are no log files.

use serde_json::{Value, json};

use super::file::gzip;
use super::record::{self, object_resource, of_version_1_01, without_times};
use super::scenes::{IMAGES, OWNER, as_it_is};
use super::{Bystander, LogFile, Shape, World, add};

pub fn old_and_odd_records(world: &mut World) {
    let file = world.open(OWNER, Shape::Gzip);
    for minor in 2..=11 {
        let key = format!("versions/1.{minor:02}.png");
        world.delete(file, OWNER, (IMAGES, &key), |mut record| {
            record["eventVersion"] = json!(format!("1.{minor:02}"));
            if minor < 11 { without_times(record) } else { record }
        });
    }
    world.delete(file, OWNER, (IMAGES, "versions/1.01.png"), of_version_1_01);
    world.delete(file, OWNER, (IMAGES, "versions/no-request-id.png"), |record| {
        let mut record = of_version_1_01(record);
        record.as_object_mut().unwrap().remove("requestID");
        record["requestParameters"]["host"] = json!(["images-prod.s3.amazonaws.com"]);
        record
    });
    world.delete(file, OWNER, (IMAGES, "floats.png"), |mut record| {
        record["additionalEventData"]["bytesTransferredIn"] = json!(1376.0);
        record["additionalEventData"]["bytesTransferredOut"] = json!(0.0);
        record["readOnly"] = json!("false");
        record["managementEvent"] = json!("false");
        record
    });
    for is_bucket_first in [true, false] {
        let key = format!("null-parameters/{is_bucket_first}.png");
        world.delete(file, OWNER, (IMAGES, &key), |mut record| {
            record["requestParameters"] = Value::Null;
            record["resources"] =
                json!([object_resource(IMAGES, &key), record["resources"][1].clone()]);
            if is_bucket_first {
                record["resources"].as_array_mut().unwrap().reverse();
            }
            record
        });
    }
    world.delete(file, OWNER, (IMAGES, "unknown-members.png"), |mut record| {
        record["aMemberOfTomorrow"] = json!({ "deep": [[[{ "eventName": "GetObject" }]]] });
        record["vpcEndpointId"] = json!("vpce-ceb942a7");
        record["sessionCredentialFromConsole"] = json!("true");
        record
    });
}

pub fn identities(world: &mut World) {
    let file = world.open(OWNER, Shape::Gzip);
    let identities = [
        json!({ "type": "AWSService", "invokedBy": "backup.amazonaws.com" }),
        json!({ "accountId": OWNER, "invokedBy": "s3.amazonaws.com" }),
        json!({ "type": "AWSAccount", "principalId": "", "accountId": "anonymous" }),
        json!({ "type": "Root", "principalId": OWNER, "accountId": OWNER, "accessKeyId": "" }),
        json!({ "type": "ANewType", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS" }),
        json!({}),
    ];
    for (n, identity) in identities.into_iter().enumerate() {
        world.delete(file, OWNER, (IMAGES, &format!("identity/{n}.png")), |mut record| {
            record["userIdentity"] = identity;
            record
        });
    }
}

pub fn foreign_records(world: &mut World) {
    let file = world.open(OWNER, Shape::PrettyGzip);
    let forged = r#"{"eventSource":"s3.amazonaws.com","eventName":"DeleteObject"}"#;
    let foreign = [
        ("s3.amazonaws.com", "PutObject", json!({ "bucketName": IMAGES, "key": "DeleteObject" })),
        ("s3.amazonaws.com", "DeleteBucketTagging", json!({ "bucketName": IMAGES })),
        ("s3.amazonaws.com", "DeleteObjectTagging", json!({ "bucketName": IMAGES, "key": "k" })),
        ("s3.amazonaws.com", "ListObjects", Value::Null),
        ("clouddirectory.amazonaws.com", "DeleteObject", json!({ "objectReference": "x" })),
        ("dynamodb.amazonaws.com", "DeleteItem", json!({ "key": { "id": { "S": "1" } } })),
        ("events.amazonaws.com", "PutRule", json!({ "eventPattern": forged })),
        ("iam.amazonaws.com", "DeleteUser", json!({ "userName": "DeleteObjects" })),
        ("lambda.amazonaws.com", "Invoke", json!({ "Records": [{ "eventName": "DeleteObject" }] })),
    ];
    for (source, name, parameters) in foreign {
        let stamp = world.stamp(OWNER);
        let record = record::foreign(&stamp, source, name, &parameters);
        world.tell_foreign(file, record);
    }
    // A change of what protects objects is evidence, though nothing is deleted by it.
    let stamp = world.stamp(OWNER);
    let policy = json!({ "bucketName": IMAGES, "policy": "" });
    let change = record::foreign(&stamp, "s3.amazonaws.com", "DeleteBucketPolicy", &policy);
    world.tell(file, change);
}

/// Bad records among good ones: the good ones count.
pub fn nonsense(world: &mut World) {
    let file = world.open(OWNER, Shape::Gzip);
    world.delete(file, OWNER, (IMAGES, "before-nonsense.png"), as_it_is);
    for element in [Value::Null, json!(17), json!("DeleteObject"), json!([{}])] {
        world.tell_nonsense(file, element, "not_an_object");
    }
    let mut spoil = |reason: &str, spoil: &dyn Fn(&mut Value)| {
        let stamp = world.stamp(OWNER);
        let mut record = record::delete_object(&stamp, IMAGES, "never.png");
        spoil(&mut record);
        world.tell_nonsense(file, record, reason);
    };
    spoil("missing_bucket", &|record| {
        record["requestParameters"] = Value::Null;
        record["resources"] = Value::Null;
    });
    spoil("missing_time", &|record| {
        record["eventTime"] = Value::Null;
        record["additionalEventData"] = Value::Null;
    });
    spoil("account_mismatch", &|record| record["recipientAccountId"] = json!("999999999999"));
    spoil("unknown_version", &|record| record["eventVersion"] = json!("2.0"));
    world.delete(file, OWNER, (IMAGES, "after-nonsense.png"), as_it_is);
}

/// Objects of the log bucket that are no log files, and one that looks like one and is broken.
pub fn bystanders(world: &mut World) {
    let folder = format!("AWSLogs/{OWNER}/CloudTrail");
    let digest = format!(
        "AWSLogs/{OWNER}/CloudTrail-Digest/us-east-1/2026/11/23/\
         {OWNER}_CloudTrail-Digest_us-east-1_trail_us-east-1_20261123T100000Z.json.gz"
    );
    let sibling = |kind: &str, body: &str| Bystander {
        key: format!(
            "AWSLogs/{OWNER}/CloudTrail-{kind}/us-east-1/2026/11/23/\
             {OWNER}_CloudTrail-{kind}_us-east-1_20261123T1000Z_A6kvhMoVeCsc7v8U.json.gz"
        ),
        body: gzip(body.as_bytes()),
    };
    world.bystanders = vec![
        Bystander { key: format!("{folder}/"), body: Vec::new() },
        Bystander { key: digest, body: gzip(br#"{"awsAccountId":"111122223333","logFiles":[]}"#) },
        sibling("Insight", r#"{"Records":[]}"#),
        sibling("NetworkActivity", r#"{"Records":[]}"#),
        sibling("Aggregated", "[]"),
        Bystander {
            key: LogFile::new(OWNER, "us-east-1", 0, "ZEROBYTEOBJECT00", Shape::Gzip).key,
            body: Vec::new(),
        },
    ];
    for reason in ["folder", "digest", "insight", "network_activity", "aggregated", "zero_byte"] {
        add(&mut world.truth.rejected, &[reason], 1);
    }
    let stamp = world.stamp(OWNER);
    let mut broken =
        LogFile::new(OWNER, "us-east-1", stamp.ended_millis, "P0IS0NP0IS0NP0IS", Shape::Gzip);
    broken.records = vec![record::delete_object(&stamp, IMAGES, "never-readable.png"); 50];
    let mut body = broken.body();
    body.truncate(body.len() - 20);
    world.poison = Some(Bystander { key: broken.key, body });
}
