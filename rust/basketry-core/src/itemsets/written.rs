//! The list form of a result, and how it is written.

use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use bytemuck::Pod;

use crate::Result;
use crate::pages::Pages;

/// Items that are copied at a time.
pub(super) const BLOCK: usize = 8;

/// Itemsets as flat lists: set `i` is `items[offsets[i]..offsets[i + 1]]`, its most frequent item first.
///
/// Sets come by falling count, then rising length, then in the order of the walk. A result of more than 2^18 sets comes in the
/// order of the walk alone: to sort it would take longer than to find it.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemsetLists<T: ArrowNativeType> {
    /// Where each set begins; one more than there are sets.
    pub offsets: ScalarBuffer<i64>,
    /// What stands for the items of all sets.
    pub items: ScalarBuffer<T>,
    /// The number of items of each set.
    pub lengths: ScalarBuffer<u32>,
    /// In how many baskets each set is.
    pub counts: ScalarBuffer<u64>,
    /// In what share of all baskets each set is.
    pub supports: ScalarBuffer<f64>,
}

impl<T: ArrowNativeType> ItemsetLists<T> {
    /// The sets with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&[T], u64)> {
        let sets = self.offsets.windows(2).map(|set| &self.items[set[0] as usize..set[1] as usize]);
        sets.zip(self.counts.iter().copied())
    }
}

/// The columns of the list form while they are written.
pub(super) struct Room<T> {
    offsets: Pages<i64>,
    pub(super) items: Pages<T>,
    lengths: Pages<u32>,
    counts: Pages<u64>,
    supports: Pages<f64>,
}

/// Neighbouring rows of all columns.
pub(super) struct Piece<'a, T> {
    /// The end of each row among all items.
    ends: &'a mut [i64],
    items: &'a mut [T],
    lengths: &'a mut [u32],
    counts: &'a mut [u64],
    supports: &'a mut [f64],
    row: usize,
    item: usize,
    /// Items before this piece.
    before: usize,
}

impl<T: Pod + ArrowNativeType> Room<T> {
    pub(super) fn new(sets: usize, items: usize) -> Result<Self> {
        Ok(Self {
            offsets: Pages::zeroed(sets + 1)?,
            items: Pages::zeroed(items)?,
            lengths: Pages::zeroed(sets)?,
            counts: Pages::zeroed(sets)?,
            supports: Pages::zeroed(sets)?,
        })
    }

    /// Cuts all columns at once: sets and items of each piece.
    pub(super) fn pieces(&mut self, sizes: impl Iterator<Item = (usize, usize)>) -> Vec<Piece<'_, T>> {
        let Self { offsets, items, lengths, counts, supports } = self;
        let (mut offsets, mut items) = (&mut offsets[1..], &mut items[..]);
        let (mut lengths, mut counts, mut supports) = (&mut lengths[..], &mut counts[..], &mut supports[..]);
        let mut before = 0;
        sizes
            .map(|(sets, n_items)| {
                let piece = Piece {
                    ends: offsets.split_off_mut(..sets).unwrap_or_default(),
                    items: items.split_off_mut(..n_items).unwrap_or_default(),
                    lengths: lengths.split_off_mut(..sets).unwrap_or_default(),
                    counts: counts.split_off_mut(..sets).unwrap_or_default(),
                    supports: supports.split_off_mut(..sets).unwrap_or_default(),
                    row: 0,
                    item: 0,
                    before,
                };
                before += n_items;
                piece
            })
            .collect()
    }

    /// Writes a row, all but its items, which end at `end`.
    pub(super) fn row(&mut self, row: usize, end: usize, length: u16, count: u32, baskets: u64) {
        self.offsets[row + 1] = end as i64;
        self.lengths[row] = u32::from(length);
        self.counts[row] = u64::from(count);
        self.supports[row] = f64::from(count) / baskets as f64;
    }

    pub(super) fn finish(self) -> ItemsetLists<T> {
        ItemsetLists {
            offsets: self.offsets.into(),
            items: self.items.into(),
            lengths: self.lengths.into(),
            counts: self.counts.into(),
            supports: self.supports.into(),
        }
    }
}

impl<T: Copy> Piece<'_, T> {
    /// Adds a row: the first `length` of some values, of which there are [`BLOCK`] more.
    #[inline]
    pub(super) fn push(&mut self, set: &[T], length: usize, count: u32, baskets: u64) {
        let row = self.row;
        self.ends[row] = (self.before + self.item + length) as i64;
        self.lengths[row] = length as u32;
        self.counts[row] = u64::from(count);
        self.supports[row] = f64::from(count) / baskets as f64;
        self.row += 1;
        // Whole blocks are copied without a look at the length; what is too much is overwritten by the next row.
        let blocks = length.next_multiple_of(BLOCK);
        if let Some(to) = self.items.get_mut(self.item..self.item + blocks) {
            for (to, from) in to.chunks_exact_mut(BLOCK).zip(set.chunks_exact(BLOCK)) {
                to.copy_from_slice(from);
            }
        } else {
            self.items[self.item..][..length].copy_from_slice(&set[..length]);
        }
        self.item += length;
    }
}
