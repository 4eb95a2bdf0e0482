//! What is bought: orders, their baskets, and the extra orders of planted sequences.

use super::calendar::{Calendar, DAY, Regime, START};
use super::catalogue::{CENT, Catalogue};
use super::customers::Customer;
use super::missions::{self, Cell, MISSIONS};
use super::plant::Plan;
use super::random::{Random, Streams};
use super::worlds::{Config, PRODUCT_SEGMENTS, SEGMENTS};

/// The channels of the orders, and the share of each.
pub const CHANNELS: [&str; 3] = ["app", "store", "web"];
const CHANNEL_SHARES: [f64; 3] = [0.15, 0.30, 0.55];
/// A basket is never larger, so that a draw of yet another product segment ends soon.
const MOST_SEGMENTS: u32 = 10;

/// The orders, by customer and time. Their numbers are their positions, counted from 1.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Orders {
    /// Number of the customer.
    pub customer: Vec<u32>,
    /// When, in microseconds since 1970 in UTC.
    pub time: Vec<i64>,
    /// Code into [`CHANNELS`].
    pub channel: Vec<u8>,
    /// How many lines.
    pub lines: Vec<u32>,
    /// Truth: code into [`MISSIONS`]; empty where no missions are planted.
    pub mission: Vec<u8>,
}

/// The lines, by order and item.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Lines {
    /// Number of the order.
    pub order: Vec<u32>,
    /// Number of the item.
    pub item: Vec<u32>,
    /// Units.
    pub quantity: Vec<u8>,
    /// Paid for one unit, in units of 10^-4 of the currency; a whole number of cents.
    pub price: Vec<i64>,
    /// Share of the list price that was taken off, in tenths.
    pub tenths_off: Vec<u8>,
    /// Whether the line came back.
    pub returned: Vec<bool>,
}

/// The streams of the orders' components.
#[derive(Debug)]
pub(super) struct Law {
    days: Streams,
    baskets: Streams,
    rules: Streams,
    sequences: Streams,
    missions: Streams,
}

/// What the draw of a basket looks up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shop<'a> {
    pub(super) config: &'a Config,
    pub(super) calendar: &'a Calendar,
    pub(super) catalogue: &'a Catalogue,
    pub(super) plan: &'a Plan,
    pub(super) cells: &'a [Cell],
}

#[derive(Debug, Clone, Copy)]
struct Line {
    product: u8,
    item: u32,
    quantity: u8,
    returned: bool,
}

#[derive(Debug, Clone, Copy)]
struct Order {
    week: f64,
    time: i64,
    channel: u8,
    tenths_off: u8,
    mission: Option<u8>,
    products: u64,
    first: usize,
    end: usize,
}

/// The room in which one customer's orders are made, used again for the next.
#[derive(Debug, Default)]
pub(super) struct Desk {
    orders: Vec<Order>,
    lines: Vec<Line>,
}

impl Law {
    pub(super) fn new(root: u64) -> Self {
        let streams = |component| Streams::new(root, component);
        Self {
            days: streams("days"),
            baskets: streams("baskets"),
            rules: streams("rules"),
            sequences: streams("sequences"),
            missions: streams("missions"),
        }
    }

    /// Makes the orders of customer `number` at these weeks and those that follow from them; adds them to the columns.
    ///
    /// Returns the week of the last one.
    pub(super) fn draw(
        &self,
        shop: Shop<'_>,
        number: u32,
        customer: Customer,
        weeks: &[f64],
        desk: &mut Desk,
        (orders, lines): (&mut Orders, &mut Lines),
    ) -> u32 {
        desk.orders.clear();
        desk.lines.clear();
        let key = u64::from(number);
        let (mut days, mut baskets, mut rules) =
            (self.days.of(key), self.baskets.of(key), self.rules.of(key));
        let mut missions = self.missions.of(key);
        for &week in weeks {
            desk.order(shop, customer, week, &mut days, &mut missions);
            desk.fill(shop, customer, None, &mut baskets);
            desk.obey(shop, customer, &mut rules);
        }
        if !shop.plan.sequences.is_empty() {
            desk.follow(shop, customer, &mut self.sequences.of(key), &mut missions);
        }
        desk.hand_over(shop, number, orders, lines)
    }
}

impl Desk {
    /// Opens an order: its time of day, channel, discount and mission.
    fn order(
        &mut self,
        shop: Shop<'_>,
        customer: Customer,
        week: f64,
        random: &mut Random,
        missions: &mut Random,
    ) {
        // Opening hours from 7 to 23, busiest at three in the afternoon.
        let second = (7.0 + 8.0 * (random.uniform() + random.uniform())) * 3600.0;
        let time = START + (week * 7.0) as i64 * DAY + second as i64 * 1_000_000;
        let channel = random.choose(&CHANNEL_SHARES) as u8;
        let sale = shop.calendar.regime(week).sale;
        let wish = SEGMENTS[customer.segment].discount + if sale { shop.config.sale_discount } else { 0.0 };
        let depth = 1 + random.choose(&shop.config.depths) as u8;
        let tenths_off = if random.chance(wish) { depth } else { 0 };
        let mission = shop.config.missions.then(|| {
            missions::draw(shop.config, shop.cells, customer.segment, week as u32, tenths_off > 0, missions)
        });
        let (first, end) = (self.lines.len(), self.lines.len());
        self.orders.push(Order { week, time, channel, tenths_off, mission, products: 0, first, end });
    }

