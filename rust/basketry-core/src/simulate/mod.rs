//! A shop of known truth: worlds whose segments, rules and sequences are planted, and so known.
//!
//! Each customer belongs to a latent segment with its own rhythm, dropout, taste and liking for discounts. Planted rules tie
//! product segments inside a basket, planted sequences bring extra orders at fixed lags. Everything that a miner should find
//! is told in the truth; whatever else it finds is false.

mod calendar;
mod catalogue;
mod customers;
mod missions;
mod oracle;
mod orders;
mod outcomes;
mod personas;
mod plant;
mod prospects;
mod random;
mod returns;
mod worlds;

use rayon::prelude::*;

use crate::control::Control;
use crate::error::{Error, Result};

pub use calendar::START;
pub use catalogue::{BRANDS, CATEGORIES, COLOURS, GENDERS, Items, PRICE_BANDS};
pub use customers::{BIRTH_BANDS, CITIES, CUSTOMER_GENDERS, Customers, DEVICES, Traits};
pub use missions::{Cell, MISSIONS, Mission, mission_of};
pub use orders::{CHANNELS, Lines, Orders};
pub use outcomes::{LABEL_WEEKS, Outcomes, outcomes};
pub use personas::{NULL_TRAITS, PERSONAS, Personas, personas};
pub use plant::{Kind, Plan, Rule, Sequence};
pub use prospects::{Behaviour, Prospects, prospects};
pub use returns::Returns;
pub use worlds::{Config, PRODUCT_SEGMENTS, SEGMENTS, Segment, SequenceLaw, World};

/// Customers of one unit of work: small enough to hear a stop at once, and the same for any number of threads.
const CHUNK: u32 = 1024;

/// A simulated shop.
#[derive(Debug, Clone, PartialEq)]
pub struct Shop {
    /// The customers with their truth.
    pub customers: Customers,
    /// The items.
    pub items: Items,
    /// The names of the product segments: category, gender and brand.
    pub product_segments: Vec<String>,
    /// The orders.
    pub orders: Orders,
    /// The lines.
    pub lines: Lines,
    /// The planted rules and sequences.
    pub plan: Plan,
    /// The planted cells of who comes for what, when, with which discount.
    pub cells: Vec<Cell>,
}

/// Simulates a shop; `root` is the seed of everything.
///
/// Takes about a microsecond an order. Every draw depends on the root seed, its component and the customer alone, so the
/// result is the same for any number of threads.
///
/// # Errors
/// [`Error::Interrupted`] and [`Error::Capacity`] as the control says; [`Error::TooMany`] for more lines than 32 bits number.
///
/// # Examples
/// ```
/// use basketry_core::Control;
/// use basketry_core::simulate::{Config, World, simulate};
/// let config = Config::of(World::Easy, 1_000, 600, 104)?;
/// let shop = simulate(&config, 7, &Control::default())?;
/// assert_eq!(shop.customers.segment.len(), 1_000);
/// assert_eq!(shop.plan.sequences.len(), 6);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn simulate(config: &Config, root: u64, control: &Control) -> Result<Shop> {
    let Laws { calendar, plan, catalogue } = Laws::new(config, root);
    let cells = missions::cells(config, root);
    let shop =
        orders::Shop { config, calendar: &calendar, catalogue: &catalogue, plan: &plan, cells: &cells };
    let (who, what) = (customers::Law::new(root), orders::Law::new(root));
    control.expect(u64::from(config.customers));
    let parts = (0..config.customers.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            control.check()?;
            let mut part = Part::default();
            let (mut desk, mut times) = (orders::Desk::default(), Vec::new());
            let ends = chunk * CHUNK..config.customers.min((chunk + 1) * CHUNK);
            for number in ends.start + 1..=ends.end {
                let customer = who.draw(config, &calendar, number, &mut part.customers, &mut times);
                let columns = (&mut part.orders, &mut part.lines);
                let last = what.draw(shop, number, customer, &times, &mut desk, columns);
                part.customers.left_week.push(customer.left.then_some(last));
            }
            control.book(u64::from(ends.end - ends.start), part.bytes())?;
            control.advance(u64::from(ends.end - ends.start));
            Ok(part)
        })
        .collect::<Result<Vec<_>>>()?;
    let lines: usize = parts.iter().map(|part| part.lines.item.len()).sum();
    if lines > u32::MAX as usize {
        return Err(Error::TooMany { what: "lines", count: lines as u64, most: u64::from(u32::MAX) });
    }
    let Part { customers, orders, lines } = Part::joined(parts);
    Ok(Shop {
        customers,
        items: catalogue.items,
        product_segments: catalogue.names,
        orders,
        lines,
        plan,
        cells,
    })
}

