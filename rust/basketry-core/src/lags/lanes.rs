//! Several replicates at once: a column holds for each week the values of all of them side by side, so that the processor takes
//! them together and one need not wait for the sums of the other.

/// How many replicates are drawn and tested together.
pub(super) const LANES: usize = 8;

/// By week the values of `N` replicates.
pub(super) type Column<const N: usize> = Vec<[f64; N]>;

/// A column that is looked at.
pub(super) type Lanes<const N: usize> = [[f64; N]];

/// A column of one: what was observed.
pub(super) fn alone(values: &[f64]) -> Column<1> {
    values.iter().map(|&value| [value]).collect()
}

/// A number that, added to a power of two's exponent, rounds it to a whole one in its lowest bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// The logarithm of 2 in two parts, the first with so few digits that its multiples are exact.
const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
/// One over the factorials from 12 down to 2.
const TERMS: [f64; 11] = [
    2.087_675_698_786_81e-9,
    2.505_210_838_544_172e-8,
    2.755_731_922_398_589e-7,
    2.755_731_922_398_589e-6,
    2.480_158_730_158_73e-5,
    1.984_126_984_126_984e-4,
    1.388_888_888_888_889e-3,
    8.333_333_333_333_333e-3,
    4.166_666_666_666_666_4e-2,
    1.666_666_666_666_666_6e-1,
    0.5,
];

/// The exponential of each, to the last digit but one, and the same on every machine; 0 below -700.
///
/// Whole powers of two are set in the bits, the rest is the series: no call and no branch, unlike the library's.
pub(super) fn exp<const N: usize>(values: &[f64; N]) -> [f64; N] {
    let mut powers = [0.0; N];
    for (power, &value) in powers.iter_mut().zip(values) {
        let inside = value.clamp(-700.0, 700.0);
        let shifted = inside * std::f64::consts::LOG2_E + ROUNDER;
        let whole = shifted - ROUNDER;
        let rest = (inside - whole * LN_2[0]) - whole * LN_2[1];
        let mut series = TERMS[0];
        for term in &TERMS[1..] {
            series = series * rest + term;
        }
        let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
        let there = if value < -700.0 { 0.0 } else { scale };
        *power = (series * rest * rest + rest + 1.0) * there;
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_that_of_the_library() {
        for step in -60_000..60_000 {
            let x = f64::from(step) * 0.011_3;
            let [own, _] = exp(&[x, 0.0]);
            assert!((own / x.exp() - 1.0).abs() < 1e-15, "{x}: {own}");
        }
        assert_eq!(exp(&[0.0, f64::NEG_INFINITY]).map(f64::to_bits), [1.0_f64, 0.0].map(f64::to_bits));
    }
}
