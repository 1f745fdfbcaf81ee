//! The scenes of the world: every way of deleting, alone and after one another. What makes two acts
//! a repetition or a mistake is written down here, by who acts; it knows no source.

use super::world::{
    BACKUPS, BUCKETS, BUSY_MINUTES, Bucket, By, COLD, DENIED, DOCUMENTS, EPOCHS, FAILED, IMAGES,
    Layout, MINUTE, Repeat, Taken, Versioning, World,
};

type Scene = fn(&mut World, usize);

/// Scenes that may happen at the same time, each upon keys of its own.
const SCENES: [Scene; 20] = [
    plain_deletes,
    versions,
    undelete,
    null_version,
    missing_key,
    refusals,
    bulk,
    bulk,
    two_versions_in_one_call,
    refused_bulk,
    double_call,
    double_bulk_call,
    mixed_double_call,
    triple_call,
    late_second_call,
    made_anew_between,
    replaced_and_deleted,
    replaced_and_not_stale,
    expiry,
    intents,
];

/// Plays every scene in every epoch, and what needs time of its own.
pub fn play(world: &mut World) {
    for epoch in 0..EPOCHS {
        for bucket in BUCKETS {
            let key = world.new_key();
            world.upload(bucket, &key, world.time(epoch, 0) + 500);
        }
        for scene in SCENES {
            scene(world, epoch);
        }
        across_accounts(world, epoch);
        bystanders(world, epoch);
        quiet_minutes(world, epoch);
    }
    hours_apart(world);
}

fn any_bucket(world: &mut World) -> &'static Bucket {
    world.random.choice(BUCKETS).unwrap()
}

fn plain_deletes(world: &mut World, epoch: usize) {
    for bucket in BUCKETS {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 1));
        if world.random.bool() {
            world.upload(bucket, &key, at - 3_000);
        }
        let (call, taken) = world.delete(bucket, &key, at);
        world.calls[call].keys[taken].is_logged = world.random.u8(..4) > 0;
    }
}

fn versions(world: &mut World, epoch: usize) {
    for bucket in [&DOCUMENTS, &BACKUPS] {
        let (key, at, version) = (world.new_key(), world.busy_time(epoch, 1), world.token(32));
        let removed = world.gone_version(bucket, &key, &version);
        world.call(bucket, By::DeleteObject, at, vec![removed]);
    }
}

/// A marker is made, and taken away by its id: one call each, or a bulk call.
fn undelete(world: &mut World, epoch: usize) {
    for by in [By::DeleteObject, By::DeleteObjects] {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 4));
        let made = world.gone(&DOCUMENTS, &key);
        let marker = made.marker.clone().unwrap();
        world.call(&DOCUMENTS, by, at, vec![made]);
        let mut removed = world.gone_version(&DOCUMENTS, &key, &marker);
        removed.is_undelete = true;
        let later = world.random.i64(2_000..3 * MINUTE);
        world.call(&DOCUMENTS, by, at + later, vec![removed]);
    }
}

fn null_version(world: &mut World, epoch: usize) {
    let (key, at) = (world.new_key(), world.busy_time(epoch, 1));
    let removed = world.gone_version(&BACKUPS, &key, "null");
    world.call(&BACKUPS, By::DeleteObject, at, vec![removed]);
}

/// S3 accepts the delete of a key that is not there, and may tell of it or not.
fn missing_key(world: &mut World, epoch: usize) {
    for is_notified in [false, true] {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 1));
        let (call, taken) = world.delete(&IMAGES, &key, at);
        if !is_notified {
            world.calls[call].keys[taken].notified_at = None;
        }
    }
}

fn refusals(world: &mut World, epoch: usize) {
    for refusal in [DENIED, FAILED] {
        let bucket = any_bucket(world);
        let (key, at) = (world.new_key(), world.busy_time(epoch, 1));
        let (call, _) = world.delete(bucket, &key, at);
        refuse(world, call, refusal);
    }
}

fn refused_bulk(world: &mut World, epoch: usize) {
    let bucket = any_bucket(world);
    let (key, at) = (world.new_key(), world.busy_time(epoch, 1));
    let (call, _) = world.delete_in_bulk(bucket, &key, at);
    refuse(world, call, DENIED);
}

/// The call as a whole is refused: there is no word of its keys.
fn refuse(world: &mut World, call: usize, refusal: super::world::Refusal) {
    let call = &mut world.calls[call];
    call.refusal = Some(refusal);
    for removed in &mut call.keys {
        removed.refusal = Some(refusal);
        removed.notified_at = None;
    }
}

/// Some keys by one call, some of them refused.
fn bulk(world: &mut World, epoch: usize) {
    let bucket = any_bucket(world);
    let at = world.busy_time(epoch, 1);
    let mut keys = Vec::new();
    for _ in 0..world.random.usize(1..7) {
        let key = world.new_key();
        let mut removed = match bucket.versioning {
            Versioning::Enabled if world.random.bool() => {
                let version = world.token(32);
                world.gone_version(bucket, &key, &version)
            }
            _ => world.gone(bucket, &key),
        };
        removed.refusal = (world.random.u8(..5) == 0).then_some(DENIED);
        removed.is_logged = world.random.u8(..8) > 0;
        keys.push(removed);
    }
    // A key that no other source tells of must be told by the trail.
    keys[0].is_refusal_told = true;
    world.call(bucket, By::DeleteObjects, at, keys);
}

