//! `deltrail doctor` as people run it: against an estate in the AWS emulator that is sound, and
//! then spoiled, against the project's own sandbox, and against an AWS that denies everything. It
//! knows the command and what it prints, and not how a check is made.

mod gate;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudtrail::types::{AdvancedEventSelector, AdvancedFieldSelector};
use aws_sdk_s3::types::{
    BucketVersioningStatus, Event, NotificationConfiguration, QueueConfiguration,
    VersioningConfiguration,
};
use aws_sdk_sqs::types::QueueAttributeName;
use deltrail::setup::statement_to_send;
use serde_json::{Value, json};

use crate::attach::{Ended, Program, aws, s3};
use crate::emulator::{emulator, free_address};
use crate::sandbox::sandbox_of;
use gate::Gate;

const ACCOUNT: &str = "000000000000";

/// A queue with a dead-letter queue, a log bucket that tells it, a trail into that, and a bucket
/// with versions that it logs. All names begin with `name`.
struct Estate {
    name: &'static str,
    queue_url: String,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    trails: aws_sdk_cloudtrail::Client,
}

impl Estate {
    async fn build(endpoint: &str, name: &'static str) -> Self {
        let aws = aws(endpoint);
        let (s3, sqs) = (s3(&aws), aws_sdk_sqs::Client::new(&aws));
        let trails = aws_sdk_cloudtrail::Client::new(&aws);
        let make = |name: String| sqs.create_queue().queue_name(name).send();
        make(format!("{name}-dead")).await.unwrap();
        let queue_url = make(name.to_owned()).await.unwrap().queue_url.unwrap();
        let estate = Self { name, queue_url, s3, sqs, trails };
        estate.set_up_queue().await;
        for bucket in [estate.logs(), estate.images()] {
            estate.s3.create_bucket().bucket(bucket).send().await.unwrap();
        }
        estate.set_up_buckets().await;
        estate.set_up_trail().await;
        estate
    }

    fn logs(&self) -> String {
        format!("{}-logs", self.name)
    }

    fn images(&self) -> String {
        format!("{}-images", self.name)
    }

    fn queue_arn(&self) -> String {
        format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{}", self.name)
    }

    async fn set_up_queue(&self) {
        let source = format!("arn:aws:s3:::{}", self.logs());
        let statement =
            statement_to_send("s3.amazonaws.com", &source, Some(ACCOUNT), &self.queue_arn());
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let dead = format!("{}-dead", self.queue_arn());
        let redrive = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": "10" });
        let set = self.sqs.set_queue_attributes().queue_url(&self.queue_url);
        set.attributes(QueueAttributeName::Policy, policy)
            .attributes(QueueAttributeName::RedrivePolicy, redrive.to_string())
            .attributes(QueueAttributeName::VisibilityTimeout, "120")
            .attributes(QueueAttributeName::MessageRetentionPeriod, "1209600")
            .send()
            .await
            .unwrap();
    }

    async fn set_up_buckets(&self) {
        let versioning =
            VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let put = self.s3.put_bucket_versioning().bucket(self.images());
        put.versioning_configuration(versioning).send().await.unwrap();
        let queue = QueueConfiguration::builder()
            .queue_arn(self.queue_arn())
            .events(Event::S3ObjectCreated)
            .build()
            .unwrap();
        let told = NotificationConfiguration::builder().queue_configurations(queue).build();
        let put = self.s3.put_bucket_notification_configuration().bucket(self.logs());
        put.notification_configuration(told).send().await.unwrap();
        let day = format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/23");
        for key in [format!("{day}/1-older.json.gz"), format!("{day}/2-newer.json.gz")] {
            let body = b"not read to its end".to_vec().into();
            self.s3.put_object().bucket(self.logs()).key(key).body(body).send().await.unwrap();
        }
    }

    async fn set_up_trail(&self) {
        let create = self.trails.create_trail().name(self.name).s3_bucket_name(self.logs());
        create.is_multi_region_trail(true).enable_log_file_validation(true).send().await.unwrap();
        self.trails.start_logging().name(self.name).send().await.unwrap();
        self.select(&[]).await;
    }

