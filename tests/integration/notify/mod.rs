//! Those who are told of findings, as they are outside: receivers on loopback that answer well and
//! badly, an AWS emulator, a real Alertmanager. It knows what they get, and nothing of how the
//! daemon decides to tell them.

mod alertmanager;
mod daemon;
mod receiver;
mod sns;
mod webhooks;

pub use receiver::Receiver;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use deltrail::notify::{HttpUrl, Notice, Notifiers, Settings};
use deltrail_core::domain::{Severity, State, Timestamp};

/// Nobody.
fn settings() -> Settings {
    Settings {
        webhook: None,
        webhook_secret: None,
        slack: None,
        sns_topic: None,
        alertmanagers: Vec::new(),
        external_url: None,
        least_severity: Severity::Info,
    }
}

fn notifiers(settings: Settings) -> Notifiers {
    Notifiers::new(settings, &SdkConfig::builder().build()).unwrap()
}

fn url(text: &str) -> HttpUrl {
    HttpUrl::parse(text).unwrap()
}

/// The emulator's AWS.
fn aws(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

fn now() -> Timestamp {
    let since_epoch = std::time::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap())
}

/// Somebody removed 12 480 objects from a bucket, a few minutes ago.
fn notice(bucket: &str) -> Notice {
    let now = now();
    let mut notice = Notice::test(now);
    notice.state = State::Open;
    bucket.clone_into(&mut notice.finding.bucket);
    notice.finding.subject = String::new();
    notice.finding.severity = Severity::Critical;
    notice.finding.first_at = Timestamp::from_millis(now.as_millis() - 360_000);
    notice.finding.tally.markers = 12_480;
    notice.finding.sample_keys = vec!["thumbs/\"a\"/é.jpg".to_owned()];
    notice.title = format!("[critical] mass_delete: role/ThumbCleaner deleted 12480 in {bucket}");
    notice.text = format!("{}\n  How unusual: 31 times the largest hour", notice.title);
    notice.short_text = format!("role/ThumbCleaner deleted 12480 objects in {bucket}");
    notice
}