/// What holds for all customers of a world.
#[derive(Debug)]
struct Laws {
    calendar: calendar::Calendar,
    plan: Plan,
    catalogue: catalogue::Catalogue,
}

impl Laws {
    fn new(config: &Config, root: u64) -> Self {
        let range = catalogue::Range::new(config, root);
        let plan = Plan::new(config, &range.frequencies(), root);
        let catalogue = catalogue::Catalogue::new(config, &range, &plan, root);
        Self { calendar: calendar::Calendar::new(config), plan, catalogue }
    }
}

/// The rows of one chunk of customers.
#[derive(Default)]
struct Part {
    customers: Customers,
    orders: Orders,
    lines: Lines,
}

impl Part {
    fn bytes(&self) -> u64 {
        (self.customers.lambda.len() * 34 + self.orders.time.len() * 17 + self.lines.item.len() * 19) as u64
    }

    /// Puts the parts together, one column at a time; each part's column is freed as it is copied.
    fn joined(mut parts: Vec<Self>) -> Self {
        fn column<T>(parts: &mut [Part], of: impl Fn(&mut Part) -> &mut Vec<T>) -> Vec<T> {
            let rows = parts.iter_mut().map(|part| of(part).len()).sum();
            let mut whole = Vec::with_capacity(rows);
            for part in parts {
                whole.append(&mut std::mem::take(of(part)));
            }
            whole
        }
        let parts = parts.as_mut_slice();
        let lines = column(parts, |part| &mut part.orders.lines);
        let mut order = Vec::with_capacity(lines.iter().map(|&n| n as usize).sum());
        for (number, &n) in (1..).zip(&lines) {
            order.extend(std::iter::repeat_n(number, n as usize));
        }
        Self {
            customers: Customers {
                first_seen: column(parts, |part| &mut part.customers.first_seen),
                traits: Traits {
                    gender: column(parts, |part| &mut part.customers.traits.gender),
                    city: column(parts, |part| &mut part.customers.traits.city),
                    device: column(parts, |part| &mut part.customers.traits.device),
                    birth_band: column(parts, |part| &mut part.customers.traits.birth_band),
                    consent: column(parts, |part| &mut part.customers.traits.consent),
                },
                segment: column(parts, |part| &mut part.customers.segment),
                lambda: column(parts, |part| &mut part.customers.lambda),
                p: column(parts, |part| &mut part.customers.p),
                left_week: column(parts, |part| &mut part.customers.left_week),
            },
            orders: Orders {
                customer: column(parts, |part| &mut part.orders.customer),
                time: column(parts, |part| &mut part.orders.time),
                channel: column(parts, |part| &mut part.orders.channel),
                mission: column(parts, |part| &mut part.orders.mission),
                lines,
            },
            lines: Lines {
                order,
                item: column(parts, |part| &mut part.lines.item),
                quantity: column(parts, |part| &mut part.lines.quantity),
                price: column(parts, |part| &mut part.lines.price),
                tenths_off: column(parts, |part| &mut part.lines.tenths_off),
                returned: column(parts, |part| &mut part.lines.returned),
            },
        }
    }
}

#[cfg(test)]
mod tests;
