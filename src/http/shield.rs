//! The headers that every answer has, errors too, so that a browser does with it no more than it
//! must. It knows no path; an answer that needs something else has set it already.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// Nothing that is served here loads or sends anything, stands in a frame, is taken for another
/// type, or tells where it came from; what it says is of this moment and of nobody else's concern.
/// That no page of another site may read it needs no header: there is none that allows it.
const ALWAYS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Adds them.
pub(super) async fn shield(mut answer: Response) -> Response {
    for (name, value) in ALWAYS {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}
