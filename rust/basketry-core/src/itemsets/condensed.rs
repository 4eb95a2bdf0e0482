//! Where closed and maximal sets are put.
//!
//! Among words the search itself finds out which sets are closed or maximal. Where a database has too many items for that, a
//! set is compared with what else its own part of the search holds, that is with earlier items, and sets that hold one from
//! another part are told apart at the end.

use super::flat::Flat;
use super::kinds::Kind;
use super::search::{Scratch, Search};
use super::sink::{BOOKED, Sink};
use super::table::{Cell, walk};
use super::words::Words;
use super::{closed, held, maximal};
use crate::{Control, Result};

/// A receiver of closed or maximal sets. Items are told by their ranks.
pub(super) struct Condensed<'a> {
    control: &'a Control,
    kind: Kind,
    /// The most items of a set that is a result; longer ones are needed only to know which are.
    longest: usize,
    /// Whether there are items that every set has; they are not told here.
    fixed: bool,
    /// The current set, and the counts of the sets it was extended from.
    set: Vec<u32>,
    counts: Vec<u32>,
    /// The current set in the order of ranks.
    sorted: Vec<u32>,
    parts: Vec<Flat>,
    part: Flat,
    /// Results, and sets and items of the open part, that are not booked.
    unbooked: (u64, usize, usize),
}

/// Bytes of a set besides its items.
const SET: usize = size_of::<usize>() + size_of::<u32>();

impl<'a> Condensed<'a> {
    pub(super) fn new(kind: Kind, longest: usize, control: &'a Control) -> Self {
        Self {
            control,
            kind,
            longest,
            fixed: false,
            set: Vec::new(),
            counts: Vec::new(),
            sorted: Vec::new(),
            parts: Vec::new(),
            part: Flat::default(),
            unbooked: (0, 0, 0),
        }
    }

    /// The sets in parts; `whole` if every part was compared with every other one.
    pub(super) fn finish(mut self, whole: bool) -> Result<Vec<Flat>> {
        self.book()?;
        self.close();
        if whole { Ok(self.parts) } else { held::drop_held(self.parts, self.kind, self.control) }
    }

    fn close(&mut self) {
        if self.part.len() > 0 {
            self.parts.push(std::mem::take(&mut self.part));
        }
    }

    fn book(&mut self) -> Result<()> {
        let (results, sets, items) = std::mem::take(&mut self.unbooked);
        self.control.book(results, (items * size_of::<u32>() + sets * SET) as u64)
    }

    /// Adds the current set with more items.
    fn add(&mut self, more: impl Iterator<Item = u32>, count: u32) -> Result<()> {
        let length = self.part.push(&self.sorted, more, count);
        self.unbooked.0 += u64::from(length <= self.longest);
        self.unbooked.1 += 1;
        self.unbooked.2 += length;
        if self.unbooked.1 as u64 >= BOOKED { self.book() } else { Ok(()) }
    }

    /// Adds the current set with the items of some bits.
    pub(super) fn set(&mut self, words: &Words, mut bits: u64, count: u32) -> Result<()> {
        let items = std::iter::from_fn(|| {
            let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(words.codes[bit])
        });
        self.add(items, count)
    }

    /// Adds the closed ones of a table's frequent sets, of which `wholes` has the closures and `known` items are not in the table.
    pub(super) fn closed_table<T: Cell>(
        &mut self,
        words: &Words,
        table: &[T],
        wholes: &[u64],
        known: u32,
        min: u32,
    ) -> Result<()> {
        let mut refused = Ok(());
        walk(table, min, usize::MAX, |set, count| {
            if wholes[set].count_ones() == known + set.count_ones() && refused.is_ok() {
                refused = self.set(words, wholes[set], count);
            }
        });
        refused
    }
}

impl Sink for Condensed<'_> {
    const FOLDS: bool = true;
    const ALL_ROWS: bool = true;
    const RANKS: bool = true;

    fn fork(&self) -> Self {
        Self {
            set: self.set.clone(),
            counts: self.counts.clone(),
            sorted: self.sorted.clone(),
            ..Self::new(self.kind, self.longest, self.control)
        }
    }

    fn join(&mut self, parts: Vec<Self>) -> Result<()> {
        self.close();
        for mut part in parts {
            part.close();
            self.parts.append(&mut part.parts);
            self.unbooked.0 += part.unbooked.0;
            self.unbooked.1 += part.unbooked.1;
            self.unbooked.2 += part.unbooked.2;
        }
        Ok(())
    }

    fn begin(&mut self, fixed: &[(u32, u32)], total: u32) -> Result<()> {
        self.fixed = !fixed.is_empty();
        self.counts.push(total);
        Ok(())
    }

    fn enter(&mut self, item: u32, count: u32) -> Result<()> {
        self.set.push(item);
        self.counts.push(count);
        Ok(())
    }

    fn leave(&mut self) {
        self.set.pop();
        self.counts.pop();
    }

    fn fold(&mut self, items: &[u32]) -> Result<()> {
        self.set.extend_from_slice(items);
        Ok(())
    }

    fn unfold(&mut self, less: usize) {
        self.set.truncate(self.set.len() - less);
    }

    fn settle(&mut self, alone: bool) -> Result<()> {
        self.sorted.clone_from(&self.set);
        self.sorted.sort_unstable();
        let count = self.counts.last().copied().unwrap_or(0);
        if (self.set.is_empty() && !self.fixed) || (self.kind == Kind::Maximal && !alone) {
            return Ok(());
        }
        self.add(std::iter::empty(), count)
    }

    fn table<T: Cell>(&mut self, _: &[u32], _: &[T], _: u32, _: usize) -> Result<()> {
        Ok(())
    }

    fn words(&mut self, search: &Search<'_>, node: &Words, _: usize, scratch: &mut Scratch) -> Result<()> {
        match self.kind {
            Kind::Maximal => maximal::search(search, node, scratch, self),
            _ => closed::search(search, node, scratch, self),
        }
    }
}
