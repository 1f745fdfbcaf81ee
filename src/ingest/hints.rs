//! What a queue's quiet may mean, in words for whoever sets the daemon up. It takes observations
//! with their times as values and says at most one hint at a time; it reads no clock and asks
//! nobody.

use std::fmt;
use std::time::Duration;

/// How long a queue may be quiet before somebody may wonder.
const QUIET_AFTER: Duration = Duration::from_mins(1);
/// How long a queue may be quiet before it is probably a mistake: three deliveries of `CloudTrail`,
/// which writes about every five minutes.
const SILENT_AFTER: Duration = Duration::from_mins(15);
/// How many looks in a row must show messages in other hands; counts of SQS are approximate.
const FOREIGN_LOOKS: u32 = 3;

/// What a message brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// S3's test when somebody sets up a notification.
    TestEvent,
    /// Anything else, which shows that the notification works and something is written.
    News,
}

/// One look at the queue's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// Messages that the queue has in any state.
    pub(super) messages: u64,
    /// Messages that it says were received and not settled.
    pub(super) in_flight: u64,
    /// Messages that this process holds.
    pub(super) held: u64,
    /// Messages that this process has received in all.
    pub(super) received: u64,
}

/// Something worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// Nothing has arrived so far, which is normal at first.
    NothingYet,
    /// Nothing has arrived for long.
    NothingForLong,
    /// Of the notification only its test has arrived so far.
    TestOnlyYet,
    /// Of the notification only its test has arrived, for long.
    TestOnlyForLong,
    /// Somebody else receives from the queue and holds this many messages.
    OtherConsumer(u64),
}

/// What there is to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The first message, since then.
    Anything { since: Duration },
    /// What should follow a test, since then.
    AfterTest { since: Duration },
    /// Nothing: something arrived.
    Nothing,
}

/// What was seen of one queue. All times are since the same moment.
#[derive(Debug)]
pub(super) struct Hints {
    waiting: Waiting,
    /// The last hint about what is waited for.
    said: Option<Hint>,
    /// Until when messages that this process let go may count as in flight.
    hidden_until: Duration,
    foreign_looks: u32,
    was_foreign_said: bool,
    received: u64,
}

impl Hints {
    /// Of a queue that is received from since `at`, and whose messages of an earlier run may be in
    /// flight until `hidden_until`.
    pub(super) fn new(at: Duration, hidden_until: Duration) -> Self {
        Self {
            waiting: Waiting::Anything { since: at },
            said: None,
            hidden_until,
            foreign_looks: 0,
            was_foreign_said: false,
            received: 0,
        }
    }

    /// A message came.
    pub(super) fn arrived(&mut self, arrival: Arrival, at: Duration) {
        match (arrival, self.waiting) {
            (Arrival::TestEvent, Waiting::AfterTest { .. }) => return,
            (Arrival::TestEvent, _) => self.waiting = Waiting::AfterTest { since: at },
            (Arrival::News, _) => self.waiting = Waiting::Nothing,
        }
        self.said = None;
    }

    /// A message was left in the queue, invisible until then.
    pub(super) fn let_go(&mut self, hidden_until: Duration) {
        self.hidden_until = self.hidden_until.max(hidden_until);
    }

    /// Nothing can be received at present, so quiet means nothing.
    pub(super) fn deaf(&mut self, at: Duration) {
        if let Waiting::Anything { since } | Waiting::AfterTest { since } = &mut self.waiting {
            *since = at;
        }
        self.foreign_looks = 0;
    }

    /// Looks at the queue, and says what that may mean.
    pub(super) fn looked(&mut self, look: Look, at: Duration) -> Option<Hint> {
        self.others_hold(look, at).or_else(|| self.quiet(look, at))
    }

