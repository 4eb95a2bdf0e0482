//! Association rules for Python: found, found in segments, and tested.

use basketry_core::Result;
use basketry_core::baskets::Baskets as Sets;
use basketry_core::dictionary::NONE;
use basketry_core::itemsets;
use basketry_core::rules::{self as core, Sides, Test};
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatchReader;

use crate::columns::{self, CodeLists, Columns, Filled, Stand, Table, Value};
use crate::errors;
use crate::itemsets::{Baskets, ItemsetOptions, grain_of};
use crate::ledger::Ledger;
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

fn table(rules: core::Rules, stand: &Stand) -> PyResult<Table> {
    let side = |offsets, codes| {
        let (lists, ()) = stand.fill(Side(offsets, codes)).map_err(|error| errors::to_python(&error))?;
        lists.finish()
    };
    let antecedents = side(&rules.antecedent_offsets, &rules.antecedents)?;
    let consequents = side(&rules.consequent_offsets, &rules.consequents)?;
    let measures = rules.measures;
    Ok(Table::default()
        .with("antecedent", antecedents)
        .with("consequent", consequents)
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
    let rules = run(py, &reins, move |control| {
        core::derive(&itemsets::mine(&sets, &itemset_options, control)?, &rule_options, control)
    })?;
    table(rules, &stand)?.finish()
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
    let local = run(py, &reins, move |control| {
        core::derive_within(&sets, &segments, &least, &itemset_options, &rule_options, control)
    })?;
    let count = |which: usize| local.counts.iter().map(|counts| counts[which]).collect::<Vec<u32>>();
    let rules = local.rules.len();
    let inner = Table::default()
        .with("baskets", local.baskets.repeat(rules))
        .with("count", count(0))
        .with("antecedent_count", count(1))
        .with("consequent_count", count(2))
        .finish()?;
    let outer = table(local.rules, &stand)?
        .with("heterogeneity_p", local.heterogeneity_p)
        .with("heterogeneity_q", local.heterogeneity_q)
        .finish()?;
    Ok((outer, inner))
}

/// What rules are tested on, and how.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Trial {
    grain: String,
    axis: String,
    /// The first day of the later period.
    later: Option<i32>,
    /// How many days are compared with each other.
    period: i32,
}

/// How many stretches of equal length the time before the later period is cut into, to see how much lift moves.
const STRETCHES: i32 = 8;

/// Tests rules inside customers and inside periods, before and after a day.
///
/// `strata` has a code a customer, by which periods are told apart. Answers the counts of the rules, a row for each rule and stretch
/// of time, the later period being the last; then, for the time before and for the later, what customers say and what periods say.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn test_rules(
    py: Python<'_>,
    ledger: &Ledger,
    rules: Vec<(Vec<u32>, Vec<u32>)>,
    strata: Option<PyRecordBatchReader>,
    trial: Trial,
    reins: Reins<'_>,
) -> PyResult<Vec<Columns>> {
    let ledger = ledger.0.clone();
    let strata = strata.map(|strata| py.detach(|| columns::codes(strata))).transpose()?;
    let (counts, sizes, tests) = run(py, &reins, move |control| {
        let rules: Vec<Sides> =
            rules.into_iter().map(|(antecedent, consequent)| Sides { antecedent, consequent }).collect();
        let axis = ledger.axis(&trial.axis)?;
        let (sets, _, origins) =
            Sets::with_origins(&ledger, grain_of(&trial.grain), &axis, None, &[], control)?;
        let lists = core::Lists::new(&sets, &rules);
        let stretches = origins.stretches(STRETCHES, trial.later);
        let n_stretches = STRETCHES as usize + 1;
        let counts = lists.count(&rules, &stretches, n_stretches, control)?;
        let mut sizes = vec![0_u64; n_stretches];
        for &stretch in &stretches {
            sizes[stretch as usize] += 1;
        }
        let strata = core::Strata::new(&origins, strata.as_deref(), trial.period);
        let mut tests = Vec::new();
        for later in [false, true] {
            for strata in [&strata.customers, &strata.periods] {
                let of = |(&stratum, &stretch): (&u32, &u32)| {
                    if (stretch == STRETCHES as u32) == later { stratum } else { NONE }
                };
                let own: Vec<u32> = strata.iter().zip(&stretches).map(of).collect();
                tests.push(core::test(&sets, &lists, &rules, &own, control)?);
            }
        }
        Ok((counts, sizes, tests))
    })?;
    let count = |which: usize| counts.iter().map(|counts| counts[which]).collect::<Vec<u32>>();
    let counted = Table::default()
        .with("count", count(0))
        .with("antecedent_count", count(1))
        .with("consequent_count", count(2))
        .with("baskets", sizes.repeat(counts.len() / sizes.len()))
        .finish()?;
    let mut answer = vec![counted];
    for tests in &tests {
        answer.push(columns_of(tests)?);
    }
    Ok(answer)
}

fn columns_of(tests: &[Test]) -> PyResult<Columns> {
    let column = |of: fn(&Test) -> f64| tests.iter().map(of).collect::<Vec<f64>>();
    Table::default()
        .with("count", tests.iter().map(|test| test.count).collect::<Vec<u64>>())
        .with("expected", column(|test| test.expected))
        .with("odds_ratio", column(|test| test.odds_ratio))
        .with("low", column(|test| test.low))
        .with("high", column(|test| test.high))
        .with("p_value", column(|test| test.p_value))
        .with("enough", tests.iter().map(|test| test.enough).collect::<Vec<bool>>())
        .finish()
}
