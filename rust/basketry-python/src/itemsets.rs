//! Baskets and itemsets for Python.

use std::sync::Arc;

use basketry_core::Result;
use basketry_core::baskets::{self, Baskets as Sets, Grain, Names, Origins};
use basketry_core::dictionary::Ids;
use basketry_core::itemsets;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3_arrow::PyRecordBatchReader;

use crate::columns::{
    self, Basketfuls, CodeLists, Columns, Filled, IdType, ScalarBuffer, Stand, Table, Value,
};
use crate::ledger::Ledger;
use crate::rules::Side;
use crate::run::{Reins, run};

/// Sets of items, and the ids that their codes stand for.
#[pyclass(frozen, module = "basketry._core")]
pub struct Baskets {
    pub sets: Arc<Sets>,
    pub ids: Ids,
    pub id_type: IdType,
    /// Whose they are and when they were bought, if they are a ledger's.
    pub origins: Arc<Origins>,
    /// Pairs of codes that no set holds together.
    conflicts: Vec<(u32, u32)>,
    /// What each item of each basket is worth.
    values: Arc<Vec<(String, Vec<i64>)>>,
}

/// What a basket is the set of items of.
pub fn grain_of(name: &str) -> Grain {
    match name {
        "day" => Grain::Day,
        "customer" => Grain::Customer,
        _ => Grain::Order,
    }
}

impl Baskets {
    pub fn options(&self, options: ItemsetOptions) -> itemsets::Options {
        itemsets::Options { conflicts: self.conflicts.clone(), ..options.into() }
    }
}

/// An id as Python gives it.
#[derive(FromPyObject)]
pub enum Id {
    Integer(i64),
    Text(String),
}

impl Id {
    /// The code of this id among sorted ids.
    pub fn among(&self, ids: &Ids) -> Option<u32> {
        match self {
            Self::Integer(id) => ids.find_integer(*id),
            Self::Text(id) => ids.find_text(id.as_bytes()),
        }
    }
}

#[pymethods]
impl Baskets {
    /// Makes baskets from the columns `basket`, `item` and some numbers of a stream; without `basket`, from lists of items. What the
    /// caller calls the column of baskets and those of numbers is told in errors.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn from_rows(
        py: Python<'_>,
        rows: PyRecordBatchReader,
        basket: String,
        values: Vec<String>,
        reins: Reins<'_>,
    ) -> PyResult<Self> {
        let rows = py.detach(|| Basketfuls::read(rows, &values))?;
        let id_type = rows.id_type();
        let names = Names { basket, values: values.clone() };
        let found = run(py, &reins, move |control| baskets::collect(&rows.rows(), &names, control))?;
        let values = values.into_iter().zip(found.values).collect();
        Ok(Self {
            sets: Arc::new(found.baskets),
            ids: found.ids,
            id_type,
            origins: Arc::default(),
            conflicts: Vec::new(),
            values: Arc::new(values),
        })
    }

    /// Makes baskets from a text with a basket a line.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn from_text(py: Python<'_>, text: PyBackedBytes, reins: Reins<'_>) -> PyResult<Self> {
        let (sets, ids) = run(py, &reins, move |control| baskets::parse(&text, control))?;
        Ok(Self {
            sets: Arc::new(sets),
            ids,
            id_type: IdType::default(),
            origins: Arc::default(),
            conflicts: Vec::new(),
            values: Arc::default(),
        })
    }

    /// The baskets of a ledger before an instant, by `order`, `day` or `customer`, on one or several axes of items.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn from_ledger(
        py: Python<'_>,
        ledger: &Ledger,
        grain: &str,
        levels: Vec<Vec<String>>,
        before: Option<i64>,
        values: Vec<String>,
        reins: Reins<'_>,
    ) -> PyResult<Self> {
        let (ledger, grain) = (ledger.0.clone(), grain_of(grain));
        let names = values.clone();
        let (sets, origins, values, axis) = run(py, &reins, move |control| {
            let axis = ledger.levels(&levels)?;
            let (sets, origins, values) = Sets::from_ledger(&ledger, grain, &axis, before, &values, control)?;
            Ok((sets, origins, values, axis))
        })?;
        let values = Arc::new(names.into_iter().zip(values).collect());
        Ok(Self {
            sets: Arc::new(sets),
            ids: axis.labels,
            id_type: IdType::default(),
            origins: Arc::new(origins),
            conflicts: axis.implied,
            values,
        })
    }

    /// The place of each basket's customer in the ledger, 2^32 - 1 without one; empty if the baskets are no ledger's.
    fn customers(&self) -> PyResult<Columns> {
        Table::default().with("customer", self.origins.customers.clone()).finish()
    }

    fn __len__(&self) -> usize {
        self.sets.len()
    }

    /// The code of each id, or None if no basket has it.
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn codes(&self, ids: Vec<Id>) -> Vec<Option<u32>> {
        ids.iter().map(|id| id.among(&self.ids)).collect()
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
            conflicts: Vec::new(),
        }
    }
}

