//! The analytics kernels of basketry, in pure Rust.

pub mod baskets;
pub mod control;
pub mod customers;
pub mod dictionary;
pub mod error;
pub mod histories;
pub mod itemsets;
pub mod ledger;
pub mod simulate;
pub mod rules;

pub use control::{Budget, Control};
pub use error::{Error, Result};
