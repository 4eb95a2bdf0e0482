//! From baskets of item codes to the first node of a search: infrequent items dropped, frequent ones numbered.

use std::ops::Range;

use rayon::prelude::*;

use super::Options;
use super::conflicts::Conflicts;
use super::lists::{Block, Item as Number, Lists, Rows};
use super::search::{Scratch, Search};
use super::sink::Sink;
use super::words::Words;
use crate::baskets::Baskets;
use crate::{Error, Result};

const NONE: u32 = u32::MAX;

/// The database a search begins with.
pub(super) struct Prepared {
    /// The least count of a frequent set.
    pub(super) min: u32,
    /// The items every set has: code, and the count of the set so far.
    pub(super) fixed: Vec<(u32, u32)>,
    /// Further items that all these baskets hold, for a sink that folds.
    pub(super) folded: Vec<u32>,
    /// How many baskets hold the fixed items.
    pub(super) total: u32,
    /// The codes of all frequent items by rank, without the fixed ones.
    pub(super) codes: Vec<u32>,
    /// Items that may not meet.
    pub(super) conflicts: Conflicts,
    root: Root,
}

enum Root {
    Lists(Lists<u16>),
    WideLists(Lists<u32>),
    Words(Box<Words>),
}

impl Prepared {
    /// Counts, ranks and recodes; `None` if no set can be frequent.
    pub(super) fn new<S: Sink>(baskets: &Baskets, options: &Options) -> Result<Option<Self>> {
        let too_many =
            |what, count: usize| Error::TooMany { what, count: count as u64, most: u64::from(NONE) - 1 };
        if baskets.len() >= NONE as usize {
            return Err(too_many("baskets", baskets.len()));
        }
        if baskets.items().len() >= NONE as usize {
            return Err(too_many("items in baskets", baskets.items().len()));
        }
        let Some(min) = u32::try_from(options.min_count).ok().filter(|&min| min as usize <= baskets.len())
        else {
            return Ok(None);
        };
        let mut contains = options.contains.clone();
        contains.sort_unstable();
        contains.dedup();
        if contains.iter().any(|item| options.excludes.contains(item) || *item as usize >= baskets.n_items())
        {
            return Ok(None);
        }
        let holding = Holding::new(baskets, &contains);
        let fixed: Vec<(u32, u32)> = contains.iter().copied().zip(holding.counts.iter().copied()).collect();
        if fixed.last().is_some_and(|&(_, count)| count < min) {
            return Ok(None);
        }
        let stretches = stretches(baskets.len());
        let mut counts = stretches
            .par_iter()
            .map(|stretch| {
                let mut counts = vec![0_u32; baskets.n_items()];
                holding.each(baskets, stretch.clone(), |basket| {
                    for &item in basket {
                        counts[item as usize] += 1;
                    }
                });
                counts
            })
            .reduce_with(|mut sum, more| {
                sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                sum
            })
            .unwrap_or_default();
        let conflicts = Conflicts::new(&options.conflicts, baskets.n_items());
        for (at, &item) in contains.iter().enumerate() {
            if contains[..at].iter().any(|&other| conflicts.meet(item, other)) {
                return Ok(None);
            }
            for other in (0..counts.len()).filter(|&other| conflicts.meet(item, other as u32)) {
                counts[other] = 0;
            }
        }
        for &item in contains.iter().chain(&options.excludes) {
            if let Some(count) = counts.get_mut(item as usize) {
                *count = 0;
            }
        }
        let mut codes: Vec<u32> =
            (0..baskets.n_items() as u32).filter(|&item| counts[item as usize] >= min).collect();
        codes.sort_by_key(|&item| std::cmp::Reverse(counts[item as usize]));
        let total = fixed.last().map_or(baskets.len() as u32, |&(_, count)| count);
        let n_folded = if S::FOLDS && conflicts.is_empty() {
            codes.partition_point(|&item| counts[item as usize] == total)
        } else {
            0
        };
        let mut ranks = vec![NONE; baskets.n_items()];
        for (rank, &code) in codes[n_folded..].iter().enumerate() {
            ranks[code as usize] = rank as u32;
        }
        let counts: Vec<u32> = codes[n_folded..].iter().map(|&item| counts[item as usize]).collect();
        let mut folded: Vec<u32> = if S::RANKS { (0..codes.len() as u32).collect() } else { codes.clone() };
        let names = folded.split_off(n_folded);
        let blocks = Blocks { baskets, holding: &holding, ranks: &ranks, stretches: &stretches };
        let root = if names.len() <= 64 {
            Root::Words(Box::new(blocks.words(names.into_iter().zip(counts), total, S::ALL_ROWS)))
        } else if u16::try_from(names.len()).is_ok() {
            Root::Lists(blocks.lists(names, counts))
        } else {
            Root::WideLists(blocks.lists(names, counts))
        };
        Ok(Some(Self { min, fixed, folded, total, codes, conflicts, root }))
    }

    /// Whether the first node is one of words, so that every item is seen from every other one.
    pub(super) fn is_words(&self) -> bool {
        matches!(self.root, Root::Words(_))
    }

    /// Whether no item is frequent besides the fixed and the folded ones.
    pub(super) fn is_empty(&self) -> bool {
        self.codes.len() == self.folded.len()
    }
}

