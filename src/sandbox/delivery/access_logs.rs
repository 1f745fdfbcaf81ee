//! Gathers access-log lines for each target and writes their objects. It does not know what is in
//! a line.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use deltrail_core::domain::Timestamp;

use super::{Context, LOG_DELIVERY, is_log_delivery};
use crate::sandbox::act::Act;
use crate::sandbox::clock::after;
use crate::sandbox::record::access_log::{lines, object_key};
use crate::sandbox::s3::ServicePut;

/// Bucket and prefix.
type Target = (String, String);

struct Gathered {
    due: Timestamp,
    lines: Vec<String>,
}

pub(super) struct AccessLogs {
    context: Context,
    delay_seconds: Range<u64>,
    gathered: BTreeMap<Target, Gathered>,
}

impl AccessLogs {
    pub(super) fn new(context: Context, delay_seconds: Range<u64>) -> Self {
        Self { context, delay_seconds, gathered: BTreeMap::new() }
    }

    /// Keeps the act's lines if its bucket logs accesses.
    pub(super) fn gather(&mut self, act: &Act) {
        if is_log_delivery(act) {
            return;
        }
        let Some(target) = self.context.estate.access_log(&act.bucket) else { return };
        let lines = lines(act);
        if lines.is_empty() {
            return;
        }
        let due = after(act.ended_at, self.context.delay(&self.delay_seconds));
        let gathered = self
            .gathered
            .entry((target.bucket, target.prefix))
            .or_insert_with(|| Gathered { due, lines: Vec::new() });
        gathered.lines.extend(lines);
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.gathered.values().map(|gathered| gathered.due).min()
    }

    /// Writes an object for each target whose lines are due until then.
    pub(super) fn write(&mut self, until: Timestamp, now: Timestamp) {
        for ((bucket, prefix), gathered) in
            self.gathered.extract_if(.., |_, gathered| gathered.due <= until)
        {
            let count = gathered.lines.len() as u64;
            let put = ServicePut {
                bucket,
                key: object_key(&prefix, now, &self.context.identifiers),
                body: Bytes::from(gathered.lines.join("\n") + "\n"),
                content_type: "text/plain".into(),
                content_encoding: None,
                metadata: BTreeMap::new(),
            };
            self.context.put(LOG_DELIVERY, put, |written| {
                written.access_log_objects += 1;
                written.access_log_lines += count;
            });
        }
    }
}
