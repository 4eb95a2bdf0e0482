//! One traversal of the ledger, customer by customer, with what is learned on the way.

pub mod features;
pub mod rfm;

use rayon::prelude::*;

use crate::control::Control;
use crate::error::Result;
use crate::ledger::Ledger;

/// Customers of one piece of work.
const STRETCH: usize = 1 << 13;

/// Asks `look` about every customer, in parallel, and answers in the order of the customers.
pub(crate) fn traverse<T: Copy + Send + Sync>(
    ledger: &Ledger,
    control: &Control,
    look: impl Fn(usize) -> Result<Option<T>> + Sync,
) -> Result<Vec<T>> {
    let n_customers = ledger.n_customers();
    control.expect(n_customers as u64);
    let starts: Vec<usize> = (0..n_customers).step_by(STRETCH).collect();
    let pieces = starts
        .into_par_iter()
        .map(|start| {
            control.check()?;
            let stretch = start..(start + STRETCH).min(n_customers);
            control.advance(stretch.len() as u64);
            let mut piece = Vec::with_capacity(stretch.len());
            for customer in stretch {
                piece.extend(look(customer)?);
            }
            Ok(piece)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(pieces.concat())
}
