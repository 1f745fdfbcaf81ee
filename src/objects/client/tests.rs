//! The real SDK against canned answers on loopback: what is asked, and what each answer means.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_sdk_s3::config::SharedCredentialsProvider;

use super::super::canned_http::{Canned, CannedHttp, sdk_config};
use super::*;

const BUCKET: &str = "trail-logs";
const KEY: &str = "AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/23/a.json.gz";

fn once() -> ObjectsOptions {
    ObjectsOptions { path_style: true, attempts: 1, ..ObjectsOptions::default() }
}

async fn objects_that_answer(answers: Vec<Canned>) -> (S3Objects, CannedHttp) {
    let server = CannedHttp::start(answers).await;
    (S3Objects::new(&sdk_config(&server.origin), once()), server)
}

async fn get(objects: &S3Objects) -> Result<Object, ObjectError> {
    objects.get(BUCKET, KEY, Revision::default(), None).await
}

async fn refused_with(answer: Canned) -> ObjectError {
    let (objects, _server) = objects_that_answer(vec![answer]).await;
    get(&objects).await.expect_err("a refusal")
}

fn refusal(status: u16, code: &str, message: &str) -> Canned {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>{message}</Message><RequestId>REQ123</RequestId></Error>"
    );
    Canned::answer(status, body).header("x-amz-request-id", "REQ123")
}

async fn read(object: &mut Object) -> Result<Vec<u8>, ObjectError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = object.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[tokio::test]
async fn the_bytes_come_as_stored_whatever_encoding_and_checksum_are_claimed() {
    let stored = b"\x1f\x8bnot really gzip";
    let answer = Canned::answer(200, stored)
        .header("content-encoding", "gzip")
        .header("content-type", "application/json")
        .header("x-amz-checksum-type", "FULL_OBJECT")
        .header("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")
        .header("etag", "\"9b2cf535f27731c974343645a3985328\"")
        .header("last-modified", "Mon, 23 Nov 2026 10:00:00 GMT");
    let (objects, server) = objects_that_answer(vec![answer]).await;

    let mut object = get(&objects).await.expect("an object");

    assert_eq!(object.content_length, Some(stored.len() as u64));
    assert_eq!(object.last_modified_millis, Some(1_795_428_000_000));
    assert_eq!(object.etag.as_deref(), Some("9b2cf535f27731c974343645a3985328"));
    assert_eq!(object.revision, "9b2cf535f27731c974343645a3985328");
    assert_eq!(read(&mut object).await.expect("all bytes"), stored);
    assert!(object.chunk().await.expect("still the end").is_none());
    let request = server.requests()[0].to_ascii_lowercase();
    assert!(!request.contains("accept-encoding: gzip"), "{request}");
    assert!(!request.contains("x-amz-checksum-mode"), "{request}");
}

#[tokio::test]
async fn the_revision_is_the_version_unless_that_is_null() {
    for (version, revision) in [("3HL4kqtJlcpXroDTDmJrmSpXd3dIbrHY", None), ("null", Some("abc"))] {
        let answer =
            Canned::answer(200, "x").header("x-amz-version-id", version).header("etag", "\"abc\"");
        let (objects, _server) = objects_that_answer(vec![answer]).await;
        let object = get(&objects).await.expect("an object");
        assert_eq!(object.revision, revision.unwrap_or(version));
    }
}

#[tokio::test]
async fn key_version_tag_and_owner_are_sent_as_s3_wants_them() {
    let server = CannedHttp::start([Canned::answer(200, "x")]).await;
    let options =
        ObjectsOptions { expected_bucket_owner: Some("123456789012".to_owned()), ..once() };
    let objects = S3Objects::new(&sdk_config(&server.origin), options);
    let revision = Revision { version_id: Some("v+1"), etag: Some("abc") };

    objects.get(BUCKET, "로그/a b+c%20.json.gz", revision, None).await.expect("an object");

    let request = server.requests()[0].clone();
    for part in [
        "GET /trail-logs/%EB%A1%9C%EA%B7%B8/a%20b%2Bc%2520.json.gz?",
        "versionId=v%2B1",
        "if-match: \"abc\"",
        "x-amz-expected-bucket-owner: 123456789012",
    ] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
}

