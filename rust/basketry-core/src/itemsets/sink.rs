//! Where a search puts what it finds.
//!
//! A search walks depth first and visits the extensions of a set from the most frequent item to the least frequent one, so every
//! sink sees the same sets in the same order, whatever representation found them. Parts of the walk that run side by side
//! get a fork of the sink each and are joined in the order of the walk.

use super::search::{Scratch, Search};
use super::table::{Cell, walk};
use super::words::Words;
use crate::{Control, Error, Result};

/// Sets booked at a time.
pub(super) const BOOKED: u64 = 1 << 12;

/// A receiver of frequent itemsets.
pub(super) trait Sink: Send + Sync + Sized {
    /// Whether items that all baskets of a node have in common are set aside and told with [`Sink::fold`] instead of being
    /// combined with everything that follows.
    const FOLDS: bool;

    /// Whether baskets of one item matter: their counts are known without them.
    const ALL_ROWS: bool = false;

    /// Whether items are told by their ranks instead of their codes.
    const RANKS: bool = false;

    /// An empty sink for a part of what follows the current set.
    fn fork(&self) -> Self;

    /// Takes back forks, in the order of the walk.
    fn join(&mut self, parts: Vec<Self>) -> Result<()>;

    /// Begins with items that every set has and their counts one after the other; `total` baskets hold them all.
    fn begin(&mut self, fixed: &[(u32, u32)], _total: u32) -> Result<()> {
        fixed.iter().try_for_each(|&(item, count)| self.enter(item, count))
    }

    /// Extends the current set by an item.
    fn enter(&mut self, item: u32, count: u32) -> Result<()>;

    /// Takes the last item off the current set.
    fn leave(&mut self);

    /// Tells that all baskets of the current set hold these items too: every set from here on stands for all its unions with
    /// some of them.
    fn fold(&mut self, items: &[u32]) -> Result<()>;

    /// Takes back what [`Sink::fold`] told.
    fn unfold(&mut self, less: usize);

    /// Tells that the current set is folded, and whether it has no frequent extension.
    fn settle(&mut self, _alone: bool) -> Result<()> {
        Ok(())
    }

    /// Takes every frequent extension of the current set by at most `left` items of a node of words.
    fn words(&mut self, search: &Search<'_>, node: &Words, left: usize, scratch: &mut Scratch) -> Result<()> {
        search.words(node, left, scratch, self)
    }

    /// Takes every frequent extension of the current set by at most `longest` of `items`, counted in a table.
    fn table<T: Cell>(&mut self, items: &[u32], table: &[T], min: u32, longest: usize) -> Result<()>;
}

/// Counts itemsets by length and keeps none.
#[derive(Debug)]
pub(super) struct Spectrum<'a> {
    /// Where sets are booked as if they were kept, to stop when there are too many.
    control: Option<&'a Control>,
    unbooked: u64,
    depth: usize,
    folded: usize,
    /// Sets by the number of folded items and their length without them.
    sets: Vec<Vec<u64>>,
}

impl<'a> Spectrum<'a> {
    pub(super) fn new() -> Self {
        Self { control: None, unbooked: 0, depth: 0, folded: 0, sets: vec![Vec::new()] }
    }

    /// A spectrum that meets the budget of results.
    pub(super) fn booking(control: &'a Control) -> Self {
        Self { control: Some(control), ..Self::new() }
    }

    fn book(&mut self, sets: u64) -> Result<()> {
        self.unbooked += sets;
        match self.control {
            Some(control) if self.unbooked >= BOOKED => control.book(std::mem::take(&mut self.unbooked), 0),
            _ => Ok(()),
        }
    }

