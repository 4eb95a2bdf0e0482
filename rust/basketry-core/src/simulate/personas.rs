//! Who buys a target: odds ratios planted on traits, and traits that mean nothing, some of which look as if they did.

use super::Shop;
use super::catalogue::CATEGORIES;
use super::random::{Random, Streams};
use super::worlds::Config;

/// The traits that raise the odds of the target, and by which factor.
pub const PERSONAS: [(&str, f64); 3] = [("mobile", 2.0), ("bought_earlier", 1.8), ("bought_own", 3.0)];
/// Traits without any effect; the last few of them go with the number of orders.
pub const NULL_TRAITS: usize = 40;
const CONFOUNDED: usize = 10;
/// Logit of the target for a mean customer without the traits.
const BASE: f64 = -2.8;
/// Logit of the target by a standard deviation of the logarithm of the number of orders: what confounds.
const BY_ORDERS: f64 = 0.6;
/// The same for the confounded traits, around a share of three tenths.
const TRAIT_BY_ORDERS: f64 = 1.0;
/// The own and the earlier category are bought by a share of customers near this one.
const BUYERS: f64 = 0.3;
/// Code of the device that counts.
const MOBILE: u8 = 1;

/// One row a customer, in the order of their numbers.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Personas {
    /// Whether they buy the target after the log.
    pub target: Vec<bool>,
    /// Orders in the log.
    pub orders: Vec<u32>,
    /// The traits of [`PERSONAS`], then [`NULL_TRAITS`] without effect.
    pub traits: Vec<Vec<bool>>,
    /// Truth: the probability of the target.
    pub probability: Vec<f64>,
    /// The category of the target, and the one whose buyers take to it.
    pub categories: [&'static str; 2],
}

impl Personas {
    /// Whether a trait goes with the number of orders and so looks like one that matters.
    pub const fn is_confounded(at: usize) -> bool {
        at >= PERSONAS.len() + NULL_TRAITS - CONFOUNDED
    }
}

/// Draws traits and target for the customers of a shop.
///
/// The odds of the target are multiplied by the ratios of [`PERSONAS`] and rise with the number of orders.
pub fn personas(config: &Config, root: u64, shop: &Shop) -> Personas {
    let customers = config.customers as usize;
    let (mut orders, mut bought) = (vec![0u32; customers], vec![0u16; customers]);
    let mut lines = shop.lines.item.iter();
    for (&customer, &n) in shop.orders.customer.iter().zip(&shop.orders.lines) {
        let who = customer as usize - 1;
        orders[who] += 1;
        for &item in lines.by_ref().take(n as usize) {
            bought[who] |= 1 << shop.items.category[item as usize - 1];
        }
    }
    let [own, earlier] = near_share(&bought);
    let scores = standardised(&orders);
    let root = Streams::new(root, "personas");
    let random = &mut root.of(0);
    let shares: [f64; NULL_TRAITS] = std::array::from_fn(|_| 0.1 + 0.4 * random.uniform());
    let mut personas = Personas {
        traits: vec![Vec::with_capacity(customers); PERSONAS.len() + NULL_TRAITS],
        categories: [own, earlier].map(|category| CATEGORIES[category]),
        ..Personas::default()
    };
    for (who, &score) in scores.iter().enumerate() {
        let random = &mut root.of(who as u64 + 1);
        let has = |category: usize| bought[who] >> category & 1 == 1;
        let planted = [shop.customers.traits.device[who] == MOBILE, has(earlier), has(own)];
        let effects =
            planted.iter().zip(PERSONAS).map(|(&held, (_, ratio))| if held { ratio.ln() } else { 0.0 });
        let probability = logistic(BASE + BY_ORDERS * score + effects.sum::<f64>());
        personas.probability.push(probability);
        personas.target.push(random.chance(probability));
        let confounded = logistic((0.3f64 / 0.7).ln() + TRAIT_BY_ORDERS * score);
        let draw = |(at, share): (usize, f64), random: &mut Random| {
            let at = at + PERSONAS.len();
            random.chance(if Personas::is_confounded(at) { confounded } else { share })
        };
        let nulls = shares.into_iter().enumerate().map(|trait_| draw(trait_, random));
        for (column, held) in personas.traits.iter_mut().zip(planted.into_iter().chain(nulls)) {
            column.push(held);
        }
    }
    personas.orders = orders;
    personas
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// Standardised logarithms; zeros if all are equal.
fn standardised(counts: &[u32]) -> Vec<f64> {
    let logs: Vec<f64> = counts.iter().map(|&n| f64::from(n.max(1)).ln()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let spread = (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / logs.len() as f64).sqrt();
    logs.iter().map(|log| if spread > 0.0 { (log - mean) / spread } else { 0.0 }).collect()
}

/// The two categories whose share of buyers is nearest to [`BUYERS`].
fn near_share(bought: &[u16]) -> [usize; 2] {
    let distance = |category: usize| {
        let buyers = bought.iter().filter(|&&bits| bits >> category & 1 == 1).count();
        (buyers as f64 / bought.len() as f64 - BUYERS).abs()
    };
    let mut ranked: Vec<(f64, usize)> =
        (0..CATEGORIES.len()).map(|category| (distance(category), category)).collect();
    ranked.sort_by(|one, two| one.0.total_cmp(&two.0).then(one.1.cmp(&two.1)));
    [ranked[0].1, ranked[1].1]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{World, simulate};
    use super::*;
    use crate::control::Control;

    #[test]
    fn odds_follow_the_traits_and_confounded_ones_only_seem_to_matter() {
        let config = Config::of(World::Easy, 20_000, 600, 104).unwrap();
        let shop = simulate(&config, 7, &Control::default()).unwrap();
        let found = personas(&config, 7, &shop);
        let ratio = |column: &[bool]| {
            let mut table = [[0.5f64; 2]; 2];
            for (&held, &hit) in column.iter().zip(&found.target) {
                table[usize::from(held)][usize::from(hit)] += 1.0;
            }
            table[1][1] * table[0][0] / (table[1][0] * table[0][1])
        };
        // Nothing confounds devices; over people of all other odds the ratio of odds is a little nearer to 1.
        assert!((1.55..2.05).contains(&ratio(&found.traits[0])), "{}", ratio(&found.traits[0]));
        let nulls: Vec<f64> = found.traits[PERSONAS.len()..].iter().map(|column| ratio(column)).collect();
        assert!(nulls[..30].iter().all(|ratio| (0.8..1.25).contains(ratio)), "{nulls:?}");
        assert!(nulls[30..].iter().all(|&ratio| ratio > 1.3), "{nulls:?}");
        let mean = found.probability.iter().sum::<f64>() / 20_000.0;
        assert!((0.1..0.3).contains(&mean), "{mean}");
    }
}
