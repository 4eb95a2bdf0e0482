//! Which ordered pairs of items have customers enough to be followed.

use rayon::prelude::*;

use super::postings::Postings;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::histories::Histories;

/// All ordered pairs of items, equal ones too, such that at least `min_events` customers buy the second for the first time
/// after their first purchase of the first within so many weeks; sorted.
///
/// One walk per item over what its buyers bought later, so memory is a column of counts a thread.
///
/// # Errors
/// [`Error::Parameter`] if `min_events` is 0; [`Error::Interrupted`] on request.
pub fn frequent_pairs(
    histories: &Histories,
    min_events: u64,
    horizon: u32,
    control: &Control,
) -> Result<Vec<(u32, u32)>> {
    if min_events == 0 {
        return Err(Error::Parameter {
            name: "min_events",
            value: "0".to_owned(),
            expected: "a pair needs at least one customer who buys both",
        });
    }
    let n_items = histories.n_items();
    let postings = Postings::new(histories, |_| true);
    let buyers = |item: u32| postings.complete(&[item]);
    let common: Vec<bool> =
        (0..n_items as u32).into_par_iter().map(|item| buyers(item).len() as u64 >= min_events).collect();
    let longest = 7 * i64::from(horizon);
    let log = Common::new(histories, &postings, &common);
    let rows = (0..n_items as u32).into_par_iter().filter(|&item| common[item as usize]).map_init(
        || (vec![0u32; n_items], vec![u32::MAX; n_items]),
        |(counts, seen), first| {
            control.check()?;
            seen.fill(u32::MAX);
            for (customer, index_day) in buyers(first) {
                for &(day, item) in log.after(customer, index_day) {
                    if i64::from(day) - i64::from(index_day) > longest {
                        break;
                    }
                    let known = std::mem::replace(&mut seen[item as usize], customer) == customer;
                    counts[item as usize] += u32::from(!known);
                }
            }
            let enough = |(then, count): (usize, &mut u32)| {
                (u64::from(std::mem::take(count)) >= min_events).then_some((first, then as u32))
            };
            Ok(counts.iter_mut().enumerate().filter_map(enough).collect::<Vec<_>>())
        },
    );
    Ok(rows.collect::<Result<Vec<_>>>()?.concat())
}

/// What each customer bought of the items that enough have, day after day in one row.
struct Common {
    offsets: Vec<usize>,
    entries: Vec<(i32, u32)>,
}

impl Common {
    fn new(histories: &Histories, postings: &Postings, common: &[bool]) -> Self {
        let mut log = Self { offsets: vec![0], entries: Vec::new() };
        for customer in 0..histories.len() {
            let observed = |event: &usize| histories.day(*event) < postings.end_day;
            for event in histories.events_of(customer).take_while(observed) {
                let items = histories.items_of(event).iter().filter(|&&item| common[item as usize]);
                log.entries.extend(items.map(|&item| (histories.day(event), item)));
            }
            log.offsets.push(log.entries.len());
        }
        log
    }

    /// What a customer bought after a day.
    fn after(&self, customer: u32, day: i32) -> &[(i32, u32)] {
        let own = &self.entries[self.offsets[customer as usize]..self.offsets[customer as usize + 1]];
        &own[own.partition_point(|entry| entry.0 <= day)..]
    }
}
