//! The scenes: every way of deleting, and every shape of file, at least once.

use serde_json::{Value, json};

use super::acts::{KeyIn, LIKELY, Layout};
use super::record;
use super::{Shape, World, add, oddities};

pub const OWNER: &str = "111122223333";
const OTHER: &str = "444455556666";
pub const IMAGES: &str = "images-prod";
const VERSIONED: &str = "documents-versioned";

const ODD_KEYS: [&str; 7] = [
    "my cat.png",
    "a+b.png",
    "100%25.png",
    "50% off+more/한글 파일 이름.png",
    "quote\"back\\slash.png",
    "../up//twice/",
    "tab\tand\u{1F5D1}.png",
];

pub fn as_it_is(record: Value) -> Value {
    record
}

pub fn play_all(world: &mut World) {
    single_deletes_in_every_shape(world);
    versioned_buckets(world);
    bulk_deletes(world);
    refusals(world);
    accounts_and_repetitions(world);
    oddities::old_and_odd_records(world);
    oddities::identities(world);
    other_kinds_of_buckets(world);
    oddities::foreign_records(world);
    oddities::nonsense(world);
    oddities::bystanders(world);
}

/// A file of a bit of everything, ids decided by the seed.
pub fn mixed_traffic(world: &mut World) {
    let shape = Shape::ALL[usize::try_from(world.below(5)).unwrap()];
    let file = world.open(OWNER, shape);
    for n in 0..3 + world.below(6) {
        let key = format!("mixed/{n}/{}.png", world.token(8));
        match world.below(5) {
            0 => world.mark(file, OWNER, (VERSIONED, &key), "v-of-the-marker"),
            1 => {
                world.delete_bulk((file, file), OWNER, (IMAGES, &[&key, "mixed/same.png"]), LIKELY);
            }
            2 => read(world, file),
            _ => world.delete(file, OWNER, (IMAGES, &key), as_it_is),
        }
    }
}

fn read(world: &mut World, file: usize) {
    let stamp = world.stamp(OWNER);
    let parameters = json!({ "bucketName": IMAGES, "key": "read.png" });
    let record = record::foreign(&stamp, "s3.amazonaws.com", "GetObject", &parameters);
    world.tell_foreign(file, record);
}

fn single_deletes_in_every_shape(world: &mut World) {
    for shape in Shape::ALL {
        let file = world.open(OWNER, shape);
        for key in ODD_KEYS {
            world.delete(file, OWNER, (IMAGES, key), as_it_is);
        }
        if shape == Shape::GzipTrailing {
            add(&mut world.truth.rejected, &["trailing_bytes"], 1);
        }
    }
    // The same key again, by another request: a second accepted delete is a second removal.
    let file = world.open(OWNER, Shape::Gzip);
    world.delete(file, OWNER, (IMAGES, "twice.png"), as_it_is);
    world.delete(file, OWNER, (IMAGES, "twice.png"), as_it_is);
    world.open(OWNER, Shape::Gzip);
    world.open(OWNER, Shape::Plain);
}

fn versioned_buckets(world: &mut World) {
    let file = world.open(OWNER, Shape::Gzip);
    world.mark(file, OWNER, (VERSIONED, "report.pdf"), "3sL4kqtJlcpXroDTDmJ");
    world.mark(file, OWNER, (VERSIONED, "suspended.pdf"), "null");
    world.delete_version(file, OWNER, (VERSIONED, "report.pdf"));
    world.delete_version(file, OWNER, (VERSIONED, "report.pdf"));
    // Replication makes its marker with the bucket owner's role.
    world.mark(file, OWNER, (VERSIONED, "replicated.pdf"), "9xY");
    let replicated = world.files[file].records.last_mut().unwrap();
    replicated["userIdentity"]["arn"] =
        json!("arn:aws:sts::111122223333:assumed-role/replicate/s3-replication");
    replicated["userIdentity"]["invokedBy"] = json!("s3.amazonaws.com");
    replicated["sourceIPAddress"] = json!("s3.amazonaws.com");
}

fn bulk_deletes(world: &mut World) {
    for shares_request_id in [true, false] {
        for aggregate_first in [true, false] {
            for key_in in [KeyIn::RequestParameters, KeyIn::Resources, KeyIn::ServiceEventDetails] {
                let layout = Layout { shares_request_id, aggregate_first, key_in };
                let file = world.open(OWNER, Shape::Gzip);
                world.delete_bulk((file, file), OWNER, (IMAGES, &ODD_KEYS[..4]), layout);
            }
        }
    }
    // Aggregate and children in two files, either one delivered first; nothing tells which.
    let (one, two) = (world.open(OWNER, Shape::Gzip), world.open(OWNER, Shape::Gzip));
    world.delete_bulk((one, two), OWNER, (IMAGES, &["x.png", "y.png"]), LIKELY);
    world.delete_bulk((two, one), OWNER, (IMAGES, &["x.png", "z.png"]), LIKELY);
    two_versions_in_one_call(world, one);
    // Before June 2025 there were no children: a request, and no key known.
    world.delete_bulk((one, one), OWNER, (IMAGES, &[]), LIKELY);
}

