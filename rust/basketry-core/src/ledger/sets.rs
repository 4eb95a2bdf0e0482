//! From the ledger to sets of item codes: the one walk behind baskets and histories.

use rayon::prelude::*;

use super::{Axis, Ledger, MISSING};
use crate::control::Control;
use crate::error::{Error, Result};

/// Sets of codes, customer by customer and then the guests; each with the key that its orders have in common.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    /// Where each customer's sets begin; guests' sets lie behind the last.
    pub(crate) customer_offsets: Vec<usize>,
    pub(crate) keys: Vec<i64>,
    pub(crate) offsets: Vec<usize>,
    pub(crate) items: Vec<u32>,
    /// For each measure that was asked for its sum over the lines of each item of each set.
    pub(crate) values: Vec<Vec<i64>>,
    /// The line of each item of the set that is being collected, if there are measures.
    lines: Vec<u32>,
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
        measures: &[(&str, &[i64])],
        control: &Control,
    ) -> Result<Self> {
        let n_customers = ledger.n_customers();
        let walk = Walk { ledger, axis, before, measures, sign: ledger.sign(), items: ledger.line_items() };
        let empty = || Self { values: vec![Vec::new(); measures.len()], ..Self::default() };
        let starts: Vec<usize> = (0..n_customers).step_by(STRETCH).collect();
        let mut pieces = starts
            .into_par_iter()
            .map(|start| {
                control.check()?;
                let mut piece = empty();
                for customer in start..(start + STRETCH).min(n_customers) {
                    walk.join(ledger.orders_of(customer), &key, &mut piece)?;
                    piece.customer_offsets.push(piece.keys.len());
                }
                Ok(piece)
            })
            .collect::<Result<Vec<_>>>()?;
        if guests {
            let mut piece = empty();
            walk.join(ledger.guest_orders(), |order| order as i64, &mut piece)?;
            pieces.push(piece);
        }
        Ok(Self::concatenate(&pieces, empty()))
    }

    fn concatenate(pieces: &[Self], empty: Self) -> Self {
        let mut whole = Self { customer_offsets: vec![0], offsets: vec![0], ..empty };
        for piece in pieces {
            let (sets, items) = (whole.keys.len(), whole.items.len());
            whole.customer_offsets.extend(piece.customer_offsets.iter().map(|end| end + sets));
            whole.keys.extend_from_slice(&piece.keys);
            whole.offsets.extend(piece.offsets.iter().map(|end| end + items));
            whole.items.extend_from_slice(&piece.items);
            for (whole, piece) in whole.values.iter_mut().zip(&piece.values) {
                whole.extend_from_slice(piece);
            }
        }
        whole
    }
}

struct Walk<'a> {
    ledger: &'a Ledger,
    axis: &'a Axis,
    before: i64,
    measures: &'a [(&'a str, &'a [i64])],
    sign: Option<&'a [i64]>,
    items: Option<&'a [u32]>,
}

impl Walk<'_> {
    fn join(
        &self,
        orders: std::ops::Range<usize>,
        key: impl Fn(usize) -> i64,
        piece: &mut Sets,
    ) -> Result<()> {
        let mut open = None;
        let mut start = piece.items.len();
        for order in orders {
            if self.ledger.order_times[order] >= self.before || !self.ledger.is_purchase(self.sign, order) {
                continue;
            }
            let key = key(order);
            if open != Some(key) {
                if open.is_some() {
                    self.close(piece, start)?;
                }
                piece.keys.push(key);
                (open, start) = (Some(key), piece.items.len());
            }
            for line in self.ledger.lines_of(order) {
                if self.sign.is_none_or(|sign| sign[line] >= 0) {
                    let Some(items) = self.items else { continue };
                    self.axis.each(items[line], |code| {
                        piece.items.push(code);
                        if !self.measures.is_empty() {
                            piece.lines.push(line as u32);
                        }
                    });
                }
            }
        }
        if open.is_some() {
            self.close(piece, start)?;
        }
        Ok(())
    }

    /// Ends a set: sorts it and takes repeats out, whose values are added up.
    fn close(&self, piece: &mut Sets, start: usize) -> Result<()> {
        if self.measures.is_empty() {
            piece.items[start..].sort_unstable();
            let mut end = start;
            for at in start..piece.items.len() {
                if at == start || piece.items[at] != piece.items[end - 1] {
                    piece.items[end] = piece.items[at];
                    end += 1;
                }
            }
            piece.items.truncate(end);
        } else {
            let mut lines: Vec<(u32, u32)> =
                piece.items.drain(start..).zip(std::mem::take(&mut piece.lines)).collect();
            lines.sort_unstable();
            for item in lines.chunk_by(|one, other| one.0 == other.0) {
                piece.items.push(item[0].0);
                for (values, (name, measure)) in piece.values.iter_mut().zip(self.measures) {
                    let known = item.iter().map(|&(_, line)| measure[line as usize]);
                    let sum = known.filter(|&value| value != MISSING).try_fold(0_i64, i64::checked_add);
                    values.push(sum.ok_or_else(|| Error::Overflow { column: (*name).to_owned() })?);
                }
            }
        }
        piece.offsets.push(piece.items.len());
        Ok(())
    }
}
