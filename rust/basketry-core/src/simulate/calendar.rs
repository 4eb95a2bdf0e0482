//! Weeks: how strong the wish to buy is in each, and when the next order comes.

use super::worlds::Config;

/// Monday, 2 January 2023, 00:00 UTC, in microseconds since 1970: the start of week 0.
pub const START: i64 = 19_359 * DAY;
pub(super) const DAY: i64 = 86_400_000_000;

const YEAR: u32 = 52;
/// The eight weeks before the year ends.
const GIFT_WEEKS: std::ops::Range<u32> = 44..52;
/// The quarter of the year that each seasonal decoy has.
const DECOY_WEEKS: [std::ops::Range<u32>; 2] = [6..19, 32..45];

/// What a week does to the mix of a basket: which seasonal decoy is on, and whether there is a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Regime {
    /// 0 for none, else the number of the seasonal decoy.
    pub(super) season: usize,
    pub(super) sale: bool,
}

impl Regime {
    pub(super) const COUNT: usize = 6;

    /// All regimes, each at its own [`Regime::index`].
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(|index| Self { season: index / 2, sale: index % 2 == 1 })
    }

    pub(super) const fn index(self) -> usize {
        self.season * 2 + self.sale as usize
    }
}

/// The purchase intensity of every week, summed, for ordinary customers and for those who buy gifts.
#[derive(Debug)]
pub(super) struct Calendar {
    /// Intensity from the start of the log to the start of each week, and to its end.
    ordinary: Vec<f64>,
    gifts: Vec<f64>,
    regimes: Vec<Regime>,
}

impl Calendar {
    pub(super) fn new(config: &Config) -> Self {
        // The weeks that are not for gifts give what the others take: the mean over a year stays 1.
        let gift_weeks = f64::from(GIFT_WEEKS.end - GIFT_WEEKS.start);
        let rest = (f64::from(YEAR) - gift_weeks * config.gift) / (f64::from(YEAR) - gift_weeks);
        let mut regimes = Vec::new();
        let (mut ordinary, mut gifts) = (vec![0.0], vec![0.0]);
        let (mut sum, mut gift_sum) = (0.0, 0.0);
        for week in 0..config.weeks {
            let of_year = week % YEAR;
            let sale = config.sale_weeks.contains(&week);
            let season = DECOY_WEEKS.iter().position(|weeks| weeks.contains(&of_year)).map_or(0, |at| at + 1);
            regimes.push(Regime { season, sale });
            let angle = std::f64::consts::TAU * f64::from(week) / f64::from(YEAR);
            let intensity =
                (1.0 + config.season * angle.sin()) * if sale { config.sale_intensity } else { 1.0 };
            sum += intensity;
            gift_sum += intensity * if GIFT_WEEKS.contains(&of_year) { config.gift } else { rest };
            ordinary.push(sum);
            gifts.push(gift_sum);
        }
        Self { ordinary, gifts, regimes }
    }

    pub(super) fn regime(&self, time: f64) -> Regime {
        self.regimes[time as usize]
    }

    /// The intensity that has gone by from the start of the log to `time`, which may be its end.
    pub(super) fn work(&self, time: f64, gifts: bool) -> f64 {
        let sums = if gifts { &self.gifts } else { &self.ordinary };
        let week = (time as usize).min(sums.len() - 2);
        sums[week] + (time - week as f64) * (sums[week + 1] - sums[week])
    }

    /// The time at which `work` more intensity has gone by after `time`; `None` when the log ends before.
    pub(super) fn after(&self, time: f64, work: f64, gifts: bool) -> Option<f64> {
        let sums = if gifts { &self.gifts } else { &self.ordinary };
        let week = time as usize;
        let target = sums[week] + (time - week as f64) * (sums[week + 1] - sums[week]) + work;
        if target >= sums[sums.len() - 1] {
            return None;
        }
        let week = sums.partition_point(|&sum| sum <= target) - 1;
        let inside = (target - sums[week]) / (sums[week + 1] - sums[week]);
        // Rounding up to the next week would give it that week's regime; the log's last instant has none.
        Some(week as f64 + inside.min(0.999_999))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::worlds::World;
    use super::*;

    #[test]
    fn a_flat_calendar_adds_the_work() {
        let calendar = Calendar::new(&Config::of(World::Stationary, 1, 600, 104).unwrap());
        assert!((calendar.after(3.25, 7.5, false).unwrap() - 10.75).abs() < 1e-9);
        assert!((calendar.after(3.25, 7.5, true).unwrap() - 10.75).abs() < 1e-9);
        assert!((calendar.work(10.75, false) - 10.75).abs() < 1e-9);
        assert!((calendar.work(104.0, true) - 104.0).abs() < 1e-9);
        assert_eq!(calendar.after(100.0, 4.0, false), None);
    }

    #[test]
    fn season_and_gifts_keep_their_mean_over_the_years() {
        let mut config = Config::of(World::Easy, 1, 600, 104).unwrap();
        config.sale_weeks.clear();
        config.season = 0.0;
        let calendar = Calendar::new(&config);
        assert!((calendar.ordinary[104] - 104.0).abs() < 1e-9);
        assert!((calendar.gifts[104] - 104.0).abs() < 1e-9);
        assert!((calendar.gifts[52] - calendar.gifts[44] - 32.0).abs() < 1e-9);
    }

    #[test]
    fn sale_weeks_stay_off_the_peaks_except_where_they_are_the_point() {
        let config = Config::of(World::Easy, 1, 600, 104).unwrap();
        assert_eq!(config.sale_weeks, [5, 26, 63, 84]);
        for one in &config.sale_weeks {
            for two in &config.sale_weeks {
                let gap = one.abs_diff(*two);
                let peaks = config.sequences.iter().flat_map(|law| &law.peaks);
                assert!(gap == 0 || peaks.into_iter().all(|&peak| gap.abs_diff(peak) >= 5));
            }
        }
        let config = Config::of(World::SeasonOnly, 1, 600, 104).unwrap();
        assert_eq!(config.sale_weeks, [10, 36, 62, 88]);
        assert!(config.sequences.is_empty());
    }
}
