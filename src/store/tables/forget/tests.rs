//! What is forgotten and what is not, and that nothing is ever counted again: histories of half a
//! year, gone through in steps of any size.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Actor, Fact, Outcome, ProtectionChange, Source, Timestamp};
use proptest::prelude::*;

use super::{FORGET_MARGIN_MILLIS, Forget, STAGES, Sweep};
use crate::store::session::column;
use crate::store::sqlite::open_writer;
use crate::store::tables::fixtures::{ACCOUNT, REGION, database, open, options, stores};
use crate::store::tables::plan_tests::plan;
use crate::store::tables::story::{
    Told, ask_rows, bulk, direct, facts, intent, minute, notice, tell, written,
};
use crate::store::{
    Batch, LedgerCounts, LedgerEntry, LedgerKey, LedgerResult, LedgerState, Location, Options,
    Origin, Reject, Store, Total,
};

/// The first moment of a day of the story.
fn day(nth: i64) -> Timestamp {
    minute(nth * 24 * 60)
}

fn millis(at: Timestamp) -> i64 {
    at.as_millis()
}

/// Goes through the whole store; gives how many rows were forgotten.
pub(in crate::store::tables) async fn forget_all(
    store: &Store,
    before: Timestamp,
    rows_max: u32,
) -> u64 {
    let (mut rows, mut next) = (0, Some(Sweep::start()));
    while let Some(from) = next {
        let report = store.forget(Forget { before, from, rows_max }).await.unwrap();
        rows += report.rows;
        next = report.next;
    }
    rows
}

async fn totals(store: &Store) -> Vec<Total> {
    let mut totals = store.totals().await.unwrap();
    totals.sort_by_key(|total| format!("{total:?}"));
    totals
}

/// All the names that a statement gives.
pub(super) async fn names(store: &Store, sql: &'static str) -> BTreeSet<String> {
    ask_rows(store, move |session| session.rows(sql, &[], column)).await.into_iter().collect()
}

/// What is kept, by table.
async fn kept(store: &Store) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut kept = BTreeMap::new();
    for (table, sql) in [
        ("evidence", "SELECT id FROM evidence"),
        ("removals", "SELECT request_id FROM removals"),
        ("requests", "SELECT request_id FROM requests"),
        ("creations", "SELECT identity FROM creations"),
        ("intents", "SELECT id FROM intents"),
        ("intent_keys", "SELECT intent_id FROM intent_keys"),
        ("protection_changes", "SELECT id FROM protection_changes"),
        ("slots", "SELECT key FROM slots"),
    ] {
        kept.insert(table, names(store, sql).await);
    }
    kept
}

/// Something of one kind about one key at one time, told as its sources do.
#[derive(Debug, Clone, Copy)]
struct Act {
    kind: u8,
    key: u8,
    day: i64,
    minute: i64,
}

const KINDS: u8 = 6;

impl Act {
    fn at(self) -> Timestamp {
        minute(self.day * 24 * 60 + self.minute)
    }

    fn key(self) -> String {
        format!("key-{}", self.key)
    }

    fn told(self, nth: usize) -> Vec<Fact> {
        let (key, at, name) = (self.key(), self.at(), format!("r-{nth}"));
        match self.kind {
            0 => vec![direct(&key, &name, at).fact(), notice(&key, &name, at).fact()],
            1 => vec![notice(&key, &name, at).fact()],
            2 => {
                let mut refused = direct(&key, &name, at);
                refused.role = deltrail_core::domain::RemovalRole::None;
                if let Some(call) = &mut refused.call {
                    call.outcome = Outcome::Denied;
                }
                vec![refused.fact()]
            }
            3 => vec![bulk(&name, at).fact()],
            4 => vec![Fact::Creation(Box::new(written(&key, &name, at)))],
            _ => vec![intent(&name, &[&key], at).fact()],
        }
    }

    /// The rows that tell of it, by table.
    fn rows(self, nth: usize) -> Vec<(&'static str, String)> {
        let (key, name) = (self.key(), format!("r-{nth}"));
        let slot = ("slots", key.clone());
        let trail = ("evidence", format!("trail {name}"));
        let noticed = ("evidence", format!("notice {key} {name}"));
        let (removal, request) = (("removals", name.clone()), ("requests", name.clone()));
        match self.kind {
            0 => vec![slot, trail, noticed, removal, request],
            1 => vec![slot, noticed, removal],
            2 => vec![slot, trail, request],
            3 => vec![trail, request],
            4 => vec![slot, ("creations", String::new())],
            _ => vec![slot, ("intents", name.clone()), ("intent_keys", name)],
        }
    }
}

prop_compose! {
    /// Far enough from midnight that what tells of one removal lies on one side of it.
    fn any_act()(kind in 0..KINDS, key in 0u8..4, day in 0i64..180, minute in 60i64..1_380) -> Act {
        Act { kind, key, day, minute }
    }
}

