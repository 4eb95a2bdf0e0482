//! The scan: from each history the few days that count.

use rayon::prelude::*;

use crate::control::Control;
use crate::error::Result;
use crate::histories::Histories;

/// Customers handed to a thread at a time.
const CHUNK: usize = 4096;

/// What a life table needs to know of one customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Record {
    /// His first day in the data.
    pub first_day: i32,
    /// The day on which the antecedent was complete.
    pub index_day: Option<i32>,
    /// The first day after it by which the consequent was complete.
    pub outcome_day: Option<i32>,
    /// All days that completed the consequent anew after his first day: what the calendar is learned from.
    pub consequent_days: Vec<i32>,
}

/// The days that are observed after a customer's index day; `None` if he has none.
pub(super) fn follow_up(record: &Record, end_day: i32) -> Option<u32> {
    record.index_day.map(|day| (end_day - 1 - day).max(0) as u32)
}

/// Reads the record of every customer with an event, in their order.
pub(super) fn scan(
    histories: &Histories,
    antecedent: &[u32],
    consequent: &[u32],
    control: &Control,
) -> Result<Vec<Record>> {
    let n_chunks = histories.len().div_ceil(CHUNK);
    let chunks: Vec<Vec<Record>> = (0..n_chunks)
        .into_par_iter()
        .map(|chunk| {
            control.check()?;
            let customers = chunk * CHUNK..histories.len().min((chunk + 1) * CHUNK);
            Ok(customers.filter_map(|customer| read(histories, customer, antecedent, consequent)).collect())
        })
        .collect::<Result<_>>()?;
    Ok(chunks.concat())
}

fn read(histories: &Histories, customer: usize, antecedent: &[u32], consequent: &[u32]) -> Option<Record> {
    let events = histories.events_of(customer);
    let first_day = histories.day(events.clone().next()?);
    let mut record = Record { first_day, ..Record::default() };
    let (mut left, mut next, mut after) = (antecedent.to_vec(), consequent.to_vec(), consequent.to_vec());
    for event in events {
        let (day, items) = (histories.day(event), histories.items_of(event));
        let has = |item: &u32| items.binary_search(item).is_ok();
        if day > first_day {
            next.retain(|item| !has(item));
            if next.is_empty() {
                record.consequent_days.push(day);
                next.extend_from_slice(consequent);
            }
        }
        if record.index_day.is_some() {
            after.retain(|item| !has(item));
            if record.outcome_day.is_none() && after.is_empty() {
                record.outcome_day = Some(day);
            }
        } else {
            left.retain(|item| !has(item));
            record.index_day = left.is_empty().then_some(day);
        }
    }
    Some(record)
}
