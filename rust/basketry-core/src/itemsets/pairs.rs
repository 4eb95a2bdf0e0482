//! How often two of the most frequent items meet.

use rayon::prelude::*;

use super::lists::Lists;

/// The most items in a table: it should stay in the second level of cache.
const PAIRED: usize = 1024;

/// Baskets that are counted on one thread before a second one is worth its table.
const STRETCH: usize = 1 << 15;

/// The counts of all pairs of the first items, a row for each item with those before it.
pub(super) struct Pairs {
    items: usize,
    counts: Vec<u32>,
}

impl Pairs {
    pub(super) fn new(node: &Lists) -> Self {
        let items = node.codes.len().min(PAIRED);
        let rows: Vec<(&[u32], u32)> = node.rows().collect();
        let pieces = rayon::current_num_threads().min(rows.len() / STRETCH).max(1);
        let tables: Vec<Vec<u32>> =
            rows.par_chunks(rows.len().div_ceil(pieces).max(1)).map(|rows| table(rows, items)).collect();
        let counts = tables.into_iter().reduce(|mut sum, more| {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            sum
        });
        Self { items, counts: counts.unwrap_or_else(|| vec![0; items * items.saturating_sub(1) / 2]) }
    }

    /// How often an item meets each one before it; `None` for an item that is not in the table.
    pub(super) fn of(&self, item: usize) -> Option<&[u32]> {
        (item < self.items).then(|| &self.counts[item * item.saturating_sub(1) / 2..][..item])
    }
}

fn table(rows: &[(&[u32], u32)], items: usize) -> Vec<u32> {
    let mut counts = vec![0; items * items.saturating_sub(1) / 2];
    for &(row, weight) in rows {
        for (at, &item) in row.iter().enumerate().skip(1) {
            let item = item as usize;
            if item >= items {
                break;
            }
            let partners = &mut counts[item * (item - 1) / 2..][..item];
            for &other in &row[..at] {
                partners[other as usize] += weight;
            }
        }
    }
    counts
}
