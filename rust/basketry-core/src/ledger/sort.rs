//! From one partition of staged runs to its orders, sorted, with all work inside the cache.

use super::columns::Rooms;
use super::intake::{OrderKey, Policy, Shape};
use super::stage::{Stream, WIDE, whole};
use crate::control::Control;
use crate::dictionary::NONE;
use crate::error::Result;

/// What was written of one partition, customers in the order of their ranks.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) customers: Vec<PartCustomer>,
    pub(super) repeats: Repeats,
}

/// How much of the partition belongs to a customer.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartCustomer {
    pub(super) rank: u32,
    pub(super) orders: u32,
    pub(super) lines: u32,
    pub(super) id_bytes: u32,
}

/// Lines that repeat another line of their order.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Repeats {
    pub(super) lines: u64,
    pub(super) amount: i128,
    pub(super) guests: u64,
    pub(super) returns: u64,
    pub(super) zero_prices: u64,
}

/// A staged run: where its lines stand, and what it sorts by.
#[derive(Debug, Clone, Copy)]
struct Run {
    customer: u32,
    lines: u16,
    wide: bool,
    time: i64,
    /// The order id if it is a number, the place of its length and bytes if it is a text, the time if there is none.
    key: i64,
    at: usize,
}

/// What all partitions need to know.
pub(super) struct Plan<'a> {
    pub(super) shape: &'a Shape,
    pub(super) policy: &'a Policy,
    pub(super) item_ranks: &'a [u32],
    pub(super) parts: usize,
    pub(super) control: &'a Control,
}

/// Memory that one thread uses again for every partition.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    words: Vec<u32>,
    runs: Vec<Run>,
    /// Run numbers, customer by customer.
    sorted: Vec<u32>,
    /// Where each customer's run numbers end, and where the next of them goes.
    ends: Vec<u32>,
    next: Vec<u32>,
    /// The rank of each customer and his run numbers.
    customers: Vec<(u32, std::ops::Range<usize>)>,
    group: Vec<Run>,
}

/// Sorts a partition into its rooms; `ranks` holds the rank of each of its customers, by code divided by the number of
/// partitions.
pub(super) fn sort(
    stream: Stream,
    rooms: Rooms<'_>,
    ranks: &[u32],
    plan: &Plan<'_>,
    scratch: &mut Scratch,
) -> Result<Part> {
    stream.drain_into(&mut scratch.words);
    scratch.parse(plan.shape);
    scratch.by_customer(ranks, plan.parts);
    let Scratch { words, runs, sorted, customers, group, .. } = scratch;
    let mut sorter = Sorter {
        words,
        plan,
        rooms,
        part: Part::default(),
        orders: Vec::new(),
        keyed: Vec::new(),
        picked: Vec::new(),
        moved: Vec::new(),
        moved_items: Vec::new(),
    };
    sorter.part.customers.reserve_exact(customers.len());
    for (place, (rank, range)) in customers.iter().enumerate() {
        if place % 1024 == 0 {
            plan.control.check()?;
        }
        group.clear();
        group.extend(sorted[range.clone()].iter().map(|&run| runs[run as usize]));
        sorter.customer(*rank, group)?;
    }
    Ok(sorter.part)
}

impl Scratch {
    /// Reads the headers.
    fn parse(&mut self, shape: &Shape) {
        let words = &self.words;
        self.runs.clear();
        let mut at = 0;
        while at < words.len() {
            let (lines, wide) = (words[at] & !WIDE, words[at] & WIDE != 0);
            let time = whole(&words[at + 2..]);
            let (key, body) = match shape.order {
                OrderKey::Time => (time, at + 4),
                OrderKey::Integer => (whole(&words[at + 4..]), at + 6),
                OrderKey::Text => ((at + 4) as i64, at + 5 + (words[at + 4] as usize).div_ceil(4)),
            };
            self.runs.push(Run { customer: words[at + 1], lines: lines as u16, wide, time, key, at: body });
            at = body + lines as usize * shape.line_words(wide);
        }
    }

