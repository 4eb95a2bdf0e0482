//! The search where events of several items and limits on time play no part: chains of single items.
//!
//! A node holds what follows its prefix in the customers who have it. One pass over it counts all its extensions by two items,
//! every increment a customer of one of them. Only children that can grow by three get a node of their own, with the items that
//! can still matter.

use std::ops::Range;

use rayon::prelude::*;

use super::keeper::Keeper;
use super::log::Log;
use super::pairs::{Pairs, meet};
use super::spread::{First, Occurrence, Spread};
use super::{Constraints, Found};
use crate::error::Result;

/// A node with more occurrences than this lets other threads share its work: a fixed number, as the result may not depend on
/// the threads.
const SPLIT: usize = 1 << 14;

/// The most counters of one pass, so that they stay in the cache.
const COUNTERS: usize = 1 << 17;

/// The fewest occurrences that are worth counters of their own.
const PIECE: usize = 1 << 15;

/// The number of an item that has none.
const NONE: u32 = u32::MAX;

/// What is the same for the whole search.
pub(super) struct Chains<'a> {
    pub keeper: &'a Keeper<'a>,
    /// The most items of a chain.
    pub longest: usize,
}

/// What follows a prefix; reused by all nodes of a depth.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The items that can still be in a longer sequence, ascending.
    names: Vec<u32>,
    occurrences: Vec<Occurrence>,
    /// Where the occurrences of each customer end.
    ends: Vec<u32>,
    /// The frequent extensions by two items, with their customers, and where those of each first item begin.
    extensions: Vec<(u32, u32)>,
    rows: Vec<u32>,
    /// The first occurrences of each item that is followed by any.
    firsts: Vec<First>,
    offsets: Vec<u32>,
}

/// Work space of one thread.
pub(super) struct Space {
    nodes: Vec<Node>,
    spread: Spread,
    counters: Vec<u32>,
    /// The number of each item of a node in its child.
    numbers: Vec<u32>,
    sequence: Vec<u32>,
}

impl Space {
    pub fn new(n_items: usize) -> Self {
        Self {
            nodes: Vec::new(),
            spread: Spread::new(n_items),
            counters: Vec::new(),
            numbers: vec![NONE; n_items],
            sequence: Vec::new(),
        }
    }
}

