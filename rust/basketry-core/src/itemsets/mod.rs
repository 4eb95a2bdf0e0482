//! Frequent itemsets: sets of items that many baskets hold.

mod climb;
mod closed;
mod condensed;
mod conflicts;
mod fit;
mod flat;
mod found;
mod held;
mod index;
mod kinds;
mod lists;
mod maximal;
mod nodes;
mod order;
mod pairs;
mod prepare;
mod search;
mod sink;
mod table;
#[cfg(test)]
mod tests;
mod tree;
#[cfg(test)]
mod truth;
mod values;
mod words;
mod written;

pub use fit::{Fitting, mine_partial, support_for};
pub use found::Itemsets;
pub(crate) use index::Index;
pub use kinds::Kind;
pub use tree::Node;
pub use values::sums;
pub use written::ItemsetLists;

use crate::baskets::Baskets;
use crate::{Control, Error, Result};
use condensed::Condensed;
use flat::Flat;
use found::Sets;
use prepare::Prepared;
use rayon::prelude::*;
use search::Search;
use sink::Sink;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The least number of baskets that hold a set.
    pub min_count: u64,
    /// The least number of items of a set.
    pub min_length: usize,
    /// The most items of a set.
    pub max_length: Option<usize>,
    /// Items that every set has.
    pub contains: Vec<u32>,
    /// Items that no set has.
    pub excludes: Vec<u32>,
    /// Which of the frequent sets to keep.
    pub kind: Kind,
    /// How many sets to keep, of highest count; `None` for all.
    pub top: Option<usize>,
    /// Pairs of codes that no set holds together: an item and what it is a part of, such as its category.
    pub conflicts: Vec<(u32, u32)>,
}

impl Options {
    /// Asks for all sets that at least `min_count` baskets hold.
    pub fn at_least(min_count: u64) -> Self {
        Self {
            min_count,
            min_length: 1,
            max_length: None,
            contains: Vec::new(),
            excludes: Vec::new(),
            kind: Kind::All,
            top: None,
            conflicts: Vec::new(),
        }
    }

    /// How many items every set has.
    fn fixed(&self) -> usize {
        let distinct = |at: &usize| !self.contains[..*at].contains(&self.contains[*at]);
        (0..self.contains.len()).filter(distinct).count()
    }

    fn check(&self) -> Result<()> {
        if self.min_count == 0 {
            return Err(Error::Parameter {
                name: "min_count",
                value: "0".into(),
                expected: "a set must be in at least 1 basket to be found",
            });
        }
        if self.min_length == 0 {
            return Err(Error::Parameter {
                name: "min_length",
                value: "0".into(),
                expected: "the shortest set has 1 item",
            });
        }
        if let Some(most) = self.max_length.filter(|&most| most < self.min_length) {
            return Err(Error::Parameter {
                name: "max_length",
                value: most.to_string(),
                expected: "it cannot be less than min_length",
            });
        }
        Ok(())
    }
}

/// Finds all frequent itemsets.
///
/// Takes one pass over the baskets to count items and one to recode them; then about the time it takes to write down the
/// answer, twelve bytes a set. The result is the same for any number of threads and any order of baskets.
///
/// # Errors
/// [`Error::Parameter`] for options that contradict each other, [`Error::Capacity`] when the budget is met,
/// [`Error::Interrupted`] on request.
///
/// # Examples
/// ```
/// use basketry_core::baskets::Baskets;
/// use basketry_core::itemsets::{Options, mine};
/// let shop = Baskets::from_rows([[1, 2].as_slice(), &[1, 3], &[1, 2, 3]]);
/// let found = mine(&shop, &Options::at_least(2), &Default::default())?.lists(&[0, 1, 2, 3])?;
/// let sets: Vec<(&[u32], u64)> = found.iter().collect();
/// assert_eq!(sets, [([1].as_slice(), 3), (&[2], 2), (&[3], 2), (&[1, 2], 2), (&[1, 3], 2)]);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn mine(baskets: &Baskets, options: &Options, control: &Control) -> Result<Itemsets> {
    find(baskets, options, control).map_err(|refused| fit::advise(refused, baskets, options, control))
}

