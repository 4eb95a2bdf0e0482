//! What the calendar alone lets expect.

use super::lanes::{Column, Lanes};
use super::postings::Postings;
use super::table::{LifeTable, week_of};

/// The calendar is learned from people who do not have the antecedent, if they bought the consequent so often.
const ENOUGH: u64 = 100;
/// Groups of customers that are drawn together in a resample.
pub(super) const STRATA: usize = 128;

/// The calendar of a log: weeks counted back from its end, so that the last one is whole and nothing changes when all dates
/// move.
pub(super) struct Span {
    pub end_day: i32,
    /// Days of the data before its end.
    pub history_days: u32,
    pub n_weeks: usize,
    /// Customer-days from the day after each customer's first to the end, per calendar week.
    exposure: Vec<u64>,
}

impl Span {
    pub fn new(postings: &Postings) -> Self {
        let end_day = postings.end_day;
        let history_days = postings.first_days.iter().min().map_or(0, |&first| end_day.abs_diff(first));
        let mut span =
            Self { end_day, history_days, n_weeks: history_days.div_ceil(7) as usize, exposure: vec![] };
        span.exposure = span.days_per_week(postings.first_days.iter().map(|&first| first + 1));
        span
    }

    fn week(&self, day: i32) -> usize {
        ((self.end_day - 1 - day) / 7) as usize
    }

    /// Days from each start to the end, in sum, per calendar week.
    fn days_per_week(&self, starts: impl Iterator<Item = i32>) -> Vec<u64> {
        // Who starts in a week is there for a part of it and in all weeks after it: those of smaller numbers.
        let (mut part, mut began) = (vec![0; self.n_weeks], vec![0; self.n_weeks]);
        for start in starts.filter(|&start| start < self.end_day) {
            let week = self.week(start);
            part[week] += u64::from((self.end_day - 7 * week as i32).abs_diff(start));
            began[week] += 1;
        }
        let mut whole = 0;
        for week in (0..self.n_weeks).rev() {
            part[week] += 7 * whole;
            whole += began[week];
        }
        part
    }

    /// Lays one customer's lag weeks `weeks` after `index_day` on the calendar: lag week, calendar week, days.
    fn lay(&self, index_day: i32, weeks: std::ops::Range<usize>, mut tell: impl FnMut(usize, usize, u32)) {
        for week in weeks {
            let start = index_day + 1 + 7 * week as i32;
            let until = (start + 7).min(self.end_day);
            if start >= until {
                return;
            }
            let calendar_week = self.week(start);
            let next = (self.end_day - 7 * calendar_week as i32).min(until);
            tell(week, calendar_week, next.abs_diff(start));
            if next < until {
                tell(week, calendar_week - 1, until.abs_diff(next));
            }
        }
    }
}

/// The customers who have the antecedent, as if none of them ever bought the consequent.
pub(super) struct Entrants {
    /// Each with the day that completed it, by customer.
    pub customers: Vec<(u32, i32)>,
    /// How many leave in which week because the data end; the last entry is beyond the horizon.
    pub leaving: Vec<u64>,
    /// Customer-days without the antecedent (yet), per calendar week.
    exposure: Vec<u64>,
    /// Customer-days: lag week by calendar week, row after row.
    days: Vec<f64>,
}

impl Entrants {
    pub fn new(postings: &Postings, span: &Span, antecedent: &[u32], weeks: usize) -> Self {
        let customers = postings.complete(antecedent);
        let with = span.days_per_week(
            customers.iter().map(|&(customer, day)| day.max(postings.first_days[customer as usize] + 1)),
        );
        let exposure = span.exposure.iter().zip(with).map(|(all, with)| all - with).collect();
        let mut leaving = vec![0; weeks + 2];
        let mut days = vec![0.0; weeks * span.n_weeks];
        for &(_, day) in &customers {
            leaving[followed_weeks(span, day).min(weeks + 1)] += 1;
            span.lay(day, 0..weeks, |lag, week, n| days[lag * span.n_weeks + week] += f64::from(n));
        }
        Self { customers, leaving, exposure, days }
    }

    /// Days for which the longest followed of them was followed.
    pub fn longest(&self, span: &Span) -> Option<u32> {
        self.customers.iter().map(|&(_, day)| (span.end_day - 1).abs_diff(day)).max()
    }
}

