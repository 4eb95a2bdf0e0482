//! Rules against every split of every itemset.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::baskets::Baskets;
use crate::itemsets;

type Sides = (Vec<u32>, Vec<u32>);

fn sorted(items: &[u32]) -> Vec<u32> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items
}

/// Every rule with its counts of both sides and of the antecedent.
fn oracle(counts: &BTreeMap<Vec<u32>, u64>, options: &Options) -> BTreeMap<Sides, (u64, u64)> {
    let split = |set: &[u32], mask: u32| -> Sides {
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
        let simpler = |less: &Sides, counts: &(u64, u64)| {
            &less.1 == consequent
                && less.0.len() < antecedent.len()
                && less.0.iter().all(|item| antecedent.contains(item))
                && counts.0 * *alone >= *both * counts.1
        };
        *both * denominator >= numerator * *alone
            && antecedent.len() <= options.max_antecedent.unwrap_or(99)
            && consequent.len() <= options.max_consequent.unwrap_or(99)
            && options
                .consequents
                .as_ref()
                .is_none_or(|known| consequent.iter().all(|item| known.contains(item)))
            && (options.redundant || !all.iter().any(|(less, counts)| simpler(less, counts)))
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
    ) {
        let baskets = Baskets::from_rows(&rows);
        let sets = itemsets::mine(&baskets, &itemsets::Options::at_least(min_count), &Control::default()).unwrap();
        let counts = sets.clone().lists(&[0, 1, 2, 3, 4, 5, 6, 7]).iter().map(|(set, count)| (sorted(set), count)).collect();
        let options = Options { min_confidence: (numerator, 10), consequents, max_antecedent, max_consequent, redundant };
        let found = derive(&sets, &options, &Control::default()).unwrap();
        let wanted = oracle(&counts, &options);
        prop_assert_eq!(found.len(), wanted.len());
        for rule in 0..found.len() {
            let (antecedent, consequent) = found.sides(rule);
            let (both, alone) = wanted[&(sorted(antecedent), sorted(consequent))];
            prop_assert_eq!(found.measures.count[rule], both);
            let confidence = both as f64 / alone as f64;
            prop_assert!((found.measures.confidence[rule] - confidence).abs() < 1e-15);
        }
        prop_assert!(found.measures.confidence.is_sorted_by(|a, b| a >= b));
    }
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
