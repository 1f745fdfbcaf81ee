//! A day of one bucket, as its sources told it, for the tests of answers.

use std::sync::Arc;

use deltrail_core::domain::{
    Actor, Api, Call, Cause, Creation, Evidence, Fact, Intent, Mark, Outcome, ProtectionChange,
    RemovalRole, Source, Target, Timestamp,
};
use tempfile::TempDir;

use crate::store::{
    Batch, Holds, Location, Looking, Options, ProofOfLife, Reader, Settle, Store, StoredFact,
};

const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/image-service/i-0abc";
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";
const STALE_WINDOW_MILLIS: i64 = 15 * 60 * 1_000;

/// A time of the day.
pub(crate) fn at(clock: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-23T{clock}Z")).unwrap()
}

/// A store of facts, settled, opened to be looked at. The folder goes with the guard.
pub(crate) async fn store_of(facts: Vec<Fact>) -> (TempDir, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("deltrail.db"));
    let store = Store::open(Options {
        location: location.clone(),
        writer: "here".into(),
        labelled_buckets_max: 10,
        creations_max: 1_000,
        is_important: Arc::new(|_| false),
    })
    .unwrap();
    tell(&store, facts).await;
    store.close().await.unwrap();
    let looking = Looking { stale_window_millis: STALE_WINDOW_MILLIS };
    let reader = Reader::open(&location, looking).unwrap();
    (folder, reader)
}

/// Tells a store of facts, and settles what can be settled.
pub(crate) async fn tell(store: &Store, facts: Vec<Fact>) {
    let delivered = |source| ProofOfLife {
        source,
        account: ACCOUNT.into(),
        region: REGION.into(),
        newest_event_at: None,
        last_delivery_at: Some(at("12:31:00")),
        proof_of_life_at: None,
    };
    let facts = facts.into_iter().map(|fact| StoredFact { fact, record_index: None });
    let life = vec![delivered(Source::CloudTrail), delivered(Source::S3Notification)];
    store.commit(Batch { facts: facts.collect(), life, ..Batch::default() }).await.unwrap();
    let settle = Settle {
        now: at("12:31:00"),
        holds: Holds::None,
        stale_window_millis: STALE_WINDOW_MILLIS,
        settles_backfill: false,
    };
    store.settle(settle).await.unwrap();
}

/// The day: a delete that S3 confirmed and an application declared, a bulk call, a lifecycle rule,
/// a marker and its removal, a duplicate, a stale delete, a refusal, and a delete of which too
/// little is known yet.
pub(crate) fn day() -> Vec<Fact> {
    let mut facts = vec![
        trail("cat.jpg", "SINGLE", "08:00:00.042", Target::Current),
        removed("cat.jpg", "SINGLE", "08:00:00.120", "ObjectRemoved:Delete"),
        declared("job-17", "cat.jpg", "07:59:00.000"),
        call("BULK", "08:10:00"),
        removed("old.log", "LIFECYCLE", "08:20:00.000", "LifecycleExpiration:Delete"),
        removed("doc.txt", "HIDE", "08:30:00.500", "ObjectRemoved:DeleteMarkerCreated"),
        trail("doc.txt", "SHOW", "08:31:00.010", Target::Version("marker-1".into())),
        trail("avatar.png", "FIRST", "08:40:00.000", Target::Current),
        trail("avatar.png", "AGAIN", "08:40:00.700", Target::Current),
        created("banner.webp", "UP1", "08:45:00.000"),
        created("banner.webp", "UP2", "08:50:00.000"),
        trail("banner.webp", "STALE", "08:55:00.300", Target::Current),
        refused("master.raw", "NO", "09:00:00"),
        declared("job-18", "master.raw", "08:59:30.000"),
        protection("PutBucketLifecycle", "08:19:00"),
        call("KEYLESS", "09:30:00"),
        logged("odd\u{1b}[2J, \"key\".tmp", "LATE", "12:30:00"),
        // The sources have told of later times than the others: those can be settled.
        removed("end.tmp", "END", "12:30:00.000", "ObjectRemoved:Delete"),
        trail("end.tmp", "END", "12:30:00.000", Target::Current),
    ];
    for key in ["a.jpg", "b.jpg"] {
        facts.push(child(key, "08:10:01"));
        facts.push(removed(key, "BULK", "08:10:01.300", "ObjectRemoved:Delete"));
    }
    facts
}

/// A direct record of a delete at eight o'clock.
pub(crate) fn evidence_of(key: &str, request: &str) -> Evidence {
    evidence(Source::CloudTrail, key, request, "08:00:00")
}

fn evidence(source: Source, key: &str, request: &str, clock: &str) -> Evidence {
    Evidence {
        id: format!("{source:?} {key} {request}"),
        source,
        call: None,
        role: RemovalRole::Claim,
        bucket: "photos".into(),
        key: Some(key.into()),
        target: Target::Current,
        mark: Mark::Object,
        cause: Cause::Api,
        request_id: Some(request.into()),
        event_id: None,
        shared_event_id: None,
        amends_event_id: None,
        account: ACCOUNT.into(),
        region: REGION.into(),
        at: at(clock),
        started_at: None,
        ended_at: None,
        total_millis: None,
        sequencer: None,
        http_status: None,
        error_code: None,
        marker_version_id: None,
        actor: service().into(),
    }
}

