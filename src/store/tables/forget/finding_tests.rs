//! What detectors made and what they judge by is forgotten too: findings with their time, and what
//! days are judged by when no day is left that is judged by it.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::detect::{Expectation, PAST_DAYS};
use deltrail_core::domain::{Day, Evidence, Finding, Mode, Severity, Timestamp};

use super::tests::{forget_all, names};
use super::{Forget, Sweep};
use crate::store::session::column;
use crate::store::tables::finding_tests::{finding, found};
use crate::store::tables::fixtures::stores;
use crate::store::tables::story::{BUCKET, Told, ask_rows, direct, minute, tell};
use crate::store::{Announcing, Configured, DeliveryEnd, FindingFilter, Found, Store};

/// A day after that on which the story begins.
fn day(nth: i64) -> Day {
    Day::of(minute(0)).plus(nth)
}

fn hour(nth_day: i64, hour: i64) -> Timestamp {
    Timestamp::from_millis(day(nth_day).start().as_millis() + hour * 60 * 60 * 1_000)
}

/// A mass delete that began early on this day and ended ten hours later.
fn finding_on(nth: i64) -> Finding {
    Finding {
        day: day(nth),
        first_at: hour(nth, 1),
        last_at: hour(nth, 11),
        ..finding(Severity::Warning, 60)
    }
}

/// What somebody found on these days.
fn found_on(due: i64, days: &[(i64, &[Finding])]) -> impl AsyncFn(&Store) -> usize {
    let live = |it: &Finding| (it.clone(), Mode::Live);
    let days: BTreeMap<Day, Vec<(Finding, Mode)>> =
        days.iter().map(|(nth, found)| (day(*nth), found.iter().map(live).collect())).collect();
    async move |store: &Store| {
        let name = format!("r-{due}");
        let late = direct(&name, &name, hour(due, 1));
        tell(store, [late.fact()]).await;
        let due = store.due_days(10).await.unwrap();
        let found = Found { days: days.clone(), ..found(&due, &[], hour(200, 0)) };
        let written = store.write_findings(found).await.unwrap();
        assert!(written.is_current);
        assert_eq!(store.due_days(10).await.unwrap(), [], "a day that is old stays due for nobody");
        written.changed.len()
    }
}

/// The days of the findings, and those who are told of any.
async fn kept(store: &Store) -> (Vec<i64>, usize) {
    let filter = FindingFilter { with_withdrawn: true, limit: 10, ..FindingFilter::default() };
    let rows = store.findings(filter).await.unwrap().rows;
    let days = rows.iter().map(|row| row.finding.day.number() - day(0).number());
    let told = names(store, "SELECT finding_id FROM deliveries").await;
    (days.collect(), told.len())
}

