//! What itemsets are worth: sums over the baskets that hold a set.

use rayon::prelude::*;

use crate::baskets::Baskets;
use crate::{Control, Error, Result};

const NONE: u32 = u32::MAX;

/// For each value its sum, over the baskets that hold a set, of what the items of the set are worth there.
///
/// Set `i` is `items[offsets[i]..offsets[i + 1]]`, in any order; `values` have an entry for each item of each basket. Takes one
/// visit of every set in every basket that holds it, and room for the sums alone: sets that begin with the same item, the
/// rarest one, are summed by one thread.
///
/// # Errors
/// [`Error::Overflow`] for a sum that does not fit; [`Error::Interrupted`] or [`Error::Capacity`] when asked to stop.
///
/// # Examples
/// ```
/// use basketry_core::baskets::Baskets;
/// use basketry_core::itemsets::sums;
/// let shop = Baskets::from_rows([[1, 2].as_slice(), &[2], &[1, 2]]);
/// let spent = [("spent".to_owned(), vec![10, 20, 5, 1, 2])];
/// let sums = sums(&[0, 1, 3], &[2, 1, 2], &shop, &spent, &Default::default())?;
/// assert_eq!(sums, [[27, 33]]);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn sums(
    offsets: &[i64],
    items: &[u32],
    baskets: &Baskets,
    values: &[(String, Vec<i64>)],
    control: &Control,
) -> Result<Vec<Vec<i64>>> {
    let ranks = ranks(items, baskets);
    let sets = Sets::new(offsets, items, &ranks);
    control.check()?;
    let tree = Tree::new(&sets);
    let worth = Worth::new(baskets, values, &ranks);
    control.check()?;
    let width = values.len();
    let mut sorted = vec![0_i64; sets.order.len() * width];
    let mut rest = sorted.as_mut_slice();
    let mut roots = Vec::with_capacity(tree.roots.len());
    for (at, &root) in tree.roots.iter().enumerate() {
        let end = tree.roots.get(at + 1).map_or(sets.order.len(), |&next| tree.first[next as usize] as usize);
        let first = tree.first[root as usize] as usize;
        let (here, more) = rest.split_at_mut((end - first) * width);
        rest = more;
        roots.push((root, first, here));
    }
    roots.into_par_iter().with_max_len(1).try_for_each(|(root, first, sums)| {
        let mut walk = Walk { tree: &tree, worth: &worth, values, first, sums, path: vec![0; width] };
        for (at, &(start, end)) in worth.holding(tree.ranks[root as usize]).iter().enumerate() {
            if at % 1024 == 0 {
                control.check()?;
            }
            walk.visit(root, start as usize, end as usize, 0)?;
        }
        Ok::<_, Error>(())
    })?;
    let mut sums = vec![vec![0; sets.order.len()]; width];
    for (place, &row) in sets.order.iter().enumerate() {
        for (at, sums) in sums.iter_mut().enumerate() {
            sums[row as usize] = sorted[place * width + at];
        }
    }
    Ok(sums)
}

/// Numbers the items that are in some set, the rarest first; [`NONE`] for the others.
fn ranks(items: &[u32], baskets: &Baskets) -> Vec<u32> {
    let mut ranks = vec![NONE; baskets.n_items()];
    items.iter().for_each(|&item| ranks[item as usize] = 0);
    let counts = baskets.item_counts();
    let mut used: Vec<u32> = (0..ranks.len() as u32).filter(|&item| ranks[item as usize] == 0).collect();
    used.sort_by_key(|&item| counts[item as usize]);
    for (rank, &item) in (0..).zip(&used) {
        ranks[item as usize] = rank;
    }
    ranks
}

/// The sets as rising ranks, and their rows in the order of these.
struct Sets<'a> {
    offsets: &'a [i64],
    ranks: Vec<u32>,
    order: Vec<u32>,
}

impl<'a> Sets<'a> {
    fn new(offsets: &'a [i64], items: &[u32], ranks: &[u32]) -> Self {
        let mut ranks: Vec<u32> = items.iter().map(|&item| ranks[item as usize]).collect();
        for set in offsets.windows(2) {
            ranks[set[0] as usize..set[1] as usize].sort_unstable();
        }
        let mut sets = Self { offsets, ranks, order: (0..offsets.len() as u32 - 1).collect() };
        let mut order = std::mem::take(&mut sets.order);
        order.par_sort_unstable_by(|&one, &other| sets.of(one).cmp(sets.of(other)));
        sets.order = order;
        sets
    }

