//! Items that may not meet in a set: an item and what it is one of.

use super::search::Scratch;
use super::words::Words;

/// For each item the items it may not meet, each pair told once.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    offsets: Vec<u32>,
    others: Vec<u32>,
}

impl Conflicts {
    pub(super) fn new(pairs: &[(u32, u32)], n_items: usize) -> Self {
        if pairs.is_empty() {
            return Self::default();
        }
        let mut offsets = vec![0_u32; n_items + 1];
        let known = || pairs.iter().filter(|pair| pair.0.max(pair.1) < n_items as u32);
        known().for_each(|pair| offsets[pair.0 as usize + 1] += 1);
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut next = offsets.clone();
        let mut others = vec![0; offsets[n_items] as usize];
        for &(item, other) in known() {
            others[next[item as usize] as usize] = other;
            next[item as usize] += 1;
        }
        Self { offsets, others }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.others.is_empty()
    }

    fn of(&self, item: u32) -> &[u32] {
        let item = item as usize;
        &self.others[self.offsets[item] as usize..self.offsets[item + 1] as usize]
    }

    /// Whether two items may not meet.
    pub(super) fn meet(&self, one: u32, other: u32) -> bool {
        !self.is_empty() && (self.of(one).contains(&other) || self.of(other).contains(&one))
    }

    /// Tells a node of words which of its items may not meet.
    pub(super) fn mark(&self, node: &mut Words, scratch: &mut Scratch) {
        node.apart = None;
        if self.is_empty() {
            return;
        }
        if scratch.seats.len() + 1 < self.offsets.len() {
            scratch.seats.resize(self.offsets.len() - 1, 0);
        }
        for (seat, &code) in (1..).zip(&node.codes[..node.items]) {
            scratch.seats[code as usize] = seat;
        }
        let mut apart = Box::new([0_u64; 64]);
        for (bit, &code) in node.codes[..node.items].iter().enumerate() {
            for &other in self.of(code) {
                let seat = usize::from(scratch.seats[other as usize]);
                if seat > 0 && seat - 1 != bit {
                    apart[bit] |= 1 << (seat - 1);
                    apart[seat - 1] |= 1 << bit;
                }
            }
        }
        for &code in &node.codes[..node.items] {
            scratch.seats[code as usize] = 0;
        }
        node.apart = apart.iter().any(|&others| others != 0).then_some(apart);
    }
}
