//! What S3 refuses, how it says so, and what of it leaves an act.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::{RequestId, RequestIdExt};

use super::super::super::faults::Fault;
use super::*;

type Got = Result<GetObjectOutput, SdkError<GetObjectError>>;

async fn get_as(client: &Client, key: &str) -> Got {
    client.get_object().bucket(BUCKET).key(key).send().await
}

fn status_of(error: &SdkError<GetObjectError>) -> u16 {
    error.raw_response().expect("an answer").status().as_u16()
}

#[tokio::test]
async fn who_cannot_be_told_who_they_are_is_refused_without_a_trace() {
    let mut world = world(Versioning::Off).await;
    let forged = get_as(&world.client_of(KEY_ID, "guessed", REGION), "a").await;
    let forged = forged.expect_err("a forged signature");
    assert_eq!((status_of(&forged), forged.code()), (403, Some("SignatureDoesNotMatch")));
    assert!(forged.message().is_some_and(|message| message.contains("signing method")));
    let unknown = get_as(&world.client_of("AKIAUNKNOWN", SECRET, REGION), "a").await;
    let unknown = unknown.expect_err("an unknown key");
    assert_eq!((status_of(&unknown), unknown.code()), (403, Some("InvalidAccessKeyId")));
    world.expect_no_act();
}

#[tokio::test]
async fn a_request_without_a_signature_is_denied_and_leaves_an_act() {
    let mut world = world(Versioning::Off).await;
    world.put("a", "x").await;
    world.forget_acts();
    let answer = world.raw("GET /images/a").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let act = world.act();
    assert_eq!(act.caller.principal, None);
    assert_eq!(act.refusal.expect("refused").code, "AccessDenied");
    for part in [
        format!("x-amz-request-id: {}", act.request_id),
        format!("x-amz-id-2: {}", act.host_id),
        "server: AmazonS3".to_owned(),
        "content-type: application/xml".to_owned(),
        format!("<RequestId>{}</RequestId>", act.request_id),
        format!("<HostId>{}</HostId></Error>", act.host_id),
    ] {
        assert!(answer.contains(&part), "{part} is not in {answer}");
    }
}

#[tokio::test]
async fn each_refusal_names_the_request_by_the_ids_of_its_act() {
    let mut world = world(Versioning::Off).await;
    let missing = get_as(&world.client(), "never").await.expect_err("missing");
    assert_eq!((status_of(&missing), missing.code()), (404, Some("NoSuchKey")));
    let act = world.act();
    assert_eq!(missing.request_id(), Some(act.request_id.as_str()));
    assert_eq!(missing.meta().extra("s3_extended_request_id"), Some(act.host_id.as_str()));
    assert_eq!(missing.extended_request_id(), Some(act.host_id.as_str()));
    assert_eq!(act.refusal.map(|refusal| refusal.status), Some(404));
}

#[tokio::test]
async fn a_head_is_refused_without_a_body() {
    let mut world = world(Versioning::Off).await;
    let head = world.client().head_object().bucket(BUCKET).key("never").send().await;
    let head = head.expect_err("missing");
    let answer = head.raw_response().expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.body().bytes()), (404, Some(&b""[..])));
    assert!(matches!(world.act().call, Call::Get { is_head: true, object_bytes: 0, .. }));
    let head = world.client().head_bucket().bucket("missing").send().await;
    assert_eq!(
        head.expect_err("missing").raw_response().expect("an answer").status().as_u16(),
        404
    );
}

#[tokio::test]
async fn a_signature_for_another_region_is_answered_with_the_right_one() {
    let mut world = world(Versioning::Off).await;
    let elsewhere = world.client_of(KEY_ID, SECRET, "us-east-1");
    let refused = get_as(&elsewhere, "a").await.expect_err("another region");
    assert_eq!((status_of(&refused), refused.code()), (400, Some("AuthorizationHeaderMalformed")));
    let body = refused.raw_response().and_then(|answer| answer.body().bytes()).expect("a body");
    let body = String::from_utf8_lossy(body);
    assert!(body.contains("the region 'us-east-1' is wrong; expecting 'eu-west-1'"), "{body}");
    assert!(body.contains("<Region>eu-west-1</Region><RequestId>"), "{body}");
    let head = elsewhere.head_bucket().bucket(BUCKET).send().await.expect_err("another region");
    let answer = head.raw_response().expect("an answer");
    assert_eq!(answer.headers().get("x-amz-bucket-region"), Some("eu-west-1"));
    world.expect_no_act();
}

