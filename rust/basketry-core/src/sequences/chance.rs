//! How likely a count is by chance, and what remains of it after many looks.

/// Natural logarithms of the factorials of 0 to n.
pub(super) struct LogFactorials(Vec<f64>);

impl LogFactorials {
    pub fn up_to(n: u64) -> Self {
        let mut sum = 0.0;
        Self(
            std::iter::once(0.0)
                .chain((1..=n).map(|k| {
                    sum += (k as f64).ln();
                    sum
                }))
                .collect(),
        )
    }

    fn choose(&self, n: u64, k: u64) -> f64 {
        self.0[n as usize] - self.0[k as usize] - self.0[(n - k) as usize]
    }

    /// The probability that at least `both` of the customers who have one thing also have the other, when `one` and `other` of
    /// `all` customers have them and nothing ties the two (Fisher's exact test, one-sided).
    pub fn at_least(&self, both: u64, one: u64, other: u64, all: u64) -> f64 {
        let least = (one + other).saturating_sub(all).max(both);
        let most = one.min(other);
        if both <= (one + other).saturating_sub(all) {
            return 1.0;
        }
        // Terms fall quickly from the first on when it lies above the mean; before that they rise first. Summing from the
        // last term up adds small numbers to small ones.
        let total = self.choose(all, one);
        let sum: f64 = (least..=most)
            .rev()
            .map(|k| (self.choose(other, k) + self.choose(all - other, one - k) - total).exp())
            .sum();
        sum.min(1.0)
    }
}

/// Adjusted p-values by Benjamini and Hochberg, in the order given; `tests` counts all that were made, those left out of
/// `p_values` included, which can only raise what comes out.
pub(super) fn false_discovery(p_values: &[f64], tests: u64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[b].total_cmp(&p_values[a]));
    let mut q_values = vec![1.0; p_values.len()];
    let mut least = 1.0f64;
    for (place, &rule) in order.iter().enumerate() {
        let rank = (p_values.len() - place) as f64;
        least = least.min(p_values[rule] * tests as f64 / rank);
        q_values[rule] = least;
    }
    q_values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fishers_test_by_hand() {
        let table = LogFactorials::up_to(10);
        // 4 of 10 have one, 5 the other: P(3 or more) = (C(5,3) C(5,1) + C(5,4)) / C(10,4) = 55 / 210.
        assert!((table.at_least(3, 4, 5, 10) - 55.0 / 210.0).abs() < 1e-14);
        assert!((table.at_least(0, 4, 5, 10) - 1.0).abs() < 1e-14);
        assert!((table.at_least(4, 4, 10, 10) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn false_discovery_by_hand() {
        let q = false_discovery(&[0.01, 0.04, 0.03], 4);
        let expected = [0.04, 0.16 / 3.0, 0.16 / 3.0];
        assert!(q.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
    }
}