    /// Has the trail log writes of objects but those of the log bucket, with more conditions.
    async fn select(&self, more: &[AdvancedFieldSelector]) {
        let equals = |field: &str, value: &str| {
            AdvancedFieldSelector::builder().field(field).equals(value).build().unwrap()
        };
        let logs = format!("arn:aws:s3:::{}/", self.logs());
        let not_logs = AdvancedFieldSelector::builder().field("resources.ARN");
        let objects = [
            equals("eventCategory", "Data"),
            equals("resources.type", "AWS::S3::Object"),
            equals("readOnly", "false"),
            not_logs.not_starts_with(logs).build().unwrap(),
        ];
        let objects = [&objects[..], more].concat();
        let selector = |fields: Vec<AdvancedFieldSelector>| {
            AdvancedEventSelector::builder().set_field_selectors(Some(fields)).build().unwrap()
        };
        let put = self.trails.put_event_selectors().trail_name(self.name);
        put.advanced_event_selectors(selector(objects))
            .advanced_event_selectors(selector(vec![equals("eventCategory", "Management")]))
            .send()
            .await
            .unwrap();
    }

    async fn examine(&self, program: &Program) -> Ended {
        let (logs, images) = (self.logs(), self.images());
        program.run(&doctor(&self.queue_url, &logs, &images)).await
    }
}

fn doctor<'a>(queue_url: &'a str, logs: &'a str, watched: &'a str) -> [&'a str; 9] {
    let what = ["--queue-url", queue_url, "--log-bucket", logs, "--watch-bucket", watched];
    ["doctor", "--output", "json", what[0], what[1], what[2], what[3], what[4], what[5]]
}

/// State, what was seen and the remedy of each check, by its name. None is told twice of a subject.
fn checks(ended: &Ended) -> BTreeMap<String, (String, String)> {
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = answer["checks"].as_array().unwrap().iter().map(|check| {
        let words = format!("{}: {}", text(&check["seen"]), text(&check["remedy"]));
        (text(&check["check"]), (text(&check["state"]), words))
    });
    told.collect()
}

/// The states of the checks that are not well, but for the disk of whoever runs the tests.
fn states(ended: &Ended) -> BTreeMap<String, String> {
    let all = checks(ended).into_iter().map(|(name, (state, _))| (name, state));
    all.filter(|(name, state)| state != "ok" && name != "store_durability").collect()
}

