//! What the stories of the store's tests are told with: facts of every source at moments of a
//! story, and what can be asked of a store afterwards.

use deltrail_core::domain::{
    Actor, Api, Call, Counted, Creation, Evidence, Fact, Family, Intent, Mark, Outcome, Part,
    ProtectionChange, Removal, RemovalRole, Said, Settling, Source, Target, Timestamp,
};

use super::fixtures::{ACCOUNT, REGION, delete, value};
use super::rows::{counted_columns, counted_of, removal_columns, removal_of};
use super::slots::slot_of;
use crate::store::session::{Result, Session, values};
use crate::store::{
    Batch, CommitReport, Holds, ProofOfLife, Settle, SettleReport, Store, StoredFact,
};

pub(in crate::store) const ACCOUNT_AND_REGION: (&str, &str) = (ACCOUNT, REGION);

/// The bucket of all stories that need no second one; an important one.
pub(in crate::store) const BUCKET: &str = "vital";
/// When stories begin: a whole 5 minutes, and long ago on every machine's clock.
const START_MILLIS: i64 = 1_600_000_200_000;

/// A moment in a story, in milliseconds from its beginning.
pub(in crate::store) fn milli(nth: i64) -> Timestamp {
    Timestamp::from_millis(START_MILLIS + nth)
}

pub(in crate::store) fn second(nth: i64) -> Timestamp {
    milli(nth * 1_000)
}

pub(in crate::store) fn minute(nth: i64) -> Timestamp {
    second(nth * 60)
}

/// CloudTrail's record of a delete that took 42 ms until this moment.
pub(in crate::store) fn direct(key: &str, request: &str, at: Timestamp) -> Evidence {
    let started_at = Timestamp::from_millis(at.as_millis() - 42);
    let delete = delete(BUCKET, key, request);
    Evidence { at, started_at: Some(started_at), ended_at: Some(at), ..delete }
}

/// CloudTrail's record of a bulk call: it names no key.
pub(in crate::store) fn bulk(request: &str, at: Timestamp) -> Evidence {
    Evidence {
        call: Some(Call { api: Api::DeleteObjects, outcome: Outcome::Ok }),
        role: RemovalRole::None,
        key: None,
        mark: Mark::Unknown,
        ..direct("", request, at)
    }
}

/// CloudTrail's record of one key of a bulk call that says no more than that.
pub(in crate::store) fn child(key: &str, event: &str, at: Timestamp) -> Evidence {
    Evidence {
        id: format!("child {event}"),
        call: None,
        role: RemovalRole::Child,
        target: Target::Unknown,
        mark: Mark::Unknown,
        request_id: None,
        event_id: Some(event.into()),
        started_at: None,
        ended_at: None,
        ..direct(key, event, at)
    }
}

/// S3's notification of a removal.
pub(in crate::store) fn notice(key: &str, request: &str, at: Timestamp) -> Evidence {
    Evidence {
        id: format!("notice {key} {request}"),
        source: Source::S3Notification,
        call: None,
        event_id: None,
        started_at: None,
        ended_at: None,
        http_status: None,
        ..direct(key, request, at)
    }
}

/// The access log's line of a delete, on a clock of whole seconds.
pub(in crate::store) fn line(key: &str, request: &str, at: Timestamp) -> Evidence {
    Evidence {
        id: format!("line {key} {request}"),
        source: Source::AccessLog,
        event_id: None,
        mark: Mark::Unknown,
        started_at: None,
        ended_at: None,
        total_millis: Some(30),
        ..direct(key, request, at)
    }
}

/// The access log's line of one key of a bulk call.
pub(in crate::store) fn batch_line(key: &str, request: &str, at: Timestamp) -> Evidence {
    Evidence { call: None, total_millis: None, ..line(key, request, at) }
}

/// S3's notification of a write.
pub(in crate::store) fn written(key: &str, request: &str, at: Timestamp) -> Creation {
    Creation {
        id: format!("write {key} {request}"),
        source: Source::S3Notification,
        bucket: BUCKET.into(),
        key: key.into(),
        version_id: None,
        request_id: Some(request.into()),
        sequencer: None,
        account: ACCOUNT.into(),
        region: REGION.into(),
        at,
        actor: Actor::default().into(),
    }
}

/// A declared delete.
pub(in crate::store) fn intent(id: &str, keys: &[&str], requested_at: Timestamp) -> Intent {
    Intent {
        id: id.into(),
        bucket: BUCKET.into(),
        keys: keys.iter().map(|&key| key.to_owned()).collect(),
        requested_at,
        by: Some("the thumbnail service".into()),
        reference: None,
    }
}

/// What can be told.
pub(in crate::store) trait Told {
    fn fact(self) -> Fact;
}

impl Told for Evidence {
    fn fact(self) -> Fact {
        Fact::Deletion(Box::new(self))
    }
}

impl Told for Creation {
    fn fact(self) -> Fact {
        Fact::Creation(Box::new(self))
    }
}

impl Told for Intent {
    fn fact(self) -> Fact {
        Fact::Intent(Box::new(self))
    }
}

