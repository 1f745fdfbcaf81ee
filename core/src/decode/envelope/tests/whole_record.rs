//! The reading of a notification's record as it was when each was read into a whole [`Value`]: the
//! judge of the reading that only looks at the members that matter.

use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::s3_record;
use crate::decode::bucket_name::bucket_name;
use crate::decode::envelope::object_event::{Left, ObjectEvent, Refused, etag, sequencer};
use crate::decode::envelope::{Item, parse_message};
use crate::decode::lenient::{filled_text, identifier, shown, text, whole_number};
use crate::decode::reject::{RejectReason, Rejected};
use crate::domain::{Actor, Cause, Source};

fn judged(record: &str) -> Item {
    let read = serde_json::from_str::<Value>(record).map_err(|error| {
        let detail = format!("a record of a notification cannot be read: {error}");
        (RejectReason::InvalidJson, detail)
    });
    read.and_then(|record| item(0, &record)).unwrap_or_else(|(reason, detail)| Item::Rejected {
        source: Source::S3Notification,
        rejected: Rejected::record(0, reason, &detail),
        count: 1,
    })
}

fn item(index: u64, record: &Value) -> Result<Item, Refused> {
    if !record.is_object() {
        let detail = format!("a record of a notification is no object: {record}");
        return Err((RejectReason::NotAnObject, detail));
    }
    if !is_from_s3(record) {
        let detail = format!("a record from {}, not from S3", record["eventSource"]);
        return Err((RejectReason::UnknownEnvelope, detail));
    }
    check_version(&record["eventVersion"])?;
    let event_name = filled_text(&record["eventName"]).ok_or_else(|| {
        let detail = format!("eventName {} is no text", record["eventName"]);
        (RejectReason::WrongType, detail)
    })?;
    let event_name = event_name.strip_prefix("s3:").unwrap_or(event_name);
    let bucket = bucket_name(filled_text(&record["s3"]["bucket"]["name"]))?;
    let (left, cause) = match event_name {
        "ObjectRemoved:Delete" => (Left::Nothing, Cause::Api),
        "ObjectRemoved:DeleteMarkerCreated" => (Left::Marker, Cause::Api),
        "LifecycleExpiration:Delete" => (Left::Nothing, Cause::Lifecycle),
        "LifecycleExpiration:DeleteMarkerCreated" => (Left::Marker, Cause::Lifecycle),
        name if name.split(':').next() == Some("ObjectCreated") => {
            return Ok(event_of(record, event_name, bucket)?.created(Some(index)));
        }
        _ => {
            let event_name = event_name.to_owned();
            return Ok(Item::Other { source: Source::S3Notification, event_name, bucket });
        }
    };
    event_of(record, event_name, bucket)?.removed(left, cause)
}

/// Everything but the key may be missing.
fn event_of(record: &Value, event_name: &str, bucket: String) -> Result<ObjectEvent, Refused> {
    let object = &record["s3"]["object"];
    let encoded = filled_text(&object["key"])
        .ok_or_else(|| (RejectReason::WrongType, format!("key {} is no text", object["key"])))?;
    Ok(ObjectEvent {
        source: Source::S3Notification,
        id_prefix: "n",
        kind: vec![event_name.to_owned()],
        bucket,
        key: decoded_key(encoded)?,
        version_id: shown(&object["versionId"]),
        etag: etag(&object["eTag"]),
        size: whole_number(&object["size"]),
        request_id: shown(&record["responseElements"]["x-amz-request-id"]),
        sequencer: sequencer(&object["sequencer"]),
        account: String::new(),
        region: shown(&record["awsRegion"]),
        actor: Actor {
            principal_id: shown(&record["userIdentity"]["principalId"]),
            source_ip: shown(&record["requestParameters"]["sourceIPAddress"]),
            ..Actor::default()
        },
        time: record["eventTime"].clone(),
    })
}

/// A record says so, or has S3's own member. Compatible servers put their name in front.
fn is_from_s3(record: &Value) -> bool {
    match text(&record["eventSource"]) {
        Some(source) => source.ends_with(":s3"),
        None => record["s3"].is_object(),
    }
}

/// Minor versions add members only.
fn check_version(version: &Value) -> Result<(), Refused> {
    let written = identifier(version);
    match written.as_deref().and_then(|version| version.split('.').next()) {
        Some("2") => Ok(()),
        None if version.is_null() => Ok(()),
        _ => Err((RejectReason::UnknownVersion, format!("eventVersion {version} is none of 2.x"))),
    }
}

/// Undoes form encoding: `+` is a space, then percent escapes are bytes.
fn decoded_key(encoded: &str) -> Result<String, Refused> {
    let spaced = encoded.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| {
        (RejectReason::InvalidUtf8, format!("the key \"{encoded}\" does not decode to UTF-8"))
    })
}