fn two_versions_in_one_call(world: &mut World, epoch: usize) {
    let (key, at) = (world.new_key(), world.busy_time(epoch, 1));
    let versions = [world.token(32), world.token(32)];
    let keys = versions.map(|version| world.gone_version(&DOCUMENTS, &key, &version));
    world.call(&DOCUMENTS, By::DeleteObjects, at, keys.to_vec());
}

fn repeat(world: &mut World, first: Taken, second: Taken) {
    world.repeats.push(Repeat { first, second, is_made_anew_between: false });
}

fn double_call(world: &mut World, epoch: usize) {
    for bucket in BUCKETS {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 3));
        let first = world.delete(bucket, &key, at);
        let later = world.random.i64(1_200..2 * MINUTE);
        let second = world.delete(bucket, &key, at + later);
        // The second one finds no object where there are no versions, and S3 may be silent on it.
        if bucket.versioning == Versioning::Never && world.random.bool() {
            world.calls[second.0].keys[second.1].notified_at = None;
        }
        repeat(world, first, second);
    }
}

fn double_bulk_call(world: &mut World, epoch: usize) {
    for bucket in BUCKETS {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 3));
        let first = world.delete_in_bulk(bucket, &key, at);
        let later = world.random.i64(1_200..MINUTE);
        let second = world.delete_in_bulk(bucket, &key, at + later);
        world.calls[second.0].layout = world.calls[first.0].layout;
        repeat(world, first, second);
    }
}

fn mixed_double_call(world: &mut World, epoch: usize) {
    let bucket = any_bucket(world);
    let (key, at) = (world.new_key(), world.busy_time(epoch, 3));
    let later = at + world.random.i64(1_200..MINUTE);
    let (first, second) = if world.random.bool() {
        (world.delete(bucket, &key, at), world.delete_in_bulk(bucket, &key, later))
    } else {
        (world.delete_in_bulk(bucket, &key, at), world.delete(bucket, &key, later))
    };
    repeat(world, first, second);
}

fn triple_call(world: &mut World, epoch: usize) {
    let (key, at) = (world.new_key(), world.busy_time(epoch, 4));
    let calls = [0, MINUTE, 2 * MINUTE].map(|later| world.delete(&DOCUMENTS, &key, at + later));
    repeat(world, calls[0], calls[1]);
    repeat(world, calls[1], calls[2]);
}

/// More than ten minutes apart is no repetition any more.
fn late_second_call(world: &mut World, epoch: usize) {
    let (key, at) = (world.new_key(), world.busy_time(epoch, 14));
    world.delete(&DOCUMENTS, &key, at);
    let later = world.random.i64(11 * MINUTE..13 * MINUTE);
    world.delete(&DOCUMENTS, &key, at + later);
}

fn made_anew_between(world: &mut World, epoch: usize) {
    let (key, at) = (world.new_key(), world.busy_time(epoch, 5));
    let first = world.delete(&IMAGES, &key, at);
    world.upload(&IMAGES, &key, at + MINUTE);
    let second = world.delete(&IMAGES, &key, at + 3 * MINUTE);
    world.repeats.push(Repeat { first, second, is_made_anew_between: true });
}

/// A fresh upload is deleted minutes after it replaced the old one.
fn replaced_and_deleted(world: &mut World, epoch: usize) {
    for bucket in [&IMAGES, &DOCUMENTS, &BACKUPS] {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 16));
        world.upload(bucket, &key, at);
        world.upload(bucket, &key, at + MINUTE);
        let later = at + MINUTE + world.random.i64(MINUTE..13 * MINUTE);
        let stale = if world.random.bool() {
            world.delete(bucket, &key, later)
        } else {
            world.delete_in_bulk(bucket, &key, later)
        };
        world.stale.push(stale);
        // A second call is a repetition, and no second mistake.
        let second = world.delete(bucket, &key, later + 20_000);
        repeat(world, stale, second);
    }
    let (key, at, version) = (world.new_key(), world.busy_time(epoch, 8), world.token(32));
    world.upload(&DOCUMENTS, &key, at);
    let fresh = world.upload(&DOCUMENTS, &key, at + MINUTE);
    let fresh = world.uploads[fresh].version.clone().unwrap();
    // Another version is not what was uploaded.
    for (version, minutes, is_stale) in [(version, 2, false), (fresh, 4, true)] {
        let removed = world.gone_version(&DOCUMENTS, &key, &version);
        let call = world.call(&DOCUMENTS, By::DeleteObject, at + minutes * MINUTE, vec![removed]);
        world.stale.extend(is_stale.then_some((call, 0)));
    }
}

