//! Undoes the encoding of the key column. S3 writes a key form-encoded with its slashes kept, in
//! captures of 2026 twice over, while its documentation says only that it is encoded. A key that
//! holds `+` or `%` looks alike in both, so the target of the request, which is encoded once and by
//! other rules, is asked first. It knows one line's words and nothing of buckets' contents.

use percent_encoding::percent_decode_str;

/// The key that a field says, when the request for it had this target; `bucket` may be the first
/// part of the target's path. `None` for a field with spaces, which was not encoded, and is no key
/// unless the target says so, too.
pub(super) fn key_of(field: &str, target: Option<&str>, bucket: &str) -> Option<String> {
    target
        .and_then(|target| witnessed(field, path_of(target), bucket))
        .or_else(|| (!field.contains(' ')).then(|| unwitnessed(field)))
}

/// The one of the possible keys that the path of the request names.
fn witnessed(field: &str, path: &str, bucket: &str) -> Option<String> {
    let once = form_decoded(field);
    let twice = once.as_deref().and_then(form_decoded);
    let path_once = path_decoded(field);
    let path_twice = path_once.as_deref().and_then(path_decoded);
    let possible = [twice, once, Some(field.to_owned()), path_twice, path_once];
    // S3 reads a plus in a path as a space; others like it may not.
    [form_decoded, path_decoded].iter().find_map(|decoded| {
        let named = decoded(path)?;
        let behind_bucket = named.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('/'));
        let is_named = |key: &&String| **key == named || Some(key.as_str()) == behind_bucket;
        possible.iter().flatten().find(is_named).cloned()
    })
}

/// Decides by the text alone: it was encoded twice if it may have been, else once if it may have
/// been, else it is the key itself. A key that was encoded twice is always read right. One that was
/// encoded once is read wrong if it is an encoded text itself, such as `1+1` or `100%25`.
fn unwitnessed(field: &str) -> String {
    if !is_encoded(field, true) {
        return field.to_owned();
    }
    let Some(once) = form_decoded(field) else { return field.to_owned() };
    let twice = is_encoded(&once, false).then(|| form_decoded(&once)).flatten();
    twice.unwrap_or(once)
}

/// Whether an encoder may have written this: it leaves no bytes that an encoder replaces, and
/// escapes, in capital letters, none that every encoder leaves. The inner one of two keeps slashes.
fn is_encoded(text: &str, is_outer: bool) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let Some(escaped) = bytes.get(at + 1..at + 3).and_then(escaped_byte) else {
                return false;
            };
            let is_needless = escaped.is_ascii_alphanumeric() || b"-._".contains(&escaped);
            if is_needless || (escaped == b'/' && !is_outer) {
                return false;
            }
            at += 3;
        } else if byte.is_ascii_alphanumeric() || b"-._~*/+!'()@:$&,;=".contains(&byte) {
            at += 1;
        } else {
            return false;
        }
    }
    true
}

fn escaped_byte(digits: &[u8]) -> Option<u8> {
    let is_capital = |digit: &u8| matches!(digit, b'0'..=b'9' | b'A'..=b'F');
    let digits = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(is_capital))?;
    u8::from_str_radix(digits, 16).ok()
}

/// The path of a request's target without the slash that begins it. A target may be a whole URL.
fn path_of(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or(target);
    if let Some(path) = path.strip_prefix('/') {
        return path;
    }
    let behind_host = path.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    behind_host.map_or(path, |(_, path)| path)
}

fn form_decoded(text: &str) -> Option<String> {
    path_decoded(&text.replace('+', " "))
}

fn path_decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests;