/// What a store should hold of these acts when all before `cut` was forgotten. Writes are only
/// counted, since their names are made by the store.
fn expected(acts: &[Act], cut: Timestamp) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut expected: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for (nth, act) in acts.iter().enumerate().filter(|(_, act)| act.at() >= cut) {
        for (table, name) in act.rows(nth) {
            expected.entry(table).or_default().insert(name);
        }
    }
    expected.remove("creations");
    expected
}

async fn check_history(acts: Vec<Act>, old_before_day: i64, rows_max: u32) {
    let store = open(Location::Memory, 500);
    let told: Vec<Fact> = acts.iter().enumerate().flat_map(|(nth, act)| act.told(nth)).collect();
    tell(&store, told.clone()).await;
    let counted = totals(&store).await;
    let before = day(old_before_day);
    let cut = Timestamp::from_millis(millis(before) - FORGET_MARGIN_MILLIS);
    forget_all(&store, before, rows_max).await;

    let mut left = kept(&store).await;
    let writes = left.remove("creations").unwrap_or_default().len();
    left.retain(|_, names| !names.is_empty());
    assert_eq!(left, expected(&acts, cut));
    let kept_writes = acts.iter().filter(|act| act.kind == 4 && act.at() >= cut).count();
    assert_eq!(writes, kept_writes);
    assert_eq!(totals(&store).await, counted, "totals do not fall");

    let again = tell(&store, told.clone()).await;
    let too_old = told.iter().filter(|fact| fact.at() < before).count() as u64;
    assert_eq!(again.too_old.values().sum::<u64>(), too_old);
    assert_eq!(again.new_evidence, 0, "{again:?}");
    assert_eq!(totals(&store).await, counted, "nothing is counted again");
    assert_eq!(forget_all(&store, before, rows_max).await, 0);
}

fn block_on(story: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(story);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_younger_stays_exactly_and_what_is_older_goes_and_is_not_counted_again(
        acts in prop::collection::vec(any_act(), 0..60),
        old_before_day in 0i64..190,
        rows_max in 1u32..9,
    ) {
        block_on(check_history(acts, old_before_day, rows_max));
    }
}

#[tokio::test]
async fn a_key_with_very_many_removals_is_forgotten_in_steps_as_well() {
    for store in stores(500) {
        let deletes = (0..50).map(|nth| direct("lock", &format!("r-{nth}"), minute(nth)).fact());
        tell(&store, deletes).await;
        let mut next = Some(Sweep::start());
        let (mut steps, mut rows) = (0, 0);
        while let Some(from) = next {
            let report = store.forget(Forget { before: day(9), from, rows_max: 4 }).await.unwrap();
            assert!(report.rows <= 9, "of two tables four rows each, and the slot: {report:?}");
            (steps, rows, next) = (steps + 1, rows + report.rows, report.next);
        }
        assert!(steps > 12, "{steps}");
        assert_eq!(rows, 50 + 50 + 1 + 50, "removals, evidence, the slot, requests");
    }
}

#[tokio::test]
async fn what_is_too_old_to_be_learnt_stays_too_old_whoever_asks() {
    for store in stores(500) {
        forget_all(&store, day(50), 100).await;
        // Another replica's clock is behind, or its retention is longer.
        forget_all(&store, day(20), 100).await;
        let report = tell(&store, [direct("a", "r-1", day(49)).fact()]).await;
        assert_eq!(report.too_old, BTreeMap::from([(Source::CloudTrail, 1)]));
        assert_eq!((report.new_evidence, report.removals), (0, 0));
        let report = tell(&store, [direct("a", "r-2", day(50)).fact()]).await;
        assert_eq!((report.new_evidence, report.too_old.len()), (1, 0));
    }
}

#[tokio::test]
async fn an_object_that_was_never_read_to_its_end_is_forgotten_by_the_time_of_its_last_part() {
    let machine_time = || Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    for store in stores(500) {
        let entry = |key: &str| LedgerEntry {
            key: LedgerKey { bucket: "logs".into(), key: key.into(), revision: "1".into() },
            source: Source::CloudTrail,
            state: LedgerState::Reading,
        };
        let part = || Batch { ledger: Some(entry("large")), ..Batch::default() };
        store.commit(part()).await.unwrap();
        let first = machine_time();
        while machine_time() == first {
            std::thread::yield_now();
        }
        store.commit(part()).await.unwrap();
        let ledger = "SELECT key FROM log_objects";
        let margin = |at: Timestamp| Timestamp::from_millis(millis(at) + FORGET_MARGIN_MILLIS);
        forget_all(&store, margin(first), 1).await;
        assert_eq!(names(&store, ledger).await.len(), 1, "its second part is younger");
        forget_all(&store, margin(margin(first)), 1).await;
        assert_eq!(names(&store, ledger).await, BTreeSet::new());
    }
}

