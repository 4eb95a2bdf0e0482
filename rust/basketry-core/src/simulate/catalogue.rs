//! What the shop sells: product segments, items, and who likes what.

use super::calendar::Regime;
use super::missions::{MISSIONS, focused, mission_of};
use super::plant::Plan;
use super::random::{Alias, Random, Streams};
use super::worlds::{Config, FAMILY_KIDS, FASHION_NEW, PRODUCT_SEGMENTS, SEGMENTS};

/// The categories of the items.
pub const CATEGORIES: [&str; 12] = [
    "bags",
    "coats",
    "cosmetics",
    "dresses",
    "jewellery",
    "knitwear",
    "shirts",
    "shoes",
    "sportswear",
    "toys",
    "trousers",
    "underwear",
];
/// Share of the lines that come back, by category.
const RETURNS: [f64; 12] = [0.05, 0.12, 0.01, 0.20, 0.03, 0.09, 0.10, 0.16, 0.08, 0.02, 0.14, 0.02];
/// Whether one buys a thing of the category for years.
const DURABLE: [bool; 12] = [true, true, false, false, true, false, false, true, false, true, false, false];
/// For whom an item is made.
pub const GENDERS: [&str; 3] = ["women", "men", "kids"];
const KIDS: u8 = 2;
/// The price bands.
pub const PRICE_BANDS: [&str; 3] = ["low", "mid", "top"];
/// The ends of the price bands: list prices are spread evenly over the logarithm of each.
const BAND_ENDS: [f64; 4] = [4.0, 14.0, 45.0, 250.0];
/// How far from the price that suits them customers look, as a standard deviation of the logarithm.
const PRICE_SPREAD: f64 = 0.45;
/// The brands.
pub const BRANDS: [&str; 8] = ["Alder", "Birch", "Cedar", "Elm", "Hazel", "Linden", "Maple", "Rowan"];
/// The colours.
pub const COLOURS: [&str; 6] = ["beige", "black", "blue", "green", "red", "white"];

/// The items, in the order of their numbers, which start at 1. Code columns point into the lists of names.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Items {
    /// Code of the product segment.
    pub product_segment: Vec<u8>,
    /// Code into [`CATEGORIES`].
    pub category: Vec<u8>,
    /// Code into [`GENDERS`].
    pub gender: Vec<u8>,
    /// Code into [`PRICE_BANDS`].
    pub price_band: Vec<u8>,
    /// Code into [`BRANDS`].
    pub brand: Vec<u8>,
    /// Code into [`COLOURS`].
    pub colour: Vec<u8>,
    /// What one unit costs the shop, in units of 10^-4 of the currency.
    pub cost: Vec<i64>,
    /// What one unit costs without discount, in units of 10^-4 of the currency.
    pub list_price: Vec<i64>,
    /// The week from which it is sold; negative for items older than the log.
    pub launch_week: Vec<i32>,
    /// Whether one buys it for years.
    pub durable: Vec<bool>,
}

/// One cent, in the units of money.
pub(super) const CENT: i64 = 100;

/// Category, gender and brand of a product segment.
type Cell = (u8, u8, u8);

/// The assortment, and the tables that baskets are drawn from.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) items: Items,
    pub(super) names: Vec<String>,
    /// Of each product segment: its first item (0-based) and its return rate.
    returns: [f64; PRODUCT_SEGMENTS],
    first: [u32; PRODUCT_SEGMENTS + 1],
    /// By segment, regime and, where there are missions, mission: product segments by popularity and taste.
    mixes: Vec<Alias>,
    /// By segment and product segment: its items by popularity and price.
    choices: Vec<Alias>,
}

/// Product segments, how popular each is with each segment, and the plan laid over them.
#[derive(Debug)]
pub(super) struct Range {
    cells: [Cell; PRODUCT_SEGMENTS],
    pub(super) weights: [[f64; PRODUCT_SEGMENTS]; SEGMENTS.len()],
}

impl Range {
    pub(super) fn new(config: &Config, root: u64) -> Self {
        let mut random = Streams::new(root, "catalogue").of(0);
        // Every pair of category and gender once, and four of them again in another brand.
        let mut pairs: Vec<(u8, u8)> = (0..CATEGORIES.len() as u8)
            .flat_map(|category| (0..GENDERS.len() as u8).map(move |gender| (category, gender)))
            .collect();
        random.shuffle(&mut pairs);
        let mut cells = [(0, 0, 0); PRODUCT_SEGMENTS];
        for (at, cell) in cells.iter_mut().enumerate() {
            let (category, gender) = pairs[at % pairs.len()];
            // Drawn from one half of the brands first time round, from the other the second: never the same cell twice.
            let half = BRANDS.len() as u32 / 2;
            let brand = random.below(half) + if at < pairs.len() { 0 } else { half };
            *cell = (category, gender, ((brand * 3 + u32::from(category)) % BRANDS.len() as u32) as u8);
        }
        let popularity: [f64; PRODUCT_SEGMENTS] = std::array::from_fn(|_| f64::from(random.zipf(1.6, 12)));

        let mut random = Streams::new(root, "tastes").of(0);
        let mut weights = [popularity; SEGMENTS.len()];
        for (segment, weights) in weights.iter_mut().enumerate() {
            let mut liked: Vec<usize> = (0..PRODUCT_SEGMENTS)
                .filter(|&product| segment != FAMILY_KIDS || cells[product].1 == KIDS)
                .collect();
            random.shuffle(&mut liked);
            for &product in liked.iter().take(config.liked) {
                weights[product] *= config.taste;
            }
        }
        Self { cells, weights }
    }

