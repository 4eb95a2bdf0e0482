//! The life table by week.

use super::records::{Record, follow_up};

/// Those at risk and those who bought, week by week after the antecedent; entry 0 is week 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LifeTable {
    /// Customers who were still followed at the start of the week and had not bought.
    pub at_risk: Vec<u64>,
    /// Customers who bought in the week.
    pub events: Vec<u64>,
    /// Events that the calendar alone lets expect, at the level of these customers.
    pub expected: Vec<f64>,
    /// Share of those at risk who bought in the week.
    pub hazard: Vec<f64>,
    /// Probability to have bought by the end of the week, if everybody had been followed so long.
    pub cumulative: Vec<f64>,
    /// Lower end of its 95 % interval.
    pub low: Vec<f64>,
    /// Upper end of its 95 % interval.
    pub high: Vec<f64>,
}

/// The number of the week that holds a lag in days; the index day itself is week 0.
pub(super) fn week_of(days: u32) -> usize {
    days.div_ceil(7) as usize
}

/// The last week in which a customer is at risk, and whether he buys in it.
pub(super) fn leaves(record: &Record, end_day: i32) -> Option<(usize, bool)> {
    let followed = follow_up(record, end_day)?;
    let index_day = record.index_day?;
    match record.outcome_day {
        Some(day) if day < end_day => Some((week_of(day.abs_diff(index_day)), true)),
        _ => Some((week_of(followed), false)),
    }
}

impl LifeTable {
    pub(super) fn new(records: &[Record], end_day: i32, weeks: usize) -> Self {
        let (mut leaving, mut events) = (vec![0u64; weeks + 2], vec![0u64; weeks + 2]);
        for (week, bought) in records.iter().filter_map(|record| leaves(record, end_day)) {
            leaving[week.min(weeks + 1)] += 1;
            events[week.min(weeks + 1)] += u64::from(bought);
        }
        // Who leaves in a week was at risk in it and in all before.
        let mut at_risk = leaving;
        for week in (0..=weeks).rev() {
            at_risk[week] += at_risk[week + 1];
        }
        let mut table = Self {
            at_risk: at_risk[1..=weeks].to_vec(),
            events: events[1..=weeks].to_vec(),
            ..Self::default()
        };
        table.finish();
        table
    }

    /// Hazard, cumulative incidence and its interval. The variance is Greenwood's, the interval symmetric in log(-log S), as
    /// usual for survival curves: it stays between 0 and 1.
    fn finish(&mut self) {
        let (mut survival, mut variance) = (1.0f64, 0.0f64);
        for (&n, &d) in self.at_risk.iter().zip(&self.events) {
            let (n, d) = (n as f64, d as f64);
            let hazard = if n > 0.0 { d / n } else { 0.0 };
            survival *= 1.0 - hazard;
            if n > d {
                variance += d / (n * (n - d));
            }
            let (low, high) = if survival <= 0.0 || survival >= 1.0 {
                (1.0 - survival, 1.0 - survival)
            } else {
                let reach = (1.959_963_984_540_054 * variance.sqrt() / survival.ln()).abs().exp();
                (1.0 - survival.powf(1.0 / reach), 1.0 - survival.powf(reach))
            };
            self.hazard.push(hazard);
            self.cumulative.push(1.0 - survival);
            self.low.push(low);
            self.high.push(high);
        }
    }
}
