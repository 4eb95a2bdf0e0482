//! Matches of a rule X ==> Y and how they take in one more item, with and without a window.

use super::log::Log;
use super::rules::Window;

/// How the matches of a rule grow.
pub(super) trait Extend: Sync {
    /// What one match, or one bundle of matches, of a customer is described by.
    type Match: Copy + Send + Sync;

    /// The matches of X = {item} alone, customer by customer.
    fn begin(&self, log: &Log, item: u32) -> Vec<Self::Match>;
    /// Tells each item that Y can take in, with the match that results; once per match.
    fn right(&self, log: &Log, from: Self::Match, tell: &mut impl FnMut(u32, Self::Match));
    /// Tells each item that X can take in, with the match that results; once per match.
    fn left(&self, log: &Log, from: Self::Match, tell: &mut impl FnMut(u32, Self::Match));
    /// A number that tells customers apart.
    fn customer(&self, log: &Log, at: Self::Match) -> u32;
    /// Whether a customer, who has all of `items`, has them as near to each other as X must be.
    fn near(&self, log: &Log, customer: u32, items: &[u32]) -> bool;
    /// The event that completes X, and the days from it to the event that completes Y.
    fn gap(&self, log: &Log, at: Self::Match, consequent: &[u32]) -> (u32, i32);
}

/// For each item the customers who have it, ascending.
pub(super) fn customers_of(log: &Log, n_items: usize) -> Vec<Vec<u32>> {
    let mut holders: Vec<Vec<u32>> = vec![Vec::new(); n_items];
    for (customer, events) in log.customers().enumerate() {
        for &item in events.flat_map(|event| log.items_of(event)) {
            let list = &mut holders[item as usize];
            if list.last() != Some(&(customer as u32)) {
                list.push(customer as u32);
            }
        }
    }
    holders
}

/// No window: a customer has the rule just when all of X has come before the first of the last events of Y's items.
pub(super) struct Anywhere {
    /// The place in `offsets` of the customer of an event, found by [`Log::beyond`].
    customer: Vec<u32>,
    offsets: Vec<usize>,
    /// Per customer his items, ascending, with first and last event.
    spans: Vec<(u32, u32, u32)>,
}

/// A customer's split: all of X lies at or before `after`, all of Y can still come before or at `before`.
#[derive(Clone, Copy)]
pub(super) struct Split {
    after: u32,
    before: u32,
}

impl Anywhere {
    pub fn new(log: &Log, n_items: usize) -> Self {
        let mut frame =
            Self { customer: vec![0; log.n_events() as usize + 1], offsets: vec![0], spans: Vec::new() };
        let mut place = vec![usize::MAX; n_items];
        for (customer, events) in log.customers().enumerate() {
            frame.customer[events.end as usize] = customer as u32;
            let begin = frame.spans.len();
            for event in events {
                for &item in log.items_of(event) {
                    let known = place[item as usize];
                    // Places of earlier customers lie before `begin`.
                    if known != usize::MAX && known >= begin {
                        frame.spans[known].2 = event;
                    } else {
                        place[item as usize] = frame.spans.len();
                        frame.spans.push((item, event, event));
                    }
                }
            }
            frame.spans[begin..].sort_unstable();
            frame.offsets.push(frame.spans.len());
        }
        frame
    }

    fn spans_of(&self, log: &Log, event: u32) -> &[(u32, u32, u32)] {
        let customer = self.customer[log.beyond[event as usize] as usize] as usize;
        &self.spans[self.offsets[customer]..self.offsets[customer + 1]]
    }
}

impl Extend for Anywhere {
    type Match = Split;

    fn begin(&self, log: &Log, item: u32) -> Vec<Split> {
        let mut splits = Vec::new();
        for events in log.customers() {
            let spans = self.spans_of(log, events.start);
            if let Ok(place) = spans.binary_search_by_key(&item, |span| span.0) {
                splits.push(Split { after: spans[place].1, before: events.end });
            }
        }
        splits
    }

    fn right(&self, log: &Log, from: Split, tell: &mut impl FnMut(u32, Split)) {
        for &(item, _, last) in self.spans_of(log, from.after) {
            if last > from.after {
                tell(item, Split { before: from.before.min(last), ..from });
            }
        }
    }

