//! Logging in: whoever shows the token on this page gets a cookie that lets a browser in. It asks
//! the store nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};

use super::super::app::guard::now_seconds;
use super::super::app::media_type::{media_type, unsupported};
use super::super::app::{Shared, body};
use super::super::peer::Peer;
use super::super::problem::Problem;
use super::super::session;
use super::layout::Page;
use super::parameters::{Asked, link};
use super::pieces::{Tone, notice};

pub(super) const LOGIN: &str = "/login";
pub(super) const LOGOUT: &str = "/logout";
/// Where to go afterwards.
const TO: &str = "to";
const TOKEN: &str = "token";

/// Sends a browser to the login page, and back from there.
pub(in crate::http) fn to_login(uri: &Uri) -> Response {
    let to = own(uri.path_and_query().map_or("/", |path| path.as_str()));
    let to = Some(to).filter(|to| *to != "/");
    Redirect::to(&link(LOGIN, &[(TO, to)])).into_response()
}

/// A page that loads the page itself once more. A browser that follows a link of another site does
/// not show its cookie; when it comes from here, it does.
pub(in crate::http) fn come_again(uri: &Uri) -> Response {
    let to = own(uri.path_and_query().map_or("/", |path| path.as_str()));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "deltrail" }
                meta http-equiv="refresh" content={ "0; url=" (to) };
            }
            body { p { a href=(to) { "Continue" } } }
        }
    };
    Html(page.into_string()).into_response()
}

/// The path, if it can only lead to a page of this listener; else the first page.
fn own(path: &str) -> &str {
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_page = ![LOGIN, LOGOUT].iter().any(|it| path.starts_with(it));
    if is_local && is_page { path } else { "/" }
}

/// Asks for the token.
pub(super) async fn ask(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let asked = Asked::of(request.uri());
    let to = own(asked.text(TO).unwrap_or("/"));
    let is_in = shared
        .state
        .token
        .as_ref()
        .is_none_or(|token| session::is_borne_by(request.headers(), token, now_seconds()));
    if is_in {
        return Redirect::to(to).into_response();
    }
    form(&shared, to, StatusCode::OK, None)
}

/// Lets a browser in that shows the token.
pub(super) async fn log_in(
    State(shared): State<Arc<Shared>>,
    peer: Option<Extension<Peer>>,
    request: Request,
) -> Result<Response, Problem> {
    let Some(token) = &shared.state.token else { return Ok(Redirect::to("/").into_response()) };
    let (head, body) = request.into_parts();
    if media_type(&head.headers)? != "application/x-www-form-urlencoded" {
        return Err(unsupported("the Content-Type is not that of a form; use the one at /login"));
    }
    let body = body::read(body, shared.body_timeout()).await?;
    let asked = Asked::in_query(&body);
    let to = own(asked.text(TO).unwrap_or("/"));
    let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.address);
    if let Err(wait) = shared.logins.check(from) {
        let seconds = wait.as_secs() + 1;
        let words = format!("Too many tries. Wait {seconds} s, then try again.");
        let mut answer = form(&shared, to, StatusCode::TOO_MANY_REQUESTS, Some(&words));
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(answer);
    }
    // Whoever copies a token often copies the end of its line too.
    if !token.is(asked.text(TOKEN).unwrap_or_default().trim().as_bytes()) {
        tracing::warn!(peer = %from, "a wrong token was tried on the login page");
        let words = "That is not the token. It is the app-token setting of this daemon.";
        return Ok(form(&shared, to, StatusCode::FORBIDDEN, Some(words)));
    }
    let cookie = session::begin(token, now_seconds(), is_encrypted(peer));
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response())
}

/// Takes the cookie away.
pub(super) async fn log_out(peer: Option<Extension<Peer>>) -> Response {
    let cookie = session::end(is_encrypted(peer));
    ([(header::SET_COOKIE, cookie)], Redirect::to(LOGIN)).into_response()
}

fn is_encrypted(peer: Option<Extension<Peer>>) -> bool {
    peer.is_some_and(|peer| peer.is_encrypted)
}

fn form(shared: &Shared, to: &str, status: StatusCode, refusal: Option<&str>) -> Response {
    let page = Page::new(shared, "Log in").before_login();
    page.show_as(status, &fields(to, refusal))
}

fn fields(to: &str, refusal: Option<&str>) -> Markup {
    let explained = if refusal.is_some() { "refusal about" } else { "about" };
    html! {
        form.login action=(LOGIN) method="post" {
            @if let Some(refusal) = refusal {
                div #refusal { (notice(Tone::Critical, &html! { (refusal) })) }
            }
            p #about.muted {
                "deltrail tells what was deleted from S3, and by whom. What it knows is shown to \
                 those who know its token (app-token)."
            }
            @if to != "/" { input type="hidden" name=(TO) value=(to); }
            label {
                span { "Token" }
                input type="password" name=(TOKEN) required autofocus aria-describedby=(explained)
                    autocomplete="current-password" spellcheck="false";
            }
            button type="submit" { "Log in" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_a_page_of_this_listener_only() {
        for path in ["/", "/findings?severity=critical&to=//x", "/deletions/a%2Fb", "/who-deleted"]
        {
            assert_eq!(own(path), path);
        }
        for elsewhere in [
            "//evil.example/",
            "/\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "\\\\evil.example",
            "/a\r\nset-cookie: a=b",
            "/ /evil.example",
            "/\t/evil.example",
            "/é",
            "evil.example",
            "",
            "/login",
            "/logout",
        ] {
            assert_eq!(own(elsewhere), "/", "{elsewhere:?}");
        }
    }

    #[test]
    fn what_is_to_be_seen_afterwards_cannot_end_the_field_it_is_in() {
        let form = fields(own("/a?\"><script>"), None).into_string();
        assert!(!form.contains("<script>") && form.contains("&lt;script&gt;"), "{form}");
    }
}
