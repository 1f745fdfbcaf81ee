//! The AWS SDK against the endpoint, over a real socket: what callers see, and which acts they
//! leave behind.

mod bucket_settings;
mod deletes;
mod objects;
mod refusals;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::extract::Request;
use deltrail_core::domain::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use super::super::act::{Act, Call};
use super::super::clock::Clock;
use super::super::faults::Faults;
use super::super::identifiers::Identifiers;
use super::super::principal::{Kind, Principal};
use super::{Buckets, S3Options, ServicePut, Versioning};

const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111122223333";
const KEY_ID: &str = "AKIAIMAGESERVICE";
const SECRET: &str = "not-a-secret";
const BUCKET: &str = "images";
const NOON: Timestamp = Timestamp::from_millis(1_795_435_200_000);

/// Keys that are spelt in more than one way on their way to S3 and back.
const ODD_KEYS: [&str; 8] = [
    "plain.jpg",
    "a b.jpg",
    "a+b.jpg",
    "a%20b.jpg",
    "100%.jpg",
    "정우/사진 é.jpg",
    "a//b/./c/",
    "q?x=1&y=2#z'\"<>.jpg",
];

/// Queues that were sent a test event, with the event.
type TestEvents = Arc<Mutex<Vec<(String, String)>>>;

/// The endpoint on a port of its own, until it is dropped.
struct World {
    buckets: Buckets,
    faults: Faults,
    address: SocketAddr,
    acts: UnboundedReceiver<Act>,
    test_events: TestEvents,
    server: JoinHandle<std::io::Result<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A world with one bucket.
async fn world(versioning: Versioning) -> World {
    let faults = Faults::none();
    let (sender, acts) = unbounded_channel();
    let test_events = TestEvents::default();
    let raised = Arc::clone(&test_events);
    let image_service = Principal {
        name: "image-service".into(),
        kind: Kind::Role { session: "i-0abc".into() },
        account: ACCOUNT.into(),
        access_key_id: KEY_ID.into(),
        secret_access_key: SECRET.into(),
    };
    let buckets = Buckets::new(S3Options {
        clock: Clock::starting_at(NOON, 100.0),
        identifiers: Identifiers::seeded(1),
        faults: faults.clone(),
        region: REGION.into(),
        account: ACCOUNT.into(),
        principals: vec![Arc::new(image_service)],
        acts: sender,
        raises_test_event: Arc::new(move |queue_arn, body| {
            raised.lock().expect("not poisoned").push((queue_arn.to_owned(), body));
        }),
    });
    buckets.create(BUCKET, versioning);
    let endpoint = buckets.service();
    let router = Router::new().fallback(move |request: Request| {
        let endpoint = endpoint.clone();
        async move { endpoint.answer(request).await }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    World { buckets, faults, address, acts, test_events, server }
}

impl World {
    fn client(&self) -> Client {
        self.client_of(KEY_ID, SECRET, REGION)
    }

    fn client_of(&self, key_id: &str, secret: &str, region: &'static str) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new(key_id, secret, None, None, "test"))
            .region(Region::new(region))
            .endpoint_url(format!("http://{}", self.address))
            .force_path_style(true)
            .retry_config(RetryConfig::disabled())
            .build();
        Client::from_conf(config)
    }

    async fn put(&self, key: &str, body: &'static str) -> Option<String> {
        let request = self.client().put_object().bucket(BUCKET).key(key);
        let answer = request.body(body.as_bytes().to_vec().into()).send().await;
        answer.expect("stored").version_id
    }

    /// The only act since the last look.
    fn act(&mut self) -> Act {
        let act = self.acts.try_recv().expect("an act");
        self.expect_no_act();
        act
    }

    fn expect_no_act(&mut self) {
        assert_eq!(self.acts.try_recv().ok(), None);
    }

    fn forget_acts(&mut self) {
        while self.acts.try_recv().is_ok() {}
    }

    /// Sends a request without a signature, and gives back all of the answer.
    async fn raw(&self, request_line: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(self.address).await.expect("connected");
        let request = format!("{request_line} HTTP/1.1\r\nHost: s3\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }
}

/// The keys of a list, in its order.
fn keys_of(objects: &[aws_sdk_s3::types::Object]) -> Vec<&str> {
    objects.iter().filter_map(aws_sdk_s3::types::Object::key).collect()
}