fn replaced_and_not_stale(world: &mut World, epoch: usize) {
    // Only one upload; too late; by a rule; and the upload replaced nothing.
    let (key, at) = (world.new_key(), world.busy_time(epoch, 3));
    world.upload(&IMAGES, &key, at);
    world.delete(&IMAGES, &key, at + MINUTE);
    let (key, at) = (world.new_key(), world.time(epoch, 1));
    world.upload(&IMAGES, &key, at);
    world.upload(&IMAGES, &key, at + MINUTE);
    world.delete(&IMAGES, &key, at + 18 * MINUTE);
    let (key, at) = (world.new_key(), world.busy_time(epoch, 4));
    world.upload(&IMAGES, &key, at);
    world.upload(&IMAGES, &key, at + MINUTE);
    let removed = world.gone(&IMAGES, &key);
    world.call(&IMAGES, By::Lifecycle, at + 2 * MINUTE, vec![removed]);
    let (key, at) = (world.new_key(), world.busy_time(epoch, 15));
    world.upload(&IMAGES, &key, at);
    world.delete(&IMAGES, &key, at + MINUTE);
    world.upload(&IMAGES, &key, at + 2 * MINUTE);
    world.delete(&IMAGES, &key, at + 13 * MINUTE);
}

fn expiry(world: &mut World, epoch: usize) {
    for bucket in BUCKETS {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 3));
        let removed = world.gone(bucket, &key);
        world.call(bucket, By::Lifecycle, at, vec![removed]);
    }
    let (key, at, version) = (world.new_key(), world.busy_time(epoch, 3), world.token(32));
    let removed = world.gone_version(&DOCUMENTS, &key, &version);
    world.call(&DOCUMENTS, By::Lifecycle, at, vec![removed]);
}

fn intents(world: &mut World, epoch: usize) {
    for bucket in BUCKETS {
        let keys = [world.new_key(), world.new_key(), world.new_key()];
        let at = world.busy_time(epoch, 5);
        // The last key is never deleted, and the second by two intents.
        world.declare(bucket.name, &[&keys[0], &keys[1], &keys[2]], at);
        world.declare(bucket.name, &[&keys[1]], at + 7_000);
        world.delete(bucket, &keys[0], at + MINUTE);
        world.delete_in_bulk(bucket, &keys[1], at + 2 * MINUTE);
    }
    let (key, at) = (world.new_key(), world.busy_time(epoch, 3));
    world.delete(&IMAGES, &key, at);
    world.declare(IMAGES.name, &[&key], at + MINUTE);
    let (key, at) = (world.new_key(), world.busy_time(epoch, 3));
    world.declare("unheard-of", &[&key], at);
}

fn across_accounts(world: &mut World, epoch: usize) {
    let (key, at) = (world.new_key(), world.busy_time(epoch, 1));
    let (call, _) = world.delete(&IMAGES, &key, at);
    world.calls[call].is_across_accounts = true;
}

/// What is nothing to those who count deletes.
fn bystanders(world: &mut World, epoch: usize) {
    for bucket in BUCKETS {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 1));
        world.noise.push((bucket, key, at));
    }
    let (bucket, at) = (any_bucket(world), world.busy_time(epoch, 1));
    world.changes.push((bucket, at));
}

/// Bulk calls of which the trail tells no key, far enough from all others.
fn quiet_minutes(world: &mut World, epoch: usize) {
    let mut at = world.time(epoch, BUSY_MINUTES) + 20_000;
    for bucket in [&IMAGES, &DOCUMENTS, &COLD] {
        for is_refused in [false, true] {
            let key = world.new_key();
            let (call, _) = world.delete_in_bulk(bucket, &key, at);
            at += 25_000;
            let call = &mut world.calls[call];
            if is_refused {
                // Each key is refused, and the call is not.
                for removed in &mut call.keys {
                    removed.refusal = Some(DENIED);
                    removed.is_refusal_told = epoch == 0;
                    removed.notified_at = None;
                }
            } else {
                call.layout = None;
            }
        }
    }
    // An old call, of before the records had times.
    let key = world.new_key();
    let (call, _) = world.delete_in_bulk(&BACKUPS, &key, at);
    world.calls[call].layout = None::<Layout>;
    world.calls[call].has_times = false;
}

/// What happens to one key over hours.
fn hours_apart(world: &mut World) {
    let key = world.new_key();
    world.delete(&DOCUMENTS, &key, world.time(0, 3));
    world.delete(&DOCUMENTS, &key, world.time(1, 3));
    let key = world.new_key();
    world.upload(&IMAGES, &key, world.time(0, 4));
    world.upload(&IMAGES, &key, world.time(2, 4));
    let stale = world.delete(&IMAGES, &key, world.time(2, 9));
    world.stale.push(stale);
    // Declared, given up, and done after all.
    let key = world.new_key();
    world.declare(IMAGES.name, &[&key], world.time(0, 6));
    world.delete(&IMAGES, &key, world.time(2, 6));
}
