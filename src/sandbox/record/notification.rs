//! S3's event notifications about an act: which events it raises, which rules ask for them, and
//! the message. It knows no queue.

use deltrail_core::domain::Timestamp;
use serde_json::{Value, json};

use super::text::{form_encoded, sha256};
use crate::sandbox::act::{Act, BulkEntry, Call, Effect};
use crate::sandbox::principal::Kind;
use crate::sandbox::s3::NotificationRule;

/// MD5 of nothing, which S3 gives a delete marker for its entity tag.
const EMPTY_ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// One event at one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectEvent<'a> {
    /// The event's name, without `s3:`.
    pub name: &'static str,
    /// The key, raw.
    pub key: &'a str,
    object_bytes: Option<u64>,
    etag: Option<&'a str>,
    version_id: Option<&'a str>,
}

/// The events that an act raises, in the order of its keys.
///
/// A delete that found nothing raises none if it was a single one (the unversioned bucket of the
/// emulators' reports, and not confirmed), and one like any other if it was a key of a bulk call
/// (captured).
#[must_use]
pub fn events(act: &Act) -> Vec<ObjectEvent<'_>> {
    if act.refusal.is_some() {
        return Vec::new();
    }
    let created = |name, key, version_id, object_bytes, etag| ObjectEvent {
        name,
        key,
        object_bytes: Some(object_bytes),
        etag: Some(etag),
        version_id,
    };
    match &act.call {
        Call::Put { key, version_id, object_bytes, etag } => {
            vec![created("ObjectCreated:Put", key, version_id.as_deref(), *object_bytes, etag)]
        }
        Call::Copy { key, version_id, object_bytes, etag, .. } => {
            vec![created("ObjectCreated:Copy", key, version_id.as_deref(), *object_bytes, etag)]
        }
        Call::Get { .. }
        | Call::Delete { effect: Effect::Nothing, .. }
        | Call::Expire { effect: Effect::Nothing, .. } => Vec::new(),
        Call::Delete { key, effect, .. } => {
            vec![removed("ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", key, effect)]
        }
        Call::Expire { key, effect } => {
            let (deleted, marked) =
                ("LifecycleExpiration:Delete", "LifecycleExpiration:DeleteMarkerCreated");
            vec![removed(deleted, marked, key, effect)]
        }
        Call::BulkDelete { entries } => entries.iter().filter_map(of_entry).collect(),
    }
}

fn of_entry(entry: &BulkEntry) -> Option<ObjectEvent<'_>> {
    let (deleted, marked) = ("ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated");
    let effect = entry.result.as_ref().ok()?;
    let event = removed(deleted, marked, &entry.key, effect);
    Some(ObjectEvent { version_id: event.version_id.or(entry.named_version.as_deref()), ..event })
}

fn removed<'a>(
    deleted: &'static str,
    marked: &'static str,
    key: &'a str,
    effect: &'a Effect,
) -> ObjectEvent<'a> {
    let (name, etag, version_id) = match effect {
        Effect::Marker { id } => (marked, Some(EMPTY_ETAG), Some(id.as_str())),
        Effect::Version { id, .. } => (deleted, None, Some(id.as_str())),
        Effect::Object | Effect::Nothing => (deleted, None, None),
    };
    ObjectEvent { name, key, object_bytes: None, etag, version_id }
}

/// Whether a rule asks for an event: one of its event types fits, with `*` for any end, and so do
/// prefix and suffix of the key.
#[must_use]
pub fn asks_for(rule: &NotificationRule, event: &ObjectEvent<'_>) -> bool {
    let fits = |wanted: &String| {
        let wanted = wanted.strip_prefix("s3:").unwrap_or(wanted);
        match wanted.strip_suffix('*') {
            Some(beginning) => event.name.starts_with(beginning),
            None => event.name == wanted,
        }
    };
    rule.events.iter().any(fits)
        && event.key.starts_with(&rule.prefix)
        && event.key.ends_with(&rule.suffix)
}

