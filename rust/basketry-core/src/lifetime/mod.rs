//! Customer lifetime: how likely a customer is still there, how often he will buy, and what a purchase will be worth.
//!
//! "Buy till you die" models see of a customer three numbers: his repeat purchases `x`, the time `t_x` of the last one and his
//! age `T`, both since the first purchase. Their likelihoods run over the distinct ones of them ([`Table`]), in logarithms
//! throughout, with analytic slopes in the logarithms of the parameters. The search for the maximum is the caller's.

mod beta_binomial;
mod beta_geo;
mod collapse;
mod gamma_gamma;
mod pareto;
mod predict;
mod special;

pub use collapse::{Lives, Table};
pub use predict::{Forecast, predict};

use rayon::prelude::*;

use crate::control::Control;
use crate::error::Result;

/// The logarithms of a model's parameters; a model of three has a last one without meaning.
pub(crate) type Parameters = [f64; 4];

/// Parameters that a covariate shifts, and the signs of its coefficient in them.
type Shifts = &'static [(usize, f64)];

/// Below so many stretches of rows threads cost more than they bring.
const FEW: usize = 16;

/// Which model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// BG/NBD: `r`, `alpha`, `a`, `b`.
    BetaGeo,
    /// MBG/NBD: `r`, `alpha`, `a`, `b`.
    ModifiedBetaGeo,
    /// Pareto/NBD: `r`, `alpha`, `s`, `beta`.
    Pareto,
    /// BG/BB, in opportunities in place of time: `alpha`, `beta`, `gamma`, `delta`.
    BetaBinomial,
    /// Gamma-Gamma, of the money of a purchase: `p`, `q`, `v`.
    GammaGamma,
}

impl Model {
    /// How many parameters it has without covariates.
    pub fn n_parameters(self) -> usize {
        if self == Self::GammaGamma { 3 } else { 4 }
    }

    /// Whether it runs in time, as those of opportunities and of money do not.
    fn is_timed(self) -> bool {
        !self.shifted().0.is_empty()
    }

    /// Which parameters a covariate of the rate shifts, and which one of the lifetime, with the sign of its coefficient.
    fn shifted(self) -> (Shifts, Shifts) {
        match self {
            Self::BetaGeo | Self::ModifiedBetaGeo => (&[(1, -1.0)], &[(2, 1.0), (3, 1.0)]),
            Self::Pareto => (&[(1, -1.0)], &[(3, -1.0)]),
            Self::BetaBinomial | Self::GammaGamma => (&[], &[]),
        }
    }

    /// The parameters, in logarithms, of customers with these covariates.
    fn at(self, point: &[f64], n_rate: usize, covariates: impl Iterator<Item = f64>) -> Parameters {
        let (own, coefficients) = point.split_at(self.n_parameters());
        let mut ln = [0.0; 4];
        ln[..own.len()].copy_from_slice(own);
        let (rate, lifetime) = self.shifted();
        for (at, (value, coefficient)) in covariates.zip(coefficients).enumerate() {
            for &(parameter, sign) in if at < n_rate { rate } else { lifetime } {
                ln[parameter] += sign * coefficient * value;
            }
        }
        ln
    }

    /// Slopes in a model's own parameters become slopes in all: a covariate's is theirs times its value.
    fn spread(self, own: &[f64; 4], n_rate: usize, covariates: &[f64], weight: f64, all: &mut [f64]) {
        let n = self.n_parameters();
        for (slope, own) in all[..n].iter_mut().zip(own) {
            *slope += weight * own;
        }
        let (rate, lifetime) = self.shifted();
        for (at, value) in covariates.iter().enumerate() {
            for &(parameter, sign) in if at < n_rate { rate } else { lifetime } {
                all[n + at] += weight * sign * own[parameter] * value;
            }
        }
    }

    fn add(self, ln: &Parameters, rows: &Rows<'_>, sum: &mut Sum) {
        match self {
            Self::BetaGeo => beta_geo::add(ln, rows, false, sum),
            Self::ModifiedBetaGeo => beta_geo::add(ln, rows, true, sum),
            Self::Pareto => pareto::add(ln, rows, sum),
            Self::BetaBinomial => beta_binomial::add(ln, rows, sum),
            Self::GammaGamma => gamma_gamma::add(ln, rows, sum),
        }
    }
}

/// Rows of one frequency.
#[derive(Debug)]
struct Rows<'a> {
    x: f64,
    t_x: &'a [f64],
    age: &'a [f64],
    weight: &'a [f64],
    ends: &'a [f64],
    between: &'a [(u32, u32)],
}

/// A log-likelihood and its slopes in the logarithms of the parameters.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    log: f64,
    slopes: [f64; 4],
}

/// The log-likelihood of all customers, and its slopes, at a point: the logarithms of the parameters, then the coefficients of
/// the covariates.
///
/// The same for any order of customers and any number of threads: stretches of rows are fixed, and are added in their order.
///
/// # Errors
/// [`crate::Error::Interrupted`] when asked to stop.
pub fn log_likelihood(
    table: &Table,
    model: Model,
    point: &[f64],
    control: &Control,
) -> Result<(f64, Vec<f64>)> {
    let width = table.n_covariates();
    let one = |stretch: &std::ops::Range<usize>| {
        control.check()?;
        let (mut log, mut slopes) = (0.0, vec![0.0; point.len()]);
        for piece in &table.pieces[stretch.clone()] {
            let covariates = &table.patterns[piece.pattern * width..][..width];
            let ln = model.at(point, table.n_rate, covariates.iter().copied());
            let mut sum = Sum::default();
            let rows = Rows {
                x: piece.x,
                t_x: &table.t_x[piece.rows.clone()],
                age: &table.age[piece.rows.clone()],
                weight: &table.weight[piece.rows.clone()],
                ends: &piece.ends,
                between: &piece.between,
            };
            model.add(&ln, &rows, &mut sum);
            log += sum.log;
            model.spread(&sum.slopes, table.n_rate, covariates, 1.0, &mut slopes);
        }
        Ok((log, slopes))
    };
    let parts: Vec<_> = if table.is_small() {
        table.stretches.iter().map(one).collect::<Result<_>>()?
    } else {
        table.stretches.par_iter().map(one).collect::<Result<_>>()?
    };
    let (mut log, mut slopes) = (0.0, vec![0.0; point.len()]);
    for (part, more) in parts {
        log += part;
        slopes.iter_mut().zip(more).for_each(|(slope, more)| *slope += more);
    }
    Ok((log, slopes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
