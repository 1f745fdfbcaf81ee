//! Every set of instructions against a loop that looks at one byte after the other. The texts are
//! short and the loops few in Miri, which runs these tests too.

use proptest::prelude::*;

use super::{Level, Marked, Marks, Progress, Room};

/// What is found in an object: where it ends, and where its quotation marks and braces are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Found {
    end: Option<usize>,
    quotes: Vec<usize>,
    braces: Vec<usize>,
    has_backslash: bool,
}

/// One byte after the other.
fn found_by_bytes(bytes: &[u8]) -> Found {
    let mut found = Found::default();
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'"' if !is_escaped => {
                is_text = !is_text;
                found.quotes.push(at);
            }
            b'{' | b'}' if !is_text => {
                found.braces.push(at);
                depth = if byte == b'{' { depth + 1 } else { depth.saturating_sub(1) };
                if depth == 0 {
                    found.end = Some(at + 1);
                    return found;
                }
            }
            _ => {}
        }
        found.has_backslash |= byte == b'\\';
        is_escaped = byte == b'\\' && !is_escaped;
    }
    found
}

/// What a level finds when the bytes come in these pieces.
fn found_at<'a>(level: Level, pieces: impl IntoIterator<Item = &'a [u8]>) -> Found {
    let mut found = Found::default();
    let mut progress = Progress::default();
    // Marks that an earlier object left are in the way of none.
    let mut room = Room(vec![Marks { quotes: u64::MAX, braces: u64::MAX }; 2]);
    let mut before = 0;
    for piece in pieces {
        let end = level.advance(piece, &mut progress, &mut room);
        let places = |of: fn(&Marks) -> u64| {
            let room = &room;
            let is_set = move |at: &usize| (of(&room.0[at / 64]) >> (at % 64)) & 1 == 1;
            (0..end.unwrap_or(piece.len())).filter(is_set).map(move |at| before + at)
        };
        found.quotes.extend(places(|marks| marks.quotes));
        found.braces.extend(places(|marks| marks.braces));
        if let Some(end) = end {
            found.end = Some(before + end);
            break;
        }
        before += piece.len();
    }
    let marked = progress.marked(&[], &room, level);
    found.has_backslash = marked.has_backslash;
    assert_eq!(marked.quotes as usize, found.quotes.len(), "{level:?}");
    found
}

/// Cuts bytes into pieces of these lengths, and what is left.
fn cut<'a>(bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for &length in lengths {
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    pieces
}

/// Those that are looked for, often, and others that differ from them in a bit.
const TELLING_BYTES: &[u8] = b"\"\"\"\\\\\\{{}a\x00\x02#[\\]|:\xa2\xdc\xfb\xfd\xff";

fn is_object(bytes: &[u8]) -> bool {
    let mut room = Room::default();
    let mut marked = Level::each().map(|level| Marked::of(bytes, level, &mut room).is_some());
    let first = marked.next().unwrap();
    assert!(marked.all(|other| other == first), "{}", String::from_utf8_lossy(bytes));
    first
}

proptest! {
    #[test]
    fn every_level_finds_what_a_loop_over_bytes_finds(
        head in prop::sample::select(vec!["", "{", "{{", "{\"", "{\"\\"]),
        noise in prop::collection::vec(
            prop::sample::select(TELLING_BYTES), 0..260
        ),
        lengths in prop::collection::vec(
            prop::sample::select(vec![0, 1, 2, 7, 31, 33, 63, 64, 65, 127, 128]), 0..6
        ),
    ) {
        let bytes = [head.as_bytes(), &noise].concat();
        let expected = found_by_bytes(&bytes);
        for level in Level::each() {
            prop_assert_eq!(&found_at(level, [bytes.as_slice()]), &expected, "{:?}", level);
            prop_assert_eq!(&found_at(level, cut(&bytes, &lengths)), &expected, "{:?}", level);
            prop_assert_eq!(&found_at(level, bytes.chunks(1)), &expected, "{:?}", level);
        }
    }
}

