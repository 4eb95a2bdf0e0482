//! BG/NBD (Fader, Hardie, Lee 2005) and MBG/NBD (Batislam, Denizel, Filiztekin 2007): a customer buys at a rate of his own
//! and may leave after each purchase; in the modified model after the first one too.
//!
//! Parameters `r`, `alpha` (rates: gamma), `a`, `b` (leaving: beta). The models differ in one number: the purchases that a
//! customer survived if he is still there, `x` or, with the first one, `x + 1`.

use super::predict::Outlook;
use super::special::{rise, soft_plus};
use super::{Parameters, Rows, Sum};

/// A term of a series that is smaller than this share of the sum ends it.
const SMALL: f64 = 1e-15;
/// Terms between two looks at the end.
const STEPS: u32 = 8;
/// Weights are scaled down from here.
const LARGE: f64 = 1e200;

fn survived(x: f64, modified: bool) -> f64 {
    if modified { x + 1.0 } else { x }
}

/// Adds the log-likelihood of rows and its slopes in the logarithms of the parameters.
pub(super) fn add(ln: &Parameters, rows: &Rows<'_>, modified: bool, sum: &mut Sum) {
    let [r, alpha, a, b] = ln.map(f64::exp);
    let (x, n) = (rows.x, survived(rows.x, modified));
    let k = r + x;
    let (rate, stay, all) = (rise(r, x), rise(b, n), rise(a + b, n));
    let may_leave = n > 0.0;
    let left = if may_leave { ln[2] - (b + n - 1.0).ln() } else { f64::NEG_INFINITY };
    let (mut weights, mut log, mut logs, mut inverses, mut leavers) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let ends: Vec<(f64, f64)> = rows.ends.iter().map(|&y| ((alpha + y).ln(), 1.0 / (alpha + y))).collect();
    for (&(from, to), &weight) in rows.between.iter().zip(rows.weight) {
        let ((last, last_inverse), (alive, inverse)) = (ends[from as usize], ends[to as usize]);
        weights += weight;
        if may_leave {
            let (more, share) = soft_plus(left + k * (alive - last));
            log += weight * (more - k * alive);
            logs += weight * (alive - share * (alive - last));
            inverses += weight * (inverse - share * (inverse - last_inverse));
            leavers += weight * share;
        } else {
            log -= weight * k * alive;
            logs += weight * alive;
            inverses += weight * inverse;
        }
    }
    sum.log += log + weights * (rate.log + r * ln[1] + stay.log - all.log);
    sum.slopes[0] += r * (weights * (rate.slope + ln[1]) - logs);
    sum.slopes[1] += weights * r - k * alpha * inverses;
    sum.slopes[2] += leavers - weights * a * all.slope;
    sum.slopes[3] += b * weights * (stay.slope - all.slope);
    if may_leave {
        sum.slopes[3] -= b * leavers / (b + n - 1.0);
    }
}

/// What a customer will do in each of the horizons after his age.
pub(super) fn outlook(
    ln: &Parameters,
    x: f64,
    t_x: f64,
    age: f64,
    modified: bool,
    horizons: &[f64],
) -> Outlook {
    let [r, alpha, a, b] = ln.map(f64::exp);
    let n = survived(x, modified);
    let k = r + x;
    let log_odds = if n > 0.0 {
        (b + n - 1.0).ln() - ln[2] - k * ((alpha + age).ln() - (alpha + t_x).ln())
    } else {
        f64::INFINITY
    };
    let expected = horizons.iter().map(|&horizon| purchases(k, horizon / (alpha + age), a, b + n)).collect();
    Outlook { log_odds, expected }
}

/// The purchases of a customer who is there, at a rate of Gamma(`k`) times `s` and leaving by Beta(`a`, `b`).
///
/// It is the expectation of (1 - (1 + p s)^-k) / p. As a series of binomial weights with shares that have stayed, all its terms
/// are positive and no `a` is singular, which the closed form with 2F1 is at `a` = 1. It takes some 36 (1 + s) + k s terms.
fn purchases(k: f64, s: f64, a: f64, b: f64) -> f64 {
    let u = s / (1.0 + s);
    if u <= 0.0 {
        return 0.0;
    }
    let (mut weight, mut weights, mut sum) = (1.0, 1.0, 0.0);
    let (mut stayed, mut stays) = (1.0, 1.0);
    let (mut n, mut factor) = (0.0, u * k);
    loop {
        for _ in 0..STEPS {
            weight *= factor;
            n += 1.0;
            weights += weight;
            sum += weight * stays;
            stayed *= (b + n - 1.0) / (a + b + n - 1.0);
            stays += stayed;
            factor = u * (k + n) / (n + 1.0);
        }
        if sum.is_nan() {
            return sum;
        }
        let ratio = factor.max(u);
        let rest = 1.0 - ratio;
        if rest > 0.0 && weight * ratio * (stays * rest + 1.0) < SMALL * sum * rest * rest {
            return sum / weights;
        }
        if weight > LARGE {
            (weight, weights, sum) = (weight / LARGE, weights / LARGE, sum / LARGE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn purchases_are_the_integral(k in 0.1_f64..60.0, s in 0.01_f64..8.0, a in 0.6_f64..6.0, b in 0.6_f64..9.0) {
            // The expectation over p by the midpoint rule, in a variable that flattens the ends of the beta density.
            let (mut top, mut bottom) = (0.0, 0.0);
            let steps = 20_000;
            for step in 0..steps {
                let v = (f64::from(step) + 0.5) / f64::from(steps);
                let p = v * v * v * (v * (6.0 * v - 15.0) + 10.0);
                let density = p.powf(a - 1.0) * (1.0 - p).powf(b - 1.0) * 30.0 * (v * (1.0 - v)).powi(2);
                top += density * -(-k * (p * s).ln_1p()).exp_m1() / p;
                bottom += density;
            }
            let found = purchases(k, s, a, b);
            prop_assert!((found - top / bottom).abs() < 1e-5 * found, "{} {}", found, top / bottom);
        }
    }

    #[test]
    fn nothing_happens_in_no_time_and_a_large_count_does_not_overflow() {
        assert!(purchases(2.0, 0.0, 1.0, 1.0).abs() < 1e-300);
        let many = purchases(20_000.0, 0.5, 1e-9, 1.0);
        assert!((many / 10_000.0 - 1.0).abs() < 1e-6, "{many}");
    }
}
