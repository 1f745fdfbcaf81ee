//! What `read_then_destroy` finds, and whom it takes for an attacker: those who read keys and then
//! remove them because that is their work, once or every day. It writes no tables.

use deltrail_core::detect::{Cell, Expectation, Traced};
use deltrail_core::domain::{Deed, Detector, Finding, Hour, KeySketch, Severity};

use crate::background::{APP, Bucket, DAYS, FIRST_DAY, Kind, LEARNING_DAYS, STRANGER, WORKER};
use crate::background::{markers, window};
use crate::chance::Chance;
use crate::lives::Life;

/// Buckets for each line.
const BUCKETS: u64 = 20;

/// One line: what goes on, in how many buckets, and what is said of it.
#[derive(Debug, Clone)]
pub struct Line {
    pub name: &'static str,
    /// Whether it is an attack; else it is work.
    pub is_attack: bool,
    /// Buckets in which it was found, for an attack.
    pub found: usize,
    /// Findings of a bucket in 30 days: warnings, and criticals.
    pub warnings: f64,
    pub criticals: f64,
}

/// What goes on in a bucket on one day: hours, who, what, and how many keys from which one on.
type Acts = fn(&mut Story, i64);

const ATTACKS: [(&str, Acts); 5] = [
    ("stranger reads 51 keys and removes them", |story, day| {
        story.steal(day, STRANGER, 51);
    }),
    ("stranger copies 51 keys onto themselves under a key of his (SSE-C)", |story, day| {
        let hour = story.chance.between(0, 22);
        story.trace(day, hour, STRANGER, Deed::Read, 0..51);
        story.trace(day, hour, STRANGER, Deed::CustomerKey, 0..51);
    }),
    ("app's role, which reads 100 keys an hour, reads 200 and removes them", |story, day| {
        story.read_all_day(day, 100);
        story.steal(day, APP, 200);
    }),
    ("app's role, which reads 2 000 keys an hour, reads 1 000 and removes them", |story, day| {
        story.read_all_day(day, 2_000);
        story.steal(day, APP, 1_000);
    }),
    ("app's role, which reads 20 000 keys an hour, reads 1 000 and removes them", |story, day| {
        story.read_all_day(day, 20_000);
        story.steal(day, APP, 1_000);
    }),
];

const WORK: [(&str, Acts); 7] = [
    ("a consumer removes 30 keys an hour when it has read them", |story, day| {
        for hour in 0..24 {
            let first = story.fresh(30);
            story.trace(day, hour, WORKER, Deed::Read, first..first + 30);
            story.remove(day, hour, WORKER, first..first + 30);
        }
    }),
    ("a job moves 5 000 keys elsewhere, every night", |story, day| {
        story.steal(day, WORKER, 5_000);
    }),
    ("a job moves 5 000 keys elsewhere, every Sunday", |story, day| {
        if day % 7 == 6 {
            story.steal(day, WORKER, 5_000);
        }
    }),
    ("a migration of 20 000 keys, once", |story, day| {
        if day == 40 {
            story.steal(day, WORKER, 20_000);
        }
    }),
    ("the same, announced", |story, day| {
        if day == 40 {
            story.steal(day, WORKER, 20_000);
            story.is_announced = true;
        }
    }),
    ("an app reads 200 keys an hour and removes 20 others", |story, day| {
        story.read_all_day(day, 200);
        for hour in 0..24 {
            let first = story.fresh(20);
            story.remove(day, hour, APP, first..first + 20);
        }
    }),
    ("an app writes 60 keys an hour under a key of its own (SSE-C)", |story, day| {
        for hour in 0..24 {
            let first = story.fresh(60);
            story.trace(day, hour, APP, Deed::CustomerKey, first..first + 60);
        }
    }),
];

