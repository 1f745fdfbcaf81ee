//! The tables that people read. It measures nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::Asked;
use crate::attacks::ATTACKS;
use crate::background::Kind;
use crate::chance::Chance;
use crate::figures::{Mean, median, percent, short};
use crate::measured::{Alarms, Measured, Struck};
use crate::reads::told;
use crate::rivals::Rival;

/// Buckets of the deployment that false alarms are reckoned for.
const DEPLOYMENT: f64 = 3_000.0;
const WEEKS_PER_MONTH: f64 = 30.0 / 7.0;

/// Every table under its name.
pub fn tables(asked: &Asked, measured: &Measured) -> Vec<(&'static str, String)> {
    let mut chance = Chance::new(asked.seed ^ 0x5eed);
    let said = format!(
        "Seed {}, {} buckets of each kind, {} starts of each attack in each kind; 95 % intervals \
         by drawing buckets again.\n\n",
        asked.seed, asked.buckets, asked.starts
    );
    vec![
        ("false alarms", said + &false_alarms(measured, &mut chance)),
        ("detectors", by_detector(measured)),
        ("deployment", deployment(measured, &mut chance)),
        ("attacks", attacks(measured)),
        ("kinds", kinds(measured)),
        ("reads", reads(measured)),
        ("goals", goals(measured, &mut chance)),
    ]
}

type Pick = Box<dyn Fn(&Alarms) -> f64>;

fn rules() -> Vec<(String, Pick)> {
    let mut rules: Vec<(String, Pick)> = Vec::new();
    for (place, rival) in Rival::ALL.into_iter().enumerate() {
        rules.push((rival.name().to_owned(), Box::new(move |it| it.rivals[place])));
    }
    let all = |it: &Alarms| it.warnings + it.criticals;
    rules.push(("**deltrail, warning or critical**".to_owned(), Box::new(all)));
    rules.push(("deltrail, sensitivity low".to_owned(), Box::new(|it| it.otherwise[0])));
    rules.push(("deltrail, sensitivity high".to_owned(), Box::new(|it| it.otherwise[1])));
    rules.push(("**deltrail, critical**".to_owned(), Box::new(|it| it.criticals)));
    rules
}

fn of_kind(measured: &Measured, kind: Kind, pick: &Pick, chance: &mut Chance) -> Mean {
    let values: Vec<f64> = measured.alarms[&kind].iter().map(pick).collect();
    Mean::of(&values, chance)
}

fn false_alarms(measured: &Measured, chance: &mut Chance) -> String {
    let mut table = header("False alarms per bucket-month");
    for (name, pick) in rules() {
        let _ = write!(table, "| {name} |");
        for kind in Kind::ALL {
            let _ = write!(table, " {} |", of_kind(measured, kind, &pick, chance).told());
        }
        table.push('\n');
    }
    table
}

fn header(first: &str) -> String {
    let mut header = format!("| {first} |");
    for kind in Kind::ALL {
        let _ = write!(header, " {} |", kind.name());
    }
    header + "\n|---|---|---|---|---|---|---|\n"
}

fn by_detector(measured: &Measured) -> String {
    let mut table = header("False alarms of deltrail by detector, in all buckets of a kind");
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for alarms in measured.alarms.values().flatten() {
        names.extend(alarms.by_detector.keys().copied());
    }
    for name in names {
        let _ = write!(table, "| {name} |");
        for kind in Kind::ALL {
            let alarms = measured.alarms[&kind].iter();
            let count: usize = alarms.filter_map(|it| it.by_detector.get(name)).sum();
            let _ = write!(table, " {count} |");
        }
        table.push('\n');
    }
    table
}

fn in_deployment(measured: &Measured, pick: &Pick, chance: &mut Chance) -> Mean {
    let mut sum = Mean::default();
    for kind in Kind::ALL {
        let buckets = DEPLOYMENT * kind.per_mille() as f64 / 1_000.0;
        let of_kind = of_kind(measured, kind, pick, chance);
        sum.middle += of_kind.middle * buckets / WEEKS_PER_MONTH;
        sum.low += of_kind.low * buckets / WEEKS_PER_MONTH;
        sum.high += of_kind.high * buckets / WEEKS_PER_MONTH;
    }
    sum
}

