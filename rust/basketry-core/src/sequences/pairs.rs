//! Pairs of items that can be in one sequence, and the matches of single items.

use rayon::prelude::*;

use super::Constraints;
use super::log::{End, Log};
use super::spread::Spread;
use crate::control::Control;
use crate::error::Result;

/// The most counters of one pass, so that they stay in the cache.
const COUNTERS: usize = 1 << 18;

/// The fewest events that are worth counters of their own.
const PIECE: usize = 1 << 14;

/// For each item the matches of the sequence that is this item alone, customer by customer.
///
/// All of the events are there when matches are bounded; else the first of each customer, and those where a larger item is in
/// the event.
pub(super) struct Roots {
    offsets: Vec<usize>,
    ends: Vec<End>,
}

impl Roots {
    pub fn new(log: &Log, n_items: usize, limits: &Constraints) -> Self {
        let all = limits.bounds_matches();
        let mut offsets = vec![0; n_items + 1];
        occurrences(log, n_items, all, |item, _| offsets[item as usize + 1] += 1);
        for item in 0..n_items {
            offsets[item + 1] += offsets[item];
        }
        let mut next = offsets.clone();
        let mut ends = vec![End::default(); offsets[n_items]];
        occurrences(log, n_items, all, |item, event| {
            let start = limits.start(log.day[event as usize], log.position[event as usize]);
            ends[next[item as usize]] = End { event, start };
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

/// Frequent pairs of items: for each item the others with their customers, as a list and as bits.
pub(super) struct Table {
    words: usize,
    offsets: Vec<usize>,
    pairs: Vec<(u32, u32)>,
    bits: Vec<u64>,
}

impl Table {
    /// Takes the pairs of each item, ascending.
    fn new(n_items: usize, rows: impl IntoIterator<Item = Vec<(u32, u32)>>) -> Self {
        let words = n_items.div_ceil(64);
        let mut table = Self { words, offsets: vec![0], pairs: Vec::new(), bits: vec![0; n_items * words] };
        for (item, row) in rows.into_iter().enumerate() {
            for &(other, _) in &row {
                table.bits[item * words + other as usize / 64] |= 1 << (other % 64);
            }
            table.pairs.extend(row);
            table.offsets.push(table.pairs.len());
        }
        table.offsets.resize(n_items + 1, table.pairs.len());
        table
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// The frequent pairs of an item, by the other item.
    pub fn of(&self, item: u32) -> &[(u32, u32)] {
        &self.pairs[self.offsets[item as usize]..self.offsets[item as usize + 1]]
    }

    /// The others of an item as bits.
    pub fn bits(&self, item: u32) -> &[u64] {
        &self.bits[item as usize * self.words..][..self.words]
    }

    /// Whether a pair is frequent.
    pub fn has(&self, item: u32, other: u32) -> bool {
        self.bits[item as usize * self.words + other as usize / 64] >> (other % 64) & 1 == 1
    }
}

/// The pairs that are frequent without limits on time, so for any two items of a sequence and not only for neighbours.
pub(super) struct Pairs {
    /// Those whose second item comes in a later event.
    pub later: Table,
    /// Those of one event, from the smaller item to the larger one.
    pub together: Table,
}

impl Pairs {
    pub fn new(log: &Log, roots: &Roots, n_items: usize, min_count: u32, control: &Control) -> Result<Self> {
        let later = Table::new(n_items, later(log, n_items, min_count, control)?);
        let together = if log.has_baskets() {
            (0..n_items as u32)
                .into_par_iter()
                .map_init(
                    || (vec![0u32; n_items], vec![u32::MAX; n_items]),
                    |(counts, seen), item| {
                        control.check()?;
                        count_row(log, roots, item, counts, seen);
                        Ok(frequent(counts, min_count))
                    },
                )
                .collect::<Result<_>>()?
        } else {
            Vec::new()
        };
        Ok(Self { later, together: Table::new(n_items, together) })
    }
}

/// Counts for all ordered pairs the customers who have the second item in a later event.
fn later(log: &Log, n_items: usize, min_count: u32, control: &Control) -> Result<Vec<Vec<(u32, u32)>>> {
    let customers: Vec<_> = log.customers().collect();
    let pieces = (log.n_events() as usize / PIECE).clamp(1, 64);
    let spreads: Vec<Spread> = customers
        .par_chunks(customers.len().div_ceil(pieces).max(1))
        .map(|customers| {
            control.check()?;
            Ok(Spread::new(log, customers, n_items))
        })
        .collect::<Result<_>>()?;
    let block = (COUNTERS / n_items.max(1)).clamp(1, n_items.max(1));
    let firsts: Vec<usize> = (0..n_items).step_by(block).collect();
    let rows = |first: usize, spreads: &[Spread]| {
        control.check()?;
        let rows = first..(first + block).min(n_items);
        let mut counters = vec![0; rows.len() * n_items];
        for spread in spreads {
            spread.count(&rows, n_items, &mut counters);
        }
        Ok(counters)
    };
    let kept = |counters: Vec<u32>| -> Vec<Vec<(u32, u32)>> {
        counters.chunks(n_items.max(1)).map(|row| frequent_of(row, min_count)).collect()
    };
    // Few items: the customers are shared out. Many: the items are.
    if let [first] = firsts.as_slice() {
        let add = |mut sum: Vec<u32>, more: Vec<u32>| {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            sum
        };
        let halves = spreads.par_chunks(spreads.len().div_ceil(rayon::current_num_threads()).max(1));
        let counters = halves.map(|spreads| rows(*first, spreads)).try_reduce_with(|a, b| Ok(add(a, b)));
        return counters.map_or(Ok(Vec::new()), |counters| counters.map(kept));
    }
    let blocks: Vec<_> =
        firsts.into_par_iter().map(|first| rows(first, &spreads).map(kept)).collect::<Result<_>>()?;
    Ok(blocks.into_iter().flatten().collect())
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

/// The items of at least `min_count`; clears the counts.
fn frequent(counts: &mut [u32], min_count: u32) -> Vec<(u32, u32)> {
    let kept = frequent_of(counts, min_count);
    counts.fill(0);
    kept
}

fn frequent_of(counts: &[u32], min_count: u32) -> Vec<(u32, u32)> {
    (0..).zip(counts.iter().copied()).filter(|&(_, count)| count >= min_count).collect()
}

/// Whether two rows share an item, from `from` on.
pub(super) fn meet(one: &[u64], other: &[u64], from: u32) -> bool {
    let word = from as usize / 64;
    one.get(word).is_some_and(|&first| first & other[word] & (u64::MAX << (from % 64)) != 0)
        || one.iter().zip(other).skip(word + 1).any(|(a, b)| a & b != 0)
}
