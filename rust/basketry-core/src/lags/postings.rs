//! The histories turned around: for each item who bought it and when.

use crate::histories::Histories;

/// Per item its buyers' days, by customer and then by day; and of every customer the first day of all.
///
/// Every question about items in time is a merge of a few of these lists.
pub(super) struct Postings {
    offsets: Vec<usize>,
    entries: Vec<(u32, i32)>,
    /// First day of each customer; the end of observation for one without an event before it.
    pub first_days: Vec<i32>,
    /// The first day that was not observed any more.
    pub end_day: i32,
}

impl Postings {
    /// Lists the days of the items that are `wanted`, in two passes over the histories.
    pub fn new(histories: &Histories, wanted: impl Fn(u32) -> bool) -> Self {
        let end_day = histories.end_day();
        let mut first_days = vec![end_day; histories.len()];
        let mut offsets = vec![0; histories.n_items() + 1];
        let mut visit = |tell: &mut dyn FnMut(u32, u32, i32)| {
            for (customer, first_day) in first_days.iter_mut().enumerate() {
                for event in histories.events_of(customer) {
                    let day = histories.day(event);
                    if day >= end_day {
                        break;
                    }
                    *first_day = day.min(*first_day);
                    for &item in histories.items_of(event).iter().filter(|&&item| wanted(item)) {
                        tell(item, customer as u32, day);
                    }
                }
            }
        };
        visit(&mut |item, _, _| offsets[item as usize + 1] += 1);
        for item in 1..offsets.len() {
            offsets[item] += offsets[item - 1];
        }
        let mut next = offsets.clone();
        let mut entries = vec![(0, 0); offsets.last().copied().unwrap_or(0)];
        visit(&mut |item, customer, day| {
            entries[next[item as usize]] = (customer, day);
            next[item as usize] += 1;
        });
        Self { offsets, entries, first_days, end_day }
    }

    /// The customers and days of an item; empty for a code that no history has.
    pub fn of(&self, item: u32) -> &[(u32, i32)] {
        match self.offsets.get(item as usize + 1) {
            Some(&end) => &self.entries[self.offsets[item as usize]..end],
            None => &[],
        }
    }

    /// The customers who have all items, each with the day that completes them.
    pub fn complete(&self, items: &[u32]) -> Vec<(u32, i32)> {
        let first = |item: u32| {
            let mut days = self.of(item).to_vec();
            days.dedup_by_key(|entry| entry.0);
            days
        };
        let Some((&one, others)) = items.split_first() else { return Vec::new() };
        others.iter().fold(first(one), |known, &item| latest(&known, &first(item)))
    }

    /// For customers with a day each, the first strictly later day by which they have all items; others are left out.
    pub fn after(&self, starts: &[(u32, i32)], items: &[u32]) -> Vec<(u32, i32)> {
        let next = |item: u32| {
            let mut found = Vec::new();
            let entries = self.of(item);
            let mut at = 0;
            for &(customer, start) in starts {
                while at < entries.len() && entries[at] <= (customer, start) {
                    at += 1;
                }
                match entries.get(at) {
                    Some(&(other, day)) if other == customer => found.push((customer, day)),
                    Some(_) => {}
                    None => break,
                }
            }
            found
        };
        let Some((&one, others)) = items.split_first() else { return Vec::new() };
        others.iter().fold(next(one), |known, &item| latest(&known, &next(item)))
    }

    /// All days on which customers complete the items anew after their first day, by customer and day.
    pub fn occasions(&self, items: &[u32]) -> Vec<(u32, i32)> {
        let mut all = Vec::new();
        let mut starts: Vec<(u32, i32)> = Vec::new();
        if let [item] = items {
            let later = |entry: &&(u32, i32)| entry.1 > self.first_days[entry.0 as usize];
            return self.of(*item).iter().filter(later).copied().collect();
        }
        for (customer, &day) in self.first_days.iter().enumerate() {
            starts.push((customer as u32, day));
        }
        while !starts.is_empty() {
            starts = self.after(&starts, items);
            all.extend_from_slice(&starts);
        }
        all.sort_unstable();
        all
    }
}

/// The customers of both lists, each with the later of his days.
fn latest(one: &[(u32, i32)], other: &[(u32, i32)]) -> Vec<(u32, i32)> {
    let mut both = Vec::new();
    let mut at = 0;
    for &(customer, day) in one {
        while at < other.len() && other[at].0 < customer {
            at += 1;
        }
        if let Some(&(same, later)) = other.get(at)
            && same == customer
        {
            both.push((customer, day.max(later)));
        }
    }
    both
}
