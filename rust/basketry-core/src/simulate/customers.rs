//! Who buys: traits, the law of each customer, and when ordinary orders come.

use super::calendar::{Calendar, DAY, START};
use super::random::{Random, Streams};
use super::worlds::{Config, GIFT_SEASON, SEGMENTS};

/// The genders of customers.
pub const CUSTOMER_GENDERS: [&str; 2] = ["women", "men"];
/// The kinds of city.
pub const CITIES: [&str; 2] = ["big", "small"];
/// The devices, and the share of customers with each.
pub const DEVICES: [&str; 3] = ["desktop", "mobile", "tablet"];
const DEVICE_SHARES: [f64; 3] = [0.3, 0.6, 0.1];
/// The decades of birth, and the share of customers from each.
pub const BIRTH_BANDS: [&str; 6] = ["1950s", "1960s", "1970s", "1980s", "1990s", "2000s"];
const BIRTH_SHARES: [f64; 6] = [0.08, 0.14, 0.20, 0.25, 0.22, 0.11];
/// Share of customers who agreed to be written to.
const CONSENT: f64 = 0.7;

/// The customers, in the order of their numbers, which start at 1. Code columns point into the lists of names.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Customers {
    /// Day of the first order, in days since 1970.
    pub first_seen: Vec<i32>,
    /// Who they are.
    pub traits: Traits,
    /// Truth: code into [`SEGMENTS`].
    pub segment: Vec<u8>,
    /// Truth: ordinary orders a week.
    pub lambda: Vec<f64>,
    /// Truth: probability of leaving after an ordinary order.
    pub p: Vec<f64>,
    /// Truth: week of the last order of a customer who left; `None` for one who was still there at the end of the log.
    pub left_week: Vec<Option<u32>>,
}

/// The traits of people, in the order of their numbers. Code columns point into the lists of names.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Traits {
    /// Code into [`CUSTOMER_GENDERS`].
    pub gender: Vec<u8>,
    /// Code into [`CITIES`].
    pub city: Vec<u8>,
    /// Code into [`DEVICES`].
    pub device: Vec<u8>,
    /// Code into [`BIRTH_BANDS`].
    pub birth_band: Vec<u8>,
    /// Whether they agreed to be written to.
    pub consent: Vec<bool>,
}

impl Traits {
    pub(super) fn append(&mut self, mut other: Self) {
        self.gender.append(&mut other.gender);
        self.city.append(&mut other.city);
        self.device.append(&mut other.device);
        self.birth_band.append(&mut other.birth_band);
        self.consent.append(&mut other.consent);
    }
}

/// The streams of the customers' components.
#[derive(Debug)]
pub(super) struct Law {
    segments: Streams,
    traits: Streams,
    times: Streams,
}

/// What the orders of a customer need to know about the customer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Customer {
    pub(super) segment: usize,
    /// Whether the local rules hold: a woman in a big city.
    pub(super) local: bool,
    pub(super) left: bool,
}

impl Law {
    pub(super) fn new(root: u64) -> Self {
        let streams = |component| Streams::new(root, component);
        Self { segments: streams("segments"), traits: streams("customers"), times: streams("orders") }
    }

    /// The law of people who are no customers.
    pub(super) fn of_prospects(root: u64) -> Self {
        let streams = |component| Streams::new(root, component);
        Self { segments: streams("prospects"), traits: streams("prospect traits"), times: streams("none") }
    }

    /// Draws segment, orders a week and probability of leaving.
    pub(super) fn law(&self, number: u64) -> (usize, f64, f64) {
        let random = &mut self.segments.of(number);
        let code = random.choose(&SEGMENTS.map(|segment| segment.share));
        let segment = &SEGMENTS[code];
        let lambda = random.gamma(segment.shape) / segment.rate;
        (code, lambda, random.beta(segment.leave_a, segment.leave_b))
    }

    /// Draws the traits and adds a row; tells whether the local rules hold.
    pub(super) fn traits(&self, config: &Config, number: u64, traits: &mut Traits) -> bool {
        let random = &mut self.traits.of(number);
        let woman = random.chance(config.women);
        let big_city = random.chance(config.big_city);
        traits.gender.push(u8::from(!woman));
        traits.city.push(u8::from(!big_city));
        traits.device.push(random.choose(&DEVICE_SHARES) as u8);
        traits.birth_band.push(random.choose(&BIRTH_SHARES) as u8);
        traits.consent.push(random.chance(CONSENT));
        woman && big_city
    }

    /// Draws customer `number`, adds a row to `customers`, and fills `times` with the weeks of the ordinary orders.
    pub(super) fn draw(
        &self,
        config: &Config,
        calendar: &Calendar,
        number: u32,
        customers: &mut Customers,
        times: &mut Vec<f64>,
    ) -> Customer {
        let number = u64::from(number);
        let (code, lambda, p) = self.law(number);
        let local = self.traits(config, number, &mut customers.traits);

        let left =
            order_times(config, calendar, (code == GIFT_SEASON, lambda, p), self.times.of(number), times);
        customers.first_seen.push(((START + (times[0] * 7.0) as i64 * DAY) / DAY) as i32);
        customers.segment.push(code as u8);
        customers.lambda.push(lambda);
        customers.p.push(p);
        Customer { segment: code, local, left }
    }
}

/// Fills `times`; tells whether the customer left, rather than being still there when the log ends.
fn order_times(
    config: &Config,
    calendar: &Calendar,
    (gifts, lambda, p): (bool, f64, f64),
    mut random: Random,
    times: &mut Vec<f64>,
) -> bool {
    times.clear();
    let mut time = random.uniform() * config.first_order_weeks;
    loop {
        times.push(time);
        if random.chance(p) {
            return true;
        }
        match calendar.after(time, random.exponential() / lambda, gifts) {
            Some(next) => time = next,
            None => return false,
        }
    }
}
