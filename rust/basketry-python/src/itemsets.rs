//! Baskets, itemsets and rules for Python.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_buffer::ScalarBuffer;
use basketry_core::baskets::{Baskets as Sets, Collector, Grain};
use basketry_core::dictionary::Ids;
use basketry_core::{itemsets, rules};
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatchReader;

use crate::columns::{self, CodeLists, Columns, Stand, Table, Value};
use crate::errors;
use crate::ledger::Ledger;
use crate::run::{Reins, run};

/// Sets of items, and the ids that their codes stand for.
#[pyclass(frozen, module = "basketry._core")]
pub struct Baskets {
    sets: Arc<Sets>,
    ids: Ids,
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
        Ok(Self { sets: Arc::new(sets), ids })
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
        let grain = match grain {
            "day" => Grain::Day,
            "customer" => Grain::Customer,
            _ => Grain::Order,
        };
        let ledger = ledger.0.clone();
        let (sets, ids) = run(py, &reins, move |control| {
            let axis = ledger.axis(axis)?;
            Ok((Sets::from_ledger(&ledger, grain, &axis, before, control)?, axis.labels))
        })?;
        Ok(Self { sets: Arc::new(sets), ids })
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

/// Which rules to make.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct RuleOptions {
    min_confidence: (u64, u64),
    consequents: Option<Vec<u32>>,
    max_antecedent: Option<usize>,
    max_consequent: Option<usize>,
    redundant: bool,
}

impl From<RuleOptions> for rules::Options {
    fn from(options: RuleOptions) -> Self {
        Self {
            min_confidence: options.min_confidence,
            consequents: options.consequents,
            max_antecedent: options.max_antecedent,
            max_consequent: options.max_consequent,
            redundant: options.redundant,
        }
    }
}

/// One side of all rules.
struct Side<'a>(&'a [i64], &'a [u32]);

impl CodeLists for Side<'_> {
    type Rest = ();

    fn with<T: Value>(self, values: &[T]) -> (ScalarBuffer<i64>, ScalarBuffer<T>, ()) {
        (self.0.to_vec().into(), self.1.iter().map(|&code| values[code as usize]).collect(), ())
    }
}

/// Association rules by falling confidence, with their measures.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn association_rules(
    py: Python<'_>,
    baskets: &Baskets,
    itemset_options: ItemsetOptions,
    rule_options: RuleOptions,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let (sets, stand) = (baskets.sets.clone(), Stand::for_ids(&baskets.ids)?);
    let (itemset_options, rule_options) = (itemset_options.into(), rule_options.into());
    let rules = run(py, &reins, move |control| {
        rules::derive(&itemsets::mine(&sets, &itemset_options, control)?, &rule_options, control)
    })?;
    let side = |offsets, codes| stand.fill(Side(offsets, codes)).0.finish();
    let antecedents = side(&rules.antecedent_offsets, &rules.antecedents)?;
    let consequents = side(&rules.consequent_offsets, &rules.consequents)?;
    let measures = rules.measures;
    Table::default()
        .with("antecedent", antecedents)
        .with("consequent", consequents)
        .with("count", measures.count)
        .with("support", measures.support)
        .with("confidence", measures.confidence)
        .with("lift", measures.lift)
        .with("leverage", measures.leverage)
        .with("conviction", measures.conviction)
        .with("jaccard", measures.jaccard)
        .with("p_value", measures.p_value)
        .with("q_value", measures.q_value)
        .finish()
}
