//! An expectation as somebody sends it: read, and checked member by member. It keeps nothing.

use axum::http::StatusCode;
use deltrail_core::decode::escaped_excerpt;
use deltrail_core::detect::Expectation;
use deltrail_core::domain::{Day, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::super::super::problem::{Fault, Problem};
use super::super::WatchesBucket;
use crate::store::Configured;

/// How far ahead an expectation may end, and how far back it may begin.
const SPAN_MILLIS: i64 = 31 * Day::MILLIS;
const EXCERPT_CHARS_MAX: usize = 80;
const ID_CHARS_MAX: usize = 200;
/// As long as an ARN may be.
const PRINCIPAL_CHARS_MAX: usize = 2_048;
/// As long as a key may be.
const PREFIX_CHARS_MAX: usize = 1_024;
/// How the ids of the configuration file begin.
const CONFIGURED: &str = Configured::ID_PREFIX;
const OBJECTS_MAX: u64 = 1_000_000_000_000;

/// The members of the body, whatever they hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    id: Option<Value>,
    principal: Option<Value>,
    bucket: Option<Value>,
    prefix: Option<Value>,
    since: Option<Value>,
    until: Option<Value>,
    max_objects: Option<Value>,
    by: Option<Value>,
}

/// An expectation that can be kept.
#[derive(Debug)]
pub(super) struct Wanted {
    id: Option<String>,
    principal: Option<String>,
    bucket: String,
    prefix: String,
    since: Option<Timestamp>,
    until: Timestamp,
    objects_max: u64,
    /// Who says so.
    pub(super) by: Option<String>,
}

impl Wanted {
    /// Reads a body.
    pub(super) fn read(
        body: &[u8],
        watches: &WatchesBucket,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let members: Members = serde_json::from_slice(body).map_err(|error| {
            let what = escaped_excerpt(&error.to_string(), EXCERPT_CHARS_MAX * 4);
            let detail = format!("the body is no expectation: {what}; nothing was kept");
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })?;
        let mut faults = Faults { now, told: Vec::new(), is_misunderstood: false };
        let id = faults.text("id", members.id, 1..=ID_CHARS_MAX);
        if id.as_ref().is_some_and(|id| id.starts_with(CONFIGURED)) {
            faults.add("id", format!("begins with \"{CONFIGURED}\", as those of the file do"));
        }
        let principal = faults.text("principal", members.principal, 1..=PRINCIPAL_CHARS_MAX);
        let bucket = faults.needed("bucket", members.bucket);
        let bucket = faults.text("bucket", bucket, 1..=255).unwrap_or_default();
        let prefix = faults.text("prefix", members.prefix, 0..=PREFIX_CHARS_MAX);
        let since = faults.time("since", members.since);
        let until = faults.needed("until", members.until);
        let until = faults.time("until", until).unwrap_or(now);
        let objects_max = faults.needed("max_objects", members.max_objects);
        let objects_max = faults.number("max_objects", objects_max);
        let by = faults.text("by", members.by, 1..=ID_CHARS_MAX);
        if faults.told.is_empty() {
            faults.check_span(since, until);
            if !watches(&bucket) {
                let bucket = escaped_excerpt(&bucket, EXCERPT_CHARS_MAX);
                faults.refuse(
                    "bucket_not_allowed",
                    format!(
                        "bucket \"{bucket}\" is none that this daemon watches; add it to its \
                     watch-bucket setting"
                    ),
                );
            }
        }
        faults.or(Self {
            id,
            principal,
            bucket,
            prefix: prefix.unwrap_or_default(),
            since,
            until,
            objects_max,
            by,
        })
    }

    /// What is announced, from now on unless it says otherwise.
    pub(super) fn expectation(&self, now: Timestamp) -> Expectation {
        Expectation {
            id: self.id.clone().unwrap_or_else(|| format!("{:032x}", fastrand::u128(..))),
            principal: self.principal.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            since: self.since.unwrap_or(now),
            until: self.until,
            objects_max: self.objects_max,
        }
    }

    /// Whether it is the same as one of its id that was kept before.
    pub(super) fn is_as(&self, known: &Expectation) -> bool {
        Expectation { id: known.id.clone(), ..self.expectation(known.since) } == *known
    }
}

/// What is wrong with a body.
struct Faults {
    now: Timestamp,
    told: Vec<Fault>,
    /// Whether one of them is not understood; all others are only not wanted.
    is_misunderstood: bool,
}

impl Faults {
    /// A member that is not understood; its reason is its name.
    fn add(&mut self, name: &'static str, what: impl AsRef<str>) {
        self.is_misunderstood = true;
        let detail = format!("{name} {}", what.as_ref());
        self.told.push(Fault { line: None, reason: name, detail });
    }

    /// What is understood and not wanted.
    fn refuse(&mut self, reason: &'static str, detail: String) {
        self.told.push(Fault { line: None, reason, detail });
    }

    fn needed(&mut self, name: &'static str, value: Option<Value>) -> Option<Value> {
        if value.is_none() {
            self.add(name, "is missing");
        }
        value
    }

    fn text(
        &mut self,
        name: &'static str,
        value: Option<Value>,
        chars: std::ops::RangeInclusive<usize>,
    ) -> Option<String> {
        let fits = |text: &String| {
            chars.contains(&text.chars().count()) && !text.chars().any(char::is_control)
        };
        match value? {
            Value::String(text) if fits(&text) => return Some(text),
            _ => self.add(
                name,
                format!(
                    "is no text of {} to {} characters without control characters",
                    chars.start(),
                    chars.end()
                ),
            ),
        }
        None
    }

    fn time(&mut self, name: &'static str, value: Option<Value>) -> Option<Timestamp> {
        let value = value?;
        let time = value.as_str().and_then(|text| Timestamp::parse(text).ok());
        if time.is_none() {
            self.add(name, "is no time; write it as in \"2026-11-23T10:00:00Z\"");
        }
        time
    }

    fn number(&mut self, name: &'static str, value: Option<Value>) -> u64 {
        let Some(value) = value else { return 0 };
        let number = value.as_u64().filter(|number| (1..=OBJECTS_MAX).contains(number));
        if number.is_none() {
            self.add(name, format!("is no whole number from 1 to {OBJECTS_MAX}"));
        }
        number.unwrap_or(0)
    }

    fn check_span(&mut self, since: Option<Timestamp>, until: Timestamp) {
        let (now, since) = (self.now, since.unwrap_or(self.now));
        if until <= now {
            self.refuse("until", format!("until {until} is over; it is {now}"));
        } else if until.millis_since(now) > SPAN_MILLIS {
            self.refuse("until", format!("until {until} is more than 31 days ahead"));
        }
        if since >= until {
            self.refuse("since", format!("since {since} is not before until"));
        } else if now.millis_since(since) > SPAN_MILLIS {
            self.refuse("since", format!("since {since} is more than 31 days ago"));
        }
    }

    fn or(self, wanted: Wanted) -> Result<Wanted, Problem> {
        let Some(first) = self.told.first() else { return Ok(wanted) };
        let status = if self.is_misunderstood {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        let detail = format!("the expectation is refused: {}; nothing was kept", first.detail);
        Err(Problem::new(status, detail).with_faults(self.told))
    }
}
