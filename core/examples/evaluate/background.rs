//! Six kinds of buckets as they are used day by day. It knows no detector and no attack.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltrail_core::detect::{Cell, Counts, Traced, WINDOWS_PER_DAY, Window};
use deltrail_core::domain::{Actor, Day};

use crate::chance::Chance;

/// Days of a bucket: 28 to learn from and 30 to judge.
pub const DAYS: i64 = 58;
pub const LEARNING_DAYS: i64 = 28;
/// A Monday.
pub const FIRST_DAY: Day = Day::numbered(20_724);

pub const APP: i64 = 1;
pub const WORKER: i64 = 2;
pub const STRANGER: i64 = 3;
pub const APP_ELSEWHERE: i64 = 4;

/// A kind of bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Diurnal,
    Sparse,
    Nightly,
    Human,
    Busy,
    Pareto,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Diurnal, Self::Sparse, Self::Nightly, Self::Human, Self::Busy, Self::Pareto];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Diurnal => "app, diurnal",
            Self::Sparse => "sparse",
            Self::Nightly => "nightly 20k",
            Self::Human => "human bursts",
            Self::Busy => "busy 10k/5 min",
            Self::Pareto => "Pareto 1.2",
        }
    }

    /// How many of 1 000 buckets of a deployment are of this kind: an assumption, and said so.
    pub const fn per_mille(self) -> u64 {
        match self {
            Self::Diurnal => 150,
            Self::Sparse => 650,
            Self::Nightly => 100,
            Self::Human => 80,
            Self::Busy | Self::Pareto => 10,
        }
    }
}

/// One bucket, day by day.
#[derive(Clone)]
pub struct Bucket {
    pub kind: Kind,
    pub cells: Vec<Cell>,
    /// What was done to keys; nothing, as most buckets' reads are not logged.
    pub traces: Vec<Traced>,
    pub callers: BTreeMap<i64, Arc<Actor>>,
}

/// A window of a day of the bucket's life.
pub fn window(day: i64, in_day: i64) -> Window {
    Window::numbered((FIRST_DAY.number() + day) * WINDOWS_PER_DAY + in_day)
}

pub const fn markers(objects: i64) -> Counts {
    let mut numbers = [0; 10];
    numbers[0] = objects;
    numbers[1] = objects;
    Counts::from_numbers(numbers)
}

impl Bucket {
    pub fn new(kind: Kind, chance: &mut Chance) -> Self {
        let (cells, traces) = (Vec::new(), Vec::new());
        let mut bucket = Self { kind, cells, traces, callers: callers() };
        let style = Style::any(chance);
        for day in 0..DAYS {
            bucket.live(day, &style, chance);
        }
        bucket
    }

    fn remove(&mut self, day: i64, in_day: i64, caller: i64, objects: i64) {
        if objects > 0 && (0..WINDOWS_PER_DAY).contains(&in_day) {
            let counts = markers(objects);
            self.cells.push(Cell { window: window(day, in_day), caller, counts });
        }
    }

    fn live(&mut self, day: i64, style: &Style, chance: &mut Chance) {
        let is_weekend = FIRST_DAY.plus(day).is_weekend();
        match self.kind {
            Kind::Diurnal => {
                let level = if is_weekend { style.level * 0.4 } else { style.level };
                for in_day in 0..WINDOWS_PER_DAY {
                    let mean = level * style.diurnal(in_day);
                    self.remove(day, in_day, APP, chance.negative_binomial(mean, 3.0));
                }
            }
            Kind::Sparse => {
                for _ in 0..chance.poisson(style.level / 8.0) {
                    let in_day = chance.between(0, WINDOWS_PER_DAY - 1);
                    self.remove(day, in_day, APP, chance.between(1, 4));
                }
            }
            Kind::Nightly => {
                let begin = 24 + chance.between(0, 3);
                let objects = (20_000.0 * (1.0 + 0.15 * chance.normal())).max(1_000.0);
                for step in 0..12 {
                    let share = objects / 12.0 * (1.0 + 0.1 * chance.normal());
                    self.remove(day, begin + step, WORKER, share as i64);
                }
                self.remove(day, chance.between(100, 250), APP, chance.poisson(3.0));
            }
            Kind::Human => {
                let bursts = chance.poisson(if is_weekend { 0.3 } else { 2.0 });
                for _ in 0..bursts {
                    let at = chance.between(96, 220);
                    let objects = (style.level * (1.2 * chance.normal()).exp()) as i64;
                    let steps = chance.between(1, 4);
                    for step in 0..steps {
                        self.remove(day, at + step, APP, objects.min(5_000) / steps);
                    }
                }
            }
            Kind::Busy => {
                for in_day in 0..WINDOWS_PER_DAY {
                    let mean = 10_000.0 * (0.7 + 0.3 * style.diurnal(in_day));
                    let objects = chance.negative_binomial(mean, 40.0);
                    self.remove(day, in_day, APP, objects - objects / 10);
                    self.remove(day, in_day, WORKER, objects / 10);
                }
            }
            Kind::Pareto => {
                for _ in 0..chance.poisson(6.0) {
                    let in_day = chance.between(0, WINDOWS_PER_DAY - 1);
                    self.remove(day, in_day, APP, chance.pareto(3.0, 1.2));
                }
            }
        }
    }
}

/// How one bucket differs from others of its kind.
struct Style {
    level: f64,
    peak: f64,
}

impl Style {
    fn any(chance: &mut Chance) -> Self {
        Self { level: 20.0 * (0.8 * chance.normal()).exp(), peak: chance.uniform() * 288.0 }
    }

    /// From 0.1 at night to 1.9 at the peak.
    fn diurnal(&self, in_day: i64) -> f64 {
        let angle = (in_day as f64 - self.peak) / 288.0 * std::f64::consts::TAU;
        1.0 + 0.9 * angle.cos()
    }
}

fn callers() -> BTreeMap<i64, Arc<Actor>> {
    let role = |name: &str, source_ip: &str, user_agent: &str| {
        Arc::new(Actor {
            arn: Some(format!("arn:aws:sts::111122223333:assumed-role/{name}/i-0a")),
            principal_id: Some(format!("AROAEXAMPLE{:X<9}:i-0a", name.to_uppercase())),
            source_ip: Some(source_ip.to_owned()),
            user_agent: Some(user_agent.to_owned()),
            ..Actor::default()
        })
    };
    // A stranger's user agent is that of the application: what an attacker calls itself is no help.
    let agent = "aws-sdk-java/2.20.1 Linux/6.1";
    [
        (APP, role("app", "198.51.100.7", agent)),
        (WORKER, role("worker", "198.51.100.9", "Boto3/1.34.2")),
        (STRANGER, role("stranger", "192.0.2.33", agent)),
        (APP_ELSEWHERE, role("app", "203.0.113.5", "Mozilla/5.0")),
    ]
    .into()
}
