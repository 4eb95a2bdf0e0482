//! A view for miners: sets of item codes.
//!
//! A basket is the set of items of an order, of a customer's day or of a whole customer. Items are sorted and distinct inside
//! a basket; empty baskets are kept, because support is a share of all baskets.

mod collect;
#[cfg(test)]
mod tests;
mod text;

pub use collect::{Collected, Grouping, Names, Rows, collect};
pub use text::parse;

use crate::control::Control;
use crate::dictionary::NONE;
use crate::error::Result;
use crate::ledger::{Axis, Ledger, Sets};

/// What a basket is the set of items of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// An order.
    Order,
    /// All orders of a customer on one local day; an order without a customer is a basket of its own.
    Day,
    /// All orders of a customer; orders without a customer are left out.
    Customer,
}

/// Whose baskets are, and when they were bought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    /// The customer of each basket, [`NONE`] for a guest's.
    pub customers: Vec<u32>,
    /// The local day of each basket; 0 if a basket is all that a customer bought.
    pub days: Vec<i32>,
}

impl Origins {
    /// Cuts the days before `later` into `many` stretches of equal length and numbers them; all later days are the one after.
    pub fn stretches(&self, many: i32, later: Option<i32>) -> Vec<u32> {
        let first = self.days.iter().min().map_or(0, |&day| i64::from(day));
        let last = self.days.iter().max().map_or(0, |&day| i64::from(day));
        let end = later.map_or(last + 1, i64::from);
        let stretch = |&day: &i32| match i64::from(day) {
            day if day >= end => many as u32,
            day => ((day - first) * i64::from(many) / (end - first)) as u32,
        };
        self.days.iter().map(stretch).collect()
    }
}

/// Sets of item codes, one after the other in flat columns.
///
/// # Examples
/// ```
/// use basketry_core::baskets::Baskets;
/// let shop = Baskets::from_rows([[2, 0, 2].as_slice(), &[], &[1]]);
/// assert_eq!(shop.len(), 3);
/// assert_eq!(shop.items_of(0), [0, 2]);
/// assert_eq!(shop.n_items(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baskets {
    offsets: Vec<usize>,
    items: Vec<u32>,
    n_items: usize,
}

impl Baskets {
    /// The baskets of a ledger's purchases before an instant, customer by customer and then the guests; whose they are and when they
    /// were bought; and for each measure its sum over the purchased lines of each item of each basket, in ten-thousandths.
    ///
    /// # Errors
    /// [`crate::Error::MissingColumn`] for a measure that the ledger lacks, [`crate::Error::Overflow`] for a sum that does not fit,
    /// [`crate::Error::Interrupted`] when asked to stop.
    pub fn from_ledger(
        ledger: &Ledger,
        grain: Grain,
        axis: &Axis,
        before: Option<i64>,
        measures: &[String],
        control: &Control,
    ) -> Result<(Self, Origins, Vec<Vec<i64>>)> {
        let before = before.unwrap_or(i64::MAX);
        let (times, zone) = (ledger.order_times(), ledger.zone());
        let measures = measures
            .iter()
            .map(|name| Ok((name.as_str(), ledger.need(name)?)))
            .collect::<Result<Vec<_>>>()?;
        let sets = match grain {
            Grain::Order => {
                Sets::collect(ledger, axis, before, true, |order| order as i64, &measures, control)
            }
            Grain::Day => {
                let day = |order: usize| i64::from(zone.day(times[order]));
                Sets::collect(ledger, axis, before, true, day, &measures, control)
            }
            Grain::Customer => Sets::collect(ledger, axis, before, false, |_| 0, &measures, control),
        }?;
        let mut customers = vec![NONE; sets.keys.len()];
        for (customer, own) in sets.customer_offsets.windows(2).enumerate() {
            customers[own[0]..own[1]].fill(customer as u32);
        }
        // The key of a guest's basket is its order, whatever the grain.
        let day = |(&key, &customer): (&i64, &u32)| match grain {
            Grain::Day if customer != NONE => key as i32,
            Grain::Customer => 0,
            _ => zone.day(times[key as usize]),
        };
        let days = sets.keys.iter().zip(&customers).map(day).collect();
        let baskets = Self::from_parts(sets.offsets, sets.items, axis.labels.len());
        Ok((baskets, Origins { customers, days }, sets.values))
    }

    /// Takes flat columns: basket `i` is `items[offsets[i]..offsets[i + 1]]`, sorted and distinct; codes are below `n_items`.
    pub(crate) fn from_parts(offsets: Vec<usize>, items: Vec<u32>, n_items: usize) -> Self {
        debug_assert_eq!(offsets.last().copied(), Some(items.len()));
        debug_assert!(offsets.windows(2).all(|w| items[w[0]..w[1]].windows(2).all(|p| p[0] < p[1])));
        debug_assert!(items.iter().all(|&item| (item as usize) < n_items));
        Self { offsets, items, n_items }
    }

    /// Makes baskets from rows in any order and with repeats.
    pub fn from_rows<R: AsRef<[u32]>>(rows: impl IntoIterator<Item = R>) -> Self {
        let mut offsets = vec![0];
        let mut items = Vec::new();
        let mut row = Vec::new();
        for given in rows {
            row.clear();
            row.extend_from_slice(given.as_ref());
            row.sort_unstable();
            row.dedup();
            items.extend_from_slice(&row);
            offsets.push(items.len());
        }
        let n_items = items.iter().max().map_or(0, |&most| most as usize + 1);
        Self::from_parts(offsets, items, n_items)
    }

    /// How many baskets there are, the empty ones included.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no basket at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the largest code an item can have.
    pub fn n_items(&self) -> usize {
        self.n_items
    }

    /// The sorted, distinct items of one basket.
    pub fn items_of(&self, basket: usize) -> &[u32] {
        &self.items[self.offsets[basket]..self.offsets[basket + 1]]
    }

    /// All items of all baskets, one basket after the other.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// The baskets in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        (0..self.len()).map(|basket| self.items_of(basket))
    }

    /// In how many baskets each item is.
    pub fn item_counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.n_items];
        for &item in &self.items {
            counts[item as usize] += 1;
        }
        counts
    }
}
