//! How AWS spells times, keys and hashes. It knows no record.

use std::fmt::Write;

use deltrail_core::domain::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Form encoding keeps these four, and S3 keeps slashes.
const FORM: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_').remove(b'/');

/// What a path keeps of the bytes that are no letters and digits.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'~').remove(b'_').remove(b'/');

/// A key as S3 notifications write it: a space is `+`, other bytes are percent escapes, slashes
/// stay.
pub(super) fn form_encoded(key: &str) -> String {
    utf8_percent_encode(key, FORM).to_string().replace("%20", "+")
}

/// A key as it stands in the path of a request.
pub(super) fn path_encoded(key: &str) -> String {
    utf8_percent_encode(key, PATH).to_string()
}

/// The time in UTC, in `strftime` terms.
pub(super) fn civil(at: Timestamp, format: &str) -> String {
    let time = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    time.strftime(format).to_string()
}

/// RFC 3339 in whole seconds, the rest cut off.
pub(super) fn second(at: Timestamp) -> String {
    civil(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// The first multiple of `step_millis` since the epoch that is not before `at`.
pub(in crate::sandbox) fn rounded_up(at: Timestamp, step_millis: i64) -> Timestamp {
    let beyond = at.as_millis().rem_euclid(step_millis);
    let missing = if beyond == 0 { 0 } else { step_millis - beyond };
    Timestamp::from_millis(at.as_millis() + missing)
}

/// Bytes as hexadecimal digits.
pub(in crate::sandbox) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_form_encoded_with_its_slashes_kept() {
        assert_eq!(form_encoded("a b/c+d%/é_~.-*"), "a+b/c%2Bd%25/%C3%A9_%7E.-*");
        assert_eq!(path_encoded("a b/c+d"), "a%20b/c%2Bd");
    }

    #[test]
    fn times_lose_their_milliseconds() {
        let at = Timestamp::from_millis(1_795_435_200_999);
        assert_eq!(second(at), "2026-11-23T12:00:00Z");
    }

    #[test]
    fn a_time_on_the_step_stays() {
        let noon = Timestamp::from_millis(1_795_435_200_000);
        assert_eq!(rounded_up(noon, 300_000), noon);
        let after = Timestamp::from_millis(1_795_435_200_001);
        assert_eq!(rounded_up(after, 300_000).millis_since(noon), 300_000);
    }
}
