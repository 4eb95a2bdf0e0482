//! The search where limits on time play no part: the events of a customer are bits.
//!
//! A class holds all frequent ways to go on from a prefix by one item, each with the events where it ends. The ways to go on from
//! one of them by a second item follow from its events and those of the others of the class alone (Zaki, 2001; the bits are
//! those of Ayres et al., 2002). So a prefix costs what its own extensions weigh, whatever else its customers bought.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::keeper::Keeper;
use super::log::{End, Log};
use super::pairs::{Pairs, Table};
use super::{Constraints, Found, IN_EVENT};
use crate::error::Result;

/// A class with more hits than this lets other threads take its members: a fixed number, so that the split does not depend on
/// the threads.
const SPLIT: usize = 1 << 16;

/// Events of one word.
const WORD: u32 = 32;

/// Hits that are joined between two looks at whether the rest can still reach the threshold.
const STRIDE: usize = 64;

/// The number of an item that has none.
const NONE: u32 = u32::MAX;

/// Events of one customer where something ends: up to 32 of them that follow each other make a word.
#[derive(Debug, Clone, Copy, Default)]
struct Hits {
    word: u32,
    bits: u32,
}

/// One way to go on from a prefix.
#[derive(Debug, Clone)]
struct Member {
    item: u32,
    hits: Range<usize>,
}

/// The frequent ways to go on from a prefix; reused by all prefixes of a length.
#[derive(Debug, Default)]
struct Class {
    /// By an item of a later event, with the events of this item after the first end of the prefix.
    later: Vec<Member>,
    /// By an item of the last event, with the events where both are.
    together: Vec<Member>,
    /// The hits of all members; only the first `used` of them count.
    hits: Vec<Hits>,
    used: usize,
}

/// What is asked of a word by every hit; side by side, because that is what a join waits for.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// Its events after the first end of the sequence that is being extended.
    after: u32,
    /// The end of the words of its customer, which also tells customers apart.
    beyond: u32,
}

/// Work space of one thread.
#[derive(Default)]
pub(super) struct Space {
    classes: Vec<Class>,
    marks: Vec<Mark>,
    /// For each word the events where the sequence that is being extended ends.
    within: Vec<u32>,
    sequence: Vec<u32>,
    /// While a first class is made: the row of each item among `later` and `together`, and the rows.
    numbers: [Vec<u32>; 2],
    rows: Vec<Vec<Hits>>,
}

/// Work spaces that are not in use.
#[derive(Default)]
pub(super) struct Spaces(Mutex<Vec<Space>>);

impl Spaces {
    /// Works with a space of its own.
    pub fn with<T>(&self, work: impl FnOnce(&mut Space) -> T) -> T {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut space = free.unwrap_or_default();
        let done = work(&mut space);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(space);
        done
    }
}

/// What is the same for the whole search.
pub(super) struct Classes<'a> {
    pub constraints: Constraints,
    pub keeper: &'a Keeper<'a>,
    pub pairs: &'a Pairs,
    pub spaces: Spaces,
}

