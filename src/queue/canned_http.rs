//! A server for tests that gives prepared HTTP answers on loopback, one for each request, so that
//! the real SDK is tested. It knows no AWS shapes; the tests write them.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the SDK needs to ask an endpoint, but for a region.
pub(crate) fn sdk_config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "not-a-secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

/// What the server does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Canned {
    /// Answers with this status, these headers and this body.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// Promises more bytes than it sends, then closes the connection.
    Cut { body: Vec<u8> },
}

impl Canned {
    pub(crate) fn answer(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.as_ref().to_vec() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// The running server; it ends with the test's runtime.
pub(crate) struct CannedHttp {
    /// Where it listens, such as `http://127.0.0.1:40001`.
    pub(crate) origin: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl CannedHttp {
    /// Starts a server that gives these answers in order and then 500.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Canned>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let mut answers = answers.into_iter().collect::<Vec<_>>().into_iter();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                let canned = answers.next().unwrap_or_else(|| Canned::answer(500, "no more"));
                give(stream, canned).await;
            }
        });
        Self { origin, requests }
    }

    /// The requests so far, head and body as text.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.parse::<usize>().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return text.into_owned();
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&bytes).into_owned(),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

async fn give(mut stream: TcpStream, canned: Canned) {
    match canned {
        Canned::Answer { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Canned\r\nconnection: close\r\n");
            for (name, value) in headers {
                head = head + name + ": " + &value + "\r\n";
            }
            head = head + "content-length: " + &body.len().to_string() + "\r\n\r\n";
            // A client that has gone away is the business of its test.
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
            let _ = stream.shutdown().await;
        }
        Canned::Cut { body } => {
            let length = body.len() + 1000;
            let head = format!("HTTP/1.1 200 Canned\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
            let _ = stream.flush().await;
        }
    }
}
