//! Peaks: weeks where more is bought than level and calendar explain, by more than chance makes anywhere on the horizon.

use rayon::prelude::*;

use super::calendar::{Calendar, STRATA};
use super::level;
use super::random::Random;
use super::table::LifeTable;
use crate::control::Control;
use crate::error::Result;

/// Bandwidths of the smoothing, in weeks: for sharp peaks and for broad ones.
const BANDWIDTHS: [f64; 2] = [1.25, 3.0];
/// Replicates without any peak, from which the threshold comes.
const REPLICATES: u64 = 999;
/// Replicates that are drawn before one looks whether they settle the matter already.
const BATCH: u64 = 64;
/// Resamples of the customers.
const RESAMPLES: u64 = 200;
/// The chance of a false peak anywhere on the horizon.
const LEVEL: f64 = 0.05;
/// Share of the resamples that must find the peak again.
const STABLE: f64 = 0.8;
/// A peak is so many weeks wide on each side: there a resample must find it again, and there the excess is counted.
const NEAR: usize = 2;
/// How deep the statistic must fall between two peaks.
const PROMINENCE: f64 = 3.0;
/// Weeks on each side of a peak that are left out when the level is fitted.
const MASK: usize = 4;
/// Expected events a week below which the data cannot tell.
const ENOUGH: f64 = 1.0;

/// Where the peak comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The time since the antecedent: more than the calendar explains.
    SincePurchase,
    /// The calendar: it shows in the events, and goes when the season is taken out.
    Calendar,
    /// No peak, but weeks that the data cannot judge.
    NotEnoughData,
}

/// A peak, or a span of weeks without enough data.
#[derive(Debug, Clone, PartialEq)]
pub struct Peak {
    /// The week of the peak; `None` for a span without enough data.
    pub week: Option<u32>,
    /// First week of the 95 % interval over the resamples, or of the span.
    pub low: u32,
    /// Last week of the interval, or of the span.
    pub high: u32,
    /// Customers beyond expectation in the week and the two before and after it.
    pub excess: Option<f64>,
    /// Events over expected events in the same five weeks.
    pub rate_ratio: Option<f64>,
    /// The chance of such a peak anywhere on the horizon without a law.
    pub p_value: Option<f64>,
    /// Share of the resamples of the customers that find the peak within two weeks.
    pub stability: Option<f64>,
    /// What it is.
    pub kind: Kind,
}

/// What is the same for both tests.
struct Search<'a> {
    events: Vec<f64>,
    /// Weeks with data enough to be judged.
    judged: Vec<bool>,
    calendar: &'a Calendar,
    kernels: [Vec<f64>; 2],
    seed: u64,
    control: &'a Control,
}

/// What one test leaves behind for the resamples.
struct Test {
    level: Vec<f64>,
    mean: Vec<f64>,
    masked: Vec<bool>,
    threshold: f64,
    /// Week (from 0) and p-value of each peak.
    peaks: Vec<(usize, f64)>,
}

/// The expected events by week, at the level of the customers, and the peaks by week.
pub(super) fn find(
    table: &LifeTable,
    calendar: &Calendar,
    seed: u64,
    control: &Control,
) -> Result<(Vec<f64>, Vec<Peak>)> {
    let events: Vec<f64> = table.events.iter().map(|&n| n as f64).collect();
    let purchases: Vec<f64> = calendar.purchases.iter().map(|&n| n as f64).collect();
    let seasonal = calendar.expected(&calendar.rates(&purchases));
    let days = calendar.expected(&vec![1.0; calendar.n_weeks]);
    let kernels = BANDWIDTHS.map(kernel);
    let judged = judged(&events, &seasonal, &kernels[0], calendar.history_days);
    let search = Search { events, judged, calendar, kernels, seed, control };

    // Against the season; a replicate draws the season anew, too, because it is known from so many purchases only.
    let law = search.test(&seasonal, |number| {
        let mut random = Random::new(seed, 1, number);
        let drawn: Vec<f64> = purchases.iter().map(|&mean| random.poisson(mean)).collect();
        (random, calendar.expected(&calendar.rates(&drawn)))
    })?;
    let mut peaks = search.resample(&law, &calendar.strata_expected, Kind::SincePurchase)?;
    // Against people and days alone: what peaks here and not above is the season's.
    let flat = search.test(&days, |number| (Random::new(seed, 2, number), days.clone()))?;
    let strata_days: Vec<f64> = calendar.strata_days.iter().map(|&days| days as f64).collect();
    let season = search.resample(&flat, &strata_days, Kind::Calendar)?;
    peaks.extend(season.into_iter().filter(|peak| {
        let explained = |week: usize| law.mean[week] > flat.mean[week];
        let new = |week: usize| law.peaks.iter().all(|&(known, _)| known.abs_diff(week) > MASK);
        peak.week.is_some_and(|week| explained(week as usize - 1) && new(week as usize - 1))
    }));
    peaks.extend(unjudged(&search.judged));
    peaks.sort_by_key(|peak| (peak.week.unwrap_or(peak.low), peak.low));
    Ok((law.mean, peaks))
}

