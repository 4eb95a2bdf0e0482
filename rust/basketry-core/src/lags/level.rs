//! The level of observed over expected events: a smooth curve over the lag.

/// Waves shorter than about six times this many weeks are not taken for a change of level.
const REACH: f64 = 10.0;
const ROUNDS: usize = 12;
/// A round that moves the logarithm of the level by less is the last: the next would move it by about the square of that.
const CLOSE: f64 = 1e-3;
/// The same for rounds with equations that are not set up anew: the next would move it by about a quarter of that.
const NEAR: f64 = 1e-2;
/// The furthest that a round may move it.
const STEP: f64 = 2.0;

/// A smooth level, as a logarithm by week, and the equations that led to it.
///
/// Poisson regression on the weeks that are not `masked`, penalised by the second differences: a level that falls by the same
/// share every week, as under churn, costs nothing. The penalty grows with the counts, so the smoothness does not depend on
/// the size of the shop.
pub(super) struct Level {
    /// The logarithm; minus infinity if there are no events.
    log: Vec<f64>,
    /// What the level makes of the basis.
    pub mean: Vec<f64>,
    /// Weeks that are left out of the fit.
    pub masked: Vec<bool>,
    penalty: f64,
    equations: Option<Equations>,
}

impl Level {
    /// Fits a level to events over their basis.
    pub fn fit(events: &[f64], basis: &[f64], masked: Vec<bool>) -> Self {
        let weeks = events.len();
        let (mut total, mut expected, mut used) = (0.0, 0.0, 0);
        for week in 0..weeks {
            if basis[week] > 0.0 && !masked[week] {
                (total, expected, used) = (total + events[week], expected + basis[week], used + 1);
            }
        }
        let flat = if total > 0.0 { (total / expected).ln() } else { f64::NEG_INFINITY };
        let penalty = total / f64::from(used) * REACH.powi(4);
        let log = vec![flat; weeks];
        let mut level = Self { mean: at(&log, basis), log, masked, penalty, equations: None };
        if total > 0.0 && used >= 3 {
            for _ in 0..ROUNDS {
                let equations = Equations::new(&level.mean, &level.masked, penalty);
                let moved = equations.step(&mut level.log, events, &level.mean, &level.masked, penalty);
                level.mean = at(&level.log, basis);
                level.equations = Some(equations);
                if moved < CLOSE {
                    break;
                }
            }
        }
        level
    }

    /// What a level fitted to other events over another basis makes of that basis. Both should be like the own ones, because
    /// the own equations are used: solving costs a fraction of setting up.
    pub fn refit(&self, events: &[f64], basis: &[f64]) -> Vec<f64> {
        let mut mean = at(&self.log, basis);
        if let Some(equations) = &self.equations {
            let mut log = self.log.clone();
            for _ in 0..ROUNDS {
                let moved = equations.step(&mut log, events, &mean, &self.masked, self.penalty);
                mean = at(&log, basis);
                if moved < NEAR {
                    break;
                }
            }
        }
        mean
    }
}

/// What a level makes of a basis.
fn at(log: &[f64], basis: &[f64]) -> Vec<f64> {
    basis.iter().zip(log).map(|(basis, log)| basis * log.exp()).collect()
}

/// The factors of diag(weight) + penalty D'D, D the second differences: by row one over the pivot, and the two entries right
/// of it over the pivot.
struct Equations(Vec<[f64; 3]>);

impl Equations {
    /// Sets up and factors the five diagonals after Cholesky.
    fn new(weight: &[f64], masked: &[bool], penalty: f64) -> Self {
        let n = weight.len();
        let diagonal = |(&weight, &masked): (&f64, &bool)| {
            let weight = if masked { 0.0 } else { weight };
            [weight + penalty * 1e-12, 0.0, 0.0]
        };
        let mut rows: Vec<[f64; 3]> = weight.iter().zip(masked).map(diagonal).collect();
        for row in 0..n.saturating_sub(2) {
            for (i, a) in [1.0, -2.0, 1.0].into_iter().enumerate() {
                for (j, b) in [1.0, -2.0, 1.0].into_iter().enumerate().skip(i) {
                    rows[row + i][j - i] += penalty * a * b;
                }
            }
        }
        for row in 0..n {
            let [pivot, one, two] = rows[row];
            let scale = 1.0 / pivot;
            rows[row] = [scale, one * scale, two * scale];
            if row + 1 < n {
                rows[row + 1][0] -= one * one * scale;
                rows[row + 1][1] -= one * two * scale;
            }
            if row + 2 < n {
                rows[row + 2][0] -= two * two * scale;
            }
        }
        Self(rows)
    }

    /// Solves the equations; the solution takes the place of the right side.
    fn solve(&self, right: &mut [f64]) {
        let rows = &self.0;
        let (mut before, mut last) = (0.0, 0.0);
        for row in 0..rows.len() {
            let two = if row > 1 { rows[row - 2][2] } else { 0.0 };
            let one = if row > 0 { rows[row - 1][1] } else { 0.0 };
            let value = right[row] - two * before - one * last;
            (before, last) = (last, value);
            right[row] = value;
        }
        let (mut after, mut next) = (0.0, 0.0);
        for (value, [scale, one, two]) in right.iter_mut().zip(rows).rev() {
            *value = *value * scale - one * next - two * after;
            (after, next) = (next, *value);
        }
    }

    /// Moves a level by one round of the fit, and tells by how much at most.
    fn step(&self, log: &mut [f64], events: &[f64], mean: &[f64], masked: &[bool], penalty: f64) -> f64 {
        let n = log.len();
        let mut right: Vec<f64> = (0..n)
            .map(|week| if masked[week] || mean[week] <= 0.0 { 0.0 } else { events[week] - mean[week] })
            .collect();
        for week in 0..n - 2 {
            let bend = penalty * (log[week] - 2.0 * log[week + 1] + log[week + 2]);
            right[week] -= bend;
            right[week + 1] += 2.0 * bend;
            right[week + 2] -= bend;
        }
        self.solve(&mut right);
        let mut moved = 0.0f64;
        for (log, step) in log.iter_mut().zip(right) {
            let step = step.clamp(-STEP, STEP);
            moved = moved.max(step.abs());
            *log += step;
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_its_own_equations() {
        let weight = [1.0, 2.0, 0.0, 3.0, 1.0];
        let mut x = vec![1.0, -1.0, 2.0, 0.5, 3.0];
        Equations::new(&weight, &[false; 5], 2.0).solve(&mut x);
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
        let level = Level::fit(&events, &expected, vec![false; 30]);
        assert!(level.mean.iter().zip(&events).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn refitting_comes_near_a_fit_anew() {
        let basis: Vec<f64> = (0..40).map(|week| 8.0 + f64::from(week % 5)).collect();
        let events: Vec<f64> = (0..40).map(|week| f64::from((week * 7) % 13 + 3)).collect();
        let level = Level::fit(&events, &basis, vec![false; 40]);
        let others: Vec<f64> = (0..40).map(|week| f64::from((week * 5) % 11 + 4)).collect();
        let anew = Level::fit(&others, &basis, vec![false; 40]);
        let again = level.refit(&others, &basis);
        assert!(again.iter().zip(&anew.mean).all(|(a, b)| (a / b - 1.0).abs() < 0.01), "{again:?}");
    }
}
