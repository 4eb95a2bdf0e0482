//! The result of a search, and the flat lists made from it on demand.

use std::ops::Range;

use rayon::prelude::*;

use super::tree::Node;
use crate::{Error, Result};

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
/// Sets come by falling count, then rising length, then in the order of the walk.
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

    /// Keeps the first `top` sets of the list form.
    pub(super) fn keep_top(&mut self, top: usize) {
        let starts = self.starts();
        let buckets = Buckets::new(self, &starts);
        let (mut left, mut last, mut of_last) = (top, buckets.sizes.len(), 0);
        for (bucket, &rows) in buckets.sizes.iter().enumerate() {
            if rows as usize >= left {
                (last, of_last) = (bucket, left);
                break;
            }
            left -= rows as usize;
        }
        let mut kept =
            vec![false; starts.last().map_or(0, |start| start + self.parts[starts.len() - 1].len())];
        for part in 0..self.parts.len() {
            self.each(&starts, part, |place, set, count| {
                let bucket = buckets.of(count, set.len());
                kept[place] = bucket < last || (bucket == last && of_last > 0);
                of_last -= usize::from(bucket == last && of_last > 0);
            });
        }
        self.keep(kept);
    }

    /// The number of sets of 1, 2, 3 ... items.
    pub(super) fn by_length(&self) -> Vec<u64> {
        let mut by_length = Vec::new();
        let starts = self.starts();
        for part in 0..self.parts.len() {
            self.each(&starts, part, |_, set, _| {
                if by_length.len() < set.len() {
                    by_length.resize(set.len(), 0);
                }
                by_length[set.len() - 1] += 1;
            });
        }
        by_length
    }

    /// How many baskets were searched, the empty ones included.
    pub fn baskets(&self) -> u64 {
        self.baskets
    }

    /// All nodes of the tree in the order of the walk; some are there only as parents of others.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.parts.iter().flatten()
    }

    /// The list form of the sets, with `values[code]` for each item.
    pub fn lists<T: Copy + Default + Send + Sync>(&self, values: &[T]) -> ItemsetLists<T> {
        let starts = self.starts();
        let buckets = Buckets::new(self, &starts);
        let mut lists = ItemsetLists {
            offsets: Vec::with_capacity(buckets.rows + 1),
            items: vec![T::default(); buckets.starts[buckets.starts.len() - 1]],
            lengths: Vec::with_capacity(buckets.rows),
            counts: Vec::with_capacity(buckets.rows),
        };
        lists.offsets.push(0);
        for (bucket, &rows) in buckets.sizes.iter().enumerate() {
            let (count, length) = buckets.key(bucket);
            let start = buckets.starts[bucket] as i64;
            lists.offsets.extend((1..=i64::from(rows)).map(|row| start + row * length as i64));
            lists.lengths.resize(lists.lengths.len() + rows as usize, length as u32);
            lists.counts.resize(lists.counts.len() + rows as usize, u64::from(count));
        }
        // Each thread walks the whole tree and writes the sets of its own stretch of buckets.
        let mut stretches = Vec::new();
        let mut rest = lists.items.as_mut_slice();
        for range in buckets.ranges(rayon::current_num_threads()) {
            let (stretch, more) = rest.split_at_mut(buckets.starts[range.end] - buckets.starts[range.start]);
            stretches.push((range, stretch));
            rest = more;
        }
        stretches.into_par_iter().for_each(|(range, stretch)| {
            let first = buckets.starts[range.start];
            let mut next: Vec<usize> =
                buckets.starts[range.clone()].iter().map(|start| start - first).collect();
            for part in 0..self.parts.len() {
                self.each(&starts, part, |_, set, count| {
                    let bucket = buckets.of(count, set.len());
                    if range.contains(&bucket) {
                        let at = &mut next[bucket - range.start];
                        for (place, &item) in stretch[*at..*at + set.len()].iter_mut().zip(set.iter().rev()) {
                            *place = values[item as usize];
                        }
                        *at += set.len();
                    }
                });
            }
        });
        lists
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

    /// Visits the sets of a part: place, items, the least frequent one first, and count.
    fn each(&self, starts: &[usize], part: usize, mut visit: impl FnMut(usize, &[u32], u32)) {
        let start = starts[part];
        let nodes = &self.parts[part];
        let (mut items, above) = self.branch(starts, part);
        // Depths of the nodes of this part; what stands at a depth is the last that was put there.
        let mut depths: Vec<u16> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let depth = match (node.up as usize, at.checked_sub(node.up as usize)) {
                (0, _) => 0,
                (_, Some(parent)) => usize::from(depths[parent]) + 1,
                (up, None) => above.partition_point(|&place| place <= start + at - up),
            };
            depths.push(depth as u16);
            if depth >= items.len() {
                items.push(0);
            }
            items[depth] = node.item;
            if depth + 1 >= self.shortest && self.kept.as_ref().is_none_or(|kept| kept[start + at]) {
                visit(start + at, &items[..=depth], node.count);
            }
        }
    }

    /// The length of the longest set.
    fn longest(&self, starts: &[usize]) -> usize {
        let of_part = |part: usize| {
            let mut longest = 0;
            self.each(starts, part, |_, set, _| longest = longest.max(set.len()));
            longest
        };
        (0..self.parts.len()).into_par_iter().map(of_part).max().unwrap_or(0)
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

/// The sets of a result by count and length: one bucket each, in the order of the list form.
struct Buckets {
    /// Distinct counts, falling.
    counts: Vec<u32>,
    /// The place of each count in `counts`.
    ranks: Vec<u32>,
    longest: usize,
    sizes: Vec<u32>,
    /// Where the items of each bucket begin; one more than there are buckets.
    starts: Vec<usize>,
    rows: usize,
}

impl Buckets {
    fn new(itemsets: &Itemsets, starts: &[usize]) -> Self {
        let most = itemsets.nodes().map(|node| node.count).max().unwrap_or(0);
        let mut ranks = vec![0; most as usize + 1];
        for node in itemsets.nodes() {
            ranks[node.count as usize] = 1;
        }
        let counts: Vec<u32> = (0..=most).rev().filter(|&count| ranks[count as usize] == 1).collect();
        for (rank, &count) in counts.iter().enumerate() {
            ranks[count as usize] = rank as u32;
        }
        let longest = itemsets.longest(starts);
        let mut buckets =
            Self { sizes: vec![0; counts.len() * longest], counts, ranks, longest, starts: vec![0], rows: 0 };
        let stretch = itemsets.parts.len().div_ceil(rayon::current_num_threads()).max(1);
        let parts: Vec<usize> = (0..itemsets.parts.len()).collect();
        let tables: Vec<Vec<u32>> = parts
            .par_chunks(stretch)
            .map(|parts| {
                let mut sizes = vec![0; buckets.sizes.len()];
                for &part in parts {
                    itemsets.each(starts, part, |_, set, count| sizes[buckets.of(count, set.len())] += 1);
                }
                sizes
            })
            .collect();
        for table in tables {
            buckets.sizes.iter_mut().zip(table).for_each(|(sum, more)| *sum += more);
        }
        let mut items = 0;
        for (bucket, &rows) in buckets.sizes.iter().enumerate() {
            items += rows as usize * buckets.key(bucket).1;
            buckets.starts.push(items);
            buckets.rows += rows as usize;
        }
        buckets
    }

    #[inline]
    fn of(&self, count: u32, length: usize) -> usize {
        self.ranks[count as usize] as usize * self.longest + length - 1
    }

    fn key(&self, bucket: usize) -> (u32, usize) {
        (self.counts[bucket / self.longest], bucket % self.longest + 1)
    }

    /// Stretches of buckets of about the same number of items.
    fn ranges(&self, pieces: usize) -> impl Iterator<Item = Range<usize>> {
        let items = self.starts[self.sizes.len()];
        let cut = move |piece: usize| match piece {
            0 => 0,
            _ if piece == pieces => self.sizes.len(),
            _ => self.starts.partition_point(|&start| start < items / pieces * piece).min(self.sizes.len()),
        };
        (0..pieces).map(move |piece| cut(piece)..cut(piece + 1))
    }
}
