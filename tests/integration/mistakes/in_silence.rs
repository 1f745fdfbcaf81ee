//! Mistakes that nobody answers: nothing is refused, and too little arrives. The daemon waits
//! before it says what that may mean, so all of them are made at once.

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::Versioning;
use deltrail::sandbox::sqs::QueueAttributes;

use super::{ACCESS_KEY_ID, Attempt, SECRET_ACCESS_KEY, notify, sandbox};
use crate::sandbox::REGION;

/// The daemon looks at a queue every 30 s, and says nothing in the first minute.
const PATIENCE_SECONDS: u64 = 150;

/// Another program takes a message from the queue and keeps it.
async fn take_a_message(sandbox: &Sandbox, queue: &str) {
    let credentials = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "test");
    let settings = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(credentials)
        .endpoint_url(sandbox.endpoint())
        .build();
    let other = aws_sdk_sqs::Client::from_conf(settings);
    let receive = other.receive_message().queue_url(sandbox.queues().url(queue));
    let taken = receive.visibility_timeout(3_600).send().await.unwrap();
    assert_eq!(taken.messages().len(), 1, "the other program's messages");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_quiet_queue_may_mean_is_said_once_it_was_quiet_for_a_while() {
    let sandbox = sandbox().await;
    for queue in ["without-notification", "tested-only", "drained"] {
        sandbox.queues().create(queue, QueueAttributes::default());
    }
    sandbox.buckets().create("tested-logs", Versioning::Off);
    notify(&sandbox, "tested-logs", "tested-only");
    let drained = sandbox.queues().arn("drained");
    assert!(sandbox.queues().send(&drained, "what deltrail should have seen".into()));
    take_a_message(&sandbox, "drained").await;

    let mut attempt = Attempt::on(&sandbox, "silence");
    attempt.queue_urls = ["without-notification", "tested-only", "drained"]
        .map(|queue| sandbox.queues().url(queue))
        .to_vec();
    let mut running = attempt.start();

    let nothing = running.line_with_within(PATIENCE_SECONDS, "nothing has arrived").await;
    let test_only = running.line_with_within(PATIENCE_SECONDS, "only the test message").await;
    let other = running.line_with_within(PATIENCE_SECONDS, "somebody else receives").await;
    insta::assert_snapshot!([nothing, test_only, other].join("\n"), @r#"
    INFO nothing has arrived on queue without-notification yet, which is normal at
      first: CloudTrail writes about every five minutes; if nothing comes within 15
      minutes, check that the event notification of the log bucket names this queue (aws
      s3api get-bucket-notification-configuration --bucket my-trail-logs), and that the
      policy of the queue lets s3.amazonaws.com send to it queue="without-notification"
      region="us-east-1"
    INFO only the test message of S3 has arrived on queue tested-only, so the
      notification works: CloudTrail writes about every five minutes; if nothing else
      comes within 15 minutes, check that the trail is logging (aws cloudtrail
      get-trail-status --name TRAIL), records S3 data events, and writes to the log
      bucket my-trail-logs queue="tested-only" region="us-east-1"
    WARN somebody else receives from queue drained: 1 of its messages in flight are not
      held here, and what they report is missing here; give deltrail a queue of its own,
      or stop the other consumer (another deltrail with the same store is fine, and what
      an earlier run held may count for up to 15 minutes) queue="drained"
      region="us-east-1"
    "#);
}