    /// About which share of all draws each product segment gets.
    pub(super) fn frequencies(&self) -> [f64; PRODUCT_SEGMENTS] {
        let mut frequencies = [0.0; PRODUCT_SEGMENTS];
        for (weights, segment) in self.weights.iter().zip(&SEGMENTS) {
            let scale = segment.share * segment.orders / weights.iter().sum::<f64>();
            for (frequency, weight) in frequencies.iter_mut().zip(weights) {
                *frequency += weight * scale;
            }
        }
        frequencies
    }
}

impl Catalogue {
    pub(super) fn new(config: &Config, range: &Range, plan: &Plan, root: u64) -> Self {
        let name = |&(category, gender, brand): &Cell| {
            let (category, gender) = (CATEGORIES[category as usize], GENDERS[gender as usize]);
            format!("{category}/{gender}/{}", BRANDS[brand as usize])
        };
        let random = &mut Streams::new(root, "items").of(0);
        let mut items = Items::default();
        let mut first = [0; PRODUCT_SEGMENTS + 1];
        for (product, &cell) in range.cells.iter().enumerate() {
            let products = PRODUCT_SEGMENTS as u32;
            let count = config.items / products + u32::from((product as u32) < config.items % products);
            first[product + 1] = first[product] + count;
            items.extend(config, product as u8, cell, count, random);
        }
        let popularity: Vec<f64> = items.popularity(&first, random);
        let mut mixes = Vec::new();
        for weights in &range.weights {
            for regime in Regime::all() {
                let weights = plan.tilted(config, weights, regime);
                if !config.missions {
                    mixes.push(Alias::new(&weights));
                    continue;
                }
                for mission in 0..MISSIONS.len() {
                    let of_group = range.cells.map(|(category, ..)| mission_of(category) == mission);
                    mixes.push(Alias::new(&focused(&weights, &of_group, config.mission_focus)));
                }
            }
        }
        let mut choices = Vec::new();
        for (code, segment) in SEGMENTS.iter().enumerate() {
            let paid = 1.0 - segment.discount * config.mean_depth();
            let target = segment.mean_order / config.mean_units() / paid;
            let logs: Vec<f64> =
                items.list_price.iter().map(|&price| (price as f64 / 10_000.0 / target).ln()).collect();
            let wished: Vec<f64> = popularity
                .iter()
                .zip(&logs)
                .map(|(weight, log)| weight * (-0.5 * (log / PRICE_SPREAD).powi(2)).exp())
                .collect();
            let weeks = 0..config.weeks as i32;
            let seen = |(weight, &launch): (&f64, &i32)| {
                weight * weeks.clone().map(|week| acceptance(code, week - launch)).sum::<f64>()
            };
            let bought: Vec<f64> = wished.iter().zip(&items.launch_week).map(seen).collect();
            for ends in first.windows(2) {
                let those = ends[0] as usize..ends[1] as usize;
                let power = power_for_mean(&bought[those.clone()], &logs[those.clone()]);
                let pairs = wished[those.clone()].iter().zip(&logs[those]);
                let weights: Vec<f64> = pairs.map(|(weight, log)| weight * (power * log).exp()).collect();
                choices.push(Alias::new(&weights));
            }
        }
        let returns = std::array::from_fn(|product| RETURNS[range.cells[product].0 as usize]);
        let names = range.cells.iter().map(name).collect();
        Self { items, names, returns, first, mixes, choices }
    }

    /// A product segment for a customer of this segment, who may be on a mission.
    pub(super) fn product(
        &self,
        segment: usize,
        regime: Regime,
        mission: Option<u8>,
        random: &mut Random,
    ) -> u8 {
        let mix = segment * Regime::COUNT + regime.index();
        let mix = mission.map_or(mix, |mission| mix * MISSIONS.len() + usize::from(mission));
        self.mixes[mix].draw(random) as u8
    }

    /// An item (0-based) of the product segment that is on sale in this week.
    pub(super) fn item(&self, segment: usize, product: u8, week: i32, random: &mut Random) -> u32 {
        let product = product as usize;
        let choices = &self.choices[segment * PRODUCT_SEGMENTS + product];
        for _ in 0..64 {
            let item = self.first[product] + choices.draw(random) as u32;
            let accepted = acceptance(segment, week - self.items.launch_week[item as usize]);
            if accepted > 0.0 && (accepted >= 1.0 || random.chance(accepted)) {
                return item;
            }
        }
        // The first of a product segment is older than the log.
        self.first[product]
    }

