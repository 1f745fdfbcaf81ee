//! The cutter against texts of every shape, cut anywhere.

use proptest::prelude::*;

use super::{Element, Lines};

/// The lines of a text that comes in these chunks; `None` for one that is too large.
fn cut<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Vec<Option<Vec<u8>>> {
    let mut cutter = Lines::new(limit);
    let mut lines = Vec::new();
    let mut keep = |line: Element<'_>| {
        lines.push(match line {
            Element::Whole(bytes) => Some(bytes.to_vec()),
            Element::Object(_) | Element::TooLarge => None,
        });
    };
    for chunk in chunks {
        cutter.push(chunk, &mut keep);
    }
    cutter.finish(&mut keep);
    lines
}

fn whole(lines: &[&str]) -> Vec<Option<Vec<u8>>> {
    lines.iter().map(|line| Some(line.as_bytes().to_vec())).collect()
}

#[test]
fn lines_end_with_a_line_feed_or_with_the_text() {
    assert_eq!(cut([&b"a b\nc\r\n\n \r\n\td "[..]], 100), whole(&["a b", "c", "d"]));
    assert_eq!(cut([&b"a\n"[..]], 100), whole(&["a"]));
    assert_eq!(cut([&b""[..]], 100), whole(&[]));
}

#[test]
fn a_line_over_the_limit_is_skipped_and_the_rest_goes_on() {
    let text = b"12345678\n1234567\n123456789012345\n1";
    for chunk_length in 1..text.len() {
        let lines = cut(text.chunks(chunk_length), 7);
        let [None, Some(_), None, Some(_)] = lines.as_slice() else { panic!("{lines:?}") };
    }
}

#[test]
fn what_is_held_stays_below_twice_the_limit() {
    let mut cutter = Lines::new(1_000);
    for _ in 0..1_000 {
        cutter.push(&[b'x'; 100], |_| panic!("no line ends"));
        assert!(cutter.held_bytes() <= 2_000);
    }
    cutter.push(b"\n", |line| assert_eq!(line, Element::TooLarge));
    assert_eq!(cutter.held_bytes(), 0);
}

proptest! {
    #[test]
    fn cutting_the_bytes_anywhere_gives_the_same_lines(
        bytes in prop::collection::vec(prop::sample::select(&b"ab \r\n"[..]), 0..60),
        chunk_length in 1usize..9,
        limit in 1usize..12,
    ) {
        prop_assert_eq!(cut(bytes.chunks(chunk_length), limit), cut([bytes.as_slice()], limit));
    }

    #[test]
    fn lines_are_those_of_the_standard_library(text in "[a-c\u{e9} \r\n]{0,40}") {
        let lines = text.lines().map(|line| line.trim_matches([' ', '\r']));
        let expected: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        prop_assert_eq!(cut([text.as_bytes()], 100), whole(&expected));
    }
}
