//! The search under limits on time: every frequent sequence is grown from its prefix by one item, in the last event or in a
//! later one.
//!
//! A node of the search is a sequence with its matches ([`End`]s, customer by customer): all its ends, because a later one can
//! reach what the first one cannot. One pass over what follows them counts all its extensions, a second one hands the matches
//! on to the frequent ones.

use rayon::prelude::*;

use super::keeper::Keeper;
use super::log::{End, Log};
use super::pairs::{Pairs, meet};
use super::{Constraints, Found, IN_EVENT};
use crate::error::Result;

/// A node with more matches than this lets other threads take its children: a fixed number, so that the split does not
/// depend on the threads.
const SPLIT: usize = 1 << 14;

/// Matches between two looks at whether to go on.
const STRIDE: usize = 4096;

/// What is the same for the whole search.
pub(super) struct Search<'a> {
    pub constraints: Constraints,
    pub keeper: &'a Keeper<'a>,
    pub n_items: u32,
    pub pairs: &'a Pairs,
}

/// One extension during the passes over a node.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// The customer who was met last, by the clock.
    seen: u32,
    count: u32,
    /// All matches; in the second pass the place of the next one.
    ends: u32,
    /// Whether they are handed on.
    keep: bool,
}

/// A frequent extension of a node.
struct Child {
    slot: u32,
    count: u32,
    ends: std::ops::Range<usize>,
    /// Whether a later event can follow it, and whether its last event can take in another item.
    later: bool,
    joins: bool,
}

/// One way to extend one match.
#[derive(Clone, Copy)]
struct Extension {
    slot: u32,
    /// The customer, by the clock.
    customer: u32,
    /// The occurrence of the new item, and the start of the match.
    place: usize,
    start: i32,
}

/// What a node has to remember while its children grow; reused by all nodes of a depth.
#[derive(Default)]
struct Level {
    ends: Vec<End>,
    children: Vec<Child>,
    /// Frequent extensions by a later event, and by the same event, as rows of bits.
    later: Vec<u64>,
    together: Vec<u64>,
}

impl Level {
    /// Whether an item is part of a frequent extension.
    fn keeps(&self, item: u32) -> bool {
        let (word, bit) = (item as usize / 64, item % 64);
        (self.later[word] | self.together[word]) >> bit & 1 == 1
    }
}

/// Work space of one thread.
pub(super) struct Scratch {
    /// Extensions by a later event at `item`, by the same event at `n_items + item`.
    slots: Vec<Slot>,
    touched: Vec<u32>,
    /// Ticks with every customer of every pass, so that no slot has to be cleared in between.
    clock: u32,
    levels: Vec<Level>,
    /// The sequence of the node: items, marked [`IN_EVENT`] where they belong to the event before.
    sequence: Vec<u32>,
}

impl Scratch {
    pub fn new(n_items: u32) -> Self {
        Self {
            slots: vec![Slot::default(); 2 * n_items as usize],
            touched: Vec::new(),
            clock: 0,
            levels: Vec::new(),
            sequence: Vec::new(),
        }
    }
}

