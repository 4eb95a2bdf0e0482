//! When: lag tables of many rules, due lists, purchase cycles, retention.

use basketry_core::histories::Histories;
use basketry_core::lags as core;
use pyo3::prelude::*;

use crate::columns::{self, Columns, Table, id_lists};
use crate::ledger::Ledger;
use crate::run::{Reins, run};
use crate::sequences::histories_of;

/// Antecedent and consequent, as codes.
type Rule = (Vec<u32>, Vec<u32>);

/// What to follow: rules as pairs of lists of codes, or else all ordered pairs of at least so many events.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct LagOptions {
    rules: Option<Vec<Rule>>,
    min_events: u64,
    horizon: u32,
    before: Option<i64>,
    seed: u64,
}

/// Lag tables of many rules: the rules, their weeks, their peaks.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn lag_tables(
    py: Python<'_>,
    ledger: &Ledger,
    axis: &str,
    options: LagOptions,
    reins: Reins<'_>,
) -> PyResult<(Columns, Columns, Columns)> {
    let (tree, axis) = (ledger.0.clone(), axis.to_owned());
    let LagOptions { rules, min_events, horizon, before, seed } = options;
    let (rules, answers, labels) = run(py, &reins, move |control| {
        let (histories, labels) = histories_of(&tree, &axis, before, control)?;
        let rules = match rules {
            Some(rules) => rules,
            None => core::frequent_pairs(&histories, min_events, horizon, control)?
                .into_iter()
                .map(|(first, then)| (vec![first], vec![then]))
                .collect(),
        };
        let questions: Vec<_> =
            rules.iter().map(|(antecedent, consequent)| core::Question { antecedent, consequent }).collect();
        let answers = core::lag_tables(&histories, &questions, horizon, seed, control)?;
        Ok((rules, answers, labels))
    })?;
    let side = |of: fn(&Rule) -> &Vec<u32>| {
        let mut offsets = vec![0_i64];
        offsets.extend(rules.iter().scan(0, |end, rule| {
            *end += of(rule).len() as i64;
            Some(*end)
        }));
        let codes: Vec<u32> = rules.iter().flat_map(|rule| of(rule).iter().copied()).collect();
        id_lists(&labels, offsets, &codes)
    };
    let numbers: Vec<u32> = (0..answers.len() as u32).collect();
    let followed = |answer: &core::TimeToNext| answer.followed as usize;
    let found = Table::default()
        .with("rule", numbers)
        .with("antecedent", side(|rule| &rule.0)?)
        .with("consequent", side(|rule| &rule.1)?)
        .with("customers", answers.iter().map(|answer| answer.customers).collect::<Vec<_>>())
        .with("p_value", answers.iter().map(|answer| answer.p_value).collect::<Vec<_>>())
        .with("q_value", answers.iter().map(|answer| answer.q_value).collect::<Vec<_>>())
        .finish()?;
    // A table ends where its follow-up ends.
    let weeks =
        || answers.iter().enumerate().flat_map(|(rule, a)| (0..followed(a)).map(move |week| (rule, week)));
    let share = |of: fn(&core::LifeTable) -> &Vec<f64>| {
        weeks().map(|(rule, week)| of(&answers[rule].table)[week]).collect::<Vec<_>>()
    };
    let count = |of: fn(&core::LifeTable) -> &Vec<u64>| {
        weeks().map(|(rule, week)| of(&answers[rule].table)[week]).collect::<Vec<_>>()
    };
    let table = Table::default()
        .with("rule", weeks().map(|(rule, _)| rule as u32).collect::<Vec<_>>())
        .with("week", weeks().map(|(_, week)| week as u32 + 1).collect::<Vec<_>>())
        .with("at_risk", count(|table| &table.at_risk))
        .with("events", count(|table| &table.events))
        .with("expected", share(|table| &table.expected))
        .with("hazard", share(|table| &table.hazard))
        .with("cumulative", share(|table| &table.cumulative))
        .with("low", share(|table| &table.low))
        .with("high", share(|table| &table.high))
        .finish()?;
    Ok((found, table, peaks(&answers)?))
}

