//! The SQL path against the pure fold: whatever evidence arrives in whatever batches and order, the
//! rows and totals are those of the fold over all of it.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::detect::{Cell, Counts, Window};
use deltrail_core::domain::{
    Actor, Api, Call, Cause, Day, Evidence, Family, Kind, Mark, Outcome, Part, Removal,
    RemovalRole, Request, Settling, Source, Target, Timestamp, fold,
};
use proptest::prelude::*;

use super::fixtures::{database, open, stored};
use super::slots::slot_key;
use crate::store::{Batch, Cells, CommitReport, Location, RowCounts, Store};

const BUCKETS: [&str; 2] = ["photos", "archive"];
const KEYS: [Option<&str>; 3] = [Some("cat.jpg"), Some("dog.jpg"), None];

/// Times that are close, just within and just beyond 10 s of one another, and far apart.
fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 0i64..40_000,
        2 => (0i64..6).prop_map(|step| step * 10_000),
        1 => (0i64..6).prop_map(|step| step * 10_001),
        1 => 10_000_000i64..10_030_000,
    ]
}

fn any_role_of(source: Source) -> BoxedStrategy<RemovalRole> {
    match source {
        Source::CloudTrail => prop_oneof![
            3 => Just(RemovalRole::Child),
            2 => Just(RemovalRole::Claim),
            1 => Just(RemovalRole::None),
        ]
        .boxed(),
        _ => prop_oneof![6 => Just(RemovalRole::Claim), 1 => Just(RemovalRole::None)].boxed(),
    }
}

prop_compose! {
    /// Any evidence at all about few slots, from few requests, versions and accounts, so that
    /// pieces meet often: direct calls, aggregates, refusals, children of both layouts, copies for
    /// two accounts, updates, and S3's own word.
    pub(in crate::store) fn any_evidence()(
        (source, role) in prop::sample::select(&Source::ALL[..4])
            .prop_flat_map(|source| (Just(source), any_role_of(source))),
        (bucket, key) in (prop::sample::select(&BUCKETS[..]), prop::sample::select(&KEYS[..])),
        request in prop::option::weighted(0.7, 0u8..6),
        shared in prop::option::weighted(0.3, 0u8..4),
        target in 0u8..4,
        (account, event) in (0u8..2, 0u8..12),
        at in any_time(),
        millis in prop::option::of(0i64..200),
        mark in prop::sample::select(vec![
            Mark::Unknown, Mark::Unknown, Mark::Object, Mark::Version, Mark::Marker,
        ]),
        outcome in prop::sample::select(vec![Outcome::Ok, Outcome::Failed, Outcome::Denied]),
        (is_update, is_lifecycle, has_name) in any::<(bool, bool, bool)>(),
    ) -> Evidence {
        let in_trail = source == Source::CloudTrail;
        let is_update = is_update && role == RemovalRole::None && in_trail;
        let call = match role {
            RemovalRole::Claim => Some(Outcome::Ok),
            RemovalRole::None if !is_update => Some(outcome),
            _ => None,
        };
        let has_call = in_trail || source == Source::AccessLog;
        let api = if key.is_none() { Api::DeleteObjects } else { Api::DeleteObject };
        Evidence {
            id: format!("{source:?} {role:?} {bucket} {key:?} {account} {event}"),
            source,
            call: call.filter(|_| has_call).map(|outcome| Call { api, outcome }),
            role,
            bucket: bucket.to_owned().into(),
            key: key.map(str::to_owned),
            target: match target {
                0 if role == RemovalRole::Child => Target::Unknown,
                0 | 1 => Target::Current,
                version => Target::Version(format!("v{version}")),
            },
            mark,
            cause: if is_lifecycle { Cause::Lifecycle } else { Cause::Api },
            request_id: request.map(|request| format!("R{request}")).map(Into::into),
            event_id: in_trail.then(|| format!("E{event}")),
            shared_event_id: shared.filter(|_| in_trail).map(|shared| format!("S{shared}")),
            amends_event_id: is_update.then(|| format!("E{}", event / 2)),
            account: account.to_string().into(),
            region: "eu-west-1".into(),
            at: Timestamp::from_millis(at),
            started_at: millis.filter(|_| in_trail).map(|_| Timestamp::from_millis(at)),
            ended_at: millis.filter(|_| in_trail).map(|ms| Timestamp::from_millis(at + ms)),
            total_millis: None,
            sequencer: None,
            http_status: Some(204),
            error_code: None,
            marker_version_id: (mark == Mark::Marker).then(|| format!("m{event}")),
            actor: Actor {
                arn: has_name.then(|| format!("arn:{event}")),
                account_id: Some(account.to_string()),
                console: is_lifecycle,
                ..Actor::default()
            }.into(),
        }
    }
}

/// The copy of a record for another account.
fn copy_of(piece: &Evidence) -> Evidence {
    Evidence { id: format!("copy of {}", piece.id), account: "other".into(), ..piece.clone() }
}

