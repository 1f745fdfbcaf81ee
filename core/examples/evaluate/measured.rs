//! What is measured: false alarms on buckets that nobody attacks, and attacks found. It writes no
//! tables.

use std::collections::BTreeMap;

use deltrail_core::detect::Sensitivity;
use deltrail_core::domain::Severity;

use crate::Asked;
use crate::attacks::{ATTACKS, Attack, Underway};
use crate::background::{Bucket, DAYS, Kind, LEARNING_DAYS};
use crate::chance::Chance;
use crate::goals::{Claims, Speed};
use crate::lives::{Life, Told, Watched};
use crate::reads;
use crate::rivals::{Rival, begins};

/// False alarms of one bucket in its 30 days.
#[derive(Debug, Clone, Default)]
pub struct Alarms {
    pub rivals: Vec<f64>,
    pub warnings: f64,
    pub criticals: f64,
    /// Warnings and worse at low and at high sensitivity.
    pub otherwise: [f64; 2],
    pub by_detector: BTreeMap<&'static str, usize>,
}

/// One attack on one bucket.
#[derive(Debug, Clone)]
pub struct Struck {
    /// When deltrail told of it.
    pub told: Option<Told>,
    pub by: Option<&'static str>,
    /// After how many minutes each rival did.
    pub rivals: Vec<Option<f64>>,
    /// How many objects have to be gone before it is a large one: 1 000, and twice the largest
    /// hour of 28 days.
    pub large: i64,
}

/// Everything that was measured.
pub struct Measured {
    pub alarms: BTreeMap<Kind, Vec<Alarms>>,
    pub struck: BTreeMap<Kind, Vec<(Attack, Vec<Struck>)>>,
    pub claims: Claims,
    pub speed: Speed,
    pub reads: Vec<reads::Line>,
}

pub fn measure(asked: &Asked) -> Measured {
    let mut alarms = BTreeMap::new();
    let mut struck = BTreeMap::new();
    for (place, kind) in Kind::ALL.into_iter().enumerate() {
        let seed = asked.seed.wrapping_mul(1_000).wrapping_add(place as u64);
        let mut chance = Chance::new(seed);
        let lives: Vec<Life> =
            (0..asked.buckets).map(|_| Life::new(Bucket::new(kind, &mut chance))).collect();
        alarms.insert(kind, lives.iter().map(alarms_of).collect());
        struck.insert(kind, strike(asked, &lives, &mut chance));
        eprintln!("{} done", kind.name());
    }
    let (claims, speed) = (Claims::check(), Speed::measure(asked.seed));
    Measured { alarms, struck, claims, speed, reads: reads::measure() }
}

fn alarms_of(life: &Life) -> Alarms {
    let counts = life.counts(DAYS - 1, &[]);
    let windows = ((DAYS - LEARNING_DAYS) * 288) as usize;
    let episodes = |rival: Rival| begins(&rival.alarms(&counts, windows)).len() as f64;
    let mut alarms = Alarms { rivals: Rival::ALL.map(episodes).into(), ..Alarms::default() };
    alarms.otherwise = [Sensitivity::Low, Sensitivity::High].map(|sensitivity| {
        let life = Life::with(life.bucket.clone(), sensitivity);
        let found =
            (LEARNING_DAYS..DAYS).flat_map(|day| life.found(&life.baselines(day), day, &[], &[]));
        found.filter(|finding| finding.severity >= Severity::Warning).count() as f64
    });
    for day in LEARNING_DAYS..DAYS {
        for finding in life.found(&life.baselines(day), day, &[], &[]) {
            match finding.severity {
                Severity::Info => continue,
                Severity::Warning => alarms.warnings += 1.0,
                Severity::Critical => alarms.criticals += 1.0,
            }
            *alarms.by_detector.entry(finding.detector.as_str()).or_default() += 1;
        }
    }
    alarms
}

/// Every attack, begun in the same places.
fn strike(asked: &Asked, lives: &[Life], chance: &mut Chance) -> Vec<(Attack, Vec<Struck>)> {
    let mut all: Vec<(Attack, Vec<Struck>)> =
        ATTACKS.into_iter().map(|attack| (attack, Vec::new())).collect();
    for _ in 0..asked.starts {
        let life = &lives[chance.between(0, lives.len() as i64 - 1) as usize];
        let day = chance.between(LEARNING_DAYS, DAYS - 3);
        let begin = chance.between(0, 287);
        let watched = Watched::new(life, day);
        let large = 1_000.max(2 * life.largest_hour(day) + 1);
        let quiet = life.counts(day + 2, &[]);
        let horizon = 3 * 288;
        let usual: Vec<Vec<bool>> =
            Rival::ALL.into_iter().map(|rival| rival.alarms(&quiet, horizon)).collect();
        for (attack, struck) in &mut all {
            let begin = if attack.is_at_two { 24 } else { begin };
            let underway = Underway { attack: *attack, day, begin };
            let told = watched.told(&underway);
            let by = told
                .and_then(|told| watched.found(&underway, told.objects_lost))
                .map(|finding| finding.detector.as_str());
            let counts = life.counts(day + 2, &underway.cells(attack.objects));
            let rivals = Rival::ALL.into_iter().zip(&usual).map(|(rival, usual)| {
                rival_told(&rival.alarms(&counts, horizon), usual, &underway)
            });
            struck.push(Struck { told, by, rivals: rivals.collect(), large });
        }
    }
    all
}

/// After how many minutes a rival begins to alarm that did not without the attack.
fn rival_told(alarms: &[bool], usual: &[bool], underway: &Underway) -> Option<f64> {
    let begin = underway.begin as usize;
    let end = begin + underway.attack.windows as usize + 12;
    let is_alarmed_before = |at: usize| usual[at.saturating_sub(12)..=at].contains(&true);
    let at = (begin..end.min(alarms.len())).find(|at| alarms[*at] && !is_alarmed_before(*at))?;
    Some((at - begin) as f64 * 5.0)
}
