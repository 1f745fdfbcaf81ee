//! Who is let in. With a token, whoever bears it, or a browser whose user has shown it on the login
//! page. Without one the listener is on loopback, and what has to be kept out is the browser of
//! this host's user, acting for a page of somebody else. Of paths it knows only which are open to
//! everybody, and which are a program's affair.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::super::headers::only;
use super::super::peer::Peer;
use super::super::problem::Problem;
use super::super::unwanted::pass_over;
use super::super::{Token, page, session};
use super::Shared;

/// What a browser says about where a request comes from, on hosts that it trusts.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets a request through, or says why not.
pub(super) async fn admit(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let refused = match &shared.state.token {
        Some(token) => without_token(token, &request),
        None => from_elsewhere(scheme(&request), request.uri(), request.headers())
            .map(IntoResponse::into_response),
    };
    let Some(refusal) = refused else { return next.run(request).await };
    // Who asks first whether to send a body has sent none yet.
    if !request.headers().contains_key(header::EXPECT) {
        pass_over(request.into_body().into_data_stream()).await;
    }
    refusal
}

/// How the listener is reached, as the origin of its own pages would say.
fn scheme(request: &Request) -> &'static str {
    request.extensions().get::<Peer>().map_or("http", |peer| peer.scheme())
}

/// Seconds since the Unix epoch by the clock of this host: what a browser bears ends by it.
pub(in crate::http) fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// What is answered to a request that shows neither the token nor a login, or shows its login for
/// the page of somebody else.
fn without_token(token: &Token, request: &Request) -> Option<Response> {
    let (headers, path) = (request.headers(), request.uri().path());
    let only_looks = matches!(*request.method(), Method::GET | Method::HEAD);
    if page::is_open(path) {
        let is_fine = only_looks || is_of_own_page(headers);
        return (!is_fine).then(|| not_of_own_page().into_response());
    }
    if headers.contains_key(header::AUTHORIZATION) {
        return (!token.is_borne_by(headers)).then(|| wrong_token().into_response());
    }
    if !session::is_borne_by(headers, token, now_seconds()) {
        let is_for_people = only_looks && page::is_of_page(path);
        return Some(match (is_for_people, is_led_here(headers)) {
            (true, true) => page::come_again(request.uri()),
            (true, false) => page::to_login(request.uri()),
            (false, _) => no_token().into_response(),
        });
    }
    // What a program is answered is of no use to the page of another site, and what changes
    // something even less.
    let is_fine = if only_looks {
        !is_led_here(headers) || page::is_of_page(path)
    } else {
        is_of_own_page(headers)
    };
    (!is_fine).then(|| not_of_own_page().into_response())
}

/// The problem of a request that bears no token.
fn no_token() -> Problem {
    let detail = "this daemon asks for a token; send \"Authorization: Bearer TOKEN\" with the one \
                  of its app-token setting";
    Problem::new(StatusCode::UNAUTHORIZED, detail).with_challenge("Bearer realm=\"deltrail\"")
}

/// The problem of a request that bears another one.
fn wrong_token() -> Problem {
    let detail = "the Authorization header does not bear the token of this daemon; send \
                  \"Authorization: Bearer TOKEN\" with the one of its app-token setting";
    let challenge = "Bearer realm=\"deltrail\", error=\"invalid_token\"";
    Problem::new(StatusCode::UNAUTHORIZED, detail).with_challenge(challenge)
}

fn not_of_own_page() -> Problem {
    let detail = "the page of another site may not do this with a browser's login; open the page \
                  of this daemon itself, or send the request with \"Authorization: Bearer TOKEN\"";
    Problem::new(StatusCode::FORBIDDEN, detail)
}

/// Whether the browser says that another site's page led it here.
fn is_led_here(headers: &HeaderMap) -> bool {
    only(headers, &FETCH_SITE).is_some_and(|site| site == "cross-site" || site == "same-site")
}

