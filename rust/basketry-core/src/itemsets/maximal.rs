//! Maximal sets among the extensions of a set whose baskets are words.
//!
//! The least frequent items come first, so that every frequent set that could hold another one is known before it; a part of the
//! search in which all items together are in a known set is left out.

use super::condensed::Condensed;
use super::search::{Scratch, Search};
use super::table::{self, Cell};
use super::words::{Words, table_bits};
use crate::Result;

/// Finds the sets of at least one item of `words` that no larger set of these items is frequent with.
pub(super) fn search(
    search: &Search<'_>,
    words: &Words,
    scratch: &mut Scratch,
    sink: &mut Condensed<'_>,
) -> Result<()> {
    let mut found = Found { words, sets: Vec::new(), sink };
    if words.items <= table_bits(words.rows.len()) {
        return found.tables(&[], words, words.items, |items| items, search.min, scratch);
    }
    let mut start = words.clone();
    start.codes = std::array::from_fn(|bit| bit as u32);
    extend(search, &start, 0, Vec::new(), scratch, &mut found)
}

/// The most words that have a bit for each set of a table.
const FLAGS: usize = 64;

struct Found<'a, 'b> {
    words: &'a Words,
    /// The sets found so far, as bits.
    sets: Vec<u64>,
    sink: &'a mut Condensed<'b>,
}

impl Found<'_, '_> {
    /// Adds a set if none of the known ones holds it.
    fn add(&mut self, known: &[u64], set: u64, count: u32) -> Result<()> {
        if !held(known, set) {
            self.sets.push(set);
            self.sink.set(self.words, set, count)?;
        }
        Ok(())
    }

    /// Adds the maximal sets of the first items of a node; `name` tells the bits of such a set at the start.
    fn tables(
        &mut self,
        known: &[u64],
        node: &Words,
        items: usize,
        name: impl Fn(u64) -> u64,
        min: u32,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let counts = &node.counts[..items];
        if u16::try_from(node.total).is_ok() {
            table::fill(&mut scratch.narrow, counts, &node.rows, &node.weights);
            self.table(known, &scratch.narrow, name, min)
        } else {
            table::fill(&mut scratch.wide, counts, &node.rows, &node.weights);
            self.table(known, &scratch.wide, name, min)
        }
    }

    fn table<T: Cell>(
        &mut self,
        known: &[u64],
        table: &[T],
        name: impl Fn(u64) -> u64,
        min: u32,
    ) -> Result<()> {
        let (mut frequent, mut holds) = ([0; FLAGS], [0; FLAGS]);
        let words = table.len().div_ceil(64);
        let (frequent, holds) = (&mut frequent[..words], &mut holds[..words]);
        flag(table, min, frequent);
        widen(frequent, table.len().trailing_zeros() as usize, holds);
        for (high, (&frequent, &holds)) in frequent.iter().zip(&*holds).enumerate() {
            let mut left = frequent & !holds;
            if high == 0 {
                left &= !1;
            }
            while left != 0 {
                let more = high << 6 | left.trailing_zeros() as usize;
                left &= left - 1;
                self.add(known, name(more as u64), table[more].wide())?;
            }
        }
        Ok(())
    }
}

/// Whether one of the known sets holds a set.
fn held(known: &[u64], set: u64) -> bool {
    known.iter().any(|known| set & !known == 0)
}

/// The bits at the start of items of a node.
fn bits(node: &Words, mut items: u64) -> u64 {
    let mut bits = 0;
    while items != 0 {
        bits |= 1 << node.codes[items.trailing_zeros() as usize];
        items &= items - 1;
    }
    bits
}

/// Tells which sets of a table are frequent, a bit a set.
fn flag<T: Cell>(table: &[T], min: u32, flags: &mut [u64]) {
    let min = T::narrow(min);
    let word = |sets: &[T]| {
        sets.iter().enumerate().fold(0, |word, (at, &count)| word | u64::from(count >= min) << at)
    };
    flags.iter_mut().zip(table.chunks(64)).for_each(|(flags, sets)| *flags = word(sets));
}

/// Tells which sets become one of the flagged sets with one more of `items` items.
fn widen(flags: &[u64], items: usize, holds: &mut [u64]) {
    /// The sets without the item of a low bit.
    const WITHOUT: [u64; 6] = [
        0x5555_5555_5555_5555,
        0x3333_3333_3333_3333,
        0x0f0f_0f0f_0f0f_0f0f,
        0x00ff_00ff_00ff_00ff,
        0x0000_ffff_0000_ffff,
        0x0000_0000_ffff_ffff,
    ];
    for (item, without) in WITHOUT.iter().enumerate().take(items) {
        for (holds, &flags) in holds.iter_mut().zip(flags) {
            *holds |= flags >> (1 << item) & without;
        }
    }
    for item in 6..items {
        let half = 1 << (item - 6);
        for (holds, flags) in holds.chunks_exact_mut(2 * half).zip(flags.chunks_exact(2 * half)) {
            holds[..half].iter_mut().zip(&flags[half..]).for_each(|(holds, &flags)| *holds |= flags);
        }
    }
}

/// Looks below `set`, which all of `known` hold.
fn extend(
    search: &Search<'_>,
    node: &Words,
    set: u64,
    mut known: Vec<u64>,
    scratch: &mut Scratch,
    found: &mut Found<'_, '_>,
) -> Result<()> {
    search.control.check()?;
    if held(&known, set | bits(node, u64::MAX >> (64 - node.items))) {
        return Ok(());
    }
    let low = node.items.min(table_bits(node.rows.len()));
    for at in (low..node.items).rev() {
        let mut child = scratch.spare.pop().unwrap_or_default();
        child.project(node, at, search.min, true);
        let folded = child.folded().iter().fold(0, |set, &bit| set | 1 << bit);
        let set = set | 1 << node.codes[at] | folded;
        let before = found.sets.len();
        if child.items == 0 {
            found.add(&known, set, node.counts[at])?;
        } else {
            let focus = known.iter().copied().filter(|known| set & !known == 0).collect();
            extend(search, &child, set, focus, scratch, found)?;
        }
        known.extend_from_slice(&found.sets[before..]);
        scratch.spare.push(child);
    }
    found.tables(&known, node, low, |items| set | bits(node, items), search.min, scratch)
}
