//! Bulk calls and the keys that anybody told of: an accepted call is unresolved only once no source
//! can tell more, and late evidence resolves it.

use deltrail_core::domain::{Api, Call, Evidence, Outcome, RemovalRole};

use super::fixtures::stores;
use super::story::{
    BUCKET, Told, batch_line, bulk, child, corrections, direct, milli, minute, notice, second,
    settle_until, tell,
};
use crate::store::Store;

/// The unresolved calls of the bucket, as the gauge shows them.
async fn unresolved(store: &Store) -> Option<u64> {
    store.gauges().await.unwrap().unresolved_bulk_deletes.get(BUCKET).copied()
}

/// The record of a key that was refused.
fn refused(key: &str, request: &str, at: i64) -> Evidence {
    Evidence {
        id: format!("refused {key} {request}"),
        call: None,
        role: RemovalRole::None,
        http_status: Some(403),
        error_code: Some("AccessDenied".into()),
        ..direct(key, request, minute(at))
    }
}

/// What may tell a key of the bulk call `A` of minute 0.
fn tellings() -> Vec<(&'static str, Evidence)> {
    let shared = Evidence { request_id: Some("A".into()), ..child("cat.jpg", "E", minute(7)) };
    vec![
        ("a child with its request id", shared),
        ("a child 10 s after", child("cat.jpg", "E", second(10))),
        ("a child 10 s before", child("cat.jpg", "E", second(-10))),
        ("a notification with its request id", notice("cat.jpg", "A", minute(1))),
        ("a line of one key", batch_line("cat.jpg", "A", minute(0))),
        ("a refused key", refused("cat.jpg", "A", 0)),
        ("a refused key that shares no id", refused("cat.jpg", "E", 0)),
    ]
}

/// What looks like it and tells no key of that call.
fn other_tellings() -> Vec<(&'static str, Evidence)> {
    let elsewhere = Evidence { bucket: "other".into(), ..child("cat.jpg", "E", minute(0)) };
    let keyless = Evidence { key: None, ..child("", "E", minute(0)) };
    let keyless_of_call = Evidence { request_id: Some("A".into()), ..keyless.clone() };
    vec![
        ("a child too late", child("cat.jpg", "E", milli(10_001))),
        ("a child too early", child("cat.jpg", "E", milli(-10_001))),
        ("a child in another bucket", elsewhere),
        ("a child that names no key", keyless),
        ("a child of the call that names no key", keyless_of_call),
        ("a direct delete beside it", direct("cat.jpg", "B", minute(0))),
        ("a notification of another request", notice("cat.jpg", "B", minute(0))),
    ]
}

#[tokio::test]
async fn whoever_tells_a_key_of_a_bulk_call_resolves_it() {
    for (story, telling) in tellings() {
        for store in stores(500) {
            tell(&store, [bulk("A", minute(0)).fact(), telling.clone().fact()]).await;
            settle_until(&store, 10).await;
            assert_eq!(unresolved(&store).await, None, "{story}");
            assert_eq!(corrections(&store, "unresolved").await, 0, "{story}");
        }
    }
}

#[tokio::test]
async fn a_bulk_call_of_which_nobody_told_a_key_is_unresolved_once_it_is_settled() {
    for (story, telling) in other_tellings() {
        for store in stores(500) {
            tell(&store, [bulk("A", minute(0)).fact(), telling.clone().fact()]).await;
            assert_eq!(unresolved(&store).await, None, "{story}: it may still be told");
            settle_until(&store, 10).await;
            assert_eq!(unresolved(&store).await, Some(1), "{story}");
        }
    }
}

#[tokio::test]
async fn late_evidence_of_a_key_resolves_it_and_is_a_correction() {
    for (story, telling) in tellings() {
        for store in stores(500) {
            tell(&store, [bulk("A", minute(0)).fact()]).await;
            settle_until(&store, 10).await;
            assert_eq!(unresolved(&store).await, Some(1));
            tell(&store, [telling.clone().fact()]).await;
            assert_eq!(unresolved(&store).await, None, "{story}");
            assert_eq!(corrections(&store, "unresolved").await, 1, "{story}");
            tell(&store, [telling.clone().fact()]).await;
            settle_until(&store, 11).await;
            assert_eq!(corrections(&store, "unresolved").await, 1, "{story}: told once");
        }
    }
}

#[tokio::test]
async fn late_evidence_of_something_else_resolves_nothing() {
    for (story, telling) in other_tellings() {
        for store in stores(500) {
            tell(&store, [bulk("A", minute(0)).fact()]).await;
            settle_until(&store, 10).await;
            tell(&store, [telling.clone().fact()]).await;
            settle_until(&store, 11).await;
            assert_eq!(unresolved(&store).await, Some(1), "{story}");
            assert_eq!(corrections(&store, "unresolved").await, 0, "{story}");
        }
    }
}

#[tokio::test]
async fn a_call_that_was_refused_as_a_whole_is_never_unresolved() {
    let refusal = |outcome| Evidence {
        id: format!("{outcome:?}"),
        call: Some(Call { api: Api::DeleteObjects, outcome }),
        account: format!("{outcome:?}").into(),
        ..bulk("A", minute(0))
    };
    for outcome in [Outcome::Denied, Outcome::Failed] {
        for store in stores(500) {
            tell(&store, [refusal(outcome).fact()]).await;
            settle_until(&store, 10).await;
            assert_eq!(unresolved(&store).await, None);
        }
        for store in stores(500) {
            tell(&store, [bulk("A", minute(0)).fact()]).await;
            settle_until(&store, 10).await;
            assert_eq!(unresolved(&store).await, Some(1));
            tell(&store, [refusal(outcome).fact()]).await;
            assert_eq!(unresolved(&store).await, None, "a copy that knows better came late");
            assert_eq!(corrections(&store, "request_outcome").await, 1);
        }
    }
}

#[tokio::test]
async fn a_single_delete_is_never_unresolved() {
    for store in stores(500) {
        let keyless = Evidence { key: None, ..direct("", "A", minute(0)) };
        tell(&store, [keyless.fact(), direct("cat.jpg", "B", minute(0)).fact()]).await;
        settle_until(&store, 10).await;
        assert_eq!(unresolved(&store).await, None);
    }
}

#[tokio::test]
async fn a_copy_of_a_settled_call_leaves_it_settled() {
    for store in stores(500) {
        tell(&store, [bulk("A", minute(0)).fact()]).await;
        settle_until(&store, 10).await;
        let copy = Evidence { id: "copy".into(), account: "2".into(), ..bulk("A", minute(0)) };
        tell(&store, [copy.fact()]).await;
        assert_eq!(unresolved(&store).await, Some(1));
        settle_until(&store, 11).await;
        assert_eq!(
            (unresolved(&store).await, corrections(&store, "unresolved").await),
            (Some(1), 0)
        );
    }
}
