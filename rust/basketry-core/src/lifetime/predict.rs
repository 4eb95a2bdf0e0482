//! What each customer will do, and how sure that is.

use rayon::prelude::*;

use super::{Lives, Model, Parameters, beta_binomial, beta_geo, gamma_gamma, pareto};
use crate::control::Control;
use crate::error::Result;

/// Customers of one piece of work.
const STRETCH: usize = 1 << 11;
/// Steps, in logarithms of parameters, by which slopes of a forecast are taken.
const STEP: f64 = 1e-5;

/// Of one customer: the logarithm of the odds that he is there, and, if he is, his purchases by each horizon.
#[derive(Debug)]
pub(super) struct Outlook {
    pub log_odds: f64,
    pub expected: Vec<f64>,
}

/// Of all customers, in their order.
#[derive(Debug, Default)]
pub struct Forecast {
    /// How likely each is still there.
    pub p_alive: Vec<f64>,
    /// Standard error of the logarithm of its odds; 0 where they are infinite. Empty if no covariance was given.
    pub p_alive_error: Vec<f64>,
    /// Purchases by each horizon, or the money of a purchase: a column a horizon.
    pub expected: Vec<Vec<f64>>,
    /// Standard error of its logarithm; no columns if no covariance was given.
    pub expected_error: Vec<Vec<f64>>,
}

/// Forecasts every customer at a point: the logarithms of the parameters, then the coefficients of covariates.
///
/// With the `covariance` of the point, row by row, errors follow by the delta method.
///
/// # Errors
/// As [`Lives::check`]; [`crate::Error::Interrupted`] when asked to stop.
pub fn predict(
    lives: &Lives<'_>,
    model: Model,
    point: &[f64],
    covariance: &[f64],
    horizons: &[f64],
    control: &Control,
) -> Result<Forecast> {
    lives.check(model)?;
    control.expect(lives.len() as u64);
    let starts: Vec<usize> = (0..lives.len()).step_by(STRETCH).collect();
    let parts = starts
        .into_par_iter()
        .map(|start| {
            let mut part = Forecast::of(horizons.len(), covariance);
            for row in start..(start + STRETCH).min(lives.len()) {
                if row % 128 == 0 {
                    control.check()?;
                }
                part.push(lives, row, model, point, covariance, horizons);
            }
            control.advance(part.p_alive.len() as u64);
            Ok(part)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut all = Forecast::of(horizons.len(), covariance);
    for part in parts {
        all.p_alive.extend(part.p_alive);
        all.p_alive_error.extend(part.p_alive_error);
        all.expected.iter_mut().zip(part.expected).for_each(|(all, part)| all.extend(part));
        all.expected_error.iter_mut().zip(part.expected_error).for_each(|(all, part)| all.extend(part));
    }
    Ok(all)
}

impl Forecast {
    fn of(horizons: usize, covariance: &[f64]) -> Self {
        let errors = if covariance.is_empty() { 0 } else { horizons };
        Self {
            expected: vec![Vec::new(); horizons],
            expected_error: vec![Vec::new(); errors],
            ..Self::default()
        }
    }

    fn push(
        &mut self,
        lives: &Lives<'_>,
        row: usize,
        model: Model,
        point: &[f64],
        covariance: &[f64],
        horizons: &[f64],
    ) {
        let covariates: Vec<f64> = lives.covariates(row).collect();
        let ln = model.at(point, lives.of_rate.len(), covariates.iter().copied());
        let look = |ln: &Parameters| {
            let (x, t_x, age) = (lives.x[row], lives.t_x[row], lives.age.get(row).copied().unwrap_or(0.0));
            let outlook = outlook(model, ln, x, t_x, age, horizons);
            let p_alive = 1.0 / (1.0 + (-outlook.log_odds).exp());
            (outlook.log_odds, p_alive, outlook.expected)
        };
        let (log_odds, p_alive, expected) = look(&ln);
        self.p_alive.push(p_alive);
        for (column, expected) in self.expected.iter_mut().zip(&expected) {
            column.push(p_alive * expected);
        }
        if covariance.is_empty() {
            return;
        }
        let mut odds_slopes = [0.0; 4];
        let mut slopes = vec![[0.0; 4]; horizons.len()];
        for at in 0..model.n_parameters() {
            let (mut up, mut down) = (ln, ln);
            up[at] += STEP;
            down[at] -= STEP;
            let (up, down) = (look(&up), look(&down));
            if log_odds.is_finite() {
                odds_slopes[at] = (up.0 - down.0) / (2.0 * STEP);
            }
            for (slopes, (up_by, down_by)) in slopes.iter_mut().zip(up.2.iter().zip(&down.2)) {
                slopes[at] = ((up.1 * up_by).ln() - (down.1 * down_by).ln()) / (2.0 * STEP);
            }
        }
        let error = |own: &[f64; 4]| {
            let mut all = vec![0.0; point.len()];
            model.spread(own, lives.of_rate.len(), &covariates, 1.0, &mut all);
            let rows = covariance.chunks_exact(point.len());
            let variance: f64 = rows
                .zip(&all)
                .map(|(row, one)| one * row.iter().zip(&all).map(|(c, s)| c * s).sum::<f64>())
                .sum();
            variance.max(0.0).sqrt()
        };
        self.p_alive_error.push(error(&odds_slopes));
        for (column, slopes) in self.expected_error.iter_mut().zip(&slopes) {
            column.push(error(slopes));
        }
    }
}

fn outlook(model: Model, ln: &Parameters, x: f64, t_x: f64, age: f64, horizons: &[f64]) -> Outlook {
    match model {
        Model::BetaGeo => beta_geo::outlook(ln, x, t_x, age, false, horizons),
        Model::ModifiedBetaGeo => beta_geo::outlook(ln, x, t_x, age, true, horizons),
        Model::Pareto => pareto::outlook(ln, x, t_x, age, horizons),
        Model::BetaBinomial => beta_binomial::outlook(ln, x, t_x, age, horizons),
        Model::GammaGamma => gamma_gamma::outlook(ln, x, t_x, horizons),
    }
}
