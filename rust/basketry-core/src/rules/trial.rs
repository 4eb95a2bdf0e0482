//! Rules put on trial: counted over time and tested inside strata, before and after a day.

use super::stratified::{Strata, Test, test};
use super::touched::{Lists, Sides, Triple};
use crate::baskets::{Baskets, Origins};
use crate::dictionary::NONE;
use crate::{Control, Result};

/// How many stretches of equal length the time before the later period is cut into, to see how much lift moves.
const STRETCHES: i32 = 8;

/// What rules are tested on, and how.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// Whose the baskets are, and when they were bought.
    pub origins: &'a Origins,
    /// The stratum of each customer; periods are told apart by it as well.
    pub strata: Option<&'a [u32]>,
    /// How many days are compared with each other.
    pub period: i32,
    /// The first day of the later period.
    pub later: Option<i32>,
}

/// What a trial found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdicts {
    /// Rule by rule the counts of each stretch of time; the later period is the last one.
    pub counts: Vec<Triple>,
    /// How many baskets each stretch has.
    pub baskets: Vec<u64>,
    /// For the time before and for the later one: what customers say, then what periods say.
    pub tests: Vec<Vec<Test>>,
}

/// Counts rules over time, and tests them inside customers and inside periods.
///
/// # Errors
/// [`crate::Error::Interrupted`] when asked to stop, [`crate::Error::Capacity`] when the budget is met.
pub fn validate(
    baskets: &Baskets,
    rules: &[Sides],
    trial: &Trial<'_>,
    control: &Control,
) -> Result<Verdicts> {
    let stretches = trial.origins.stretches(STRETCHES, trial.later);
    let n_stretches = STRETCHES as usize + 1;
    let mut sizes = vec![0_u64; n_stretches];
    for &stretch in &stretches {
        sizes[stretch as usize] += 1;
    }
    control.book(0, 4 * baskets.items().len() as u64)?;
    let lists = Lists::new(baskets, rules);
    let counts = lists.count(rules, &stretches, n_stretches, control)?;
    let strata = Strata::new(trial.origins, trial.strata, trial.period);
    let mut tests = Vec::new();
    for later in [false, true] {
        for strata in [&strata.customers, &strata.periods] {
            let of = |(&stratum, &stretch): (&u32, &u32)| {
                if (stretch == STRETCHES as u32) == later { stratum } else { NONE }
            };
            let own: Vec<u32> = strata.iter().zip(&stretches).map(of).collect();
            tests.push(test(baskets, &lists, rules, &own, control)?);
        }
    }
    Ok(Verdicts { counts, baskets: sizes, tests })
}
