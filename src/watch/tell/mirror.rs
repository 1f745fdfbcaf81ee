//! Alertmanager is told what is open, again and again, by every replica: it holds what it is told
//! for a few minutes and drops repetitions itself, so that nothing is claimed and nothing noted.

use std::collections::BTreeMap;
use std::time::Duration;

use deltrail_core::domain::{Mode, Source, State, Timestamp};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::super::Options;
use super::notice;
use crate::notify::{Alertmanager, Notice};
use crate::store::{FindingFilter, FindingRow, Store, StoreError};

/// How often is looked whether anything is other than it was told.
const TICK: Duration = Duration::from_secs(10);
/// Findings that are told at a time.
const OPEN_MAX: usize = 1_000;
/// For how long an end is told, in milliseconds: Alertmanager may be down when it comes.
const ENDS_TOLD_MILLIS: i64 = 15 * 60 * 1_000;

/// Tells until `closing`.
pub(super) async fn mirror_until_closed(
    alertmanager: &Alertmanager,
    options: &Options,
    store: &Store,
    closing: &CancellationToken,
) {
    let mut every = interval(TICK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut mirror = Mirror::default();
    let mut is_failing = false;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = closing.cancelled() => return,
        }
        match mirror.tell(alertmanager, options, store).await {
            Ok(()) if is_failing => {
                is_failing = false;
                tracing::info!("Alertmanager is told of findings again");
            }
            Ok(()) => {}
            Err(error) if !is_failing && !closing.is_cancelled() => {
                is_failing = true;
                tracing::warn!("Alertmanager is not told of findings: {error}; tried again");
            }
            Err(error) => tracing::debug!("{error}"),
        }
    }
}

/// What it was told.
#[derive(Default)]
pub(super) struct Mirror {
    /// The findings that were open lately, and when they were last seen so.
    open: BTreeMap<String, Timestamp>,
    /// The findings and revisions of the last time.
    told: Vec<(String, i64)>,
    told_at: Option<Timestamp>,
}

impl Mirror {
    /// Tells what is open and what has just ended, if it is other than the last time or that is a
    /// minute ago.
    pub(super) async fn tell(
        &mut self,
        alertmanager: &Alertmanager,
        options: &Options,
        store: &Store,
    ) -> Result<(), String> {
        let now = (options.clock)();
        let rows = self.rows(store, now).await.map_err(|error| error.to_string())?;
        let told: Vec<(String, i64)> =
            rows.iter().map(|row| (row.id.clone(), row.revision)).collect();
        let every = i64::try_from(Alertmanager::EVERY.as_millis()).unwrap_or(i64::MAX);
        let is_time = self.told_at.is_none_or(|at| now.millis_since(at) >= every);
        if rows.is_empty() || (told == self.told && !is_time) {
            return Ok(());
        }
        let notices = notices(&rows, store, now).await.map_err(|error| error.to_string())?;
        alertmanager.push(&notices, now).await.map_err(|error| error.to_string())?;
        (self.told, self.told_at) = (told, Some(now));
        Ok(())
    }

    async fn rows(&mut self, store: &Store, now: Timestamp) -> Result<Vec<FindingRow>, StoreError> {
        let state = Some(State::Open);
        let filter = FindingFilter { state, limit: OPEN_MAX, ..FindingFilter::default() };
        let mut rows = store.findings(filter).await?.rows;
        rows.retain(|row| row.mode == Mode::Live && row.is_live);
        self.open.extend(rows.iter().map(|row| (row.id.clone(), now)));
        self.open.retain(|_, seen_at| now.millis_since(*seen_at) < ENDS_TOLD_MILLIS);
        for (id, seen_at) in &self.open {
            if *seen_at < now {
                rows.extend(store.finding(id).await?.rows);
            }
        }
        Ok(rows)
    }
}

async fn notices(
    rows: &[FindingRow],
    store: &Store,
    now: Timestamp,
) -> Result<Vec<Notice>, StoreError> {
    let mut watermarks: BTreeMap<&str, BTreeMap<Source, Timestamp>> = BTreeMap::new();
    let mut notices = Vec::with_capacity(rows.len());
    for row in rows {
        let bucket = row.finding.bucket.as_str();
        if !watermarks.contains_key(bucket) {
            watermarks.insert(bucket, store.watermarks(bucket).await?);
        }
        notices.push(notice(row, true, &watermarks[bucket], now));
    }
    Ok(notices)
}
