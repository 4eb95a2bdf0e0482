//! People who look around and do not buy yet, and what customers and they look at.

use rayon::prelude::*;

use super::calendar::Regime;
use super::customers::{Law, Traits};
use super::missions::MISSIONS;
use super::random::{Random, Streams};
use super::worlds::{Config, PRODUCT_SEGMENTS, SEGMENTS};
use super::{CHUNK, Laws};
use crate::control::Control;
use crate::error::Result;

/// Every so many prospects one is a customer.
const KNOWN: u32 = 100;
/// Shape and scale of the gamma law of the mean number of views.
const VIEWS: [f64; 2] = [2.0, 15.0];
/// No one looks at more: the Poisson law is drawn by multiplication.
const MOST_VIEWS: f64 = 200.0;
/// Share of the views that follow no taste.
const STRAY: f64 = 0.15;
/// Views of a visit.
const VIEWS_A_VISIT: u32 = 4;
/// The probability that one of the segment that a campaign is made for responds to it, and that anyone else does.
const RESPONDS: [f64; 2] = [0.3, 0.01];
/// The time, in weeks, in which the value of a prospect is counted.
const YEAR: f64 = 52.0;

/// What people look at.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Behaviour {
    /// Visits of the shop.
    pub visits: Vec<u32>,
    /// Looks at discounted items.
    pub sale_views: Vec<u32>,
    /// Looks at items of each product segment.
    pub views: Vec<Vec<u32>>,
    /// Looks at items of each price band.
    pub bands: Vec<Vec<u32>>,
}

/// The pool of prospects, and the behaviour of the customers beside it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Prospects {
    /// The customer that a prospect is, unknown to himself; 0 for none.
    pub known: Vec<u32>,
    /// Gender, city, device and decade of birth.
    pub traits: Traits,
    /// What the prospects look at.
    pub behaviour: Behaviour,
    /// Truth: code into [`SEGMENTS`].
    pub segment: Vec<u8>,
    /// Truth: orders a week, once a customer.
    pub lambda: Vec<f64>,
    /// Truth: probability of leaving after an order.
    pub p: Vec<f64>,
    /// Truth: expected spend in the year after a first order.
    pub value: Vec<f64>,
    /// Truth: whether a campaign made for the own segment makes a buyer.
    pub buyer: Vec<bool>,
    /// Truth: whether any other campaign does.
    pub stray_buyer: Vec<bool>,
    /// What the customers look at, in the order of their numbers.
    pub customers: Behaviour,
}

/// Draws a pool of `count` prospects. Every hundredth is a customer.
///
/// # Errors
/// [`crate::Error::Interrupted`] and [`crate::Error::Capacity`] as the control says.
///
/// # Examples
/// ```
/// use basketry_core::Control;
/// use basketry_core::simulate::{Config, World, prospects};
/// let config = Config::of(World::Easy, 300, 600, 104)?;
/// let pool = prospects(&config, 7, 1_000, &Control::default())?;
/// assert_eq!(pool.known.iter().filter(|&&known| known > 0).count(), 10);
/// assert_eq!(pool.customers.visits.len(), 300);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn prospects(config: &Config, root: u64, count: u32, control: &Control) -> Result<Prospects> {
    let laws = Laws::new(config, root);
    let (who, people) = (Law::new(root), Law::of_prospects(root));
    let (looks, answers) = (Streams::new(root, "behaviour"), Streams::new(root, "responses"));
    let window = Window { laws: &laws, week: config.weeks as i32, missions: config.missions };
    let rows = config.customers.max(count);
    let parts = (0..rows.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            control.check()?;
            let mut part = Prospects::empty();
            for number in chunk * CHUNK + 1..=rows.min((chunk + 1) * CHUNK) {
                if number <= config.customers {
                    let (segment, ..) = who.law(u64::from(number));
                    window.look(segment, &mut looks.of(u64::from(number)), &mut part.customers);
                }
                if number > count {
                    continue;
                }
                let known = if number.is_multiple_of(KNOWN) && number / KNOWN <= config.customers {
                    number / KNOWN
                } else {
                    0
                };
                let (law, key, look) = match known {
                    0 => (&people, u64::from(number), u64::from(u32::MAX) + u64::from(number)),
                    _ => (&who, u64::from(known), u64::from(known)),
                };
                let (segment, lambda, p) = law.law(key);
                law.traits(config, key, &mut part.traits);
                window.look(segment, &mut looks.of(look), &mut part.behaviour);
                let random = &mut answers.of(u64::from(number));
                part.known.push(known);
                part.segment.push(segment as u8);
                part.lambda.push(lambda);
                part.p.push(p);
                part.value.push(SEGMENTS[segment].mean_order * orders_in(YEAR, lambda, p));
                part.buyer.push(random.chance(RESPONDS[0]));
                part.stray_buyer.push(random.chance(RESPONDS[1]));
            }
            control.book(0, part.customers.bytes() + part.behaviour.bytes())?;
            Ok(part)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut whole = Prospects::empty();
    for part in parts {
        whole.append(part);
    }
    Ok(whole)
}