/// The message about one event: one record, as S3 sends it. `host_id` is drawn anew, because in
/// captures it was never that of the response.
#[must_use]
pub fn message(
    act: &Act,
    event: &ObjectEvent<'_>,
    rule_id: &str,
    sequencer: &str,
    host_id: &str,
) -> String {
    let mut object = json!({ "key": form_encoded(event.key), "sequencer": sequencer });
    if let Some(object_bytes) = event.object_bytes {
        object["size"] = json!(object_bytes);
    }
    if let Some(etag) = event.etag {
        object["eTag"] = json!(etag);
    }
    if let Some(version_id) = event.version_id {
        object["versionId"] = json!(version_id);
    }
    let record = json!({
        "eventVersion": "2.6",
        "eventSource": "aws:s3",
        "awsRegion": act.region,
        "eventTime": act.ended_at.to_string(),
        "eventName": event.name,
        "userIdentity": { "principalId": principal_id(act) },
        "requestParameters": { "sourceIPAddress": act.caller.source_address },
        "responseElements": { "x-amz-request-id": act.request_id, "x-amz-id-2": host_id },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule_id,
            "bucket": {
                "name": act.bucket,
                "ownerIdentity": { "principalId": owner_id(&act.bucket_account) },
                "arn": format!("arn:aws:s3:::{}", act.bucket),
            },
            "object": object,
        },
    });
    json!({ "Records": [record] }).to_string()
}

fn principal_id(act: &Act) -> Value {
    match &act.caller.principal {
        _ if matches!(act.call, Call::Expire { .. }) => json!("s3.amazonaws.com"),
        Some(principal) if principal.kind == Kind::Service => json!(principal.name),
        Some(principal) => json!(format!("AWS:{}", principal.principal_id())),
        None => json!("Anonymous"),
    }
}

/// An account's id among S3's customers: a letter A and 13 others that follow from the account.
fn owner_id(account: &str) -> String {
    format!("A{}", sha256(account.as_bytes())[..13].to_ascii_uppercase())
}

/// Where the order of events comes from: each number is larger than all before.
#[derive(Debug, Default)]
pub struct Sequencer {
    last: u64,
}

impl Sequencer {
    /// The next `sequencer`, 18 hexadecimal digits: the second of `at`, and what keeps it growing.
    pub fn next(&mut self, at: Timestamp) -> String {
        let millis = u64::try_from(at.as_millis()).unwrap_or_default();
        let at = (millis / 1_000) << 32 | (millis % 1_000) << 22;
        self.last = at.max(self.last + 1);
        format!("{:018X}", self.last)
    }
}

#[cfg(test)]
mod tests {
    use deltrail_core::decode::{Item, parse_message};

    use super::*;
    use crate::sandbox::act::Refusal;
    use crate::sandbox::record::specimen::{STARTED, act};

    fn delete(key: &str, effect: Effect) -> Act {
        act(Call::Delete { key: key.into(), named_version: None, effect })
    }

    fn names(act: &Act) -> Vec<&str> {
        events(act).iter().map(|event| event.name).collect()
    }

    fn record(act: &Act) -> Value {
        let raised = events(act);
        let body = message(act, &raised[0], "removals", "0055AED6DCD90281E5", "other/host=");
        serde_json::from_str::<Value>(&body).unwrap()["Records"][0].clone()
    }

    fn entry(key: &str, result: Result<Effect, Refusal>) -> BulkEntry {
        BulkEntry { key: key.into(), named_version: None, result }
    }

