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

    /// The length of the longest column.
    pub(super) fn most(&self) -> usize {
        self.orders.len().max(self.parts.iter().map(|part| part.items.len()).sum())
    }

    fn part(&self, order: &GuestOrder) -> &'a Part {
        &self.parts[usize::from(order.part)]
    }

    fn id(&self, order: &GuestOrder) -> &'a [u8] {
        let part = self.part(order);
        let start = order.id_byte as usize;
        &part.text_bytes[start..start + part.text_lengths[order.order as usize] as usize]
    }

    pub(super) fn times(&self, out: &mut Vec<i64>) {
        out.extend(self.orders.iter().map(|order| self.part(order).time[order.order as usize]));
    }

    pub(super) fn order_lines(&self, out: &mut Vec<u32>) {
        out.extend(self.orders.iter().map(|order| self.part(order).order_lines[order.order as usize]));
    }

    pub(super) fn integer_ids(&self, out: &mut Vec<i64>) {
        out.extend(self.orders.iter().map(|order| self.part(order).integer_ids[order.order as usize]));
    }

    pub(super) fn text_lengths(&self, out: &mut Vec<u32>) {
        out.extend(self.orders.iter().map(|order| self.part(order).text_lengths[order.order as usize]));
    }

    pub(super) fn text_bytes(&self, out: &mut Vec<u8>) {
        self.orders.iter().for_each(|order| out.extend_from_slice(self.id(order)));
    }

    pub(super) fn line_items(&self, out: &mut Vec<u32>) {
        self.lines(out, |part| &part.items);
    }

    pub(super) fn measure(&self, at: usize, out: &mut Vec<i64>) {
        self.lines(out, |part| &part.measures[at]);
    }

    fn lines<T: Copy + 'a>(&self, out: &mut Vec<T>, column: impl Fn(&'a Part) -> &'a [T]) {
        for order in &self.orders {
            let part = self.part(order);
            let start = order.line as usize;
            let end = start + part.order_lines[order.order as usize] as usize;
            out.extend_from_slice(&column(part)[start..end]);
        }
    }
}
