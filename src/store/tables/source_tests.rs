//! Up to when sources are believed to be complete, and which of them a fact waits for: a dead pipe
//! never looks complete.

use std::collections::BTreeSet;

use deltrail_core::domain::{Evidence, Fact, Source, Timestamp};

use super::fixtures::stores;
use super::story::{
    ACCOUNT_AND_REGION, LATENESS_MINUTES, Told, ask, direct, facts, hear, intent, life, line,
    milli, minute, notice, said, settle, settle_until, tell,
};
use crate::store::{Batch, Holds, ProofOfLife, Settle, SourceKey, Store};

const DAY: i64 = 24 * 60;

async fn watermark(store: &Store, source: Source) -> Option<Timestamp> {
    store.gauges().await.unwrap().watermarks.get(&source).copied()
}

/// How many removals of a key are settled.
async fn settled(store: &Store, key: &str) -> usize {
    said(store, key).await.into_iter().flatten().count()
}

fn key_of(source: Source) -> SourceKey {
    let (account, region) = ACCOUNT_AND_REGION;
    SourceKey { source, account: account.into(), region: region.into() }
}

fn holding_keys<const N: usize>(one_of: [SourceKey; N]) -> Settle {
    Settle { holds: Holds::These(BTreeSet::from([one_of.into()])), ..ask() }
}

fn holding(source: Source) -> Settle {
    holding_keys([key_of(source)])
}

