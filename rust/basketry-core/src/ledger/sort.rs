//! From one partition of staged runs to its orders, sorted, with all work inside the cache.

use super::intake::{OrderKey, Policy, Shape};
use super::stage::Stream;
use crate::control::Control;
use crate::dictionary::NONE;
use crate::error::Result;

/// The orders of one partition, customers in the order of their ranks.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) customers: Vec<PartCustomer>,
    pub(super) time: Vec<i64>,
    pub(super) integer_ids: Vec<i64>,
    pub(super) text_lengths: Vec<u32>,
    pub(super) text_bytes: Vec<u8>,
    pub(super) order_lines: Vec<u32>,
    pub(super) items: Vec<u32>,
    pub(super) measures: Vec<Vec<i64>>,
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
    lines: u32,
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
    words: Vec<u64>,
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

/// Sorts a partition; `ranks` holds the rank of each of its customers, by code divided by the number of partitions.
pub(super) fn sort(stream: Stream, ranks: &[u32], plan: &Plan<'_>, scratch: &mut Scratch) -> Result<Part> {
    stream.drain_into(&mut scratch.words);
    scratch.parse(plan.shape);
    scratch.by_customer(ranks, plan.parts);
    let Scratch { words, runs, sorted, customers, group, .. } = scratch;
    let mut sorter = Sorter {
        words,
        plan,
        part: Part { measures: vec![Vec::new(); plan.shape.measures.len()], ..Part::default() },
        orders: Vec::new(),
        keyed: Vec::new(),
        picked: Vec::new(),
        moved: Vec::new(),
        moved_items: Vec::new(),
    };
    let n_lines = runs.iter().map(|run| run.lines as usize).sum();
    sorter.part.customers.reserve_exact(customers.len());
    sorter.part.time.reserve_exact(runs.len());
    sorter.part.order_lines.reserve_exact(runs.len());
    if plan.shape.order == OrderKey::Integer {
        sorter.part.integer_ids.reserve_exact(runs.len());
    }
    if plan.shape.item {
        sorter.part.items.reserve_exact(n_lines);
    }
    for measure in &mut sorter.part.measures {
        measure.reserve_exact(n_lines);
    }
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
        let (words, line_words) = (&self.words, shape.line_words());
        self.runs.clear();
        let mut at = 0;
        while at < words.len() {
            let (header, time) = (words[at], words[at + 1] as i64);
            let lines = (header >> 32) as u32;
            let (key, body) = match shape.order {
                OrderKey::Time => (time, at + 2),
                OrderKey::Integer => (words[at + 2] as i64, at + 3),
                OrderKey::Text => ((at + 2) as i64, at + 3 + (words[at + 2] as usize).div_ceil(8)),
            };
            self.runs.push(Run { customer: header as u32, lines, time, key, at: body });
            at = body + lines as usize * line_words;
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
    words: &'a [u64],
    plan: &'a Plan<'a>,
    part: Part,
    orders: Vec<Order>,
    /// Scratch of sorting the lines of an order: the item's rank and the place of each line, and what the general way needs.
    keyed: Vec<(u32, usize)>,
    picked: Vec<u32>,
    moved: Vec<i64>,
    moved_items: Vec<u32>,
}

impl Sorter<'_> {
    fn text(&self, key: i64) -> &[u8] {
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
        let before = (self.part.order_lines.len(), self.part.text_bytes.len());
        let mut lines = 0;
        for (at, order) in orders.iter().enumerate() {
            if at % 4096 == 0 {
                self.plan.control.check()?;
            }
            lines += self.order(order, &runs[order.first as usize..order.end as usize], rank == NONE);
        }
        self.part.customers.push(PartCustomer {
            rank,
            orders: (self.part.order_lines.len() - before.0) as u32,
            lines,
            id_bytes: (self.part.text_bytes.len() - before.1) as u32,
        });
        self.orders = orders;
        Ok(())
    }

    /// Orders of one line with nothing but a time are put in the order of their lines, so that equal times do not depend on
    /// the order of rows.
    fn sort_alone(&self, runs: &[Run], orders: &mut [Order]) {
        let width = self.plan.shape.line_words();
        let line = |order: &Order| {
            let at = runs[order.first as usize].at;
            (0..width).map(move |word| self.word(at, word))
        };
        orders.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| line(a).cmp(line(b))));
    }

    /// A word of a line, the item as its rank.
    #[inline]
    fn word(&self, at: usize, word: usize) -> i64 {
        let value = self.words[at + word];
        if word == 0 && self.plan.shape.item {
            self.plan.item_ranks.get(value as usize).map_or(i64::from(NONE), |&rank| i64::from(rank))
        } else {
            value as i64
        }
    }

    fn order(&mut self, order: &Order, runs: &[Run], guest: bool) -> u32 {
        let shape = self.plan.shape;
        let start = self.part.measures.first().map_or(self.part.items.len(), Vec::len);
        let n_lines: usize = runs.iter().map(|run| run.lines as usize).sum();
        let in_order = if let ([only], false) = (self.part.measures.as_mut_slice(), shape.item) {
            for run in runs {
                only.extend_from_slice(bytemuck::cast_slice(
                    &self.words[run.at..run.at + run.lines as usize],
                ));
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
            shape.line_words() == 0 || self.sort_lines(start, n_lines)
        };
        let kept = if in_order { n_lines } else { n_lines - self.repeats(start, n_lines, guest) };
        self.part.order_lines.push(kept as u32);
        self.part.time.push(order.time);
        match shape.order {
            OrderKey::Time => {}
            OrderKey::Integer => self.part.integer_ids.push(order.key),
            OrderKey::Text => {
                let at = order.key as usize;
                let length = self.words[at] as usize;
                let text = &bytemuck::cast_slice(&self.words[at + 1..])[..length];
                self.part.text_bytes.extend_from_slice(text);
                self.part.text_lengths.push(length as u32);
            }
        }
        kept as u32
    }

    /// Writes the lines of an order behind the columns, sorted by item; writes none and answers no if an item comes twice.
    fn emit_by_item(&mut self, runs: &[Run]) -> bool {
        let width = self.plan.shape.line_words();
        self.keyed.clear();
        for run in runs {
            for at in (run.at..).step_by(width).take(run.lines as usize) {
                let rank = self.plan.item_ranks.get(self.words[at] as usize).copied().unwrap_or(NONE);
                self.keyed.push((rank, at));
            }
        }
        if !self.keyed.is_sorted_by(|a, b| a.0 < b.0) {
            self.keyed.sort_unstable();
            if self.keyed.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return false;
            }
        }
        self.part.items.extend(self.keyed.iter().map(|&(rank, _)| rank));
        for (place, measure) in self.part.measures.iter_mut().enumerate() {
            measure.extend(self.keyed.iter().map(|&(_, at)| self.words[at + 1 + place] as i64));
        }
        true
    }

    /// Writes the lines of a run behind the columns.
    #[inline]
    fn emit(&mut self, run: &Run) {
        let width = self.plan.shape.line_words();
        let words = &self.words[run.at..run.at + run.lines as usize * width];
        let mut column = 0;
        if self.plan.shape.item {
            let rank = |&item: &u64| self.plan.item_ranks.get(item as usize).copied().unwrap_or(NONE);
            self.part.items.extend(words.iter().step_by(width).map(rank));
            column = 1;
        }
        for (at, measure) in self.part.measures.iter_mut().enumerate() {
            measure.extend(words[column + at..].iter().step_by(width).map(|&word| word as i64));
        }
    }

    /// How two lines of the columns compare.
    #[inline]
    fn compare_lines(&self, a: usize, b: usize) -> std::cmp::Ordering {
        let items = &self.part.items;
        let first = if self.plan.shape.item { items[a].cmp(&items[b]) } else { std::cmp::Ordering::Equal };
        self.part
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
            self.moved_items.extend(picked.iter().map(|&line| self.part.items[line as usize]));
            self.part.items[start..].copy_from_slice(&self.moved_items);
        }
        for measure in &mut self.part.measures {
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
                    self.part.items[kept] = self.part.items[line];
                }
                for measure in &mut self.part.measures {
                    measure[kept] = measure[line];
                }
            }
            kept += 1;
        }
        if dropped > 0 {
            if shape.item {
                self.part.items.truncate(kept);
            }
            for measure in &mut self.part.measures {
                measure.truncate(kept);
            }
        }
        dropped
    }

    fn book_repeat(&mut self, line: usize, guest: bool) {
        let shape = self.plan.shape;
        let measure = |name| shape.measure(name).map(|at| self.part.measures[at][line]);
        let (quantity, amount) = (measure("quantity"), measure("amount"));
        let repeats = &mut self.part.repeats;
        repeats.lines += 1;
        repeats.amount += amount.map_or(0, i128::from);
        repeats.guests += u64::from(guest);
        repeats.returns += u64::from(quantity.or(amount).is_some_and(|sign| sign < 0));
        repeats.zero_prices += u64::from(amount == Some(0));
    }
}
