//! Likelihoods against plain formulas and integrals by brute force, slopes against differences.

use proptest::prelude::*;

use super::special::ln_gamma;
use super::*;

type Row = (u32, f64, f64);

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a).log + ln_gamma(b).log - ln_gamma(a + b).log
}

/// The integral of `f` from `a` to `b` by Simpson's rule, with steps that grow with y.
fn integral(a: f64, b: f64, f: impl Fn(f64) -> f64) -> f64 {
    let steps = 4000;
    let width = ((b + 0.2) / (a + 0.2)).ln() / f64::from(steps);
    let at = |step: i32| {
        let y = (a + 0.2) * (f64::from(step) * width).exp();
        f(y - 0.2) * y
    };
    let inner: f64 = (1..steps).map(|step| at(step) * if step % 2 == 1 { 4.0 } else { 2.0 }).sum();
    (at(0) + inner + at(steps)) * width / 3.0
}

/// The log-likelihood of one customer as the papers write it.
fn plain(model: Model, [one, two, three, four]: [f64; 4], (x, t_x, age): Row) -> f64 {
    let x = f64::from(x);
    match model {
        Model::BetaGeo | Model::ModifiedBetaGeo => {
            let (r, alpha, a, b) = (one, two, three, four);
            let n = if model == Model::BetaGeo { x } else { x + 1.0 };
            let stayed = (ln_beta(a, b + n) - ln_beta(a, b)).exp() * (alpha + age).powf(-r - x);
            let left = if n > 0.0 {
                (ln_beta(a + 1.0, b + n - 1.0) - ln_beta(a, b)).exp() * (alpha + t_x).powf(-r - x)
            } else {
                0.0
            };
            ln_gamma(r + x).log - ln_gamma(r).log + r * alpha.ln() + (stayed + left).ln()
        }
        Model::Pareto => {
            let (r, alpha, s, beta) = (one, two, three, four);
            let left = integral(t_x, age, |y| s * (alpha + y).powf(-r - x) * (beta + y).powf(-s - 1.0));
            let stayed = (alpha + age).powf(-r - x) * (beta + age).powf(-s);
            ln_gamma(r + x).log - ln_gamma(r).log + r * alpha.ln() + s * beta.ln() + (stayed + left).ln()
        }
        Model::BetaBinomial => {
            let (alpha, beta, gamma, delta) = (one, two, three, four);
            let buys = |turns: f64| (ln_beta(alpha + x, beta + turns - x) - ln_beta(alpha, beta)).exp();
            let mut sum = buys(age) * (ln_beta(gamma, delta + age) - ln_beta(gamma, delta)).exp();
            for turn in t_x as u32..age as u32 {
                let turn = f64::from(turn);
                sum += buys(turn) * (ln_beta(gamma + 1.0, delta + turn) - ln_beta(gamma, delta)).exp();
            }
            sum.ln()
        }
        Model::GammaGamma => {
            let (p, q, v, mean) = (one, two, three, t_x);
            ln_gamma(p * x + q).log - ln_gamma(p * x).log - ln_gamma(q).log
                + q * v.ln()
                + (p * x - 1.0) * mean.ln()
                + p * x * x.ln()
                - (p * x + q) * (v + x * mean).ln()
        }
    }
}

const MODELS: [Model; 5] =
    [Model::BetaGeo, Model::ModifiedBetaGeo, Model::Pareto, Model::BetaBinomial, Model::GammaGamma];

fn table(model: Model, rows: &[Row], covariates: &[Vec<f64>]) -> Table {
    let x: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
    let t_x: Vec<f64> = rows.iter().map(|row| row.1).collect();
    let age: Vec<f64> = rows.iter().map(|row| row.2).collect();
    let lives = Lives { x: &x, t_x: &t_x, age: &age, of_rate: covariates, of_lifetime: covariates };
    Table::new(&lives, model, &Control::default()).unwrap()
}

