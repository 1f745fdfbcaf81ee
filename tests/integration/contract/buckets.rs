//! Checks of S3: objects, versions, markers, lists, and what is refused.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, Delete, ObjectIdentifier, VersioningConfiguration,
};

use super::{Seen, Service, code};

/// What AWS does: the S3 API reference, "Deleting object versions", "Working with delete markers".
pub(super) const AWS: &[(&str, &str)] = &[
    ("a bulk delete answers for missing keys too", "deleted a, missing; errors none"),
    ("a copy has the body of its source", "body of a"),
    ("a delete marker is the newest version", "marker true, named true"),
    ("a delete marker that is deleted lets the object be seen again", "marker true, then second"),
    ("a delete of a missing key is accepted", "accepted, marker none, version none"),
    ("a get behind a delete marker", "NoSuchKey, marker true"),
    ("a get of a missing bucket", "NoSuchBucket"),
    ("a get of a missing key", "NoSuchKey"),
    ("a get of a named marker", "MethodNotAllowed"),
    ("a get of a part", "ody, bytes 1-3/9"),
    ("a get with another etag", "PreconditionFailed"),
    ("a head of a missing key", "NotFound"),
    ("a list has groups, pages and the order of bytes", "a | b/ | é; a; b/, é"),
    ("a put answers with the MD5", "\"c4ccced46e66140b154950fdf23e305b\""),
    ("a request id is 16 upper-case letters and digits", "true"),
    ("a suspended bucket makes a null marker", "marker true, version null"),
    ("a version that is named is gone for good", "marker none, then NoSuchVersion"),
    ("keys keep every character", "a b+c%25/ü ~*'()!.txt"),
    ("versions are listed newest first", "marker, second, first"),
];

pub(super) async fn check(service: &Service, seen: &mut Seen) {
    let s3 = &service.s3;
    let bucket = "contract-plain";
    s3.create_bucket().bucket(bucket).send().await.unwrap();
    objects(s3, bucket, seen).await;
    refusals(s3, bucket, seen).await;
    lists(s3, seen).await;
    versions(s3, seen).await;
}

fn body(text: &'static str) -> ByteStream {
    ByteStream::from_static(text.as_bytes())
}

async fn read(s3: &Client, bucket: &str, key: &str) -> String {
    let answer = s3.get_object().bucket(bucket).key(key).send().await;
    match answer {
        Ok(answer) => {
            let bytes = answer.body.collect().await.unwrap().into_bytes();
            String::from_utf8(bytes.to_vec()).unwrap()
        }
        error => code(error),
    }
}

async fn objects(s3: &Client, bucket: &str, seen: &mut Seen) {
    let put = s3.put_object().bucket(bucket).key("a").body(body("body of a")).send().await.unwrap();
    let id = put.request_id().unwrap_or_default().to_owned();
    let is_shaped =
        id.len() == 16 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    seen.insert("a request id is 16 upper-case letters and digits", is_shaped.to_string());
    seen.insert("a put answers with the MD5", put.e_tag.unwrap_or_default());
    let part = s3.get_object().bucket(bucket).key("a").range("bytes=1-3").send().await.unwrap();
    let range = part.content_range.clone().unwrap_or_default();
    let bytes = part.body.collect().await.unwrap().into_bytes();
    let part = format!("{}, {range}", String::from_utf8_lossy(&bytes));
    seen.insert("a get of a part", part);
    s3.copy_object()
        .bucket(bucket)
        .key("copy")
        .copy_source("contract-plain/a")
        .send()
        .await
        .unwrap();
    seen.insert("a copy has the body of its source", read(s3, bucket, "copy").await);

    let odd = "a b+c%25/ü ~*'()!.txt";
    s3.put_object().bucket(bucket).key(odd).body(body("odd")).send().await.unwrap();
    assert_eq!(read(s3, bucket, odd).await, "odd");
    let listed = s3.list_objects_v2().bucket(bucket).prefix("a b").send().await.unwrap();
    let listed: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    seen.insert("keys keep every character", listed.join(", "));

    let keys = ["a", "missing"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(keys.into())).build().unwrap();
    let deleted = s3.delete_objects().bucket(bucket).delete(delete).send().await.unwrap();
    let mut keys: Vec<_> = deleted.deleted().iter().filter_map(|entry| entry.key()).collect();
    keys.sort_unstable();
    let errors = if deleted.errors().is_empty() { "none" } else { "some" };
    let told = format!("deleted {}; errors {errors}", keys.join(", "));
    seen.insert("a bulk delete answers for missing keys too", told);
}

