//! Buckets made up for tests, day by day, and what is found in them.

mod changes;
mod laws;
mod mass_delete;
mod new_deleter;
mod places;
mod read_then_destroy;
mod silence;
mod suspects;
mod version_purge;
mod withdrawn;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Announced, Baselines, Cell, Counts, Expectation, Input, PAST_DAYS, Sensitivity, Settings,
    Suspect, Suspicion, TRACED_DAYS, Traced, Window, detect, withdrawn_because,
};
use crate::domain::{
    Actor, Day, Detector, Finding, Outcome, ProtectionChange, Severity, Source, Timestamp,
};

/// A Monday: 23 November 2026.
const TODAY: Day = Day::numbered(20_780);
/// Callers that every bucket here knows.
const APP: i64 = 1;
const CLEANER: i64 = 2;
const STRANGER: i64 = 3;
const ACCOUNT: i64 = 4;

/// A bucket in the making. A day is told by how many days after `TODAY` it is.
struct Bucket {
    cells: Vec<Cell>,
    callers: BTreeMap<i64, Arc<Actor>>,
    suspects: Vec<Suspect>,
    traces: Vec<Traced>,
    changes: Vec<ProtectionChange>,
    unresolved_calls: u64,
    watermarks: BTreeMap<Source, Timestamp>,
    observed_days: i64,
    announced: Vec<Announced>,
    settings: Settings,
}

