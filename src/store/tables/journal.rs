//! What a transaction adds up to while it is written: labels, totals, what was heard of the
//! sources, and the report of each batch. What many batches share is written once, at the end.

use std::collections::BTreeMap;
use std::mem;

use deltrail_core::detect::Counts;
use deltrail_core::domain::{
    Day, Delta, DiscardedLatency, Provenance, Source, SourceSet, Timestamp, Trace,
};

use super::actors::Actors;
use super::heard::Heard;
use super::rollups::Rollups;
use super::rows::known_source;
use super::totals::{Labels, add_totals};
use super::traces::NewTraces;
use crate::store::session::{Result, Session, values};
use crate::store::{CommitReport, Options};

/// The books of one transaction.
pub(super) struct Journal<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) provenance: Provenance,
    pub(super) labels: Labels<'a>,
    pub(super) actors: Actors<'a>,
    pub(super) delta: Delta,
    pub(super) heard: Heard<'a>,
    pub(super) rollups: Rollups,
    traces: NewTraces,
    /// Which sources told of a bucket, as far as that was asked.
    told_by: BTreeMap<String, SourceSet>,
    writer: &'a str,
    overflow_before: u64,
    pub(super) report: CommitReport,
}

impl<'a> Journal<'a> {
    pub(super) fn new(session: &'a Session<'a>, options: &'a Options) -> Self {
        Self {
            session,
            provenance: Provenance::Live,
            labels: Labels::new(session, options),
            actors: Actors::new(session),
            delta: Delta::default(),
            heard: Heard::default(),
            rollups: Rollups::default(),
            traces: NewTraces::default(),
            told_by: BTreeMap::new(),
            writer: &options.writer,
            overflow_before: 0,
            report: CommitReport::default(),
        }
    }

    /// Begins the part of one batch.
    pub(super) fn begin(&mut self, provenance: Provenance) {
        self.provenance = provenance;
        self.overflow_before = self.labels.overflow;
    }

    /// Ends the part of one batch: what it changed.
    pub(super) fn end(&mut self) -> CommitReport {
        let label_overflow = self.labels.overflow - self.overflow_before;
        CommitReport { label_overflow, ..mem::take(&mut self.report) }
    }

    /// Writes what all batches add up to, before the transaction ends.
    pub(super) fn close(mut self) -> Result<()> {
        self.heard.write(self.session)?;
        self.traces.write(self.session, &mut self.rollups)?;
        self.rollups.write(self.session)?;
        add_totals(self.session, self.writer, &self.delta)
    }

    /// The sources that tell of this bucket as it happens: what none of them tells need not be
    /// looked for with every fact.
    pub(super) fn told_by(&mut self, bucket: &str) -> Result<SourceSet> {
        if let Some(&known) = self.told_by.get(bucket) {
            return Ok(known);
        }
        let sources = self.session.rows(
            "SELECT DISTINCT source FROM bucket_sources WHERE bucket = ?1",
            &values![bucket],
            known_source,
        )?;
        let sources: SourceSet = sources.into_iter().flatten().collect();
        self.told_by.insert(bucket.to_owned(), sources);
        Ok(sources)
    }

    /// Notes that this source tells of the bucket from now on.
    pub(super) fn note_source(&mut self, bucket: &str, source: Source) -> Result<()> {
        let known = self.told_by(bucket)?;
        if !known.contains(source) {
            self.told_by.insert(bucket.to_owned(), known.union([source].into_iter().collect()));
        }
        Ok(())
    }

    /// Notes why a latency was not observed, if it was not.
    pub(super) fn note_latency(&mut self, observed: std::result::Result<(), DiscardedLatency>) {
        if let Err(reason) = observed {
            *self.report.discarded_latencies.entry(reason).or_default() += 1;
        }
    }

    /// Notes how much more, or less, a caller did in a bucket at this time.
    pub(super) fn count(&mut self, bucket: &str, at: Timestamp, actor_id: i64, counts: Counts) {
        self.rollups.add(bucket, at, actor_id, counts, self.is_live());
    }

    /// Notes what a caller did to keys.
    pub(super) fn trace(&mut self, trace: &Trace) -> Result<()> {
        let actor_id = self.actors.id_of(&trace.actor)?;
        self.traces.add(trace, actor_id, self.is_live());
        Ok(())
    }

    /// Notes that what was found in a bucket on the day of this time is to be found anew.
    pub(super) fn mark(&mut self, bucket: &str, at: Timestamp) {
        self.rollups.mark(bucket, Day::of(at), self.is_live());
    }

    /// Counts a fact that was or was not in the set before.
    pub(super) const fn note(&mut self, is_new: bool) {
        if is_new {
            self.report.new_evidence += 1;
        } else {
            self.report.repeated_evidence += 1;
        }
    }

    /// Whether what is learnt moves the counters of what happens now.
    pub(super) fn is_live(&self) -> bool {
        self.provenance == Provenance::Live
    }
}
