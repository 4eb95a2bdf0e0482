//! Two ledgers as one: their rows go through the builder once more, so that there is one way to make a ledger.

use std::ops::Range;

use arrow_buffer::BooleanBuffer;

use super::intake::{NumberChunk, Numbers, OrderKey, Policy, Rows, Shape, TimeChunk};
use super::{Attribute, Builder, Ledger, NO_ITEM};
use crate::control::Control;
use crate::dictionary::{IdChunk, Ids, NONE, TextChunk, Values};
use crate::error::{Error, Result};

/// Lines of one chunk.
const CHUNK: usize = 1 << 18;

impl Ledger {
    /// The ledger of all rows of both. An order that both hold is one order; attributes of `other` win.
    ///
    /// # Errors
    /// [`Error::Column`] if the ledgers have different columns or time zones; else as [`Builder::finish`].
    pub fn merge(&self, other: &Self, control: &Control) -> Result<Self> {
        let shape = self.shape();
        if shape != other.shape() || self.zone.name() != other.zone.name() {
            return Err(Error::Column {
                column: "ledger".to_owned(),
                problem: format!(
                    "cannot be merged: one has {shape}, in time zone {}, the other has {}, in time zone {}: \
                     read both with the same columns and timezone=",
                    self.zone.name(),
                    other.shape(),
                    other.zone.name()
                ),
            });
        }
        let policy = Policy { keep_negative_prices: true, ..Policy::default() };
        let mut builder = Builder::new(shape, policy);
        for ledger in [self, other] {
            ledger.feed(&mut builder, control)?;
        }
        let longer =
            if self.zone.table().0.len() < other.zone.table().0.len() { &other.zone } else { &self.zone };
        let (mut merged, _) = builder.finish(longer.clone(), control)?;
        let items = merge_attributes(
            &merged.items,
            [(&self.items, &self.item_attributes), (&other.items, &other.item_attributes)],
        );
        let customers = merge_attributes(
            &merged.customers,
            [(&self.customers, &self.customer_attributes), (&other.customers, &other.customer_attributes)],
        );
        merged.set_attributes(items, customers)?;
        Ok(merged)
    }

    /// Which columns this ledger has.
    pub fn shape(&self) -> Shape {
        Shape {
            order: match self.order_ids {
                None => OrderKey::Time,
                Some(Ids::Integers(_)) => OrderKey::Integer,
                Some(Ids::Texts { .. }) => OrderKey::Text,
            },
            item: self.line_items.is_some(),
            measures: self.measures.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// Gives all lines to a builder as rows.
    fn feed(&self, builder: &mut Builder, control: &Control) -> Result<()> {
        let mut customer = 0;
        while customer < self.n_customers() {
            control.check()?;
            let first = customer;
            let begin = self.line_offsets[self.orders_of(first).start] as usize;
            while customer < self.n_customers()
                && (customer == first
                    || self.line_offsets[self.orders_of(customer).end] as usize - begin <= CHUNK)
            {
                customer += 1;
            }
            let orders = self.orders_of(first).start..self.orders_of(customer - 1).end;
            self.feed_orders(builder, first..customer, orders)?;
        }
        let mut orders = self.guest_orders();
        while !orders.is_empty() {
            control.check()?;
            let end = (orders.start + CHUNK).min(orders.end);
            self.feed_orders(builder, 0..0, orders.start..end)?;
            orders.start = end;
        }
        Ok(())
    }

    fn feed_orders(
        &self,
        builder: &mut Builder,
        customers: Range<usize>,
        orders: Range<usize>,
    ) -> Result<()> {
        let lines = self.line_offsets[orders.start] as usize..self.line_offsets[orders.end] as usize;
        let n_rows = lines.len();
        let guests = customers.is_empty();
        let mut customer_keys = Vec::with_capacity(n_rows);
        for (key, customer) in customers.clone().enumerate() {
            let orders = self.orders_of(customer);
            let end = self.line_offsets[orders.end] - self.line_offsets[orders.start];
            customer_keys.resize(customer_keys.len() + end as usize, key as u32);
        }
        customer_keys.resize(n_rows, 0);
        let mut order_keys = Vec::with_capacity(n_rows);
        let mut times = Vec::with_capacity(n_rows);
        for (key, order) in orders.clone().enumerate() {
            order_keys.resize(order_keys.len() + self.lines_of(order).len(), key as u32);
            times.resize(order_keys.len(), self.order_times[order]);
        }
        let no_guest = guests.then(|| BooleanBuffer::new_unset(n_rows));
        let customer_views = Views::new(&self.customers, customers);
        let order_views = self.order_ids.as_ref().map(|ids| Views::new(ids, orders));
        let item_views = Views::new(&self.items, 0..self.items.len());
        let items = self.line_items.as_ref().map(|items| &items[lines.clone()]);
        let with_item = items
            .filter(|items| items.contains(&NO_ITEM))
            .map(|items| BooleanBuffer::collect_bool(n_rows, |row| items[row] != NO_ITEM));
        let item_keys: Option<Vec<u32>> =
            items.map(|items| items.iter().map(|&item| if item == NO_ITEM { 0 } else { item }).collect());
        let measures = self
            .measures
            .iter()
            .map(|(_, values)| NumberChunk { numbers: Numbers::Scaled(&values[lines.clone()]), valid: None })
            .collect();
        builder.push(&Rows {
            n_rows,
            // Guests have no id to look up: a chunk of them goes in without the column.
            customer: (!guests).then(|| IdChunk {
                values: customer_views.values(),
                keys: Some(&customer_keys),
                valid: no_guest.as_ref(),
            }),
            order: order_views.as_ref().map(|views| IdChunk {
                values: views.values(),
                keys: Some(&order_keys),
                valid: None,
            }),
            time: Some(TimeChunk { times: &times, valid: None }),
            item: item_keys.as_ref().map(|keys| IdChunk {
                values: item_views.values(),
                keys: Some(keys),
                valid: with_item.as_ref(),
            }),
            measures,
            reasons: None,
        })
    }
}

/// Ids in the layout in which they arrive from outside.
struct Views<'a> {
    integers: &'a [i64],
    views: Option<Vec<u128>>,
    bytes: Vec<arrow_buffer::Buffer>,
}

impl<'a> Views<'a> {
    fn new(ids: &'a Ids, range: Range<usize>) -> Self {
        match ids {
            Ids::Integers(values) => Self { integers: &values[range], views: None, bytes: Vec::new() },
            Ids::Texts { offsets, bytes } => {
                let base = offsets[range.start] as usize;
                let end = offsets[range.end] as usize;
                let views = range.map(|at| view(ids.text(at), offsets[at] as usize - base)).collect();
                Self {
                    integers: &[],
                    views: Some(views),
                    bytes: vec![bytes.slice_with_length(base, end - base)],
                }
            }
        }
    }