    fn of(&self, row: u32) -> &[u32] {
        &self.ranks[self.offsets[row as usize] as usize..self.offsets[row as usize + 1] as usize]
    }
}

/// The sets as a prefix tree in depth-first order.
#[derive(Default)]
struct Tree {
    /// The item that a node adds.
    ranks: Vec<u32>,
    /// The place of the first set at or under a node.
    first: Vec<u32>,
    /// Whether that set is the node's own.
    own: Vec<bool>,
    roots: Vec<u32>,
    /// Children of node `i` are `children[offsets[i]..offsets[i + 1]]`, by rising rank.
    offsets: Vec<u32>,
    children: Vec<u32>,
}

impl Tree {
    fn new(sets: &Sets<'_>) -> Self {
        let (mut tree, mut parents, mut branch) = (Self::default(), Vec::new(), Vec::<u32>::new());
        for (place, &row) in (0..).zip(&sets.order) {
            let set = sets.of(row);
            let shared =
                branch.iter().zip(set).take_while(|&(&node, &rank)| tree.ranks[node as usize] == rank);
            let shared = shared.count();
            branch.truncate(shared);
            for (at, &rank) in set.iter().enumerate().skip(shared) {
                let node = tree.ranks.len() as u32;
                parents.push(branch.last().copied().unwrap_or(NONE));
                tree.ranks.push(rank);
                tree.first.push(place);
                tree.own.push(at + 1 == set.len());
                branch.push(node);
            }
        }
        tree.offsets = vec![0; parents.len() + 1];
        for &parent in parents.iter().filter(|&&parent| parent != NONE) {
            tree.offsets[parent as usize + 1] += 1;
        }
        for at in 1..tree.offsets.len() {
            tree.offsets[at] += tree.offsets[at - 1];
        }
        let mut next = tree.offsets.clone();
        tree.children = vec![0; tree.offsets[parents.len()] as usize];
        for (node, &parent) in (0..).zip(&parents) {
            if parent == NONE {
                tree.roots.push(node);
            } else {
                let next = &mut next[parent as usize];
                tree.children[*next as usize] = node;
                *next += 1;
            }
        }
        tree
    }

    fn children(&self, node: u32) -> &[u32] {
        &self.children[self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize]
    }
}

/// The baskets by rising ranks of their items, with what these are worth.
struct Worth {
    ranks: Vec<u32>,
    /// The values of each of `ranks`.
    values: Vec<i64>,
    /// Where the baskets with each item hold it, and where they end.
    holding: Vec<(u32, u32)>,
    starts: Vec<usize>,
}

impl Worth {
    fn new(baskets: &Baskets, values: &[(String, Vec<i64>)], ranks: &[u32]) -> Self {
        let n_ranks = ranks.iter().filter(|&&rank| rank != NONE).count();
        let mut worth =
            Self { ranks: Vec::new(), values: Vec::new(), holding: Vec::new(), starts: vec![0; n_ranks + 1] };
        let (mut ends, mut entry, mut row) = (Vec::with_capacity(baskets.len()), 0, Vec::new());
        for basket in baskets.iter() {
            row.clear();
            row.extend(basket.iter().zip(entry..).map(|(&item, entry)| (ranks[item as usize], entry)));
            entry += basket.len();
            row.retain(|&(rank, _)| rank != NONE);
            row.sort_unstable();
            for &(rank, entry) in &row {
                worth.ranks.push(rank);
                worth.values.extend(values.iter().map(|(_, values)| values[entry]));
                worth.starts[rank as usize + 1] += 1;
            }
            ends.push(worth.ranks.len());
        }
        for at in 1..worth.starts.len() {
            worth.starts[at] += worth.starts[at - 1];
        }
        let mut next = worth.starts.clone();
        worth.holding = vec![(0, 0); worth.ranks.len()];
        let mut start = 0;
        for end in ends {
            for at in start..end {
                let next = &mut next[worth.ranks[at] as usize];
                worth.holding[*next] = (at as u32, end as u32);
                *next += 1;
            }
            start = end;
        }
        worth
    }

