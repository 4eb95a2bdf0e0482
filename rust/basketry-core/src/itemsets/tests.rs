//! The miner against a plain count of every subset, and hand-made cases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::Budget;

/// Stands for itself.
const CODES: [u32; 200] = {
    let mut codes = [0; 200];
    let mut code = 0;
    while code < 200 {
        codes[code as usize] = code;
        code += 1;
    }
    codes
};

type Sets = BTreeMap<Vec<u32>, u64>;

/// Every subset of every basket, counted.
fn oracle(rows: &[Vec<u32>], options: &Options) -> Sets {
    let mut sets = Sets::new();
    for row in rows {
        let mut row = row.clone();
        row.sort_unstable();
        row.dedup();
        for mask in 1_u32..1 << row.len() {
            let set = (0..row.len()).filter(|i| mask >> i & 1 == 1).map(|i| row[i]).collect();
            *sets.entry(set).or_default() += 1;
        }
    }
    let frequent = sets.clone();
    let apart = |set: &Vec<u32>| {
        !options.conflicts.iter().any(|(one, other)| set.contains(one) && set.contains(other))
    };
    sets.retain(|set, count| {
        *count >= options.min_count
            && set.len() >= options.min_length
            && set.len() <= options.max_length.unwrap_or(usize::MAX)
            && options.contains.iter().all(|item| set.contains(item))
            && !options.excludes.iter().any(|item| set.contains(item))
            && apart(set)
            && !frequent.iter().any(|(more, of_more)| {
                more.len() > set.len()
                    && *of_more >= options.min_count
                    && set.iter().all(|item| more.contains(item))
                    && !options.excludes.iter().any(|item| more.contains(item))
                    && apart(more)
                    && match options.kind {
                        Kind::All => false,
                        Kind::Closed => of_more == count,
                        Kind::Maximal => true,
                    }
            })
    });
    sets
}

fn mined(rows: &[Vec<u32>], options: &Options) -> Sets {
    let found = mine(&Baskets::from_rows(rows), options, &Control::default()).unwrap().lists(&CODES).unwrap();
    let mut sets = Sets::new();
    for (items, count) in found.iter() {
        let mut set = items.to_vec();
        set.sort_unstable();
        assert_eq!(sets.insert(set, count), None, "a set is reported once");
    }
    sets
}

fn spectrum(sets: &Sets) -> Vec<u64> {
    let mut by_length = vec![0; sets.keys().map(Vec::len).max().unwrap_or(0)];
    for set in sets.keys() {
        by_length[set.len() - 1] += 1;
    }
    by_length
}

fn agree(rows: &[Vec<u32>], options: &Options) {
    let wanted = oracle(rows, options);
    assert_eq!(mined(rows, options), wanted);
    let counted = count(&Baskets::from_rows(rows), options, &Control::default()).unwrap();
    assert_eq!(counted, spectrum(&wanted));
}

