//! Texts as PostgreSQL takes them: it holds every character but U+0000. It knows no column.

use std::borrow::Cow;

/// What is written for U+0000, and for the character that this begins with: the order of texts,
/// their equality and their beginnings stay what they were.
const ESCAPE: char = '\u{1}';

/// A text as it is written there.
pub(in crate::store) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => escaped.push_str("\u{1}\u{1}"),
            ESCAPE => escaped.push_str("\u{1}\u{2}"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// The text that was written so.
pub(in crate::store) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut unescaped = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == ESCAPE) {
            (_, true) => match characters.next() {
                Some(ESCAPE) => unescaped.push('\0'),
                _ => unescaped.push(ESCAPE),
            },
            (other, false) => unescaped.push(other),
        }
    }
    Cow::Owned(unescaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts of which many have what is escaped, and what it is escaped with.
    fn texts() -> impl Strategy<Value = String> {
        let character = prop_oneof![Just('\0'), Just('\u{1}'), Just('\u{2}'), any::<char>()];
        proptest::collection::vec(character, 0..8).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn every_text_comes_back_in_its_order_and_with_its_beginnings(a in texts(), b in texts()) {
            let (written, other) = (escaped(&a), escaped(&b));
            prop_assert!(!written.contains('\0'));
            prop_assert_eq!(unescaped(&written), a.as_str());
            let order = a.as_bytes().cmp(b.as_bytes());
            prop_assert_eq!(written.as_bytes().cmp(other.as_bytes()), order);
            prop_assert_eq!(written.starts_with(&*other), a.starts_with(&b));
        }
    }
}
