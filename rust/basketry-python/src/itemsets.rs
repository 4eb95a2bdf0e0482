//! Baskets and itemsets for Python.

use std::sync::{Arc, Mutex, PoisonError};

use basketry_core::baskets::{Baskets as Sets, Collector, Grain};
use basketry_core::dictionary::Ids;
use basketry_core::itemsets;
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatchReader;

use crate::columns::{self, CodeLists, Columns, ScalarBuffer, Stand, Table, Value};
use crate::errors;
use crate::ledger::Ledger;
use crate::run::{Reins, run};

/// Sets of items, and the ids that their codes stand for.
#[pyclass(frozen, module = "basketry._core")]
pub struct Baskets {
    pub sets: Arc<Sets>,
    pub ids: Ids,
    /// Whose they are, if they are a ledger's.
    customers: Vec<u32>,
}

/// What a basket is the set of items of.
pub fn grain_of(name: &str) -> Grain {
    match name {
        "day" => Grain::Day,
        "customer" => Grain::Customer,
        _ => Grain::Order,
    }
}

/// An id as Python gives it.
#[derive(FromPyObject)]
pub enum Id {
    Integer(i64),
    Text(String),
}

#[pymethods]
impl Baskets {
    /// Makes baskets from the columns `basket` and `item` of a stream.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn from_rows(py: Python<'_>, rows: PyRecordBatchReader, reins: Reins<'_>) -> PyResult<Self> {
        let collector = py.detach(|| {
            let collector = Mutex::new(Collector::default());
            columns::for_each_pair(rows, ["basket", "item"], |baskets, items| {
                let mut collector = collector.lock().unwrap_or_else(PoisonError::into_inner);
                collector.push(baskets, items).map_err(|error| errors::to_python(&error))
            })?;
            Ok::<_, PyErr>(collector.into_inner().unwrap_or_else(PoisonError::into_inner))
        })?;
        let (sets, ids) = run(py, &reins, move |control| collector.finish(control))?;
        Ok(Self { sets: Arc::new(sets), ids, customers: Vec::new() })
    }

    /// The baskets of a ledger before an instant, by `order`, `day` or `customer`, on an axis of items.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn from_ledger(
        py: Python<'_>,
        ledger: &Ledger,
        grain: &str,
        axis: &str,
        before: Option<i64>,
        reins: Reins<'_>,
    ) -> PyResult<Self> {
        let (ledger, grain) = (ledger.0.clone(), grain_of(grain));
        let (sets, ids, customers) = run(py, &reins, move |control| {
            let axis = ledger.axis(axis)?;
            let (sets, origins) = Sets::with_origins(&ledger, grain, &axis, before, control)?;
            Ok((sets, axis.labels, origins.customers))
        })?;
        Ok(Self { sets: Arc::new(sets), ids, customers })
    }

    /// The place of each basket's customer in the ledger, 2^32 - 1 without one; empty if the baskets are no ledger's.
    fn customers(&self) -> PyResult<Columns> {
        Table::default().with("customer", self.customers.clone()).finish()
    }

    fn __len__(&self) -> usize {
        self.sets.len()
    }

    /// The code of each id, or None if no basket has it.
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn codes(&self, ids: Vec<Id>) -> Vec<Option<u32>> {
        let code = |id: &Id| match id {
            Id::Integer(id) => self.ids.find_integer(*id),
            Id::Text(id) => self.ids.find_text(id.as_bytes()),
        };
        ids.iter().map(code).collect()
    }
}

/// What to look for.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct ItemsetOptions {
    min_count: u64,
    min_length: usize,
    max_length: Option<usize>,
    contains: Vec<u32>,
    excludes: Vec<u32>,
    kind: String,
    top: Option<usize>,
}

impl From<ItemsetOptions> for itemsets::Options {
    fn from(options: ItemsetOptions) -> Self {
        Self {
            min_count: options.min_count,
            min_length: options.min_length,
            max_length: options.max_length,
            contains: options.contains,
            excludes: options.excludes,
            kind: match options.kind.as_str() {
                "closed" => itemsets::Kind::Closed,
                "maximal" => itemsets::Kind::Maximal,
                _ => itemsets::Kind::All,
            },
            top: options.top,
        }
    }
}

/// Lengths, counts and supports are what remains when the lists of itemsets are written.
impl CodeLists for itemsets::Itemsets {
    type Rest = (ScalarBuffer<u32>, ScalarBuffer<u64>, ScalarBuffer<f64>);

    fn with<T: Value>(self, values: &[T]) -> (ScalarBuffer<i64>, ScalarBuffer<T>, Self::Rest) {
        let lists = self.lists(values);
        (lists.offsets, lists.items, (lists.lengths, lists.counts, lists.supports))
    }
}

/// Frequent itemsets by falling count: items, length, count.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn frequent_itemsets(
    py: Python<'_>,
    baskets: &Baskets,
    options: ItemsetOptions,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let (sets, options, stand) = (baskets.sets.clone(), options.into(), Stand::for_ids(&baskets.ids)?);
    let (lists, (lengths, counts, supports)) =
        run(py, &reins, move |control| Ok(stand.fill(itemsets::mine(&sets, &options, control)?)))?;
    Table::default()
        .with("itemset", lists.finish()?)
        .with("length", lengths)
        .with("count", counts)
        .with("support", supports)
        .finish()
}

/// How many frequent itemsets there are of each length.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn count_itemsets(
    py: Python<'_>,
    baskets: &Baskets,
    options: ItemsetOptions,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let (sets, options) = (baskets.sets.clone(), options.into());
    let by_length = run(py, &reins, move |control| itemsets::count(&sets, &options, control))?;
    let lengths = (1..).zip(&by_length).filter(|&(_, &sets)| sets > 0);
    let (lengths, counts): (Vec<u32>, Vec<u64>) = lengths.map(|(length, &sets)| (length, sets)).unzip();
    Table::default().with("length", lengths).with("count", counts).finish()
}
