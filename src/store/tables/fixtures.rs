//! Evidence and stores for the tests of the store.

use std::path::Path;
use std::sync::Arc;

use deltrail_core::domain::{
    Actor, Api, Call, Cause, Evidence, Fact, Family, Mark, Outcome, Part, RemovalRole, Series,
    Source, Target, Timestamp,
};

use crate::store::postgres::tests::server;
use crate::store::{Batch, Location, Options, Store, StoredFact, Total};

/// The account that everything of the tests is about, and the region.
pub(in crate::store) const ACCOUNT: &str = "111122223333";
pub(in crate::store) const REGION: &str = "eu-west-1";

/// A store there, for a writer named `here`; buckets named `vital...` are important.
pub(in crate::store) fn options(location: Location, labelled_buckets_max: usize) -> Options {
    Options {
        location,
        writer: "here".into(),
        labelled_buckets_max,
        creations_max: 1_000,
        is_important: Arc::new(|bucket| bucket.starts_with("vital")),
    }
}

/// An empty PostgreSQL database; `None` without a server, which has been said then.
pub(crate) fn database() -> Option<Location> {
    let database = server()?.database();
    Some(Location::parse(&database.url).unwrap())
}

/// Empty places of every kind: memory, and a database.
pub(in crate::store) fn locations() -> impl Iterator<Item = Location> {
    std::iter::once(Location::Memory).chain(std::iter::once_with(database).flatten()).inspect(
        // Shown when the test fails.
        |location| println!("in {location}:"),
    )
}

/// Empty places of every kind that outlasts the program: a file in this folder, and a database.
pub(in crate::store) fn lasting_locations(folder: &Path) -> impl Iterator<Item = Location> {
    let file = Location::File(folder.join("d.db"));
    locations().map(move |location| match location {
        Location::Memory => file.clone(),
        lasting => lasting,
    })
}

/// An empty store of every kind.
pub(in crate::store) fn stores(labelled_buckets_max: usize) -> impl Iterator<Item = Store> {
    locations().map(move |location| open(location, labelled_buckets_max))
}

/// Opens a store for a writer named `here`.
pub(in crate::store) fn open(location: Location, labelled_buckets_max: usize) -> Store {
    Store::open(options(location, labelled_buckets_max)).unwrap()
}

/// A store in this file.
pub(in crate::store) fn file(path: &Path) -> Store {
    Store::open(options(Location::File(path.to_path_buf()), 500)).unwrap()
}

/// Evidence that was read from nowhere in particular.
pub(in crate::store) fn stored(evidence: Evidence) -> StoredFact {
    StoredFact { fact: Fact::Deletion(Box::new(evidence)), record_index: None }
}

/// A direct delete of `key` that took 42 ms.
pub(in crate::store) fn delete(bucket: &str, key: &str, request: &str) -> Evidence {
    Evidence {
        id: format!("trail {request}"),
        source: Source::CloudTrail,
        call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }),
        role: RemovalRole::Claim,
        bucket: bucket.into(),
        key: Some(key.into()),
        target: Target::Current,
        mark: Mark::Object,
        cause: Cause::Api,
        request_id: Some(request.into()),
        event_id: Some(format!("event {request}")),
        shared_event_id: None,
        amends_event_id: None,
        account: ACCOUNT.into(),
        region: REGION.into(),
        at: Timestamp::from_millis(1_000),
        started_at: Some(Timestamp::from_millis(1_000)),
        ended_at: Some(Timestamp::from_millis(1_042)),
        total_millis: None,
        sequencer: None,
        http_status: Some(204),
        error_code: None,
        marker_version_id: None,
        actor: Actor { arn: Some("arn:dev".into()), ..Actor::default() }.into(),
    }
}

/// A batch of evidence alone.
pub(in crate::store) fn batch(evidence: impl IntoIterator<Item = Evidence>) -> Batch {
    Batch { facts: evidence.into_iter().map(stored).collect(), ..Batch::default() }
}

/// One number of the totals, 0 when there is none.
pub(in crate::store) async fn value(
    store: &Store,
    family: Family,
    labels: &[&str],
    part: Part,
) -> i64 {
    let labels = labels.iter().map(|&label| label.to_owned()).collect();
    let series = Series { family, labels };
    let is_asked = |total: &&Total| total.series == series && total.part == part;
    store.totals().await.unwrap().iter().find(is_asked).map_or(0, |total| total.value)
}

/// The removals that are counted under this bucket label.
pub(in crate::store) async fn removed(store: &Store, bucket: &str) -> i64 {
    value(store, Family::ObjectsRemoved, &[bucket], Part::Value).await
}
