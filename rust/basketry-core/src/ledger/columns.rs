//! The columns of all partitions, each in one piece: what the system asks for many small pieces can cost more than sorting.

use std::ops::{Deref, DerefMut};

use bytemuck::Pod;

use super::intake::{OrderKey, Shape};
use super::stage::Size;
use crate::error::Result;
use crate::pages::{Pages, cut_up};

/// Sorted orders and lines, partition by partition, with room left where runs turned out to be one order.
pub(super) struct Columns {
    pub(super) time: Pages<i64>,
    pub(super) integer_ids: Pages<i64>,
    pub(super) text_lengths: Pages<u32>,
    pub(super) text_bytes: Pages<u8>,
    pub(super) order_lines: Pages<u32>,
    pub(super) items: Pages<u32>,
    pub(super) measures: Vec<Pages<i64>>,
}

/// The part of a column that belongs to one partition, as far as it has been written.
#[derive(Debug)]
pub(super) struct Filling<'a, T> {
    room: &'a mut [T],
    used: usize,
}

/// The part of all columns that belongs to one partition.
#[derive(Debug)]
pub(super) struct Rooms<'a> {
    pub(super) time: Filling<'a, i64>,
    pub(super) integer_ids: Filling<'a, i64>,
    pub(super) text_lengths: Filling<'a, u32>,
    pub(super) text_bytes: Filling<'a, u8>,
    pub(super) order_lines: Filling<'a, u32>,
    pub(super) items: Filling<'a, u32>,
    pub(super) measures: Vec<Filling<'a, i64>>,
}

impl Columns {
    /// Room for partitions of given sizes.
    pub(super) fn new(shape: &Shape, sizes: &[Size]) -> Result<Self> {
        let orders = sizes.iter().map(|size| size.orders).sum();
        let lines = sizes.iter().map(|size| size.lines).sum();
        let id_bytes = sizes.iter().map(|size| size.id_bytes).sum();
        let if_key = |key| if shape.order == key { orders } else { 0 };
        Ok(Self {
            time: Pages::zeroed(orders)?,
            integer_ids: Pages::zeroed(if_key(OrderKey::Integer))?,
            text_lengths: Pages::zeroed(if_key(OrderKey::Text))?,
            text_bytes: Pages::zeroed(id_bytes)?,
            order_lines: Pages::zeroed(orders)?,
            items: Pages::zeroed(if shape.item { lines } else { 0 })?,
            measures: shape.measures.iter().map(|_| Pages::zeroed(lines)).collect::<Result<_>>()?,
        })
    }

    /// What belongs to each partition.
    pub(super) fn rooms(&mut self, sizes: &[Size]) -> Vec<Rooms<'_>> {
        let orders: Vec<usize> = sizes.iter().map(|size| size.orders).collect();
        let lines: Vec<usize> = sizes.iter().map(|size| size.lines).collect();
        let id_bytes: Vec<usize> = sizes.iter().map(|size| size.id_bytes).collect();
        let mut time = fillings(&mut self.time, &orders);
        let mut integer_ids = fillings(&mut self.integer_ids, &orders);
        let mut text_lengths = fillings(&mut self.text_lengths, &orders);
        let mut text_bytes = fillings(&mut self.text_bytes, &id_bytes);
        let mut order_lines = fillings(&mut self.order_lines, &orders);
        let mut items = fillings(&mut self.items, &lines);
        let mut measures: Vec<_> = self.measures.iter_mut().map(|column| fillings(column, &lines)).collect();
        sizes
            .iter()
            .map(|_| Rooms {
                time: time.next().unwrap_or_default(),
                integer_ids: integer_ids.next().unwrap_or_default(),
                text_lengths: text_lengths.next().unwrap_or_default(),
                text_bytes: text_bytes.next().unwrap_or_default(),
                order_lines: order_lines.next().unwrap_or_default(),
                items: items.next().unwrap_or_default(),
                measures: measures.iter_mut().map(|column| column.next().unwrap_or_default()).collect(),
            })
            .collect()
    }
}

/// The pieces of a column; none of a column that the ledger does not have.
fn fillings<'a, T: Pod>(
    column: &'a mut Pages<T>,
    lengths: &[usize],
) -> impl Iterator<Item = Filling<'a, T>> + use<'a, T> {
    let lengths = if column.is_empty() { &[] } else { lengths };
    cut_up(column, lengths).into_iter().map(|room| Filling { room, used: 0 })
}

impl<T> Default for Filling<'_, T> {
    fn default() -> Self {
        Self { room: &mut [], used: 0 }
    }
}

impl<T: Copy> Filling<'_, T> {
    #[inline]
    pub(super) fn push(&mut self, value: T) {
        self.room[self.used] = value;
        self.used += 1;
    }

    #[inline]
    pub(super) fn extend_from_slice(&mut self, values: &[T]) {
        self.room[self.used..self.used + values.len()].copy_from_slice(values);
        self.used += values.len();
    }

    /// Writes values behind those that are there.
    #[inline]
    pub(super) fn extend(&mut self, values: impl ExactSizeIterator<Item = T>) {
        let end = self.used + values.len();
        self.room[self.used..end].iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
        self.used = end;
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.used = self.used.min(length);
    }
}

impl<T> Deref for Filling<'_, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.room[..self.used]
    }
}

impl<T> DerefMut for Filling<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.room[..self.used]
    }
}
