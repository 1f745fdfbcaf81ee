//! Short, printable pieces of foreign text for error messages. It knows nothing about what the text
//! means; it only makes sure that a log line or a terminal cannot be broken by it.

/// The first `chars_max` characters of `text` with control and format characters written as Rust
/// escapes (`\n`, `\u{1b}`), and `...` at the end when something was left out. The result holds at
/// most `chars_max + 3` characters.
#[must_use]
pub fn escaped_excerpt(text: &str, chars_max: usize) -> String {
    let mut excerpt = String::new();
    let mut room = chars_max;
    for character in text.chars() {
        let is_quote = matches!(character, '"' | '\'');
        // Escapes what does not print: controls, but also bidirectional overrides and the like.
        let escaped = character.escape_debug();
        let length = if is_quote { 1 } else { escaped.clone().count() };
        if length > room {
            excerpt.push_str("...");
            break;
        }
        room -= length;
        if is_quote {
            excerpt.push(character);
        } else {
            excerpt.extend(escaped);
        }
    }
    excerpt
}

/// Whether whoever shows this character would obey it instead: control characters, line and
/// paragraph separators, and the marks that turn or hide text.
#[must_use]
pub fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// [`escaped_excerpt`] of bytes, of which those that are no UTF-8 show as U+FFFD.
#[must_use]
pub fn escaped_excerpt_of_bytes(bytes: &[u8], chars_max: usize) -> String {
    // A character takes four bytes at most, so no more of a huge input needs to be looked at.
    let looked_at = bytes.len().min(chars_max.saturating_add(1).saturating_mul(4));
    escaped_excerpt(&String::from_utf8_lossy(&bytes[..looked_at]), chars_max)
}

#[cfg(test)]
mod tests {
    use super::{escaped_excerpt, escaped_excerpt_of_bytes};

    #[test]
    fn control_characters_cannot_reach_a_terminal() {
        assert_eq!(
            escaped_excerpt("a\n\u{1b}[31m\u{202e}\"b\"", 60),
            "a\\n\\u{1b}[31m\\u{202e}\"b\""
        );
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(escaped_excerpt("한국어 키", 3), "한국어...");
        assert_eq!(escaped_excerpt("abc", 3), "abc");
        assert_eq!(escaped_excerpt("ab\n", 3), "ab...", "an escape is not cut in half");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(escaped_excerpt_of_bytes(b"a\xffb", 10), "a\u{fffd}b");
        assert_eq!(escaped_excerpt_of_bytes(&[b'x'; 1_000], 4), "xxxx...");
    }
}
