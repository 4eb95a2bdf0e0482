//! From sorted partitions to the flat columns of a ledger.
//!
//! A customer's place is his rank among the sorted ids, so the partitions are interleaved by rank. Within a partition the
//! customers stand in that order already: reading is sequential in every partition, writing is sequential in the column.
//! One column is made at a time, and its pieces are freed before the next, so that little more than one copy is alive.

use std::ops::Range;

use arrow_buffer::ScalarBuffer;
use bytemuck::Pod;
use rayon::prelude::*;

use super::columns::Columns;
use super::guests::Guests;
use super::intake::{CUSTOMER_PARTS, OrderKey, Shape};
use super::sort::{Part, PartCustomer};
use super::stage::Size;
use super::{Ledger, Zone};
use crate::dictionary::Ids;
use crate::error::Result;
use crate::pages::Pages;

/// What a column has one entry for.
#[derive(Debug, Clone, Copy)]
enum Grain {
    Orders,
    Lines,
    IdBytes,
}

/// A place in the columns of all partitions, or a length.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Which customer of the partition.
    customer: usize,
    pub(super) orders: usize,
    pub(super) lines: usize,
    pub(super) id_bytes: usize,
}

impl Place {
    /// Where each partition begins.
    pub(super) fn starts(sizes: &[Size]) -> Vec<Self> {
        let begin = |at: &mut Self, size: &Size| {
            let start = *at;
            at.orders += size.orders;
            at.lines += size.lines;
            at.id_bytes += size.id_bytes;
            Some(start)
        };
        sizes.iter().scan(Self::default(), begin).collect()
    }

    fn pass(&mut self, customer: &PartCustomer) {
        self.customer += 1;
        self.orders += customer.orders as usize;
        self.lines += customer.lines as usize;
        self.id_bytes += customer.id_bytes as usize;
    }

    fn of(&self, grain: Grain) -> usize {
        match grain {
            Grain::Orders => self.orders,
            Grain::Lines => self.lines,
            Grain::IdBytes => self.id_bytes,
        }
    }
}

impl PartCustomer {
    fn many(&self, grain: Grain) -> usize {
        match grain {
            Grain::Orders => self.orders as usize,
            Grain::Lines => self.lines as usize,
            Grain::IdBytes => self.id_bytes as usize,
        }
    }
}

/// Ranks of one stretch: enough to keep a thread busy, few enough to keep all busy.
const STRETCH: usize = 1 << 14;

/// Customers of one stretch of ranks, and where their orders begin in every partition.
struct Stretch {
    ranks: Range<usize>,
    starts: Vec<Place>,
    size: Place,
}

/// The order in which partitions are interleaved.
struct Weave<'a> {
    parts: &'a [Part],
    home: Vec<u16>,
    stretches: Vec<Stretch>,
    /// How much the guests have behind the customers.
    guests: Place,
}

impl<'a> Weave<'a> {
    /// Plans the interleaving; answers it with the order offsets of the customers.
    fn new(parts: &'a [Part], mut at: Vec<Place>, n_customers: usize, guests: Place) -> (Self, Vec<u32>) {
        let mut home = vec![0_u16; n_customers];
        for (number, part) in parts.iter().enumerate() {
            for customer in &part.customers {
                home[customer.rank as usize] = number as u16;
            }
        }
        let mut order_offsets = Vec::with_capacity(n_customers + 1);
        order_offsets.push(0);
        let mut n_orders = 0;
        let mut stretches: Vec<Stretch> = Vec::with_capacity(n_customers.div_ceil(STRETCH));
        for start in (0..n_customers).step_by(STRETCH) {
            let ranks = start..(start + STRETCH).min(n_customers);
            let mut stretch = Stretch { ranks: ranks.clone(), starts: at.clone(), size: Place::default() };
            for &part in &home[ranks] {
                let place = &mut at[usize::from(part)];
                let customer = &parts[usize::from(part)].customers[place.customer];
                place.pass(customer);
                stretch.size.pass(customer);
                n_orders += customer.orders;
                order_offsets.push(n_orders);
            }
            stretches.push(stretch);
        }
        (Self { parts, home, stretches, guests }, order_offsets)
    }