    fn holding(&self, rank: u32) -> &[(u32, u32)] {
        &self.holding[self.starts[rank as usize]..self.starts[rank as usize + 1]]
    }
}

/// The sets under one root.
struct Walk<'a> {
    tree: &'a Tree,
    worth: &'a Worth,
    values: &'a [(String, Vec<i64>)],
    /// The place of the first set under the root.
    first: usize,
    sums: &'a mut [i64],
    /// For each node of the branch the values of its items so far, below a row of zeros.
    path: Vec<i64>,
}

impl Walk<'_> {
    /// Adds the basket that holds the item of a node at `at` and ends at `end` to all sets at and under the node.
    fn visit(&mut self, node: u32, at: usize, end: usize, depth: usize) -> Result<()> {
        let width = self.values.len();
        self.path.truncate((depth + 1) * width);
        for (value, (name, _)) in self.values.iter().enumerate() {
            let worth = self.worth.values[at * width + value];
            let sum = self.path[depth * width + value].checked_add(worth);
            self.path.push(sum.ok_or_else(|| Error::Overflow { column: name.clone() })?);
        }
        if self.tree.own[node as usize] {
            let place = (self.tree.first[node as usize] as usize - self.first) * width;
            for (value, (name, _)) in self.values.iter().enumerate() {
                let sum = &mut self.sums[place + value];
                let more = sum.checked_add(self.path[(depth + 1) * width + value]);
                *sum = more.ok_or_else(|| Error::Overflow { column: name.clone() })?;
            }
        }
        let mut children = self.tree.children(node);
        for more in at + 1..end {
            let rank = self.worth.ranks[more];
            // Many children and few items left, or the other way round: a search jumps over what does not meet.
            let skipped = children.partition_point(|&child| self.tree.ranks[child as usize] < rank);
            children = &children[skipped..];
            match children.first() {
                None => break,
                Some(&child) if self.tree.ranks[child as usize] == rank => {
                    self.visit(child, more, end, depth + 1)?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn sums_are_those_of_every_basket(
            rows in prop::collection::vec(prop::collection::btree_map(0_u32..12, (-9_i64..99, -9_i64..99), 0..8), 0..30),
            sets in prop::collection::btree_set(prop::collection::btree_set(0_u32..12, 1..5), 0..60),
        ) {
            let known: BTreeMap<u32, ()> = rows.iter().flatten().map(|(&item, _)| (item, ())).collect();
            let sets: Vec<Vec<u32>> = sets
                .into_iter()
                .filter(|set| set.iter().all(|item| known.contains_key(item)))
                .map(|set| set.into_iter().rev().collect())
                .collect();
            let shop = Baskets::from_rows(rows.iter().map(|row| row.keys().copied().collect::<Vec<_>>()));
            let column = |pick: fn(&(i64, i64)) -> i64| rows.iter().flat_map(|row| row.values().map(pick)).collect();
            let values = [("one".to_owned(), column(|v| v.0)), ("two".to_owned(), column(|v| v.1))];
            let offsets: Vec<i64> = std::iter::once(0)
                .chain(sets.iter().scan(0, |end, set| { *end += set.len() as i64; Some(*end) }))
                .collect();
            let found = sums(&offsets, &sets.concat(), &shop, &values, &Control::default()).unwrap();
            for (at, set) in sets.iter().enumerate() {
                let holding = rows.iter().filter(|row| set.iter().all(|item| row.contains_key(item)));
                let wanted = holding.flat_map(|row| set.iter().map(|item| row[item])).fold((0, 0), |sum, v| (sum.0 + v.0, sum.1 + v.1));
                prop_assert_eq!((found[0][at], found[1][at]), wanted);
            }
        }
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        let shop = Baskets::from_rows([[0].as_slice(), &[0]]);
        let values = [("amount".to_owned(), vec![i64::MAX, 1])];
        let refused = sums(&[0, 1], &[0], &shop, &values, &Control::default());
        assert_eq!(refused, Err(Error::Overflow { column: "amount".into() }));
    }
}
