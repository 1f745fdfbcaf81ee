//! Which log objects are being read: whoever is told of one that is being read waits, and need not
//! read it again. It knows nothing of how an object is read, and of messages their names only.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use deltrail_core::decode::ObjectRef;
use deltrail_core::domain::Source;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::tell::locked;

/// Objects that are remembered as done, each for the message that named it. A message of
/// `CloudTrail` names a few.
const DONE_MAX: usize = 4_096;

/// How an object came to be named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Naming<'a> {
    pub(super) message_id: &'a str,
    /// When the message was received.
    pub(super) received_at: Instant,
    /// Whether it was received before, so that all of it may have been done.
    pub(super) is_redelivered: bool,
}

/// Bucket and key.
type Name = (String, String);
/// A message id and what it named.
type Told = (String, Name);
type Place = Arc<tokio::sync::Mutex<Option<LastRead>>>;

/// The content that an object had, as it was read last.
#[derive(Debug, Clone, Copy)]
struct LastRead {
    begun_at: Instant,
    source: Source,
}

/// The objects that are being read, and some that were.
#[derive(Debug, Default)]
pub(super) struct Underway {
    /// Each with the number of those who read it or wait for that.
    places: Mutex<HashMap<Name, (usize, Place)>>,
    done: Mutex<Done>,
}

/// What was done of messages that name no revision: the ledger cannot tell.
#[derive(Debug, Default)]
struct Done {
    sources: HashMap<Told, Source>,
    oldest_first: VecDeque<Told>,
}

impl Underway {
    /// Waits until nobody else reads the object. Whoever gives up, or fails, lets the next one in.
    pub(super) async fn turn(&self, object: &ObjectRef) -> Turn<'_> {
        let (mut turn, place) = self.come(name_of(object));
        turn.last = Some(place.lock_owned().await);
        turn
    }

    /// Comes to an object, whose turn it will be when its place is free.
    fn come(&self, name: Name) -> (Turn<'_>, Place) {
        let mut places = locked(&self.places);
        let (count, place) = places.entry(name.clone()).or_default();
        *count += 1;
        let was_taken = *count > 1;
        (Turn { underway: self, name, was_taken, last: None }, Arc::clone(place))
    }

    /// As what an object was done for an earlier delivery of this message, if that is remembered.
    pub(super) fn done_before(&self, naming: &Naming<'_>, object: &ObjectRef) -> Option<Source> {
        let told = (naming.message_id.to_owned(), name_of(object));
        locked(&self.done).sources.get(&told).copied()
    }

    /// Remembers that an object was done for this message.
    pub(super) fn note_done(&self, naming: &Naming<'_>, object: &ObjectRef, source: Source) {
        let told = (naming.message_id.to_owned(), name_of(object));
        let mut done = locked(&self.done);
        if done.sources.insert(told.clone(), source).is_some() {
            return;
        }
        done.oldest_first.push_back(told);
        if done.oldest_first.len() > DONE_MAX
            && let Some(oldest) = done.oldest_first.pop_front()
        {
            done.sources.remove(&oldest);
        }
    }
}

/// The leave to read one object, which nobody else has meanwhile.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    underway: &'a Underway,
    name: Name,
    was_taken: bool,
    last: Option<OwnedMutexGuard<Option<LastRead>>>,
}

impl Turn<'_> {
    /// Whether somebody else had it first, and may have committed the object.
    pub(super) const fn was_waited_for(&self) -> bool {
        self.was_taken
    }

    /// As what the object was read by somebody who began after `received_at`. What a message that
    /// was received by then tells of had happened before, so it was seen.
    pub(super) fn read_since(&self, received_at: Instant) -> Option<Source> {
        let last = self.last.as_deref().copied().flatten()?;
        (last.begun_at >= received_at).then_some(last.source)
    }

    /// Tells those who wait that the content which the object had at `begun_at` or later was read
    /// and committed.
    pub(super) fn note_read(&mut self, begun_at: Instant, source: Source) {
        if let Some(last) = self.last.as_deref_mut() {
            *last = Some(LastRead { begun_at, source });
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut places = locked(&self.underway.places);
        if let Some((count, _)) = places.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                places.remove(&self.name);
            }
        }
    }
}

fn name_of(object: &ObjectRef) -> Name {
    (object.bucket.clone(), object.key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str) -> ObjectRef {
        ObjectRef {
            bucket: "trail-logs".to_owned(),
            key: key.to_owned(),
            version_id: None,
            etag: None,
            size: None,
            region: None,
            event_at: None,
            source: Source::CloudTrail,
        }
    }

    fn naming(message_id: &str) -> Naming<'_> {
        Naming { message_id, received_at: Instant::now(), is_redelivered: true }
    }

    #[tokio::test]
    async fn nothing_is_left_of_turns_that_ended_or_were_given_up() {
        let (underway, one) = (Underway::default(), object("one"));
        let first = underway.turn(&one).await;
        let mut second = Box::pin(underway.turn(&one));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        assert!(!underway.turn(&object("other")).await.was_waited_for());
        let mut third = Box::pin(underway.turn(&one));
        assert!(futures_util::poll!(third.as_mut()).is_pending());
        drop(second);
        drop(first);
        assert!(third.await.was_waited_for(), "who gave up keeps nobody waiting");
        assert!(locked(&underway.places).is_empty());
    }

    #[tokio::test]
    async fn only_a_reading_that_began_after_the_receipt_has_seen_what_a_message_tells() {
        let (underway, one) = (Underway::default(), object("one"));
        let before = Instant::now();
        let mut first = underway.turn(&one).await;
        let mut second = Box::pin(underway.turn(&one));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        let begun_at = before + std::time::Duration::from_secs(1);
        first.note_read(begun_at, Source::AccessLog);
        drop(first);
        let second = second.await;
        assert_eq!(second.read_since(before), Some(Source::AccessLog));
        assert_eq!(second.read_since(begun_at + std::time::Duration::from_secs(1)), None);
    }

    #[test]
    fn what_was_done_is_remembered_for_its_message_until_there_is_too_much() {
        let underway = Underway::default();
        let number = |number: usize| format!("m{number}");
        for at in 0..=DONE_MAX {
            underway.note_done(&naming(&number(at)), &object("one"), Source::CloudTrail);
        }
        let done = |at: usize, key| underway.done_before(&naming(&number(at)), &object(key));
        assert_eq!(done(0, "one"), None, "it was the oldest");
        assert_eq!(done(1, "one"), Some(Source::CloudTrail));
        assert_eq!(done(1, "two"), None);
        assert_eq!(locked(&underway.done).sources.len(), DONE_MAX);
    }
}
