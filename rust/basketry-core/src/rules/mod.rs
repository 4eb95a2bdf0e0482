//! Association rules: what baskets that hold some items also hold.

mod measures;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub use measures::Measures;

use crate::itemsets::{Index, Itemsets};
use crate::{Control, Error, Result};

/// Which rules to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The least confidence, as a fraction: numerator and denominator.
    pub min_confidence: (u64, u64),
    /// Items that a consequent may have; `None` for any.
    pub consequents: Option<Vec<u32>>,
    /// The most items of an antecedent.
    pub max_antecedent: Option<usize>,
    /// The most items of a consequent.
    pub max_consequent: Option<usize>,
    /// Whether to keep a rule that has a simpler one, with the same consequent and less of the antecedent, of at least its confidence.
    pub redundant: bool,
}

impl Options {
    /// Asks for all rules of at least this confidence.
    pub fn at_least(numerator: u64, denominator: u64) -> Self {
        Self {
            min_confidence: (numerator, denominator),
            consequents: None,
            max_antecedent: None,
            max_consequent: None,
            redundant: true,
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

/// A rule as it is found: the set of both sides, which of its items are the consequent, and the counts of the sides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    place: u32,
    consequent: u64,
    both: u32,
    antecedent_count: u32,
    consequent_count: u32,
}

/// Sets of one piece of work.
const STRETCH: usize = 1024;

/// Makes rules from all frequent itemsets.
///
/// Confidence is compared in whole numbers, so a rule that lies exactly on the threshold is in. Rules come by falling
/// confidence, then falling count, then in the order of the itemsets.
///
/// # Errors
/// [`Error::Parameter`] for a confidence that is no share, [`Error::Capacity`] when the budget is met,
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
    let (numerator, denominator) = options.min_confidence;
    if numerator > denominator || denominator == 0 {
        return Err(Error::Parameter {
            name: "min_confidence",
            value: format!("{numerator}/{denominator}"),
            expected: "a confidence is a share from 0 to 1",
        });
    }
    let index = Index::new(itemsets);
    let maker = Maker { index: &index, options, wanted: wanted(options) };
    let stretches: Vec<usize> = (0..index.nodes.len()).step_by(STRETCH).collect();
    let parts = stretches
        .into_par_iter()
        .map(|start| {
            control.check()?;
            let mut found = Vec::new();
            let mut branch = Vec::new();
            for place in start..(start + STRETCH).min(index.nodes.len()) {
                if index.nodes[place].up > 0 {
                    index.branch(place as u32, &mut branch);
                    maker.rules_of(&branch, &mut found);
                    if found.len() > 1 << 20 {
                        control.check()?;
                    }
                }
            }
            control.book(found.len() as u64, (found.len() * size_of::<Found>()) as u64)?;
            Ok(found)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut found = parts.concat();
    found.par_sort_by(|a, b| {
        // Cross products compare confidences exactly; counts have 32 bits.
        let key = |x: &Found, y: &Found| u64::from(x.both) * u64::from(y.antecedent_count);
        key(b, a).cmp(&key(a, b)).then(b.both.cmp(&a.both))
    });
    let mut rules = Rules {
        antecedent_offsets: vec![0],
        consequent_offsets: vec![0],
        measures: Measures::new(&found, itemsets.baskets()),
        ..Rules::default()
    };
    let mut branch = Vec::new();
    for rule in &found {
        index.branch(rule.place, &mut branch);
        for (at, &node) in branch.iter().enumerate().rev() {
            let item = index.nodes[node as usize].item;
            if rule.consequent >> at & 1 == 1 {
                rules.consequents.push(item);
            } else {
                rules.antecedents.push(item);
            }
        }
        rules.antecedent_offsets.push(rules.antecedents.len() as i64);
        rules.consequent_offsets.push(rules.consequents.len() as i64);
    }
    Ok(rules)
}

fn wanted(options: &Options) -> Option<Vec<bool>> {
    options.consequents.as_ref().map(|items| {
        let mut wanted = vec![false; items.iter().max().map_or(0, |&most| most as usize + 1)];
        for &item in items {
            wanted[item as usize] = true;
        }
        wanted
    })
}

struct Maker<'a> {
    index: &'a Index,
    options: &'a Options,
    /// Which items a consequent may have.
    wanted: Option<Vec<bool>>,
}

impl Maker<'_> {
    fn confident(&self, both: u32, antecedent: u32) -> bool {
        let (numerator, denominator) = self.options.min_confidence;
        u128::from(both) * u128::from(denominator) >= u128::from(numerator) * u128::from(antecedent)
    }

    /// Adds the rules that split a set; the set is given by the nodes of its branch.
    fn rules_of(&self, branch: &[u32], found: &mut Vec<Found>) {
        let all = u64::MAX >> (64 - branch.len());
        let both = self.index.nodes[branch[branch.len() - 1] as usize].count;
        let item = |at: usize| self.index.nodes[branch[at] as usize].item as usize;
        let mut single = 0;
        for at in 0..branch.len() {
            let wanted = self.wanted.as_ref().is_none_or(|wanted| wanted.get(item(at)) == Some(&true));
            if wanted && self.confident(both, self.index.count(branch, all & !(1 << at))) {
                single |= 1_u64 << at;
            }
        }
        self.widen(branch, all, both, 0, single, found);
    }

    /// Adds `more` items to a consequent, one at a time: if a consequent fails, so does every larger one.
    fn widen(
        &self,
        branch: &[u32],
        all: u64,
        both: u32,
        consequent: u64,
        mut more: u64,
        found: &mut Vec<Found>,
    ) {
        while more != 0 {
            let next = consequent | (more & more.wrapping_neg());
            more &= more - 1;
            let antecedent = all & !next;
            if antecedent == 0 {
                continue;
            }
            let antecedent_count = self.index.count(branch, antecedent);
            if !self.confident(both, antecedent_count) {
                continue;
            }
            let (of_antecedent, of_consequent) =
                (antecedent.count_ones() as usize, next.count_ones() as usize);
            if self.options.max_antecedent.is_none_or(|most| of_antecedent <= most)
                && (self.options.redundant
                    || !self.is_redundant(branch, antecedent, next, (both, antecedent_count)))
            {
                let consequent_count = self.index.count(branch, next);
                let place = branch[branch.len() - 1];
                found.push(Found { place, consequent: next, both, antecedent_count, consequent_count });
            }
            if self.options.max_consequent.is_none_or(|most| of_consequent < most) {
                self.widen(branch, all, both, next, more, found);
            }
        }
    }

    /// Whether less of the antecedent tells the consequent with at least the same confidence.
    fn is_redundant(&self, branch: &[u32], antecedent: u64, consequent: u64, confidence: (u32, u32)) -> bool {
        let mut part = (antecedent - 1) & antecedent;
        while part != 0 {
            let both = self.index.count(branch, part | consequent);
            let alone = self.index.count(branch, part);
            if u64::from(both) * u64::from(confidence.1) >= u64::from(confidence.0) * u64::from(alone) {
                return true;
            }
            part = (part - 1) & antecedent;
        }
        false
    }
}