/// A bucket in the making.
struct Story {
    bucket: Bucket,
    chance: Chance,
    next_key: u32,
    is_announced: bool,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let bucket = Bucket::new(Kind::Sparse, &mut chance);
        Self { bucket, chance, next_key: 1_000_000, is_announced: false }
    }

    /// So many keys that nobody has seen before.
    fn fresh(&mut self, keys: u32) -> u32 {
        self.next_key += keys;
        self.next_key - keys
    }

    fn trace(&mut self, day: i64, hour: i64, caller: i64, deed: Deed, keys: std::ops::Range<u32>) {
        let hour = Hour::of(FIRST_DAY.plus(day).start()).plus(hour);
        let mut sketch = KeySketch::default();
        for key in keys {
            sketch.insert(&key.to_string());
        }
        let (first_at, last_at) = (hour.start(), hour.start());
        self.bucket.traces.push(Traced { caller, hour, deed, keys: sketch, first_at, last_at });
    }

    fn remove(&mut self, day: i64, hour: i64, caller: i64, keys: std::ops::Range<u32>) {
        let counts = markers(i64::from(keys.end - keys.start));
        let at = window(day, hour * 12 + 6);
        self.bucket.cells.push(Cell { window: at, caller, counts });
        self.trace(day, hour, caller, Deed::Removed, keys);
    }

    /// Reads keys at an hour of the day, and removes them in the next.
    fn steal(&mut self, day: i64, caller: i64, keys: u32) {
        let first = self.fresh(keys);
        let hour = self.chance.between(0, 22);
        self.trace(day, hour, caller, Deed::Read, first..first + keys);
        self.remove(day, hour + 1, caller, first..first + keys);
    }

    /// What the application reads all day, other keys in each hour.
    fn read_all_day(&mut self, day: i64, keys: u32) {
        for hour in 0..24 {
            let first = self.fresh(keys);
            self.trace(day, hour, APP, Deed::Read, first..first + keys);
        }
    }

    fn found(self, days: impl Iterator<Item = i64>) -> Vec<Finding> {
        let announced = self.is_announced.then(|| Expectation {
            id: "migration".to_owned(),
            principal: Some("worker".to_owned()),
            bucket: "photos".to_owned(),
            prefix: String::new(),
            since: FIRST_DAY.start(),
            until: FIRST_DAY.plus(DAYS).start(),
            objects_max: 25_000,
        });
        let life = Life::announcing(self.bucket, announced);
        let found = days.flat_map(|day| life.found(&life.baselines(day), day, &[], &[]));
        found.filter(|it| it.detector == Detector::ReadThenDestroy).collect()
    }
}

/// Everything that is said of reads.
pub fn measure() -> Vec<Line> {
    let attack = |(name, act): (&'static str, Acts)| {
        let found = (0..BUCKETS).filter(|seed| {
            let mut story = Story::new(*seed);
            let day = story.chance.between(LEARNING_DAYS, DAYS - 3);
            act(&mut story, day);
            let found = story.found(day..=day);
            found.iter().any(|it| it.severity == Severity::Critical)
        });
        let found = found.count();
        Line { name, is_attack: true, found, warnings: 0.0, criticals: 0.0 }
    };
    let work = |(name, act): (&'static str, Acts)| {
        let mut severities: Vec<Severity> = Vec::new();
        for seed in 0..BUCKETS {
            let mut story = Story::new(seed);
            for day in 0..DAYS {
                act(&mut story, day);
            }
            severities.extend(story.found(LEARNING_DAYS..DAYS).iter().map(|it| it.severity));
        }
        let of_bucket = |severity: Severity| {
            severities.iter().filter(|it| **it == severity).count() as f64 / BUCKETS as f64
        };
        Line {
            name,
            is_attack: false,
            found: 0,
            warnings: of_bucket(Severity::Warning),
            criticals: of_bucket(Severity::Critical),
        }
    };
    ATTACKS.into_iter().map(attack).chain(WORK.into_iter().map(work)).collect()
}

/// The lines as people read them.
pub fn told(line: &Line) -> (String, String) {
    if line.is_attack {
        let share = line.found as f64 * 100.0 / BUCKETS as f64;
        return (format!("**{share:.0} %**"), "-".to_owned());
    }
    let alarms = format!("{:.2} critical, {:.2} warnings", line.criticals, line.warnings);
    ("-".to_owned(), alarms)
}