/// The week in which a customer leaves if he does not buy.
fn followed_weeks(span: &Span, index_day: i32) -> usize {
    week_of((span.end_day - 1).abs_diff(index_day))
}

/// Purchases of the consequent, whoever makes them.
pub(super) struct Occasions {
    /// Customer and day, by customer, those on a customer's first day left out: it is a purchase by definition.
    days: Vec<(u32, i32)>,
    /// Per calendar week.
    purchases: Vec<u64>,
}

impl Occasions {
    pub fn new(postings: &Postings, span: &Span, consequent: &[u32]) -> Self {
        let days = postings.occasions(consequent);
        let mut purchases = vec![0; span.n_weeks];
        for &(_, day) in &days {
            purchases[span.week(day)] += 1;
        }
        Self { days, purchases }
    }

    /// Those of people who do not have the antecedent (yet), per calendar week.
    fn before(&self, entrants: &Entrants, span: &Span) -> Vec<u64> {
        let mut purchases = self.purchases.clone();
        let mut at = 0;
        for &(customer, day) in &self.days {
            while at < entrants.customers.len() && entrants.customers[at].0 < customer {
                at += 1;
            }
            if entrants.customers.get(at).is_some_and(|&(same, index)| same == customer && index <= day) {
                purchases[span.week(day)] -= 1;
            }
        }
        purchases
    }
}

/// Purchases of the consequent by calendar week, and how the lags of the customers at risk fall on those weeks.
pub(super) struct Calendar<'a> {
    pub weeks: usize,
    pub span: &'a Span,
    /// Purchases, and customer-days at risk of one, per calendar week.
    pub purchases: Vec<u64>,
    pub exposure: Vec<u64>,
    /// Customer-days at risk: lag week by calendar week, row after row.
    at_risk_days: Vec<f64>,
    entrants: &'a Entrants,
    /// The buyers among the entrants, with the day that made them so.
    outcomes: Vec<(u32, i32)>,
}

impl<'a> Calendar<'a> {
    /// Follows the entrants to the consequent: the life table and its calendar.
    pub fn new(
        postings: &Postings,
        span: &'a Span,
        entrants: &'a Entrants,
        occasions: &Occasions,
        consequent: &[u32],
        weeks: usize,
    ) -> (LifeTable, Self) {
        let outcomes = postings.after(&entrants.customers, consequent);
        let (mut leaving, mut events) = (entrants.leaving.clone(), vec![0u64; weeks + 2]);
        let mut at_risk_days = entrants.days.clone();
        for (index_day, outcome) in pairs(&entrants.customers, &outcomes) {
            let Some(outcome) = outcome else { continue };
            let bought = week_of(outcome.abs_diff(index_day)).min(weeks + 1);
            leaving[followed_weeks(span, index_day).min(weeks + 1)] -= 1;
            leaving[bought] += 1;
            events[bought] += 1;
            span.lay(index_day, bought.min(weeks)..weeks, |lag, week, n| {
                at_risk_days[lag * span.n_weeks + week] -= f64::from(n);
            });
        }
        let mut calendar = Self {
            weeks,
            span,
            purchases: occasions.before(entrants, span),
            exposure: entrants.exposure.clone(),
            at_risk_days,
            entrants,
            outcomes,
        };
        if !calendar.is_known() {
            // Too few people without the antecedent: everybody has to do, the law itself is spread thin over the calendar.
            calendar.purchases.clone_from(&occasions.purchases);
            calendar.exposure.clone_from(&span.exposure);
        }
        (LifeTable::new(leaving, &events), calendar)
    }

    /// Whether there are purchases enough in all, and people enough in nearly all weeks where somebody is at risk.
    fn is_known(&self) -> bool {
        let purchases = self.purchases.iter().sum::<u64>();
        let exposure = self.exposure.iter().sum::<u64>();
        let (mut known, mut all) = (0.0, 0.0);
        for row in self.at_risk_days.chunks(self.span.n_weeks.max(1)) {
            for (days, people) in row.iter().zip(&self.exposure) {
                // At the mean rate one purchase at least is to be expected in the week.
                known += if people * purchases >= exposure { *days } else { 0.0 };
                all += days;
            }
        }
        purchases >= ENOUGH && known * 100.0 >= all * 99.0
    }