    /// Puts product segments into the newest order, by taste; `first` goes in before all others.
    fn fill(&mut self, shop: Shop<'_>, customer: Customer, first: Option<u8>, random: &mut Random) {
        let Some(&order) = self.orders.last() else { return };
        let regime: Regime = shop.calendar.regime(order.week);
        let (least, extra) = order.mission.map_or((1, shop.config.extra_segments), |mission| {
            let mission = &MISSIONS[usize::from(mission)];
            (mission.least, mission.extra)
        });
        let size = (least + random.poisson(extra)).min(MOST_SEGMENTS);
        let mut products = first.map_or(0, |product| 1u64 << product);
        if let Some(product) = first {
            self.line(shop, customer, product, random);
        }
        while products.count_ones() < size {
            let product = shop.catalogue.product(customer.segment, regime, order.mission, random);
            if products >> product & 1 == 0 {
                products |= 1 << product;
                self.line(shop, customer, product, random);
            }
        }
        self.close(products);
    }

    /// Lets the planted rules act on the newest order.
    fn obey(&mut self, shop: Shop<'_>, customer: Customer, random: &mut Random) {
        let Some(&Order { products: before, first, .. }) = self.orders.last() else { return };
        let after = shop.plan.act(before, customer.local, random);
        if after == before {
            return;
        }
        let mut at = first;
        while at < self.lines.len() {
            if after >> self.lines[at].product & 1 == 0 {
                self.lines.remove(at);
            } else {
                at += 1;
            }
        }
        for product in (0..PRODUCT_SEGMENTS as u8).filter(|product| (after & !before) >> product & 1 == 1) {
            self.line(shop, customer, product, random);
        }
        self.close(after);
    }

    /// Adds the extra orders of the planted sequences, and those that follow from these.
    fn follow(&mut self, shop: Shop<'_>, customer: Customer, random: &mut Random, missions: &mut Random) {
        let mut at = 0;
        while let Some(&Order { week, products, .. }) = self.orders.get(at) {
            at += 1;
            for sequence in &shop.plan.sequences {
                let law = &sequence.law;
                if products >> sequence.antecedent & 1 == 0 || !random.chance(law.probability) {
                    continue;
                }
                let peak = f64::from(law.peaks[random.below(law.peaks.len() as u32) as usize]);
                let next = week + (peak + shop.config.lag_spread * random.normal()).max(0.0);
                if next < f64::from(shop.config.weeks) {
                    self.order(shop, customer, next, random, missions);
                    self.fill(shop, customer, Some(sequence.consequent), random);
                    self.obey(shop, customer, random);
                }
            }
        }
    }

    fn line(&mut self, shop: Shop<'_>, customer: Customer, product: u8, random: &mut Random) {
        let Some(order) = self.orders.last() else { return };
        let item = shop.catalogue.item(customer.segment, product, order.week as i32, random);
        let quantity = 1 + random.choose(&shop.config.quantities) as u8;
        let returned = random.chance(shop.catalogue.returns(product));
        self.lines.push(Line { product, item, quantity, returned });
    }

    fn close(&mut self, products: u64) {
        let end = self.lines.len();
        if let Some(order) = self.orders.last_mut() {
            order.products = products;
            order.end = end;
        }
    }

    /// Sorts the orders by time and their lines by item, and writes them down.
    fn hand_over(&mut self, shop: Shop<'_>, number: u32, orders: &mut Orders, lines: &mut Lines) -> u32 {
        self.orders.sort_by_key(|order| order.time);
        for order in &self.orders {
            orders.customer.push(number);
            orders.time.push(order.time);
            orders.channel.push(order.channel);
            orders.lines.push((order.end - order.first) as u32);
            orders.mission.extend(order.mission);
            let bought = &mut self.lines[order.first..order.end];
            bought.sort_unstable_by_key(|line| line.item);
            for line in bought {
                lines.item.push(line.item + 1);
                lines.quantity.push(line.quantity);
                lines.price.push(paid(shop.catalogue.items.list_price[line.item as usize], order.tenths_off));
                lines.tenths_off.push(order.tenths_off);
                lines.returned.push(line.returned);
            }
        }
        self.orders.last().map_or(0, |order| order.week as u32)
    }
}

/// The list price less the discount, rounded to the cent, half a cent up.
const fn paid(list_price: i64, tenths_off: u8) -> i64 {
    let cents = list_price / CENT * (10 - tenths_off as i64);
    (cents + 5) / 10 * CENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_paid_in_cents() {
        assert_eq!(paid(129_900, 0), 129_900);
        assert_eq!(paid(129_900, 3), 90_900, "9.093");
        assert_eq!(paid(129_500, 5), 64_800, "6.475 goes up");
    }
}
