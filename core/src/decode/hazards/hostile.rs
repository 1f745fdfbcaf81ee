//! Variations on the hazards that a hostile writer would think of.

use serde_json::json;

use super::{
    LIMITS, LogDecoder, LogPath, decode, decode_within, delete, document, gzip, gzip_members,
    judged, outcome, record, with_key,
};
use crate::decode::inflate::WINDOW_BYTES;
use crate::decode::{Content, DecodeError, Limits};

/// One delete, in a document that the judge can read.
fn is_one_delete(document: &str) {
    assert_eq!(judged(document.as_bytes()), Some(1), "{document}");
    assert_eq!(outcome(document), (1, vec![]), "{document}");
}

#[test]
fn any_whitespace_of_json_may_be_around_the_colons() {
    let kinds = ["", " ", "\t", "\n", "\r", "\r\n", " \t \r\n "];
    for before in kinds {
        for behind in kinds {
            for name in ["eventName", "eventSource", "key", "bucketName"] {
                let spaced = format!(r#""{name}"{before}:{behind}""#);
                is_one_delete(&document(&[&delete().replace(&format!(r#""{name}":""#), &spaced)]));
            }
        }
    }
}

#[test]
fn what_only_looks_like_whitespace_is_refused_and_not_passed_over() {
    for space in ["\u{c}", "\u{b}", "\u{a0}", "\u{2028}", "\u{feff}", "\0"] {
        let spaced = delete().replace(r#""eventName":"#, &format!(r#""eventName":{space}"#));
        let (told, refused) = outcome(document(&[&spaced, &delete()]));
        assert_eq!((told, refused), (1, vec!["invalid_json"]), "{space:?}");
    }
}

#[test]
fn any_letter_may_be_escaped_in_either_case() {
    for text in ["eventName", "DeleteObject", "eventSource", "s3.amazonaws.com", "bucketName"] {
        for (at, letter) in text.char_indices() {
            let code = u32::from(letter);
            for escape in [format!("\\u{code:04x}"), format!("\\u{code:04X}")] {
                let written = format!("{}{escape}{}", &text[..at], &text[at + 1..]);
                let (from, to) = (format!(r#""{text}""#), format!(r#""{written}""#));
                is_one_delete(&document(&[&delete().replace(&from, &to)]));
            }
        }
        let all: Vec<String> = text.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
        let all = all.concat();
        is_one_delete(&document(&[
            &delete().replace(&format!(r#""{text}""#), &format!(r#""{all}""#))
        ]));
    }
}

#[test]
fn names_in_nested_objects_count_neither_before_nor_behind_the_real_one() {
    let nested = |name: &str| format!(r#""x":{{"eventName":"{name}"}}"#);
    let before =
        |record: String, name: &str| record.replacen('{', &format!("{{{},", nested(name)), 1);
    is_one_delete(&document(&[&before(delete(), "GetObject")]));
    is_one_delete(&document(&[&record("DeleteObject", &format!(",{}", nested("GetObject")))]));
    for get in [
        before(record("GetObject", ""), "DeleteObject"),
        record("GetObject", &format!(",{}", nested("DeleteObject"))),
        record("GetObject", r#","x":["eventName","DeleteObject"]"#),
        record("GetObject", r#","x":"eventName","DeleteObject":1"#),
        record("GetObject", r#","EventName":"DeleteObject","eventName ":"DeleteObject""#),
    ] {
        is_one_delete(&document(&[&get, &delete()]));
    }
}

#[test]
fn a_list_of_one_text_is_that_text() {
    for (from, to) in [
        (r#""DeleteObject""#, r#"["DeleteObject"]"#),
        (r#""DeleteObject""#, r#"[ "\u0044eleteObject" ]"#),
        (r#""s3.amazonaws.com""#, r#"["s3.amazonaws.com"]"#),
        (r#""k""#, r#"["k"]"#),
    ] {
        let (decoded, _) = decode(document(&[&delete().replace(from, to)])).unwrap();
        let evidence = decoded.facts[0].fact.clone().deletion().unwrap();
        assert_eq!(evidence.key.as_deref(), Some("k"), "{to}");
    }
    let two = delete().replace(r#""DeleteObject""#, r#"["DeleteObject","DeleteObject"]"#);
    assert_eq!(outcome(document(&[&two])), (0, vec!["wrong_type"]), "refused, not passed over");
}

#[test]
fn a_delete_may_be_cut_anywhere() {
    let whole = document(&[&record("GetObject", ""), &with_key(r"\u0061\\"), &delete()]);
    let expected = decode(&whole).unwrap();
    let bytes = whole.as_bytes();
    for at in 1..bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(decode_within(LIMITS, [head, tail]).unwrap(), expected, "cut at {at}");
        let members = [gzip(head), gzip(tail)].concat();
        let (decoded, _) = decode_within(LIMITS, [members.as_slice()]).unwrap();
        assert_eq!(decoded, expected.0, "members that meet at {at}");
    }
}

#[test]
fn a_delete_may_lie_anywhere_across_the_end_of_a_window() {
    let record = with_key(r"a\\");
    for into in 0..=record.len() {
        let padding = WINDOW_BYTES - into - r#"{"Records":["#.len() - r#"{"x":""},"#.len();
        let other = format!(r#"{{"x":"{}"}}"#, "y".repeat(padding));
        let document = document(&[&other, &record]);
        assert_eq!(document.find(&record), Some(WINDOW_BYTES - into));
        for bytes in [document.as_bytes(), &gzip(document.as_bytes())] {
            let (decoded, _) = decode_within(LIMITS, [bytes]).unwrap();
            assert_eq!(decoded.facts.len(), 1, "{into}");
            let evidence = decoded.facts[0].fact.clone().deletion().unwrap();
            assert_eq!(evidence.key.as_deref(), Some(r"a\"), "{into}");
        }
    }
}

#[test]
fn a_record_of_just_the_limit_is_read() {
    let record = delete();
    let document = document(&[&record, "{}"]);
    for (limit, expected) in [(record.len(), (1, 0)), (record.len() - 1, (0, 1))] {
        let limits = Limits { record_bytes_max: limit, ..LIMITS };
        for chunk_length in [1, 7, record.len() - 1, record.len(), document.len()] {
            let chunks = document.as_bytes().chunks(chunk_length);
            let (decoded, summary) = decode_within(limits, chunks).unwrap();
            let told = (decoded.facts.len(), decoded.rejected.len());
            assert_eq!((told, summary.records), (expected, 2), "{limit} in {chunk_length}");
        }
    }
}

#[test]
fn braces_quotes_and_backslashes_in_strings_are_text_however_many_there_are() {
    for unit in ["{", "}", "[", "]", "{}", "}]", r"\\", r#"\""#, r#"\"{"#, r#"\\\"}"#, r"\u007b"] {
        let text = unit.repeat((2 << 20) / unit.len());
        let in_other = document(&[&record("GetObject", &format!(r#","x":"{text}""#)), &delete()]);
        assert_eq!(judged(in_other.as_bytes()), Some(1), "{unit}");
        assert_eq!(outcome(in_other), (1, vec![]), "{unit}");
    }
    for length in 0..140 {
        let quotes =
            format!(r#","x":"{}\"{}","y":"}}""#, r"\\".repeat(length), r"\\".repeat(length));
        is_one_delete(&document(&[&record("GetObject", &quotes), &delete()]));
        is_one_delete(&document(&[&record("DeleteObject", &quotes), &record("GetObject", "")]));
    }
}

#[test]
fn deep_nests_of_objects_do_no_harm() {
    let nest = format!("{}1{}", r#"{"eventName":"#.repeat(200_000), "}".repeat(200_000));
    let extra = format!(r#","x":{nest}"#);
    assert_eq!(outcome(document(&[&record("GetObject", &extra), &delete()])), (1, vec![]));
    assert_eq!(outcome(document(&[&record("DeleteObject", &extra), &delete()])), (2, vec![]));
    let open = "{\"Records\":[".repeat(100_000);
    assert!(matches!(decode(open), Err(DecodeError::TruncatedJson { .. })));
}

#[test]
fn a_hundred_thousand_empty_records_are_passed_over() {
    let mut records = vec!["{}"; 100_000];
    let delete = delete();
    records.push(&delete);
    let (decoded, summary) = decode(document(&records)).unwrap();
    assert_eq!((decoded.facts.len(), decoded.ignored, summary.records), (1, 100_000, 100_001));
    assert_eq!(decoded.facts[0].record_index, 100_000);
}

#[test]
fn only_one_byte_order_mark_in_utf_8_is_passed_over() {
    let text = document(&[&delete()]);
    assert_eq!(outcome(format!("\u{feff}\n {text}")), (1, vec![]));
    assert!(decode(format!("\u{feff}\u{feff}{text}")).is_err());
    assert!(decode([b"\xef\xbb", text.as_bytes()].concat()).is_err(), "half of one");
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}{text}").encode_utf16().flat_map(to_bytes).collect()
    };
    for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        for mark in ["", "\u{feff}"] {
            assert!(decode(utf_16(to_bytes, mark)).is_err(), "UTF-16 is told, not passed over");
        }
    }
}

#[test]
fn nul_bytes_are_told_wherever_they_are() {
    let good = document(&[&delete(), &delete()]);
    for broken in [format!("\0{good}"), good.replace("},{", "},\0{"), good.replace("[{", "[\0{")] {
        assert!(decode(&broken).is_err(), "{broken:?}");
    }
    assert_eq!(outcome(format!("{good}\0\0\0")), (2, vec!["trailing_bytes"]));
    let in_key = with_key("a\0b");
    assert_eq!(outcome(document(&[&in_key, &delete()])), (1, vec!["invalid_json"]));
    is_one_delete(&document(&[&with_key(r"a\u0000b")]));
    let in_other = record("GetObject", ",\"x\":\"a\0b\"");
    assert_eq!(outcome(document(&[&in_other, &delete()])), (1, vec![]));
}

#[test]
fn what_no_reader_of_json_takes_is_an_error_or_refused() {
    let good = document(&[&delete(), &delete()]);
    for broken in [
        format!("// a comment\n{good}"),
        good.replace("\"Records\"", "'Records'"),
        good.replace("\"Records\"", "Records"),
        good.replace("}},{", "}};{"),
        good.replace("}},{", "}},,{"),
        good.replace("]}", ",]}"),
        good.replace("]}", "})"),
        format!("({good})"),
    ] {
        assert!(decode(&broken).is_err(), "{broken}");
    }
    let joined = format!("{good}{good}");
    assert_eq!(outcome(&joined), (2, vec!["trailing_bytes"]), "told that more was there");
}

#[test]
fn a_document_may_be_compressed_in_members_of_any_length() {
    let text = document(&[&record("GetObject", ""), &delete(), &with_key("가")]);
    let expected = decode(&text).unwrap();
    for member_bytes in 1..40 {
        let bytes = gzip_members(&text, member_bytes);
        assert_eq!(decode_within(LIMITS, [bytes.as_slice()]).unwrap().0, expected.0);
        assert_eq!(decode_within(LIMITS, bytes.chunks(1)).unwrap().0, expected.0);
    }
}

#[test]
fn a_key_may_look_like_the_record_that_it_is_in() {
    let hostile = json!(delete()).to_string();
    let key = &hostile[1..hostile.len() - 1];
    let text = document(&[&with_key(key), &record("GetObject", &format!(r#","x":"{key}""#))]);
    let (decoded, _) = decode(&text).unwrap();
    assert_eq!(judged(text.as_bytes()), Some(1));
    let evidence = decoded.facts[0].fact.clone().deletion().unwrap();
    assert_eq!((decoded.facts.len(), evidence.key), (1, Some(delete())));
}

#[test]
fn an_object_that_ends_within_its_first_bytes_is_told() {
    for (text, content) in [("{}", Content::NoRecords), ("[]", Content::CloudTrail)] {
        assert_eq!(decode(text).unwrap().1.content, content, "{text}");
    }
    for text in ["{", "[", "\"", "[{", "{\"Records\"", "{\"Records\":", "[{\"eventName\":\"D"] {
        assert!(
            matches!(
                decode(text),
                Err(DecodeError::TruncatedJson { .. }
                    | DecodeError::NotJson { .. }
                    | DecodeError::NeitherGzipNorJson { .. })
            ),
            "{text}"
        );
        let mut decoder = LogDecoder::new(LIMITS, LogPath::default());
        let pushed = decoder.push(text.as_bytes());
        assert!(pushed.is_err() || decoder.finish().is_err(), "{text}");
    }
}
