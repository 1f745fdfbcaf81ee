//! Scenes in which something happens to one key more than once: repetitions, deletes of what was
//! just replaced, declared deletes. What makes two acts a repetition or a mistake is written down
//! here, by who acts; it knows no source.

use super::bucket::{BACKUPS, BUCKETS, DOCUMENTS, IMAGES, Versioning};
use super::scenes::any_bucket;
use super::world::{By, MINUTE, Repeat, Taken, World};

fn repeat(world: &mut World, first: Taken, second: Taken) {
    let (is_made_anew_between, is_of_same_version) = (false, true);
    world.repeats.push(Repeat { first, second, is_made_anew_between, is_of_same_version });
}

/// A marker is made, and taken away by its id: one call each, or a bulk call.
pub fn undelete(world: &mut World, epoch: usize) {
    for by in [By::DeleteObject, By::DeleteObjects] {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 4));
        let made = world.gone(&DOCUMENTS, &key);
        let marker = made.marker.clone().unwrap();
        let first = (world.call(&DOCUMENTS, by, at, vec![made]), 0);
        let mut removed = world.gone_version(&DOCUMENTS, &key, &marker);
        removed.is_undelete = true;
        let later = world.random.i64(2_000..3 * MINUTE);
        let second = (world.call(&DOCUMENTS, by, at + later, vec![removed]), 0);
        let (is_made_anew_between, is_of_same_version) = (false, false);
        world.repeats.push(Repeat { first, second, is_made_anew_between, is_of_same_version });
    }
}

pub fn double_call(world: &mut World, epoch: usize) {
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

pub fn double_bulk_call(world: &mut World, epoch: usize) {
    for bucket in BUCKETS {
        let (key, at) = (world.new_key(), world.busy_time(epoch, 3));
        let first = world.delete_in_bulk(bucket, &key, at);
        let later = world.random.i64(1_200..MINUTE);
        let second = world.delete_in_bulk(bucket, &key, at + later);
        world.calls[second.0].layout = world.calls[first.0].layout;
        repeat(world, first, second);
    }
}

pub fn mixed_double_call(world: &mut World, epoch: usize) {
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

pub fn triple_call(world: &mut World, epoch: usize) {
    let (key, at) = (world.new_key(), world.busy_time(epoch, 4));
    let calls = [0, MINUTE, 2 * MINUTE].map(|later| world.delete(&DOCUMENTS, &key, at + later));
    repeat(world, calls[0], calls[1]);
    repeat(world, calls[1], calls[2]);
}

/// More than ten minutes apart is no repetition any more.
pub fn late_second_call(world: &mut World, epoch: usize) {
    let (key, at) = (world.new_key(), world.busy_time(epoch, 14));
    world.delete(&DOCUMENTS, &key, at);
    let later = world.random.i64(11 * MINUTE..13 * MINUTE);
    world.delete(&DOCUMENTS, &key, at + later);
}

pub fn made_anew_between(world: &mut World, epoch: usize) {
    let (key, at) = (world.new_key(), world.busy_time(epoch, 5));
    let first = world.delete(&IMAGES, &key, at);
    world.upload(&IMAGES, &key, at + MINUTE);
    let second = world.delete(&IMAGES, &key, at + 3 * MINUTE);
    let (is_made_anew_between, is_of_same_version) = (true, true);
    world.repeats.push(Repeat { first, second, is_made_anew_between, is_of_same_version });
}

/// A fresh upload is deleted minutes after it replaced the old one.
pub fn replaced_and_deleted(world: &mut World, epoch: usize) {
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

pub fn replaced_and_not_stale(world: &mut World, epoch: usize) {
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

pub fn intents(world: &mut World, epoch: usize) {
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

/// What happens to one key over hours.
pub fn hours_apart(world: &mut World) {
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
