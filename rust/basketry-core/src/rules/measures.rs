//! What can be said of a rule, from three counts and the number of baskets.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::STRETCH;
use crate::chance::{Fisher, NORMAL_95, false_discovery};

/// In how many baskets both sides, the antecedent and the consequent of a rule are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) both: u32,
    pub(super) antecedent: u32,
    pub(super) consequent: u32,
}

impl Counts {
    pub(super) fn confidence(&self) -> f64 {
        f64::from(self.both) / f64::from(self.antecedent)
    }

    /// Falling confidence as the table shows it, then falling count.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        other.confidence().total_cmp(&self.confidence()).then(other.both.cmp(&self.both))
    }
}

/// Measures of rules, a column each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measures {
    /// Baskets that hold both sides.
    pub count: Vec<u64>,
    /// The share of all baskets that hold both sides.
    pub support: Vec<f64>,
    /// The share of the antecedent's baskets that hold the consequent.
    pub confidence: Vec<f64>,
    /// How many times more often the consequent is in the antecedent's baskets than in all.
    pub lift: Vec<f64>,
    /// Support less the support that chance would give.
    pub leverage: Vec<f64>,
    /// How many times more often the rule would fail if its sides were independent; infinite if it never fails.
    pub conviction: Vec<f64>,
    /// Baskets that hold both sides as a share of those that hold one.
    pub jaccard: Vec<f64>,
    /// How far confidence goes from the consequent's support towards 1, or, negative, towards 0.
    pub certainty: Vec<f64>,
    /// The mean of the confidences of the rule and of its reverse.
    pub kulczynski: Vec<f64>,
    /// How many times the odds of the consequent are higher with the antecedent than without.
    pub odds_ratio: Vec<f64>,
    /// The lower end of its interval of 95 %.
    pub odds_ratio_low: Vec<f64>,
    /// The upper end of its interval of 95 %.
    pub odds_ratio_high: Vec<f64>,
    /// The chance of at least this count if the sides were independent (Fisher's exact test).
    pub p_value: Vec<f64>,
    /// The p-value adjusted for all rules that passed the limits (Benjamini and Hochberg).
    pub q_value: Vec<f64>,
}

impl Measures {
    /// Measures rules; `tests` is how many rules passed the limits, those that a limit on the rows cut off included.
    pub(super) fn new(rules: &[Counts], baskets: u64, tests: u64) -> Self {
        let all = baskets as f64;
        let column = |measure: fn(f64, f64, f64, f64) -> f64| -> Vec<f64> {
            let of = |rule: &Counts| {
                measure(f64::from(rule.both), f64::from(rule.antecedent), f64::from(rule.consequent), all)
            };
            rules.par_iter().with_min_len(STRETCH).map(of).collect()
        };
        let odds: Vec<_> =
            rules.par_iter().with_min_len(STRETCH).map(|rule| odds_ratio(cells(*rule, baskets))).collect();
        let p_value = chances(rules, baskets);
        Self {
            count: rules.iter().map(|rule| rule.both.into()).collect(),
            support: column(|both, _, _, all| both / all),
            confidence: column(|both, one, _, _| both / one),
            lift: column(|both, one, other, all| (both * all) / (one * other)),
            leverage: column(|both, one, other, all| (both * all - one * other) / (all * all)),
            conviction: column(|both, one, other, all| {
                // Without a failure the measure has no bound, unless the consequent is in every basket and cannot fail.
                match (other >= all, one > both) {
                    (true, _) => 1.0,
                    (_, false) => f64::INFINITY,
                    _ => one * (all - other) / (all * (one - both)),
                }
            }),
            jaccard: column(|both, one, other, _| both / (one + other - both)),
            certainty: column(|both, one, other, all| {
                let gain = both * all - one * other;
                if gain > 0.0 { gain / (one * (all - other)) } else { gain / (one * other) }
            }),
            kulczynski: column(|both, one, other, _| f64::midpoint(both / one, both / other)),
            odds_ratio: odds.iter().map(|odds| odds.0).collect(),
            odds_ratio_low: odds.iter().map(|odds| odds.1).collect(),
            odds_ratio_high: odds.iter().map(|odds| odds.2).collect(),
            q_value: false_discovery(&p_value, tests),
            p_value,
        }
    }
}

/// The four cells of a rule's table: both sides, only the antecedent, only the consequent, neither.
fn cells(rule: Counts, baskets: u64) -> [f64; 4] {
    let (both, one, other) = (u64::from(rule.both), u64::from(rule.antecedent), u64::from(rule.consequent));
    [both, one - both, other - both, baskets + both - one - other].map(|cell| cell as f64)
}

/// The odds ratio of a table with its interval of 95 % (Woolf). If a cell is empty, half a basket is added to all four
/// (Haldane, Anscombe).
pub(super) fn odds_ratio(mut cells: [f64; 4]) -> (f64, f64, f64) {
    if cells.contains(&0.0) {
        cells = cells.map(|cell| cell + 0.5);
    }
    let [a, b, c, d] = cells;
    let ratio = (a * d) / (b * c);
    let factor = (NORMAL_95 * (1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d).sqrt()).exp();
    (ratio, ratio / factor, ratio * factor)
}

/// Answers that are kept in case the next rules ask for them again.
const RECENT: usize = 64;

/// Fisher's test of all rules. In the order of the table, two in three ask what one of the last has asked.
fn chances(rules: &[Counts], baskets: u64) -> Vec<f64> {
    if rules.is_empty() {
        return Vec::new();
    }
    let fisher = Fisher::new(baskets);
    let pieces: Vec<Vec<f64>> = rules
        .par_chunks(STRETCH)
        .map(|rules| {
            let mut recent: [Option<(Counts, f64)>; RECENT] = [None; RECENT];
            let chance = |rule: &Counts| {
                let mixed = rule.both.wrapping_mul(31).wrapping_add(rule.antecedent).wrapping_mul(31);
                let place = &mut recent[mixed.wrapping_add(rule.consequent) as usize % RECENT];
                match place {
                    Some((asked, chance)) if asked == rule => *chance,
                    _ => {
                        let (both, one, other) = (rule.both, rule.antecedent, rule.consequent);
                        let chance = fisher.at_least(both.into(), one.into(), other.into());
                        *place = Some((*rule, chance));
                        chance
                    }
                }
            };
            rules.iter().map(chance).collect()
        })
        .collect();
    pieces.concat()
}
