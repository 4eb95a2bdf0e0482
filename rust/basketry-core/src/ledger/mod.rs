//! The ledger: customers, their orders in time, the lines of an order.
//!
//! It is encoded once, in flat columns sorted by (customer, time, order, item), and everything else is a traversal of it.
//! Orders without a customer stand behind all others, sorted by time; they count as baskets and never as customers.

mod assemble;
mod axes;
mod build;
mod columns;
mod guests;
mod intake;
mod merge;
mod parts;
mod sets;
mod sort;
mod stage;
mod zone;

use std::ops::Range;

use arrow_buffer::ScalarBuffer;

pub use axes::Axis;
pub use build::{Builder, NO_ITEM};
pub(crate) use intake::scale;
pub use intake::{
    Account, MISSING, NumberChunk, Numbers, OrderKey, Policy, Reason, Rows, Shape, TimeChunk, UNIT,
};
pub use parts::Flat;
pub(crate) use sets::Sets;
pub use zone::{DAY, Zone};

use crate::dictionary::Ids;
use crate::error::{Error, Result};

/// A property of items or of customers: one code each, into sorted labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// What it is called.
    pub name: String,
    /// The label of each item or customer, [`crate::dictionary::NONE`] where it is not known.
    pub codes: ScalarBuffer<u32>,
    /// The labels, sorted.
    pub labels: Ids,
}

/// A shop's transactions as a tree in flat columns.
///
/// All places are absolute: a slice shares the columns of orders and lines with the ledger that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    pub(crate) customers: Ids,
    pub(crate) items: Ids,
    pub(crate) order_offsets: ScalarBuffer<u32>,
    pub(crate) guests: Range<u32>,
    pub(crate) order_times: ScalarBuffer<i64>,
    pub(crate) order_ids: Option<Ids>,
    pub(crate) line_offsets: ScalarBuffer<u32>,
    pub(crate) line_items: Option<ScalarBuffer<u32>>,
    pub(crate) measures: Vec<(String, ScalarBuffer<i64>)>,
    pub(crate) item_attributes: Vec<Attribute>,
    pub(crate) customer_attributes: Vec<Attribute>,
    pub(crate) zone: Zone,
}

impl Ledger {
    /// How many customers there are.
    pub fn n_customers(&self) -> usize {
        self.customers.len()
    }

    /// How many orders there are, those of guests included.
    pub fn n_orders(&self) -> usize {
        let known = self.order_offsets[self.n_customers()] - self.order_offsets[0];
        known as usize + self.guests.len()
    }

    /// How many lines there are, those of guests included.
    pub fn n_lines(&self) -> usize {
        let known = self.order_offsets[0] as usize..self.order_offsets[self.n_customers()] as usize;
        let lines = |orders: Range<usize>| self.line_offsets[orders.end] - self.line_offsets[orders.start];
        (lines(known) + lines(self.guests.start as usize..self.guests.end as usize)) as usize
    }

    /// The ids of the customers, sorted; a position is a customer's code.
    pub fn customers(&self) -> &Ids {
        &self.customers
    }

    /// The ids of the items, sorted; a position is an item's code. Empty if lines have no items.
    pub fn items(&self) -> &Ids {
        &self.items
    }

    /// The places of a customer's orders, in time order.
    #[inline]
    pub fn orders_of(&self, customer: usize) -> Range<usize> {
        self.order_offsets[customer] as usize..self.order_offsets[customer + 1] as usize
    }

    /// The places of a customer's orders before an instant.
    #[inline]
    pub fn orders_before(&self, customer: usize, as_of: i64) -> Range<usize> {
        let orders = self.orders_of(customer);
        let many = self.order_times[orders.clone()].partition_point(|&time| time < as_of);
        orders.start..orders.start + many
    }

    /// The places of the orders without a customer, in time order.
    pub fn guest_orders(&self) -> Range<usize> {
        self.guests.start as usize..self.guests.end as usize
    }

