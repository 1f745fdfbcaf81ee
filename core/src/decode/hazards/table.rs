//! The documents that have misled other readers of CloudTrail files, row by row: what a judge that
//! builds a `serde_json::Value` of the whole document counts, and what must be told here. They
//! differ where the judge gives up on a whole file for one odd record, and nowhere else.

use super::{delete, document, judged, outcome, record};

/// A document, and what is in it.
struct Row {
    name: &'static str,
    document: Vec<u8>,
    /// Deletes that the judge sees; `None` when it cannot read the document.
    judged: Option<usize>,
    /// Deletes that are told.
    told: usize,
    /// Why others are refused.
    refused: &'static [&'static str],
}

/// A document that the judge can read, and which is read as it reads it.
fn agreed(name: &'static str, document: impl Into<Vec<u8>>, told: usize) -> Row {
    Row { name, document: document.into(), judged: Some(told), told, refused: &[] }
}

/// A document that the judge gives up on.
fn survived(
    name: &'static str,
    document: impl Into<Vec<u8>>,
    told: usize,
    refused: &'static [&'static str],
) -> Row {
    Row { name, document: document.into(), judged: None, told, refused }
}

fn check(rows: impl IntoIterator<Item = Row>) {
    for Row { name, document, judged: expected, told, refused } in rows {
        assert_eq!(judged(&document), expected, "the judge on: {name}");
        assert_eq!(outcome(&document), (told, refused.to_vec()), "{name}");
    }
}

fn get() -> String {
    record("GetObject", "")
}

/// A record with other members beside a delete, as text.
fn beside_delete(extra: &str) -> String {
    document(&[&record("GetObject", extra), &delete()])
}

fn nested(depth: usize) -> String {
    format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth))
}