/// A value of a kind that nobody sends, or of a spelling that they may; as JSON.
fn odd_value() -> impl Strategy<Value = String> {
    let names = "[a-z]|name|key|eventName|s3|versionId";
    let text = prop_oneof![
        Just(String::new()),
        Just("aws:s3".to_owned()),
        Just("s3:ObjectRemoved:Delete".to_owned()),
        Just("ObjectCreated:Put".to_owned()),
        Just("2026-09-21T10:00:00Z".to_owned()),
        "[\\PC\n\t\"\\\\+%:/]{0,8}",
        "[0-9]{1,3}(\\.[0-9])?",
    ];
    let written = text.prop_flat_map(|text| {
        prop_oneof![Just(json!(text).to_string()), Just(written_text(&text, true))]
    });
    let scalar = prop_oneof![
        4 => written,
        1 => prop::sample::select(vec![
            "null", "true", "false", "0", "-1", "-0", "7", "2.6", "1.0", "1e2", "1e999",
            "18446744073709551615", "18446744073709551616", "-9223372036854775809",
            r#""\ud800""#, r#""\udc00x""#, r#""\u0000""#, "[]", "{}", r#"[" "]"#,
        ])
        .prop_map(str::to_owned),
    ];
    scalar.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|list| format!("[{}]", list.join(", "))),
            prop::collection::vec((names, inner), 0..3).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name:?}: {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// The paths of all members that are read, and of some that are not.
const PATHS: [&[&str]; 24] = [
    &["eventVersion"],
    &["eventSource"],
    &["awsRegion"],
    &["eventTime"],
    &["eventName"],
    &["userIdentity"],
    &["userIdentity", "principalId"],
    &["requestParameters"],
    &["requestParameters", "sourceIPAddress"],
    &["responseElements"],
    &["responseElements", "x-amz-request-id"],
    &["responseElements", "x-amz-id-2"],
    &["s3"],
    &["s3", "configurationId"],
    &["s3", "bucket"],
    &["s3", "bucket", "name"],
    &["s3", "bucket", "ownerIdentity"],
    &["s3", "object"],
    &["s3", "object", "key"],
    &["s3", "object", "size"],
    &["s3", "object", "eTag"],
    &["s3", "object", "sequencer"],
    &["s3", "object", "versionId"],
    &["glacierEventData"],
];

/// What happens to one member of an ordinary record.
#[derive(Debug, Clone)]
enum Change {
    Missing,
    Instead(String),
    /// Written twice: this one and the ordinary one, in this order or in the other.
    Twice {
        odd: String,
        is_last: bool,
    },
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => Just(Change::Missing),
        4 => odd_value().prop_map(Change::Instead),
        3 => (odd_value(), any::<bool>()).prop_map(|(odd, is_last)| Change::Twice { odd, is_last }),
    ]
}

/// A text as JSON: plain, or with each character escaped.
fn written_text(text: &str, is_escaped: bool) -> String {
    if !is_escaped {
        return format!("\"{text}\"");
    }
    let escaped: Vec<_> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{}\"", escaped.concat())
}

/// `value`, which is at `at` in an ordinary record, as JSON with all `changes` made.
fn changed(value: &Value, at: &[&str], changes: &[(usize, Change)], is_escaped: bool) -> String {
    let Value::Object(members) = value else { return value.to_string() };
    let mut written = Vec::new();
    for (name, value) in members {
        let path = [at, &[name.as_str()]].concat();
        let mut spellings = vec![changed(value, &path, changes, is_escaped)];
        for (_, change) in changes.iter().filter(|(index, _)| PATHS[*index] == path) {
            match change {
                Change::Missing => spellings.clear(),
                Change::Instead(odd) => spellings = vec![odd.clone()],
                Change::Twice { odd, is_last: true } => spellings.push(odd.clone()),
                Change::Twice { odd, is_last: false } => spellings.insert(0, odd.clone()),
            }
        }
        let name = written_text(name, is_escaped);
        written.extend(spellings.iter().map(|spelling| format!("{name}: {spelling}")));
    }
    format!("{{{}}}", written.join(","))
}

/// Read both as S3 writes a message and in another spelling of it.
fn read(record: &str) -> Vec<Item> {
    let compact = parse_message(&format!("{{\"Records\":[{record}]}}")).unwrap();
    let spaced = parse_message(&format!("{{ \"Records\": [ {record} ] }}")).unwrap();
    assert_eq!(compact, spaced, "{record}");
    compact
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_odd_record_is_read_as_if_it_were_read_whole(
        event_name in prop::sample::select(vec![
            "ObjectRemoved:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
            "ObjectCreated:Put", "ObjectTagging:Put",
        ]),
        key in "[\\PC+%/\\\\\"\n]{1,12}",
        changes in prop::collection::vec((0..PATHS.len(), change()), 0..4),
        is_escaped in prop::bool::weighted(0.1),
    ) {
        let record = changed(&s3_record(event_name, &key), &[], &changes, is_escaped);
        prop_assert_eq!(read(&record), [judged(&record)], "{}", record);
    }

    #[test]
    fn what_stands_for_a_record_is_judged_as_if_it_were_read_whole(record in odd_value()) {
        prop_assert_eq!(read(&record), [judged(&record)], "{}", record);
    }
}

#[test]
fn a_record_is_as_deep_as_a_whole_one_may_be() {
    for name in ["other", "s3", "awsRegion"] {
        for depth in 120..135 {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            let record = s3_record("ObjectRemoved:Delete", "k").to_string();
            let record = record.replacen('{', &format!("{{\"{name}\": {open}{close}, "), 1);
            assert_eq!(read(&record), [judged(&record)], "{name} {depth}");
        }
    }
}

#[test]
fn only_one_whole_record_with_nothing_around_it_is_taken_at_a_glance() {
    let record = s3_record("ObjectRemoved:Delete", "k").to_string();
    let two = format!(r#"{{"Records":[{record},{record}]}}"#);
    assert_eq!(parse_message(&two).unwrap().len(), 2);
    let more = format!(r#"{{"Records":[{record}],"other":[]}}"#);
    assert_eq!(parse_message(&more).unwrap(), read(&record));
    for broken in [
        format!(r#"{{"Records":[{record}],"Records":[{record}]}}"#),
        format!(r#"{{"Records":[{record},]}}"#),
        format!(r#"{{"Records":[{record}]]}}"#),
    ] {
        assert!(parse_message(&broken).is_err(), "{broken}");
    }
}
