//! Deleting objects, versions and markers, one by one and many at once.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::delete_objects::{DeleteObjectsError, DeleteObjectsOutput};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::super::super::act::{BulkEntry, Effect, Refusal};
use super::super::SandboxS3Error;
use super::*;

async fn delete(world: &World, key: &str, version: Option<&str>) -> (Option<bool>, Option<String>) {
    let request = world.client().delete_object().bucket(BUCKET).key(key);
    let request = request.set_version_id(version.map(str::to_owned));
    let answer = request.send().await.expect("accepted");
    (answer.delete_marker, answer.version_id)
}

async fn delete_many(
    world: &World,
    keys: &[(&str, Option<&str>)],
    is_quiet: bool,
) -> Result<DeleteObjectsOutput, SdkError<DeleteObjectsError>> {
    let identifiers = keys.iter().map(|(key, version)| {
        let identifier = ObjectIdentifier::builder().key(*key);
        identifier.set_version_id(version.map(str::to_owned)).build().expect("a key")
    });
    let delete = Delete::builder().set_objects(Some(identifiers.collect())).quiet(is_quiet);
    let delete = delete.build().expect("keys");
    world.client().delete_objects().bucket(BUCKET).delete(delete).send().await
}

fn effect_of(act: Act) -> Effect {
    match act.call {
        Call::Delete { effect, .. } => effect,
        other => panic!("no delete: {other:?}"),
    }
}

#[tokio::test]
async fn a_delete_without_versions_is_accepted_whether_there_was_an_object_or_not() {
    let mut world = world(Versioning::Off).await;
    for key in ODD_KEYS {
        world.put(key, "x").await;
        world.forget_acts();
        assert_eq!(delete(&world, key, None).await, (None, None));
        let expected =
            Call::Delete { key: key.into(), named_version: None, effect: Effect::Object };
        assert_eq!(world.act().call, expected);
        delete(&world, key, None).await;
        assert_eq!(effect_of(world.act()), Effect::Nothing, "{key}");
    }
}

#[tokio::test]
async fn a_marker_hides_and_its_removal_shows_again() {
    let mut world = world(Versioning::Enabled).await;
    let version = world.put("a", "one").await.expect("a version");
    world.forget_acts();
    let (is_marker, marker) = delete(&world, "a", None).await;
    let marker = marker.expect("a marker");
    assert_eq!(is_marker, Some(true));
    assert_eq!(effect_of(world.act()), Effect::Marker { id: marker.clone() });

    let get = |named: Option<&str>| {
        let request = world.client().get_object().bucket(BUCKET).key("a");
        request.set_version_id(named.map(str::to_owned)).send()
    };
    let hidden = get(None).await.expect_err("hidden");
    let answer = hidden.raw_response().expect("an answer");
    assert_eq!(answer.status().as_u16(), 404);
    assert_eq!(answer.headers().get("x-amz-delete-marker"), Some("true"));
    assert_eq!(answer.headers().get("x-amz-version-id"), Some(marker.as_str()));
    let named = get(Some(&marker)).await.expect_err("a marker has no bytes");
    let answer = named.raw_response().expect("an answer");
    assert_eq!(answer.status().as_u16(), 405);
    assert_eq!(answer.headers().get("allow"), Some("DELETE"));
    assert_eq!(get(Some(&version)).await.expect("still there").version_id, Some(version.clone()));
    let never = get(Some("00000000000000000000000000000000")).await.expect_err("no version");
    assert_eq!(never.code(), Some("NoSuchVersion"));
    assert_eq!(get(Some("mine")).await.expect_err("no id").code(), Some("InvalidArgument"));
    world.forget_acts();

    assert_eq!(delete(&world, "a", Some(&marker)).await, (Some(true), Some(marker.clone())));
    let undone = Effect::Version { id: marker, was_marker: true };
    assert_eq!(effect_of(world.act()), undone);
    assert_eq!(delete(&world, "a", Some(&version)).await, (None, Some(version.clone())));
    let gone = Effect::Version { id: version, was_marker: false };
    assert_eq!(effect_of(world.act()), gone);
}

