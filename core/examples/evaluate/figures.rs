//! Means, medians and how sure they are. It knows not what they are of.

use crate::chance::Chance;

/// How often buckets are drawn again.
const DRAWS: usize = 1_000;

/// A mean and the 95 % interval of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mean {
    pub middle: f64,
    pub low: f64,
    pub high: f64,
}

impl Mean {
    /// By drawing the values again with replacement: they are one to a bucket.
    pub fn of(values: &[f64], chance: &mut Chance) -> Self {
        let count = values.len().max(1) as f64;
        let mut means: Vec<f64> = (0..DRAWS)
            .map(|_| {
                let draw = || values[chance.between(0, values.len() as i64 - 1) as usize];
                std::iter::repeat_with(draw).take(values.len()).sum::<f64>() / count
            })
            .collect();
        means.sort_by(f64::total_cmp);
        let at = |share: f64| means[((means.len() - 1) as f64 * share) as usize];
        Self { middle: values.iter().sum::<f64>() / count, low: at(0.025), high: at(0.975) }
    }

    /// `0.12 (0.05-0.20)`.
    pub fn told(&self) -> String {
        format!("{} ({}-{})", short(self.middle), short(self.low), short(self.high))
    }
}

/// As many digits as say something.
pub fn short(number: f64) -> String {
    if number >= 10.0 { format!("{number:.0}") } else { format!("{number:.2}") }
}

/// A share in percent.
pub fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
