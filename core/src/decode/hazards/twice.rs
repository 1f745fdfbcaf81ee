//! Members that are written twice, in every place of a record that decides something: the last one
//! counts, as for any reader that builds a value of the record, and whichever reader of ours it is.

use serde_json::{Value, json};

use super::{decode, document};
use crate::decode::Decoded;

/// A record in which everything that decides is told. Each member is on its own in the text.
fn whole() -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": "2026-11-23T10:00:00Z",
        "eventSource": "s3.amazonaws.com", "eventName": "DeleteObject", "awsRegion": "us-east-1",
        "eventType": "AwsApiCall", "requestID": "R", "eventID": "E", "sharedEventID": "S",
        "recipientAccountId": "111122223333", "sourceIPAddress": "192.0.2.3", "userAgent": "[x]",
        "userIdentity": {
            "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a", "accountId": "1",
            "principalId": "P", "userName": "a", "accessKeyId": "K"
        },
        "requestParameters": { "bucketName": "images", "key": "a.png", "versionId": "V1" },
        "responseElements": { "x-amz-delete-marker": "true", "x-amz-version-id": "V9" },
        "additionalEventData": {
            "startTime": 1_795_428_000_000_i64, "endTime": 1_795_428_000_123_i64,
            "httpStatusCode": 204
        },
        "resources": [{ "type": "AWS::S3::Object", "ARN": "arn:aws:s3:::images/a.png" }]
    })
}

/// What may stand in the place of a member: other texts of its kind, and what is of no kind.
fn others(name: &str, own: &Value) -> Vec<Value> {
    let mut others = vec![Value::Null, json!(7), json!("other"), json!({}), json!([]), json!("")];
    others.extend(match name {
        "eventName" => vec![json!("DeleteObjects"), json!("GetObject")],
        "eventSource" => vec![json!("sns.amazonaws.com"), json!("s3express.amazonaws.com")],
        "eventType" => vec![json!("AwsServiceEvent")],
        "eventTime" => vec![json!("2026-11-23T11:00:00Z"), json!("9999999-01-01T00:00:00Z")],
        "eventVersion" => vec![json!("2.0"), json!(1.1)],
        "httpStatusCode" => vec![json!(403), json!(-1), json!("500")],
        "requestParameters" => vec![json!({ "bucketName": "other", "key": "other" })],
        "resources" => vec![json!([{ "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::other" }])],
        "responseElements" => vec![json!({ "x-amz-delete-marker": "false" })],
        _ => vec![],
    });
    // A record that speaks of a delete and whose name is no text is refused, never passed over.
    let may_be = |other: &Value| name != "eventName" || other.is_string() || other.is_null();
    others.retain(|other| other != own && may_be(other));
    others
}

/// The text of `record` with one member, at this path, written as these two.
fn written(record: &Value, parent: Option<&str>, name: &str, values: [&Value; 2]) -> String {
    const MARK: &str = "the place of the member";
    let mut record = record.clone();
    let members = match parent {
        Some(parent) => &mut record[parent],
        None => &mut record,
    };
    members[name] = json!(MARK);
    let once = format!("\"{name}\":\"{MARK}\"");
    let twice = values.map(|value| format!("\"{name}\":{value}")).join(",\"z\":[],");
    let text = record.to_string();
    assert!(text.contains(&once));
    text.replace(&once, &twice)
}

/// What is told, without digests of how it was written and words about it.
fn told(document: &str) -> Decoded {
    let (mut decoded, _) = decode(document).unwrap();
    for located in &mut decoded.facts {
        if let crate::domain::Fact::Deletion(evidence) = &mut located.fact
            && evidence.event_id.is_none()
        {
            evidence.id.clear();
        }
    }
    for rejected in &mut decoded.rejected {
        rejected.detail.clear();
    }
    decoded
}

#[test]
fn the_last_of_two_members_counts_wherever_it_decides() {
    let whole = whole();
    let mut places: Vec<(Option<&str>, &str)> = Vec::new();
    for (name, value) in whole.as_object().unwrap() {
        places.push((None, name));
        let inner = value.as_object().into_iter().flatten();
        places.extend(inner.map(|(inner, _)| (Some(name.as_str()), inner.as_str())));
    }
    assert!(places.len() > 25, "{places:?}");
    for (parent, name) in places {
        let own = parent.map_or(&whole[name], |parent| &whole[parent][name]);
        for other in others(name, own) {
            for values in [[own, &other], [&other, own]] {
                let twice = written(&whole, parent, name, values);
                let judge: Value = serde_json::from_str(&twice).unwrap();
                // Behind one of the same layout it is read in another way than alone.
                let good = whole.to_string();
                let of = |record: &str| told(&document(&[&good, record, &good]));
                assert_eq!(of(&twice), of(&judge.to_string()), "{twice}");
                assert_eq!(told(&document(&[&twice])), told(&document(&[&judge.to_string()])));
            }
        }
    }
}
