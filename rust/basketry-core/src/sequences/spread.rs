//! The first and last occurrences of items, and the count of all ordered pairs that follows from them.

use std::ops::Range;

use super::log::Log;

/// An item with one of its events.
#[derive(Debug, Clone, Copy, Default)]
struct Occurrence {
    event: u32,
    item: u32,
}

/// Per customer his items by first occurrence, and by last occurrence from the latest on.
///
/// A customer has `x` before `y` just when his first `x` is earlier than his last `y`. So for each of his items one stretch of
/// the second list holds all that come later, and no event is looked at twice.
pub(super) struct Spread {
    firsts: Vec<Occurrence>,
    lasts: Vec<Occurrence>,
    /// Where both lists of each customer end.
    ends: Vec<usize>,
}

impl Spread {
    /// Lists some customers, each as a range of his events.
    pub fn new(log: &Log, customers: &[Range<u32>], n_items: usize) -> Self {
        let mut spread = Self { firsts: Vec::new(), lasts: Vec::new(), ends: vec![0] };
        let mut seen = [vec![u32::MAX; n_items], vec![u32::MAX; n_items]];
        for events in customers {
            let places = log.places(events.start, events.end);
            let start = spread.firsts.len();
            spread.firsts.resize(start + places.len(), Occurrence::default());
            spread.lasts.resize(start + places.len(), Occurrence::default());
            let (mut first, mut last) = (start, start);
            // Without branches: whether a customer has an item already is a coin toss.
            let mut is_new = |which: usize, item: u32| {
                usize::from(std::mem::replace(&mut seen[which][item as usize], events.start) != events.start)
            };
            for (place, &item) in places.clone().zip(log.items_at(places.clone())) {
                spread.firsts[first] = Occurrence { event: log.event_at(place), item };
                first += is_new(0, item);
            }
            for (place, &item) in places.clone().zip(log.items_at(places)).rev() {
                spread.lasts[last] = Occurrence { event: log.event_at(place), item };
                last += is_new(1, item);
            }
            spread.firsts.truncate(first);
            spread.lasts.truncate(last);
            spread.ends.push(first);
        }
        spread
    }

    /// Adds all customers to the `counters` of each pair of `n_items` items whose first one is of `rows`.
    pub fn count(&self, rows: &Range<usize>, n_items: usize, counters: &mut [u32]) {
        for customer in self.ends.windows(2) {
            let lasts = &self.lasts[customer[0]..customer[1]];
            let mut open = lasts.len();
            for now in &self.firsts[customer[0]..customer[1]] {
                while open > 0 && lasts[open - 1].event <= now.event {
                    open -= 1;
                }
                if rows.contains(&(now.item as usize)) {
                    let row = &mut counters[(now.item as usize - rows.start) * n_items..][..n_items];
                    for later in &lasts[..open] {
                        row[later.item as usize] += 1;
                    }
                }
            }
        }
    }
}
