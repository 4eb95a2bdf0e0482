//! Telling apart sets that another one holds.
//!
//! A set can only be held by one that has its last item too, so each item is a question of its own: of the sets that have it,
//! which of those that end with it are in another one? For closed sets only others of the same count matter.

use rayon::prelude::*;

use super::flat::Flat;
use super::kinds::Kind;
use crate::{Control, Result};

/// Drops the sets that another one holds: for closed sets, one of the same count.
pub(super) fn drop_held(parts: Vec<Flat>, kind: Kind, control: &Control) -> Result<Vec<Flat>> {
    let held = {
        let sets = Candidates::new(&parts, kind);
        let held: Vec<Vec<u32>> = (0..sets.n_items())
            .into_par_iter()
            .with_min_len(16)
            .map_init(Bits::default, |bits, item| {
                control.check()?;
                let mut held = Vec::new();
                let alike = |a: &Holder, b: &Holder| kind == Kind::Maximal || a.count == b.count;
                for group in sets.holders(item).chunk_by(alike) {
                    if group.len() > 1 && group.iter().any(|holder| holder.ends) {
                        sets.held(item as u32, group, bits, &mut held);
                    }
                }
                Ok(held)
            })
            .collect::<Result<_>>()?;
        let mut flags = vec![false; sets.sets.len()];
        held.into_iter().flatten().for_each(|set| flags[sets.places[set as usize] as usize] = true);
        // A set of fixed items alone has no item here: any other one holds it.
        let counts: Vec<u32> = parts.iter().flat_map(|part| part.counts.iter().copied()).collect();
        for (set, &place) in sets.sets.iter().zip(&sets.places) {
            let holds = |other: usize| {
                !sets.sets[other].is_empty()
                    && (kind == Kind::Maximal
                        || counts[sets.places[other] as usize] == counts[place as usize])
            };
            flags[place as usize] |= set.is_empty() && (0..sets.sets.len()).any(holds);
        }
        flags
    };
    let mut rest = held.as_slice();
    let flags: Vec<&[bool]> = parts
        .iter()
        .map(|part| {
            let (flags, more) = rest.split_at(part.len());
            rest = more;
            flags
        })
        .collect();
    Ok(parts.into_par_iter().zip(flags).map(|(part, held)| part.without(held)).collect())
}

/// All sets, ordered by count if that matters.
struct Candidates<'a> {
    sets: Vec<&'a [u32]>,
    /// The place of each set among the parts.
    places: Vec<u32>,
    /// A bit for each item of a set; items share bits.
    signatures: Vec<u64>,
    /// Sets that have item `i` are `holders[ends[i]..ends[i + 1]]`.
    ends: Vec<usize>,
    holders: Vec<Holder>,
}

/// A set that has an item.
#[derive(Debug, Clone, Copy, Default)]
struct Holder {
    set: u32,
    count: u32,
    /// Whether the item is the set's last one.
    ends: bool,
}

impl<'a> Candidates<'a> {
    fn new(parts: &'a [Flat], kind: Kind) -> Self {
        let given: Vec<(&[u32], u32)> = parts.iter().flat_map(Flat::iter).collect();
        let mut places: Vec<u32> = (0..given.len() as u32).collect();
        if kind == Kind::Closed {
            let mut keys: Vec<u64> = given
                .iter()
                .zip(0_u64..)
                .map(|(&(_, count), place)| u64::from(count) << 32 | place)
                .collect();
            keys.par_sort_unstable();
            places = keys.into_iter().map(|key| key as u32).collect();
        }
        let sets: Vec<&[u32]> = places.iter().map(|&place| given[place as usize].0).collect();
        let n_items = sets.iter().filter_map(|set| set.last()).max().map_or(0, |&last| last as usize + 1);
        let mut ends = vec![0_usize; n_items + 1];
        sets.iter().copied().flatten().for_each(|&item| ends[item as usize + 1] += 1);
        for item in 1..ends.len() {
            ends[item] += ends[item - 1];
        }
        let mut next = ends.clone();
        let mut holders = vec![Holder::default(); ends[n_items]];
        for (set, (items, &place)) in sets.iter().zip(&places).enumerate() {
            let (set, count, last) = (set as u32, given[place as usize].1, items.last().copied());
            for &item in *items {
                holders[next[item as usize]] = Holder { set, count, ends: Some(item) == last };
                next[item as usize] += 1;
            }
        }
        let signature = |set: &&[u32]| set.iter().fold(0, |bits, item| bits | 1_u64 << (item % 64));
        let signatures = sets.iter().map(signature).collect();
        Self { sets, places, signatures, ends, holders }
    }

