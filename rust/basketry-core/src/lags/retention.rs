//! Retention: after how many days customers order again.

use rayon::prelude::*;

use super::table::Incidence;
use crate::control::Control;
use crate::dictionary::NONE;
use crate::error::Result;
use crate::ledger::Ledger;

/// Customers of one piece of work.
const STRETCH: usize = 4096;

/// From which orders the days are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From each customer's first day with a purchase.
    First,
    /// From every day with a purchase.
    Every,
}

/// Those who wait for the next order, by days waited; only days on which something happens are listed, day 0 left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waiting {
    /// Days since the order.
    pub days: Vec<u32>,
    /// Orders after which the next had not come before that day, and which were followed up to it.
    pub at_risk: Vec<u64>,
    /// Next orders on that day.
    pub events: Vec<u64>,
    /// Orders that were followed no longer.
    pub censored: Vec<u64>,
    /// The share that has come.
    pub returned: Incidence,
}

impl Waiting {
    /// Makes the table of the next orders and the ends of follow-up by day; on the same day the orders come first.
    pub(super) fn new(ends: &[[u64; 2]]) -> Self {
        let mut waiting = Self::default();
        let mut at_risk: u64 = ends.iter().skip(1).map(|[event, censored]| event + censored).sum();
        for (day, &[event, censored]) in ends.iter().enumerate().skip(1) {
            if event + censored > 0 {
                waiting.days.push(day as u32);
                waiting.at_risk.push(at_risk);
                waiting.events.push(event);
                waiting.censored.push(censored);
                at_risk -= event + censored;
            }
        }
        waiting.returned = Incidence::new(&waiting.at_risk, &waiting.events);
        waiting
    }

    /// The first day by which at least `share` has come; a share that is reached exactly is not lost to rounding.
    pub(super) fn day_of(&self, share: f64, curve: &[f64]) -> Option<u32> {
        let at = curve.iter().position(|&value| value >= share * (1.0 - 1e-12))?;
        Some(self.days[at])
    }
}

/// Counts for each group of customers the days from one order to the next before an instant.
///
/// `groups` gives each customer's group, [`NONE`] to leave him out. Orders of one local day are one. An order after which none
/// came is followed up to the last day before the instant.
///
/// # Errors
/// [`crate::Error::Interrupted`] on request.
pub fn retention(
    ledger: &Ledger,
    groups: &[u32],
    n_groups: usize,
    before: i64,
    since: Since,
    control: &Control,
) -> Result<Vec<Waiting>> {
    let (zone, sign) = (ledger.zone(), ledger.sign());
    let end_day = zone.day(before);
    let starts: Vec<usize> = (0..ledger.n_customers()).step_by(STRETCH).collect();
    control.expect(starts.len() as u64);
    let look = |mut sums: Vec<Vec<[u64; 2]>>, start: usize| {
        control.check()?;
        for customer in start..(start + STRETCH).min(ledger.n_customers()) {
            let Some(group) = groups.get(customer).filter(|&&group| group != NONE) else { continue };
            let mut count = |days: i32, kind: usize| {
                let (days, group) = (days as usize, &mut sums[*group as usize]);
                if group.len() <= days {
                    group.resize(days + 1, [0; 2]);
                }
                group[days][kind] += 1;
            };
            let (mut last, mut open) = (None, true);
            for order in ledger.orders_before(customer, before) {
                if !ledger.is_purchase(sign, order) {
                    continue;
                }
                let day = zone.day(ledger.order_times()[order]);
                if let Some(known) = last.filter(|&known| known < day) {
                    count(day - known, 0);
                    open = since == Since::Every;
                }
                if !open {
                    break;
                }
                last = Some(day);
            }
            if let Some(known) = last.filter(|_| open) {
                count((end_day - 1 - known).max(0), 1);
            }
        }
        control.advance(1);
        Ok(sums)
    };
    let empty = || Ok(vec![Vec::new(); n_groups]);
    let sums = starts
        .into_par_iter()
        .fold(empty, |sums: Result<_>, start| look(sums?, start))
        .reduce(empty, |one, other| Ok(one?.into_iter().zip(other?).map(|(a, b)| added(a, b)).collect()))?;
    Ok(sums.iter().map(|ends| Waiting::new(ends)).collect())
}

/// The sum of two columns of counts, as long as the longer one.
fn added(one: Vec<[u64; 2]>, other: Vec<[u64; 2]>) -> Vec<[u64; 2]> {
    let (mut long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
    for (sum, more) in long.iter_mut().zip(short) {
        *sum = [sum[0] + more[0], sum[1] + more[1]];
    }
    long
}
