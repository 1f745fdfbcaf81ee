//! The walker against `serde_json`: what it reads is what that reads, and what it does not read it
//! leaves alone. It never panics, whatever it is told of where strings and braces are.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Scalar, Walker};
use crate::decode::structure::{Level, Marked, Marks, Progress, Room};

/// How the value of a member is gone over.
type Way = fn(&mut Walker<'_>) -> bool;

const WAYS: [Way; 2] = [|walker| walker.pass().is_some(), |walker| walker.skip().is_some()];

/// Looks at a walker at the beginning of this object, if there is one.
fn with_walker<T>(text: &[u8], look: impl FnOnce(Walker<'_>) -> T) -> Option<T> {
    let mut room = Room::default();
    let marked = Marked::of(text, Level::best(), &mut room)?;
    Walker::of(marked).map(look)
}

/// The members of an object as the walker finds them, each read by `serde_json`.
fn members(text: &str, way: Way) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    with_walker(text.as_bytes(), |mut walker| {
        walker.object(|walker, name| {
            let start = walker.at;
            way(walker).then_some(())?;
            let value = serde_json::from_str(&text[start..walker.at]).expect("a whole value");
            assert_eq!(members.insert(name.to_owned(), value), None);
            Some(())
        })?;
        walker.is_at_end().then_some(())
    })??;
    Some(members)
}

/// Whether every way gives up on this object.
fn is_left_alone(text: &str) -> bool {
    WAYS.iter().all(|way| members(text, *way).is_none())
}

/// Texts with everything that JSON escapes.
fn any_text() -> BoxedStrategy<String> {
    "[a-z{}\\[\\]\",: \\\\/\u{8}\n\u{1f}\u{7f}é가\u{1f600}]{0,70}".boxed()
}

/// Texts that need no escapes.
fn plain_text() -> BoxedStrategy<String> {
    "[a-z{}\\[\\],: /\u{7f}é가\u{1f600}]{0,70}".boxed()
}

fn any_value(
    text: fn() -> BoxedStrategy<String>,
    number: impl Strategy<Value = Value> + 'static,
) -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        text().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..5).prop_map(|map| json!(map)),
        ]
    });
    prop::collection::btree_map(text(), value, 0..6).prop_map(|map| map.into_iter().collect())
}

fn any_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-1_000_000..1_000_000_i32).prop_map(|number| Value::from(f64::from(number) / 100.0)),
    ]
}

fn plain_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1_000_000..1_000_000_i32).prop_map(|number| Value::from(f64::from(number) / 100.0)),
    ]
}

/// Uses the walker in all ways that there are.
fn use_up(walker: Walker<'_>) {
    let uses: [Way; 7] = [
        |walker| walker.pass().is_some(),
        |walker| walker.skip().is_some(),
        |walker| walker.scalar().is_some(),
        |walker| walker.escaped_text().is_some(),
        |walker| walker.object(|walker, _| walker.pass()).is_some(),
        |walker| walker.object(|walker, _| walker.skip()).is_some(),
        |walker| walker.object(|walker, _| walker.escaped_text().map(drop)).is_some(),
    ];
    for first in uses {
        for second in uses {
            let mut walker = walker;
            while first(&mut walker) && !walker.is_at_end() && second(&mut walker) {}
        }
    }
}