async fn refusals(s3: &Client, bucket: &str, seen: &mut Seen) {
    let deleted = s3.delete_object().bucket(bucket).key("missing").send().await;
    let told = match &deleted {
        Ok(answer) => format!(
            "accepted, marker {}, version {}",
            answer.delete_marker.map_or("none".into(), |marker| marker.to_string()),
            answer.version_id.as_deref().unwrap_or("none"),
        ),
        Err(_) => code(deleted),
    };
    seen.insert("a delete of a missing key is accepted", told);
    let get = |bucket: &str, key: &str| s3.get_object().bucket(bucket).key(key);
    seen.insert("a get of a missing key", code(get(bucket, "missing").send().await));
    seen.insert("a get of a missing bucket", code(get("contract-none", "a").send().await));
    let head = s3.head_object().bucket(bucket).key("missing").send().await;
    seen.insert("a head of a missing key", code(head));
    let other = get(bucket, "copy").if_match("\"0\"").send().await;
    seen.insert("a get with another etag", code(other));
}

async fn lists(s3: &Client, seen: &mut Seen) {
    let bucket = "contract-lists";
    s3.create_bucket().bucket(bucket).send().await.unwrap();
    for key in ["é", "b/2", "a", "b/1"] {
        s3.put_object().bucket(bucket).key(key).body(body("x")).send().await.unwrap();
    }
    let all = s3.list_objects_v2().bucket(bucket).delimiter("/").send().await.unwrap();
    let mut names: Vec<&str> = all.contents().iter().filter_map(|object| object.key()).collect();
    names.extend(all.common_prefixes().iter().filter_map(|prefix| prefix.prefix()));
    names.sort_unstable();
    let mut told = names.join(" | ");
    let mut token = None;
    loop {
        let page = s3.list_objects_v2().bucket(bucket).delimiter("/");
        let first = token.is_none();
        let page = page.max_keys(if first { 1 } else { 2 }).set_continuation_token(token);
        let page = page.send().await.unwrap();
        let mut names: Vec<_> = page.contents().iter().filter_map(|object| object.key()).collect();
        names.extend(page.common_prefixes().iter().filter_map(|prefix| prefix.prefix()));
        names.sort_unstable();
        told = format!("{told}; {}", names.join(", "));
        token = page.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    seen.insert("a list has groups, pages and the order of bytes", told);
}

async fn set_versioning(s3: &Client, bucket: &str, status: BucketVersioningStatus) {
    let versioning = VersioningConfiguration::builder().status(status).build();
    let put = s3.put_bucket_versioning().bucket(bucket).versioning_configuration(versioning);
    put.send().await.unwrap();
}

async fn versions(s3: &Client, seen: &mut Seen) {
    let bucket = "contract-versions";
    s3.create_bucket().bucket(bucket).send().await.unwrap();
    set_versioning(s3, bucket, BucketVersioningStatus::Enabled).await;
    let put = |text| s3.put_object().bucket(bucket).key("k").body(body(text)).send();
    let first = put("first").await.unwrap().version_id.unwrap();
    let second = put("second").await.unwrap().version_id.unwrap();
    let deleted = s3.delete_object().bucket(bucket).key("k").send().await.unwrap();
    let marker = deleted.version_id.clone().unwrap_or_default();
    let is_named = ![&first, &second].contains(&&marker) && !marker.is_empty();
    let told = format!("marker {}, named {is_named}", deleted.delete_marker.unwrap_or_default());
    seen.insert("a delete marker is the newest version", told);

    let hidden = s3.get_object().bucket(bucket).key("k").send().await.unwrap_err();
    let header = hidden.raw_response().and_then(|raw| raw.headers().get("x-amz-delete-marker"));
    let told = format!(", marker {}", header.unwrap_or("none"));
    seen.insert("a get behind a delete marker", code::<(), _>(Err(hidden)) + &told);
    let named = s3.get_object().bucket(bucket).key("k").version_id(&marker).send().await;
    seen.insert("a get of a named marker", code(named));

    let listed = s3.list_object_versions().bucket(bucket).send().await.unwrap();
    let told_as = |id: &str| if id == first { "first" } else { "second" };
    let mut told: Vec<_> = listed.delete_markers().iter().map(|_| "marker").collect();
    told.extend(listed.versions().iter().filter_map(|v| v.version_id()).map(told_as));
    seen.insert("versions are listed newest first", told.join(", "));

    let undone = s3.delete_object().bucket(bucket).key("k").version_id(&marker).send().await;
    let was_marker = undone.unwrap().delete_marker.unwrap_or_default();
    let told = format!("marker {was_marker}, then {}", read(s3, bucket, "k").await);
    seen.insert("a delete marker that is deleted lets the object be seen again", told);

    let gone = s3.delete_object().bucket(bucket).key("k").version_id(&first).send().await.unwrap();
    let marker = gone.delete_marker.map_or("none".into(), |marker| marker.to_string());
    let again = s3.get_object().bucket(bucket).key("k").version_id(&first).send().await;
    let told = format!("marker {marker}, then {}", code(again));
    seen.insert("a version that is named is gone for good", told);

    set_versioning(s3, bucket, BucketVersioningStatus::Suspended).await;
    let null = s3.delete_object().bucket(bucket).key("k").send().await.unwrap();
    let told = format!(
        "marker {}, version {}",
        null.delete_marker.unwrap_or_default(),
        null.version_id.as_deref().unwrap_or("none")
    );
    seen.insert("a suspended bucket makes a null marker", told);
}