/// The search of [`mine`], whose refusals do not say yet what would fit.
fn find(baskets: &Baskets, options: &Options, control: &Control) -> Result<Itemsets> {
    let sets = match options.kind {
        Kind::All => {
            let mut grow = tree::Grow::new(control);
            let (min_count, longest) = fit::threshold(baskets, options, control)?;
            let search = Options { min_count, max_length: Some(longest), ..options.clone() };
            let prepared = run(baskets, &search, control, &mut grow)?;
            let parts = grow.finish()?;
            match prepared.filter(|prepared| !prepared.fixed.is_empty()) {
                Some(prepared) => Sets::Flat(vec![Flat::of_tree(&parts, &prepared).named(&prepared)]),
                None => Sets::Tree(parts),
            }
        }
        _ => Sets::Flat(condensed(baskets, options, control)?),
    };
    Itemsets::new(sets, options, baskets.len() as u64)
}

/// Finds closed or maximal sets. Which they are is known from longer ones as well, so that all lengths are searched.
fn condensed(baskets: &Baskets, options: &Options, control: &Control) -> Result<Vec<Flat>> {
    let longest = options.max_length.unwrap_or(usize::MAX);
    let search = Options { max_length: None, ..options.clone() };
    let (prepared, parts) = if options.conflicts.is_empty() {
        let mut sink = Condensed::new(options.kind, longest, control);
        let Some(prepared) = run(baskets, &search, control, &mut sink)? else { return Ok(Vec::new()) };
        let parts = sink.finish(prepared.is_words())?;
        (prepared, parts)
    } else {
        // What baskets have in common may not meet in a set, so that it does not tell which sets are closed.
        let mut grow = tree::Grow::new(control);
        let Some(prepared) = run(baskets, &search, control, &mut grow)? else { return Ok(Vec::new()) };
        let sets = Flat::of_tree(&grow.finish()?, &prepared);
        (prepared, held::drop_held(vec![sets], options.kind, control)?)
    };
    Ok(parts.into_par_iter().map(|part| part.named(&prepared)).collect())
}

/// Counts the frequent itemsets by length without building one: entry `i` is the number of sets of `i + 1` items. Which are
/// on top does not matter here.
///
/// # Errors
/// As [`mine`]; memory does not grow with the number of sets.
///
/// # Examples
/// ```
/// use basketry_core::baskets::Baskets;
/// use basketry_core::itemsets::{Options, count};
/// let shop = Baskets::from_rows([[1, 2].as_slice(), &[1, 3], &[1, 2, 3]]);
/// assert_eq!(count(&shop, &Options::at_least(2), &Default::default())?, [3, 2]);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn count(baskets: &Baskets, options: &Options, control: &Control) -> Result<Vec<u64>> {
    if options.kind != Kind::All {
        return Ok(mine(baskets, options, control)?.by_length());
    }
    let mut spectrum = sink::Spectrum::new();
    let fixed = run(baskets, options, control, &mut spectrum)?.map_or(0, |prepared| prepared.fixed.len());
    let mut by_length = spectrum.finish(options.max_length.unwrap_or(usize::MAX))?;
    for sets in by_length.iter_mut().take(options.min_length.max(fixed) - 1) {
        *sets = 0;
    }
    if by_length.iter().all(|&sets| sets == 0) {
        by_length.clear();
    }
    Ok(by_length)
}

/// Searches, unless nothing can be found.
fn run<S: Sink>(
    baskets: &Baskets,
    options: &Options,
    control: &Control,
    sink: &mut S,
) -> Result<Option<Prepared>> {
    options.check()?;
    let Some(prepared) = Prepared::new::<S>(baskets, options)? else { return Ok(None) };
    let fixed = prepared.fixed.len();
    let longest = options.max_length.unwrap_or(usize::MAX);
    if longest < fixed {
        return Ok(None);
    }
    sink.begin(&prepared.fixed, prepared.total)?;
    sink.fold(&prepared.folded)?;
    sink.settle(prepared.is_empty())?;
    let search = Search::new(prepared.min, &prepared.conflicts, control);
    search.with_scratch(|scratch| search.lists_or_words(&prepared, longest - fixed, scratch, sink))?;
    Ok(Some(prepared))
}
