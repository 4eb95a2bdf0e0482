//! Time to next: how long after the antecedent the consequent is bought, with everyone who was there to buy it.
//!
//! A raw histogram of gaps is wrong in three ways: a short history cannot show a long gap, a season in sales makes a peak
//! without any law, and noise always has local maxima. So events are divided by those at risk, set against what the calendar
//! alone lets expect, and a peak has to pass the largest that chance makes anywhere on the horizon.
//!
//! The histories are turned into lists of buyers' days by item, and every question about a rule is a merge of a few of them:
//! [`lag_tables`] for life tables and peaks, [`due_list`] for whom a rule is open, [`cycles()`] for an item and itself.
//! [`retention()`] asks the same of whole orders.

mod calendar;
mod cycles;
mod due;
mod lanes;
mod level;
mod pairs;
mod peaks;
mod postings;
mod random;
mod retention;
mod table;
#[cfg(test)]
mod tests;

pub use cycles::{Cycle, cycles, just_bought};
pub use due::{Clock, Due, DueLimits, due_list, mean_line_amounts};
pub use pairs::frequent_pairs;
pub use peaks::{Kind, Peak};
pub use retention::{Since, Waiting, retention};
pub use table::{Incidence, LifeTable};

use std::collections::BTreeMap;

use rayon::prelude::*;

use calendar::{Calendar, Entrants, Occasions, Span};
use postings::Postings;

use crate::chance::false_discovery;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::histories::Histories;

/// What is asked: from which items to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// The items that start the clock, on the first day on which a customer has bought all of them.
    pub antecedent: &'a [u32],
    /// The items that stop it, on the first strictly later day by which he has bought all of them since.
    pub consequent: &'a [u32],
}

/// The answer: a life table by week, and where it peaks.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeToNext {
    /// Customers who have the antecedent.
    pub customers: u64,
    /// Weeks, up to the horizon, for which at least one of them was followed to the end; the horizon if there is none.
    pub followed: u32,
    /// The life table, one entry a week, from week 1 to the horizon.
    pub table: LifeTable,
    /// Peaks by week, and the spans of weeks that the data cannot judge.
    pub peaks: Vec<Peak>,
    /// The chance of the highest rise since the antecedent, anywhere on the horizon; `None` if no week can be judged.
    pub p_value: Option<f64>,
    /// The same, corrected by Benjamini and Hochberg for all questions of the call.
    pub q_value: Option<f64>,
}

