//! Models of customer lifetime: likelihoods for a search, and forecasts.

use basketry_core::lifetime::{self as core, Lives, Model, Table};
use basketry_core::{Control, Error};
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatchReader;

use crate::columns::{self, Columns};
use crate::errors;
use crate::run::{Reins, run};

fn model_of(name: &str) -> PyResult<Model> {
    match name {
        "bg" => Ok(Model::BetaGeo),
        "mbg" => Ok(Model::ModifiedBetaGeo),
        "pareto" => Ok(Model::Pareto),
        "bgbb" => Ok(Model::BetaBinomial),
        "gamma-gamma" => Ok(Model::GammaGamma),
        _ => Err(errors::to_python(&Error::Parameter {
            name: "model",
            value: name.to_owned(),
            expected: "bg, mbg, pareto, bgbb or gamma-gamma is needed",
        })),
    }
}

/// The figures as columns: `x`, `t_x` and `T` (of gamma-gamma `x` and the mean), covariates of the rate, of the lifetime.
fn lives<'a>(model: Model, figures: &'a [Vec<f64>], n_rate: usize) -> Lives<'a> {
    let own = if model == Model::GammaGamma { 2 } else { 3 };
    let column = |at: usize| -> &'a [f64] { figures.get(at).map_or(&[], Vec::as_slice) };
    let (of_rate, of_lifetime) = figures.get(own..).unwrap_or_default().split_at(n_rate);
    let age = if own == 3 { column(2) } else { &[] };
    Lives { x: column(0), t_x: column(1), age, of_rate, of_lifetime }
}

/// The distinct figures of customers, ready for the likelihood of a model.
#[pyclass(frozen, module = "basketry._core")]
pub struct LifetimeTable {
    table: Table,
    model: Model,
}

#[pymethods]
impl LifetimeTable {
    #[new]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn new(
        py: Python<'_>,
        model: &str,
        figures: PyRecordBatchReader,
        n_rate: usize,
        reins: Reins<'_>,
    ) -> PyResult<Self> {
        let model = model_of(model)?;
        let figures = columns::floats(figures)?;
        let table =
            run(py, &reins, move |control| Table::new(&lives(model, &figures, n_rate), model, control))?;
        Ok(Self { table, model })
    }

    /// How many distinct rows there are.
    #[getter]
    fn n_rows(&self) -> usize {
        self.table.n_rows()
    }

    /// The log-likelihood and its slopes, at the logarithms of the parameters and the coefficients of covariates.
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn log_likelihood(&self, py: Python<'_>, point: Vec<f64>, reins: Reins<'_>) -> PyResult<(f64, Vec<f64>)> {
        let kernel = |control: &Control| core::log_likelihood(&self.table, self.model, &point, control);
        if self.table.is_small() {
            // A matter of milliseconds: starting threads would take as long.
            return py.detach(|| kernel(&Control::default())).map_err(|error| errors::to_python(&error));
        }
        run(py, &reins, kernel)
    }
}

/// Forecasts customers: `p_alive`, `expected 0` ... by each horizon, and with a covariance `p_alive error`, `error 0` ...
#[pyfunction]
#[expect(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "extracted from Python by value"
)]
pub fn lifetime_forecast(
    py: Python<'_>,
    model: &str,
    figures: PyRecordBatchReader,
    n_rate: usize,
    point: Vec<f64>,
    covariance: Vec<f64>,
    horizons: Vec<f64>,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let model = model_of(model)?;
    let figures = columns::floats(figures)?;
    let forecast = run(py, &reins, move |control| {
        core::predict(&lives(model, &figures, n_rate), model, &point, &covariance, &horizons, control)
    })?;
    let mut table = columns::Table::default().with("p_alive", forecast.p_alive);
    if !forecast.expected_error.is_empty() {
        table = table.with("p_alive error", forecast.p_alive_error);
    }
    for (at, column) in forecast.expected.into_iter().enumerate() {
        table = table.with(&format!("expected {at}"), column);
    }
    for (at, column) in forecast.expected_error.into_iter().enumerate() {
        table = table.with(&format!("error {at}"), column);
    }
    table.finish()
}
