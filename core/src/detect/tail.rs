//! How unlikely a count is: an upper bound of the tail of a negative binomial. It knows no hours.
//!
//! Chernoff's bound, `P(X >= k) <= inf exp(-t k) E[exp(t X)]`, has a closed form for the negative
//! binomial of mean `m` and size `r` (variance `m + m^2/r`): with `D = k ln(k/m) - (k + r)
//! ln((k + r)/(m + r))` it is `exp(-D)` for `k > m`; for the Poisson distribution, its limit for
//! large `r`, `D = k ln(k/m) - k + m`. A bound never makes anything look less likely than it is.

/// The logarithm of an upper bound of the chance of `k` or more, at most 0. `mean` is more than 0.
pub(super) fn log_tail(k: f64, mean: f64, variance: f64) -> f64 {
    if k <= mean {
        return 0.0;
    }
    let over = variance - mean;
    let divergence = if over <= mean * 1e-6 {
        k * (k / mean).ln() - k + mean
    } else {
        let size = mean * mean / over;
        k * (k / mean).ln() - (k + size) * ((k + size) / (mean + size)).ln()
    };
    (-divergence).min(0.0)
}

#[cfg(test)]
mod tests {
    use super::log_tail;

    /// The exact tail: one less the sum of what is less than `k`.
    fn exact(k: u32, mean: f64, size: f64) -> f64 {
        let success = size / (size + mean);
        let mut term = success.powf(size);
        let mut below = 0.0;
        for count in 0..k {
            below += term;
            let count = f64::from(count);
            term *= (count + size) / (count + 1.0) * (1.0 - success);
        }
        1.0 - below
    }

    #[test]
    fn the_bound_is_never_below_the_tail_and_not_far_above_it() {
        for mean in [0.3, 2.0, 15.0, 60.0] {
            for size in [0.2, 1.0, 8.0, 100.0] {
                for k in [1_u32, 3, 10, 40, 90, 200] {
                    let tail = exact(k, mean, size);
                    let bound = log_tail(f64::from(k), mean, mean + mean * mean / size).exp();
                    let told = format!("k {k}, mean {mean}, size {size}: {tail:e} by {bound:e}");
                    assert!(bound >= tail - 1e-12, "{told}");
                    // Where floating point still tells 1 from 1 less the tail.
                    if tail > 1e-9 {
                        assert!(bound <= tail * 100.0, "{told}");
                    }
                }
            }
        }
    }

    #[test]
    fn without_more_variance_than_mean_it_is_poissons() {
        let limit = log_tail(30.0, 10.0, 10.0 + 1e-3);
        assert!((log_tail(30.0, 10.0, 10.0) - limit).abs() < 1e-2);
        assert_eq!(log_tail(3.0, 10.0, 20.0).to_bits(), 0.0_f64.to_bits());
    }
}
