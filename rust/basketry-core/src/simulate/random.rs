//! Random numbers that depend on nothing but (root seed, component, number).
//!
//! The generator is `xoshiro256++` (Blackman and Vigna 2019), seeded through `SplitMix64`. Every component of a world draws from
//! its own streams, one for each customer, so that neither threads, nor chunks, nor another component can change a draw.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of `SplitMix64`: every bit of the input reaches every bit of the output.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One component's family of streams.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams(u64);

impl Streams {
    /// The family of `component` under `root`; the name is folded in by FNV-1a.
    pub(super) const fn new(root: u64, component: &str) -> Self {
        let name = component.as_bytes();
        let mut hash = 0xCBF2_9CE4_8422_2325;
        let mut at = 0;
        while at < name.len() {
            hash = (hash ^ name[at] as u64).wrapping_mul(0x0100_0000_01B3);
            at += 1;
        }
        Self(mix(mix(root.wrapping_add(GOLDEN)) ^ hash))
    }

    /// The stream with this number.
    pub(super) const fn of(self, number: u64) -> Random {
        let start = mix(self.0 ^ mix(number.wrapping_add(GOLDEN)));
        let mut state = [0; 4];
        let mut at = 0;
        while at < 4 {
            state[at] = mix(start.wrapping_add(GOLDEN.wrapping_mul(at as u64 + 1)));
            at += 1;
        }
        Random(state)
    }
}

/// A stream of random numbers and the distributions drawn from it.
#[derive(Debug, Clone)]
pub(super) struct Random([u64; 4]);

impl Random {
    const fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let answer = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        answer
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    pub(super) const fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub(super) const fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform in 0..n. The bias of the multiplication is below n / 2^64.
    pub(super) const fn below(&mut self, n: u32) -> u32 {
        ((self.next() as u128 * n as u128) >> 64) as u32
    }

    /// An index drawn by shares that add up to one; the last takes what rounding leaves.
    pub(super) fn choose(&mut self, shares: &[f64]) -> usize {
        let mut left = self.uniform();
        for (at, share) in shares.iter().enumerate() {
            left -= share;
            if left < 0.0 {
                return at;
            }
        }
        shares.len() - 1
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }

    /// Standard normal (Box and Muller 1958, the cosine half: one draw never depends on a draw kept from before).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma with scale 1 (Marsaglia and Tsang 2000).
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.uniform()).powf(shape.recip());
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = (9.0 * d).sqrt().recip();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.uniform()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta, as a share of two gammas.
    pub(super) fn beta(&mut self, a: f64, b: f64) -> f64 {
        let x = self.gamma(a);
        let y = self.gamma(b);
        if x + y > 0.0 { x / (x + y) } else { 0.5 }
    }

    /// Poisson by multiplication (Knuth); for small means only.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let floor = (-mean).exp();
        let mut product = self.uniform();
        let mut count = 0;
        while product > floor {
            product *= self.uniform();
            count += 1;
        }
        count
    }

    /// Zipf with this exponent, clipped: everything above `most` counts as `most`.
    pub(super) fn zipf(&mut self, exponent: f64, most: u32) -> u32 {
        // The tail of the sum beyond 1,000 terms by its integral, with the half-term correction.
        let zeta = (1..1000).map(|k| f64::from(k).powf(-exponent)).sum::<f64>()
            + 1000f64.powf(1.0 - exponent) / (exponent - 1.0)
            + 0.5 * 1000f64.powf(-exponent);
        let mut left = self.uniform() * zeta;
        for k in 1..most {
            left -= f64::from(k).powf(-exponent);
            if left < 0.0 {
                return k;
            }
        }
        most
    }

    /// Puts the values in random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

/// Draws an index by weight in constant time (Walker 1977, tables after Vose 1991).
#[derive(Debug, Clone)]
pub(super) struct Alias(Vec<(f64, u32)>);