impl Chains<'_> {
    /// The most items under the limits, if the search knows no other limits.
    pub fn longest(limits: &Constraints) -> Option<usize> {
        let free = !limits.bounds_matches() && limits.min_gap.is_none();
        let most = limits.max_length.unwrap_or(u32::MAX).min(limits.max_items.unwrap_or(u32::MAX));
        free.then_some(most as usize)
    }

    /// Whether no two items that come after `item`, or in its event, are frequent in one event.
    pub fn single(root: &Node, pairs: &Pairs, item: u32) -> bool {
        let mut others = root.followers(item).iter().map(|&(other, _)| other);
        pairs.together(item).iter().all(|&word| word == 0)
            && others.all(|other| !meet(pairs.later(item), pairs.together(other), other + 1))
    }

    /// The node of the empty sequence.
    pub fn root(&self, log: &Log, n_items: usize) -> Result<Node> {
        let mut root = Node { names: (0..n_items as u32).collect(), ..Node::default() };
        for events in log.customers() {
            let places = log.places(events.start, events.end);
            let items = log.items_at(places.clone());
            root.occurrences.extend(
                places.zip(items).map(|(place, &item)| Occurrence { event: log.event_at(place), item }),
            );
            root.close();
        }
        self.count(&mut root, &mut Space::new(n_items))?;
        Ok(root)
    }

    /// Finds the sequences that begin with `item` and go on.
    pub fn beginning_with(&self, root: &Node, item: u32, space: &mut Space) -> Result<Found> {
        let mut found = Found::default();
        if self.longest > 1 {
            for &(other, count) in root.followers(item) {
                found.push(&[item, other], count, self.keeper)?;
            }
        }
        space.sequence.clear();
        self.child(root, item, space, &mut found)?;
        Ok(found)
    }

    /// Adds all frequent extensions by two and more items of the sequence in `space`, which `node` follows.
    fn grow(&self, node: &mut Node, space: &mut Space, found: &mut Found) -> Result<()> {
        self.count(node, space)?;
        for first in 0..node.names.len() as u32 {
            for &(second, count) in node.followers(first) {
                let grown = space.sequence.len();
                space.sequence.extend([node.names[first as usize], node.names[second as usize]]);
                found.push(&space.sequence, count, self.keeper)?;
                space.sequence.truncate(grown);
            }
        }
        let (node, items) = (&*node, 0..node.names.len() as u32);
        if node.occurrences.len() < SPLIT {
            return items.into_iter().try_for_each(|first| self.child(node, first, space, found));
        }
        let (prefix, n_items) = (&space.sequence, space.numbers.len());
        let parts: Vec<Found> = items
            .into_par_iter()
            .with_max_len(1)
            .map_init(
                || Space::new(n_items),
                |space, first| {
                    let mut found = Found::default();
                    space.sequence.clone_from(prefix);
                    self.child(node, first, space, &mut found)?;
                    Ok(found)
                },
            )
            .collect::<Result<_>>()?;
        for part in &parts {
            found.append(part);
        }
        Ok(())
    }

    /// Counts all extensions by two items.
    fn count(&self, node: &mut Node, space: &mut Space) -> Result<()> {
        self.keeper.control.check()?;
        let m = node.names.len();
        node.rows.clear();
        node.rows.push(0);
        node.extensions.clear();
        space.spread.list(&node.occurrences, &node.ends);
        let spread = &space.spread;
        let least = self.keeper.least();
        let frequent = |counters: &[u32], node: &mut Node| {
            for row in counters.chunks_exact(m.max(1)) {
                let kept = (0..).zip(row.iter().copied()).filter(|&(_, count)| count >= least);
                node.extensions.extend(kept);
                node.rows.push(node.extensions.len() as u32);
            }
        };
        if m * m <= COUNTERS {
            space.counters.clear();
            space.counters.resize(m * m, 0);
            let pieces: Vec<Range<usize>> = pieces(node.ends.len(), node.occurrences.len() / PIECE);
            if let [all] = pieces.as_slice() {
                spread.count(all.clone(), &(0..m), m, &mut space.counters);
            } else {
                let counted: Vec<Vec<u32>> = pieces
                    .into_par_iter()
                    .map(|customers| {
                        let mut counters = vec![0; m * m];
                        spread.count(customers, &(0..m), m, &mut counters);
                        counters
                    })
                    .collect();
                for some in &counted {
                    space.counters.iter_mut().zip(some).for_each(|(sum, counter)| *sum += counter);
                }
            }
            frequent(&space.counters, node);
        } else {
            let block = (COUNTERS / m).max(1);
            let blocks: Vec<usize> = (0..m).step_by(block).collect();
            // A few blocks at a time, so that no more counters are alive than threads can use.
            for some in blocks.chunks(64) {
                let counted: Vec<Vec<u32>> = some
                    .par_iter()
                    .map(|&low| {
                        self.keeper.control.check()?;
                        let rows = low..(low + block).min(m);
                        let mut counters = vec![0; rows.len() * m];
                        spread.count(0..node.ends.len(), &rows, m, &mut counters);
                        Ok(counters)
                    })
                    .collect::<Result<_>>()?;
                for counters in &counted {
                    frequent(counters, node);
                }
            }
        }
        node.index(&spread.firsts);
        Ok(())
    }

    /// Grows the child that goes on with `first`, if it can grow by three.
    fn child(&self, node: &Node, first: u32, space: &mut Space, found: &mut Found) -> Result<()> {
        let followers = node.followers(first);
        if followers.is_empty() || space.sequence.len() + 3 > self.longest {
            return Ok(());
        }
        let mut child = space.nodes.pop().unwrap_or_default();
        let numbers = &mut space.numbers[..node.names.len()];
        // What follows `first`, and of it what is part of a frequent pair.
        for &(second, _) in followers {
            numbers[second as usize] = 0;
        }
        for &(second, _) in followers {
            for &(third, _) in node.followers(second) {
                if numbers[third as usize] != NONE {
                    numbers[second as usize] = 1;
                    numbers[third as usize] = 1;
                }
            }
        }
        child.names.clear();
        for &(second, _) in followers {
            let number = &mut numbers[second as usize];
            if *number == 1 {
                *number = child.names.len() as u32;
                child.names.push(node.names[second as usize]);
            } else {
                *number = NONE;
            }
        }
        if !child.names.is_empty() {
            child.project(node, first, numbers);
            for &(second, _) in followers {
                numbers[second as usize] = NONE;
            }
            if child.ends.len() >= self.keeper.least() as usize {
                space.sequence.push(node.names[first as usize]);
                self.grow(&mut child, space, found)?;
                space.sequence.pop();
            }
        }
        space.nodes.push(child);
        Ok(())
    }
}

