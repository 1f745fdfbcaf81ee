//! Records as AWS writes them, in a few layouts, and what may be odd about one. It does not know
//! what they mean.

use serde_json::{Value, json};

use super::writing::{Json, object};
use crate::domain::dice::Dice;

/// What records have in common that one program causes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    call: &'static str,
    event_type: &'static str,
    is_role: bool,
    version: Option<&'static str>,
    has_marker: bool,
    /// The error code and the status of a call that was refused.
    refusal: Option<(&'static str, u16)>,
    /// Whether every record has something odd, or few.
    is_odd: bool,
}

type Members = Vec<(String, Json)>;

impl Layout {
    pub(super) fn thrown(dice: &mut Dice) -> Self {
        let call = *dice.pick(&[
            "DeleteObject",
            "DeleteObject",
            "DeleteObject",
            "DeleteObjects",
            "GetObject",
        ]);
        Self {
            call,
            event_type: *dice.pick(&["AwsApiCall", "AwsApiCall", "AwsServiceEvent"]),
            is_role: dice.one_in(2),
            version: dice.one_in(3).then(|| *dice.pick(&["3HL4kqtJvjVBH40N", "V2", "null"])),
            has_marker: dice.one_in(3),
            refusal: dice.one_in(5).then(|| {
                *dice.pick(&[("AccessDenied", 403), ("NoSuchBucket", 404), ("SlowDown", 503)])
            }),
            is_odd: dice.one_in(3),
        }
    }
}

/// An element of the list of records that is none.
pub(super) fn any_odd_element(dice: &mut Dice) -> Json {
    dice.pick(&[
        Json::from(Value::Null),
        json!(7).into(),
        json!(-1.5e3).into(),
        json!("{\"eventName\":\"DeleteObject\"}").into(),
        json!([{"eventSource": "s3.amazonaws.com", "eventName": "DeleteObject"}]).into(),
        json!([]).into(),
        json!({}).into(),
    ])
    .clone()
}

/// The record of this layout with this number.
pub(super) fn record(dice: &mut Dice, layout: Layout, serial: usize) -> Json {
    let mut members = members(dice, layout, serial);
    let chances = if layout.is_odd { 1 } else { 6 };
    if dice.one_in(chances) {
        for _ in 0..=dice.below(3) {
            make_odd(dice, &mut members);
        }
    }
    Json::Object(members)
}

fn members(dice: &mut Dice, layout: Layout, serial: usize) -> Members {
    let key = *dice.pick(&["a/b.jpg", "k", "a key+%20.txt", "가/é", "\"}]{\\", "n\n\u{1f600}\\"]);
    let ended_at = 1_790_000_000_223_u64 + dice.below(100_000) as u64;
    let (code, status) = layout.refusal.unwrap_or(("", 204));
    let Json::Object(mut members) = object([
        ("eventVersion", "1.11".into()),
        ("userIdentity", identity(layout.is_role)),
        ("eventTime", format!("2026-09-21T10:00:{:02}Z", dice.below(60)).into()),
        ("eventSource", "s3.amazonaws.com".into()),
        ("eventName", layout.call.into()),
        ("awsRegion", "us-east-1".into()),
        ("sourceIPAddress", (*dice.pick(&["192.0.2.1", "AWS Internal", "2001:db8::1"])).into()),
        ("userAgent", (*dice.pick(&["[aws-cli/2.15]", "[Boto3/1.34 md/x]", "-"])).into()),
        ("errorCode", code.into()),
        ("errorMessage", "Access \"Denied\"".into()),
        ("requestParameters", parameters(layout, key)),
        ("responseElements", answer(layout)),
        ("additionalEventData", additional(dice, ended_at, status)),
        ("requestID", format!("R{serial}{}", dice.below(10)).into()),
        ("eventID", format!("0b1e65ff-{serial}-{}", dice.below(100_000)).into()),
        ("readOnly", json!(false).into()),
        ("resources", resources(key)),
        ("eventType", layout.event_type.into()),
        ("managementEvent", json!(false).into()),
        ("recipientAccountId", "111122223333".into()),
        ("sharedEventID", "5a6e7c".into()),
        ("eventCategory", "Data".into()),
        ("tlsDetails", json!({"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES"}).into()),
    ]) else {
        unreachable!("an object was made")
    };
    if layout.refusal.is_none() {
        members.retain(|(name, _)| !name.starts_with("error"));
    }
    members
}

