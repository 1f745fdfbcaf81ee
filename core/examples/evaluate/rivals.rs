//! Other people's rules, on the removals of a bucket by 5 minutes: what deltrail is compared with.
//! Each is an approximation from its public description. It knows no attack.

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rival {
    /// 50 objects within 60 minutes.
    Fixed,
    /// More than 3 standard deviations above an exponentially weighted mean.
    Deviations,
    /// A Poisson tail below 10^-6, of an exponentially weighted mean.
    Poisson,
    /// Grafana's adaptive rules, by 5 minutes.
    Grafana,
    /// One window of a thousand, by chance.
    Random,
}

/// How fast the weighted means forget: half in about six hours.
const WEIGHT: f64 = 0.01;
const HOUR: usize = 12;
const DAY: usize = 288;

impl Rival {
    pub const ALL: [Self; 5] =
        [Self::Fixed, Self::Deviations, Self::Poisson, Self::Grafana, Self::Random];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "50 in 60 min",
            Self::Deviations => "z > 3",
            Self::Poisson => "Poisson 10^-6",
            Self::Grafana => "Grafana adaptive",
            Self::Random => "random 10^-3",
        }
    }

    /// In which of the last `count` windows it alarms; `counts` are those of a bucket's life.
    pub fn alarms(self, counts: &[f64], count: usize) -> Vec<bool> {
        let begin = counts.len() - count;
        match self {
            Self::Fixed => {
                let within = |at: usize| counts[(at + 1).saturating_sub(HOUR)..=at].iter().sum();
                (begin..counts.len()).map(|at| fixed(within(at))).collect()
            }
            Self::Deviations => weighted(counts, begin, |x, mean, variance| {
                x > mean + 3.0 * variance.sqrt().max(0.5)
            }),
            Self::Poisson => weighted(counts, begin, |x, mean, _| {
                let mean = mean.max(0.01);
                x > mean && -(x * (x / mean).ln() - x + mean) < 1e-6_f64.ln()
            }),
            Self::Grafana => grafana(counts, begin),
            Self::Random => (begin..counts.len())
                .map(|at| {
                    let mixed =
                        (at as u64 ^ counts[at].to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    (mixed >> 32).is_multiple_of(1_000)
                })
                .collect(),
        }
    }
}

fn fixed(sum: f64) -> bool {
    sum >= 50.0
}

/// Asks `is_too_much` of each window with the mean and variance before it.
fn weighted(counts: &[f64], begin: usize, is_too_much: fn(f64, f64, f64) -> bool) -> Vec<bool> {
    let (mut mean, mut variance) = (0.0, 0.0);
    let mut alarms = Vec::new();
    // What lies further back than two days has no weight any more.
    for (at, x) in counts.iter().copied().enumerate().skip(begin.saturating_sub(4 * DAY)) {
        if at >= begin {
            alarms.push(x > 0.0 && is_too_much(x, mean, variance));
        }
        let difference: f64 = x - mean;
        mean += WEIGHT * difference;
        variance = (1.0 - WEIGHT) * (variance + WEIGHT * difference * difference);
    }
    alarms
}

/// Above the mean of an hour by 2 deviations of 26 hours and by half, and above the same hour of
/// yesterday and of last week by 2 deviations; for 5 minutes, and not where the mean is below
/// 5 a minute.
fn grafana(counts: &[f64], begin: usize) -> Vec<bool> {
    let mut sums = vec![(0.0, 0.0)];
    for x in counts {
        let (sum, squares) = sums[sums.len() - 1];
        sums.push((sum + x, squares + x * x));
    }
    let mean = |at: usize, length: usize| {
        let from = (at + 1).saturating_sub(length);
        (sums[at + 1].0 - sums[from].0) / (at + 1 - from) as f64
    };
    let is_above = |at: usize| {
        let hour = mean(at, HOUR);
        let long = 26 * HOUR;
        let from = (at + 1).saturating_sub(long);
        let squares = (sums[at + 1].1 - sums[from].1) / (at + 1 - from) as f64;
        let deviation = (squares - mean(at, long).powi(2)).max(0.0).sqrt();
        let then = |ago: usize| at.checked_sub(ago).map_or(0.0, |then| mean(then, HOUR));
        let seasonal = then(DAY).max(then(7 * DAY)) + 2.0 * deviation;
        let upper = (hour + 2.0 * deviation).max(1.5 * hour).max(seasonal);
        hour >= 25.0 && counts[at] > upper
    };
    (begin..counts.len()).map(|at| at > 0 && is_above(at) && is_above(at - 1)).collect()
}

/// Where alarms begin anew: those with none in the hour before.
pub fn begins(alarms: &[bool]) -> Vec<usize> {
    let mut begins = Vec::new();
    let mut last = None::<usize>;
    for (at, _) in alarms.iter().enumerate().filter(|(_, alarm)| **alarm) {
        if last.is_none_or(|last| at - last > HOUR) {
            begins.push(at);
        }
        last = Some(at);
    }
    begins
}
