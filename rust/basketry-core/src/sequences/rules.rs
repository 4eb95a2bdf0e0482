//! Sequential rules: who bought all of X goes on to buy all of Y.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::log::Log;
use super::windows::{Anywhere, Extend, Within, customers_of};
use super::{Constraints, fit, frequent_items, numbers};
use crate::chance::{Fisher, false_discovery};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::histories::Histories;

/// How far apart the events of one match may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The whole match lies within so many consecutive events of the customer.
    Events(u32),
    /// The last event is at most so many days after the first.
    Days(u32),
}

/// What rules to find.
#[derive(Debug, Clone, Copy)]
pub struct RuleLimits {
    /// The fewest customers of a rule.
    pub min_count: u64,
    /// The smallest confidence, as numerator and denominator, so that the comparison is exact.
    pub min_confidence: (u64, u64),
    /// The most items on the left; `None` for any number.
    pub max_antecedent: Option<u32>,
    /// The most items on the right; `None` for any number.
    pub max_consequent: Option<u32>,
    /// The window of a match; `None` for the whole history.
    pub window: Option<Window>,
}

/// Sequential rules in flat columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SequenceRules {
    /// Where the left items of each rule begin.
    pub antecedent_offsets: Vec<i64>,
    /// The left items, ascending.
    pub antecedents: Vec<u32>,
    /// Where the right items of each rule begin.
    pub consequent_offsets: Vec<i64>,
    /// The right items, ascending.
    pub consequents: Vec<u32>,
    /// Customers with all of X before all of Y.
    pub counts: Vec<u64>,
    /// Customers with all of X; within the window, if there is one.
    pub antecedent_counts: Vec<u64>,
    /// Customers with all of Y.
    pub consequent_counts: Vec<u64>,
    /// The chance of so many customers with both X and Y, if the two had nothing to do with each other.
    pub p_values: Vec<f64>,
    /// The same after correction for all rules that reach the minimal count, those of too small a confidence among them.
    pub q_values: Vec<f64>,
    /// The median over the customers of the days from X complete to Y complete, at the first match of each.
    pub median_gap_days: Vec<f64>,
}

impl SequenceRules {
    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The left and the right items of a rule.
    pub fn sides_of(&self, rule: usize) -> (&[u32], &[u32]) {
        let side = |offsets: &[i64]| offsets[rule] as usize..offsets[rule + 1] as usize;
        (&self.antecedents[side(&self.antecedent_offsets)], &self.consequents[side(&self.consequent_offsets)])
    }
}

