//! Peaks: weeks where more is bought than level and calendar explain, by more than chance makes anywhere on the horizon.

use super::calendar::{Calendar, STRATA};
use super::lanes::{Column, LANES, Lanes, alone};
use super::level::Level;
use super::random::{Poisson, Random};
use super::table::LifeTable;
use crate::control::Control;
use crate::error::Result;

/// Bandwidths of the smoothing, in weeks: for sharp peaks and for broad ones.
const BANDWIDTHS: [f64; 2] = [1.25, 3.0];
/// Replicates without any peak, from which the threshold comes, where the season is taken out and where it is not. The p-value
/// of the former goes on to the correction for many questions and has to be known far out; the latter only names what the
/// season does.
const REPLICATES: [usize; 2] = [199, 99];
/// A test is over when a peak would need luck rarer than this.
const SETTLED: f64 = 1e-3;
/// Resamples of the customers.
const RESAMPLES: usize = 25 * LANES;
/// The chance of a false peak anywhere on the horizon.
const LEVEL: f64 = 0.05;
/// Share of the resamples that must find the peak again.
const STABLE: f64 = 0.8;
/// A peak is so many weeks wide on each side: there a resample must find it again, and there the excess is counted.
const NEAR: usize = 2;
/// What is left out of the excess on each side for the window of a peak.
const MARGIN: f64 = 0.1;
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
    /// First and last week of the window that holds the middle 80 % of the excess; the span again without enough data.
    pub window: (u32, u32),
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

/// What is the same for all questions of one call.
pub(super) struct Plan {
    /// Weights by distance in weeks for each bandwidth, and their squares.
    kernels: [Vec<f64>; 2],
    squares: [Vec<f64>; 2],
    seed: u64,
    /// How many replicates must surpass what was observed for the matter to be settled, batch by batch, for each test.
    settled: [Vec<usize>; 2],
    /// How often each stratum of customers is drawn, for several resamples at once.
    resamples: Vec<Column<LANES>>,
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        let once = Poisson::new(&[1.0; STRATA]);
        let draw = |number| once.draw(&mut streams(seed, 3, number));
        let kernels = BANDWIDTHS.map(kernel);
        let squares =
            [&kernels[0], &kernels[1]].map(|kernel| kernel.iter().map(|weight| weight * weight).collect());
        let settled =
            REPLICATES.map(|all| (0..=all).step_by(LANES).map(|drawn| settled(drawn, all)).collect());
        let resamples = (0..RESAMPLES as u64).step_by(LANES).map(draw).collect();
        Self { kernels, squares, seed, settled, resamples }
    }
}

/// The random numbers of several replicates, the first of them of the given number.
fn streams(seed: u64, purpose: u64, number: u64) -> [Random; LANES] {
    std::array::from_fn(|lane| Random::new(seed, purpose, number + lane as u64))
}

/// What is the same for both tests of a question.
struct Search<'a> {
    plan: &'a Plan,
    events: Column<1>,
    /// Weeks with data enough to be judged.
    judged: Vec<bool>,
    control: &'a Control,
}

/// What one test leaves behind for the resamples.
struct Test {
    level: Level,
    threshold: f64,
    /// The chance of the highest value anywhere on the horizon, if any week could be judged.
    p_value: Option<f64>,
    /// Week (from 0) and p-value of each peak.
    peaks: Vec<(usize, f64)>,
}

/// What is found out about the weeks.
pub(super) struct Found {
    /// Expected events by week, at the level of the customers.
    pub expected: Vec<f64>,
    /// Peaks and spans that cannot be judged, by week.
    pub peaks: Vec<Peak>,
    /// The chance of the highest rise since the antecedent anywhere on the horizon.
    pub p_value: Option<f64>,
}