proptest! {
    #[test]
    fn plain_objects_are_read_to_their_end(
        object in any_value(plain_text, plain_number())
    ) {
        let text = Value::from(object).to_string();
        let judged: Map<String, Value> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(members(&text, WAYS[0]), Some(judged.clone()), "{}", text);
        let has_lists_in_lists = text.contains("[[") || text.contains(",[");
        let skipped = members(&text, WAYS[1]);
        prop_assert!(skipped.is_some() || has_lists_in_lists, "{}", text);
        prop_assert!(skipped.is_none_or(|members| members == judged));
    }

    #[test]
    fn what_is_read_of_any_object_is_what_the_judge_reads(
        object in any_value(any_text, any_number())
    ) {
        let text = Value::from(object.clone()).to_string();
        let judged: Map<String, Value> = serde_json::from_str(&text).unwrap();
        for way in WAYS {
            if let Some(members) = members(&text, way) {
                prop_assert_eq!(&members, &judged, "{}", text);
            }
        }
        let pretty = serde_json::to_string_pretty(&object).unwrap();
        prop_assert!(object.is_empty() || is_left_alone(&pretty));
    }

    #[test]
    fn scalars_are_what_the_judge_reads(
        number in any_number(), plain in plain_text(), text in any_text(), flag in any::<bool>()
    ) {
        let scalar = |value: &Value| {
            let object = json!({ "a": value }).to_string();
            with_walker(object.as_bytes(), |mut walker| {
                let mut judged = None;
                walker.object(|walker, _| {
                    judged = Some(match walker.scalar()? {
                        Scalar::Text(text) => Value::from(text),
                        Scalar::Number(number) => serde_json::from_str(number).unwrap(),
                        Scalar::Bool(flag) => Value::from(flag),
                        Scalar::Null => Value::Null,
                    });
                    Some(())
                })?;
                judged.filter(|_| walker.is_at_end())
            }).flatten()
        };
        for value in [Value::Null, flag.into(), plain.into()] {
            prop_assert_eq!(scalar(&value), Some(value));
        }
        for value in [number, Value::from(text)] {
            let judged: Value = serde_json::from_str(&value.to_string()).unwrap();
            prop_assert!(scalar(&value).is_none_or(|read| read == judged), "{}", value);
        }
    }

    #[test]
    fn a_text_with_escapes_is_read_where_they_are_asked_for(text in any_text()) {
        let object = json!({ "a": text, "b": 1 }).to_string();
        let read = with_walker(object.as_bytes(), |mut walker| {
            let mut read = None;
            walker.object(|walker, name| {
                if name == "b" {
                    return walker.pass();
                }
                read = Some(walker.escaped_text()?.into_owned());
                Some(())
            })?;
            read.filter(|_| walker.is_at_end())
        });
        // Only a control character that is not escaped would be in the way.
        prop_assert_eq!(read.flatten(), Some(text));
    }

    #[test]
    fn no_marks_make_it_panic(
        start in prop::sample::select(vec!["", "{", "{\"a\":", "{\"a\":[{\"b\":\""]),
        noise in "[{}\\[\\]\"\",:a\\\\é가\u{1f600}0-9.eE\\-ntruefalsl]{0,150}",
        wrong in prop::collection::vec((any::<[u64; 3]>(), any::<[u64; 3]>()), 0..5),
        has_backslash in any::<bool>(),
        quotes in 0..9_u32,
    ) {
        let text = format!("{start}{noise}");
        let mut room = Room::default();
        let mut progress = Progress::default();
        Level::best().advance(text.as_bytes(), &mut progress, &mut room);
        let mut marked = progress.marked(text.as_bytes(), &room, Level::best());
        // Some marks are wrong, and some may be missing.
        let few = |bits: &[u64; 3]| bits[0] & bits[1] & bits[2];
        let wrong = marked.marks.iter().zip(&wrong).map(|(marks, (quotes, braces))| Marks {
            quotes: marks.quotes ^ few(quotes),
            braces: marks.braces ^ few(braces),
        });
        let wrong: Vec<Marks> = wrong.collect();
        (marked.marks, marked.has_backslash, marked.quotes) = (&wrong, has_backslash, quotes);
        use_up(Walker::of(marked).expect("no control characters"));
    }
}

