//! What an application says before it deletes: an intent, as the body of a queue's message or as a
//! line of a log object. It knows neither queue nor bucket.

use bytes::Bytes;
use deltrail_core::domain::Intent;
use serde_json::json;

use super::log_file::packed;

/// The intent in one line of JSON.
#[must_use]
pub fn line(intent: &Intent) -> String {
    let mut document = json!({
        "deltrail": "intent",
        "id": intent.id,
        "bucket": intent.bucket,
        "keys": intent.keys,
        "requested_at": intent.requested_at.to_string(),
    });
    if let Some(by) = &intent.by {
        document["by"] = json!(by);
    }
    if let Some(reference) = &intent.reference {
        document["ref"] = json!(reference);
    }
    document.to_string()
}

/// The `.ndjson.gz` object of these intents.
#[must_use]
pub fn log_object(intents: &[Intent]) -> Bytes {
    let lines: String = intents.iter().map(|intent| line(intent) + "\n").collect();
    packed(lines.as_bytes()).body
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::sandbox::record::specimen::{STARTED, inflated};

    fn intent() -> Intent {
        Intent {
            id: "album-17".into(),
            bucket: "images".into(),
            keys: vec!["albums/a \"b\"/ü.jpg".into(), "albums/2.jpg".into()],
            requested_at: STARTED,
            by: Some("image-service".into()),
            reference: None,
        }
    }

    #[test]
    fn an_intent_says_what_is_to_be_deleted_and_when_it_was_asked_for() {
        let written = line(&intent());
        assert_eq!(
            serde_json::from_str::<Value>(&written).unwrap(),
            json!({
                "deltrail": "intent",
                "id": "album-17",
                "bucket": "images",
                "keys": ["albums/a \"b\"/ü.jpg", "albums/2.jpg"],
                "requested_at": "2026-11-23T12:00:00.250Z",
                "by": "image-service",
            })
        );
        assert!(!written.contains('\n'), "{written}");
    }

    #[test]
    fn a_log_object_has_a_line_for_each_intent() {
        let text = String::from_utf8(inflated(&log_object(&[intent(), intent()]))).unwrap();
        assert_eq!(text, format!("{0}\n{0}\n", line(&intent())));
    }
}