impl Classes<'_> {
    /// Finds the sequences that begin with `item` and go on; `ends` are its matches, customer by customer: the first, and those where
    /// a larger item is in the event.
    pub fn beginning_with(&self, log: &Log, item: u32, ends: &[End]) -> Result<Found> {
        let mut found = Found::default();
        let (later, together) = (&self.pairs.later, &self.pairs.together);
        if self.has_room(1, 1, true) {
            for &(other, count) in later.of(item) {
                found.push(&[item, other], count, self.keeper)?;
            }
        }
        if self.has_room(1, 1, false) {
            for &(other, count) in together.of(item) {
                found.push(&[item, other | IN_EVENT], count, self.keeper)?;
            }
        }
        let alive = self.alive(item);
        if self.has_room(2, 1, false) && alive.iter().flatten().any(|&word| word != 0) {
            self.spaces.with(|space| {
                space.sequence.clear();
                space.sequence.push(item);
                space.open(log, item, ends, &alive, later.bits(item).len() as u32 * 64);
                self.grow(0, 1, space, &mut found)
            })?;
        }
        Ok(found)
    }

    /// The items that matter for sequences of three from `item` on: of those in later events, and of those in its own ones.
    fn alive(&self, item: u32) -> [Vec<u64>; 2] {
        let (later, together) = (&self.pairs.later, &self.pairs.together);
        let (behind, beside) = (later.bits(item), together.bits(item));
        let mut alive = [vec![0; behind.len()], vec![0; beside.len()]];
        let [after, within] = &mut alive;
        for other in items_of(behind) {
            if meet(behind, later.bits(other), after) | meet(behind, together.bits(other), after) {
                after[other as usize / 64] |= 1 << (other % 64);
            }
        }
        for other in items_of(beside) {
            if meet(behind, later.bits(other), after) | meet(beside, together.bits(other), within) {
                within[other as usize / 64] |= 1 << (other % 64);
            }
        }
        alive
    }

    /// Whether a sequence of so many items and events may take in one more, in a later event or in its last one.
    fn has_room(&self, items: usize, events: u32, later: bool) -> bool {
        self.constraints.max_items.is_none_or(|most| items < most as usize)
            && self.constraints.max_length.is_none_or(|most| events + u32::from(later) <= most)
    }

    /// Grows all members of the class of the sequence in `space`, which has `events` events.
    fn grow(&self, depth: usize, events: u32, space: &mut Space, found: &mut Found) -> Result<()> {
        self.keeper.control.check()?;
        if space.classes.len() < depth + 2 {
            space.classes.resize_with(depth + 2, Class::default);
        }
        let class = std::mem::take(&mut space.classes[depth]);
        let members = class.later.len() + class.together.len();
        let outcome = if class.used < SPLIT || members == 1 {
            (0..members).try_for_each(|member| self.child(&class, member, depth, events, space, found))
        } else {
            let (prefix, marks) = (&space.sequence, &space.marks);
            let parts = (0..members)
                .into_par_iter()
                .with_max_len(1)
                .map(|member| {
                    self.spaces.with(|space| {
                        let mut found = Found::default();
                        space.sequence.clone_from(prefix);
                        space.measure(marks);
                        self.child(&class, member, depth, events, space, &mut found)?;
                        Ok(found)
                    })
                })
                .collect::<Result<Vec<Found>>>();
            parts.map(|parts| parts.iter().for_each(|part| found.append(part)))
        };
        space.classes[depth] = class;
        outcome
    }

    /// Finds the extensions of one member of a class, and grows them.
    fn child(
        &self,
        class: &Class,
        member: usize,
        depth: usize,
        events: u32,
        space: &mut Space,
        found: &mut Found,
    ) -> Result<()> {
        let opens = member < class.later.len();
        let (this, others) = if opens {
            (&class.later[member], &class.later)
        } else {
            (&class.together[member - class.later.len()], &class.together)
        };
        let (token, events) = if opens { (this.item, events + 1) } else { (this.item | IN_EVENT, events) };
        let can = |table: &Table, other: &&Member| table.has(this.item, other.item);
        let follows = |other: &&Member| can(&self.pairs.later, other);
        let joins = |other: &&Member| other.item > this.item && can(&self.pairs.together, other);
        let items = space.sequence.len() + 1;
        let later = self.has_room(items, events, true) && class.later.iter().any(|other| follows(&other));
        let together = self.has_room(items, events, false) && others.iter().any(|other| joins(&other));
        if !later && !together {
            return Ok(());
        }
        if space.classes.len() < depth + 2 {
            space.classes.resize_with(depth + 2, Class::default);
        }
        let mut next = std::mem::take(&mut space.classes[depth + 1]);
        next.clear();
        space.sequence.push(token);
        let hits = &class.hits[this.hits.clone()];
        space.mark(hits);
        let mut find =
            |others: &[Member], fits: &dyn Fn(&&Member) -> bool, mark: u32| -> Result<Vec<Member>> {
                let mut frequent = Vec::new();
                let (marks, within) = (&space.marks, &space.within);
                for other in others.iter().filter(fits) {
                    let (hits, least) = (&class.hits[other.hits.clone()], self.keeper.least());
                    let joined = if mark == 0 {
                        next.join(hits, |word| (marks[word].after, marks[word].beyond), least)
                    } else {
                        next.join(hits, |word| (within[word], marks[word].beyond), least)
                    };
                    if let Some((count, hits)) = joined {
                        space.sequence.push(other.item | mark);
                        found.push(&space.sequence, count, self.keeper)?;
                        space.sequence.pop();
                        frequent.push(Member { item: other.item, hits });
                    }
                }
                Ok(frequent)
            };
        let none: &[Member] = &[];
        let outcome = find(if later { &class.later } else { none }, &follows, 0).and_then(|later| {
            let together = find(if together { others } else { none }, &joins, IN_EVENT)?;
            Ok((later, together))
        });
        space.unmark(hits);
        (next.later, next.together) = outcome?;
        let grows = next.later.len() + next.together.len() > 0 && self.has_room(items + 1, events, false);
        space.classes[depth + 1] = next;
        if grows {
            self.grow(depth + 1, events, space, found)?;
        }
        space.sequence.pop();
        Ok(())
    }
}

impl Class {
    fn clear(&mut self) {
        self.later.clear();
        self.together.clear();
        self.used = 0;
    }

    /// Adds those of `hits` that are marked: the customers they are of, and where they are. Nothing if they are too few. Of a
    /// word `marked` tells the bits that are, and the customer.
    fn join(
        &mut self,
        hits: &[Hits],
        marked: impl Fn(usize) -> (u32, u32),
        least: u32,
    ) -> Option<(u32, Range<usize>)> {
        let start = self.used;
        if self.hits.len() < start + hits.len() {
            self.hits.resize((start + hits.len()).next_power_of_two(), Hits::default());
        }
        let (mut end, mut count, mut last) = (start, 0, NONE);
        let mut left = hits.len();
        for stride in hits.chunks(STRIDE) {
            // Without branches: whether a customer has both is a coin toss.
            for &Hits { word, bits } in stride {
                let (mask, customer) = marked(word as usize);
                let bits = bits & mask;
                let some = bits != 0;
                self.hits[end] = Hits { word, bits };
                end += usize::from(some);
                count += u32::from(some) & u32::from(customer != last);
                last = if some { customer } else { last };
            }
            left -= stride.len();
            if (count as usize) + left < least as usize {
                return None;
            }
        }
        if count < least {
            return None;
        }
        self.used = end;
        Some((count, start..end))
    }
}

