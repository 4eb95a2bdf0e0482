//! Pairs of items that can be in one sequence, and the matches of single items.

use rayon::prelude::*;

use super::chains::Node;
use super::log::{End, Log};
use crate::control::Control;
use crate::error::Result;

/// For each item the matches of the sequence that is this item alone, customer by customer.
///
/// All of the events are there when `all`; else the first of each customer, and those where a larger item is in the event.
pub(super) struct Roots {
    offsets: Vec<usize>,
    ends: Vec<End>,
}

impl Roots {
    pub fn new(log: &Log, n_items: usize, all: bool) -> Self {
        let mut offsets = vec![0; n_items + 1];
        occurrences(log, n_items, all, |item, _| offsets[item as usize + 1] += 1);
        for item in 0..n_items {
            offsets[item + 1] += offsets[item];
        }
        let mut next = offsets.clone();
        let mut ends = vec![End::default(); offsets[n_items]];
        occurrences(log, n_items, all, |item, event| {
            ends[next[item as usize]] = End { event, start: log.day[event as usize] };
            next[item as usize] += 1;
        });
        Self { offsets, ends }
    }

    pub fn n_items(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn of(&self, item: u32) -> &[End] {
        &self.ends[self.offsets[item as usize]..self.offsets[item as usize + 1]]
    }
}

fn occurrences(log: &Log, n_items: usize, all: bool, mut store: impl FnMut(u32, u32)) {
    let mut seen = vec![u32::MAX; n_items];
    for event in 0..log.n_events() {
        let items = log.items_of(event);
        for (place, &item) in items.iter().enumerate() {
            let customer = log.beyond[event as usize];
            let first = std::mem::replace(&mut seen[item as usize], customer) != customer;
            if first || all || place + 1 < items.len() {
                store(item, event);
            }
        }
    }
}

/// For each item those that can come later, or in the same event, in a frequent sequence: a table of bits.
///
/// Counted without limits on time, so it holds for any two items of a sequence and not only for neighbours.
pub(super) struct Pairs {
    words: usize,
    later: Vec<u64>,
    together: Vec<u64>,
}

impl Pairs {
    pub fn new(log: &Log, roots: &Roots, root: &Node, min_count: u32, control: &Control) -> Result<Self> {
        let n_items = roots.n_items();
        let words = n_items.div_ceil(64);
        let mut later = vec![0u64; n_items * words];
        for item in 0..n_items {
            for &(other, _) in root.followers(item as u32) {
                later[item * words + other as usize / 64] |= 1 << (other % 64);
            }
        }
        let together: Vec<Vec<u64>> = (0..n_items as u32)
            .into_par_iter()
            .map_init(
                || (vec![0u32; n_items], vec![u32::MAX; n_items]),
                |(counts, seen), item| {
                    control.check()?;
                    count_row(log, roots, item, counts, seen);
                    Ok(bits(counts, min_count, words))
                },
            )
            .collect::<Result<_>>()?;
        Ok(Self { words, later, together: together.concat() })
    }

    /// Whether any two items can be in one event.
    pub fn any_together(&self) -> bool {
        self.together.iter().any(|&word| word != 0)
    }

    /// The items that can come later than `item`.
    pub fn later(&self, item: u32) -> &[u64] {
        &self.later[item as usize * self.words..][..self.words]
    }

    /// The items above `item` that can be in one event with it.
    pub fn together(&self, item: u32) -> &[u64] {
        &self.together[item as usize * self.words..][..self.words]
    }
}

/// Counts the customers who have a larger item in one event with `item`.
fn count_row(log: &Log, roots: &Roots, item: u32, counts: &mut [u32], seen: &mut [u32]) {
    seen.fill(u32::MAX);
    for end in roots.of(item) {
        let customer = log.beyond[end.event as usize];
        for &other in log.items_of(end.event).iter().rev().take_while(|&&other| other > item) {
            let first = std::mem::replace(&mut seen[other as usize], customer) != customer;
            counts[other as usize] += u32::from(first);
        }
    }
}

/// Turns counts into bits of those that are frequent, and clears them.
fn bits(counts: &mut [u32], min_count: u32, words: usize) -> Vec<u64> {
    let mut row = vec![0u64; words];
    for (item, count) in counts.iter_mut().enumerate() {
        row[item / 64] |= u64::from(std::mem::take(count) >= min_count) << (item % 64);
    }
    row
}

/// Whether two rows share an item, from `from` on.
pub(super) fn meet(one: &[u64], other: &[u64], from: u32) -> bool {
    let word = from as usize / 64;
    one.get(word).is_some_and(|&first| first & other[word] & (u64::MAX << (from % 64)) != 0)
        || one.iter().zip(other).skip(word + 1).any(|(a, b)| a & b != 0)
}
