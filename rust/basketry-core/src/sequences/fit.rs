//! What a caller is told whose budget was too small: which count would fit, and how many items.

use crate::control::{Budget, Control};
use crate::error::{Error, Exhausted, Result};

/// How many seconds a caller who was refused waits for each piece of advice.
const PATIENCE: f64 = 0.4;

/// What is said when that was too short.
const HINT: &str = "limit max_items, exclude items, or raise the minimum support or the budget";

/// How many results there are from a count on, with at most so many items.
type Count<'a> = dyn Fn(u64, Option<u32>, &Control) -> Result<usize> + 'a;

/// Adds to a refusal what would have fitted, as far as that is found in time.
pub(super) fn advise(
    refused: Error,
    min_count: u64,
    n_customers: u64,
    max_items: Option<u32>,
    count: &Count,
    control: &Control,
) -> Error {
    let Error::Capacity(mut exhausted) = refused else { return refused };
    let mut ways = Vec::new();
    if exhausted.limit != "seconds" {
        ways.extend(support(min_count, n_customers, max_items, count, control));
        ways.extend(length(min_count, max_items, count, control));
    }
    exhausted.mend = if ways.is_empty() { HINT.to_owned() } else { ways.join("; ") };
    Error::Capacity(exhausted)
}

/// Counts once, within the budget and until `deadline`: nothing if that was too short, `Err` with what did not fit.
fn attempt(
    count: impl FnOnce(&Control) -> Result<usize>,
    deadline: f64,
    control: &Control,
) -> Option<std::result::Result<usize, ()>> {
    let budget = Budget { seconds: Some(deadline), ..control.budget() };
    match count(&control.with_budget(budget)) {
        Ok(found) => Some(Ok(found)),
        Err(Error::Capacity(Exhausted { limit: "results" | "bytes", .. })) => Some(Err(())),
        Err(_) => None,
    }
}

/// A low count from which on the results fit.
pub(super) fn support(
    min_count: u64,
    n_customers: u64,
    max_items: Option<u32>,
    count: &Count,
    control: &Control,
) -> Option<String> {
    let deadline = control.elapsed() + PATIENCE;
    let (mut low, mut high) = (min_count, n_customers.max(min_count) + 1);
    let mut best = None;
    while high - low > 1 + low / 32 {
        let middle = ((low as f64 * high as f64).sqrt() as u64).clamp(low + 1, high - 1);
        match attempt(|control| count(middle, max_items, control), deadline, control) {
            Some(Ok(found)) => (high, best) = (middle, Some(found)),
            Some(Err(())) => low = middle,
            None => break,
        }
    }
    best.filter(|_| high <= n_customers).map(|found| {
        // Rounded up, so that the share that is typed gives no more.
        let share = (high as f64 / n_customers as f64 * 1e6).ceil() / 1e6;
        format!("{found} would fit, from min_count={high} on (min_support {share})")
    })
}

/// The greatest number of items up to which the results fit.
fn length(min_count: u64, max_items: Option<u32>, count: &Count, control: &Control) -> Option<String> {
    let deadline = control.elapsed() + PATIENCE;
    let mut best = None;
    for items in 1..max_items.unwrap_or(u32::MAX) {
        let Some(Ok(found)) = attempt(|control| count(min_count, Some(items), control), deadline, control)
        else {
            break;
        };
        best = Some(format!("{found} would fit with max_items={items}"));
    }
    best
}
