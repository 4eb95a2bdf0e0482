//! The level of observed over expected events: a smooth curve over the lag.

/// Waves shorter than about six times this many weeks are not taken for a change of level.
const REACH: f64 = 10.0;
const ROUNDS: usize = 12;
/// A round that moves the logarithm of the level by less is the last.
const CLOSE: f64 = 1e-5;

/// The logarithm of a smooth level, fitted to the events of the weeks that are not `masked`; minus infinity without events.
///
/// Poisson regression, penalised by the second differences: a level that falls by the same share every week, as under churn,
/// costs nothing. The penalty grows with the counts, so the smoothness does not depend on the size of the shop. A level
/// that is nearly right as `start` saves rounds.
pub(super) fn fit(events: &[f64], expected: &[f64], masked: &[bool], start: Option<&[f64]>) -> Vec<f64> {
    let used: Vec<usize> = (0..events.len()).filter(|&week| expected[week] > 0.0 && !masked[week]).collect();
    let sum = |values: &[f64]| -> f64 { used.iter().map(|&week| values[week]).sum() };
    let (total, basis) = (sum(events), sum(expected));
    if total <= 0.0 || basis <= 0.0 {
        return vec![f64::NEG_INFINITY; events.len()];
    }
    let flat = || vec![(total / basis).ln(); events.len()];
    if used.len() < 3 {
        return flat();
    }
    let mut level = start.filter(|start| start[0].is_finite()).map_or_else(flat, <[f64]>::to_vec);
    let penalty = total / used.len() as f64 * REACH.powi(4);
    for _ in 0..ROUNDS {
        let (mut weight, mut right) = (vec![0.0; events.len()], vec![0.0; events.len()]);
        for &week in &used {
            let mean = expected[week] * level[week].exp();
            weight[week] = mean;
            right[week] = mean * level[week] + events[week] - mean;
        }
        let mut moved = 0.0f64;
        for (old, new) in level.iter_mut().zip(solve(&weight, penalty, right)) {
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

/// Expected events at a level.
pub(super) fn at(level: &[f64], expected: &[f64]) -> Vec<f64> {
    expected.iter().zip(level).map(|(expected, level)| expected * level.exp()).collect()
}

/// Solves (diag(weight) + penalty D'D) x = right, D the second differences, by a Cholesky factorisation of the five diagonals.
fn solve(weight: &[f64], penalty: f64, mut right: Vec<f64>) -> Vec<f64> {
    let n = weight.len();
    // The diagonal and the two beside it.
    let mut bands: Vec<[f64; 3]> = weight.iter().map(|&w| [w + penalty * 1e-12, 0.0, 0.0]).collect();
    for row in 0..n - 2 {
        for (i, a) in [1.0, -2.0, 1.0].into_iter().enumerate() {
            for (j, b) in [1.0, -2.0, 1.0].into_iter().enumerate().skip(i) {
                bands[row + i][j - i] += penalty * a * b;
            }
        }
    }
    for row in 0..n {
        let pivot = bands[row][0];
        for beside in 1..=2.min(n - 1 - row) {
            let factor = bands[row][beside] / pivot;
            for further in beside..=2 {
                bands[row + beside][further - beside] -= factor * bands[row][further];
            }
            right[row + beside] -= factor * right[row];
        }
    }
    for row in (0..n).rev() {
        for beside in 1..=2.min(n - 1 - row) {
            right[row] -= bands[row][beside] * right[row + beside];
        }
        right[row] /= bands[row][0];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_its_own_equations() {
        let weight = [1.0, 2.0, 0.0, 3.0, 1.0];
        let x = solve(&weight, 2.0, vec![1.0, -1.0, 2.0, 0.5, 3.0]);
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
        let fitted = at(&fit(&events, &expected, &[false; 30], None), &expected);
        assert!(fitted.iter().zip(&events).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