impl Space {
    /// Takes over where customers end, as another thread measured it.
    fn measure(&mut self, marks: &[Mark]) {
        self.marks.clear();
        self.marks.extend_from_slice(marks);
        self.within.resize(marks.len().max(self.within.len()), 0);
    }

    /// Makes the class of one item: `alive` are the items that matter in later events and in its own ones.
    fn open(&mut self, log: &Log, item: u32, ends: &[End], alive: &[Vec<u64>; 2], n_items: u32) {
        let mut n_rows = 0;
        for (numbers, alive) in self.numbers.iter_mut().zip(alive) {
            numbers.resize(n_items as usize, NONE);
            for other in items_of(alive) {
                numbers[other as usize] = n_rows;
                n_rows += 1;
            }
        }
        if self.rows.len() < n_rows as usize {
            self.rows.resize_with(n_rows as usize, Vec::new);
        }
        self.marks.clear();
        let [later, together] = &self.numbers;
        let joins = alive[1].iter().any(|&word| word != 0);
        for group in log.by_customer(ends) {
            let (first, beyond) = (group[0].event, log.beyond[group[0].event as usize]);
            let base = self.marks.len() as u32;
            let end = base + (beyond - first).div_ceil(WORD);
            self.marks.resize(end as usize, Mark { after: 0, beyond: end });
            let mut put = |row: u32, event: u32| {
                let (word, bit) = (base + (event - first) / WORD, 1 << ((event - first) % WORD));
                let row = &mut self.rows[row as usize];
                match row.last_mut() {
                    Some(last) if last.word == word => last.bits |= bit,
                    _ => row.push(Hits { word, bits: bit }),
                }
            };
            let places = log.places(first + 1, beyond);
            for (place, &other) in places.clone().zip(log.items_at(places)) {
                let row = later[other as usize];
                if row != NONE {
                    put(row, log.event_at(place));
                }
            }
            for end in group.iter().filter(|_| joins) {
                for &other in log.items_of(end.event).iter().rev().take_while(|&&other| other > item) {
                    let row = together[other as usize];
                    if row != NONE {
                        put(row, end.event);
                    }
                }
            }
        }
        self.within.resize(self.marks.len().max(self.within.len()), 0);
        if self.classes.is_empty() {
            self.classes.push(Class::default());
        }
        let class = &mut self.classes[0];
        class.clear();
        class.hits.clear();
        let mut rows = self.rows.iter_mut();
        for (numbers, (alive, members)) in
            self.numbers.iter_mut().zip(alive.iter().zip([&mut class.later, &mut class.together]))
        {
            for (item, row) in items_of(alive).zip(&mut rows) {
                numbers[item as usize] = NONE;
                members.push(Member { item, hits: class.hits.len()..class.hits.len() + row.len() });
                class.hits.append(row);
            }
        }
        class.used = class.hits.len();
    }

    /// Marks where a sequence ends, and what comes after its first end.
    fn mark(&mut self, hits: &[Hits]) {
        let mut last = NONE;
        for hit in hits {
            self.within[hit.word as usize] = hit.bits;
            let beyond = self.marks[hit.word as usize].beyond;
            if beyond != last {
                last = beyond;
                // All above the lowest bit, and all of the words behind.
                self.marks[hit.word as usize].after = !(hit.bits ^ (hit.bits - 1));
                for mark in &mut self.marks[hit.word as usize + 1..beyond as usize] {
                    mark.after = u32::MAX;
                }
            }
        }
    }

    fn unmark(&mut self, hits: &[Hits]) {
        let mut last = NONE;
        for hit in hits {
            self.within[hit.word as usize] = 0;
            let beyond = self.marks[hit.word as usize].beyond;
            if beyond != last {
                last = beyond;
                for mark in &mut self.marks[hit.word as usize..beyond as usize] {
                    mark.after = 0;
                }
            }
        }
    }
}

/// Adds what two rows share to a third, and tells whether that is anything.
fn meet(one: &[u64], other: &[u64], shared: &mut [u64]) -> bool {
    let mut some = 0;
    for ((shared, one), other) in shared.iter_mut().zip(one).zip(other) {
        *shared |= one & other;
        some |= one & other;
    }
    some != 0
}

/// The items of a row of bits, ascending.
fn items_of(row: &[u64]) -> impl Iterator<Item = u32> {
    row.iter().enumerate().flat_map(|(at, &word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                at as u32 * 64 + bit
            })
        })
    })
}