fn identity(is_role: bool) -> Json {
    if !is_role {
        return object([
            ("type", "IAMUser".into()),
            ("principalId", "AIDAX".into()),
            ("arn", "arn:aws:iam::111122223333:user/dev".into()),
            ("accountId", "111122223333".into()),
            ("accessKeyId", "AKIAX".into()),
            ("userName", "dev".into()),
        ]);
    }
    let issuer = object([
        ("type", "Role".into()),
        ("principalId", "AROAX".into()),
        ("arn", "arn:aws:iam::111122223333:role/cleaner".into()),
    ]);
    object([
        ("type", "AssumedRole".into()),
        ("principalId", "AROAX:session".into()),
        ("arn", "arn:aws:sts::111122223333:assumed-role/cleaner/session".into()),
        ("accountId", "111122223333".into()),
        ("accessKeyId", "ASIAX".into()),
        (
            "sessionContext",
            object([
                ("sessionIssuer", issuer),
                ("attributes", json!({"mfaAuthenticated": "false"}).into()),
            ]),
        ),
    ])
}

fn parameters(layout: Layout, key: &str) -> Json {
    let mut members = vec![
        ("bucketName".to_owned(), "photos".into()),
        ("Host".to_owned(), "photos.s3.us-east-1.amazonaws.com".into()),
    ];
    if layout.call == "DeleteObjects" {
        members.push(("delete".to_owned(), "".into()));
    } else {
        members.push(("key".to_owned(), key.into()));
    }
    members.extend(layout.version.map(|version| ("versionId".to_owned(), version.into())));
    Json::Object(members)
}

fn answer(layout: Layout) -> Json {
    if !layout.has_marker {
        return Value::Null.into();
    }
    object([
        ("x-amz-delete-marker", "true".into()),
        ("x-amz-version-id", "O9EFRlyEsIrzj1Hd".into()),
    ])
}

fn additional(dice: &mut Dice, ended_at: u64, status: u16) -> Json {
    object([
        ("SignatureVersion", "SigV4".into()),
        ("bytesTransferredIn", json!(0.0).into()),
        ("startTime", json!(ended_at - dice.below(5_000) as u64).into()),
        ("endTime", json!(ended_at).into()),
        ("httpStatusCode", json!(status).into()),
        ("x-amz-id-2", "w1CBM4/yNh4+=".into()),
        ("bytesTransferredOut", json!(dice.below(400)).into()),
    ])
}

fn resources(key: &str) -> Json {
    let of_object = object([
        ("type", "AWS::S3::Object".into()),
        ("ARN", format!("arn:aws:s3:::photos/{key}").into()),
    ]);
    let of_bucket = object([
        ("accountId", "111122223333".into()),
        ("type", "AWS::S3::Bucket".into()),
        ("ARN", "arn:aws:s3:::photos".into()),
    ]);
    Json::List(vec![of_object, of_bucket])
}

/// Changes something that records seldom have otherwise.
fn make_odd(dice: &mut Dice, members: &mut Members) {
    match dice.below(8) {
        0 | 1 => {
            let odd = any_odd_value(dice);
            change_somewhere(dice, members, &|value| *value = odd.clone());
        }
        2 => {
            members.remove(dice.below(members.len()));
        }
        3 => {
            let (name, value) = dice.pick(members).clone();
            let value = if dice.one_in(2) { value } else { any_odd_value(dice) };
            members.insert(dice.below(members.len() + 1), (name, value));
        }
        4 => {
            let noise = any_noise(dice);
            let name = *dice.pick(&["a", "policy", "x\"y", "\\", "Records", "é가"]);
            members.insert(dice.below(members.len() + 1), (name.to_owned(), noise));
        }
        5 => {
            let noise = any_noise(dice);
            change_somewhere(dice, members, &|value| match value {
                Json::Object(nested) => {
                    nested.insert(nested.len() / 2, ("n".into(), noise.clone()));
                }
                other => *other = Json::List(vec![other.clone()]),
            });
        }
        6 => dice.shuffle(members),
        _ => {
            let (name, value) = dice.pick(&telling_changes()).clone();
            match members.iter_mut().find(|(member, _)| *member == name) {
                Some((_, old)) => *old = value,
                None => members.push((name, value)),
            }
        }
    }
}

