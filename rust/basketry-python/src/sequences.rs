//! Sequences and sequential rules.

use basketry_core::dictionary::Ids;
use basketry_core::histories::Histories as View;
use basketry_core::sequences::{self as core, Partial};
use basketry_core::{Control, Result};
use pyo3::prelude::*;

use crate::columns::{self, Column, Columns, Table, id_lists, lists};
use crate::histories::Histories;
use crate::ledger::Ledger;
use crate::run::{Reins, run};

/// Limits on the shape of a sequence and on the times of a match.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Constraints {
    max_length: Option<u32>,
    max_items: Option<u32>,
    min_gap: Option<Distance>,
    max_gap: Option<Distance>,
    max_span: Option<Distance>,
}

/// A number of `days`, `months` or `events`.
type Distance = (u32, String);

fn distance((number, unit): Distance) -> core::Distance {
    match unit.as_str() {
        "months" => core::Distance::Months(number),
        "events" => core::Distance::Events(number),
        _ => core::Distance::Days(number),
    }
}

impl From<Constraints> for core::Constraints {
    fn from(limits: Constraints) -> Self {
        Self {
            max_length: limits.max_length,
            max_items: limits.max_items,
            min_gap: limits.min_gap.map(distance),
            max_gap: limits.max_gap.map(distance),
            max_span: limits.max_span.map(distance),
        }
    }
}

/// Which of the sequences are wanted.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Selection {
    top: Option<usize>,
    contains: Vec<u32>,
    excludes: Vec<u32>,
}

/// What rules to find. The window is in days, or in events if `window_events` is given.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct RuleLimits {
    min_count: u64,
    min_confidence: (u64, u64),
    max_antecedent: Option<u32>,
    max_consequent: Option<u32>,
    window_days: Option<u32>,
    window_events: Option<u32>,
}

impl From<RuleLimits> for core::RuleLimits {
    fn from(limits: RuleLimits) -> Self {
        let events = limits.window_events.map(core::Window::Events);
        Self {
            min_count: limits.min_count,
            min_confidence: limits.min_confidence,
            max_antecedent: limits.max_antecedent,
            max_consequent: limits.max_consequent,
            window: events.or(limits.window_days.map(core::Window::Days)),
        }
    }
}

/// What the customers of a ledger did before an instant on an item axis, and the ids of the items.
pub fn histories_of(
    tree: &basketry_core::ledger::Ledger,
    axis: &str,
    before: Option<i64>,
    control: &Control,
) -> Result<(View, Ids)> {
    let axis = tree.axis(axis)?;
    Ok((View::from_ledger(tree, &axis, before, control)?, axis.labels))
}

/// A column of sequences: lists of the lists of their events.
fn event_lists(labels: &Ids, found: core::Sequences) -> PyResult<Column> {
    Ok(lists(found.sequence_offsets, id_lists(labels, found.event_offsets, &found.items)?))
}

/// All values of an item axis, in the order of their codes.
#[pyfunction]
pub fn axis_labels(ledger: &Ledger, axis: &str) -> PyResult<Columns> {
    let axis = ledger.0.axis(axis).map_err(|error| crate::errors::to_python(&error))?;
    Table::default().with(ITEM, columns::all_ids(&axis.labels)?).finish()
}

const ITEM: &str = "item";

