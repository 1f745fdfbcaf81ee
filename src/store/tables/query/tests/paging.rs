//! Pages of a list while rows come in, one removal by its name, and one request.

use deltrail_core::domain::Source;

use super::super::super::story::{bulk, second};
use super::*;
use crate::store::{Cursor, DeletionName, Store};

/// Asks for page after page; before each next one, `meanwhile` may commit something.
async fn pages(
    store: &Store,
    filter: &DeletionFilter,
    meanwhile: impl AsyncFn(i64),
) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let asked = DeletionFilter { after, ..filter.clone() };
        let answer = store.deletions(LOOKING, asked).await.unwrap();
        assert_eq!(answer.has_more, answer.next.is_some());
        let ids = answer.rows.iter().map(|row| row.removal.request_id.clone().unwrap().into());
        pages.push(ids.collect());
        let Some(next) = answer.next else { return pages };
        // It survives being written down.
        after = Some(Cursor::parse(&next.to_string()).unwrap());
        meanwhile(i64::try_from(pages.len()).unwrap()).await;
        assert!(pages.len() < 20, "the pages do not end: {pages:?}");
    }
}

#[tokio::test]
async fn pages_hold_each_removal_once_whatever_comes_in_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        // Three of each second, in two buckets, and one call that removed keys of both folders.
        let told = (0..24).map(|nth| {
            let (bucket, folder) = (["archive", "photos"][nth % 2], ["a", "b"][nth / 2 % 2]);
            let second = i64::try_from(nth / 3).unwrap();
            deleted(bucket, &format!("{folder}/{nth}"), &format!("r-{nth:02}"), 100 + second)
        });
        let told: Vec<Evidence> = told.collect();
        store.commit(batch(told.clone())).await.unwrap();
        let newer = async |nth: i64| {
            let (key, request) = (format!("a/new-{nth}"), format!("new-{nth}"));
            let newer = deleted("photos", &key, &request, 200 + nth);
            let first = deleted("archive", &key, &format!("first-{nth}"), 200 + nth);
            store.commit(batch([newer, first])).await.unwrap();
        };
        let fits = |filter: &DeletionFilter| {
            let mut ids: Vec<String> = told
                .iter()
                .filter(|it| filter.bucket().is_none_or(|bucket| it.bucket == bucket))
                .filter(|it| match &filter.within {
                    Within::Below(prefix) | Within::Prefix { prefix, .. } => {
                        it.key.as_ref().unwrap().starts_with(prefix)
                    }
                    Within::Everything | Within::Bucket(_) => true,
                })
                .map(|it| it.request_id.clone().unwrap().into())
                .collect();
            ids.sort();
            ids
        };
        for asked in
            [filter(Within::Everything), bucket("photos"), below("b/"), prefix("archive", "a/")]
        {
            let asked = DeletionFilter { limit: 5, until: Some(second_of(200)), ..asked };
            let expected = fits(&asked);
            let mut seen = pages(&store, &asked, newer).await.concat();
            seen.sort();
            assert_eq!(seen, expected, "{asked:?}");
            let of_two = DeletionFilter { limit: 2, ..asked.clone() };
            let at_once = DeletionFilter { limit: 1_000, ..asked };
            let [whole, parts] =
                [pages(&store, &at_once, newer).await, pages(&store, &of_two, newer).await];
            assert_eq!(whole.concat(), parts.concat(), "in one order");
        }
        // Without an end, what is newer than the first page is on none of the others.
        let asked = DeletionFilter { limit: 5, ..bucket("photos") };
        let first = store.deletions(LOOKING, asked.clone()).await.unwrap();
        let rest = DeletionFilter { after: first.next, limit: 1_000, ..asked };
        let before = store.deletions(LOOKING, rest.clone()).await.unwrap().rows.len();
        newer(99).await;
        assert_eq!(store.deletions(LOOKING, rest).await.unwrap().rows.len(), before);
    }
}

fn below(prefix: &str) -> DeletionFilter {
    filter(Within::Below(prefix.to_owned()))
}

