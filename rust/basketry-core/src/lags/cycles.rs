//! Purchase cycles: after how long an item is bought again, and whether it is bought again at all.

use rayon::prelude::*;

use super::postings::Postings;
use super::retention::Waiting;
use crate::control::Control;
use crate::error::Result;
use crate::histories::Histories;

/// How an item is bought again.
#[derive(Debug, Clone, PartialEq)]
pub struct Cycle {
    /// Customers who bought it.
    pub customers: u64,
    /// Later days on which they bought it again.
    pub repeats: u64,
    /// Days on which the same customers would have bought it, had they bought it on their later shopping days as often as
    /// customers who do not have it yet buy it on theirs.
    pub expected: f64,
    /// Share of purchases that are followed by another within the horizon.
    pub again: f64,
    /// Days by which a quarter of those have been.
    pub early_days: Option<u32>,
    /// Days by which half of them have been.
    pub median_days: Option<u32>,
    /// Lower end of the 95 % interval of the median.
    pub median_low: Option<u32>,
    /// Upper end; `None` if the data are too few to tell.
    pub median_high: Option<u32>,
}

/// Follows every item from each purchase to the next of the same, up to `horizon` days.
///
/// # Errors
/// [`crate::Error::Interrupted`] on request.
///
/// # Examples
/// ```
/// use basketry_core::{Control, histories::Histories, lags::cycles};
/// let log = Histories::from_rows([vec![(0, vec![0]), (10, vec![0]), (30, vec![1])]], 40);
/// let found = cycles(&log, 365, &Control::default())?;
/// assert_eq!((found[0].customers, found[0].repeats, found[0].median_days), (1, 1, Some(10)));
/// assert_eq!((found[1].repeats, found[1].median_days), (0, None));
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn cycles(histories: &Histories, horizon: u32, control: &Control) -> Result<Vec<Cycle>> {
    let postings = Postings::new(histories, |_| true);
    let shopping_days = |customer: usize| {
        let events = histories.events_of(customer);
        let observed = events.clone().take_while(|&event| histories.day(event) < postings.end_day);
        observed.map(|event| histories.day(event))
    };
    let days: u64 = (0..histories.len()).map(|customer| shopping_days(customer).count() as u64).sum();
    control.expect(histories.n_items() as u64);
    (0..histories.n_items() as u32)
        .into_par_iter()
        .map(|item| {
            control.check()?;
            control.advance(1);
            let mut ends = vec![[0; 2]; horizon as usize + 1];
            let (mut customers, mut repeats, mut later) = (0, 0, 0);
            for of_one in postings.of(item).chunk_by(|a, b| a.0 == b.0) {
                customers += 1;
                repeats += of_one.len() as u64 - 1;
                later += shopping_days(of_one[0].0 as usize).filter(|&day| day > of_one[0].1).count() as u64;
                let nexts = of_one.iter().skip(1).map(|next| (next.1, 0));
                for (&(_, day), (next, kind)) in of_one.iter().zip(nexts.chain([(postings.end_day - 1, 1)])) {
                    // What lasts longer than the horizon is followed to its end.
                    let gap = next.abs_diff(day);
                    ends[gap.min(horizon) as usize][if gap > horizon { 1 } else { kind }] += 1;
                }
            }
            let rate = customers as f64 / (days - later).max(1) as f64;
            let waiting = Waiting::new(&ends);
            let again = waiting.returned.cumulative.last().copied().unwrap_or(0.0);
            let by = |share: f64, curve: &[f64]| {
                (again > 0.0).then(|| waiting.day_of(share * again, curve)).flatten()
            };
            Ok(Cycle {
                customers,
                repeats,
                expected: rate * later as f64,
                again,
                early_days: by(0.25, &waiting.returned.cumulative),
                median_days: by(0.5, &waiting.returned.cumulative),
                median_low: by(0.5, &waiting.returned.high),
                median_high: by(0.5, &waiting.returned.low),
            })
        })
        .collect()
}

/// What customers bought so lately that they should not be offered it: customer, item, day of his last purchase.
///
/// `wait_days` gives for each item how many days after a purchase it is not offered; 0 for one that always may be.
pub fn just_bought(histories: &Histories, wait_days: &[u32]) -> Vec<(u32, u32, i32)> {
    let end_day = histories.end_day();
    (0..histories.len())
        .into_par_iter()
        .flat_map_iter(|customer| {
            let mut found = Vec::new();
            for event in histories.events_of(customer) {
                let day = histories.day(event);
                let waits = |item: &&u32| {
                    wait_days.get(**item as usize).is_some_and(|&wait| day + wait as i32 > end_day)
                };
                found.extend(
                    histories.items_of(event).iter().filter(waits).map(|&item| (customer as u32, item, day)),
                );
            }
            // Of several purchases the last counts.
            found.sort_unstable_by_key(|&(_, item, day)| (item, std::cmp::Reverse(day)));
            found.dedup_by_key(|entry| entry.1);
            found
        })
        .collect()
}
