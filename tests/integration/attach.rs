//! `deltrail attach` and `deltrail detach` as people run them, against an AWS emulator and against
//! answers that S3 may give one day. They know the commands and the API of S3, and not how a change
//! is made.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::types::{
    Event, EventBridgeConfiguration, FilterRule, FilterRuleName, NotificationConfiguration,
    NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter, TopicConfiguration,
};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::extract::Request;
use deltrail::setup::notification::{Wish, with, without};
use deltrail::setup::{AttachError, BucketNotifications};

use crate::emulator::{emulator, eventually};
use crate::requirement::scratch;

const REGION: &str = "us-east-1";
const QUEUE_OF_OTHERS: &str = "arn:aws:sqs:us-east-1:000000000000:attach-of-others";

/// What a command ended with.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The program with the AWS of an endpoint around it, and nothing else.
pub struct Program {
    endpoint: String,
    folder: PathBuf,
}

impl Program {
    pub fn at(endpoint: &str, name: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), folder: scratch(name) }
    }

    /// Runs a command to its end, beside the test.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deltrail"));
        command
            .args(arguments)
            .env_clear()
            .envs([("AWS_REGION", REGION), ("AWS_EC2_METADATA_DISABLED", "true")])
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            // No profile of whoever runs the tests.
            .env("HOME", &self.folder)
            .env("DELTRAIL_S3_PATH_STYLE", "true")
            .current_dir(&self.folder);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Ended { code: output.status.code().unwrap(), stdout, stderr }
    }
}

