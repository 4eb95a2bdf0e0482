//! Closed sets among the extensions of a set whose baskets are words.
//!
//! Each row keeps, besides its items that are still to be combined, all the items it had at the start. What the rows of a set have in
//! common is its closure: the set is closed if that is all of it. An item in common that comes later in the walk tells that
//! nothing below this point is closed; one that comes earlier belongs to every set from here on.

use super::condensed::Condensed;
use super::search::{Scratch, Search};
use super::table;
use super::words::{self, SPLIT, Words, table_bits};
use crate::Result;

/// Baskets of a set; items are told by their bits in the words of the start.
#[derive(Debug, Clone)]
pub(super) struct Node {
    rows: Vec<u64>,
    /// What the baskets of a row have in common.
    wholes: Vec<u64>,
    weights: Vec<u32>,
    /// The bit of each item.
    bits: [u8; 64],
    counts: [u32; 64],
    items: usize,
    /// The set itself.
    set: u64,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            wholes: Vec::new(),
            weights: Vec::new(),
            bits: [0; 64],
            counts: [0; 64],
            items: 0,
            set: 0,
        }
    }
}

impl Node {
    fn start(&mut self, words: &Words) {
        self.rows.clone_from(&words.rows);
        self.wholes.clone_from(&words.rows);
        self.weights.clone_from(&words.weights);
        self.items = words.items;
        self.counts = words.counts;
        self.bits = std::array::from_fn(|bit| bit as u8);
        self.set = 0;
    }

    /// Becomes the node of the closure of `node`'s set and its item `at`; `false` if that has a later item.
    fn project(&mut self, node: &Self, at: usize, min: u32) -> bool {
        let bit = node.bits[at];
        let common = self.filter(node, at);
        if common & !node.set & !(u64::MAX >> (63 - bit)) != 0 {
            return false;
        }
        self.set = common;
        let counts = words::count(&self.rows, &self.weights, at);
        let mut frequent = 0_u64;
        self.items = 0;
        for (item, &count) in counts[..at].iter().enumerate() {
            if count >= min && common >> node.bits[item] & 1 == 0 {
                frequent |= 1 << item;
                self.bits[self.items] = node.bits[item];
                self.counts[self.items] = count;
                self.items += 1;
            }
        }
        words::compress(&mut self.rows, frequent);
        self.merge_neighbours();
        true
    }

    /// Takes the rows with the bit `at`, less that bit and all above, and tells what they have in common.
    fn filter(&mut self, node: &Self, at: usize) -> u64 {
        let low = (1_u64 << at) - 1;
        let n = node.rows.len();
        self.rows.resize(n, 0);
        self.wholes.resize(n, 0);
        self.weights.resize(n, 0);
        let (mut kept, mut common) = (0, u64::MAX);
        for ((&row, &whole), &weight) in node.rows.iter().zip(&node.wholes).zip(&node.weights) {
            let has = row >> at & 1;
            self.rows[kept] = row & low;
            self.wholes[kept] = whole;
            self.weights[kept] = weight;
            common &= whole | has.wrapping_sub(1);
            kept += has as usize;
        }
        self.rows.truncate(kept);
        self.wholes.truncate(kept);
        self.weights.truncate(kept);
        common
    }

    /// Makes one row of equal neighbours and drops rows without an item.
    fn merge_neighbours(&mut self) {
        let mut kept = 0;
        for at in 0..self.rows.len() {
            let row = self.rows[at];
            if kept > 0 && self.rows[kept - 1] == row {
                self.wholes[kept - 1] &= self.wholes[at];
                self.weights[kept - 1] += self.weights[at];
            } else if row != 0 {
                self.rows[kept] = row;
                self.wholes[kept] = self.wholes[at];
                self.weights[kept] = self.weights[at];
                kept += 1;
            }
        }
        self.rows.truncate(kept);
        self.wholes.truncate(kept);
        self.weights.truncate(kept);
    }
}

/// Room for closed sets.
#[derive(Default)]
pub(super) struct Room {
    #[expect(clippy::vec_box, reason = "a node is moved by its address")]
    spare: Vec<Box<Node>>,
    /// What the baskets of each set of a table have in common.
    wholes: Vec<u64>,
}

/// Finds the sets of at least one item of `words` that are closed among these items.
pub(super) fn search(
    search: &Search<'_>,
    words: &Words,
    scratch: &mut Scratch,
    sink: &mut Condensed<'_>,
) -> Result<()> {
    if words.items <= table_bits(words.rows.len()) {
        let rows = Rows { left: &words.rows, wholes: &words.rows, weights: &words.weights };
        return rows.table(search, words, &words.counts[..words.items], 0, scratch, sink);
    }
    let mut node = scratch.closed.spare.pop().unwrap_or_default();
    node.start(words);
    extend(search, words, &node, scratch, sink)?;
    scratch.closed.spare.push(node);
    Ok(())
}

/// The rows of a node.
struct Rows<'a> {
    left: &'a [u64],
    wholes: &'a [u64],
    weights: &'a [u32],
}

impl Rows<'_> {
    /// Finds the closed sets of a set and some of its first items, which have these counts.
    fn table(
        &self,
        search: &Search<'_>,
        words: &Words,
        counts: &[u32],
        set: u64,
        scratch: &mut Scratch,
        sink: &mut Condensed<'_>,
    ) -> Result<()> {
        let wholes = &mut scratch.closed.wholes;
        wholes.clear();
        wholes.resize(1 << counts.len(), u64::MAX);
        let low = (1_usize << counts.len()) - 1;
        for (&row, &whole) in self.left.iter().zip(self.wholes) {
            wholes[row as usize & low] &= whole;
        }
        table::fold_supersets(wholes, |has, more| has & more);
        let known = set.count_ones();
        if u16::try_from(words.total).is_ok() {
            table::fill(&mut scratch.narrow, counts, self.left, self.weights);
            sink.closed_table(words, &scratch.narrow, wholes, known, search.min)
        } else {
            table::fill(&mut scratch.wide, counts, self.left, self.weights);
            sink.closed_table(words, &scratch.wide, wholes, known, search.min)
        }
    }
}

fn extend(
    search: &Search<'_>,
    words: &Words,
    node: &Node,
    scratch: &mut Scratch,
    sink: &mut Condensed<'_>,
) -> Result<()> {
    search.control.check()?;
    if node.items == 0 {
        return Ok(());
    }
    let bits = node.items.min(table_bits(node.rows.len()));
    let rows = Rows { left: &node.rows, wholes: &node.wholes, weights: &node.weights };
    rows.table(search, words, &node.counts[..bits], node.set, scratch, sink)?;
    let rest = bits..node.items;
    if rest.len() > 1 && rest.len() * node.rows.len() > SPLIT {
        return search
            .side_by_side(rest, sink, |at, scratch, part| item(search, words, node, at, scratch, part));
    }
    for at in rest {
        item(search, words, node, at, scratch, sink)?;
    }
    Ok(())
}

fn item(
    search: &Search<'_>,
    words: &Words,
    node: &Node,
    at: usize,
    scratch: &mut Scratch,
    sink: &mut Condensed<'_>,
) -> Result<()> {
    let mut child = scratch.closed.spare.pop().unwrap_or_default();
    if child.project(node, at, search.min) {
        sink.set(words, child.set, node.counts[at])?;
        extend(search, words, &child, scratch, sink)?;
    }
    scratch.closed.spare.push(child);
    Ok(())
}
