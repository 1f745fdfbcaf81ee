//! Findings that are told to a receiver on loopback: once, again after a failure, and to nobody
//! twice by two replicas.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use axum::Router;
use axum::http::StatusCode;
use deltrail_core::detect::Settings as DetectorSettings;
use deltrail_core::domain::{
    Actor, Api, Call, Cause, Day, Detector, Evidence, Fact, Finding, Mark, Mode, Outcome, Reason,
    RemovalRole, Severity, Source, Tally, Target, Timestamp,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::super::{Detection, Options};
use super::mirror::Mirror;
use super::{Failing, tell_what_is_due};
use crate::notify::{HttpUrl, Notifiers, Settings};
use crate::store::{Batch, Found, Holds, Location, Options as StoreOptions, Store, StoredFact};

const MINUTE: i64 = 60_000;
/// Some day at noon, in milliseconds.
const NOON: i64 = 1_800_000_000_000 / 86_400_000 * 86_400_000 + 12 * 60 * MINUTE;

/// A store, a clock that the test moves, and a receiver that fails as often as it is told.
struct Scene {
    store: Store,
    options: Options,
    notifiers: Notifiers,
    now: Arc<AtomicI64>,
    posted: Arc<Mutex<Vec<Value>>>,
    failures: Arc<AtomicI64>,
    failing: Failing,
}

impl Scene {
    async fn build() -> Self {
        let now = Arc::new(AtomicI64::new(NOON));
        let (posted, failures) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::new(AtomicI64::new(0)));
        let (kept, left) = (Arc::clone(&posted), Arc::clone(&failures));
        let take = async move |body: String| {
            kept.lock().unwrap().push(serde_json::from_str(&body).unwrap());
            match left.fetch_sub(1, Ordering::SeqCst) {
                1.. => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::NO_CONTENT,
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = HttpUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let router = Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let settings = Settings {
            webhook: Some(url.clone()),
            webhook_secret: None,
            slack: None,
            sns_topic: None,
            alertmanagers: vec![url],
            external_url: None,
            least_severity: Severity::Warning,
        };
        let store = Store::open(StoreOptions {
            location: Location::Memory,
            writer: "here".to_owned(),
            labelled_buckets_max: 500,
            creations_max: 1_000,
            is_important: Arc::new(|_| false),
        });
        let (store, notifiers) =
            (store.unwrap(), Notifiers::new(settings, &SdkConfig::builder().build()).unwrap());
        let options = options(&now);
        let failing = Failing::default();
        Self { store, options, notifiers, now, posted, failures, failing }
    }

    /// Somebody finds so much in a bucket now.
    async fn find(&self, bucket: &str, removed: u64) {
        let fact = Fact::Deletion(Box::new(delete(bucket, removed)));
        let facts = vec![StoredFact { fact, record_index: None }];
        self.store.commit(Batch { facts, ..Batch::default() }).await.unwrap();
        let due = self.store.due_days(10).await.unwrap();
        let findings = vec![(finding(bucket, removed), Mode::Live)];
        let found = Found {
            bucket: bucket.to_owned(),
            days: BTreeMap::from([(due[0].day, findings)]),
            due,
            withdrawn_because: BTreeMap::new(),
            notifiers: vec!["webhook".to_owned()],
            told_from: Severity::Warning,
            now: (self.options.clock)(),
        };
        assert_eq!(self.store.write_findings(found).await.unwrap().changed.len(), 1);
    }

    fn pass_minutes(&self, minutes: i64) {
        self.now.fetch_add(minutes * MINUTE, Ordering::SeqCst);
    }

    /// What is posted when everything that is due is told.
    async fn told(&mut self) -> Vec<Value> {
        self.posted.lock().unwrap().clear();
        let (closing, failing) = (CancellationToken::new(), &mut self.failing);
        let (options, store) = (&self.options, &self.store);
        tell_what_is_due(&self.notifiers, options, store, failing, &closing).await.unwrap();
        self.posted.lock().unwrap().clone()
    }

    /// What Alertmanager is told.
    async fn mirrored(&self, mirror: &mut Mirror) -> Vec<Value> {
        self.posted.lock().unwrap().clear();
        let alertmanager = self.notifiers.alertmanager().unwrap();
        mirror.tell(alertmanager, &self.options, &self.store).await.unwrap();
        self.posted.lock().unwrap().clone()
    }
}

fn options(now: &Arc<AtomicI64>) -> Options {
    let now = Arc::clone(now);
    Options {
        retention: std::time::Duration::from_hours(24),
        stale_window: std::time::Duration::from_mins(15),
        detection: Detection {
            settings: DetectorSettings::default(),
            is_important: Box::new(|_| false),
            notifiers: vec!["webhook".to_owned()],
            told_from: Severity::Warning,
        },
        holds: Box::new(|| Holds::None),
        clock: Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst))),
    }
}

fn delete(bucket: &str, nth: u64) -> Evidence {
    let at = Timestamp::from_millis(NOON);
    Evidence {
        id: format!("{bucket} {nth}"),
        source: Source::CloudTrail,
        call: Some(Call { api: Api::DeleteObject, outcome: Outcome::Ok }),
        role: RemovalRole::Claim,
        bucket: bucket.into(),
        key: Some(format!("key {nth}")),
        target: Target::Current,
        mark: Mark::Object,
        cause: Cause::Api,
        request_id: Some(format!("request {bucket} {nth}").into()),
        event_id: Some(format!("event {bucket} {nth}")),
        shared_event_id: None,
        amends_event_id: None,
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        at,
        started_at: Some(at),
        ended_at: Some(at),
        total_millis: None,
        sequencer: None,
        http_status: Some(204),
        error_code: None,
        marker_version_id: None,
        actor: Actor { arn: Some("arn:dev".to_owned()), ..Actor::default() }.into(),
    }
}

