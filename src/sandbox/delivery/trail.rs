//! Writes CloudTrail's files: records when they are due, cut into files as chance has it, and a
//! digest at each full hour. It does not know what is in a record.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltrail_core::domain::Timestamp;
use serde_json::Value;

use super::{Context, TrailOptions, is_log_delivery};
use crate::sandbox::act::Act;
use crate::sandbox::clock::after;
use crate::sandbox::faults::Fault;
use crate::sandbox::record::cloudtrail::records;
use crate::sandbox::record::digest::{Chain, Digest, DigestKey, DigestedFile, SIGNATURE_ALGORITHM};
use crate::sandbox::record::log_file::{TrailPlace, packed_records};
use crate::sandbox::record::text::rounded_up;
use crate::sandbox::s3::ServicePut;

const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";
const HOUR: Duration = Duration::from_hours(1);
const HOUR_MILLIS: i64 = 3_600_000;

/// AWS: 622 in the fullest of 4 671 files.
const FILE_RECORDS_MAX: u64 = 600;

struct Logged {
    event_at: Timestamp,
    record: Value,
}

pub(super) struct Trail {
    context: Context,
    options: TrailOptions,
    place: TrailPlace,
    /// By when they are written.
    waiting: BTreeMap<Timestamp, Vec<Logged>>,
    digests: Option<Digests>,
}

struct Digests {
    chain: Chain,
    next_end: Timestamp,
    /// With the time of writing, since the last digest.
    files: Vec<(Timestamp, DigestedFile)>,
}

impl Trail {
    /// Makes the trail, which writes its first, empty object. Digests are signed with the key, and
    /// the first is due at the full hour after the time.
    pub(super) fn starting(
        context: Context,
        options: TrailOptions,
        account: String,
        region: String,
        digests: Option<(Arc<DigestKey>, Timestamp)>,
    ) -> Self {
        let place = TrailPlace {
            bucket: options.bucket.clone(),
            prefix: options.prefix.clone(),
            account,
            region,
            trail: options.name.clone(),
        };
        let digests = digests.map(|(key, started_at)| Digests {
            chain: Chain::starting(place.clone(), key),
            next_end: rounded_up(after(started_at, Duration::from_millis(1)), HOUR_MILLIS),
            files: Vec::new(),
        });
        let trail = Self { context, options, place, waiting: BTreeMap::new(), digests };
        trail.put(trail.place.folder_key(), Bytes::new(), BTreeMap::new(), |_| ());
        trail
    }

    /// Keeps the act's records if the trail selects it. Each is due at a time of its own, so that
    /// the keys of a bulk call may come in other files than the call.
    pub(super) fn gather(&mut self, act: &Act) {
        let is_selected =
            act.bucket != self.place.bucket && !is_log_delivery(act) && (self.options.selects)(act);
        if !is_selected {
            return;
        }
        for record in records(act, self.options.child_layout, &self.context.identifiers) {
            let due = after(act.ended_at, self.context.delay(&self.options.delay_seconds));
            let step_millis = self.options.gather_seconds.saturating_mul(1_000).max(1);
            let step_millis = i64::try_from(step_millis).unwrap_or(i64::MAX);
            let due = rounded_up(due, step_millis);
            self.waiting.entry(due).or_default().push(Logged { event_at: act.ended_at, record });
        }
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let records = self.waiting.first_key_value().map(|(due, _)| *due);
        let digest = self.digests.as_ref().map(|digests| digests.next_end);
        records.into_iter().chain(digest).min()
    }

    /// Writes the records that are due until then, and the digests of the hours that are over.
    pub(super) fn write(&mut self, until: Timestamp, now: Timestamp) {
        let mut due = Vec::new();
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= until) {
            due.extend(entry.remove());
        }
        while !due.is_empty() {
            let count = self.context.identifiers.number(1..FILE_RECORDS_MAX + 1);
            let count = usize::try_from(count).map_or(due.len(), |count| count.min(due.len()));
            let rest = due.split_off(count);
            self.write_file(std::mem::replace(&mut due, rest), now);
        }
        self.write_digests(now);
    }

    fn write_file(&mut self, logged: Vec<Logged>, now: Timestamp) {
        let times = || logged.iter().map(|logged| logged.event_at);
        let (Some(newest_event_at), Some(oldest_event_at)) = (times().max(), times().min()) else {
            return;
        };
        let records: Vec<Value> = logged.into_iter().map(|logged| logged.record).collect();
        let file = packed_records(&records);
        let key = self.place.log_file_key(now, &self.context.identifiers);
        let count = records.len() as u64;
        self.put(key.clone(), file.body.clone(), BTreeMap::new(), |written| {
            written.log_files += 1;
            written.log_records += count;
        });
        if self.context.faults.strikes(Fault::RepeatedLogObject) {
            self.put(key.clone(), file.body, BTreeMap::new(), |written| {
                written.repeated_log_files += 1;
            });
        }
        if let Some(digests) = &mut self.digests {
            let sha256 = file.sha256;
            let file = DigestedFile { key, sha256, newest_event_at, oldest_event_at };
            digests.files.push((now, file));
        }
    }

    fn write_digests(&mut self, now: Timestamp) {
        while let Some(digest) = self.digests.as_mut().and_then(|digests| digests.next(now)) {
            let metadata = BTreeMap::from([
                ("signature".to_owned(), digest.signature),
                ("signature-algorithm".to_owned(), SIGNATURE_ALGORITHM.to_owned()),
            ]);
            self.put(digest.key, digest.file.body, metadata, |written| written.digests += 1);
        }
    }

    fn put(
        &self,
        key: String,
        body: Bytes,
        metadata: BTreeMap<String, String>,
        count: impl FnOnce(&mut super::Written),
    ) {
        let put = ServicePut {
            bucket: self.place.bucket.clone(),
            key,
            body,
            content_type: "application/json".into(),
            content_encoding: Some("gzip".into()),
            metadata,
        };
        self.context.put(CLOUDTRAIL, put, count);
    }
}

impl Digests {
    /// The digest of the oldest hour that is over and has none yet.
    fn next(&mut self, now: Timestamp) -> Option<Digest> {
        let end = self.next_end;
        if end > now {
            return None;
        }
        self.next_end = after(end, HOUR);
        let start = Timestamp::from_millis(end.as_millis() - HOUR_MILLIS);
        let files: Vec<DigestedFile> =
            self.files.extract_if(.., |(at, _)| *at < end).map(|(_, file)| file).collect();
        let digest = self.chain.next(start, end, &files);
        digest.inspect_err(|error| tracing::error!(%error, "an hour has no digest")).ok()
    }
}
