//! Time to next: how long after the antecedent the consequent is bought, with everyone who was there to buy it.
//!
//! A raw histogram of gaps is wrong in three ways: a short history cannot show a long gap, a season in sales makes a peak
//! without any law, and noise always has local maxima. So events are divided by those at risk, set against what the calendar
//! alone lets expect, and a peak has to pass the largest that chance makes anywhere on the horizon.

mod calendar;
mod level;
mod peaks;
mod random;
mod records;
mod table;
#[cfg(test)]
mod tests;

pub use peaks::{Kind, Peak};
pub use table::LifeTable;

use calendar::Calendar;
use records::{Record, follow_up};

use crate::control::Control;
use crate::error::{Error, Result};
use crate::histories::Histories;

/// What is asked: from which items to which, for how long.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The items that start the clock, on the first day on which a customer has bought all of them.
    pub antecedent: &'a [u32],
    /// The items that stop it, on the first strictly later day by which he has bought all of them since.
    pub consequent: &'a [u32],
    /// Weeks to look at. Week k is the days 7 k - 6 to 7 k after the antecedent.
    pub horizon: u32,
    /// Seed of the replicates and resamples.
    pub seed: u64,
}

/// The answer: a life table by week, and where it peaks.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeToNext {
    /// The life table, one entry a week, from week 1.
    pub table: LifeTable,
    /// Peaks by week, and the spans of weeks that the data cannot judge.
    pub peaks: Vec<Peak>,
}

/// Builds the life table of the time from antecedent to consequent and tests it for peaks.
///
/// A customer enters on his first day with the antecedent complete and leaves at his first later day with the consequent
/// complete, or at the end of the data. Consequents on the index day itself are not outcomes. Events of a week come before the
/// censorings of the same week. One scan of the histories; the replicates and resamples work on the tables.
///
/// # Errors
/// [`Error::Parameter`] if a side is empty, the horizon is 0 or longer than the longest follow-up; [`Error::Interrupted`] on
/// request.
///
/// # Examples
/// ```
/// use basketry_core::{Control, histories::Histories, lags::{Question, time_to_next}};
/// // One customer buys 1 nine days after 0, the other does not within three weeks.
/// let log = Histories::from_rows([vec![(0, vec![0]), (9, vec![1])], vec![(0, vec![0])]], 22);
/// let question = Question { antecedent: &[0], consequent: &[1], horizon: 3, seed: 0 };
/// let table = time_to_next(&log, &question, &Control::default())?.table;
/// assert_eq!(table.at_risk, [2, 2, 1]);
/// assert_eq!(table.events, [0, 1, 0]);
/// assert_eq!(table.cumulative, [0.0, 0.5, 0.5]);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn time_to_next(histories: &Histories, question: &Question<'_>, control: &Control) -> Result<TimeToNext> {
    let records = records::scan(histories, question.antecedent, question.consequent, control)?;
    check(question, &records, histories.end_day())?;
    let weeks = question.horizon as usize;
    let calendar = Calendar::new(&records, histories.end_day(), weeks);
    let mut table = LifeTable::new(&records, histories.end_day(), weeks);
    let (expected, peaks) = peaks::find(&table, &calendar, question.seed, control)?;
    table.expected = expected;
    Ok(TimeToNext { table, peaks })
}

fn check(question: &Question<'_>, records: &[Record], end_day: i32) -> Result<()> {
    for (name, side) in [("antecedent", question.antecedent), ("consequent", question.consequent)] {
        if side.is_empty() {
            return Err(Error::Parameter { name, value: "empty".into(), expected: "name at least one item" });
        }
    }
    if question.horizon == 0 {
        return Err(Error::Parameter {
            name: "horizon",
            value: "0w".into(),
            expected: "it takes at least 1 week",
        });
    }
    // Without any customer to follow there is nothing to refuse: the table is empty of people, and says so.
    let longest = records.iter().filter_map(|record| follow_up(record, end_day)).max();
    match longest {
        Some(days) if u64::from(days) < 7 * u64::from(question.horizon) => Err(Error::Parameter {
            name: "horizon",
            value: format!("{}w and the longest follow-up {} days", question.horizon, days),
            expected: if days < 7 {
                "nobody was followed for a whole week after the antecedent"
            } else {
                "nobody was followed so long: ask for at most as many whole weeks as the follow-up has"
            },
        }),
        _ => Ok(()),
    }
}
