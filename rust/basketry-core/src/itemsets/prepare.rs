//! From baskets of item codes to the first node of a search: infrequent items dropped, frequent ones numbered.

use super::Options;
use super::lists::Lists;
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
    pub(super) folded: usize,
    root: Root,
}

enum Root {
    Lists(Lists),
    Words(Box<Words>),
}

impl Prepared {
    /// Counts, ranks and recodes; `None` if no set can be frequent.
    pub(super) fn new(baskets: &Baskets, options: &Options, folds: bool) -> Result<Option<Self>> {
        let too_many = |what, count: usize| Error::TooMany { what, count: count as u64, most: u64::from(NONE) - 1 };
        if baskets.len() >= NONE as usize {
            return Err(too_many("baskets", baskets.len()));
        }
        if baskets.items().len() >= NONE as usize {
            return Err(too_many("items in baskets", baskets.items().len()));
        }
        let Some(min) = u32::try_from(options.min_count).ok().filter(|&min| min as usize <= baskets.len()) else {
            return Ok(None);
        };
        let mut contains = options.contains.clone();
        contains.sort_unstable();
        contains.dedup();
        if contains.iter().any(|item| options.excludes.contains(item) || *item as usize >= baskets.n_items()) {
            return Ok(None);
        }
        let holding = Holding::new(baskets, &contains);
        let fixed: Vec<(u32, u32)> = contains.iter().copied().zip(holding.counts.iter().copied()).collect();
        if fixed.last().is_some_and(|&(_, count)| count < min) {
            return Ok(None);
        }
        let mut counts = vec![0_u32; baskets.n_items()];
        holding.each(baskets, |basket| {
            for &item in basket {
                counts[item as usize] += 1;
            }
        });
        for &item in contains.iter().chain(&options.excludes) {
            if let Some(count) = counts.get_mut(item as usize) {
                *count = 0;
            }
        }
        let mut codes: Vec<u32> =
            (0..baskets.n_items() as u32).filter(|&item| counts[item as usize] >= min).collect();
        codes.sort_by_key(|&item| std::cmp::Reverse(counts[item as usize]));
        let total = fixed.last().map_or(baskets.len() as u32, |&(_, count)| count);
        let found = codes.len();
        if folds {
            codes.retain(|&item| counts[item as usize] < total);
        }
        let folded = found - codes.len();
        let mut ranks = vec![NONE; baskets.n_items()];
        for (rank, &code) in codes.iter().enumerate() {
            ranks[code as usize] = rank as u32;
        }
        let counts: Vec<u32> = codes.iter().map(|&item| counts[item as usize]).collect();
        let root = if codes.len() <= 64 {
            Root::Words(words(baskets, &holding, &ranks, codes.into_iter().zip(counts), total))
        } else {
            Root::Lists(lists(baskets, &holding, &ranks, codes, counts))
        };
        Ok(Some(Self { min, fixed, folded, root }))
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

    fn each(&self, baskets: &Baskets, mut visit: impl FnMut(&[u32])) {
        for basket in baskets.iter() {
            if self.wanted.iter().all(|item| basket.binary_search(item).is_ok()) {
                visit(basket);
            }
        }
    }
}

fn words(
    baskets: &Baskets,
    holding: &Holding<'_>,
    ranks: &[u32],
    items: impl Iterator<Item = (u32, u32)>,
    total: u32,
) -> Box<Words> {
    let mut node = Box::<Words>::default();
    node.start(items, total);
    holding.each(baskets, |basket| {
        let mut row = 0_u64;
        for &item in basket {
            let rank = ranks[item as usize];
            row |= u64::from(rank != NONE) << (rank & 63);
        }
        if row & row.wrapping_sub(1) != 0 {
            node.push(row, 1);
        }
    });
    node.merge();
    node
}

fn lists(baskets: &Baskets, holding: &Holding<'_>, ranks: &[u32], codes: Vec<u32>, counts: Vec<u32>) -> Lists {
    let mut node = Lists { offsets: vec![0], codes, counts, ..Lists::default() };
    holding.each(baskets, |basket| {
        let start = node.items.len();
        node.items.extend(basket.iter().map(|&item| ranks[item as usize]).filter(|&rank| rank != NONE));
        if node.items.len() < start + 2 {
            node.items.truncate(start);
        } else {
            node.items[start..].sort_unstable();
            node.offsets.push(node.items.len() as u32);
            node.weights.push(1);
        }
    });
    node
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
            Root::Words(node) => self.words(node, left, scratch, sink),
        }
    }
}
