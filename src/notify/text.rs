//! Text of others made fit to be shown and sent: without marks that control, turn or hide it, and
//! cut to what the other side takes. It knows no notifier.

use std::error::Error;

/// Longest text that an error repeats from somebody else, in characters.
const DETAIL_CHARS_MAX: usize = 400;

/// What stands where a text was cut.
const CUT: char = '…';

/// Text of others on one line of a log: control characters escaped, length bounded.
pub(super) fn one_line(text: &str) -> String {
    let line: String = text.chars().take(DETAIL_CHARS_MAX + 1).collect();
    shown(&line, false, DETAIL_CHARS_MAX)
}

/// A text as people are to see it: line breaks stay, what would control a terminal or turn, hide
/// or forge text is escaped. At most `chars_max` characters, "…" included.
pub(super) fn paragraph(text: &str, chars_max: usize) -> String {
    shown(text, true, chars_max)
}

fn shown(text: &str, keeps_lines: bool, chars_max: usize) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if hides(character) && !(keeps_lines && character == '\n') {
            visible.extend(character.escape_default());
        } else {
            visible.push(character);
        }
    }
    cut(&visible, chars_max, |_| 1)
}

/// Control characters, line and paragraph separators, and the marks that turn or hide text.
fn hides(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// As much of a text as weighs at most `weight_max`, with "…" at the end when some is missing.
pub(super) fn cut(text: &str, weight_max: usize, weight: impl Fn(char) -> usize) -> String {
    let mut left = weight_max;
    let mut end_with_mark = 0;
    for (at, character) in text.char_indices() {
        if left >= weight(CUT) {
            end_with_mark = at;
        }
        let Some(rest) = left.checked_sub(weight(character)) else {
            return format!("{}{CUT}", &text[..end_with_mark]);
        };
        left = rest;
    }
    text.to_owned()
}

/// The causes of an error from the outside in, without repetitions.
pub(super) fn source_chain(error: &dyn Error) -> String {
    let mut links: Vec<String> = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let link = cause.to_string();
        if links.last().is_none_or(|last| !last.contains(&link)) {
            links.push(link);
        }
        next = cause.source();
    }
    one_line(&links.join(": "))
}

#[cfg(test)]
mod tests {
    use super::{cut, one_line, paragraph};

    #[test]
    fn what_would_forge_or_hide_text_is_escaped() {
        let forged = "a\u{202e}gpj\n  Do: nothing\u{1b}[2K\u{200b}";
        assert_eq!(paragraph(forged, 99), "a\\u{202e}gpj\n  Do: nothing\\u{1b}[2K\\u{200b}");
        assert_eq!(one_line("a\r\nb"), "a\\r\\nb");
        assert_eq!(one_line(&"x".repeat(500)).chars().count(), 400);
    }

    #[test]
    fn a_cut_text_says_so_and_keeps_to_its_weight() {
        assert_eq!(cut("abc", 3, |_| 1), "abc");
        assert_eq!(cut("abcd", 3, |_| 1), "ab…");
        assert_eq!(cut("ab&cd", 6, |c| if c == '&' { 5 } else { 1 }), "ab…");
        assert_eq!(cut("ab", 0, |_| 1), "…");
    }
}