    /// One column: the customers' entries, taken out of the partitions, and behind them those of the guests.
    fn column<T: Pod + Send + Sync>(
        &self,
        grain: Grain,
        sorted: Pages<T>,
        fill: impl FnOnce(&[T], &mut [T]),
    ) -> Result<Pages<T>> {
        let total: usize = self.stretches.iter().map(|stretch| stretch.size.of(grain)).sum();
        let mut out = Pages::zeroed(total + self.guests.of(grain))?;
        let (mut rest, tail) = out.split_at_mut(total);
        fill(&sorted, tail);
        let mut pieces = Vec::with_capacity(self.stretches.len());
        for stretch in &self.stretches {
            let (piece, later) = rest.split_at_mut(stretch.size.of(grain));
            pieces.push((stretch, piece));
            rest = later;
        }
        pieces.into_par_iter().for_each(|(stretch, piece)| {
            let mut next: Vec<(usize, usize)> =
                stretch.starts.iter().map(|start| (start.customer, start.of(grain))).collect();
            let mut end = 0;
            for &part in &self.home[stretch.ranks.clone()] {
                let part = usize::from(part);
                let (customer, from) = &mut next[part];
                let many = self.parts[part].customers[*customer].many(grain);
                piece[end..end + many].copy_from_slice(&sorted[*from..*from + many]);
                *customer += 1;
                *from += many;
                end += many;
            }
        });
        // Its memory goes back before the next column is made.
        drop(sorted);
        Ok(out)
    }
}

/// Puts the tree together: the customers' orders by rank, the guests' orders behind them.
///
/// # Errors
/// [`crate::Error::Memory`] if a column does not fit.
pub(super) fn assemble(
    shape: &Shape,
    zone: Zone,
    customers: Ids,
    items: Ids,
    columns: Columns,
    mut starts: Vec<Place>,
    parts: &[Part],
) -> Result<Ledger> {
    let (parts, guest_parts) = parts.split_at(CUSTOMER_PARTS);
    let guests = Guests::new(&columns, guest_parts, &starts.split_off(CUSTOMER_PARTS), shape);
    let behind = Place {
        customer: 0,
        orders: guests.n_orders(),
        lines: guests.n_lines(),
        id_bytes: guests.n_id_bytes(),
    };
    let (weave, order_offsets) = Weave::new(parts, starts, customers.len(), behind);
    let n_known = order_offsets.last().copied().unwrap_or(0);

    let order_times = weave.column(Grain::Orders, columns.time, |from, out| guests.orders(from, out))?;
    let order_ids = match shape.order {
        OrderKey::Time => None,
        OrderKey::Integer => {
            let ids =
                weave.column(Grain::Orders, columns.integer_ids, |from, out| guests.orders(from, out))?;
            Some(Ids::Integers(ids.into()))
        }
        OrderKey::Text => {
            let lengths =
                weave.column(Grain::Orders, columns.text_lengths, |from, out| guests.orders(from, out))?;
            let bytes =
                weave.column(Grain::IdBytes, columns.text_bytes, |from, out| guests.id_bytes(from, out))?;
            let offsets = running(&lengths, |end: u64, length| end + u64::from(length));
            Some(Ids::Texts { offsets: offsets.into(), bytes: ScalarBuffer::from(bytes).into_inner() })
        }
    };
    let order_lines =
        weave.column(Grain::Orders, columns.order_lines, |from, out| guests.orders(from, out))?;
    let line_offsets = running(&order_lines, |end: u32, lines| end + lines);
    drop(order_lines);
    let line_items = if shape.item {
        let codes = weave.column(Grain::Lines, columns.items, |from, out| guests.lines(from, out))?;
        Some(ScalarBuffer::from(codes))
    } else {
        None
    };
    let mut measures = Vec::with_capacity(shape.measures.len());
    for (name, sorted) in shape.measures.iter().zip(columns.measures) {
        let values = weave.column(Grain::Lines, sorted, |from, out| guests.lines(from, out))?;
        measures.push((name.clone(), ScalarBuffer::from(values)));
    }
    Ok(Ledger {
        customers,
        items,
        order_offsets: order_offsets.into(),
        guests: n_known..order_times.len() as u32,
        order_times: order_times.into(),
        order_ids,
        line_offsets: line_offsets.into(),
        line_items,
        measures,
        item_attributes: Vec::new(),
        customer_attributes: Vec::new(),
        zone,
    })
}

/// Offsets from lengths.
fn running<T: Copy + Default>(lengths: &[u32], add: impl Fn(T, u32) -> T) -> Vec<T> {
    let mut end = T::default();
    let mut offsets = Vec::with_capacity(lengths.len() + 1);
    offsets.push(end);
    offsets.extend(lengths.iter().map(|&length| {
        end = add(end, length);
        end
    }));
    offsets
}