/// Expected orders of a new customer, the first included, on a flat calendar.
fn orders_in(weeks: f64, lambda: f64, p: f64) -> f64 {
    let still = lambda * p * weeks;
    // The limit for small rates, where the quotient loses its digits.
    let share = if still > 1e-9 { -(-still).exp_m1() / still } else { 1.0 };
    1.0 + (1.0 - p) * lambda * weeks * share
}

/// What there is to look at.
struct Window<'a> {
    laws: &'a Laws,
    /// What has been launched by then is to be seen.
    week: i32,
    missions: bool,
}

impl Window<'_> {
    fn look(&self, segment: usize, random: &mut Random, seen: &mut Behaviour) {
        let catalogue = &self.laws.catalogue;
        let usual = Regime { season: 0, sale: false };
        let mean = (VIEWS[1] * random.gamma(VIEWS[0])).min(MOST_VIEWS);
        let views = 1 + random.poisson(mean);
        let (mut products, mut bands, mut sale) = ([0; PRODUCT_SEGMENTS], [0; 3], 0);
        let mission = self.missions.then(|| random.below(MISSIONS.len() as u32) as u8);
        for _ in 0..views {
            let product = if random.chance(STRAY) {
                random.below(PRODUCT_SEGMENTS as u32) as u8
            } else {
                catalogue.product(segment, usual, mission, random)
            };
            let item = catalogue.item(segment, product, self.week, random);
            products[product as usize] += 1;
            bands[catalogue.items.price_band[item as usize] as usize] += 1;
            sale += u32::from(random.chance(SEGMENTS[segment].discount));
        }
        seen.visits.push(1 + views / VIEWS_A_VISIT);
        seen.sale_views.push(sale);
        seen.views.iter_mut().zip(products).for_each(|(column, n)| column.push(n));
        seen.bands.iter_mut().zip(bands).for_each(|(column, n)| column.push(n));
    }
}

impl Behaviour {
    fn empty() -> Self {
        Self { views: vec![Vec::new(); PRODUCT_SEGMENTS], bands: vec![Vec::new(); 3], ..Self::default() }
    }

    fn bytes(&self) -> u64 {
        (self.visits.len() * (PRODUCT_SEGMENTS + 5) * 4) as u64
    }

    fn append(&mut self, mut other: Self) {
        self.visits.append(&mut other.visits);
        self.sale_views.append(&mut other.sale_views);
        self.views.iter_mut().zip(&mut other.views).for_each(|(column, more)| column.append(more));
        self.bands.iter_mut().zip(&mut other.bands).for_each(|(column, more)| column.append(more));
    }
}

impl Prospects {
    fn empty() -> Self {
        Self { behaviour: Behaviour::empty(), customers: Behaviour::empty(), ..Self::default() }
    }

    fn append(&mut self, mut other: Self) {
        self.known.append(&mut other.known);
        self.traits.append(other.traits);
        self.behaviour.append(other.behaviour);
        self.segment.append(&mut other.segment);
        self.lambda.append(&mut other.lambda);
        self.p.append(&mut other.p);
        self.value.append(&mut other.value);
        self.buyer.append(&mut other.buyer);
        self.stray_buyer.append(&mut other.stray_buyer);
        self.customers.append(other.customers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_expected_as_they_come() {
        assert!((orders_in(52.0, 0.0, 0.3) - 1.0).abs() < 1e-12);
        assert!((orders_in(52.0, 0.1, 0.0) - 6.2).abs() < 1e-9);
        assert!((orders_in(1e9, 0.1, 0.25) - 4.0).abs() < 1e-6, "one in p orders in all");
    }
}