    /// Counting sort of runs by customer. Guests are one customer without a rank.
    fn by_customer(&mut self, ranks: &[u32], parts: usize) {
        let runs = &self.runs;
        self.customers.clear();
        self.sorted.clear();
        if runs.first().is_none_or(|run| run.customer == NONE) {
            self.sorted.extend(0..runs.len() as u32);
            self.customers.extend((!runs.is_empty()).then_some((NONE, 0..runs.len())));
            return;
        }
        let local = |run: &Run| run.customer as usize / parts;
        self.ends.clear();
        self.ends.resize(ranks.len() + 1, 0);
        for run in runs {
            self.ends[local(run) + 1] += 1;
        }
        for at in 0..ranks.len() {
            self.ends[at + 1] += self.ends[at];
        }
        self.next.clone_from(&self.ends);
        self.sorted.resize(runs.len(), 0);
        for (number, run) in runs.iter().enumerate() {
            let slot = &mut self.next[local(run)];
            self.sorted[*slot as usize] = number as u32;
            *slot += 1;
        }
        let ends = &self.ends;
        let bought = (0..ranks.len()).filter(|&at| ends[at] < ends[at + 1]);
        self.customers.extend(bought.map(|at| (ranks[at], ends[at] as usize..ends[at + 1] as usize)));
        self.customers.sort_unstable_by_key(|&(rank, _)| rank);
    }
}

/// An order of the customer at hand: its runs are `runs[first..end]`.
#[derive(Debug, Clone, Copy)]
struct Order {
    time: i64,
    key: i64,
    first: u32,
    end: u32,
}

struct Sorter<'a> {
    words: &'a [u32],
    plan: &'a Plan<'a>,
    rooms: Rooms<'a>,
    part: Part,
    orders: Vec<Order>,
    /// Scratch of sorting the lines of an order: the item's rank and each line, and what the general way needs.
    keyed: Vec<(u32, Line)>,
    picked: Vec<u32>,
    moved: Vec<i64>,
    moved_items: Vec<u32>,
}

/// A staged line: twice the place of its words, and one more in a wide run.
type Line = usize;

impl Run {
    /// The lines of the run.
    fn lines(&self, shape: &Shape) -> impl ExactSizeIterator<Item = Line> + use<> {
        let (at, wide, width) = (self.at, usize::from(self.wide), shape.line_words(self.wide));
        (0..self.lines).map(move |line| 2 * (at + usize::from(line) * width) + wide)
    }
}

/// What the lines of a partition hold.
#[derive(Clone, Copy)]
struct Lines<'a> {
    words: &'a [u32],
    item_ranks: &'a [u32],
    /// Where the measures of a line begin.
    first: usize,
}

impl Lines<'_> {
    /// The rank of the item of a line.
    #[inline]
    fn rank(&self, line: Line) -> u32 {
        self.item_ranks.get(self.words[line / 2] as usize).copied().unwrap_or(NONE)
    }

    #[inline]
    fn measure(&self, line: Line, place: usize) -> i64 {
        let words = &self.words[line / 2 + self.first..];
        if line.is_multiple_of(2) { i64::from(words[place] as i32) } else { whole(&words[2 * place..]) }
    }
}

