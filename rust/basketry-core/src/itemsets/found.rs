//! The result of a search, and how its list form is ordered.

use arrow_buffer::ArrowNativeType;
use bytemuck::Pod;
use rayon::prelude::*;

use super::Options;
use super::climb::{Tree, starts};
use super::flat::Flat;
use super::tree::Node;
use super::written::{BLOCK, ItemsetLists, Room};
use crate::{Error, Result};

/// The most sets that are sorted by count in the list form.
const SORTED: usize = 1 << 18;

/// Rows that are written in one piece of work.
const PIECE: usize = 1 << 13;

/// Frequent itemsets with their counts.
///
/// The order of the walk: sets of a tree are compared from their least frequent item on, items being ranked by count and then
/// by code, and a set comes after the set without its most frequent item. So the order depends on nothing but the baskets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itemsets {
    sets: Sets,
    shortest: usize,
    longest: usize,
    /// How many sets are kept, of highest count.
    top: Option<usize>,
    baskets: u64,
}

/// Parts of what was found, in the order of the walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sets {
    /// A prefix tree, twelve bytes a set.
    Tree(Vec<Vec<Node>>),
    /// Sets without their subsets, each written in full.
    Flat(Vec<Flat>),
}

impl Itemsets {
    /// Takes what a search found.
    pub(super) fn new(sets: Sets, options: &Options, baskets: u64) -> Result<Self> {
        let count: usize = match &sets {
            Sets::Tree(parts) => parts.iter().map(Vec::len).sum(),
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

    /// All nodes of the tree in the order of the walk; some are there only as parents of others.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        let parts: &[Vec<Node>] = match &self.sets {
            Sets::Tree(parts) => parts,
            Sets::Flat(_) => &[],
        };
        parts.iter().flatten()
    }

    /// The list form of the sets, with `values[code]` for each item.
    pub fn lists<T: Pod + ArrowNativeType>(self, values: &[T]) -> ItemsetLists<T> {
        let lengths = self.lengths();
        let sizes: Vec<(usize, usize)> = lengths
            .par_iter()
            .map(|lengths| {
                let kept =
                    lengths.iter().map(|&length| usize::from(length)).filter(|&length| self.keeps(length));
                kept.fold((0, 0), |(sets, items), length| (sets + 1, items + length))
            })
            .collect();
        let sets = sizes.iter().map(|size| size.0).sum();
        if self.top.is_some() || sets <= SORTED {
            self.ranked(&lengths, sets, values)
        } else {
            self.walked(lengths, &sizes, values)
        }
    }