/// Baskets of a few items, some of many kinds.
fn baskets(kinds: u32) -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(0..kinds, 0..9), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn equals_the_oracle(
        rows in prop_oneof![baskets(6), baskets(12), baskets(200)],
        min_count in 1_u64..8,
        min_length in 1_usize..4,
        more in prop::option::of(0_usize..4),
        contains in prop::collection::vec(0_u32..12, 0..3),
        excludes in prop::collection::vec(0_u32..12, 0..3),
        kind in prop_oneof![Just(Kind::All), Just(Kind::Closed), Just(Kind::Maximal)],
        mut conflicts in prop_oneof![Just(Vec::new()), prop::collection::vec((0_u32..12, 0_u32..12), 0..9)],
    ) {
        conflicts.retain(|(one, other)| one != other);
        let max_length = more.map(|more| min_length + more);
        agree(&rows, &Options { min_count, min_length, max_length, contains, excludes, kind, top: None, conflicts });
    }

    #[test]
    fn order_of_baskets_and_threads_do_not_matter(rows in baskets(100), min_count in 1_u64..4) {
        let options = Options::at_least(min_count);
        let run = |rows: &[Vec<u32>], threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mine(&Baskets::from_rows(rows), &options, &Control::default()).unwrap().lists(&CODES).unwrap())
        };
        let wanted = run(&rows, 1);
        let turned: Vec<_> = rows.iter().rev().cloned().collect();
        prop_assert_eq!(&run(&turned, 2), &wanted);
        prop_assert_eq!(&run(&rows, 8), &wanted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_top_are_the_first(rows in baskets(12), min_count in 1_u64..3, top in 1_usize..60) {
        let shop = Baskets::from_rows(&rows);
        let all = mine(&shop, &Options::at_least(min_count), &Control::default()).unwrap().lists(&CODES).unwrap();
        let options = Options { top: Some(top), ..Options::at_least(min_count) };
        let first = mine(&shop, &options, &Control::default()).unwrap().lists(&CODES).unwrap();
        let wanted: Vec<_> = all.iter().take(top).collect();
        prop_assert_eq!(first.iter().collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn an_item_in_every_basket_is_a_set() {
    let found = mined(&[vec![1, 2], vec![1, 3], vec![1, 2, 3]], &Options::at_least(3));
    assert_eq!(found, Sets::from([(vec![1], 3)]));
}

#[test]
fn no_basket_one_basket_empty_baskets() {
    agree(&[], &Options::at_least(1));
    agree(&[vec![]], &Options::at_least(1));
    agree(&[vec![4, 4, 2]], &Options::at_least(1));
    let found =
        mine(&Baskets::from_rows([[].as_slice(), &[0], &[]]), &Options::at_least(1), &Control::default());
    assert_eq!(found.unwrap().baskets(), 3);
}

#[test]
fn far_more_than_64_items_and_long_sets() {
    // 70 baskets that each lack one of 70 items, so that every set is frequent and every node is wide.
    let rows: Vec<Vec<u32>> = (0..70).map(|lacks| (0..70).filter(|&item| item != lacks).collect()).collect();
    let options = Options { max_length: Some(3), ..Options::at_least(60) };
    let counted = count(&Baskets::from_rows(&rows), &options, &Control::default()).unwrap();
    assert_eq!(counted, [70, 70 * 69 / 2, 70 * 69 * 68 / 6]);
    let lists =
        mine(&Baskets::from_rows(&rows), &options, &Control::default()).unwrap().lists(&CODES).unwrap();
    assert!(lists.iter().all(|(set, count)| count == 70 - set.len() as u64));
}

#[test]
fn a_giant_basket_meets_the_budget() {
    let giant: Vec<u32> = (0..10_000).collect();
    let rows = [giant, vec![3, 4]];
    let control = Control::new(Budget { results: Some(100_000), ..Budget::default() });
    let refused = mine(&Baskets::from_rows(&rows), &Options::at_least(1), &control);
    assert!(matches!(refused, Err(Error::Capacity(_))));
}

#[test]
fn a_refusal_tells_what_would_fit() {
    let rows: Vec<Vec<u32>> =
        (0..400_u32).map(|i| (0..16).filter(|&item| i % (item + 2) != 0).collect()).collect();
    let shop = Baskets::from_rows(&rows);
    let control = Control::new(Budget { results: Some(10_000), ..Budget::default() });
    let Err(Error::Capacity(refused)) = mine(&shop, &Options::at_least(1), &control) else {
        panic!("too many sets")
    };
    let at = refused.mend.split("min_count=").nth(1).unwrap().split(' ').next().unwrap();
    let fits = count(&shop, &Options::at_least(at.parse().unwrap()), &Control::default()).unwrap();
    assert!(refused.mend.starts_with(&format!("{} itemsets", fits.iter().sum::<u64>())));
    assert!((1..=10_000).contains(&fits.iter().sum::<u64>()));
}

#[test]
fn more_sets_than_32_bits_can_count() {
    let rows = [(0..36).collect::<Vec<u32>>()];
    let counted = count(&Baskets::from_rows(rows), &Options::at_least(1), &Control::default()).unwrap();
    assert_eq!(counted.iter().sum::<u64>(), (1 << 36) - 1);
}
