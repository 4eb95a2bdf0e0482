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

/// How many standard deviations hold 95 % of a normal distribution.
pub(crate) const NORMAL_95: f64 = 1.959_963_984_540_054;

/// The chance that a normal deviate is at least `z`.
pub(crate) fn normal_tail(z: f64) -> f64 {
    let both = chi_square_tail(z * z, 1) / 2.0;
    if z >= 0.0 { both } else { 1.0 - both }
}

/// The chance that a chi-square deviate of so many degrees of freedom, at least 1, is at least `x`.
pub(crate) fn chi_square_tail(x: f64, degrees: u32) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let (a, x) = (f64::from(degrees) / 2.0, x / 2.0);
    // Gamma of a half: up by steps of one from gamma(1) = 1 or gamma(1/2) = sqrt(pi).
    let mut log_gamma = if degrees.is_multiple_of(2) { 0.0 } else { std::f64::consts::PI.ln() / 2.0 };
    let mut below = if degrees.is_multiple_of(2) { 1.0 } else { 0.5 };
    while below < a {
        log_gamma += f64::ln(below);
        below += 1.0;
    }
    let front = (a * x.ln() - x - log_gamma).exp();
    if x < a + 1.0 {
        // The series of the lower incomplete gamma function.
        let (mut term, mut sum, mut at) = (1.0 / a, 1.0 / a, a);
        while term > sum * SMALL {
            at += 1.0;
            term *= x / at;
            sum += term;
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    // The continued fraction of the upper one, by Lentz's method.
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (f64::INFINITY, 1.0 / b);
    let mut fraction = d;
    for k in 1..10_000 {
        let step = f64::from(k) * (a - f64::from(k));
        b += 2.0;
        d = 1.0 / (step * d + b);
        c = b + step / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// Adjusted p-values by Benjamini and Hochberg, in the order given. `tests` counts all that were made; those left out of
/// `p_values` can only raise what comes out.
pub(crate) fn false_discovery(p_values: &[f64], tests: u64) -> Vec<f64> {
    // The bits of numbers from 0 up are in the order of the numbers.
    let mut order: Vec<(u64, u32)> = p_values.iter().map(|p| p.to_bits()).zip(0..).collect();
    order.par_sort_unstable();
    let mut q_values = vec![1.0; p_values.len()];
    let mut least = 1.0_f64;
    for (place, &(_, at)) in order.iter().enumerate().rev() {
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
    fn tails_by_table() {
        for (z, tail) in
            [(0.0, 0.5), (1.0, 0.158_655_253_931_457), (NORMAL_95, 0.025), (6.0, 9.865_876_450_377e-10)]
        {
            assert!((normal_tail(z) / tail - 1.0).abs() < 1e-11, "{z}");
            assert!((normal_tail(-z) - (1.0 - tail)).abs() < 1e-14, "-{z}");
        }
        for (x, degrees, tail) in [
            (0.5, 1, 0.479_500_122_186_953),
            (2.0, 2, 0.367_879_441_171_442),
            (3.0, 5, 0.699_985_835_878_628),
            (20.0, 5, 0.001_249_730_563_031),
            (7.0, 9, 0.637_119_407_169_398),
        ] {
            assert!((chi_square_tail(x, degrees) / tail - 1.0).abs() < 1e-9, "{x} {degrees}");
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