impl Alias {
    /// The tables of these weights; at least one must be positive.
    pub(super) fn new(weights: &[f64]) -> Self {
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let mut table: Vec<(f64, u32)> =
            weights.iter().enumerate().map(|(at, weight)| (weight / mean, at as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..table.len()).partition(|&at| table[at].0 < 1.0);
        while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
            table[low].1 = high as u32;
            table[high].0 -= 1.0 - table[low].0;
            if table[high].0 < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        // What is left over missed 1 by rounding only, or lost its partner to it.
        for at in large {
            table[at].0 = 1.0;
        }
        Self(table)
    }

    /// The probability of every index.
    pub(super) fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.0.len()];
        for (at, &(keep, other)) in self.0.iter().enumerate() {
            shares[at] += keep;
            shares[other as usize] += 1.0 - keep;
        }
        let all = self.0.len() as f64;
        for share in &mut shares {
            *share /= all;
        }
        shares
    }

    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let at = random.below(self.0.len() as u32) as usize;
        let (keep, other) = self.0[at];
        if random.uniform() < keep { at } else { other as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(n: usize, mut draw: impl FnMut(&mut Random) -> f64) -> (f64, f64) {
        let mut random = Streams::new(11, "test").of(0);
        let values: Vec<f64> = (0..n).map(|_| draw(&mut random)).collect();
        let mean = values.iter().sum::<f64>() / n as f64;
        (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64)
    }

    fn near(found: (f64, f64), mean: f64, variance: f64) {
        let n = 200_000f64;
        assert!((found.0 - mean).abs() < 5.0 * (variance / n).sqrt(), "mean {} for {mean}", found.0);
        assert!((found.1 / variance - 1.0).abs() < 0.06, "variance {} for {variance}", found.1);
    }

    #[test]
    fn distributions_have_their_moments() {
        near(moments(200_000, Random::uniform), 0.5, 1.0 / 12.0);
        near(moments(200_000, Random::exponential), 1.0, 1.0);
        near(moments(200_000, Random::normal), 0.0, 1.0);
        near(moments(200_000, |r| r.gamma(2.5)), 2.5, 2.5);
        near(moments(200_000, |r| r.gamma(0.5)), 0.5, 0.5);
        let (a, b) = (0.8, 8.0);
        let variance = a * b / ((a + b) * (a + b) * (a + b + 1.0));
        near(moments(200_000, |r| r.beta(a, b)), a / (a + b), variance);
        near(moments(200_000, |r| f64::from(r.poisson(1.1))), 1.1, 1.1);
        near(moments(200_000, |r| f64::from(r.below(7))), 3.0, 4.0);
    }

    #[test]
    fn zipf_and_alias_follow_their_weights() {
        let mut random = Streams::new(3, "test").of(1);
        let mut counts = [0u32; 13];
        for _ in 0..200_000 {
            counts[random.zipf(1.6, 12) as usize] += 1;
        }
        assert!((f64::from(counts[1]) / 200_000.0 - 0.4374).abs() < 0.005);
        assert!((f64::from(counts[12]) / 200_000.0 - 0.173).abs() < 0.005);
        let weights = [0.0, 1.0, 5.0, 0.5, 3.5];
        let alias = Alias::new(&weights);
        for (share, weight) in alias.shares().into_iter().zip(weights) {
            assert!((share - weight / 10.0).abs() < 1e-12);
        }
        let mut hits = [0u32; 5];
        for _ in 0..200_000 {
            hits[alias.draw(&mut random)] += 1;
        }
        assert_eq!(hits[0], 0);
        for (hit, weight) in hits.iter().zip(weights) {
            assert!((f64::from(*hit) / 200_000.0 - weight / 10.0).abs() < 0.005);
        }
    }

    #[test]
    fn streams_differ_by_root_component_and_number() {
        let first = |root, name, number| Streams::new(root, name).of(number).next();
        let one = first(7, "orders", 0);
        assert_eq!(one, first(7, "orders", 0));
        assert!(
            [first(8, "orders", 0), first(7, "rules", 0), first(7, "orders", 1)].iter().all(|&x| x != one)
        );
    }
}
