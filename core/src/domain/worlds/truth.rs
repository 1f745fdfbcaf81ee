//! The truth that some sources allow: which removals can be known from them, and what of each, and
//! what the counters have to show. It is written from the acts alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::acts::{Answer, Call, ChildRequest, Named, OWN_REQUEST, Removed, Timing, Way, World};
use super::trail::{AMENDED_ARN, child_mark, child_target, started};
use super::writing::{accepted, arn, whole_second};
use crate::domain::{
    Api, Cause, Delta, Family, Kind, LATENCY_BUCKETS_MS, Mark, Outcome, Part, Removal, Slot,
    Source, SourceSet, Target,
};

/// A removal as it can be known: what a row says, but for what nobody can know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) target: Target,
    pub(super) kind: Kind,
    pub(super) cause: Cause,
    pub(super) is_confirmed: bool,
    pub(super) request: Option<String>,
    pub(super) at: i64,
    pub(super) is_coarse: bool,
    pub(super) notified_at: Option<i64>,
    pub(super) sequencer: Option<String>,
    pub(super) sources: SourceSet,
    pub(super) marker: Option<String>,
    pub(super) arn: Option<String>,
}

/// Rows by slot, sorted; slots without rows are left out.
pub(super) type Rows = BTreeMap<Slot, Vec<Row>>;

/// Requests by bucket and id.
pub(super) type Requests = BTreeMap<(String, String), (Api, Outcome, Option<String>)>;

/// Everything that can be known about a world.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) rows: Rows,
    pub(super) requests: Requests,
    pub(super) totals: Delta,
    /// Latencies that are not plausible.
    pub(super) discarded: usize,
}

impl Known {
    /// Where this differs from the truth, in lines; nothing when they are equal.
    pub(super) fn differences(&self, truth: &Self) -> String {
        let mut lines = differing(self.rows.iter(), truth.rows.iter());
        lines.extend(differing(self.requests.iter(), truth.requests.iter()));
        let amounts = |totals: &Delta| -> BTreeMap<_, _> {
            totals.iter().map(|(series, part, n)| ((series.clone(), part), n)).collect()
        };
        lines.extend(differing(amounts(&self.totals).iter(), amounts(&truth.totals).iter()));
        if self.discarded != truth.discarded {
            lines.push(format!("discarded {} instead of {}", self.discarded, truth.discarded));
        }
        lines.join("\n")
    }
}

fn differing<'a, K: Ord + Debug + 'a, V: PartialEq + Debug + 'a>(
    learnt: impl Iterator<Item = (&'a K, &'a V)>,
    truth: impl Iterator<Item = (&'a K, &'a V)>,
) -> Vec<String> {
    let (learnt, truth): (BTreeMap<_, _>, BTreeMap<_, _>) = (learnt.collect(), truth.collect());
    let places: BTreeSet<&K> = learnt.keys().chain(truth.keys()).copied().collect();
    places
        .into_iter()
        .filter(|place| learnt.get(place) != truth.get(place))
        .map(|place| format!("{place:?}\n  {:?}\n  is {:?}", truth.get(place), learnt.get(place)))
        .collect()
}

/// The request id of a row in which only a child speaks that has an id of its own. Which child
/// that is cannot be known when another call for the key is near, so all such ids read the same.
pub(super) fn comparable_request(id: Option<&str>) -> Option<String> {
    id.map(|id| if id.starts_with(OWN_REQUEST) { OWN_REQUEST } else { id }.to_owned())
}

impl Row {
    /// The row of a removal of the code under test.
    pub(super) fn of(removal: &Removal) -> Self {
        Self {
            target: removal.target.clone(),
            kind: removal.kind,
            cause: removal.cause,
            is_confirmed: removal.is_confirmed,
            request: comparable_request(removal.request_id.as_deref()),
            at: removal.at.as_millis(),
            is_coarse: removal.is_coarse,
            notified_at: removal.notified_at.map(crate::domain::Timestamp::as_millis),
            sequencer: removal.sequencer.clone(),
            sources: removal.sources,
            marker: removal.marker_version_id.clone(),
            arn: removal.actor.arn.clone(),
        }
    }
}

