//! Chance from a seed, and the distributions that traffic is drawn from. It knows no buckets.

/// A generator of the `SplitMix64` kind: a counter with a finishing mix.
pub struct Chance(u64);

impl Chance {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// More than 0, less than 1.
    pub fn uniform(&mut self) -> f64 {
        ((self.throw() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// From `first` to `last`, both included.
    pub fn between(&mut self, first: i64, last: i64) -> i64 {
        first + (self.uniform() * (last - first + 1) as f64) as i64
    }

    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    pub fn poisson(&mut self, mean: f64) -> i64 {
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as i64;
        }
        let limit = (-mean).exp();
        let mut product = self.uniform();
        let mut count = 0;
        while product > limit {
            count += 1;
            product *= self.uniform();
        }
        count
    }

    /// Negative binomial by its mean and size.
    pub fn negative_binomial(&mut self, mean: f64, size: f64) -> i64 {
        if mean <= 0.0 {
            return 0;
        }
        let rate = self.gamma(size) * mean / size;
        self.poisson(rate)
    }

    /// At least `least`, with a tail of index `index`.
    pub fn pareto(&mut self, least: f64, index: f64) -> i64 {
        (least * self.uniform().powf(-1.0 / index)).min(5e6) as i64
    }
}