/// Finds the rules X ==> Y: the items of X, in any order, all on earlier days than all items of Y. X and Y share no item.
///
/// The count of a rule is the number of customers with such a match, its confidence that count over the customers with all of
/// X. With a window these are the customers with all of X within one window: who bought the items of X far apart never had the
/// chance of a match. A match first completes X as early as can be (within a window: as early as a match allows) and then Y; the gap runs from
/// the one day to the other, so for one item on each side from the first x to the first later y. The p-value takes no account
/// of order: chance gets credit for the customers who have Y before X, too, so it is too large rather than too small. The
/// q-value is corrected for all rules that reach `min_count` within the limits on sides and window, whatever their confidence:
/// all of these are tested, and what `min_confidence` leaves out of the result stays in the correction.
///
/// Rules come by falling confidence, then falling count, then by their left and right items.
///
/// # Errors
/// [`Error::Parameter`] for limits of 0, [`Error::Capacity`] when the result passes the budget, with a count that would fit,
/// [`Error::Interrupted`] on request.
///
/// # Examples
/// ```
/// use basketry_core::{Control, histories::Histories, sequences::{RuleLimits, rules}};
/// let log = Histories::from_rows([vec![(0, vec![0]), (9, vec![1])], vec![(3, vec![0])]], 10);
/// let limits =
///     RuleLimits { min_count: 1, min_confidence: (1, 2), max_antecedent: None, max_consequent: None, window: None };
/// let found = rules(&log, &limits, &Control::default())?;
/// assert_eq!(found.sides_of(0), ([0].as_slice(), [1].as_slice()));
/// assert_eq!((found.counts[0], found.antecedent_counts[0], found.median_gap_days[0]), (1, 2, 9.0));
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn rules(histories: &Histories, limits: &RuleLimits, control: &Control) -> Result<SequenceRules> {
    let at_least_one = Constraints {
        max_length: limits.max_antecedent,
        max_items: limits.max_consequent,
        ..Constraints::default()
    };
    at_least_one.check()?;
    if limits.window.is_some_and(|window| matches!(window, Window::Events(0 | 1) | Window::Days(0))) {
        let expected = "X and Y are on different days, so it needs at least 2 events or 1 day";
        return Err(Error::Parameter { name: "window", value: "too short".into(), expected });
    }
    find(histories, limits, control).map_err(|refused| {
        let Error::Capacity(mut exhausted) = refused else { return refused };
        let count = |min_count: u64, _: Option<u32>, control: &Control| {
            find(histories, &RuleLimits { min_count, ..*limits }, control).map(|found| found.len())
        };
        let fits = (exhausted.limit != "seconds")
            .then(|| fit::support(limits.min_count, histories.len() as u64, None, &count, control))
            .flatten();
        exhausted.mend = fits.unwrap_or_else(|| HINT.to_owned());
        Error::Capacity(exhausted)
    })
}

/// What is said when no count that would fit was found in time.
const HINT: &str = "limit max_antecedent and max_consequent, or raise the minimum support or the budget";

/// The search of [`rules`], whose refusals do not say yet what would fit.
fn find(histories: &Histories, limits: &RuleLimits, control: &Control) -> Result<SequenceRules> {
    let everyone: Vec<usize> = (0..histories.len()).collect();
    let (codes, _) = frequent_items(histories, &everyone, &[], limits.min_count)?;
    let log = Log::new(histories, &everyone, &numbers(&codes, histories.n_items()));
    let holders = customers_of(&log, codes.len());
    let chance = Fisher::new(histories.len() as u64);
    let found = match limits.window {
        None => search(&Anywhere::new(&log, codes.len()), &log, &holders, &chance, limits, control)?,
        Some(window) => search(&Within::new(&log, window), &log, &holders, &chance, limits, control)?,
    };
    Ok(table(&found, &codes))
}

/// One rule with what was counted for it.
struct Rule {
    antecedent: Vec<u32>,
    consequent: Vec<u32>,
    count: u32,
    antecedent_count: u32,
    consequent_count: u32,
    median_gap: f64,
    /// Its place among all that were tested.
    test: usize,
}

/// The rules of sufficient confidence, and the p-values of all.
#[derive(Default)]
struct Tested {
    rules: Vec<Rule>,
    p_values: Vec<f64>,
}

fn search<E: Extend>(
    frame: &E,
    log: &Log,
    holders: &[Vec<u32>],
    chance: &Fisher,
    limits: &RuleLimits,
    control: &Control,
) -> Result<Tested> {
    control.expect(holders.len() as u64);
    let parts: Vec<Tested> = (0..holders.len() as u32)
        .into_par_iter()
        .with_max_len(1)
        .map(|item| {
            let mut miner = Miner {
                frame,
                log,
                holders,
                chance,
                limits,
                control,
                antecedent: vec![item],
                consequent: Vec::new(),
                counts: Default::default(),
                slots: vec![(u32::MAX, 0); holders.len()],
                found: Tested::default(),
            };
            miner.expand(&frame.begin(log, item), true, true)?;
            control.advance(1);
            Ok(miner.found)
        })
        .collect::<Result<_>>()?;
    let mut all = Tested::default();
    for part in parts {
        let before = all.p_values.len();
        all.rules.extend(part.rules.into_iter().map(|rule| Rule { test: before + rule.test, ..rule }));
        all.p_values.extend(part.p_values);
    }
    Ok(all)
}

