//! What is done to a bucket: who removes how much, how fast and how, and what is switched off
//! before. User agents are masked: a stranger's is the application's. It knows no detector.

use deltrail_core::detect::{Cell, Counts};
use deltrail_core::domain::{Outcome, ProtectionChange, Timestamp};

use crate::background::{APP, APP_ELSEWHERE, Bucket, STRANGER, WORKER, markers, window};

/// How objects go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Marker,
    Version,
    Refused,
    Expired,
}

/// One way to do harm.
#[derive(Debug, Clone, Copy)]
pub struct Attack {
    pub name: &'static str,
    pub caller: i64,
    pub objects: i64,
    /// Over how many windows of 5 minutes.
    pub windows: i64,
    pub how: How,
    /// What is changed half an hour before: the event's name and its detail.
    pub change: Option<(&'static str, &'static str)>,
    /// Begins at two o'clock at night, whatever else is chosen.
    pub is_at_two: bool,
}

const fn by(name: &'static str, caller: i64, objects: i64, windows: i64) -> Attack {
    Attack { name, caller, objects, windows, how: How::Marker, change: None, is_at_two: false }
}

const fn changing(name: &'static str, event: &'static str, detail: &'static str) -> Attack {
    Attack { change: Some((event, detail)), ..by(name, STRANGER, 0, 1) }
}

/// Every attack. The first three are the traces of Stratus Red Team's techniques that delete.
pub const ATTACKS: [Attack; 24] = [
    Attack { how: How::Version, ..by("Stratus: 51 versions, one call", STRANGER, 51, 1) },
    Attack { how: How::Version, ..by("Stratus: 51 versions, one by one", STRANGER, 51, 2) },
    changing("Stratus: lifecycle rule of 1 day", "PutBucketLifecycle", "Expiration.Days=1"),
    changing("Stratus: trail stopped", "StopLogging", ""),
    changing("Stratus: trail deleted", "DeleteTrail", ""),
    changing("Stratus: selectors", "PutEventSelectors", "ReadWriteType=ReadOnly"),
    by("stranger, 12 objects", STRANGER, 12, 2),
    by("stranger, 1 000 in one call", STRANGER, 1_000, 1),
    by("stranger, 20 000 in an hour", STRANGER, 20_000, 12),
    by("app, 51 in a minute", APP, 51, 1),
    by("app, 200 in 5 minutes", APP, 200, 1),
    by("app, 1 000 in one call", APP, 1_000, 1),
    by("app, 1 000 over an hour", APP, 1_000, 12),
    by("app, 10 000 in 10 minutes", APP, 10_000, 2),
    by("app, 100 000 in 30 minutes", APP, 100_000, 6),
    by("buggy job, 50 000 over 6 hours", APP, 50_000, 72),
    by("drip of 3 per 5 minutes, a day", APP, 864, 288),
    by("drip of 30 per 5 minutes, a day", APP, 8_640, 288),
    Attack { is_at_two: true, ..by("10 000 at two at night", APP, 10_000, 2) },
    by("worker at noon, 10 000", WORKER, 10_000, 2),
    Attack { how: How::Version, ..by("app, 51 versions", APP, 51, 1) },
    by("app from elsewhere, 50 objects", APP_ELSEWHERE, 50, 1),
    Attack { how: How::Refused, ..by("stranger, 100 refused", STRANGER, 100, 1) },
    Attack {
        how: How::Expired,
        change: Some(("PutBucketLifecycle", "Expiration.Days=1")),
        ..by("lifecycle rule, then 5 000 expire", STRANGER, 5_000, 12)
    },
];

/// An attack under way in a bucket.
pub struct Underway {
    pub attack: Attack,
    pub day: i64,
    /// The window of the day that it begins in.
    pub begin: i64,
}

impl Underway {
    /// The cells of the attack's first so many objects.
    pub fn cells(&self, objects: i64) -> Vec<Cell> {
        let Attack { caller, windows, how, .. } = self.attack;
        let mut left = objects;
        let mut cells = Vec::new();
        for step in 0..windows {
            let removed = self.in_window(step).min(left);
            left -= removed;
            let counts = match how {
                How::Marker => markers(removed),
                How::Version => Counts { removed, versions: removed, ..Counts::default() },
                How::Refused => Counts { denied: removed, ..Counts::default() },
                How::Expired => Counts { lifecycle: removed, ..Counts::default() },
            };
            if removed > 0 {
                cells.push(Cell { window: window(self.day, self.begin + step), caller, counts });
            }
        }
        cells
    }

    fn in_window(&self, step: i64) -> i64 {
        let Attack { objects, windows, .. } = self.attack;
        objects * (step + 1) / windows - objects * step / windows
    }

    /// Minutes from its begin to its object of this number; objects of a window come evenly.
    pub fn minutes_until(&self, object: i64) -> f64 {
        let Attack { objects, windows, .. } = self.attack;
        if windows == 1 || objects == 0 {
            return 0.0;
        }
        (object - 1) as f64 / objects as f64 * windows as f64 * 5.0
    }

    /// The change that came half an hour before, or at its begin when nothing else happens.
    pub fn changes(&self, bucket: &Bucket) -> Vec<ProtectionChange> {
        let Some((event_name, detail)) = self.attack.change else { return Vec::new() };
        let begin = window(self.day, self.begin).start().as_millis();
        let before = if self.attack.objects == 0 { 0 } else { 30 * 60_000 };
        let actor = bucket.callers.get(&self.attack.caller).cloned().unwrap_or_default();
        vec![ProtectionChange {
            id: format!("{event_name} {begin}"),
            service: "s3".to_owned(),
            event_name: event_name.to_owned(),
            bucket: None,
            resource: None,
            detail: Some(detail.to_owned()),
            outcome: Outcome::Ok,
            error_code: None,
            request_id: None,
            event_id: None,
            shared_event_id: None,
            account: String::new(),
            region: String::new(),
            at: Timestamp::from_millis(begin - before),
            actor,
        }]
    }
}