#[tokio::test]
async fn each_refusal_has_its_kind_and_names_object_request_and_next_step() {
    let by_role = "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:Decrypt";
    let ciphertext = "The ciphertext refers to a customer master key that does not exist";
    for (status, code, message, kind, next_step, is_transient) in [
        (404, "NoSuchKey", "no such key", "gone", "lifecycle", false),
        (404, "NoSuchVersion", "no such version", "gone", "lifecycle", false),
        (404, "NoSuchBucket", "no such bucket", "bucket_missing", "check --log-bucket", false),
        (403, "AccessDenied", "Access Denied", "access_denied", "s3:ListBucket", false),
        (403, "AccessDenied", by_role, "kms_denied", "allow kms:Decrypt on", false),
        (403, "AccessDenied", ciphertext, "kms_denied", "allow kms:Decrypt on", false),
        (400, "KMS.DisabledException", "disabled", "kms_denied", "key is enabled", false),
        (400, "ExpiredToken", "expired", "no_credentials", "renew", false),
        (403, "InvalidAccessKeyId", "unknown", "no_credentials", "renew", false),
        (403, "RequestTimeTooSkewed", "skewed", "no_credentials", "clock", false),
        (412, "PreconditionFailed", "changed", "changed", "replaced", false),
        (403, "InvalidObjectState", "GLACIER", "invalid_state", "restore", false),
        (503, "SlowDown", "Reduce your request rate", "throttled", "fewer objects", true),
        (503, "ServiceUnavailable", "busy", "throttled", "fewer objects", true),
        (301, "PermanentRedirect", "elsewhere", "wrong_region", "AWS_REGION", false),
        (500, "InternalError", "try again", "other", "API reference", true),
        (400, "RequestTimeout", "idle", "other", "API reference", true),
        (400, "InvalidArgument", "bad version", "other", "API reference", false),
    ] {
        let error = refused_with(refusal(status, code, message)).await;
        let line = error.to_string();
        assert_eq!(error.kind(), kind, "{line}");
        assert_eq!(error.is_transient(), is_transient, "{line}");
        let object = format!("s3://{BUCKET}/{KEY}");
        for part in [object.as_str(), next_step, code, message, "request id REQ123"] {
            assert!(line.contains(part), "{part} is not in: {line}");
        }
    }
}

