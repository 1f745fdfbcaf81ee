//! A receiver on loopback: it takes what is posted and answers as it was told to, else 200. It
//! knows no message.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// What was posted.
#[derive(Debug, Clone)]
pub struct Posted {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Status, a header, words.
pub type Answer = (u16, (&'static str, String), &'static str);

/// A running receiver; it ends with the test's runtime.
pub struct Receiver {
    /// Where it listens, such as `http://127.0.0.1:40001`.
    pub origin: String,
    posted: Arc<Mutex<Vec<Posted>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let posted: Arc<Mutex<Vec<Posted>>> = Arc::default();
        let answers: Arc<Mutex<VecDeque<Answer>>> = Arc::default();
        let (kept, given) = (Arc::clone(&posted), Arc::clone(&answers));
        let take = async move |request: Request| -> Response {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
            let path = head.uri.to_string();
            kept.lock().unwrap().push(Posted { path, headers: head.headers, body });
            match given.lock().unwrap().pop_front() {
                Some((status, header, words)) => {
                    (StatusCode::from_u16(status).unwrap(), [header], words).into_response()
                }
                None => "ok".into_response(),
            }
        };
        let router = Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, posted, answers }
    }

    /// What to answer next, after what it was told before.
    pub fn answer(&self, status: u16, header: (&'static str, &str), words: &'static str) {
        let header = (header.0, header.1.to_owned());
        self.answers.lock().unwrap().push_back((status, header, words));
    }

    /// All that was posted.
    pub fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap().clone()
    }
}
