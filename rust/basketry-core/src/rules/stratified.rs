//! The test of a rule inside strata of baskets: Cochran, Mantel and Haenszel.
//!
//! Baskets are compared only with baskets of the same stratum that hold as many *other* items: large baskets hold more of
//! everything, and a rule that adds its consequent changes the size of a basket but not what else is in it. A basket that
//! holds nothing else than the rule's own items is left out, because a basket without any of them would be empty and is never
//! seen.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::measures::odds_ratio;
use super::touched::{Lists, Sides};
use crate::baskets::{Baskets, Origins};
use crate::chance::{NORMAL_95, normal_tail};
use crate::dictionary::NONE;
use crate::{Control, Result};

/// What the strata together say of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Test {
    /// Baskets with both sides, in strata that can tell anything.
    pub count: u64,
    /// How many there would be if the sides were independent inside every stratum.
    pub expected: f64,
    /// The common odds ratio (Mantel and Haenszel).
    pub odds_ratio: f64,
    /// The lower end of its interval of 95 % (Robins, Breslow and Greenland).
    pub low: f64,
    /// The upper end of its interval of 95 %.
    pub high: f64,
    /// The chance of at least this count if the common odds ratio were 1, with the correction for continuity.
    pub p_value: f64,
    /// Whether there are enough baskets for the chance to be right (the criterion of Mantel and Fleiss).
    pub enough: bool,
}

/// Which baskets are compared with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strata {
    /// Baskets of the same customer: whatever a customer always likes is the same in all of them. Guests' are left out.
    pub customers: Vec<u32>,
    /// Baskets of the same period, and of the same stratum of customers if there are any: a season or a sale is the same in all.
    pub periods: Vec<u32>,
}

impl Strata {
    /// Strata of baskets; `of_customer` holds the stratum of each customer, and periods have so many days, at least 1.
    pub fn new(origins: &Origins, of_customer: Option<&[u32]>, days: i32) -> Self {
        let first = origins.days.iter().min().copied().unwrap_or(0);
        let strata = of_customer.unwrap_or_default();
        // One more for the customers of no stratum, and for guests.
        let none = strata.iter().filter(|&&stratum| stratum != NONE).max().map_or(0, |&most| most + 1);
        let period = |(&day, &customer): (&i32, &u32)| {
            let stratum = strata.get(customer as usize).map_or(none, |&stratum| stratum.min(none));
            ((day - first) / days.max(1)) as u32 * (none + 1) + stratum
        };
        let periods = origins.days.iter().zip(&origins.customers).map(period).collect();
        Self { customers: origins.customers.clone(), periods }
    }
}

/// Numbers of other items are told apart up to here; above, by powers of two.
const EXACT: usize = 8;
/// Bits that a class of sizes takes.
const CLASS_BITS: u32 = 6;
/// The kind of a count that takes a basket out of the class that all baskets were counted in.
const MOVED: usize = 4;
/// The least that the count could fall below or rise above its expectation: 5, if it were not for rounding.
const ENOUGH: f64 = 5.0 - 1e-9;

fn class(others: usize) -> u64 {
    if others <= EXACT { others as u64 } else { EXACT as u64 - 2 + u64::from(others.ilog2()) }
}

/// Tests every rule inside strata: `strata[basket]` is the stratum, [`NONE`] leaves a basket out.
///
/// Takes, for each rule, two look-ups a basket that holds one of its items.
///
/// # Errors
/// [`crate::Error::Interrupted`] when asked to stop, [`crate::Error::Capacity`] when the budget is met.
///
/// # Examples
/// ```
/// use basketry_core::{baskets::Baskets, rules};
/// // Beside bread (0), jam (2) is in every basket with butter (1) and in no other.
/// let shop = Baskets::from_rows([[0, 1, 2].as_slice(), &[0, 1, 2], &[0], &[0], &[0]]);
/// let rule = [rules::Sides { antecedent: vec![1], consequent: vec![2] }];
/// let lists = rules::Lists::new(&shop, &rule);
/// let found = rules::test(&shop, &lists, &rule, &[0; 5], &Default::default())?;
/// assert_eq!((found[0].count, found[0].expected), (2, 0.8));
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn test(
    baskets: &Baskets,
    lists: &Lists,
    rules: &[Sides],
    strata: &[u32],
    control: &Control,
) -> Result<Vec<Test>> {
    control.expect(rules.len() as u64);
    control.book(0, (rules.len() * size_of::<Test>()) as u64)?;
    let mut sizes: FxHashMap<u64, u32> = FxHashMap::default();
    for (basket, &stratum) in strata.iter().enumerate().filter(|&(_, &stratum)| stratum != NONE) {
        *sizes.entry(cell(stratum, baskets.items_of(basket).len())).or_default() += 1;
    }
    rules
        .par_iter()
        .map_init(Cells::default, |cells, rule| {
            control.check()?;
            control.advance(1);
            cells.clear();
            lists.visit(rule, |touched| {
                let stratum = strata[touched.basket as usize];
                if stratum != NONE {
                    let size = baskets.items_of(touched.basket as usize).len();
                    cells.count(cell(stratum, size), MOVED);
                    if size > touched.items {
                        let kind = usize::from(touched.antecedent) | usize::from(touched.consequent) << 1;
                        cells.count(cell(stratum, size - touched.items), kind);
                    }
                }
            });
            let mut sums = Sums::default();
            for &(cell, [neither, one, other, both, moved]) in &cells.counts {
                sums.add(both, one, other, sizes.get(&cell).copied().unwrap_or(0) - moved + neither);
            }
            Ok(sums.finish())
        })
        .collect()
}