fn deployment(measured: &Measured, chance: &mut Chance) -> String {
    let mut mix = String::new();
    for kind in Kind::ALL {
        let _ = write!(mix, "{} {:.0} %, ", kind.name(), kind.per_mille() as f64 / 10.0);
    }
    let mut table = format!(
        "A deployment of 3 000 buckets, assumed to be {}.\n\n| Rule | False alarms per \
         deployment-week |\n|---|---|\n",
        mix.trim_end_matches(", ")
    );
    for (name, pick) in rules() {
        let mean = in_deployment(measured, &pick, chance);
        let _ = writeln!(table, "| {name} | {} |", mean.told());
    }
    table
}

fn struck(measured: &Measured, place: usize) -> impl Iterator<Item = &Struck> {
    measured.struck.values().flat_map(move |attacks| attacks[place].1.iter())
}

fn attacks(measured: &Measured) -> String {
    let mut table =
        "| Attack, over all kinds | deltrail finds | after, min | objects gone | first \
                     found by |"
            .to_owned();
    for rival in Rival::ALL {
        let _ = write!(table, " {} |", rival.name());
    }
    table.push_str("\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (place, attack) in ATTACKS.iter().enumerate() {
        let all = struck(measured, place).count();
        let told: Vec<_> = struck(measured, place).filter_map(|it| it.told).collect();
        let minutes = median(told.iter().map(|it| it.minutes).collect());
        let lost = median(told.iter().map(|it| it.objects_lost as f64).collect());
        let mut by: BTreeMap<&str, usize> = BTreeMap::new();
        for name in struck(measured, place).filter_map(|it| it.by) {
            *by.entry(name).or_default() += 1;
        }
        let by = by.into_iter().max_by_key(|(_, count)| *count).map_or("-", |(name, _)| name);
        let or_none = |number: Option<f64>| number.map_or("-".to_owned(), |it| format!("{it:.0}"));
        let _ = write!(
            table,
            "| {} | **{:.0} %** | {} | {} | {by} |",
            attack.name,
            percent(told.len(), all),
            or_none(minutes),
            or_none(lost)
        );
        for rival in 0..Rival::ALL.len() {
            let found = struck(measured, place).filter(|it| it.rivals[rival].is_some()).count();
            let _ = write!(table, " {:.0} % |", percent(found, all));
        }
        table.push('\n');
    }
    table
}

fn kinds(measured: &Measured) -> String {
    let mut table = header("deltrail finds, by kind of bucket");
    for (place, attack) in ATTACKS.iter().enumerate() {
        let _ = write!(table, "| {} |", attack.name);
        for kind in Kind::ALL {
            let struck = &measured.struck[&kind][place].1;
            let found = struck.iter().filter(|it| it.told.is_some()).count();
            let _ = write!(table, " {:.0} % |", percent(found, struck.len()));
        }
        table.push('\n');
    }
    table
}

fn reads(measured: &Measured) -> String {
    let mut table =
        "| What goes on | found | false alarms per bucket-month |\n|---|---|---|\n".to_owned();
    for line in &measured.reads {
        let (found, alarms) = told(line);
        let _ = writeln!(table, "| {} | {found} | {alarms} |", line.name);
    }
    table
}