/// The baskets that hold some given items.
struct Holding<'a> {
    wanted: &'a [u32],
    /// In how many baskets the first, the first two ... of them are.
    counts: Vec<u32>,
}

impl<'a> Holding<'a> {
    fn new(baskets: &Baskets, wanted: &'a [u32]) -> Self {
        let mut counts = vec![0; wanted.len()];
        if !wanted.is_empty() {
            for basket in baskets.iter() {
                let held = wanted.iter().take_while(|item| basket.binary_search(item).is_ok()).count();
                for count in &mut counts[..held] {
                    *count += 1;
                }
            }
        }
        Self { wanted, counts }
    }

    /// Visits those among some baskets.
    fn each(&self, baskets: &Baskets, stretch: Range<usize>, mut visit: impl FnMut(&[u32])) {
        for basket in stretch.map(|basket| baskets.items_of(basket)) {
            if self.wanted.iter().all(|item| basket.binary_search(item).is_ok()) {
                visit(basket);
            }
        }
    }
}

/// Ranges of baskets that are prepared side by side; they depend on the number of baskets only.
fn stretches(baskets: usize) -> Vec<Range<usize>> {
    let long = (baskets / 8).clamp(1 << 11, 1 << 16);
    (0..baskets).step_by(long).map(|start| start..(start + long).min(baskets)).collect()
}

/// What the first node is made of.
struct Blocks<'a> {
    baskets: &'a Baskets,
    holding: &'a Holding<'a>,
    /// The number of each item by its code, [`NONE`] for an infrequent one.
    ranks: &'a [u32],
    stretches: &'a [Range<usize>],
}

impl Blocks<'_> {
    fn words(&self, items: impl Iterator<Item = (u32, u32)>, total: u32, all_rows: bool) -> Words {
        let mut node = Words::default();
        node.start(items, total);
        let parts: Vec<Vec<u64>> = self
            .stretches
            .par_iter()
            .map(|stretch| {
                let mut rows = Vec::with_capacity(stretch.len());
                self.holding.each(self.baskets, stretch.clone(), |basket| {
                    let mut row = 0_u64;
                    for &item in basket {
                        let rank = self.ranks[item as usize];
                        row |= u64::from(rank != NONE) << (rank & 63);
                    }
                    if row & row.wrapping_sub(1) != 0 || (all_rows && row != 0) {
                        rows.push(row);
                    }
                });
                rows
            })
            .collect();
        parts.into_iter().flatten().for_each(|row| node.push(row, 1));
        node.merge();
        node
    }

    fn lists<I: Number>(&self, codes: Vec<u32>, counts: Vec<u32>) -> Lists<I> {
        let blocks = self.stretches.par_iter().map(|stretch| self.block(stretch, codes.len())).collect();
        Lists::new(codes, counts, blocks)
    }

    /// Sorts the items of each basket without comparing any: baskets are dealt out to their items, and then item after item
    /// is put behind what its baskets have by then, which also tells what stands before it.
    fn block<I: Number>(&self, stretch: &Range<usize>, n_items: usize) -> Block<I> {
        let mut starts = vec![0_u32; n_items + 1];
        let mut offsets = vec![0_u32];
        let mut end = 0;
        self.holding.each(self.baskets, stretch.clone(), |basket| {
            for &item in basket {
                let rank = self.ranks[item as usize];
                if rank != NONE {
                    starts[rank as usize + 1] += 1;
                    end += 1;
                }
            }
            offsets.push(end);
        });
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut dealt = vec![0_u32; end as usize];
        let mut row = 0;
        self.holding.each(self.baskets, stretch.clone(), |basket| {
            for &item in basket {
                let rank = self.ranks[item as usize];
                if rank != NONE {
                    let at = &mut next[rank as usize];
                    dealt[*at as usize] = row;
                    *at += 1;
                }
            }
            row += 1;
        });
        let mut ends = offsets.clone();
        let mut items = vec![I::default(); end as usize];
        let mut found = vec![(0, 0); end as usize + 1];
        let mut known = 0;
        for rank in 0..n_items {
            let dealt = &dealt[starts[rank] as usize..starts[rank + 1] as usize];
            starts[rank] = known as u32;
            for &row in dealt {
                let (start, end) = (offsets[row as usize], &mut ends[row as usize]);
                items[*end as usize] = I::new(rank as u32);
                found[known] = (start, *end);
                known += usize::from(*end > start);
                *end += 1;
            }
        }
        starts[n_items] = known as u32;
        found.truncate(known);
        Block { rows: Rows { offsets, items }, starts, found }
    }
}

impl Search<'_> {
    /// Searches from the first node.
    pub(super) fn lists_or_words<S: Sink>(
        &self,
        prepared: &Prepared,
        left: usize,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<()> {
        match &prepared.root {
            Root::Lists(node) => self.lists(node, left, scratch, sink),
            Root::WideLists(node) => self.lists(node, left, scratch, sink),
            Root::Words(node) => {
                let mut node = node.clone();
                self.conflicts.mark(&mut node, scratch);
                sink.words(self, &node, left, scratch)
            }
        }
    }
}
