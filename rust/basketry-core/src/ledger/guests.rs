//! The orders without a customer, gathered from their partitions and sorted by time and id.

use rayon::prelude::*;

use super::intake::{OrderKey, Shape};
use super::sort::Part;

/// The guests' orders in their final order, over all their partitions.
pub(super) struct Guests<'a> {
    parts: &'a [Part],
    orders: Vec<GuestOrder>,
}

/// Where an order stands in its partition.
#[derive(Debug, Clone, Copy)]
struct GuestOrder {
    part: u8,
    order: u32,
    line: u32,
    id_byte: u32,
}

impl<'a> Guests<'a> {
    pub(super) fn new(parts: &'a [Part], shape: &Shape) -> Self {
        let mut orders = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let (mut line, mut id_byte) = (0, 0);
            for (order, &lines) in part.order_lines.iter().enumerate() {
                orders.push(GuestOrder { part: number as u8, order: order as u32, line, id_byte });
                line += lines;
                id_byte += part.text_lengths.get(order).copied().unwrap_or(0);
            }
        }
        let guests = Self { parts, orders: Vec::new() };
        orders.par_sort_by(|a, b| {
            let (part_a, part_b) = (&parts[usize::from(a.part)], &parts[usize::from(b.part)]);
            let time = part_a.time[a.order as usize].cmp(&part_b.time[b.order as usize]);
            time.then_with(|| match shape.order {
                // Equal times share a partition, which put their lines in order; the sort is stable.
                OrderKey::Time => std::cmp::Ordering::Equal,
                OrderKey::Integer => {
                    part_a.integer_ids[a.order as usize].cmp(&part_b.integer_ids[b.order as usize])
                }
                OrderKey::Text => guests.id(a).cmp(guests.id(b)),
            })
        });
        Self { parts, orders }
    }

    pub(super) fn n_orders(&self) -> usize {
        self.orders.len()
    }

    pub(super) fn n_lines(&self) -> usize {
        self.parts.iter().flat_map(|part| &part.order_lines).map(|&lines| lines as usize).sum()
    }

    pub(super) fn n_id_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.text_bytes.len()).sum()
    }

    fn part(&self, order: &GuestOrder) -> &'a Part {
        &self.parts[usize::from(order.part)]
    }

    fn id(&self, order: &GuestOrder) -> &'a [u8] {
        let part = self.part(order);
        let start = order.id_byte as usize;
        &part.text_bytes[start..start + part.text_lengths[order.order as usize] as usize]
    }

    pub(super) fn times(&self, out: &mut [i64]) {
        self.orders(out, |part| &part.time);
    }

    pub(super) fn order_lines(&self, out: &mut [u32]) {
        self.orders(out, |part| &part.order_lines);
    }

    pub(super) fn integer_ids(&self, out: &mut [i64]) {
        self.orders(out, |part| &part.integer_ids);
    }

    pub(super) fn text_lengths(&self, out: &mut [u32]) {
        self.orders(out, |part| &part.text_lengths);
    }

    pub(super) fn text_bytes(&self, out: &mut [u8]) {
        let mut end = 0;
        for id in self.orders.iter().map(|order| self.id(order)) {
            out[end..end + id.len()].copy_from_slice(id);
            end += id.len();
        }
    }

    pub(super) fn line_items(&self, out: &mut [u32]) {
        self.lines(out, |part| &part.items);
    }

    pub(super) fn measure(&self, at: usize, out: &mut [i64]) {
        self.lines(out, |part| &part.measures[at]);
    }

    fn orders<T: Copy + 'a>(&self, out: &mut [T], column: impl Fn(&'a Part) -> &'a [T]) {
        for (slot, order) in out.iter_mut().zip(&self.orders) {
            *slot = column(self.part(order))[order.order as usize];
        }
    }

    fn lines<T: Copy + 'a>(&self, out: &mut [T], column: impl Fn(&'a Part) -> &'a [T]) {
        let mut end = 0;
        for order in &self.orders {
            let part = self.part(order);
            let start = order.line as usize;
            let lines = &column(part)[start..start + part.order_lines[order.order as usize] as usize];
            out[end..end + lines.len()].copy_from_slice(lines);
            end += lines.len();
        }
    }
}
