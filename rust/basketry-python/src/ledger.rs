//! The ledger for Python: building it from streams, looking at it, saving it.

use std::sync::{Arc, Mutex, PoisonError};

use basketry_core::dictionary::NONE;
use basketry_core::ledger as core;
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatchReader;

use crate::columns::{self, Batch, Columns, Table};
use crate::errors;
use crate::run::{Reins, run};

/// A shop's transactions as a tree in flat columns.
#[pyclass(frozen, module = "basketry._core")]
pub struct Ledger(pub Arc<core::Ledger>);

/// Which rows are kept.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[expect(clippy::struct_excessive_bools, reason = "each is one question to the owner of the data")]
pub struct Policy {
    keep_guests: bool,
    keep_returns: bool,
    keep_zero_prices: bool,
    keep_negative_prices: bool,
    keep_duplicates: bool,
    until: Option<i64>,
}

impl From<Policy> for core::Policy {
    fn from(policy: Policy) -> Self {
        Self {
            keep_guests: policy.keep_guests,
            keep_returns: policy.keep_returns,
            keep_zero_prices: policy.keep_zero_prices,
            keep_negative_prices: policy.keep_negative_prices,
            keep_duplicates: policy.keep_duplicates,
            until: policy.until,
        }
    }
}

/// Takes canonical columns in batches and makes a ledger of them.
#[pyclass(frozen, module = "basketry._core")]
pub struct LedgerBuilder {
    measures: Vec<String>,
    policy: core::Policy,
    builder: Mutex<Option<core::Builder>>,
}

impl LedgerBuilder {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<core::Builder>> {
        self.builder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl LedgerBuilder {
    #[new]
    fn new(measures: Vec<String>, policy: Policy) -> Self {
        Self { measures, policy: policy.into(), builder: Mutex::new(None) }
    }

    /// Takes the rows of one more stream; its first batch decides which columns the ledger has.
    fn push(&self, py: Python<'_>, rows: PyRecordBatchReader) -> PyResult<()> {
        py.detach(|| {
            columns::for_each_batch(rows, |batch| {
                let mut builder = self.lock();
                let builder = builder.get_or_insert_with(|| {
                    let shape = columns::shape_of(&batch.schema(), self.measures.clone());
                    core::Builder::new(shape, self.policy)
                });
                let batch = Batch::new(batch, &self.measures)?;
                batch.rows(|rows| builder.push(rows)).map_err(|error| errors::to_python(&error))
            })
        })
    }

    /// Ends the stream.
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn finish(
        &self,
        py: Python<'_>,
        zone: (String, Vec<i64>, Vec<i32>),
        reins: Reins<'_>,
    ) -> PyResult<(Ledger, Account)> {
        let builder = self.lock().take().unwrap_or_else(|| {
            core::Builder::new(
                core::Shape { measures: self.measures.clone(), ..core::Shape::default() },
                self.policy,
            )
        });
        let (name, starts, offsets) = zone;
        let (ledger, account) = run(py, &reins, move |control| {
            let zone = core::Zone::new(&name, starts, offsets)?;
            builder.finish(zone, control)
        })?;
        Ok((Ledger(Arc::new(ledger)), Account(account)))
    }
}

/// Where every row went.
#[pyclass(frozen, module = "basketry._core")]
pub struct Account(core::Account);

#[pymethods]
impl Account {
    /// Rows, first row and amount of each reason by number; 0 stands for the rows in the ledger.
    fn reasons(&self) -> PyResult<Columns> {
        let account = &self.0;
        let first = account.first_row.iter().map(|row| row.map(|row| row as i64)).collect::<Vec<_>>();
        // Ten-thousandths of all rows need more than 64 bits; their units fit a double to the last digit shown.
        let amounts = account.amounts.iter().map(|&amount| amount as f64 / core::UNIT).collect::<Vec<_>>();
        Table::default()
            .with("reason", (0..account.rows.len() as u32).collect::<Vec<_>>())
            .with("rows", account.rows.clone())
            .with("first_row", first)
            .with("amount", amounts)
            .finish()
    }

