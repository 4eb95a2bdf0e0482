//! What fits a budget: which support, which length, and all sets up to that length.

use super::found::Sets;
use super::{Itemsets, Kind, Node, Options, find, run, sink::Spectrum};
use crate::baskets::Baskets;
use crate::error::Exhausted;
use crate::{Budget, Control, Error, Result};

/// How many seconds a caller who was refused waits for each piece of advice.
const PATIENCE: f64 = 0.3;

/// What is said when that was too short.
const HINT: &str = "limit max_length, exclude items, or raise the minimum support or the budget";

/// A support, and how many sets it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fitting {
    /// The least number of baskets.
    pub min_count: u64,
    /// The number of sets.
    pub sets: u64,
}

/// The least support at which at most `most` sets exist, found by counting alone; `None` if there are more at any.
///
/// Takes one count of at most so many sets for each halving of the range of supports. `min_count`, `kind` and `top` of the
/// options are not looked at.
///
/// # Errors
/// [`Error::Capacity`] when the seconds are used up, [`Error::Interrupted`] on request.
///
/// # Examples
/// ```
/// use basketry_core::baskets::Baskets;
/// use basketry_core::itemsets::{Options, support_for};
/// let shop = Baskets::from_rows([[1, 2].as_slice(), &[1, 3], &[1, 2, 3]]);
/// let fitting = support_for(&shop, 5, &Options::at_least(1), &Default::default())?;
/// assert_eq!(fitting.map(|fitting| (fitting.min_count, fitting.sets)), Some((2, 5)));
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn support_for(
    baskets: &Baskets,
    most: u64,
    options: &Options,
    control: &Control,
) -> Result<Option<Fitting>> {
    let mut high = (baskets.len() as u64).max(1);
    let Some(mut sets) = total(baskets, &at(options, high), most, control)? else { return Ok(None) };
    let mut low = 0;
    while high - low > 1 {
        let middle = ((low as f64 * high as f64).sqrt() as u64).clamp(low + 1, high - 1);
        match total(baskets, &at(options, middle), most, control)? {
            Some(fewer) => (high, sets) = (middle, fewer),
            None => low = middle,
        }
    }
    Ok(Some(Fitting { min_count: high, sets }))
}

/// The support and the longest sets to search with: where only the top sets are wanted, the highest support that has so many.
pub(super) fn threshold(baskets: &Baskets, options: &Options, control: &Control) -> Result<(u64, usize)> {
    let longest = options.max_length.unwrap_or(usize::MAX);
    let Some(top) = options.top.map(|top| top as u64) else { return Ok((options.min_count, longest)) };
    let highest = match support_for(baskets, top, options, control)? {
        Some(Fitting { min_count, sets }) if sets == top => min_count,
        Some(Fitting { min_count, .. }) => min_count - 1,
        None => baskets.len() as u64,
    };
    let least = highest.max(options.min_count);
    if total(baskets, &at(options, least), 4 * top + MANY, control)?.is_some() {
        return Ok((least, longest));
    }
    // Very many sets of the least count: the shorter ones come first, and those that count more are all wanted.
    let more = spectrum(baskets, &Options { top: None, ..at(options, least + 1) }, u64::MAX, control)?;
    let mut length = more.map_or(0, |by_length| by_length.len()).max(options.min_length).max(options.fixed());
    while length < longest {
        let shorter = Options { max_length: Some(length), ..at(options, least) };
        if total(baskets, &shorter, top - 1, control)?.is_none() {
            break;
        }
        length += 1;
    }
    Ok((least, length))
}

/// Sets that are found on the way to the top ones without a second thought.
const MANY: u64 = 1 << 16;

