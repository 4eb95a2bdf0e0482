//! How long ago, how often and for how much each customer bought.

use super::traverse;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::ledger::Ledger;

/// Which money counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Money {
    /// What was bought.
    Gross,
    /// What was bought less what was brought back; a return is set against the purchase day before it.
    Net,
}

/// One customer's figures before an instant. Days are local calendar days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rfm {
    /// The code of the customer.
    pub customer: u32,
    /// Days from the last purchase to the instant.
    pub recency_days: i32,
    /// Days from the first purchase to the instant.
    pub tenure_days: i32,
    /// Days with a purchase, less the first.
    pub frequency: u32,
    /// Orders with a purchase.
    pub orders: u32,
    /// The money of all days, in ten-thousandths.
    pub spend_total: i64,
    /// The money of all purchase days but the first, in ten-thousandths.
    pub spend_repeat: i64,
    /// The instant of the first purchase.
    pub first_order: i64,
    /// The instant of the last purchase.
    pub last_order: i64,
}

/// Every customer who bought before `as_of`, in the order of their codes.
///
/// One pass over the lines. A return is never a purchase: an order of returns alone counts for nothing but its (negative) money.
///
/// # Errors
/// [`Error::MissingColumn`] without amounts, [`Error::Overflow`] if a customer's money does not fit 64 bits,
/// [`Error::Interrupted`] when asked to stop.
pub fn rfm(ledger: &Ledger, as_of: i64, money: Money, control: &Control) -> Result<Vec<Rfm>> {
    let amounts = ledger.need("amount")?;
    let sign = ledger.sign().unwrap_or(amounts);
    let zone = ledger.zone();
    let end = zone.day(as_of);
    let rows = traverse(ledger, control, |customer| {
        let mut row: Option<Rfm> = None;
        let (mut first_day, mut last_day) = (0, 0);
        let (mut total, mut repeat) = (0_i128, 0_i128);
        for order in ledger.orders_before(customer, as_of) {
            let lines = ledger.lines_of(order);
            let mut bought = false;
            let mut value = 0_i128;
            for line in lines {
                let purchase = sign[line] >= 0;
                bought |= purchase;
                if purchase || money == Money::Net {
                    value += i128::from(amounts[line]);
                }
            }
            if bought {
                let time = ledger.order_times()[order];
                let day = zone.day(time);
                let row = row.get_or_insert_with(|| {
                    (first_day, last_day) = (day, day);
                    Rfm {
                        customer: customer as u32,
                        recency_days: 0,
                        tenure_days: 0,
                        frequency: 0,
                        orders: 0,
                        spend_total: 0,
                        spend_repeat: 0,
                        first_order: time,
                        last_order: time,
                    }
                });
                row.orders += 1;
                row.last_order = time;
                row.frequency += u32::from(day != last_day);
                last_day = day;
            }
            total += value;
            if last_day != first_day {
                repeat += value;
            }
        }
        let mut row = row?;
        row.recency_days = end - last_day;
        row.tenure_days = end - first_day;
        Some(i64::try_from(total).ok().zip(i64::try_from(repeat).ok()).map(|(total, repeat)| {
            (row.spend_total, row.spend_repeat) = (total, repeat);
            row
        }))
    })?;
    rows.into_iter().map(|row| row.ok_or(Error::Overflow { column: "amount".to_owned() })).collect()
}
