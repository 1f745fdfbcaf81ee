//! Errors for people: whoever asks for a page with a browser gets a page, and not the JSON that a
//! program gets. It decides no error.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use maud::html;

use super::super::app::Shared;
use super::super::problem::Problem;
use super::layout::Page;

/// What is not under this is a page.
const API: &str = "/api/";

/// Whether the path leads to a page.
pub(in crate::http) fn is_of_page(path: &str) -> bool {
    !path.starts_with(API)
}

/// Shows the problem of an answer as a page, where a browser asked for one.
pub(in crate::http) async fn show_problems(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let is_wanted = is_of_page(request.uri().path()) && takes_html(request.headers());
    let answer = next.run(request).await;
    if !is_wanted {
        return answer;
    }
    let Some(problem) = answer.extensions().get::<Arc<Problem>>().cloned() else { return answer };
    let (told, _) = answer.into_parts();
    let (mut shown, page) = page(&shared, &problem).into_parts();
    // When to try again, how to be let in, and what every answer has.
    for (name, value) in &told.headers {
        if *name != header::CONTENT_TYPE {
            shown.headers.entry(name).or_insert_with(|| value.clone());
        }
    }
    Response::from_parts(shown, page)
}

fn takes_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    accepted.filter_map(|value| value.to_str().ok()).any(|value| value.contains("text/html"))
}

fn page(shared: &Shared, problem: &Problem) -> Response {
    let status = problem.status();
    let title = match status {
        StatusCode::NOT_FOUND => "Nothing is here",
        StatusCode::BAD_REQUEST => "That cannot be asked",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "Not now",
        _ => status.canonical_reason().unwrap_or("It did not work"),
    };
    let page = Page::new(shared, title);
    let page = if is_refusal(status) { page.before_login() } else { page };
    page.show_as(
        status,
        &html! {
            p { (sentence(problem.detail())) }
            p.muted { "Status " (status.as_u16()) }
            @if !is_refusal(status) { p { a href="/" { "Overview" } } }
        },
    )
}

fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// What the API says in small letters, as a sentence.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    let end = if detail.ends_with(['.', '?', '!']) { "" } else { "." };
    first.unwrap_or_default() + letters.as_str() + end
}
