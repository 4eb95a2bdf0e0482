//! The analytics kernels of basketry, in pure Rust.
//!
//! A shop's transactions are encoded once, as a [`ledger::Ledger`]: customers, their orders in time, the lines of an order.
//! Miners take views of it, [`baskets::Baskets`] and [`histories::Histories`]; figures of customers come from one traversal.
//! Every kernel takes a [`Control`] through which it is stopped, watched and kept to a [`Budget`], and gives the same answer
//! for any number of threads.
//!
//! # Encode once
//! ```
//! use basketry_core::Control;
//! use basketry_core::dictionary::{IdChunk, Values};
//! use basketry_core::ledger::{Builder, NumberChunk, Numbers, Policy, Rows, Shape, TimeChunk, Zone};
//!
//! let shape = Shape { item: true, measures: vec!["amount".into()], ..Shape::default() };
//! let mut builder = Builder::new(shape, Policy::default());
//! builder.push(&Rows {
//!     n_rows: 3,
//!     customer: Some(IdChunk::plain(Values::Integers(&[7, 7, 9]))),
//!     time: Some(TimeChunk { times: &[10, 10, 20], valid: None }),
//!     item: Some(IdChunk::plain(Values::Integers(&[1, 2, 1]))),
//!     measures: vec![NumberChunk { numbers: Numbers::Floats(&[2.5, 1.0, 4.0]), valid: None }],
//!     ..Rows::default()
//! })?;
//! let (shop, account) = builder.finish(Zone::utc(), &Control::default())?;
//! assert_eq!((shop.n_customers(), shop.n_orders(), account.rows[0]), (2, 2, 3));
//!
//! // Look at baskets,
//! use basketry_core::baskets::{Baskets, Grain};
//! let axis = shop.axis("item")?;
//! let (baskets, ..) = Baskets::from_ledger(&shop, Grain::Order, &axis, None, &[], &Control::default())?;
//! assert_eq!(baskets.items_of(0), [0, 1]);
//!
//! // or at customers.
//! use basketry_core::customers::rfm::{Money, rfm};
//! let table = rfm(&shop, i64::MAX, Money::Net, &Control::default())?;
//! assert_eq!((table[0].orders, table[0].spend_total), (1, 35_000));
//! # Ok::<(), basketry_core::Error>(())
//! ```

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
pub mod lifetime;
mod lines;
mod pages;
pub mod rules;
pub mod sequences;
pub mod simulate;

pub use control::{Budget, Control};
pub use error::{Error, Result};