#[tokio::test]
async fn another_owner_than_expected_is_denied() {
    let mut world = world(Versioning::Off).await;
    world.put("a", "x").await;
    world.forget_acts();
    let client = world.client();
    let get = || client.get_object().bucket(BUCKET).key("a");
    let refused = get().expected_bucket_owner("999999999999").send().await.expect_err("another");
    assert_eq!((status_of(&refused), refused.code()), (403, Some("AccessDenied")));
    assert!(world.act().refusal.is_some());
    get().expected_bucket_owner(ACCOUNT).send().await.expect("the right owner");
}

#[tokio::test]
async fn what_is_denied_is_named_in_the_words_of_aws() {
    let world = world(Versioning::Off).await;
    world.put("a", "x").await;
    let caller = "User: arn:aws:sts::111122223333:assumed-role/image-service/i-0abc is not \
                  authorized to perform:";
    let denied = |action: &'static str, key: &'static str| {
        let (world, client) = (&world, world.client());
        async move {
            world.faults.deny(action, BUCKET);
            let refused = get_as(&client, key).await.expect_err("denied");
            world.faults.allow(action, BUCKET);
            assert_eq!((status_of(&refused), refused.code()), (403, Some("AccessDenied")));
            refused.message().expect("a message").to_owned()
        }
    };
    assert_eq!(
        denied("s3:GetObject", "a").await,
        format!(
            "{caller} s3:GetObject on resource: \"arn:aws:s3:::images/a\" because no \
             identity-based policy allows the s3:GetObject action"
        )
    );
    assert_eq!(
        denied("kms:Decrypt", "a").await,
        format!(
            "{caller} kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/\
             1234abcd-12ab-34cd-56ef-1234567890ab because no identity-based policy allows the \
             kms:Decrypt action"
        )
    );
    let hidden = denied("s3:ListBucket", "never").await;
    assert!(hidden.contains("s3:ListBucket on resource: \"arn:aws:s3:::images\""), "{hidden}");
}

#[tokio::test]
async fn chance_refuses_requests_over_the_wire_as_s3_would() {
    let mut world = world(Versioning::Off).await;
    world.put("a", "x").await;
    world.forget_acts();
    for (fault, status, code, leaves_an_act) in [
        (Fault::S3InternalError, 500, "InternalError", true),
        (Fault::S3SlowDown, 503, "SlowDown", true),
        (Fault::S3AccessDenied, 403, "AccessDenied", true),
        (Fault::S3WrongRegion, 301, "PermanentRedirect", false),
        (Fault::S3ClockSkew, 403, "RequestTimeTooSkewed", false),
    ] {
        world.faults.set(fault, 1_000);
        let refused = get_as(&world.client(), "a").await.expect_err("by chance");
        world.faults.calm();
        assert_eq!((status_of(&refused), refused.code()), (status, Some(code)));
        if leaves_an_act {
            assert_eq!(world.act().refusal.map(|refusal| refusal.code).as_deref(), Some(code));
        }
        world.expect_no_act();
    }
    world.faults.set(Fault::S3InternalError, 1_000);
    world.buckets.expire(BUCKET, "a").expect("chance does not touch what S3 does by itself");
}

#[tokio::test]
async fn a_body_may_be_cut_or_slow() {
    let world = world(Versioning::Off).await;
    world.put("a", "0123456789").await;
    world.faults.set(Fault::S3BodyReset, 1_000);
    let mut cut = get_as(&world.client(), "a").await.expect("a head").body;
    let mut received = Vec::new();
    let broken = loop {
        match cut.next().await {
            Some(Ok(bytes)) => received.extend_from_slice(&bytes),
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(broken, "the connection breaks before the end");
    assert_eq!(received, b"01234");

    world.faults.calm();
    world.faults.set(Fault::S3SlowBody, 1_000);
    let mut slow = get_as(&world.client(), "a").await.expect("a head").body;
    let mut pieces = Vec::new();
    while let Some(piece) = slow.next().await {
        pieces.push(piece.expect("bytes"));
    }
    assert!(pieces.len() > 1, "{pieces:?}");
    assert_eq!(pieces.concat(), b"0123456789");
}
