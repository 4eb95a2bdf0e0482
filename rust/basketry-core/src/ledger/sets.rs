//! From the ledger to sets of item codes: the one walk behind baskets and histories.

use arrow_buffer::ScalarBuffer;
use rayon::prelude::*;

use super::{Ledger, NO_ITEM};
use crate::control::Control;
use crate::dictionary::Ids;
use crate::error::{Error, Result};

/// What counts as an item: the item itself, or one of its attributes.
#[derive(Debug, Clone)]
pub struct Axis {
    /// The code of each item on this axis; `None` if items stand for themselves.
    codes: Option<ScalarBuffer<u32>>,
    /// The names of the codes.
    pub labels: Ids,
}

impl Axis {
    /// The code of an item; [`NO_ITEM`] if it has none on this axis.
    #[inline]
    pub(crate) fn code(&self, item: u32) -> u32 {
        match &self.codes {
            Some(codes) => codes.get(item as usize).copied().unwrap_or(NO_ITEM),
            None => item,
        }
    }
}

impl Ledger {
    /// The axis of items (`item`) or of one of their attributes.
    ///
    /// # Errors
    /// [`Error::MissingColumn`] if lines have no items, or items no such attribute.
    pub fn axis(&self, name: &str) -> Result<Axis> {
        if self.line_items.is_none() {
            return Err(Error::MissingColumn { column: "item".to_owned() });
        }
        if name == "item" {
            return Ok(Axis { codes: None, labels: self.items.clone() });
        }
        let attribute = self.item_attributes.iter().find(|attribute| attribute.name == name);
        let attribute = attribute.ok_or_else(|| Error::MissingColumn { column: name.to_owned() })?;
        Ok(Axis { codes: Some(attribute.codes.clone()), labels: attribute.labels.clone() })
    }
}

/// Sets of codes, customer by customer and then the guests; each with the key that its orders have in common.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    /// Where each customer's sets begin; guests' sets lie behind the last.
    pub(crate) customer_offsets: Vec<usize>,
    pub(crate) keys: Vec<i64>,
    pub(crate) offsets: Vec<usize>,
    pub(crate) items: Vec<u32>,
}

/// Customers of one piece of work.
const STRETCH: usize = 4096;

impl Sets {
    /// Joins purchases that follow each other, belong to the same customer and have the same key; guests' orders stay apart.
    pub(crate) fn collect(
        ledger: &Ledger,
        axis: &Axis,
        before: i64,
        guests: bool,
        key: impl Fn(usize) -> i64 + Sync,
        control: &Control,
    ) -> Result<Self> {
        let n_customers = ledger.n_customers();
        let walk = Walk { ledger, axis, before, sign: ledger.sign(), items: ledger.line_items() };
        let starts: Vec<usize> = (0..n_customers).step_by(STRETCH).collect();
        let mut pieces = starts
            .into_par_iter()
            .map(|start| {
                control.check()?;
                let mut piece = Self::default();
                for customer in start..(start + STRETCH).min(n_customers) {
                    walk.join(ledger.orders_of(customer), &key, &mut piece);
                    piece.customer_offsets.push(piece.keys.len());
                }
                Ok(piece)
            })
            .collect::<Result<Vec<_>>>()?;
        if guests {
            let mut piece = Self::default();
            walk.join(ledger.guest_orders(), |order| order as i64, &mut piece);
            pieces.push(piece);
        }
        Ok(Self::concatenate(&pieces))
    }

    fn concatenate(pieces: &[Self]) -> Self {
        let mut whole = Self { customer_offsets: vec![0], offsets: vec![0], ..Self::default() };
        for piece in pieces {
            let (sets, items) = (whole.keys.len(), whole.items.len());
            whole.customer_offsets.extend(piece.customer_offsets.iter().map(|end| end + sets));
            whole.keys.extend_from_slice(&piece.keys);
            whole.offsets.extend(piece.offsets.iter().map(|end| end + items));
            whole.items.extend_from_slice(&piece.items);
        }
        whole
    }
}

struct Walk<'a> {
    ledger: &'a Ledger,
    axis: &'a Axis,
    before: i64,
    sign: Option<&'a [i64]>,
    items: Option<&'a [u32]>,
}

impl Walk<'_> {
    fn join(&self, orders: std::ops::Range<usize>, key: impl Fn(usize) -> i64, piece: &mut Sets) {
        let mut open = None;
        let mut start = piece.items.len();
        for order in orders {
            if self.ledger.order_times[order] >= self.before || !self.ledger.is_purchase(self.sign, order) {
                continue;
            }
            let key = key(order);
            if open != Some(key) {
                if open.is_some() {
                    close(piece, start);
                }
                piece.keys.push(key);
                (open, start) = (Some(key), piece.items.len());
            }
            for line in self.ledger.lines_of(order) {
                if self.sign.is_none_or(|sign| sign[line] >= 0) {
                    let code = self.items.map_or(NO_ITEM, |items| self.axis.code(items[line]));
                    if code != NO_ITEM {
                        piece.items.push(code);
                    }
                }
            }
        }
        if open.is_some() {
            close(piece, start);
        }
    }
}

/// Ends a set: sorts it and takes repeats out.
fn close(piece: &mut Sets, start: usize) {
    piece.items[start..].sort_unstable();
    let mut end = start;
    for at in start..piece.items.len() {
        if at == start || piece.items[at] != piece.items[end - 1] {
            piece.items[end] = piece.items[at];
            end += 1;
        }
    }
    piece.items.truncate(end);
    piece.offsets.push(end);
}