#[tokio::test]
async fn a_watermark_is_the_newest_event_less_the_lateness_of_its_source() {
    for store in stores(500) {
        for (source, _) in LATENESS_MINUTES {
            hear(&store, source, minute(1_000)).await;
            hear(&store, source, minute(900)).await;
        }
        assert_eq!(watermark(&store, Source::CloudTrail).await, None, "it moves when asked to");
        settle(&store, &ask()).await;
        for (source, lateness) in LATENESS_MINUTES {
            assert_eq!(
                watermark(&store, source).await,
                Some(minute(1_000 - lateness)),
                "{source:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_declared_delete_moves_no_watermark() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], minute(5)).fact()]).await;
        settle(&store, &ask()).await;
        assert_eq!(store.gauges().await.unwrap().watermarks.len(), 0);
    }
}

#[tokio::test]
async fn held_watermarks_stay_and_no_others() {
    for store in stores(500) {
        for source in [Source::CloudTrail, Source::S3Notification] {
            hear(&store, source, minute(100)).await;
        }
        settle(&store, &Settle { holds: Holds::All, ..ask() }).await;
        assert_eq!(store.gauges().await.unwrap().watermarks.len(), 0);

        settle(&store, &holding(Source::CloudTrail)).await;
        assert_eq!(watermark(&store, Source::CloudTrail).await, None);
        assert_eq!(watermark(&store, Source::S3Notification).await, Some(minute(98)));

        hear(&store, Source::S3Notification, minute(200)).await;
        settle(&store, &Settle { holds: Holds::All, ..ask() }).await;
        assert_eq!(watermark(&store, Source::S3Notification).await, Some(minute(98)));
        settle(&store, &ask()).await;
        assert_eq!(watermark(&store, Source::CloudTrail).await, Some(minute(80)));
    }
}

#[tokio::test]
async fn what_waits_of_a_source_that_never_told_anything_holds_all_sources() {
    for store in stores(500) {
        hear(&store, Source::CloudTrail, minute(100)).await;
        settle(&store, &holding(Source::S3Notification)).await;
        assert_eq!(watermark(&store, Source::CloudTrail).await, None, "it may tell of anything");
        let either = [key_of(Source::S3Notification), key_of(Source::CloudTrail)];
        settle(&store, &holding_keys(either.clone())).await;
        assert_eq!(
            watermark(&store, Source::CloudTrail).await,
            None,
            "it is the known one of them"
        );
        hear(&store, Source::AccessLog, minute(300)).await;
        settle(&store, &holding_keys(either)).await;
        assert_eq!(watermark(&store, Source::AccessLog).await, Some(minute(120)));
    }
}

#[tokio::test]
async fn a_bucket_waits_for_held_sources_of_its_region_that_never_told_of_it() {
    for store in stores(500) {
        let elsewhere = Evidence { bucket: "other".into(), ..direct("owl.jpg", "O", minute(0)) };
        let abroad = Evidence { region: "us-east-1".into(), ..elsewhere.clone() };
        tell(&store, [elsewhere.fact()]).await;
        tell(&store, [Evidence { id: "abroad".into(), ..abroad }.fact()]).await;
        tell(&store, [notice("cat.jpg", "A", minute(0)).fact()]).await;
        hear(&store, Source::S3Notification, minute(100)).await;
        settle(&store, &holding(Source::CloudTrail)).await;
        assert_eq!(settled(&store, "cat.jpg").await, 0, "the record of its request may wait there");
        let abroad = SourceKey { region: "us-east-1".into(), ..key_of(Source::CloudTrail) };
        settle(&store, &holding_keys([abroad])).await;
        assert_eq!(settled(&store, "cat.jpg").await, 1, "there is no record of it elsewhere");
    }
}

#[tokio::test]
async fn a_digest_proves_life_over_silence_and_a_dead_source_never_looks_complete() {
    for store in stores(500) {
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        tell(&store, [notice("cat.jpg", "A", minute(0)).fact()]).await;
        hear(&store, Source::S3Notification, minute(DAY)).await;
        settle(&store, &ask()).await;
        assert_eq!(settled(&store, "cat.jpg").await, 0, "CloudTrail has told nothing since");

        let digest = ProofOfLife {
            newest_event_at: None,
            proof_of_life_at: Some(minute(60)),
            ..life(Source::CloudTrail, minute(0))
        };
        store.commit(Batch { life: vec![digest], ..Batch::default() }).await.unwrap();
        settle(&store, &ask()).await;
        assert_eq!(watermark(&store, Source::CloudTrail).await, Some(minute(40)));
        assert_eq!(settled(&store, "cat.jpg").await, 1);
    }
}

#[tokio::test]
async fn a_source_that_was_silent_about_a_bucket_for_a_day_is_not_waited_for() {
    for store in stores(500) {
        tell(&store, [line("cat.jpg", "L", minute(0)).fact()]).await;
        tell(&store, [direct("cat.jpg", "A", minute(DAY)).fact()]).await;
        hear(&store, Source::CloudTrail, minute(3 * DAY)).await;
        settle(&store, &ask()).await;
        assert_eq!(settled(&store, "cat.jpg").await, 0, "the log may be late");

        let later = Timestamp::from_millis(minute(DAY).as_millis() + 1);
        tell(&store, [direct("dog.jpg", "B", later).fact()]).await;
        settle(&store, &ask()).await;
        assert_eq!(settled(&store, "cat.jpg").await, 2, "the log was switched off a day ago");
    }
}

#[tokio::test]
async fn a_source_whose_queue_has_a_backlog_is_waited_for_however_far_behind_it_is() {
    for store in stores(500) {
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        tell(&store, [notice("cat.jpg", "A", minute(0)).fact()]).await;
        tell(&store, [notice("cat.jpg", "B", minute(2 * DAY)).fact()]).await;
        hear(&store, Source::S3Notification, minute(3 * DAY)).await;
        settle(&store, &holding(Source::CloudTrail)).await;
        assert_eq!(settled(&store, "cat.jpg").await, 0, "two days of CloudTrail wait to be read");
        settle(&store, &ask()).await;
        assert_eq!(settled(&store, "cat.jpg").await, 2);
    }
}

#[tokio::test]
async fn the_sources_of_other_accounts_and_regions_hold_only_the_buckets_they_told_of() {
    let elsewhere = |key: &str, bucket: &str| Evidence {
        account: "444455556666".into(),
        region: "us-east-1".into(),
        bucket: bucket.into(),
        ..direct(key, key, minute(0))
    };
    for store in stores(500) {
        tell(&store, [elsewhere("owl.jpg", "theirs").fact()]).await;
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        hear(&store, Source::CloudTrail, minute(50)).await;
        settle(&store, &ask()).await;
        assert_eq!(settled(&store, "cat.jpg").await, 1, "the other one never told of this bucket");
    }
    for store in stores(500) {
        tell(&store, [elsewhere("owl.jpg", super::story::BUCKET).fact()]).await;
        tell(&store, [direct("cat.jpg", "A", minute(0)).fact()]).await;
        hear(&store, Source::CloudTrail, minute(50)).await;
        settle(&store, &ask()).await;
        assert_eq!(settled(&store, "cat.jpg").await, 0, "a copy may come from there");
    }
}

#[tokio::test]
async fn the_log_that_a_fact_was_read_from_says_whose_source_it_is() {
    for store in stores(500) {
        let told = facts([direct("cat.jpg", "A", minute(0)).fact()]);
        let log_of = Some(("777788889999".to_owned(), "eu-north-1".to_owned()));
        store.commit(Batch { log_of, ..told }).await.unwrap();
        let sources = store.sources().await.unwrap();
        assert_eq!(sources.len(), 1);
        assert_eq!((&*sources[0].account, &*sources[0].region), ("777788889999", "eu-north-1"));
    }
}

#[tokio::test]
async fn a_time_more_than_a_day_ahead_is_not_believed_and_spoils_nothing_beside_it() {
    for store in stores(500) {
        // The store asks the machine what time it is.
        let year = 365 * DAY * 60_000;
        let now = jiff::Timestamp::now().as_millisecond();
        let wrong = Timestamp::from_millis(now + year);
        tell(
            &store,
            [direct("cat.jpg", "A", wrong).fact(), direct("cat.jpg", "B", minute(10)).fact()],
        )
        .await;
        hear(&store, Source::CloudTrail, wrong).await;
        settle(&store, &ask()).await;
        assert_eq!(watermark(&store, Source::CloudTrail).await, Some(milli(-10 * 60_000)));
        assert_eq!(settled(&store, "cat.jpg").await, 0);
        settle_until(&store, 10).await;
        assert_eq!(settled(&store, "cat.jpg").await, 1, "the other one waits for its time to come");
    }
}

/// Intents of a bucket that no source ever told of.
async fn unfulfilled(store: &Store) -> u64 {
    store.gauges().await.unwrap().unfulfilled_intents.values().sum()
}

#[tokio::test]
async fn a_fact_in_a_bucket_that_no_source_tells_of_waits_for_all_sources() {
    for store in stores(500) {
        let declared: Fact = intent("i", &["cat.jpg"], minute(0)).fact();
        tell(&store, [declared]).await;
        settle(&store, &ask()).await;
        assert_eq!(unfulfilled(&store).await, 0, "no source was ever heard of");

        hear(&store, Source::S3Notification, minute(0)).await;
        hear(&store, Source::CloudTrail, minute(60)).await;
        settle(&store, &ask()).await;
        assert_eq!(unfulfilled(&store).await, 0, "the notifications are not complete");
        hear(&store, Source::S3Notification, minute(32)).await;
        settle(&store, &ask()).await;
        assert_eq!(unfulfilled(&store).await, 1);
    }
}

#[tokio::test]
async fn a_source_that_was_held_from_its_beginning_is_waited_for_too() {
    for store in stores(500) {
        tell(&store, [intent("i", &["cat.jpg"], minute(0)).fact()]).await;
        hear(&store, Source::S3Notification, minute(60)).await;
        hear(&store, Source::CloudTrail, minute(60)).await;
        settle(&store, &holding(Source::S3Notification)).await;
        assert_eq!(unfulfilled(&store).await, 0);
        assert_eq!(store.gauges().await.unwrap().settled_window, None);
        settle(&store, &ask()).await;
        assert_eq!(unfulfilled(&store).await, 1);
    }
}

#[tokio::test]
async fn the_settled_window_is_the_newest_whole_five_minutes_that_are_complete() {
    for store in stores(500) {
        for (nth, at) in [-1, 0, 299_999, 300_000].into_iter().enumerate() {
            tell(&store, [direct("cat.jpg", &format!("R{nth}"), milli(at)).fact()]).await;
        }
        hear(&store, Source::CloudTrail, minute(20 + 9)).await;
        settle(&store, &ask()).await;
        let gauges = store.gauges().await.unwrap();
        let (end, removals) = gauges.settled_window.unwrap();
        assert_eq!(end, minute(5));
        assert_eq!(
            removals.into_iter().collect::<Vec<_>>(),
            [(super::story::BUCKET.to_owned(), 2)]
        );
    }
}

#[tokio::test]
async fn the_last_delivery_of_a_source_is_the_last_of_all_its_accounts() {
    for store in stores(500) {
        let delivered = |account: &str, at| ProofOfLife {
            account: account.into(),
            newest_event_at: None,
            last_delivery_at: Some(minute(at)),
            ..life(Source::CloudTrail, minute(0))
        };
        let life = vec![delivered("1", 7), delivered("2", 9), delivered("3", 8)];
        store.commit(Batch { life, ..Batch::default() }).await.unwrap();
        let last = store.gauges().await.unwrap().last_deliveries;
        assert_eq!(last.into_iter().collect::<Vec<_>>(), [(Source::CloudTrail, minute(9))]);
    }
}
