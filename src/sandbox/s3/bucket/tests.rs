//! What puts and deletes make of a bucket, for each state of versioning.

use super::*;

const NOON: Timestamp = Timestamp::from_millis(1_795_435_200_000);

fn object(body: &'static str) -> Object {
    Object::new(body.into(), "text/plain".into(), None, BTreeMap::new())
}

fn put(bucket: &mut Bucket, key: &str, body: &'static str, fresh_id: &str) -> Option<String> {
    bucket.put(key, object(body), NOON, fresh_id.into())
}

fn delete(bucket: &mut Bucket, key: &str, fresh_id: &str) -> Effect {
    bucket.delete(key, None, NOON, fresh_id.into())
}

fn delete_version(bucket: &mut Bucket, key: &str, named: &str) -> Effect {
    bucket.delete(key, Some(named), NOON, "unused".into())
}

fn body(bucket: &Bucket, key: &str, named: Option<&str>) -> Result<Bytes, Absence> {
    bucket.find(key, named).map(|(_, object)| object.body.clone())
}

fn version(id: &str, was_marker: bool) -> Effect {
    Effect::Version { id: id.into(), was_marker }
}

fn marker(id: &str) -> Effect {
    Effect::Marker { id: id.into() }
}

fn shown(bucket: &Bucket) -> Vec<(String, String, bool, bool)> {
    let all = bucket.versions().map(|(key, (version, is_latest))| {
        (key.to_owned(), version.id.clone(), version.object.is_none(), is_latest)
    });
    all.collect()
}

#[test]
fn an_unversioned_delete_destroys_the_object_and_a_second_one_finds_nothing() {
    let mut bucket = Bucket::new(Versioning::Off);
    assert_eq!(put(&mut bucket, "a", "one", "v1"), None);
    assert_eq!(put(&mut bucket, "a", "two", "v2"), None);
    assert_eq!(body(&bucket, "a", None), Ok("two".into()));
    assert_eq!(delete(&mut bucket, "a", "m1"), Effect::Object);
    assert_eq!(body(&bucket, "a", None), Err(Absence::Key));
    assert!(bucket.is_empty());
    assert_eq!(delete(&mut bucket, "a", "m2"), Effect::Nothing);
    assert!(bucket.is_empty());
}

#[test]
fn an_unversioned_object_can_be_named_as_the_null_version() {
    let mut bucket = Bucket::new(Versioning::Off);
    put(&mut bucket, "a", "one", "v1");
    assert_eq!(body(&bucket, "a", Some("null")), Ok("one".into()));
    assert_eq!(delete_version(&mut bucket, "a", "v1"), Effect::Nothing);
    assert_eq!(delete_version(&mut bucket, "a", "null"), Effect::Object);
    assert!(bucket.is_empty());
}

#[test]
fn a_versioned_delete_hides_the_object_until_its_marker_is_deleted() {
    let mut bucket = Bucket::new(Versioning::Enabled);
    assert_eq!(put(&mut bucket, "a", "one", "v1").as_deref(), Some("v1"));
    assert_eq!(put(&mut bucket, "a", "two", "v2").as_deref(), Some("v2"));
    assert_eq!(delete(&mut bucket, "a", "m1"), marker("m1"));
    assert_eq!(body(&bucket, "a", None), Err(Absence::Hidden { marker_id: "m1".into() }));
    assert_eq!(body(&bucket, "a", Some("v1")), Ok("one".into()));
    let named_marker = Absence::Marker { marker_id: "m1".into(), last_modified: NOON };
    assert_eq!(body(&bucket, "a", Some("m1")), Err(named_marker));
    assert_eq!(delete_version(&mut bucket, "a", "m1"), version("m1", true));
    assert_eq!(body(&bucket, "a", None), Ok("two".into()));
}

#[test]
fn a_version_is_deleted_for_good() {
    let mut bucket = Bucket::new(Versioning::Enabled);
    put(&mut bucket, "a", "one", "v1");
    put(&mut bucket, "a", "two", "v2");
    assert_eq!(delete_version(&mut bucket, "a", "v2"), version("v2", false));
    assert_eq!(body(&bucket, "a", None), Ok("one".into()));
    assert_eq!(delete_version(&mut bucket, "a", "v2"), Effect::Nothing);
    assert_eq!(body(&bucket, "a", Some("v2")), Err(Absence::Version));
    assert_eq!(delete_version(&mut bucket, "a", "v1"), version("v1", false));
    assert!(bucket.is_empty());
}

