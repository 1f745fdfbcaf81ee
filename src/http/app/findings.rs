//! `GET /api/v1/findings`: what was found, newest first, a page at a time; and all of one finding.
//! What makes a finding is decided elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use deltrail_core::decode::escaped_excerpt;
use deltrail_core::domain::{self, Detector, Severity, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::problem::{Fault, Problem};
use super::super::told::{DetectorOff, ToldCompleteness, ToldFinding, WholeFinding};
use super::Shared;
use super::ask::answer;
use crate::store::{FindingFilter, FindingRow};

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;
const EXCERPT_CHARS_MAX: usize = 80;
/// Hexadecimal digits of a finding's id, and of the time before it in a cursor.
const DIGITS: usize = 16;

/// The parameters, as texts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    bucket: Option<String>,
    prefix: Option<String>,
    request_id: Option<String>,
    principal: Option<String>,
    since: Option<String>,
    until: Option<String>,
    detector: Option<String>,
    severity: Option<String>,
    state: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// A page of findings.
#[derive(Debug, Serialize)]
struct Page<'a> {
    findings: Vec<ToldFinding<'a>>,
    /// Where the next page begins; null when there is none.
    next_cursor: Option<String>,
    observed_since: Option<String>,
    /// Null once enough was observed to know what is usual.
    learning_until: Option<String>,
    /// Those that could find nothing for want of what they look at.
    detectors_off: Vec<DetectorOff>,
    completeness: ToldCompleteness<'a>,
}

/// Lists the findings that fit.
pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let filter = filter(&uri)?;
    let found = answer(&shared, |store| store.findings(filter)).await?;
    let now = (shared.state.clock)();
    let last = found.rows.last().filter(|_| found.has_more);
    let page = Page {
        findings: found.rows.iter().map(ToldFinding::of).collect(),
        next_cursor: last.map(cursor_after),
        observed_since: found.observed_since.map(|at| at.to_string()),
        learning_until: found.learning_until(now).map(|at| at.to_string()),
        detectors_off: DetectorOff::all_of(&found),
        completeness: ToldCompleteness::of(&found.completeness),
    };
    Ok(Json(page).into_response())
}

/// Tells all of one finding.
pub(super) async fn tell(
    State(shared): State<Arc<Shared>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let found = if is_id(&id) {
        Some(answer(&shared, |store| store.finding(id.clone())).await?)
    } else {
        None
    };
    let now = (shared.state.clock)();
    if let Some(whole) = found.as_ref().and_then(|found| WholeFinding::of(found, now)) {
        return Ok(Json(whole).into_response());
    }
    let id = escaped_excerpt(&id, EXCERPT_CHARS_MAX);
    let detail = format!("there is no finding \"{id}\"; GET /api/v1/findings lists them");
    Err(Problem::new(StatusCode::NOT_FOUND, detail))
}

pub(in crate::http) fn is_id(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What the parameters ask for, or everything that is wrong with them.
fn filter(uri: &Uri) -> Result<FindingFilter, Problem> {
    let Query(given) = Query::<Parameters>::try_from_uri(uri).map_err(|error| {
        let what = escaped_excerpt(&error.body_text(), EXCERPT_CHARS_MAX * 4);
        Problem::new(StatusCode::BAD_REQUEST, format!("the parameters are refused: {what}"))
    })?;
    let mut faults = Vec::new();
    if given.prefix.is_some() && given.bucket.is_none() {
        let detail = "prefix says of which keys of a bucket; give the bucket too".to_owned();
        faults.push(Fault { line: None, reason: "prefix", detail });
    }
    let filter = FindingFilter {
        bucket: given.bucket,
        prefix: given.prefix,
        request_id: given.request_id,
        principal: given.principal,
        since: read(given.since.as_deref(), &mut faults, "since", time),
        until: read(given.until.as_deref(), &mut faults, "until", time),
        detector: read(given.detector.as_deref(), &mut faults, "detector", |text| {
            word(text, Detector::named, Detector::ALL, Detector::as_str)
        }),
        severity: read(given.severity.as_deref(), &mut faults, "severity", |text| {
            word(text, Severity::named, Severity::ALL, Severity::as_str)
        }),
        state: read(given.state.as_deref(), &mut faults, "state", |text| {
            word(text, domain::State::named, domain::State::ALL, domain::State::as_str)
        }),
        with_withdrawn: false,
        after: read(given.cursor.as_deref(), &mut faults, "cursor", after),
        limit: read(given.limit.as_deref(), &mut faults, "limit", limit).unwrap_or(LIMIT),
    };
    let Some(first) = faults.first() else { return Ok(filter) };
    let detail = format!("a parameter is refused: {}", first.detail);
    Err(Problem::new(StatusCode::BAD_REQUEST, detail).with_faults(faults))
}

/// The value of a parameter, if it is given and good.
fn read<T>(
    text: Option<&str>,
    faults: &mut Vec<Fault>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = text?;
    parse(text)
        .map_err(|what| {
            let text = escaped_excerpt(text, EXCERPT_CHARS_MAX);
            let detail = format!("{name} \"{text}\" {what}");
            faults.push(Fault { line: None, reason: name, detail });
        })
        .ok()
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .map_err(|_| "is no time; write it as in 2026-11-23T10:00:00Z, its + as %2B".to_owned())
}

fn word<T: Copy>(
    text: &str,
    named: fn(&str) -> Option<T>,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> Result<T, String> {
    named(text).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|&value| as_str(value)).collect();
        format!("is none of {}", words.join(", "))
    })
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| format!("is no number from 1 to {LIMIT_MAX}"))
}

/// The place after a finding: its end and its id, so that what is found meanwhile moves nothing.
pub(in crate::http) fn cursor_after(row: &FindingRow) -> String {
    let end_millis = row.finding.last_at.as_millis();
    format!("{:016x}{}", end_millis.cast_unsigned(), row.id)
}

pub(in crate::http) fn after(cursor: &str) -> Result<(i64, String), String> {
    let parts = cursor.split_at_checked(DIGITS).filter(|(end, id)| is_id(end) && is_id(id));
    let parts = parts.and_then(|(end, id)| Some((u64::from_str_radix(end, 16).ok()?, id)));
    let (end_millis, id) =
        parts.ok_or_else(|| "is none that this API gave; begin without one".to_owned())?;
    Ok((end_millis.cast_signed(), id.to_owned()))
}