/// Cuts a number of customers into a number of ranges, from 1 to 16.
fn pieces(customers: usize, wanted: usize) -> Vec<Range<usize>> {
    let step = customers.div_ceil(wanted.clamp(1, 16)).max(1);
    (0..customers.max(1)).step_by(step).map(|low| low..(low + step).min(customers)).collect()
}

impl Node {
    /// How many extensions by two items are frequent.
    pub fn n_extensions(&self) -> u64 {
        self.extensions.len() as u64
    }

    /// The items that follow `first` in a frequent extension by two, ascending, with their customers.
    pub fn followers(&self, first: u32) -> &[(u32, u32)] {
        &self.extensions[self.rows[first as usize] as usize..self.rows[first as usize + 1] as usize]
    }

    /// Takes from `parent` what comes after the first occurrences of an item, by new numbers.
    fn project(&mut self, parent: &Self, first: u32, numbers: &[u32]) {
        let firsts = &parent.firsts
            [parent.offsets[first as usize] as usize..parent.offsets[first as usize + 1] as usize];
        self.ends.clear();
        self.occurrences.clear();
        for from in firsts {
            let after = &parent.occurrences[from.place as usize + 1..from.end as usize];
            let same = after.iter().take_while(|occurrence| occurrence.event == from.event).count();
            // Without a branch: whether an item stays is a coin toss.
            let mut end = self.occurrences.len();
            self.occurrences.resize(end + after.len() - same, Occurrence::default());
            for occurrence in &after[same..] {
                let item = numbers[occurrence.item as usize];
                self.occurrences[end] = Occurrence { event: occurrence.event, item };
                end += usize::from(item != NONE);
            }
            self.occurrences.truncate(end);
            self.close();
        }
    }

    /// Ends a customer; one with less than two occurrences has nothing to count.
    fn close(&mut self) {
        let start = self.ends.last().copied().unwrap_or(0) as usize;
        if self.occurrences.len() < start + 2 {
            self.occurrences.truncate(start);
        } else {
            self.ends.push(self.occurrences.len() as u32);
        }
    }

    /// Sorts the first occurrences of the items that are followed by any.
    fn index(&mut self, firsts: &[First]) {
        let followed = |item: u32| self.rows[item as usize] < self.rows[item as usize + 1];
        self.offsets.clear();
        self.offsets.resize(self.names.len() + 1, 0);
        for first in firsts {
            self.offsets[first.item as usize] += u32::from(followed(first.item));
        }
        let mut total = 0;
        for offset in &mut self.offsets {
            total += std::mem::replace(offset, total);
        }
        self.firsts.clear();
        self.firsts.resize(total as usize, First::default());
        // Every offset moves on to where the next item begins, so all are one place too far in the end.
        for &first in firsts.iter().filter(|first| followed(first.item)) {
            let next = &mut self.offsets[first.item as usize];
            self.firsts[*next as usize] = first;
            *next += 1;
        }
        self.offsets.rotate_right(1);
        self.offsets[0] = 0;
    }
}
