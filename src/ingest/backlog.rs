//! Whether a queue still holds what was sent long ago: then what its sources have delivered last
//! says nothing about what they have delivered before. It takes observations with their times as
//! values and reads no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::store::{Holds, OneOf};

/// A message that waited for longer says that there is a backlog.
const OLD_AFTER: Duration = Duration::from_mins(1);
/// For how long one such message says so: receives may bring old and new ones by turns.
const REMEMBERED: Duration = Duration::from_secs(5);
/// A message that is worked on for longer is a backlog of its own.
const SLOW_AFTER: Duration = Duration::from_secs(30);

/// What is known of one queue. Times are since the daemon began to drain it.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Whether a receive has come back at all.
    has_received: bool,
    /// Whether there was no backlog at any time yet.
    was_clear: bool,
    old_seen_at: Option<Duration>,
    /// When messages that were left in the queue are visible again.
    returns_at: Option<Duration>,
    /// What is worked on, since when, and whether it was old when it came.
    in_flight: BTreeMap<u64, (Duration, bool)>,
    began: u64,
    /// When messages that could not be read are visible again.
    unread_returns_at: Option<Duration>,
    /// What has come by this queue.
    sources: BTreeSet<OneOf>,
}

impl Backlog {
    /// A receive came back; `oldest` is the age of its oldest message, none if it was empty.
    pub(super) fn received(&mut self, oldest: Option<Duration>, now: Duration) {
        self.has_received = true;
        if oldest.is_some_and(is_old) {
            self.old_seen_at = Some(now);
        }
    }

    /// Work on a message of this age begins; the number says which when it ends.
    pub(super) fn begin(&mut self, age: Duration, now: Duration) -> u64 {
        self.began += 1;
        self.in_flight.insert(self.began, (now, is_old(age)));
        self.began
    }

    /// Work on a message has ended.
    pub(super) fn end(&mut self, number: u64) {
        self.in_flight.remove(&number);
    }

    /// A message was left in the queue, and comes again at this time.
    pub(super) fn let_go(&mut self, returns_at: Duration) {
        self.returns_at = self.returns_at.max(Some(returns_at));
    }

    /// A message that could not be read comes again at this time, if it does: it may hold anything.
    pub(super) fn unread(&mut self, returns_at: Duration) {
        self.unread_returns_at = self.unread_returns_at.max(Some(returns_at));
    }

    /// Something came by this queue, each of one of these sources.
    pub(super) fn heard(&mut self, sources: impl IntoIterator<Item = OneOf>) {
        self.sources.extend(sources);
    }

    /// Adds whose watermarks must not move because of this queue. What has come by it before this
    /// program was started is not known; until it is drained once, it holds everybody's.
    pub(super) fn add_to(&mut self, holds: Holds, now: Duration) -> Holds {
        if !self.has_any(now) {
            self.was_clear = true;
            return holds;
        }
        let is_recent = |seen: Duration| now < seen + REMEMBERED;
        match holds {
            Holds::All => Holds::All,
            _ if !self.was_clear || self.unread_returns_at.is_some_and(is_recent) => Holds::All,
            Holds::None => Holds::These(self.sources.clone()),
            Holds::These(mut sources) => {
                sources.extend(self.sources.iter().cloned());
                Holds::These(sources)
            }
        }
    }

    fn has_any(&self, now: Duration) -> bool {
        let is_recent = |seen: Duration| now < seen + REMEMBERED;
        let is_held = |&(since, is_old): &(Duration, bool)| is_old || now > since + SLOW_AFTER;
        !self.has_received
            || self.old_seen_at.is_some_and(is_recent)
            || self.returns_at.max(self.unread_returns_at).is_some_and(is_recent)
            || self.in_flight.values().any(is_held)
    }
}

fn is_old(age: Duration) -> bool {
    age > OLD_AFTER
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::Source;

    use super::*;
    use crate::store::SourceKey;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn key(region: &str) -> OneOf {
        let (source, account, region) = (Source::S3Notification, String::new(), region.to_owned());
        [SourceKey { source, account, region }].into()
    }

    /// A queue that was drained once, and had brought something from one region.
    fn drained() -> Backlog {
        let mut backlog = Backlog::default();
        backlog.heard([key("eu-west-1")]);
        backlog.received(None, at(0));
        assert_eq!(backlog.add_to(Holds::None, at(0)), Holds::None);
        backlog
    }

    fn held(backlog: &mut Backlog, seconds: u64) -> bool {
        backlog.add_to(Holds::None, at(seconds)) != Holds::None
    }

    #[test]
    fn before_anything_was_received_everything_is_held() {
        let mut backlog = Backlog::default();
        assert_eq!(backlog.add_to(Holds::None, at(100)), Holds::All);
        backlog.received(Some(at(300)), at(100));
        assert_eq!(backlog.add_to(Holds::None, at(100)), Holds::All, "of an earlier run");
        assert_eq!(backlog.add_to(Holds::None, at(106)), Holds::None);
    }

    #[test]
    fn a_steady_stream_of_young_messages_is_no_backlog() {
        let mut backlog = drained();
        backlog.received(Some(at(2)), at(10));
        let message = backlog.begin(at(2), at(10));
        assert!(!held(&mut backlog, 11));
        backlog.end(message);
        assert!(!held(&mut backlog, 12));
    }

    #[test]
    fn an_old_message_holds_what_came_by_its_queue_until_it_is_settled() {
        let mut backlog = drained();
        backlog.received(Some(at(61)), at(10));
        let message = backlog.begin(at(61), at(10));
        let theirs = Holds::These([key("eu-west-1")].into());
        assert_eq!(backlog.add_to(Holds::None, at(11)), theirs);
        assert_eq!(backlog.add_to(Holds::All, at(11)), Holds::All);
        let others = Holds::These([key("us-east-1")].into());
        let both = Holds::These([key("eu-west-1"), key("us-east-1")].into());
        assert_eq!(backlog.add_to(others, at(11)), both);
        assert!(held(&mut backlog, 100), "while it is worked on");
        backlog.end(message);
        assert!(!held(&mut backlog, 100));
    }

    #[test]
    fn what_is_left_in_the_queue_holds_until_it_has_come_again() {
        let mut backlog = drained();
        backlog.let_go(at(60));
        assert!(held(&mut backlog, 64));
        assert!(!held(&mut backlog, 65));
    }

    #[test]
    fn what_could_not_be_read_holds_everything_until_it_has_come_again() {
        let mut backlog = drained();
        backlog.unread(at(60));
        backlog.let_go(at(70));
        assert_eq!(backlog.add_to(Holds::None, at(64)), Holds::All, "it may be of any source");
        let theirs = Holds::These([key("eu-west-1")].into());
        assert_eq!(backlog.add_to(Holds::None, at(65)), theirs);
        assert!(!held(&mut backlog, 75));
    }

    #[test]
    fn work_that_takes_long_holds() {
        let mut backlog = drained();
        backlog.begin(at(1), at(10));
        assert!(!held(&mut backlog, 40));
        assert!(held(&mut backlog, 41));
    }
}
