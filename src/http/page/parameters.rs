//! The parameters of a page's URL, where its filters live, and the URLs that lead to other pages.
//! It knows no page, and not what a parameter means.

use axum::http::{StatusCode, Uri};
use deltrail_core::decode::escaped_excerpt;
use deltrail_core::domain::Timestamp;
use form_urlencoded::Serializer;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::problem::{Fault, Problem};

const EXCERPT_CHARS_MAX: usize = 80;
/// What may stand in a segment of a path as it is.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');
/// What a URL asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    /// What stands in the query of this URL. A form sends every field, so an empty one is none.
    pub(super) fn of(uri: &Uri) -> Self {
        Self::in_query(uri.query().unwrap_or_default().as_bytes())
    }

    /// What stands in the body of a form.
    pub(super) fn in_query(query: &[u8]) -> Self {
        let given = form_urlencoded::parse(query).into_owned();
        Self(given.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The first value of this name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A time: RFC 3339, a date with or without a time of day (of UTC), or how long before `now`.
    pub(super) fn time(
        &self,
        name: &'static str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Problem> {
        let read = |text: &str| time(text, now).ok_or("is no time; write 2026-11-23 10:00 or 24h");
        self.read(name, read)
    }

    /// One of a closed set of words.
    pub(super) fn word<T>(
        &self,
        name: &'static str,
        named: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        self.read(name, |text| named(text).ok_or("is none of the words for it; choose another"))
    }

    /// A value that is given and good, or what is wrong with it.
    pub(super) fn read<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse(text).map(Some).map_err(|what| {
            let text = escaped_excerpt(text, EXCERPT_CHARS_MAX);
            let detail = format!("{name} \"{text}\" {what}");
            let fault = Fault { line: None, reason: name, detail: detail.clone() };
            Problem::new(StatusCode::BAD_REQUEST, detail).with_faults(vec![fault])
        })
    }
}

/// A URL of this listener, with those of the parameters that have a value.
pub(super) fn link(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    // A browser takes these, however they are written, for steps in the path.
    if matches!(text, "." | "..") {
        return text.replace('.', "%252E");
    }
    utf8_percent_encode(text, SEGMENT).to_string()
}

fn time(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = Timestamp::parse(text) {
        return Some(at);
    }
    if let Some(millis) = span_millis(text) {
        return Some(Timestamp::from_millis(now.as_millis().checked_sub(millis)?));
    }
    let text = text.strip_suffix("UTC").map_or(text, str::trim_end).replace(' ', "T");
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => format!("{text}Z"),
    };
    Timestamp::parse(&whole).ok()
}

/// `30s`, `15m`, `24h`, `7d`.
fn span_millis(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_millis = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u32>().ok().and_then(|number| i64::from(number).checked_mul(unit_millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-23T10:00:00.000Z";

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = Timestamp::parse(NOW).unwrap();
        let read = |text: &str| time(text, now).map(|at| at.to_string());
        for (text, expected) in [
            ("2026-11-23T09:00:00+01:00", "2026-11-23T08:00:00.000Z"),
            ("2026-11-23T09:30", "2026-11-23T09:30:00.000Z"),
            ("2026-11-23 09:30:07.5", "2026-11-23T09:30:07.500Z"),
            (" 2026-11-23 09:30 UTC", "2026-11-23T09:30:00.000Z"),
            ("2026-11-23", "2026-11-23T00:00:00.000Z"),
            ("24h", "2026-11-22T10:00:00.000Z"),
            ("0d", NOW),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["yesterday", "h", "é", "-1d", "2026-13-01", "99999999999d", "2026-11-23 UTCé"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn an_empty_field_asks_for_nothing_and_a_bad_one_is_named() {
        let asked = Asked::of(&Uri::from_static("/?bucket=&since=soon&prefix=a%2Fb+c&prefix=d"));
        assert_eq!((asked.text("bucket"), asked.text("prefix")), (None, Some("a/b c")));
        let now = Timestamp::from_millis(0);
        assert_eq!(asked.time("bucket", now).ok(), Some(None));
        assert!(asked.time("since", now).is_err());
    }

    #[test]
    fn a_link_says_what_it_was_made_of() {
        let given = [("bucket", Some("a&b=c")), ("prefix", Some("ü /\u{202e}")), ("until", None)];
        let link = link("/deletions", &given);
        assert!(link.is_ascii());
        let asked = Asked::of(&link.parse().unwrap());
        assert_eq!((asked.text("bucket"), asked.text("prefix")), (given[0].1, given[1].1));
        assert_eq!(super::link("/", &[("until", None)]), "/");
    }

    #[test]
    fn a_segment_never_leaves_its_place_in_a_path() {
        assert_eq!(segment("a/b?c#d%2f é"), "a%2Fb%3Fc%23d%252f%20%C3%A9");
        assert_eq!(segment("4C1E-Z:9_~."), "4C1E-Z:9_~.");
        assert_eq!(segment(".."), "%252E%252E");
    }
}
