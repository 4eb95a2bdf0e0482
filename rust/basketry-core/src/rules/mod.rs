//! Association rules: what baskets that hold some items also hold, for whom, and whether it is more than taste and season.

mod local;
mod make;
mod measures;
mod reach;
mod stratified;
#[cfg(test)]
mod tests;
mod touched;
mod trial;

pub use local::{Local, derive_within};
pub use measures::Measures;
pub use reach::mine;
pub use stratified::{Strata, Test, test};
pub use touched::{Lists, Sides, Triple};
pub use trial::{Trial, Verdicts, validate};

use rayon::prelude::*;

use crate::itemsets::{Index, Itemsets};
use crate::{Control, Error, Result};
use make::Found;
use measures::Counts;

/// Rules of one piece of work.
const STRETCH: usize = 1024;

/// A share or a ratio as it was typed: numerator and denominator.
pub type Fraction = (u64, u64);

/// Which rules to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The least confidence, as a fraction: numerator and denominator.
    pub min_confidence: Fraction,
    /// The least lift; denominators up to 2^30.
    pub min_lift: Option<Fraction>,
    /// The least gain in confidence over every simpler rule: the same consequent from less of the antecedent.
    pub min_improvement: Option<Fraction>,
    /// Items that a consequent may have; `None` for any.
    pub consequents: Option<Vec<u32>>,
    /// The most items of an antecedent.
    pub max_antecedent: Option<usize>,
    /// The most items of a consequent.
    pub max_consequent: Option<usize>,
    /// Whether to keep a rule that has a simpler one of at least its confidence.
    pub redundant: bool,
    /// How many rules to keep, the first ones of the table; `None` for all.
    pub top: Option<usize>,
}

impl Options {
    /// Asks for all rules of at least this confidence.
    pub fn at_least(numerator: u64, denominator: u64) -> Self {
        Self {
            min_confidence: (numerator, denominator),
            min_lift: None,
            min_improvement: None,
            consequents: None,
            max_antecedent: None,
            max_consequent: None,
            redundant: true,
            top: None,
        }
    }

    fn check(&self) -> Result<()> {
        let share = |name, (numerator, denominator): Fraction| {
            if numerator <= denominator && denominator > 0 {
                return Ok(());
            }
            Err(Error::Parameter {
                name,
                value: format!("{numerator}/{denominator}"),
                expected: "it is a share from 0 to 1",
            })
        };
        share("min_confidence", self.min_confidence)?;
        share("min_improvement", self.min_improvement.unwrap_or((0, 1)))?;
        match self.min_lift {
            Some((numerator, denominator)) if denominator == 0 || denominator > 1 << 30 => {
                Err(Error::Parameter {
                    name: "min_lift",
                    value: format!("{numerator}/{denominator}"),
                    expected: "its denominator must be from 1 to 2^30, so that it can be compared exactly",
                })
            }
            _ => Ok(()),
        }
    }
}

/// Rules as columns; both sides as flat lists, most frequent item first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// Where each antecedent begins; one more than there are rules.
    pub antecedent_offsets: Vec<i64>,
    /// The item codes of all antecedents.
    pub antecedents: Vec<u32>,
    /// Where each consequent begins.
    pub consequent_offsets: Vec<i64>,
    /// The item codes of all consequents.
    pub consequents: Vec<u32>,
    /// What can be said of each rule.
    pub measures: Measures,
}

impl Rules {
    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.measures.count.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Antecedent and consequent of a rule.
    pub fn sides(&self, rule: usize) -> (&[u32], &[u32]) {
        let side = |offsets: &[i64], items| {
            let (start, end) = (offsets[rule] as usize, offsets[rule + 1] as usize);
            let items: &[u32] = items;
            &items[start..end]
        };
        (side(&self.antecedent_offsets, &self.antecedents), side(&self.consequent_offsets, &self.consequents))
    }
}

/// Makes rules from all frequent itemsets.
///
/// Confidence is compared in whole numbers, so a rule that lies exactly on the threshold is in. Rules come by falling
/// confidence, then falling count, then in the order of the itemsets and of the consequent's items in it.
///
/// # Errors
/// [`Error::Parameter`] for a share that is none and for itemsets that are not all, [`Error::Capacity`] when the budget is met,
/// [`Error::Interrupted`] on request.
///
/// # Examples
/// ```
/// use basketry_core::{baskets::Baskets, itemsets, rules};
/// let shop = Baskets::from_rows([[1, 2].as_slice(), &[1, 3], &[1, 2, 3]]);
/// let sets = itemsets::mine(&shop, &itemsets::Options::at_least(2), &Default::default())?;
/// let found = rules::derive(&sets, &rules::Options::at_least(1, 1), &Default::default())?;
/// assert_eq!(found.len(), 2);
/// assert_eq!(found.sides(0), ([2].as_slice(), [1].as_slice()));
/// assert_eq!(found.measures.lift, [1.0, 1.0]);
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn derive(itemsets: &Itemsets, options: &Options, control: &Control) -> Result<Rules> {
    let (index, found, made) = split(itemsets, options, control)?;
    control.book(0, found.len() as u64 * size_of::<[f64; 16]>() as u64)?;
    let counts: Vec<Counts> = found.iter().map(Found::counts).collect();
    let measures = Measures::new(&counts, itemsets.baskets(), made);
    let parts: Vec<Rules> = found
        .par_chunks(STRETCH)
        .map(|found| {
            let mut part = Rules::default();
            let mut branch = Vec::new();
            for rule in found {
                rule.sides(&index, &mut branch, &mut part.antecedents, &mut part.consequents);
                part.antecedent_offsets.push(part.antecedents.len() as i64);
                part.consequent_offsets.push(part.consequents.len() as i64);
            }
            part
        })
        .collect();
    let mut rules =
        Rules { antecedent_offsets: vec![0], consequent_offsets: vec![0], measures, ..Rules::default() };
    for part in &parts {
        let before = (rules.antecedents.len() as i64, rules.consequents.len() as i64);
        rules.antecedent_offsets.extend(part.antecedent_offsets.iter().map(|end| before.0 + end));
        rules.consequent_offsets.extend(part.consequent_offsets.iter().map(|end| before.1 + end));
        rules.antecedents.extend_from_slice(&part.antecedents);
        rules.consequents.extend_from_slice(&part.consequents);
    }
    Ok(rules)
}

/// Splits itemsets into the rules that pass all limits; also tells how many there were before `top` took the first ones.
fn split(itemsets: &Itemsets, options: &Options, control: &Control) -> Result<(Index, Vec<Found>, u64)> {
    options.check()?;
    if !itemsets.is_tree() {
        return Err(Error::Parameter {
            name: "itemsets",
            value: "closed, maximal, or all that contain some items".into(),
            expected: "the sides of a rule are counted among all frequent itemsets: mine these",
        });
    }
    let index = Index::new(itemsets);
    let (found, made) = make::make(&index, itemsets.baskets(), options, control).map_err(|refused| {
        let Error::Capacity(mut exhausted) = refused else { return refused };
        "ask for more confidence or lift, for shorter sides (max_antecedent, max_consequent), for the top rules \
         only, or raise the minimum support or the budget"
            .clone_into(&mut exhausted.mend);
        Error::Capacity(exhausted)
    })?;
    Ok((index, found, made))
}