    fn others_hold(&mut self, look: Look, at: Duration) -> Option<Hint> {
        let received_since = look.received.saturating_sub(self.received);
        self.received = look.received;
        // What was received since the last look may be settled here and not yet in the count.
        let foreign = look.in_flight.saturating_sub(look.held.saturating_add(received_since));
        if foreign == 0 {
            self.foreign_looks = 0;
            self.was_foreign_said = false;
            return None;
        }
        if at < self.hidden_until {
            return None;
        }
        self.foreign_looks = self.foreign_looks.saturating_add(1);
        if self.was_foreign_said || self.foreign_looks < FOREIGN_LOOKS {
            return None;
        }
        self.was_foreign_said = true;
        Some(Hint::OtherConsumer(foreign))
    }

    fn quiet(&mut self, look: Look, at: Duration) -> Option<Hint> {
        let (since, yet, for_long) = match self.waiting {
            // Somebody sends, and the messages will come or are in other hands.
            Waiting::Anything { .. } if look.messages > 0 => return None,
            Waiting::Anything { since } => (since, Hint::NothingYet, Hint::NothingForLong),
            Waiting::AfterTest { since } => (since, Hint::TestOnlyYet, Hint::TestOnlyForLong),
            Waiting::Nothing => return None,
        };
        let quiet = at.saturating_sub(since);
        let hint = match () {
            () if quiet >= SILENT_AFTER => for_long,
            () if quiet >= QUIET_AFTER => yet,
            () => return None,
        };
        // After the stronger of the two the weaker says nothing new.
        if self.said == Some(hint) || self.said == Some(for_long) {
            return None;
        }
        self.said = Some(hint);
        Some(hint)
    }
}

impl Hint {
    /// Whether it is probably a mistake, not only news.
    pub(super) const fn is_warning(self) -> bool {
        !matches!(self, Self::NothingYet | Self::TestOnlyYet)
    }

    /// The hint as a sentence about this queue and the log buckets that were named.
    pub(super) const fn about<'a>(self, queue: &'a str, buckets: &'a [String]) -> Told<'a> {
        Told { hint: self, queue, buckets }
    }
}

/// A hint in words.
pub(super) struct Told<'a> {
    hint: Hint,
    queue: &'a str,
    buckets: &'a [String],
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.queue;
        let first = self.buckets.first().map(String::as_str);
        let bucket = first.unwrap_or("LOG-BUCKET");
        let check_notification = format!(
            "check that the event notification of the log bucket names this queue (aws s3api \
             get-bucket-notification-configuration --bucket {bucket}), and that the policy of the \
             queue lets s3.amazonaws.com send to it"
        );
        let of_bucket = first.map(|name| format!(" {name}")).unwrap_or_default();
        let check_trail = format!(
            "check that the trail is logging (aws cloudtrail get-trail-status --name TRAIL), \
             records S3 data events, and writes to the log bucket{of_bucket}"
        );
        match self.hint {
            Hint::NothingYet => write!(
                f,
                "nothing has arrived on queue {queue} yet, which is normal at first: CloudTrail \
                 writes about every five minutes; if nothing comes within 15 minutes, \
                 {check_notification}"
            ),
            Hint::NothingForLong => write!(
                f,
                "nothing has arrived on queue {queue} for 15 minutes; if objects were deleted \
                 meanwhile, {check_notification}"
            ),
            Hint::TestOnlyYet => write!(
                f,
                "only the test message of S3 has arrived on queue {queue}, so the notification \
                 works: CloudTrail writes about every five minutes; if nothing else comes within \
                 15 minutes, {check_trail}"
            ),
            Hint::TestOnlyForLong => write!(
                f,
                "only the test message of S3 has arrived on queue {queue}, and nothing else for 15 \
                 minutes: the notification works; if objects were deleted meanwhile, {check_trail}"
            ),
            Hint::OtherConsumer(count) => write!(
                f,
                "somebody else receives from queue {queue}: {count} of its messages in flight are \
                 not held here, and what they report is missing here; give deltrail a queue of its \
                 own, or stop the other consumer (another deltrail with the same store is fine, and \
                 what an earlier run held may count for up to 15 minutes)"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
