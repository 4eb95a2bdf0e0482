//! Figures per customer.

use basketry_core::customers::{features, rfm as core};
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatchReader;

use crate::columns::{self, Columns, Table};
use crate::ledger::Ledger;
use crate::run::{Reins, run};

/// Recency, frequency, money of every customer who bought before `as_of` (microseconds UTC), without scores; `money` is
/// gross, net or margin.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn rfm(py: Python<'_>, ledger: &Ledger, as_of: i64, money: &str, reins: Reins<'_>) -> PyResult<Columns> {
    let tree = ledger.0.clone();
    let money = match money {
        "margin" => core::Money::Margin,
        "net" => core::Money::Net,
        _ => core::Money::Gross,
    };
    let rows = run(py, &reins, move |control| core::rfm(&tree, as_of, money, control))?;
    let codes: Vec<u32> = rows.iter().map(|row| row.customer).collect();
    let monetary = |row: &core::Rfm| {
        if row.frequency == 0 {
            0.0
        } else {
            row.spend_repeat as f64 / f64::from(row.frequency) / basketry_core::ledger::UNIT
        }
    };
    let mut table = Table::default()
        .with("customer", columns::ids_of(ledger.0.customers(), &codes)?)
        .with("recency_days", rows.iter().map(|row| row.recency_days).collect::<Vec<_>>())
        .with("frequency", rows.iter().map(|row| row.frequency).collect::<Vec<_>>())
        .with("monetary", rows.iter().map(monetary).collect::<Vec<f64>>())
        .with("tenure_days", rows.iter().map(|row| row.tenure_days).collect::<Vec<_>>())
        .with("first_order", columns::instants(rows.iter().map(|row| row.first_order).collect()))
        .with("last_order", columns::instants(rows.iter().map(|row| row.last_order).collect()))
        .with("orders", rows.iter().map(|row| row.orders).collect::<Vec<_>>())
        .with("spend_total", columns::units(rows.iter().map(|row| row.spend_total)))
        .with("spend_gross", columns::units(rows.iter().map(|row| row.spend_gross)))
        .with("spend_net", columns::units(rows.iter().map(|row| row.spend_net)));
    if ledger.0.measure("margin").is_some() {
        table = table.with("margin_total", columns::units(rows.iter().map(|row| row.margin)));
    }
    table.finish()
}

/// The fifth that each value of a column falls into, from 1 (smallest) to 5: scores need all customers at once.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn quintiles(
    py: Python<'_>,
    values: PyRecordBatchReader,
    ties_apart: bool,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let ties = if ties_apart { core::Ties::Apart } else { core::Ties::Together };
    let columns = columns::integers(values)?;
    let scores = run(py, &reins, move |_| {
        Ok(columns
            .into_iter()
            .map(|(name, values)| (name, core::quintiles(&values, ties)))
            .collect::<Vec<_>>())
    })?;
    let table = scores.into_iter().fold(Table::default(), |table, (name, scores)| table.with(&name, scores));
    table.finish()
}

/// What every customer did before each cut: an instant and the first instants of its windows, the shortest first.
///
/// `windows` names them, and the window of all time behind them; `wanted` names what is told of them.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
#[expect(clippy::too_many_arguments, reason = "one argument an option of the Python function")]
pub fn customer_features(
    py: Python<'_>,
    ledger: &Ledger,
    cuts: Vec<(i64, Vec<i64>)>,
    windows: Vec<String>,
    category: Option<String>,
    discount: Option<String>,
    wanted: Vec<String>,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let tree = ledger.0.clone();
    let cuts: Vec<_> = cuts.into_iter().map(|(as_of, starts)| features::Cut { as_of, starts }).collect();
    let asked = cuts.clone();
    let asks = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let told = features::Wanted::named(&wanted);
    let seen = told.clone();
    let found = run(py, &reins, move |control| {
        features::features(&tree, &asked, category.as_deref(), discount.as_deref(), &seen, control)
    })?;
    let lives = &found.lives;
    let customers: Vec<u32> = lives.iter().map(|life| life.customer).collect();
    let mut table = Table::default()
        .with("customer", columns::ids_of(ledger.0.customers(), &customers)?)
        .with("as_of", columns::instants(lives.iter().map(|life| cuts[life.cut as usize].as_of).collect()));
    let days = ["recency_days", "tenure_days"];
    for (at, name) in days.into_iter().enumerate().filter(|(_, name)| asks(name)) {
        let of = |life: &features::Life| [life.recency_days, life.tenure_days][at];
        table = table.with(name, lives.iter().map(of).collect::<Vec<_>>());
    }
    let values = ["first_order_value", "last_order_value"];
    for (at, name) in values.into_iter().enumerate().filter(|(_, name)| asks(name)) {
        let of = |life: &features::Life| [life.first_order_value, life.last_order_value][at];
        table = table.with(name, columns::units(lives.iter().map(of)));
    }
    if told.habits {
        table = table
            .with("top_weekday", lives.iter().map(|life| life.top_weekday).collect::<Vec<_>>())
            .with("top_weekday_orders", lives.iter().map(|life| life.top_weekday_orders).collect::<Vec<_>>())
            .with("top_hour", lives.iter().map(|life| life.top_hour).collect::<Vec<_>>())
            .with("top_hour_orders", lives.iter().map(|life| life.top_hour_orders).collect::<Vec<_>>());
    }
    if let Some(names) = found.categories.as_ref().filter(|_| told.top_category) {
        let top: Vec<u32> = lives.iter().map(|life| life.top_category).collect();
        table = table
            .with("top_category", columns::ids_of(names, &top)?)
            .with("top_category_lines", lives.iter().map(|life| life.top_category_lines).collect::<Vec<_>>())
            .with("category_lines", lives.iter().map(|life| life.category_lines).collect::<Vec<_>>());
    }
    let named = |all: &[&str], wanted: &[usize]| -> Vec<String> {
        let of = |&at: &usize| windows.iter().map(move |window| format!("{}_{window}", all[at]));
        wanted.iter().flat_map(of).collect()
    };
    for (name, column) in named(&features::COUNTS, &told.counts).iter().zip(found.counts) {
        table = table.with(name, column);
    }
    for (name, column) in named(&features::SUMS, &told.sums).iter().zip(found.sums) {
        table = table.with(name, column);
    }
    table.finish()
}
