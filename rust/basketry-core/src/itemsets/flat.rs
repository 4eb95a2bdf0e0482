//! Sets that are written in full: closed and maximal ones, whose subsets are not in the result.

use rustc_hash::FxHashMap;

use super::climb::Tree;
use super::nodes::Nodes;
use super::prepare::Prepared;

/// Some sets, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Flat {
    /// The end of each set in `items`.
    ends: Vec<usize>,
    /// Codes, the most frequent item of a set first.
    items: Vec<u32>,
    pub(super) counts: Vec<u32>,
}

impl Flat {
    /// The sets of a tree by their ranks, without the fixed items.
    pub(super) fn of_tree(parts: &[Nodes], prepared: &Prepared) -> Self {
        let ranks: FxHashMap<u32, u32> = prepared.codes.iter().copied().zip(0..).collect();
        let (tree, mut sets, mut place) = (Tree::new(parts), Self::default(), 0);
        for node in parts.iter().flat_map(|part| part.iter()) {
            let start = sets.items.len();
            let mut length = 0;
            tree.climb(place, |item| {
                sets.items.extend(ranks.get(&item));
                length += 1;
            });
            place += 1;
            if length < prepared.fixed.len() {
                sets.items.truncate(start);
            } else {
                sets.ends.push(sets.items.len());
                sets.counts.push(node.count);
            }
        }
        sets
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds the set of two rising sequences of items, and tells how long it is.
    pub(super) fn push(&mut self, some: &[u32], more: impl IntoIterator<Item = u32>, count: u32) -> usize {
        let start = self.items.len();
        let mut left = some;
        for item in more {
            while let Some((&first, rest)) = left.split_first().filter(|&(&first, _)| first < item) {
                self.items.push(first);
                left = rest;
            }
            self.items.push(item);
        }
        self.items.extend_from_slice(left);
        self.ends.push(self.items.len());
        self.counts.push(count);
        self.items.len() - start
    }

    /// The sets that are not flagged.
    pub(super) fn without(self, flags: &[bool]) -> Self {
        if !flags.contains(&true) {
            return self;
        }
        let mut kept = Self::default();
        for ((set, count), _) in self.iter().zip(flags).filter(|&(_, &flag)| !flag) {
            kept.push(set, [], count);
        }
        kept
    }

    /// The sets with their counts.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u32], u32)> {
        (0..self.len()).map(|at| (self.set(at), self.counts[at]))
    }

    /// Puts codes in the place of ranks, behind the items that all sets have.
    pub(super) fn named(mut self, prepared: &Prepared) -> Self {
        let codes = &prepared.codes;
        if prepared.fixed.is_empty() {
            self.items.iter_mut().for_each(|item| *item = codes[*item as usize]);
            return self;
        }
        let mut named = Self::default();
        for (set, count) in self.iter() {
            named.items.extend(prepared.fixed.iter().map(|&(item, _)| item));
            named.items.extend(set.iter().map(|&rank| codes[rank as usize]));
            named.ends.push(named.items.len());
            named.counts.push(count);
        }
        named
    }

    pub(super) fn set(&self, at: usize) -> &[u32] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start..self.ends[at]]
    }

    pub(super) fn lengths(&self) -> Vec<u16> {
        (0..self.len()).map(|at| self.set(at).len() as u16).collect()
    }
}
