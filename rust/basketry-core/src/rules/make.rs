//! Splitting frequent itemsets into rules, with every limit applied before a rule is stored.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::measures::Counts;
use super::{Fraction, Options, STRETCH};
use crate::itemsets::Index;
use crate::{Control, Result};

/// A rule as it is found: the set of both sides, which of its items are the consequent, and the counts of the sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) place: u32,
    pub(super) consequent: u64,
    both: u32,
    antecedent_count: u32,
    consequent_count: u32,
}

impl Found {
    /// Adds the items of both sides, the most frequent first; `branch` is room to work in.
    pub(super) fn sides(
        &self,
        index: &Index,
        branch: &mut Vec<u32>,
        antecedent: &mut Vec<u32>,
        consequent: &mut Vec<u32>,
    ) {
        index.branch(self.place, branch);
        for (at, &node) in branch.iter().enumerate().rev() {
            let item = index.nodes[node as usize].item;
            if self.consequent >> at & 1 == 1 {
                consequent.push(item);
            } else {
                antecedent.push(item);
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts { both: self.both, antecedent: self.antecedent_count, consequent: self.consequent_count }
    }

    /// The order of the table: no two rules are equal in it.
    fn order(&self, other: &Self) -> Ordering {
        self.counts()
            .order(&other.counts())
            .then_with(|| (self.place, self.consequent).cmp(&(other.place, other.consequent)))
    }
}

/// The rules that pass all limits, in the order of the table, and how many there were before `top` took the first ones.
pub(super) fn make(
    index: &Index,
    baskets: u64,
    options: &Options,
    control: &Control,
) -> Result<(Vec<Found>, u64)> {
    let maker = Maker::new(index, baskets, options, control);
    let starts: Vec<usize> = (0..index.nodes.len()).step_by(STRETCH).collect();
    let parts = starts.into_par_iter().map(|start| {
        let mut keeper = Keeper::new(options.top, control);
        let mut branch = Vec::new();
        for place in start..(start + STRETCH).min(index.nodes.len()) {
            if index.nodes[place].up > 0 {
                index.branch(place as u32, &mut branch);
                maker.rules_of(&branch, &mut keeper)?;
            }
        }
        keeper.settle()?;
        Ok((keeper.found, keeper.made))
    });
    let (found, made) = if options.top.is_none() {
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let made = parts.iter().map(|(_, made)| made).sum();
        (parts.into_iter().flat_map(|(found, _)| found).collect(), made)
    } else {
        parts.try_reduce(Default::default, |(mut one, made), (other, more)| {
            one.extend(other);
            first(&mut one, options.top);
            Ok((one, made + more))
        })?
    };
    Ok((in_order(&found), made))
}

/// Rules between two looks at the budget.
const LOOK: usize = 1 << 14;

/// Rules as they are found: those that cannot come first are dropped now and then, all others are booked.
struct Keeper<'a> {
    top: Option<usize>,
    control: &'a Control,
    found: Vec<Found>,
    /// How many of them were looked at.
    seen: usize,
    /// How many rules were found, those that were dropped included.
    made: u64,
}

impl<'a> Keeper<'a> {
    fn new(top: Option<usize>, control: &'a Control) -> Self {
        Self { top, control, found: Vec::new(), seen: 0, made: 0 }
    }

    fn push(&mut self, rule: Found) -> Result<()> {
        self.found.push(rule);
        if self.found.len() - self.seen >= LOOK.max(self.top.unwrap_or(0)) { self.settle() } else { Ok(()) }
    }

    fn settle(&mut self) -> Result<()> {
        self.control.check()?;
        let new = (self.found.len() - self.seen) as u64;
        self.made += new;
        first(&mut self.found, self.top);
        self.seen = self.found.len();
        // Of those on top no more are held than the caller asked for.
        if self.top.is_none() { self.control.book(new, new * size_of::<Found>() as u64) } else { Ok(()) }
    }
}

/// Sorts rules as the table has them, by numbers in the same order as the rules.
fn in_order(found: &[Found]) -> Vec<Found> {
    let key = |(rule, at): (&Found, u32)| {
        let fails = !rule.counts().confidence().to_bits();
        let place = u64::from(u32::MAX - rule.both) << 32 | u64::from(rule.place);
        (fails, place, rule.consequent, at)
    };
    let mut keys: Vec<(u64, u64, u64, u32)> = found.iter().zip(0..).map(key).collect();
    keys.par_sort_unstable();
    keys.into_iter().map(|(.., at)| found[at as usize]).collect()
}

/// Keeps the rules that come first in the table, in no order.
fn first(found: &mut Vec<Found>, top: Option<usize>) {
    if let Some(top) = top.filter(|&top| top < found.len()) {
        found.select_nth_unstable_by(top, Found::order);
        found.truncate(top);
    }
}

struct Maker<'a> {
    index: &'a Index,
    options: &'a Options,
    baskets: u64,
    control: &'a Control,
    /// Which items a consequent may have.
    wanted: Option<Vec<bool>>,
    /// The most items of both sides: a longer set cannot be split within the limits.
    longest: usize,
}

