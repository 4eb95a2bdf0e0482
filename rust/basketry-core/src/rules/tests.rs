//! Rules against every split of every itemset.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::baskets::Baskets;
use crate::chance::{NORMAL_95, normal_tail};
use crate::itemsets;

type Split = (Vec<u32>, Vec<u32>);

fn sorted(items: &[u32]) -> Vec<u32> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items
}

/// Every rule with its counts of both sides and of the antecedent.
fn oracle(counts: &BTreeMap<Vec<u32>, u64>, baskets: u64, options: &Options) -> BTreeMap<Split, (u64, u64)> {
    let split = |set: &[u32], mask: u32| -> Split {
        let side = |bit| (0..set.len()).filter(|&i| mask >> i & 1 == bit).map(|i| set[i]).collect();
        (side(0), side(1))
    };
    let mut rules = BTreeMap::new();
    for (set, &both) in counts {
        for mask in 1..(1_u32 << set.len()) - 1 {
            let (antecedent, consequent) = split(set, mask);
            let alone = counts[&antecedent];
            rules.insert((antecedent, consequent), (both, alone));
        }
    }
    let all = rules.clone();
    let (numerator, denominator) = options.min_confidence;
    rules.retain(|(antecedent, consequent), (both, alone)| {
        let simpler = |less: &Split, counts: &(u64, u64)| {
            &less.1 == consequent
                && less.0.len() < antecedent.len()
                && less.0.iter().all(|item| antecedent.contains(item))
                && less != &(antecedent.clone(), consequent.clone())
                && {
                    let gain = (*both * counts.1) as i64 - (counts.0 * *alone) as i64;
                    let (part, whole) = options.min_improvement.unwrap_or((0, 1));
                    (gain <= 0 && !options.redundant)
                        || (options.min_improvement.is_some()
                            && gain * (whole as i64) < (part * *alone * counts.1) as i64)
                }
        };
        *both * denominator >= numerator * *alone
            && antecedent.len() <= options.max_antecedent.unwrap_or(99)
            && consequent.len() <= options.max_consequent.unwrap_or(99)
            && options
                .consequents
                .as_ref()
                .is_none_or(|known| consequent.iter().all(|item| known.contains(item)))
            && options
                .min_lift
                .is_none_or(|(least, one)| *both * baskets * one >= least * *alone * counts[consequent])
            && (!all.iter().any(|(less, counts)| simpler(less, counts)))
    });
    rules
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn equal_the_oracle(
        rows in prop::collection::vec(prop::collection::vec(0_u32..8, 0..7), 1..30),
        min_count in 1_u64..5,
        numerator in 0_u64..=10,
        consequents in prop::option::of(prop::collection::vec(0_u32..9, 0..4)),
        max_antecedent in prop::option::of(1_usize..4),
        max_consequent in prop::option::of(1_usize..4),
        redundant: bool,
        min_lift in prop::option::of((0_u64..30, Just(10_u64))),
        min_improvement in prop::option::of((0_u64..10, Just(20_u64))),
        top in prop::option::of(1_usize..20),
    ) {
        let baskets = Baskets::from_rows(&rows);
        let mined = || itemsets::mine(&baskets, &itemsets::Options::at_least(min_count), &Control::default()).unwrap();
        let sets = mined();
        let counts = mined().lists(&[0, 1, 2, 3, 4, 5, 6, 7]).unwrap().iter().map(|(set, count)| (sorted(set), count)).collect();
        let options = Options {
            min_confidence: (numerator, 10), min_lift, min_improvement, consequents, max_antecedent, max_consequent, redundant,
            top: None,
        };
        let found = derive(&sets, &options, &Control::default()).unwrap();
        let wanted = oracle(&counts, baskets.len() as u64, &options);
        prop_assert_eq!(found.len(), wanted.len());
        for rule in 0..found.len() {
            let (antecedent, consequent) = found.sides(rule);
            let (both, alone) = wanted[&(sorted(antecedent), sorted(consequent))];
            prop_assert_eq!(found.measures.count[rule], both);
            let confidence = both as f64 / alone as f64;
            prop_assert!((found.measures.confidence[rule] - confidence).abs() < 1e-15);
        }
        prop_assert!(found.measures.confidence.is_sorted_by(|a, b| a >= b));
        let first = derive(&sets, &Options { top, ..options }, &Control::default()).unwrap();
        prop_assert_eq!(first.len(), found.len().min(top.unwrap_or(usize::MAX)));
        for rule in 0..first.len() {
            prop_assert_eq!(first.sides(rule), found.sides(rule));
            // All that passed the limits were tests, whatever is shown of them.
            prop_assert!(first.measures.q_value[rule] >= found.measures.q_value[rule] - 1e-15);
        }
    }
}