/// Which weeks have enough expected events near them and lie in the first half of the history.
fn judged(events: &[f64], basis: &[f64], kernel: &[f64], history_days: u32) -> Vec<bool> {
    let mean = level::at(&level::fit(events, basis, &vec![false; events.len()], None), basis);
    (0..events.len())
        .map(|week| {
            let (mut total, mut weight) = (0.0, 0.0);
            for (near, w) in around(week, kernel, events.len()) {
                total += w * mean[near];
                weight += w;
            }
            total >= ENOUGH * weight && 14 * (week as u32 + 1) <= history_days
        })
        .collect()
}

fn unjudged(judged: &[bool]) -> Vec<Peak> {
    let weeks: Vec<usize> = (0..judged.len()).filter(|&week| !judged[week]).collect();
    weeks
        .chunk_by(|a, b| a + 1 == *b)
        .map(|span| Peak {
            week: None,
            low: span[0] as u32 + 1,
            high: span[span.len() - 1] as u32 + 1,
            excess: None,
            rate_ratio: None,
            p_value: None,
            stability: None,
            kind: Kind::NotEnoughData,
        })
        .collect()
}

impl Search<'_> {
    /// Finds the weeks that rise above the threshold. `replicate` gives the basis of one replicate, and its numbers.
    fn test(&self, basis: &[f64], replicate: impl Fn(u64) -> (Random, Vec<f64>) + Sync) -> Result<Test> {
        let none = vec![false; self.events.len()];
        let level = level::fit(&self.events, basis, &none, None);
        let mean = level::at(&level, basis);
        let mut found = Test { level, mean, masked: none, threshold: f64::INFINITY, peaks: vec![] };
        let first = self.statistics(&self.events, &found.mean);
        let observed = highest(&first);
        // The threshold is exceeded by so many replicates; as soon as more exceed what was observed, there is no peak.
        let allowed = (LEVEL * (REPLICATES + 1) as f64) as usize;
        let mut drawn = Vec::with_capacity(REPLICATES as usize);
        while drawn.len() < REPLICATES as usize {
            if !observed.is_finite() || drawn.iter().filter(|&&height| height > observed).count() >= allowed {
                return Ok(found);
            }
            let next = drawn.len() as u64;
            let batch: Vec<f64> = (next..(next + BATCH).min(REPLICATES))
                .into_par_iter()
                .map(|number| {
                    self.control.check()?;
                    let (mut random, basis) = replicate(number);
                    let events: Vec<f64> = found.mean.iter().map(|&mean| random.poisson(mean)).collect();
                    let level = level::fit(&events, &basis, &found.masked, Some(&found.level));
                    Ok(highest(&self.statistics(&events, &level::at(&level, &basis))))
                })
                .collect::<Result<_>>()?;
            drawn.extend(batch);
        }
        drawn.sort_by(f64::total_cmp);
        found.threshold = drawn[drawn.len() - allowed];
        let p_value = |z: f64| {
            let higher = drawn.len() - drawn.partition_point(|&height| height < z);
            (1 + higher) as f64 / (REPLICATES + 1) as f64
        };
        // Peaks lift the level they are measured against; without their weeks it comes down and shows further ones.
        let mut z = first.clone();
        for _ in 0..3 {
            let weeks = peaks_of(&z, found.threshold);
            // The replicates had no weeks left out, so a peak seen with all weeks in has its p-value from there.
            let at_first = |week: usize| first[0][week].max(first[1][week]);
            let height = |(week, z): (usize, f64)| {
                if at_first(week) >= found.threshold { at_first(week) } else { z }
            };
            found.peaks = weeks.iter().map(|&peak| (peak.0, p_value(height(peak)))).collect();
            let mut masked = vec![false; self.events.len()];
            for &(week, _) in &weeks {
                masked[week.saturating_sub(MASK)..(week + MASK + 1).min(self.events.len())].fill(true);
            }
            if masked == found.masked {
                break;
            }
            found.level = level::fit(&self.events, basis, &masked, Some(&found.level));
            found.mean = level::at(&found.level, basis);
            found.masked = masked;
            z = self.statistics(&self.events, &found.mean);
        }
        Ok(found)
    }

    /// For each bandwidth and week the smoothed difference of events and expectation in units of its standard deviation.
    fn statistics(&self, events: &[f64], mean: &[f64]) -> [Vec<f64>; 2] {
        [&self.kernels[0], &self.kernels[1]].map(|kernel| {
            (0..events.len())
                .map(|week| {
                    let (mut difference, mut variance) = (0.0, 0.0);
                    for (near, w) in around(week, kernel, events.len()) {
                        difference += w * (events[near] - mean[near]);
                        variance += w * w * mean[near];
                    }
                    if self.judged[week] && variance > 0.0 {
                        difference / variance.sqrt()
                    } else {
                        f64::NEG_INFINITY
                    }
                })
                .collect()
        })
    }

    /// Draws the customers anew, in strata, and keeps the peaks that most draws confirm, with interval, excess and rate ratio.
    fn resample(&self, test: &Test, strata_basis: &[f64], kind: Kind) -> Result<Vec<Peak>> {
        if test.peaks.is_empty() {
            return Ok(Vec::new());
        }
        let weeks = self.events.len();
        let draws: Vec<Vec<(usize, f64)>> = (0..RESAMPLES)
            .into_par_iter()
            .map(|number| {
                self.control.check()?;
                let mut random = Random::new(self.seed, 3, number);
                let (mut drawn, mut basis) = (vec![0.0; weeks], vec![0.0; weeks]);
                for stratum in 0..STRATA {
                    let times = random.poisson(1.0);
                    for week in 0..weeks {
                        let place = stratum * weeks + week;
                        drawn[week] += times * self.calendar.strata_events[place] as f64;
                        basis[week] += times * strata_basis[place];
                    }
                }
                let level = level::fit(&drawn, &basis, &test.masked, Some(&test.level));
                let z = self.statistics(&drawn, &level::at(&level, &basis));
                Ok(test.peaks.iter().map(|&(week, _)| highest_near(&z, week, test.threshold)).collect())
            })
            .collect::<Result<_>>()?;
        let peaks = test.peaks.iter().enumerate().filter_map(|(number, &(week, p_value))| {
            let mut places: Vec<usize> = draws.iter().map(|draw| draw[number].0).collect();
            places.sort_unstable();
            let quantile =
                |share: f64| places[((places.len() - 1) as f64 * share).round() as usize] as u32 + 1;
            let again = |draw: &&Vec<(usize, f64)>| {
                draw[number].1 >= test.threshold && draw[number].0.abs_diff(week) <= NEAR
            };
            let stability = draws.iter().filter(again).count() as f64 / RESAMPLES as f64;
            let span = week.saturating_sub(NEAR)..(week + NEAR + 1).min(weeks);
            let sum = |values: &[f64]| values[span.clone()].iter().sum::<f64>();
            (stability >= STABLE).then(|| Peak {
                week: Some(week as u32 + 1),
                low: quantile(0.025),
                high: quantile(0.975),
                excess: Some(sum(&self.events) - sum(&test.mean)),
                rate_ratio: Some(sum(&self.events) / sum(&test.mean)),
                p_value: Some(p_value),
                stability: Some(stability),
                kind,
            })
        });
        Ok(peaks.collect())
    }
}