impl Search<'_> {
    /// Finds the sequences that begin with `item` and go on; `ends` are all its matches.
    pub fn beginning_with(&self, log: &Log, item: u32, ends: &[End], scratch: &mut Scratch) -> Result<Found> {
        let mut found = Found::default();
        let (later, together) = (self.pairs.later.bits(item), self.pairs.together.bits(item));
        let some = |row: &[u64]| row.iter().any(|&word| word != 0);
        let whole = Child {
            slot: item,
            count: 0,
            ends: 0..ends.len(),
            later: some(later) && self.constraints.max_length.is_none_or(|most| most > 1),
            joins: some(together),
        };
        let room = self.constraints.max_items.is_none_or(|most| most > 1);
        if room && (whole.later || whole.joins) {
            let alive = |row: &[u64], item: u32| row[item as usize / 64] >> (item % 64) & 1 == 1;
            let (log, ends) = log.restrict(ends, |other| alive(later, other) || alive(together, other));
            scratch.sequence.clear();
            self.step(&log, &ends, &whole, 0, scratch, &mut found)?;
        }
        Ok(found)
    }

    /// Grows one child; `length` is the number of events of its parent.
    fn step(
        &self,
        log: &Log,
        ends: &[End],
        child: &Child,
        length: u32,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<()> {
        scratch.sequence.push(self.token(child.slot));
        self.grow(log, ends, child, length + u32::from(child.slot < self.n_items), scratch, found)?;
        scratch.sequence.pop();
        Ok(())
    }

    fn token(&self, slot: u32) -> u32 {
        if slot < self.n_items { slot } else { (slot - self.n_items) | IN_EVENT }
    }

    /// Adds all frequent extensions of the sequence in `scratch`, which is `node`, has `length` events and the matches `ends`.
    fn grow(
        &self,
        log: &Log,
        ends: &[End],
        node: &Child,
        length: u32,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<()> {
        self.keeper.control.check()?;
        let depth = scratch.sequence.len();
        if scratch.levels.len() <= depth {
            scratch.levels.resize_with(depth + 1, Level::default);
        }
        let mut level = std::mem::take(&mut scratch.levels[depth]);
        // Each of the two passes ticks at most once per match.
        if scratch.clock > u32::MAX - 2 * ends.len() as u32 {
            scratch.slots.iter_mut().for_each(|slot| slot.seen = 0);
            scratch.clock = 0;
        }
        self.count(log, ends, node, scratch)?;
        self.choose(length, scratch, &mut level);
        // Where less than half of what follows can still matter, the rest is left behind before it is visited again and again.
        let few = 2 * level.children.len() < scratch.touched.len() && !level.ends.is_empty();
        let (less, renumbered);
        let (log, ends) = if few && !self.constraints.bounds_gaps() {
            (less, renumbered) = log.restrict(ends, |item| level.keeps(item));
            (&less, renumbered.as_slice())
        } else {
            (log, ends)
        };
        self.hand_on(log, ends, node, scratch, &mut level)?;
        for child in &level.children {
            scratch.sequence.push(self.token(child.slot));
            found.push(&scratch.sequence, child.count, self.keeper)?;
            scratch.sequence.pop();
        }
        if level.ends.len() >= SPLIT {
            let prefix = &scratch.sequence;
            let parts: Vec<Found> = level
                .children
                .par_iter()
                .filter(|child| !child.ends.is_empty())
                .map_init(
                    || Scratch::new(self.n_items),
                    |scratch, child| {
                        let mut found = Found::default();
                        scratch.sequence.clone_from(prefix);
                        self.step(log, &level.ends[child.ends.clone()], child, length, scratch, &mut found)?;
                        Ok(found)
                    },
                )
                .collect::<Result<_>>()?;
            for part in &parts {
                found.append(part);
            }
        } else {
            for child in level.children.iter().filter(|child| !child.ends.is_empty()) {
                self.step(log, &level.ends[child.ends.clone()], child, length, scratch, found)?;
            }
        }
        scratch.levels[depth] = level;
        Ok(())
    }

    /// First pass: counts the customers of every extension.
    fn count(&self, log: &Log, ends: &[End], node: &Child, scratch: &mut Scratch) -> Result<()> {
        let (clock, slots, touched) = (&mut scratch.clock, &mut scratch.slots, &mut scratch.touched);
        self.extensions(log, ends, node, clock, |new| {
            let now = &mut slots[new.slot as usize];
            if now.count == 0 {
                touched.push(new.slot);
            }
            // Without a branch: whether a customer has the item already is a coin toss.
            now.count += u32::from(now.seen != new.customer);
            now.seen = new.customer;
            now.ends += 1;
        })
    }

    /// Picks the frequent extensions and decides which matches each of them needs.
    fn choose(&self, length: u32, scratch: &mut Scratch, level: &mut Level) {
        let n_items = self.n_items;
        let words = n_items.div_ceil(64) as usize;
        for row in [&mut level.later, &mut level.together] {
            row.clear();
            row.resize(words, 0);
        }
        level.children.clear();
        let least = self.keeper.least();
        for &slot in &scratch.touched {
            let now = &mut scratch.slots[slot as usize];
            if now.count >= least {
                let (row, item) = if slot < n_items {
                    (&mut level.later, slot)
                } else {
                    (&mut level.together, slot - n_items)
                };
                row[item as usize / 64] |= 1 << (item % 64);
                level.children.push(Child { slot, count: now.count, ends: 0..0, later: false, joins: false });
            }
        }
        level.children.sort_unstable_by_key(|child| child.slot);
        let depth = scratch.sequence.len() as u32;
        let room = self.constraints.max_items.is_none_or(|most| depth + 1 < most);
        let first = self.pairs.later.bits(scratch.sequence[0]);
        let mut total = 0;
        for child in &mut level.children {
            let opens = child.slot < n_items;
            let item = self.token(child.slot) & !IN_EVENT;
            let longer = self.constraints.max_length.is_none_or(|most| length + u32::from(opens) < most);
            // With a limit on gaps a sequence can be frequent though it is not without a middle event.
            let below = if opens && self.constraints.bounds_gaps() { first } else { &level.later };
            child.later = room && longer && meet(below, self.pairs.later.bits(item), 0);
            let beside = if opens { &level.later } else { &level.together };
            child.joins = room && meet(beside, self.pairs.together.bits(item), item + 1);
            let now = &mut scratch.slots[child.slot as usize];
            now.keep = child.later || child.joins;
            if !now.keep {
                now.ends = 0;
            }
            child.ends = total..total + now.ends as usize;
            now.ends = total as u32;
            total = child.ends.end;
        }
        level.ends.clear();
        level.ends.resize(total, End::default());
    }

    /// Second pass: stores the matches of the children, and clears the slots.
    fn hand_on(
        &self,
        log: &Log,
        ends: &[End],
        node: &Child,
        scratch: &mut Scratch,
        level: &mut Level,
    ) -> Result<()> {
        if !level.ends.is_empty() {
            let (clock, slots) = (&mut scratch.clock, &mut scratch.slots);
            let stored = &mut level.ends;
            self.extensions(log, ends, node, clock, |new| {
                let now = &mut slots[new.slot as usize];
                if now.keep {
                    stored[now.ends as usize] = End { event: log.event_at(new.place), start: new.start };
                    now.ends += 1;
                }
            })?;
        }
        for slot in scratch.touched.drain(..) {
            let now = &mut scratch.slots[slot as usize];
            *now = Slot { seen: now.seen, ..Slot::default() };
        }
        Ok(())
    }

    /// Tells `see` every extension of every match.
    fn extensions(
        &self,
        log: &Log,
        ends: &[End],
        node: &Child,
        clock: &mut u32,
        mut see: impl FnMut(Extension),
    ) -> Result<()> {
        let last = self.token(node.slot) & !IN_EVENT;
        let mut visited = 0;
        for group in log.by_customer(ends) {
            visited += group.len();
            if visited >= STRIDE {
                visited = 0;
                self.keeper.control.check()?;
            }
            *clock += 1;
            let customer = *clock;
            if node.later {
                let beyond = log.beyond[group[0].event as usize];
                self.reachable(log, group, beyond, |event, start| {
                    let places = log.places(event, event + 1);
                    for (place, &slot) in places.clone().zip(log.items_at(places)) {
                        see(Extension { slot, customer, place, start });
                    }
                });
            }
            if node.joins {
                for end in group {
                    let places = log.places(end.event, end.event + 1);
                    let above = log.items_at(places.clone()).partition_point(|&item| item <= last);
                    let places = places.start + above..places.end;
                    for (place, &item) in places.clone().zip(log.items_at(places)) {
                        see(Extension { slot: self.n_items + item, customer, place, start: end.start });
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells the later events that the matches `group` of one customer reach within the limits, with their latest starts.
    ///
    /// The best match to come from is always the latest that keeps the minimal gap: its gap is the smallest, and its start the
    /// latest, because later ends never have earlier starts.
    fn reachable(&self, log: &Log, group: &[End], beyond: u32, mut tell: impl FnMut(u32, i32)) {
        let limits = &self.constraints;
        let point = |event: u32| (log.day[event as usize], log.position[event as usize]);
        let mut from = 0;
        for event in group[0].event + 1..beyond {
            let apart = |end: &End| end.event < event && limits.is_apart(point(end.event), point(event));
            if !apart(&group[from]) {
                continue;
            }
            while group.get(from + 1).is_some_and(apart) {
                from += 1;
            }
            let end = group[from];
            if limits.is_near(point(end.event), end.start, point(event)) {
                tell(event, end.start);
            }
        }
    }
}