/// Frequent sequences: lists of item sets with the customers that support them. With `partial` those up to a number of items, if
/// all do not fit the budget: then this number, and why.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one per argument of the question")]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn frequent_sequences(
    py: Python<'_>,
    histories: &Histories,
    min_count: u64,
    kind: &str,
    constraints: Constraints,
    selection: Selection,
    partial: bool,
    reins: Reins<'_>,
) -> PyResult<(Columns, Option<(u32, String)>)> {
    let view = histories.view.clone();
    let constraints = constraints.into();
    let Selection { top, contains, excludes } = selection;
    let selection = core::Selection { top, contains, excludes, among: None };
    let kind = match kind {
        "closed" => core::Kind::Closed,
        "maximal" => core::Kind::Maximal,
        _ => core::Kind::All,
    };
    let Partial { sequences: found, cut } = run(py, &reins, move |control| {
        if partial {
            return core::partial(&view, min_count, &constraints, kind, &selection, control);
        }
        let sequences = core::select(&view, min_count, &constraints, kind, &selection, control)?;
        Ok(Partial { sequences, cut: None })
    })?;
    let lengths: Vec<u32> = found.sequence_offsets.windows(2).map(|at| (at[1] - at[0]) as u32).collect();
    let starts = found.sequence_offsets.iter().map(|&event| found.event_offsets[event as usize]);
    let starts: Vec<i64> = starts.collect();
    let items: Vec<u32> = starts.windows(2).map(|at| (at[1] - at[0]) as u32).collect();
    let events = id_lists(&histories.items, found.event_offsets, &found.items)?;
    let table = Table::default()
        .with("sequence", lists(found.sequence_offsets, events))
        .with("length", lengths)
        .with("items", items)
        .with("count", found.counts)
        .finish()?;
    Ok((table, cut.map(|(items, met)| (items, met.to_string()))))
}

/// The customers of one sequence, with the days of their first matches.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn sequence_matches(
    py: Python<'_>,
    histories: &Histories,
    sequence: Vec<Vec<u32>>,
    constraints: Constraints,
    without: Vec<u32>,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let view = histories.view.clone();
    let constraints = constraints.into();
    let found =
        run(py, &reins, move |control| core::matches(&view, &sequence, &constraints, &without, control))?;
    Table::default()
        .with("customer", columns::ids_of(&histories.customers, &found.customers)?)
        .with("days", lists(found.offsets, columns::days(found.days)))
        .finish()
}

/// Sequences that are frequent in two groups together, counted in each; and the sizes of the groups.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn contrast_sequences(
    py: Python<'_>,
    histories: &Histories,
    group_of: Vec<u32>,
    min_count: u64,
    constraints: Constraints,
    reins: Reins<'_>,
) -> PyResult<(Columns, [u64; 2])> {
    let view = histories.view.clone();
    let constraints = constraints.into();
    let (found, contrast) = run(py, &reins, move |control| {
        let among = Some(group_of.iter().map(|&group| group < 2).collect());
        let selection = core::Selection { among, ..core::Selection::default() };
        let found = core::select(&view, min_count, &constraints, core::Kind::All, &selection, control)?;
        let contrast = core::contrast(&view, &found, &constraints, &group_of, control)?;
        Ok((found, contrast))
    })?;
    let [first, second] = contrast.counts;
    let table = Table::default()
        .with("sequence", event_lists(&histories.items, found)?)
        .with("first_count", first)
        .with("second_count", second)
        .with("p_value", contrast.p_values)
        .with("q_value", contrast.q_values)
        .finish()?;
    Ok((table, contrast.sizes))
}

/// Sequential rules with what was counted for them.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn sequence_rules(
    py: Python<'_>,
    histories: &Histories,
    limits: RuleLimits,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    // Who comes later takes no part in what chance would do.
    let (known, labels) = (histories.of_known(), &histories.items);
    let limits = limits.into();
    let found = run(py, &reins, move |control| core::rules(&known(), &limits, control))?;
    Table::default()
        .with("antecedent", id_lists(labels, found.antecedent_offsets, &found.antecedents)?)
        .with("consequent", id_lists(labels, found.consequent_offsets, &found.consequents)?)
        .with("count", found.counts)
        .with("antecedent_count", found.antecedent_counts)
        .with("consequent_count", found.consequent_counts)
        .with("p_value", found.p_values)
        .with("q_value", found.q_values)
        .with("median_gap_days", found.median_gap_days)
        .finish()
}