fn second_of(nth: i64) -> Timestamp {
    Timestamp::from_millis(nth * 1_000)
}

#[tokio::test]
async fn keys_below_a_wide_prefix_are_found_by_their_time_as_those_below_a_narrow_one() {
    let folder = tempfile::tempdir().unwrap();
    let many = i64::try_from(KEYS_READ_MAX).unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        let wide = (0..many).map(|nth| deleted("photos", &format!("a/{nth}"), "same", nth));
        let others = (0..50).map(|nth| deleted("photos", &format!("b/{nth}"), "other", many + nth));
        let elsewhere = [deleted("archive", "a/1", "elsewhere", 2 * many)];
        store.commit(batch(wide.chain(others).chain(elsewhere))).await.unwrap();
        let asked = DeletionFilter { limit: 3, ..prefix("photos", "a/") };
        let rows = store.deletions(LOOKING, asked).await.unwrap().rows;
        let keys: Vec<String> = rows.into_iter().map(|row| row.key.unwrap()).collect();
        assert_eq!(keys, [many - 1, many - 2, many - 3].map(|nth| format!("a/{nth}")));
        let asked = DeletionFilter { limit: 10_000, ..prefix("photos", "a/") };
        assert_eq!(store.deletions(LOOKING, asked).await.unwrap().rows.len(), KEYS_READ_MAX);
    }
}

#[tokio::test]
async fn a_removal_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        let unknown = Evidence { key: None, ..deleted("photos", "", "KEYLESS", 10) };
        let told = [deleted("photos", "k", "A", 10), deleted("photos", "k", "B", 2_000), unknown];
        store.commit(batch(told)).await.unwrap();
        let rows = store.deletions(LOOKING, bucket("photos")).await.unwrap().rows;
        assert_eq!(rows.len(), 3);
        for row in rows {
            let name = DeletionName::parse(&row.name().to_string()).unwrap();
            let found = store.deletion(LOOKING, name.clone()).await.unwrap();
            assert_eq!(found, Some(row));
            for other in [
                DeletionName { bucket: "archive".into(), ..name.clone() },
                DeletionName { key: Some("other".into()), ..name.clone() },
                DeletionName { identity: "r:C current".into(), ..name },
            ] {
                assert_eq!(store.deletion(LOOKING, other).await.unwrap(), None);
            }
        }
    }
}

#[tokio::test]
async fn a_request_is_told_with_what_it_removed_and_what_was_refused_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let removed = |key: &str| Evidence {
        id: format!("notice {key}"),
        source: Source::S3Notification,
        call: None,
        ..deleted("vital", key, "BULK", 10)
    };
    let refused = |key: &str, source: Source| Evidence {
        id: format!("{source:?} {key}"),
        source,
        role: RemovalRole::None,
        call: None,
        error_code: Some("AccessDenied".into()),
        ..deleted("vital", key, "BULK", 10)
    };
    for location in lasting_locations(folder.path()) {
        let store = open(location.clone(), 500);
        let told = [
            bulk("BULK", second(1)),
            removed("a"),
            removed("b"),
            refused("d", Source::CloudTrail),
            refused("c", Source::CloudTrail),
            refused("c", Source::AccessLog),
            deleted("vital", "other", "OTHER", 11),
        ];
        store.commit(batch(told)).await.unwrap();
        let found = store.request(LOOKING, "BULK".into()).await.unwrap().unwrap();
        let [call] = found.calls.as_slice() else { panic!("{:?}", found.calls) };
        assert_eq!(call.request.api.as_str(), "DeleteObjects");
        let mut keys: Vec<_> = found.deletions.rows.iter().map(|row| row.key.clone()).collect();
        keys.sort();
        assert_eq!(keys, ["a", "b"].map(|key| Some(key.to_owned())));
        let refused: Vec<_> = found.refused.iter().map(|it| it.key.as_deref().unwrap()).collect();
        assert_eq!(refused, ["c", "d"]);
        assert_eq!(found.deletions.completeness.bucket.as_deref(), Some("vital"));
        assert_eq!(store.request(LOOKING, "NONE".into()).await.unwrap(), None);
    }
}