impl<'a> Maker<'a> {
    fn new(index: &'a Index, baskets: u64, options: &'a Options, control: &'a Control) -> Self {
        let wanted = options.consequents.as_ref().map(|items| {
            let mut wanted = vec![false; items.iter().max().map_or(0, |&most| most as usize + 1)];
            for &item in items {
                wanted[item as usize] = true;
            }
            wanted
        });
        let distinct = wanted.as_ref().map_or(usize::MAX, |items| items.iter().filter(|&&item| item).count());
        let consequent = options.max_consequent.unwrap_or(usize::MAX).min(distinct);
        let longest = options.max_antecedent.unwrap_or(usize::MAX).saturating_add(consequent);
        Self { index, options, baskets, control, wanted, longest }
    }

    fn confident(&self, both: u32, antecedent: u32) -> bool {
        let (numerator, denominator) = self.options.min_confidence;
        u128::from(both) * u128::from(denominator) >= u128::from(numerator) * u128::from(antecedent)
    }

    fn lifts(&self, counts: Counts) -> bool {
        self.options.min_lift.is_none_or(|(numerator, denominator)| {
            let chance = u128::from(counts.antecedent) * u128::from(counts.consequent);
            let found = u128::from(counts.both) * u128::from(self.baskets) * u128::from(denominator);
            chance.checked_mul(numerator.into()).is_some_and(|least| found >= least)
        })
    }

    /// Adds the rules that split a set; the set is given by the nodes of its branch.
    fn rules_of(&self, branch: &[u32], keeper: &mut Keeper<'_>) -> Result<()> {
        if branch.len() > self.longest {
            return Ok(());
        }
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
        self.widen(branch, all, both, 0, single, keeper)
    }

    /// Adds `more` items to a consequent, one at a time: if a consequent fails, so does every larger one.
    fn widen(
        &self,
        branch: &[u32],
        all: u64,
        both: u32,
        consequent: u64,
        mut more: u64,
        keeper: &mut Keeper<'_>,
    ) -> Result<()> {
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
            if self.options.max_antecedent.is_none_or(|most| of_antecedent <= most) {
                let counts =
                    Counts { both, antecedent: antecedent_count, consequent: self.index.count(branch, next) };
                if self.lifts(counts) && self.improves(branch, antecedent, next, counts)? {
                    keeper.push(Found {
                        place: branch[branch.len() - 1],
                        consequent: next,
                        both,
                        antecedent_count,
                        consequent_count: counts.consequent,
                    })?;
                }
            }
            if self.options.max_consequent.is_none_or(|most| of_consequent < most) {
                self.widen(branch, all, both, next, more, keeper)?;
            }
        }
        Ok(())
    }

    /// Whether the confidence is far enough above that of every rule with less of the antecedent.
    fn improves(&self, branch: &[u32], antecedent: u64, consequent: u64, counts: Counts) -> Result<bool> {
        if self.options.redundant && self.options.min_improvement.is_none() {
            return Ok(true);
        }
        let (numerator, denominator): Fraction = self.options.min_improvement.unwrap_or((0, 1));
        let mut part = (antecedent - 1) & antecedent;
        while part != 0 {
            if part.trailing_zeros() >= 16 {
                self.control.check()?;
            }
            let both = self.index.count(branch, part | consequent);
            let alone = self.index.count(branch, part);
            // The difference of the confidences times both denominators; counts have 32 bits, fractions of a share 60.
            let gain = i128::from(counts.both) * i128::from(alone)
                - i128::from(both) * i128::from(counts.antecedent);
            let least = i128::from(numerator) * i128::from(counts.antecedent) * i128::from(alone);
            if (gain <= 0 && !self.options.redundant) || gain * i128::from(denominator) < least {
                return Ok(false);
            }
            part = (part - 1) & antecedent;
        }
        Ok(true)
    }
}
