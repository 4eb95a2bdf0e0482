//! What came of every customer in the quarter after an instant, and what an oracle would have said.

use rayon::prelude::*;

use super::calendar::{DAY, START};
use super::oracle::{Baskets, Oracle, Past};
use super::random::Streams;
use super::returns::{self, NEVER, Returns, back_within};
use super::worlds::Config;
use super::{CHUNK, Laws, Shop};
use crate::control::Control;
use crate::error::Result;

/// The length of a window in which outcomes are looked up; instants lie as far apart.
pub const LABEL_WEEKS: u32 = 13;
const WEEK: i64 = 7 * DAY;

/// One row for every customer known at an instant, by chunks of customers; instants are [`LABEL_WEEKS`] apart.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Outcomes {
    /// Number of the customer.
    pub customer: Vec<u32>,
    /// The instant: the start of this week.
    pub week: Vec<u32>,
    /// Truth: the probability of an order in the window, given all laws and the customer's past.
    pub p_buy: Vec<f64>,
    /// Truth: the probability of a discounted order.
    pub p_sale: Vec<f64>,
    /// Truth: the probability that something comes back.
    pub p_return: Vec<f64>,
    /// Whether there is an order in the window.
    pub bought: Vec<bool>,
    /// Whether there is a discounted order.
    pub in_sale: Vec<bool>,
    /// Whether something comes back.
    pub returned: Vec<bool>,
    /// Margin of all orders before the instant, in units of 10^-4 of the currency.
    pub margin: Vec<i64>,
    /// Orders before the instant.
    pub orders: Vec<u32>,
    /// A uniform draw that decides what a campaign does to the customer.
    pub draw: Vec<f64>,
}

/// Looks back at a shop from every thirteenth week, from the third on, and draws when lines come back.
///
/// # Errors
/// [`crate::Error::Interrupted`] as the control says.
///
/// # Examples
/// ```
/// use basketry_core::Control;
/// use basketry_core::simulate::{Config, World, outcomes, simulate};
/// let config = Config::of(World::Stationary, 500, 600, 104)?;
/// let shop = simulate(&config, 7, &Control::default())?;
/// let (outcomes, _) = outcomes(&config, 7, &shop, &Control::default())?;
/// let foretold: f64 = outcomes.p_buy.iter().sum();
/// let found = outcomes.bought.iter().filter(|&&bought| bought).count();
/// assert!((foretold / found as f64 - 1.0).abs() < 0.1);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn outcomes(config: &Config, root: u64, shop: &Shop, control: &Control) -> Result<(Outcomes, Returns)> {
    let laws = Laws::new(config, root);
    let oracle = Oracle::new(config, &laws);
    let baskets = Baskets::new(config, &laws, root);
    let cuts: Vec<_> =
        (2..config.weeks / LABEL_WEEKS).map(|quarter| oracle.cut(quarter * LABEL_WEEKS, &baskets)).collect();
    let back = returns::times(shop, root);
    let draws = Streams::new(root, "contacts");
    let (mut first_order, mut first_line) = (vec![0], vec![0]);
    for (order, &customer) in shop.orders.customer.iter().enumerate() {
        first_order.resize(customer as usize, order);
        first_line.push(first_line[order] + shop.orders.lines[order] as usize);
    }
    first_order.push(shop.orders.customer.len());
    let tell_of = |number: u32, rows: &mut Outcomes| {
        let orders = first_order[number as usize - 1]..first_order[number as usize];
        let week = |order: usize| (shop.orders.time[order] - START) as f64 / WEEK as f64;
        let (mut past, mut margin, mut known) = (Past::new(), 0, orders.start);
        let random = &mut draws.of(u64::from(number));
        for cut in &cuts {
            let (start, end) = (f64::from(cut.week), f64::from(cut.week + LABEL_WEEKS));
            while known < orders.end && week(known) < start {
                let lines = first_line[known]..first_line[known + 1];
                let discounted = shop.lines.tenths_off[lines.start] > 0;
                let of = |line: usize| {
                    let item = shop.lines.item[line] - 1;
                    (shop.items.product_segment[item as usize], item)
                };
                oracle.tell(&mut past, week(known), discounted, &lines.clone().map(of));
                margin += lines.map(|line| shop.margin(line)).sum::<i64>();
                known += 1;
            }
            let draw = random.uniform();
            if known == orders.start {
                continue;
            }
            let at = START + i64::from(cut.week) * WEEK;
            let window = at..at + i64::from(LABEL_WEEKS) * WEEK;
            let mut kept = 1.0;
            for order in (orders.start..known).rev() {
                let days = (at - shop.orders.time[order]).div_euclid(DAY) + 1;
                if back_within(days) >= 1.0 {
                    break;
                }
                for line in (first_line[order]..first_line[order + 1]).filter(|&line| back[line] >= at) {
                    let item = shop.lines.item[line] as usize - 1;
                    let rate = laws.catalogue.returns(shop.items.product_segment[item]);
                    let later = 1.0 - back_within(days);
                    kept *= 1.0 - rate * later / (1.0 - rate + rate * later);
                }
            }
            let outlook = oracle.outlook(&past, cut, 1.0 - kept);
            let new = (known..orders.end).take_while(|&order| week(order) < end);
            rows.customer.push(number);
            rows.week.push(cut.week);
            rows.p_buy.push(outlook.buy);
            rows.p_sale.push(outlook.sale);
            rows.p_return.push(outlook.back);
            rows.bought.push(new.clone().next().is_some());
            rows.in_sale.push(new.clone().any(|order| shop.lines.tenths_off[first_line[order]] > 0));
            let mut lines = first_line[orders.start]..first_line[orders.end];
            rows.returned.push(lines.any(|line| back[line] != NEVER && window.contains(&back[line])));
            rows.margin.push(margin);
            rows.orders.push((known - orders.start) as u32);
            rows.draw.push(draw);
        }
    };
    let customers = config.customers;
    let parts = (0..customers.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            control.check()?;
            let mut rows = Outcomes::default();
            for number in chunk * CHUNK + 1..=customers.min((chunk + 1) * CHUNK) {
                tell_of(number, &mut rows);
            }
            control.book(0, rows.customer.len() as u64 * 59)?;
            Ok(rows)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((Outcomes::joined(parts), returns::listed(config, shop, &back)))
}

impl Outcomes {
    fn joined(parts: Vec<Self>) -> Self {
        let mut whole = Self::default();
        for mut part in parts {
            whole.customer.append(&mut part.customer);
            whole.week.append(&mut part.week);
            whole.p_buy.append(&mut part.p_buy);
            whole.p_sale.append(&mut part.p_sale);
            whole.p_return.append(&mut part.p_return);
            whole.bought.append(&mut part.bought);
            whole.in_sale.append(&mut part.in_sale);
            whole.returned.append(&mut part.returned);
            whole.margin.append(&mut part.margin);
            whole.orders.append(&mut part.orders);
            whole.draw.append(&mut part.draw);
        }
        whole
    }
}

impl Shop {
    /// What a line brings above its cost, in units of 10^-4 of the currency.
    fn margin(&self, line: usize) -> i64 {
        let item = self.lines.item[line] as usize - 1;
        i64::from(self.lines.quantity[line]) * (self.lines.price[line] - self.items.cost[item])
    }
}
