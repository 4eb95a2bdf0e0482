//! Going up and along a tree that stands in parts.

use super::nodes::Nodes;
use super::tree::Node;

/// Where each part begins.
fn starts(lengths: impl Iterator<Item = usize>) -> Vec<usize> {
    lengths
        .scan(0, |place, length| {
            let start = *place;
            *place += length;
            Some(start)
        })
        .collect()
}

/// A tree in parts.
pub(super) struct Tree<'a> {
    parts: &'a [Nodes],
    starts: Vec<usize>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(parts: &'a [Nodes]) -> Self {
        Self { parts, starts: starts(parts.iter().map(|part| part.len())) }
    }

    /// Visits the items of a set, the most frequent one first.
    pub(super) fn climb(&self, mut place: usize, mut visit: impl FnMut(u32)) {
        let mut part = self.starts.partition_point(|&start| start <= place) - 1;
        loop {
            while place < self.starts[part] {
                part -= 1;
            }
            let node = self.parts[part][place - self.starts[part]];
            visit(node.item);
            if node.up == 0 {
                return;
            }
            place -= node.up as usize;
        }
    }

    /// Where a part stands.
    pub(super) fn part(&self, part: usize) -> Placed {
        Placed { start: self.starts[part], above: self.above(part) }
    }

    fn above(&self, part: usize) -> Vec<(u32, usize)> {
        let mut above = Vec::new();
        let Some(&first) = self.parts[part].first() else { return above };
        if first.up > 0 {
            let mut place = self.starts[part] - first.up as usize;
            loop {
                let part = self.starts.partition_point(|&start| start <= place) - 1;
                let node = self.parts[part][place - self.starts[part]];
                above.push((node.item, place));
                if node.up == 0 {
                    break;
                }
                place -= node.up as usize;
            }
        }
        above.reverse();
        above
    }
}

/// What a part of a tree must know to be read alone.
pub(super) struct Placed {
    /// The place of its first node.
    start: usize,
    /// Items and places of the sets above its first node, the outermost first.
    pub(super) above: Vec<(u32, usize)>,
}

impl Placed {
    /// The number of items of each set of the part.
    pub(super) fn lengths(&self, nodes: &[Node]) -> Vec<u16> {
        let mut lengths: Vec<u16> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let up = node.up as usize;
            let length = match (up, at.checked_sub(up)) {
                (0, _) => 1,
                (_, Some(parent)) => lengths[parent] + 1,
                (_, None) => {
                    self.above.partition_point(|&(_, place)| place <= self.start + at - up) as u16 + 1
                }
            };
            lengths.push(length);
        }
        lengths
    }
}
