//! The level of observed over expected events: a smooth curve over the lag.

/// Waves shorter than about six times this many weeks are not taken for a change of level.
const REACH: f64 = 10.0;
const ROUNDS: usize = 12;
/// A round that moves the logarithm of the level by less is the last: the next would move it by about the square of that.
const CLOSE: f64 = 1e-3;

/// Fits levels; keeps the room for its equations from one to the next.
#[derive(Default)]
pub(super) struct Fitter {
    weight: Vec<f64>,
    right: Vec<f64>,
    /// The diagonal of the equations and the two beside it.
    bands: Vec<[f64; 3]>,
}

impl Fitter {
    /// The logarithm of a smooth level, fitted to the events of the weeks that are not `masked`; minus infinity without events.
    ///
    /// Poisson regression, penalised by the second differences: a level that falls by the same share every week, as under
    /// churn, costs nothing. The penalty grows with the counts, so the smoothness does not depend on the size of the shop. A
    /// level that is nearly right as `start` saves rounds.
    pub fn fit(
        &mut self,
        events: &[f64],
        expected: &[f64],
        masked: &[bool],
        start: Option<&[f64]>,
    ) -> Vec<f64> {
        let weeks = events.len();
        let (mut total, mut basis, mut used) = (0.0, 0.0, 0);
        for week in 0..weeks {
            if expected[week] > 0.0 && !masked[week] {
                (total, basis, used) = (total + events[week], basis + expected[week], used + 1);
            }
        }
        if total <= 0.0 || basis <= 0.0 {
            return vec![f64::NEG_INFINITY; weeks];
        }
        let flat = || vec![(total / basis).ln(); weeks];
        if used < 3 {
            return flat();
        }
        let mut level = start.filter(|start| start[0].is_finite()).map_or_else(flat, <[f64]>::to_vec);
        let penalty = total / f64::from(used) * REACH.powi(4);
        self.weight.resize(weeks, 0.0);
        self.right.resize(weeks, 0.0);
        for _ in 0..ROUNDS {
            for week in 0..weeks {
                (self.weight[week], self.right[week]) = if expected[week] > 0.0 && !masked[week] {
                    let mean = expected[week] * level[week].exp();
                    (mean, mean * level[week] + events[week] - mean)
                } else {
                    (0.0, 0.0)
                };
            }
            self.solve(penalty);
            let mut moved = 0.0f64;
            for (old, new) in level.iter_mut().zip(&self.right) {
                let step = (new - *old).clamp(-2.0, 2.0);
                moved = moved.max(step.abs());
                *old += step;
            }
            if moved < CLOSE {
                break;
            }
        }
        level
    }

    /// Solves (diag(weight) + penalty D'D) x = right, D the second differences, by a Cholesky factorisation of the five
    /// diagonals; x takes the place of the right side.
    fn solve(&mut self, penalty: f64) {
        let Self { weight, right, bands } = self;
        let n = weight.len();
        bands.clear();
        bands.extend(weight.iter().map(|&w| [w + penalty * 1e-12, 0.0, 0.0]));
        for row in 0..n - 2 {
            for (i, a) in [1.0, -2.0, 1.0].into_iter().enumerate() {
                for (j, b) in [1.0, -2.0, 1.0].into_iter().enumerate().skip(i) {
                    bands[row + i][j - i] += penalty * a * b;
                }
            }
        }
        for row in 0..n {
            let [pivot, one, two] = bands[row];
            let scale = 1.0 / pivot;
            bands[row][0] = scale;
            if row + 1 < n {
                let factor = one * scale;
                bands[row + 1][0] -= factor * one;
                bands[row + 1][1] -= factor * two;
                right[row + 1] -= factor * right[row];
            }
            if row + 2 < n {
                let factor = two * scale;
                bands[row + 2][0] -= factor * two;
                right[row + 2] -= factor * right[row];
            }
        }
        for row in (0..n).rev() {
            for beside in 1..=2.min(n - 1 - row) {
                right[row] -= bands[row][beside] * right[row + beside];
            }
            right[row] *= bands[row][0];
        }
    }
}

/// Expected events at a level.
pub(super) fn at(level: &[f64], expected: &[f64]) -> Vec<f64> {
    expected.iter().zip(level).map(|(expected, level)| expected * level.exp()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_its_own_equations() {
        let weight = [1.0, 2.0, 0.0, 3.0, 1.0];
        let mut fitter =
            Fitter { weight: weight.to_vec(), right: vec![1.0, -1.0, 2.0, 0.5, 3.0], bands: vec![] };
        fitter.solve(2.0);
        let x = fitter.right;
        let second: Vec<f64> = (0..3).map(|i| x[i] - 2.0 * x[i + 1] + x[i + 2]).collect();
        for (row, right) in [1.0, -1.0, 2.0, 0.5, 3.0].into_iter().enumerate() {
            let bend = |i: usize| second.get(i).copied().unwrap_or(0.0);
            let back =
                row.checked_sub(2).map_or(0.0, bend) - 2.0 * row.checked_sub(1).map_or(0.0, bend) + bend(row);
            assert!((weight[row] * x[row] + 2.0 * back - right).abs() < 1e-9);
        }
    }

    #[test]
    fn a_steady_decline_is_followed_exactly() {
        let expected = vec![10.0; 30];
        let events: Vec<f64> = (0..30).map(|week| 40.0 * (-0.05 * f64::from(week)).exp()).collect();
        let fitted = at(&Fitter::default().fit(&events, &expected, &[false; 30], None), &expected);
        assert!(fitted.iter().zip(&events).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
