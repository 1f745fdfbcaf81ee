//! Texts of others as a page shows them. What a browser would obey, or not show at all, is written
//! as an escape that is marked as such: `\u{202e}` for a mark that turns the direction of reading.
//! It knows no page. HTML itself is escaped by `maud`, which does so to every text.

use deltrail_core::decode::is_obeyed;
use maud::{Markup, html};

/// A piece of a text: all to be shown as it is, or one character that is not.
enum Piece<'a> {
    Plain(&'a str),
    Obeyed(char),
}

/// A text of somebody else: a name, an address, a user agent. It turns no text around it.
pub(super) fn foreign(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// The same, or a dash for people when there is none.
pub(super) fn foreign_or_dash(text: Option<&str>) -> Markup {
    html! {
        @match text {
            Some(text) => (foreign(text)),
            None => span.muted { "\u{2013}" },
        }
    }
}

/// A key, a prefix, a bucket or an id: every character counts, spaces too. Where a line has to
/// break, it does so after slashes.
pub(super) fn key(text: &str) -> Markup {
    html! {
        code.key dir="ltr" {
            bdi {
                @for (place, part) in text.split_inclusive('/').enumerate() {
                    @if place > 0 && !part.starts_with('/') { wbr; }
                    (visible(part))
                }
            }
        }
    }
}

/// The same as plain text, for attributes and titles.
pub(super) fn plain(text: &str) -> String {
    pieces(text).fold(String::with_capacity(text.len()), |mut plain, piece| {
        match piece {
            Piece::Plain(run) => plain.push_str(run),
            Piece::Obeyed(character) => plain.extend(character.escape_default()),
        }
        plain
    })
}

fn visible(text: &str) -> Markup {
    html! {
        @for piece in pieces(text) {
            @match piece {
                Piece::Plain(run) => (run),
                Piece::Obeyed(character) => span.control { (character.escape_default()) },
            }
        }
    }
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        if is_obeyed(first) {
            rest = &rest[first.len_utf8()..];
            return Some(Piece::Obeyed(first));
        }
        let (run, left) = rest.split_at(rest.find(is_obeyed).unwrap_or(rest.len()));
        rest = left;
        Some(Piece::Plain(run))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_browser_would_obey_is_seen() {
        assert_eq!(
            foreign("exe\u{202e}gpj.<b>&\"\0").into_string(),
            "<bdi>exe<span class=\"control\">\\u{202e}</span>gpj.&lt;b&gt;&amp;&quot;\
             <span class=\"control\">\\u{0}</span></bdi>"
        );
        assert_eq!(plain("a\r\n\u{feff}b ключ"), "a\\r\\n\\u{feff}b ключ");
    }

    #[test]
    fn a_key_breaks_after_slashes_only() {
        let shown = key("a/b//c d").into_string();
        assert!(shown.contains("<bdi>a/<wbr>b//<wbr>c d</bdi>"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_text_brings_markup_or_turns_the_page(text in any::<String>()) {
            for shown in [foreign(&text), key(&text)] {
                let shown = shown.into_string();
                prop_assert!(!shown.chars().any(is_obeyed));
                let without = ["bdi", "code class=\"key\" dir=\"ltr\"", "wbr", "code"]
                    .iter()
                    .fold(shown, |shown, tag| {
                        shown.replace(&format!("<{tag}>"), "").replace(&format!("</{tag}>"), "")
                    });
                let without = without.replace("<span class=\"control\">", "");
                let without = without.replace("</span>", "");
                prop_assert!(!without.contains(['<', '>', '"']), "{}", without);
            }
        }
    }
}
