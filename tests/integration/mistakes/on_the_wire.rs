//! Mistakes that AWS answers: the daemon starts, says what was refused and what to do, and goes on
//! trying, so that it works as soon as the mistake is mended.

use std::collections::BTreeMap;

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::{ServicePut, Versioning};

use super::{Attempt, LOG_BUCKET, QUEUE, notify, sandbox};

const LOG_OBJECT: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/\
    111122223333_CloudTrail_us-east-1_20261123T1200Z_AbCdEfGhIjKlMnOp.json.gz";

/// Puts a log object as CloudTrail does; nobody gets to read it.
fn write_log(sandbox: &Sandbox, bucket: &str) {
    let put = ServicePut {
        bucket: bucket.into(),
        key: LOG_OBJECT.into(),
        body: "unread".into(),
        content_type: "application/json".into(),
        content_encoding: Some("gzip".into()),
        metadata: BTreeMap::new(),
    };
    sandbox.buckets().put_by_service("cloudtrail.amazonaws.com", put).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_credentials() {
    let sandbox = sandbox().await;
    let mut attempt = Attempt::on(&sandbox, "no-credentials");
    attempt.environment.retain(|variable, _| !variable.contains("KEY"));
    insta::assert_snapshot!(attempt.start().line_with("cannot receive").await, @r#"
    WARN cannot receive messages from queue http://127.0.0.1:[port]/111122223333/trail:
      no AWS credentials were found (environment, profile, web identity, container and
      instance had none); set AWS_PROFILE, or AWS_ACCESS_KEY_ID and
      AWS_SECRET_ACCESS_KEY, or give the task or instance a role; tried again until it
      works queue="trail" region="us-east-1" reason="no_credentials"
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_does_not_exist() {
    let sandbox = sandbox().await;
    let mut attempt = Attempt::on(&sandbox, "wrong-url");
    attempt.queue_urls = vec![sandbox.queues().url("trial")];
    insta::assert_snapshot!(attempt.start().line_with("cannot receive").await, @r#"
    WARN cannot receive messages from queue http://127.0.0.1:[port]/111122223333/trial:
      it does not exist in region us-east-1, which AWS_REGION or the profile names, as
      its URL has none (HTTP 400 AWS.SimpleQueueService.NonExistentQueue: The specified
      queue does not exist., request id [request-id]); check account, name and region
      (aws sqs get-queue-url --queue-name trial --region REGION prints the URL where the
      queue is), or create the queue; tried again until it works queue="trial"
      region="us-east-1" request_id="[request-id]" reason="queue_missing"
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_in_another_region() {
    let sandbox = sandbox().await;
    let mut attempt = Attempt::on(&sandbox, "other-region");
    attempt.environment.insert("AWS_REGION", "eu-west-1".to_owned());
    insta::assert_snapshot!(attempt.start().line_with("cannot receive").await, @r#"
    WARN cannot receive messages from queue http://127.0.0.1:[port]/111122223333/trail:
      it does not exist in region eu-west-1, which AWS_REGION or the profile names, as
      its URL has none (HTTP 400 AWS.SimpleQueueService.NonExistentQueue: The specified
      queue does not exist., request id [request-id]); check account, name and region
      (aws sqs get-queue-url --queue-name trail --region REGION prints the URL where the
      queue is), or create the queue; tried again until it works queue="trail"
      region="eu-west-1" request_id="[request-id]" reason="queue_missing"
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn receiving_is_denied() {
    let sandbox = sandbox().await;
    sandbox.faults().deny("sqs:ReceiveMessage", QUEUE);
    let mut running = Attempt::on(&sandbox, "queue-denied").start();
    insta::assert_snapshot!(running.line_with("cannot receive").await, @r#"
    WARN cannot receive messages from queue http://127.0.0.1:[port]/111122223333/trail:
      access denied (HTTP 403 AccessDenied: User:
      arn:aws:iam::111122223333:user/AKIANEWCOMERXXXXXXXX is not authorized to perform:
      sqs:receivemessage on resource: arn:aws:sqs:us-east-1:111122223333:trail because
      no identity-based policy allows the sqs:receivemessage action, request id
      [request-id]); allow sqs:ReceiveMessage on
      arn:aws:sqs:us-east-1:111122223333:trail in the caller's IAM policy, and in the
      queue policy if the queue is in another account; tried again until it works
      queue="trail" region="us-east-1" request_id="[request-id]" reason="access_denied"
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_log_objects_is_denied() {
    let sandbox = sandbox().await;
    sandbox.faults().deny("s3:GetObject", LOG_BUCKET);
    write_log(&sandbox, LOG_BUCKET);
    let mut running = Attempt::on(&sandbox, "object-denied").start();
    insta::assert_snapshot!(running.line_with(LOG_OBJECT).await, @r#"
    WARN
      s3://my-trail-logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/111122223333_CloudTrail_us-east-1_20261123T1200Z_AbCdEfGhIjKlMnOp.json.gz:
      access denied (HTTP 403 AccessDenied: User:
      arn:aws:iam::111122223333:user/newcomer is not authorized to perform: s3:GetObject
      on resource:
      "arn:aws:s3:::my-trail-logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/111122223333_CloudTrail_us-east-1_20261123T1200Z_AbCdEfGhIjKlMnOp.json.gz"
      because no identity-based policy allows the s3:GetObject action, request id
      [request-id]); allow s3:GetObject on arn:aws:s3:::my-trail-logs/* in the caller's
      IAM policy, and in the bucket policy if the bucket is in another account; without
      s3:ListBucket a missing object answers so too; tried again until it works
      queue="trail" bucket="my-trail-logs"
      key="AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/111122223333_CloudTrail_us-east-1_20261123T1200Z_AbCdEfGhIjKlMnOp.json.gz"
      region="us-east-1" request_id="[request-id]" message_id="[message-id]"
      receive_count=1 reason="access_denied"
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_the_log_objects_is_denied() {
    let sandbox = sandbox().await;
    sandbox.faults().deny("kms:Decrypt", LOG_BUCKET);
    write_log(&sandbox, LOG_BUCKET);
    let mut running = Attempt::on(&sandbox, "key-denied").start();
    insta::assert_snapshot!(running.line_with(LOG_OBJECT).await, @r#"
    WARN
      s3://my-trail-logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/111122223333_CloudTrail_us-east-1_20261123T1200Z_AbCdEfGhIjKlMnOp.json.gz:
      its KMS key cannot be used (HTTP 403 AccessDenied: User:
      arn:aws:iam::111122223333:user/newcomer is not authorized to perform: kms:Decrypt
      on resource:
      arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
      because no identity-based policy allows the kms:Decrypt action, request id
      [request-id]); allow kms:Decrypt on
      arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab in the
      caller's IAM policy and in the key policy, and check that the key is enabled;
      tried again until it works queue="trail" bucket="my-trail-logs"
      key="AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/111122223333_CloudTrail_us-east-1_20261123T1200Z_AbCdEfGhIjKlMnOp.json.gz"
      region="us-east-1" request_id="[request-id]" message_id="[message-id]"
      receive_count=1 reason="kms_denied"
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_bucket_is_not_named() {
    let sandbox = sandbox().await;
    sandbox.buckets().create("our-trail-logs", Versioning::Off);
    notify(&sandbox, "our-trail-logs", QUEUE);
    write_log(&sandbox, "our-trail-logs");
    let mut running = Attempt::on(&sandbox, "bucket-not-allowed").start();
    insta::assert_snapshot!(running.line_with(LOG_OBJECT).await, @r#"
    WARN log object
      s3://our-trail-logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/111122223333_CloudTrail_us-east-1_20261123T1200Z_AbCdEfGhIjKlMnOp.json.gz
      was not fetched: bucket our-trail-logs is no --log-bucket; if it is yours, add
      --log-bucket our-trail-logs (more objects of this bucket are only counted, in
      deltrail_rejected_total) queue="trail" bucket="our-trail-logs"
      key="AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/23/111122223333_CloudTrail_us-east-1_20261123T1200Z_AbCdEfGhIjKlMnOp.json.gz"
      region="us-east-1"
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_has_no_redrive_policy() {
    let sandbox = sandbox().await;
    let mut running = Attempt::on(&sandbox, "no-redrive").start();
    insta::assert_snapshot!(running.line_with("has no redrive policy").await, @r#"
    WARN queue trail has no redrive policy: a message that cannot be read is given up
      after 5 receives (--poison-after) and put into the reject table; give the queue a
      dead-letter queue to keep such messages queue="trail" region="us-east-1"
    "#);
}