#[test]
fn what_is_not_compact_is_left_alone() {
    assert!(!is_left_alone(r#"{"a":1,"b":[1,{}],"c":{}}"#));
    for spaced in [
        r#"{ "a":1}"#,
        r#"{"a" :1}"#,
        r#"{"a": 1}"#,
        r#"{"a":1 }"#,
        r#"{"a":1 ,"b":2}"#,
        r#"{"a":1, "b":2}"#,
        r#"{"a":[ 1]}"#,
        r#"{"a":[1 ]}"#,
        r#"{"a":[1, 2]}"#,
        "{ }",
        "{\"a\":\n1}",
        "{\"a\":1\t}",
        "{\"a\":\r1}",
    ] {
        assert!(is_left_alone(spaced), "{spaced}");
    }
}

#[test]
fn what_is_no_json_is_left_alone() {
    for broken in [
        r#"{"a":}"#,
        r#"{"a"}"#,
        "{a:1}",
        "{,}",
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a":1"b":2}"#,
        r#"{"a":1,,"b":2}"#,
        r#"{"a":[1}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[,1]}"#,
        r#"{"a":]}"#,
        r#"{"a":nul}"#,
        r#"{"a":tru}"#,
        r#"{"a":False}"#,
        r#"{"a":truest}"#,
        r#"{"a":x}"#,
        r#"{"a":01}"#,
        r#"{"a":-}"#,
        r#"{"a":-01}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":+1}"#,
        r#"{"a":1.2.3}"#,
        r#"{"a":0x1}"#,
        r#"{"a":--1}"#,
        r#"{"a":NaN}"#,
        r#"{"a":"b}"#,
    ] {
        assert!(serde_json::from_str::<Value>(broken).is_err(), "{broken}");
        assert!(is_left_alone(broken), "{broken}");
    }
}

#[test]
fn numbers_that_are_written_at_length_or_with_exponents_are_left_alone() {
    let in_object = |number: &str| format!(r#"{{"a":{number},"b":[{number}]}}"#);
    for number in ["1e5", "1E5", "0e0", "1.5e-7", "-1e999", "123456789012345678901"] {
        assert!(is_left_alone(&in_object(number)), "{number}");
    }
    for number in ["0", "-0", "0.0", "-0.25", "18446744073709551615", "-9223372036854775808"] {
        let text = in_object(number);
        let judged: Map<String, Value> = serde_json::from_str(&text).unwrap();
        for way in WAYS {
            assert_eq!(members(&text, way).as_ref(), Some(&judged), "{number}");
        }
    }
}

#[test]
fn control_characters_and_bytes_that_are_no_utf_8_are_left_alone() {
    let is_walked = |text: &[u8]| {
        let mut room = Room::default();
        let mut each = Level::each().map(|level| {
            Walker::of(Marked::of(text, level, &mut room).expect("an object")).is_some()
        });
        let first = each.next().unwrap();
        assert!(each.all(|other| other == first), "{}", String::from_utf8_lossy(text));
        first
    };
    for length in [5, 63, 64, 65, 130] {
        let mut text = format!(r#"{{"{}":1}}"#, "x".repeat(length)).into_bytes();
        assert!(is_walked(&text));
        for at in 2..text.len() - 4 {
            for byte in [0, b'\t', b'\n', 0x1f, 0x80, 0xc0, 0xff] {
                let kept = std::mem::replace(&mut text[at], byte);
                assert!(!is_walked(&text), "{byte} at {at}");
                text[at] = kept;
            }
            text[at] = b' ';
            assert!(is_walked(&text), "a space at {at}");
            text[at] = 0x7f;
            assert!(is_walked(&text), "delete at {at}");
            text[at] = b'x';
        }
    }
}

#[test]
fn escapes_in_names_and_values_are_left_alone_where_they_are_not_asked_for() {
    assert!(is_left_alone(r#"{"\u0061":1}"#));
    assert!(is_left_alone(r#"{"a":1,"b\n":1}"#));
    assert_eq!(members(r#"{"a":"\u0061"}"#, WAYS[0]), None);
    assert_eq!(members(r#"{"a":["b\"]"]}"#, WAYS[0]), None);
    let with_brackets: Map<String, Value> = serde_json::from_str(r#"{"a":["b\"]"]}"#).unwrap();
    assert_eq!(members(r#"{"a":["b\"]"]}"#, WAYS[1]), Some(with_brackets), "skipped, not read");
}

#[test]
fn deep_nests_are_left_alone_and_never_too_deep_to_skip() {
    let nest = |open: &str, close: &str, levels: usize| {
        format!(r#"{{"a":{}{}}}"#, open.repeat(levels), close.repeat(levels))
    };
    let [pass, skip] = WAYS;
    assert!(members(&nest("[", "]", 16), pass).is_some());
    assert!(members(&nest("[", "]", 17), pass).is_none());
    assert!(members(&nest("[", "]", 1_000_000), pass).is_none());
    assert!(members(&nest("[", "]", 1_000_000), skip).is_none());
    let objects = |levels| nest(r#"{"b":"#, "}", levels).replace(":}", ":0}");
    assert!(members(&objects(16), pass).is_some());
    assert!(members(&objects(17), pass).is_none());
    let deep = objects(1_000_000);
    let is_skipped = with_walker(deep.as_bytes(), |mut walker| {
        walker.object(|walker, _| walker.skip()).is_some() && walker.is_at_end()
    });
    assert_eq!(is_skipped, Some(true));
}
