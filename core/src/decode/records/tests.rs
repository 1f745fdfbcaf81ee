//! The splitter against JSON texts of every shape, and against `serde_json` as the judge.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DecodeError, Element, Shape, Splitter};

type Split = Result<(Vec<Option<Vec<u8>>>, Shape), DecodeError>;

/// The elements of a document that comes in these chunks; `None` for one that is too large.
fn split_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Split {
    let mut splitter = Splitter::new(limit);
    let mut elements = Vec::new();
    for chunk in chunks {
        splitter.push(chunk, |element| {
            elements.push(match element {
                Element::Object(marked) => Some(marked.bytes.to_vec()),
                Element::Whole(bytes) => Some(bytes.to_vec()),
                Element::TooLarge => None,
            });
        })?;
    }
    Ok((elements, splitter.finish()?))
}

fn split(document: &str) -> Split {
    split_chunks([document.as_bytes()], usize::MAX)
}

fn elements(document: &str) -> Vec<String> {
    let (elements, _) = split(document).unwrap();
    elements.into_iter().map(|bytes| String::from_utf8(bytes.unwrap()).unwrap()).collect()
}

#[test]
fn records_are_found_in_any_order_of_keys() {
    assert_eq!(elements(r#"{"Records":[{"a":1},{"b":2}]}"#), [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(elements(r#"{"v" : "}]", "Records" : [ { } ] , "w":{"Records":[1]}}"#), ["{ }"]);
    assert_eq!(elements("\u{feff} {\"Rec\\u006frds\":[{}]}"), ["{}"], "escapes in the key");
    assert_eq!(elements(r#"{"Records":[1],"Records":[2]}"#), ["1", "2"]);
}

#[test]
fn a_bare_list_is_a_list_of_records() {
    assert_eq!(elements(" [{},\t{}] "), ["{}", "{}"]);
    assert_eq!(elements("[]"), [""; 0]);
}

#[test]
fn braces_and_escapes_in_strings_are_text() {
    let record = r#"{"a":"}]{\\","b\"":["{",{"c":"\\\""}]}"#;
    assert_eq!(elements(&format!("[{record}, {record}]")), [record, record]);
}

#[test]
fn elements_that_are_no_objects_are_handed_out_too() {
    assert_eq!(
        elements(r#"[null,-1.5e3,"a,]\"",[{"b":[]}],true]"#),
        ["null", "-1.5e3", r#""a,]\"""#, r#"[{"b":[]}]"#, "true"]
    );
}

#[test]
fn the_shape_tells_what_kind_of_document_it_is() {
    let shape = |document: &str| split(document).unwrap().1;
    assert!(!shape(r#"{"Records":null}"#).has_records);
    assert!(!shape(r#"{"a":{"Records":[]}}"#).has_records);
    assert!(shape(r#"{"Records":[]}"#).has_records);
    assert!(shape(r#"{"digestEndTime":"x","logFiles":[{}]}"#).is_digest);
    assert_eq!(shape("{} x\n\0").trailing_bytes, 2);
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    let cases = [
        ("hello", 0),
        ("{hello", 1),
        (r#"{"a" 1}"#, 5),
        (r#"{"a":}"#, 5),
        (r#"{"a":1 "b":2}"#, 7),
        ("{,}", 1),
        (r#"{"a":1,}"#, 7),
        (r#"{"Records":[{}{}]}"#, 14),
        (r#"{"Records":[{},]}"#, 15),
        (r#"{"Records":[{}}"#, 14),
        (r#"{"Records":[{}]]"#, 15),
        ("\u{feff}\u{feff}{}", 3),
    ];
    for (document, at) in cases {
        match split(document) {
            Err(DecodeError::NotJson { offset, .. }) => assert_eq!(offset, at, "{document}"),
            other => panic!("{document}: {other:?}"),
        }
    }
}

#[test]
fn every_cut_of_a_document_is_an_error() {
    let document = r#"{"a":"b\"","Records":[{"c":[1,"]"]},2,null],"d":-1}"#;
    for end in 0..document.len() {
        let offset = end as u64;
        assert_eq!(split(&document[..end]), Err(DecodeError::TruncatedJson { offset }), "{end}");
    }
    assert!(split(document).is_ok());
}

#[test]
fn a_record_over_the_limit_is_skipped_and_the_rest_goes_on() {
    let document = br#"[{"a":"123456789"},{"b":1},"0123456789",7]"#;
    for chunk_length in 1..document.len() {
        let (elements, _) = split_chunks(document.chunks(chunk_length), 7).unwrap();
        assert_eq!(elements, [None, Some(br#"{"b":1}"#.to_vec()), None, Some(b"7".to_vec())]);
    }
}

#[test]
fn what_is_held_stays_below_the_limit() {
    let mut splitter = Splitter::new(1_000);
    splitter.push(b"[", |_| ()).unwrap();
    splitter.push(b"\"", |_| ()).unwrap();
    for _ in 0..1_000 {
        splitter.push(&[b'x'; 100], |_| ()).unwrap();
        assert!(splitter.carried.capacity() <= 2_000);
    }
}

#[test]
fn a_million_levels_do_not_overflow_the_stack() {
    let depth = 1_000_000;
    let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let document = format!(r#"{{"x":{nested},"Records":[{{"y":{nested}}},{{}}]}}"#);
    let (elements, _) = split(&document).unwrap();
    assert_eq!(elements.len(), 2);
    assert_eq!(elements[1].as_deref(), Some(&b"{}"[..]));
}

fn text() -> impl Strategy<Value = String> {
    prop::string::string_regex("[a-z\\[\\]{}\"\\\\,: 가\n\u{1}]{0,8}").unwrap()
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// A document with a list of records among other keys.
fn document() -> impl Strategy<Value = Value> {
    let others = prop::collection::vec((text(), value()), 0..4);
    let records = prop::collection::vec(value(), 0..6);
    (others, records, any::<prop::sample::Index>()).prop_map(|(mut others, records, at)| {
        others.insert(at.index(others.len() + 1), ("Records".into(), json!(records)));
        Value::Object(others.into_iter().collect())
    })
}

proptest! {
    #[test]
    fn splitting_agrees_with_serde_json(
        document in document(),
        is_pretty in any::<bool>(),
        chunk_length in 1usize..40,
    ) {
        let text = if is_pretty {
            serde_json::to_string_pretty(&document).unwrap()
        } else {
            document.to_string()
        };
        let (elements, shape) =
            split_chunks(text.as_bytes().chunks(chunk_length), usize::MAX).unwrap();
        prop_assert!(shape.has_records);
        let read: Vec<Value> = elements
            .iter()
            .map(|bytes| serde_json::from_slice(bytes.as_ref().unwrap()).unwrap())
            .collect();
        let judge: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&json!(read), &judge["Records"]);
        prop_assert_eq!(Ok((elements, shape)), split(&text));
    }

    #[test]
    fn arbitrary_bytes_split_alike_in_any_chunks(
        bytes in prop::collection::vec(
            prop::sample::select(&b"{}[]\"\\,: 1n\xefRecords\x00"[..]), 0..80
        ),
        chunk_length in 1usize..9,
    ) {
        prop_assert_eq!(
            split_chunks(bytes.chunks(chunk_length), 20),
            split_chunks([bytes.as_slice()], 20)
        );
    }
}
