//! Rules of the whole and of segments of its baskets, counted in every segment.

use rayon::prelude::*;

use super::measures::Counts;
use super::touched::{Lists, Sides, Triple};
use super::{Measures, Options, Rules, mine, split};
use crate::baskets::Baskets;
use crate::chance::{chi_square_tail, false_discovery};
use crate::itemsets;
use crate::{Control, Result};

/// Rules with their counts in every segment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Local {
    /// The rules, measured on all baskets.
    pub rules: Rules,
    /// Rule by rule the counts of each segment.
    pub counts: Vec<Triple>,
    /// How many baskets each segment has.
    pub baskets: Vec<u64>,
    /// The chance that odds ratios differ as much between segments if they are the same in all (Breslow and Day, Tarone).
    pub heterogeneity_p: Vec<f64>,
    /// That chance adjusted for all rules of the table (Benjamini and Hochberg).
    pub heterogeneity_q: Vec<f64>,
}

/// Finds the rules that hold in all baskets or in those of one segment, and counts each in all of them.
///
/// `segments[basket]` is the segment; a basket of none (`least.len() - 1` or more) counts in the whole only. `least` holds the
/// least count of a set: in the whole, then in each segment. So a rule that is too weak overall is found where it is strong.
///
/// # Errors
/// As [`super::derive()`].
pub fn derive_within(
    baskets: &Baskets,
    segments: &[u32],
    least: &[u64],
    sets: &itemsets::Options,
    options: &Options,
    control: &Control,
) -> Result<Local> {
    let n_segments = least.len().saturating_sub(1);
    let mut found: Vec<Sides> = Vec::new();
    for (scope, &min_count) in least.iter().enumerate() {
        let part = (scope > 0).then(|| those_of(baskets, segments, scope as u32 - 1));
        let sets = itemsets::Options { min_count: min_count.max(1), ..sets.clone() };
        let mined = mine(part.as_ref().unwrap_or(baskets), &sets, options, control)?;
        // Which rules come first is known when all segments are counted.
        let (index, rules, _) = split(&mined, &Options { top: None, ..options.clone() }, control)?;
        let mut branch = Vec::new();
        found.extend(rules.iter().map(|rule| {
            let mut sides = Sides { antecedent: Vec::new(), consequent: Vec::new() };
            rule.sides(&index, &mut branch, &mut sides.antecedent, &mut sides.consequent);
            sides.antecedent.sort_unstable();
            sides.consequent.sort_unstable();
            sides
        }));
    }
    found.par_sort_unstable();
    found.dedup();
    let mut sizes = vec![0_u64; n_segments + 1];
    let groups: Vec<u32> = segments.iter().map(|&segment| segment.min(n_segments as u32)).collect();
    for &group in &groups {
        sizes[group as usize] += 1;
    }
    let lists = Lists::new(baskets, &found);
    let counts = lists.count(&found, &groups, n_segments + 1, control)?;
    let whole = |at: usize| {
        let groups = &counts[at * (n_segments + 1)..][..=n_segments];
        let sum = |which: usize| groups.iter().map(|group| group[which]).sum();
        Counts { both: sum(0), antecedent: sum(1), consequent: sum(2) }
    };
    let mut order: Vec<(Counts, u32)> = (0..found.len()).map(|at| (whole(at), at as u32)).collect();
    order.par_sort_unstable_by(|a, b| a.0.order(&b.0).then(a.1.cmp(&b.1)));
    let tests = order.len() as u64;
    order.truncate(options.top.unwrap_or(usize::MAX));
    let ranks = baskets.item_counts();
    let mut rules = Rules { antecedent_offsets: vec![0], consequent_offsets: vec![0], ..Rules::default() };
    let mut local = Local::default();
    for &(_, at) in &order {
        let sides = &mut found[at as usize];
        for side in [&mut sides.antecedent, &mut sides.consequent] {
            side.sort_unstable_by_key(|&item| (std::cmp::Reverse(ranks[item as usize]), item));
        }
        rules.antecedents.extend_from_slice(&sides.antecedent);
        rules.consequents.extend_from_slice(&sides.consequent);
        rules.antecedent_offsets.push(rules.antecedents.len() as i64);
        rules.consequent_offsets.push(rules.consequents.len() as i64);
        let own = &counts[at as usize * (n_segments + 1)..][..n_segments];
        local.counts.extend_from_slice(own);
        local.heterogeneity_p.push(heterogeneity(own, &sizes));
    }
    local.heterogeneity_q = false_discovery(&local.heterogeneity_p, tests);
    let of: Vec<Counts> = order.iter().map(|(counts, _)| *counts).collect();
    rules.measures = Measures::new(&of, baskets.len() as u64, tests);
    sizes.truncate(n_segments);
    Ok(Local { rules, baskets: sizes, ..local })
}

fn those_of(baskets: &Baskets, segments: &[u32], segment: u32) -> Baskets {
    let (mut offsets, mut items) = (vec![0], Vec::new());
    for (own, _) in baskets.iter().zip(segments).filter(|&(_, &own)| own == segment) {
        items.extend_from_slice(own);
        offsets.push(items.len());
    }
    Baskets::from_parts(offsets, items, baskets.n_items())
}

/// The test of Breslow and Day, with Tarone's correction, that the odds ratio is the same in all segments.
///
/// Segments in which a side is in no basket or in all say nothing of it; with fewer than two others the chance is 1.
fn heterogeneity(counts: &[Triple], sizes: &[u64]) -> f64 {
    let tables: Vec<[f64; 4]> = counts
        .iter()
        .zip(sizes)
        .map(|(count, &size)| {
            let [both, one, other] = count.map(f64::from);
            [both, one, other, size as f64]
        })
        .filter(|&[_, one, other, all]| one * other * (all - one) * (all - other) > 0.0)
        .collect();
    let (mut r, mut s) = (0.0, 0.0);
    for &[both, one, other, all] in &tables {
        r += both * (all - one - other + both) / all;
        s += (one - both) * (other - both) / all;
    }
    if tables.len() < 2 || r == 0.0 || s == 0.0 {
        return 1.0;
    }
    let (mut sum, mut away, mut variance) = (0.0, 0.0, 0.0);
    for &[both, one, other, all] in &tables {
        let fitted = fitted(one, other, all, r / s);
        let inverse =
            1.0 / fitted + 1.0 / (one - fitted) + 1.0 / (other - fitted) + 1.0 / (all - one - other + fitted);
        sum += (both - fitted).powi(2) * inverse;
        away += both - fitted;
        variance += 1.0 / inverse;
    }
    chi_square_tail((sum - away * away / variance).max(0.0), tables.len() as u32 - 1)
}

/// The count of both sides that gives a table this odds ratio.
fn fitted(one: f64, other: f64, all: f64, ratio: f64) -> f64 {
    // a x^2 + b x - c = 0; the root that lies within the margins, written so that nothing cancels.
    let (a, b, c) = (1.0 - ratio, all - one - other + ratio * (one + other), ratio * one * other);
    2.0 * c / (b + (b * b + 4.0 * a * c).max(0.0).sqrt())
}
