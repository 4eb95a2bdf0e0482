//! The first and last occurrences of items, and the count of all ordered pairs that follows from them.

use std::ops::Range;

/// One occurrence of an item.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Occurrence {
    pub event: u32,
    pub item: u32,
}

/// The first occurrence of an item for one customer: where it is, and where the occurrences of the customer end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct First {
    pub item: u32,
    pub event: u32,
    pub place: u32,
    pub end: u32,
}

/// Per customer his items by first occurrence, and by last occurrence from the latest on.
///
/// A customer has `x` before `y` just when his first `x` is earlier than his last `y`. So for each of his items one stretch of
/// the second list holds all that come later, and no event is looked at twice.
#[derive(Debug, Default)]
pub(super) struct Spread {
    pub firsts: Vec<First>,
    lasts: Vec<u32>,
    last_events: Vec<u32>,
    /// Where the two lists of each customer end.
    bounds: Vec<(usize, usize)>,
    /// For each item the customer who was met last, by the clock.
    seen: Vec<u32>,
    clock: u32,
}

impl Spread {
    pub fn new(n_items: usize) -> Self {
        Self { seen: vec![0; n_items], ..Self::default() }
    }

    /// Lists the customers whose occurrences end at `ends`.
    ///
    /// Without branches: whether a customer has an item already is a coin toss.
    pub fn list(&mut self, occurrences: &[Occurrence], ends: &[u32]) {
        self.firsts.resize(occurrences.len(), First::default());
        self.lasts.resize(occurrences.len(), 0);
        self.last_events.resize(occurrences.len(), 0);
        self.bounds.clear();
        let (mut firsts, mut lasts, mut start) = (0, 0, 0);
        for &end in ends {
            let theirs = &occurrences[start as usize..end as usize];
            self.tick();
            for occurrence in theirs.iter().rev() {
                self.lasts[lasts] = occurrence.item;
                self.last_events[lasts] = occurrence.event;
                lasts += self.meet(occurrence.item);
            }
            self.tick();
            for (place, &Occurrence { event, item }) in (start..).zip(theirs) {
                self.firsts[firsts] = First { item, event, place, end };
                firsts += self.meet(item);
            }
            self.bounds.push((firsts, lasts));
            start = end;
        }
        self.firsts.truncate(firsts);
    }

    /// Adds those of `customers` to the `counters` of each pair of `m` items whose first one is of `rows`.
    pub fn count(&self, customers: Range<usize>, rows: &Range<usize>, m: usize, counters: &mut [u32]) {
        let (mut first, mut last) =
            if customers.start == 0 { (0, 0) } else { self.bounds[customers.start - 1] };
        for &(beyond, end) in &self.bounds[customers] {
            let (items, events) = (&self.lasts[last..end], &self.last_events[last..end]);
            let mut open = items.len();
            for now in &self.firsts[first..beyond] {
                while open > 0 && events[open - 1] <= now.event {
                    open -= 1;
                }
                if rows.contains(&(now.item as usize)) {
                    let row = &mut counters[(now.item as usize - rows.start) * m..][..m];
                    for &later in &items[..open] {
                        row[later as usize] += 1;
                    }
                }
            }
            (first, last) = (beyond, end);
        }
    }

    /// Goes on to the next customer.
    fn tick(&mut self) {
        if self.clock == u32::MAX {
            self.seen.fill(0);
            self.clock = 0;
        }
        self.clock += 1;
    }

    /// 1 if the item is met for the first time since the last tick.
    fn meet(&mut self, item: u32) -> usize {
        usize::from(std::mem::replace(&mut self.seen[item as usize], self.clock) != self.clock)
    }
}
