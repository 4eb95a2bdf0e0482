//! The analytics kernels of basketry, in pure Rust.

pub mod baskets;
mod chance;
pub mod control;
pub mod customers;
pub mod dictionary;
pub mod error;
pub mod histories;
pub mod itemsets;
pub mod lags;
pub mod ledger;
pub mod rules;
pub mod sequences;
pub mod simulate;

pub use control::{Budget, Control};
pub use error::{Error, Result};
