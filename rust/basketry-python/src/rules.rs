//! Association rules for Python: found, found in segments, and tested.

use basketry_core::Result;
use basketry_core::rules::{self as core, Sides, Test};
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatchReader;

use crate::columns::{self, CodeLists, Columns, Filled, IdLists, Stand, Table, Value};
use crate::itemsets::{Baskets, ItemsetOptions};
use crate::run::{Reins, run};

/// Which rules to make.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct RuleOptions {
    min_confidence: core::Fraction,
    min_lift: Option<core::Fraction>,
    min_improvement: Option<core::Fraction>,
    consequents: Option<Vec<u32>>,
    max_antecedent: Option<usize>,
    max_consequent: Option<usize>,
    redundant: bool,
    top: Option<usize>,
}

impl From<RuleOptions> for core::Options {
    fn from(options: RuleOptions) -> Self {
        Self {
            min_confidence: options.min_confidence,
            min_lift: options.min_lift,
            min_improvement: options.min_improvement,
            consequents: options.consequents,
            max_antecedent: options.max_antecedent,
            max_consequent: options.max_consequent,
            redundant: options.redundant,
            top: options.top,
        }
    }
}

/// One side of all rules.
pub struct Side<'a>(pub &'a [i64], pub &'a [u32]);

impl CodeLists for Side<'_> {
    type Rest = ();

    fn with<T: Value>(self, values: &[T]) -> Result<Filled<T, ()>> {
        Ok((self.0.to_vec().into(), self.1.iter().map(|&code| values[code as usize]).collect(), ()))
    }
}

/// Both sides of rules as lists of what stands for their items.
type Sidelists = (IdLists, IdLists);

fn lists(rules: &core::Rules, stand: &Stand) -> Result<Sidelists> {
    let (antecedents, ()) = stand.fill(Side(&rules.antecedent_offsets, &rules.antecedents))?;
    let (consequents, ()) = stand.fill(Side(&rules.consequent_offsets, &rules.consequents))?;
    Ok((antecedents, consequents))
}

fn table((antecedents, consequents): Sidelists, measures: core::Measures) -> PyResult<Table> {
    Ok(Table::default()
        .with("antecedent", antecedents.finish()?)
        .with("consequent", consequents.finish()?)
        .with("count", measures.count)
        .with("support", measures.support)
        .with("confidence", measures.confidence)
        .with("lift", measures.lift)
        .with("leverage", measures.leverage)
        .with("conviction", measures.conviction)
        .with("jaccard", measures.jaccard)
        .with("certainty", measures.certainty)
        .with("kulczynski", measures.kulczynski)
        .with("odds_ratio", measures.odds_ratio)
        .with("odds_ratio_low", measures.odds_ratio_low)
        .with("odds_ratio_high", measures.odds_ratio_high)
        .with("p_value", measures.p_value)
        .with("q_value", measures.q_value))
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
    let (sets, stand) = (baskets.sets.clone(), Stand::for_ids(&baskets.ids, &baskets.id_type)?);
    let (itemset_options, rule_options) = (baskets.options(itemset_options), rule_options.into());
    let (lists, measures) = run(py, &reins, move |control| {
        let mined = core::mine(&sets, &itemset_options, &rule_options, control)?;
        let rules = core::derive(&mined, &rule_options, control)?;
        Ok((lists(&rules, &stand)?, rules.measures))
    })?;
    table(lists, measures)?.finish()
}

/// Rules of the whole and of segments of its baskets, and their counts in every segment: `segments` has a code a basket, and
/// `least` the least count in the whole and in each segment.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn local_rules(
    py: Python<'_>,
    baskets: &Baskets,
    segments: PyRecordBatchReader,
    least: Vec<u64>,
    itemset_options: ItemsetOptions,
    rule_options: RuleOptions,
    reins: Reins<'_>,
) -> PyResult<(Columns, Columns)> {
    let (sets, stand) = (baskets.sets.clone(), Stand::for_ids(&baskets.ids, &baskets.id_type)?);
    let (itemset_options, rule_options) = (baskets.options(itemset_options), rule_options.into());
    let segments = py.detach(|| columns::codes(segments))?;
    let (lists, counted, local) = run(py, &reins, move |control| {
        let local = core::derive_within(&sets, &segments, &least, &itemset_options, &rule_options, control)?;
        let counted = counted(&local.counts, &local.baskets);
        Ok((lists(&local.rules, &stand)?, counted, local))
    })?;
    let outer = table(lists, local.rules.measures)?
        .with("heterogeneity_p", local.heterogeneity_p)
        .with("heterogeneity_q", local.heterogeneity_q)
        .finish()?;
    Ok((outer, counted.finish()?))
}

/// Counts of rules in groups of baskets, rule by rule.
fn counted(counts: &[core::Triple], baskets: &[u64]) -> Table {
    let count = |which: usize| counts.iter().map(|counts| counts[which]).collect::<Vec<u32>>();
    Table::default()
        .with("count", count(0))
        .with("antecedent_count", count(1))
        .with("consequent_count", count(2))
        .with("baskets", baskets.repeat(counts.len() / baskets.len().max(1)))
}

/// What rules are tested on: the first day of the later period, and how many days are compared with each other.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Trial {
    later: Option<i32>,
    period: i32,
}

/// Tests rules inside customers and inside periods, before and after a day.
///
/// `strata` has a code a customer, by which periods are told apart. Answers the counts of the rules, a row for each rule and stretch
/// of time, the later period being the last; then, for the time before and for the later, what customers say and what periods say.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn test_rules(
    py: Python<'_>,
    baskets: &Baskets,
    rules: Vec<(Vec<u32>, Vec<u32>)>,
    strata: Option<PyRecordBatchReader>,
    trial: Trial,
    reins: Reins<'_>,
) -> PyResult<Vec<Columns>> {
    let (sets, origins) = (baskets.sets.clone(), baskets.origins.clone());
    let strata = strata.map(|strata| py.detach(|| columns::codes(strata))).transpose()?;
    let tables = run(py, &reins, move |control| {
        let sides = |(antecedent, consequent)| Sides { antecedent, consequent };
        let rules: Vec<Sides> = rules.into_iter().map(sides).collect();
        let Trial { later, period } = trial;
        let trial = core::Trial { origins: &origins, strata: strata.as_deref(), period, later };
        let found = core::validate(&sets, &rules, &trial, control)?;
        let tables = std::iter::once(counted(&found.counts, &found.baskets));
        Ok(tables.chain(found.tests.iter().map(|tests| columns_of(tests))).collect::<Vec<_>>())
    })?;
    tables.into_iter().map(Table::finish).collect()
}

fn columns_of(tests: &[Test]) -> Table {
    let column = |of: fn(&Test) -> f64| tests.iter().map(of).collect::<Vec<f64>>();
    Table::default()
        .with("count", tests.iter().map(|test| test.count).collect::<Vec<u64>>())
        .with("expected", column(|test| test.expected))
        .with("odds_ratio", column(|test| test.odds_ratio))
        .with("low", column(|test| test.low))
        .with("high", column(|test| test.high))
        .with("p_value", column(|test| test.p_value))
        .with("enough", tests.iter().map(|test| test.enough).collect::<Vec<bool>>())
}
