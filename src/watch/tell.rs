//! The loop that tells people of findings: what is due is claimed, so that of several replicas one
//! tells it, told, and noted. How it is told, the adapter knows; what of it is to be told, the
//! store.

mod mirror;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use deltrail_core::domain::{FindingText, Source, Timestamp};
use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use self::mirror::mirror_until_closed;
use super::Options;
use crate::notify::{Notice, Notifiers, NotifyError};
use crate::store::{Delivery, DeliveryEnd, FindingRow, Store, StoreError};

/// How often is looked for something to tell.
const TICK: Duration = Duration::from_secs(1);
/// Messages that are sent at a time.
const AT_A_TIME: usize = 8;
/// What is being sent when the daemon is to end gets so long; what was not answered by then is told
/// again by the next one.
const GRACE: Duration = Duration::from_secs(3);
/// What people read at most, in characters.
const TEXT_CHARS_MAX: usize = 8_000;

/// Tells until `closing`.
pub(super) async fn tell_until_closed(
    notifiers: &Notifiers,
    options: &Options,
    store: &Store,
    closing: &CancellationToken,
) {
    tokio::join!(messages_until_closed(notifiers, options, store, closing), async {
        if let Some(alertmanager) = notifiers.alertmanager() {
            mirror_until_closed(alertmanager, options, store, closing).await;
        }
    });
}

async fn messages_until_closed(
    notifiers: &Notifiers,
    options: &Options,
    store: &Store,
    closing: &CancellationToken,
) {
    if notifiers.names().is_empty() {
        return;
    }
    let mut every = interval(TICK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = Failing::default();
    let mut is_failing = false;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = closing.cancelled() => return,
        }
        match tell_what_is_due(notifiers, options, store, &mut failing, closing).await {
            Ok(()) => is_failing = false,
            Err(error) if !is_failing && !closing.is_cancelled() => {
                is_failing = true;
                tracing::warn!("nobody can be told of findings for now: {error}; tried again");
            }
            Err(error) => tracing::debug!("{error}"),
        }
    }
}

/// Tells everything that is due, a few at a time.
async fn tell_what_is_due(
    notifiers: &Notifiers,
    options: &Options,
    store: &Store,
    failing: &mut Failing,
    closing: &CancellationToken,
) -> Result<(), StoreError> {
    loop {
        let mut claimed = Vec::new();
        while claimed.len() < AT_A_TIME
            && let Some(delivery) = store.claim_delivery((options.clock)()).await?
        {
            claimed.push(delivery);
        }
        if claimed.is_empty() {
            return Ok(());
        }
        // All that may fail in the store comes before anything is sent, and what was sent is noted
        // though noting something else failed: else people would be told twice.
        let mut notices = Vec::with_capacity(claimed.len());
        for delivery in &claimed {
            notices.push(notice_of(delivery, options, store).await?);
        }
        let sent = claimed.iter().zip(&notices);
        let sent = sent.map(|(delivery, notice)| notifiers.send(&delivery.notifier, notice));
        let answers = tokio::select! {
            answers = join_all(sent) => answers,
            () = after(closing) => return Ok(()),
        };
        let mut noted = Ok(());
        for (delivery, answer) in claimed.iter().zip(answers) {
            let end = end_of(delivery, answer, (options.clock)(), failing);
            noted = noted.and(store.end_delivery(delivery, end).await);
        }
        noted?;
        if closing.is_cancelled() {
            return Ok(());
        }
    }
}

async fn after(closing: &CancellationToken) {
    closing.cancelled().await;
    sleep(GRACE).await;
}

async fn notice_of(
    delivery: &Delivery,
    options: &Options,
    store: &Store,
) -> Result<Notice, StoreError> {
    let watermarks = store.watermarks(&delivery.row.finding.bucket).await?;
    Ok(notice(&delivery.row, delivery.was_told, &watermarks, (options.clock)()))
}

/// What is told of a finding, when the sources that tell of its bucket are so complete.
fn notice(
    row: &FindingRow,
    was_told: bool,
    watermarks: &BTreeMap<Source, Timestamp>,
    now: Timestamp,
) -> Notice {
    let text = FindingText::of(&row.finding, &row.standing(watermarks, now));
    Notice {
        state: row.state,
        revision: row.revision,
        was_told,
        at: row.closed_at.unwrap_or(row.changed_at),
        text: text.lines_within(TEXT_CHARS_MAX),
        short_text: text.title.clone(),
        title: text.title,
        finding: row.finding.clone(),
    }
}

/// Notifiers that could not be reached the last time, so that the log says it once.
#[derive(Default)]
struct Failing(BTreeSet<String>);

/// How telling somebody ended, said in the log when it is news.
fn end_of(
    delivery: &Delivery,
    told: Result<(), NotifyError>,
    now: Timestamp,
    failing: &mut Failing,
) -> DeliveryEnd {
    let (id, notifier) = (delivery.row.id.as_str(), delivery.notifier.as_str());
    let error = match told {
        Ok(()) => {
            tracing::debug!(id, notifier, "told of a finding");
            if failing.0.remove(notifier) {
                tracing::info!(notifier, "findings are told again");
            }
            return DeliveryEnd::Told;
        }
        Err(error) => error,
    };
    let since_change = u64::try_from(now.millis_since(delivery.row.changed_at)).unwrap_or(0);
    let since_change = Duration::from_millis(since_change);
    let Some(wait) = error.next_try(delivery.attempts, since_change, id) else {
        tracing::error!(
            id,
            notifier,
            "somebody was not told of a finding, and will not be: {error}"
        );
        return DeliveryEnd::GaveUp;
    };
    let wait_seconds = wait.as_secs();
    if failing.0.insert(notifier.to_owned()) {
        tracing::warn!(
            id,
            notifier,
            wait_seconds,
            "a finding cannot be told: {error}; tried again"
        );
    } else {
        tracing::debug!(id, notifier, wait_seconds, "{error}");
    }
    let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    DeliveryEnd::Again(Timestamp::from_millis(now.as_millis().saturating_add(millis)))
}

#[cfg(test)]
mod tests;
