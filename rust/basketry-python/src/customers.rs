//! Figures per customer.

use basketry_core::customers::rfm as core;
use pyo3::prelude::*;

use crate::columns::{self, Columns, Table};
use crate::ledger::Ledger;
use crate::run::{Reins, run};

/// Recency, frequency, money of every customer who bought before `as_of` (microseconds UTC).
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn rfm(
    py: Python<'_>,
    ledger: &Ledger,
    as_of: i64,
    net: bool,
    ties_apart: bool,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let tree = ledger.0.clone();
    let money = if net { core::Money::Net } else { core::Money::Gross };
    let ties = if ties_apart { core::Ties::Apart } else { core::Ties::Together };
    let (rows, r, f, m) = run(py, &reins, move |control| {
        let rows = core::rfm(&tree, as_of, money, control)?;
        let score =
            |of: fn(&core::Rfm) -> i64| core::quintiles(&rows.iter().map(of).collect::<Vec<_>>(), ties);
        let r = score(|row| -i64::from(row.recency_days));
        let f = score(|row| i64::from(row.orders));
        let m = score(|row| row.spend_total);
        Ok((rows, r, f, m))
    })?;
    let codes: Vec<u32> = rows.iter().map(|row| row.customer).collect();
    let monetary = |row: &core::Rfm| {
        if row.frequency == 0 {
            0.0
        } else {
            row.spend_repeat as f64 / f64::from(row.frequency) / basketry_core::ledger::UNIT
        }
    };
    Table::default()
        .with("customer", columns::ids_of(ledger.0.customers(), &codes)?)
        .with("recency_days", rows.iter().map(|row| row.recency_days).collect::<Vec<_>>())
        .with("frequency", rows.iter().map(|row| row.frequency).collect::<Vec<_>>())
        .with("monetary", rows.iter().map(monetary).collect::<Vec<f64>>())
        .with("tenure_days", rows.iter().map(|row| row.tenure_days).collect::<Vec<_>>())
        .with("first_order", columns::instants(rows.iter().map(|row| row.first_order).collect()))
        .with("last_order", columns::instants(rows.iter().map(|row| row.last_order).collect()))
        .with("orders", rows.iter().map(|row| row.orders).collect::<Vec<_>>())
        .with("spend_total", columns::units(rows.iter().map(|row| row.spend_total)))
        .with("r", r)
        .with("f", f)
        .with("m", m)
        .finish()
}
