//! The scenes of the world, and every way of deleting a key once. It knows no source.

use super::again;
use super::bucket::{BACKUPS, BUCKETS, Bucket, COLD, DOCUMENTS, IMAGES, Versioning};
use super::world::{BUSY_MINUTES, By, DENIED, EPOCHS, FAILED, Refusal, World};

type Scene = fn(&mut World, usize);

/// Scenes that may happen at the same time, each upon keys of its own.
const SCENES: [Scene; 20] = [
    plain_deletes,
    versions,
    again::undelete,
    null_version,
    missing_key,
    refusals,
    bulk,
    bulk,
    two_versions_in_one_call,
    refused_bulk,
    again::double_call,
    again::double_bulk_call,
    again::mixed_double_call,
    again::triple_call,
    again::late_second_call,
    again::made_anew_between,
    again::replaced_and_deleted,
    again::replaced_and_not_stale,
    expiry,
    again::intents,
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
    again::hours_apart(world);
}

pub fn any_bucket(world: &mut World) -> &'static Bucket {
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
fn refuse(world: &mut World, call: usize, refusal: Refusal) {
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
    world.calls[call].layout = None;
    world.calls[call].has_times = false;
}
