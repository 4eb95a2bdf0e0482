//! What can be said of a rule, from three counts and the number of baskets.

use rayon::prelude::*;

use super::Found;
use crate::chance::{Fisher, false_discovery};

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
    /// The chance of at least this count if the sides were independent (Fisher's exact test).
    pub p_value: Vec<f64>,
    /// The p-value adjusted for all rules of the table (Benjamini and Hochberg).
    pub q_value: Vec<f64>,
}

impl Measures {
    pub(super) fn new(found: &[Found], baskets: u64) -> Self {
        let fisher = Fisher::new(if found.is_empty() { 0 } else { baskets });
        let all = baskets as f64;
        let column = |measure: fn(f64, f64, f64, f64) -> f64| -> Vec<f64> {
            let of = |rule: &Found| {
                measure(
                    f64::from(rule.both),
                    f64::from(rule.antecedent_count),
                    f64::from(rule.consequent_count),
                    all,
                )
            };
            found.iter().map(of).collect()
        };
        let p_value: Vec<f64> = found
            .par_iter()
            .with_min_len(256)
            .map(|rule| {
                fisher.at_least(rule.both.into(), rule.antecedent_count.into(), rule.consequent_count.into())
            })
            .collect();
        Self {
            count: found.iter().map(|rule| rule.both.into()).collect(),
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
            q_value: false_discovery(&p_value, p_value.len() as u64),
            p_value,
        }
    }
}