/// Tests a life table for peaks.
pub(super) fn find(
    plan: &Plan,
    table: &LifeTable,
    calendar: &Calendar<'_>,
    control: &Control,
) -> Result<Found> {
    let events: Column<1> = table.events.iter().map(|&n| [n as f64]).collect();
    let purchases: Vec<f64> = calendar.purchases.iter().map(|&n| n as f64).collect();
    let rates = calendar.rates(&alone(&purchases));
    // With the season, and for people and days alone.
    let bases = calendar.expected(&rates.iter().map(|&[rate]| [rate, 1.0]).collect::<Vec<_>>());
    let [seasonal, days]: [Column<1>; 2] =
        [0, 1].map(|basis| bases.iter().map(|both| [both[basis]]).collect());
    let nothing_masked = vec![false; events.len()];
    let level = Level::fit(&events, &seasonal, nothing_masked.clone());
    let judged = judged(&level.mean, &plan.kernels[0], calendar.span.history_days);
    let search = Search { plan, events, judged, control };

    // Against the season; a replicate draws the season anew, too, because it is known from so many purchases only.
    let sales = Poisson::new(&purchases);
    let law = search.test(0, level, &seasonal, |number| {
        let mut random = streams(plan.seed, 1, number);
        let basis = calendar.expected(&calendar.rates(&sales.draw(&mut random)));
        (random, basis)
    })?;
    // Against people and days alone: what peaks here and not above is the season's.
    let level = Level::fit(&search.events, &days, nothing_masked);
    let steady: Column<LANES> = days.iter().map(|&[days]| [days; LANES]).collect();
    let mut flat = search.test(1, level, &days, |number| (streams(plan.seed, 2, number), steady.clone()))?;
    let explained = |week: usize| law.level.mean[week][0] > flat.level.mean[week][0];
    let new = |week: usize| law.peaks.iter().all(|&(known, _)| known.abs_diff(week) > MASK);
    flat.peaks.retain(|&(week, _)| explained(week) && new(week));

    let mut peaks = Vec::new();
    if !law.peaks.is_empty() || !flat.peaks.is_empty() {
        let [days, expected, bought] = calendar.strata(&rates);
        peaks.extend(search.resample(&law, &bought, &expected, Kind::SincePurchase)?);
        peaks.extend(search.resample(&flat, &bought, &days, Kind::Calendar)?);
    }
    peaks.extend(unjudged(&search.judged));
    peaks.sort_by_key(|peak| (peak.week.unwrap_or(peak.low), peak.low));
    let expected = law.level.mean.iter().map(|&[mean]| mean).collect();
    Ok(Found { expected, peaks, p_value: law.p_value })
}

/// Which weeks have enough expected events near them and lie in the first half of the history, or so little beyond it that a
/// peak at its end has neighbours.
fn judged(expected: &Lanes<1>, kernel: &[f64], history_days: u32) -> Vec<bool> {
    let (total, weight) = (smoothed(expected, kernel), smoothed(&vec![[1.0]; expected.len()], kernel));
    (0..expected.len())
        .map(|week| {
            total[week][0] >= ENOUGH * weight[week][0]
                && 14 * (week + 1).saturating_sub(NEAR) as u32 <= history_days
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
            window: (span[0] as u32 + 1, span[span.len() - 1] as u32 + 1),
            excess: None,
            rate_ratio: None,
            p_value: None,
            stability: None,
            kind: Kind::NotEnoughData,
        })
        .collect()
}

