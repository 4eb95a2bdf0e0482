//! Builds a ledger from a stream of rows.

use rayon::prelude::*;

use super::assemble::{Place, assemble};
use super::columns::Columns;
use super::intake::{Account, CUSTOMER_PARTS, Intake, Policy, Reason, Rows, Shape};
use super::sort::{Part, Plan, Scratch, sort};
use super::{Ledger, Zone};
use crate::control::Control;
use crate::dictionary::NONE;
use crate::error::{Error, Result};

/// Takes rows in any order and any chunking, and makes of them the one ledger that they stand for.
///
/// Memory is that of the staged rows, one copy: 24 bytes for each run of rows of the same order and 4 for each line's item
/// and each of its measures, 8 where numbers are large. When the stream ends, each partition is sorted on its own and handed
/// back.
///
/// # Examples
/// ```
/// use basketry_core::dictionary::{IdChunk, Values};
/// use basketry_core::ledger::{Builder, NumberChunk, Numbers, Policy, Rows, Shape, TimeChunk, Zone};
/// use basketry_core::Control;
///
/// let shape = Shape { measures: vec!["amount".into()], ..Shape::default() };
/// let mut builder = Builder::new(shape, Policy::default());
/// builder.push(&Rows {
///     n_rows: 3,
///     customer: Some(IdChunk::plain(Values::Integers(&[7, 3, 7]))),
///     time: Some(TimeChunk { times: &[20, 10, 5], valid: None }),
///     measures: vec![NumberChunk { numbers: Numbers::Floats(&[2.5, 1.0, 4.0]), valid: None }],
///     ..Rows::default()
/// })?;
/// let (ledger, account) = builder.finish(Zone::utc(), &Control::default())?;
/// assert_eq!((ledger.n_customers(), ledger.n_orders(), account.rows[0]), (2, 3, 3));
/// assert_eq!(ledger.order_times()[ledger.orders_of(1)], [5, 20]);
/// # Ok::<(), basketry_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    intake: Intake,
}

impl Builder {
    /// Begins a ledger of the given columns.
    pub fn new(shape: Shape, policy: Policy) -> Self {
        Self { intake: Intake::new(shape, policy) }
    }

    /// Takes one more chunk of rows.
    ///
    /// # Errors
    /// [`Error::Column`] if the chunk has other columns than the ones before, [`Error::Memory`] or [`Error::TooMany`] when
    /// the rows do not fit.
    pub fn push(&mut self, rows: &Rows<'_>) -> Result<()> {
        self.intake.shape.check(rows)?;
        self.intake.push(rows)
    }

    /// Ends the stream: sorts every partition and puts the tree together.
    ///
    /// # Errors
    /// [`Error::TooMany`] past 2^32 - 1 lines, [`Error::Memory`] when the tree does not fit, [`Error::Interrupted`] when asked
    /// to stop.
    pub fn finish(self, zone: Zone, control: &Control) -> Result<(Ledger, Account)> {
        let Intake {
            shape, policy, customers, items, customer_used, item_used, streams, mut account, ..
        } = self.intake;
        let most = u64::from(u32::MAX) - 1;
        if account.rows[0] > most {
            return Err(Error::TooMany { what: "lines", count: account.rows[0], most });
        }
        let (customers, customer_ranks) = customers.finish(&customer_used);
        let (items, item_ranks) = items.finish(&item_used);
        let plan =
            Plan { shape: &shape, policy: &policy, item_ranks: &item_ranks, parts: CUSTOMER_PARTS, control };
        // By partition, so that a partition reads its own in one piece.
        let mut ranks = vec![Vec::with_capacity(customer_ranks.len() / CUSTOMER_PARTS + 1); streams.len()];
        for (code, rank) in customer_ranks.into_iter().enumerate() {
            ranks[code % CUSTOMER_PARTS].push(rank);
        }
        control.expect(streams.len() as u64);
        let sizes: Vec<_> = streams.iter().map(|stream| stream.size).collect();
        let mut columns = Columns::new(&shape, &sizes)?;
        let parts = streams
            .into_par_iter()
            .zip(ranks)
            .zip(columns.rooms(&sizes))
            .map_init(Scratch::default, |scratch, ((stream, ranks), rooms)| {
                control.check()?;
                let part = sort(stream, rooms, &ranks, &plan, scratch)?;
                control.advance(1);
                Ok(part)
            })
            .collect::<Result<Vec<Part>>>()?;
        settle(&parts, &policy, &mut account);
        let ledger = assemble(&shape, zone, customers, items, columns, Place::starts(&sizes), &parts)?;
        Ok((ledger, account))
    }
}

/// Books the repeats that sorting found.
fn settle(parts: &[Part], policy: &Policy, account: &mut Account) {
    for repeats in parts.iter().map(|part| part.repeats) {
        account.duplicates += repeats.lines;
        if !policy.keep_duplicates {
            let dropped = Reason::Duplicate as usize;
            account.rows[0] -= repeats.lines;
            account.rows[dropped] += repeats.lines;
            account.amounts[0] -= repeats.amount;
            account.amounts[dropped] += repeats.amount;
            account.guests -= repeats.guests;
            account.returns -= repeats.returns;
            account.zero_prices -= repeats.zero_prices;
        }
    }
}

/// The code that stands for a line without an item.
pub const NO_ITEM: u32 = NONE;
