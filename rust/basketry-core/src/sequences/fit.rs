//! What a caller is told whose budget was too small: which count would fit, and how many items; and the part that does fit.

use super::{Constraints, Kind, Selection, Sequences, find};
use crate::control::{Budget, Control};
use crate::error::{Error, Exhausted, Result};
use crate::histories::Histories;

/// How many seconds a caller who was refused waits for each piece of advice.
const PATIENCE: f64 = 0.6;

/// How much longer he waits for each second that he allowed.
const SHARE: f64 = 0.05;

/// What is said when that was too short.
const HINT: &str = "limit max_items, exclude items, or raise the minimum support or the budget";

/// A search for sequences.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub histories: &'a Histories,
    pub min_count: u64,
    pub constraints: &'a Constraints,
    pub kind: Kind,
    pub selection: &'a Selection,
}

/// What a trial within a budget tells.
enum Trial<T> {
    Fits(T),
    TooMuch,
    /// There was no time to see.
    Open,
}

impl Question<'_> {
    pub fn answer(&self, control: &Control) -> Result<Sequences> {
        find(self.histories, self.min_count, self.constraints, self.kind, self.selection, control)
    }

    /// Adds to a refusal what would have fitted, as far as that is found in time.
    pub fn advise(&self, refused: Error, control: &Control) -> Error {
        let Error::Capacity(mut exhausted) = refused else { return refused };
        let mut ways: Vec<String> = self.support(control).into_iter().collect();
        ways.extend(self.length(control));
        exhausted.mend = if ways.is_empty() { HINT.to_owned() } else { ways.join("; ") };
        Error::Capacity(exhausted)
    }

    /// A low count from which on the results fit.
    fn support(&self, control: &Control) -> Option<String> {
        let n_customers = self.histories.len() as u64;
        let find = |min_count, control: &Control| {
            let other = Question { min_count, ..*self };
            other.answer(control).map(|found| found.len())
        };
        support(self.min_count, n_customers, find, control)
    }

    /// The greatest number of items up to which the results fit.
    fn length(&self, control: &Control) -> Option<String> {
        let deadline = deadline(control);
        let mut best = None;
        for items in 1..self.constraints.max_items.unwrap_or(u32::MAX) {
            let limits = Constraints { max_items: Some(items), ..*self.constraints };
            let part = Question { constraints: &limits, ..*self };
            match attempt(|control| part.answer(control), deadline, control).ok()? {
                Trial::Fits(found) => {
                    best = Some(format!("{} would fit with max_items={items}", found.len()));
                }
                _ => break,
            }
        }
        best
    }
}

/// Tries a search within the budget and until `deadline`.
fn attempt<T>(
    find: impl FnOnce(&Control) -> Result<T>,
    deadline: f64,
    control: &Control,
) -> Result<Trial<T>> {
    let allowed = control.budget().seconds.map_or(f64::INFINITY, |seconds| control.elapsed() + seconds);
    let budget = Budget { seconds: Some(deadline.min(allowed)), ..control.budget() };
    match find(&control.with_budget(budget)) {
        Ok(found) => Ok(Trial::Fits(found)),
        Err(Error::Capacity(met)) if met.limit == "seconds" && deadline <= allowed => Ok(Trial::Open),
        Err(Error::Capacity(_)) => Ok(Trial::TooMuch),
        Err(other) => Err(other),
    }
}

/// A low count from which on the results fit; `find` tells how many there are from a count on.
///
/// Comes down from above, because what fits is quick to see and what does not is not; so there is an answer however short
/// the time is.
pub(super) fn support(
    min_count: u64,
    n_customers: u64,
    find: impl Fn(u64, &Control) -> Result<usize>,
    control: &Control,
) -> Option<String> {
    let deadline = deadline(control);
    let (mut low, mut high) = (min_count, n_customers.max(min_count) + 1);
    let mut best = None;
    while high - low > 1 + low / 32 {
        let middle = (low as f64 * high as f64).sqrt().max(0.6 * high as f64) as u64;
        let middle = middle.clamp(low + 1, high - 1);
        match attempt(|control| find(middle, control), deadline, control).ok()? {
            Trial::Fits(found) => (high, best) = (middle, Some(found)),
            Trial::TooMuch => low = middle,
            Trial::Open => break,
        }
    }
    best.filter(|_| high <= n_customers).map(|found| {
        // Rounded up, so that the share that is typed gives no more.
        let share = (high as f64 / n_customers as f64 * 1e6).ceil() / 1e6;
        format!("{found} would fit, from min_count={high} on (min_support {share})")
    })
}

/// The seconds since the start at which a search for advice that begins now has to end.
fn deadline(control: &Control) -> f64 {
    control.elapsed() + PATIENCE + SHARE * control.budget().seconds.unwrap_or(0.0)
}

/// Sequences of [`partial`].
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    /// All there are, or all up to a number of items.
    pub sequences: Sequences,
    /// This number of items, and what was met beyond; `None` if nothing is missing.
    pub cut: Option<(u32, Exhausted)>,
}

/// Finds all sequences of [`super::select`], or where they do not fit the budget all up to the greatest number of items for
/// which they do.
///
/// With a budget of results or bytes the answer is the same each time.
///
/// # Errors
/// As [`super::select`], if not even the single items fit.
pub fn partial(
    histories: &Histories,
    min_count: u64,
    constraints: &Constraints,
    kind: Kind,
    selection: &Selection,
    control: &Control,
) -> Result<Partial> {
    let question = Question { histories, min_count, constraints, kind, selection };
    let end = control.budget().seconds;
    // Half of the time is for the whole, the rest for its part.
    let half = Budget { seconds: end.map(|end| f64::midpoint(control.elapsed(), end)), ..control.budget() };
    let mut met = match question.answer(&control.with_budget(half)) {
        Ok(sequences) => return Ok(Partial { sequences, cut: None }),
        Err(Error::Capacity(met)) => met,
        Err(other) => return Err(other),
    };
    met.allowed = if met.limit == "seconds" { end.unwrap_or(met.allowed) } else { met.allowed };
    let mut best = None;
    for items in 1..constraints.max_items.unwrap_or(u32::MAX) {
        let limits = Constraints { max_items: Some(items), ..*constraints };
        let part = Question { constraints: &limits, ..question };
        match part.answer(&control.with_budget(control.budget())) {
            Ok(sequences) => best = Some((items, sequences)),
            Err(Error::Capacity(more)) => {
                met = more;
                break;
            }
            Err(other) => return Err(other),
        }
    }
    match best {
        Some((items, sequences)) => Ok(Partial { sequences, cut: Some((items, met)) }),
        None => Err(question.advise(Error::Capacity(met), control)),
    }
}
