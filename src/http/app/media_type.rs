//! The type of a request's body, as its header says. Which types are of use is decided elsewhere;
//! all of those make a browser ask first before it sends the request of another site's page.

use axum::http::{HeaderMap, StatusCode, header};

use super::super::headers::only;
use super::super::problem::Problem;

/// The media type in small letters, without its parameters; empty when there is none.
pub(in crate::http) fn media_type(headers: &HeaderMap) -> Result<String, Problem> {
    if headers.get_all(header::CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        return Err(unsupported("the body is encoded (Content-Encoding); send it as it is"));
    }
    let content_type = only(headers, &header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_utf8 = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.eq_ignore_ascii_case("charset")
            || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    };
    if !parts.all(is_utf8) {
        return Err(unsupported("the charset of the Content-Type is not utf-8; send UTF-8"));
    }
    Ok(media_type)
}

/// The problem of a body of another type.
pub(in crate::http) fn unsupported(detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
}
