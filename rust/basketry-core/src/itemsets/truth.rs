//! Ten thousand small worlds in which every set can be looked at.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use super::*;

/// Items of a world; sets of them are bits.
const ITEMS: usize = 10;

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }

    fn shuffle<T>(&mut self, rows: &mut [T]) {
        for at in (1..rows.len()).rev() {
            rows.swap(at, self.below(at + 1));
        }
    }
}

/// A world: what stands for the items, baskets as bits, and how many items are alone in baskets of their own.
struct World {
    codes: Vec<u32>,
    rows: Vec<usize>,
    alone: usize,
    times: usize,
}

impl World {
    fn new(random: &mut Random) -> Self {
        let dense = 1 + random.below(4);
        let row = |random: &mut Random| {
            (0..ITEMS).filter(|_| random.below(5) < dense).fold(0, |row, item| row | 1 << item)
        };
        let mut rows: Vec<usize> = (0..random.below(24)).map(|_| row(random)).collect();
        if random.below(3) == 0 {
            // Many equal baskets and items in all of them.
            let common = row(random);
            for row in &mut rows {
                *row |= common;
            }
            rows.extend_from_within(..);
        }
        let mut codes: Vec<u32> = (0..ITEMS as u32).map(|item| item * (1 + random.below(9) as u32)).collect();
        codes.sort_unstable();
        codes.dedup();
        while codes.len() < ITEMS {
            codes.push(codes[codes.len() - 1] + 1);
        }
        random.shuffle(&mut codes);
        let alone = if random.below(4) == 0 { 60 + random.below(20) } else { 0 };
        Self { codes, rows, alone, times: 1 + random.below(4) }
    }

    fn baskets(&self, random: &mut Random) -> Baskets {
        let items = |row: usize| (0..ITEMS).filter(move |item| row >> item & 1 == 1);
        let mut rows: Vec<Vec<u32>> =
            self.rows.iter().map(|&row| items(row).map(|item| self.codes[item]).collect()).collect();
        let alone = (0..self.alone as u32).map(|item| vec![1000 + item]);
        rows.extend(alone.flat_map(|row| std::iter::repeat_n(row, self.times)));
        random.shuffle(&mut rows);
        Baskets::from_rows(rows)
    }

    /// Every set that is asked for, with its count.
    fn truth(&self, options: &Options) -> BTreeMap<Vec<u32>, u64> {
        let mut counts = vec![0_u64; 1 << ITEMS];
        for &row in &self.rows {
            counts[row] += 1;
        }
        for item in 0..ITEMS {
            for set in (0..counts.len()).filter(|set| set >> item & 1 == 0) {
                counts[set] += counts[set | 1 << item];
            }
        }
        let bits = |codes: &[u32]| {
            let of = |code: &u32| self.codes.iter().position(|known| known == code);
            codes.iter().filter_map(of).fold(0, |set, item| set | 1 << item)
        };
        let (contains, excludes) = (bits(&options.contains), bits(&options.excludes));
        let longest = options.max_length.unwrap_or(usize::MAX);
        let asked = |set: usize| {
            let length = set.count_ones() as usize;
            let larger = (0..ITEMS).filter(|item| set >> item & 1 == 0).map(|item| set | 1 << item);
            let mut larger = larger.filter(|more| more & excludes == 0).map(|more| counts[more]);
            counts[set] >= options.min_count
                && (options.min_length..=longest).contains(&length)
                && set & contains == contains
                && set & excludes == 0
                && !larger.any(|count| match options.kind {
                    Kind::All => false,
                    Kind::Closed => count == counts[set],
                    Kind::Maximal => count >= options.min_count,
                })
        };
        let named = |set: usize| {
            let mut names: Vec<u32> =
                (0..ITEMS).filter(|item| set >> item & 1 == 1).map(|item| self.codes[item]).collect();
            names.sort_unstable();
            names
        };
        let mut truth: BTreeMap<Vec<u32>, u64> =
            (1..counts.len()).filter(|&set| asked(set)).map(|set| (named(set), counts[set])).collect();
        let single = options.min_length == 1 && contains == 0 && self.times as u64 >= options.min_count;
        for item in (0..self.alone as u32).filter(|_| single) {
            truth.insert(vec![1000 + item], self.times as u64);
        }
        truth
    }
}

#[test]
fn ten_thousand_worlds() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let pools = [pool(1), pool(2), pool(5)];
    let codes: Vec<u32> = (0..1100).collect();
    let mut random = Random(7);
    for case in 0..10_000 {
        let world = World::new(&mut random);
        let mut some = |most: usize| -> Vec<u32> {
            (0..random.below(most)).map(|_| world.codes[random.below(ITEMS)]).collect()
        };
        let (contains, excludes) = (some(2), some(3));
        let min_length = 1 + random.below(3);
        let options = Options {
            min_count: 1 + random.below(6) as u64,
            min_length,
            max_length: (random.below(2) == 0).then(|| min_length + random.below(4)),
            kind: [Kind::All, Kind::Closed, Kind::Maximal][random.below(3)],
            // An item in no basket at all has no code that could be asked for.
            contains: contains.into_iter().filter(|_| !world.rows.is_empty()).collect(),
            excludes,
            ..Options::at_least(1)
        };
        let shop = world.baskets(&mut random);
        let found =
            pools[0].install(|| mine(&shop, &options, &Control::default())).unwrap().lists(&codes).unwrap();
        let sets: BTreeMap<Vec<u32>, u64> = found
            .iter()
            .map(|(set, count)| {
                let mut set = set.to_vec();
                set.sort_unstable();
                (set, count)
            })
            .collect();
        assert_eq!(sets.len(), found.counts.len(), "case {case}: {options:?}");
        assert_eq!(sets, world.truth(&options), "case {case}: {options:?}");
        let mut by_length = vec![0_u64; sets.keys().map(Vec::len).max().unwrap_or(0)];
        for set in sets.keys() {
            by_length[set.len() - 1] += 1;
        }
        let pool = &pools[1 + case % 2];
        let counted = pool.install(|| count(&shop, &options, &Control::default())).unwrap();
        assert_eq!(counted, by_length, "case {case}: {options:?}");
        let mixed = world.baskets(&mut random);
        let top = Options { top: Some(1 + random.below(20)), ..options.clone() };
        let again =
            pool.install(|| mine(&mixed, &options, &Control::default())).unwrap().lists(&codes).unwrap();
        assert_eq!(again, found, "case {case}: {options:?}");
        let first = pool.install(|| mine(&mixed, &top, &Control::default())).unwrap().lists(&codes).unwrap();
        let wanted: Vec<_> = found.iter().take(top.top.unwrap_or(0)).collect();
        assert_eq!(first.iter().collect::<Vec<_>>(), wanted, "case {case}: {top:?}");
    }
}