    fn left(&self, log: &Log, from: Split, tell: &mut impl FnMut(u32, Split)) {
        for &(item, first, _) in self.spans_of(log, from.after) {
            if first < from.before {
                tell(item, Split { after: from.after.max(first), ..from });
            }
        }
    }

    fn customer(&self, log: &Log, at: Split) -> u32 {
        log.beyond[at.after as usize]
    }

    fn near(&self, _: &Log, _: u32, _: &[u32]) -> bool {
        true
    }

    fn gap(&self, log: &Log, at: Split, consequent: &[u32]) -> (u32, i32) {
        let mut missing = consequent.to_vec();
        let complete = (at.after + 1..log.beyond[at.after as usize]).find(|&event| {
            missing.retain(|item| log.items_of(event).binary_search(item).is_err());
            missing.is_empty()
        });
        (at.after, complete.map_or(0, |event| log.day[event as usize] - log.day[at.after as usize]))
    }
}

/// A window: for each event that can divide X from Y, the latest events of X and the earliest of Y.
pub(super) struct Within {
    window: Window,
    customers: Vec<std::ops::Range<u32>>,
}

/// X lies in `start..=split`, Y in `split + 1..=end`, each as close to the split as can be; `end` is `split` while Y is empty.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    start: u32,
    split: u32,
    end: u32,
}

impl Within {
    pub fn new(log: &Log, window: Window) -> Self {
        Self { window, customers: log.customers().collect() }
    }

    fn holds(&self, log: &Log, first: u32, last: u32) -> bool {
        match self.window {
            Window::Events(most) => log.position[last as usize] - log.position[first as usize] < most,
            Window::Days(most) => log.day[last as usize].abs_diff(log.day[first as usize]) <= most,
        }
    }
}

impl Extend for Within {
    type Match = Frame;

    fn begin(&self, log: &Log, item: u32) -> Vec<Frame> {
        let mut frames = Vec::new();
        for events in &self.customers {
            let mut start = None;
            for split in events.clone() {
                if log.items_of(split).binary_search(&item).is_ok() {
                    start = Some(split);
                }
                if let Some(start) = start.filter(|&start| self.holds(log, start, split)) {
                    frames.push(Frame { start, split, end: split });
                }
            }
        }
        frames
    }

    fn right(&self, log: &Log, from: Frame, tell: &mut impl FnMut(u32, Frame)) {
        let mut seen = Vec::new();
        for event in from.split + 1..log.beyond[from.split as usize] {
            if !self.holds(log, from.start, event) {
                break;
            }
            for &item in log.items_of(event) {
                if !seen.contains(&item) {
                    seen.push(item);
                    tell(item, Frame { end: from.end.max(event), ..from });
                }
            }
        }
    }

    fn left(&self, log: &Log, from: Frame, tell: &mut impl FnMut(u32, Frame)) {
        let customer = log.beyond[from.split as usize];
        let mut seen = Vec::new();
        for event in (0..=from.split).rev() {
            if log.beyond[event as usize] != customer || !self.holds(log, event, from.end) {
                break;
            }
            for &item in log.items_of(event) {
                if !seen.contains(&item) {
                    seen.push(item);
                    tell(item, Frame { start: from.start.min(event), ..from });
                }
            }
        }
    }

    fn customer(&self, log: &Log, at: Frame) -> u32 {
        log.beyond[at.split as usize]
    }

    fn near(&self, log: &Log, customer: u32, items: &[u32]) -> bool {
        let events = self.customers[customer as usize].clone();
        events.clone().any(|start| {
            let mut missing = items.to_vec();
            (start..events.end).take_while(|&event| self.holds(log, start, event)).any(|event| {
                missing.retain(|item| log.items_of(event).binary_search(item).is_err());
                missing.is_empty()
            })
        })
    }

    fn gap(&self, log: &Log, at: Frame, _: &[u32]) -> (u32, i32) {
        (at.split, log.day[at.end as usize] - log.day[at.split as usize])
    }
}
