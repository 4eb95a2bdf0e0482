//! The orders without a customer, gathered from their partitions and sorted by time and id.

use rayon::prelude::*;

use super::assemble::Place;
use super::columns::Columns;
use super::intake::{OrderKey, Shape};
use super::sort::Part;

/// The guests' orders in their final order, over all their partitions.
pub(super) struct Guests {
    orders: Vec<GuestOrder>,
}

/// Where an order stands in the columns.
#[derive(Debug, Clone, Copy)]
struct GuestOrder {
    order: u32,
    line: u32,
    lines: u32,
    id_bytes: u32,
    id_byte: usize,
}

impl GuestOrder {
    fn id(&self) -> std::ops::Range<usize> {
        self.id_byte..self.id_byte + self.id_bytes as usize
    }

    fn lines(&self) -> std::ops::Range<usize> {
        self.line as usize..self.line as usize + self.lines as usize
    }
}

impl Guests {
    pub(super) fn new(columns: &Columns, parts: &[Part], starts: &[Place], shape: &Shape) -> Self {
        let mut orders = Vec::new();
        for (part, start) in parts.iter().zip(starts) {
            let many: usize = part.customers.iter().map(|guests| guests.orders as usize).sum();
            let (mut line, mut id_byte) = (start.lines as u32, start.id_bytes);
            for order in start.orders..start.orders + many {
                let lines = columns.order_lines[order];
                let id_bytes = columns.text_lengths.get(order).copied().unwrap_or(0);
                orders.push(GuestOrder { order: order as u32, line, lines, id_bytes, id_byte });
                line += lines;
                id_byte += id_bytes as usize;
            }
        }
        let (times, ids, texts) = (&columns.time[..], &columns.integer_ids[..], &columns.text_bytes[..]);
        orders.par_sort_by(|a, b| {
            let (order_a, order_b) = (a.order as usize, b.order as usize);
            times[order_a].cmp(&times[order_b]).then_with(|| match shape.order {
                // Equal times share a partition, which put their lines in order; the sort is stable.
                OrderKey::Time => std::cmp::Ordering::Equal,
                OrderKey::Integer => ids[order_a].cmp(&ids[order_b]),
                OrderKey::Text => texts[a.id()].cmp(&texts[b.id()]),
            })
        });
        Self { orders }
    }

    pub(super) fn n_orders(&self) -> usize {
        self.orders.len()
    }

    pub(super) fn n_lines(&self) -> usize {
        self.orders.iter().map(|order| order.lines as usize).sum()
    }

    pub(super) fn n_id_bytes(&self) -> usize {
        self.orders.iter().map(|order| order.id_bytes as usize).sum()
    }

    /// Takes the guests' entries out of a column of orders.
    pub(super) fn orders<T: Copy>(&self, column: &[T], out: &mut [T]) {
        out.iter_mut().zip(&self.orders).for_each(|(slot, order)| *slot = column[order.order as usize]);
    }

    /// Takes the guests' entries out of a column of lines.
    pub(super) fn lines<T: Copy>(&self, column: &[T], out: &mut [T]) {
        copy(self.orders.iter().map(GuestOrder::lines), column, out);
    }

    /// Takes the ids of the guests' orders out of the texts of all.
    pub(super) fn id_bytes(&self, texts: &[u8], out: &mut [u8]) {
        copy(self.orders.iter().map(GuestOrder::id), texts, out);
    }
}

/// Writes ranges of a column one after the other.
fn copy<T: Copy>(ranges: impl Iterator<Item = std::ops::Range<usize>>, column: &[T], out: &mut [T]) {
    let mut end = 0;
    for range in ranges {
        out[end..end + range.len()].copy_from_slice(&column[range.clone()]);
        end += range.len();
    }
}