/// The highest value of all weeks and bandwidths.
fn highest(z: &[Vec<f64>; 2]) -> f64 {
    z.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Weights by distance in weeks.
fn kernel(bandwidth: f64) -> Vec<f64> {
    let reach = (3.0 * bandwidth).ceil() as u32;
    (0..=reach).map(|distance| (-0.5 * (f64::from(distance) / bandwidth).powi(2)).exp()).collect()
}

/// The weeks near one, with their weights.
fn around(week: usize, kernel: &[f64], weeks: usize) -> impl Iterator<Item = (usize, f64)> {
    let reach = kernel.len() - 1;
    (week.saturating_sub(reach)..(week + reach + 1).min(weeks))
        .map(move |near| (near, kernel[near.abs_diff(week)]))
}

/// Weeks that stand out and above the threshold, sharp ones first, broad ones where no sharp one is near; with their statistic.
fn peaks_of([sharp, broad]: &[Vec<f64>; 2], threshold: f64) -> Vec<(usize, f64)> {
    let mut weeks = summits(sharp, threshold);
    let reach = 2 * BANDWIDTHS[1] as usize;
    for (week, z) in summits(broad, threshold) {
        if weeks.iter().all(|&(other, _)| other.abs_diff(week) > reach) {
            weeks.push((week, z));
        }
    }
    weeks.sort_unstable_by_key(|&(week, _)| week);
    weeks
}

/// Local maxima above the threshold from which one must go down far enough before one can go up higher. The first and the last
/// week judged are none: nobody knows what is beyond.
fn summits(z: &[f64], threshold: f64) -> Vec<(usize, f64)> {
    let descends = |week: usize, others: &mut dyn Iterator<Item = usize>| {
        let mut lowest = z[week];
        for other in others {
            if z[other] > z[week] {
                return z[week] - lowest >= PROMINENCE;
            }
            lowest = lowest.min(z[other]);
        }
        true
    };
    (1..z.len().saturating_sub(1))
        .filter(|&week| z[week] >= threshold && z[week - 1].is_finite() && z[week + 1].is_finite())
        .filter(|&week| z[week] > z[week - 1] && z[week] >= z[week + 1])
        .filter(|&week| descends(week, &mut (0..week).rev()) && descends(week, &mut (week + 1..z.len())))
        .map(|week| (week, z[week]))
        .collect()
}

/// The highest sharp statistic near a week, or the highest broad one if no sharp one passes the threshold.
fn highest_near([sharp, broad]: &[Vec<f64>; 2], week: usize, threshold: f64) -> (usize, f64) {
    let near = week.saturating_sub(MASK)..(week + MASK + 1).min(sharp.len());
    let highest =
        |z: &[f64]| near.clone().map(|w| (w, z[w])).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((week, 0.0));
    let best = highest(sharp);
    if best.1 >= threshold { best } else { highest(broad) }
}