/// What can be known from the sources that were `kept`.
pub(super) fn known_from(world: &World, kept: SourceSet) -> Known {
    let mut known = Known {
        rows: Rows::new(),
        requests: Requests::new(),
        totals: Delta::default(),
        discarded: 0,
    };
    for RowOf { call, key, row, .. } in rows_from(world, kept) {
        count_row(&row, &call.bucket, &mut known.totals);
        know_confirmation(&row, call, kept, &mut known);
        let slot = Slot { bucket: call.bucket.clone(), key: key.to_owned() };
        known.rows.entry(slot).or_default().push(row);
    }
    for call in &world.calls {
        know_request(call, kept, &mut known);
    }
    for rows in known.rows.values_mut() {
        rows.sort();
    }
    known
}

/// A row, and what it is the row of.
pub(super) struct RowOf<'a> {
    pub(super) call: &'a Call,
    pub(super) key: &'a str,
    pub(super) done: i64,
    pub(super) row: Row,
}

/// The removals that can be known from the `kept` sources, in the order in which they were asked
/// for.
pub(super) fn rows_from(world: &World, kept: SourceSet) -> impl Iterator<Item = RowOf<'_>> {
    world.calls.iter().flat_map(move |call| {
        accepted(call).filter_map(move |(answer, removed)| {
            let row = row_of(call, answer, removed, kept)?;
            Some(RowOf { call, key: answer.key.as_str(), done: removed.done, row })
        })
    })
}

/// Which of the kept sources tell of one removal.
fn tellers(call: &Call, removed: &Removed, kept: SourceSet) -> BTreeSet<Source> {
    Source::ALL
        .into_iter()
        .filter(|source| kept.contains(*source))
        .filter(|source| match source {
            Source::CloudTrail => call.way != Way::Lifecycle,
            Source::S3Notification | Source::EventBridge => removed.is_told,
            Source::AccessLog => call.is_logged,
            Source::Intent => false,
        })
        .collect()
}

fn row_of(call: &Call, answer: &Answer, removed: &Removed, kept: SourceSet) -> Option<Row> {
    let tellers = tellers(call, removed, kept);
    let is_told_by = |source: Source| tellers.contains(&source);
    let (noticed, bridged) = (is_told_by(Source::S3Notification), is_told_by(Source::EventBridge));
    let (trailed, logged) = (is_told_by(Source::CloudTrail), is_told_by(Source::AccessLog));
    let is_confirmed = noticed || bridged || logged;
    if tellers.is_empty() {
        return None;
    }
    let is_child = trailed && call.way == Way::Bulk;
    let is_child_alone = is_child && !is_confirmed;
    let request = match call.layout.request {
        ChildRequest::Own if is_child_alone => Some(OWN_REQUEST.to_owned()),
        ChildRequest::None if is_child_alone => None,
        _ => Some(call.request_id.clone()),
    };
    let (at, is_coarse) = time_of(call, removed, &tellers);
    let s3_told = noticed || bridged;
    let is_marker_named = match call.way {
        Way::Bulk => call.layout.tells_marker && call.layout.request == ChildRequest::Calls,
        Way::Single | Way::Lifecycle => true,
    };
    Some(Row {
        target: if is_child_alone { child_target(call, answer) } else { answer.named.target() },
        kind: kind_of(call, answer, removed, &tellers),
        cause: removed.cause,
        is_confirmed,
        request,
        at,
        is_coarse,
        notified_at: noticed.then_some(removed.done),
        sequencer: s3_told.then(|| removed.sequencer.clone()),
        sources: tellers.iter().copied().collect(),
        marker: removed.marker.clone().filter(|_| s3_told || trailed && is_marker_named),
        arn: match (trailed, call.is_amended) {
            (true, true) => Some(AMENDED_ARN.to_owned()),
            (true, false) => arn(call),
            (false, _) => arn(call).filter(|_| logged),
        },
    })
}

