//! How often two of the most frequent items meet.

use rayon::prelude::*;

use super::lists::{Block, Item};

/// The most items in a table: it should stay in the second level of cache.
const PAIRED: usize = 1024;

/// Entries of a table for each pair that is met, from which going through the table costs more than it saves.
const SPARSE: usize = 4;

/// The counts of all pairs of the first items, a row for each item with those before it.
pub(super) struct Pairs {
    items: usize,
    counts: Vec<u32>,
}

impl Pairs {
    /// Counts the pairs of the baskets of some blocks that have `items` items, if they are not few.
    pub(super) fn new<I: Item>(blocks: &[Block<I>], items: usize) -> Self {
        let met: usize =
            blocks.iter().flat_map(|block| block.rows.iter()).map(|row| row.len() * row.len() / 2).sum();
        let items = items.min(PAIRED);
        let items = if met < items * items / SPARSE { 0 } else { items };
        let tables: Vec<Vec<u32>> = blocks
            .par_chunks(blocks.len().div_ceil(rayon::current_num_threads()).max(1))
            .map(|blocks| {
                let mut counts = vec![0; items * items.saturating_sub(1) / 2];
                for block in blocks {
                    count(block, items, &mut counts);
                }
                counts
            })
            .collect();
        let counts = tables.into_iter().reduce(|mut sum, more| {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            sum
        });
        Self { items, counts: counts.unwrap_or_default() }
    }

    /// How often an item meets each one before it; `None` for an item that is not in the table.
    pub(super) fn of(&self, item: usize) -> Option<&[u32]> {
        (item < self.items).then(|| &self.counts[item * item.saturating_sub(1) / 2..][..item])
    }
}

fn count<I: Item>(block: &Block<I>, items: usize, counts: &mut [u32]) {
    for row in block.rows.iter() {
        for (at, item) in row.iter().enumerate().skip(1) {
            let item = item.at();
            if item >= items {
                break;
            }
            let partners = &mut counts[item * (item - 1) / 2..][..item];
            for other in &row[..at] {
                partners[other.at()] += 1;
            }
        }
    }
}
