//! Putting, reading, copying and listing objects.

use aws_sdk_s3::operation::{RequestId, RequestIdExt};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{EncodingType, MetadataDirective};

use super::*;

async fn body_of(world: &World, bucket: &str, key: &str) -> Vec<u8> {
    let answer = world.client().get_object().bucket(bucket).key(key).send().await.expect("found");
    answer.body.collect().await.expect("all bytes").to_vec()
}

#[tokio::test]
async fn a_key_comes_back_as_it_was_put_however_it_is_spelt() {
    let mut world = world(Versioning::Off).await;
    for key in ODD_KEYS {
        world.put(key, "bytes").await;
        assert!(
            matches!(world.act().call, Call::Put { key: stored, .. } if stored == key),
            "{key}"
        );
        assert_eq!(body_of(&world, BUCKET, key).await, b"bytes", "{key}");
        assert!(matches!(world.act().call, Call::Get { key: read, .. } if read == key), "{key}");
    }
    let mut expected = ODD_KEYS.to_vec();
    expected.sort_unstable();
    let raw = world.client().list_objects_v2().bucket(BUCKET).send().await.expect("a list");
    assert_eq!(keys_of(raw.contents()), expected);
    world.expect_no_act();
}

#[tokio::test]
async fn a_list_with_encoded_names_escapes_what_xml_and_urls_may_not_hold() {
    let world = world(Versioning::Off).await;
    world.put("a b+c/é", "x").await;
    let list = world.client().list_objects_v2().bucket(BUCKET).encoding_type(EncodingType::Url);
    let list = list.prefix("a b").send().await.expect("a list");
    assert_eq!(keys_of(list.contents()), ["a%20b%2Bc/%C3%A9"]);
    assert_eq!(list.prefix(), Some("a%20b"));
}

#[tokio::test]
async fn what_was_told_about_an_object_comes_back_with_it() {
    let mut world = world(Versioning::Off).await;
    let put = world.client().put_object().bucket(BUCKET).key("log.json.gz");
    put.body(ByteStream::from_static(b"hello"))
        .content_type("application/json")
        .content_encoding("gzip")
        .metadata("digest", "abc")
        .send()
        .await
        .expect("stored");
    let Call::Put { version_id, object_bytes, etag, .. } = world.act().call else {
        panic!("no put");
    };
    assert_eq!((version_id, object_bytes), (None, 5));
    assert_eq!(etag, "5d41402abc4b2a76b9719d911017c592");

    let head = world.client().head_object().bucket(BUCKET).key("log.json.gz").send().await;
    let head = head.expect("found");
    assert_eq!(head.content_length(), Some(5));
    assert_eq!(head.content_type(), Some("application/json"));
    assert_eq!(head.content_encoding(), Some("gzip"), "not how the request was cut into chunks");
    assert_eq!(head.metadata().and_then(|all| all.get("digest")).map(String::as_str), Some("abc"));
    assert_eq!(head.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    let age_seconds = head.last_modified().expect("a time").secs() - NOON.as_millis() / 1_000;
    assert!((0..3_600).contains(&age_seconds), "the sandbox's time: {age_seconds}");
    let act = world.act();
    let expected = Call::Get {
        key: "log.json.gz".into(),
        named_version: None,
        object_bytes: 5,
        is_head: true,
    };
    assert_eq!(act.call, expected);
}

#[tokio::test]
async fn an_act_tells_who_asked_when_and_with_which_ids() {
    let mut world = world(Versioning::Off).await;
    let answer = world.client().put_object().bucket(BUCKET).key("a").send().await.expect("stored");
    let act = world.act();
    assert_eq!(answer.request_id(), Some(act.request_id.as_str()));
    assert_eq!(answer.extended_request_id(), Some(act.host_id.as_str()));
    let principal = act.caller.principal.expect("signed");
    assert_eq!(principal.name, "image-service");
    assert!(act.caller.user_agent.contains("aws-sdk-rust"), "{}", act.caller.user_agent);
    assert_eq!(act.caller.host, world.address.to_string());
    assert!(act.caller.source_address.starts_with("203.0.113."), "{}", act.caller.source_address);
    assert!((20..=180).contains(&act.ended_at.millis_since(act.started_at)));
    assert_eq!((act.bucket.as_str(), act.bucket_account.as_str()), (BUCKET, ACCOUNT));
    assert_eq!((act.region.as_str(), act.refusal), (REGION, None));
}

#[tokio::test]
async fn parts_and_conditions_of_a_read_are_honoured() {
    let world = world(Versioning::Off).await;
    world.put("a", "0123456789").await;
    let get = || world.client().get_object().bucket(BUCKET).key("a");

    for (range, bytes, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
    ] {
        let part = get().range(range).send().await.expect("a part");
        assert_eq!(part.content_range(), Some(content_range));
        assert_eq!(part.body.collect().await.expect("bytes").to_vec(), bytes.as_bytes());
    }
    let beyond = get().range("bytes=10-").send().await.expect_err("beyond its end");
    assert_eq!(beyond.raw_response().expect("an answer").status().as_u16(), 416);

    let etag = "781e5e245d69b566979b86e28d23f2c7";
    assert!(get().if_match(format!("\"{etag}\"")).send().await.is_ok());
    let other = get().if_match("\"00000000000000000000000000000000\"").send().await;
    let other = other.expect_err("another object");
    assert_eq!(other.raw_response().expect("an answer").status().as_u16(), 412);
    let known = get().if_none_match(format!("\"{etag}\"")).send().await.expect_err("known");
    assert_eq!(known.raw_response().expect("an answer").status().as_u16(), 304);
}

#[tokio::test]
async fn a_put_can_be_only_for_a_new_key_or_for_what_the_caller_knows() {
    let world = world(Versioning::Off).await;
    let put =
        || world.client().put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"x"));
    assert!(put().if_none_match("*").send().await.is_ok());
    let second = put().if_none_match("*").send().await.expect_err("it exists");
    assert_eq!(second.raw_response().expect("an answer").status().as_u16(), 412);
    assert!(put().if_match("\"9dd4e461268c8034f5c8564e155c67a6\"").send().await.is_ok());
}