    fn values(&self) -> Values<'_> {
        match &self.views {
            None => Values::Integers(self.integers),
            Some(views) => Values::Texts(TextChunk { views, buffers: &self.bytes }),
        }
    }
}

/// One text in view layout, `offset` bytes into the only buffer.
fn view(text: &[u8], offset: usize) -> u128 {
    let mut view = [0; 16];
    view[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
    if text.len() <= 12 {
        view[4..4 + text.len()].copy_from_slice(text);
    } else {
        view[4..8].copy_from_slice(&text[..4]);
        view[12..].copy_from_slice(&(offset as u32).to_le_bytes());
    }
    u128::from_le_bytes(view)
}

/// The attributes of both sides for the ids of the merged ledger; the later side wins.
fn merge_attributes(ids: &Ids, sides: [(&Ids, &Vec<Attribute>); 2]) -> Vec<Attribute> {
    let mut names: Vec<&str> = Vec::new();
    for attribute in sides.iter().flat_map(|(_, attributes)| attributes.iter()) {
        if !names.contains(&attribute.name.as_str()) {
            names.push(&attribute.name);
        }
    }
    let found = |name: &str, at: usize| {
        sides.iter().rev().find_map(|(known, attributes)| {
            let attribute = attributes.iter().find(|attribute| attribute.name == name)?;
            let code = attribute.codes[position(known, ids, at)?];
            (code != NONE).then(|| attribute.labels.text(code as usize))
        })
    };
    names
        .into_iter()
        .map(|name| {
            let texts: Vec<Option<&[u8]>> = (0..ids.len()).map(|at| found(name, at)).collect();
            Attribute::from_texts(name, &texts)
        })
        .collect()
}

/// Where the id `wanted[at]` stands among sorted ids.
fn position(sorted: &Ids, wanted: &Ids, at: usize) -> Option<usize> {
    match (sorted, wanted) {
        (Ids::Integers(sorted), Ids::Integers(wanted)) => sorted.binary_search(&wanted[at]).ok(),
        (Ids::Texts { .. }, Ids::Texts { .. }) => {
            let text = wanted.text(at);
            let (mut low, mut high) = (0, sorted.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                match sorted.text(middle).cmp(text) {
                    std::cmp::Ordering::Equal => return Some(middle),
                    std::cmp::Ordering::Less => low = middle + 1,
                    std::cmp::Ordering::Greater => high = middle,
                }
            }
            None
        }
        _ => None,
    }
}
