//! Nodes of many items: a basket is a list of item numbers, the most frequent item has number 0.
//!
//! One pass over the baskets delivers to each item the places where it occurs; what stands before it in a basket are the more
//! frequent items that the item's own sets are made of.

use std::ops::Range;

use rayon::prelude::*;

use super::search::{Scratch, Search};
use super::sink::Sink;
use crate::Result;

/// Tasks that a database is split into; a fixed number, so that results do not depend on the threads.
const TASKS: u64 = 96;

/// Pairs of items from which a database is split.
const SPLIT: u64 = 1 << 16;

/// Baskets as sorted lists of item numbers with weights, and the frequent items among them.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    pub(super) offsets: Vec<u32>,
    pub(super) items: Vec<u32>,
    pub(super) weights: Vec<u32>,
    /// Code of each item, the most frequent one first.
    pub(super) codes: Vec<u32>,
    /// In how many baskets each item is.
    pub(super) counts: Vec<u32>,
}

/// One item in one basket: `items[start..end]` are the more frequent items of the basket.
#[derive(Debug, Clone, Copy, Default)]
struct Occurrence {
    start: u32,
    end: u32,
    weight: u32,
}

/// All occurrences, item by item.
struct Occurrences {
    offsets: Vec<usize>,
    all: Vec<Occurrence>,
    /// Pairs of each item with a more frequent one in the same basket, added up over the items before it.
    pairs: Vec<u64>,
}

impl Lists {
    fn occurrences(&self) -> Occurrences {
        let mut offsets = vec![0; self.codes.len() + 1];
        for &item in &self.items {
            offsets[item as usize + 1] += 1;
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut next = offsets.clone();
        let mut all = vec![Occurrence::default(); self.items.len()];
        let mut pairs = vec![0; self.codes.len() + 1];
        for (row, &weight) in self.offsets.windows(2).zip(&self.weights) {
            for end in row[0]..row[1] {
                let item = self.items[end as usize] as usize;
                all[next[item]] = Occurrence { start: row[0], end, weight };
                next[item] += 1;
                pairs[item + 1] += u64::from(end - row[0]);
            }
        }
        for at in 1..pairs.len() {
            pairs[at] += pairs[at - 1];
        }
        Occurrences { offsets, all, pairs }
    }
}

impl Occurrences {
    fn of(&self, item: usize) -> &[Occurrence] {
        &self.all[self.offsets[item]..self.offsets[item + 1]]
    }

    /// Ranges of items of about the same number of pairs.
    fn tasks(&self) -> Vec<Range<usize>> {
        let items = self.pairs.len() - 1;
        let share = self.pairs[items] / TASKS + 1;
        let mut tasks = Vec::new();
        let mut start = 0;
        for item in 0..items {
            if item + 1 == items || self.pairs[item + 1] - self.pairs[start] >= share {
                tasks.push(start..item + 1);
                start = item + 1;
            }
        }
        tasks
    }
}

impl Search<'_> {
    /// Finds all frequent extensions of the current set, of which `left` items are allowed, from its baskets.
    pub(super) fn lists<S: Sink>(
        &self,
        node: &Lists,
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        if left <= 1 {
            if left > 0 {
                for (&code, &count) in node.codes.iter().zip(&node.counts) {
                    sink.enter(code, count)?;
                    sink.leave();
                }
            }
            return Ok(());
        }
        let occurrences = node.occurrences();
        let range = 0..node.codes.len();
        if occurrences.pairs[range.end] < SPLIT {
            return self.list_items(node, &occurrences, range, left, scratch, sink);
        }
        let parts = occurrences
            .tasks()
            .into_par_iter()
            .with_max_len(1)
            .map(|range| {
                let mut part = sink.fork();
                self.with_scratch(|scratch| {
                    self.list_items(node, &occurrences, range, left, scratch, &mut part)
                })?;
                Ok(part)
            })
            .collect::<Result<Vec<_>>>()?;
        sink.join(parts);
        Ok(())
    }

    fn list_items<S: Sink>(
        &self,
        node: &Lists,
        occurrences: &Occurrences,
        range: Range<usize>,
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        for item in range {
            self.control.check()?;
            sink.enter(node.codes[item], node.counts[item])?;
            self.list_item(node, occurrences.of(item), node.counts[item], left - 1, scratch, sink)?;
            sink.leave();
        }
        Ok(())
    }

    fn list_item<S: Sink>(
        &self,
        node: &Lists,
        rows: &[Occurrence],
        total: u32,
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        let before = |row: &Occurrence| &node.items[row.start as usize..row.end as usize];
        let Scratch { counts, bits, spare, .. } = scratch;
        if counts.len() < node.codes.len() {
            counts.resize(node.codes.len(), 0);
            bits.resize(node.codes.len(), 0);
        }
        let mut frequent = Vec::new();
        for row in rows {
            for &item in before(row) {
                let count = &mut counts[item as usize];
                let less = *count;
                *count += row.weight;
                if *count >= self.min && less < self.min {
                    frequent.push(item);
                }
            }
        }
        frequent.sort_unstable();
        let found = frequent.len();
        if S::FOLDS {
            frequent.retain(|&item| counts[item as usize] < total);
        }
        let folded = found - frequent.len();
        let known = |item: u32, counts: &[u32]| (node.codes[item as usize], counts[item as usize]);
        let short = frequent.len() <= 1 || left <= 1;
        if short {
            sink.fold(folded)?;
            for &item in &frequent {
                let (code, count) = known(item, counts);
                sink.enter(code, count)?;
                sink.leave();
            }
            sink.unfold(folded);
            clear(counts, rows, before);
            return Ok(());
        }
        if frequent.len() <= 64 {
            let mut child = spare.pop().unwrap_or_default();
            child.start(frequent.iter().map(|&item| known(item, counts)), total, folded);
            for (bit, &item) in frequent.iter().enumerate() {
                bits[item as usize] = 1 << bit;
            }
            for row in rows {
                let mut word = 0;
                for &item in before(row) {
                    word |= bits[item as usize];
                    counts[item as usize] = 0;
                }
                if word & word.wrapping_sub(1) != 0 {
                    child.push(word, row.weight);
                }
            }
            for &item in &frequent {
                bits[item as usize] = 0;
            }
            if frequent.len() > 12 {
                child.merge();
            }
            self.words(&child, left, scratch, sink)?;
            scratch.spare.push(child);
            return Ok(());
        }
        let mut child = Lists { offsets: vec![0], ..Lists::default() };
        for (at, &item) in frequent.iter().enumerate() {
            let (code, count) = known(item, counts);
            child.codes.push(code);
            child.counts.push(count);
            bits[item as usize] = at as u64 + 1;
        }
        for row in rows {
            let start = child.items.len();
            for &item in before(row) {
                if bits[item as usize] > 0 {
                    child.items.push(bits[item as usize] as u32 - 1);
                }
            }
            if child.items.len() < start + 2 {
                child.items.truncate(start);
            } else {
                child.offsets.push(child.items.len() as u32);
                child.weights.push(row.weight);
            }
        }
        clear(counts, rows, before);
        for &item in &frequent {
            bits[item as usize] = 0;
        }
        sink.fold(folded)?;
        self.lists(&child, left, scratch, sink)?;
        sink.unfold(folded);
        Ok(())
    }
}

/// Sets the counts of all items that occur back to zero.
fn clear<'a>(counts: &mut [u32], rows: &'a [Occurrence], before: impl Fn(&'a Occurrence) -> &'a [u32]) {
    for row in rows {
        for &item in before(row) {
            counts[item as usize] = 0;
        }
    }
}
