//! The parameters of a question, read from its URL: each at most once, none that is not known, and
//! everything that is wrong said at once. It asks nothing.

use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use deltrail_core::decode::escaped_excerpt;
use deltrail_core::domain::Timestamp;

use super::super::problem::{Fault, Problem};

const EXCERPT_CHARS_MAX: usize = 80;
/// The longest text of a parameter, in characters: a little more than S3 has. All of them together
/// fit into a query.
pub(super) const fn chars_max(name: &str) -> usize {
    match name.as_bytes() {
        b"bucket" | b"request_id" => 255,
        b"cursor" => 4_096,
        _ => 1_024,
    }
}

/// The parameters of a request.
pub(super) struct Parameters {
    given: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Parameters {
    /// Reads those of a URL, of which only these are known.
    pub(super) fn of(uri: &Uri, known: &[&'static str]) -> Result<Self, Problem> {
        let Query(given) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|error| {
            let what = escaped_excerpt(&error.body_text(), EXCERPT_CHARS_MAX * 4);
            Problem::new(StatusCode::BAD_REQUEST, format!("the parameters are refused: {what}"))
        })?;
        let mut faults = Vec::new();
        for (nth, (name, _)) in given.iter().enumerate() {
            let shown = escaped_excerpt(name, EXCERPT_CHARS_MAX);
            match known.iter().find(|known| *known == name) {
                None => faults.push(Fault {
                    line: None,
                    reason: "unknown",
                    detail: format!("\"{shown}\" is no parameter; these are: {}", known.join(", ")),
                }),
                Some(reason) if given[..nth].iter().any(|(other, _)| other == name) => {
                    let detail = format!("{shown} is given twice; give it once");
                    faults.push(Fault { line: None, reason, detail });
                }
                Some(_) => {}
            }
        }
        Ok(Self { given, faults })
    }

    /// The value of a parameter, if it is given and good.
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (_, text) = self.given.iter().find(|(given, _)| given == name)?;
        let parsed = if text.chars().count() > chars_max(name) {
            Err(format!("has more than {} characters", chars_max(name)))
        } else {
            parse(text)
        };
        let shown = escaped_excerpt(text, EXCERPT_CHARS_MAX);
        parsed.map_err(|what| self.refuse(name, format!("{name} \"{shown}\" {what}"))).ok()
    }

    /// A text. An empty one is as good as none.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |text| Ok(text.to_owned())).filter(|text| !text.is_empty())
    }

    /// A time.
    pub(super) fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        self.read(name, |text| {
            Timestamp::parse(text).map_err(|_| {
                "is no time; write it as in 2026-11-23T10:00:00Z, its + as %2B".to_owned()
            })
        })
    }

    /// A number from 1 on.
    pub(super) fn number(&mut self, name: &'static str, max: usize) -> Option<usize> {
        self.read(name, |text| {
            let number = text.parse().ok().filter(|number| (1..=max).contains(number));
            number.ok_or_else(|| format!("is no number from 1 to {max}"))
        })
    }

    /// One of a set of words.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[T],
        as_str: fn(T) -> &'static str,
    ) -> Option<T> {
        self.read(name, |text| {
            let named = all.iter().find(|value| as_str(**value) == text).copied();
            named.ok_or_else(|| {
                let words: Vec<&str> = all.iter().map(|&value| as_str(value)).collect();
                format!("is none of {}", words.join(", "))
            })
        })
    }

    /// Notes that a parameter is refused.
    pub(super) fn refuse(&mut self, name: &'static str, detail: String) {
        self.faults.push(Fault { line: None, reason: name, detail });
    }

    /// What was read, or everything that is wrong with it.
    pub(super) fn finish<T>(self, read: T) -> Result<T, Problem> {
        let Some(first) = self.faults.first() else { return Ok(read) };
        let detail = format!("a parameter is refused: {}", first.detail);
        Err(Problem::new(StatusCode::BAD_REQUEST, detail).with_faults(self.faults))
    }
}