fn only(name: &str, state: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), state.to_owned())])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_estate_is_well_and_is_only_read() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build(&emulator.endpoint, "doctor-sound").await;
    let gate = Gate::to(&emulator.endpoint).await;
    let ended = estate.examine(&Program::at(&gate.endpoint, "doctor-sound")).await;
    assert_eq!((ended.code, states(&ended)), (0, BTreeMap::new()), "{ended:#?}");
    let told = checks(&ended);
    let newest = &told["log_object"].1;
    assert!(newest.contains("2026/11/23/2-newer.json.gz can be read"), "{newest}");

    let asked = gate.calls();
    let expected: BTreeSet<String> = [
        "DescribeTrails",
        "GET object",
        "GET bucket encryption",
        "GET bucket lifecycle",
        "GET bucket list-type",
        "GET bucket notification",
        "GET bucket versioning",
        "GetCallerIdentity",
        "GetEventSelectors",
        "GetQueueAttributes",
        "GetQueueUrl",
        "GetTrailStatus",
        "HEAD bucket",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(asked, expected, "what was asked (left), what may be asked (right)");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_spoiled_is_found_with_a_way_out() {
    let Some(emulator) = emulator() else { return };
    let estate = Estate::build(&emulator.endpoint, "doctor-spoiled").await;
    let program = Program::at(&emulator.endpoint, "doctor-spoiled");

    let without_keys = AdvancedFieldSelector::builder().field("eventType");
    estate.select(&[without_keys.not_equals("AwsServiceEvent").build().unwrap()]).await;
    let ended = estate.examine(&program).await;
    assert_eq!((ended.code, states(&ended)), (1, only("bulk_delete_keys", "fail")), "{ended:#?}");
    estate.select(&[]).await;

    estate.trails.stop_logging().name(estate.name).send().await.unwrap();
    let ended = estate.examine(&program).await;
    assert_eq!((ended.code, states(&ended)), (1, only("trail_logging", "fail")), "{ended:#?}");
    assert!(checks(&ended)["trail_logging"].1.contains("aws cloudtrail start-logging --name arn:"));
    estate.trails.start_logging().name(estate.name).send().await.unwrap();

    let nobody = estate.sqs.set_queue_attributes().queue_url(&estate.queue_url);
    nobody.attributes(QueueAttributeName::Policy, "").send().await.unwrap();
    let ended = estate.examine(&program).await;
    assert_eq!((ended.code, states(&ended)), (1, only("queue_policy", "fail")), "{ended:#?}");
    // What it tells to add mends it.
    let words = &checks(&ended)["queue_policy"].1;
    let statement: Value = serde_json::from_str(&words[words.find('{').unwrap()..]).unwrap();
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let mended = estate.sqs.set_queue_attributes().queue_url(&estate.queue_url);
    mended.attributes(QueueAttributeName::Policy, policy).send().await.unwrap();
    assert_eq!(states(&estate.examine(&program).await), BTreeMap::new());

    let nothing = NotificationConfiguration::builder().build();
    let silent = estate.s3.put_bucket_notification_configuration().bucket(estate.logs());
    silent.notification_configuration(nothing).send().await.unwrap();
    let ended = estate.examine(&program).await;
    assert_eq!((ended.code, states(&ended)), (1, only("notification", "fail")), "{ended:#?}");
    let words = checks(&ended)["notification"].1.clone();
    let command = words.split("deltrail ").nth(1).unwrap().replace('\'', "");
    let attached = program.run(&command.split_whitespace().collect::<Vec<_>>()).await;
    assert_eq!(attached.code, 0, "{attached:#?}");
    assert_eq!(states(&estate.examine(&program).await), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_is_unknown_with_the_action_that_is_missing() {
    let gate = Gate::that_denies().await;
    let queue_url = "https://sqs.us-east-1.amazonaws.com/111122223333/doctor-denied";
    let program = Program::at(&gate.endpoint, "doctor-denied");
    let ended = program.run(&doctor(queue_url, "doctor-denied-logs", "images")).await;
    assert_eq!(ended.code, 0, "{ended:#?}");
    let told = checks(&ended);
    for (name, action) in [
        ("credentials", "sts:GetCallerIdentity"),
        ("queue", "sqs:GetQueueAttributes"),
        ("notification", "s3:GetBucketNotification"),
        ("log_object", "s3:ListBucket"),
        ("trail", "cloudtrail:DescribeTrails"),
        ("recoverability", "s3:GetBucketVersioning"),
    ] {
        let (state, words) = &told[name];
        assert_eq!(state, "unknown", "{name}: {words}");
        assert!(words.contains(&format!("allow {action} on ")), "{name}: {words}");
    }
    assert_eq!(told["clock"].0, "ok", "a refusal tells the time too");
    let reading = ["Get", "List", "Describe", "HEAD ", "GET "];
    let is_read = |call: &String| reading.iter().any(|start| call.starts_with(start));
    assert!(gate.calls().iter().all(is_read), "{:?}", gate.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aws_that_does_not_answer_is_given_up() {
    let nobody = format!("http://{}", free_address());
    let queue_url = "https://sqs.us-east-1.amazonaws.com/111122223333/doctor-nobody";
    let program = Program::at(&nobody, "doctor-nobody");
    let ended = program.run(&doctor(queue_url, "doctor-nobody-logs", "images")).await;
    assert_eq!(ended.code, 1, "{ended:#?}");
    let told = checks(&ended);
    for name in ["credentials", "queue", "log_bucket"] {
        assert_eq!(told[name].0, "fail", "{name}");
        assert!(told[name].1.contains("AWS_ENDPOINT_URL"), "{}", told[name].1);
    }
    assert_eq!(told["store"].0, "ok", "the rest is looked at all the same");
    let usage = program.run(&["doctor", "--log-bucket", "a-log-bucket"]).await;
    assert_eq!(usage.code, 2, "{usage:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_tells_what_it_can_of_itself() {
    use deltrail::sandbox::s3::{NotificationRule, Versioning};
    use deltrail::sandbox::sqs::QueueAttributes;

    let sandbox = sandbox_of("tester", ["test", "test"]).await;
    sandbox.queues().create("trail", QueueAttributes::default());
    sandbox.buckets().create("trail-logs", Versioning::Off);
    let rule = NotificationRule {
        id: "logs".into(),
        queue_arn: sandbox.queues().arn("trail"),
        events: vec!["s3:ObjectCreated:*".into()],
        prefix: String::new(),
        suffix: String::new(),
    };
    sandbox.buckets().set_notifications("trail-logs", vec![rule]);
    let program = Program::at(sandbox.endpoint(), "doctor-sandbox");
    let ended = program.run(&doctor(&sandbox.queues().url("trail"), "trail-logs", "images")).await;
    let told = checks(&ended);
    let state = |name: &str| told[name].0.as_str();
    assert_eq!(state("queue"), "ok", "{ended:#?}");
    assert_eq!(state("notification"), "ok", "{ended:#?}");
    assert_eq!(state("queue_policy"), "fail", "it has none: {ended:#?}");
    assert_eq!(state("redrive_policy"), "warn", "{ended:#?}");
    assert_eq!(state("log_object"), "warn", "there is none yet: {ended:#?}");
    assert_eq!(ended.code, 1);
    sandbox.stop().await;
}
