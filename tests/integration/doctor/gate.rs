//! A gate before an AWS, or one that denies everything: it notes what was called. It knows the
//! protocols of AWS as far as the name of a call.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;

/// A running gate; it ends with the test's runtime.
pub struct Gate {
    pub endpoint: String,
    calls: Arc<Mutex<BTreeSet<String>>>,
}

impl Gate {
    /// A gate to what listens at `upstream`, such as `http://127.0.0.1:40001`.
    pub async fn to(upstream: &str) -> Self {
        Self::start(Some(upstream.trim_start_matches("http://").to_owned())).await
    }

    /// An AWS in which nothing is allowed.
    pub async fn that_denies() -> Self {
        Self::start(None).await
    }

    async fn start(upstream: Option<String>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let calls: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let noted = Arc::clone(&calls);
        let pass = async move |request: Request| -> Response {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap();
            noted.lock().unwrap().insert(name_of(&head, &body));
            match &upstream {
                Some(upstream) => forward(upstream, head, body).await,
                None => denial(&head),
            }
        };
        let router = Router::new().fallback(pass);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, calls }
    }

    /// Every kind of call that was made.
    pub fn calls(&self) -> BTreeSet<String> {
        self.calls.lock().unwrap().clone()
    }
}

/// The last part of the target of a JSON call, the action of a form, or what S3 is asked.
fn name_of(head: &Parts, body: &Bytes) -> String {
    if let Some(target) = head.headers.get("x-amz-target") {
        return target.to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    }
    let form = String::from_utf8_lossy(body);
    if let Some(action) = form.split('&').find_map(|part| part.strip_prefix("Action=")) {
        return action.to_owned();
    }
    let path = head.uri.path().trim_matches('/');
    let what = match path.split('/').count() {
        _ if path.is_empty() => "account",
        1 => "bucket",
        _ => "object",
    };
    // Of several parameters the first is the one that says what is asked.
    let mut names: Vec<&str> = head.uri.query().unwrap_or_default().split(['&', '=']).collect();
    let known = ["encryption", "lifecycle", "list-type", "notification", "versioning"];
    names.retain(|name| known.contains(name));
    let asked = names.first().map(|name| format!(" {name}")).unwrap_or_default();
    format!("{} {what}{asked}", head.method)
}

async fn forward(upstream: &str, mut head: Parts, body: Bytes) -> Response {
    let connection = tokio::net::TcpStream::connect(upstream).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(connection)).await.unwrap();
    tokio::spawn(connection);
    let path = head.uri.path_and_query().unwrap().as_str().to_owned();
    head.uri = path.parse::<Uri>().unwrap();
    let request = axum::http::Request::from_parts(head, Full::new(body));
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, Body::from(body))
}

/// A refusal in the protocol of the call.
fn denial(head: &Parts) -> Response {
    if head.headers.contains_key("x-amz-target") {
        let body = r#"{"__type":"AccessDeniedException","message":"not authorized"}"#;
        return (StatusCode::BAD_REQUEST, body).into_response();
    }
    let body = if head.method == "POST" {
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>\
         </ErrorResponse>"
    } else {
        "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    };
    (StatusCode::FORBIDDEN, body).into_response()
}
