//! The deliveries that are held of one queue: which of them needs which call at which time, and
//! what an answer means for each. It takes times as values, makes no call and says nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::away::Away;
use crate::queue::{Entry, EntryFailure, QueueError};

/// Entries of one call, by the limit of SQS.
pub(super) const BATCH_ENTRIES_MAX: usize = 10;
/// How long a return waits for others that go in the same call.
const GATHER: Duration = Duration::from_millis(10);
/// What else is due within this part of a third of the timeout goes in the same call.
const AHEAD_PARTS: u32 = 4;

/// All that is held.
#[derive(Debug, Default)]
pub(super) struct Table {
    held: BTreeMap<u64, Held>,
    last: u64,
    /// Up to when nobody looks unless woken; none until woken.
    asleep_until: Option<Instant>,
    away: Away,
}

/// A delivery to be held.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) entry: Entry,
    /// When its message was sent, in milliseconds since 1970.
    pub(super) sent_at_millis: Option<i64>,
    /// How long it stays invisible, unless extended.
    pub(super) visibility: Duration,
    /// When SQS extends it no further.
    pub(super) limit: Instant,
}

#[derive(Debug)]
struct Held {
    delivery: Delivery,
    wish: Wish,
    /// Until when it is surely invisible.
    until: Instant,
    /// When to make the next call for it; none when there is none to be made.
    due: Option<Instant>,
    /// Whether a call about it is under way: two could overtake one another.
    is_asked: bool,
    /// Cancelled when it is held no more.
    over: CancellationToken,
}

/// What is wanted of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// It is worked on, and stays invisible.
    Hold,
    /// It is being deleted, and stays invisible until that is known.
    Settle,
    /// It becomes visible after this time.
    Return(Duration),
}

/// One entry of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) number: u64,
    pub(super) entry: Entry,
    /// How long it shall be invisible from now on.
    pub(super) time: Duration,
    is_return: bool,
}

/// Why a delivery is held no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loss {
    /// SQS says that the receipt handle is no longer good, or refuses it for good.
    Refused(String),
    /// No extension succeeded in time.
    RanOut,
    /// It was held for as long as SQS allows.
    AtLimit,
}

/// What is worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// An extension succeeded.
    Extended,
    /// An extension failed; it is tried again.
    NotExtended(String),
    /// The work on this message shall end.
    Lost { entry: Entry, loss: Loss },
    /// A message becomes visible after this time.
    Returned(Duration),
    /// A message becomes visible only when its timeout is over.
    NotReturned { why: String, visibility: Duration },
}

impl Table {
    /// Holds a delivery that was received now. Gives its number, what is cancelled when it is held
    /// no more, and whether somebody has to be woken for it.
    pub(super) fn hold(
        &mut self,
        delivery: Delivery,
        now: Instant,
    ) -> (u64, CancellationToken, bool) {
        let over = CancellationToken::new();
        let due = now + delivery.visibility / 3;
        self.away.came(&delivery.entry.message_id);
        let wakes = self.asleep_until.is_none_or(|until| due < until);
        self.last += 1;
        let held = Held {
            wish: Wish::Hold,
            until: now + delivery.visibility,
            due: Some(due),
            is_asked: false,
            over: over.clone(),
            delivery,
        };
        self.held.insert(self.last, held);
        (self.last, over, wakes)
    }

    /// Lets a delivery go, unless it is to be returned: it comes again when its time is over.
    pub(super) fn let_go(&mut self, number: u64) {
        if let Some(held) = self.held.get(&number)
            && !matches!(held.wish, Wish::Return(_))
        {
            let until = held.until;
            self.leave(number, until);
        }
    }

    /// Notes that the message is deleted.
    pub(super) fn deleted(&mut self, number: u64) {
        self.end(number);
    }

    /// When the oldest message was sent that is held, or was left in the queue and is to come
    /// again; none if none is known.
    pub(super) fn oldest_sent_at_millis(&mut self, now: Instant) -> Option<i64> {
        let held = self.held.values().filter_map(|held| held.delivery.sent_at_millis).min();
        [held, self.away.oldest_sent_at_millis(now)].into_iter().flatten().min()
    }

    /// Notes that the work is done: from now on a refusal may only mean that the message is gone.
    pub(super) fn settle(&mut self, number: u64) {
        if let Some(held) = self.held.get_mut(&number) {
            held.wish = Wish::Settle;
        }
    }

    /// Lets a delivery become visible after `delay`.
    pub(super) fn give_back(&mut self, number: u64, delay: Duration, now: Instant) {
        if let Some(held) = self.held.get_mut(&number) {
            held.wish = Wish::Return(delay);
            held.due = Some(now + GATHER);
        }
    }

    /// When to look again: at the next call if one may be made, else when the next delivery runs
    /// out; none while nothing is held.
    pub(super) fn sleep(&mut self, may_call: bool) -> Option<Instant> {
        let next = |held: &Held| match held.next_call_at() {
            Some(call_at) if may_call => call_at.min(held.until),
            _ => held.until,
        };
        self.asleep_until = self.held.values().map(next).min();
        self.asleep_until
    }