    fn n_items(&self) -> usize {
        self.ends.len() - 1
    }

    fn holders(&self, item: usize) -> &[Holder] {
        &self.holders[self.ends[item]..self.ends[item + 1]]
    }

    /// Adds those of a group, which all have `item`, that end with it and that another one holds.
    fn held(&self, item: u32, group: &[Holder], bits: &mut Bits, held: &mut Vec<u32>) {
        let ending = group.iter().filter(|holder| holder.ends).map(|holder| holder.set);
        if group.len() > 64 {
            bits.fill(group.iter().map(|holder| self.before(holder.set, item)));
            held.extend(ending.filter(|&set| bits.holders(self.before(set, item)) > 1));
            bits.clear(group.iter().map(|holder| self.before(holder.set, item)));
            return;
        }
        held.extend(ending.filter(|&set| group.iter().any(|other| self.holds(other.set, set))));
    }

    /// The items of a set before `item`; a set that ends with it is held by what has them all.
    fn before(&self, set: u32, item: u32) -> &[u32] {
        let set = self.sets[set as usize];
        &set[..set.partition_point(|&other| other < item)]
    }

    /// Whether a set has all items of a shorter one.
    fn holds(&self, set: u32, part: u32) -> bool {
        if self.signatures[part as usize] & !self.signatures[set as usize] != 0 {
            return false;
        }
        let (set, part) = (self.sets[set as usize], self.sets[part as usize]);
        let mut left = set.iter();
        set.len() > part.len() && part.iter().all(|item| left.any(|other| other == item))
    }
}

/// Which sets of a group hold each item, a bit a set.
#[derive(Default)]
struct Bits {
    /// The place of an item's bits, from 1; 0 for none.
    places: Vec<u32>,
    bits: Vec<u64>,
    words: usize,
    sets: usize,
    common: Vec<u64>,
}

impl Bits {
    fn fill<'a>(&mut self, sets: impl ExactSizeIterator<Item = &'a [u32]>) {
        self.bits.clear();
        self.sets = sets.len();
        self.words = sets.len().div_ceil(64);
        let mut n_items = 0;
        for (at, set) in sets.enumerate() {
            if let Some(&last) = set.last().filter(|&&last| last as usize >= self.places.len()) {
                self.places.resize(last as usize + 1, 0);
            }
            for &item in set {
                let place = &mut self.places[item as usize];
                if *place == 0 {
                    n_items += 1;
                    *place = n_items;
                    self.bits.resize(n_items as usize * self.words, 0);
                }
                self.bits[(*place as usize - 1) * self.words + at / 64] |= 1 << (at % 64);
            }
        }
    }

    /// How many sets of the group have all these items.
    fn holders(&mut self, items: &[u32]) -> u32 {
        self.common.clear();
        self.common.resize(self.words, u64::MAX);
        if let Some(last) = self.common.last_mut() {
            *last >>= self.words * 64 - self.sets;
        }
        for &item in items {
            let start = (self.places[item as usize] as usize - 1) * self.words;
            let bits = &self.bits[start..start + self.words];
            self.common.iter_mut().zip(bits).for_each(|(common, bits)| *common &= bits);
        }
        self.common.iter().map(|word| word.count_ones()).sum()
    }

    fn clear<'a>(&mut self, sets: impl Iterator<Item = &'a [u32]>) {
        sets.flatten().for_each(|&item| self.places[item as usize] = 0);
    }
}
