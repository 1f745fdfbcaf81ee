//! Candidates that take turns. On a machine that others use too, a time by itself says little; the
//! ratio of two times of the same round says much, and the median over the rounds more. It knows
//! nothing of what the candidates do.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::time::{ClockId, clock_gettime};

/// What is counted while a candidate runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Processor time of the thread that runs the candidate, and of no other.
    ThreadCpu,
    /// Processor time of all threads of this process.
    ProcessCpu,
    /// Time on the wall.
    Wall,
}

impl Clock {
    /// What it shows.
    pub fn now(self) -> Duration {
        let id = match self {
            Self::ThreadCpu => ClockId::ThreadCPUTime,
            Self::ProcessCpu => ClockId::ProcessCPUTime,
            Self::Wall => ClockId::Monotonic,
        };
        // None of these clocks runs backwards through zero.
        Duration::try_from(clock_gettime(id)).unwrap_or_default()
    }

    /// Seconds since it showed `before`.
    pub fn seconds_since(self, before: Duration) -> f64 {
        self.now().saturating_sub(before).as_secs_f64()
    }
}

const ALLOCATION_BYTES: usize = 1 << 20;

/// Runs a candidate once and says what that took.
type Run<'a> = Box<dyn FnMut(&[Clock]) -> anyhow::Result<Vec<Duration>> + 'a>;

/// Candidates that run in each round, beginning with another one every time.
pub struct Interleaved<'a> {
    clocks: Vec<Clock>,
    candidates: Vec<(String, Run<'a>)>,
}

impl<'a> Interleaved<'a> {
    /// No candidates, to be timed by these clocks.
    pub fn new(clocks: &[Clock]) -> Self {
        Self { clocks: clocks.to_owned(), candidates: Vec::new() }
    }

    /// One more candidate, with what has to be done before its time runs: `work` is timed, and the
    /// dropping of what it gives is not.
    pub fn prepared<T, U>(
        mut self,
        name: &str,
        mut prepare: impl FnMut() -> anyhow::Result<T> + 'a,
        mut work: impl FnMut(T) -> anyhow::Result<U> + 'a,
    ) -> Self {
        let run = move |clocks: &[Clock]| {
            let prepared = prepare()?;
            // What others have freed the allocator puts in order when it is next asked for much.
            drop(black_box(Vec::<u8>::with_capacity(ALLOCATION_BYTES)));
            let before: Vec<Duration> = clocks.iter().map(|clock| clock.now()).collect();
            let done = work(prepared)?;
            let after = clocks.iter().map(|clock| clock.now());
            let took = after.zip(before).map(|(after, before)| after.saturating_sub(before));
            let took = took.collect();
            drop(done);
            Ok(took)
        };
        self.candidates.push((name.to_owned(), Box::new(run)));
        self
    }

    /// One more candidate.
    pub fn candidate(self, name: &str, mut work: impl FnMut() -> anyhow::Result<()> + 'a) -> Self {
        self.prepared(name, || Ok(()), move |()| work())
    }

    /// Runs every candidate once untimed, then `rounds` times in turn.
    ///
    /// # Errors
    /// The first of a candidate, with its name; and when there is nothing to measure.
    pub fn run(mut self, rounds: usize) -> anyhow::Result<Timings> {
        ensure!(rounds > 0 && !self.candidates.is_empty(), "there has to be something to measure");
        let count = self.candidates.len();
        let mut took = vec![Vec::with_capacity(rounds); count];
        for round in 0..=rounds {
            for turn in 0..count {
                let at = (round + turn) % count;
                let (name, run) = &mut self.candidates[at];
                let times = run(&self.clocks).with_context(|| name.clone())?;
                if round > 0 {
                    took[at].push(times);
                }
            }
        }
        let names = self.candidates.into_iter().map(|(name, _)| name).collect();
        Ok(Timings { clocks: self.clocks, names, took })
    }
}

/// What each candidate took in each round.
#[derive(Debug, Clone)]
pub struct Timings {
    clocks: Vec<Clock>,
    names: Vec<String>,
    /// By candidate, round and clock.
    took: Vec<Vec<Vec<Duration>>>,
}

impl Timings {
    /// Seconds of the best round of `name`, by `clock`: for a clock that others make run longer.
    ///
    /// # Errors
    /// When there is no such candidate or clock.
    pub fn best(&self, name: &str, clock: Clock) -> anyhow::Result<f64> {
        Ok(self.of(name, clock)?.fold(f64::INFINITY, f64::min))
    }

    /// How much of `amount` `name` does in a second, by `clock`, when it does `amount` in a round.
    ///
    /// # Errors
    /// When there is no such candidate or clock.
    pub fn rate(&self, name: &str, amount: f64, clock: Clock) -> anyhow::Result<Figure> {
        Ok(Figure::of(self.of(name, clock)?.map(|seconds| amount / seconds).collect()))
    }

    /// How many times as long as `reference` `name` took in the same round.
    ///
    /// # Errors
    /// When there is no such candidate or clock.
    pub fn ratio(&self, name: &str, reference: &str, clock: Clock) -> anyhow::Result<Figure> {
        let pairs = self.of(name, clock)?.zip(self.of(reference, clock)?);
        Ok(Figure::of(pairs.map(|(time, reference)| time / reference).collect()))
    }

    /// Seconds of a round of `name`, by `clock`.
    ///
    /// # Errors
    /// When there is no such candidate or clock.
    pub fn seconds(&self, name: &str, clock: Clock) -> anyhow::Result<Figure> {
        Ok(Figure::of(self.of(name, clock)?.collect()))
    }

    /// Seconds that 95 of 100 rounds of `name` do not exceed, by `clock`.
    ///
    /// # Errors
    /// When there is no such candidate or clock.
    pub fn seconds_of_95th(&self, name: &str, clock: Clock) -> anyhow::Result<f64> {
        let mut seconds: Vec<f64> = self.of(name, clock)?.collect();
        seconds.sort_by(f64::total_cmp);
        Ok(seconds[(seconds.len() * 95).div_ceil(100) - 1])
    }

    fn of(&self, name: &str, clock: Clock) -> anyhow::Result<impl Iterator<Item = f64>> {
        let at = self.names.iter().position(|known| known == name);
        let at = at.with_context(|| format!("there is no candidate {name}"))?;
        let clock_at = self.clocks.iter().position(|known| *known == clock);
        let clock_at = clock_at.with_context(|| format!("{clock:?} was not looked at"))?;
        Ok(self.took[at].iter().map(move |times| times[clock_at].as_secs_f64()))
    }
}

/// The median of some values, and how far off it they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The median.
    pub median: f64,
    /// The median of the distances from it, in the same unit.
    pub spread: f64,
}

impl Figure {
    /// Of at least one value.
    pub fn of(values: Vec<f64>) -> Self {
        let center = median(values.clone());
        let spread = median(values.into_iter().map(|value| (value - center).abs()).collect());
        Self { median: center, spread }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = ((values.len() - 1) / 2, values.len() / 2);
    f64::midpoint(values[low], values[high])
}
