//! Several replicas of one database, each of which takes a part of the evidence and looks at all of
//! it, find what one alone finds, and tell it once.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Family, Provenance, Timestamp};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::super::{Seen, look};
use super::{Told, at, commit, open_at, options, shuffled, standing};
use crate::store::{DeliveryEnd, FindingFilter, Location, Store, shared_database};
use crate::watch::Options;

/// A finding by its id, as the webhook was notified of it: which change of it.
type Notice = (String, i64);

/// One program beside others.
struct Replica {
    store: Store,
    options: Options,
    seen: Seen,
    notices: Vec<Notice>,
}

impl Replica {
    fn open(location: &Location, name: &str) -> Self {
        let mut options = options();
        options.detection.notifiers = vec!["webhook".to_owned()];
        Self {
            store: open_at(location.clone(), name),
            options,
            seen: Seen::default(),
            notices: Vec::new(),
        }
    }

    /// Takes its part, a few pieces at a time, and looks and tells after each.
    async fn work(&mut self, part: &[Told]) {
        for pieces in part.chunks(120) {
            commit(&self.store, pieces, Provenance::Live).await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let closing = CancellationToken::new();
        look(&self.options, &self.store, &mut self.seen, &closing).await.unwrap();
        self.tell(at(50, 1)).await;
    }

    /// Tells all that is due.
    async fn tell(&mut self, now: Timestamp) {
        while let Some(delivery) = self.store.claim_delivery(now).await.unwrap() {
            self.notices.push((delivery.row.id.clone(), delivery.row.revision));
            self.store.end_delivery(&delivery, DeliveryEnd::Told).await.unwrap();
        }
    }
}

/// What so many replicas find and tell.
struct Outcome {
    standing: BTreeMap<String, String>,
    notices: Vec<Notice>,
    /// How many findings there ever were, by the rows and by the metric.
    ever: (usize, i64),
}

async fn outcome_of(replicas: usize) -> Option<Outcome> {
    let location = shared_database()?;
    let name = |nth: usize| format!("replica {nth}");
    let mut all: Vec<Replica> =
        (0..replicas).map(|nth| Replica::open(&location, &name(nth))).collect();
    let told = shuffled(7);
    let part =
        |nth: usize| -> Vec<Told> { told.iter().skip(nth).step_by(replicas).cloned().collect() };
    let parts: Vec<Vec<Told>> = (0..replicas).map(part).collect();
    join_all(all.iter_mut().zip(&parts).map(|(replica, part)| replica.work(part))).await;
    // Whoever looked at older rows than another one left what it looked at to be looked at again.
    while !all[0].store.due_days(1).await.unwrap().is_empty() {
        join_all(all.iter_mut().map(Replica::look)).await;
    }
    // What is no worse waits for more for a while.
    join_all(all.iter_mut().map(|replica| replica.tell(at(50, 60)))).await;
    let standing = standing(&all[0].store).await;
    let all_of_them = FindingFilter { with_withdrawn: true, limit: 99, ..FindingFilter::default() };
    let rows = all[0].store.findings(all_of_them).await.unwrap().rows;
    let totals = all[0].store.totals().await.unwrap();
    let counted = totals.iter().filter(|it| it.series.family == Family::Findings);
    let ever = (rows.len(), counted.map(|it| it.value).sum());
    let notices = all.iter().flat_map(|replica| replica.notices.clone()).collect();
    for replica in all {
        replica.store.close().await.unwrap();
    }
    Some(Outcome { standing, notices, ever })
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_find_what_one_finds_and_tell_nothing_twice() {
    let Some(one) = outcome_of(1).await else { return };
    let Some(three) = outcome_of(3).await else { return };
    assert!(!one.standing.is_empty());
    assert_eq!(three.standing, one.standing);
    for outcome in [&one, &three] {
        let notices: BTreeSet<&Notice> = outcome.notices.iter().collect();
        assert_eq!(notices.len(), outcome.notices.len(), "twice: {:#?}", outcome.notices);
        let about: BTreeSet<&String> = outcome.notices.iter().map(|(id, _)| id).collect();
        let is_told = |(id, finding): (&String, &String)| {
            about.contains(id) || finding.contains("\"severity\":\"info\"")
        };
        assert!(outcome.standing.iter().all(is_told), "{:#?}", outcome.notices);
        let (rows, counted) = outcome.ever;
        assert_eq!(i64::try_from(rows).unwrap(), counted, "each is counted once");
    }
}