/// A customer whom a model takes, from three free numbers.
fn fit_to(model: Model, (x, last, rest): (u32, u32, u32)) -> Row {
    let (last, rest) = (f64::from(last), f64::from(rest));
    match model {
        Model::GammaGamma => (x + 1, (last + 1.0) * 3.7, 0.0),
        Model::BetaBinomial if x == 0 => (0, 0.0, rest),
        Model::BetaBinomial => (x, f64::from(x) + last, f64::from(x) + last + rest),
        _ if x == 0 => (0, 0.0, rest / 3.0),
        _ => (x, (last + 1.0) / 3.0, (last + 1.0 + rest) / 3.0),
    }
}

proptest! {
    #[test]
    fn likelihoods_are_those_of_the_papers(
        ln in prop::array::uniform4(-1.5_f64..2.5),
        rows in prop::collection::vec((0_u32..12, 0_u32..60, 0_u32..90), 1..6),
    ) {
        for model in MODELS {
            let rows: Vec<Row> = rows.iter().map(|&row| fit_to(model, row)).collect();
            let wanted: f64 = rows.iter().map(|&row| plain(model, ln.map(f64::exp), row)).sum();
            let point = &ln[..model.n_parameters()];
            let (found, _) = log_likelihood(&table(model, &rows, &[]), model, point, &Control::default()).unwrap();
            prop_assert!((found - wanted).abs() < 1e-7 * wanted.abs().max(1.0), "{:?} {} {}", model, found, wanted);
        }
    }

    #[test]
    fn slopes_are_differences(
        ln in prop::array::uniform4(-2.0_f64..4.0),
        coefficients in prop::array::uniform2(-0.5_f64..0.5),
        rows in prop::collection::vec(((0_u32..200, 0_u32..60, 0_u32..90), -1_i32..2), 1..12),
    ) {
        for model in MODELS {
            let lives: Vec<Row> = rows.iter().map(|&(row, _)| fit_to(model, row)).collect();
            let covariate: Vec<f64> = rows.iter().map(|&(_, value)| f64::from(value)).collect();
            let covariates = if model.shifted().0.is_empty() { vec![] } else { vec![covariate] };
            let table = table(model, &lives, &covariates);
            let mut point = ln[..model.n_parameters()].to_vec();
            point.extend(&coefficients[..2 * covariates.len()]);
            let at = |point: &[f64]| log_likelihood(&table, model, point, &Control::default()).unwrap();
            let (log, slopes) = at(&point);
            prop_assert!(log.is_finite());
            for (parameter, slope) in slopes.iter().enumerate() {
                let step = 1e-4;
                let moved = |by: f64| {
                    let mut point = point.clone();
                    point[parameter] += by;
                    at(&point).0
                };
                let wanted = (8.0 * (moved(step) - moved(-step)) - moved(2.0 * step) + moved(-2.0 * step)) / (12.0 * step);
                prop_assert!((slope - wanted).abs() < 1e-6 * log.abs().max(slope.abs()).max(1.0), "{:?} {}: {} {}", model, parameter, slope, wanted);
            }
        }
    }

    #[test]
    fn extremes_stay_finite(ln in prop::array::uniform4(-12.0_f64..12.0), row in (0_u32..5000, 0_u32..900, 0_u32..900)) {
        for model in MODELS {
            let table = table(model, &[fit_to(model, row)], &[]);
            let (log, slopes) = log_likelihood(&table, model, &ln[..model.n_parameters()], &Control::default()).unwrap();
            prop_assert!(log.is_finite() && slopes.iter().all(|slope| slope.is_finite()), "{:?} {} {:?}", model, log, slopes);
        }
    }

    #[test]
    fn forecasts_follow_the_likelihood(
        ln in prop::array::uniform4(-1.5_f64..2.5),
        row in (0_u32..12, 0_u32..60, 1_u32..90),
        horizon in 1_u32..40,
    ) {
        // Still there, and silent for a while: the likelihood of the part that stayed over the whole.
        for model in [Model::BetaGeo, Model::ModifiedBetaGeo, Model::Pareto, Model::BetaBinomial] {
            let (x, t_x, age) = fit_to(model, row);
            let point = ln.map(f64::exp);
            let lives = Lives { x: &[f64::from(x)], t_x: &[t_x], age: &[age], ..Lives::default() };
            let horizons = [f64::from(horizon), f64::from(horizon) * 2.0];
            let found = predict(&lives, model, &ln, &[], &horizons, &Control::default()).unwrap();
            let whole = plain(model, point, (x, t_x, age)).exp();
            let k = f64::from(x);
            let stayed = match model {
                Model::Pareto => {
                    let [r, alpha, s, beta] = point;
                    (ln_gamma(r + k).log - ln_gamma(r).log).exp() * alpha.powf(r) * beta.powf(s)
                        * (alpha + age).powf(-r - k) * (beta + age).powf(-s)
                }
                Model::BetaBinomial => {
                    let [alpha, beta, gamma, delta] = point;
                    (ln_beta(alpha + k, beta + age - k) - ln_beta(alpha, beta) + ln_beta(gamma, delta + age)
                        - ln_beta(gamma, delta)).exp()
                }
                _ => {
                    let [r, alpha, a, b] = point;
                    let n = if model == Model::BetaGeo { k } else { k + 1.0 };
                    (ln_gamma(r + k).log - ln_gamma(r).log + ln_beta(a, b + n) - ln_beta(a, b)).exp()
                        * alpha.powf(r) * (alpha + age).powf(-r - k)
                }
            };
            prop_assert!((found.p_alive[0] - stayed / whole).abs() < 1e-7, "{:?}", model);
            prop_assert!(found.expected[0][0] > 0.0 && found.expected[1][0] > found.expected[0][0]);
        }
    }
}