fn peaks(answers: &[core::TimeToNext]) -> PyResult<Columns> {
    let peaks =
        || answers.iter().enumerate().flat_map(|(rule, a)| a.peaks.iter().map(move |peak| (rule, peak)));
    let number = |of: fn(&core::Peak) -> Option<f64>| peaks().map(|(_, peak)| of(peak)).collect::<Vec<_>>();
    let week = |of: fn(&core::Peak) -> u32| peaks().map(|(_, peak)| of(peak)).collect::<Vec<_>>();
    let kind = |peak: &core::Peak| match peak.kind {
        core::Kind::SincePurchase => "since purchase",
        core::Kind::Calendar => "calendar",
        core::Kind::NotEnoughData => "not enough data",
    };
    Table::default()
        .with("rule", peaks().map(|(rule, _)| rule as u32).collect::<Vec<_>>())
        .with("week", peaks().map(|(_, peak)| peak.week).collect::<Vec<_>>())
        .with("low", week(|peak| peak.low))
        .with("high", week(|peak| peak.high))
        .with("first", week(|peak| peak.window.0))
        .with("last", week(|peak| peak.window.1))
        .with("excess", number(|peak| peak.excess))
        .with("rate_ratio", number(|peak| peak.rate_ratio))
        .with("p_value", number(|peak| peak.p_value))
        .with("stability", number(|peak| peak.stability))
        .with("kind", peaks().map(|(_, peak)| Some(kind(peak).to_owned())).collect::<Vec<_>>())
        .finish()
}

/// A rule of the due list: its sides as codes, its curves by week, its peaks.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Clock {
    antecedent: Vec<u32>,
    consequent: Vec<u32>,
    cumulative: Vec<f64>,
    chance: Vec<f64>,
    peaks: Vec<(u32, u32)>,
}

/// What to list.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct DueLimits {
    before: i64,
    within_weeks: u32,
    min_lift: f64,
    peaks_only: bool,
    top: Option<u32>,
}

/// The open rules of every customer at an instant.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn due_list(
    py: Python<'_>,
    ledger: &Ledger,
    axis: &str,
    clocks: Vec<Clock>,
    limits: DueLimits,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let (tree, axis) = (ledger.0.clone(), axis.to_owned());
    let (found, worth, end_day) = run(py, &reins, move |control| {
        let axis = tree.axis(&axis)?;
        let histories = Histories::from_ledger(&tree, &axis, Some(limits.before), control)?;
        let amounts = core::mean_line_amounts(&tree, &axis, limits.before);
        let worth = |clock: &Clock| {
            let amount = |&item: &u32| amounts.as_ref().and_then(|of| of.get(item as usize)).copied();
            clock.consequent.iter().map(amount).sum::<Option<f64>>()
        };
        let worth: Vec<Option<f64>> = clocks.iter().map(worth).collect();
        let rules: Vec<_> = clocks
            .iter()
            .zip(&worth)
            .map(|(clock, worth)| core::Clock {
                question: core::Question { antecedent: &clock.antecedent, consequent: &clock.consequent },
                cumulative: &clock.cumulative,
                chance: &clock.chance,
                peaks: &clock.peaks,
                worth: worth.unwrap_or(1.0),
            })
            .collect();
        let limits = core::DueLimits {
            within_weeks: limits.within_weeks,
            min_lift: limits.min_lift,
            peaks_only: limits.peaks_only,
            top: limits.top,
        };
        let found = core::due_list(&histories, &rules, &limits, control)?;
        Ok((found, worth, histories.end_day()))
    })?;
    let customers: Vec<u32> = found.iter().map(|due| due.customer).collect();
    let value = |due: &core::Due| {
        worth[due.rule as usize].map(|worth| due.probability * worth / basketry_core::ledger::UNIT)
    };
    Table::default()
        .with("customer", columns::ids_of(ledger.0.customers(), &customers)?)
        .with("place", found.iter().map(|due| due.rule).collect::<Vec<_>>())
        .with("since", columns::days(found.iter().map(|due| due.index_day).collect()))
        .with(
            "weeks_since",
            found.iter().map(|due| f64::from(end_day - due.index_day) / 7.0).collect::<Vec<f64>>(),
        )
        .with("probability", found.iter().map(|due| due.probability).collect::<Vec<f64>>())
        .with("expected", found.iter().map(|due| due.expected).collect::<Vec<f64>>())
        .with("peak_from", columns::maybe_days(found.iter().map(|due| due.peak.map(|peak| peak.0)).collect()))
        .with("peak_to", columns::maybe_days(found.iter().map(|due| due.peak.map(|peak| peak.1)).collect()))
        .with("due", found.iter().map(|due| due.due).collect::<Vec<bool>>())
        .with("value", found.iter().map(value).collect::<Vec<_>>())
        .finish()
}