/// The search for all rules whose smallest left item is one given item.
///
/// The right side grows first and then the left, each by ever larger items, so that every rule is met once.
struct Miner<'a, E: Extend> {
    frame: &'a E,
    log: &'a Log,
    holders: &'a [Vec<u32>],
    chance: &'a Fisher,
    limits: &'a RuleLimits,
    control: &'a Control,
    antecedent: Vec<u32>,
    consequent: Vec<u32>,
    /// Customers with all items of a set, for the sets that were asked for: on whatever days, and near to each other.
    counts: [FxHashMap<Vec<u32>, u32>; 2],
    /// For each item the last customer met and the customers counted.
    slots: Vec<(u32, u32)>,
    found: Tested,
}

impl<E: Extend> Miner<'_, E> {
    fn expand(&mut self, matches: &[E::Match], right: bool, left: bool) -> Result<()> {
        self.control.check()?;
        let fits = |limit: Option<u32>, side: &[u32]| limit.is_none_or(|most| (side.len() as u32) < most);
        if right && fits(self.limits.max_consequent, &self.consequent) {
            for (item, count, extended) in self.extensions(matches, true) {
                self.consequent.push(item);
                self.note(count, &extended)?;
                self.expand(&extended, true, true)?;
                self.consequent.pop();
            }
        }
        if left && !self.consequent.is_empty() && fits(self.limits.max_antecedent, &self.antecedent) {
            for (item, count, extended) in self.extensions(matches, false) {
                self.antecedent.push(item);
                self.note(count, &extended)?;
                self.expand(&extended, false, true)?;
                self.antecedent.pop();
            }
        }
        Ok(())
    }

    /// The items that one side can take in, each with its customers and matches.
    fn extensions(&mut self, matches: &[E::Match], right: bool) -> Vec<(u32, u32, Vec<E::Match>)> {
        let grown = if right { &self.consequent } else { &self.antecedent };
        let above = grown.last().map_or(0, |&item| item + 1);
        let mut extended = Vec::new();
        for &from in matches {
            let mut tell = |item: u32, to: E::Match| {
                if item >= above && !self.antecedent.contains(&item) && !self.consequent.contains(&item) {
                    extended.push((item, to));
                }
            };
            if right {
                self.frame.right(self.log, from, &mut tell);
            } else {
                self.frame.left(self.log, from, &mut tell);
            }
        }
        // Customers stay in order inside an item, because the sort is stable.
        for &(item, to) in &extended {
            let slot = &mut self.slots[item as usize];
            let customer = self.frame.customer(self.log, to);
            if std::mem::replace(&mut slot.0, customer) != customer {
                slot.1 += 1;
            }
        }
        let slots = &self.slots;
        let frequent = |item: u32| u64::from(slots[item as usize].1) >= self.limits.min_count;
        let mut kept: Vec<(u32, E::Match)> =
            extended.iter().copied().filter(|&(item, _)| frequent(item)).collect();
        kept.sort_by_key(|&(item, _)| item);
        let groups = kept
            .chunk_by(|a, b| a.0 == b.0)
            .map(|group| {
                (group[0].0, slots[group[0].0 as usize].1, group.iter().map(|&(_, to)| to).collect())
            })
            .collect();
        for (item, _) in extended {
            self.slots[item as usize] = (u32::MAX, 0);
        }
        groups
    }

    /// Tests the rule at hand, and keeps it if its confidence is enough.
    fn note(&mut self, count: u32, matches: &[E::Match]) -> Result<()> {
        let antecedent_count = self.holders_of(&self.antecedent.clone(), true);
        let consequent_count = self.holders_of(&self.consequent.clone(), false);
        self.control.book(0, size_of::<f64>() as u64)?;
        let [both, one, other] = [count, antecedent_count, consequent_count].map(u64::from);
        let test = self.found.p_values.len();
        self.found.p_values.push(self.chance.at_least(both, one, other));
        let (numerator, denominator) = self.limits.min_confidence;
        if u128::from(count) * u128::from(denominator) < u128::from(antecedent_count) * u128::from(numerator)
        {
            return Ok(());
        }
        self.control.book(1, 4 * (self.antecedent.len() + self.consequent.len()) as u64 + 80)?;
        let mut gaps: Vec<i32> = matches
            .chunk_by(|&a, &b| self.frame.customer(self.log, a) == self.frame.customer(self.log, b))
            .map(|group| {
                group.iter().map(|&m| self.frame.gap(self.log, m, &self.consequent)).min_by_key(|&(b, _)| b)
            })
            .filter_map(|first| first.map(|(_, gap)| gap))
            .collect();
        gaps.sort_unstable();
        let middle = gaps.len() / 2;
        let median_gap = f64::midpoint(f64::from(gaps[(gaps.len() - 1) / 2]), f64::from(gaps[middle]));
        self.found.rules.push(Rule {
            antecedent: self.antecedent.clone(),
            consequent: self.consequent.clone(),
            count,
            antecedent_count,
            consequent_count,
            median_gap,
            test,
        });
        Ok(())
    }

    /// How many customers have all of `items`, on whatever days or as near to each other as X must be.
    fn holders_of(&mut self, items: &[u32], near: bool) -> u32 {
        if let [item] = items {
            return self.holders[*item as usize].len() as u32;
        }
        if let Some(&count) = self.counts[usize::from(near)].get(items) {
            return count;
        }
        let mut lists: Vec<&[u32]> =
            items.iter().map(|&item| self.holders[item as usize].as_slice()).collect();
        lists.sort_by_key(|list| list.len());
        let (fewest, others) = (lists[0], &lists[1..]);
        let all = |customer: &&u32| others.iter().all(|list| list.binary_search(customer).is_ok());
        let close = |customer: &&u32| !near || self.frame.near(self.log, **customer, items);
        let count = fewest.iter().filter(all).filter(close).count() as u32;
        self.counts[usize::from(near)].insert(items.to_vec(), count);
        count
    }
}