impl Bucket {
    /// A bucket that was observed for long and that nothing was removed from.
    fn quiet() -> Self {
        let callers = [
            (APP, role("app", "198.51.100.7", "aws-sdk-java/2.20.1")),
            (CLEANER, role("cleaner", "203.0.113.9", "Boto3/1.34.2")),
            (STRANGER, role("stranger", "192.0.2.33", "aws-cli/2.15.0")),
            (ACCOUNT, Actor { account_id: Some("111122223333".into()), ..Actor::default() }),
        ];
        Self {
            cells: Vec::new(),
            callers: callers.into_iter().map(|(number, it)| (number, it.into())).collect(),
            suspects: Vec::new(),
            traces: Vec::new(),
            changes: Vec::new(),
            unresolved_calls: 0,
            watermarks: BTreeMap::new(),
            observed_days: 400,
            announced: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// A bucket that the application removes so many objects from, every hour of every day before
    /// today.
    fn used(hourly: i64) -> Self {
        let mut bucket = Self::quiet();
        for day in -PAST_DAYS..0 {
            bucket.hourly(day, APP, hourly);
        }
        bucket
    }

    fn hourly(&mut self, day: i64, caller: i64, objects: i64) {
        for hour in 0..24 {
            self.remove(day, (hour, 30), caller, objects);
        }
    }

    fn add(&mut self, day: i64, (hour, minute): (i64, i64), caller: i64, counts: Counts) {
        let millis = (hour * 60 + minute) * 60_000;
        let at = TODAY.plus(day).start().as_millis() + millis;
        let window = Window::of(Timestamp::from_millis(at));
        self.cells.push(Cell { window, caller, counts });
    }

    fn remove(&mut self, day: i64, at: (i64, i64), caller: i64, objects: i64) {
        self.add(day, at, caller, Counts { removed: objects, markers: objects, ..NOTHING });
    }

    fn purge(&mut self, day: i64, at: (i64, i64), caller: i64, versions: i64) {
        self.add(day, at, caller, Counts { removed: versions, versions, ..NOTHING });
    }

    /// A change by a caller on a day.
    fn change(&mut self, (day, hour): (i64, i64), caller: i64, event_name: &str, detail: &str) {
        let at = TODAY.plus(day).start().as_millis() + hour * 3_600_000;
        self.changes.push(ProtectionChange {
            id: format!("{event_name} {at}"),
            service: "s3".into(),
            event_name: event_name.into(),
            bucket: Some("photos".into()),
            resource: None,
            detail: Some(detail.into()),
            outcome: Outcome::Ok,
            error_code: None,
            request_id: None,
            event_id: None,
            shared_event_id: None,
            account: String::new(),
            region: String::new(),
            at: Timestamp::from_millis(at),
            actor: self.callers[&caller].clone(),
        });
    }

    /// A removal of today that somebody should look at, so many seconds after midnight.
    fn suspect(&mut self, seconds: i64, caller: Option<i64>, suspicion: Suspicion) {
        let at = Timestamp::from_millis(TODAY.start().as_millis() + seconds * 1_000);
        let key = format!("thumbs/{seconds}.jpg");
        self.suspects.push(Suspect { key, at, caller, suspicion });
    }

    /// What is said of all that is known around a day.
    fn ask<T>(&self, day: i64, ask: impl Fn(&Input<'_>) -> T) -> T {
        let day = TODAY.plus(day);
        let within = |first: i64, last: i64| {
            let days = day.plus(first)..=day.plus(last);
            let cells = self.cells.iter().filter(move |cell| days.contains(&cell.window.day()));
            cells.copied().collect::<Vec<Cell>>()
        };
        let traced = |first: i64, last: i64| {
            let days = day.plus(first)..=day.plus(last);
            let traces = self.traces.iter();
            let traces = traces.filter(move |it| days.contains(&Day::of(it.hour.start())));
            traces.cloned().collect::<Vec<Traced>>()
        };
        let on_day = |suspect: &&Suspect| Day::of(suspect.at) == day;
        ask(&Input {
            bucket: "photos",
            day,
            cells: &within(-2, 2),
            past: &within(-PAST_DAYS, -2),
            callers: &self.callers,
            suspects: &self.suspects.iter().filter(on_day).cloned().collect::<Vec<_>>(),
            traces: &traced(-2, 1),
            past_traces: &traced(-TRACED_DAYS, -2),
            changes: &self.changes,
            unresolved_calls: self.unresolved_calls,
            watermarks: &self.watermarks,
            observed_since: TODAY.plus(-self.observed_days).start(),
            announced: &self.announced,
            settings: &self.settings,
        })
    }

    /// What is found on a day.
    fn found_on(&self, day: i64) -> Vec<Finding> {
        self.ask(day, detect)
    }

    fn found(&self) -> Vec<Finding> {
        self.found_on(0)
    }

    /// The only finding of this detector, today.
    fn only(&self, detector: Detector) -> Option<Finding> {
        let mut found: Vec<Finding> =
            self.found().into_iter().filter(|it| it.detector == detector).collect();
        assert!(found.len() < 2, "{found:?}");
        found.pop()
    }

    /// Which detectors found something on a day, and how severe it is.
    fn severities_on(&self, day: i64) -> Vec<(Detector, Severity)> {
        self.found_on(day).into_iter().map(|it| (it.detector, it.severity)).collect()
    }
}

const NOTHING: Counts = Counts {
    removed: 0,
    markers: 0,
    versions: 0,
    objects: 0,
    lifecycle: 0,
    denied: 0,
    without_cloudtrail: 0,
    without_confirmation: 0,
    stale: 0,
    repeated: 0,
};

fn role(name: &str, source_ip: &str, user_agent: &str) -> Actor {
    let id = format!("AROAEXAMPLE{:X<9}", name.to_uppercase());
    Actor {
        arn: Some(format!("arn:aws:sts::111122223333:assumed-role/{name}/i-0a")),
        principal_id: Some(format!("{id}:i-0a")),
        source_ip: Some(source_ip.into()),
        user_agent: Some(user_agent.into()),
        ..Actor::default()
    }
}

/// Up to so many objects by anybody, on this day and the next.
fn announcement(cells: &[Cell], objects_max: u64) -> Announced {
    let expectation = Expectation {
        id: "move-to-archive".into(),
        principal: None,
        bucket: "photos".into(),
        prefix: String::new(),
        since: TODAY.start(),
        until: TODAY.plus(2).start(),
        objects_max,
    };
    Announced { expectation, cells: cells.to_vec() }
}