#[tokio::test]
async fn the_mistakes_of_a_first_day_are_told_in_full() {
    let denied = "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: \
                  s3:GetObject on resource: the object because no policy allows the action";
    let key = "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: kms:Decrypt \
               on resource: arn:aws:kms:eu-west-1:123456789012:key/1a2b-3c4d because no \
               identity-based policy allows the kms:Decrypt action";
    let mut told = Vec::new();
    for (status, code, message) in [
        (403, "AccessDenied", denied),
        (403, "AccessDenied", key),
        (404, "NoSuchKey", "The specified key does not exist."),
        (404, "NoSuchBucket", "The specified bucket does not exist"),
        (403, "InvalidAccessKeyId", "The AWS Access Key Id does not exist in our records."),
    ] {
        let error = refused_with(refusal(status, code, message)).await;
        assert_eq!(error.request_id(), Some("REQ123"));
        assert_eq!(error.is_of_whole_bucket(), code != "NoSuchKey", "{error}");
        told.push(error.to_string());
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    s3://trail-logs/AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/23/a.json.gz: access denied (HTTP 403 AccessDenied: User: arn:aws:iam::123456789012:user/bob is not authorized to perform: s3:GetObject on resource: the object because no policy allows the action, request id REQ123); allow s3:GetObject on arn:aws:s3:::trail-logs/* in the caller's IAM policy, and in the bucket policy if the bucket is in another account; without s3:ListBucket a missing object answers so too
    s3://trail-logs/AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/23/a.json.gz: its KMS key cannot be used (HTTP 403 AccessDenied: User: arn:aws:iam::123456789012:user/bob is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:123456789012:key/1a2b-3c4d because no identity-based policy allows the kms:Decrypt action, request id REQ123); allow kms:Decrypt on arn:aws:kms:eu-west-1:123456789012:key/1a2b-3c4d in the caller's IAM policy and in the key policy, and check that the key is enabled
    s3://trail-logs/AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/23/a.json.gz does not exist (HTTP 404 NoSuchKey: The specified key does not exist., request id REQ123); it was deleted or has expired since it was announced: check the bucket's lifecycle rules, and how old the queue's messages are
    s3://trail-logs/AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/23/a.json.gz: the bucket does not exist (HTTP 404 NoSuchBucket: The specified bucket does not exist, request id REQ123); check --log-bucket and who sends such messages
    s3://trail-logs/AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/23/a.json.gz: the AWS credentials were refused (HTTP 403 InvalidAccessKeyId: The AWS Access Key Id does not exist in our records., request id REQ123); renew them, and check the clock of this host
    "#);
}

#[tokio::test]
async fn a_version_that_is_a_delete_marker_is_gone() {
    let answer = refusal(405, "MethodNotAllowed", "not allowed against this resource")
        .header("x-amz-delete-marker", "true");
    assert_eq!(refused_with(answer).await.kind(), "gone");
}

#[tokio::test]
async fn a_refusal_with_an_expected_owner_names_the_account() {
    let server = CannedHttp::start([refusal(403, "AccessDenied", "Access Denied")]).await;
    let options =
        ObjectsOptions { expected_bucket_owner: Some("123456789012".to_owned()), ..once() };
    let error =
        get(&S3Objects::new(&sdk_config(&server.origin), options)).await.expect_err("refusal");
    assert!(error.to_string().contains("account 123456789012 owns the bucket"), "{error}");
}

#[tokio::test]
async fn a_bucket_elsewhere_is_followed_once_and_remembered() {
    let redirect = refusal(301, "PermanentRedirect", "elsewhere")
        .header("x-amz-bucket-region", "eu-central-1");
    let answers = vec![redirect, Canned::answer(200, "one"), Canned::answer(200, "two")];
    let (objects, server) = objects_that_answer(answers).await;

    let mut first = get(&objects).await.expect("an object, from the right region");
    assert_eq!(read(&mut first).await.expect("bytes"), b"one");
    let mut second = get(&objects.clone()).await.expect("an object, at once");
    assert_eq!(read(&mut second).await.expect("bytes"), b"two");

    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[0].contains("/us-east-1/s3/aws4_request"), "{}", requests[0]);
    assert!(requests[1].contains("/eu-central-1/s3/aws4_request"), "{}", requests[1]);
    assert!(requests[2].contains("/eu-central-1/s3/aws4_request"), "{}", requests[2]);
}

#[tokio::test]
async fn the_right_region_is_also_taken_from_the_body_of_the_error() {
    let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' \
                is wrong; expecting 'ap-northeast-2'</Message><Region>ap-northeast-2</Region>\
                </Error>";
    let (objects, server) =
        objects_that_answer(vec![Canned::answer(400, body), Canned::answer(200, "x")]).await;
    get(&objects).await.expect("an object");
    assert!(server.requests()[1].contains("/ap-northeast-2/s3/aws4_request"));
}

#[tokio::test]
async fn two_redirects_in_a_row_are_an_error() {
    let to = |region| refusal(301, "PermanentRedirect", "no").header("x-amz-bucket-region", region);
    let (objects, server) =
        objects_that_answer(vec![to("eu-west-1"), to("eu-west-2"), to("eu-west-3")]).await;
    let error = get(&objects).await.expect_err("a loop");
    assert_eq!(error.kind(), "wrong_region", "{error}");
    assert!(error.to_string().contains("not in region eu-west-1"), "{error}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_region_that_is_none_is_neither_followed_nor_taken_as_a_hint() {
    let redirect = refusal(301, "PermanentRedirect", "elsewhere")
        .header("x-amz-bucket-region", "evil.example/");
    let (objects, server) = objects_that_answer(vec![redirect]).await;
    let error = objects
        .get(BUCKET, KEY, Revision::default(), Some("evil.example#"))
        .await
        .expect_err("a redirect to nowhere");
    assert_eq!(error.kind(), "wrong_region", "{error}");
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].contains("/us-east-1/s3/aws4_request"));
}

