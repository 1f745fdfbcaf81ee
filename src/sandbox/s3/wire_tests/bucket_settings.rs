//! Buckets themselves, and what is set for them.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketLoggingStatus, BucketVersioningStatus,
    CreateBucketConfiguration, Event, FilterRule, FilterRuleName, LoggingEnabled,
    NotificationConfiguration, NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter,
    VersioningConfiguration,
};

use super::super::{AccessLogTarget, NotificationRule};
use super::*;

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:deletions";

#[tokio::test]
async fn a_bucket_is_made_for_its_region_and_goes_only_when_empty() {
    let mut world = world(Versioning::Enabled).await;
    let client = world.client();
    let create = || client.create_bucket().bucket("archive");
    let unspecified = create().send().await.expect_err("no region");
    assert_eq!(unspecified.code(), Some("IllegalLocationConstraintException"));
    let here = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::EuWest1)
        .build();
    let made = create().create_bucket_configuration(here.clone()).send().await.expect("made");
    assert_eq!(made.location(), Some("/archive"));
    let twice = create().create_bucket_configuration(here).send().await.expect_err("twice");
    assert_eq!(twice.code(), Some("BucketAlreadyOwnedByYou"));

    let listed = client.list_buckets().send().await.expect("a list");
    let names: Vec<_> = listed.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["archive", BUCKET]);
    let location = client.get_bucket_location().bucket("archive").send().await.expect("a place");
    assert_eq!(location.location_constraint(), Some(&BucketLocationConstraint::EuWest1));
    client.head_bucket().bucket("archive").send().await.expect("it is there");
    client.delete_bucket().bucket("archive").send().await.expect("empty");
    assert!(client.head_bucket().bucket("archive").send().await.is_err());
    world.expect_no_act();

    world.put("a", "x").await;
    client.delete_object().bucket(BUCKET).key("a").send().await.expect("hidden");
    let kept = client.delete_bucket().bucket(BUCKET).send().await.expect_err("versions");
    assert_eq!(kept.code(), Some("BucketNotEmpty"));
}

#[tokio::test]
async fn versioning_is_off_until_set_and_then_what_was_set() {
    let world = world(Versioning::Off).await;
    let client = world.client();
    let status = async || {
        let answer = client.get_bucket_versioning().bucket(BUCKET).send().await;
        answer.expect("an answer").status().cloned()
    };
    assert_eq!(status().await, None);
    for wanted in [BucketVersioningStatus::Enabled, BucketVersioningStatus::Suspended] {
        let configuration = VersioningConfiguration::builder().status(wanted.clone()).build();
        let put = client.put_bucket_versioning().bucket(BUCKET);
        put.versioning_configuration(configuration).send().await.expect("set");
        assert_eq!(status().await, Some(wanted));
    }
    assert_eq!(world.put("a", "x").await.as_deref(), Some("null"));
}

#[tokio::test]
async fn notifications_are_kept_as_configured_and_each_queue_gets_a_test_event() {
    let world = world(Versioning::Off).await;
    let filter = |name, value: &str| FilterRule::builder().name(name).value(value).build();
    let keys = S3KeyFilter::builder()
        .filter_rules(filter(FilterRuleName::Prefix, "cats/"))
        .filter_rules(filter(FilterRuleName::Suffix, ".jpg"))
        .build();
    let queue = QueueConfiguration::builder()
        .id("removals")
        .queue_arn(QUEUE)
        .events(Event::from("s3:ObjectRemoved:*"))
        .filter(NotificationConfigurationFilter::builder().key(keys).build())
        .build()
        .expect("a rule");
    let wanted = NotificationConfiguration::builder().queue_configurations(queue).build();
    let put = world.client().put_bucket_notification_configuration().bucket(BUCKET);
    put.notification_configuration(wanted.clone()).send().await.expect("set");

    let rule = NotificationRule {
        id: "removals".into(),
        queue_arn: QUEUE.into(),
        events: vec!["s3:ObjectRemoved:*".into()],
        prefix: "cats/".into(),
        suffix: ".jpg".into(),
    };
    assert_eq!(world.buckets.notification_rules(BUCKET), [rule]);
    let shown = world.client().get_bucket_notification_configuration().bucket(BUCKET);
    let shown = shown.send().await.expect("an answer");
    let events = shown.queue_configurations()[0].events();
    assert_eq!(events, [Event::from("s3:ObjectRemoved:*")]);
    let raised = world.test_events.lock().expect("not poisoned").clone();
    let [(queue_arn, body)] = raised.as_slice() else { panic!("one event: {raised:?}") };
    assert_eq!(queue_arn, QUEUE);
    assert!(body.contains("\"Event\":\"s3:TestEvent\""), "{body}");
}

#[tokio::test]
async fn an_access_log_goes_to_a_bucket_that_exists() {
    let world = world(Versioning::Off).await;
    let to = |bucket: &str| {
        let on = LoggingEnabled::builder().target_bucket(bucket).target_prefix("logs/");
        let status = BucketLoggingStatus::builder().logging_enabled(on.build().expect("a target"));
        let put = world.client().put_bucket_logging().bucket(BUCKET);
        put.bucket_logging_status(status.build()).send()
    };
    let missing = to("missing").await.expect_err("no bucket");
    assert_eq!(missing.code(), Some("InvalidTargetBucketForLogging"));
    world.buckets.create("access-logs", Versioning::Off);
    to("access-logs").await.expect("set");
    let target = AccessLogTarget { bucket: "access-logs".into(), prefix: "logs/".into() };
    assert_eq!(world.buckets.access_log(BUCKET), Some(target));
    let shown = world.client().get_bucket_logging().bucket(BUCKET).send().await.expect("on");
    let on = shown.logging_enabled().expect("on");
    assert_eq!((on.target_bucket(), on.target_prefix()), ("access-logs", "logs/"));
}