/// Lengths, counts and supports are what remains when the lists of itemsets are written.
impl CodeLists for itemsets::Itemsets {
    type Rest = (ScalarBuffer<u32>, ScalarBuffer<u64>, ScalarBuffer<f64>);

    fn with<T: Value>(self, values: &[T]) -> Result<Filled<T, Self::Rest>> {
        let lists = self.lists(values)?;
        Ok((lists.offsets, lists.items, (lists.lengths, lists.counts, lists.supports)))
    }
}

/// Frequent itemsets by falling count: items, length, count, support and sums of values; with what is missing of them if a
/// part will do when the budget is met.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn frequent_itemsets(
    py: Python<'_>,
    baskets: &Baskets,
    options: ItemsetOptions,
    partial: bool,
    reins: Reins<'_>,
) -> PyResult<(Columns, Option<String>)> {
    let (sets, options, stand) =
        (&baskets.sets, baskets.options(options), Stand::for_ids(&baskets.ids, &baskets.id_type)?);
    let ((lists, (lengths, counts, supports)), sums, missing) = run(py, &reins, |control| {
        let (found, missing) = if partial {
            itemsets::mine_partial(sets, &options, control)?
        } else {
            (itemsets::mine(sets, &options, control)?, None)
        };
        let missing = missing.map(|missing| missing.to_string());
        if baskets.values.is_empty() {
            return Ok((stand.fill(found)?, Vec::new(), missing));
        }
        let codes: Vec<u32> = (0..sets.n_items() as u32).collect();
        let lists = found.lists(&codes)?;
        let sums = itemsets::sums(&lists.offsets, &lists.items, sets, &baskets.values, control)?;
        let (filled, ()) = stand.fill(Side(&lists.offsets, &lists.items))?;
        Ok(((filled, (lists.lengths, lists.counts, lists.supports)), sums, missing))
    })?;
    let table = Table::default()
        .with("itemset", lists.finish()?)
        .with("length", lengths)
        .with("count", counts)
        .with("support", supports);
    let with_sums = baskets.values.iter().zip(sums);
    let table = with_sums.fold(table, |table, ((name, _), sums)| table.with(name, columns::money(sums)));
    Ok((table.finish()?, missing))
}

/// The least count at which at most so many itemsets exist, and their number; None if there are more at any.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn support_for(
    py: Python<'_>,
    baskets: &Baskets,
    most: u64,
    options: ItemsetOptions,
    reins: Reins<'_>,
) -> PyResult<Option<(u64, u64)>> {
    let (sets, options) = (&baskets.sets, baskets.options(options));
    let fitting = run(py, &reins, |control| itemsets::support_for(sets, most, &options, control))?;
    Ok(fitting.map(|fitting| (fitting.min_count, fitting.sets)))
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
    let (sets, options) = (baskets.sets.clone(), baskets.options(options));
    let by_length = run(py, &reins, move |control| itemsets::count(&sets, &options, control))?;
    let lengths = (1..).zip(&by_length).filter(|&(_, &sets)| sets > 0);
    let (lengths, counts): (Vec<u32>, Vec<u64>) = lengths.map(|(length, &sets)| (length, sets)).unzip();
    Table::default().with("length", lengths).with("count", counts).finish()
}
