//! Who is let in. With a token, whoever bears it. Without one the listener is on loopback, and what
//! has to be kept out is the browser of this host's user, acting for a page of somebody else. It
//! knows no path.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::super::Token;
use super::super::headers::only;
use super::super::peer::Peer;
use super::super::problem::Problem;
use super::super::unwanted::pass_over;
use super::Shared;

/// Lets a request through, or says why not.
pub(super) async fn admit(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let refused = match &shared.state.token {
        Some(token) => without_token(token, request.headers()),
        None => from_elsewhere(scheme(&request), request.uri(), request.headers()),
    };
    let Some(problem) = refused else { return next.run(request).await };
    // Who asks first whether to send a body has sent none yet.
    if !request.headers().contains_key(header::EXPECT) {
        pass_over(request.into_body().into_data_stream()).await;
    }
    problem.into_response()
}

/// How the listener is reached, as the origin of its own pages would say.
fn scheme(request: &Request) -> &'static str {
    request.extensions().get::<Peer>().map_or("http", |peer| peer.scheme())
}

/// The problem of a request that does not bear the token.
fn without_token(token: &Token, headers: &HeaderMap) -> Option<Problem> {
    if token.is_borne_by(headers) {
        return None;
    }
    let (detail, challenge) = if headers.contains_key(header::AUTHORIZATION) {
        let detail = "the Authorization header does not bear the token of this daemon; send \
                      \"Authorization: Bearer TOKEN\" with the one of its app-token setting";
        (detail, "Bearer realm=\"deltrail\", error=\"invalid_token\"")
    } else {
        let detail = "this daemon asks for a token; send \"Authorization: Bearer TOKEN\" with the \
                      one of its app-token setting";
        (detail, "Bearer realm=\"deltrail\"")
    };
    Some(Problem::new(StatusCode::UNAUTHORIZED, detail).with_challenge(challenge))
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