/// Sorts the rules, corrects for all that were tested and writes them as columns, with the caller's codes.
fn table(found: &Tested, codes: &[u32]) -> SequenceRules {
    let mut order: Vec<&Rule> = found.rules.iter().collect();
    // a / b against c / d as a * d against c * b: exact.
    let crossed = |one: &Rule, other: &Rule| u64::from(one.count) * u64::from(other.antecedent_count);
    order.sort_by(|a, b| {
        crossed(b, a)
            .cmp(&crossed(a, b))
            .then(b.count.cmp(&a.count))
            .then_with(|| a.antecedent.cmp(&b.antecedent))
            .then_with(|| a.consequent.cmp(&b.consequent))
    });
    let corrected = false_discovery(&found.p_values, found.p_values.len() as u64);
    let mut table = SequenceRules {
        antecedent_offsets: vec![0],
        consequent_offsets: vec![0],
        p_values: order.iter().map(|rule| found.p_values[rule.test]).collect(),
        q_values: order.iter().map(|rule| corrected[rule.test]).collect(),
        ..SequenceRules::default()
    };
    for rule in order {
        table.antecedents.extend(rule.antecedent.iter().map(|&item| codes[item as usize]));
        table.antecedent_offsets.push(table.antecedents.len() as i64);
        table.consequents.extend(rule.consequent.iter().map(|&item| codes[item as usize]));
        table.consequent_offsets.push(table.consequents.len() as i64);
        table.counts.push(u64::from(rule.count));
        table.antecedent_counts.push(u64::from(rule.antecedent_count));
        table.consequent_counts.push(u64::from(rule.consequent_count));
        table.median_gap_days.push(rule.median_gap);
    }
    table
}
