//! What the calendar alone lets expect.

use super::records::{Record, follow_up};
use super::table::leaves;

/// The calendar is learned from people who do not have the antecedent, if they bought the consequent so often.
const ENOUGH: u64 = 100;
/// Groups of customers that are drawn together in a resample.
pub(super) const STRATA: usize = 256;

/// Purchases of the consequent by calendar week, and how the lags of the customers at risk fall on those weeks.
///
/// Calendar weeks are counted back from the end of the data, so that the last one is whole and nothing changes when all
/// dates move.
pub(super) struct Calendar {
    pub weeks: usize,
    pub n_weeks: usize,
    /// Days of the data before its end.
    pub history_days: u32,
    /// Purchases, and customer-days at risk of one, per calendar week.
    pub purchases: Vec<u64>,
    pub exposure: Vec<u64>,
    /// Customer-days at risk: lag week by calendar week, row after row.
    pub at_risk_days: Vec<u64>,
    /// Customer-days at risk and events by stratum and lag week, and those days times the rate of their calendar week.
    pub strata_days: Vec<u64>,
    pub strata_events: Vec<u64>,
    pub strata_expected: Vec<f64>,
}

impl Calendar {
    pub fn new(records: &[Record], end_day: i32, weeks: usize) -> Self {
        let first_day = records.iter().map(|record| record.first_day).min().unwrap_or(end_day).min(end_day);
        let history_days = end_day.abs_diff(first_day);
        let n_weeks = history_days.div_ceil(7) as usize;
        let mut calendar = Self {
            weeks,
            n_weeks,
            history_days,
            purchases: vec![0; n_weeks],
            exposure: vec![0; n_weeks],
            at_risk_days: vec![0; weeks * n_weeks],
            strata_days: vec![0; STRATA * weeks],
            strata_events: vec![0; STRATA * weeks],
            strata_expected: vec![0.0; STRATA * weeks],
        };
        calendar.learn(records, end_day, |record| record.index_day.unwrap_or(end_day));
        if !calendar.is_known(records, end_day) {
            // Too few people without the antecedent: everybody has to do, the law itself is spread thin over the calendar.
            calendar.purchases.fill(0);
            calendar.exposure.fill(0);
            calendar.learn(records, end_day, |_| end_day);
        }
        calendar.place(records, end_day);
        calendar
    }

    /// Counts from the day after a customer's first day, which is a purchase by definition, up to before `until`.
    fn learn(&mut self, records: &[Record], end_day: i32, until: impl Fn(&Record) -> i32) {
        for record in records {
            let until = until(record).min(end_day);
            weeks_of(record.first_day + 1, until, end_day, |week, days| self.exposure[week] += days);
            for &day in record.consequent_days.iter().filter(|&&day| day < until) {
                self.purchases[calendar_week(day, end_day)] += 1;
            }
        }
    }

    /// Whether there are purchases enough in all, and people enough in nearly all weeks where somebody is at risk.
    fn is_known(&self, records: &[Record], end_day: i32) -> bool {
        let purchases = self.purchases.iter().sum::<u64>();
        let exposure = self.exposure.iter().sum::<u64>();
        let (mut known, mut all) = (0, 0);
        for record in records {
            if let (Some(day), Some((last, _))) = (record.index_day, leaves(record, end_day)) {
                let until = day + 1 + 7 * last.min(self.weeks) as i32;
                weeks_of(day + 1, until.min(end_day), end_day, |week, days| {
                    // At the mean rate one purchase at least is to be expected in the week.
                    known += if self.exposure[week] * purchases >= exposure { days } else { 0 };
                    all += days;
                });
            }
        }
        purchases >= ENOUGH && known * 100 >= all * 99
    }

    /// Lays the weeks at risk of every customer on the calendar.
    fn place(&mut self, records: &[Record], end_day: i32) {
        let rates = self.rates(&self.purchases.iter().map(|&n| n as f64).collect::<Vec<_>>());
        for (number, record) in records.iter().enumerate() {
            let (Some(index_day), Some((last, bought))) = (record.index_day, leaves(record, end_day)) else {
                continue;
            };
            debug_assert!(follow_up(record, end_day).is_some());
            let row = stratum(number) * self.weeks;
            for week in 0..last.min(self.weeks) {
                let start = index_day + 1 + 7 * week as i32;
                weeks_of(start, (start + 7).min(end_day), end_day, |calendar_week, days| {
                    self.at_risk_days[week * self.n_weeks + calendar_week] += days;
                    self.strata_days[row + week] += days;
                    self.strata_expected[row + week] += days as f64 * rates[calendar_week];
                });
            }
            if bought && (1..=self.weeks).contains(&last) {
                self.strata_events[row + last - 1] += 1;
            }
        }
    }

    /// Purchases per customer-day of each calendar week, for given numbers of purchases. Each week has one purchase at the
    /// mean rate added, so that a week of few people is no extreme.
    pub fn rates(&self, purchases: &[f64]) -> Vec<f64> {
        let total = purchases.iter().sum::<f64>();
        if total <= 0.0 {
            return vec![0.0; purchases.len()];
        }
        let days_each = self.exposure.iter().sum::<u64>() as f64 / total;
        let rate = |(&n, &days): (&f64, &u64)| (n + 1.0) / (days as f64 + days_each);
        purchases.iter().zip(&self.exposure).map(rate).collect()
    }

    /// Events by lag week that the given rates let expect.
    pub fn expected(&self, rates: &[f64]) -> Vec<f64> {
        let dot = |row: &[u64]| row.iter().zip(rates).map(|(&days, rate)| days as f64 * rate).sum();
        (0..self.weeks).map(|week| dot(&self.at_risk_days[week * self.n_weeks..][..self.n_weeks])).collect()
    }
}

fn calendar_week(day: i32, end_day: i32) -> usize {
    ((end_day - 1 - day) / 7) as usize
}

/// Tells the calendar weeks that the days from `from` to before `until` touch, with the number of days in each.
fn weeks_of(from: i32, until: i32, end_day: i32, mut tell: impl FnMut(usize, u64)) {
    let mut day = from;
    while day < until {
        let week = calendar_week(day, end_day);
        let next = end_day - 7 * week as i32;
        tell(week, u64::from(next.min(until).abs_diff(day)));
        day = next;
    }
}

/// Spreads customers evenly over the strata.
fn stratum(number: usize) -> usize {
    (super::random::mix(number as u64) % STRATA as u64) as usize
}