/// A record that corrects who the caller of an earlier one was.
fn update_of(piece: &Evidence) -> Evidence {
    Evidence {
        id: format!("update of {}", piece.id),
        event_id: Some(format!("update of {}", piece.id)),
        amends_event_id: piece.event_id.clone(),
        role: RemovalRole::None,
        call: None,
        actor: Actor { arn: Some("arn:corrected".into()), ..Actor::clone(&piece.actor) }.into(),
        ..piece.clone()
    }
}

/// A set of up to `most` pieces, one of each identity, and copies and updates of some, shuffled.
fn any_set(most: usize) -> impl Strategy<Value = Vec<Evidence>> {
    let some = || prop::collection::vec(any::<prop::sample::Index>(), 0..=most / 4);
    (prop::collection::vec(any_evidence(), 1..=most), some(), some())
        .prop_map(|(mut pieces, copied, updated)| {
            let copies: Vec<_> = copied.iter().map(|nth| copy_of(nth.get(&pieces))).collect();
            let updates: Vec<_> = updated.iter().map(|nth| update_of(nth.get(&pieces))).collect();
            pieces.extend(copies.into_iter().chain(updates));
            let mut known = BTreeSet::new();
            pieces.retain(|piece| known.insert(piece.id.clone()));
            pieces
        })
        .prop_shuffle()
}

/// What the pure functions say of all the evidence together.
#[derive(Debug, Default)]
struct Truth {
    removals: BTreeMap<(String, String), Vec<Removal>>,
    requests: BTreeMap<(String, String), Request>,
}

impl Truth {
    fn of(pieces: &[Evidence]) -> Self {
        let mut truth = Self::default();
        let mut slots: BTreeMap<(String, String), Vec<&Evidence>> = BTreeMap::new();
        for piece in pieces {
            if let Some(key) = slot_key(piece) {
                slots.entry((piece.bucket.clone().into(), key.to_owned())).or_default().push(piece);
            }
            if let Some(request) = Request::of(piece) {
                let identity = (request.bucket.to_string(), request.identity.clone());
                let joined = match truth.requests.remove(&identity) {
                    Some(known) => known.join(request),
                    None => request,
                };
                truth.requests.insert(identity, joined);
            }
        }
        truth.removals = slots.into_iter().map(|(slot, pieces)| (slot, fold(pieces))).collect();
        truth
    }

    /// What detectors count by, from the removals and requests; nothing is settled here.
    fn cells(&self, bucket: &str) -> BTreeMap<(Window, Actor), Counts> {
        let mut cells: BTreeMap<(Window, Actor), Counts> = BTreeMap::new();
        let mut add = |at, actor: &Actor, counts| {
            *cells.entry((Window::of(at), actor.clone())).or_default() += counts;
        };
        for ((of, _), removals) in &self.removals {
            for removal in removals.iter().filter(|_| of == bucket) {
                let counts = Counts::of_removal(removal, &Settling::Open);
                add(removal.at, &removal.actor, counts);
            }
        }
        for ((of, _), request) in &self.requests {
            if of == bucket {
                add(request.at, &request.actor, Counts::of_request(request));
            }
        }
        cells.retain(|_, counts| *counts != Counts::default());
        cells
    }

    fn count(&self, bucket: &str, is_counted: impl Fn(&Removal) -> bool) -> i64 {
        let rows = self.removals.iter().filter(|((of, _), _)| of == bucket);
        let count = rows.flat_map(|(_, rows)| rows).filter(|row| is_counted(row)).count();
        i64::try_from(count).unwrap()
    }
}

async fn total(store: &Store, family: Family, first_label: &str) -> i64 {
    let totals = store.totals().await.unwrap();
    let of_series = totals.iter().filter(|total| {
        total.series.family == family
            && total.series.labels[0] == first_label
            && total.part == Part::Value
    });
    of_series.map(|total| total.value).sum()
}

/// Commits the batches, each group of them at once so that they meet in one transaction.
async fn commit_all(store: &Store, groups: Vec<Vec<Vec<Evidence>>>) -> CommitReport {
    let mut sum = CommitReport::default();
    for group in groups {
        let mut commits = tokio::task::JoinSet::new();
        for pieces in group {
            let store = store.clone();
            let facts = pieces.into_iter().map(stored).collect();
            commits.spawn(async move {
                store.commit(Batch { facts, ..Batch::default() }).await.unwrap()
            });
        }
        for report in commits.join_all().await {
            sum.new_evidence += report.new_evidence;
            sum.repeated_evidence += report.repeated_evidence;
            sum.removals += report.removals;
        }
    }
    sum
}

/// The cells of a bucket, those without anything left in them aside.
async fn cells(store: &Store, bucket: &str) -> BTreeMap<(Window, Actor), Counts> {
    let first = Day::of(Timestamp::from_millis(0));
    let Cells { cells, callers } = store.past(bucket, first.plus(2)).await.unwrap();
    let known = |cell: &Cell| ((cell.window, Actor::clone(&callers[&cell.caller])), cell.counts);
    let cells = cells.iter().map(known);
    cells.filter(|(_, counts)| *counts != Counts::default()).collect()
}

