//! Keys through the encodings that S3 and its callers are known to use, and back.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::key_of;

const FORM: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_').remove(b'/');
const PATH: &AsciiSet = &FORM.remove(b'~').add(b'*');
/// An encoder that leaves all that may stand in a path, a plus apart.
const MILD: &AsciiSet = &PATH
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'@')
    .remove(b':')
    .remove(b'$')
    .remove(b'&')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

fn form(key: &str) -> String {
    utf8_percent_encode(key, FORM).to_string().replace("%20", "+")
}

fn path(key: &str) -> String {
    utf8_percent_encode(key, PATH).to_string()
}

fn mild(key: &str) -> String {
    utf8_percent_encode(key, MILD).to_string()
}

fn unwitnessed(field: &str) -> String {
    key_of(field, None, "images").unwrap()
}

#[test]
fn spaces_and_signs_are_told_apart_by_the_request() {
    for (field, target, key) in [
        ("a%2Bb", "/a%20b", "a b"),
        ("a%2Bb", "/images/a+b", "a b"),
        ("a%2Bb", "/a%2Bb?versionId=V", "a+b"),
        ("a+b", "/a%20b", "a b"),
        ("a+b", "/a%2Bb", "a+b"),
        ("a%2520b", "/images/a%20b", "a b"),
        ("a%2520b", "/images/a%2520b", "a%20b"),
        ("images/a", "/images/a", "images/a"),
        ("a%2Bb", "http://images.s3.amazonaws.com/a%2Bb", "a+b"),
        ("my photo.jpg", "/my%20photo.jpg", "my photo.jpg"),
        ("-", "/-", "-"),
    ] {
        assert_eq!(key_of(field, Some(target), "images").as_deref(), Some(key), "{field} {target}");
    }
}

#[test]
fn a_request_for_another_key_decides_nothing() {
    assert_eq!(key_of("a%2Bb", Some("/c"), "images").as_deref(), Some("a b"));
    assert_eq!(key_of("a%2Bb", Some("/%ff"), "images").as_deref(), Some("a b"));
    assert_eq!(key_of("a b", Some("/a"), "images"), None, "no encoder leaves a space");
    assert_eq!(key_of("a b", None, "images"), None);
}

#[test]
fn without_a_request_the_text_decides() {
    for (field, key) in [
        ("cats/a.jpg", "cats/a.jpg"),
        ("a+b", "a b"),
        ("a%2Bb", "a b"),
        ("a%252Bb", "a+b"),
        ("%25EA%25B0%2580", "가"),
        ("%EA%B0%80", "가"),
        ("가+b", "가+b"),
        ("100%", "100%"),
        ("100%25", "100%"),
        ("100%2525", "100%"),
        ("a%252Fb", "a%2Fb"),
        ("a%2Fb", "a/b"),
        ("a%61", "a%61"),
        ("%2B%2B", "  "),
        ("%FF", "%FF"),
        ("file%2B(1).jpg", "file (1).jpg"),
        ("a%2520b", "a b"),
    ] {
        assert_eq!(unwitnessed(field), key, "{field}");
    }
}

fn any_key() -> impl Strategy<Value = String> {
    let tricky = "[a+% /2B5Fé가*~()\u{1}\"-]{1,16}";
    prop_oneof![any::<String>(), tricky.prop_map(String::from)]
        .prop_filter("S3 has no empty keys", |key| !key.is_empty())
}

proptest! {
    #[test]
    fn a_request_tells_how_often_the_key_was_encoded(
        key in any_key(),
        times in 0..=2,
        is_path_style in any::<bool>(),
        has_query in any::<bool>(),
    ) {
        let field = (0..times).fold(key.clone(), |text, _| form(&text));
        let bucket = if is_path_style { "/images" } else { "" };
        let query = if has_query { "?versionId=V&x-id=DeleteObject" } else { "" };
        for encoded in [path(&key), mild(&key)] {
            let target = format!("{bucket}/{encoded}{query}");
            let read = key_of(&field, Some(&target), "images");
            prop_assert_eq!(read.as_deref(), Some(key.as_str()), "{} {}", field, target);
        }
    }

    #[test]
    fn percent_encoding_is_undone_too_where_the_request_tells(key in any_key(), times in 1..=2) {
        let field = (0..times).fold(key.clone(), |text, _| path(&text));
        let read = key_of(&field, Some(&format!("/{}", path(&key))), "images");
        prop_assert_eq!(read, Some(key));
    }

    #[test]
    fn without_a_request_a_key_that_was_encoded_twice_is_read_right(key in any_key()) {
        prop_assert_eq!(unwitnessed(&form(&form(&key))), key.clone());
        prop_assert_eq!(unwitnessed(&mild(&mild(&key))), key.clone());
        prop_assert_eq!(unwitnessed(&path(&path(&key))), key);
    }

    #[test]
    fn without_a_request_a_key_without_signs_is_read_right_however_often(
        key in "[a-z0-9 /é가(~\"]{1,16}",
    ) {
        // A space that was encoded once is a plus, which is read as one; two are no encoding.
        prop_assert_eq!(unwitnessed(&form(&key)), key.clone());
        prop_assert_eq!(unwitnessed(&form(&form(&key))), key);
    }

    #[test]
    fn no_text_panics(field in any::<String>(), target in any::<Option<String>>()) {
        key_of(&field, target.as_deref(), "images");
    }
}