/// As [`super::mine`], but when the budget is met all sets up to the greatest length that fits, with what was exhausted.
///
/// Only for all sets: which of the shorter ones are closed or maximal is known from the longer ones alone. With a budget of
/// results or bytes the answer depends on nothing but the baskets; with one of seconds its length depends on the machine. Half
/// of the seconds are kept for the shorter sets.
///
/// # Errors
/// As [`super::mine`], but [`Error::Capacity`] never; [`Error::Parameter`] for another kind.
pub fn mine_partial(
    baskets: &Baskets,
    options: &Options,
    control: &Control,
) -> Result<(Itemsets, Option<Exhausted>)> {
    if options.kind != Kind::All {
        return Err(Error::Parameter {
            name: "kind",
            value: format!("{:?}", options.kind).to_lowercase(),
            expected: "a part can be given of all sets only: closed and maximal ones are known from the longest",
        });
    }
    let budget = control.budget();
    let first = control.with_budget(Budget { seconds: budget.seconds.map(|most| most / 2.0), ..budget });
    let mut exhausted = match find(baskets, options, &first) {
        Err(Error::Capacity(exhausted)) => exhausted,
        found => return found.map(|found| (found, None)),
    };
    if exhausted.limit == "seconds" {
        exhausted.allowed *= 2.0;
    }
    let longest = options.max_length.unwrap_or(usize::MAX);
    let mut found = Itemsets::new(Sets::Tree(Vec::new()), options, baskets.len() as u64)?;
    let mut reached = 0;
    for length in options.min_length.max(options.fixed())..=longest {
        let shorter = Options { max_length: Some(length), ..options.clone() };
        match find(baskets, &shorter, &control.with_budget(budget)) {
            // No set is as long as that, so that none is missing.
            Ok(more) if more.by_length().len() < length => return Ok((more, None)),
            Ok(more) => (found, reached) = (more, length),
            Err(Error::Capacity(_)) => break,
            Err(error) => return Err(error),
        }
    }
    let would_fit = ways(&exhausted, baskets, options, control).join("; ");
    exhausted.mend = match reached {
        0 => format!("nothing fits, sets of {} items are too many; {would_fit}", options.min_length),
        _ => format!("all sets of up to {reached} items are here, longer ones are missing; {would_fit}"),
    };
    Ok((found, Some(exhausted)))
}

/// Adds to a refusal what would have fitted.
pub(super) fn advise(refused: Error, baskets: &Baskets, options: &Options, control: &Control) -> Error {
    let Error::Capacity(mut exhausted) = refused else { return refused };
    exhausted.mend = ways(&exhausted, baskets, options, control).join("; ");
    Error::Capacity(exhausted)
}

/// Which support and which length would fit, as far as that is found in time.
fn ways(exhausted: &Exhausted, baskets: &Baskets, options: &Options, control: &Control) -> Vec<String> {
    let most = match exhausted.limit {
        "results" => exhausted.allowed as u64,
        "bytes" => exhausted.allowed as u64 / size_of::<Node>() as u64,
        _ => return vec![HINT.to_owned()],
    };
    let patient = || {
        let seconds = Some(control.elapsed() + PATIENCE);
        control.with_budget(Budget { seconds, ..Budget::default() })
    };
    let support = roughly(baskets, most, options, &patient()).map(|Fitting { min_count, sets }| {
        // Rounded up, so that the share that is typed gives no more sets.
        let share = (min_count as f64 / baskets.len() as f64 * 1e6).ceil() / 1e6;
        format!("{sets} itemsets would fit, from min_count={min_count} on (min_support {share})")
    });
    let length = longest_fitting(baskets, most, options, &patient())
        .map(|(length, sets)| format!("{sets} itemsets would fit with max_length={length}"));
    let ways: Vec<String> = support.into_iter().chain(length).collect();
    if ways.is_empty() { vec![HINT.to_owned()] } else { ways }
}

/// A low support at which there are at most `most` sets; `None` if none is found in time.
fn roughly(baskets: &Baskets, most: u64, options: &Options, control: &Control) -> Option<Fitting> {
    let count = |min_count| total(baskets, &at(options, min_count), most, control);
    let (mut low, mut high) = (options.min_count, baskets.len() as u64);
    let mut best = Fitting { min_count: high, sets: count(high).ok()?? };
    while high - low > 1 + low / 32 {
        let middle = ((low as f64 * high as f64).sqrt() as u64).clamp(low + 1, high - 1);
        match count(middle) {
            Ok(Some(sets)) => (high, best) = (middle, Fitting { min_count: middle, sets }),
            Ok(None) => low = middle,
            Err(_) => break,
        }
    }
    Some(best)
}

/// The greatest length up to which there are at most `most` sets, and their number; `None` if none is found in time.
fn longest_fitting(
    baskets: &Baskets,
    most: u64,
    options: &Options,
    control: &Control,
) -> Option<(usize, u64)> {
    let mut best = None;
    for length in options.min_length.max(options.fixed()).. {
        let shorter = Options { max_length: Some(length), min_length: 1, ..options.clone() };
        match total(baskets, &shorter, most, control) {
            Ok(Some(sets)) => best = Some((length, sets)),
            _ => break,
        }
        if options.max_length.is_some_and(|longest| longest <= length) {
            break;
        }
    }
    best
}

