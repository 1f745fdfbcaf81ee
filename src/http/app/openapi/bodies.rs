//! What requests carry, as schemas. A limit of bytes stands in the description: schemas count
//! characters. It reads no body.

use serde_json::{Value, json};

/// A text without control characters.
fn text(chars_min: u64, chars_max: u64) -> Value {
    json!({
        "type": "string",
        "minLength": chars_min,
        "maxLength": chars_max,
        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
    })
}

fn bucket() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,255}$" })
}

/// One intent, or one in each line.
pub(super) fn intents() -> Value {
    let long = json!({ "type": ["string", "null"], "description": "At most 1 KiB" });
    let intent = json!({
        "type": "object",
        "required": ["deltrail", "id", "bucket", "keys", "requested_at"],
        "properties": {
            "deltrail": { "const": "intent" },
            "id": { "type": "string", "minLength": 1, "description":
                "What tells it from all others, at most 1 KiB: sent again, it changes nothing" },
            "bucket": bucket(),
            "keys": {
                "type": "array", "minItems": 1, "maxItems": 10_000,
                "items": { "type": "string", "minLength": 1 },
                "description": "The keys, decoded, as the application knows them, each at most \
                                1024 bytes",
            },
            "requested_at": { "type": "string", "format": "date-time" },
            "by": long,
            "ref": long,
        },
    });
    json!({
        "application/json": { "schema": intent },
        "application/x-ndjson": { "schema": {
            "type": "string",
            "description": "One intent in each line; all are kept, or none",
        } },
    })
}

/// An expectation.
pub(super) fn expectation() -> Value {
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["bucket", "until", "max_objects"],
        "properties": {
            "id": text(1, 200),
            "principal": text(1, 2_048),
            "bucket": text(1, 255),
            "prefix": text(0, 1_024),
            "since": { "type": "string", "format": "date-time",
                "description": "At most 31 days ago; else now" },
            "until": { "type": "string", "format": "date-time",
                "description": "At most 31 days ahead" },
            "max_objects": { "type": "integer", "minimum": 1, "maximum": 1_000_000_000_000_u64 },
            "by": text(1, 200),
        },
    });
    json!({ "application/json": { "schema": schema } })
}
