//! `POST /api/v1/intents`: an application says what it will delete. What is answered with success
//! is on the disk; of a request with a fault nothing is kept. Whether an intent is fulfilled is
//! found out elsewhere, and `keep` knows how it gets to the disk.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use deltrail_core::decode::{RejectReason, escaped_excerpt, read_intent};
use deltrail_core::domain::{Intent, Source};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::problem::{Fault, Problem};
use super::keep::keep;
use super::media_type::{media_type, unsupported};
use super::turn::turn;
use super::{Shared, UNABLE_RETRY_SECONDS, WatchesBucket, body};
use crate::metrics::{Metrics, RecordResult};

/// How many faults of one request are told one by one.
const FAULTS_TOLD_MAX: usize = 20;
const BUCKET_CHARS_MAX: usize = 80;
/// What helps when many requests are answered at the same time.
const MORE_AT_ONCE: &str = "send several intents in one request, as lines of application/x-ndjson,";

/// What became of the intents of a request.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Kept {
    /// How many were new.
    accepted: u64,
    /// How many were known already, which changes nothing.
    repeated: u64,
    /// How many were skipped, because what is so old is not kept. Left out when none were.
    #[serde(skip_serializing_if = "is_none")]
    too_old: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes every field by reference")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

/// How a body holds its intents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One, as the whole body.
    Whole,
    /// One in each line that is not blank.
    Lines,
}

/// Gives the closed label sets of intents their series at 0.
pub(super) fn expect_series(metrics: &Metrics) {
    for result in RecordResult::ALL {
        metrics.records.with_label_values(&[Source::Intent.as_str(), result.as_str()]);
    }
    metrics.expect_rejects(Source::Intent, RejectReason::ALL.map(RejectReason::as_str));
}

/// Takes the intents of a request in, all or none of them.
pub(super) async fn declare(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let turn = turn(&shared, MORE_AT_ONCE).await?;
    let (head, body) = request.into_parts();
    let body = body::read(body, shared.limits.body_timeout).await?;
    let intents = read(&shared, form(&head.headers)?, &body)?;
    drop(body);
    if let Some(reason) = shared.state.readiness.reason() {
        let detail = format!("no intents are taken now: {reason}; send them again later");
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        return Err(problem.with_retry_after(UNABLE_RETRY_SECONDS));
    }
    let report = keep(&shared, turn, intents).await?;
    let kept = Kept {
        accepted: report.new_evidence,
        repeated: report.repeated_evidence,
        too_old: report.too_old.values().sum(),
    };
    let status = if kept.accepted > 0 { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(kept)).into_response())
}

fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    match media_type(headers)?.as_str() {
        "application/json" => Ok(Form::Whole),
        "application/x-ndjson" => Ok(Form::Lines),
        _ => Err(unsupported(
            "the Content-Type is neither application/json, for one intent, nor \
             application/x-ndjson, for one in each line; send one of them",
        )),
    }
}

/// The intents of a body, if every one of them can be kept.
fn read(shared: &Shared, form: Form, body: &[u8]) -> Result<Vec<Intent>, Problem> {
    let has_lines = form == Form::Lines;
    let pieces = body.split(|&byte| has_lines && byte == b'\n').enumerate();
    let pieces = pieces.filter(|(_, text)| !text.trim_ascii().is_empty());
    let mut intents = Vec::new();
    let mut refused = Refused::default();
    for (index, text) in pieces {
        refused.of += 1;
        match understood(text, &shared.state.watches) {
            Ok(intent) if refused.count == 0 => intents.push(intent),
            Ok(_) => {}
            Err((reason, detail)) => {
                intents = Vec::new();
                count_refused(&shared.state.metrics, reason);
                refused.add(has_lines.then_some(index + 1), reason, detail);
            }
        }
    }
    match (refused.of, refused.count) {
        (0, _) => {
            let detail = "the body holds no intent; send one, or one in each line";
            Err(Problem::new(StatusCode::BAD_REQUEST, detail))
        }
        (_, 0) => Ok(intents),
        _ => Err(refused.problem()),
    }
}

/// An intent that can be kept, or the reason and the detail why not.
fn understood(text: &[u8], watches: &WatchesBucket) -> Result<Intent, (RejectReason, String)> {
    let intent = read_intent(text).map_err(|error| (error.reason, error.detail))?;
    let intent = intent.ok_or_else(|| {
        let detail = "it is no intent: it has no member \"deltrail\" that says \"intent\"";
        (RejectReason::UnknownEnvelope, detail.to_owned())
    })?;
    if !watches(&intent.bucket) {
        let bucket = escaped_excerpt(&intent.bucket, BUCKET_CHARS_MAX);
        let detail = format!(
            "bucket \"{bucket}\" is none that this daemon watches; add it to its watch-bucket \
             setting"
        );
        return Err((RejectReason::BucketNotAllowed, detail));
    }
    Ok(intent)
}

/// What is wrong with the intents of one request.
#[derive(Default)]
struct Refused {
    /// How many intents the request has.
    of: usize,
    /// How many of them are refused.
    count: usize,
    /// Whether one of those is not understood; all others are only not wanted.
    is_misunderstood: bool,
    /// The first of those.
    told: Vec<Fault>,
}

impl Refused {
    fn add(&mut self, line: Option<usize>, reason: RejectReason, detail: String) {
        self.count += 1;
        self.is_misunderstood |= reason != RejectReason::BucketNotAllowed;
        if self.told.len() < FAULTS_TOLD_MAX {
            self.told.push(Fault { line, reason: reason.as_str(), detail });
        }
    }

    fn problem(self) -> Problem {
        let Self { of, count, told, is_misunderstood } = self;
        let status = if is_misunderstood {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        let first = told.first();
        let why = first.map_or("", |fault| &fault.detail);
        let detail = match first.and_then(|fault| fault.line) {
            None => format!("the intent is refused: {why}; nothing was kept"),
            Some(line) => format!(
                "{count} of {of} intents are refused, the first in line {line}: {why}; none of \
                 the {of} was kept, so correct what is under \"errors\" and send all again"
            ),
        };
        Problem::new(status, detail).with_faults(told)
    }
}

fn count_refused(metrics: &Metrics, reason: RejectReason) {
    let source = Source::Intent.as_str();
    metrics.records.with_label_values(&[source, RecordResult::Rejected.as_str()]).inc();
    metrics.rejected.with_label_values(&[source, reason.as_str()]).inc();
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{Form, form};

    fn form_of(content_type: &'static str) -> Option<Form> {
        let value = HeaderValue::from_static(content_type);
        form(&HeaderMap::from_iter([(header::CONTENT_TYPE, value)])).ok()
    }

    #[test]
    fn the_content_type_says_how_many_intents_there_are() {
        assert_eq!(form_of("application/json"), Some(Form::Whole));
        assert_eq!(form_of("Application/JSON; charset=\"UTF-8\""), Some(Form::Whole));
        assert_eq!(form_of("application/x-ndjson;charset=utf-8"), Some(Form::Lines));
        for other in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "text/plain; application/json",
            "application/json; charset=utf-16",
            "application/jsonp",
            "",
        ] {
            assert_eq!(form_of(other), None, "{other}");
        }
        assert!(form(&HeaderMap::new()).is_err());
    }

    #[test]
    fn an_encoded_body_is_refused_with_its_reason() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
        assert!(form(&headers).is_ok());
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(form(&headers).is_err());
    }
}