#[tokio::test]
async fn a_hint_decides_the_region_of_an_unknown_bucket() {
    let (objects, server) = objects_that_answer(vec![Canned::answer(200, "x")]).await;
    objects.get(BUCKET, KEY, Revision::default(), Some("sa-east-1")).await.expect("an object");
    assert!(server.requests()[0].contains("/sa-east-1/s3/aws4_request"));
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_body_never_looks_complete() {
    let (objects, _server) =
        objects_that_answer(vec![Canned::Cut { body: b"half".to_vec() }]).await;
    let mut object = get(&objects).await.expect("the head of an object");
    let error = read(&mut object).await.expect_err("a broken body");
    assert_eq!(error.kind(), "interrupted");
    assert!(error.is_transient());
    assert!(error.to_string().contains("interrupted after 4 bytes"), "{error}");
    assert_eq!(object.chunk().await.expect_err("still broken").to_string(), error.to_string());
}

#[tokio::test]
async fn an_endpoint_that_refuses_connections_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let objects = S3Objects::new(&sdk_config(&format!("http://{address}")), once());
    let error = get(&objects).await.expect_err("no connection");
    assert_eq!(error.kind(), "unreachable", "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn missing_credentials_are_told_apart_from_a_dead_network() {
    let server = CannedHttp::start([]).await;
    let empty_provider = ProfileFileCredentialsProvider::builder()
        .profile_name("deltrail-test-has-no-such-profile")
        .build();
    let config = sdk_config(&server.origin)
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(empty_provider))
        .build();
    let error = get(&S3Objects::new(&config, once())).await.expect_err("no credentials");
    assert_eq!(error.kind(), "no_credentials", "{error}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_transient_refusal_is_tried_again_by_the_sdk() {
    let server =
        CannedHttp::start([refusal(503, "SlowDown", "slower"), Canned::answer(200, "x")]).await;
    let options = ObjectsOptions { attempts: 2, ..once() };
    get(&S3Objects::new(&sdk_config(&server.origin), options)).await.expect("the second try");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn names_that_are_none_are_refused_before_anything_is_sent() {
    let (objects, server) = objects_that_answer(vec![]).await;
    for (bucket, key) in [
        ("arn:aws:s3:eu-west-1:123456789012:accesspoint/logs", KEY),
        ("evil.example/x", KEY),
        ("..", KEY),
        ("....", KEY),
        ("", KEY),
        (super::super::FILES, "/etc/passwd"),
        (BUCKET, ""),
    ] {
        let error = objects.get(bucket, key, Revision::default(), None).await.expect_err(bucket);
        assert_eq!(error.kind(), "invalid_name", "{error}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn control_characters_of_a_key_are_escaped_and_hangul_is_not() {
    let (objects, _server) = objects_that_answer(vec![refusal(404, "NoSuchKey", "none")]).await;
    let error = objects
        .get(BUCKET, "로그\r\n\u{1b}[31mred", Revision::default(), None)
        .await
        .expect_err("none");
    let line = error.to_string();
    assert!(line.starts_with(r"s3://trail-logs/로그\r\n\u{1b}[31mred does not exist"), "{line}");
}

#[tokio::test]
async fn an_entity_tag_that_no_header_can_hold_is_an_error_and_no_panic() {
    let (objects, server) = objects_that_answer(vec![]).await;
    let revision = Revision { version_id: None, etag: Some("a\r\nx-evil: 1") };
    let error = objects.get(BUCKET, KEY, revision, None).await.expect_err("no such header");
    assert!(!error.is_transient(), "{error}");
    assert_eq!(server.requests().len(), 0);
}
