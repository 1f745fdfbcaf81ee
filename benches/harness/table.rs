//! Figures beside what they must be and should be, for people (a table in Markdown) and for
//! programs (JSON). It knows nothing of how they were measured.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::interleaved::Figure;
use super::machine;

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    name: String,
    /// What it is counted in, such as `times G` or `MB`.
    unit: String,
    #[serde(flatten)]
    bounds: Option<Bounds>,
    measured: f64,
    /// How far the rounds are off `measured`; none for what was measured once.
    spread: Option<f64>,
}

/// What a figure must be and should be.
#[derive(Debug, Clone, Copy, Serialize)]
struct Bounds {
    bound: Side,
    must: f64,
    goal: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    AtMost,
    AtLeast,
}

impl Row {
    /// A figure that is reported, whatever it is.
    pub fn new(name: impl Into<String>, unit: impl Into<String>, figure: Figure) -> Self {
        let Figure { median, spread } = figure;
        let (name, unit) = (name.into(), unit.into());
        Self { name, unit, bounds: None, measured: median, spread: Some(spread) }
    }

    /// A figure that was measured once.
    pub fn once(name: impl Into<String>, unit: impl Into<String>, measured: f64) -> Self {
        Self { name: name.into(), unit: unit.into(), bounds: None, measured, spread: None }
    }

    /// It must be at most `must`, and should be at most `goal`.
    pub fn at_most(mut self, must: f64, goal: f64) -> Self {
        self.bounds = Some(Bounds { bound: Side::AtMost, must, goal });
        self
    }

    /// It must be at least `must`, and should be at least `goal`.
    pub fn at_least(mut self, must: f64, goal: f64) -> Self {
        self.bounds = Some(Bounds { bound: Side::AtLeast, must, goal });
        self
    }

    fn verdict(&self) -> &'static str {
        let Some(Bounds { bound, must, goal }) = self.bounds else { return "" };
        let keeps = |limit: f64| match bound {
            Side::AtMost => self.measured <= limit,
            Side::AtLeast => self.measured >= limit,
        };
        match (keeps(goal), keeps(must)) {
            (true, _) => "goal",
            (false, true) => "must",
            (false, false) => "MISSED",
        }
    }

    fn cells(&self) -> [String; 6] {
        let bound = |limit: fn(&Bounds) -> f64| {
            self.bounds.as_ref().map_or_else(String::new, |bounds| {
                let sign = if bounds.bound == Side::AtMost { "<=" } else { ">=" };
                format!("{sign} {}", limit(bounds))
            })
        };
        let spread = self.spread.map_or_else(String::new, |spread| format!(" ± {}", short(spread)));
        let measured = format!("{}{spread}", short(self.measured));
        let (name, unit) = (self.name.clone(), self.unit.clone());
        let (must, goal) = (bound(|bounds| bounds.must), bound(|bounds| bounds.goal));
        [name, unit, must, goal, measured, self.verdict().to_owned()]
    }
}

/// Three digits that count, or more before the point.
fn short(value: f64) -> String {
    match value.abs() {
        value_abs if value_abs >= 100.0 => format!("{value:.0}"),
        value_abs if value_abs >= 10.0 => format!("{value:.1}"),
        value_abs if value_abs >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// How a figure goes with another one.
#[derive(Debug, Clone, Serialize)]
pub struct Curve {
    name: String,
    /// What `x` of the points is.
    along: String,
    /// What `y` of the points is.
    unit: String,
    points: Vec<(u64, f64)>,
}

impl Curve {
    /// The curve through these points, each of something along and a figure in this unit.
    pub fn new(name: &str, along: &str, unit: &str, points: Vec<(u64, f64)>) -> Self {
        Self { name: name.to_owned(), along: along.to_owned(), unit: unit.to_owned(), points }
    }
}

/// What a bench found.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    name: String,
    rows: Vec<Row>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    curves: Vec<Curve>,
}

impl Table {
    /// The table of the bench `name`, with nothing in it yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), rows: Vec::new(), curves: Vec::new() }
    }

    /// One more row.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// One more curve, for programs alone.
    pub fn draw(&mut self, curve: Curve) {
        self.curves.push(curve);
    }

    /// Writes `NAME.json` into `folder`, with the machine and the time.
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub fn write_json(&self, folder: &Path) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct Report<'a> {
            #[serde(flatten)]
            table: &'a Table,
            machine: serde_json::Value,
            measured_at: String,
        }
        let machine = machine::described();
        let measured_at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let text = serde_json::to_string_pretty(&Report { table: self, machine, measured_at })?;
        let path = folder.join(format!("{}.json", self.name));
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
        written.with_context(|| path.display().to_string())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = [self.name.as_str(), "unit", "must", "goal", "measured", "keeps"];
        let mut lines = vec![head.map(str::to_owned)];
        lines.extend(self.rows.iter().map(Row::cells));
        let width = |at: usize| lines.iter().map(|cells| cells[at].chars().count()).max();
        let widths: Vec<usize> = (0..head.len()).map(|at| width(at).unwrap_or_default()).collect();
        for (number, cells) in lines.iter().enumerate() {
            for (cell, width) in cells.iter().zip(&widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
            if number == 0 {
                widths.iter().try_for_each(|width| write!(f, "|{}", "-".repeat(width + 2)))?;
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}