/// The document with its last `"key":"k"` made `"key":"` and these bytes.
fn with_key_bytes(document: &str, key: &[u8]) -> Vec<u8> {
    let at = document.rfind(r#""key":"k""#).unwrap() + r#""key":""#.len();
    [&document.as_bytes()[..at], key, &document.as_bytes()[at + 1..]].concat()
}

#[test]
fn ways_to_write_a_document() {
    let canonical = document(&[&get(), &delete(), &get()]);
    let value: serde_json::Value = serde_json::from_str(&canonical).unwrap();
    let spaced = canonical.replace(':', " : ").replace(',', "\r\n,\t");
    let spaced = spaced.replace("10 : 00 : 00", "10:00:00");
    let moved = delete().replace(r#""eventName":"DeleteObject","#, "");
    let name_last = format!(r#"{},"eventName":"DeleteObject"}}"#, &moved[..moved.len() - 1]);
    check([
        agreed("canonical get, del, get", canonical.as_str(), 1),
        agreed("pretty-printed (sorted keys)", serde_json::to_string_pretty(&value).unwrap(), 1),
        agreed("whitespace around colon and comma", spaced, 1),
        agreed("eventName last key", document(&[&name_last]), 1),
        agreed(
            r"escaped value \u0044eleteObject",
            canonical.replace(r#""Dele"#, r#""\u0044ele"#),
            1,
        ),
        agreed(r"escaped key event\u004eame", canonical.replace("eventName", r"event\u004eame"), 1),
        agreed(r"escaped source s3\u002eamazonaws.com", canonical.replace("s3.", r"s3\u002e"), 1),
        agreed(
            "key ends with a backslash",
            document(&[&delete().replace(r#""k""#, r#""k\\""#), &delete()]),
            2,
        ),
        agreed(
            "unicode and escapes in a key",
            with_key_bytes(&canonical, r#"\uac00가\"}]"#.as_bytes()),
            1,
        ),
    ]);
}

#[test]
fn forgeries() {
    let forged = delete();
    let quoted = serde_json::to_string(&forged).unwrap();
    let put = |extra: &str| record("PutObject", extra);
    let nested_records = record("DeleteObject", &format!(r#","x":{{"Records":[{forged}]}}"#));
    check([
        agreed(
            "needle in a string (escaped JSON)",
            document(&[&put(&format!(r#","p":{quoted}"#))]),
            0,
        ),
        agreed(
            "forged nested event in parameters",
            document(&[&put(&format!(r#","p":{forged}"#))]),
            0,
        ),
        agreed("forged nested Records in parameters", document(&[&nested_records]), 1),
        agreed(
            "top-level meta.Records before",
            format!(r#"{{"meta":{{"Records":[{forged}]}},"Records":[{forged}]}}"#),
            1,
        ),
        agreed(
            "top-level keys after Records",
            format!(r#"{{"Records":[{forged}],"meta":[{forged}],"n":{forged}}}"#),
            1,
        ),
    ]);
}

#[test]
fn repeated_keys() {
    let get_then_delete = record("GetObject", r#","eventName":"DeleteObject""#);
    let delete_then_get = record("DeleteObject", r#","eventName":"GetObject""#);
    check([
        agreed("duplicate eventName, Get then Delete", document(&[&get_then_delete]), 1),
        agreed("duplicate eventName, Delete then Get", document(&[&delete_then_get]), 0),
        Row {
            name: "duplicate Records: a JSON reader loses the first list",
            document: format!(r#"{{"Records":[{}],"Records":[{}]}}"#, delete(), get()).into(),
            judged: Some(0),
            told: 1,
            refused: &[],
        },
    ]);
}

#[test]
fn odd_members_and_elements() {
    let place = r#","resources":[{"ARN":"arn:aws:s3:::b/k"}]"#;
    let parameters = r#"{"bucketName":"b","key":"k"}"#;
    let with_parameters =
        |odd: &str| document(&[&record("DeleteObject", place).replace(parameters, odd)]);
    let other = delete().replace("s3.", "dynamodb.").replace(r#""k""#, r#"{"id":{"S":"1"}}"#);
    check([
        agreed("requestParameters null", with_parameters("null"), 1),
        agreed("requestParameters a string", with_parameters(r#""omitted""#), 1),
        agreed("requestParameters another object", with_parameters(r#"{"omitted":true}"#), 1),
        agreed("other service: key is an object", document(&[&other, &delete()]), 1),
        Row {
            name: "null and number elements in Records",
            document: document(&["null", &delete(), "7", r#""DeleteObject""#, "[{}]", "true"])
                .into(),
            judged: Some(1),
            told: 1,
            refused: &["not_an_object"; 5],
        },
        agreed("Records empty", r#"{"Records":[]}"#, 0),
        survived("Records null", r#"{"Records":null}"#, 0, &["no_records"]),
        survived("no Records ({})", "{}", 0, &["no_records"]),
        survived("byte order mark", format!("\u{feff}{}", document(&[&delete()])), 1, &[]),
    ]);
}

#[test]
fn odd_records_beside_a_delete() {
    let long = format!(r#","x":"{}""#, "y".repeat(3_000_000));
    let big_numbers = r#","x":123456789012345678901234567890,"y":-0.1e-7"#;
    check([
        agreed("big integers and floats in another record", beside_delete(big_numbers), 1),
        survived("1e999 in another record", beside_delete(r#","x":1e999"#), 1, &[]),
        survived("lone surrogate in another record", beside_delete(r#","x":"\ud800""#), 1, &[]),
        survived("nesting 200 in another record", beside_delete(&nested(200)), 1, &[]),
        survived("nesting 1e6 in another record", beside_delete(&nested(1_000_000)), 1, &[]),
        agreed("3 MB string in another record", beside_delete(&long), 1),
    ]);
    // The same beside what matters of a delete itself.
    for extra in [big_numbers, r#","x":1e999"#, r#","x":"\ud800""#, &nested(1_000_000), &long] {
        let case = document(&[&record("DeleteObject", extra), &delete()]);
        assert_eq!(outcome(case), (2, vec![]), "{}", &extra[..20.min(extra.len())]);
    }
}

#[test]
fn broken_records() {
    let two = document(&[&get(), &delete()]);
    let of_deletes = |key: &[u8]| with_key_bytes(&document(&[&delete(), &delete()]), key);
    let other_not_utf8 = {
        let at = two.find(r#""key":"k""#).unwrap() + r#""key":""#.len();
        [&two.as_bytes()[..at], b"\xff", &two.as_bytes()[at + 1..]].concat()
    };
    check([
        survived("lone surrogate in a matched key", of_deletes(br"\ud800"), 1, &["invalid_json"]),
        survived("bad [} in another record", document(&[r#"{"x":[}"#, &delete()]), 1, &[]),
        survived("bad: unquoted junk in another record", document(&["{junk}", &delete()]), 1, &[]),
        survived(
            "bad: raw control character in a matched key",
            of_deletes(b"a\x01"),
            1,
            &["invalid_json"],
        ),
        survived("bad UTF-8 in another record", other_not_utf8, 1, &[]),
        survived("bad UTF-8 in a matched record", of_deletes(b"\xff"), 1, &["invalid_utf8"]),
        survived(
            "bad: unquoted junk in a matched record",
            document(&[r#"{"eventName":"DeleteObject",junk}"#, &delete()]),
            1,
            &["invalid_json"],
        ),
    ]);
}
