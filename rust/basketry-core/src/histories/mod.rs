//! A view for sequence miners and lag tables: per customer the baskets in time order, with their days.

mod collect;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;

pub use collect::{Collected, Pieces, Rows, collect};
pub use text::parse;

use crate::control::Control;
use crate::error::Result;
use crate::ledger::{Axis, Ledger, Sets};

/// Per customer his events in time order; an event is the set of items of one day.
///
/// Days are numbers of local calendar days; those of one customer strictly increase. Customers without an event are kept,
/// because support is a share of all customers.
///
/// # Examples
/// ```
/// use basketry_core::histories::Histories;
/// let log = Histories::from_rows([vec![(3, vec![1]), (0, vec![2, 0])], vec![]], 10);
/// assert_eq!(log.len(), 2);
/// let events = log.events_of(0);
/// assert_eq!((log.day(events.start), log.items_of(events.start)), (0, [0, 2].as_slice()));
/// assert_eq!(log.end_day(), 10);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histories {
    customer_offsets: Vec<usize>,
    days: Vec<i32>,
    event_offsets: Vec<usize>,
    items: Vec<u32>,
    n_items: usize,
    end_day: i32,
}

impl Histories {
    /// The customer-days of a ledger's purchases before an instant. Observation ends with that instant's day, or, if none is
    /// given, after the day of the last order of all.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] when asked to stop.
    pub fn from_ledger(ledger: &Ledger, axis: &Axis, before: Option<i64>, control: &Control) -> Result<Self> {
        let (times, zone) = (ledger.order_times(), ledger.zone());
        let day = |order: usize| i64::from(zone.day(times[order]));
        let sets = Sets::collect(ledger, axis, before.unwrap_or(i64::MAX), false, day, &[], control)?;
        let end_day = match before {
            Some(before) => zone.day(before),
            None => ledger.span().map_or(0, |(_, last)| zone.day(last) + 1),
        };
        let days = sets.keys.iter().map(|&day| day as i32).collect();
        let n_items = axis.labels.len();
        Ok(Self::from_parts(sets.customer_offsets, days, sets.offsets, sets.items, n_items, end_day))
    }

    /// Takes flat columns: events of customer `c` are `customer_offsets[c]..customer_offsets[c + 1]`, items of event `e` are
    /// `items[event_offsets[e]..event_offsets[e + 1]]`, sorted and distinct; nothing is observed at or after `end_day`.
    pub(crate) fn from_parts(
        customer_offsets: Vec<usize>,
        days: Vec<i32>,
        event_offsets: Vec<usize>,
        items: Vec<u32>,
        n_items: usize,
        end_day: i32,
    ) -> Self {
        debug_assert_eq!(customer_offsets.last().copied(), Some(days.len()));
        debug_assert_eq!(event_offsets.len(), days.len() + 1);
        debug_assert_eq!(event_offsets.last().copied(), Some(items.len()));
        debug_assert!(customer_offsets.windows(2).all(|w| days[w[0]..w[1]].windows(2).all(|p| p[0] < p[1])));
        Self { customer_offsets, days, event_offsets, items, n_items, end_day }
    }

    /// Makes histories from rows of (day, items) in any order; events of the same customer and day are joined.
    pub fn from_rows(rows: impl IntoIterator<Item = Vec<(i32, Vec<u32>)>>, end_day: i32) -> Self {
        let (mut customer_offsets, mut days, mut event_offsets) = (vec![0], Vec::new(), vec![0]);
        let mut items: Vec<u32> = Vec::new();
        for mut events in rows {
            events.sort_by_key(|&(day, _)| day);
            for day in events.chunk_by(|a, b| a.0 == b.0) {
                let mut set: Vec<u32> = day.iter().flat_map(|(_, items)| items.iter().copied()).collect();
                set.sort_unstable();
                set.dedup();
                items.extend(set);
                days.push(day[0].0);
                event_offsets.push(items.len());
            }
            customer_offsets.push(days.len());
        }
        let n_items = items.iter().max().map_or(0, |&most| most as usize + 1);
        Self { customer_offsets, days, event_offsets, items, n_items, end_day }
    }

    /// The histories of those customers alone who are marked.
    #[must_use]
    pub fn of(&self, marked: &[bool]) -> Self {
        let mut kept = Self {
            customer_offsets: vec![0],
            days: Vec::new(),
            event_offsets: vec![0],
            items: Vec::new(),
            ..*self
        };
        for customer in (0..self.len()).filter(|&customer| marked[customer]) {
            for event in self.events_of(customer) {
                kept.days.push(self.day(event));
                kept.items.extend_from_slice(self.items_of(event));
                kept.event_offsets.push(kept.items.len());
            }
            kept.customer_offsets.push(kept.days.len());
        }
        kept
    }

    /// How many customers there are.
    pub fn len(&self) -> usize {
        self.customer_offsets.len() - 1
    }

    /// Whether there is no customer at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the largest code an item can have.
    pub fn n_items(&self) -> usize {
        self.n_items
    }

    /// How many events there are in all.
    pub fn n_events(&self) -> usize {
        self.days.len()
    }

    /// The first day that was not observed any more.
    pub fn end_day(&self) -> i32 {
        self.end_day
    }

    /// The numbers of a customer's events.
    pub fn events_of(&self, customer: usize) -> Range<usize> {
        self.customer_offsets[customer]..self.customer_offsets[customer + 1]
    }

    /// The day of an event.
    pub fn day(&self, event: usize) -> i32 {
        self.days[event]
    }

    /// The sorted, distinct items of an event.
    pub fn items_of(&self, event: usize) -> &[u32] {
        &self.items[self.event_offsets[event]..self.event_offsets[event + 1]]
    }
}
