//! What detectors are given: who looks suspicious before and after it is settled alike, what was
//! announced, which declared deletes did not happen, and since when anything was seen.

use deltrail_core::detect::{Counts, Expectation, Suspicion};
use deltrail_core::domain::{Api, Call, Day, Evidence, Outcome, RemovalRole, Source, Timestamp};

use super::fixtures::stores;
use super::observations::OPEN_MAX;
use super::story::{
    BUCKET, Told, bulk, child, direct, intent, line, milli, minute, notice, second, settle_until,
    tell, written,
};
use crate::store::{Announcing, Observations, Store};

const WINDOW_MILLIS: i64 = 15 * 60_000;

async fn seen(store: &Store) -> Observations {
    store.observations(BUCKET, Day::of(minute(0)), WINDOW_MILLIS).await.unwrap()
}

/// Key, moment and reason of each suspect.
fn suspects(seen: &Observations) -> Vec<(&str, Timestamp, Suspicion)> {
    let told = |it: &deltrail_core::detect::Suspect| it.suspicion.clone();
    seen.suspects.iter().map(|it| (it.key.as_str(), it.at, told(it))).collect()
}

#[tokio::test]
async fn a_stale_and_a_repeated_removal_are_suspects_before_and_after_they_are_settled() {
    for store in stores(500) {
        tell(
            &store,
            [
                written("cat.jpg", "W1", minute(0)).fact(),
                written("cat.jpg", "W2", minute(10)).fact(),
                direct("cat.jpg", "A", minute(14)).fact(),
                notice("cat.jpg", "A", minute(14)).fact(),
                direct("cat.jpg", "B", second(14 * 60 + 1)).fact(),
                notice("cat.jpg", "B", second(14 * 60 + 1)).fact(),
                direct("dog.jpg", "C", minute(14)).fact(),
                notice("dog.jpg", "C", minute(14)).fact(),
            ],
        )
        .await;
        let provisional = seen(&store).await;
        let repeated = Suspicion::Repeated { first_at: minute(14) };
        let stale = Suspicion::Stale { replaced_at: Some(minute(10)) };
        let expected = [("cat.jpg", minute(14), stale), ("cat.jpg", second(14 * 60 + 1), repeated)];
        assert_eq!(suspects(&provisional), expected);
        let due = store.due_days(10).await.unwrap();

        settle_until(&store, 20).await;
        let settled = seen(&store).await;
        assert_eq!(suspects(&settled), expected);
        let sum = |seen: &Observations| {
            seen.cells.iter().fold(Counts::default(), |sum, cell| sum + cell.counts)
        };
        assert_eq!((sum(&provisional).stale, sum(&provisional).repeated), (0, 0));
        assert_eq!((sum(&settled).stale, sum(&settled).repeated), (1, 1));
        assert_eq!(sum(&settled).removed, 3);
        assert!(
            settled.suspects.iter().all(|it| settled.callers.contains_key(&it.caller.unwrap()))
        );
        // What is counted of them is another thing than before.
        assert!(store.due_days(10).await.unwrap()[0].version > due[0].version);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn of_a_purge_only_the_newest_removals_are_judged_before_they_are_settled() {
    for store in stores(500) {
        let pair = [("A", 0), ("B", 1)].map(|(call, at)| direct("cat.jpg", call, minute(at)));
        tell(&store, pair.map(Told::fact)).await;
        let repeated = || Suspicion::Repeated { first_at: minute(0) };
        assert_eq!(suspects(&seen(&store).await), [("cat.jpg", minute(1), repeated())]);
        let others = (0..OPEN_MAX).map(|nth| format!("tmp/{nth}"));
        tell(&store, others.map(|key| direct(&key, &key, minute(2)).fact())).await;
        assert_eq!(suspects(&seen(&store).await), []);
        settle_until(&store, 60).await;
        assert_eq!(suspects(&seen(&store).await), [("cat.jpg", minute(1), repeated())]);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_declared_delete_that_did_not_happen_is_a_suspect_of_the_day_it_was_declared() {
    for store in stores(500) {
        let heard: [Evidence; 1] = [notice("dog.jpg", "A", minute(1))];
        tell(&store, heard.map(Told::fact)).await;
        tell(&store, [intent("I", &["cat.jpg", "dog.jpg"], minute(0)).fact()]).await;
        settle_until(&store, 60).await;
        let seen = seen(&store).await;
        assert_eq!(suspects(&seen), [("cat.jpg", minute(0), Suspicion::Unfulfilled)]);
        store.close().await.unwrap();
    }
}

/// CloudTrail's record of a call that S3 took so long for.
fn served(evidence: Evidence, millis: i64) -> Evidence {
    let started_at = evidence.at;
    let ended_at = Timestamp::from_millis(started_at.as_millis() + millis);
    Evidence { started_at: Some(started_at), ended_at: Some(ended_at), ..evidence }
}

#[tokio::test]
async fn removals_whose_request_took_more_than_a_second_are_suspects_of_slowness() {
    for store in stores(500) {
        let long = line("by-its-line.jpg", "L", second(5));
        let refused = served(direct("refused.jpg", "D", second(6)), 9_000);
        let call = Call { api: Api::DeleteObject, outcome: Outcome::Denied };
        let children = ["one.jpg", "two.jpg"]
            .map(|key| Evidence { request_id: Some("B".into()), ..child(key, key, second(8)) });
        let told = [
            served(direct("fast.jpg", "F", second(1)), 1_000),
            served(direct("slow.jpg", "S", second(2)), 1_001),
            notice("slow.jpg", "S", second(3)),
            served(direct("a-clock-is-wrong.jpg", "W", second(4)), 3_600_001),
            Evidence { total_millis: Some(2_500), ..long },
            Evidence { call: Some(call), role: RemovalRole::None, ..refused },
            served(bulk("B", second(7)), 4_000),
        ];
        tell(&store, told.into_iter().chain(children).map(Told::fact)).await;
        let seen = seen(&store).await;
        let slow = |key, at, millis| (key, second(at), Suspicion::Slow(millis));
        assert_eq!(
            suspects(&seen),
            [
                slow("by-its-line.jpg", 5, 2_500),
                slow("one.jpg", 7, 4_000),
                slow("slow.jpg", 2, 1_001),
                slow("two.jpg", 7, 4_000),
            ]
        );
        assert!(seen.suspects.iter().all(|it| seen.callers.contains_key(&it.caller.unwrap())));
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn removals_that_came_more_than_a_minute_after_they_were_declared_are_suspects_once() {
    for store in stores(500) {
        let keys = ["in-time.jpg", "late.jpg", "late-and-slow.jpg", "by-a-coarse-clock.jpg"];
        tell(&store, [intent("I", &keys, milli(0)).fact()]).await;
        let coarse = line("by-a-coarse-clock.jpg", "C", second(90));
        let told = [
            notice("in-time.jpg", "T", milli(60_000)),
            notice("late.jpg", "L", milli(60_001)),
            served(direct("late-and-slow.jpg", "S", second(80)), 1_500),
            notice("late-and-slow.jpg", "S", milli(81_500)),
            Evidence { call: None, total_millis: None, ..coarse },
        ];
        tell(&store, told.map(Told::fact)).await;
        settle_until(&store, 60).await;
        let seen = seen(&store).await;
        let late = |key, at, millis| (key, milli(at), Suspicion::Slow(millis));
        assert_eq!(
            suspects(&seen),
            [late("late-and-slow.jpg", 81_500, 81_500), late("late.jpg", 60_001, 60_001)]
        );
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_day_is_due_again_when_a_call_turns_out_to_have_been_slow() {
    for store in stores(500) {
        tell(&store, [line("cat.jpg", "A", minute(1)).fact()]).await;
        tell(&store, [direct("cat.jpg", "A", minute(1)).fact()]).await;
        let version = async || store.due_days(10).await.unwrap()[0].version;
        let before = version().await;
        let copy = served(direct("cat.jpg", "A", minute(1)), 5_000);
        tell(&store, [Evidence { id: "a copy".to_owned(), ..copy }.fact()]).await;
        assert!(version().await > before);
        assert_eq!(suspects(&seen(&store).await).len(), 1);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_announcement_comes_with_the_removals_that_it_speaks_of() {
    for store in stores(500) {
        let told = [("tmp/1", 1), ("tmp/2", 6), ("tmp/3", 61), ("raw/1", 1), ("tmq", 1)];
        tell(&store, told.map(|(key, at)| direct(key, key, minute(at)).fact())).await;
        let expectation = Expectation {
            id: "cleanup".to_owned(),
            principal: None,
            bucket: BUCKET.to_owned(),
            prefix: "tmp/".to_owned(),
            since: minute(0),
            until: minute(60),
            objects_max: 10,
        };
        let announced = store.announce(expectation.clone(), None, minute(0)).await.unwrap();
        assert_eq!(announced, Announcing::Kept);
        let seen = seen(&store).await;
        assert_eq!(seen.announced.len(), 1);
        assert_eq!(seen.announced[0].expectation, expectation);
        let of_windows: Vec<i64> =
            seen.announced[0].cells.iter().map(|cell| cell.counts.removed).collect();
        assert_eq!(of_windows, [1, 1]);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn silence_counts_from_the_first_event_that_was_ever_seen() {
    for store in stores(500) {
        assert_eq!(seen(&store).await.observed_since, None);
        tell(&store, [direct("cat.jpg", "A", minute(50)).fact()]).await;
        tell(&store, [written("dog.jpg", "W", minute(20)).fact()]).await;
        tell(&store, [direct("cat.jpg", "B", minute(70)).fact()]).await;
        let seen = seen(&store).await;
        assert_eq!(seen.observed_since, Some(minute(20)));
        assert_eq!(seen.watermarks.get(&Source::CloudTrail), None, "nothing was settled yet");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn keys_are_sampled_from_the_beginning_of_a_span() {
    for store in stores(500) {
        let told = (0..9).map(|nth| direct(&format!("k{nth}"), &format!("R{nth}"), minute(nth)));
        tell(&store, told.map(Told::fact)).await;
        let keys = store.sample_keys(BUCKET, (minute(2), minute(7)), 3).await.unwrap();
        assert_eq!(keys, ["k2", "k3", "k4"]);
        store.close().await.unwrap();
    }
}
