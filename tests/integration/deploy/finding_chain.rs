//! The whole chain for what the daemon finds itself: somebody empties a bucket from which nothing
//! was ever deleted. Prometheus and Alertmanager tell of it and of its end, and the daemon's own
//! notice names who it was as soon as CloudTrail does.

use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Delete, Event, NotificationConfiguration,
    ObjectIdentifier, QueueConfiguration,
};
use deltrail::sandbox::Sandbox;
use deltrail::sandbox::faults::Faults;
use deltrail::sandbox::record::cloudtrail::ChildLayout;
use deltrail::sandbox::s3::{NotificationRule, ServicePut, Versioning};
use deltrail::sandbox::scenario::{Actor, DAEMON, EVENTS_QUEUE, LOGS, QUEUE, StageOptions, open};
use deltrail_core::domain::Timestamp;
use futures_util::StreamExt as _;
use serde_json::Value;

use super::chain::Scene;
use crate::emulator::{Daemon, eventually};
use crate::notify::Receiver;
use crate::requirement::scratch;

/// Nothing was ever deleted from it.
const BUCKET: &str = "example-ledgers";
const PREFIX: &str = "ledgers/2026/";
/// A little more than what is a mass wherever nothing is known yet.
const OBJECTS: usize = 1_050;
/// As many keys as S3 lets one call delete, so that two are needed.
const KEYS_PER_CALL: usize = 1_000;
/// Uploads at a time.
const UPLOADS: usize = 16;

fn keys() -> Vec<String> {
    (0..OBJECTS).map(|number| format!("{PREFIX}{number:05}.csv")).collect()
}

/// Somebody who signs with this key and secret.
fn client(endpoint: &str, region: &str, [key, secret]: [&str; 2]) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .force_path_style(true)
        .build();
    Client::from_conf(config)
}

/// Deletes everything in the bucket by two bulk calls.
async fn empty(client: &Client) {
    for keys in keys().chunks(KEYS_PER_CALL) {
        let object = |key: &String| ObjectIdentifier::builder().key(key).build().unwrap();
        let delete = Delete::builder().set_objects(Some(keys.iter().map(object).collect()));
        let call = client.delete_objects().bucket(BUCKET).delete(delete.build().unwrap());
        let answer = call.send().await.expect("the bulk call is answered");
        assert_eq!((answer.deleted().len(), answer.errors()), (keys.len(), &[][..]));
    }
}

/// The demo's visitor, when its day is over.
fn visitor(output: &str) -> Result<(Client, String), String> {
    if !output.contains("The day is over") {
        return Err(output.to_owned());
    }
    let words = |beginning: &str| -> Vec<&str> {
        let mut lines = output.lines().map(str::trim_start);
        lines.find_map(|line| line.strip_prefix(beginning)).unwrap().split_whitespace().collect()
    };
    let [endpoint, "region", region] = words("S3 and SQS")[..] else { panic!("{output}") };
    let [key, secret] = words("key, token")[..] else { panic!("{output}") };
    Ok((client(endpoint, region, [key, secret]), region.to_owned()))
}

/// Makes the bucket as anybody does: fills it, and has it tell the daemon's queue of removals.
async fn fill(client: &Client, region: &str) {
    let there = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(region))
        .build();
    let create = client.create_bucket().bucket(BUCKET).create_bucket_configuration(there);
    create.send().await.expect("the bucket is made");
    let upload = |key: String| async move {
        let put = client.put_object().bucket(BUCKET).key(&key).body(ByteStream::from_static(b"1"));
        put.send().await.expect("the object is put");
    };
    futures_util::stream::iter(keys()).for_each_concurrent(UPLOADS, upload).await;
    let rule = QueueConfiguration::builder()
        .queue_arn(format!("arn:aws:sqs:{region}:111122223333:{EVENTS_QUEUE}"))
        .events(Event::from("s3:ObjectRemoved:*"))
        .build()
        .unwrap();
    let rules = NotificationConfiguration::builder().queue_configurations(rule).build();
    let set = client.put_bucket_notification_configuration().bucket(BUCKET);
    set.notification_configuration(rules).send().await.expect("the bucket's notification is set");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_deletions_of_a_quiet_bucket_call_somebody_until_they_are_over() {
    let folder = scratch("deploy-finding-chain");
    let Some(scene) = Scene::start(&folder).await else { return };
    let (visitor, region) =
        eventually(120, "the day is over", async || visitor(&scene.demo.output())).await;
    fill(&visitor, &region).await;
    empty(&visitor).await;

    let active = format!(
        "deltrail_finding_active{{bucket=\"{BUCKET}\",detector=\"mass_delete\",\
         severity=\"critical\"}} == 1"
    );
    eventually(90, "Prometheus knows of the finding", async || {
        match scene.prometheus.series(&active, None) {
            1 => Ok(()),
            series => Err(format!("{series} series\n{}", scene.demo.output())),
        }
    })
    .await;
    scene.until_paged(BUCKET, "mass_delete").await;

    eventually(300, "somebody is told that it is over", async || {
        let told = scene.told(BUCKET, "mass_delete");
        let is_over = told.last().is_some_and(|last| last.status == "resolved");
        if is_over { Ok(()) } else { Err(format!("{told:#?}")) }
    })
    .await;
}

