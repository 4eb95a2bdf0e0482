//! Nodes of many items: a basket is a list of item numbers, the most frequent item has number 0.
//!
//! Pairs of the most frequent items are counted in a table, basket by basket. For the others one pass over the baskets delivers
//! to each item the places where it occurs; what stands before it in a basket are the more frequent items that the item's own
//! sets are made of.

use std::ops::Range;

use rayon::prelude::*;

use super::pairs::Pairs;
use super::search::{Scratch, Search};
use super::sink::Sink;
use crate::Result;

/// Tasks that a database is split into; a fixed number, so that results do not depend on the threads.
const TASKS: usize = 64;

/// Pairs of items from which a database is split.
const SPLIT: usize = 1 << 16;

/// Counts that are looked at together when a database's frequent items are picked out.
const LOOK: usize = 16;

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

/// A node with what is known before its items are searched.
struct Opened<'a> {
    node: &'a Lists,
    pairs: Pairs,
    /// Occurrences of item `i` are `all[offsets[i]..offsets[i + 1]]`; there are none if the pairs tell enough.
    offsets: Vec<usize>,
    all: Vec<Occurrence>,
}

impl Lists {
    /// The baskets with their weights.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[u32], u32)> {
        let rows = self.offsets.windows(2).map(|row| &self.items[row[0] as usize..row[1] as usize]);
        rows.zip(self.weights.iter().copied())
    }
}

impl<'a> Opened<'a> {
    fn new(node: &'a Lists, min: u32, left: usize) -> Self {
        let pairs = Pairs::new(node);
        // An item with less than two frequent partners has no set of three.
        let wanted: Vec<bool> = (0..node.codes.len())
            .map(|item| {
                let known = pairs.of(item);
                known.is_none_or(|counts| {
                    left > 2 && counts.iter().filter(|&&count| count >= min).nth(1).is_some()
                })
            })
            .collect();
        let mut offsets = vec![0; node.codes.len() + 1];
        for &item in &node.items {
            offsets[item as usize + 1] += usize::from(wanted[item as usize]);
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut next = offsets.clone();
        let mut all = vec![Occurrence::default(); offsets[node.codes.len()]];
        for (row, &weight) in node.offsets.windows(2).zip(&node.weights) {
            for end in row[0]..row[1] {
                let item = node.items[end as usize] as usize;
                if wanted[item] {
                    all[next[item]] = Occurrence { start: row[0], end, weight };
                    next[item] += 1;
                }
            }
        }
        Self { node, pairs, offsets, all }
    }

    fn of(&self, item: usize) -> &[Occurrence] {
        &self.all[self.offsets[item]..self.offsets[item + 1]]
    }

    fn before(&self, row: &Occurrence) -> &'a [u32] {
        &self.node.items[row.start as usize..row.end as usize]
    }

    /// Ranges of items of about the same cost.
    fn tasks(&self) -> Vec<Range<usize>> {
        let items = self.node.codes.len();
        let cost = |item: usize| 1 + self.of(item).iter().map(|row| (row.end - row.start) as usize).sum::<usize>();
        let costs: Vec<usize> = (0..items).map(cost).collect();
        let all: usize = costs.iter().sum();
        if all < SPLIT {
            return vec![0..items];
        }
        let mut tasks = Vec::with_capacity(TASKS + 1);
        let (mut start, mut sum) = (0, 0);
        for (item, cost) in costs.into_iter().enumerate() {
            sum += cost;
            if item + 1 == items || sum > all / TASKS {
                tasks.push(start..item + 1);
                (start, sum) = (item + 1, 0);
            }
        }
        tasks
    }

    /// Finds the frequent partners of an item among the more frequent items, with the count of the pair.
    fn partners(&self, item: usize, min: u32, counts: &mut [u32], found: &mut Vec<(u32, u32)>) {
        if let Some(known) = self.pairs.of(item) {
            pick(known, min, found);
            return;
        }
        let mut seen = 0;
        for row in self.of(item) {
            let before = self.before(row);
            seen += before.len();
            for &other in before {
                counts[other as usize] += row.weight;
            }
        }
        if seen > item / LOOK {
            pick(&counts[..item], min, found);
            counts[..item].fill(0);
            return;
        }
        for row in self.of(item) {
            for &other in self.before(row) {
                let count = std::mem::take(&mut counts[other as usize]);
                if count >= min {
                    found.push((other, count));
                }
            }
        }
        found.sort_unstable();
    }
}

