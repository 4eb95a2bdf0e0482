//! Nodes of at most 64 items: a basket is one word, the most frequent item its lowest bit.

use super::search::{Scratch, Search};
use super::sink::Sink;
use super::table::{self, Cell};
use crate::Result;

/// Baskets of at most 64 items with their weights, and the frequent items among them.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) rows: Vec<u64>,
    pub(super) weights: Vec<u32>,
    pub(super) codes: [u32; 64],
    pub(super) counts: [u32; 64],
    pub(super) items: usize,
    /// In how many baskets the set is that these baskets have in common.
    pub(super) total: u32,
    /// Further items that all these baskets hold, for a sink that folds.
    folded: [u32; 64],
    n_folded: usize,
    /// For each item those it may not meet, if there are such pairs.
    pub(super) apart: Option<Box<[u64; 64]>>,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            weights: Vec::new(),
            codes: [0; 64],
            counts: [0; 64],
            items: 0,
            total: 0,
            folded: [0; 64],
            n_folded: 0,
            apart: None,
        }
    }
}

impl Words {
    /// Forgets all rows and takes other items: code and count of each, the most frequent one first.
    pub(super) fn start(&mut self, items: impl IntoIterator<Item = (u32, u32)>, total: u32) {
        self.rows.clear();
        self.weights.clear();
        self.total = total;
        self.n_folded = 0;
        self.items = 0;
        for (code, count) in items {
            self.codes[self.items] = code;
            self.counts[self.items] = count;
            self.items += 1;
        }
    }

    /// Adds baskets that hold these items; those of less than two can be left out.
    #[inline]
    pub(super) fn push(&mut self, row: u64, weight: u32) {
        self.rows.push(row);
        self.weights.push(weight);
    }

    /// Takes sets of items that may not meet out of a table.
    fn part<T: Cell>(&self, table: &mut [T]) {
        if let Some(apart) = &self.apart {
            let bits = table.len().trailing_zeros() as usize;
            for (item, &others) in apart.iter().enumerate().take(bits) {
                table::part(table, item, others);
            }
        }
    }