    /// Purchases per customer-day of each calendar week, for given numbers of purchases. Each week has one purchase at the
    /// mean rate added, so that a week of few people is no extreme.
    pub fn rates<const N: usize>(&self, purchases: &Lanes<N>) -> Column<N> {
        let mut days_each = [0.0; N];
        for purchases in purchases {
            for (total, purchases) in days_each.iter_mut().zip(purchases) {
                *total += purchases;
            }
        }
        let exposure = self.exposure.iter().sum::<u64>() as f64;
        for total in &mut days_each {
            // Without any purchase there is no end to the days for one, and the rates are 0.
            *total = if *total > 0.0 { exposure / *total } else { f64::INFINITY };
        }
        let rate = |(purchases, &days): (&[f64; N], &u64)| {
            let mut rates = *purchases;
            for (rate, days_each) in rates.iter_mut().zip(days_each) {
                *rate = (*rate + 1.0) / (days as f64 + days_each);
            }
            rates
        };
        purchases.iter().zip(&self.exposure).map(rate).collect()
    }

    /// Events by lag week that the given rates let expect.
    pub fn expected<const N: usize>(&self, rates: &Lanes<N>) -> Column<N> {
        let n_weeks = self.span.n_weeks;
        (0..self.weeks)
            .map(|lag| {
                // Nobody is so late after the antecedent in the first weeks of the data.
                let reached = n_weeks.saturating_sub(lag);
                let mut sums = [0.0; N];
                for (days, rates) in self.at_risk_days[lag * n_weeks..][..reached].iter().zip(rates) {
                    for (sum, rate) in sums.iter_mut().zip(rates) {
                        *sum += days * rate;
                    }
                }
                sums
            })
            .collect()
    }

    /// Customer-days at risk, those days times the rate of their calendar week, and events: by lag week and stratum.
    pub fn strata(&self, rates: &Lanes<1>) -> [Vec<f64>; 3] {
        let mut strata = [(); 3].map(|()| vec![0.0; STRATA * self.weeks]);
        let buyers = pairs(&self.entrants.customers, &self.outcomes);
        for ((index_day, outcome), &(customer, _)) in buyers.zip(&self.entrants.customers) {
            let stratum = stratum(customer);
            let bought = outcome.map(|day| week_of(day.abs_diff(index_day)));
            let last = bought.unwrap_or(self.weeks).min(self.weeks);
            self.span.lay(index_day, 0..last, |lag, week, days| {
                strata[0][lag * STRATA + stratum] += f64::from(days);
                strata[1][lag * STRATA + stratum] += f64::from(days) * rates[week][0];
            });
            if let Some(week) = bought.filter(|&week| week <= self.weeks) {
                strata[2][(week - 1) * STRATA + stratum] += 1.0;
            }
        }
        strata
    }
}

/// The index day of each entrant, with the day on which he bought if he did.
fn pairs<'a>(
    entrants: &'a [(u32, i32)],
    outcomes: &'a [(u32, i32)],
) -> impl Iterator<Item = (i32, Option<i32>)> + 'a {
    let mut at = 0;
    entrants.iter().map(move |&(customer, day)| {
        let outcome = outcomes.get(at).filter(|outcome| outcome.0 == customer);
        at += usize::from(outcome.is_some());
        (day, outcome.map(|outcome| outcome.1))
    })
}