/// An endpoint's AWS, for the tests' own calls.
pub fn aws(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

/// S3 with buckets in the path.
pub fn s3(aws: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(aws).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

/// A bucket that tells a topic, another queue and `EventBridge` of this and that, and a queue that
/// nobody tells anything.
struct Estate {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    bucket: String,
    queue_url: String,
    queue_arn: String,
}

impl Estate {
    async fn build(endpoint: &str, name: &str) -> Self {
        let aws = aws(endpoint);
        let (s3, sqs) = (s3(&aws), aws_sdk_sqs::Client::new(&aws));
        let bucket = format!("attach-{name}");
        s3.create_bucket().bucket(&bucket).send().await.unwrap();
        sqs.create_queue().queue_name("attach-of-others").send().await.unwrap();
        let topic = aws_sdk_sns::Client::new(&aws).create_topic().name("attach-of-others");
        let topic = topic.send().await.unwrap().topic_arn.unwrap();
        let queue_url = sqs.create_queue().queue_name(&bucket).send().await.unwrap();
        let queue_url = queue_url.queue_url.unwrap();
        let queue_arn = format!("arn:aws:sqs:{REGION}:000000000000:{bucket}");
        let estate = Self { s3, sqs, bucket, queue_url, queue_arn };
        estate.put(others(&topic)).await;
        estate
    }

    async fn put(&self, configuration: NotificationConfiguration) {
        let put = self.s3.put_bucket_notification_configuration().bucket(&self.bucket);
        put.notification_configuration(configuration).send().await.unwrap();
    }

    /// What S3 answers, each entry in its own words.
    async fn told(&self) -> Vec<String> {
        let get = self.s3.get_bucket_notification_configuration().bucket(&self.bucket);
        let told = get.send().await.unwrap();
        let mut entries: Vec<String> =
            told.queue_configurations().iter().map(|entry| format!("{entry:?}")).collect();
        entries.extend(told.topic_configurations().iter().map(|entry| format!("{entry:?}")));
        entries.extend(told.event_bridge_configuration().map(|entry| format!("{entry:?}")));
        entries
    }

    fn arguments<'a>(&'a self, command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let what = [command, "--bucket", &self.bucket, "--queue-arn", &self.queue_arn];
        [&what[..], more].concat()
    }
}

fn keys(prefix: &str) -> NotificationConfigurationFilter {
    let rule = FilterRule::builder().name(FilterRuleName::Prefix).value(prefix).build();
    let key = S3KeyFilter::builder().filter_rules(rule).build();
    NotificationConfigurationFilter::builder().key(key).build()
}

fn others(topic: &str) -> NotificationConfiguration {
    let queue = QueueConfiguration::builder()
        .id("others, by hand")
        .queue_arn(QUEUE_OF_OTHERS)
        .events(Event::S3ObjectTagging)
        .events(Event::S3ObjectRestore)
        .filter(keys("ä b+c/"));
    let topic = TopicConfiguration::builder()
        .id("uploads")
        .topic_arn(topic)
        .events(Event::S3ObjectCreatedPut)
        .filter(keys("uploads/"));
    NotificationConfiguration::builder()
        .queue_configurations(queue.build().unwrap())
        .topic_configurations(topic.build().unwrap())
        .event_bridge_configuration(EventBridgeConfiguration::builder().build())
        .build()
}

#[tokio::test]
async fn a_bucket_is_attached_and_detached_and_others_keep_theirs() {
    let Some(emulator) = emulator() else { return };
    let program = Program::at(&emulator.endpoint, "attach");
    let estate = Estate::build(&emulator.endpoint, "shared").await;
    let before = estate.told().await;
    assert_eq!(before.len(), 3, "{before:?}");
    let events = ["--events", "s3:ObjectRemoved:*,s3:LifecycleExpiration:*"];

    let shown = program.run(&estate.arguments("attach", &events)).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.contains(&format!("\n+ queue {}\n", estate.queue_arn)), "{shown:?}");
    assert!(shown.stdout.contains(&format!("\n  queue {QUEUE_OF_OTHERS}\n")), "{shown:?}");
    assert!(shown.stdout.contains(r#""aws:SourceArn": "arn:aws:s3:::attach-shared""#), "{shown:?}");
    assert!(shown.stdout.contains(r#""aws:SourceAccount": "000000000000""#), "{shown:?}");
    assert!(shown.stderr.contains("--apply"), "{shown:?}");
    assert_eq!(estate.told().await, before, "it was only shown");

    let apply = [&events[..], &["--apply"]].concat();
    let written = program.run(&estate.arguments("attach", &apply)).await;
    assert_eq!(written.code, 0, "{written:?}");
    let after = estate.told().await;
    assert_eq!(after.len(), 4, "{after:?}");
    for entry in &before {
        assert!(after.contains(entry), "{entry} is missing or another one in {after:?}");
    }
    let again = program.run(&estate.arguments("attach", &apply)).await;
    assert_eq!((again.code, estate.told().await), (0, after), "{again:?}");

    estate.s3.put_object().bucket(&estate.bucket).key("a").send().await.unwrap();
    estate.s3.delete_object().bucket(&estate.bucket).key("a").send().await.unwrap();
    eventually(20, "the queue is told of the delete", async || {
        let receive = estate.sqs.receive_message().queue_url(&estate.queue_url);
        let received = receive.max_number_of_messages(10).send().await.unwrap();
        let told = |body: &str| body.contains("ObjectRemoved:Delete");
        let is_told = received.messages().iter().any(|m| m.body().is_some_and(told));
        if is_told { Ok(()) } else { Err(format!("{received:?}")) }
    })
    .await;

    let shown = program.run(&estate.arguments("detach", &[])).await;
    assert!(shown.stdout.contains(&format!("\n- queue {}\n", estate.queue_arn)), "{shown:?}");
    assert_eq!(estate.told().await.len(), 4, "it was only shown");
    let taken_back = program.run(&estate.arguments("detach", &["--apply"])).await;
    assert_eq!(taken_back.code, 0, "{taken_back:?}");
    assert_eq!(estate.told().await, before);
}

#[tokio::test]
async fn what_s3_would_refuse_is_refused_with_the_entry_that_is_in_the_way() {
    let Some(emulator) = emulator() else { return };
    let program = Program::at(&emulator.endpoint, "attach-overlap");
    let estate = Estate::build(&emulator.endpoint, "overlap").await;
    let before = estate.told().await;
    let refused = program.run(&estate.arguments("attach", &["--apply"])).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("s3:ObjectCreated:* already"), "{refused:?}");
    assert!(refused.stderr.contains("\"uploads\""), "{refused:?}");
    assert_eq!(estate.told().await, before);
    let queue = "arn:aws:sqs:eu-west-1:000000000000:attach-overlap";
    let elsewhere = ["attach", "--bucket", &estate.bucket, "--queue-arn", queue, "--apply"];
    let elsewhere = program.run(&elsewhere).await;
    assert_eq!(elsewhere.code, 1, "{elsewhere:?}");
    assert!(elsewhere.stderr.contains("its own region only"), "{elsewhere:?}");
    let missing = ["attach", "--bucket", "attach-nowhere", "--queue-arn", &estate.queue_arn];
    let missing = program.run(&missing).await;
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.stderr.contains("bucket attach-nowhere: there is none"), "{missing:?}");
}

#[tokio::test]
async fn a_change_of_somebody_else_in_between_is_never_overwritten() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build(&emulator.endpoint, "race").await;
    let aws = aws(&emulator.endpoint);
    let notifications = BucketNotifications::find(&aws, &estate.bucket, true).await.unwrap();
    let wish = Wish {
        queue_arn: estate.queue_arn.clone(),
        events: vec!["s3:ObjectRemoved:*".to_owned()],
        prefix: String::new(),
        suffix: String::new(),
    };
    let before = notifications.read().await.unwrap();
    let after = with(&before, &wish).unwrap();
    let mut theirs = before.clone();
    theirs.queue_configurations = None;
    estate.put(theirs).await;
    let changed = estate.told().await;
    let error = notifications.replace(&before, &after).await.unwrap_err();
    assert!(matches!(error, AttachError::ChangedBefore { .. }), "{error}");
    assert_eq!(estate.told().await, changed);
    let before = notifications.read().await.unwrap();
    notifications.replace(&before, &with(&before, &wish).unwrap()).await.unwrap();
    let ours = notifications.read().await.unwrap();
    let taken_back = without(&ours, &estate.queue_arn, None);
    notifications.replace(&ours, &taken_back).await.unwrap();
    assert_eq!(estate.told().await, changed);
}

#[tokio::test]
async fn what_could_not_be_sent_back_is_not_touched() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let methods: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&methods);
    let s3_of_tomorrow = async move |request: Request| {
        kept.lock().unwrap().push(request.method().to_string());
        "<NotificationConfiguration><EventBridgeConfiguration><Rules>7</Rules>\
         </EventBridgeConfiguration></NotificationConfiguration>"
    };
    let router = Router::new().fallback(s3_of_tomorrow);
    tokio::spawn(async move { axum::serve(listener, router).await });

    let program = Program::at(&endpoint, "attach-tomorrow");
    let queue = "arn:aws:sqs:us-east-1:111122223333:deletions";
    let attach = ["attach", "--bucket", "images", "--queue-arn", queue, "--apply"];
    let ended = program.run(&attach).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("does not know (Rules)"), "{ended:?}");
    let methods = methods.lock().unwrap();
    assert!(methods.iter().all(|method| method == "HEAD" || method == "GET"), "{methods:?}");
}

#[tokio::test]
async fn what_makes_no_sense_is_said_before_anything_is_asked() {
    let program = Program::at("http://127.0.0.1:9", "attach-usage");
    let queue = "arn:aws:sqs:us-east-1:111122223333:deletions";
    for wrong in [
        &["attach", "--bucket", "images"][..],
        &["attach", "--bucket", "s3://images", "--queue-arn", queue],
        &["attach", "--bucket", "images/a", "--queue-arn", queue],
        &["attach", "--bucket", "images", "--queue-arn", "deletions"],
        &["attach", "--bucket", "images", "--queue-arn", &format!("{queue}.fifo")],
        &["attach", "--bucket", "images", "--queue-arn", queue, "--events", "ObjectRemoved:*"],
    ] {
        let ended = program.run(wrong).await;
        assert_eq!(ended.code, 2, "{wrong:?}: {ended:?}");
    }
}
