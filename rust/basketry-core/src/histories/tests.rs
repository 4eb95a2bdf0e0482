//! Histories from rows and texts against those of a plain list.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::control::Control;
use crate::dictionary::{IdChunk, Ids, Values};

/// What the histories say, by ids.
fn listed(read: &Collected) -> BTreeMap<i64, Vec<(i32, Vec<i64>)>> {
    let (Ids::Integers(customers), Ids::Integers(items)) = (&read.customers, &read.items) else {
        return BTreeMap::new();
    };
    let log = &read.histories;
    let event =
        |event| (log.day(event), log.items_of(event).iter().map(|&item| items[item as usize]).collect());
    (0..log.len())
        .map(|customer| (customers[customer], log.events_of(customer).map(event).collect()))
        .collect()
}

struct Cut<'a>(Vec<Rows<'a>>);

impl Pieces for Cut<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn take(&self, piece: usize, take: &mut dyn FnMut(&Rows<'_>) -> Result<()>) -> Result<()> {
        take(&self.0[piece])
    }
}

proptest! {
    #[test]
    fn rows_in_any_order_and_cut_make_the_same_histories(
        mut rows in prop::collection::vec((-3..9_i64, -40..40_i32, 0..7_i64), 1..80),
        cut in 0..80_usize,
        sorted in any::<bool>(),
        threads in 1..4_usize,
    ) {
        if sorted {
            rows.sort_unstable();
        }
        let mut expected: BTreeMap<i64, BTreeMap<i32, Vec<i64>>> = BTreeMap::new();
        for &(customer, day, item) in &rows {
            expected.entry(customer).or_default().entry(day).or_default().push(item);
        }
        let tidy = |(day, mut items): (i32, Vec<i64>)| {
            items.sort_unstable();
            items.dedup();
            (day, items)
        };
        let expected: BTreeMap<_, Vec<_>> = expected
            .into_iter()
            .map(|(customer, events)| (customer, events.into_iter().map(tidy).collect()))
            .collect();
        let (customers, days, items): (Vec<_>, Vec<_>, Vec<_>) = rows.iter().copied().collect();
        let cut = cut.min(rows.len());
        let chunk = |range: Range<usize>| Rows {
            customers: IdChunk::plain(Values::Integers(&customers[range.clone()])),
            items: IdChunk::plain(Values::Integers(&items[range.clone()])),
            days: &days[range],
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let pieces = Cut(vec![chunk(0..cut), chunk(cut..rows.len())]);
        let read = pool.install(|| collect(&pieces, &Control::default()).unwrap());
        prop_assert_eq!(listed(&read), expected);
        prop_assert_eq!(read.histories.end_day(), days.iter().max().unwrap() + 1);
        prop_assert_eq!(read.histories.n_items(), read.items.len());
    }
}

#[test]
fn a_text_of_customers() {
    let text = b"@CONVERTED_FROM_TEXT\n5 3 5 -1 -1 9 -1 -2\n\n<30> 9 -1 <7> 3 -1 <7> 5 -1 -2\r\n3 -1 -2";
    let read = parse(text, &Control::default()).unwrap();
    let expected = [
        (2, vec![(0, vec![3, 5]), (2, vec![9])]),
        (4, vec![(7, vec![3, 5]), (30, vec![9])]),
        (5, vec![(0, vec![3])]),
    ];
    assert_eq!(listed(&read), BTreeMap::from(expected));
    assert!(parse(b"", &Control::default()).unwrap().histories.is_empty());
    assert_eq!(parse(b"-1 -2\n-2\n", &Control::default()).unwrap().histories.len(), 2);
    for (wrong, told) in
        [("1 -1 x -1 -2", "'x' in line 2"), ("1 -2 4", "'4' behind -2"), ("-3 -1 -2", "'-3'")]
    {
        let error = parse(format!("1 -1 -2\n{wrong}\n").as_bytes(), &Control::default()).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}