/// Spreads customers evenly over the strata.
fn stratum(customer: u32) -> usize {
    (super::random::mix(u64::from(customer)) % STRATA as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::histories::Histories;

    type Rows = Vec<Vec<(i32, Vec<u32>)>>;
    const WEEKS: usize = 5;

    /// The first day from `from` on by which all items have been bought since.
    fn complete(events: &[(i32, Vec<u32>)], from: i32, items: &[u32]) -> Option<i32> {
        let first = |item: &u32| {
            events.iter().filter(|(day, set)| *day >= from && set.contains(item)).map(|event| event.0).min()
        };
        items.iter().map(first).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Counts day by day what the lists count by their ends: purchases, exposure, days at risk, at risk, events.
    fn obvious(rows: &Rows, end_day: i32, antecedent: &[u32], consequent: &[u32]) -> [Vec<u64>; 5] {
        let observed = |events: &Vec<(i32, Vec<u32>)>| -> Vec<(i32, Vec<u32>)> {
            events.iter().filter(|event| event.0 < end_day).cloned().collect()
        };
        let rows: Rows = rows.iter().map(observed).collect();
        let first_of = |events: &Vec<(i32, Vec<u32>)>| events.iter().map(|event| event.0).min();
        let start = rows.iter().filter_map(first_of).min().unwrap_or(end_day);
        let n_weeks = (end_day - start).unsigned_abs().div_ceil(7) as usize;
        let week = |day: i32| ((end_day - 1 - day) / 7) as usize;
        let (mut purchases, mut exposure) = (vec![0; n_weeks], vec![0; n_weeks]);
        let (mut days, mut at_risk, mut events_in) =
            (vec![0; n_weeks * WEEKS], vec![0; WEEKS], vec![0; WEEKS]);
        for events in rows.iter().filter(|events| !events.is_empty()) {
            let Some(first) = first_of(events) else { continue };
            let index = complete(events, i32::MIN, antecedent);
            for day in first + 1..index.unwrap_or(end_day) {
                exposure[week(day)] += 1;
            }
            let mut from = first + 1;
            while let Some(day) = complete(events, from, consequent) {
                purchases[week(day)] += u64::from(day < index.unwrap_or(end_day));
                from = day + 1;
            }
            let Some(index) = index else { continue };
            let outcome = complete(events, index + 1, consequent);
            let last = outcome.unwrap_or(end_day - 1);
            for lag in 0..WEEKS {
                let from = index + 1 + 7 * lag as i32;
                if from > last {
                    continue;
                }
                at_risk[lag] += 1;
                events_in[lag] += u64::from(outcome.is_some_and(|day| day < from + 7));
                for day in from..(from + 7).min(end_day) {
                    days[lag * n_weeks + week(day)] += 1;
                }
            }
        }
        [purchases, exposure, days, at_risk, events_in]
    }

    fn rows() -> impl Strategy<Value = Rows> {
        let event = (0..40_i32, prop::collection::vec(0..4_u32, 1..3));
        prop::collection::vec(prop::collection::vec(event, 0..8), 1..8)
    }

    proptest! {
        #[test]
        fn lists_count_what_days_count(
            rows in rows(),
            end_day in 20..45_i32,
            antecedent in prop::sample::subsequence(vec![0, 1, 2], 1..3),
            consequent in prop::sample::subsequence(vec![0, 2, 3], 1..3),
        ) {
            let [purchases, exposure, days, at_risk, events] = obvious(&rows, end_day, &antecedent, &consequent);
            let histories = Histories::from_rows(rows, end_day);
            let postings = Postings::new(&histories, |_| true);
            let span = Span::new(&postings);
            let entrants = Entrants::new(&postings, &span, &antecedent, WEEKS);
            let occasions = Occasions::new(&postings, &span, &consequent);
            let (table, calendar) = Calendar::new(&postings, &span, &entrants, &occasions, &consequent, WEEKS);
            prop_assert_eq!(&table.at_risk, &at_risk);
            prop_assert_eq!(&table.events, &events);
            let found: Vec<u64> = calendar.at_risk_days.iter().map(|&days| days as u64).collect();
            prop_assert_eq!(found, days);
            prop_assert_eq!(&entrants.exposure, &exposure);
            // So few purchases are too few to learn from the others: what was counted stands in the strata and before.
            prop_assert_eq!(&calendar.purchases, &occasions.purchases);
            prop_assert_eq!(occasions.before(&entrants, &span), purchases);
            let [strata_days, _, bought] = calendar.strata(&vec![[1.0]; span.n_weeks]);
            for (lag, &events) in events.iter().enumerate() {
                let sum = |values: &[f64]| values[lag * STRATA..][..STRATA].iter().sum::<f64>() as u64;
                prop_assert_eq!(sum(&bought), events);
                let row = &days_of(&calendar)[lag];
                prop_assert_eq!(sum(&strata_days), *row);
            }
        }
    }

    fn days_of(calendar: &Calendar<'_>) -> Vec<u64> {
        let rows = calendar.at_risk_days.chunks(calendar.span.n_weeks.max(1));
        let mut sums: Vec<u64> = rows.map(|row| row.iter().sum::<f64>() as u64).collect();
        sums.resize(WEEKS, 0);
        sums
    }
}