fn at(options: &Options, min_count: u64) -> Options {
    Options { min_count, ..options.clone() }
}

/// How many sets there are; `None` if more than `most`.
fn total(baskets: &Baskets, options: &Options, most: u64, control: &Control) -> Result<Option<u64>> {
    let options = Options { kind: Kind::All, top: None, ..options.clone() };
    // Sets that are too short are met on the way to longer ones and take no part in the answer.
    let shortest = options.min_length.max(options.fixed());
    let short = match shortest {
        0 | 1 => 0,
        _ => {
            let short = Options { min_length: 1, max_length: Some(shortest - 1), ..options.clone() };
            match spectrum(baskets, &short, u64::MAX, control)? {
                Some(short) => short.iter().sum(),
                None => return Ok(None),
            }
        }
    };
    let met = most.saturating_add(short).saturating_add(options.fixed() as u64);
    let all = spectrum(baskets, &options, met, control)?;
    let of = |all: Vec<u64>| {
        all.iter().skip(shortest.max(1) - 1).try_fold(0_u64, |sum, &sets| sum.checked_add(sets))
    };
    Ok(all.and_then(of).filter(|&sets| sets <= most))
}

/// Sets by length; `None` if the search meets more than `most`.
fn spectrum(baskets: &Baskets, options: &Options, most: u64, control: &Control) -> Result<Option<Vec<u64>>> {
    let part = control.with_budget(Budget { results: Some(most), bytes: None, ..control.budget() });
    let mut spectrum = Spectrum::booking(&part);
    let counted = run(baskets, options, &part, &mut spectrum)
        .and_then(|_| spectrum.finish(options.max_length.unwrap_or(usize::MAX)));
    match counted {
        Ok(by_length) => Ok(Some(by_length)),
        Err(Error::Capacity(Exhausted { limit: "results", .. })) => Ok(None),
        Err(Error::TooMany { what, .. }) if what.starts_with("itemsets") => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::itemsets::{count, mine};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn the_least_support_that_fits(
            rows in prop::collection::vec(prop::collection::vec(0_u32..9, 0..7), 0..30),
            most in 0_u64..200,
            min_length in 1_usize..4,
            more in prop::option::of(0_usize..3),
            contains in prop::collection::vec(0_u32..9, 0..2),
        ) {
            let shop = Baskets::from_rows(&rows);
            let max_length = more.map(|more| min_length + more);
            let options = Options { min_length, max_length, contains, ..Options::at_least(1) };
            let sets = |min_count| {
                count(&shop, &at(&options, min_count), &Control::default()).unwrap().iter().sum::<u64>()
            };
            let wanted = (1..=(rows.len() as u64).max(1)).map(|min_count| Fitting { min_count, sets: sets(min_count) });
            let wanted = wanted.filter(|fitting| fitting.sets <= most).min_by_key(|fitting| fitting.min_count);
            prop_assert_eq!(support_for(&shop, most, &options, &Control::default()).unwrap(), wanted);
        }

        #[test]
        fn a_part_is_all_sets_up_to_a_length(
            rows in prop::collection::vec(prop::collection::vec(0_u32..9, 0..7), 0..30),
            most in 1_u64..200,
        ) {
            let codes: Vec<u32> = (0..9).collect();
            let shop = Baskets::from_rows(&rows);
            let options = Options::at_least(1);
            let control = Control::new(Budget { results: Some(most), ..Budget::default() });
            let (part, missing) = mine_partial(&shop, &options, &control).unwrap();
            let all = mine(&shop, &options, &Control::default()).unwrap().lists(&codes).unwrap();
            let part = part.lists(&codes).unwrap();
            if missing.is_none() {
                prop_assert_eq!(part, all);
            } else if let Some(longest) = missing.unwrap().mend.split("all sets of up to ").nth(1) {
                let longest: u32 = longest.split(' ').next().unwrap().parse().unwrap();
                let wanted: Vec<_> = all.iter().filter(|(set, _)| set.len() <= longest as usize).collect();
                prop_assert_eq!(part.iter().collect::<Vec<_>>(), wanted);
            } else {
                prop_assert!(part.counts.is_empty());
            }
        }
    }
}