impl<'a> Sorter<'a> {
    fn lines(&self) -> Lines<'a> {
        let first = usize::from(self.plan.shape.item);
        Lines { words: self.words, item_ranks: self.plan.item_ranks, first }
    }

    fn text(&self, key: i64) -> &'a [u8] {
        let at = key as usize;
        let length = self.words[at] as usize;
        &bytemuck::cast_slice(&self.words[at + 1..])[..length]
    }

    fn compare_keys(&self, a: i64, b: i64) -> std::cmp::Ordering {
        match self.plan.shape.order {
            OrderKey::Text => self.text(a).cmp(self.text(b)),
            _ => a.cmp(&b),
        }
    }

    fn customer(&mut self, rank: u32, runs: &mut [Run]) -> Result<()> {
        // Guests without order ids are an order a row; everybody else's runs are joined by key.
        let alone = rank == NONE && self.plan.shape.order == OrderKey::Time;
        // Usual logs come in time order and number orders upwards: then nothing has to be sorted.
        if !runs.windows(2).all(|pair| self.compare_keys(pair[0].key, pair[1].key).is_le()) {
            runs.sort_unstable_by(|a, b| self.compare_keys(a.key, b.key).then(a.time.cmp(&b.time)));
        }
        let mut orders = std::mem::take(&mut self.orders);
        orders.clear();
        for (at, run) in runs.iter().enumerate() {
            match orders.last_mut() {
                Some(order) if !alone && self.compare_keys(order.key, run.key).is_eq() => {
                    order.time = order.time.min(run.time);
                    order.end += 1;
                }
                _ => {
                    orders.push(Order { time: run.time, key: run.key, first: at as u32, end: at as u32 + 1 });
                }
            }
        }
        if !orders.is_sorted_by_key(|order| order.time) {
            // Keys already increase, so a stable sort by time leaves equal times in the order of their keys.
            orders.sort_by_key(|order| order.time);
        }
        if alone {
            self.sort_alone(runs, &mut orders);
        }
        let before = (self.rooms.order_lines.len(), self.rooms.text_bytes.len());
        let mut lines = 0;
        for (at, order) in orders.iter().enumerate() {
            if at % 4096 == 0 {
                self.plan.control.check()?;
            }
            lines += self.order(order, &runs[order.first as usize..order.end as usize], rank == NONE);
        }
        self.part.customers.push(PartCustomer {
            rank,
            orders: (self.rooms.order_lines.len() - before.0) as u32,
            lines,
            id_bytes: (self.rooms.text_bytes.len() - before.1) as u32,
        });
        self.orders = orders;
        Ok(())
    }

    /// Orders of one line with nothing but a time are put in the order of their lines, so that equal times do not depend on
    /// the order of rows.
    fn sort_alone(&self, runs: &[Run], orders: &mut [Order]) {
        let (shape, lines) = (self.plan.shape, self.lines());
        let line = |order: &Order| {
            let words = runs[order.first as usize].lines(shape).next().map(|line| {
                let item = shape.item.then(|| i64::from(lines.rank(line)));
                item.into_iter().chain((0..shape.measures.len()).map(move |at| lines.measure(line, at)))
            });
            words.into_iter().flatten()
        };
        orders.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| line(a).cmp(line(b))));
    }

    fn order(&mut self, order: &Order, runs: &[Run], guest: bool) -> u32 {
        let (shape, lines) = (self.plan.shape, self.lines());
        let start = self.rooms.measures.first().map_or(self.rooms.items.len(), |measure| measure.len());
        let n_lines: usize = runs.iter().map(|run| usize::from(run.lines)).sum();
        let in_order = if let ([only], false) = (self.rooms.measures.as_mut_slice(), shape.item) {
            for run in runs {
                only.extend(run.lines(shape).map(|line| lines.measure(line, 0)));
            }
            let lines = &mut only[start..];
            if !lines.is_sorted() {
                lines.sort_unstable();
            }
            lines.windows(2).all(|pair| pair[0] != pair[1])
        } else if shape.item && self.emit_by_item(runs) {
            true
        } else {
            for run in runs {
                self.emit(run);
            }
            shape.line_words(false) == 0 || self.sort_lines(start, n_lines)
        };
        let kept = if in_order { n_lines } else { n_lines - self.repeats(start, n_lines, guest) };
        self.rooms.order_lines.push(kept as u32);
        self.rooms.time.push(order.time);
        match shape.order {
            OrderKey::Time => {}
            OrderKey::Integer => self.rooms.integer_ids.push(order.key),
            OrderKey::Text => {
                let text = self.text(order.key);
                self.rooms.text_lengths.push(text.len() as u32);
                self.rooms.text_bytes.extend_from_slice(text);
            }
        }
        kept as u32
    }

    /// Writes the lines of an order behind the columns, sorted by item; writes none and answers no if an item comes twice.
    fn emit_by_item(&mut self, runs: &[Run]) -> bool {
        let (shape, lines) = (self.plan.shape, self.lines());
        self.keyed.clear();
        for run in runs {
            self.keyed.extend(run.lines(shape).map(|line| (lines.rank(line), line)));
        }
        if !self.keyed.is_sorted_by(|a, b| a.0 < b.0) {
            self.keyed.sort_unstable();
            if self.keyed.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return false;
            }
        }
        self.rooms.items.extend(self.keyed.iter().map(|&(rank, _)| rank));
        for (place, measure) in self.rooms.measures.iter_mut().enumerate() {
            measure.extend(self.keyed.iter().map(|&(_, line)| lines.measure(line, place)));
        }
        true
    }

    /// Writes the lines of a run behind the columns.
    fn emit(&mut self, run: &Run) {
        let (shape, lines) = (self.plan.shape, self.lines());
        if shape.item {
            self.rooms.items.extend(run.lines(shape).map(|line| lines.rank(line)));
        }
        for (place, measure) in self.rooms.measures.iter_mut().enumerate() {
            measure.extend(run.lines(shape).map(|line| lines.measure(line, place)));
        }
    }

    /// How two lines of the columns compare.
    #[inline]
    fn compare_lines(&self, a: usize, b: usize) -> std::cmp::Ordering {
        let items = &self.rooms.items;
        let first = if self.plan.shape.item { items[a].cmp(&items[b]) } else { std::cmp::Ordering::Equal };
        self.rooms
            .measures
            .iter()
            .fold(first, |order, measure| order.then_with(|| measure[a].cmp(&measure[b])))
    }

    /// Puts the last lines of the columns in order, if they are not; answers whether they were, without a repeat.
    fn sort_lines(&mut self, start: usize, n_lines: usize) -> bool {
        let lines = start..start + n_lines;
        let worst = lines.clone().skip(1).map(|line| self.compare_lines(line - 1, line)).max();
        match worst {
            None | Some(std::cmp::Ordering::Less) => return true,
            Some(std::cmp::Ordering::Equal) => return false,
            Some(std::cmp::Ordering::Greater) => {}
        }
        let mut picked = std::mem::take(&mut self.picked);
        picked.clear();
        picked.extend(lines.map(|line| line as u32));
        picked.sort_unstable_by(|&a, &b| self.compare_lines(a as usize, b as usize));
        if self.plan.shape.item {
            self.moved_items.clear();
            self.moved_items.extend(picked.iter().map(|&line| self.rooms.items[line as usize]));
            self.rooms.items[start..].copy_from_slice(&self.moved_items);
        }
        for measure in &mut self.rooms.measures {
            self.moved.clear();
            self.moved.extend(picked.iter().map(|&line| measure[line as usize]));
            measure[start..].copy_from_slice(&self.moved);
        }
        self.picked = picked;
        false
    }

    /// Counts the last lines that repeat the one before them, takes them out if they are to be dropped, and answers how
    /// many were taken out.
    fn repeats(&mut self, start: usize, n_lines: usize, guest: bool) -> usize {
        let shape = self.plan.shape;
        let mut kept = start + n_lines.min(1);
        let mut dropped = 0;
        for line in start + 1..start + n_lines {
            let repeats = self.compare_lines(line - 1, line).is_eq();
            if repeats {
                self.book_repeat(line, guest);
                if !self.plan.policy.keep_duplicates {
                    dropped += 1;
                    continue;
                }
            }
            if dropped > 0 {
                // What is kept moves up; a line that repeats is compared with its neighbour before it is written over.
                if shape.item {
                    self.rooms.items[kept] = self.rooms.items[line];
                }
                for measure in &mut self.rooms.measures {
                    measure[kept] = measure[line];
                }
            }
            kept += 1;
        }
        if dropped > 0 {
            if shape.item {
                self.rooms.items.truncate(kept);
            }
            for measure in &mut self.rooms.measures {
                measure.truncate(kept);
            }
        }
        dropped
    }

    fn book_repeat(&mut self, line: usize, guest: bool) {
        let shape = self.plan.shape;
        let measure = |name| shape.measure(name).map(|at| self.rooms.measures[at][line]);
        let (quantity, amount) = (measure("quantity"), measure("amount"));
        let repeats = &mut self.part.repeats;
        repeats.lines += 1;
        repeats.amount += amount.map_or(0, i128::from);
        repeats.guests += u64::from(guest);
        repeats.returns += u64::from(quantity.or(amount).is_some_and(|sign| sign < 0));
        repeats.zero_prices += u64::from(amount == Some(0));
    }
}
