//! When the lines that come back do.

use super::Shop;
use super::calendar::{DAY, START};
use super::random::Streams;
use super::worlds::Config;

/// A line comes back after so many whole days, each as likely as the others.
const DAYS: std::ops::RangeInclusive<i64> = 3..=28;
/// The time of a line that does not come back.
pub(super) const NEVER: i64 = i64::MAX;

/// The lines that come back while the log lasts, by order and item.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Returns {
    /// Number of the order.
    pub order: Vec<u32>,
    /// Number of the item.
    pub item: Vec<u32>,
    /// When, in microseconds since 1970 in UTC.
    pub time: Vec<i64>,
    /// Units.
    pub quantity: Vec<u8>,
    /// Paid back for one unit, in units of 10^-4 of the currency.
    pub price: Vec<i64>,
}

/// The probability that a line that comes back has done so within this many days.
pub(super) fn back_within(days: i64) -> f64 {
    let (least, most) = (*DAYS.start(), *DAYS.end());
    (days - least).clamp(0, most + 1 - least) as f64 / (most + 1 - least) as f64
}

/// Of every line, when it comes back.
pub(super) fn times(shop: &Shop, root: u64) -> Vec<i64> {
    let streams = Streams::new(root, "returns");
    let (mut customer, mut random) = (0, streams.of(0));
    let choices = (DAYS.end() + 1 - DAYS.start()) as u32;
    let draw = |(&order, &returned): (&u32, &bool)| {
        let order = order as usize - 1;
        if shop.orders.customer[order] != customer {
            customer = shop.orders.customer[order];
            random = streams.of(u64::from(customer));
        }
        if !returned {
            return NEVER;
        }
        shop.orders.time[order] + (DAYS.start() + i64::from(random.below(choices))) * DAY
    };
    shop.lines.order.iter().zip(&shop.lines.returned).map(draw).collect()
}

/// Lists the lines that come back before the log ends.
pub(super) fn listed(config: &Config, shop: &Shop, times: &[i64]) -> Returns {
    let end = START + i64::from(config.weeks) * 7 * DAY;
    let mut returns = Returns::default();
    for (line, &time) in times.iter().enumerate().filter(|&(_, &time)| time < end) {
        returns.order.push(shop.lines.order[line]);
        returns.item.push(shop.lines.item[line]);
        returns.time.push(time);
        returns.quantity.push(shop.lines.quantity[line]);
        returns.price.push(shop.lines.price[line]);
    }
    returns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted() {
        for (days, share) in [(3, 0.0), (4, 1.0), (16, 13.0), (28, 25.0), (29, 26.0), (60, 26.0)] {
            assert!((26.0 * back_within(days) - share).abs() < 1e-12);
        }
    }
}