    /// Rows in the ledger that are worth a word: guests, returns, zero prices, without an item, repeats of another.
    fn noted(&self) -> (u64, u64, u64, u64, u64) {
        let account = &self.0;
        (account.guests, account.returns, account.zero_prices, account.no_item, account.duplicates)
    }
}

#[pymethods]
impl Ledger {
    #[getter]
    fn n_customers(&self) -> usize {
        self.0.n_customers()
    }

    /// For each customer whether he has an order before an instant.
    pub fn known(&self, before: i64) -> Vec<bool> {
        (0..self.0.n_customers()).map(|customer| !self.0.orders_before(customer, before).is_empty()).collect()
    }

    #[getter]
    fn n_orders(&self) -> usize {
        self.0.n_orders()
    }

    #[getter]
    fn n_guest_orders(&self) -> usize {
        self.0.guest_orders().len()
    }

    #[getter]
    fn n_lines(&self) -> usize {
        self.0.n_lines()
    }

    #[getter]
    fn n_items(&self) -> usize {
        self.0.items().len()
    }

    /// The first and the last instant, in microseconds UTC.
    #[getter]
    fn span(&self) -> Option<(i64, i64)> {
        self.0.span()
    }

    #[getter]
    fn zone(&self) -> &str {
        self.0.zone().name()
    }

    #[getter]
    fn measures(&self) -> Vec<String> {
        self.0.measure_names().map(str::to_owned).collect()
    }

    #[getter]
    fn has_items(&self) -> bool {
        self.0.line_items().is_some()
    }

    #[getter]
    fn has_orders(&self) -> bool {
        self.0.order_ids().is_some()
    }

    /// The names of the attributes of items and of customers.
    #[getter]
    fn attributes(&self) -> (Vec<String>, Vec<String>) {
        let names = |attributes: &[core::Attribute]| attributes.iter().map(|one| one.name.clone()).collect();
        (names(self.0.item_attributes()), names(self.0.customer_attributes()))
    }

    /// Ids and attributes of all customers.
    fn customers(&self) -> PyResult<Columns> {
        entries("customer", self.0.customers(), self.0.customer_attributes())
    }

    /// Ids and attributes of all items.
    fn items(&self) -> PyResult<Columns> {
        entries("item", self.0.items(), self.0.item_attributes())
    }

    /// All orders: customer, id, time, local day, lines, quantity bought, gross and net value, whether it is a purchase.
    fn orders(&self) -> PyResult<Columns> {
        let ledger = &self.0;
        let (sign, amounts, quantities) =
            (ledger.sign(), ledger.measure("amount"), ledger.measure("quantity"));
        let orders: Vec<usize> = ledger.all_orders().collect();
        let sum = |values: Option<&[i64]>, order: usize, bought_only: bool| {
            let values = values?;
            let counts = |line: &usize| !bought_only || sign.is_none_or(|sign| sign[*line] >= 0);
            Some(
                ledger.lines_of(order).filter(counts).map(|line| i128::from(values[line])).sum::<i128>()
                    as f64
                    / core::UNIT,
            )
        };
        let times: Vec<i64> = orders.iter().map(|&order| ledger.order_times()[order]).collect();
        let days: Vec<i32> = times.iter().map(|&time| ledger.zone().day(time)).collect();
        let mut table =
            Table::default().with("customer", columns::ids_of(ledger.customers(), &order_customers(ledger))?);
        if let Some(ids) = ledger.order_ids() {
            let codes: Vec<u32> = orders.iter().map(|&order| order as u32).collect();
            table = table.with("order", columns::ids_of(ids, &codes)?);
        }
        table
            .with("time", columns::instants(times))
            .with("day", columns::days(days))
            .with(
                "lines",
                orders.iter().map(|&order| ledger.lines_of(order).len() as u32).collect::<Vec<_>>(),
            )
            .with("quantity", orders.iter().map(|&order| sum(quantities, order, true)).collect::<Vec<_>>())
            .with("gross", orders.iter().map(|&order| sum(amounts, order, true)).collect::<Vec<_>>())
            .with("net", orders.iter().map(|&order| sum(amounts, order, false)).collect::<Vec<_>>())
            .with(
                "purchase",
                orders.iter().map(|&order| ledger.is_purchase(sign, order)).collect::<Vec<bool>>(),
            )
            .finish()
    }

