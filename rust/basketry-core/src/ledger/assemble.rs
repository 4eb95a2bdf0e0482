//! From sorted partitions to the flat columns of a ledger.
//!
//! A customer's place is his rank among the sorted ids, so the partitions are interleaved by rank. Within a partition the
//! customers stand in that order already: reading is sequential in every partition, writing is sequential in the column.
//! One column is made at a time, and its pieces are freed before the next, so that little more than one copy is alive.

use std::ops::Range;

use arrow_buffer::ScalarBuffer;
use bytemuck::Pod;
use rayon::prelude::*;

use super::guests::Guests;
use super::intake::{OrderKey, Shape};
use super::sort::{Part, PartCustomer};
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

/// A place in a partition, or a length.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    customer: usize,
    orders: usize,
    lines: usize,
    id_bytes: usize,
}

impl Place {
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
    parts: &'a mut [Part],
    home: Vec<u16>,
    stretches: Vec<Stretch>,
    /// How much the guests have behind the customers.
    guests: Place,
}

impl<'a> Weave<'a> {
    /// Plans the interleaving; answers it with the order offsets of the customers.
    fn new(parts: &'a mut [Part], n_customers: usize, guests: Place) -> (Self, Vec<u32>) {
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
        let mut at = vec![Place::default(); parts.len()];
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
        &mut self,
        grain: Grain,
        take: impl Fn(&mut Part) -> &mut Vec<T>,
        fill: impl FnOnce(&mut [T]),
    ) -> Result<Pages<T>> {
        let columns: Vec<Vec<T>> = self.parts.iter_mut().map(|part| std::mem::take(take(part))).collect();
        let parts = &*self.parts;
        let total: usize = self.stretches.iter().map(|stretch| stretch.size.of(grain)).sum();
        let mut out = Pages::zeroed(total + self.guests.of(grain))?;
        let (mut rest, tail) = out.split_at_mut(total);
        fill(tail);
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
                let many = parts[part].customers[*customer].many(grain);
                piece[end..end + many].copy_from_slice(&columns[part][*from..*from + many]);
                *customer += 1;
                *from += many;
                end += many;
            }
        });
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
    mut parts: Vec<Part>,
    guest_parts: &[Part],
) -> Result<Ledger> {
    let guests = Guests::new(guest_parts, shape);
    let behind = Place {
        customer: 0,
        orders: guests.n_orders(),
        lines: guests.n_lines(),
        id_bytes: guests.n_id_bytes(),
    };
    let (mut weave, order_offsets) = Weave::new(&mut parts, customers.len(), behind);
    let n_known = order_offsets.last().copied().unwrap_or(0);

    let order_times = weave.column(Grain::Orders, |part| &mut part.time, |out| guests.times(out))?;
    let order_ids = match shape.order {
        OrderKey::Time => None,
        OrderKey::Integer => {
            let ids =
                weave.column(Grain::Orders, |part| &mut part.integer_ids, |out| guests.integer_ids(out))?;
            Some(Ids::Integers(ids.into()))
        }
        OrderKey::Text => {
            let lengths =
                weave.column(Grain::Orders, |part| &mut part.text_lengths, |out| guests.text_lengths(out))?;
            let bytes =
                weave.column(Grain::IdBytes, |part| &mut part.text_bytes, |out| guests.text_bytes(out))?;
            let offsets = running(&lengths, |end: u64, length| end + u64::from(length));
            Some(Ids::Texts { offsets: offsets.into(), bytes: ScalarBuffer::from(bytes).into_inner() })
        }
    };
    let order_lines =
        weave.column(Grain::Orders, |part| &mut part.order_lines, |out| guests.order_lines(out))?;
    let line_offsets = running(&order_lines, |end: u32, lines| end + lines);
    drop(order_lines);
    let line_items = if shape.item {
        let codes = weave.column(Grain::Lines, |part| &mut part.items, |out| guests.line_items(out))?;
        Some(ScalarBuffer::from(codes))
    } else {
        None
    };
    let mut measures = Vec::with_capacity(shape.measures.len());
    for (at, name) in shape.measures.iter().enumerate() {
        let values =
            weave.column(Grain::Lines, |part| &mut part.measures[at], |out| guests.measure(at, out))?;
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
