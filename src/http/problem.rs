//! An error as the API tells it: RFC 9457 problem details. It knows no route and decides nothing.
//! The answer carries the problem itself too, for those who show it to people.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Something that was not done.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    faults: Vec<Fault>,
    advice: Option<Advice>,
}

/// What a header says beside the problem.
#[derive(Debug)]
enum Advice {
    /// When the same request may succeed, in seconds.
    RetryAfter(u16),
    /// How to be let in.
    Challenge(&'static str),
}

impl Advice {
    fn header(&self) -> (HeaderName, HeaderValue) {
        match *self {
            Self::RetryAfter(seconds) => (header::RETRY_AFTER, seconds.into()),
            Self::Challenge(challenge) => {
                (header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
            }
        }
    }
}

/// One of several things that are wrong with a request.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Fault {
    /// The line of the body that it is in, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What kind of fault, one of a closed set of words.
    pub reason: &'static str,
    /// What exactly, for people.
    pub detail: String,
}

/// The members of RFC 9457, and `errors`. The type says no more than the status does, which
/// `about:blank` stands for.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct ToldProblem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
}

impl Problem {
    /// `detail` says what was wrong, where, and what to do.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), faults: Vec::new(), advice: None }
    }

    /// Tells each fault by itself, too.
    pub(super) fn with_faults(self, faults: Vec<Fault>) -> Self {
        Self { faults, ..self }
    }

    /// Says when the same request may succeed, in seconds from now.
    pub(super) fn with_retry_after(self, seconds: u16) -> Self {
        Self { advice: Some(Advice::RetryAfter(seconds)), ..self }
    }

    /// Says how to be let in.
    pub(super) fn with_challenge(self, challenge: &'static str) -> Self {
        Self { advice: Some(Advice::Challenge(challenge)), ..self }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What was wrong, where, and what to do.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let members = ToldProblem {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.faults,
        };
        let mut response = (self.status, axum::Json(members)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.advice.as_ref().map(Advice::header));
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::{StatusCode, header};
    use axum::response::IntoResponse;

    use super::{Fault, Problem};

    #[tokio::test]
    async fn a_problem_has_the_members_of_the_standard() {
        let fault = Fault { line: Some(2), reason: "missing_time", detail: "no time".to_owned() };
        let problem = Problem::new(StatusCode::BAD_REQUEST, "line 2: no time; write one")
            .with_faults(vec![fault])
            .with_retry_after(5);
        let response = problem.into_response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let expected = serde_json::json!({
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "line 2: no time; write one",
            "errors": [{ "line": 2, "reason": "missing_time", "detail": "no time" }],
        });
        assert_eq!(body, expected);
    }
}
