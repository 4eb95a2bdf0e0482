//! How likely a count is by chance, and what remains of it after many looks.

use rayon::prelude::*;

/// Fisher's exact test, one-sided, for tables of the same number of baskets.
pub(crate) struct Fisher {
    /// Natural logarithms of the factorials of 0 to n.
    logs: Vec<f64>,
    n: u64,
}

/// A sum stops when a term no longer shows in it.
const SMALL: f64 = 1e-17;

impl Fisher {
    /// A test for `n` baskets; takes eight bytes a basket.
    pub(crate) fn new(n: u64) -> Self {
        let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
        let logs = (0..=n)
            .map(|k| {
                // Kahan's summation: the rounding of millions of terms would show in the last digits of p.
                let term = (k.max(1) as f64).ln() - lost;
                let next = sum + term;
                lost = (next - sum) - term;
                sum = next;
                sum
            })
            .collect();
        Self { logs, n }
    }

    fn log(&self, k: u64) -> f64 {
        self.logs[k as usize]
    }

    /// The probability of exactly `both`.
    fn exactly(&self, both: u64, one: u64, other: u64) -> f64 {
        let rest = self.n + both - one - other;
        let log = self.log(one) + self.log(self.n - one) + self.log(other) + self.log(self.n - other)
            - self.log(self.n)
            - self.log(both)
            - self.log(one - both)
            - self.log(other - both)
            - self.log(rest);
        log.exp()
    }

    /// The probability that at least `both` baskets hold two things that `one` and `other` baskets hold, if nothing ties them.
    pub(crate) fn at_least(&self, both: u64, one: u64, other: u64) -> f64 {
        let least = (one + other).saturating_sub(self.n);
        let most = one.min(other);
        if both <= least {
            return 1.0;
        }
        // The tail away from the mode is summed, from its largest term on: terms fall from there.
        if u128::from(both) * u128::from(self.n) >= u128::from(one) * u128::from(other) {
            let (mut term, mut sum, mut k) = (self.exactly(both, one, other), 0.0, both);
            while k <= most && term > sum * SMALL {
                sum += term;
                term *= (one - k) as f64 * (other - k) as f64;
                term /= (k + 1) as f64 * (self.n + k + 1 - one - other) as f64;
                k += 1;
            }
            return sum.min(1.0);
        }
        let (mut term, mut sum, mut k) = (self.exactly(both - 1, one, other), 0.0, both - 1);
        while term > sum * SMALL {
            sum += term;
            if k == least {
                break;
            }
            term *= k as f64 * (self.n + k - one - other) as f64;
            term /= (one + 1 - k) as f64 * (other + 1 - k) as f64;
            k -= 1;
        }
        (1.0 - sum).clamp(0.0, 1.0)
    }
}

/// Adjusted p-values by Benjamini and Hochberg, in the order given. `tests` counts all that were made; those left out of
/// `p_values` can only raise what comes out.
pub(crate) fn false_discovery(p_values: &[f64], tests: u64) -> Vec<f64> {
    let mut order: Vec<u32> = (0..p_values.len() as u32).collect();
    order
        .par_sort_unstable_by(|&a, &b| p_values[a as usize].total_cmp(&p_values[b as usize]).then(a.cmp(&b)));
    let mut q_values = vec![1.0; p_values.len()];
    let mut least = 1.0_f64;
    for (place, &at) in order.iter().enumerate().rev() {
        least = least.min(p_values[at as usize] * tests as f64 / (place + 1) as f64);
        q_values[at as usize] = least;
    }
    q_values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fishers_test_by_hand() {
        let test = Fisher::new(10);
        // 4 of 10 have one, 5 the other: P(3 or more) = (C(5,3) C(5,1) + C(5,4)) / C(10,4) = 55 / 210.
        assert!((test.at_least(3, 4, 5) - 55.0 / 210.0).abs() < 1e-14);
        assert!((test.at_least(0, 4, 5) - 1.0).abs() < 1e-14);
        assert!((test.at_least(4, 4, 10) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn both_tails_sum_the_same_distribution() {
        let test = Fisher::new(60);
        for one in 1..60_u64 {
            for other in 1..60 {
                let mut sum = 0.0;
                for both in ((one + other).saturating_sub(60)..=one.min(other)).rev() {
                    sum += test.exactly(both, one, other);
                    assert!((test.at_least(both, one, other) - sum).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn false_discovery_by_hand() {
        let q = false_discovery(&[0.01, 0.04, 0.03, 0.9], 4);
        let expected = [0.04, 0.16 / 3.0, 0.16 / 3.0, 0.9];
        assert!(q.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
        let of_five = false_discovery(&[0.01, 0.04], 5);
        assert!((of_five[0] - 0.05).abs() < 1e-15 && (of_five[1] - 0.1).abs() < 1e-15);
    }
}
