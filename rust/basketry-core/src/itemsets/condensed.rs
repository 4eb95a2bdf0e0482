//! Where closed and maximal sets are put.
//!
//! Among words the search itself finds out which sets are closed or maximal. Where a database has too many items for that, a
//! set is compared with what else its own part of the search holds, that is with earlier items, and sets that hold one from
//! another part are told apart at the end.

use rayon::prelude::*;

use super::flat::Flat;
use super::kinds::Kind;
use super::search::{Scratch, Search};
use super::sink::{BOOKED, Sink};
use super::table::{Cell, walk};
use super::words::Words;
use super::{closed, maximal};
use crate::{Control, Result};

/// A receiver of closed or maximal sets. Items are told by their ranks.
pub(super) struct Condensed<'a> {
    control: &'a Control,
    kind: Kind,
    /// Whether there are items that every set has; they are not told here.
    fixed: bool,
    /// The current set, and the counts of the sets it was extended from.
    set: Vec<u32>,
    counts: Vec<u32>,
    /// The current set in the order of ranks.
    sorted: Vec<u32>,
    parts: Vec<Flat>,
    part: Flat,
    /// Sets and items of the open part that are booked.
    booked: (usize, usize),
}

/// Bytes of a set besides its items.
const SET: usize = size_of::<usize>() + size_of::<u32>();

impl<'a> Condensed<'a> {
    pub(super) fn new(kind: Kind, control: &'a Control) -> Self {
        Self {
            control,
            kind,
            fixed: false,
            set: Vec::new(),
            counts: Vec::new(),
            sorted: Vec::new(),
            parts: Vec::new(),
            part: Flat::default(),
            booked: (0, 0),
        }
    }

    /// The sets in parts; `whole` if every part was compared with every other one.
    pub(super) fn finish(mut self, whole: bool) -> Result<Vec<Flat>> {
        self.close();
        if whole { Ok(self.parts) } else { without_held(&self.parts, self.kind, self.control) }
    }

    fn close(&mut self) {
        if self.part.len() > 0 {
            self.parts.push(std::mem::take(&mut self.part));
            self.booked = (0, 0);
        }
    }

    fn book(&mut self) -> Result<()> {
        let (sets, items) = (self.part.len() - self.booked.0, self.part.items() - self.booked.1);
        self.booked = (self.part.len(), self.part.items());
        self.control.book(sets as u64, (items * size_of::<u32>() + sets * SET) as u64)
    }

    /// Adds the current set with more items.
    fn add(&mut self, more: impl Iterator<Item = u32>, count: u32) -> Result<()> {
        self.part.push(&self.sorted, more, count);
        if (self.part.len() - self.booked.0) as u64 >= BOOKED { self.book() } else { Ok(()) }
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
            ..Self::new(self.kind, self.control)
        }
    }

    fn join(&mut self, parts: Vec<Self>) {
        self.close();
        for mut part in parts {
            part.close();
            self.parts.append(&mut part.parts);
        }
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

/// Drops sets that another one holds: for closed sets one of the same count.
fn without_held(parts: &[Flat], kind: Kind, control: &Control) -> Result<Vec<Flat>> {
    let sets: Vec<(&[u32], u32)> = parts.iter().flat_map(Flat::iter).collect();
    // The sets of each item, by rank.
    let n_items = sets.iter().filter_map(|(set, _)| set.last()).max().map_or(0, |&last| last as usize + 1);
    let mut ends = vec![0_usize; n_items + 1];
    sets.iter().flat_map(|(set, _)| *set).for_each(|&item| ends[item as usize + 1] += 1);
    for item in 1..ends.len() {
        ends[item] += ends[item - 1];
    }
    let mut next = ends.clone();
    let mut holders = vec![0_u32; ends[n_items]];
    for (place, (set, _)) in sets.iter().enumerate() {
        for &item in *set {
            holders[next[item as usize]] = place as u32;
            next[item as usize] += 1;
        }
    }
    let kept: Vec<Vec<u32>> = (0..n_items)
        .into_par_iter()
        .map_init(Meeting::default, |meeting, item| {
            control.check()?;
            let mut holders = holders[ends[item]..ends[item + 1]].to_vec();
            let mut kept = Vec::new();
            if kind == Kind::Closed {
                holders.sort_unstable_by_key(|&place| (sets[place as usize].1, place));
            }
            let alike =
                |a: &u32, b: &u32| kind == Kind::Maximal || sets[*a as usize].1 == sets[*b as usize].1;
            for group in holders.chunk_by(alike) {
                meeting.unheld(&sets, item as u32, group, &mut kept);
            }
            Ok(kept)
        })
        .collect::<Result<_>>()?;
    // A set of nothing but fixed items is kept: what all its baskets hold is folded into it.
    let mut is_kept: Vec<bool> = sets.iter().map(|(set, _)| set.is_empty()).collect();
    kept.into_iter().flatten().for_each(|place| is_kept[place as usize] = true);
    let mut part = Flat::default();
    for (&(set, count), kept) in sets.iter().zip(is_kept) {
        if kept {
            part.push(set, [], count);
        }
    }
    Ok(vec![part])
}

/// Which of some sets hold each item, a bit a set.
#[derive(Default)]
struct Meeting {
    /// The place of an item's bits, from 1; 0 for none.
    places: Vec<u32>,
    bits: Vec<u64>,
    common: Vec<u64>,
}

impl Meeting {
    /// Adds those sets of a group, which all have `item`, that end with it and that no other of the group holds.
    fn unheld(&mut self, sets: &[(&[u32], u32)], item: u32, group: &[u32], kept: &mut Vec<u32>) {
        let ending = |place: u32| sets[place as usize].0.last() == Some(&item);
        if group.len() == 1 {
            kept.extend(group.iter().filter(|&&place| ending(place)));
            return;
        }
        if self.places.len() <= item as usize {
            self.places.resize(item as usize + 1, 0);
        }
        // A set that ends with the item has earlier ones besides, so that later ones need no bits.
        let words = group.len().div_ceil(64);
        self.bits.clear();
        let mut n_items = 0;
        for (at, &place) in group.iter().enumerate() {
            for &other in sets[place as usize].0.iter().take_while(|&&other| other < item) {
                let place = &mut self.places[other as usize];
                if *place == 0 {
                    n_items += 1;
                    *place = n_items;
                    self.bits.resize(n_items as usize * words, 0);
                }
                self.bits[(*place as usize - 1) * words + at / 64] |= 1 << (at % 64);
            }
        }
        for &place in group.iter().filter(|&&place| ending(place)) {
            let set = sets[place as usize].0;
            self.common.clear();
            self.common.resize(words, u64::MAX);
            if let Some(last) = self.common.last_mut() {
                *last >>= words * 64 - group.len();
            }
            for &other in set.iter().take_while(|&&other| other < item) {
                let start = (self.places[other as usize] as usize - 1) * words;
                let bits = &self.bits[start..start + words];
                self.common.iter_mut().zip(bits).for_each(|(common, bits)| *common &= bits);
            }
            // The set itself is one that has all its items.
            if self.common.iter().map(|word| word.count_ones()).sum::<u32>() == 1 {
                kept.push(place);
            }
        }
        for &place in group {
            for &other in sets[place as usize].0.iter().take_while(|&&other| other < item) {
                self.places[other as usize] = 0;
            }
        }
    }
}