    /// All lines: customer, order, time, item and the measures in units.
    fn lines(&self) -> PyResult<Columns> {
        let ledger = &self.0;
        let mut lines = Vec::with_capacity(ledger.n_lines());
        let (mut customers, mut orders, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for (order, &customer) in ledger.all_orders().zip(&order_customers(ledger)) {
            lines.extend(ledger.lines_of(order));
            customers.resize(lines.len(), customer);
            orders.resize(lines.len(), order as u32);
            times.resize(lines.len(), ledger.order_times()[order]);
        }
        let mut table = Table::default().with("customer", columns::ids_of(ledger.customers(), &customers)?);
        if let Some(ids) = ledger.order_ids() {
            table = table.with("order", columns::ids_of(ids, &orders)?);
        }
        table = table.with("time", columns::instants(times));
        if let Some(items) = ledger.line_items() {
            let codes: Vec<u32> = lines.iter().map(|&line| items[line]).collect();
            table = table.with("item", columns::ids_of(ledger.items(), &codes)?);
        }
        for name in ledger.measure_names() {
            let values = ledger.measure(name).unwrap_or_default();
            table = table.with(name, columns::units(lines.iter().map(|&line| values[line])));
        }
        table.finish()
    }

    /// The same ledger with attributes: a frame with the labels of the items and one of the customers, in the order of
    /// their codes, one column an attribute.
    fn with_attributes(
        &self,
        py: Python<'_>,
        items: PyRecordBatchReader,
        customers: PyRecordBatchReader,
    ) -> PyResult<Self> {
        py.detach(|| {
            let (items, customers) = (columns::attributes(items)?, columns::attributes(customers)?);
            let mut ledger = self.0.as_ref().clone();
            ledger.set_attributes(items, customers).map_err(|error| errors::to_python(&error))?;
            Ok(Self(Arc::new(ledger)))
        })
    }

    /// A range of customers as a ledger of its own.
    fn slice(&self, start: usize, end: usize) -> Self {
        let end = end.min(self.0.n_customers());
        Self(Arc::new(self.0.slice(start.min(end)..end)))
    }

    /// The ledger of the rows of both.
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn merge(&self, py: Python<'_>, other: &Self, reins: Reins<'_>) -> PyResult<Self> {
        let (one, other) = (self.0.clone(), other.0.clone());
        run(py, &reins, move |control| one.merge(&other, control)).map(|ledger| Self(Arc::new(ledger)))
    }

    /// Writes the ledger to a file, with a text of the caller's beside it.
    fn save(&self, py: Python<'_>, path: &str, note: &str) -> PyResult<()> {
        py.detach(|| columns::write_parts(path, self.0.to_parts(), note))
    }

    /// A hash of all columns, the same for equal ledgers.
    fn fingerprint(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.fingerprint())
    }

    /// Maps a saved ledger; answers it with the text that was saved beside it.
    #[staticmethod]
    fn open(py: Python<'_>, path: &str) -> PyResult<(Self, String)> {
        py.detach(|| {
            let (parts, note) = columns::map_parts(path)?;
            let ledger = core::Ledger::from_parts(parts).map_err(|error| errors::from_file(path, &error))?;
            Ok((Self(Arc::new(ledger)), note))
        })
    }
}

fn entries(
    name: &str,
    ids: &basketry_core::dictionary::Ids,
    attributes: &[core::Attribute],
) -> PyResult<Columns> {
    let mut table = Table::default().with(name, columns::all_ids(ids)?);
    for attribute in attributes {
        table = table.with(&attribute.name, columns::ids_of(&attribute.labels, &attribute.codes)?);
    }
    table.finish()
}

/// The customer's code of every order, [`NONE`] for a guest's.
fn order_customers(ledger: &core::Ledger) -> Vec<u32> {
    let mut codes = Vec::with_capacity(ledger.n_orders());
    for customer in 0..ledger.n_customers() {
        codes.resize(codes.len() + ledger.orders_of(customer).len(), customer as u32);
    }
    codes.resize(ledger.n_orders(), NONE);
    codes
}