/// Whether the browser says that a page of this listener sends the request. Where it does not say
/// so itself, the host of the origin is that of the request: the scheme is another one behind a
/// proxy that encrypts.
fn is_of_own_page(headers: &HeaderMap) -> bool {
    if headers.contains_key(FETCH_SITE) {
        return only(headers, &FETCH_SITE).is_some_and(|site| site == "same-origin");
    }
    let text = |name| only(headers, name).and_then(|value| value.to_str().ok());
    let origin = text(&header::ORIGIN).and_then(|origin| origin.split_once("://"));
    let host = text(&header::HOST).filter(|host| !host.is_empty());
    origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
}

/// The problem of a request that somebody elsewhere may have made a browser of this host send: for
/// a name that leads here only since a moment ago (DNS rebinding), or from another site's page.
fn from_elsewhere(scheme: &str, uri: &Uri, headers: &HeaderMap) -> Option<Problem> {
    let host = only(headers, &header::HOST).and_then(|host| host.to_str().ok());
    let host = host.filter(|host| host.parse().is_ok_and(|host| is_loopback(&host)));
    let Some(host) = host.filter(|_| uri.authority().is_none_or(is_loopback)) else {
        let detail = "without a token, this daemon answers only to localhost and to loopback \
                      addresses, and the Host header names another; use http://127.0.0.1 with the \
                      port, or set a token (app-token) to use other names";
        return Some(Problem::new(StatusCode::FORBIDDEN, detail));
    };
    let own = format!("{scheme}://{host}");
    let mut origins = headers.get_all(header::ORIGIN).iter();
    if origins.all(|origin| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes())) {
        return None;
    }
    let detail = "without a token, this daemon answers no page of another site, and the Origin \
                  header names one; send the request from a program instead of a page, or set a \
                  token (app-token)";
    Some(Problem::new(StatusCode::FORBIDDEN, detail))
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_loopback = ip.is_ok_and(|ip| ip.to_canonical().is_loopback());
    (is_loopback || host.eq_ignore_ascii_case("localhost")) && !authority.as_str().contains('@')
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

    use super::from_elsewhere;

    fn is_let_in(uri: &'static str, headers: &[(HeaderName, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_static(value));
        }
        from_elsewhere("http", &Uri::from_static(uri), &map).is_none()
    }

    #[test]
    fn only_loopback_is_a_host_without_a_token() {
        for host in [
            "127.0.0.1:10119",
            "127.1.2.3",
            "localhost:10119",
            "LocalHost",
            "[::1]:10119",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(is_let_in("/", &[(header::HOST, host)]), "{host}");
        }
        for host in [
            "evil.example:10119",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.example@127.0.0.1",
            "10.0.0.7:10119",
            "0.0.0.0:10119",
            "[2001:db8::1]:10119",
            "",
        ] {
            assert!(!is_let_in("/", &[(header::HOST, host)]), "{host}");
        }
        assert!(!is_let_in("/", &[]));
        let twice = [(header::HOST, "127.0.0.1"), (header::HOST, "127.0.0.1")];
        assert!(!is_let_in("/", &twice));
    }

    #[test]
    fn a_host_in_the_target_has_to_be_loopback_as_well() {
        let host = [(header::HOST, "127.0.0.1")];
        assert!(is_let_in("http://localhost:10119/", &host));
        assert!(!is_let_in("http://evil.example/", &host));
    }

    #[test]
    fn only_a_page_of_the_listener_itself_is_an_origin_without_a_token() {
        let with =
            |origin| is_let_in("/", &[(header::HOST, "localhost:10119"), (header::ORIGIN, origin)]);
        assert!(with("http://localhost:10119"));
        for origin in [
            "http://evil.example",
            "http://localhost:3000",
            "http://localhost",
            "https://localhost:10119",
            "http://127.0.0.1:10119",
            "http://localhost:10119.evil.example",
            "null",
            "",
        ] {
            assert!(!with(origin), "{origin}");
        }
    }

    #[test]
    fn an_encrypted_listener_has_an_encrypted_origin() {
        let host = (header::HOST, HeaderValue::from_static("localhost:10119"));
        let is_let_in = |origin| {
            let origin = (header::ORIGIN, HeaderValue::from_static(origin));
            let headers = HeaderMap::from_iter([host.clone(), origin]);
            from_elsewhere("https", &Uri::from_static("/"), &headers).is_none()
        };
        assert!(is_let_in("https://localhost:10119"));
        assert!(!is_let_in("http://localhost:10119"));
    }
}