    /// The codes of further items that all these baskets hold.
    pub(super) fn folded(&self) -> &[u32] {
        &self.folded[..self.n_folded]
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Merges equal rows, and brings rows with the same frequent items together: then cutting off infrequent items makes
    /// neighbours equal.
    pub(super) fn merge(&mut self) {
        let mut pairs: Vec<(u64, u32)> =
            self.rows.iter().zip(&self.weights).map(|(row, &weight)| (row.reverse_bits(), weight)).collect();
        pairs.sort_unstable_by_key(|pair| pair.0);
        self.rows.clear();
        self.weights.clear();
        for equal in pairs.chunk_by(|a, b| a.0 == b.0) {
            self.push(equal[0].0.reverse_bits(), equal.iter().map(|pair| pair.1).sum());
        }
    }

    /// Becomes the node of the baskets of `node` that hold its item `at`, on the frequent ones of the items before it.
    pub(super) fn project(&mut self, node: &Self, at: usize, min: u32, folds: bool) {
        self.total = node.counts[at];
        let kept = filter(node, at, &mut self.rows, &mut self.weights);
        let kept = merge_neighbours(&mut self.rows[..kept], &mut self.weights[..kept]);
        self.rows.truncate(kept);
        self.weights.truncate(kept);
        let counts = count(&self.rows, &self.weights, at);
        let mut frequent = 0_u64;
        self.items = 0;
        self.n_folded = 0;
        let apart = node.apart.as_ref().map_or(0, |apart| apart[at]);
        for (bit, &count) in counts[..at].iter().enumerate() {
            if apart >> bit & 1 == 1 {
                continue;
            }
            if folds && count == self.total {
                self.folded[self.n_folded] = node.codes[bit];
                self.n_folded += 1;
            } else if count >= min {
                frequent |= 1 << bit;
                self.codes[self.items] = node.codes[bit];
                self.counts[self.items] = count;
                self.items += 1;
            }
        }
        self.apart = node.apart.as_ref().map(|apart| {
            let mut kept: Box<[u64; 64]> = Box::new([0; 64]);
            let bits = (0..at).filter(|bit| frequent >> bit & 1 == 1);
            kept.iter_mut().zip(bits).for_each(|(kept, bit)| *kept = apart[bit]);
            compress(&mut kept[..self.items], frequent);
            kept
        });
        if self.items > 1 && self.items < at {
            compress(&mut self.rows, frequent);
            let kept = merge_neighbours(&mut self.rows, &mut self.weights);
            self.rows.truncate(kept);
            self.weights.truncate(kept);
        }
    }
}

/// Copies the rows that have the bit `at`, less that bit and all above, and tells how many.
fn filter(node: &Words, at: usize, rows: &mut Vec<u64>, weights: &mut Vec<u32>) -> usize {
    let low = (1_u64 << at) - 1;
    let n = node.rows.len();
    if rows.len() < n {
        rows.resize(n, 0);
        weights.resize(n, 0);
    }
    let mut kept = 0;
    for (&row, &weight) in node.rows.iter().zip(&node.weights) {
        rows[kept] = row & low;
        weights[kept] = weight;
        kept += (row >> at & 1) as usize;
    }
    kept
}

/// Adds up the weights of equal neighbours, and tells how many rows remain.
fn merge_neighbours(rows: &mut [u64], weights: &mut [u32]) -> usize {
    let Some(&first) = rows.first() else { return 0 };
    let (mut last, mut sum, mut kept) = (first, 0, 0);
    for at in 0..rows.len() {
        let same = rows[at] == last;
        last = rows[at];
        kept += usize::from(!same);
        sum = if same { sum + weights[at] } else { weights[at] };
        rows[kept] = last;
        weights[kept] = sum;
    }
    kept + 1
}

/// The weight of the rows that have each of the lowest `bits` bits.
pub(super) fn count(rows: &[u64], weights: &[u32], bits: usize) -> [u32; 64] {
    let mut counts = [0; 64];
    for (group, sums) in counts.as_chunks_mut::<16>().0.iter_mut().enumerate().take(bits.div_ceil(16)) {
        for (&row, &weight) in rows.iter().zip(weights) {
            let bits = (row >> (16 * group)) as u32;
            for (bit, sum) in sums.iter_mut().enumerate() {
                *sum += if bits & (1 << bit) != 0 { weight } else { 0 };
            }
        }
    }
    counts
}

/// Moves the bits of `mask` together in each row, and drops the others.
pub(super) fn compress(rows: &mut [u64], mask: u64) {
    // Runs of kept bits move as one.
    let mut runs = [(0_u64, 0_u32); 32];
    let (mut n, mut left, mut used) = (0, mask, 0);
    while left != 0 {
        let from = left.trailing_zeros();
        let long = (!(left >> from)).trailing_zeros();
        let run = (u64::MAX >> (64 - long)) << from;
        runs[n] = (run, from - used);
        n += 1;
        used += long;
        left &= !run;
    }
    for row in rows {
        *row = runs[..n].iter().fold(0, |sum, &(run, by)| sum | (*row & run) >> by);
    }
}

impl Search<'_> {
    /// Finds all frequent extensions of the current set, of which `left` items are allowed, from its baskets.
    pub(super) fn words<S: Sink>(
        &self,
        node: &Words,
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        self.control.check()?;
        sink.fold(node.folded())?;
        self.extend_words(node, left, scratch, sink)?;
        sink.unfold(node.n_folded);
        Ok(())
    }

    fn extend_words<S: Sink>(
        &self,
        node: &Words,
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        if left <= 1 || node.items <= 1 {
            if left > 0 {
                for (&code, &count) in node.codes.iter().zip(&node.counts).take(node.items) {
                    sink.enter(code, count)?;
                    sink.leave();
                }
            }
            return Ok(());
        }
        let bits = node.items.min(table_bits(node.rows.len()));
        let (items, counts) = (&node.codes[..bits], &node.counts[..bits]);
        if u16::try_from(node.total).is_ok() {
            table::fill(&mut scratch.narrow, counts, &node.rows, &node.weights);
            node.part(&mut scratch.narrow);
            sink.table(items, &scratch.narrow, self.min, left)?;
        } else {
            table::fill(&mut scratch.wide, counts, &node.rows, &node.weights);
            node.part(&mut scratch.wide);
            sink.table(items, &scratch.wide, self.min, left)?;
        }
        let rest = bits..node.items;
        if rest.len() > 1 && rest.len() * node.rows.len() > SPLIT {
            return self
                .side_by_side(rest, sink, |at, scratch, part| self.word_item(node, at, left, scratch, part));
        }
        for at in rest {
            self.word_item(node, at, left, scratch, sink)?;
        }
        Ok(())
    }

    fn word_item<S: Sink>(
        &self,
        node: &Words,
        at: usize,
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        sink.enter(node.codes[at], node.counts[at])?;
        let mut child = scratch.spare.pop().unwrap_or_default();
        child.project(node, at, self.min, S::FOLDS && self.conflicts.is_empty());
        self.words(&child, left - 1, scratch, sink)?;
        scratch.spare.push(child);
        sink.leave();
        Ok(())
    }
}

/// Rows times items from which the extensions of a node are searched side by side.
pub(super) const SPLIT: usize = 1 << 13;

/// How many items a table may have: a table should not cost much more than its rows.
pub(super) fn table_bits(rows: usize) -> usize {
    ((rows + 1).ilog2() as usize + 4).clamp(6, 12)
}
