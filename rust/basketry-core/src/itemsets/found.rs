//! The result of a search, and the flat lists made from it on demand.

use std::ops::Range;

use rayon::prelude::*;

use super::tree::Node;
use crate::{Error, Result};

/// The most sets that are sorted by count in the list form.
const SORTED: usize = 1 << 18;

/// Frequent itemsets with their counts, as a prefix tree.
///
/// Nodes stand in the order of the walk: a set comes after the set without its most frequent item, and sets are compared from
/// their least frequent item on, items being ranked by count and then by code. So the order depends on nothing but the baskets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itemsets {
    parts: Vec<Vec<Node>>,
    shortest: usize,
    /// Which nodes are sets of the result; `None` if all are that are long enough.
    kept: Option<Vec<bool>>,
    baskets: u64,
}

/// Itemsets as flat lists: set `i` is `items[offsets[i]..offsets[i + 1]]`, its most frequent item first.
///
/// Sets come by falling count, then rising length, then in the order of the walk. A result of more than 2^18 sets comes by
/// length alone, then in the order of the walk: to sort it would take longer than to find it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemsetLists<T> {
    /// Where each set begins; one more than there are sets.
    pub offsets: Vec<i64>,
    /// What stands for the items of all sets.
    pub items: Vec<T>,
    /// The number of items of each set.
    pub lengths: Vec<u32>,
    /// In how many baskets each set is.
    pub counts: Vec<u64>,
}

impl<T> ItemsetLists<T> {
    /// The sets with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&[T], u64)> {
        let sets = self.offsets.windows(2).map(|set| &self.items[set[0] as usize..set[1] as usize]);
        sets.zip(self.counts.iter().copied())
    }
}

impl Itemsets {
    pub(super) fn new(parts: Vec<Vec<Node>>, shortest: usize, baskets: u64) -> Result<Self> {
        let nodes: usize = parts.iter().map(Vec::len).sum();
        if nodes >= u32::MAX as usize {
            return Err(Error::TooMany {
                what: "itemsets",
                count: nodes as u64,
                most: u64::from(u32::MAX) - 1,
            });
        }
        Ok(Self { parts, shortest, kept: None, baskets })
    }

    /// Keeps only the sets whose nodes are told.
    pub(super) fn keep(&mut self, kept: Vec<bool>) {
        self.kept = Some(kept);
    }

    /// The list form of the sets, with `values[code]` for each item.
    pub fn lists<T: Copy + Default + Send + Sync>(&self, values: &[T]) -> ItemsetLists<T> {
        let starts = self.starts();
        let buckets = Buckets::new(self, &starts, SORTED);
        let rows = |bucket: usize| buckets.sizes.iter().map(|sizes| sizes[bucket] as usize).sum::<usize>();
        let mut lists = ItemsetLists { offsets: vec![0], ..ItemsetLists::default() };
        let mut end = 0;
        for bucket in 0..buckets.len() {
            let (rows, length) = (rows(bucket), bucket % buckets.longest + 1);
            lists.offsets.extend((1..=rows).map(|row| (end + row * length) as i64));
            lists.lengths.resize(lists.lengths.len() + rows, length as u32);
            end += rows * length;
        }
        lists.counts = vec![0; lists.lengths.len()];
        lists.items = vec![T::default(); end];
        // Each bucket is cut into a piece for each stretch of the tree, so that stretches can be written side by side.
        let (mut items, mut counts) = (lists.items.as_mut_slice(), lists.counts.as_mut_slice());
        let mut pieces: Vec<Vec<(&mut [T], &mut [u64])>> =
            buckets.stretches.iter().map(|_| Vec::new()).collect();
        for bucket in 0..buckets.len() {
            for (pieces, sizes) in pieces.iter_mut().zip(&buckets.sizes) {
                let rows = sizes[bucket] as usize;
                let (items_here, more) = items.split_at_mut(rows * (bucket % buckets.longest + 1));
                items = more;
                let (counts_here, more) = counts.split_at_mut(rows);
                counts = more;
                pieces.push((items_here, counts_here));
            }
        }
        pieces.into_par_iter().zip(&buckets.stretches).for_each(|(mut pieces, stretch)| {
            let mut next = vec![0_u32; pieces.len()];
            for part in stretch.clone() {
                let value = |item| values[item as usize];
                self.each(&starts, part, value, |_, set, count| {
                    let bucket = buckets.of(count, set.len());
                    let (items, counts) = &mut pieces[bucket];
                    let row = next[bucket] as usize;
                    next[bucket] += 1;
                    counts[row] = u64::from(count);
                    items[row * set.len()..][..set.len()].copy_from_slice(set);
                });
            }
        });
        lists
    }