#[tokio::test]
async fn several_replicas_that_forget_at_once_forget_the_same_as_one() {
    let Some(database) = database() else { return };
    let replicas = ["one", "two", "three"].map(|writer| {
        let location = database.clone();
        Store::open(Options { writer: writer.into(), ..options(location, 500) }).unwrap()
    });
    let told = |nth: i64| {
        let (key, name, at) = (format!("key-{}", nth % 40), format!("r-{nth}"), day(nth / 4));
        [direct(&key, &name, at).fact(), notice(&key, &name, at).fact()]
    };
    tell(&replicas[0], (0..240).flat_map(told)).await;
    let counted = totals(&replicas[0]).await;
    // Deletes of keys that the others are about to forget are learnt meanwhile.
    let learn = async |replica: &Store| {
        for nth in 240..280 {
            tell(replica, told(nth)).await;
        }
    };
    let before = day(50);
    let forgotten = async |replica: &Store| forget_all(replica, before, 7).await;
    let [one, two, three] = &replicas;
    let (one_rows, two_rows, three_rows, ()) =
        tokio::join!(forgotten(one), forgotten(two), forgotten(three), learn(one));
    let cut = 49 * 4;
    // Of each old delete a removal, a request and two pieces of evidence; every key is younger too.
    assert_eq!(one_rows + two_rows + three_rows, 4 * cut);
    let names_from = |from: u64| (from..280).map(|nth| format!("r-{nth}")).collect();
    assert_eq!(kept(one).await["removals"], names_from(cut));
    assert_eq!(kept(two).await["requests"], names_from(cut));
    assert_eq!(kept(three).await["evidence"].len() as u64, 2 * (280 - cut));
    let learnt: i64 = totals(one).await.iter().map(|it| it.value).sum();
    assert!(learnt > counted.iter().map(|it| it.value).sum(), "totals rise only");
    assert_eq!(forget_all(one, before, 1_000).await, 0);
}

#[tokio::test]
async fn the_ledger_is_forgotten_when_nothing_refers_to_it_and_rejects_with_their_time() {
    for store in stores(500) {
        let object =
            |key: &str| LedgerKey { bucket: "logs".into(), key: key.into(), revision: "1".into() };
        let entry = |key: &str| LedgerEntry {
            key: object(key),
            source: Source::CloudTrail,
            state: LedgerState::Done(LedgerResult::Committed, LedgerCounts::default()),
        };
        let reject = |key: &str, at| Reject {
            at,
            source: Source::CloudTrail,
            reason: "invalid_json".into(),
            detail: "x".into(),
            origin: Origin::LogObject { object: object(key), record_index: Some(1) },
        };
        // The ledger knows when it was written by the clock of this machine.
        let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let days_ahead =
            |days: i64| Timestamp::from_millis(millis(now) + days * FORGET_MARGIN_MILLIS);
        let change = ProtectionChange { at: days_ahead(90), ..protection("change") };
        for batch in [
            Batch { ledger: Some(entry("plain")), ..Batch::default() },
            Batch {
                ledger: Some(entry("rejected")),
                rejects: vec![reject("rejected", days_ahead(90))],
                ..Batch::default()
            },
            Batch { ledger: Some(entry("changed")), ..facts([change.fact()]) },
            Batch { rejects: vec![reject("old", day(0))], ..Batch::default() },
        ] {
            store.commit(batch).await.unwrap();
        }
        forget_all(&store, days_ahead(30), 2).await;
        let ledger = names(&store, "SELECT key FROM log_objects").await;
        assert_eq!(ledger, ["changed", "rejected"].map(str::to_owned).into());
        assert_eq!(names(&store, "SELECT detail FROM rejects").await.len(), 1);
        forget_all(&store, days_ahead(120), 2).await;
        assert_eq!(names(&store, "SELECT key FROM log_objects").await, BTreeSet::new());
        assert_eq!(kept(&store).await["protection_changes"], BTreeSet::new());
    }
}

/// The statements of all stages.
pub(in crate::store::tables) fn statements() -> impl Iterator<Item = &'static str> {
    STAGES.iter().flat_map(|stage| {
        let aged = stage.aged.iter().flat_map(|aged| [aged.oldest, aged.forget]);
        aged.chain([stage.last]).chain(stage.unused)
    })
}

#[test]
fn no_step_reads_more_than_its_part() {
    let connection = open_writer(&Location::Memory).unwrap();
    for statement in statements() {
        let plan = plan(&connection, statement);
        let is_wide = |step: &String| step.starts_with("SCAN") && step != "SCAN part";
        assert!(!plan.iter().any(is_wide), "{plan:?}: {statement}");
        let of_calls = plan.iter().filter(|_| statement.contains("slot_id IS NULL"));
        let mut reads = of_calls.filter(|step| step.starts_with("SEARCH evidence"));
        assert!(reads.all(|step| step.contains("evidence_of_no_key (id>?")), "{plan:?}");
    }
}

fn protection(id: &str) -> ProtectionChange {
    ProtectionChange {
        id: id.into(),
        service: "s3".into(),
        event_name: "PutBucketVersioning".into(),
        bucket: Some("vital".into()),
        resource: None,
        detail: None,
        outcome: Outcome::Ok,
        error_code: None,
        request_id: None,
        event_id: None,
        shared_event_id: None,
        account: ACCOUNT.into(),
        region: REGION.into(),
        at: day(0),
        actor: Actor::default().into(),
    }
}