    /// Whether a call is to be made now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.held.values().any(|held| held.next_call_at().is_some_and(|due| due <= now))
    }

    /// The entries of the next call: those that are due, and others that soon will be.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Ask> {
        let soon = |held: &Held| {
            let ahead = held.delivery.visibility / (3 * AHEAD_PARTS);
            held.next_call_at().filter(|&due| due <= now + ahead)
        };
        let mut due: Vec<(Instant, u64)> = self
            .held
            .iter()
            .filter_map(|(number, held)| soon(held).map(|due| (due, *number)))
            .collect();
        due.sort_unstable();
        due.truncate(BATCH_ENTRIES_MAX);
        due.into_iter()
            .filter_map(|(_, number)| {
                let held = self.held.get_mut(&number)?;
                held.due = None;
                let (time, is_return) = held.ask(now)?;
                held.is_asked = true;
                Some(Ask { number, entry: held.delivery.entry.clone(), time, is_return })
            })
            .collect()
    }

    /// Takes note of the answer to a call that was sent at `asked_at`.
    pub(super) fn answered(
        &mut self,
        asks: &[Ask],
        asked_at: Instant,
        answer: Result<Vec<EntryFailure>, QueueError>,
        now: Instant,
    ) -> Vec<News> {
        let mut refused: BTreeMap<usize, EntryFailure> = BTreeMap::new();
        let failed = match answer {
            Ok(failures) => {
                refused.extend(failures.into_iter().map(|failure| (failure.index, failure)));
                None
            }
            Err(error) => Some(error.to_string()),
        };
        let mut news = Vec::new();
        for (index, ask) in asks.iter().enumerate() {
            if let Some(held) = self.held.get_mut(&ask.number) {
                held.is_asked = false;
            }
            news.extend(match (refused.remove(&index), &failed) {
                (Some(refusal), _) => self.refused(ask, refusal, now),
                (None, Some(failed)) => self.failed(ask, failed.clone(), now),
                (None, None) => self.granted(ask, asked_at),
            });
        }
        news
    }

    fn granted(&mut self, ask: &Ask, asked_at: Instant) -> Option<News> {
        let held = self.held.get_mut(&ask.number)?;
        if ask.is_return {
            self.leave(ask.number, asked_at + ask.time);
            return Some(News::Returned(ask.time));
        }
        held.until = asked_at + ask.time;
        // Less than a timeout is all that was left.
        let is_last = ask.time < held.delivery.visibility;
        if matches!(held.wish, Wish::Hold | Wish::Settle) && !is_last {
            held.due = Some(asked_at + ask.time / 3);
        }
        Some(News::Extended)
    }

    /// The call failed as a whole, or its answer says that the entry may be tried again.
    fn failed(&mut self, ask: &Ask, why: String, now: Instant) -> Option<News> {
        let held = self.held.get_mut(&ask.number)?;
        if held.due.is_none() {
            held.due = Some(now + held.delivery.visibility / (3 * AHEAD_PARTS));
        }
        Some(News::NotExtended(why))
    }

    fn refused(&mut self, ask: &Ask, refusal: EntryFailure, now: Instant) -> Option<News> {
        let is_final = refusal.lease_lost || refusal.beyond_limit || refusal.sender_fault;
        if !is_final {
            return self.failed(ask, refusal.code, now);
        }
        let held = self.held.get_mut(&ask.number)?;
        match held.wish {
            // It stays invisible for as long as it was promised.
            Wish::Hold if refusal.beyond_limit => {
                held.delivery.limit = now;
                None
            }
            Wish::Hold => {
                self.leave(ask.number, now);
                Some(News::Lost { entry: refusal.entry, loss: Loss::Refused(refusal.code) })
            }
            // It is gone, as it should be, or comes again and is found done.
            Wish::Settle => None,
            // The return was not asked for yet.
            Wish::Return(_) if !ask.is_return && !refusal.lease_lost => None,
            // It comes again all the same.
            Wish::Return(_) => {
                let visibility = held.delivery.visibility;
                self.leave(ask.number, now + visibility);
                Some(News::NotReturned { why: refusal.code, visibility })
            }
        }
    }

    /// Ends what has run out.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<News> {
        let over = |(number, held): (&u64, &Held)| (held.until <= now).then_some(*number);
        let over: Vec<u64> = self.held.iter().filter_map(over).collect();
        over.into_iter().filter_map(|number| self.run_out(number, now)).collect()
    }

    fn run_out(&mut self, number: u64, now: Instant) -> Option<News> {
        let held = self.held.get(&number)?;
        let (wish, entry) = (held.wish, held.delivery.entry.clone());
        let is_at_limit = held.delivery.limit <= now + Duration::from_secs(1);
        self.leave(number, now);
        match wish {
            Wish::Hold => {
                let loss = if is_at_limit { Loss::AtLimit } else { Loss::RanOut };
                Some(News::Lost { entry, loss })
            }
            Wish::Settle => None,
            Wish::Return(_) => Some(News::NotReturned {
                why: "no answer in time".to_owned(),
                visibility: Duration::ZERO,
            }),
        }
    }

    /// Ends what comes again.
    fn leave(&mut self, number: u64, comes_at: Instant) {
        if let Some(delivery) = self.end(number) {
            self.away.left(delivery, comes_at);
        }
    }

    fn end(&mut self, number: u64) -> Option<Delivery> {
        let held = self.held.remove(&number)?;
        held.over.cancel();
        Some(held.delivery)
    }
}

impl Held {
    fn next_call_at(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_asked)
    }

    /// What to ask for now: how long it shall be invisible, and whether that returns it. Nothing
    /// if SQS would give no more than there is.
    fn ask(&self, now: Instant) -> Option<(Duration, bool)> {
        let left = self.delivery.limit.saturating_duration_since(now);
        let left = Duration::from_secs(left.as_secs());
        match self.wish {
            Wish::Return(delay) => Some((delay.min(left), true)),
            Wish::Hold | Wish::Settle => {
                let time = self.delivery.visibility.min(left);
                (now + time > self.until).then_some((time, false))
            }
        }
    }
}

#[cfg(test)]
mod tests;
