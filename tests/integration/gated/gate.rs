//! A gate between the daemon and the sandbox: it notes every request, and can be shut, hold some
//! back, or answer for a queue. Knows HTTP as far as that, and nothing of the daemon.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the gate does with requests to SQS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sqs {
    Open,
    /// Connections break off, those too on which an answer is still to come.
    Shut,
    /// Every receive is answered at once, with nothing.
    Empty,
}

/// A request that came to the gate.
#[derive(Debug, Clone)]
pub struct Request {
    pub at: Instant,
    /// The action for SQS, such as `ReceiveMessage`, else the path.
    pub what: String,
    /// The body, if it is JSON.
    pub body: Value,
}

/// A gate that is open at first.
pub struct Gate {
    /// Where it listens.
    pub endpoint: String,
    sqs: watch::Sender<Sqs>,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
    /// The part of a path, or of an action, that is held back; empty for none.
    held: watch::Sender<String>,
}

impl Gate {
    /// A gate to what listens at `upstream`, such as `http://127.0.0.1:40001`.
    pub async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let (sqs, modes) = watch::channel(Sqs::Open);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (held, holds) = watch::channel(String::new());
        let passage = Passage { upstream, modes, requests: requests.clone(), holds };
        let connections = Arc::new(AtomicUsize::new(0));
        let came = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                came.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(passage.clone().through(client));
            }
        });
        Self { endpoint, sqs, requests, connections, held }
    }

    pub fn set(&self, sqs: Sqs) {
        self.sqs.send_replace(sqs);
    }

    /// Keeps requests waiting that are for such an action of SQS, or have this in their path.
    pub fn hold(&self, part: &str) {
        self.held.send_replace(part.to_owned());
    }

    /// Lets everything pass that was held back.
    pub fn release(&self) {
        self.hold("");
    }

    /// The requests so far that are for this action of SQS, or have this in their path.
    pub fn requests(&self, what: &str) -> Vec<Request> {
        let requests = locked(&self.requests);
        requests.iter().filter(|request| request.what.contains(what)).cloned().collect()
    }

    /// How many connections were ever made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        locked(&self.requests).clear();
    }

    /// All requests to SQS since then.
    pub fn sqs_requests_since(&self, since: Instant) -> Vec<Request> {
        let is_sqs = |request: &&Request| !request.what.starts_with('/');
        let requests = locked(&self.requests);
        requests.iter().filter(is_sqs).filter(|request| request.at >= since).cloned().collect()
    }
}

#[derive(Clone)]
struct Passage {
    upstream: String,
    modes: watch::Receiver<Sqs>,
    requests: Arc<Mutex<Vec<Request>>>,
    holds: watch::Receiver<String>,
}

impl Passage {
    /// Passes requests of one connection on until it ends.
    async fn through(mut self, client: TcpStream) {
        let Ok(server) = TcpStream::connect(&self.upstream).await else { return };
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        let to_client = Arc::new(tokio::sync::Mutex::new(to_client));
        let answers = tokio::spawn(pass(from_server, Arc::clone(&to_client)));
        let mut is_for_sqs = false;
        loop {
            let mut modes = self.modes.clone();
            let read = tokio::select! {
                read = read_request(&mut from_client) => read,
                _ = modes.wait_for(|mode| *mode == Sqs::Shut), if is_for_sqs => None,
            };
            let Some((bytes, request)) = read else { break };
            let (what, sqs) = (request.what.clone(), *self.modes.borrow());
            is_for_sqs = !what.starts_with('/');
            locked(&self.requests).push(request);
            let held = |part: &String| !part.is_empty() && what.contains(part.as_str());
            // A client that gives up while it is held back is seen to go.
            tokio::select! {
                biased;
                _ = self.holds.wait_for(|part| !held(part)) => {}
                _ = from_client.readable() => break,
            }
            match sqs {
                _ if what.starts_with('/') => {}
                Sqs::Shut => break,
                Sqs::Empty if what == "ReceiveMessage" => {
                    let empty = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n\
                                 content-length: 2\r\n\r\n{}";
                    if to_client.lock().await.write_all(empty.as_bytes()).await.is_err() {
                        break;
                    }
                    continue;
                }
                Sqs::Open | Sqs::Empty => {}
            }
            if to_server.write_all(&bytes).await.is_err() {
                break;
            }
        }
        // Both ends see that it is over.
        answers.abort();
    }
}

async fn pass(mut from: OwnedReadHalf, to: Arc<tokio::sync::Mutex<OwnedWriteHalf>>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut bytes).await {
        if count == 0 || to.lock().await.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.lock().await.shutdown().await;
}

/// One whole request, and what it is for; none at the end.
async fn read_request(from: &mut OwnedReadHalf) -> Option<(Vec<u8>, Request)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head_bytes) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..head_bytes]).into_owned();
            let header = |name: &str| {
                let lines = head.lines().filter_map(|line| line.split_once(": "));
                let mut named = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
                named.next().map(|(_, value)| value.to_owned())
            };
            let length = header("content-length").map_or(0, |text| text.parse().unwrap());
            let at = Instant::now();
            let body_at = head_bytes + 4;
            if bytes.len() >= body_at + length {
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let target = header("x-amz-target");
                let action = target.and_then(|it| it.strip_prefix("AmazonSQS.").map(str::to_owned));
                let body = serde_json::from_slice(&bytes[body_at..]).unwrap_or_default();
                return Some((bytes, Request { at, what: action.unwrap_or(path), body }));
            }
        }
        let mut more = [0; 16 * 1024];
        let count = from.read(&mut more).await.ok().filter(|&count| count > 0)?;
        bytes.extend_from_slice(&more[..count]);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