    /// The probability of every product segment as the next one in the basket of a customer of this segment, whose mission
    /// is not known.
    pub(super) fn mix(&self, segment: usize, regime: Regime) -> Vec<f64> {
        let missions = self.mixes.len() / (SEGMENTS.len() * Regime::COUNT);
        let first = (segment * Regime::COUNT + regime.index()) * missions;
        let mut mean = vec![0.0; PRODUCT_SEGMENTS];
        for mix in &self.mixes[first..first + missions] {
            mean.iter_mut().zip(mix.shares()).for_each(|(sum, share)| *sum += share / missions as f64);
        }
        mean
    }

    /// Of every item, the probability inside its product segment for a customer of this segment, whatever is on sale when.
    pub(super) fn item_shares(&self, segment: usize) -> Vec<f64> {
        let those = segment * PRODUCT_SEGMENTS..(segment + 1) * PRODUCT_SEGMENTS;
        self.choices[those].iter().flat_map(Alias::shares).collect()
    }

    pub(super) fn returns(&self, product: u8) -> f64 {
        self.returns[product as usize]
    }
}

impl Items {
    /// Adds the items of one product segment, dealt from its grid of price bands and colours.
    ///
    /// The first three have one band each and are older than the log, so that at any time every price is to be had.
    fn extend(&mut self, config: &Config, product: u8, cell: Cell, count: u32, random: &mut Random) {
        let (category, gender, brand) = cell;
        let mut grid: Vec<(u8, u8)> = Vec::new();
        for number in 0..count {
            if grid.is_empty() {
                grid = (0..PRICE_BANDS.len() as u8)
                    .flat_map(|band| (0..COLOURS.len() as u8).map(move |colour| (band, colour)))
                    .collect();
                random.shuffle(&mut grid);
            }
            let wanted = (number < 3).then_some(number as u8);
            let at =
                grid.iter().rposition(|&(band, _)| wanted.is_none_or(|wanted| band == wanted)).unwrap_or(0);
            let (band, colour) = grid.remove(at);
            let (least, most) = (BAND_ENDS[band as usize], BAND_ENDS[band as usize + 1]);
            let price = least * (most / least).powf(random.uniform());
            let cents = price as i64 * 100 + if band == 2 { 0 } else { 99 };
            let cost = (cents as f64 * (0.35 + 0.25 * random.uniform())) as i64;
            let new = random.chance(0.4) && number >= 3;
            let launch = if new { random.below(config.weeks) as i32 } else { -1 - random.below(104) as i32 };
            self.product_segment.push(product);
            self.category.push(category);
            self.gender.push(gender);
            self.price_band.push(band);
            self.brand.push(brand);
            self.colour.push(colour);
            self.cost.push(cost * CENT);
            self.list_price.push(cents * CENT);
            self.launch_week.push(launch);
            self.durable.push(DURABLE[category as usize]);
        }
    }

    /// How well each item sells inside its product segment: by a rank drawn at random.
    fn popularity(&self, first: &[u32], random: &mut Random) -> Vec<f64> {
        let mut popularity = vec![0.0; self.category.len()];
        for ends in first.windows(2) {
            let mut order: Vec<u32> = (ends[0]..ends[1]).collect();
            random.shuffle(&mut order);
            for (rank, item) in order.into_iter().enumerate() {
                popularity[item as usize] = (1.0 + rank as f64).powf(-0.8);
            }
        }
        popularity
    }
}

/// How gladly an item of this age in weeks is taken: not before its launch, and old ones seldom by those who like the new.
const fn acceptance(segment: usize, age: i32) -> f64 {
    if age < 0 {
        0.0
    } else if segment == FASHION_NEW && age >= 13 {
        0.25
    } else {
        1.0
    }
}

/// The power of the price that makes the mean price the target, when weights are multiplied by it, or as near as can be.
///
/// `logs` are the logarithms of price over target.
fn power_for_mean(weights: &[f64], logs: &[f64]) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..40 {
        let power = 0.5 * (low + high);
        // The mean over the target less 1, times the sum of the weights, which is positive.
        let excess: f64 =
            weights.iter().zip(logs).map(|(weight, log)| weight * (power * log).exp() * log.exp_m1()).sum();
        if excess < 0.0 {
            low = power;
        } else {
            high = power;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_reaches_its_mean() {
        let (prices, weights) = ([5.0, 8.0, 30.0, 100.0, 200.0], [1.0, 2.0, 1.0, 0.5, 0.3]);
        for target in [6.0, 22.0, 60.0, 150.0] {
            let power = power_for_mean(&weights, &prices.map(|price: f64| (price / target).ln()));
            let tilted = |at: usize| weights[at] * (prices[at] / target).powf(power);
            let mean =
                (0..5).map(|at| tilted(at) * prices[at]).sum::<f64>() / (0..5).map(tilted).sum::<f64>();
            assert!((mean - target).abs() < 1e-6 * target, "{mean} for {target}");
        }
    }
}
