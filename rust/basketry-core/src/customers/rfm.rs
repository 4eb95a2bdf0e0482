//! How long ago, how often and for how much each customer bought.

use rayon::prelude::*;

use super::traverse;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::ledger::{Ledger, MISSING};

/// Which money counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Money {
    /// What was bought.
    Gross,
    /// What was bought less what was brought back; a return is set against the purchase day before it.
    Net,
    /// The margin of lines, that of returns included; a line that tells none counts for nothing.
    Margin,
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
    /// What was bought, in ten-thousandths.
    pub spend_gross: i64,
    /// What was bought less what was brought back, in ten-thousandths.
    pub spend_net: i64,
    /// The margin, in ten-thousandths; 0 where the ledger knows none.
    pub margin: i64,
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
/// [`Error::MissingColumn`] without amounts, or without margins if they are the money, [`Error::Overflow`] if a customer's money does not fit 64 bits,
/// [`Error::Interrupted`] when asked to stop.
pub fn rfm(ledger: &Ledger, as_of: i64, money: Money, control: &Control) -> Result<Vec<Rfm>> {
    let amounts = ledger.need("amount")?;
    let margins = match money {
        Money::Margin => Some(ledger.need("margin")?),
        Money::Gross | Money::Net => ledger.measure("margin"),
    };
    let sign = ledger.sign().unwrap_or(amounts);
    let zone = ledger.zone();
    let end = zone.day(as_of);
    traverse(ledger, control, |customer| {
        let mut row: Option<Rfm> = None;
        let (mut first_day, mut last_day) = (0, 0);
        let (mut total, mut repeat) = (0_i128, 0_i128);
        let (mut gross, mut net, mut margin) = (0_i128, 0_i128, 0_i128);
        // Returns of a later day on which nothing has been bought so far: its own if that comes, else the first day's.
        let (mut waiting_day, mut waiting) = (i32::MIN, 0_i128);
        for order in ledger.orders_before(customer, as_of) {
            let lines = ledger.lines_of(order);
            let mut bought = false;
            let (mut of_purchases, mut of_all) = (0_i128, 0_i128);
            for (&sign, &amount) in sign[lines.clone()].iter().zip(&amounts[lines.clone()]) {
                bought |= sign >= 0;
                of_purchases += if sign >= 0 { i128::from(amount) } else { 0 };
                of_all += i128::from(amount);
            }
            let known = margins.map_or(&[][..], |margins| &margins[lines]).iter();
            let earned = known.filter(|&&margin| margin != MISSING).map(|&margin| i128::from(margin)).sum();
            let value = match money {
                Money::Gross => of_purchases,
                Money::Net => of_all,
                Money::Margin => earned,
            };
            gross += of_purchases;
            net += of_all;
            margin += earned;
            let time = ledger.order_times()[order];
            if !bought && last_day == first_day {
                let day = zone.day(time);
                waiting = if day == waiting_day { waiting + value } else { value };
                waiting_day = day;
            }
            if bought {
                let day = zone.day(time);
                if row.is_some() && day != last_day && last_day == first_day && day == waiting_day {
                    repeat += waiting;
                }
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
                        spend_gross: 0,
                        spend_net: 0,
                        margin: 0,
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
        let Some(mut row) = row else { return Ok(None) };
        row.recency_days = end - last_day;
        row.tenure_days = end - first_day;
        let too_much = |_| Error::Overflow { column: "amount".to_owned() };
        row.spend_total = i64::try_from(total).map_err(too_much)?;
        row.spend_repeat = i64::try_from(repeat).map_err(too_much)?;
        row.spend_gross = i64::try_from(gross).map_err(too_much)?;
        row.spend_net = i64::try_from(net).map_err(too_much)?;
        row.margin = i64::try_from(margin).map_err(too_much)?;
        Ok(Some(row))
    })
}

/// How equal values are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// Alike: by the middle of their ranks, so that fifths may differ in size.
    Together,
    /// By their place, so that fifths are of equal size.
    Apart,
}

/// The fifth that each value falls into: 5 for the largest values, 1 for the smallest.
pub fn quintiles(values: &[i64], ties: Ties) -> Vec<u8> {
    let n = values.len();
    // In twice the rank, counted from 0, the middle of equal ranks is a whole number.
    let score = |twice: usize| ((twice + 1) * 5 / (2 * n) + 1).min(5) as u8;
    if ties == Ties::Apart {
        let mut order: Vec<(i64, u32)> = values.iter().zip(0..).map(|(&value, at)| (value, at)).collect();
        order.par_sort_unstable();
        let mut scores = vec![0; n];
        for (rank, &(_, at)) in order.iter().enumerate() {
            scores[at as usize] = score(2 * rank);
        }
        return scores;
    }
    let mut sorted = values.to_vec();
    sorted.par_sort_unstable();
    // Equal values score alike, so that the smallest value of each score says it all.
    let mut cuts = [i64::MAX; 4];
    let mut first = 0;
    for equal in sorted.chunk_by(|a, b| a == b) {
        let last = first + equal.len() - 1;
        for cut in &mut cuts[..usize::from(score(first + last)) - 1] {
            *cut = (*cut).min(equal[0]);
        }
        first = last + 1;
    }
    let reached = |&value: &i64| 1 + cuts.iter().map(|&cut| u8::from(value >= cut)).sum::<u8>();
    values.iter().map(reached).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quintiles_are_those_of_the_middle_rank(values in prop::collection::vec(-4_i64..9, 1..60)) {
            let n = values.len();
            for (at, &score) in quintiles(&values, Ties::Together).iter().enumerate() {
                let below = values.iter().filter(|&&other| other < values[at]).count();
                let equal = values.iter().filter(|&&other| other == values[at]).count();
                // The value's middle place is below + equal / 2 of n; its fifth is that share times five.
                prop_assert_eq!(usize::from(score), ((2 * below + equal) * 5 / (2 * n)).min(4) + 1);
            }
            let mut sizes = [0; 5];
            for score in quintiles(&values, Ties::Apart) {
                sizes[usize::from(score) - 1] += 1;
            }
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
    }
}