#[test]
fn threads_and_order_change_no_bit() {
    let rows: Vec<Row> = (0..90_000_u32)
        .map(|i| {
            fit_to(Model::Pareto, (i % 7, i.wrapping_mul(2_654_435_761) >> 20, i.wrapping_mul(40_503) % 997))
        })
        .collect();
    let mut turned = rows.clone();
    turned.reverse();
    let point = [-0.6, 2.3, -0.5, 2.4];
    let mut found = Vec::new();
    for (threads, rows) in [(1, &rows), (2, &turned), (5, &rows)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for model in [Model::Pareto, Model::BetaGeo] {
            let (log, slopes) = pool.install(|| {
                let table = table(model, rows, &[]);
                assert!(!table.is_small());
                log_likelihood(&table, model, &point, &Control::default()).unwrap()
            });
            found.push((log.to_bits(), slopes.iter().map(|slope| slope.to_bits()).collect::<Vec<_>>()));
        }
    }
    assert!(found.chunks(2).all(|pair| pair == &found[..2]));
}

#[test]
fn errors_grow_with_the_covariance() {
    let lives = Lives { x: &[0.0, 3.0], t_x: &[0.0, 5.0], age: &[9.0, 20.0], ..Lives::default() };
    let covariance: Vec<f64> = (0..16).map(|at| if at % 5 == 0 { 0.01 } else { 0.0 }).collect();
    for model in [Model::BetaGeo, Model::Pareto] {
        let of = |covariance: &[f64]| {
            predict(&lives, model, &[-0.6, 2.3, -0.5, 2.4], covariance, &[10.0], &Control::default()).unwrap()
        };
        let (one, four) = (of(&covariance), of(&covariance.iter().map(|c| 4.0 * c).collect::<Vec<_>>()));
        for row in 0..2 {
            assert!(one.expected_error[0][row] > 0.0);
            assert!((four.expected_error[0][row] / one.expected_error[0][row] - 2.0).abs() < 1e-9);
        }
        // In the BG/NBD model nobody leaves before a repeat purchase: that is sure.
        assert_eq!(one.p_alive_error[0] == 0.0, model == Model::BetaGeo);
    }
}