fn finding(bucket: &str, removed: u64) -> Finding {
    let at = Timestamp::from_millis(NOON);
    Finding {
        detector: Detector::MassDelete,
        bucket: bucket.to_owned(),
        subject: String::new(),
        day: Day::of(at),
        severity: Severity::Warning,
        who: Vec::new(),
        principals: 0,
        tally: Tally { objects: removed, ..Tally::default() },
        reason: Reason {
            observed: removed,
            threshold: 50,
            baseline: 3,
            sentence: "more than ever".to_owned(),
        },
        first_at: at,
        last_at: at,
        origins: Vec::new(),
        agents: Vec::new(),
        related: Vec::new(),
        notes: Vec::new(),
        prefixes: Vec::new(),
        sample_keys: Vec::new(),
    }
}

#[tokio::test]
async fn a_finding_is_told_when_it_opens_changes_and_ends_each_time_once() {
    let mut scene = Scene::build().await;
    scene.find("images", 60).await;
    let opened = scene.told().await;
    assert_eq!(opened.len(), 1);
    assert_eq!(
        (&opened[0]["change"], &opened[0]["finding"]["removed"]),
        (&"opened".into(), &60.into())
    );
    assert!(opened[0]["text"].as_str().unwrap().contains("more than ever"), "{opened:?}");
    assert_eq!(scene.told().await, Vec::<Value>::new(), "they know");

    scene.pass_minutes(10);
    scene.find("images", 6_000).await;
    scene.pass_minutes(10);
    let updated = scene.told().await;
    assert_eq!(updated.len(), 1);
    assert_eq!(
        (&updated[0]["change"], &updated[0]["finding"]["removed"]),
        (&"updated".into(), &6_000.into())
    );
    assert_eq!(updated[0]["thread"], opened[0]["thread"]);

    scene.pass_minutes(60);
    let now = (scene.options.clock)();
    assert_eq!(scene.store.resolve_findings(now, BTreeSet::new()).await.unwrap().len(), 1);
    let ended = scene.told().await;
    assert_eq!((ended.len(), &ended[0]["change"]), (1, &"resolved".into()));
    assert_eq!(ended[0]["at"], now.to_string());
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later_and_the_log_says_it_once() {
    let mut scene = Scene::build().await;
    scene.failures.store(2, Ordering::SeqCst);
    scene.find("images", 60).await;
    assert_eq!(scene.told().await.len(), 1, "refused");
    assert!(scene.failing.0.contains("webhook"));
    assert_eq!(scene.told().await.len(), 0, "not yet");
    scene.pass_minutes(1);
    assert_eq!(scene.told().await.len(), 1, "refused again");
    scene.pass_minutes(1);
    let told = scene.told().await;
    assert_eq!((told.len(), &told[0]["change"]), (1, &"opened".into()));
    assert!(scene.failing.0.is_empty());
    scene.pass_minutes(60);
    assert_eq!(scene.told().await.len(), 0, "they know");
}

#[tokio::test]
async fn what_nobody_takes_for_a_day_is_given_up() {
    let mut scene = Scene::build().await;
    scene.failures.store(i64::MAX, Ordering::SeqCst);
    scene.find("images", 60).await;
    let mut tries = 0;
    for _ in 0..(24 * 60) {
        tries += scene.told().await.len();
        scene.pass_minutes(1);
    }
    assert!(tries > 50, "{tries}");
    scene.pass_minutes(60);
    assert_eq!(scene.told().await.len(), 0, "given up");
}

#[tokio::test]
async fn two_replicas_tell_nothing_twice() {
    let scene = Scene::build().await;
    for nth in 0..20 {
        scene.find(&format!("images-{nth}"), 60).await;
    }
    let closing = CancellationToken::new();
    let (mut one, mut other) = (Failing::default(), Failing::default());
    let (notifiers, options, store) = (&scene.notifiers, &scene.options, &scene.store);
    let (first, second) = tokio::join!(
        tell_what_is_due(notifiers, options, store, &mut one, &closing),
        tell_what_is_due(notifiers, options, store, &mut other, &closing),
    );
    first.and(second).unwrap();
    let posted = scene.posted.lock().unwrap();
    let mut buckets: Vec<&str> =
        posted.iter().map(|told| told["finding"]["bucket"].as_str().unwrap()).collect();
    buckets.sort_unstable();
    buckets.dedup();
    assert_eq!((posted.len(), buckets.len()), (20, 20));
}

#[tokio::test]
async fn alertmanager_is_told_what_is_new_at_once_and_what_is_not_every_minute() {
    let scene = Scene::build().await;
    let mut mirror = Mirror::default();
    assert_eq!(scene.mirrored(&mut mirror).await.len(), 0, "nothing is open");
    scene.find("images", 60).await;
    let open = scene.mirrored(&mut mirror).await;
    assert_eq!(open[0][0]["labels"]["bucket"], "images");
    assert_eq!(scene.mirrored(&mut mirror).await.len(), 0, "it was just told");
    scene.pass_minutes(1);
    assert_eq!(scene.mirrored(&mut mirror).await.len(), 1, "a minute has passed");

    scene.pass_minutes(60);
    let now = (scene.options.clock)();
    assert_eq!(scene.mirrored(&mut mirror).await.len(), 1, "still open");
    scene.store.resolve_findings(now, BTreeSet::new()).await.unwrap();
    scene.pass_minutes(1);
    let ended = scene.mirrored(&mut mirror).await;
    assert_eq!(ended[0][0]["endsAt"], now.to_string());
    scene.pass_minutes(15);
    assert_eq!(scene.mirrored(&mut mirror).await.len(), 0, "it was told for long enough");
}