    #[test]
    fn a_delete_marker_is_told_with_its_id_and_the_tag_of_nothing() {
        let marker = delete("cats/a b+c.jpg", Effect::Marker { id: "V1".into() });
        assert_eq!(
            record(&marker),
            json!({
                "eventVersion": "2.6",
                "eventSource": "aws:s3",
                "awsRegion": "eu-west-1",
                "eventTime": "2026-11-23T12:00:00.290Z",
                "eventName": "ObjectRemoved:DeleteMarkerCreated",
                "userIdentity": { "principalId": "AWS:AROAIMAGESERVICEXXXXX:i-0abc" },
                "requestParameters": { "sourceIPAddress": "198.51.100.7" },
                "responseElements": {
                    "x-amz-request-id": "REQUEST000000001",
                    "x-amz-id-2": "other/host=",
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "removals",
                    "bucket": {
                        "name": "images",
                        "ownerIdentity": { "principalId": owner_id("111122223333") },
                        "arn": "arn:aws:s3:::images",
                    },
                    "object": {
                        "key": "cats/a+b%2Bc.jpg",
                        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                        "versionId": "V1",
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            })
        );
    }

    #[test]
    fn a_permanent_delete_has_neither_size_nor_tag() {
        let object = record(&delete("a.jpg", Effect::Object))["s3"]["object"].clone();
        assert_eq!(object, json!({ "key": "a.jpg", "sequencer": "0055AED6DCD90281E5" }));
    }

    #[test]
    fn a_missing_key_is_notified_only_as_part_of_a_bulk_call() {
        assert!(names(&delete("gone", Effect::Nothing)).is_empty());
        let denied = Refusal::access_denied("somebody", "s3:DeleteObject", "held");
        let bulk = act(Call::BulkDelete {
            entries: vec![
                entry("gone", Ok(Effect::Nothing)),
                entry("held", Err(denied)),
                entry("hidden", Ok(Effect::Marker { id: "V2".into() })),
            ],
        });
        let raised = ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"];
        assert_eq!(names(&bulk), raised, "and a refused key not at all");
    }

    #[test]
    fn a_refused_call_raises_nothing() {
        let mut denied = delete("a.jpg", Effect::Nothing);
        denied.call = Call::BulkDelete { entries: vec![entry("a.jpg", Ok(Effect::Object))] };
        denied.refusal = Some(Refusal::access_denied("somebody", "s3:DeleteObject", "images"));
        assert!(events(&denied).is_empty());
    }

    #[test]
    fn lifecycle_speaks_in_the_name_of_s3() {
        let call = Call::Expire {
            key: "old.jpg".into(),
            effect: Effect::Version { id: "V0".into(), was_marker: false },
        };
        let record = record(&act(call));
        assert_eq!(record["eventName"], "LifecycleExpiration:Delete");
        assert_eq!(record["userIdentity"]["principalId"], "s3.amazonaws.com");
        assert_eq!(record["s3"]["object"]["versionId"], "V0");
    }

    #[test]
    fn a_consumer_reads_key_size_and_version_of_a_created_object() {
        let put = act(Call::Put {
            key: "new cats/ü+1.jpg".into(),
            version_id: Some("V3".into()),
            object_bytes: 29,
            etag: "1145e7649fb122c67a8db04caace882e".into(),
        });
        let raised = events(&put);
        let body = message(&put, &raised[0], "all", "01", "host=");
        let items = parse_message(&body).unwrap();
        let [Item::Created { object: created, .. }] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(created.key, "new cats/ü+1.jpg");
        assert_eq!((created.size, created.version_id.as_deref()), (Some(29), Some("V3")));
        assert_eq!(created.etag.as_deref(), Some("1145e7649fb122c67a8db04caace882e"));
        assert_eq!(created.event_at.unwrap().to_string(), "2026-11-23T12:00:00.290Z");
    }

    #[test]
    fn a_rule_asks_by_event_prefix_and_suffix() {
        let marker = delete("cats/a.jpg", Effect::Marker { id: "V1".into() });
        let event = events(&marker)[0];
        let rule = |wanted: &str, prefix: &str, suffix: &str| NotificationRule {
            id: "rule".into(),
            queue_arn: "arn".into(),
            events: vec![wanted.into()],
            prefix: prefix.into(),
            suffix: suffix.into(),
        };
        for wanted in ["s3:ObjectRemoved:*", "s3:ObjectRemoved:DeleteMarkerCreated"] {
            assert!(asks_for(&rule(wanted, "", ""), &event), "{wanted}");
            assert!(asks_for(&rule(wanted, "cats/", ".jpg"), &event), "{wanted}");
            assert!(!asks_for(&rule(wanted, "dogs/", ""), &event), "{wanted}");
            assert!(!asks_for(&rule(wanted, "", ".png"), &event), "{wanted}");
        }
        for other in ["s3:ObjectRemoved:Delete", "s3:ObjectCreated:*", "s3:LifecycleExpiration:*"] {
            assert!(!asks_for(&rule(other, "", ""), &event), "{other}");
        }
    }

    #[test]
    fn a_sequencer_grows_even_when_time_stands_still() {
        let mut sequencer = Sequencer::default();
        let earlier = Timestamp::from_millis(STARTED.as_millis() - 5_000);
        let drawn = [STARTED, STARTED, earlier].map(|at| sequencer.next(at));
        assert!(drawn.is_sorted_by(|one, next| one < next), "{drawn:?}");
        assert!(drawn.iter().all(|text| text.len() == 18), "{drawn:?}");
    }
}
