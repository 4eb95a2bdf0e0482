//! Gamma-Gamma (Fader, Hardie 2013): the money of a purchase varies around a customer's own mean, and that among customers.
//!
//! Parameters `p` (within a customer), `q` and `v` (among customers). It takes frequency and money as unrelated.

use super::predict::Outlook;
use super::special::ln_gamma;
use super::{Parameters, Rows, Sum};

/// Adds the log-likelihood of rows, whose `t_x` is the mean of `x` purchases, and its slopes in the logarithms of the parameters.
pub(super) fn add(ln: &Parameters, rows: &Rows<'_>, sum: &mut Sum) {
    let [p, q, v, _] = ln.map(f64::exp);
    let x = rows.x;
    let shape = p * x;
    let (both, own, others) = (ln_gamma(shape + q), ln_gamma(shape), ln_gamma(q));
    let (mut weights, mut logs, mut means, mut inverses) = (0.0, 0.0, 0.0, 0.0);
    for (&mean, &weight) in rows.t_x.iter().zip(rows.weight) {
        let total = v + x * mean;
        weights += weight;
        logs += weight * total.ln();
        means += weight * mean.ln();
        inverses += weight / total;
    }
    sum.log += weights * (both.log - own.log - others.log + q * ln[2] + shape * x.ln())
        + (shape - 1.0) * means
        - (shape + q) * logs;
    sum.slopes[0] += shape * (weights * (both.slope - own.slope + x.ln()) + means - logs);
    sum.slopes[1] += q * (weights * (both.slope - others.slope + ln[2]) - logs);
    sum.slopes[2] += weights * q - (shape + q) * v * inverses;
}

/// The money of a customer's purchase, from his own mean and that of all; the same at every horizon.
pub(super) fn outlook(ln: &Parameters, x: f64, mean: f64, horizons: &[f64]) -> Outlook {
    let [p, q, v, _] = ln.map(f64::exp);
    let below = p * x + q - 1.0;
    let expected = if below > 0.0 { p * (v + x * mean) / below } else { f64::INFINITY };
    Outlook { log_odds: f64::INFINITY, expected: vec![expected; horizons.len()] }
}
