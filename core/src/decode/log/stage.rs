//! Where the records of a log object become facts, and wait to be taken. It reads one record at a
//! time and does not know how they were found.

use std::mem;

use super::{Decoded, Located, REJECTED_MAX};
use crate::decode::access_log::{read_line, time_of_line, touch_of_line};
use crate::decode::cloudtrail::{Reader, Refusal, Wanted, no_object};
use crate::decode::intent::read_intent;
use crate::decode::log_key::LogPath;
use crate::decode::records::Element;
use crate::decode::reject::{RejectReason, Rejected};
use crate::decode::structure::Marked;
use crate::domain::{Fact, Source, Timestamp, Traces};

/// One of so many records that are no evidence is asked for its time.
const TIME_SAMPLE_RECORDS: u64 = 64;

pub(super) struct Stage {
    path: LogPath,
    trail: Reader,
    /// What was done to keys, if anybody wants to know.
    traces: Option<Traces>,
    decoded: Decoded,
    records: u64,
    rejected: usize,
    heap_bytes: usize,
}

impl Stage {
    pub(super) fn of(path: LogPath) -> Self {
        Self {
            trail: Reader::of(path.clone()),
            path,
            traces: None,
            decoded: Decoded::default(),
            records: 0,
            rejected: 0,
            heap_bytes: 0,
        }
    }

    /// What is to be read out of a trail from now on.
    pub(super) const fn want(&mut self, wanted: Wanted) {
        self.trail.want(wanted);
    }

    /// What is done to keys is to be told from now on.
    pub(super) fn keep_traces(&mut self) {
        self.traces = Some(Traces::default());
    }

    /// Says that no record follows.
    pub(super) fn finish(&mut self) {
        self.trail.finish();
    }

    /// Gives what was staged since the last time.
    pub(super) fn take(&mut self) -> Decoded {
        self.heap_bytes = 0;
        let traces = self.traces.as_mut().map(Traces::take);
        Decoded { traces: traces.unwrap_or_default(), ..mem::take(&mut self.decoded) }
    }

    /// About how many bytes of memory [`Stage::take`] would give.
    pub(super) const fn heap_bytes(&self) -> usize {
        match &self.traces {
            Some(traces) => self.heap_bytes + traces.memory_bytes(),
            None => self.heap_bytes,
        }
    }

    /// How many records there were so far.
    pub(super) const fn records(&self) -> u64 {
        self.records
    }

    /// Reads the next record, which is of this source.
    pub(super) fn read(&mut self, source: Source, element: Element<'_>) {
        let record_index = self.records;
        self.records += 1;
        if self.traces.is_some() {
            self.trace(source, element);
        }
        let told = match element {
            Element::TooLarge => {
                let detail = "the record is larger than --max-record allows";
                return self.reject(Some(record_index), RejectReason::RecordTooLarge, detail);
            }
            Element::Object(record) if source == Source::CloudTrail => self.trail.read(record),
            Element::Object(Marked { bytes, .. }) | Element::Whole(bytes) => {
                fact_of_line(source, bytes, &self.path)
            }
        };
        match told {
            Ok(Some(fact)) => {
                self.see_time(Some(fact.at()));
                self.heap_bytes += fact.memory_bytes();
                self.decoded.facts.push(Located { record_index, fact });
            }
            Ok(None) => {
                self.decoded.ignored += 1;
                if record_index.is_multiple_of(TIME_SAMPLE_RECORDS) {
                    self.see_time(time_of(element));
                }
            }
            Err(refusal) => {
                self.reject(Some(record_index), refusal.reason, &refusal.detail);
            }
        }
    }

    /// Notes what the record tells of a key that it did not remove.
    fn trace(&mut self, source: Source, element: Element<'_>) {
        let touch = match (source, element) {
            (Source::CloudTrail, Element::Object(record)) => self.trail.touch(record),
            (Source::AccessLog, Element::Whole(line)) => touch_of_line(line, &self.path),
            _ => None,
        };
        if let (Some(traces), Some(touch)) = (&mut self.traces, touch) {
            touch.each().for_each(|touched| traces.note(&touched));
        }
    }

    /// Tells what could not be understood, of one record or of the object as a whole.
    pub(super) fn reject(&mut self, record_index: Option<u64>, reason: RejectReason, detail: &str) {
        if self.rejected == REJECTED_MAX {
            *self.decoded.rejected_beyond.entry(reason).or_default() += 1;
            return;
        }
        self.rejected += 1;
        let rejected = Rejected { record_index, ..Rejected::whole(reason, detail) };
        self.heap_bytes += size_of::<Rejected>() + rejected.detail.len();
        self.decoded.rejected.push(rejected);
    }

    fn see_time(&mut self, at: Option<Timestamp>) {
        self.decoded.newest_event_at = self.decoded.newest_event_at.max(at);
    }
}

fn fact_of_line(source: Source, line: &[u8], path: &LogPath) -> Result<Option<Fact>, Refusal> {
    match source {
        Source::AccessLog => {
            let evidence = read_line(line, path)?;
            Ok(evidence.map(|evidence| Fact::Deletion(Box::new(evidence))))
        }
        Source::Intent => {
            let intent = read_intent(line)
                .map_err(|error| Refusal { reason: error.reason, detail: error.detail })?;
            // What is not declared here cannot be looked up later, so it is not passed over.
            let intent = intent.ok_or_else(|| Refusal {
                reason: RejectReason::UnknownEnvelope,
                detail: r#"the line is no {"deltrail":"intent",..}"#.to_owned(),
            })?;
            Ok(Some(Fact::Intent(Box::new(intent))))
        }
        Source::CloudTrail | Source::S3Notification | Source::EventBridge => Err(no_object()),
    }
}

/// The time of a record that is no evidence.
fn time_of(element: Element<'_>) -> Option<Timestamp> {
    match element {
        Element::Object(record) => Reader::time_of(record),
        Element::Whole(line) => time_of_line(line),
        Element::TooLarge => None,
    }
}
