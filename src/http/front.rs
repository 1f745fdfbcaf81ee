//! What every request passes before its route: how often its peer may ask, and how large its head
//! may be. It knows no route; a body is limited where it is read.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use super::peer::Peer;
use super::problem::Problem;
use super::rate::Rate;
use super::shield::shield;
use super::unwanted::pass_over;

/// The longest path of ours has a request id in it.
const PATH_BYTES_MAX: usize = 2 << 10;
/// A key of S3 has 1 024 bytes, which are 3 072 when each is escaped.
const QUERY_BYTES_MAX: usize = 8 << 10;
/// The longest token has 1 024 bytes; browsers and proxies add the rest.
const HEADERS_BYTES_MAX: usize = 16 << 10;

/// What stands before the routes of one listener.
pub(super) struct Front {
    /// How often a peer may ask.
    pub(super) rate: Rate,
    /// The paths that it may ask as often as it likes.
    pub(super) is_free: fn(&str) -> bool,
}

impl Front {
    /// The routes behind this; all answers, also of those that are refused, are shielded.
    pub(super) fn before(self, routes: Router) -> Router {
        routes
            .layer(middleware::from_fn_with_state(Arc::new(self), pass))
            .layer(middleware::map_response(shield))
    }
}

async fn pass(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let refused = too_often(&front, &request)
        .or_else(|| too_long(request.uri()))
        .or_else(|| too_many_headers(request.headers()));
    let Some(problem) = refused else { return next.run(request).await };
    pass_over(request.into_body().into_data_stream()).await;
    problem.into_response()
}

fn too_often(front: &Front, request: &Request) -> Option<Problem> {
    if (front.is_free)(request.uri().path()) {
        return None;
    }
    let peer = request.extensions().get::<Peer>().map(|peer| peer.address);
    let wait = front.rate.check(peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))).err()?;
    // Rounded up: who comes back in time should get in.
    let seconds = u16::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u16::MAX);
    let detail = "this peer asks too often; wait as long as the Retry-After header says, and ask \
                  for more at once";
    Some(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).with_retry_after(seconds))
}

fn too_long(uri: &Uri) -> Option<Problem> {
    let query_bytes = uri.query().map_or(0, str::len);
    let detail = if uri.path().len() > PATH_BYTES_MAX {
        format!("the path has more than {PATH_BYTES_MAX} bytes; nothing here has so long a name")
    } else if query_bytes > QUERY_BYTES_MAX {
        format!("the query has more than {QUERY_BYTES_MAX} bytes; ask for less at once")
    } else {
        return None;
    };
    Some(Problem::new(StatusCode::URI_TOO_LONG, detail))
}

fn too_many_headers(headers: &HeaderMap) -> Option<Problem> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let detail = format!(
        "the headers have more than {HEADERS_BYTES_MAX} bytes; send only those that are needed"
    );
    (bytes > HEADERS_BYTES_MAX)
        .then(|| Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail))
}

#[cfg(test)]
mod tests;