#[test]
fn a_versioned_delete_of_a_missing_key_still_makes_a_marker() {
    let mut bucket = Bucket::new(Versioning::Enabled);
    assert_eq!(delete(&mut bucket, "never", "m1"), marker("m1"));
    assert_eq!(delete(&mut bucket, "never", "m2"), marker("m2"));
    assert_eq!(
        shown(&bucket),
        [("never".into(), "m2".into(), true, true), ("never".into(), "m1".into(), true, false)]
    );
    assert_eq!(bucket.objects().count(), 0);
    assert!(!bucket.is_empty(), "markers keep a bucket from being deleted");
}

#[test]
fn a_suspended_bucket_keeps_old_versions_and_has_one_null_version() {
    let mut bucket = Bucket::new(Versioning::Enabled);
    put(&mut bucket, "a", "one", "v1");
    bucket.set_versioning(Versioning::Suspended);
    assert_eq!(put(&mut bucket, "a", "two", "v2").as_deref(), Some("null"));
    assert_eq!(put(&mut bucket, "a", "three", "v3").as_deref(), Some("null"));
    assert_eq!(body(&bucket, "a", Some("null")), Ok("three".into()));
    assert_eq!(
        shown(&bucket),
        [("a".into(), "null".into(), false, true), ("a".into(), "v1".into(), false, false)]
    );
}

#[test]
fn a_null_marker_takes_the_place_of_the_null_version() {
    let mut bucket = Bucket::new(Versioning::Off);
    put(&mut bucket, "a", "from before versioning", "unused");
    bucket.set_versioning(Versioning::Enabled);
    put(&mut bucket, "a", "one", "v1");
    bucket.set_versioning(Versioning::Suspended);
    assert_eq!(delete(&mut bucket, "a", "m1"), marker("null"));
    assert_eq!(
        shown(&bucket),
        [("a".into(), "null".into(), true, true), ("a".into(), "v1".into(), false, false)]
    );
    assert_eq!(delete_version(&mut bucket, "a", "null"), version("null", true));
    assert_eq!(body(&bucket, "a", None), Ok("one".into()));
}

#[test]
fn versioning_is_never_off_again() {
    let mut bucket = Bucket::new(Versioning::Enabled);
    bucket.set_versioning(Versioning::Off);
    assert_eq!(bucket.versioning(), Versioning::Suspended);
}

#[test]
fn expiry_deletes_or_hides_the_current_object_and_leaves_markers_alone() {
    let mut plain = Bucket::new(Versioning::Off);
    put(&mut plain, "a", "one", "v1");
    assert_eq!(plain.expire("a", NOON, "m1".into()), Effect::Object);
    assert_eq!(plain.expire("a", NOON, "m2".into()), Effect::Nothing);

    let mut versioned = Bucket::new(Versioning::Enabled);
    put(&mut versioned, "a", "one", "v1");
    assert_eq!(versioned.expire("a", NOON, "m1".into()), marker("m1"));
    assert_eq!(versioned.expire("a", NOON, "m2".into()), Effect::Nothing);
    assert_eq!(body(&versioned, "a", Some("v1")), Ok("one".into()));
}

#[test]
fn keys_are_seen_in_the_order_of_their_bytes() {
    let mut bucket = Bucket::new(Versioning::Enabled);
    for key in ["b", "a/2", "é", "a", "Z", "a/10"] {
        put(&mut bucket, key, "x", key);
    }
    delete(&mut bucket, "b", "m1");
    let keys: Vec<&str> = bucket.objects().map(|(key, _)| key).collect();
    assert_eq!(keys, ["Z", "a", "a/10", "a/2", "é"]);
}

#[test]
fn the_entity_tag_is_the_md5_and_times_are_whole_seconds() {
    let mut bucket = Bucket::new(Versioning::Off);
    let late = Timestamp::from_millis(NOON.as_millis() + 999);
    bucket.put("a", object("hello"), late, "unused".into());
    let (version, object) = bucket.find("a", None).expect("the object");
    assert_eq!(object.etag, "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(version.last_modified, NOON);
}
