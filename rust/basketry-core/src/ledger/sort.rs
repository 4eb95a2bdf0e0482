//! From one partition of staged runs to its orders, sorted, with all work inside the cache.

use super::intake::{OrderKey, Policy, Shape};
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
    pub(super) customer_ranks: &'a [u32],
    pub(super) item_ranks: &'a [u32],
    pub(super) parts: usize,
    pub(super) control: &'a Control,
}

/// Sorts a partition.
pub(super) fn sort(words: &[u64], plan: &Plan<'_>) -> Result<Part> {
    let runs = parse(words, plan.shape);
    let mut sorter = Sorter {
        words,
        plan,
        part: Part { measures: vec![Vec::new(); plan.shape.measures.len()], ..Part::default() },
        orders: Vec::new(),
        lines: Vec::new(),
        picked: Vec::new(),
        line: vec![0; plan.shape.line_words()],
        last: vec![0; plan.shape.line_words()],
    };
    let n_lines = runs.iter().map(|run| run.lines as usize).sum();
    sorter.part.time.reserve_exact(runs.len());
    sorter.part.order_lines.reserve_exact(runs.len());
    if plan.shape.item {
        sorter.part.items.reserve_exact(n_lines);
    }
    for measure in &mut sorter.part.measures {
        measure.reserve_exact(n_lines);
    }
    let (sorted, starts) = by_customer(&runs, plan);
    let mut group = Vec::new();
    for (place, (rank, range)) in starts.iter().enumerate() {
        if place % 1024 == 0 {
            plan.control.check()?;
        }
        group.clear();
        group.extend(sorted[range.clone()].iter().map(|&run| runs[run as usize]));
        sorter.customer(*rank, &mut group)?;
    }
    Ok(sorter.part)
}

/// Reads the headers.
fn parse(words: &[u64], shape: &Shape) -> Vec<Run> {
    let line_words = shape.line_words();
    let mut runs = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (header, time) = (words[at], words[at + 1] as i64);
        let lines = (header >> 32) as u32;
        let (key, body) = match shape.order {
            OrderKey::Time => (time, at + 2),
            OrderKey::Integer => (words[at + 2] as i64, at + 3),
            OrderKey::Text => ((at + 2) as i64, at + 3 + (words[at + 2] as usize).div_ceil(8)),
        };
        runs.push(Run { customer: header as u32, lines, time, key, at: body });
        at = body + lines as usize * line_words;
    }
    runs
}

/// Counting sort of runs by customer; answers run numbers and, by rank, the range of each customer. Guests are one range.
#[expect(clippy::type_complexity, reason = "two columns that belong together")]
fn by_customer(runs: &[Run], plan: &Plan<'_>) -> (Vec<u32>, Vec<(u32, std::ops::Range<usize>)>) {
    if runs.first().is_none_or(|run| run.customer == NONE) {
        let all = (0..runs.len() as u32).collect();
        return (all, if runs.is_empty() { Vec::new() } else { vec![(NONE, 0..runs.len())] });
    }
    let local = |run: &Run| run.customer as usize / plan.parts;
    let n_local = runs.iter().map(local).max().map_or(0, |most| most + 1);
    let first = runs[0].customer as usize % plan.parts;
    let mut ends = vec![0_u32; n_local + 1];
    for run in runs {
        ends[local(run) + 1] += 1;
    }
    for at in 0..n_local {
        ends[at + 1] += ends[at];
    }
    let mut next = ends.clone();
    let mut sorted = vec![0; runs.len()];
    for (number, run) in runs.iter().enumerate() {
        let slot = &mut next[local(run)];
        sorted[*slot as usize] = number as u32;
        *slot += 1;
    }
    let mut ranges: Vec<_> = (0..n_local)
        .filter(|&at| ends[at] < ends[at + 1])
        .map(|at| (plan.customer_ranks[at * plan.parts + first], ends[at] as usize..ends[at + 1] as usize))
        .collect();
    ranges.sort_unstable_by_key(|&(rank, _)| rank);
    (sorted, ranges)
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
    /// The lines of the order at hand, as rows of words, items already ranked.
    lines: Vec<i64>,
    picked: Vec<u32>,
    line: Vec<i64>,
    last: Vec<i64>,
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
                    orders.push(Order { time: run.time, key: run.key, first: at as u32, end: at as u32 + 1 })
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
        let width = self.plan.shape.line_words();
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        for run in runs {
            for line in 0..run.lines as usize {
                let at = run.at + line * width;
                lines.extend((0..width).map(|word| self.word(at, word)));
            }
        }
        let n_lines: usize = runs.iter().map(|run| run.lines as usize).sum();
        self.picked.clear();
        self.picked.extend(0..n_lines as u32);
        let row = |line: u32| &lines[line as usize * width..][..width];
        if width == 1 {
            lines.sort_unstable();
        } else if n_lines > 1 {
            self.picked.sort_unstable_by(|&a, &b| row(a).cmp(row(b)));
        }
        let mut kept = 0;
        for at in 0..n_lines {
            let from = self.picked[at] as usize * width;
            self.line.copy_from_slice(&lines[from..from + width]);
            let repeats = at > 0 && width > 0 && self.line == self.last;
            if !(repeats && self.repeat(guest)) {
                self.emit();
                kept += 1;
            }
            std::mem::swap(&mut self.line, &mut self.last);
        }
        self.lines = lines;
        self.part.order_lines.push(kept);
        self.part.time.push(order.time);
        match self.plan.shape.order {
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
        kept
    }

    /// Counts a line that repeats the one before it and tells whether it is dropped.
    fn repeat(&mut self, guest: bool) -> bool {
        let shape = self.plan.shape;
        let measure = |name| shape.measure(name).map(|at| self.line[usize::from(shape.item) + at]);
        let (quantity, amount) = (measure("quantity"), measure("amount"));
        let repeats = &mut self.part.repeats;
        repeats.lines += 1;
        repeats.amount += amount.map_or(0, i128::from);
        repeats.guests += u64::from(guest);
        repeats.returns += u64::from(quantity.or(amount).is_some_and(|sign| sign < 0));
        repeats.zero_prices += u64::from(amount == Some(0));
        !self.plan.policy.keep_duplicates
    }

    #[inline]
    fn emit(&mut self) {
        let mut words = self.line.iter();
        if self.plan.shape.item {
            self.part.items.extend(words.next().map(|&item| item as u32));
        }
        for (column, &value) in self.part.measures.iter_mut().zip(words) {
            column.push(value);
        }
    }
}
