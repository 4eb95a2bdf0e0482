//! The result of a search, and how its list form is ordered.

use arrow_buffer::ArrowNativeType;
use bytemuck::Pod;
use rayon::prelude::*;

use super::Options;
use super::climb::{Placed, Tree};
use super::flat::Flat;
use super::nodes::Nodes;
use super::order::by_count_and_length;
use super::tree::Node;
use super::written::{BLOCK, ItemsetLists, Room};
use crate::{Error, Result};

/// The most sets that are sorted by count in the list form.
const SORTED: usize = 1 << 18;

/// Frequent itemsets with their counts.
///
/// The order of the walk: sets of a tree are compared from their least frequent item on, items being ranked by count and then
/// by code, and a set comes after the set without its most frequent item. So the order depends on nothing but the baskets.
#[derive(Debug, PartialEq, Eq)]
pub struct Itemsets {
    sets: Sets,
    shortest: usize,
    longest: usize,
    /// How many sets are kept, of highest count.
    top: Option<usize>,
    baskets: u64,
}

/// Parts of what was found, in the order of the walk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sets {
    /// A prefix tree, twelve bytes a set.
    Tree(Vec<Nodes>),
    /// Sets without their subsets, each written in full.
    Flat(Vec<Flat>),
}

impl Itemsets {
    /// Takes what a search found.
    pub(super) fn new(sets: Sets, options: &Options, baskets: u64) -> Result<Self> {
        let count: usize = match &sets {
            Sets::Tree(parts) => parts.iter().map(|part| part.len()).sum(),
            Sets::Flat(parts) => parts.iter().map(Flat::len).sum(),
        };
        if count >= u32::MAX as usize {
            return Err(Error::TooMany {
                what: "itemsets",
                count: count as u64,
                most: u64::from(u32::MAX) - 1,
            });
        }
        Ok(Self {
            sets,
            shortest: options.min_length,
            longest: options.max_length.unwrap_or(usize::MAX),
            top: options.top,
            baskets,
        })
    }

    /// How many baskets were searched, the empty ones included.
    pub fn baskets(&self) -> u64 {
        self.baskets
    }

    /// Whether all frequent sets are here as a tree, so that the count of any part of a set is known.
    pub(crate) fn is_tree(&self) -> bool {
        matches!(self.sets, Sets::Tree(_))
    }

    /// All nodes of the tree in the order of the walk; some are there only as parents of others.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        let parts: &[Nodes] = match &self.sets {
            Sets::Tree(parts) => parts,
            Sets::Flat(_) => &[],
        };
        parts.iter().flat_map(|part| part.iter())
    }

    /// The list form of the sets, with `values[code]` for each item.
    ///
    /// # Errors
    /// [`Error::Memory`] if the system has no room for them.
    pub fn lists<T: Pod + ArrowNativeType>(self, values: &[T]) -> Result<ItemsetLists<T>> {
        let sizes = self.of_lengths(|lengths| {
            let kept = lengths.iter().map(|&length| usize::from(length)).filter(|&length| self.keeps(length));
            kept.fold((0, 0), |(sets, items), length| (sets + 1, items + length))
        });
        let sets: usize = sizes.iter().map(|size| size.0).sum();
        if self.top.is_some() || sets <= SORTED { self.ranked(values) } else { self.walked(&sizes, values) }
    }

    /// The number of sets of 1, 2, 3 ... items.
    pub(super) fn by_length(&self) -> Vec<u64> {
        let mut by_length = Vec::new();
        for length in self.of_lengths(|lengths| lengths).iter().flatten().map(|&length| usize::from(length)) {
            if self.keeps(length) {
                if by_length.len() < length {
                    by_length.resize(length, 0);
                }
                by_length[length - 1] += 1;
            }
        }
        by_length
    }

    fn keeps(&self, length: usize) -> bool {
        self.keeper()(length)
    }

    /// What follows from the number of items of each set, part by part.
    fn of_lengths<R: Send>(&self, follow: impl Fn(Vec<u16>) -> R + Sync) -> Vec<R> {
        match &self.sets {
            Sets::Tree(parts) => {
                let tree = Tree::new(parts);
                (0..parts.len())
                    .into_par_iter()
                    .map(|part| follow(tree.part(part).lengths(&parts[part])))
                    .collect()
            }
            Sets::Flat(parts) => parts.par_iter().map(|part| follow(part.lengths())).collect(),
        }
    }

    /// Lists by falling count, then rising length.
    fn ranked<T: Pod + ArrowNativeType>(self, values: &[T]) -> Result<ItemsetLists<T>> {
        let lengths = self.of_lengths(|lengths| lengths);
        let (mut counts, mut kept) = (Vec::new(), Vec::new());
        self.sets.each_count(&lengths, |length, count| {
            if self.keeps(usize::from(length)) {
                counts.push(count);
                kept.push(length);
            }
        });
        let mut order = by_count_and_length(&counts, &kept);
        order.truncate(self.top.unwrap_or(usize::MAX));
        let items = order.iter().map(|&place| usize::from(kept[place as usize])).sum();
        let mut room = Room::new(order.len(), items)?;
        // Where the items of each set begin; those that are not on top begin nowhere.
        let mut starts = vec![usize::MAX; counts.len()];
        let mut start = 0;
        for (row, &place) in order.iter().enumerate() {
            let (length, count) = (kept[place as usize], counts[place as usize]);
            starts[place as usize] = start;
            start += usize::from(length);
            room.row(row, start, length, count, self.baskets);
        }
        let (keeps, mut place) = (self.keeper(), 0);
        for part in self.sets.parts() {
            part.each(values, |set, length, _| {
                if keeps(length) {
                    let start = starts[place];
                    if start != usize::MAX {
                        room.items[start..][..length].copy_from_slice(&set[..length]);
                    }
                    place += 1;
                }
            });
        }
        Ok(room.finish())
    }

    /// Lists in the order of the walk; each part is given back when it is written.
    fn walked<T: Pod + ArrowNativeType>(
        self,
        sizes: &[(usize, usize)],
        values: &[T],
    ) -> Result<ItemsetLists<T>> {
        let total = sizes.iter().fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
        let mut room = Room::new(total.0, total.1)?;
        let pieces = room.pieces(sizes.iter().copied());
        let (keeps, baskets) = (self.keeper(), self.baskets);
        self.sets.parts().into_par_iter().zip(pieces).with_max_len(1).for_each(|(part, mut piece)| {
            part.each(values, |set, length, count| {
                if keeps(length) {
                    piece.push(set, length, count, baskets);
                }
            });
        });
        Ok(room.finish())
    }

    /// Tells which lengths are wanted.
    fn keeper(&self) -> impl Fn(usize) -> bool + Copy + Send + Sync + use<> {
        let (shortest, longest) = (self.shortest, self.longest);
        move |length| (shortest..=longest).contains(&length)
    }
}