    /// Keeps the `top` sets of highest count; ties go to the shorter set, then to the one that stands first.
    pub(super) fn keep_top(&mut self, top: usize) {
        let starts = self.starts();
        let buckets = Buckets::new(self, &starts, usize::MAX);
        let (mut left, mut last, mut of_last) = (top, buckets.len(), 0);
        for bucket in 0..buckets.len() {
            let rows = buckets.sizes.iter().map(|sizes| sizes[bucket] as usize).sum::<usize>();
            if rows >= left {
                (last, of_last) = (bucket, left);
                break;
            }
            left -= rows;
        }
        let mut kept = vec![false; self.parts.iter().map(Vec::len).sum()];
        for part in 0..self.parts.len() {
            self.each(
                &starts,
                part,
                |_| (),
                |place, set, count| {
                    let bucket = buckets.of(count, set.len());
                    kept[place] = bucket < last || (bucket == last && of_last > 0);
                    of_last -= usize::from(bucket == last && of_last > 0);
                },
            );
        }
        self.keep(kept);
    }

    /// The number of sets of 1, 2, 3 ... items.
    pub(super) fn by_length(&self) -> Vec<u64> {
        let buckets = Buckets::new(self, &self.starts(), 0);
        let rows = |bucket| buckets.sizes.iter().map(|sizes| u64::from(sizes[bucket])).sum();
        (0..buckets.len()).map(rows).collect()
    }

    /// How many baskets were searched, the empty ones included.
    pub fn baskets(&self) -> u64 {
        self.baskets
    }

    /// All nodes of the tree in the order of the walk; some are there only as parents of others.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.parts.iter().flatten()
    }

    /// The place of the first node of each part.
    fn starts(&self) -> Vec<usize> {
        self.parts
            .iter()
            .scan(0, |place, part| {
                let start = *place;
                *place += part.len();
                Some(start)
            })
            .collect()
    }

    /// Visits the sets of a part: place, what `value` makes of the items, the most frequent one first, and count.
    fn each<T: Copy + Default>(
        &self,
        starts: &[usize],
        part: usize,
        value: impl Fn(u32) -> T,
        mut visit: impl FnMut(usize, &[T], u32),
    ) {
        let start = starts[part];
        let nodes = &self.parts[part];
        let (items, above) = self.branch(starts, part);
        // The current set grows from the end of `set` to its front: what stands at a depth is the last that was put there.
        let mut set: Vec<T> = items.iter().rev().map(|&item| value(item)).collect();
        let mut depths: Vec<u16> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let depth = match (node.up as usize, at.checked_sub(node.up as usize)) {
                (0, _) => 0,
                (_, Some(parent)) => usize::from(depths[parent]) + 1,
                (up, None) => above.partition_point(|&place| place <= start + at - up),
            };
            depths.push(depth as u16);
            if depth >= set.len() {
                let more = set.len() + 8;
                set.splice(0..0, std::iter::repeat_n(T::default(), more));
            }
            let front = set.len() - 1 - depth;
            set[front] = value(node.item);
            if depth + 1 >= self.shortest && self.kept.as_ref().is_none_or(|kept| kept[start + at]) {
                visit(start + at, &set[front..], node.count);
            }
        }
    }

    /// Items and places of the sets above the first node of a part.
    fn branch(&self, starts: &[usize], part: usize) -> (Vec<u32>, Vec<usize>) {
        let (mut items, mut places) = (Vec::new(), Vec::new());
        let mut place = starts[part];
        let mut up = self.parts[part].first().map_or(0, |node| node.up);
        while up > 0 {
            place -= up as usize;
            let part = starts.partition_point(|&start| start <= place) - 1;
            let node = self.parts[part][place - starts[part]];
            items.push(node.item);
            places.push(place);
            up = node.up;
        }
        items.reverse();
        places.reverse();
        (items, places)
    }
}

