//! In which form an answer is wanted, and how it is sent: JSON, or CSV where rows are listed. It
//! knows no question.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::super::problem::Problem;

const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
/// Where a list of CSV goes on: its rows have no place for that.
pub(super) const NEXT_CURSOR: HeaderName = HeaderName::from_static("deltrail-next-cursor");

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON object.
    Json,
    /// RFC 4180, with a header.
    Csv,
}

impl Form {
    /// The form that the Accept header asks for first; JSON when there is none.
    pub(super) fn wanted(headers: &HeaderMap) -> Result<Self, Problem> {
        let accepted = headers.get_all(header::ACCEPT).into_iter();
        let accepted = accepted.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>();
        let accepted = accepted.join(",");
        if accepted.trim().is_empty() {
            return Ok(Self::Json);
        }
        let ranges = accepted.split(',').filter(|range| !is_refused(range));
        let mut types = ranges.map(|range| range.split(';').next().unwrap_or_default().trim());
        let form = types.find_map(|wanted| match wanted.to_ascii_lowercase().as_str() {
            "*/*" | "application/*" | "application/json" => Some(Self::Json),
            "text/csv" | "text/*" => Some(Self::Csv),
            _ => None,
        });
        form.ok_or_else(|| {
            let detail = "the Accept header takes neither application/json nor text/csv; ask for \
                          one of them";
            Problem::new(StatusCode::NOT_ACCEPTABLE, detail)
        })
    }
}

/// Whether a media range has a quality of 0.
fn is_refused(range: &str) -> bool {
    let quality = range.split(';').skip(1).find_map(|it| it.trim().strip_prefix("q="));
    quality.is_some_and(|quality| quality.trim().parse() == Ok(0.0))
}

/// An answer as JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    Json(value).into_response()
}

/// Rows as CSV, and where the list goes on.
pub(super) fn csv(rows: String, next_cursor: Option<String>) -> Response {
    let mut response = rows.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, CSV);
    if let Some(Ok(cursor)) = next_cursor.map(HeaderValue::try_from) {
        headers.insert(NEXT_CURSOR, cursor);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(accept: &'static [&'static str]) -> Option<Form> {
        let values = accept.iter().map(|it| (header::ACCEPT, HeaderValue::from_static(it)));
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(name, value);
        }
        Form::wanted(&headers).ok()
    }

    #[test]
    fn what_is_taken_first_decides_the_form() {
        for json in [&[][..], &["*/*"], &["application/json"], &["text/html, */*;q=0.8"], &[""]] {
            assert_eq!(wanted(json), Some(Form::Json), "{json:?}");
        }
        for csv in [
            &["text/csv"][..],
            &["Text/CSV; charset=utf-8"],
            &["text/html", "text/csv"],
            &["application/json;q=0, text/csv"],
        ] {
            assert_eq!(wanted(csv), Some(Form::Csv), "{csv:?}");
        }
        for neither in [&["text/html"][..], &["application/xml, image/png"], &["*/*;q=0"]] {
            assert_eq!(wanted(neither), None, "{neither:?}");
        }
    }
}
