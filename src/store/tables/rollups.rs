//! What detectors count by, kept equal to the sums over the rows of removals and requests: a change
//! of a row takes away what it was and adds what it is. What is counted is the core's business.

use std::collections::BTreeMap;

use deltrail_core::detect::{Counts, Window};
use deltrail_core::domain::{Day, Timestamp};

use crate::store::session::{Result, Session, values};

/// The differences that the batches of one transaction make.
#[derive(Default)]
pub(super) struct Rollups {
    buckets: BTreeMap<String, Changed>,
    observed_since: Option<Timestamp>,
}

/// What changes of one bucket.
#[derive(Default)]
struct Changed {
    cells: BTreeMap<(Window, i64), Counts>,
    /// Days to be looked at again, and whether anything but history made them so.
    due: BTreeMap<Day, bool>,
}

impl Rollups {
    /// Notes that a caller did so much more, or less, at this time; the day becomes due.
    pub(super) fn add(
        &mut self,
        bucket: &str,
        at: Timestamp,
        actor_id: i64,
        counts: Counts,
        is_live: bool,
    ) {
        if counts != Counts::default() {
            self.change(bucket, |changed| {
                *changed.cells.entry((Window::of(at), actor_id)).or_default() += counts;
                *changed.due.entry(Day::of(at)).or_default() |= is_live;
            });
        }
    }

    /// Notes that what was found in a bucket on this day is to be found anew.
    pub(super) fn mark(&mut self, bucket: &str, day: Day, is_live: bool) {
        self.change(bucket, |changed| *changed.due.entry(day).or_default() |= is_live);
    }

    fn change(&mut self, bucket: &str, change: impl FnOnce(&mut Changed)) {
        match self.buckets.get_mut(bucket) {
            Some(changed) => change(changed),
            None => change(self.buckets.entry(bucket.to_owned()).or_default()),
        }
    }

    /// Notes that something was observed at this time.
    pub(super) fn observe(&mut self, at: Timestamp) {
        self.observed_since = Some(self.observed_since.map_or(at, |since| since.min(at)));
    }

    /// Writes them.
    pub(super) fn write(self, session: &Session<'_>) -> Result<()> {
        for (bucket, changed) in &self.buckets {
            for ((window, actor_id), counts) in &changed.cells {
                if *counts != Counts::default() {
                    add_cell(session, bucket, *window, *actor_id, counts)?;
                }
            }
            for (day, is_live) in &changed.due {
                mark_due(session, bucket, *day, *is_live)?;
            }
        }
        if let Some(since) = self.observed_since {
            session.execute(
                "INSERT INTO observed AS t (id, since_at) VALUES (1, ?1)
                 ON CONFLICT (id) DO UPDATE SET since_at = excluded.since_at
                     WHERE excluded.since_at < t.since_at",
                &values![since.as_millis()],
            )?;
        }
        Ok(())
    }
}

fn add_cell(
    session: &Session<'_>,
    bucket: &str,
    window: Window,
    actor_id: i64,
    counts: &Counts,
) -> Result<()> {
    let [removed, markers, versions, objects, lifecycle, denied, no_trail, no_word, stale, again] =
        counts.numbers();
    session.execute(
        "INSERT INTO rollups AS t (bucket, window_number, actor_id, removed, markers, versions,
                 objects, lifecycle, denied, without_cloudtrail, without_confirmation,
                 stale, repeated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (bucket, window_number, actor_id) DO UPDATE SET
                 removed = t.removed + excluded.removed,
                 markers = t.markers + excluded.markers,
                 versions = t.versions + excluded.versions,
                 objects = t.objects + excluded.objects,
                 lifecycle = t.lifecycle + excluded.lifecycle,
                 denied = t.denied + excluded.denied,
                 without_cloudtrail = t.without_cloudtrail + excluded.without_cloudtrail,
                 without_confirmation = t.without_confirmation + excluded.without_confirmation,
                 stale = t.stale + excluded.stale, repeated = t.repeated + excluded.repeated",
        &values![
            bucket,
            window.number(),
            actor_id,
            removed,
            markers,
            versions,
            objects,
            lifecycle,
            denied,
            no_trail,
            no_word,
            stale,
            again,
        ],
    )?;
    Ok(())
}

/// Marks a day of a bucket to be looked at again.
pub(super) fn mark_due(session: &Session<'_>, bucket: &str, day: Day, is_live: bool) -> Result<()> {
    session.execute(
        "INSERT INTO detection_due AS t (bucket, day_number, version, is_live)
         VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (bucket, day_number) DO UPDATE SET version = t.version + 1,
             is_live = CASE WHEN t.is_live = 1 THEN 1 ELSE excluded.is_live END",
        &values![bucket, day.number(), is_live],
    )?;
    Ok(())
}