/// Two versions of one key in one call, told by children that name them.
fn two_versions_in_one_call(world: &mut World, file: usize) {
    let stamp = world.stamp(OWNER);
    world.tell(file, record::delete_objects(&stamp, VERSIONED));
    for version in ["v1", "v2"] {
        let mut stamp = stamp.clone();
        stamp.event_id = world.guid();
        let mut child = record::child(&stamp, VERSIONED, "two-versions.pdf");
        child["requestParameters"]["versionId"] = json!(version);
        world.tell(file, child);
        world.count_removal(VERSIONED, Some("version"));
    }
    world.count_request(&stamp, VERSIONED, "DeleteObjects", true);
}

fn refusals(world: &mut World) {
    let file = world.open(OWNER, Shape::Gzip);
    let denied = ("AccessDenied", 403, "denied");
    world.refuse(file, OWNER, (IMAGES, Some("secret.png")), denied);
    world.refuse(file, OWNER, (IMAGES, None), denied);
    world.refuse(file, OWNER, (IMAGES, Some("x.png")), ("PreconditionFailed", 412, "failed"));
    world.refuse(file, OWNER, (IMAGES, None), ("SlowDown", 503, "failed"));
    // Another code with the status of a refusal.
    world.refuse(file, OWNER, (IMAGES, Some("x.png")), ("AllAccessDisabled", 403, "denied"));
    // One key of an accepted bulk call is refused: neither a request nor a removal.
    world.delete_bulk((file, file), OWNER, (IMAGES, &["kept/1.png"]), LIKELY);
    let stamp = world.stamp(OWNER);
    let locked = record::child(&stamp, IMAGES, "kept/locked.png");
    world.tell(file, record::refused(locked, "AccessDenied", 403));
}

fn accounts_and_repetitions(world: &mut World) {
    let (callers, owners) = (world.open(OTHER, Shape::Gzip), world.open(OWNER, Shape::Gzip));
    let accounts = (OTHER, OWNER);
    world.delete_across_accounts((callers, owners), accounts, (IMAGES, "shared.png"), true);
    world.delete_across_accounts((callers, owners), accounts, (IMAGES, "unshared.png"), false);
    bulk_across_accounts(world, (callers, owners));
    let (one, two) = (world.open(OWNER, Shape::Gzip), world.open(OWNER, Shape::Plain));
    world.delete(one, OWNER, (IMAGES, "repeated.png"), as_it_is);
    world.repeat_newest(one, two);
    world.mark(one, OWNER, (VERSIONED, "updated.pdf"), "8aB");
    world.update_newest(one, two);
    world.delete(one, OWNER, (IMAGES, "late.png"), |mut record| {
        record["addendum"] = json!({ "reason": "DELIVERY_DELAY" });
        record
    });
}

/// A bulk call told to two accounts: the copies of a child share an id.
fn bulk_across_accounts(world: &mut World, files: (usize, usize)) {
    let stamp = world.stamp(OTHER);
    let mut records = vec![record::delete_objects(&stamp, IMAGES)];
    for key in ["both/1.png", "both/2.png"] {
        let mut stamp = stamp.clone();
        stamp.event_id = world.guid();
        records.push(record::child(&stamp, IMAGES, key));
        world.count_removal(IMAGES, None);
    }
    for mut record in records {
        record["sharedEventID"] = json!(world.guid());
        world.tell(files.0, record.clone());
        record["eventID"] = json!(world.guid());
        record["recipientAccountId"] = json!(OWNER);
        world.tell(files.1, record);
    }
    world.count_request(&stamp, IMAGES, "DeleteObjects", true);
}

fn other_kinds_of_buckets(world: &mut World) {
    let file = world.open(OWNER, Shape::Gzip);
    world.delete(file, OWNER, ("scratch--use1-az4--x-s3", "express.bin"), |mut record| {
        record["eventSource"] = json!("s3express.amazonaws.com");
        record["resources"][0]["type"] = json!("AWS::S3Express::Object");
        record
    });
    world.delete(file, OWNER, ("edge-bucket", "path/upload.sh"), |mut record| {
        record["eventSource"] = json!("s3-outposts.amazonaws.com");
        let key = record["requestParameters"]["key"].take();
        record["requestParameters"] = json!({ "bucketName": "edge-bucket", "Key": key });
        record["edgeDeviceDetails"] = json!({ "type": "outposts", "deviceID": "op-01ac5d28a6a2" });
        record
    });
    // Lifecycle of a directory bucket is in CloudTrail, unlike that of others.
    let stamp = world.stamp(OWNER);
    let mut expired = record::delete_object(&stamp, "scratch--use1-az4--x-s3", "expired.bin");
    expired["eventSource"] = json!("s3express.amazonaws.com");
    expired["userIdentity"] =
        json!({ "type": "AWSService", "invokedBy": "lifecycle.s3.amazonaws.com" });
    world.tell(file, expired);
    world.count_request(&stamp, "scratch--use1-az4--x-s3", "DeleteObject", true);
    add(&mut world.truth.removed, &["scratch--use1-az4--x-s3"], 1);
    add(&mut world.truth.kinds, &["scratch--use1-az4--x-s3", "object", "lifecycle"], 1);
}
