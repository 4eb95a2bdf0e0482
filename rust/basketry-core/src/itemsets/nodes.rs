//! Room for the nodes of a tree.

use std::ops::{Deref, DerefMut};

use super::tree::Node;
use crate::Result;
use crate::pages::{HUGE, Pages};

/// The most nodes of a part: as many as a huge page holds.
pub(super) const PART: usize = HUGE / size_of::<Node>();

/// A part of a tree.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    room: Pages<Node>,
    len: usize,
}

impl Nodes {
    /// A part for at least some nodes, and as many as a page holds.
    ///
    /// # Errors
    /// [`crate::Error::Memory`] if the system gives no more.
    pub(super) fn page(nodes: usize) -> Result<Self> {
        Ok(Self { room: Pages::zeroed(nodes.max(PART))?, len: 0 })
    }

    /// Whether there is room for some more nodes in this part; a small one is made larger.
    ///
    /// # Errors
    /// As [`Nodes::page`].
    pub(super) fn fits(&mut self, more: usize) -> Result<bool> {
        let needed = self.len + more;
        if needed > self.room.len() {
            if needed > PART {
                return Ok(false);
            }
            // What fills half a page is likely to fill it.
            let length = if needed > PART / 2 { PART } else { needed.max(2 * self.len).max(64) };
            let mut room = Pages::zeroed(length)?;
            room[..self.len].copy_from_slice(self);
            self.room = room;
        }
        Ok(true)
    }

    /// Takes the nodes of a small part that comes next, if one page holds both: full pages are worth the copy.
    ///
    /// # Errors
    /// As [`Nodes::page`].
    pub(super) fn takes(&mut self, next: &Self) -> Result<bool> {
        let fits = next.len <= PART / 2 && self.fits(next.len)?;
        if fits {
            self.room[self.len..][..next.len].copy_from_slice(next);
            self.len += next.len;
        }
        Ok(fits)
    }

    /// Takes a node, for which there is room.
    pub(super) fn push(&mut self, node: Node) {
        self.room[self.len] = node;
        self.len += 1;
    }

    /// Takes what `fill` writes to the front of the room that is left; it tells how many nodes these are.
    pub(super) fn extend(&mut self, fill: impl FnOnce(&mut [Node]) -> usize) {
        let start = self.len;
        self.len += fill(&mut self.room[start..]);
    }
}

impl Deref for Nodes {
    type Target = [Node];

    fn deref(&self) -> &[Node] {
        &self.room[..self.len]
    }
}

impl DerefMut for Nodes {
    fn deref_mut(&mut self) -> &mut [Node] {
        &mut self.room[..self.len]
    }
}

impl PartialEq for Nodes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Nodes {}
