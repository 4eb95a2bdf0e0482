//! The life table by week.

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

impl LifeTable {
    /// Makes the table of how many leave in each week, buyers or not, and how many of them are buyers. Week 0 is the index
    /// day, the last entry stands for all weeks beyond.
    pub(super) fn new(leaving: Vec<u64>, events: &[u64]) -> Self {
        let weeks = events.len() - 2;
        // Who leaves in a week was at risk in it and in all before.
        let mut at_risk = leaving;
        for week in (0..=weeks).rev() {
            at_risk[week] += at_risk[week + 1];
        }
        let (at_risk, events) = (at_risk[1..=weeks].to_vec(), events[1..=weeks].to_vec());
        let Incidence { hazard, cumulative, low, high } = Incidence::new(&at_risk, &events);
        Self { at_risk, events, expected: vec![], hazard, cumulative, low, high }
    }
}

/// The product-limit estimate of Kaplan and Meier (1958): what share has happened by when, if everybody had been followed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incidence {
    /// Share of those at risk to whom it happens.
    pub hazard: Vec<f64>,
    /// Share to whom it has happened by then.
    pub cumulative: Vec<f64>,
    /// Lower end of its 95 % interval.
    pub low: Vec<f64>,
    /// Upper end of its 95 % interval.
    pub high: Vec<f64>,
}

impl Incidence {
    /// Takes how many are at risk and to how many of them it happens, time after time. The variance is Greenwood's, the
    /// interval symmetric in log(-log S), as usual for survival curves: it stays between 0 and 1.
    pub(super) fn new(at_risk: &[u64], events: &[u64]) -> Self {
        let mut found = Self::default();
        let (mut survival, mut variance) = (1.0f64, 0.0f64);
        for (&n, &d) in at_risk.iter().zip(events) {
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
            found.hazard.push(hazard);
            found.cumulative.push(1.0 - survival);
            found.low.push(low);
            found.high.push(high);
        }
        found
    }
}