#[test]
fn a_run_of_backslashes_escapes_a_quotation_mark_if_it_is_odd() {
    let step = if cfg!(miri) { 61 } else { 1 };
    for run in (0..200).step_by(step) {
        for offset in (0..64).step_by(if cfg!(miri) { 21 } else { 1 }) {
            let before = format!("{{\"{}", "x".repeat(offset));
            let text = format!("{before}{}\"}}\"}}", "\\".repeat(run));
            let behind_run = before.len() + run;
            let end = if run % 2 == 0 { behind_run + 2 } else { behind_run + 4 };
            for level in Level::each() {
                let found = found_at(level, [text.as_bytes()]);
                assert_eq!(found.end, Some(end), "{level:?}: {run} at {offset}");
                assert_eq!(found.quotes, [1, end - 2], "{level:?}: {run} at {offset}");
                assert_eq!(found.has_backslash, run > 0, "{level:?}: {run} at {offset}");
                let cut_in_run = [&text.as_bytes()[..behind_run], &text.as_bytes()[behind_run..]];
                assert_eq!(found_at(level, cut_in_run), found, "{level:?}: {run} at {offset}");
            }
        }
    }
}

#[test]
fn an_object_ends_at_its_last_brace_wherever_that_is_in_a_block() {
    for length in (2..200).step_by(if cfg!(miri) { 31 } else { 1 }).chain(62..67).chain(126..131) {
        let object = format!("{{{}}}", " ".repeat(length - 2));
        for behind in ["", "}", "\\", "\"", "{\"\\\"}", ",{\"\\\\\"}]}"] {
            let text = [object.as_str(), behind].concat();
            for level in Level::each() {
                let expected = Found {
                    end: Some(length),
                    braces: vec![0, length - 1],
                    // What follows belongs to another.
                    ..Found::default()
                };
                assert_eq!(found_at(level, [text.as_bytes()]), expected, "{level:?}: {text}");
            }
        }
        assert!(is_object(object.as_bytes()), "{object}");
    }
}

#[test]
fn the_depth_of_a_nest_is_counted_over_blocks() {
    let levels = if cfg!(miri) { 70 } else { 100_000 };
    let nest = format!("{}{}", r#"{"}":"#.repeat(levels), "}".repeat(levels));
    for level in Level::each() {
        let found = found_at(level, [nest.as_bytes()]);
        assert_eq!((found.end, found.braces.len()), (Some(nest.len()), 2 * levels), "{level:?}");
        let open = &nest.as_bytes()[..nest.len() - 1];
        assert_eq!(found_at(level, open.chunks(100)).end, None, "{level:?}");
    }
}

#[test]
fn only_what_is_one_whole_object_is_marked() {
    for object in ["{}", "{ }", r#"{"}":"{"}"#, r#"{"a":{},"b":[{}]}"#, r#"{"\"}":1}"#] {
        assert!(is_object(object.as_bytes()), "{object}");
    }
    for other in [
        "",
        "{",
        "}",
        "}{",
        "{}}",
        "{}{}",
        "{} ",
        " {}",
        "[{}]",
        "\"{}\"",
        "x",
        r#"{"}"#,
        r#"{"a\"}"#,
        "{{}",
        "null",
    ] {
        assert!(!is_object(other.as_bytes()), "{other}");
    }
}

#[test]
fn a_backslash_is_noticed_in_an_object_and_not_behind_it() {
    let mut room = Room::default();
    for (object, has_backslash) in [(r#"{"a":"b\n"}"#, true), (r#"{"a":"b/n"}"#, false)] {
        for padding in (0..140).step_by(if cfg!(miri) { 23 } else { 1 }) {
            let text = format!("{}{}", &object[..1], " ".repeat(padding)) + &object[1..];
            for level in Level::each() {
                let marked = Marked::of(text.as_bytes(), level, &mut room).unwrap();
                assert_eq!(marked.has_backslash, has_backslash, "{level:?}: {text}");
                assert_eq!(marked.bytes, text.as_bytes());
            }
        }
    }
}