    /// The number of sets of 1, 2, 3 ... items.
    pub(super) fn by_length(&self) -> Vec<u64> {
        let mut by_length = Vec::new();
        for length in self.lengths().iter().flatten().map(|&length| usize::from(length)) {
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
        (self.shortest..=self.longest).contains(&length)
    }

    /// The number of items of each set, part by part.
    fn lengths(&self) -> Vec<Vec<u16>> {
        match &self.sets {
            Sets::Tree(parts) => {
                let tree = Tree::new(parts);
                (0..parts.len()).into_par_iter().map(|part| tree.lengths(part)).collect()
            }
            Sets::Flat(parts) => parts.par_iter().map(Flat::lengths).collect(),
        }
    }

    /// Lists by falling count, then rising length.
    fn ranked<T: Pod + ArrowNativeType>(
        &self,
        lengths: &[Vec<u16>],
        sets: usize,
        values: &[T],
    ) -> ItemsetLists<T> {
        // Count, length and place in one number each, so that sorting compares nothing else.
        let mut keys = Vec::with_capacity(sets);
        let mut place = 0_u32;
        let mut add = |length: u16, count: u32| {
            if self.keeps(usize::from(length)) {
                keys.push(u128::from(!count) << 64 | u128::from(length) << 32 | u128::from(place));
            }
            place += 1;
        };
        match &self.sets {
            Sets::Tree(parts) => {
                let nodes = parts.iter().zip(lengths).flat_map(|(nodes, lengths)| nodes.iter().zip(lengths));
                nodes.for_each(|(node, &length)| add(length, node.count));
            }
            Sets::Flat(parts) => {
                let all =
                    parts.iter().zip(lengths).flat_map(|(part, lengths)| part.counts.iter().zip(lengths));
                all.for_each(|(&count, &length)| add(length, count));
            }
        }
        keys.par_sort_unstable();
        keys.truncate(self.top.unwrap_or(usize::MAX));
        let mut room = Room::new(keys.len(), keys.iter().map(|key| (key >> 32) as usize & 0xffff).sum());
        let sizes = keys
            .chunks(PIECE)
            .map(|keys| (keys.len(), keys.iter().map(|key| (key >> 32) as usize & 0xffff).sum()));
        let tree = match &self.sets {
            Sets::Tree(parts) => Tree::new(parts),
            Sets::Flat(_) => Tree::new(&[]),
        };
        let starts: Vec<usize> = match &self.sets {
            Sets::Tree(_) => Vec::new(),
            Sets::Flat(parts) => starts(parts.iter().map(Flat::len)),
        };
        room.pieces(sizes).into_par_iter().zip(keys.par_chunks(PIECE)).for_each(|(mut piece, keys)| {
            for &key in keys {
                piece.begin((key >> 32) as u16, !(key >> 64) as u32, self.baskets);
                let place = key as u32 as usize;
                match &self.sets {
                    Sets::Tree(_) => tree.climb(place, |item| piece.item(values[item as usize])),
                    Sets::Flat(parts) => {
                        let part = starts.partition_point(|&start| start <= place) - 1;
                        let set = parts[part].set(place - starts[part]);
                        for &item in set {
                            piece.item(values[item as usize]);
                        }
                    }
                }
            }
        });
        room.finish()
    }

    /// Lists in the order of the walk; each part is given back when it is written.
    fn walked<T: Pod + ArrowNativeType>(
        self,
        lengths: Vec<Vec<u16>>,
        sizes: &[(usize, usize)],
        values: &[T],
    ) -> ItemsetLists<T> {
        let total = sizes.iter().fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
        let mut room = Room::new(total.0, total.1);
        let pieces = room.pieces(sizes.iter().copied());
        let (shortest, longest, baskets) = (self.shortest, self.longest, self.baskets);
        let keeps = |length: u16| (shortest..=longest).contains(&usize::from(length));
        match self.sets {
            Sets::Tree(parts) => {
                let tree = Tree::new(&parts);
                let above: Vec<Vec<u32>> = (0..parts.len())
                    .map(|part| tree.above(part).into_iter().map(|(item, _)| item).collect())
                    .collect();
                let work = parts.into_par_iter().zip(lengths).zip(above).zip(pieces).with_max_len(1);
                work.for_each(|(((nodes, lengths), above), mut piece)| {
                    // The current set grows from the end to the front: what stands at a depth was put there last.
                    let room = lengths.iter().map(|&length| usize::from(length)).max().unwrap_or(0);
                    let mut set = vec![T::default(); room + BLOCK];
                    for (depth, &item) in above.iter().enumerate().take(room) {
                        set[room - 1 - depth] = values[item as usize];
                    }
                    for (node, &length) in nodes.iter().zip(&lengths) {
                        let front = room - usize::from(length);
                        set[front] = values[node.item as usize];
                        if keeps(length) {
                            piece.begin(length, node.count, baskets);
                            piece.items(&set[front..], usize::from(length));
                        }
                    }
                });
            }
            Sets::Flat(parts) => {
                parts.into_par_iter().zip(pieces).with_max_len(1).for_each(|(part, mut piece)| {
                    for (at, &count) in part.counts.iter().enumerate() {
                        let set = part.set(at);
                        if keeps(set.len() as u16) {
                            piece.begin(set.len() as u16, count, baskets);
                            for &item in set {
                                piece.item(values[item as usize]);
                            }
                        }
                    }
                });
            }
        }
        room.finish()
    }
}
