//! Nodes of many items: a basket is a list of item numbers, the most frequent item has number 0.
//!
//! Pairs of the most frequent items are counted in a table, basket by basket. For the others there is a list of the places where
//! each occurs; what stands before it in a basket are the more frequent items that the item's own sets are made of.

use std::ops::Range;

use super::pairs::Pairs;
use super::search::{Scratch, Search};
use super::sink::Sink;
use crate::Result;

/// Tasks that a database is split into; a fixed number, so that results do not depend on the threads.
const TASKS: usize = 64;

/// Occurrences of pairs from which a database is split.
const SPLIT: usize = 1 << 13;

/// Counts that are looked at together when frequent items are picked out.
const LOOK: usize = 16;

/// The number of an item; narrow ones keep more of the baskets in cache.
pub(super) trait Item: Copy + Default + Send + Sync {
    fn new(number: u32) -> Self;
    fn at(self) -> usize;
}

impl Item for u16 {
    fn new(number: u32) -> Self {
        number as u16
    }
    fn at(self) -> usize {
        usize::from(self)
    }
}

impl Item for u32 {
    fn new(number: u32) -> Self {
        number
    }
    fn at(self) -> usize {
        self as usize
    }
}

/// Baskets as sorted lists of item numbers: basket `i` is `items[offsets[i]..offsets[i + 1]]`.
#[derive(Default)]
pub(super) struct Rows<I> {
    pub(super) offsets: Vec<u32>,
    pub(super) items: Vec<I>,
}

impl<I> Rows<I> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[I]> {
        self.offsets.windows(2).map(|row| &self.items[row[0] as usize..row[1] as usize])
    }
}

/// Some baskets of a node, and where in them items occur.
pub(super) struct Block<I> {
    pub(super) rows: Rows<I>,
    /// Occurrences of item `i` are `found[starts[i]..starts[i + 1]]`: the items before it in a basket. Those with nothing before
    /// them are left out.
    pub(super) starts: Vec<u32>,
    pub(super) found: Vec<(u32, u32)>,
}

/// No place in a basket.
const NEVER: u32 = u32::MAX;

/// A database with its frequent items.
pub(super) struct Lists<I> {
    /// Code of each item, the most frequent one first.
    codes: Vec<u32>,
    /// In how many baskets each item is.
    counts: Vec<u32>,
    blocks: Vec<Block<I>>,
    pairs: Pairs,
}

impl<I: Item> Lists<I> {
    pub(super) fn new(codes: Vec<u32>, counts: Vec<u32>, blocks: Vec<Block<I>>) -> Self {
        let pairs = Pairs::new(&blocks, codes.len());
        Self { codes, counts, blocks, pairs }
    }

    /// The baskets of an item as lists of its frequent partners.
    fn project<S: Sink>(
        &self,
        item: usize,
        partners: &[(u32, u32)],
        search: &Search<'_>,
        places: &mut [u32],
    ) -> Self {
        let (mut codes, mut counts) =
            (Vec::with_capacity(partners.len()), Vec::with_capacity(partners.len()));
        for (place, &(other, count)) in (1..).zip(partners) {
            codes.push(self.codes[other as usize]);
            counts.push(count);
            places[other as usize] = place;
        }
        let mut most = 0;
        self.each(item, |before| most += before.len());
        let mut rows = Rows { offsets: vec![0], items: vec![I::default(); most] };
        // Where the basket of each item begins.
        let mut starts = vec![0_u32; most];
        let mut end = 0;
        self.each(item, |before| {
            let start = end;
            for other in before {
                // Written in any case, and kept if it is a partner: which it is cannot be foreseen.
                let place = places[other.at()];
                rows.items[end] = I::new(place.wrapping_sub(1));
                starts[end] = start as u32;
                end += usize::from(place > 0);
            }
            if end < start + 2 {
                end = start;
            } else {
                rows.offsets.push(end as u32);
            }
        });
        rows.items.truncate(end);
        starts.truncate(end);
        for &(other, _) in partners {
            places[other as usize] = 0;
        }
        let mut block = [Block { rows, starts: Vec::new(), found: Vec::new() }];
        let pairs = Pairs::new(&block, codes.len());
        // Where pairs are counted, an item's baskets are needed for its sets of three and more only: of an item with less than two
        // frequent partners none, of the others those with two items before it.
        let first: Vec<u32> = (0..codes.len())
            .map(|item| {
                let partners =
                    |counts: &[u32]| counts.iter().map(|&count| u32::from(count >= search.min)).sum::<u32>();
                match pairs.of(item) {
                    Some(counts) if partners(counts) < 2 => NEVER,
                    Some(_) if !S::ALL_ROWS => 2,
                    _ => 1,
                }
            })
            .collect();
        block[0].deliver(&first, &starts);
        Self { codes, counts, blocks: block.into(), pairs }
    }

