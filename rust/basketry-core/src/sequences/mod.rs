//! Sequences: sets of items that many customers buy one after the other.
//!
//! A pattern is a list of item sets. A customer supports it when its sets are parts of strictly later and later events of his;
//! other events may lie between. Support is the number of customers with at least one match, never the number of matches.

mod classes;
mod condense;
mod constraints;
mod fit;
mod grow;
mod keeper;
mod log;
mod matches;
mod months;
mod pairs;
mod rules;
mod spread;
#[cfg(test)]
mod tests;
mod windows;

use rayon::prelude::*;

use classes::{Classes, Spaces};
pub use condense::Kind;
pub use constraints::{Constraints, Distance};
use fit::Question;
pub use fit::{Partial, partial};
use grow::{Scratch, Search};
use keeper::Keeper;
use log::Log;
pub use matches::{Contrast, Matches, contrast, matches};
use pairs::{Pairs, Roots};
pub use rules::{RuleLimits, SequenceRules, Window, rules};

use crate::control::Control;
use crate::error::{Error, Result};
use crate::histories::Histories;

/// Marks an item that belongs to the same event as the item before. As the highest bit it also puts a sequence that goes on in a
/// new event before one that goes on in the same event, which is the order of lists of lists.
const IN_EVENT: u32 = 1 << 31;

/// Frequent sequences in flat columns, one after the other.
///
/// Sequence `i` has the events `sequence_offsets[i]..sequence_offsets[i + 1]`, event `e` the items
/// `items[event_offsets[e]..event_offsets[e + 1]]`, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sequences {
    /// Where the events of each sequence begin.
    pub sequence_offsets: Vec<i64>,
    /// Where the items of each event begin.
    pub event_offsets: Vec<i64>,
    /// The items of all events.
    pub items: Vec<u32>,
    /// The customers that support each sequence.
    pub counts: Vec<u64>,
}

impl Sequences {
    /// How many sequences there are.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The events of one sequence.
    pub fn events_of(&self, sequence: usize) -> impl ExactSizeIterator<Item = &[u32]> {
        let events = self.sequence_offsets[sequence] as usize..self.sequence_offsets[sequence + 1] as usize;
        events.map(|e| &self.items[self.event_offsets[e] as usize..self.event_offsets[e + 1] as usize])
    }
}

/// Finds the sequences that at least `min_count` customers support under the constraints: all, or those of a kind.
///
/// They come by falling count; equal counts in the order of their lists of events, item by item. The order does not depend
/// on the number of threads. Time grows with the events that follow the matches of all frequent sequences; memory is the log
/// without its infrequent items, and the result.
///
/// # Errors
/// [`Error::Parameter`] for a threshold of 0 or limits that nothing can meet, [`Error::Capacity`] when the result passes the
/// budget, [`Error::Interrupted`] on request.
///
/// # Examples
/// ```
/// use basketry_core::{Control, histories::Histories, sequences::{mine, Constraints, Distance, Kind}};
/// // Two customers who buy 0 and 1 together, then 2.
/// let log = Histories::from_rows([vec![(0, vec![0, 1]), (9, vec![2])], vec![(3, vec![0, 1]), (5, vec![2])]], 10);
/// let all = mine(&log, 2, &Constraints::default(), Kind::All, &Control::default())?;
/// assert_eq!(all.len(), 7);
/// let soon = Constraints { max_gap: Some(Distance::Days(7)), ..Constraints::default() };
/// assert_eq!(mine(&log, 2, &soon, Kind::All, &Control::default())?.len(), 4);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn mine(
    histories: &Histories,
    min_count: u64,
    constraints: &Constraints,
    kind: Kind,
    control: &Control,
) -> Result<Sequences> {
    select(histories, min_count, constraints, kind, &Selection::default(), control)
}

/// Which of the sequences are wanted; by default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only so many, the first in the order of the result.
    pub top: Option<usize>,
    /// Only sequences that have all of these items.
    pub contains: Vec<u32>,
    /// Only these customers count, by their codes; `None` for all.
    pub among: Option<Vec<bool>>,
    /// No sequence that has any of these items; what is closed or maximal is so among the others.
    pub excludes: Vec<u32>,
}

