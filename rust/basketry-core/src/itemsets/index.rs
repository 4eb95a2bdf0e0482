//! Looking up the count of any frequent set in a prefix tree.

use super::{Itemsets, Node};

const NONE: u32 = u32::MAX;

/// A tree of itemsets with the children of each node.
pub(crate) struct Index {
    pub(crate) nodes: Vec<Node>,
    /// Rank of each item code: the place of its one-item set among those.
    ranks: Vec<u32>,
    /// One-item sets by rank.
    roots: Vec<u32>,
    /// Children of node `i` are `children[offsets[i]..offsets[i + 1]]`, in the order of their items' ranks.
    offsets: Vec<u32>,
    children: Vec<u32>,
    /// The rank of each child's item.
    child_ranks: Vec<u32>,
}

impl Index {
    pub(crate) fn new(itemsets: &Itemsets) -> Self {
        let nodes: Vec<Node> = itemsets.nodes().copied().collect();
        let n_items = nodes.iter().map(|node| node.item as usize + 1).max();
        let mut ranks = vec![NONE; n_items.unwrap_or(0)];
        let mut roots = Vec::new();
        let mut offsets = vec![0_u32; nodes.len() + 2];
        let mut next = 0;
        for (place, node) in nodes.iter().enumerate() {
            // An item is first met where it alone is added to what all sets have.
            if ranks[node.item as usize] == NONE {
                ranks[node.item as usize] = next;
                next += 1;
            }
            if node.up == 0 {
                roots.push(place as u32);
            } else {
                offsets[place - node.up as usize + 2] += 1;
            }
        }
        for at in 2..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut children = vec![0; nodes.len() - roots.len()];
        let mut child_ranks = children.clone();
        for (place, node) in nodes.iter().enumerate().filter(|(_, node)| node.up > 0) {
            let next = &mut offsets[place - node.up as usize + 1];
            children[*next as usize] = place as u32;
            child_ranks[*next as usize] = ranks[node.item as usize];
            *next += 1;
        }
        offsets.pop();
        Self { nodes, ranks, roots, offsets, children, child_ranks }
    }

    pub(crate) fn rank(&self, item: u32) -> u32 {
        self.ranks[item as usize]
    }

    /// The node of the set of one more item; it must exist.
    pub(crate) fn child(&self, node: Option<u32>, item: u32) -> u32 {
        let rank = self.rank(item);
        let Some(node) = node else { return self.roots[rank as usize] };
        let (start, end) = (self.offsets[node as usize] as usize, self.offsets[node as usize + 1] as usize);
        self.children[start + self.child_ranks[start..end].partition_point(|&other| other < rank)]
    }

    /// The nodes from a one-item set to the set of a place.
    pub(crate) fn branch(&self, mut place: u32, branch: &mut Vec<u32>) {
        branch.clear();
        loop {
            branch.push(place);
            match self.nodes[place as usize].up {
                0 => break,
                up => place -= up,
            }
        }
        branch.reverse();
    }

    /// In how many baskets the set is of those items of a branch whose bits are set; at least one bit is.
    pub(crate) fn count(&self, branch: &[u32], kept: u64) -> u32 {
        self.nodes[self.find(branch, kept) as usize].count
    }

    /// The node of the set of those items of a branch whose bits are set; at least one bit is.
    pub(crate) fn find(&self, branch: &[u32], kept: u64) -> u32 {
        let shared = ((!kept).trailing_zeros() as usize).min(branch.len());
        let known = shared.checked_sub(1).map(|last| branch[last]);
        let mut left = if shared < 64 { kept >> shared << shared } else { 0 };
        let mut node = known;
        while left != 0 {
            let item = self.nodes[branch[left.trailing_zeros() as usize] as usize].item;
            node = Some(self.child(node, item));
            left &= left - 1;
        }
        node.unwrap_or_default()
    }
}