#[tokio::test]
async fn versions_and_markers_are_listed_newest_first_and_in_pages() {
    let world = world(Versioning::Enabled).await;
    let first = world.put("a", "one").await.expect("a version");
    let second = world.put("a", "two").await.expect("a version");
    let (_, marker) = delete(&world, "a", None).await;
    let other = world.put("b", "x").await.expect("a version");

    let all = world.client().list_object_versions().bucket(BUCKET).send().await.expect("a list");
    let ids = |versions: &[aws_sdk_s3::types::ObjectVersion]| -> Vec<String> {
        versions.iter().filter_map(|version| version.version_id().map(str::to_owned)).collect()
    };
    assert_eq!(ids(all.versions()), [second.clone(), first.clone(), other.clone()]);
    let latest = all.versions().iter().filter_map(aws_sdk_s3::types::ObjectVersion::is_latest);
    assert_eq!(latest.collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(all.delete_markers()[0].version_id(), marker.as_deref());
    assert_eq!(all.delete_markers()[0].is_latest(), Some(true));

    let page = world.client().list_object_versions().bucket(BUCKET).max_keys(2).send().await;
    let page = page.expect("a page");
    assert_eq!(ids(page.versions()), std::slice::from_ref(&second));
    assert_eq!(page.is_truncated(), Some(true));
    assert_eq!(page.next_version_id_marker(), Some(second.as_str()));
    let rest = world.client().list_object_versions().bucket(BUCKET);
    let rest = rest
        .set_key_marker(page.next_key_marker)
        .set_version_id_marker(page.next_version_id_marker)
        .send()
        .await
        .expect("a page");
    assert_eq!(ids(rest.versions()), [first, other]);
    assert_eq!(rest.is_truncated(), Some(false));
}

#[tokio::test]
async fn many_keys_are_deleted_by_one_request_and_told_in_its_order() {
    let mut world = world(Versioning::Off).await;
    for key in ODD_KEYS {
        world.put(key, "x").await;
    }
    world.forget_acts();
    let asked: Vec<_> = ODD_KEYS.iter().map(|key| (*key, None)).chain([("never", None)]).collect();
    let answer = delete_many(&world, &asked, false).await.expect("accepted");
    let told: Vec<_> = answer.deleted().iter().filter_map(|deleted| deleted.key()).collect();
    assert_eq!(told, asked.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    assert!(answer.errors().is_empty());
    let act = world.act();
    assert!((60..=400).contains(&act.ended_at.millis_since(act.started_at)));
    let mut entries: Vec<_> =
        ODD_KEYS.iter().map(|key| entry(key, None, Ok(Effect::Object))).collect();
    entries.push(entry("never", None, Ok(Effect::Nothing)));
    assert_eq!(act.call, Call::BulkDelete { entries });
}

fn entry(key: &str, version: Option<&str>, result: Result<Effect, Refusal>) -> BulkEntry {
    BulkEntry { key: key.into(), named_version: version.map(str::to_owned), result }
}

#[tokio::test]
async fn a_bulk_delete_tells_markers_it_makes_from_markers_it_removes() {
    let world = world(Versioning::Enabled).await;
    let version = world.put("a", "one").await.expect("a version");
    let made = delete_many(&world, &[("a", None)], false).await.expect("accepted");
    let marker = made.deleted()[0].delete_marker_version_id().expect("a marker").to_owned();
    assert_eq!(made.deleted()[0].delete_marker(), Some(true));
    assert_eq!(made.deleted()[0].version_id(), None);

    let named = [("a", Some(marker.as_str())), ("a", Some(version.as_str()))];
    let removed = delete_many(&world, &named, false).await.expect("accepted");
    let [undone, gone] = removed.deleted() else { panic!("two keys: {removed:?}") };
    assert_eq!(undone.delete_marker_version_id(), Some(marker.as_str()));
    assert_eq!(undone.version_id(), Some(marker.as_str()));
    assert_eq!((gone.delete_marker(), gone.version_id()), (None, Some(version.as_str())));
}

#[tokio::test]
async fn a_refused_key_does_not_refuse_its_neighbours_and_quiet_tells_only_of_it() {
    let mut world = world(Versioning::Off).await;
    world.put("kept", "x").await;
    world.put("gone", "x").await;
    world.forget_acts();
    world.faults.deny("s3:DeleteObject", "images/kept");
    let answer = delete_many(&world, &[("kept", None), ("gone", None)], true).await;
    let answer = answer.expect("accepted as a whole");
    assert!(answer.deleted().is_empty());
    let [error] = answer.errors() else { panic!("one error: {answer:?}") };
    assert_eq!((error.key(), error.code()), (Some("kept"), Some("AccessDenied")));
    let message = "User: arn:aws:sts::111122223333:assumed-role/image-service/i-0abc is not \
                   authorized to perform: s3:DeleteObject on resource: \
                   \"arn:aws:s3:::images/kept\" because no identity-based policy allows the \
                   s3:DeleteObject action";
    assert_eq!(error.message(), Some(message));
    let refusal = Refusal { status: 403, code: "AccessDenied".into(), message: message.into() };
    let act = world.act();
    assert_eq!(act.refusal, None);
    let entries = vec![entry("kept", None, Err(refusal)), entry("gone", None, Ok(Effect::Object))];
    assert_eq!(act.call, Call::BulkDelete { entries });

    world.faults.deny("s3:DeleteObject", BUCKET);
    let all = delete_many(&world, &[("x", None), ("y", None)], false).await;
    assert_eq!(all.expect("accepted as a whole").errors().len(), 2);
}

#[tokio::test]
async fn more_than_a_thousand_keys_are_no_request() {
    let world = world(Versioning::Off).await;
    let keys: Vec<String> = (0..=1_000).map(|number| number.to_string()).collect();
    let asked: Vec<_> = keys.iter().map(|key| (key.as_str(), None)).collect();
    let refused = delete_many(&world, &asked, true).await.expect_err("too many");
    assert_eq!(refused.code(), Some("MalformedXML"));
    delete_many(&world, &asked[1..], true).await.expect("as many as allowed");
}

#[tokio::test]
async fn a_conditional_delete_needs_the_object_that_it_names() {
    let world = world(Versioning::Off).await;
    world.put("a", "x").await;
    let delete = |key, etag| world.client().delete_object().bucket(BUCKET).key(key).if_match(etag);
    let other = delete("a", "\"00000000000000000000000000000000\"").send().await;
    assert_eq!(other.expect_err("another").code(), Some("PreconditionFailed"));
    let missing = delete("never", "*").send().await;
    assert_eq!(missing.expect_err("missing").code(), Some("NoSuchKey"));
    delete("a", "\"9dd4e461268c8034f5c8564e155c67a6\"").send().await.expect("the right one");
}

#[tokio::test]
async fn an_object_expires_without_a_request() {
    let mut world = world(Versioning::Enabled).await;
    world.put("a", "x").await;
    world.forget_acts();
    world.buckets.expire(BUCKET, "a").expect("expired");
    let act = world.act();
    assert!(
        matches!(&act.call, Call::Expire { key, effect: Effect::Marker { .. } } if key == "a"),
        "{act:?}"
    );
    let again = SandboxS3Error::NothingToExpire { bucket: BUCKET.into(), key: "a".into() };
    assert_eq!(world.buckets.expire(BUCKET, "a"), Err(again));
    world.expect_no_act();
}