/// The test of one rule by the textbook: a table a stratum, in exact fractions of its size.
fn textbook(rows: &[Vec<u32>], strata: &[u32], rule: &Sides) -> Test {
    let mut tables: BTreeMap<(u32, usize), [f64; 4]> = BTreeMap::new();
    for (row, &stratum) in rows.iter().zip(strata) {
        let items: std::collections::BTreeSet<u32> = row.iter().copied().collect();
        let others = items
            .iter()
            .filter(|item| !rule.antecedent.contains(item) && !rule.consequent.contains(item))
            .count();
        if others > 0 && stratum != u32::MAX {
            let one = rule.antecedent.iter().all(|item| items.contains(item));
            let other = rule.consequent.iter().all(|item| items.contains(item));
            tables.entry((stratum, others)).or_default()[usize::from(!one) * 2 + usize::from(!other)] += 1.0;
        }
    }
    let telling: Vec<[f64; 4]> =
        tables.into_values().filter(|[a, b, c, d]| (a + b) * (c + d) * (a + c) * (b + d) > 0.0).collect();
    let sum = |of: &dyn Fn(&[f64; 4], f64) -> f64| -> f64 {
        telling.iter().map(|table| of(table, table.iter().sum())).sum()
    };
    let count = sum(&|t, _| t[0]);
    let expected = sum(&|t, n| (t[0] + t[1]) * (t[0] + t[2]) / n);
    let variance =
        sum(&|t, n| (t[0] + t[1]) * (t[2] + t[3]) * (t[0] + t[2]) * (t[1] + t[3]) / (n * n * (n - 1.0)));
    let (r, s) = (sum(&|t, n| t[0] * t[3] / n), sum(&|t, n| t[1] * t[2] / n));
    let spread = sum(&|t, n| (t[0] + t[3]) * t[0] * t[3] / (n * n)) / (2.0 * r * r)
        + sum(&|t, n| ((t[0] + t[3]) * t[1] * t[2] + (t[1] + t[2]) * t[0] * t[3]) / (n * n)) / (2.0 * r * s)
        + sum(&|t, n| (t[1] + t[2]) * t[1] * t[2] / (n * n)) / (2.0 * s * s);
    let away = count - expected;
    Test {
        count: count as u64,
        expected,
        odds_ratio: r / s,
        low: r / s * (-NORMAL_95 * spread.sqrt()).exp(),
        high: r / s * (NORMAL_95 * spread.sqrt()).exp(),
        p_value: normal_tail(away.signum() * (away.abs() - 0.5).max(0.0) / variance.sqrt()),
        enough: (expected - sum(&|t, n| (2.0 * t[0] + t[1] + t[2] - n).max(0.0)))
            .min(sum(&|t, _| (t[0] + t[1]).min(t[0] + t[2])) - expected)
            >= 5.0 - 1e-9,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn strata_equal_the_textbook(
        rows in prop::collection::vec((prop::collection::vec(0_u32..7, 0..7), 0_u32..4), 1..60),
        antecedent in prop::collection::btree_set(0_u32..4, 1..3),
        consequent in prop::collection::btree_set(4_u32..6, 1..3),
    ) {
        let (rows, mut strata): (Vec<Vec<u32>>, Vec<u32>) = rows.into_iter().unzip();
        strata.iter_mut().filter(|stratum| **stratum == 3).for_each(|stratum| *stratum = u32::MAX);
        let mut baskets = Baskets::from_rows(&rows);
        if baskets.n_items() < 7 {
            baskets = Baskets::from_rows(rows.iter().cloned().chain([vec![6]]));
            strata.push(u32::MAX);
        }
        let rule = [Sides {
            antecedent: antecedent.into_iter().collect(),
            consequent: consequent.into_iter().collect(),
        }];
        let lists = Lists::new(&baskets, &rule);
        let found = test(&baskets, &lists, &rule, &strata, &Control::default()).unwrap()[0];
        let wanted = textbook(&rows, &strata, &rule[0]);
        prop_assert_eq!(found.count, wanted.count);
        prop_assert!((found.expected - wanted.expected).abs() < 1e-9);
        prop_assert_eq!(found.enough, wanted.enough);
        if wanted.odds_ratio.is_finite() && wanted.odds_ratio > 0.0 {
            for (one, other) in [
                (found.odds_ratio, wanted.odds_ratio),
                (found.low, wanted.low),
                (found.high, wanted.high),
                (found.p_value, wanted.p_value),
            ] {
                prop_assert!((one / other - 1.0).abs() < 1e-8, "{:?} {:?}", found, wanted);
            }
        }
    }

    #[test]
    fn segments_equal_the_oracle(
        rows in prop::collection::vec((prop::collection::vec(0_u32..5, 0..5), 0_u32..3), 1..30),
        least in 1_u64..4,
        numerator in 0_u64..=10,
    ) {
        let (rows, segments): (Vec<Vec<u32>>, Vec<u32>) = rows.into_iter().unzip();
        let baskets = Baskets::from_rows(&rows);
        // Two segments; the third of the codes stands for none.
        let options = Options::at_least(numerator, 10);
        let sets = itemsets::Options::at_least(1);
        let local =
            derive_within(&baskets, &segments, &[least + 1, least, least], &sets, &options, &Control::default()).unwrap();
        let holding = |of: &dyn Fn(u32) -> bool, items: &[u32]| {
            let own = rows.iter().zip(&segments).filter(|(_, segment)| of(**segment));
            own.filter(|(row, _)| items.iter().all(|item| row.contains(item))).count() as u64
        };
        let mut wanted = std::collections::BTreeSet::new();
        for set in 1_u32..32 {
            for part in (1..set).filter(|part| part & set == *part) {
                let items = |mask: u32| (0..5).filter(|item| mask >> item & 1 == 1).collect::<Vec<u32>>();
                let (one, both) = (items(part), items(set));
                let passes = |of: &dyn Fn(u32) -> bool, least: u64| {
                    let count = holding(of, &both);
                    count >= least && count * 10 >= numerator * holding(of, &one)
                };
                if passes(&|_| true, least + 1) || (0..2).any(|own| passes(&|segment| segment == own, least)) {
                    wanted.insert((one, items(set & !part)));
                }
            }
        }
        prop_assert_eq!(local.rules.len(), wanted.len());
        for rule in 0..local.rules.len() {
            let (antecedent, consequent) = local.rules.sides(rule);
            prop_assert!(wanted.contains(&(sorted(antecedent), sorted(consequent))));
            let both = [antecedent, consequent].concat();
            prop_assert_eq!(local.rules.measures.count[rule], holding(&|_| true, &both));
            for own in 0..2 {
                let count = |items: &[u32]| holding(&|segment| segment == own, items) as u32;
                prop_assert_eq!(
                    local.counts[rule * 2 + own as usize],
                    [count(&both), count(antecedent), count(consequent)]
                );
            }
        }
    }
}

#[test]
fn odds_ratios_differ_by_the_book() {
    // 0 draws 1 in the first segment and avoids it in the second.
    let (mut rows, mut segments) = (Vec::new(), Vec::new());
    for (segment, cells) in [(0, [30, 10, 20, 40]), (1, [10, 25, 30, 15])] {
        for (count, row) in cells.into_iter().zip([vec![0, 1], vec![0], vec![1], vec![2]]) {
            for _ in 0..count {
                rows.push(row.clone());
                segments.push(segment);
            }
        }
    }
    let baskets = Baskets::from_rows(&rows);
    let local = derive_within(
        &baskets,
        &segments,
        &[1, 1, 1],
        &itemsets::Options::at_least(1),
        &Options::at_least(1, 10),
        &Control::default(),
    )
    .unwrap();
    let rule = (0..local.rules.len()).find(|&rule| local.rules.sides(rule) == (&[0], &[1])).unwrap();
    assert!(
        (local.heterogeneity_p[rule] / HETEROGENEITY - 1.0).abs() < 1e-6,
        "{}",
        local.heterogeneity_p[rule]
    );
}

/// What the formula gives for the two tables of the test above, with the roots found by bisection.
const HETEROGENEITY: f64 = 1.494_341_047_5e-7;

#[test]
fn strata_of_time_and_of_customers() {
    let origins = crate::baskets::Origins { customers: vec![0, 0, 1, u32::MAX], days: vec![10, 16, 17, 23] };
    let plain = Strata::new(&origins, None, 7);
    assert_eq!((plain.customers, plain.periods), (vec![0, 0, 1, u32::MAX], vec![0, 0, 1, 1]));
    let told = Strata::new(&origins, Some(&[1, u32::MAX]), 7);
    assert_eq!(told.periods, [1, 1, 5, 5], "who is in no stratum is with the guests");
    assert_eq!(origins.stretches(2, Some(17)), [0, 1, 2, 2]);
    assert_eq!(origins.stretches(2, None), [0, 0, 1, 1]);
}

#[test]
fn an_item_in_every_basket_has_lift_one() {
    let baskets = Baskets::from_rows([[1, 2].as_slice(), &[1, 3], &[1, 2, 3]]);
    let sets = itemsets::mine(&baskets, &itemsets::Options::at_least(1), &Control::default()).unwrap();
    let options = Options { consequents: Some(vec![1]), ..Options::at_least(1, 2) };
    let found = derive(&sets, &options, &Control::default()).unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(found.measures.lift, [1.0; 3]);
    assert_eq!(found.measures.conviction, [1.0; 3]);
    assert_eq!(found.measures.p_value, [1.0; 3]);
}
