//! The result of a search, and the flat lists made from it on demand.

use rayon::prelude::*;

use super::tree::Node;
use crate::{Error, Result};

/// Frequent itemsets with their counts, as a prefix tree.
///
/// Sets stand in the order of the walk: a set comes after the set without its most frequent item, and sets are compared from
/// their least frequent item on, items being ranked by count and then by code. So the order depends on nothing but the baskets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itemsets {
    parts: Vec<Vec<Node>>,
    shortest: usize,
    baskets: u64,
}

/// Itemsets as flat lists: set `i` is `items[offsets[i]..offsets[i + 1]]`, its most frequent item first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemsetLists {
    /// Where each set begins; one more than there are sets.
    pub offsets: Vec<i64>,
    /// The item codes of all sets.
    pub items: Vec<u32>,
    /// In how many baskets each set is.
    pub counts: Vec<u32>,
}

impl ItemsetLists {
    /// The sets with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], u32)> {
        let sets = self.offsets.windows(2).map(|set| &self.items[set[0] as usize..set[1] as usize]);
        sets.zip(self.counts.iter().copied())
    }
}

impl Itemsets {
    pub(super) fn new(parts: Vec<Vec<Node>>, shortest: usize, baskets: u64) -> Result<Self> {
        let nodes: usize = parts.iter().map(Vec::len).sum();
        if nodes >= u32::MAX as usize {
            return Err(Error::TooMany { what: "itemsets", count: nodes as u64, most: u64::from(u32::MAX) - 1 });
        }
        Ok(Self { parts, shortest, baskets })
    }

    /// How many baskets were searched, the empty ones included.
    pub fn baskets(&self) -> u64 {
        self.baskets
    }

    /// All nodes of the tree in the order of the walk; those of too few items are in it, as parents of others.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.parts.iter().flatten()
    }

    /// The list form of all sets that are long enough.
    pub fn lists(&self) -> ItemsetLists {
        let starts = self.starts();
        let parts: Vec<ItemsetLists> = (0..self.parts.len())
            .into_par_iter()
            .map(|part| {
                let mut lists = ItemsetLists::default();
                self.each(&starts, part, |set, count| {
                    lists.items.extend(set.iter().rev());
                    lists.offsets.push(lists.items.len() as i64);
                    lists.counts.push(count);
                });
                lists
            })
            .collect();
        let mut all = ItemsetLists { offsets: vec![0], ..ItemsetLists::default() };
        for part in parts {
            let before = all.items.len() as i64;
            all.offsets.extend(part.offsets.iter().map(|end| before + end));
            all.items.extend(part.items);
            all.counts.extend(part.counts);
        }
        all
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

    /// Visits the sets of a part that are long enough: items, the least frequent one first, and count.
    fn each(&self, starts: &[usize], part: usize, mut visit: impl FnMut(&[u32], u32)) {
        let (mut items, mut places) = self.branch(starts, part);
        for (place, node) in (starts[part]..).zip(&self.parts[part]) {
            if node.up == 0 {
                places.clear();
            } else {
                let parent = place - node.up as usize;
                while places.last().is_some_and(|&last| last != parent) {
                    places.pop();
                }
            }
            items.truncate(places.len());
            items.push(node.item);
            places.push(place);
            if items.len() >= self.shortest {
                visit(&items, node.count);
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
