//! Mask tables: the counts of all subsets of a few items at once.
//!
//! The baskets of a node, restricted to its `bits` most frequent items, are numbers below `2^bits`. Their weights are added up in a
//! table, and one pass per bit then turns "exactly these items" into "at least these items". Going through the table in
//! numeric order, and jumping over all supersets of an infrequent set, visits the frequent sets depth first.

use std::ops::{Add, AddAssign};

/// A count in a table; narrow cells hold more of them in a register.
pub(super) trait Cell:
    Copy + Ord + Default + Add<Output = Self> + AddAssign + Send + Sync + 'static
{
    /// Narrows a count that is known to fit.
    fn narrow(count: u32) -> Self;
    /// The count.
    fn wide(self) -> u32;
}

impl Cell for u16 {
    fn narrow(count: u32) -> Self {
        count as u16
    }
    fn wide(self) -> u32 {
        u32::from(self)
    }
}

impl Cell for u32 {
    fn narrow(count: u32) -> Self {
        count
    }
    fn wide(self) -> u32 {
        self
    }
}

/// Fills `table` with the counts of all subsets of the items of `counts`, the lowest bits of the rows.
///
/// Rows of one item may be missing: the counts of the items themselves are known.
pub(super) fn fill<T: Cell>(table: &mut Vec<T>, counts: &[u32], rows: &[u64], weights: &[u32]) {
    let bits = counts.len();
    table.clear();
    table.resize(1 << bits, T::default());
    let low = (1_usize << bits) - 1;
    for (&row, &weight) in rows.iter().zip(weights) {
        table[row as usize & low] += T::narrow(weight);
    }
    fold_supersets(table, |sum, more| sum + more);
    for (bit, &count) in counts.iter().enumerate() {
        table[1 << bit] = T::narrow(count);
    }
}

/// Makes each entry what `fold` makes of the entries of all its supersets.
pub(super) fn fold_supersets<T: Copy>(table: &mut [T], fold: impl Fn(T, T) -> T) {
    let mut half = 1;
    // The first three strides stay inside eight neighbours, where the compiler can shuffle instead of looping.
    if let (eights, []) = table.as_chunks_mut::<8>() {
        for t in eights {
            for at in [0, 2, 4, 6] {
                t[at] = fold(t[at], t[at + 1]);
            }
            for at in [0, 1, 4, 5] {
                t[at] = fold(t[at], t[at + 2]);
            }
            for at in [0, 1, 2, 3] {
                t[at] = fold(t[at], t[at + 4]);
            }
        }
        half = 8;
    }
    while half < table.len() {
        for pair in table.chunks_exact_mut(2 * half) {
            let (without, with) = pair.split_at_mut(half);
            for (sum, &more) in without.iter_mut().zip(&*with) {
                *sum = fold(*sum, more);
            }
        }
        half *= 2;
    }
}

/// Makes zero what has `item` and one of the items before it whose bits are set in `others`.
pub(super) fn part<T: Cell>(table: &mut [T], item: usize, others: u64) {
    let others = others as usize & ((1 << item) - 1);
    if others != 0 {
        for (set, count) in table.iter_mut().enumerate() {
            if set >> item & 1 == 1 && set & others != 0 {
                *count = T::default();
            }
        }
    }
}

/// Visits the frequent, non-empty sets of a table of at most `longest` items in numeric order.
pub(super) fn walk<T: Cell>(table: &[T], min: u32, longest: usize, mut visit: impl FnMut(usize, u32)) {
    let short = longest < table.len().trailing_zeros() as usize;
    let mut set = 1;
    while set < table.len() {
        let count = table[set].wide();
        if count < min || (short && set.count_ones() as usize > longest) {
            set += set & set.wrapping_neg();
        } else {
            visit(set, count);
            set += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_supersets() {
        let rows: Vec<u64> = (0..200).map(|i| (i * 2_654_435_761_u64) >> 7 & 31).collect();
        let weights: Vec<u32> = (0..200).map(|i| i % 5 + 1).collect();
        let plain = |set: usize| -> u32 {
            rows.iter().zip(&weights).filter(|&(r, _)| *r as usize & set == set).map(|(_, w)| w).sum()
        };
        for bits in 0..=5 {
            let singles: Vec<u32> = (0..bits).map(|bit| plain(1 << bit)).collect();
            let mut table: Vec<u16> = Vec::new();
            fill(&mut table, &singles, &rows, &weights);
            for (set, &count) in table.iter().enumerate() {
                assert_eq!(count.wide(), plain(set));
            }
        }
    }

    #[test]
    fn walks_depth_first_and_skips() {
        let table = [9_u32, 5, 4, 1, 3, 3, 1, 1];
        let mut seen = Vec::new();
        walk(&table, 3, 9, |set, count| seen.push((set, count)));
        assert_eq!(seen, [(1, 5), (2, 4), (4, 3), (5, 3)]);
        seen.clear();
        walk(&table, 3, 1, |set, count| seen.push((set, count)));
        assert_eq!(seen, [(1, 5), (2, 4), (4, 3)]);
    }
}
