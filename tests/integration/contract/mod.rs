//! The same checks against the sandbox and against the emulator that this project did not write.
//! What AWS does, by its documentation and by captures, stands here; the sandbox does all of it,
//! and where the emulator does otherwise is listed with the fact that decides.

mod buckets;
mod faults;
mod notices;
mod queues;

use std::collections::BTreeMap;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata;

use crate::emulator::emulator;
use crate::sandbox::{REGION, sandbox_of};

const KEY: &str = "AKIATESTERXXXXXXXXXX";
const SECRET: &str = "secret";

/// What was seen, by the name of the check.
type Seen = BTreeMap<&'static str, String>;

/// Where the emulator does otherwise than AWS: the check, what the emulator does, and the fact.
const EMULATOR_DIFFERS: &[(&str, &str, &str)] = &[
    (
        "a bulk delete has one request id",
        "2 notices, 2 request id",
        "captures of 2026: all notifications of one DeleteObjects call share its request id",
    ),
    (
        "a delete with a stale receipt handle says yes and deletes nothing",
        "ReceiptHandleIsInvalid, 1 left",
        "SQS API reference, DeleteMessage: with an older handle the request succeeds, and the \
         message might not be deleted",
    ),
    (
        "a lease cannot be extended when it has ended",
        "accepted",
        "SQS API reference, ChangeMessageVisibility: MessageNotInflight",
    ),
    (
        "a marker is told",
        "ObjectRemoved:DeleteMarkerCreated, version of the answer true, size 0",
        "a captured notification of a marker has an eTag and a versionId, and no size",
    ),
    (
        "a notice has the request id of the answer",
        "false",
        "event message structure: x-amz-request-id is that of the request",
    ),
    (
        "a request id is 16 upper-case letters and digits",
        "false",
        "every S3 request id in captures and in public CloudTrail logs",
    ),
];

/// One endpoint, as a client sees it.
struct Service {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Service {
    fn at(endpoint: &str, key: &str, secret: &str) -> Self {
        let credentials = Credentials::new(key, secret, None, None, "test");
        let region = Region::new(REGION);
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .endpoint_url(endpoint)
            .force_path_style(true)
            .retry_config(RetryConfig::disabled())
            .build();
        let sqs = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials)
            .endpoint_url(endpoint)
            .build();
        Self { s3: aws_sdk_s3::Client::from_conf(s3), sqs: aws_sdk_sqs::Client::from_conf(sqs) }
    }

    async fn seen(&self) -> Seen {
        let mut seen = Seen::new();
        buckets::check(self, &mut seen).await;
        queues::check(self, &mut seen).await;
        notices::check(self, &mut seen).await;
        seen
    }
}

/// The error code, or that there was none.
fn code<T, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "accepted".into(),
        Err(error) => error.code().unwrap_or("an error without a code").to_owned(),
    }
}

/// What AWS does.
fn expected() -> Seen {
    let all = [buckets::AWS, queues::AWS, notices::AWS].concat();
    all.into_iter().map(|(check, seen)| (check, seen.to_owned())).collect()
}

fn differences<'a>(seen: &'a Seen, expected: &'a Seen) -> Vec<(&'a str, &'a str, &'a str)> {
    assert!(seen.keys().eq(expected.keys()), "{seen:#?} and {expected:#?} name other checks");
    let both = seen.iter().zip(expected.values());
    both.filter(|((_, seen), aws)| seen != aws)
        .map(|((check, seen), aws)| (*check, seen.as_str(), aws.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_does_what_aws_does() {
    let sandbox = sandbox_of("tester", [KEY, SECRET]).await;
    let service = Service::at(sandbox.endpoint(), KEY, SECRET);
    let seen = service.seen().await;
    assert_eq!(differences(&seen, &expected()), [], "(check, the sandbox, AWS)");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulator_differs_from_aws_only_as_listed() {
    let Some(emulator) = emulator() else { return };
    let seen = Service::at(&emulator.endpoint, "test", "test").seen().await;
    let expected = expected();
    let found: Vec<_> = differences(&seen, &expected);
    let found: Vec<_> = found.iter().map(|(check, seen, _)| (*check, *seen)).collect();
    let listed: Vec<_> = EMULATOR_DIFFERS.iter().map(|(check, seen, _)| (*check, *seen)).collect();
    assert_eq!(found, listed, "(check, the emulator)");
}
