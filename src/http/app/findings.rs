//! `GET /api/v1/findings`: what was found, newest first, a page at a time; and all of one finding.
//! What makes a finding is decided elsewhere.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use deltrail_core::decode::escaped_excerpt;
use deltrail_core::domain::{self, Detector, Severity};

use super::super::problem::Problem;
use super::super::told::{FindingList, WholeFinding, findings_csv};
use super::Shared;
use super::ask::answer;
use super::form::{Form, csv, json};
use super::parameters::Parameters;
use crate::store::FindingFilter;

/// Findings of a page, unless it says how many.
pub(super) const LIMIT: usize = 100;
/// Findings of a page at most.
pub(super) const LIMIT_MAX: usize = 1_000;
const EXCERPT_CHARS_MAX: usize = 80;
/// Hexadecimal digits of a finding's id, and of the time before it in a cursor.
const DIGITS: usize = 16;

/// The parameters of the list.
pub(super) const LIST: [&str; 11] = [
    "bucket",
    "prefix",
    "principal",
    "since",
    "until",
    "request_id",
    "detector",
    "severity",
    "state",
    "limit",
    "cursor",
];

/// Lists the findings that fit.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let form = Form::wanted(&headers)?;
    let filter = filter(&uri)?;
    let found = answer(&shared, |store| store.findings(filter)).await?;
    let list = FindingList::of(&found, (shared.state.clock)());
    Ok(match form {
        Form::Json => json(&list),
        Form::Csv => csv(findings_csv(&found.rows), list.next_cursor),
    })
}

/// Tells all of one finding.
pub(super) async fn tell(
    State(shared): State<Arc<Shared>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let form = Form::wanted(&headers)?;
    Parameters::of(&uri, &[])?.finish(())?;
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let found = if is_id(&id) {
        Some(answer(&shared, |store| store.finding(id.clone())).await?)
    } else {
        None
    };
    let now = (shared.state.clock)();
    if let Some(found) = &found
        && let Some(whole) = WholeFinding::of(found, now)
    {
        return Ok(match form {
            Form::Json => json(&whole),
            Form::Csv => csv(findings_csv(&found.rows), None),
        });
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
    let mut given = Parameters::of(uri, &LIST)?;
    let (bucket, prefix) = (given.text("bucket"), given.text("prefix"));
    if prefix.is_some() && bucket.is_none() {
        let detail = "prefix says of which keys of a bucket; give the bucket too";
        given.refuse("prefix", detail.to_owned());
    }
    let wanted = given.word("state", &STATES, state_word);
    let filter = FindingFilter {
        bucket,
        prefix,
        request_id: given.text("request_id"),
        principal: given.text("principal"),
        since: given.time("since"),
        until: given.time("until"),
        detector: given.word("detector", Detector::ALL, Detector::as_str),
        severity: given.word("severity", Severity::ALL, Severity::as_str),
        state: wanted.flatten(),
        with_withdrawn: wanted == Some(None),
        after: given.read("cursor", after),
        limit: given.number("limit", LIMIT_MAX).unwrap_or(LIMIT),
    };
    given.finish(filter)
}

/// The states that may be asked for; the last one is any of them, withdrawn too.
const STATES: [Option<domain::State>; 4] = [
    Some(domain::State::Open),
    Some(domain::State::Resolved),
    Some(domain::State::Withdrawn),
    None,
];

fn state_word(state: Option<domain::State>) -> &'static str {
    state.map_or("all", domain::State::as_str)
}

/// The words of the states that may be asked for.
pub(super) fn state_words() -> Vec<&'static str> {
    STATES.into_iter().map(state_word).collect()
}

/// The end and the id of the finding that a cursor stands after.
pub(in crate::http) fn after(cursor: &str) -> Result<(i64, String), String> {
    let parts = cursor.split_at_checked(DIGITS).filter(|(end, id)| is_id(end) && is_id(id));
    let parts = parts.and_then(|(end, id)| Some((u64::from_str_radix(end, 16).ok()?, id)));
    let (end_millis, id) =
        parts.ok_or_else(|| "is none that this API gave; begin without one".to_owned())?;
    Ok((end_millis.cast_signed(), id.to_owned()))
}