/// Adds the places and values of the counts that are at least `min`.
fn pick(counts: &[u32], min: u32, found: &mut Vec<(u32, u32)>) {
    for (look, some) in counts.chunks(LOOK).enumerate() {
        if some.iter().fold(0, |most, &count| most.max(count)) >= min {
            for (at, &count) in some.iter().enumerate().filter(|&(_, &count)| count >= min) {
                found.push(((look * LOOK + at) as u32, count));
            }
        }
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
        let opened = Opened::new(node, self.min, left);
        let mut tasks = opened.tasks();
        if tasks.len() == 1 {
            return self.list_items(&opened, tasks.swap_remove(0), left, scratch, sink);
        }
        let parts = tasks
            .into_par_iter()
            .with_max_len(1)
            .map(|range| {
                let mut part = sink.fork();
                self.with_scratch(|scratch| self.list_items(&opened, range, left, scratch, &mut part))?;
                Ok(part)
            })
            .collect::<Result<Vec<_>>>()?;
        sink.join(parts);
        Ok(())
    }

    fn list_items<S: Sink>(
        &self,
        opened: &Opened<'_>,
        range: Range<usize>,
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        for item in range {
            if item % 16 == 0 {
                self.control.check()?;
            }
            if scratch.counts.len() < item {
                scratch.counts.resize(opened.node.codes.len(), 0);
                scratch.bits.resize(opened.node.codes.len(), 0);
            }
            let total = opened.node.counts[item];
            sink.enter(opened.node.codes[item], total)?;
            let mut partners = scratch.partners.pop().unwrap_or_default();
            partners.clear();
            opened.partners(item, self.min, &mut scratch.counts, &mut partners);
            let found = partners.len();
            if S::FOLDS {
                partners.retain(|&(_, count)| count < total);
            }
            let folded = found - partners.len();
            sink.fold(folded)?;
            if partners.len() <= 1 || left <= 2 {
                for &(other, count) in &partners {
                    sink.enter(opened.node.codes[other as usize], count)?;
                    sink.leave();
                }
            } else if partners.len() <= 64 {
                self.list_words(opened, item, &partners, left - 1, scratch, sink)?;
            } else {
                let child = project(opened, item, &partners, &mut scratch.bits);
                self.lists(&child, left - 1, scratch, sink)?;
            }
            sink.unfold(folded);
            sink.leave();
            scratch.partners.push(partners);
        }
        Ok(())
    }

    /// Searches the baskets of an item as words.
    fn list_words<S: Sink>(
        &self,
        opened: &Opened<'_>,
        item: usize,
        partners: &[(u32, u32)],
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        let node = opened.node;
        let mut child = scratch.spare.pop().unwrap_or_default();
        let known = partners.iter().map(|&(other, count)| (node.codes[other as usize], count));
        child.start(known, node.counts[item]);
        for (bit, &(other, _)) in partners.iter().enumerate() {
            scratch.bits[other as usize] = 1 << bit;
        }
        for row in opened.of(item) {
            let word = opened.before(row).iter().fold(0, |word, &other| word | scratch.bits[other as usize]);
            if word & word.wrapping_sub(1) != 0 {
                child.push(word, row.weight);
            }
        }
        for &(other, _) in partners {
            scratch.bits[other as usize] = 0;
        }
        if partners.len() > 12 {
            child.merge();
        }
        self.words(&child, left, scratch, sink)?;
        scratch.spare.push(child);
        Ok(())
    }
}

/// The baskets of an item as lists of its frequent partners.
fn project(opened: &Opened<'_>, item: usize, partners: &[(u32, u32)], places: &mut [u64]) -> Lists {
    let mut child = Lists { offsets: vec![0], ..Lists::default() };
    for (place, &(other, count)) in (1..).zip(partners) {
        child.codes.push(opened.node.codes[other as usize]);
        child.counts.push(count);
        places[other as usize] = place;
    }
    for row in opened.of(item) {
        let start = child.items.len();
        let places = opened.before(row).iter().map(|&other| places[other as usize]);
        child.items.extend(places.filter(|&place| place > 0).map(|place| place as u32 - 1));
        if child.items.len() < start + 2 {
            child.items.truncate(start);
        } else {
            child.offsets.push(child.items.len() as u32);
            child.weights.push(row.weight);
        }
    }
    for &(other, _) in partners {
        places[other as usize] = 0;
    }
    child
}