/// A goal, what was measured, and whether it is met.
type Goal = (&'static str, String, bool);

fn goals(measured: &Measured, chance: &mut Chance) -> String {
    let mut goals = recall_goals(measured);
    goals.extend(alarm_goals(measured, chance));
    goals.extend(claim_goals(measured));
    let mut table = "| Goal | Measured | |\n|---|---|---|\n".to_owned();
    for (goal, value, is_met) in goals {
        let met = if is_met { "met" } else { "**missed**" };
        let _ = writeln!(table, "| {goal} | {value} | {met} |");
    }
    let _ = writeln!(
        table,
        "\nTo learn a day's baselines from 40 days of about 300 cells took {:.1} ms.",
        measured.speed.learn_millis
    );
    table
}

fn recall_goals(measured: &Measured) -> Vec<Goal> {
    let found = |places: std::ops::Range<usize>| {
        let all: usize = places.clone().map(|place| struck(measured, place).count()).sum();
        let told = |place| struck(measured, place).filter(|it| it.told.is_some()).count();
        percent(places.map(told).sum(), all)
    };
    let stratus = found(0..6);
    let stranger = found(6..9).min(found(0..2));
    let (large, soon) = large_ones(measured);
    let soon = percent(soon, large);
    vec![
        ("G1 Stratus' traces, agents masked: 100 %", format!("{stratus:.1} %"), stratus >= 100.0),
        (
            "G2 1 000 objects and twice the record: 95 % within 5 min or 1 000 objects of that",
            format!("{soon:.1} % of {large}"),
            soon >= 95.0,
        ),
        (
            "G2 first deletes by a stranger, 10 or more: 90 %",
            format!("{stranger:.1} %"),
            stranger >= 90.0,
        ),
    ]
}

fn alarm_goals(measured: &Measured, chance: &mut Chance) -> Vec<Goal> {
    let warning: Pick = Box::new(|it| it.warnings);
    let critical: Pick = Box::new(|it| it.criticals);
    let mut worst = |pick: &Pick| {
        let means = Kind::ALL.map(|kind| of_kind(measured, kind, pick, chance).middle);
        means.into_iter().fold(0.0, f64::max)
    };
    let (warnings, criticals) = (worst(&warning), worst(&critical));
    let week = in_deployment(measured, &warning, chance).middle;
    let week_critical = in_deployment(measured, &critical, chance).middle;
    vec![
        ("G3 critical per bucket-month, worst kind: 0.1", short(criticals), criticals <= 0.1),
        ("G3 warnings per bucket-month, worst kind: 1", short(warnings), warnings <= 1.0),
        ("G3 critical per deployment-week: 2", short(week_critical), week_critical <= 2.0),
        ("G3 warnings per deployment-week: 7", short(week), week <= 7.0),
    ]
}

fn claim_goals(measured: &Measured) -> Vec<Goal> {
    let (claims, speed) = (&measured.claims, &measured.speed);
    let stale = percent(claims.stale_found, claims.buckets);
    let right = percent(claims.stale_found, claims.stale_found + claims.stale_wrong);
    let repeated = percent(claims.repeated_found, claims.buckets);
    let kept = (speed.series_bytes * 50_000) as f64 / f64::from(1 << 20);
    let cells = speed.removals_per_second;
    vec![
        ("G4 stale deletes found: 99 %", format!("{stale:.1} %"), stale >= 99.0),
        (
            "G4 of these findings right, beside a cleaner of temporary files: 95 %",
            format!("{right:.1} %"),
            right >= 95.0,
        ),
        ("G5 double calls of 20 keys found: 99 %", format!("{repeated:.1} %"), repeated >= 99.0),
        (
            "G5 double calls found that were none: 0",
            claims.repeated_wrong.to_string(),
            claims.repeated_wrong == 0,
        ),
        (
            "G7 removals per second and core, each in a cell of its own: 50 000",
            format!("{cells:.0}"),
            cells >= 50_000.0,
        ),
        (
            "G7 a day of 300 cells, with baselines: below 1 000 µs",
            format!("{:.0} µs", speed.day_micros),
            speed.day_micros < 1_000.0,
        ),
        ("G7 50 000 series: 256 MiB", format!("{kept:.0} MiB"), kept <= 256.0),
    ]
}

/// How many attacks by calls were large, and of how many it was told at most 5 minutes, or 1 000
/// objects, after they had become so.
fn large_ones(measured: &Measured) -> (usize, usize) {
    let (mut large, mut soon) = (0, 0);
    for (place, attack) in ATTACKS.iter().enumerate().skip(6) {
        let is_removal =
            matches!(attack.how, crate::attacks::How::Marker | crate::attacks::How::Version);
        for it in struck(measured, place).filter(|_| is_removal) {
            if attack.objects < it.large {
                continue;
            }
            large += 1;
            let in_five_minutes = attack.objects / attack.windows;
            let bound = it.large + in_five_minutes.max(1_000);
            soon += usize::from(it.told.is_some_and(|told| told.objects_lost <= bound));
        }
    }
    (large, soon)
}

/// Writes the tables between their marks in docs/DETECTION.md, and all of them into target/.
pub fn write(root: &Path, tables: &[(&'static str, String)]) -> std::io::Result<()> {
    let path = root.join("docs/DETECTION.md");
    let mut page = std::fs::read_to_string(&path)?;
    for (name, table) in tables {
        let (begin, end) =
            (format!("<!-- evaluate: {name} -->\n"), format!("<!-- end: {name} -->"));
        let Some((head, rest)) = page.split_once(&begin) else { continue };
        let Some((_, tail)) = rest.split_once(&end) else { continue };
        page = format!("{head}{begin}\n{table}\n{end}{tail}");
    }
    std::fs::write(&path, page)?;
    let as_json: BTreeMap<&str, &String> = tables.iter().map(|(name, it)| (*name, it)).collect();
    let json = serde_json::to_string_pretty(&as_json)?;
    std::fs::write(root.join("target/evaluate.json"), json)
}