/// What it was: S3's notices and direct records tell it, children perhaps, log lines only of what
/// was named and of lifecycle rules.
fn kind_of(call: &Call, answer: &Answer, removed: &Removed, tellers: &BTreeSet<Source>) -> Kind {
    let is_known = tellers.iter().any(|source| match source {
        Source::CloudTrail if call.way == Way::Bulk => {
            child_mark(call, answer, removed) != Mark::Unknown
        }
        Source::AccessLog => call.way == Way::Lifecycle || answer.named != Named::Nothing,
        _ => true,
    });
    if is_known { removed.kind } else { Kind::Unknown }
}

/// The finest clock that is left: the notification's, the `endTime` of CloudTrail, and the earliest
/// of the whole seconds of the others.
fn time_of(call: &Call, removed: &Removed, tellers: &BTreeSet<Source>) -> (i64, bool) {
    if tellers.contains(&Source::S3Notification) {
        return (removed.done, false);
    }
    let timing = if call.way == Way::Bulk { call.layout.timing } else { call.timing };
    if timing != Timing::Seconds && tellers.contains(&Source::CloudTrail) {
        return (call.completed, false);
    }
    let seconds = tellers.iter().map(|source| match source {
        Source::AccessLog => whole_second(call.received),
        Source::CloudTrail => whole_second(call.completed),
        _ => whole_second(removed.done),
    });
    (seconds.min().unwrap(), true)
}

fn count_row(row: &Row, bucket: &str, totals: &mut Delta) {
    totals.add(Family::ObjectsRemoved, &[bucket], Part::Value, 1);
    totals.add(Family::RemovalsConfirmed, &[bucket], Part::Value, i64::from(row.is_confirmed));
    if row.kind != Kind::Unknown {
        let labels = [bucket, row.kind.as_str(), row.cause.as_str()];
        totals.add(Family::RemovalsByKind, &labels, Part::Value, 1);
    }
}

/// Requests are told by CloudTrail and by the request lines of the access log; latency only of
/// those that were accepted.
fn know_request(call: &Call, kept: SourceSet, known: &mut Known) {
    let trailed = kept.contains(Source::CloudTrail);
    let logged = kept.contains(Source::AccessLog) && call.is_logged;
    let (api, key) = match call.way {
        Way::Single => (Api::DeleteObject, Some(call.answers[0].key.clone())),
        Way::Bulk => (Api::DeleteObjects, None),
        Way::Lifecycle => return,
    };
    if !trailed && !logged {
        return;
    }
    let place = (call.bucket.clone(), call.request_id.clone());
    known.requests.insert(place, (api, call.outcome, key));
    let labels = [call.bucket.as_str(), api.as_str(), call.outcome.as_str()];
    known.totals.add(Family::DeleteRequests, &labels, Part::Value, 1);
    if trailed && call.outcome == Outcome::Ok {
        match call.timing {
            Timing::Seconds => {}
            Timing::Millis => {
                count_latency(call.completed - call.received, call, "service", &mut known.totals);
            }
            Timing::Skewed => known.discarded += 1,
        }
    }
    if logged && call.outcome == Outcome::Ok {
        count_latency(call.completed - call.received, call, "access_log", &mut known.totals);
    }
}

/// How long it took from the start of a request, which CloudTrail alone tells, to S3's notice.
fn know_confirmation(row: &Row, call: &Call, kept: SourceSet, known: &mut Known) {
    let is_begin_told = kept.contains(Source::CloudTrail) && call.timing != Timing::Seconds;
    let Some(notified) = row.notified_at.filter(|_| is_begin_told) else { return };
    if call.way == Way::Lifecycle {
        return;
    }
    let millis = notified - started(call);
    if millis < 0 {
        known.discarded += 1;
    } else {
        count_latency(millis, call, "confirmed", &mut known.totals);
    }
}

fn count_latency(millis: i64, call: &Call, basis: &str, totals: &mut Delta) {
    let larger = LATENCY_BUCKETS_MS.iter().position(|bound| millis <= *bound).unwrap();
    let labels = [call.bucket.as_str(), basis];
    let bucket = Part::Bucket(u8::try_from(larger).unwrap());
    totals.add(Family::RequestToDeleteLatency, &labels, bucket, 1);
    totals.add(Family::RequestToDeleteLatency, &labels, Part::SumMillis, millis);
}