/// Counts by cell, in the order in which the cells were met, so that sums over them are always the same.
#[derive(Default)]
struct Cells {
    places: FxHashMap<u64, u32>,
    counts: Vec<(u64, [u32; 5])>,
}

impl Cells {
    fn clear(&mut self) {
        self.places.clear();
        self.counts.clear();
    }

    fn count(&mut self, cell: u64, kind: usize) {
        let next = self.counts.len() as u32;
        let place = *self.places.entry(cell).or_insert(next);
        if place == next {
            self.counts.push((cell, [0; 5]));
        }
        self.counts[place as usize].1[kind] += 1;
    }
}

fn cell(stratum: u32, others: usize) -> u64 {
    u64::from(stratum) << CLASS_BITS | class(others)
}

/// The sums over strata that all the estimates are made of.
#[derive(Debug, Default)]
struct Sums {
    table: [f64; 4],
    expected: f64,
    variance: f64,
    least: f64,
    most: f64,
    r: f64,
    s: f64,
    pr: f64,
    ps_qr: f64,
    qs: f64,
}

impl Sums {
    /// Adds a stratum: baskets with both sides, with one, with the other, with neither.
    fn add(&mut self, both: u32, one: u32, other: u32, neither: u32) {
        let cells = [both, one, other, neither].map(f64::from);
        let [a, b, c, d] = cells;
        let n = a + b + c + d;
        let (with, without, has, lacks) = (a + b, c + d, a + c, b + d);
        if with * without * has * lacks == 0.0 {
            return;
        }
        for (sum, cell) in self.table.iter_mut().zip(cells) {
            *sum += cell;
        }
        self.expected += with * has / n;
        self.variance += with * without * has * lacks / (n * n * (n - 1.0));
        self.least += (with + has - n).max(0.0);
        self.most += with.min(has);
        let (p, q, r, s) = ((a + d) / n, (b + c) / n, a * d / n, b * c / n);
        self.r += r;
        self.s += s;
        self.pr += p * r;
        self.ps_qr += p * s + q * r;
        self.qs += q * s;
    }

    fn finish(&self) -> Test {
        let count = self.table[0];
        if self.variance == 0.0 {
            return Test {
                odds_ratio: f64::NAN,
                low: 0.0,
                high: f64::INFINITY,
                p_value: 1.0,
                ..Test::default()
            };
        }
        let away = count - self.expected;
        let z = away.signum() * (away.abs() - 0.5).max(0.0) / self.variance.sqrt();
        // Where no stratum speaks for or none against the rule, the interval is that of the table of them all.
        let (odds_ratio, low, high) = if self.r == 0.0 || self.s == 0.0 {
            odds_ratio(self.table.map(|cell| cell + 0.5))
        } else {
            let variance = self.pr / (2.0 * self.r * self.r)
                + self.ps_qr / (2.0 * self.r * self.s)
                + self.qs / (2.0 * self.s * self.s);
            let (ratio, factor) = (self.r / self.s, (NORMAL_95 * variance.sqrt()).exp());
            (ratio, ratio / factor, ratio * factor)
        };
        Test {
            count: count as u64,
            expected: self.expected,
            odds_ratio,
            low,
            high,
            p_value: normal_tail(z),
            enough: (self.expected - self.least).min(self.most - self.expected) >= ENOUGH,
        }
    }
}
