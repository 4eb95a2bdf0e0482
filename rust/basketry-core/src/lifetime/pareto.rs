//! Pareto/NBD (Schmittlein, Morrison, Colombo 1987): a customer buys at a rate of his own and leaves at any time, unseen.
//!
//! Parameters `r`, `alpha` (rates of purchase: gamma), `s`, `beta` (rates of leaving: gamma). A customer who has left did so
//! between his last purchase and now: that part of the likelihood is an integral of
//! g(y) = (alpha + y)^-(r + x) (beta + y)^-(s + 1) from `t_x` to `T`. Its closed form is a difference of hypergeometric
//! functions that loses itself where `x` is large. Here it is summed by Gauss and Legendre's rule in the logarithm of
//! (the smaller of alpha and beta) + y, where g is smooth at any scale, relative to g at the start: nothing under- or overflows,
//! and slopes are integrals of the same kind.

use super::predict::Outlook;
use super::special::rise;
use super::{Parameters, Rows, Sum};

/// Integrals of g relative to its value at the start: of g alone, of g times ln(alpha + y), ln(beta + y), 1 / (alpha + y)
/// and 1 / (beta + y).
type Integrals = [f64; 5];

/// A part of the interval that adds less than this ends the sum.
const SMALL: f64 = 1e-18;

#[derive(Clone, Copy)]
struct Shape {
    alpha: f64,
    beta: f64,
    /// Exponents of alpha + y and beta + y.
    buys: f64,
    leaves: f64,
}

/// An end of the interval.
#[derive(Clone, Copy, Default)]
struct End {
    y: f64,
    ln_alpha: f64,
    ln_beta: f64,
}

impl Shape {
    fn new(ln: &Parameters, x: f64) -> Self {
        let [r, alpha, s, beta] = ln.map(f64::exp);
        Self { alpha, beta, buys: r + x, leaves: s + 1.0 }
    }

    fn end(&self, y: f64) -> End {
        End { y, ln_alpha: (self.alpha + y).ln(), ln_beta: (self.beta + y).ln() }
    }

    /// ln g(to) - ln g(from).
    fn fall(&self, from: End, to: End) -> f64 {
        -self.buys * (to.ln_alpha - from.ln_alpha) - self.leaves * (to.ln_beta - from.ln_beta)
    }

    fn integrals(&self, from: End, to: End) -> Integrals {
        let mut sum = [0.0; 5];
        let least = self.alpha.min(self.beta);
        let alpha_least = self.alpha <= self.beta;
        let (start, end) =
            if alpha_least { (from.ln_alpha, to.ln_alpha) } else { (from.ln_beta, to.ln_beta) };
        let length = end - start;
        // By how many powers of e the integrand changes, most of them perhaps in half of the interval: it says how many
        // points are exact.
        let change = 2.0 * self.fall(from, to).abs() + length;
        let (rule, reach): (&[(f64, f64)], f64) = match change {
            ..=0.34 => (&RULE_4, 0.34),
            ..=4.0 => (&RULE_8, 4.0),
            _ => (&RULE_16, 18.0),
        };
        let parts = (change / reach).ceil().max((length / 3.0).ceil()).max(1.0);
        let width = length / parts;
        let mut part = 0.0;
        while part < parts {
            let mut added = 0.0;
            for &(place, weight) in rule {
                let v = start + (part + place) * width;
                let from_least = v.exp();
                let y = from_least - least;
                let at = if alpha_least {
                    End { y, ln_alpha: v, ln_beta: (self.beta + y).ln() }
                } else {
                    End { y, ln_alpha: (self.alpha + y).ln(), ln_beta: v }
                };
                let g = weight * width * from_least * self.fall(from, at).exp();
                added += g;
                sum[1] += g * at.ln_alpha;
                sum[2] += g * at.ln_beta;
                sum[3] += g / (self.alpha + y);
                sum[4] += g / (self.beta + y);
            }
            sum[0] += added;
            part += 1.0;
            if added < SMALL * sum[0] {
                break;
            }
        }
        sum
    }
}

/// Adds the log-likelihood of rows and its slopes in the logarithms of the parameters.
pub(super) fn add(ln: &Parameters, rows: &Rows<'_>, sum: &mut Sum) {
    let [r, _, s, _] = ln.map(f64::exp);
    let shape = Shape::new(ln, rows.x);
    let buys = rise(r, rows.x);
    // From each end to the last one, all intervals between them but once.
    let mut tails: Vec<(End, Integrals)> = rows.ends.iter().map(|&y| (shape.end(y), [0.0; 5])).collect();
    for at in (1..tails.len()).rev() {
        let (to, tail) = tails[at];
        let from = tails[at - 1].0;
        let fall = shape.fall(from, to).exp();
        let own = shape.integrals(from, to);
        for (target, (own, tail)) in tails[at - 1].1.iter_mut().zip(own.into_iter().zip(tail)) {
            *target = own + fall * tail;
        }
    }
    let mut weights = 0.0;
    for (&(from, to), &weight) in rows.between.iter().zip(rows.weight) {
        let ((from, tail), (to, beyond)) = (tails[from as usize], tails[to as usize]);
        let fall = shape.fall(from, to).exp();
        let mut left = tail;
        left.iter_mut().zip(beyond).for_each(|(tail, beyond)| *tail -= fall * beyond);
        let stayed = fall * (shape.beta + to.y);
        let all = stayed + s * left[0].max(0.0);
        let start = -shape.buys * from.ln_alpha - shape.leaves * from.ln_beta;
        weights += weight;
        sum.log += weight * (start + all.ln());
        let (stayed, left_by) = (weight * stayed / all, weight * s / all);
        sum.slopes[0] -= r * (stayed * to.ln_alpha + left_by * left[1]);
        sum.slopes[1] -= shape.alpha * shape.buys * (stayed / (shape.alpha + to.y) + left_by * left[3]);
        sum.slopes[2] += left_by * left[0] - s * (stayed * to.ln_beta + left_by * left[2]);
        sum.slopes[3] -= shape.beta * (stayed * s / (shape.beta + to.y) + left_by * shape.leaves * left[4]);
    }
    sum.log += weights * (buys.log + r * ln[1] + s * ln[3]);
    sum.slopes[0] += weights * r * (buys.slope + ln[1]);
    sum.slopes[1] += weights * r;
    sum.slopes[2] += weights * s * ln[3];
    sum.slopes[3] += weights * s;
}