impl Told for ProtectionChange {
    fn fact(self) -> Fact {
        Fact::Protection(Box::new(self))
    }
}

/// A batch of any facts.
pub(in crate::store) fn facts(facts: impl IntoIterator<Item = Fact>) -> Batch {
    let facts = facts.into_iter().map(|fact| StoredFact { fact, record_index: None });
    Batch { facts: facts.collect(), ..Batch::default() }
}

/// Commits facts in one batch.
pub(in crate::store) async fn tell(
    store: &Store,
    told: impl IntoIterator<Item = Fact>,
) -> CommitReport {
    store.commit(facts(told)).await.unwrap()
}

/// A sign of life of a source up to this time, in the account and region of all stories.
pub(in crate::store) fn life(source: Source, newest_event_at: Timestamp) -> ProofOfLife {
    ProofOfLife {
        source,
        account: ACCOUNT.into(),
        region: REGION.into(),
        newest_event_at: Some(newest_event_at),
        last_delivery_at: None,
        proof_of_life_at: None,
    }
}

/// Delivers something of no interest from a source, of this time.
pub(in crate::store) async fn hear(store: &Store, source: Source, newest_event_at: Timestamp) {
    let life = vec![life(source, newest_event_at)];
    store.commit(Batch { life, ..Batch::default() }).await.unwrap();
}

/// A request to settle that holds nobody's watermark, with a window of 15 minutes.
pub(in crate::store) fn ask() -> Settle {
    Settle {
        now: minute(60 * 24 * 365),
        holds: Holds::None,
        stale_window_millis: 15 * 60_000,
        settles_backfill: false,
    }
}

/// Settles what may be settled, all of it.
pub(in crate::store) async fn settle(store: &Store, ask: &Settle) -> SettleReport {
    let mut sum = SettleReport::default();
    loop {
        let report = store.settle(ask.clone()).await.unwrap();
        sum.settled += report.settled;
        for (reason, count) in report.discarded_latencies {
            *sum.discarded_latencies.entry(reason).or_default() += count;
        }
        if !report.has_more {
            return sum;
        }
    }
}

/// How late each source may be, in minutes, as the contract says.
pub(in crate::store) const LATENESS_MINUTES: [(Source, i64); 4] = [
    (Source::CloudTrail, 20),
    (Source::S3Notification, 2),
    (Source::EventBridge, 2),
    (Source::AccessLog, 180),
];

/// Lets every source that was heard of deliver until nothing of this minute or before is open any
/// more, and settles.
pub(in crate::store) async fn settle_until(store: &Store, nth: i64) -> SettleReport {
    let known = store.sources().await.unwrap();
    for (source, lateness) in LATENESS_MINUTES {
        if known.iter().any(|it| it.source == source) {
            hear(store, source, minute(nth + 30 + lateness)).await;
        }
    }
    settle(store, &ask()).await
}

/// Reads rows on the store's own session.
pub(in crate::store) async fn ask_rows<T: Send + 'static>(
    store: &Store,
    ask: impl FnOnce(&Session<'_>) -> Result<T> + Send + 'static,
) -> T {
    store.0.read(ask).await.unwrap()
}

/// The removals of a key of the story's bucket by time, with what the totals hold for them.
pub(in crate::store) async fn rows(store: &Store, key: &str) -> Vec<(Removal, Counted)> {
    let mut rows = rows_of(store, BUCKET, key).await;
    rows.sort_by_key(|(removal, _)| removal.at);
    rows
}

/// The removals of a key by identity, with what the totals hold for them.
pub(in crate::store) async fn rows_of(
    store: &Store,
    bucket: &str,
    key: &str,
) -> Vec<(Removal, Counted)> {
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    ask_rows(store, move |session| {
        let slot_id = slot_of(session, &bucket, &key)?;
        session.rows(
            concat!(
                "SELECT ",
                removal_columns!(),
                ", ",
                counted_columns!(),
                " FROM removals LEFT JOIN actors ON actors.id = actor_id
                 WHERE slot_id = ?1 ORDER BY identity"
            ),
            &values![slot_id],
            |row| Ok((removal_of(row)?, counted_of(row)?)),
        )
    })
    .await
}

/// What is said of a removal; nothing as long as it is not settled.
pub(in crate::store) fn said_of(counted: &Counted) -> Option<Said> {
    match &counted.settling {
        Settling::Settled(said) => Some(said.clone()),
        Settling::Open | Settling::Reopened(_) => None,
    }
}

/// What is said of the removals of a key, by time.
pub(in crate::store) async fn said(store: &Store, key: &str) -> Vec<Option<Said>> {
    rows(store, key).await.iter().map(|(_, counted)| said_of(counted)).collect()
}

/// The value of a counter.
pub(in crate::store) async fn count(store: &Store, family: Family, labels: &[&str]) -> i64 {
    value(store, family, labels, Part::Value).await
}

/// How often settled or counted facts were contradicted.
pub(in crate::store) async fn corrections(store: &Store, reason: &str) -> i64 {
    count(store, Family::Corrections, &[reason]).await
}
