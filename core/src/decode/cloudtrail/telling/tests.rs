//! The quick look at a record against a judge that reads it: it must never pass over a record that
//! matters, however that is written, and should pass over nearly all others.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Wanted, may_tell};
use crate::decode::cloudtrail::protection::each_change_name;
use crate::decode::structure::{Level, Marked, Room};

/// Whether the record may matter; all levels must agree.
fn tells(record: &str) -> bool {
    let mut room = Room::default();
    let mut told = Level::each().map(|level| {
        may_tell(
            Marked::of(record.as_bytes(), level, &mut room).expect("an object"),
            Wanted::Deletes,
        )
    });
    let first = told.next().unwrap();
    assert!(told.all(|other| other == first), "{record}");
    first
}

fn names() -> impl Iterator<Item = &'static str> {
    ["DeleteObject", "DeleteObjects"].into_iter().chain(each_change_name())
}

/// The text with the character at this place written as an escape.
fn with_escape(text: &str, at: usize, is_upper: bool) -> String {
    let code = u32::from(text.as_bytes()[at]);
    let escape = if is_upper { format!("\\u{code:04X}") } else { format!("\\u{code:04x}") };
    format!("{}{escape}{}", &text[..at], &text[at + 1..])
}

#[test]
fn every_call_that_matters_is_noticed_with_whatever_whitespace() {
    for name in names() {
        assert!(tells(&format!(r#"{{"eventName":"{name}"}}"#)), "{name}");
        for before in ["", " ", "\t", "\r\n", "   \n"] {
            for behind in ["", " ", "\t", "\r\n", "   \n"] {
                let record = format!(r#"{{"x":1,"eventName"{before}:{behind}"{name}"}}"#);
                assert!(tells(&record), "{record:?}");
            }
        }
    }
}

#[test]
fn every_letter_may_be_written_as_an_escape() {
    for name in names() {
        for is_upper in [false, true] {
            for at in 0..name.len() {
                let escaped = with_escape(name, at, is_upper);
                assert!(tells(&format!(r#"{{"eventName":"{escaped}"}}"#)), "{escaped}");
            }
            for at in 0.."eventName".len() {
                let escaped = with_escape("eventName", at, is_upper);
                assert!(tells(&format!(r#"{{"{escaped}":"{name}"}}"#)), "{escaped}");
            }
        }
    }
}

#[test]
fn a_name_that_is_no_text_may_be_one() {
    for value in [r#"["DeleteObject"]"#, r#"{"api":1}"#, "null", "7", "[]", " [ ]"] {
        assert!(tells(&format!(r#"{{"eventName":{value}}}"#)), "{value}");
    }
}

#[test]
fn one_of_several_names_is_enough() {
    for record in [
        r#"{"eventName":"GetObject","eventName":"DeleteObject"}"#,
        r#"{"eventName":"DeleteObject","eventName":"GetObject"}"#,
        r#"{"a":{"eventName":"GetObject"},"eventName":"DeleteObject"}"#,
        r#"{"a":"eventName","eventName":"DeleteObjects"}"#,
        r#"{"a":"\"eventName\":\"GetObject\"","eventName":"DeleteTrail"}"#,
    ] {
        assert!(tells(record), "{record}");
    }
}

#[test]
fn other_records_are_passed_over() {
    for record in [
        "{}",
        r#"{"eventName":"GetObject"}"#,
        r#"{"eventName":""}"#,
        r#"{"eventName":"DeleteObjectTagging"}"#,
        r#"{"eventName":"DeleteObjec"}"#,
        r#"{"eventName":"deleteobject"}"#,
        r#"{"eventName":" DeleteObject"}"#,
        r#"{"eventName":"GetObject","x":"DeleteObject"}"#,
        r#"{"EventName":"DeleteObject"}"#,
        r#"{"eventName ":"DeleteObject"}"#,
        r#"{"a":"eventName","b":"DeleteObject"}"#,
        r#"{"eventName":"GetObject","policy":"{\"eventName\":\"DeleteObject\"}"}"#,
        r#"{"eventName":"GetObject","path":"C:\\dir\nb"}"#,
    ] {
        assert!(!tells(record), "{record}");
    }
    let long = "x".repeat(10_000);
    assert!(!tells(&format!(r#"{{"eventName":"{long}"}}"#)));
    assert!(!tells(&format!(r#"{{"eventName":"DeleteObject{long}"}}"#)));
}

/// Members among which names and parts of them turn up in all places.
fn any_member() -> impl Strategy<Value = (String, Value)> {
    let text = prop::sample::select(vec![
        "eventName",
        "DeleteObject",
        "DeleteObjects",
        "StopLogging",
        "GetObject",
        "\"eventName\"",
        "eventName\":\"DeleteObject",
        "é",
        "\\",
        "",
    ]);
    let value = prop_oneof![
        text.clone().prop_map(Value::from),
        text.clone().prop_map(|text| json!([text])),
        text.clone().prop_map(|text| json!({ "eventName": text })),
        Just(Value::Null),
    ];
    (text.prop_map(str::to_owned), value)
}

proptest! {
    #[test]
    fn what_the_judge_reads_as_a_call_that_matters_is_never_passed_over(
        members in prop::collection::vec(any_member(), 0..6),
        escaped in prop::option::of((any::<prop::sample::Index>(), any::<bool>())),
        space in prop::sample::select(vec!["", " ", "\t", "\n\r"]),
    ) {
        let member = |(name, value): &(String, Value)| {
            format!("{space}{}{space}:{space}{value}", Value::from(name.as_str()))
        };
        let members: Vec<String> = members.iter().map(member).collect();
        let mut record = format!("{{{}}}", members.join(","));
        let letters: Vec<usize> =
            record.match_indices(|c: char| "DGSOLNdej".contains(c)).map(|(at, _)| at).collect();
        if let Some((index, is_upper)) = escaped.filter(|_| !letters.is_empty()) {
            let with_escape = with_escape(&record, *index.get(&letters), is_upper);
            // A letter of `null` or of an escape is none to write so.
            if serde_json::from_str::<Value>(&with_escape).is_ok() {
                record = with_escape;
            }
        }
        let judged: Value = serde_json::from_str(&record).unwrap();
        let name = &judged["eventName"];
        let matters = |name: &Value| name.as_str().is_some_and(|name| names().any(|n| n == name));
        if matters(name) || matters(&name[0]) {
            prop_assert!(tells(&record), "{}", record);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        noise in "[{}\":,\\\\u ]{0,9}",
        names in "(\"eventName\"[ :\"]{0,4}(Delete(Object)?)?[\"}u\\\\]{0,3}){0,3}",
        has_backslash in any::<bool>(),
    ) {
        let text = noise + &names;
        let mut room = Room::default();
        let mut marked = Marked::of(b"{}", Level::best(), &mut room).unwrap();
        (marked.bytes, marked.has_backslash) = (text.as_bytes(), has_backslash);
        may_tell(marked, Wanted::DeletesAndWrites);
    }
}
