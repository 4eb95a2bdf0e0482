//! Ordered pairs of items: customers who have the second on a later day than the first.
//!
//! A customer has `x` before `y` just when his first `x` is earlier than his last `y`. So one list per customer, his items by
//! falling last event, answers all pairs without looking at an event twice.

use rayon::prelude::*;

use super::log::{End, Log};
use crate::control::Control;
use crate::error::Result;

/// Per customer his items with their last events, latest first, ended by an entry that is earlier than any other.
pub(super) struct Lasts {
    /// Where the list of a customer begins, found by [`Log::beyond`].
    starts: Vec<u32>,
    /// Item, and one more than its last event.
    entries: Vec<(u32, u32)>,
}

impl Lasts {
    pub fn new(log: &Log, n_items: usize) -> Self {
        let mut lasts = Self { starts: vec![0; log.n_events() as usize + 1], entries: Vec::new() };
        let mut seen = vec![u32::MAX; n_items];
        for (customer, events) in log.customers().enumerate() {
            lasts.starts[events.end as usize] = lasts.entries.len() as u32;
            for event in events.rev() {
                for &item in log.items_of(event) {
                    if std::mem::replace(&mut seen[item as usize], customer as u32) != customer as u32 {
                        lasts.entries.push((item, event + 1));
                    }
                }
            }
            lasts.entries.push((u32::MAX, 0));
        }
        lasts
    }

    /// The items that the customer of `event` has after it.
    pub fn after(&self, log: &Log, event: u32) -> impl Iterator<Item = u32> {
        let start = self.starts[log.beyond[event as usize] as usize] as usize;
        let later = move |&&(_, last): &&(u32, u32)| last > event + 1;
        self.entries[start..].iter().take_while(later).map(|&(item, _)| item)
    }
}

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
    pub fn new(
        log: &Log,
        lasts: &Lasts,
        roots: &Roots,
        n_items: usize,
        min_count: u32,
        control: &Control,
    ) -> Result<Self> {
        let words = n_items.div_ceil(64);
        let rows: Vec<(Vec<u64>, Vec<u64>)> = (0..n_items as u32)
            .into_par_iter()
            .map_init(
                || (vec![0u32; n_items], vec![0u32; n_items], vec![u32::MAX; n_items]),
                |(later, together, seen), item| {
                    control.check()?;
                    count_row(log, lasts, roots, item, later, together, seen);
                    Ok((bits(later, min_count, words), bits(together, min_count, words)))
                },
            )
            .collect::<Result<_>>()?;
        let (later, together): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        Ok(Self { words, later: later.concat(), together: together.concat() })
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

fn count_row(
    log: &Log,
    lasts: &Lasts,
    roots: &Roots,
    item: u32,
    later: &mut [u32],
    together: &mut [u32],
    seen: &mut [u32],
) {
    seen.fill(u32::MAX);
    for group in log.by_customer(roots.of(item)) {
        for other in lasts.after(log, group[0].event) {
            later[other as usize] += 1;
        }
        for end in group {
            let customer = log.beyond[end.event as usize];
            let items = log.items_of(end.event);
            for &other in &items[items.partition_point(|&other| other <= item)..] {
                if std::mem::replace(&mut seen[other as usize], customer) != customer {
                    together[other as usize] += 1;
                }
            }
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
