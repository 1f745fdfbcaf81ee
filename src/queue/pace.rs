//! Keeps the calls to a queue apart while it fails, so that an outage costs few of them: each waits
//! for its turn, and turns come after growing pauses. It sends nothing and does not try again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::error::{Operation, QueueError};

/// The pause after the first failure, which is often the only one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The pause after the second failure; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Whose turn it is at one queue.
#[derive(Debug, Default)]
pub(super) struct Pace {
    lines: Mutex<Lines>,
    /// Somebody was answered.
    answered: Notify,
}

/// Calls wait in two lines: in one because the queue as a whole fails, whatever is asked, and in
/// one because what they ask fails, though the queue answers others.
#[derive(Debug, Default)]
struct Lines {
    whole: Line,
    own: BTreeMap<Operation, Line>,
}

/// Calls that fail one after the other. Without failures nobody waits.
#[derive(Debug, Default, Clone, Copy)]
struct Line {
    failures: u32,
    next_at: Option<Instant>,
}

/// The leave to send one call.
#[derive(Debug)]
pub(super) struct Turn {
    operation: Operation,
    /// The failures that were known when it began.
    whole_failures: u32,
    own_failures: u32,
}

impl Pace {
    /// Waits until a call of this kind may be sent, and takes the turn.
    pub(super) async fn turn(&self, operation: Operation) -> Turn {
        loop {
            self.until_turn(operation).await;
            if let Some(turn) = self.lines().take_turn(operation, Instant::now(), fastrand::f64()) {
                return turn;
            }
        }
    }

    /// Waits until a call of this kind may be sent; another one may be quicker.
    pub(super) async fn until_turn(&self, operation: Operation) {
        loop {
            let answered = self.answered.notified();
            let Some(next_at) = self.lines().next_at(operation, Instant::now()) else { return };
            tokio::select! {
                () = sleep_until(next_at) => {}
                () = answered => {}
            }
        }
    }

    /// Whether nobody waits in the lines of such calls.
    pub(super) fn is_open(&self, operation: Operation) -> bool {
        let lines = self.lines();
        lines.whole.failures == 0 && lines.own(operation).failures == 0
    }

    /// Notes how a call went.
    pub(super) fn note(&self, turn: &Turn, error: Option<&QueueError>) {
        let Some(error) = error else {
            self.lines().answered(turn.operation);
            self.answered.notify_waiters();
            return;
        };
        let is_whole = error.is_transient() || error.is_of_whole_queue();
        self.lines().failed(turn, is_whole, Instant::now(), fastrand::f64());
    }

    /// A panic elsewhere leaves the lines as good as they were.
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn own(&self, operation: Operation) -> Line {
        self.own.get(&operation).copied().unwrap_or_default()
    }

    /// When the next such call may be sent; none if now.
    fn next_at(&self, operation: Operation, now: Instant) -> Option<Instant> {
        let next_at = self.whole.next_at.max(self.own(operation).next_at);
        next_at.filter(|&next_at| next_at > now)
    }

    /// The turn, if it is its time. Until it is known how the call went, the next one waits for as
    /// long as if it had failed.
    fn take_turn(&mut self, operation: Operation, now: Instant, jitter: f64) -> Option<Turn> {
        if self.next_at(operation, now).is_some() {
            return None;
        }
        let own = self.own.entry(operation).or_default();
        let turn =
            Turn { operation, whole_failures: self.whole.failures, own_failures: own.failures };
        for line in [&mut self.whole, own] {
            line.next_at = line.next_at.map(|_| now + pause(line.failures + 1, jitter));
        }
        Some(turn)
    }

    fn answered(&mut self, operation: Operation) {
        self.whole = Line::default();
        self.own.remove(&operation);
    }

    /// Of calls that were under way together, one failure counts. When several kinds of calls fail,
    /// it is the queue that does, whatever it says.
    fn failed(&mut self, turn: &Turn, is_whole: bool, now: Instant, jitter: f64) {
        let is_other = |(of, line): (&Operation, &Line)| *of != turn.operation && line.failures > 0;
        let is_whole = is_whole || self.own.iter().any(is_other);
        let own = self.own.entry(turn.operation).or_default();
        let failed = if is_whole { Some((&mut self.whole, turn.whole_failures)) } else { None };
        for (line, known) in [(own, turn.own_failures)].into_iter().chain(failed) {
            if line.failures == known {
                line.failures = line.failures.saturating_add(1);
                line.next_at = Some(now + pause(line.failures, jitter));
            }
        }
    }
}

