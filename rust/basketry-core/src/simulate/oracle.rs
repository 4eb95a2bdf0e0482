//! What can be known of a customer's next weeks by one who knows all laws of the world and sees the past only.
//!
//! The latent segment, the rate, the probability of leaving and whether he has left are not seen: they are weighed by Bayes'
//! rule. Of gamma rates and beta leaving the weights have a closed form (as in Batislam, Denizel and Filiztekin 2007), with
//! time measured by the calendar's intensity. Extra orders of planted sequences and lines added by rules are not foreseen.

use super::Laws;
use super::calendar::Regime;
use super::missions::MISSIONS;
use super::outcomes::LABEL_WEEKS;
use super::random::Streams;
use super::returns::back_within;
use super::worlds::{Config, GIFT_SEASON, PRODUCT_SEGMENTS, SEGMENTS};

const N: usize = SEGMENTS.len();
/// Baskets drawn to see how often one of a segment holds something that comes back.
const BASKETS: u64 = 4_000;
/// A basket is never larger.
const MOST_SEGMENTS: u32 = 10;
/// No item is impossible: what the laws leave out below is not known to this precision.
const LEAST: f64 = 1e-9;

/// Probability of an event at each order, and the intensity of the stretch of time for which it holds.
type Stretches = Vec<(f64, f64)>;

/// An instant, and what the weeks after it hold for each segment.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) week: u32,
    buy: [Stretches; N],
    sale: [Stretches; N],
    back: [Stretches; N],
}

/// The laws, as logarithms of probabilities.
#[derive(Debug)]
pub(super) struct Oracle<'a> {
    config: &'a Config,
    laws: &'a Laws,
    mixes: Vec<Vec<f64>>,
    items: Vec<Vec<f64>>,
}

/// What a customer's past says, as far as it has been told.
#[derive(Debug, Clone)]
pub(super) struct Past {
    orders: u32,
    first: f64,
    last: f64,
    likelihood: [f64; N],
}