impl Search<'_> {
    /// Finds the weeks that rise above the threshold. `which` test tells how many replicates there are, `level` is the one
    /// fitted to the events over their basis; `replicate` gives the bases of a batch of replicates, and their random numbers.
    fn test(
        &self,
        which: usize,
        level: Level,
        basis: &Lanes<1>,
        replicate: impl Fn(u64) -> ([Random; LANES], Column<LANES>),
    ) -> Result<Test> {
        let first = self.statistics(&self.events, &level.mean);
        let mut found = Test { level, threshold: f64::INFINITY, p_value: None, peaks: vec![] };
        let [observed] = highest(&first);
        if !observed.is_finite() {
            return Ok(found);
        }
        let noise = Poisson::new(&found.level.mean.iter().map(|&[mean]| mean).collect::<Vec<_>>());
        let mut drawn = Vec::with_capacity(REPLICATES[which] + LANES);
        for &enough in &self.plan.settled[which] {
            self.control.check()?;
            let higher = drawn.iter().filter(|&&height| height > observed).count();
            if higher >= enough {
                found.p_value = Some((1 + higher) as f64 / (1 + drawn.len()) as f64);
                return Ok(found);
            }
            let (mut random, basis) = replicate(drawn.len() as u64);
            let events = noise.draw(&mut random);
            drawn.extend(highest(&self.statistics(&events, &found.level.refit(&events, &basis))));
        }
        drawn.truncate(REPLICATES[which]);
        drawn.sort_by(f64::total_cmp);
        found.threshold = drawn[drawn.len() - allowed(drawn.len())];
        let tail = Tail::new(&drawn);
        found.p_value = Some(tail.beyond(observed));
        // Peaks lift the level they are measured against; without their weeks it comes down and shows further ones.
        let first: [Vec<f64>; 2] = lane(&first, 0);
        let mut z = first.clone();
        for _ in 0..3 {
            let weeks = peaks_of(&z, found.threshold);
            // The replicates had no weeks left out, so a peak seen with all weeks in has its p-value from there.
            let at_first = |week: usize| first[0][week].max(first[1][week]);
            let height = |(week, z): (usize, f64)| {
                if at_first(week) >= found.threshold { at_first(week) } else { z }
            };
            found.peaks = weeks.iter().map(|&peak| (peak.0, tail.beyond(height(peak)))).collect();
            let mut masked = vec![false; self.events.len()];
            for &(week, _) in &weeks {
                masked[week.saturating_sub(MASK)..(week + MASK + 1).min(self.events.len())].fill(true);
            }
            if masked == found.level.masked {
                break;
            }
            found.level = Level::fit(&self.events, basis, masked);
            z = lane(&self.statistics(&self.events, &found.level.mean), 0);
        }
        Ok(found)
    }

    /// For each bandwidth and week the smoothed difference of events and expectation in units of its standard deviation.
    fn statistics<const N: usize>(&self, events: &Lanes<N>, mean: &Lanes<N>) -> [Column<N>; 2] {
        let less = |(events, mean): (&[f64; N], &[f64; N])| {
            let mut difference = *events;
            for (difference, mean) in difference.iter_mut().zip(mean) {
                *difference -= mean;
            }
            difference
        };
        let difference: Column<N> = events.iter().zip(mean).map(less).collect();
        [0, 1].map(|bandwidth| {
            let mut z = smoothed(&difference, &self.plan.kernels[bandwidth]);
            let variance = smoothed(mean, &self.plan.squares[bandwidth]);
            for ((z, variance), judged) in z.iter_mut().zip(&variance).zip(&self.judged) {
                for (z, variance) in z.iter_mut().zip(variance) {
                    *z = if *judged && *variance > 0.0 { *z / variance.sqrt() } else { f64::NEG_INFINITY };
                }
            }
            z
        })
    }

    /// Draws the customers anew, in strata, and keeps the peaks that most draws confirm, with what is to be told of them.
    fn resample(&self, test: &Test, bought: &[f64], basis: &[f64], kind: Kind) -> Result<Vec<Peak>> {
        if test.peaks.is_empty() {
            return Ok(Vec::new());
        }
        let weeks = self.events.len();
        let mut draws: Vec<Vec<(usize, f64)>> = Vec::with_capacity(RESAMPLES);
        for times in &self.plan.resamples {
            self.control.check()?;
            let (drawn, expected) = (redrawn(bought, times), redrawn(basis, times));
            let z = self.statistics(&drawn, &test.level.refit(&drawn, &expected));
            for one in 0..LANES {
                let z = lane(&z, one);
                let near = |&(week, _): &(usize, f64)| highest_near(&z, week, test.threshold);
                draws.push(test.peaks.iter().map(near).collect());
            }
        }
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
            let sum = |values: &Lanes<1>| values[span.clone()].iter().flatten().sum::<f64>();
            (stability >= STABLE).then(|| Peak {
                week: Some(week as u32 + 1),
                low: quantile(0.025),
                high: quantile(0.975),
                window: window(
                    span.clone().map(|week| (week, self.events[week][0] - test.level.mean[week][0])),
                    week,
                ),
                excess: Some(sum(&self.events) - sum(&test.level.mean)),
                rate_ratio: Some(sum(&self.events) / sum(&test.level.mean)),
                p_value: Some(p_value),
                stability: Some(stability),
                kind,
            })
        });
        Ok(peaks.collect())
    }
}

/// The threshold is exceeded by one less than so many of the replicates.
fn allowed(replicates: usize) -> usize {
    (LEVEL * (replicates + 1) as f64) as usize
}

/// How many of the first of `all` replicates must surpass what was observed to end the test without a peak: as many as the threshold
/// allows, or so many that a value above the threshold would have met them with a chance below [`SETTLED`]. Besag and
/// Clifford (1991) stop at the former alone.
fn settled(drawn: usize, all: usize) -> usize {
    let mut term = (1.0 - LEVEL).powi(drawn as i32);
    let (mut beyond, mut count) = (1.0, 0);
    while beyond > SETTLED && count < allowed(all) {
        beyond -= term;
        term *= LEVEL / (1.0 - LEVEL) * (drawn as f64 - count as f64) / (count as f64 + 1.0);
        count += 1;
    }
    count
}