/// Builds for many questions the life table of the time from antecedent to consequent and tests it for peaks.
///
/// A customer enters on his first day with the antecedent complete and leaves at his first later day with the consequent
/// complete, or at the end of the data. Consequents on the index day itself are not outcomes. Events of a week come before the
/// censorings of the same week. `horizon` is in weeks; week k is the days 7 k - 6 to 7 k after the antecedent. `seed` decides
/// the replicates and resamples.
///
/// The histories are turned into lists by item once; what a question needs of its antecedent is made once for all questions
/// that share it, and a question then costs its buyers, its table and some hundred replicates of it.
///
/// # Errors
/// [`Error::Parameter`] if a side is empty, the horizon is 0 or nobody of any question was followed so long;
/// [`Error::Interrupted`] on request.
///
/// # Examples
/// ```
/// use basketry_core::{Control, histories::Histories, lags::{Question, lag_tables}};
/// // One customer buys 1 nine days after 0, the other does not within three weeks.
/// let log = Histories::from_rows([vec![(0, vec![0]), (9, vec![1])], vec![(0, vec![0])]], 22);
/// let question = Question { antecedent: &[0], consequent: &[1] };
/// let answers = lag_tables(&log, &[question], 3, 0, &Control::default())?;
/// assert_eq!(answers[0].table.at_risk, [2, 2, 1]);
/// assert_eq!(answers[0].table.events, [0, 1, 0]);
/// assert_eq!(answers[0].table.cumulative, [0.0, 0.5, 0.5]);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn lag_tables(
    histories: &Histories,
    questions: &[Question<'_>],
    horizon: u32,
    seed: u64,
    control: &Control,
) -> Result<Vec<TimeToNext>> {
    check(questions, horizon)?;
    control.expect(questions.len() as u64);
    let weeks = horizon as usize;
    control.book(questions.len() as u64, questions.len() as u64 * (56 * u64::from(horizon) + 64))?;
    let mut wanted = vec![false; histories.n_items()];
    let mut by_antecedent: BTreeMap<&[u32], Vec<usize>> = BTreeMap::new();
    let mut by_consequent: BTreeMap<&[u32], Vec<usize>> = BTreeMap::new();
    for (number, question) in questions.iter().enumerate() {
        for &item in question.antecedent.iter().chain(question.consequent) {
            if let Some(wanted) = wanted.get_mut(item as usize) {
                *wanted = true;
            }
        }
        by_antecedent.entry(question.antecedent).or_default().push(number);
        by_consequent.entry(question.consequent).or_default().push(number);
    }
    let postings = Postings::new(histories, |item| wanted[item as usize]);
    let span = Span::new(&postings);
    check_followed(&postings, &by_antecedent, horizon)?;
    let mut occasions_of = vec![0; questions.len()];
    for (place, numbers) in by_consequent.values().enumerate() {
        for &number in numbers {
            occasions_of[number] = place;
        }
    }
    let occasions: Vec<Occasions> = by_consequent
        .into_par_iter()
        .map(|(consequent, _)| Occasions::new(&postings, &span, consequent))
        .collect();
    let plan = peaks::Plan::new(seed);
    let answers: Vec<Vec<(usize, TimeToNext)>> = by_antecedent
        .into_par_iter()
        .map(|(antecedent, numbers)| {
            let entrants = Entrants::new(&postings, &span, antecedent, weeks);
            let followed = entrants.longest(&span).map_or(horizon, |days| (days / 7).min(horizon));
            let customers = entrants.customers.len() as u64;
            let answer = |&number: &usize| {
                control.check()?;
                let (occasions, consequent) =
                    (&occasions[occasions_of[number]], questions[number].consequent);
                let (mut table, calendar) =
                    Calendar::new(&postings, &span, &entrants, occasions, consequent, weeks);
                let found = peaks::find(&plan, &table, &calendar, control)?;
                table.expected = found.expected;
                control.advance(1);
                let (peaks, p_value) = (found.peaks, found.p_value);
                Ok((number, TimeToNext { customers, followed, table, peaks, p_value, q_value: None }))
            };
            numbers.par_iter().map(answer).collect()
        })
        .collect::<Result<_>>()?;
    let mut answers = answers.concat();
    answers.sort_unstable_by_key(|&(number, _)| number);
    let mut answers: Vec<TimeToNext> = answers.into_iter().map(|(_, answer)| answer).collect();
    correct(&mut answers);
    Ok(answers)
}

/// Sets the q-values of all answers that have a p-value.
fn correct(answers: &mut [TimeToNext]) {
    let p_values: Vec<f64> = answers.iter().filter_map(|answer| answer.p_value).collect();
    let mut q_values = false_discovery(&p_values, p_values.len() as u64).into_iter();
    for answer in answers.iter_mut().filter(|answer| answer.p_value.is_some()) {
        answer.q_value = q_values.next();
    }
}

fn check(questions: &[Question<'_>], horizon: u32) -> Result<()> {
    for question in questions {
        for (name, side) in [("antecedent", question.antecedent), ("consequent", question.consequent)] {
            if side.is_empty() {
                return Err(Error::Parameter {
                    name,
                    value: "empty".to_owned(),
                    expected: "name at least one item",
                });
            }
        }
    }
    if horizon == 0 {
        return Err(Error::Parameter {
            name: "horizon",
            value: "0w".to_owned(),
            expected: "it takes at least 1 week",
        });
    }
    Ok(())
}

/// Refuses a horizon that no customer of any question was followed for. Without any customer to follow there is nothing to
/// refuse: the tables are empty of people, and say so.
fn check_followed(
    postings: &Postings,
    by_antecedent: &BTreeMap<&[u32], Vec<usize>>,
    horizon: u32,
) -> Result<()> {
    let first = |antecedent: &&[u32]| postings.complete(antecedent).into_iter().map(|(_, day)| day).min();
    let longest =
        by_antecedent.keys().filter_map(first).min().map(|day| (postings.end_day - 1).abs_diff(day));
    match longest {
        Some(days) if u64::from(days) < 7 * u64::from(horizon) => Err(Error::Parameter {
            name: "horizon",
            value: format!("{horizon}w and the longest follow-up {days} days"),
            expected: if days < 7 {
                "nobody was followed for a whole week after the antecedent"
            } else {
                "nobody was followed so long: ask for at most as many whole weeks as the follow-up has"
            },
        }),
        _ => Ok(()),
    }
}