/// The sets of a result by count and length, or by length alone: one bucket each, in the order of the list form.
struct Buckets {
    /// The place of each count among the distinct ones, falling; all 0 if counts do not matter.
    ranks: Vec<u32>,
    /// Distinct counts, or 1.
    ranked: usize,
    longest: usize,
    /// Ranges of parts that are looked through side by side.
    stretches: Vec<Range<usize>>,
    /// Sets of each stretch in each bucket.
    sizes: Vec<Vec<u32>>,
}

impl Buckets {
    /// Buckets by count and length if there are at most `sorted` sets, else by length.
    fn new(itemsets: &Itemsets, starts: &[usize], sorted: usize) -> Self {
        let parts = &itemsets.parts;
        let nodes = parts.iter().map(Vec::len).sum::<usize>();
        let pieces = rayon::current_num_threads();
        let cut = |piece: usize| starts.partition_point(|&start| start < nodes * piece / pieces);
        let stretches: Vec<Range<usize>> = (0..pieces).map(|piece| cut(piece)..cut(piece + 1)).collect();
        // By length first: that tells how many buckets there are.
        let sizes: Vec<Vec<u32>> = stretches
            .par_iter()
            .map(|stretch| {
                let mut sizes = Vec::new();
                for part in stretch.clone() {
                    itemsets.each(
                        starts,
                        part,
                        |_| (),
                        |_, set, _| {
                            if sizes.len() < set.len() {
                                sizes.resize(set.len(), 0);
                            }
                            sizes[set.len() - 1] += 1;
                        },
                    );
                }
                sizes
            })
            .collect();
        let longest = sizes.iter().map(Vec::len).max().unwrap_or(0);
        let sets: usize = sizes.iter().flatten().map(|&sets| sets as usize).sum();
        let mut buckets = Self { ranks: Vec::new(), ranked: 1, longest, stretches, sizes };
        if sets > sorted {
            buckets.sizes.iter_mut().for_each(|sizes| sizes.resize(longest, 0));
            return buckets;
        }
        buckets.rank(itemsets);
        let many = buckets.len();
        buckets.sizes = buckets
            .stretches
            .par_iter()
            .map(|stretch| {
                let mut sizes = vec![0; many];
                for part in stretch.clone() {
                    let count_set = |_: usize, set: &[()], count| sizes[buckets.of(count, set.len())] += 1;
                    itemsets.each(starts, part, |_| (), count_set);
                }
                sizes
            })
            .collect();
        buckets
    }

    /// Ranks the distinct counts.
    fn rank(&mut self, itemsets: &Itemsets) {
        self.ranks = vec![0; itemsets.nodes().map(|node| node.count as usize + 1).max().unwrap_or(0)];
        itemsets.nodes().for_each(|node| self.ranks[node.count as usize] = 1);
        self.ranked = 0;
        for rank in self.ranks.iter_mut().rev().filter(|rank| **rank == 1) {
            *rank = self.ranked as u32;
            self.ranked += 1;
        }
    }

    fn len(&self) -> usize {
        self.ranked * self.longest
    }

    #[inline]
    fn of(&self, count: u32, length: usize) -> usize {
        let rank = self.ranks.get(count as usize).map_or(0, |&rank| rank as usize);
        rank * self.longest + length - 1
    }
}
