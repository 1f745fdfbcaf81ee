//! The parameters of questions, by name. It knows no question.

use deltrail_core::domain::{Detector, Severity};
use serde_json::{Value, json};

use super::super::findings::state_words;
use super::super::overview::{HOURS, HOURS_MAX};
use super::super::parameters::chars_max;
use super::operations::Operation;

/// A parameter of an operation's query.
pub(super) fn of(name: &str, operation: &Operation) -> Value {
    let text = json!({ "type": "string", "maxLength": chars_max(name) });
    let required = json!({ "type": "string", "minLength": 1, "maxLength": chars_max(name) });
    let time = json!({ "type": "string", "format": "date-time" });
    let words = |words: Vec<&str>| json!({ "type": "string", "enum": words });
    let number = |default: usize, max: usize| {
        let kind = "integer";
        json!({ "type": kind, "minimum": 1, "maximum": max, "default": default })
    };
    let is_needed = operation.name == "whoDeleted" && name != "version_id";
    let (description, schema) = match name {
        "bucket" if is_needed => ("The bucket", required),
        "bucket" => ("Only of this bucket", text),
        "key" => ("The key, decoded", required),
        "version_id" => ("Only this version, or this delete marker", text),
        "prefix" => ("Only of keys that begin so", text),
        "principal" if operation.name == "listFindings" => {
            ("Only with this role or user behind it, by the name that findings tell", text)
        }
        "principal" => (
            "Only by this role or user: its name, its ARN with or without the session, its id or \
             its access key; * stands for any characters",
            text,
        ),
        "since" => ("Only from this event time on", time),
        "until" if operation.name == "getSummary" => ("Where the span ends; else now", time),
        "until" => ("Only before this event time", time),
        "hours" => ("How long the span is", number(HOURS, HOURS_MAX)),
        "request_id" => ("Only by the request of this id (x-amz-request-id)", text),
        "detector" => {
            ("Only by this detector", words(Detector::ALL.iter().map(|it| it.as_str()).collect()))
        }
        "severity" => {
            ("Only of this severity", words(Severity::ALL.iter().map(|it| it.as_str()).collect()))
        }
        "state" => (
            "Only in this state; all of them with `all`; else all but withdrawn ones",
            words(state_words()),
        ),
        "limit" => ("How many at most", number(operation.limits.0, operation.limits.1)),
        "cursor" => (
            "Where to go on: the next_cursor of the page before",
            json!({
                "type": "string",
                "pattern": "^[0-9a-f]{32}([0-9a-f]{2})*$",
                "maxLength": chars_max(name),
            }),
        ),
        _ => ("", json!({})),
    };
    json!({
        "name": name,
        "in": "query",
        "required": is_needed,
        "description": description,
        "schema": schema,
    })
}

/// Of a path without an id.
pub(super) fn no_id() -> Value {
    Value::Null
}

/// The id of a request.
pub(super) fn request_id() -> Value {
    in_path(
        "The id of the request (x-amz-request-id)",
        &json!({ "type": "string", "minLength": 1 }),
    )
}

/// The id of a finding.
pub(super) fn finding_id() -> Value {
    let schema = json!({ "type": "string", "pattern": "^[0-9a-f]{16}$" });
    in_path("The id of the finding, as the list tells it", &schema)
}

fn in_path(description: &str, schema: &Value) -> Value {
    json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": description,
        "schema": schema,
    })
}