/// What a customer will do in each of the horizons after his age.
pub(super) fn outlook(ln: &Parameters, x: f64, t_x: f64, age: f64, horizons: &[f64]) -> Outlook {
    let shape = Shape::new(ln, x);
    let (from, to) = (shape.end(t_x), shape.end(age));
    let left = shape.integrals(from, to)[0];
    let (at_alpha, at_beta) = (shape.alpha + age, shape.beta + age);
    let over = shape.leaves - 2.0;
    let purchases = |horizon: f64| {
        let log = (horizon / at_beta).ln_1p();
        let stays = if (over * log).abs() < 1e-8 { log } else { -(-over * log).exp_m1() / over };
        shape.buys * at_beta / at_alpha * stays
    };
    Outlook {
        log_odds: shape.fall(from, to) + to.ln_beta - ln[2] - left.ln(),
        expected: horizons.iter().map(|&horizon| purchases(horizon)).collect(),
    }
}

/// Places in an interval of length 1 and weights of the rule of 4 points.
const RULE_4: [(f64, f64); 4] = [
    (0.069_431_844_202_973_71, 0.173_927_422_568_726_79),
    (0.330_009_478_207_571_87, 0.326_072_577_431_273_2),
    (0.669_990_521_792_428_1, 0.326_072_577_431_273_2),
    (0.930_568_155_797_026_2, 0.173_927_422_568_726_79),
];

/// Places in an interval of length 1 and weights of the rule of 8 points.
const RULE_8: [(f64, f64); 8] = [
    (0.019_855_071_751_231_912, 0.050_614_268_145_188_53),
    (0.101_666_761_293_186_64, 0.111_190_517_226_687_21),
    (0.237_233_795_041_835_5, 0.156_853_322_938_943_44),
    (0.408_282_678_752_175_1, 0.181_341_891_689_180_83),
    (0.591_717_321_247_824_8, 0.181_341_891_689_180_83),
    (0.762_766_204_958_164_5, 0.156_853_322_938_943_44),
    (0.898_333_238_706_813_4, 0.111_190_517_226_687_21),
    (0.980_144_928_248_768_1, 0.050_614_268_145_188_53),
];

/// Places in an interval of length 1 and weights of the rule of 16 points.
const RULE_16: [(f64, f64); 16] = [
    (0.005_299_532_504_175_031, 0.013_576_229_705_877_088),
    (0.027_712_488_463_383_7, 0.031_126_761_969_323_728),
    (0.067_184_398_806_084_12, 0.047_579_255_841_246_3),
    (0.122_297_795_822_498_5, 0.062_314_485_627_767_036),
    (0.191_061_877_798_678_11, 0.074_797_994_408_288_35),
    (0.270_991_611_171_386_3, 0.084_578_259_697_501_32),
    (0.359_198_224_610_370_54, 0.091_301_707_522_461_82),
    (0.452_493_745_081_181_3, 0.094_725_305_227_534_32),
    (0.547_506_254_918_818_8, 0.094_725_305_227_534_32),
    (0.640_801_775_389_629_5, 0.091_301_707_522_461_82),
    (0.729_008_388_828_613_6, 0.084_578_259_697_501_32),
    (0.808_938_122_201_321_9, 0.074_797_994_408_288_35),
    (0.877_702_204_177_501_6, 0.062_314_485_627_767_036),
    (0.932_815_601_193_915_9, 0.047_579_255_841_246_3),
    (0.972_287_511_536_616_3, 0.031_126_761_969_323_728),
    (0.994_700_467_495_825, 0.013_576_229_705_877_088),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_interval_is_the_sum_of_its_parts(
            ln in prop::array::uniform4(-6.0_f64..9.0),
            x in 0_u32..3000,
            t_x in 0.0_f64..100.0,
            rest in 0.0_f64..400.0,
        ) {
            let shape = Shape::new(&ln, f64::from(x));
            let (from, to) = (shape.end(t_x), shape.end(t_x + rest));
            let whole = shape.integrals(from, to);
            let mut sum = [0.0; 5];
            let mut here = from;
            // Parts that grow, because the integrand falls fastest at the start.
            for part in 1..=200 {
                let next = shape.end(t_x + rest * (f64::from(part) / 200.0).powi(5));
                let fall = shape.fall(from, here).exp();
                let own = shape.integrals(here, next);
                sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += fall * own);
                here = next;
            }
            for (whole, sum) in whole.iter().zip(sum) {
                prop_assert!((whole - sum).abs() <= 1e-10 * whole.abs().max(1e-300), "{} {}", whole, sum);
            }
        }
    }
}