/// Finds some of the sequences of [`mine`] without looking at all of them.
///
/// Only customers who have all items that a sequence must contain are looked at. Of all sequences (not of the closed or maximal
/// ones) the most frequent are found by a threshold that rises with what was found.
///
/// # Errors
/// As [`mine`]; [`Error::Parameter`] if no sequence at all is wanted.
pub fn select(
    histories: &Histories,
    min_count: u64,
    constraints: &Constraints,
    kind: Kind,
    selection: &Selection,
    control: &Control,
) -> Result<Sequences> {
    let question = Question { histories, min_count, constraints, kind, selection };
    question.answer(control).map_err(|refused| question.advise(refused, control))
}

/// The search of [`select`], whose refusals do not say yet what would fit.
fn find(
    histories: &Histories,
    min_count: u64,
    constraints: &Constraints,
    kind: Kind,
    selection: &Selection,
    control: &Control,
) -> Result<Sequences> {
    constraints.check()?;
    if selection.top == Some(0) {
        let expected = "ask for at least 1 sequence; leave it out for all";
        return Err(Error::Parameter { name: "top", value: "0".into(), expected });
    }
    let mut customers = customers_with(histories, &selection.contains);
    if let Some(among) = &selection.among {
        customers.retain(|&customer| among.get(customer) == Some(&true));
    }
    let (codes, counts) = frequent_items(histories, &customers, &selection.excludes, min_count)?;
    let n_items = codes.len() as u32;
    let min_count = u32::try_from(min_count).unwrap_or(u32::MAX);
    let numbers = numbers(&codes, histories.n_items());
    let number = |&item: &u32| numbers.get(item as usize).copied().unwrap_or(u32::MAX);
    let contains = selection.contains.iter().map(number).collect();
    let raising = selection.top.filter(|_| kind == Kind::All);
    let keeper = Keeper::new(&codes, contains, min_count, raising, control);
    let mut found = Found::default();
    for (item, &count) in counts.iter().enumerate() {
        found.push(&[item as u32], count, &keeper)?;
    }
    control.check()?;
    let log = Log::new(histories, &customers, &numbers);
    control.check()?;
    let roots = Roots::new(&log, codes.len(), constraints);
    let pairs = Pairs::new(&log, &roots, codes.len(), keeper.least(), control)?;
    let free = !constraints.bounds_matches();
    let has_pairs = constraints.max_items != Some(1) && constraints.max_length != Some(1);
    if free && has_pairs && selection.top.is_none() && selection.contains.is_empty() {
        // All of these become results: where they are too many already, no search is needed to know.
        let pairs = pairs.later.len() as u64;
        control.with_budget(control.budget()).book(pairs, pairs * (4 * 2 + 28))?;
    }
    let classes =
        Classes { constraints: *constraints, keeper: &keeper, pairs: &pairs, spaces: Spaces::default() };
    let search = Search { constraints: *constraints, keeper: &keeper, n_items, pairs: &pairs };
    control.expect(u64::from(n_items));
    // The most frequent items first: they take longest, and raise the threshold most.
    let mut roots_by_count: Vec<u32> = (0..n_items).collect();
    roots_by_count.sort_by_key(|&item| std::cmp::Reverse(counts[item as usize]));
    let parts: Vec<Found> = roots_by_count
        .into_par_iter()
        .with_max_len(1)
        .map_init(
            || None,
            |scratch, item| {
                control.check()?;
                let part = if free {
                    classes.beginning_with(&log, item, roots.of(item))
                } else {
                    let scratch = scratch.get_or_insert_with(|| Scratch::new(n_items));
                    search.beginning_with(&log, item, roots.of(item), scratch)
                };
                control.advance(1);
                part
            },
        )
        .collect::<Result<_>>()?;
    for part in &parts {
        found.append(part);
    }
    drop(parts);
    control.check()?;
    let wanted = if kind == Kind::All {
        (0..found.counts.len()).collect()
    } else {
        let stays = condense::stays(&found, kind, constraints.bounds_gaps(), control)?;
        (0..stays.len()).filter(|&sequence| stays[sequence]).collect()
    };
    let sorted = found.sorted(wanted, selection.top);
    control.check()?;
    Ok(sorted)
}

/// The customers who have all of some items.
fn customers_with(histories: &Histories, items: &[u32]) -> Vec<usize> {
    let has = |customer: usize, item: &u32| {
        histories.events_of(customer).any(|event| histories.items_of(event).binary_search(item).is_ok())
    };
    (0..histories.len()).filter(|&customer| items.iter().all(|item| has(customer, item))).collect()
}

