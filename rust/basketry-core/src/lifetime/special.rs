//! Gamma functions as the likelihoods need them: in logarithms, with their slopes, without loss where arguments are large.

/// Coefficients of Stirling's series: B(2k) / (2k (2k - 1)).
const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];
/// From here on the series is exact to the last digits.
const FAR: f64 = 10.0;
/// Up to so many steps a rise is a product; beyond, a difference.
const STEPS: f64 = 512.0;
/// A product is taken to its logarithm before it overflows.
const LARGE: f64 = 1e200;

/// A logarithm and its slope.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sloped {
    /// The value.
    pub log: f64,
    /// Its derivative.
    pub slope: f64,
}

/// ln Γ(z) and its derivative ψ(z), for z > 0.
pub(crate) fn ln_gamma(mut z: f64) -> Sloped {
    let (mut product, mut sum) = (1.0, 0.0);
    while z < FAR {
        product *= z;
        sum += 1.0 / z;
        z += 1.0;
    }
    let (inverse, square) = (1.0 / z, 1.0 / (z * z));
    let (mut log, mut slope) = (0.0, 0.0);
    for (at, &coefficient) in STIRLING.iter().enumerate().rev() {
        log = log * square + coefficient;
        slope = slope * square + coefficient * (2 * at + 1) as f64;
    }
    let ln = z.ln();
    let half_ln_tau = 0.918_938_533_204_672_8;
    Sloped {
        log: (z - 0.5) * ln - z + half_ln_tau + log * inverse - product.ln(),
        slope: ln - 0.5 * inverse - slope * square - sum,
    }
}

/// ln Γ(z + n) - ln Γ(z) and its derivative by z, for z > 0 and a whole n.
pub(crate) fn rise(z: f64, n: f64) -> Sloped {
    if n > STEPS {
        let (end, start) = (ln_gamma(z + n), ln_gamma(z));
        return Sloped { log: end.log - start.log, slope: end.slope - start.slope };
    }
    let (mut log, mut slope, mut product) = (0.0, 0.0, 1.0_f64);
    for step in 0..n as u32 {
        let factor = z + f64::from(step);
        product *= factor;
        slope += 1.0 / factor;
        if !(1.0 / LARGE..LARGE).contains(&product) {
            log += product.ln();
            product = 1.0;
        }
    }
    Sloped { log: log + product.ln(), slope }
}

/// ln(1 + e^z), and the share e^z / (1 + e^z).
pub(crate) fn soft_plus(z: f64) -> (f64, f64) {
    let small = (-z.abs()).exp();
    let share = if z > 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
    (z.max(0.0) + small.ln_1p(), share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-13 * b.abs().max(1.0), "{a} {b}");
        close(ln_gamma(0.5).log, std::f64::consts::PI.sqrt().ln());
        close(ln_gamma(1.0).log, 0.0);
        close(ln_gamma(171.0).log, 706.573_062_245_787_5);
        close(ln_gamma(1.0).slope, -0.577_215_664_901_532_9);
        close(ln_gamma(0.25).slope, -4.227_453_533_376_265);
    }

    proptest! {
        #[test]
        fn a_rise_is_a_difference(z in 0.01_f64..50.0, n in 0_u32..1200) {
            let found = rise(z, f64::from(n));
            let (end, start) = (ln_gamma(z + f64::from(n)), ln_gamma(z));
            prop_assert!((found.log - (end.log - start.log)).abs() < 1e-11 * end.log.abs().max(1.0));
            prop_assert!((found.slope - (end.slope - start.slope)).abs() < 1e-11 * start.slope.abs().max(1.0));
        }

        #[test]
        fn the_slope_is_the_derivative(z in 0.1_f64..200.0) {
            let step = 1e-4 * z;
            let by_difference = (ln_gamma(z + step).log - ln_gamma(z - step).log) / (2.0 * step);
            prop_assert!((ln_gamma(z).slope - by_difference).abs() < 1e-6 * by_difference.abs().max(1.0));
        }

        #[test]
        fn soft_plus_is_the_plain_formula(z in -30.0_f64..30.0) {
            let (log, share) = soft_plus(z);
            prop_assert!((log - (1.0 + z.exp()).ln()).abs() < 1e-12);
            prop_assert!((share - z.exp() / (1.0 + z.exp())).abs() < 1e-12);
        }
    }
}