/// The weeks, counted from 1, that hold the middle 80 % of what is above expectation, and the peak itself.
fn window(excess: impl Iterator<Item = (usize, f64)> + Clone, peak: usize) -> (u32, u32) {
    let total: f64 = excess.clone().map(|(_, more)| more.max(0.0)).sum();
    let (mut sum, mut low, mut high) = (0.0, peak, peak);
    for (week, more) in excess {
        let more = more.max(0.0);
        if more > 0.0 && sum + more > MARGIN * total && sum < (1.0 - MARGIN) * total {
            (low, high) = (low.min(week), high.max(week));
        }
        sum += more;
    }
    (low as u32 + 1, high as u32 + 1)
}

/// How likely values beyond the largest of a few hundred replicates are.
///
/// Half the square of the largest of many standardised values has a tail close to Gumbel's, whose two numbers are taken from
/// the mean and the variance of the replicates, as Abrams, Kulldorff and Kleinman (2010) do for scan statistics.
struct Tail {
    place: f64,
    scale: f64,
}

impl Tail {
    fn new(drawn: &[f64]) -> Self {
        let n = drawn.len() as f64;
        let mean = drawn.iter().map(|&z| half_square(z)).sum::<f64>() / n;
        let variance = drawn.iter().map(|&z| (half_square(z) - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let scale = (6.0 * variance).sqrt() / std::f64::consts::PI;
        Self { place: mean - EULER * scale, scale }
    }

    /// The chance of a value of at least `z`; never more than the level, which the replicates themselves have judged.
    fn beyond(&self, z: f64) -> f64 {
        let height = (half_square(z) - self.place) / self.scale.max(f64::MIN_POSITIVE);
        (-(-(-height).exp()).exp_m1()).min(LEVEL)
    }
}

/// Euler's constant: the mean of Gumbel's distribution in units of its scale.
const EULER: f64 = 0.577_215_664_901_532_9;

fn half_square(z: f64) -> f64 {
    0.5 * z * z.abs()
}

/// The highest values of all weeks and bandwidths.
fn highest<const N: usize>(z: &[Column<N>; 2]) -> [f64; N] {
    let mut highest = [f64::NEG_INFINITY; N];
    for week in z.iter().flatten() {
        for (highest, z) in highest.iter_mut().zip(week) {
            *highest = highest.max(*z);
        }
    }
    highest
}

/// One of the replicates.
fn lane<const N: usize>(z: &[Column<N>; 2], lane: usize) -> [Vec<f64>; 2] {
    [0, 1].map(|bandwidth| z[bandwidth].iter().map(|week| week[lane]).collect())
}

/// The sums by week over the strata, each as many times as it was drawn.
fn redrawn(by_week: &[f64], times: &Lanes<LANES>) -> Column<LANES> {
    let sum = |strata: &[f64]| {
        let mut sums = [0.0; LANES];
        // Most strata have no event in a week.
        for (value, times) in strata.iter().zip(times).filter(|(value, _)| **value != 0.0) {
            for (sum, times) in sums.iter_mut().zip(times) {
                *sum += times * value;
            }
        }
        sums
    };
    by_week.chunks(STRATA).map(sum).collect()
}

/// Weights by distance in weeks.
fn kernel(bandwidth: f64) -> Vec<f64> {
    let reach = (3.0 * bandwidth).ceil() as u32;
    (0..=reach).map(|distance| (-0.5 * (f64::from(distance) / bandwidth).powi(2)).exp()).collect()
}

/// The sums of the values near each week, by their weights.
fn smoothed<const N: usize>(values: &Lanes<N>, kernel: &[f64]) -> Column<N> {
    let mut sums = values.to_vec();
    for (distance, weight) in kernel.iter().enumerate().skip(1).take_while(|(far, _)| *far < values.len()) {
        let near = sums.len() - distance;
        for (sum, value) in sums[distance..].iter_mut().zip(&values[..near]) {
            for (sum, value) in sum.iter_mut().zip(value) {
                *sum += weight * value;
            }
        }
        for (sum, value) in sums[..near].iter_mut().zip(&values[distance..]) {
            for (sum, value) in sum.iter_mut().zip(value) {
                *sum += weight * value;
            }
        }
    }
    sums
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
