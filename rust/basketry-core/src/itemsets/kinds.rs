//! Choosing among the frequent sets: closed ones, maximal ones, those of highest count.

use rayon::prelude::*;

use super::{Index, Itemsets};

/// Which of the frequent sets to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Every frequent set.
    #[default]
    All,
    /// Sets that no larger set equals in count.
    Closed,
    /// Sets that no larger set is frequent with.
    Maximal,
}

/// Of sets that all have the `fixed` first items of their branch, keeps those of a kind with at most `longest` items, and of those
/// the `top` ones.
pub(super) fn select(
    mut found: Itemsets,
    kind: Kind,
    longest: usize,
    top: Option<usize>,
    fixed: usize,
) -> Itemsets {
    if kind != Kind::All {
        let index = Index::new(&found);
        let covered: Vec<Vec<u32>> = (0..index.nodes.len())
            .into_par_iter()
            .with_min_len(256)
            .fold(Vec::new, |mut covered, place| {
                let mut branch = Vec::new();
                index.branch(place as u32, &mut branch);
                let all = u64::MAX >> (64 - branch.len());
                for at in fixed..branch.len() {
                    let less = all & !(1 << at);
                    if less == 0 {
                        continue;
                    }
                    let subset = index.find(&branch, less);
                    let counts = [subset, place as u32].map(|place| index.nodes[place as usize].count);
                    if kind == Kind::Maximal || counts[0] == counts[1] {
                        covered.push(subset);
                    }
                }
                covered
            })
            .collect();
        let mut kept = vec![true; index.nodes.len()];
        for place in covered.into_iter().flatten() {
            kept[place as usize] = false;
        }
        let mut depths = vec![0_u32; kept.len()];
        for (place, node) in index.nodes.iter().enumerate() {
            depths[place] = 1 + if node.up == 0 { 0 } else { depths[place - node.up as usize] };
            kept[place] &= depths[place] as usize <= longest;
        }
        found.keep(kept);
    }
    if let Some(top) = top {
        found.keep_top(top);
    }
    found
}
