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
/// Resamples of the customers.
const RESAMPLES: u64 = 200;
/// The chance of a false peak anywhere on the horizon.
const LEVEL: f64 = 0.05;
/// Share of the resamples that must find the peak again.
const STABLE: f64 = 0.8;
/// A resample finds a peak again when it has one at most so many weeks away.
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
    /// Customers beyond expectation, over the weeks of the peak.
    pub excess: Option<f64>,
    /// Events over expected events in the same weeks.
    pub rate_ratio: Option<f64>,
    /// The chance of such a peak anywhere on the horizon without a law.
    pub p_value: Option<f64>,
    /// Share of the resamples of the customers that find the peak within two weeks.
    pub stability: Option<f64>,
    /// What it is.
    pub kind: Kind,
}

/// What one test leaves behind for the resamples.
struct Test {
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
    control.expect(2 * REPLICATES);
    let events: Vec<f64> = table.events.iter().map(|&n| n as f64).collect();
    let purchases: Vec<f64> = calendar.purchases.iter().map(|&n| n as f64).collect();
    let seasonal = calendar.expected(&calendar.rates(&purchases));
    let days: Vec<f64> = calendar.expected(&vec![1.0; calendar.calendar_weeks]);
    let judged = judged(&events, &seasonal, calendar.history_days);

    // Against the season; a replicate draws the season anew, too, because it is known from so many purchases only.
    let law = test(&events, &seasonal, &judged, control, |number| {
        let mut random = Random::new(seed, 1, number);
        let drawn: Vec<f64> = purchases.iter().map(|&mean| random.poisson(mean)).collect();
        (random, calendar.expected(&calendar.rates(&drawn)))
    })?;
    // Against people and days alone: what peaks here and not above is the season's.
    let flat = test(&events, &days, &judged, control, |number| (Random::new(seed, 2, number), days.clone()))?;

    let mut peaks = Vec::new();
    for (test, basis, kind) in [(&law, &calendar.strata_expected, Kind::SincePurchase)] {
        peaks.extend(resample(test, &events, &judged, calendar, basis, kind, seed, control)?);
    }
    let strata_days: Vec<f64> = calendar.strata_days.iter().map(|&days| days as f64).collect();
    let season = resample(&flat, &events, &judged, calendar, &strata_days, Kind::Calendar, seed, control)?;
    let explained = |week: u32| law.mean[week as usize - 1] > flat.mean[week as usize - 1];
    let known: Vec<u32> = law.peaks.iter().map(|&(week, _)| week as u32 + 1).collect();
    peaks.extend(season.into_iter().filter(|peak| {
        peak.week.is_some_and(|week| {
            explained(week) && known.iter().all(|other| other.abs_diff(week) > MASK as u32)
        })
    }));
    peaks.extend(unjudged(&judged));
    peaks.sort_by_key(|peak| (peak.week.unwrap_or(peak.low), peak.low));
    Ok((law.mean, peaks))
}

