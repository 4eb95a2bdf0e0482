//! Random numbers that are the same everywhere: each replicate has a stream of its own, made from the seed and its number.

use super::lanes::Column;

/// Above this mean a Poisson number is drawn as a rounded normal one; their distributions differ by about 1 % there.
const LARGE: f64 = 700.0;

/// Stirs all bits of a number (the finaliser of `SplitMix64`).
pub(super) fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The generator `SplitMix64`.
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64, purpose: u64, number: u64) -> Self {
        Self(mix(mix(mix(seed) ^ purpose) ^ number))
    }

    /// A rounded normal number with the mean and the variance of a Poisson number.
    fn normal(&mut self, mean: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        (mean + mean.sqrt() * radius * (std::f64::consts::TAU * self.uniform()).cos()).round().max(0.0)
    }

    /// A number from 0 up to below 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (mix(self.0) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Poisson distributions, made ready to be drawn from many times.
pub(super) struct Poisson {
    means: Vec<f64>,
    /// Where the steps and the guides of each begin.
    starts: Vec<(u32, u32)>,
    /// The distribution function at 0, 1, 2, ..., one after the other.
    steps: Vec<f64>,
    /// For each equal part of the unit interval the first step that can be beyond its lower end.
    guides: Vec<u32>,
}

impl Poisson {
    pub fn new(means: &[f64]) -> Self {
        let (mut starts, mut steps, mut guides) = (Vec::with_capacity(means.len()), Vec::new(), Vec::new());
        for &mean in means {
            starts.push((steps.len() as u32, guides.len() as u32));
            if mean > LARGE {
                continue;
            }
            let most = (mean + 9.0 * mean.sqrt() + 12.0).ceil();
            let (mut term, mut sum, first) = ((-mean).exp(), 0.0, steps.len());
            for count in 0..most as u32 {
                sum += term;
                steps.push(sum);
                term *= mean / f64::from(count + 1);
            }
            if let Some(last) = steps.last_mut() {
                *last = 1.0;
            }
            let parts = steps.len() - first;
            let mut at = first;
            for part in 0..parts {
                while steps[at] <= part as f64 / parts as f64 {
                    at += 1;
                }
                guides.push(at as u32);
            }
        }
        starts.push((steps.len() as u32, guides.len() as u32));
        Self { means: means.to_vec(), starts, steps, guides }
    }

    /// A number from each of the distributions, for each of several streams.
    pub fn draw<const N: usize>(&self, streams: &mut [Random; N]) -> Column<N> {
        let one = |(window, &mean): (&[(u32, u32)], &f64)| {
            let (first, guide) = window[0];
            let parts = window[1].1 - guide;
            let mut drawn = [0.0; N];
            for (drawn, random) in drawn.iter_mut().zip(streams.iter_mut()) {
                *drawn = if parts == 0 {
                    random.normal(mean)
                } else {
                    self.count(first, guide, parts, random.uniform())
                };
            }
            drawn
        };
        self.starts.windows(2).zip(&self.means).map(one).collect()
    }

    /// How many steps of the distribution that begins at `first` are not beyond a number.
    fn count(&self, first: u32, guide: u32, parts: u32, number: f64) -> f64 {
        let mut at = self.guides[(guide + (number * f64::from(parts)) as u32) as usize];
        while self.steps[at as usize] <= number {
            at += 1;
        }
        f64::from(at - first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_numbers_have_mean_and_variance() {
        let means = [0.0, 0.3, 1.0, 7.5, 120.0, 699.0, 5000.0];
        let poisson = Poisson::new(&means);
        let mut streams = [3, 4].map(|number| Random::new(1, 2, number));
        let pairs: Vec<Column<2>> = (0..10_000).map(|_| poisson.draw(&mut streams)).collect();
        let lane = |pair: &[[f64; 2]], lane: usize| pair.iter().map(|both| both[lane]).collect::<Vec<f64>>();
        let draws: Vec<Vec<f64>> = pairs.iter().flat_map(|pair| [lane(pair, 0), lane(pair, 1)]).collect();
        for (which, &mean) in means.iter().enumerate() {
            let n = draws.len() as f64;
            let average = draws.iter().map(|draw| draw[which]).sum::<f64>() / n;
            let variance = draws.iter().map(|draw| (draw[which] - average).powi(2)).sum::<f64>() / n;
            assert!((average - mean).abs() <= 5.0 * (mean / n).sqrt(), "{mean}: {average}");
            assert!((variance - mean).abs() <= 0.06 * mean, "{mean}: {variance}");
        }
        let none = draws.iter().filter(|draw| draw[1] < 0.5).count() as f64 / draws.len() as f64;
        assert!((none - (-0.3f64).exp()).abs() < 0.02);
    }
}
