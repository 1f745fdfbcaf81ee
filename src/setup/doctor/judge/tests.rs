//! An estate in which all is well, and one thing after the other that is not.

mod delivery;
mod trails;

use std::collections::BTreeMap;
use std::time::Duration;

use super::judge;
use crate::queue::{QueueSettings, Redrive};
use crate::setup::doctor::check::{Check, State};
use crate::setup::doctor::seen::{
    Inside, KeyState, NewestObject, Protection, Seen, SeenBucket, SeenLogBucket, SeenQueue,
    SeenStore, SeenWatched, StoreKind, Versioning,
};
use crate::setup::identity::{Clocks, Identity};
use crate::setup::notification::{Listed, Target};
use crate::setup::policy::statement_to_send;
use crate::setup::refusal::{Asked, Refusal};
use crate::setup::trail::selectors::{Field, Pattern, Selectors};
use crate::setup::trail::{Status, Trail};
use crate::store::ServerDurability;

const NOW: i64 = 1_795_435_200_000;
const ACCOUNT: &str = "111122223333";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:trail-logs";
const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:new-logs";
const TRAIL: &str = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/all";

fn policy(service: &str, source: &str) -> String {
    let statement = statement_to_send(service, source, Some(ACCOUNT), QUEUE);
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

fn denied(action: &'static str, resource: &str) -> Refusal {
    let asked = Asked { action, resource: resource.to_owned() };
    Refusal::Denied { asked, detail: "HTTP 403 AccessDenied".to_owned() }
}

fn equals(name: &str, value: &str) -> Field {
    let wanted = vec![Pattern::Equals(value.to_owned())];
    Field { name: name.to_owned(), wanted, unwanted: Vec::new() }
}

fn unwanted(name: &str, pattern: Pattern) -> Field {
    Field { name: name.to_owned(), wanted: Vec::new(), unwanted: vec![pattern] }
}

/// Writes to objects but those of the log bucket, and everything of management.
fn selectors() -> Selectors {
    let objects = vec![
        equals("eventCategory", "Data"),
        equals("resources.type", "AWS::S3::Object"),
        equals("readOnly", "false"),
        unwanted("resources.ARN", Pattern::StartsWith("arn:aws:s3:::trail-logs/".to_owned())),
    ];
    Selectors::Advanced(vec![objects, vec![equals("eventCategory", "Management")]])
}

fn to(target: Target, arn: &str) -> Listed {
    Listed {
        target,
        arn: arn.to_owned(),
        name: None,
        events: vec!["s3:ObjectCreated:*".to_owned()],
        filters: vec![("suffix".to_owned(), ".json.gz".to_owned())],
    }
}

fn queue() -> SeenQueue {
    let settings = QueueSettings {
        arn: Some(QUEUE.to_owned()),
        policy: Some(policy("s3.amazonaws.com", "arn:aws:s3:::trail-logs")),
        kms_key_id: None,
        retention: Some(Duration::from_hours(14 * 24)),
        visibility_timeout: Some(Duration::from_mins(2)),
        redrive: Some(Redrive {
            dead_letter_queue_arn: Some(format!("{QUEUE}-dead")),
            max_receive_count: Some(10),
        }),
    };
    SeenQueue {
        name: "trail-logs".to_owned(),
        url: "https://sqs.eu-west-1.amazonaws.com/111122223333/trail-logs".to_owned(),
        arn: QUEUE.to_owned(),
        settings: Ok(settings),
        dead_letters: Some(Ok(Some(0))),
    }
}

fn log_bucket() -> SeenLogBucket {
    let newest = NewestObject {
        key: "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/23/a.json.gz".to_owned(),
        age: Some(Duration::from_mins(7)),
        read: Ok(None),
    };
    let inside = Inside {
        region: "eu-west-1".to_owned(),
        notifications: Ok(vec![to(Target::Queue, QUEUE)]),
        subscribers: BTreeMap::new(),
        newest: Ok(Some(newest)),
        key_id: Ok(None),
        key: None,
    };
    SeenLogBucket { name: "trail-logs".to_owned(), prefix: String::new(), inside: Ok(inside) }
}

fn trail() -> Trail {
    Trail {
        arn: TRAIL.to_owned(),
        home_region: "eu-west-1".to_owned(),
        bucket: "trail-logs".to_owned(),
        prefix: String::new(),
        topic_arn: None,
        is_multi_region: true,
        validates: true,
        logs_itself: Some(true),
        status: Ok(Status {
            is_logging: true,
            delivered_millis: Some(NOW - 300_000),
            ..Status::default()
        }),
        selectors: Ok(selectors()),
    }
}

fn watched(name: &str) -> SeenBucket {
    let protection = Protection {
        region: "eu-west-1".to_owned(),
        versioning: Versioning::Enabled,
        noncurrent_days: Ok(Some(90)),
    };
    SeenBucket { name: name.to_owned(), protection: Ok(protection) }
}

fn estate() -> Seen {
    Seen {
        identity: Ok(Identity {
            account: ACCOUNT.to_owned(),
            arn: "arn:aws:sts::111122223333:assumed-role/deltrail/task".to_owned(),
        }),
        clocks: Some(Clocks { aws_millis: NOW, own_millis: NOW + 600 }),
        log_bucket_owner: None,
        queues: vec![queue()],
        log_buckets: vec![log_bucket()],
        watched: SeenWatched {
            buckets: ["images", "trail-logs"].map(watched).into(),
            more: 0,
            unlisted: None,
        },
        trails: vec![trail()],
        trails_untold: Vec::new(),
        store: SeenStore {
            place: "sqlite:///var/lib/deltrail/deltrail.db".to_owned(),
            kind: StoreKind::File {
                folder: "/var/lib/deltrail".to_owned(),
                durable: Ok(()),
                file_system: Some(0xef53),
                readable: Some(Ok(())),
            },
        },
    }
}

fn settings(seen: &mut Seen) -> &mut QueueSettings {
    seen.queues[0].settings.as_mut().unwrap()
}

fn inside(seen: &mut Seen) -> &mut Inside {
    seen.log_buckets[0].inside.as_mut().unwrap()
}

/// What is not as it should be, when one thing is spoiled.
fn spoiled(spoil: impl FnOnce(&mut Seen)) -> Vec<Check> {
    let mut seen = estate();
    spoil(&mut seen);
    judge(&seen, NOW).into_iter().filter(|check| check.verdict.state != State::Ok).collect()
}

/// The only check that is not well: its name, its state, and what is said.
fn one(spoil: impl FnOnce(&mut Seen)) -> (&'static str, State, String) {
    let spoiled = spoiled(spoil);
    let [check] = &spoiled[..] else { panic!("{spoiled:#?}") };
    let remedy = check.verdict.remedy.as_deref().expect("a way out");
    (check.name, check.verdict.state, format!("{}: {}", check.verdict.seen, remedy))
}

#[test]
fn a_sound_estate_has_nothing_to_complain_of() {
    assert_eq!(spoiled(|_| {}), []);
    let checks = judge(&estate(), NOW);
    let lines: Vec<String> = checks
        .iter()
        .map(|check| format!("{} | {} | {}", check.name, check.subject, check.verdict.seen))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn without_credentials_or_with_a_wrong_clock_nothing_works() {
    let refusal = Refusal::Credentials {
        asked: Asked { action: "sts:GetCallerIdentity", resource: "the caller".to_owned() },
        detail: "expired".to_owned(),
    };
    let told = spoiled(|seen| seen.identity = Err(refusal));
    assert_eq!((told[0].name, told[0].verdict.state), ("credentials", State::Fail));
    let remedy = told[0].verdict.remedy.as_deref().unwrap();
    assert!(remedy.contains("AWS_PROFILE"), "{remedy}");
    let others: Vec<_> = told[1..].iter().map(|it| (it.name, it.verdict.state)).collect();
    assert_eq!(others, [("queue_policy", State::Unknown)], "whose bucket it is, is not known");

    let clock = |skew| {
        let skewed = Clocks { aws_millis: NOW, own_millis: NOW + 500 + skew };
        one(|seen| seen.clocks = Some(skewed))
    };
    for (skew, state, words) in [
        (5_100, State::Warn, "5.1 s ahead of AWS"),
        (-7_000, State::Warn, "7.0 s behind AWS"),
        (901_000, State::Fail, "901.0 s ahead of AWS"),
    ] {
        let (name, told, said) = clock(skew);
        assert_eq!((name, told), ("clock", state));
        assert!(said.starts_with(words), "{said}");
    }
    let well = Clocks { aws_millis: NOW, own_millis: NOW + 5_000 };
    assert_eq!(spoiled(|seen| seen.clocks = Some(well)), []);
}

#[test]
fn what_is_deleted_for_good_is_said_before_it_is() {
    let protection = |seen: &mut Seen| seen.watched.buckets[0].protection.clone().unwrap();
    let with = |change: fn(&mut Protection)| {
        let (name, state, _) = one(|seen| {
            let mut changed = protection(seen);
            change(&mut changed);
            seen.watched.buckets[0].protection = Ok(changed);
        });
        assert_eq!(name, "recoverability");
        state
    };
    assert_eq!(with(|it| it.versioning = Versioning::Never), State::Warn);
    assert_eq!(with(|it| it.versioning = Versioning::Suspended), State::Warn);
    assert_eq!(with(|it| it.noncurrent_days = Ok(Some(1))), State::Warn);
    let unknown: fn(&mut Protection) = |it| {
        it.noncurrent_days = Err(denied("s3:GetLifecycleConfiguration", "bucket images"));
    };
    assert_eq!(with(unknown), State::Unknown);
    assert_eq!(one(|seen| seen.watched.more = 7).1, State::Unknown);
}

#[test]
fn a_store_that_would_lose_commits_is_found() {
    let on = |file_system| {
        let kind = StoreKind::File {
            folder: "/data".to_owned(),
            durable: Ok(()),
            file_system: Some(file_system),
            readable: None,
        };
        let (name, state, said) = one(|seen| seen.store.kind = kind);
        assert_eq!(name, "store_durability");
        (state, said.split(':').next().unwrap().to_owned())
    };
    assert_eq!(on(0x6969), (State::Fail, "nfs".to_owned()));
    assert_eq!(on(0xff53_4d42), (State::Fail, "cifs".to_owned()));
    assert_eq!(on(0x6573_5546), (State::Fail, "fuse".to_owned()));
    assert_eq!(on(0x0102_1994), (State::Warn, "tmpfs".to_owned()));
    assert_eq!(on(0x794c_7630), (State::Warn, "overlay".to_owned()));
    let full = StoreKind::File {
        folder: "/data".to_owned(),
        durable: Err("No space left on device".to_owned()),
        file_system: Some(0xef53),
        readable: None,
    };
    assert_eq!(one(|seen| seen.store.kind = full).1, State::Fail);
    assert_eq!(one(|seen| seen.store.kind = StoreKind::Memory).1, State::Warn);

    let server = ServerDurability {
        version: "15.14".to_owned(),
        fsync: true,
        full_page_writes: true,
        synchronous_commit: "off".to_owned(),
        is_standby: false,
    };
    let of = |server: ServerDurability| {
        spoiled(|seen| seen.store.kind = StoreKind::Postgres(Ok(server)))
            .iter()
            .map(|check| (check.name, check.verdict.state))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(server.clone()), []);
    let relaxed = ServerDurability { fsync: false, ..server.clone() };
    assert_eq!(of(relaxed), [("store_durability", State::Fail)]);
    let torn = ServerDurability { full_page_writes: false, ..server.clone() };
    assert_eq!(of(torn), [("store_durability", State::Warn)]);
    let standby = ServerDurability { is_standby: true, ..server };
    assert_eq!(of(standby), [("store", State::Fail)]);
}