/// Changes the value of a member, or of one of an object in it.
fn change_somewhere(dice: &mut Dice, members: &mut Members, change: &dyn Fn(&mut Json)) {
    let at = dice.below(members.len());
    match &mut members[at].1 {
        Json::Object(nested) if !nested.is_empty() && !dice.one_in(4) => {
            change_somewhere(dice, nested, change);
        }
        value => change(value),
    }
}

fn any_odd_value(dice: &mut Dice) -> Json {
    let length = *dice.pick(&[20, 40, 700]);
    let long = "가x".repeat(1 + dice.below(length));
    dice.pick(&[
        Json::from(Value::Null),
        json!(true).into(),
        json!("true").into(),
        json!(403).into(),
        json!(1.5).into(),
        json!(-1).into(),
        json!("0012").into(),
        json!(" 1790000000999 ").into(),
        json!(1_790_000_000_777.0).into(),
        json!(111_122_223_333_u64).into(),
        json!("").into(),
        json!("null").into(),
        json!("escaped \"quotes\" \\ and \n lines").into(),
        long.into(),
        json!({"omitted": true}).into(),
        json!({}).into(),
        json!([]).into(),
        json!(["one text"]).into(),
        json!(["two", "texts"]).into(),
        Json::Written("12345678901234567890123".to_owned()),
        Json::Written("-0.1E-7".to_owned()),
    ])
    .clone()
}

/// What might be mistaken for something else.
fn any_noise(dice: &mut Dice) -> Json {
    let forged = json!({
        "eventSource": "s3.amazonaws.com", "eventName": "DeleteObject", "eventID": "forged",
        "requestParameters": {"bucketName": "forged", "key": "forged"}
    });
    let odd = any_odd_value(dice);
    let depth = 1 + dice.below(100);
    let nest = match dice.below(2) {
        0 => format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        _ => format!("{}1{}", r#"{"eventName":"#.repeat(depth), "}".repeat(depth)),
    };
    dice.pick(&[
        forged.to_string().into(),
        json!({"Records": [forged]}).into(),
        json!([forged, "}]", 1]).into(),
        json!({"a": forged}).into(),
        forged.into(),
        json!("{\"eventName\":\"DeleteObject\"}]}\\").into(),
        json!("{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{").into(),
        json!({"id": {"S": "1"}, "key": {"eventName": null}}).into(),
        Json::Written(nest),
        odd,
    ])
    .clone()
}

/// Values of members that decide what a record is.
fn telling_changes() -> [(String, Json); 24] {
    let access_point = "arn:aws:s3:us-east-1:111122223333:accesspoint/ap";
    let place = |bucket: &str| json!({"bucketName": bucket, "key": "k/1"});
    [
        ("eventName", json!(["DeleteObject"])),
        ("eventName", json!("PutObject")),
        ("eventName", json!("deleteObject")),
        ("eventName", json!("DeleteObjectTagging")),
        ("eventName", json!({"api": 1})),
        ("eventSource", json!("s3express.amazonaws.com")),
        ("eventSource", json!("s3.amazonaws.com.cn")),
        ("eventSource", json!("dynamodb.amazonaws.com")),
        ("eventSource", json!(["s3.amazonaws.com"])),
        ("eventVersion", json!("1.08")),
        ("eventVersion", json!("2.0")),
        ("eventTime", json!("yesterday")),
        ("errorCode", json!("NoSuchKey")),
        ("recipientAccountId", json!("999999999999")),
        ("requestParameters", place(access_point)),
        ("requestParameters", place("ap-x-s3alias")),
        (
            "requestParameters",
            json!({"bucketName": ["photos"], "Key": "outpost", "VersionId": "v"}),
        ),
        ("requestParameters", json!({"bucketName": "photos", "key": "k", "VersionId": "v"})),
        ("requestParameters", json!({"bucketName": "photos", "key": "", "Key": "outpost"})),
        ("requestParameters", json!({"bucketName": "", "key": "k"})),
        ("requestParameters", json!("omitted")),
        ("serviceEventDetails", json!({"bucketName": "details", "key": "k", "versionId": "v"})),
        ("addendum", json!({"reason": "UPDATED_DATA", "originalEventID": "E0"})),
        ("addendum", json!({"reason": "DELIVERY_DELAY"})),
    ]
    .map(|(name, value)| (name.to_owned(), value.into()))
}