/// How long to wait after so many failures in a row, at least 1. Jitter, from 0 to 1, takes off up
/// to half, so that many clients do not come back together.
fn pause(failures: u32, jitter: f64) -> Duration {
    let full = match failures {
        0 | 1 => FIRST_PAUSE,
        more => PAUSE_MIN.saturating_mul(1 << (more - 2).min(16)).min(PAUSE_MAX),
    };
    full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a call as soon as it may be sent, again and again until `end`, each of which fails;
    /// when they were sent, in seconds.
    fn failing(operations: &[Operation], is_whole: bool, end: u64, jitter: f64) -> Vec<f64> {
        let start = Instant::now();
        let mut lines = Lines::default();
        let mut sent = Vec::new();
        for millis in 0..end * 1000 {
            let now = start + Duration::from_millis(millis);
            for &operation in operations {
                if let Some(turn) = lines.take_turn(operation, now, jitter) {
                    sent.push(now.duration_since(start).as_secs_f64());
                    lines.failed(&turn, is_whole, now, jitter);
                }
            }
        }
        sent
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let sent = failing(&[Operation::Receive], true, 100, 0.0);
        assert_eq!(sent, [0.0, 0.5, 2.5, 6.5, 14.5, 30.5, 60.5, 90.5]);
        let sent = failing(&[Operation::Receive], false, 10, 1.0);
        assert_eq!(sent, [0.0, 0.25, 1.25, 3.25, 7.25]);
    }

    #[test]
    fn a_queue_that_fails_whatever_is_asked_is_asked_in_one_line() {
        let all = [
            Operation::Receive,
            Operation::Delete,
            Operation::ChangeVisibility,
            Operation::Attributes,
        ];
        for (seconds, jitter) in [(10, 0.0), (10, 1.0), (60, 1.0), (3600, 1.0)] {
            for is_whole in [true, false] {
                let sent = failing(&all, is_whole, seconds, jitter);
                assert!(sent.len() < usize::try_from(seconds).unwrap(), "{seconds} s: {sent:?}");
            }
        }
    }

    #[test]
    fn what_fails_alone_waits_alone_until_it_is_answered() {
        let now = Instant::now();
        let mut lines = Lines::default();
        let denied = lines.take_turn(Operation::Receive, now, 0.0).unwrap();
        lines.failed(&denied, false, now, 0.0);
        assert!(lines.take_turn(Operation::Receive, now, 0.0).is_none());
        assert!(lines.take_turn(Operation::Delete, now, 0.0).is_some());
        lines.answered(Operation::Delete);
        assert!(lines.take_turn(Operation::Receive, now, 0.0).is_none(), "others do not matter");
        lines.answered(Operation::Receive);
        assert!(lines.take_turn(Operation::Receive, now, 0.0).is_some());
    }

    #[test]
    fn calls_that_fail_together_are_one_failure() {
        let now = Instant::now();
        let mut lines = Lines::default();
        let turns: Vec<Turn> =
            (0..20).map(|_| lines.take_turn(Operation::Delete, now, 0.0).unwrap()).collect();
        for turn in &turns {
            lines.failed(turn, true, now, 0.0);
        }
        assert_eq!((lines.whole.failures, lines.own(Operation::Delete).failures), (1, 1));
    }

    #[test]
    fn while_one_call_finds_out_the_others_wait() {
        let now = Instant::now();
        let mut lines = Lines::default();
        let turn = lines.take_turn(Operation::Receive, now, 0.0).unwrap();
        lines.failed(&turn, true, now, 0.0);
        let later = now + FIRST_PAUSE;
        assert!(lines.take_turn(Operation::Receive, later, 0.0).is_some());
        assert!(lines.take_turn(Operation::Delete, later, 0.0).is_none());
    }

    #[tokio::test]
    async fn an_answer_ends_the_wait_of_all() {
        let pace = Pace::default();
        let turn = pace.turn(Operation::Receive).await;
        let long = Line { failures: 9, next_at: Some(Instant::now() + Duration::from_hours(1)) };
        pace.lines().whole = long;
        assert!(!pace.is_open(Operation::Delete));
        let mut waits = Box::pin(pace.turn(Operation::Delete));
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        pace.note(&turn, None);
        let deadline = Duration::from_secs(30);
        assert!(tokio::time::timeout(deadline, waits).await.is_ok());
    }
}