fn service() -> Actor {
    Actor {
        arn: Some(ROLE.into()),
        identity_type: Some("AssumedRole".into()),
        principal_id: Some("AROAEXAMPLE:i-0abc".into()),
        account_id: Some(ACCOUNT.into()),
        access_key_id: Some("ASIAEXAMPLE".into()),
        session_issuer_arn: Some("arn:aws:iam::111122223333:role/image-service".into()),
        source_ip: Some("10.0.0.7".into()),
        user_agent: Some("aws-sdk-java/2.20".into()),
        ..Actor::default()
    }
}

fn fact(evidence: Evidence) -> Fact {
    Fact::Deletion(Box::new(evidence))
}

/// A direct record of a delete that took 42 ms until then.
fn trail(key: &str, request: &str, clock: &str, target: Target) -> Fact {
    let ended_at = at(clock);
    let mark = if matches!(target, Target::Version(_)) { Mark::Version } else { Mark::Object };
    fact(Evidence {
        call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }),
        at: Timestamp::from_millis(ended_at.as_millis() / 1_000 * 1_000),
        started_at: Some(Timestamp::from_millis(ended_at.as_millis() - 42)),
        ended_at: Some(ended_at),
        http_status: Some(204),
        target,
        mark,
        ..evidence(Source::CloudTrail, key, request, clock)
    })
}

/// A notification of S3.
fn removed(key: &str, request: &str, clock: &str, event: &str) -> Fact {
    let is_marker = event.ends_with("DeleteMarkerCreated");
    let by_rule = event.starts_with("Lifecycle");
    fact(Evidence {
        mark: if is_marker { Mark::Marker } else { Mark::Object },
        cause: if by_rule { Cause::Lifecycle } else { Cause::Api },
        marker_version_id: is_marker.then(|| "marker-1".into()),
        actor: Actor::default().into(),
        ..evidence(Source::S3Notification, key, request, clock)
    })
}

/// The record of a bulk call, which names no key.
fn call(request: &str, clock: &str) -> Fact {
    fact(Evidence {
        call: Some(Call { api: Api::DeleteObjects, outcome: Outcome::Ok }),
        role: RemovalRole::None,
        key: None,
        mark: Mark::Unknown,
        started_at: Some(at(clock)),
        ended_at: Some(Timestamp::from_millis(at(clock).as_millis() + 250)),
        ..evidence(Source::CloudTrail, "", request, clock)
    })
}

/// `CloudTrail`'s record of one key of a bulk call, under a request id of its own.
fn child(key: &str, clock: &str) -> Fact {
    fact(Evidence {
        role: RemovalRole::Child,
        target: Target::Unknown,
        mark: Mark::Unknown,
        shared_event_id: Some(format!("shared {key}")),
        ..evidence(Source::CloudTrail, key, &format!("own {key}"), clock)
    })
}

/// A line of an access log, which does not say what was removed.
fn logged(key: &str, request: &str, clock: &str) -> Fact {
    let actor = Actor { user_agent: Some("tool\u{9b}31m".into()), ..service() };
    let mark = Mark::Unknown;
    fact(Evidence { actor: actor.into(), mark, ..evidence(Source::AccessLog, key, request, clock) })
}

fn refused(key: &str, request: &str, clock: &str) -> Fact {
    fact(Evidence {
        call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Denied }),
        role: RemovalRole::None,
        error_code: Some("AccessDenied".into()),
        http_status: Some(403),
        ..evidence(Source::CloudTrail, key, request, clock)
    })
}

fn created(key: &str, request: &str, clock: &str) -> Fact {
    Fact::Creation(Box::new(Creation {
        id: format!("created {request}"),
        source: Source::S3Notification,
        bucket: "photos".into(),
        key: key.into(),
        version_id: None,
        request_id: Some(request.into()),
        sequencer: None,
        account: ACCOUNT.into(),
        region: REGION.into(),
        at: at(clock),
        actor: Actor::default().into(),
    }))
}

fn declared(id: &str, key: &str, clock: &str) -> Fact {
    Fact::Intent(Box::new(Intent {
        id: id.into(),
        bucket: "photos".into(),
        keys: vec![key.into()],
        requested_at: at(clock),
        by: Some("image-service".into()),
        reference: Some("TICKET-1".into()),
    }))
}

fn protection(event_name: &str, clock: &str) -> Fact {
    Fact::Protection(Box::new(ProtectionChange {
        id: format!("{event_name} {clock}"),
        service: "s3".into(),
        event_name: event_name.into(),
        bucket: Some("photos".into()),
        resource: None,
        detail: Some("Days=1".into()),
        outcome: Outcome::Ok,
        error_code: None,
        request_id: Some("RULE".into()),
        event_id: None,
        shared_event_id: None,
        account: ACCOUNT.into(),
        region: REGION.into(),
        at: at(clock),
        actor: service().into(),
    }))
}