#[tokio::test]
async fn a_finding_is_forgotten_with_its_time_and_whom_it_was_told_to_with_it() {
    for store in stores(500) {
        let findings = [0, 1, 2].map(finding_on);
        let days = [(0, &findings[..1]), (1, &findings[1..2]), (2, &findings[2..])];
        assert_eq!(found_on(1, &days)(&store).await, 3);
        assert_eq!(kept(&store).await, (vec![2, 1, 0], 3));
        forget_all(&store, hour(2, 12), 1).await;
        assert_eq!(kept(&store).await, (vec![2, 1, 0], 3), "open ones stay");
        store.resolve_findings(hour(201, 0), BTreeSet::new()).await.unwrap();
        // A day more is kept than is asked for.
        forget_all(&store, hour(1, 11), 1).await;
        assert_eq!(kept(&store).await, (vec![2, 1, 0], 3), "its last hour is not over");
        forget_all(&store, hour(2, 12), 1).await;
        assert_eq!(kept(&store).await, (vec![2], 1));
        let told = store.claim_delivery(hour(201, 0)).await.unwrap().unwrap();
        assert_eq!(told.row.finding, findings[2]);
        store.end_delivery(&told, DeliveryEnd::Told).await.unwrap();
        assert_eq!(store.claim_delivery(hour(201, 0)).await.unwrap(), None);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn of_a_day_that_was_forgotten_in_part_nothing_is_found_again_and_nothing_withdrawn() {
    for store in stores(500) {
        let findings = [0, 1, 2].map(finding_on);
        let days = [(0, &findings[..1]), (1, &findings[1..2]), (2, &findings[2..])];
        found_on(1, &days)(&store).await;
        store.resolve_findings(hour(201, 0), BTreeSet::new()).await.unwrap();
        // The first half of day 1 is forgotten, and with it what was removed before its finding.
        forget_all(&store, hour(2, 6), 100).await;
        assert_eq!(kept(&store).await.0, [2, 1]);
        let again = [(0, &findings[..1]), (1, &[][..]), (2, &[][..])];
        assert_eq!(found_on(3, &again)(&store).await, 1, "that of day 2 is withdrawn");
        assert_eq!(kept(&store).await.0, [2, 1]);
        store.close().await.unwrap();
    }
}

/// How many days after the first one the windows of each bucket begin and end.
async fn judged_by(store: &Store) -> Vec<(String, i64, i64)> {
    let first = day(0).number();
    ask_rows(store, move |session| {
        session.rows(
            "SELECT bucket, min(window_number) / 288, max(window_number) / 288 FROM rollups
             GROUP BY bucket ORDER BY bucket",
            &[],
            |row| Ok((row.read()?, row.read::<i64>()? - first, row.read::<i64>()? - first)),
        )
    })
    .await
}

#[tokio::test]
async fn what_days_are_judged_by_stays_as_long_as_a_day_is_that_is_judged_by_it() {
    for store in stores(500) {
        let deletes = (0..200).flat_map(|nth| {
            let name = format!("r-{nth}");
            let delete = direct("key", &name, hour(nth, 1));
            let other = Evidence {
                bucket: "other".into(),
                id: format!("other {nth}"),
                ..direct("key", &format!("o-{nth}"), hour(nth, 1))
            };
            [delete.fact(), other.fact()]
        });
        tell(&store, deletes).await;
        let rows = forget_all(&store, hour(101, 0), 7).await;
        let kept_from = 100 - PAST_DAYS;
        let expected = ["other", BUCKET].map(|bucket| (bucket.to_owned(), kept_from, 199));
        assert_eq!(judged_by(&store).await, expected);
        let evidence = names(&store, "SELECT request_id FROM evidence").await;
        assert_eq!(evidence.len(), 200, "evidence of 100 days in two buckets");
        // Of each delete the evidence, the request, the removal; and the windows.
        assert_eq!(rows, 2 * (3 * 100 + kept_from.unsigned_abs()));
        assert_eq!(forget_all(&store, hour(101, 0), 7).await, 0);
        let days = store.past(BUCKET, day(100)).await.unwrap();
        let past = u64::try_from(PAST_DAYS - 1).unwrap();
        assert_eq!(days.cells.len() as u64, past, "all that day 100 is judged by");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_bucket_with_very_many_windows_is_forgotten_in_steps() {
    for store in stores(500) {
        let delete = |nth: i64| direct("key", &format!("r-{nth}"), minute(5 * nth)).fact();
        tell(&store, (0..50).map(delete)).await;
        let (mut rows, mut windows) = (0, 50);
        let mut next = Some(Sweep::start());
        while let Some(from) = next {
            let ask = Forget { before: hour(200, 0), from, rows_max: 4 };
            let report = store.forget(ask).await.unwrap();
            let left: i64 = ask_rows(&store, |session| {
                session.one("SELECT count(*) FROM rollups", &[], column)
            })
            .await;
            assert!(windows - left <= 4, "{windows} to {left}");
            (rows, windows, next) = (rows + report.rows, left, report.next);
        }
        assert_eq!((rows, windows), (50 + 50 + 1 + 50 + 50, 0), "with the slot");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_announcement_is_forgotten_when_no_day_is_judged_by_it() {
    for store in stores(500) {
        let announced = |id: String, until: i64| Expectation {
            id,
            principal: None,
            bucket: BUCKET.to_owned(),
            prefix: String::new(),
            since: hour(0, 0),
            until: hour(until, 12),
            objects_max: 10,
        };
        let in_file = announced("in the file".to_owned(), 0);
        let configured = vec![Configured { expectation: in_file, keeps_since: false }];
        store.configure_expectations(configured, hour(0, 0)).await.unwrap();
        for until in 0..6 {
            let cleanup = announced(format!("cleanup-{until}"), until);
            let kept = store.announce(cleanup, None, hour(0, 0)).await.unwrap();
            assert_eq!(kept, Announcing::Kept);
        }
        forget_all(&store, hour(5, 0), 2).await;
        let kept = names(&store, "SELECT id FROM expectations").await;
        let expected: BTreeSet<_> = (3..6)
            .map(|until| format!("cleanup-{until}"))
            .chain(["in the file".to_owned()])
            .collect();
        assert_eq!(kept, expected);
        let judged = store.observations(BUCKET, day(4), 0).await.unwrap();
        assert_eq!(judged.announced.len(), 3, "day 4 is judged by all that are left of them");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn how_often_a_day_changed_is_forgotten_once_it_was_looked_at_and_judges_no_other() {
    for store in stores(500) {
        found_on(0, &[])(&store).await;
        found_on(100, &[])(&store).await;
        tell(&store, [direct("key", "unseen", hour(1, 1)).fact()]).await;
        forget_all(&store, hour(101, 0), 7).await;
        let first = day(0).number();
        let days: Vec<i64> = ask_rows(&store, move |session| {
            let days = "SELECT day_number FROM detection_due ORDER BY day_number";
            session.rows(days, &[], |row| Ok(row.read::<i64>()? - first))
        })
        .await;
        assert_eq!(days, [1, 100]);
        store.close().await.unwrap();
    }
}