    /// The places of all orders of this ledger: the customers' and the guests'.
    pub fn all_orders(&self) -> impl Iterator<Item = usize> + Clone {
        let known = self.order_offsets[0] as usize..self.order_offsets[self.n_customers()] as usize;
        known.chain(self.guest_orders())
    }

    /// The instants of all orders, by place, in microseconds UTC.
    pub fn order_times(&self) -> &[i64] {
        &self.order_times
    }

    /// The ids of all orders, by place, if they have any.
    pub fn order_ids(&self) -> Option<&Ids> {
        self.order_ids.as_ref()
    }

    /// The places of the lines of an order.
    #[inline]
    pub fn lines_of(&self, order: usize) -> Range<usize> {
        self.line_offsets[order] as usize..self.line_offsets[order + 1] as usize
    }

    /// The item codes of all lines, by place, if lines have items.
    pub fn line_items(&self) -> Option<&[u32]> {
        self.line_items.as_deref()
    }

    /// A measure of all lines, by place, in ten-thousandths; [`MISSING`] where a line has none.
    pub fn measure(&self, name: &str) -> Option<&[i64]> {
        self.measures.iter().find(|(known, _)| known == name).map(|(_, values)| &values[..])
    }

    /// A measure that an answer cannot do without.
    ///
    /// # Errors
    /// [`Error::MissingColumn`] if the ledger was built without it.
    pub fn need(&self, name: &str) -> Result<&[i64]> {
        self.measure(name).ok_or_else(|| Error::MissingColumn { column: name.to_owned() })
    }

    /// The names of the measures.
    pub fn measure_names(&self) -> impl Iterator<Item = &str> {
        self.measures.iter().map(|(name, _)| name.as_str())
    }

    /// The measure whose sign tells a purchase from a return: the quantity, else the amount.
    pub fn sign(&self) -> Option<&[i64]> {
        self.measure("quantity").or_else(|| self.measure("amount"))
    }

    /// Whether something was bought in an order; returns alone are no purchase.
    #[inline]
    pub fn is_purchase(&self, sign: Option<&[i64]>, order: usize) -> bool {
        sign.is_none_or(|sign| sign[self.lines_of(order)].iter().any(|&sign| sign >= 0))
    }

    /// The attributes of items.
    pub fn item_attributes(&self) -> &[Attribute] {
        &self.item_attributes
    }

    /// The attributes of customers.
    pub fn customer_attributes(&self) -> &[Attribute] {
        &self.customer_attributes
    }

    /// Takes over attributes; each must have a code for every item or customer.
    ///
    /// # Errors
    /// [`Error::Damaged`] if an attribute has another length.
    pub fn set_attributes(&mut self, items: Vec<Attribute>, customers: Vec<Attribute>) -> Result<()> {
        for (attributes, entries) in [(&items, self.items.len()), (&customers, self.customers.len())] {
            if let Some(wrong) = attributes.iter().find(|attribute| attribute.codes.len() != entries) {
                let problem = format!("{} has {} codes for {entries} ids", wrong.name, wrong.codes.len());
                return Err(Error::Damaged { what: "attributes", problem });
            }
        }
        (self.item_attributes, self.customer_attributes) = (items, customers);
        Ok(())
    }

    /// The shop's time zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The first and the last instant of all orders, or nothing if there is no order.
    pub fn span(&self) -> Option<(i64, i64)> {
        let times = || self.all_orders().map(|order| self.order_times[order]);
        times().min().zip(times().max())
    }

    /// A range of customers as a ledger of its own, without a copy. Guests stay behind.
    #[must_use]
    pub fn slice(&self, customers: Range<usize>) -> Self {
        let (start, length) = (customers.start, customers.len());
        let end = self.order_offsets[customers.end];
        Self {
            customers: self.customers.slice(start, length),
            order_offsets: self.order_offsets.slice(start, length + 1),
            guests: end..end,
            customer_attributes: self
                .customer_attributes
                .iter()
                .map(|attribute| Attribute {
                    codes: attribute.codes.slice(start, length),
                    ..attribute.clone()
                })
                .collect(),
            ..self.clone()
        }
    }
}
