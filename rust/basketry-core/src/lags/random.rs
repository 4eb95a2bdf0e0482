//! Random numbers that are the same everywhere: each replicate has a stream of its own, made from the seed and its number.

/// Above this mean a Poisson number is drawn as a rounded normal one; their distributions differ by under 1 % there.
const LARGE: f64 = 1000.0;

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

    /// A number above 0 and up to 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        ((mix(self.0) >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// A Poisson number.
    pub fn poisson(&mut self, mean: f64) -> f64 {
        if mean > LARGE {
            let radius = (-2.0 * self.uniform().ln()).sqrt();
            let normal = radius * (std::f64::consts::TAU * self.uniform()).cos();
            return (mean + mean.sqrt() * normal).round().max(0.0);
        }
        // By inversion, in parts small enough for the exponential.
        let (mut left, mut total) = (mean, 0.0);
        while left > 0.0 {
            let part = left.min(32.0);
            left -= part;
            let (mut term, mut draw) = ((-part).exp(), self.uniform());
            let mut count = 0.0;
            while draw > term && count < 1000.0 {
                draw -= term;
                count += 1.0;
                term *= part / count;
            }
            total += count;
        }
        total
    }
}
