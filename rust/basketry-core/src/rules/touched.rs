//! The baskets that hold an item of a rule, found by merging lists of baskets.

use rayon::prelude::*;

use crate::baskets::Baskets;
use crate::{Control, Result};

/// The items of both sides of a rule, as codes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sides {
    /// What must be in a basket.
    pub antecedent: Vec<u32>,
    /// What the rule tells of it.
    pub consequent: Vec<u32>,
}

/// In how many baskets of a group both sides, the antecedent and the consequent of a rule are.
pub type Triple = [u32; 3];

/// For each item of some rules the baskets that hold it, in order.
#[derive(Debug)]
pub struct Lists {
    offsets: Vec<usize>,
    baskets: Vec<u32>,
}

/// A basket that holds an item of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Touched {
    pub(super) basket: u32,
    /// How many items of the rule it holds.
    pub(super) items: usize,
    pub(super) antecedent: bool,
    pub(super) consequent: bool,
}

impl Lists {
    /// Lists the baskets of every item that a rule has, in two passes over the baskets.
    pub fn new(baskets: &Baskets, rules: &[Sides]) -> Self {
        let mut offsets = vec![0_usize; baskets.n_items() + 1];
        let mut wanted = vec![false; baskets.n_items()];
        for &item in rules.iter().flat_map(|rule| rule.antecedent.iter().chain(&rule.consequent)) {
            wanted[item as usize] = true;
        }
        for &item in baskets.items().iter().filter(|&&item| wanted[item as usize]) {
            offsets[item as usize + 1] += 1;
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut next = offsets.clone();
        let mut lists = vec![0; offsets[offsets.len() - 1]];
        for (basket, items) in baskets.iter().enumerate() {
            for &item in items.iter().filter(|&&item| wanted[item as usize]) {
                lists[next[item as usize]] = basket as u32;
                next[item as usize] += 1;
            }
        }
        Self { offsets, baskets: lists }
    }

    fn of(&self, item: u32) -> &[u32] {
        &self.baskets[self.offsets[item as usize]..self.offsets[item as usize + 1]]
    }

    /// Visits, in order, every basket that holds an item of the rule.
    pub(super) fn visit(&self, rule: &Sides, mut visit: impl FnMut(Touched)) {
        let mut heads: Vec<(&[u32], bool)> =
            Vec::with_capacity(rule.antecedent.len() + rule.consequent.len());
        heads.extend(rule.antecedent.iter().map(|&item| (self.of(item), true)));
        heads.extend(rule.consequent.iter().map(|&item| (self.of(item), false)));
        while let Some(basket) = heads.iter().filter_map(|(list, _)| list.first()).min().copied() {
            let (mut antecedent, mut consequent) = (0, 0);
            for (list, first_side) in &mut heads {
                if list.first() == Some(&basket) {
                    *list = &list[1..];
                    antecedent += usize::from(*first_side);
                    consequent += usize::from(!*first_side);
                }
            }
            visit(Touched {
                basket,
                items: antecedent + consequent,
                antecedent: antecedent == rule.antecedent.len(),
                consequent: consequent == rule.consequent.len(),
            });
        }
    }

    /// Counts every rule in every group of baskets, rule by rule: `groups[basket]` is below `n_groups`, or the basket is left out.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`] when asked to stop, [`crate::Error::Capacity`] when the budget is met.
    pub fn count(
        &self,
        rules: &[Sides],
        groups: &[u32],
        n_groups: usize,
        control: &Control,
    ) -> Result<Vec<Triple>> {
        control.book(0, (rules.len() * n_groups * size_of::<Triple>()) as u64)?;
        let mut counts = vec![[0; 3]; rules.len() * n_groups];
        counts.par_chunks_mut(n_groups.max(1)).zip(rules).try_for_each(|(counts, rule)| {
            control.check()?;
            self.visit(rule, |touched| {
                if let Some(count) = counts.get_mut(groups[touched.basket as usize] as usize) {
                    count[0] += u32::from(touched.antecedent && touched.consequent);
                    count[1] += u32::from(touched.antecedent);
                    count[2] += u32::from(touched.consequent);
                }
            });
            Ok(())
        })?;
        Ok(counts)
    }
}
