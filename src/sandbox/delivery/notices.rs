//! Raises an act's notifications: at once, twice, or late, as faults have it. It knows no log.

use std::collections::BTreeMap;
use std::ops::Range;

use deltrail_core::domain::Timestamp;

use super::Context;
use crate::sandbox::act::Act;
use crate::sandbox::faults::Fault;
use crate::sandbox::record::notification::{Sequencer, asks_for, events, message};

/// How long a late notification is held back. AWS: seconds typically, a minute or more sometimes.
const LATE_SECONDS: Range<u64> = 30..180;

struct Message {
    queue_arn: String,
    body: String,
}

pub(super) struct Notices {
    context: Context,
    sequencer: Sequencer,
    held_back: BTreeMap<Timestamp, Vec<Message>>,
}

impl Notices {
    pub(super) fn new(context: Context) -> Self {
        Self { context, sequencer: Sequencer::default(), held_back: BTreeMap::new() }
    }

    /// Sends each event of the act to the queue of every rule that asks for it.
    pub(super) fn raise(&mut self, act: &Act) {
        let rules = self.context.estate.notification_rules(&act.bucket);
        if rules.is_empty() {
            return;
        }
        let host_id = self.context.identifiers.host_id();
        for event in events(act) {
            let sequencer = self.sequencer.next(act.ended_at);
            for rule in rules.iter().filter(|rule| asks_for(rule, &event)) {
                let body = message(act, &event, &rule.id, &sequencer, &host_id);
                self.dispatch(Message { queue_arn: rule.queue_arn.clone(), body });
            }
        }
    }

    fn dispatch(&mut self, message: Message) {
        let faults = &self.context.faults;
        if faults.strikes(Fault::LateNotification) {
            let due = self.context.clock.after(self.context.delay(&LATE_SECONDS));
            self.held_back.entry(due).or_default().push(message);
            return;
        }
        if faults.strikes(Fault::DuplicateNotification) {
            self.post(&message);
        }
        self.post(&message);
    }

    fn post(&self, message: &Message) {
        let is_taken = self.context.estate.send(&message.queue_arn, message.body.clone());
        if !is_taken {
            tracing::warn!(queue_arn = %message.queue_arn, "a notification found no queue");
        }
        self.context.tally.count(|written| {
            let counter = if is_taken { &mut written.notifications } else { &mut written.refused };
            *counter += 1;
        });
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.held_back.first_key_value().map(|(due, _)| *due)
    }

    /// Sends what was held back until then.
    pub(super) fn send(&mut self, until: Timestamp) {
        while let Some(due) = self.held_back.first_entry().filter(|due| *due.key() <= until) {
            let messages = due.remove();
            for message in &messages {
                self.post(message);
            }
        }
    }
}