    /// The number of itemsets of 1, 2, 3 ... items, up to the longest one allowed.
    pub(super) fn finish(&self, longest: usize) -> Result<Vec<u64>> {
        let mut by_length: Vec<u64> = Vec::new();
        for (folded, sets) in self.sets.iter().enumerate().filter(|(_, sets)| !sets.is_empty()) {
            // Of the folded items any number may be added: their binomial coefficients, one after the other.
            let mut ways = 1_u64;
            for more in 0..=folded {
                for (length, &sets) in sets.iter().enumerate() {
                    let length = length + more;
                    if sets == 0 || length == 0 || length > longest {
                        continue;
                    }
                    if by_length.len() < length {
                        by_length.resize(length, 0);
                    }
                    let sum = &mut by_length[length - 1];
                    *sum = sets.checked_mul(ways).and_then(|new| sum.checked_add(new)).ok_or(TOO_MANY)?;
                }
                if more >= longest {
                    break;
                }
                let next = u128::from(ways) * (folded - more) as u128 / (more as u128 + 1);
                ways = u64::try_from(next).map_err(|_| TOO_MANY)?;
            }
        }
        Ok(by_length)
    }

    fn add(&mut self, length: usize, sets: u64) {
        let row = &mut self.sets[self.folded];
        if row.len() <= length {
            row.resize(length + 1, 0);
        }
        row[length] += sets;
    }
}

const TOO_MANY: Error = Error::TooMany { what: "itemsets of one length", count: u64::MAX, most: u64::MAX };

impl Sink for Spectrum<'_> {
    const FOLDS: bool = true;

    fn fork(&self) -> Self {
        Self {
            control: self.control,
            unbooked: 0,
            depth: self.depth,
            folded: self.folded,
            sets: vec![Vec::new(); self.folded + 1],
        }
    }

    fn join(&mut self, parts: Vec<Self>) -> Result<()> {
        let folded = self.folded;
        for part in parts {
            for (at, sets) in part.sets.into_iter().enumerate() {
                if self.sets.len() <= at {
                    self.sets.push(Vec::new());
                }
                self.folded = at;
                for (length, sets) in sets.into_iter().enumerate() {
                    self.add(length, sets);
                }
            }
        }
        self.folded = folded;
        Ok(())
    }

    fn enter(&mut self, _: u32, _: u32) -> Result<()> {
        self.depth += 1;
        self.add(self.depth, 1);
        self.book(1)
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// The current set itself was counted when it was entered; its unions with folded items are counted here.
    fn fold(&mut self, items: &[u32]) -> Result<()> {
        let more = items.len();
        if more > 0 {
            if let Some(sets) = self.sets[self.folded].get_mut(self.depth).filter(|sets| **sets > 0) {
                *sets -= 1;
            }
            self.folded += more;
            if self.sets.len() <= self.folded {
                self.sets.resize(self.folded + 1, Vec::new());
            }
            self.add(self.depth, 1);
        }
        Ok(())
    }

    fn unfold(&mut self, less: usize) {
        self.folded -= less;
    }

    fn table<T: Cell>(&mut self, _: &[u32], table: &[T], min: u32, longest: usize) -> Result<()> {
        const LANES: usize = 32;
        let mut sizes = [0_u64; 32];
        if table.len() < LANES {
            walk(table, min, longest, |set, _| sizes[set.count_ones() as usize] += 1);
        } else {
            // Lane by lane the sets with the same high bits; sizes of the low bits are sorted out at the end.
            let mut lanes = [[0_u16; LANES]; 28];
            let min = T::narrow(min);
            for (high, chunk) in table.chunks_exact(LANES).enumerate() {
                for (sum, &count) in lanes[high.count_ones() as usize].iter_mut().zip(chunk) {
                    *sum += u16::from(count >= min);
                }
            }
            for (high, lanes) in lanes.iter().enumerate() {
                for (low, &sets) in lanes.iter().enumerate() {
                    sizes[(high + low.count_ones() as usize).min(31)] += u64::from(sets);
                }
            }
            sizes[0] = 0;
        }
        for (size, &sets) in sizes.iter().enumerate().take(longest.min(31) + 1) {
            if size > 0 && sets > 0 {
                self.add(self.depth + size, sets);
            }
        }
        self.book(sizes.iter().take(longest.min(31) + 1).sum())
    }
}
