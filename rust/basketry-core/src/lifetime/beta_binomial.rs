//! BG/BB (Fader, Hardie, Shang 2010): at each of a row of opportunities a customer who is still there buys with a probability
//! of his own, after he has left, with a probability of his own, or not.
//!
//! Parameters `alpha`, `beta` (buying: beta), `gamma`, `delta` (leaving: beta). `x` purchases, the last at opportunity `t_x`
//! of `age`. Still there means: at the last opportunity.

use super::predict::Outlook;
use super::special::rise;
use super::{Parameters, Rows, Sum};

/// Walks from the last purchase to the last opportunity.
///
/// Gives the likelihood of having stayed to the end and that of having left before, both relative to the one of having
/// been there at the last purchase, and the slopes of their sum in the parameters.
fn walk([alpha, beta, gamma, delta]: [f64; 4], x: f64, t_x: f64, age: f64) -> (f64, f64, [f64; 4]) {
    let (mut stay, mut left) = (1.0, 0.0);
    let (mut slopes, mut of_stay) = ([0.0; 4], [0.0; 4]);
    for step in t_x as u64..age as u64 {
        let at = step as f64;
        let (may_leave, may_buy) = (1.0 / (gamma + delta + at), 1.0 / (alpha + beta + at));
        let leaves = stay * gamma * may_leave;
        left += leaves;
        let here = [0.0, 0.0, 1.0 / gamma - may_leave, -may_leave];
        for ((slope, stay), here) in slopes.iter_mut().zip(&of_stay).zip(here) {
            *slope += leaves * (stay + here);
        }
        let no_buy = beta + at - x;
        stay *= no_buy * may_buy * (delta + at) * may_leave;
        of_stay[0] -= may_buy;
        of_stay[1] += 1.0 / no_buy - may_buy;
        of_stay[2] -= may_leave;
        of_stay[3] += 1.0 / (delta + at) - may_leave;
    }
    for (slope, of_stay) in slopes.iter_mut().zip(of_stay) {
        *slope += stay * of_stay;
    }
    (stay, left, slopes)
}

/// Adds the log-likelihood of rows and its slopes in the logarithms of the parameters.
pub(super) fn add(ln: &Parameters, rows: &Rows<'_>, sum: &mut Sum) {
    let parameters = ln.map(f64::exp);
    let [alpha, beta, gamma, delta] = parameters;
    let x = rows.x;
    let buys = rise(alpha, x);
    for ((&t_x, &age), &weight) in rows.t_x.iter().zip(rows.age).zip(rows.weight) {
        let (waits, turns) = (rise(beta, t_x - x), rise(alpha + beta, t_x));
        let (stays, chances) = (rise(delta, t_x), rise(gamma + delta, t_x));
        let (stay, left, slopes) = walk(parameters, x, t_x, age);
        let all = stay + left;
        sum.log += weight * (buys.log + waits.log - turns.log + stays.log - chances.log + all.ln());
        let before = [
            buys.slope - turns.slope,
            waits.slope - turns.slope,
            -chances.slope,
            stays.slope - chances.slope,
        ];
        for (at, total) in sum.slopes.iter_mut().enumerate() {
            *total += weight * parameters[at] * (before[at] + slopes[at] / all);
        }
    }
}

/// What a customer will do in each number of opportunities after the last one.
pub(super) fn outlook(ln: &Parameters, x: f64, t_x: f64, age: f64, horizons: &[f64]) -> Outlook {
    let parameters = ln.map(f64::exp);
    let [alpha, beta, gamma, delta] = parameters;
    let (stay, left, _) = walk(parameters, x, t_x, age);
    let buys = (alpha + x) / (alpha + beta + age);
    let turns = |horizon: f64| {
        let (mut there, mut sum) = (1.0, 0.0);
        for step in 0..horizon as u64 {
            let at = age + step as f64;
            there *= (delta + at) / (gamma + delta + at);
            sum += there;
        }
        sum
    };
    let expected = horizons.iter().map(|&horizon| buys * turns(horizon)).collect();
    Outlook { log_odds: stay.ln() - left.ln(), expected }
}