#[tokio::test]
async fn a_copy_takes_the_bytes_and_what_is_said_about_them_unless_told_otherwise() {
    let mut world = world(Versioning::Enabled).await;
    world.buckets.create("archive", Versioning::Off);
    world.put("a b/정우.jpg", "bytes").await;
    world.forget_acts();
    let copy = || {
        let source = "images/a%20b/%EC%A0%95%EC%9A%B0.jpg";
        world.client().copy_object().copy_source(source).bucket("archive")
    };
    copy().key("kept").send().await.expect("copied");
    let replaced = copy().key("replaced").metadata_directive(MetadataDirective::Replace);
    replaced.content_type("image/png").send().await.expect("copied");

    let head = |key| world.client().head_object().bucket("archive").key(key).send();
    let kept = head("kept").await.expect("found");
    assert_eq!(kept.content_type(), Some("application/octet-stream"), "as the SDK put it");
    let replaced = head("replaced").await.expect("found");
    assert_eq!(replaced.content_type(), Some("image/png"));
    assert_eq!(body_of(&world, "archive", "kept").await, b"bytes");
    let act = world.acts.try_recv().expect("an act");
    assert_eq!(act.bucket, "archive");
    let expected = Call::Copy {
        key: "kept".into(),
        version_id: None,
        object_bytes: 5,
        etag: "4b3a6218bb3e3a7303e8a171a60fcf92".into(),
        source: "images/a b/정우.jpg".into(),
    };
    assert_eq!(act.call, expected);
}

#[tokio::test]
async fn both_lists_fold_page_and_go_on_after_a_key() {
    let world = world(Versioning::Off).await;
    for key in ["a", "b/1", "b/2", "c", "d/1", "e"] {
        world.put(key, "x").await;
    }
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let list = world.client().list_objects_v2().bucket(BUCKET).delimiter("/").max_keys(2);
        let page = list.set_continuation_token(token).send().await.expect("a page");
        let prefixes = page.common_prefixes().iter().filter_map(|folded| folded.prefix());
        let seen: Vec<String> =
            keys_of(page.contents()).into_iter().chain(prefixes).map(str::to_owned).collect();
        assert_eq!(page.key_count(), i32::try_from(seen.len()).ok());
        pages.push(seen);
        token = page.next_continuation_token().map(str::to_owned);
        assert_eq!(page.is_truncated(), Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["a", "b/"], vec!["c", "d/"], vec!["e"]]);

    let after = world.client().list_objects_v2().bucket(BUCKET).start_after("b/2").send().await;
    assert_eq!(keys_of(after.expect("a list").contents()), ["c", "d/1", "e"]);
    let old = world.client().list_objects().bucket(BUCKET).prefix("b/").max_keys(1);
    let old = old.send().await.expect("a list");
    assert_eq!((keys_of(old.contents()), old.is_truncated()), (vec!["b/1"], Some(true)));
    let rest = world.client().list_objects().bucket(BUCKET).prefix("b/").marker("b/1");
    assert_eq!(keys_of(rest.send().await.expect("a list").contents()), ["b/2"]);
}

#[tokio::test]
async fn a_service_writes_without_a_request_and_leaves_an_act() {
    let mut world = world(Versioning::Off).await;
    let put = ServicePut {
        bucket: BUCKET.into(),
        key: "AWSLogs/a.json.gz".into(),
        body: "zipped".into(),
        content_type: "application/json".into(),
        content_encoding: Some("gzip".into()),
        metadata: BTreeMap::new(),
    };
    world.faults.deny("s3:PutObject", BUCKET);
    let missing = ServicePut { bucket: "missing".into(), ..put.clone() };
    assert!(world.buckets.put_by_service("cloudtrail.amazonaws.com", missing).is_err());
    world.buckets.put_by_service("cloudtrail.amazonaws.com", put).expect("written");
    let act = world.act();
    let principal = act.caller.principal.expect("the service");
    assert_eq!(
        (principal.arn().as_str(), &principal.kind),
        ("cloudtrail.amazonaws.com", &Kind::Service)
    );
    assert_eq!(act.caller.source_address, "cloudtrail.amazonaws.com");
    assert_eq!(body_of(&world, BUCKET, "AWSLogs/a.json.gz").await, b"zipped");
}