/// How every item of an axis is bought again.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn purchase_cycles(
    py: Python<'_>,
    ledger: &Ledger,
    axis: &str,
    horizon_days: u32,
    before: Option<i64>,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let (tree, axis) = (ledger.0.clone(), axis.to_owned());
    let (found, labels) = run(py, &reins, move |control| {
        let (histories, labels) = histories_of(&tree, &axis, before, control)?;
        Ok((core::cycles(&histories, horizon_days, control)?, labels))
    })?;
    let day = |of: fn(&core::Cycle) -> Option<u32>| found.iter().map(of).collect::<Vec<_>>();
    Table::default()
        .with("item", columns::all_ids(&labels)?)
        .with("customers", found.iter().map(|cycle| cycle.customers).collect::<Vec<_>>())
        .with("repeats", found.iter().map(|cycle| cycle.repeats).collect::<Vec<_>>())
        .with("expected", found.iter().map(|cycle| cycle.expected).collect::<Vec<f64>>())
        .with("again", found.iter().map(|cycle| cycle.again).collect::<Vec<f64>>())
        .with("early_days", day(|cycle| cycle.early_days))
        .with("median_days", day(|cycle| cycle.median_days))
        .with("median_low", day(|cycle| cycle.median_low))
        .with("median_high", day(|cycle| cycle.median_high))
        .finish()
}

/// What each customer bought so lately that he should wait for it. `wait_days` by code of the axis.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn just_bought(
    py: Python<'_>,
    ledger: &Ledger,
    axis: &str,
    wait_days: Vec<u32>,
    before: i64,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let (tree, axis) = (ledger.0.clone(), axis.to_owned());
    let (found, labels) = run(py, &reins, move |control| {
        let (histories, labels) = histories_of(&tree, &axis, Some(before), control)?;
        let found = core::just_bought(&histories, &wait_days);
        Ok((found.into_iter().map(|row| (row, wait_days[row.1 as usize])).collect::<Vec<_>>(), labels))
    })?;
    let customers: Vec<u32> = found.iter().map(|(row, _)| row.0).collect();
    let items: Vec<u32> = found.iter().map(|(row, _)| row.1).collect();
    Table::default()
        .with("customer", columns::ids_of(ledger.0.customers(), &customers)?)
        .with("item", columns::ids_of(&labels, &items)?)
        .with("bought", columns::days(found.iter().map(|(row, _)| row.2).collect()))
        .with("until", columns::days(found.iter().map(|(row, wait)| row.2 + *wait as i32).collect()))
        .finish()
}

/// The days from one order to the next, by group of customers (a code each; `u32::MAX` for none).
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
pub fn retention(
    py: Python<'_>,
    ledger: &Ledger,
    groups: Vec<u32>,
    n_groups: usize,
    before: i64,
    every: bool,
    reins: Reins<'_>,
) -> PyResult<Columns> {
    let tree = ledger.0.clone();
    let since = if every { core::Since::Every } else { core::Since::First };
    let found =
        run(py, &reins, move |control| core::retention(&tree, &groups, n_groups, before, since, control))?;
    let all = |of: fn(&core::Waiting) -> &Vec<u64>| found.iter().flat_map(of).copied().collect::<Vec<u64>>();
    let share =
        |of: fn(&core::Waiting) -> &Vec<f64>| found.iter().flat_map(of).copied().collect::<Vec<f64>>();
    let numbered = found.iter().enumerate().flat_map(|(group, w)| w.days.iter().map(move |_| group as u32));
    Table::default()
        .with("group", numbered.collect::<Vec<u32>>())
        .with("days", found.iter().flat_map(|waiting| waiting.days.iter().copied()).collect::<Vec<u32>>())
        .with("at_risk", all(|waiting| &waiting.at_risk))
        .with("events", all(|waiting| &waiting.events))
        .with("censored", all(|waiting| &waiting.censored))
        .with("returned", share(|waiting| &waiting.returned.cumulative))
        .with("low", share(|waiting| &waiting.returned.low))
        .with("high", share(|waiting| &waiting.returned.high))
        .finish()
}