    /// Visits the baskets of an item: what stands before it.
    fn each(&self, item: usize, mut visit: impl FnMut(&[I])) {
        for block in &self.blocks {
            let found = &block.found[block.starts[item] as usize..block.starts[item + 1] as usize];
            for &(start, end) in found {
                visit(&block.rows.items[start as usize..end as usize]);
            }
        }
    }

    /// Ranges of items of about the same cost.
    fn tasks(&self) -> Vec<Range<usize>> {
        let cost = |item: usize| {
            let places = |block: &Block<I>| block.starts[item + 1] - block.starts[item];
            1 + self.blocks.iter().map(places).sum::<u32>() as usize
        };
        let costs: Vec<usize> = (0..self.codes.len()).map(cost).collect();
        let all: usize = costs.iter().sum();
        if all < SPLIT {
            return std::iter::once(0..costs.len()).collect();
        }
        let mut tasks = Vec::with_capacity(TASKS + 1);
        let (mut start, mut sum) = (0, 0);
        for (item, cost) in costs.iter().enumerate() {
            sum += cost;
            if item + 1 == costs.len() || sum > all / TASKS {
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
        self.each(item, |before| {
            seen += before.len();
            for other in before {
                counts[other.at()] += 1;
            }
        });
        if seen > item / LOOK {
            pick(&counts[..item], min, found);
            counts[..item].fill(0);
            return;
        }
        self.each(item, |before| {
            for other in before {
                let count = std::mem::take(&mut counts[other.at()]);
                if count >= min {
                    found.push((other.at() as u32, count));
                }
            }
        });
        found.sort_unstable();
    }
}

impl<I: Item> Block<I> {
    /// Notes where items occur: each from the place `first` in a basket on, counted from 0. `begins` tells for every item of the rows
    /// where its basket begins.
    fn deliver(&mut self, first: &[u32], begins: &[u32]) {
        let items = &self.rows.items;
        self.starts = vec![0; first.len() + 1];
        let places =
            || items.iter().zip(begins).zip(0_u32..).map(|((item, &start), end)| (item.at(), start, end));
        for (item, start, end) in places() {
            self.starts[item + 1] += u32::from(end - start >= first[item]);
        }
        for at in 1..self.starts.len() {
            self.starts[at] += self.starts[at - 1];
        }
        let mut next = self.starts.clone();
        let all = self.starts[first.len()];
        // What is not wanted is written behind everything: whether it is cannot be foreseen.
        self.found = vec![(0, 0); all as usize + 1];
        for (item, start, end) in places() {
            let wanted = end - start >= first[item];
            self.found[if wanted { next[item] } else { all } as usize] = (start, end);
            next[item] += u32::from(wanted);
        }
        self.found.truncate(all as usize);
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

/// Whether baskets of `total` rows hold so few of an item's partners that lists of these are shorter than words of them.
fn is_sparse(partners: &[(u32, u32)], total: u32) -> bool {
    let held: u64 = partners.iter().map(|&(_, count)| u64::from(count)).sum();
    let squared = |number: u64| u128::from(number) * u128::from(number);
    // Words are looked through for every item that has no place in a table, lists for every pair that is met.
    partners.len() > 16 && partners.len() as u128 * squared(u64::from(total)) > squared(held)
}

/// The bit of a place from 1 to 64; place 0 has none.
const BITS: [u64; 65] = {
    let mut bits = [0; 65];
    let mut place = 1;
    while place <= 64 {
        bits[place] = 1 << (place - 1);
        place += 1;
    }
    bits
};

impl Search<'_> {
    /// Finds all frequent extensions of the current set, of which `left` items are allowed, from its baskets.
    pub(super) fn lists<I: Item, S: Sink>(
        &self,
        node: &Lists<I>,
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
        let mut tasks = node.tasks();
        if tasks.len() == 1 {
            return self.list_items(node, tasks.swap_remove(0), left, scratch, sink);
        }
        self.side_by_side(tasks, sink, |range, scratch, part| {
            self.list_items(node, range, left, scratch, part)
        })
    }

    fn list_items<I: Item, S: Sink>(
        &self,
        node: &Lists<I>,
        range: Range<usize>,
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        let mut partners = scratch.partners.pop().unwrap_or_default();
        for item in range {
            if item % 16 == 0 {
                self.control.check()?;
            }
            if scratch.counts.len() < item {
                scratch.counts.resize(node.codes.len(), 0);
                scratch.places.resize(node.codes.len(), 0);
                scratch.bits.resize(node.codes.len(), 0);
            }
            let total = node.counts[item];
            sink.enter(node.codes[item], total)?;
            partners.clear();
            node.partners(item, self.min, &mut scratch.counts, &mut partners);
            scratch.folded.clear();
            if !self.conflicts.is_empty() {
                let code = node.codes[item];
                partners.retain(|&(other, _)| !self.conflicts.meet(code, node.codes[other as usize]));
            } else if S::FOLDS {
                partners.retain(|&(other, count)| {
                    if count == total {
                        scratch.folded.push(node.codes[other as usize]);
                    }
                    count < total
                });
            }
            let folded = scratch.folded.len();
            sink.fold(&scratch.folded)?;
            sink.settle(partners.is_empty())?;
            if partners.len() <= 1 || left <= 2 {
                for &(other, count) in &partners {
                    sink.enter(node.codes[other as usize], count)?;
                    sink.settle(true)?;
                    sink.leave();
                }
            } else if partners.len() <= 64 && !is_sparse(&partners, total) {
                self.list_words(node, item, &partners, left - 1, scratch, sink)?;
            } else {
                let child = node.project::<S>(item, &partners, self, &mut scratch.places);
                self.lists(&child, left - 1, scratch, sink)?;
            }
            sink.unfold(folded);
            sink.leave();
        }
        scratch.partners.push(partners);
        Ok(())
    }

    /// Searches the baskets of an item as words.
    fn list_words<I: Item, S: Sink>(
        &self,
        node: &Lists<I>,
        item: usize,
        partners: &[(u32, u32)],
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        let mut child = scratch.spare.pop().unwrap_or_default();
        let known = partners.iter().map(|&(other, count)| (node.codes[other as usize], count));
        child.start(known, node.counts[item]);
        for (place, &(other, _)) in (1..).zip(partners) {
            scratch.bits[other as usize] = place;
        }
        let bits = &scratch.bits;
        node.each(item, |before| {
            let word = before.iter().fold(0, |word, other| word | BITS[usize::from(bits[other.at()])]);
            if word & word.wrapping_sub(1) != 0 || (S::ALL_ROWS && word != 0) {
                child.push(word, 1);
            }
        });
        for &(other, _) in partners {
            scratch.bits[other as usize] = 0;
        }
        self.conflicts.mark(&mut child, scratch);
        if partners.len() > 12 && child.len() > 128 {
            child.merge();
        }
        sink.words(self, &child, left, scratch)?;
        scratch.spare.push(child);
        Ok(())
    }
}