/// The probabilities of what may happen in the weeks after an instant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outlook {
    pub(super) buy: f64,
    pub(super) sale: f64,
    pub(super) back: f64,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(config: &'a Config, laws: &'a Laws) -> Self {
        let logs = |shares: Vec<f64>| shares.into_iter().map(|share| share.max(LEAST).ln()).collect();
        let segments = 0..N;
        let mixes = segments
            .clone()
            .flat_map(|segment| Regime::all().map(move |regime| logs(laws.catalogue.mix(segment, regime))))
            .collect();
        let items = segments.map(|segment| logs(laws.catalogue.item_shares(segment))).collect();
        Self { config, laws, mixes, items }
    }

    /// Looks ahead from the start of `week`.
    pub(super) fn cut(&self, week: u32, baskets: &Baskets) -> Cut {
        let weeks = week..week + LABEL_WEEKS;
        let work = |segment: usize, week: u32| {
            let gifts = segment == GIFT_SEASON;
            let calendar = &self.laws.calendar;
            calendar.work(f64::from(week + 1), gifts) - calendar.work(f64::from(week), gifts)
        };
        let stretches = |of: &dyn Fn(usize, u32) -> f64| {
            std::array::from_fn(|segment| {
                let mut stretches: Stretches = Vec::new();
                for week in weeks.clone() {
                    let (event, work) = (of(segment, week), work(segment, week));
                    match stretches.last_mut() {
                        Some(last) if last.0.total_cmp(&event).is_eq() => last.1 += work,
                        _ => stretches.push((event, work)),
                    }
                }
                stretches
            })
        };
        Cut {
            week,
            buy: stretches(&|_, _| 1.0),
            sale: stretches(&|segment, week| self.discounted(segment, f64::from(week))),
            back: stretches(&|segment, at| baskets.come_back(segment, weeks.end - at)),
        }
    }

    fn discounted(&self, segment: usize, week: f64) -> f64 {
        let sale = if self.laws.calendar.regime(week).sale { self.config.sale_discount } else { 0.0 };
        (SEGMENTS[segment].discount + sale).min(1.0)
    }

    /// Adds an order to what is known; `lines` are (product segment, item counted from 0).
    pub(super) fn tell(
        &self,
        past: &mut Past,
        week: f64,
        discounted: bool,
        lines: &(impl Iterator<Item = (u8, u32)> + Clone),
    ) {
        let regime = self.laws.calendar.regime(week).index();
        let repeat = past.orders > 0;
        for (segment, likelihood) in past.likelihood.iter_mut().enumerate() {
            let wish = self.discounted(segment, week);
            let seen = if discounted { wish } else { 1.0 - wish };
            *likelihood += seen.max(LEAST).ln();
            let mix = &self.mixes[segment * Regime::COUNT + regime];
            let items = &self.items[segment];
            *likelihood += lines
                .clone()
                .map(|(product, item)| mix[product as usize] + items[item as usize])
                .sum::<f64>();
            if repeat {
                let (gifts, start) = (segment == GIFT_SEASON, week.floor());
                let calendar = &self.laws.calendar;
                *likelihood += (calendar.work(start + 1.0, gifts) - calendar.work(start, gifts)).ln();
            }
        }
        if !repeat {
            past.first = week;
        }
        past.orders += 1;
        past.last = week;
    }

    /// The outlook at a cut after all orders told; `pending` is the probability that something bought before comes back.
    pub(super) fn outlook(&self, past: &Past, cut: &Cut, pending: f64) -> Outlook {
        let x = f64::from(past.orders - 1);
        let posts: [Post; N] = std::array::from_fn(|code| {
            let calendar = &self.laws.calendar;
            let work = |time| calendar.work(time, code == GIFT_SEASON);
            let watched = work(f64::from(cut.week)) - work(past.first);
            let active = work(past.last) - work(past.first);
            Post::new(code, x, active, watched, past.likelihood[code])
        });
        let most = posts.iter().map(|post| post.weight.0).fold(f64::NEG_INFINITY, f64::max);
        let all: f64 = posts.iter().map(|post| (post.weight.0 - most).exp() * post.weight.1).sum();
        let mut outlook = Outlook::default();
        for (code, post) in posts.iter().enumerate() {
            let weight = (post.weight.0 - most).exp() / all;
            if weight > 1e-9 {
                outlook.buy += weight * post.chance(&cut.buy[code]);
                outlook.sale += weight * post.chance(&cut.sale[code]);
                outlook.back += weight * post.chance(&cut.back[code]);
            }
        }
        outlook.back = 1.0 - (1.0 - outlook.back) * (1.0 - pending);
        outlook
    }
}

impl Past {
    pub(super) fn new() -> Self {
        let likelihood = std::array::from_fn(|code| SEGMENTS[code].share.ln());
        Self { orders: 0, first: 0.0, last: 0.0, likelihood }
    }
}

/// One segment's view of a customer: rate and leaving after what was seen.
#[derive(Debug)]
struct Post {
    /// Logarithm of the weight of one still there, and the factor that adds one who left.
    weight: (f64, f64),
    shape: f64,
    rate: f64,
    /// Probability of leaving: two values with their weights, which have the mean, spread and skew of the beta law.
    leave: [(f64, f64); 2],
}

impl Post {
    /// `x` repeat orders up to `active`, watched up to `watched`, times by intensity since the first order.
    fn new(code: usize, x: f64, active: f64, watched: f64, likelihood: f64) -> Self {
        let law = &SEGMENTS[code];
        let shape = law.shape + x;
        let (mut moments, mut stayed) = (law.shape * law.rate.ln(), 0.0);
        for at in 0..x as u32 {
            let at = f64::from(at);
            moments += (law.shape + at).ln();
            stayed += ((law.leave_b + at) / (law.leave_a + law.leave_b + at)).ln();
        }
        let sum = law.leave_a + law.leave_b + x;
        let (stays, leaves) = ((law.leave_b + x) / sum, law.leave_a / sum);
        let alive = likelihood + moments + stayed + stays.ln() - shape * (law.rate + watched).ln();
        let left = leaves / stays * ((law.rate + watched) / (law.rate + active)).powf(shape);
        Self {
            weight: (alive, 1.0 + left),
            shape,
            rate: law.rate + watched,
            leave: two_points(law.leave_a, law.leave_b + x + 1.0),
        }
    }

