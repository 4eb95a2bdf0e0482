//! The itemsets found, as a prefix tree of twelve bytes a set.

use bytemuck::{Pod, Zeroable};

use super::nodes::Nodes;
use super::sink::{BOOKED, Sink};
use super::table::{Cell, walk};
use crate::{Control, Result};

/// One frequent itemset: its parent's items and one more.
///
/// The place of the parent is told as a distance, so parts of a tree can be put behind each other without being rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Node {
    /// How many nodes before this one the parent stands; 0 for a set of one item.
    pub up: u32,
    /// The item that this set has and its parent has not.
    pub item: u32,
    /// In how many baskets the set is.
    pub count: u32,
}

/// Grows a tree.
pub(super) struct Grow<'a> {
    control: &'a Control,
    parts: Vec<Nodes>,
    /// Nodes in the parts that are finished.
    finished: usize,
    part: Nodes,
    /// Places of the sets on the current branch, as far as this fork has seen them.
    branch: Vec<usize>,
    /// Nodes whose parent stands outside this fork.
    roots: Vec<usize>,
    /// Places in a table's tree.
    places: Vec<u32>,
    unbooked: u64,
}

impl<'a> Grow<'a> {
    pub(super) fn new(control: &'a Control) -> Self {
        Self {
            control,
            parts: Vec::new(),
            finished: 0,
            part: Nodes::default(),
            branch: Vec::new(),
            roots: Vec::new(),
            places: Vec::new(),
            unbooked: 0,
        }
    }

    /// The parts of the tree.
    pub(super) fn finish(mut self) -> Result<Vec<Nodes>> {
        self.book()?;
        self.close();
        Ok(self.parts)
    }

    fn len(&self) -> usize {
        self.finished + self.part.len()
    }

    fn close(&mut self) {
        if !self.part.is_empty() {
            self.finished += self.part.len();
            self.parts.push(std::mem::take(&mut self.part));
        }
    }

    fn book(&mut self) -> Result<()> {
        let sets = std::mem::take(&mut self.unbooked);
        self.control.book(sets, sets * size_of::<Node>() as u64)
    }

    /// Makes room for some nodes in one part, and books them.
    fn reserve(&mut self, nodes: usize) -> Result<()> {
        self.unbooked += nodes as u64;
        if self.unbooked >= BOOKED {
            self.book()?;
        }
        if !self.part.fits(nodes)? {
            self.close();
            self.part = Nodes::page(nodes)?;
        }
        Ok(())
    }
}

impl Sink for Grow<'_> {
    const FOLDS: bool = false;

    fn fork(&self) -> Self {
        Self::new(self.control)
    }

    fn join(&mut self, parts: Vec<Self>) -> Result<()> {
        self.close();
        let parent = self.branch.last().copied();
        for mut part in parts {
            part.close();
            if let Some(parent) = parent {
                let mut finished = 0;
                let mut roots = part.roots.iter().peekable();
                for nodes in &mut part.parts {
                    while let Some(root) = roots.next_if(|&&root| root < finished + nodes.len()) {
                        nodes[root - finished].up = (self.finished + root - parent) as u32;
                    }
                    finished += nodes.len();
                }
            } else {
                self.roots.extend(part.roots.iter().map(|root| root + self.finished));
            }
            self.finished += part.finished;
            for nodes in part.parts {
                let taken = match self.parts.last_mut() {
                    Some(last) => last.takes(&nodes)?,
                    None => false,
                };
                if !taken {
                    self.parts.push(nodes);
                }
            }
            self.unbooked += part.unbooked;
        }
        Ok(())
    }

    fn enter(&mut self, item: u32, count: u32) -> Result<()> {
        self.reserve(1)?;
        let place = self.len();
        let up = if let Some(parent) = self.branch.last() {
            (place - parent) as u32
        } else {
            self.roots.push(place);
            0
        };
        self.part.push(Node { up, item, count });
        self.branch.push(place);
        Ok(())
    }

    fn leave(&mut self) {
        self.branch.pop();
    }

    fn fold(&mut self, items: &[u32]) -> Result<()> {
        debug_assert!(items.is_empty(), "a tree has a node for every set");
        Ok(())
    }

    fn unfold(&mut self, _: usize) {}

    fn table<T: Cell>(&mut self, items: &[u32], table: &[T], min: u32, longest: usize) -> Result<()> {
        let least = T::narrow(min);
        let most = table.iter().map(|&count| usize::from(count >= least)).sum();
        self.reserve(most)?;
        let Self { branch, roots, part, places, finished, .. } = self;
        if places.len() < table.len() {
            places.resize(table.len(), 0);
        }
        let finished = *finished;
        // Distances are counted from the start of the part; a parent before it gives a negative place, which wraps well.
        places[0] = branch.last().map_or(0, |&parent| (parent as u32).wrapping_sub(finished as u32));
        let start = part.len();
        part.extend(|room| {
            let mut filled = 0;
            walk(table, min, longest, |set, count| {
                let place = (start + filled) as u32;
                let rest = set & (set - 1);
                let up = if rest == 0 && branch.is_empty() {
                    roots.push(finished + place as usize);
                    0
                } else {
                    place.wrapping_sub(places[rest])
                };
                places[set] = place;
                room[filled] = Node { up, item: items[set.trailing_zeros() as usize], count };
                filled += 1;
            });
            filled
        });
        Ok(())
    }
}
