//! The part of the histories that can still take part in a frequent sequence.

use rayon::prelude::*;

use crate::histories::Histories;

/// Pieces that the customers are cut into, and the fewest customers that are worth one.
const PIECES: usize = 16;
const LEAST: usize = 64;

/// One match of a sequence: the event where it ends, and the latest start of a match that ends there, as
/// [`super::Constraints::start`] tells it.
///
/// A later start is never worse: it loses nothing for a limit on the span, and limits on gaps do not look at it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct End {
    pub event: u32,
    pub start: i32,
}

/// Events with their frequent items only. Day and position are those of the original history, so that gaps keep their
/// meaning when events vanish between two others.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub day: Vec<i32>,
    pub position: Vec<u32>,
    /// For each event the number of the event after the last one of the same customer. It also tells customers apart.
    pub beyond: Vec<u32>,
    offsets: Vec<u32>,
    items: Vec<u32>,
    /// The event of each item occurrence.
    events: Vec<u32>,
}

impl Log {
    /// Keeps, of some customers, the items that `codes` numbers (`u32::MAX` = dropped), under their new numbers.
    pub fn new(histories: &Histories, customers: &[usize], codes: &[u32]) -> Self {
        let stretch = customers.len().div_ceil(PIECES).max(LEAST);
        let parts = customers.par_chunks(stretch).map(|customers| Self::of(histories, customers, codes));
        let mut parts = parts.collect::<Vec<_>>().into_iter();
        let mut log = parts.next().unwrap_or_else(|| Self { offsets: vec![0], ..Self::default() });
        for part in parts {
            let (items, events) = (log.items.len() as u32, log.day.len() as u32);
            log.day.extend(part.day);
            log.position.extend(part.position);
            log.beyond.extend(part.beyond.into_iter().map(|beyond| beyond + events));
            log.offsets.extend(part.offsets[1..].iter().map(|end| end + items));
            log.items.extend(part.items);
            log.events.extend(part.events.into_iter().map(|event| event + events));
        }
        log
    }

    fn of(histories: &Histories, customers: &[usize], codes: &[u32]) -> Self {
        let mut log = Self { offsets: vec![0], ..Self::default() };
        for &customer in customers {
            let first = log.day.len();
            for (position, event) in histories.events_of(customer).enumerate() {
                // Without a branch: whether an item is frequent is a coin toss.
                let items = histories.items_of(event);
                let mut end = log.items.len();
                log.items.resize(end + items.len(), 0);
                for &item in items {
                    let code = codes[item as usize];
                    log.items[end] = code;
                    end += usize::from(code != u32::MAX);
                }
                log.items.truncate(end);
                log.close(histories.day(event), position as u32, false);
            }
            log.close_customer(first);
        }
        log
    }

    /// A private copy for the matches `ends`: per customer the events from his first end on, with the items for which
    /// `keep` holds. The ends are renumbered to it; an end event stays even when none of its items does.
    pub fn restrict(&self, ends: &[End], keep: impl Fn(u32) -> bool) -> (Self, Vec<End>) {
        let mut log = Self { offsets: vec![0], ..Self::default() };
        let mut renumbered = Vec::with_capacity(ends.len());
        for group in self.by_customer(ends) {
            let first = log.day.len();
            let mut pending = group.iter().peekable();
            for event in group[0].event..self.beyond[group[0].event as usize] {
                log.items.extend(self.items_of(event).iter().copied().filter(|&item| keep(item)));
                let is_end = pending.next_if(|end| end.event == event);
                if let Some(end) = is_end {
                    renumbered.push(End { event: log.day.len() as u32, start: end.start });
                }
                log.close(self.day[event as usize], self.position[event as usize], is_end.is_some());
            }
            log.close_customer(first);
        }
        (log, renumbered)
    }

    /// Ends an event; one that is empty leaves no trace unless it must stay.
    fn close(&mut self, day: i32, position: u32, stays: bool) {
        let end = self.items.len() as u32;
        if stays || self.offsets.last() != Some(&end) {
            self.events.resize(self.items.len(), self.day.len() as u32);
            self.day.push(day);
            self.position.push(position);
            self.offsets.push(end);
        }
    }

    fn close_customer(&mut self, first: usize) {
        let beyond = self.day.len() as u32;
        self.beyond.extend((first..self.day.len()).map(|_| beyond));
    }

    pub fn n_events(&self) -> u32 {
        self.day.len() as u32
    }

    pub fn items_of(&self, event: u32) -> &[u32] {
        &self.items[self.offsets[event as usize] as usize..self.offsets[event as usize + 1] as usize]
    }

    /// The places of all item occurrences in the events from `event` to before `beyond`.
    pub fn places(&self, event: u32, beyond: u32) -> std::ops::Range<usize> {
        self.offsets[event as usize] as usize..self.offsets[beyond as usize] as usize
    }

    /// The items of such places.
    pub fn items_at(&self, places: std::ops::Range<usize>) -> &[u32] {
        &self.items[places]
    }

    /// The event of such a place.
    pub fn event_at(&self, place: usize) -> u32 {
        self.events[place]
    }

    /// Whether any event has several items.
    pub fn has_baskets(&self) -> bool {
        self.items.len() > self.day.len()
    }

    /// The matches of one customer after the other.
    pub fn by_customer<'a>(&'a self, ends: &'a [End]) -> impl Iterator<Item = &'a [End]> {
        ends.chunk_by(|a, b| self.beyond[a.event as usize] == self.beyond[b.event as usize])
    }

    /// The events of one customer after the other, as ranges of event numbers.
    pub fn customers(&self) -> impl Iterator<Item = std::ops::Range<u32>> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let beyond = *self.beyond.get(next as usize)?;
            Some(std::mem::replace(&mut next, beyond)..beyond)
        })
    }
}
