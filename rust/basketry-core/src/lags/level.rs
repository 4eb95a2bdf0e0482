//! The level of observed over expected events: a smooth curve over the lag.

use super::lanes::{Column, LANES, Lanes, exp};

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
    log: Column<1>,
    /// What the level makes of the basis.
    pub mean: Column<1>,
    /// Weeks that are left out of the fit.
    pub masked: Vec<bool>,
    penalty: f64,
    equations: Option<Equations>,
}

impl Level {
    /// Fits a level to events over their basis.
    pub fn fit(events: &Lanes<1>, basis: &Lanes<1>, masked: Vec<bool>) -> Self {
        let weeks = events.len();
        let (mut total, mut expected, mut used) = (0.0, 0.0, 0);
        for week in 0..weeks {
            if basis[week][0] > 0.0 && !masked[week] {
                (total, expected, used) = (total + events[week][0], expected + basis[week][0], used + 1);
            }
        }
        let flat = if total > 0.0 { (total / expected).ln() } else { f64::NEG_INFINITY };
        let penalty = total / f64::from(used) * REACH.powi(4);
        let log = vec![[flat]; weeks];
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

    /// What levels fitted to other events over other bases make of those bases. Both should be like the own ones, because
    /// the own equations are used: solving costs a fraction of setting up.
    pub fn refit(&self, events: &Lanes<LANES>, basis: &Lanes<LANES>) -> Column<LANES> {
        let mut log: Column<LANES> = self.log.iter().map(|&[log]| [log; LANES]).collect();
        let mut mean = at(&log, basis);
        if let Some(equations) = &self.equations {
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

/// What levels make of their bases.
fn at<const N: usize>(log: &Lanes<N>, basis: &Lanes<N>) -> Column<N> {
    let times = |(log, basis): (&[f64; N], &[f64; N])| {
        let mut mean = exp(log);
        for (mean, basis) in mean.iter_mut().zip(basis) {
            *mean *= basis;
        }
        mean
    };
    log.iter().zip(basis).map(times).collect()
}

/// The factors of diag(weight) + penalty D'D, D the second differences: by row one over the pivot, and the two entries right
/// of it over the pivot.
struct Equations(Vec<[f64; 3]>);

impl Equations {
    /// Sets up and factors the five diagonals after Cholesky.
    fn new(weight: &Lanes<1>, masked: &[bool], penalty: f64) -> Self {
        let n = weight.len();
        let diagonal = |(&[weight], &masked): (&[f64; 1], &bool)| {
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

    /// Solves the equations; the solutions take the place of the right sides.
    fn solve<const N: usize>(&self, right: &mut Lanes<N>) {
        // The row above, and the entry of the one above that.
        let (mut above, mut two) = ([0.0; 2], 0.0);
        let (mut before, mut last) = ([0.0; N], [0.0; N]);
        for (value, &[_, next_one, next_two]) in right.iter_mut().zip(&self.0) {
            for ((value, before), last) in value.iter_mut().zip(&before).zip(&last) {
                *value -= two * before + above[0] * last;
            }
            (before, last) = (last, *value);
            (two, above) = (above[1], [next_one, next_two]);
        }
        let (mut after, mut next) = ([0.0; N], [0.0; N]);
        for (value, [scale, one, two]) in right.iter_mut().zip(&self.0).rev() {
            for ((value, after), next) in value.iter_mut().zip(&after).zip(&next) {
                *value = *value * scale - (one * next + two * after);
            }
            (after, next) = (next, *value);
        }
    }

    /// Moves levels by one round of the fit, and tells by how much at most.
    fn step<const N: usize>(
        &self,
        log: &mut Lanes<N>,
        events: &Lanes<N>,
        mean: &Lanes<N>,
        masked: &[bool],
        penalty: f64,
    ) -> f64 {
        let mut right: Column<N> = vec![[0.0; N]; log.len()];
        for (week, right) in right.iter_mut().enumerate().filter(|&(week, _)| !masked[week]) {
            for ((right, events), mean) in right.iter_mut().zip(&events[week]).zip(&mean[week]) {
                // Without a basis there are no events that a level could explain.
                *right = if *mean > 0.0 { events - mean } else { 0.0 };
            }
        }
        for week in 0..log.len() - 2 {
            for lane in 0..N {
                let bend = penalty * (log[week][lane] - 2.0 * log[week + 1][lane] + log[week + 2][lane]);
                right[week][lane] -= bend;
                right[week + 1][lane] += 2.0 * bend;
                right[week + 2][lane] -= bend;
            }
        }
        self.solve(&mut right);
        let mut moved = [0.0_f64; N];
        for (log, step) in log.iter_mut().zip(&right) {
            for ((log, step), moved) in log.iter_mut().zip(step).zip(&mut moved) {
                let step = step.clamp(-STEP, STEP);
                *moved = moved.max(step.abs());
                *log += step;
            }
        }
        moved.into_iter().fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lanes::alone;
    use super::*;

    #[test]
    fn solves_its_own_equations() {
        let weight = alone(&[1.0, 2.0, 0.0, 3.0, 1.0]);
        let mut x = vec![[1.0, 2.0], [-1.0, -2.0], [2.0, 4.0], [0.5, 1.0], [3.0, 6.0]];
        Equations::new(&weight, &[false; 5], 2.0).solve(&mut x);
        let second: Vec<f64> = (0..3).map(|i| x[i][0] - 2.0 * x[i + 1][0] + x[i + 2][0]).collect();
        for (row, right) in [1.0, -1.0, 2.0, 0.5, 3.0].into_iter().enumerate() {
            let bend = |i: usize| second.get(i).copied().unwrap_or(0.0);
            let back =
                row.checked_sub(2).map_or(0.0, bend) - 2.0 * row.checked_sub(1).map_or(0.0, bend) + bend(row);
            assert!((weight[row][0] * x[row][0] + 2.0 * back - right).abs() < 1e-9);
            assert!((x[row][1] - 2.0 * x[row][0]).abs() < 1e-12);
        }
    }

    #[test]
    fn a_steady_decline_is_followed_exactly() {
        let events: Vec<f64> = (0..30).map(|week| 40.0 * (-0.05 * f64::from(week)).exp()).collect();
        let level = Level::fit(&alone(&events), &alone(&[10.0; 30]), vec![false; 30]);
        assert!(level.mean.iter().zip(&events).all(|(a, b)| (a[0] - b).abs() < 1e-4));
    }

    #[test]
    fn refitting_comes_near_a_fit_anew() {
        let basis: Vec<f64> = (0..40).map(|week| 8.0 + f64::from(week % 5)).collect();
        let events: Vec<f64> = (0..40).map(|week| f64::from((week * 7) % 13 + 3)).collect();
        let level = Level::fit(&alone(&events), &alone(&basis), vec![false; 40]);
        // A lane is a column of its own.
        let others = |lane: usize| -> Vec<f64> {
            (0..40).map(|week| f64::from((week * 5 + lane as u32) % 11 + 4)).collect()
        };
        let columns: Vec<Vec<f64>> = (0..LANES).map(others).collect();
        let lanes = |week: usize| std::array::from_fn(|lane| columns[lane][week]);
        let many: Column<LANES> = (0..40).map(lanes).collect();
        let bases: Column<LANES> = basis.iter().map(|&basis| [basis; LANES]).collect();
        let again = level.refit(&many, &bases);
        for (lane, column) in columns.iter().enumerate() {
            let anew = Level::fit(&alone(column), &alone(&basis), vec![false; 40]);
            assert!(again.iter().zip(&anew.mean).all(|(a, b)| (a[lane] / b[0] - 1.0).abs() < 0.01), "{lane}");
        }
    }
}