impl Sets {
    /// Visits length and count of each set.
    fn each_count(&self, lengths: &[Vec<u16>], mut visit: impl FnMut(u16, u32)) {
        match self {
            Self::Tree(parts) => {
                for (nodes, lengths) in parts.iter().zip(lengths) {
                    nodes.iter().zip(lengths).for_each(|(node, &length)| visit(length, node.count));
                }
            }
            Self::Flat(parts) => {
                for (part, lengths) in parts.iter().zip(lengths) {
                    part.counts.iter().zip(lengths).for_each(|(&count, &length)| visit(length, count));
                }
            }
        }
    }

    /// The parts, each with what is needed to write it alone.
    fn parts(self) -> Vec<Part> {
        match self {
            Self::Tree(parts) => {
                let tree = Tree::new(&parts);
                let placed: Vec<Placed> = (0..parts.len()).map(|part| tree.part(part)).collect();
                parts.into_iter().zip(placed).map(|(nodes, placed)| Part::Tree { nodes, placed }).collect()
            }
            Self::Flat(parts) => parts.into_iter().map(Part::Flat).collect(),
        }
    }
}

/// A part of what was found.
enum Part {
    Tree { nodes: Nodes, placed: Placed },
    Flat(Flat),
}

impl Part {
    /// Visits the sets: `values[code]` for each item, with [`BLOCK`] more values behind them, length and count.
    fn each<T: Pod>(&self, values: &[T], mut visit: impl FnMut(&[T], usize, u32)) {
        match self {
            Self::Tree { nodes, placed } => {
                let lengths = placed.lengths(nodes);
                // The current set grows from the end to the front: what stands at a depth was put there last.
                let room = lengths.iter().map(|&length| usize::from(length)).max().unwrap_or(0);
                let mut set = vec![T::zeroed(); room + BLOCK];
                for (depth, &(item, _)) in placed.above.iter().enumerate().take(room) {
                    set[room - 1 - depth] = values[item as usize];
                }
                for (node, &length) in nodes.iter().zip(&lengths) {
                    let front = room - usize::from(length);
                    set[front] = values[node.item as usize];
                    visit(&set[front..], usize::from(length), node.count);
                }
            }
            Self::Flat(part) => {
                let mut room = Vec::new();
                for (set, count) in part.iter() {
                    room.clear();
                    room.extend(set.iter().map(|&item| values[item as usize]));
                    room.resize(set.len() + BLOCK, T::zeroed());
                    visit(&room, set.len(), count);
                }
            }
        }
    }
}
