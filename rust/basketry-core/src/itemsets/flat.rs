//! Sets that are written in full: closed and maximal ones, whose subsets are not in the result.

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
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds the set of two rising sequences of items.
    pub(super) fn push(&mut self, some: &[u32], more: impl IntoIterator<Item = u32>, count: u32) {
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

    /// Puts codes in the place of ranks, and adds items that all sets have.
    pub(super) fn name(&mut self, codes: &[u32], fixed: &[u32]) {
        if fixed.is_empty() {
            self.items.iter_mut().for_each(|item| *item = codes[*item as usize]);
            return;
        }
        let mut named = Self::default();
        for (set, count) in self.iter() {
            named.items.extend(set.iter().map(|&rank| codes[rank as usize]));
            named.items.extend_from_slice(fixed);
            named.ends.push(named.items.len());
            named.counts.push(count);
        }
        *self = named;
    }

    /// How many items all sets have together.
    pub(super) fn items(&self) -> usize {
        self.items.len()
    }

    pub(super) fn set(&self, at: usize) -> &[u32] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start..self.ends[at]]
    }

    pub(super) fn lengths(&self) -> Vec<u16> {
        (0..self.len()).map(|at| self.set(at).len() as u16).collect()
    }
}