    /// The probability of an event of which each order has the chance that its stretch of time tells.
    fn chance(&self, stretches: &Stretches) -> f64 {
        let of = |&(p, weight): &(f64, f64)| {
            let (mut spent, mut before, mut total) = (0.0, 1.0, 0.0);
            for &(event, work) in stretches {
                // Orders end the wait by the event or by leaving without it.
                let ends = event + (1.0 - event) * p;
                spent += ends * work;
                let after = (self.rate / (self.rate + spent)).powf(self.shape);
                total += event / ends.max(LEAST) * (before - after);
                before = after;
            }
            weight * total
        };
        self.leave.iter().map(of).sum()
    }
}

/// Two values and weights with the first three moments of a beta law (its Gauss rule).
fn two_points(a: f64, b: f64) -> [(f64, f64); 2] {
    let sum = a + b;
    let (mean, spread) = (a / sum, (a * b / (sum * sum * (sum + 1.0))).sqrt());
    let skew = (b - a) * (sum + 1.0).sqrt() / ((sum + 2.0) * (a * b).sqrt());
    let reach = (1.0 + skew * skew).sqrt();
    [
        (mean + spread * (skew + reach), 0.5 * (1.0 - skew / reach)),
        (mean + spread * (skew - reach), 0.5 * (1.0 + skew / reach)),
    ]
}

/// Baskets of every segment, to count what comes back.
#[derive(Debug)]
pub(super) struct Baskets {
    /// By segment and number of weeks left: the share of baskets of which something comes back in time.
    back: [[f64; LABEL_WEEKS as usize + 1]; N],
}

impl Baskets {
    pub(super) fn new(config: &Config, laws: &Laws, root: u64) -> Self {
        let streams = Streams::new(root, "returns of baskets");
        let regime = Regime { season: 0, sale: false };
        let within: [f64; LABEL_WEEKS as usize + 1] = std::array::from_fn(|weeks| {
            (0..7).map(|day| back_within(weeks as i64 * 7 - day)).sum::<f64>() / 7.0
        });
        let back = std::array::from_fn(|segment| {
            let mut shares = [0.0; LABEL_WEEKS as usize + 1];
            for number in 0..BASKETS {
                let random = &mut streams.of(segment as u64 * BASKETS + number);
                let size = (1 + random.poisson(config.extra_segments)).min(MOST_SEGMENTS);
                let mission = config.missions.then(|| random.below(MISSIONS.len() as u32) as u8);
                let mut basket = 0u64;
                while basket.count_ones() < size {
                    basket |= 1 << laws.catalogue.product(segment, regime, mission, random);
                }
                let local = random.chance(config.women * config.big_city);
                basket = laws.plan.act(basket, local, random);
                for (share, within) in shares.iter_mut().zip(within) {
                    let kept: f64 = (0..PRODUCT_SEGMENTS as u8)
                        .filter(|product| basket >> product & 1 == 1)
                        .map(|product| 1.0 - laws.catalogue.returns(product) * within)
                        .product();
                    *share += (1.0 - kept) / BASKETS as f64;
                }
            }
            shares
        });
        Self { back }
    }

    fn come_back(&self, segment: usize, weeks_left: u32) -> f64 {
        self.back[segment][weeks_left as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_points_have_three_moments() {
        for (a, b) in [(0.6, 12.0), (3.0, 2.0), (1.0, 40.0)] {
            let raw = [a / (a + b), a * (a + 1.0) / ((a + b) * (a + b + 1.0))];
            let third = raw[1] * (a + 2.0) / (a + b + 2.0);
            let points = two_points(a, b);
            for (power, moment) in (1..).zip([raw[0], raw[1], third]) {
                let found: f64 = points.iter().map(|&(p, weight)| weight * p.powi(power)).sum();
                assert!((found - moment).abs() < 1e-12, "{a} {b} {power}");
            }
            assert!(points.iter().all(|&(p, weight)| p > 0.0 && p < 1.0 && weight > 0.0));
        }
    }
}