async fn check(store: &Store, pieces: &[Evidence]) {
    let truth = Truth::of(pieces);
    let mut rows = 0;
    for ((bucket, key), expected) in &truth.removals {
        assert_eq!(&store.removals(bucket, key).await.unwrap(), expected, "{bucket}/{key}");
        rows += expected.len() as u64;
    }
    for bucket in BUCKETS {
        assert_eq!(cells(store, bucket).await, truth.cells(bucket), "cells of {bucket}");
        let all = truth.count(bucket, |_| true);
        let known = truth.count(bucket, |row| row.kind != Kind::Unknown);
        let confirmed = truth.count(bucket, |row| row.is_confirmed);
        let requests = truth.requests.keys().filter(|(of, _)| of == bucket).count();
        assert_eq!(total(store, Family::ObjectsRemoved, bucket).await, all);
        assert_eq!(total(store, Family::RemovalsConfirmed, bucket).await, confirmed);
        let by_kind = total(store, Family::RemovalsByKind, bucket).await;
        assert!((known..=all).contains(&by_kind), "{by_kind} of {known}..={all}");
        assert_eq!(
            total(store, Family::DeleteRequests, bucket).await,
            i64::try_from(requests).unwrap()
        );
    }
    let counts = store.row_counts().await.unwrap();
    let expected = RowCounts {
        slots: truth.removals.len() as u64,
        evidence: pieces.len() as u64,
        requests: truth.requests.len() as u64,
        removals: rows,
        ..RowCounts::default()
    };
    assert_eq!(counts, expected);
}

/// Cases on a database, where each takes long.
fn few() -> ProptestConfig {
    ProptestConfig { cases: 4, ..ProptestConfig::default() }
}

fn block_on(story: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(story);
}

/// Batches of pieces, in groups that are committed together.
type Groups = Vec<Vec<Vec<Evidence>>>;

/// Cuts pieces, some of them repeated at the end, into groups of batches.
fn any_groups() -> impl Strategy<Value = (Vec<Evidence>, Groups)> {
    let cuts = prop::collection::vec((1usize..8, 1usize..4), 60);
    let repeated = prop::collection::vec(any::<prop::sample::Index>(), 0..10);
    (any_set(50), cuts, repeated).prop_map(|(pieces, cuts, repeated)| {
        let again = repeated.iter().map(|again| pieces[again.index(pieces.len())].clone());
        let mut arriving: Vec<Evidence> = pieces.iter().cloned().chain(again).collect();
        let mut groups = Vec::new();
        for (pieces_of_batch, batches_of_group) in cuts {
            let mut group = Vec::new();
            for _ in 0..batches_of_group {
                let count = pieces_of_batch.min(arriving.len());
                group.push(arriving.drain(..count).collect());
            }
            groups.push(group);
        }
        groups.push(vec![arriving]);
        (pieces, groups)
    })
}

async fn check_groups(store: Store, pieces: Vec<Evidence>, groups: Groups) {
    let arrived = groups.iter().flatten().map(Vec::len).sum::<usize>() as u64;
    let report = commit_all(&store, groups).await;
    assert_eq!(report.new_evidence, pieces.len() as u64);
    assert_eq!(report.new_evidence + report.repeated_evidence, arrived);
    assert_eq!(report.removals, store.row_counts().await.unwrap().removals);
    check(&store, &pieces).await;
    store.close().await.unwrap();
}

/// The same pieces at once, and one by one in another order.
fn orders(pieces: &[Evidence], middle: prop::sample::Index) -> [Groups; 2] {
    let mut turned = pieces.to_vec();
    turned.rotate_left(middle.index(pieces.len()));
    turned.reverse();
    let one_by_one = turned.into_iter().map(|piece| vec![vec![piece]]).collect();
    [vec![vec![pieces.to_vec()]], one_by_one]
}

async fn check_order(store: Store, pieces: &[Evidence], groups: Groups) {
    commit_all(&store, groups).await;
    check(&store, pieces).await;
    store.close().await.unwrap();
}

proptest! {
    #[test]
    fn the_rows_and_totals_are_those_of_the_fold_over_all_evidence(
        (pieces, groups) in any_groups(),
    ) {
        block_on(check_groups(open(Location::Memory, 500), pieces, groups));
    }

    #[test]
    fn totals_do_not_depend_on_the_cut_or_the_order(
        pieces in any_set(25),
        middle in any::<prop::sample::Index>(),
    ) {
        for groups in orders(&pieces, middle) {
            block_on(check_order(open(Location::Memory, 500), &pieces, groups));
        }
    }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn on_a_database_the_rows_and_totals_are_those_of_the_fold_over_all_evidence(
        (pieces, groups) in any_groups(),
    ) {
        let Some(database) = database() else { return Ok(()) };
        block_on(check_groups(open(database, 500), pieces, groups));
    }

    #[test]
    fn on_a_database_totals_do_not_depend_on_the_cut_or_the_order(
        pieces in any_set(25),
        middle in any::<prop::sample::Index>(),
    ) {
        for groups in orders(&pieces, middle) {
            let Some(database) = database() else { return Ok(()) };
            block_on(check_order(open(database, 500), &pieces, groups));
        }
    }
}