/// The items of at least `min_count` of the customers, in the order of their codes, and their customers.
fn frequent_items(
    histories: &Histories,
    customers: &[usize],
    excludes: &[u32],
    min_count: u64,
) -> Result<(Vec<u32>, Vec<u32>)> {
    if min_count == 0 {
        let expected = "a sequence needs at least 1 customer";
        return Err(Error::Parameter { name: "min_count", value: "0".into(), expected });
    }
    let limit = IN_EVENT as usize / 2;
    if histories.n_items() >= limit {
        return Err(Error::TooMany { what: "items", count: histories.n_items() as u64, most: limit as u64 });
    }
    let stretch = customers.len().div_ceil(rayon::current_num_threads()).max(1);
    let mut counts = customers
        .par_chunks(stretch)
        .map(|customers| {
            let mut counts = vec![0u32; histories.n_items()];
            let mut seen = vec![u32::MAX; histories.n_items()];
            for &customer in customers {
                for &item in histories.events_of(customer).flat_map(|event| histories.items_of(event)) {
                    // Without a branch: whether a customer has the item already is a coin toss.
                    let before = std::mem::replace(&mut seen[item as usize], customer as u32);
                    counts[item as usize] += u32::from(before != customer as u32);
                }
            }
            counts
        })
        .reduce_with(|mut sum, more| {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            sum
        })
        .unwrap_or_else(|| vec![0; histories.n_items()]);
    for &item in excludes {
        if let Some(count) = counts.get_mut(item as usize) {
            *count = 0;
        }
    }
    let codes: Vec<u32> = (0..histories.n_items() as u32)
        .filter(|&item| u64::from(counts[item as usize]) >= min_count)
        .collect();
    let counts = codes.iter().map(|&item| counts[item as usize]).collect();
    Ok((codes, counts))
}

/// The new number of each item, `u32::MAX` for those that are not among the `codes`.
fn numbers(codes: &[u32], n_items: usize) -> Vec<u32> {
    let mut numbers = vec![u32::MAX; n_items];
    for (number, &code) in codes.iter().enumerate() {
        numbers[code as usize] = number as u32;
    }
    numbers
}

/// Sequences as they are found: items in a row, marked [`IN_EVENT`] where they go on in the event before.
#[derive(Debug, Default)]
struct Found {
    /// Where each sequence ends in `tokens`.
    ends: Vec<usize>,
    tokens: Vec<u32>,
    counts: Vec<u32>,
}

impl Found {
    fn push(&mut self, sequence: &[u32], count: u32, keeper: &Keeper) -> Result<()> {
        if !keeper.wants(sequence, count) {
            return Ok(());
        }
        keeper.control.book(1, 4 * sequence.len() as u64 + 28)?;
        let named = |&token: &u32| keeper.codes[(token & !IN_EVENT) as usize] | (token & IN_EVENT);
        self.tokens.extend(sequence.iter().map(named));
        self.ends.push(self.tokens.len());
        self.counts.push(count);
        Ok(())
    }

    fn append(&mut self, other: &Self) {
        let base = self.tokens.len();
        self.tokens.extend_from_slice(&other.tokens);
        self.ends.extend(other.ends.iter().map(|end| base + end));
        self.counts.extend_from_slice(&other.counts);
    }

    fn tokens_of(&self, sequence: usize) -> &[u32] {
        let start = if sequence == 0 { 0 } else { self.ends[sequence - 1] };
        &self.tokens[start..self.ends[sequence]]
    }

    /// Writes the first `top` of some sequences as columns, sorted.
    fn sorted(&self, mut order: Vec<usize>, top: Option<usize>) -> Sequences {
        let count = |sequence: usize| std::cmp::Reverse(self.counts[sequence]);
        order.par_sort_unstable_by(|&a, &b| {
            count(a).cmp(&count(b)).then_with(|| self.tokens_of(a).cmp(self.tokens_of(b)))
        });
        order.truncate(top.unwrap_or(usize::MAX));
        let mut sorted =
            Sequences { sequence_offsets: vec![0], event_offsets: vec![0], ..Sequences::default() };
        for sequence in order {
            for event in self.tokens_of(sequence).chunk_by(|_, next| next & IN_EVENT != 0) {
                sorted.items.extend(event.iter().map(|token| token & !IN_EVENT));
                sorted.event_offsets.push(sorted.items.len() as i64);
            }
            sorted.sequence_offsets.push(sorted.event_offsets.len() as i64 - 1);
            sorted.counts.push(u64::from(self.counts[sequence]));
        }
        sorted
    }
}