/// Which weeks have enough expected events near them and lie in the first half of the history.
fn judged(events: &[f64], basis: &[f64], history_days: u32) -> Vec<bool> {
    let mean = level::fit(events, basis, &vec![false; events.len()]);
    (0..events.len())
        .map(|week| {
            let (total, weight) = kernel(week, BANDWIDTHS[0], events.len())
                .fold((0.0, 0.0), |(total, weight), (near, w)| (total + w * mean[near], weight + w));
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

/// Finds the weeks that rise above the threshold of the replicates. `replicate` gives the basis of one and its numbers.
fn test(
    events: &[f64],
    basis: &[f64],
    judged: &[bool],
    control: &Control,
    replicate: impl Fn(u64) -> (Random, Vec<f64>) + Sync,
) -> Result<Test> {
    let none = vec![false; events.len()];
    let mut found = Test {
        mean: level::fit(events, basis, &none),
        masked: none,
        threshold: f64::INFINITY,
        peaks: vec![],
    };
    if !judged.contains(&true) {
        return Ok(found);
    }
    let mut highest: Vec<f64> = (0..REPLICATES)
        .into_par_iter()
        .map(|number| {
            control.check()?;
            let (mut random, basis) = replicate(number);
            let drawn: Vec<f64> = found.mean.iter().map(|&mean| random.poisson(mean)).collect();
            let mean = level::fit(&drawn, &basis, &found.masked);
            control.advance(1);
            Ok(statistics(&drawn, &mean, judged).concat().into_iter().fold(f64::NEG_INFINITY, f64::max))
        })
        .collect::<Result<_>>()?;
    highest.sort_by(f64::total_cmp);
    found.threshold = highest[((1.0 - LEVEL) * (REPLICATES + 1) as f64) as usize - 1];
    // Peaks lift the level they are measured against; without their weeks it comes down and shows the others.
    for _ in 0..3 {
        let weeks = peaks_of(&statistics(events, &found.mean, judged), found.threshold);
        let mut masked = vec![false; events.len()];
        for &(week, _) in &weeks {
            masked[week.saturating_sub(MASK)..(week + MASK + 1).min(events.len())].fill(true);
        }
        let p_value = |z: f64| {
            let higher = highest.len() - highest.partition_point(|&height| height < z);
            (1 + higher) as f64 / (REPLICATES + 1) as f64
        };
        found.peaks = weeks.iter().map(|&(week, z)| (week, p_value(z))).collect();
        if masked == found.masked {
            break;
        }
        found.mean = level::fit(events, basis, &masked);
        found.masked = masked;
    }
    Ok(found)
}

/// For each bandwidth and week the smoothed difference of events and expectation in units of its standard deviation.
fn statistics(events: &[f64], mean: &[f64], judged: &[bool]) -> [Vec<f64>; 2] {
    BANDWIDTHS.map(|bandwidth| {
        (0..events.len())
            .map(|week| {
                let (difference, variance) = kernel(week, bandwidth, events.len()).fold(
                    (0.0, 0.0),
                    |(difference, variance), (near, w)| {
                        (difference + w * (events[near] - mean[near]), variance + w * w * mean[near])
                    },
                );
                if judged[week] && variance > 0.0 { difference / variance.sqrt() } else { f64::NEG_INFINITY }
            })
            .collect()
    })
}

/// The weeks near one, with their weights.
fn kernel(week: usize, bandwidth: f64, weeks: usize) -> impl Iterator<Item = (usize, f64)> {
    let reach = (3.0 * bandwidth).ceil() as usize;
    (week.saturating_sub(reach)..(week + reach + 1).min(weeks)).map(move |near| {
        let distance = near.abs_diff(week) as f64 / bandwidth;
        (near, (-0.5 * distance * distance).exp())
    })
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

/// Draws the customers anew, in strata, and keeps the peaks that most draws confirm, with interval, excess and rate ratio.
fn resample(
    test: &Test,
    events: &[f64],
    judged: &[bool],
    calendar: &Calendar,
    strata_basis: &[f64],
    kind: Kind,
    seed: u64,
    control: &Control,
) -> Result<Vec<Peak>> {
    if test.peaks.is_empty() {
        return Ok(Vec::new());
    }
    let weeks = events.len();
    let draws: Vec<Vec<(usize, f64)>> = (0..RESAMPLES)
        .into_par_iter()
        .map(|number| {
            control.check()?;
            let mut random = Random::new(seed, 3, number);
            let (mut drawn, mut basis) = (vec![0.0; weeks], vec![0.0; weeks]);
            for stratum in 0..STRATA {
                let times = random.poisson(1.0);
                for week in 0..weeks {
                    let place = stratum * weeks + week;
                    drawn[week] += times * calendar.strata_events[place] as f64;
                    basis[week] += times * strata_basis[place];
                }
            }
            let mean = level::fit(&drawn, &basis, &test.masked);
            let z = statistics(&drawn, &mean, judged);
            // The highest point near each peak, sharp or broad, as far as it passes the threshold.
            Ok(test.peaks.iter().map(|&(week, _)| highest_near(&z, week, test.threshold)).collect())
        })
        .collect::<Result<_>>()?;
    let mut peaks = Vec::new();
    for (number, &(week, p_value)) in test.peaks.iter().enumerate() {
        let again = |draw: &Vec<(usize, f64)>| {
            draw[number].1 >= test.threshold && draw[number].0.abs_diff(week) <= NEAR
        };
        let stability = draws.iter().filter(|draw| again(draw)).count() as f64 / RESAMPLES as f64;
        if stability < STABLE {
            continue;
        }
        let mut places: Vec<usize> = draws.iter().map(|draw| draw[number].0).collect();
        places.sort_unstable();
        let quantile = |share: f64| places[((places.len() - 1) as f64 * share).round() as usize] as u32 + 1;
        let span = week.saturating_sub(MASK)..(week + MASK + 1).min(weeks);
        let sum = |values: &[f64]| values[span.clone()].iter().sum::<f64>();
        peaks.push(Peak {
            week: Some(week as u32 + 1),
            low: quantile(0.025),
            high: quantile(0.975),
            excess: Some(sum(events) - sum(&test.mean)),
            rate_ratio: Some(sum(events) / sum(&test.mean)),
            p_value: Some(p_value),
            stability: Some(stability),
            kind,
        });
    }
    Ok(peaks)
}

/// The highest sharp statistic near a week, or the highest broad one if no sharp one passes the threshold.
fn highest_near([sharp, broad]: &[Vec<f64>; 2], week: usize, threshold: f64) -> (usize, f64) {
    let near = week.saturating_sub(MASK)..(week + MASK + 1).min(sharp.len());
    let highest =
        |z: &[f64]| near.clone().map(|w| (w, z[w])).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((week, 0.0));
    let best = highest(sharp);
    if best.1 >= threshold { best } else { highest(broad) }
}