fn now() -> Timestamp {
    let since_epoch = std::time::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap())
}

/// The stage of the demo at the world's pace, where CloudTrail takes its minutes unless it is
/// hurried, with the full bucket in it.
async fn stage() -> Sandbox {
    let sandbox = open(StageOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        seed: 7,
        beginning: now(),
        scale: 1.0,
        visitor_secret: "secret".into(),
        child_layout: ChildLayout::SharedRequest,
        faults: Faults::none(),
    })
    .await
    .unwrap();
    sandbox.clock().run();
    let buckets = sandbox.buckets();
    buckets.create(BUCKET, Versioning::Off);
    for key in keys() {
        let put = ServicePut {
            bucket: BUCKET.into(),
            key,
            body: "1".into(),
            content_type: "text/csv".into(),
            content_encoding: None,
            metadata: std::collections::BTreeMap::new(),
        };
        buckets.put_by_service("backup.amazonaws.com", put).unwrap();
    }
    let rule = NotificationRule {
        id: "removed".into(),
        queue_arn: sandbox.queues().arn(EVENTS_QUEUE),
        events: vec!["s3:ObjectRemoved:*".into()],
        prefix: String::new(),
        suffix: String::new(),
    };
    buckets.set_notifications(BUCKET, vec![rule]);
    sandbox
}

/// The daemon on that stage, which tells this receiver of findings.
async fn daemon(sandbox: &Sandbox, folder: &Path, receiver: &Receiver) -> Daemon {
    let reader = sandbox.principal(DAEMON).unwrap();
    let signer = [sandbox.region(), &reader.access_key_id, &reader.secret_access_key];
    let [logs, events] = [QUEUE, EVENTS_QUEUE].map(|queue| sandbox.queues().url(queue));
    let webhook = format!("{}/findings", receiver.origin);
    let queues = ["--queue-url", &logs, "--queue-url", &events, "--log-bucket", LOGS];
    let settings = [&queues[..], &["--notify-webhook", &webhook]].concat();
    Daemon::start_at(sandbox.endpoint(), signer, folder, &settings).await
}

/// What the receiver was told of the mass deletion, in order.
fn notices(receiver: &Receiver) -> Vec<Value> {
    let notices = receiver.posted().into_iter().map(|posted| posted.json());
    notices.filter(|notice| notice["finding"]["detector"] == "mass_delete").collect()
}

/// Waits for a notice that names this one as who it was.
async fn notice_about(receiver: &Receiver, principal: &str) -> Value {
    eventually(60, &format!("somebody is told that it was {principal}"), async || {
        let names = |notice: &Value| notice["finding"]["who"][0]["principal"] == principal;
        let found = notices(receiver).into_iter().find(names);
        found.ok_or_else(|| format!("{:#?}", notices(receiver)))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_comes_with_the_notifications_and_the_name_with_the_log() {
    let folder = scratch("deploy-finding-notice");
    let receiver = Receiver::start().await;
    let sandbox = stage().await;
    let daemon = daemon(&sandbox, &folder, &receiver).await;
    let job = sandbox.principal(Actor::CleanupJob.name()).unwrap();
    let signer = [job.access_key_id.as_str(), job.secret_access_key.as_str()];
    empty(&client(sandbox.endpoint(), sandbox.region(), signer)).await;

    // S3 knows no names, only the id that IAM gave the role.
    let first = notice_about(&receiver, &job.unique_id("AROA")).await;
    assert_eq!((&first["change"], &first["finding"]["bucket"]), (&"opened".into(), &BUCKET.into()));
    let text = first["text"].as_str().unwrap();
    let removed = first["finding"]["removed"].as_u64().unwrap();
    let sample = first["finding"]["sample_keys"][0].as_str().unwrap();
    assert!(removed >= 1_000 && keys().iter().any(|key| key == sample), "{first:#}");
    for part in [&format!("removed {removed} objects"), &format!("prefix {PREFIX}"), sample] {
        assert!(text.contains(part), "no {part}: {first:#}");
    }

    eventually(60, "every removal is counted", async || {
        let removed = daemon.scrape()?.sum("deltrail_objects_removed_total", &[("bucket", BUCKET)]);
        let is_all = (removed - OBJECTS as f64).abs() < f64::EPSILON;
        if is_all { Ok(()) } else { Err(format!("{removed} of {OBJECTS}")) }
    })
    .await;
    sandbox.delivery().flush().await;
    let named = notice_about(&receiver, Actor::CleanupJob.name()).await;
    assert_eq!((&named["change"], &named["thread"]), (&"updated".into(), &first["thread"]));
    assert_eq!(named["finding"]["removed"], OBJECTS, "{named:#}");
    let who = format!("{} removed {OBJECTS} objects", Actor::CleanupJob.name());
    assert!(named["text"].as_str().unwrap().contains(&who), "{named:#}");
    let told = notices(&receiver);
    assert!(told.iter().all(|notice| notice["thread"] == first["thread"]), "{told:#?}");
    let found = daemon.scrape().unwrap().counts("deltrail_findings_total", &["detector"]);
    assert_eq!(found.get(&vec!["mass_delete".to_owned()]), Some(&1), "it is one finding");
    daemon.stop();
    sandbox.stop().await;
}
