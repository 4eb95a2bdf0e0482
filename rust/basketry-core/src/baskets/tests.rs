//! Every way in against the rows put together one by one.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::dictionary::{IdChunk, Ids, Values};
use crate::ledger::{NumberChunk, Numbers};

fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// Baskets as sorted ids.
fn named(baskets: &Baskets, ids: &Ids) -> Vec<Vec<String>> {
    baskets.iter().map(|row| row.iter().map(|&code| ids.label(code as usize)).collect()).collect()
}

/// Baskets in the order of their first row, each with the sums of a value by item.
fn slowly(rows: &[(i64, i64, i64)]) -> Vec<BTreeMap<i64, i64>> {
    let (mut order, mut baskets) = (Vec::new(), BTreeMap::<i64, BTreeMap<i64, i64>>::new());
    for &(basket, item, value) in rows {
        if !order.contains(&basket) {
            order.push(basket);
        }
        *baskets.entry(basket).or_default().entry(item).or_default() += value * 10_000;
    }
    order.iter().map(|basket| baskets[basket].clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rows_in_any_order(
        mut rows in prop::collection::vec((-3_i64..20, prop_oneof![0_i64..9, 99_990_i64..100_010], -5_i64..9), 0..80),
        rising: bool,
        cut in 1_usize..90,
        threads in 1_usize..5,
    ) {
        if rising {
            rows.sort_by_key(|row| row.0);
        }
        let wanted = slowly(&rows);
        let column = |value: fn(&(i64, i64, i64)) -> i64| rows.iter().map(value).collect::<Vec<_>>();
        let (baskets, items, values) = (column(|row| row.0), column(|row| row.1), column(|row| row.2));
        let chunks: Vec<Rows<'_>> = (0..rows.len())
            .step_by(cut)
            .map(|start| {
                let part = start..(start + cut).min(rows.len());
                Rows {
                    baskets: Grouping::Ids(IdChunk::plain(Values::Integers(&baskets[part.clone()]))),
                    items: IdChunk::plain(Values::Integers(&items[part.clone()])),
                    values: vec![NumberChunk { numbers: Numbers::Integers(&values[part]), valid: None }],
                }
            })
            .collect();
        let names = Names { basket: "basket".into(), values: vec!["value".into()] };
        let found = on(threads, || collect(&chunks, &names, &Control::default())).unwrap();
        let names: Vec<Vec<String>> =
            wanted.iter().map(|basket| basket.keys().map(ToString::to_string).collect()).collect();
        prop_assert_eq!(named(&found.baskets, &found.ids), names);
        if !rows.is_empty() {
            let sums: Vec<i64> = wanted.iter().flat_map(|basket| basket.values().copied()).collect();
            prop_assert_eq!(&found.values, &[sums]);
        }
    }

    #[test]
    fn lists_and_lines(
        rows in prop::collection::vec(prop::collection::vec(-2_i64..30, 0..6), 0..40),
        cut in 1_usize..50,
        threads in 1_usize..5,
        text: bool,
        open: bool,
    ) {
        let tidy = |row: &Vec<i64>| {
            let mut names: Vec<_> = row.clone();
            names.sort_unstable();
            names.dedup();
            names
        };
        let wanted: Vec<Vec<String>> =
            rows.iter().map(|row| tidy(row).iter().map(ToString::to_string).collect()).collect();
        let items: Vec<i64> = rows.concat();
        let offsets: Vec<i64> = std::iter::once(0)
            .chain(rows.iter().scan(0, |end, row| { *end += row.len() as i64; Some(*end) }))
            .collect();
        let chunks: Vec<Rows<'_>> = (0..rows.len())
            .step_by(cut)
            .map(|start| {
                let offsets = &offsets[start..=(start + cut).min(rows.len())];
                let part = offsets[0] as usize..offsets[offsets.len() - 1] as usize;
                Rows {
                    baskets: Grouping::Lists(offsets),
                    items: IdChunk::plain(Values::Integers(&items[part])),
                    values: Vec::new(),
                }
            })
            .collect();
        let names = Names { basket: "basket".into(), values: vec!["value".into()] };
        let found = on(threads, || collect(&chunks, &names, &Control::default())).unwrap();
        prop_assert_eq!(named(&found.baskets, &found.ids), wanted);

        // As lines of a text; a word among the numbers makes all of them texts.
        let word = if text { "a_word_that_is_longer_than_12" } else { "12345" };
        let mut lines = format!("{word}\n");
        for row in &rows {
            let row: Vec<String> = row.iter().map(ToString::to_string).collect();
            lines.extend([row.join(" \t").as_str(), " \r\n"]);
        }
        if open {
            lines.push_str(word);
        }
        let (baskets, ids) = on(threads, || parse(lines.as_bytes(), &Control::default())).unwrap();
        prop_assert_eq!(matches!(ids, Ids::Texts { .. }), text);
        let mut wanted: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let mut names: Vec<String> = tidy(row).iter().map(ToString::to_string).collect();
                if text {
                    names.sort_unstable();
                }
                names
            })
            .collect();
        wanted.insert(0, vec![word.to_owned()]);
        if open {
            wanted.push(vec![word.to_owned()]);
        }
        prop_assert_eq!(named(&baskets, &ids), wanted);
    }
}

#[test]
fn a_long_text_is_read_in_stretches() {
    let line = |row: usize| format!("{} {} {}\n", row % 977, row, row % 7);
    let text: String = (0..60_000).map(line).collect();
    let (baskets, ids) = on(4, || parse(text.as_bytes(), &Control::default())).unwrap();
    assert_eq!((baskets.len(), ids.len()), (60_000, 60_000));
    let at = 43_210;
    let mut wanted = vec![at as u32 % 977, at as u32, at as u32 % 7];
    wanted.sort_unstable();
    assert_eq!(baskets.items_of(at), wanted);
}

#[test]
fn odd_texts() {
    let parsed = |text: &[u8]| parse(text, &Control::default());
    let empty = parsed(b"").unwrap();
    assert_eq!((empty.0.len(), empty.1.len()), (0, 0));
    assert_eq!(parsed(b"\n \n\n").unwrap().0.len(), 3);
    for codes in ["007 7", "1 -0", "12345678901234567890", "1 +2", "1 2.5", "3 \u{e4}"] {
        assert!(matches!(parsed(codes.as_bytes()).unwrap().1, Ids::Texts { .. }), "{codes}");
    }
    let refused = parsed(b"a b\nc\n x\xffy d\n").unwrap_err().to_string();
    assert!(refused.contains("line 3") && refused.contains('x'), "{refused}");
}
