//! What customers did before an instant, in nested windows that end there.
//!
//! A customer's orders are walked once, from the last one back. The window that an order enters first only grows on the way,
//! so that every order falls into one ring between two window edges and a running sum over rings gives every window: the cost does
//! not depend on how many there are. What is met for the first time on the way back has its last occurrence there: that is
//! where a distinct item, category or day counts.

use arrow_buffer::ScalarBuffer;
use rayon::prelude::*;

use super::STRETCH;
use crate::control::Control;
use crate::dictionary::{Ids, NONE};
use crate::error::{Error, Result};
use crate::ledger::{DAY, Ledger, MISSING, UNIT};
use crate::pages::Pages;

/// An instant before which customers are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The instant; nothing at or after it is seen.
    pub as_of: i64,
    /// The first instants of the windows, the shortest window first. The window of all time comes last and is not named.
    pub starts: Vec<i64>,
}

/// What is counted in each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names in COUNTS say it")]
pub enum Count {
    Orders,
    ActiveDays,
    Lines,
    Items,
    Categories,
    WeekendOrders,
    NightOrders,
    MorningOrders,
    AfternoonOrders,
    EveningOrders,
    ReturnLines,
    GapDays,
    LongestGapDays,
}

/// The names of the counts, in their order.
pub const COUNTS: [&str; 13] = [
    "orders",
    "active_days",
    "lines",
    "items",
    "categories",
    "weekend_orders",
    "night_orders",
    "morning_orders",
    "afternoon_orders",
    "evening_orders",
    "return_lines",
    "gap_days",
    "longest_gap_days",
];

/// What is summed in each window, in ten-thousandths; but squares of gaps are in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names in SUMS say it")]
pub enum Sum {
    SpendGross,
    SpendNet,
    Returned,
    Quantity,
    Discount,
    LargestOrder,
    GapSquares,
}

/// The names of the sums, in their order.
pub const SUMS: [&str; 7] =
    ["spend_gross", "spend_net", "returned", "quantity", "discount", "largest_order", "gap_squares"];

/// What is said of a customer's whole time before an instant. Days, weekdays and hours are local.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Life {
    /// The code of the customer.
    pub customer: u32,
    /// Which cut, by its place.
    pub cut: u32,
    /// Days from the last purchase to the instant.
    pub recency_days: i32,
    /// Days from the first purchase to the instant.
    pub tenure_days: i32,
    /// What was bought in the first order.
    pub first_order_value: i64,
    /// What was bought in the last order.
    pub last_order_value: i64,
    /// The commonest weekday of orders, 0 for Monday; of equally common ones the first.
    pub top_weekday: u8,
    /// Orders on it.
    pub top_weekday_orders: u32,
    /// The commonest hour of orders; of equally common ones the first.
    pub top_hour: u8,
    /// Orders in it.
    pub top_hour_orders: u32,
    /// The commonest category of lines; of equally common ones the first. [`NONE`] without one.
    pub top_category: u32,
    /// Lines in it.
    pub top_category_lines: u32,
    /// Lines in any category.
    pub category_lines: u32,
}

/// What is asked for. Nothing else is looked at or written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Counts by their places in [`COUNTS`].
    pub counts: Vec<usize>,
    /// Sums by their places in [`SUMS`].
    pub sums: Vec<usize>,
    /// The commonest category of each customer.
    pub top_category: bool,
}

impl Wanted {
    /// Everything.
    pub fn all() -> Self {
        Self { counts: (0..COUNTS.len()).collect(), sums: (0..SUMS.len()).collect(), top_category: true }
    }

    /// What is named in [`COUNTS`] and [`SUMS`], and the commonest category if `top_category` is named; other names mean
    /// nothing here.
    pub fn named<T: AsRef<str>>(names: &[T]) -> Self {
        let wants = |name: &str| names.iter().any(|wanted| wanted.as_ref() == name);
        let places = |all: &[&str]| (0..all.len()).filter(|&at| wants(all[at])).collect();
        Self { counts: places(&COUNTS), sums: places(&SUMS), top_category: wants("top_category") }
    }

    fn count(&self, count: Count) -> bool {
        self.counts.contains(&(count as usize))
    }

    fn sum(&self, sum: Sum) -> bool {
        self.sums.contains(&(sum as usize))
    }
}

/// One row for each customer and cut with a purchase before it, by customer and then by cut.
#[derive(Debug, Default)]
pub struct Features {
    /// What is said of the whole time.
    pub lives: Vec<Life>,
    /// A column for each wanted count and window: those of the first count, then those of the second.
    pub counts: Vec<ScalarBuffer<u32>>,
    /// A column for each wanted sum and window, likewise; in units, squares of gaps in days.
    pub sums: Vec<ScalarBuffer<f64>>,
    /// The names of the categories.
    pub categories: Option<Ids>,
}

/// Tells of every customer what he did before each cut. The cuts must have equally many windows.
///
/// A return is never a purchase: its line counts in `return_lines` and `returned` and nowhere else, and an order
/// of returns alone is no order. Memory is that of the answer and little more.
///
/// # Errors
/// [`Error::MissingColumn`] without the attribute `category` of items or the measure `discount` where they are named,
/// [`Error::Overflow`] if a customer's sum does not fit 64 bits, [`Error::Capacity`] and [`Error::Interrupted`].
pub fn features(
    ledger: &Ledger,
    cuts: &[Cut],
    category: Option<&str>,
    discount: Option<&str>,
    wanted: &Wanted,
    control: &Control,
) -> Result<Features> {
    let category = category.map(|name| {
        let known = ledger.item_attributes().iter().find(|attribute| attribute.name == name);
        known.ok_or_else(|| Error::MissingColumn { column: name.to_owned() })
    });
    let category = category.transpose()?;
    let of_categories = wanted.count(Count::Categories) || wanted.top_category;
    let shop = Shop {
        ledger,
        sign: ledger.sign(),
        amounts: ledger.measure("amount"),
        quantities: ledger.measure("quantity").filter(|_| wanted.sum(Sum::Quantity)),
        discounts: discount.map(|name| ledger.need(name)).transpose()?,
        items: ledger.line_items().filter(|_| wanted.count(Count::Items) || of_categories),
        categories: category.filter(|_| of_categories).map(|attribute| &attribute.codes[..]),
        top_category: wanted.top_category,
    };
    let windows = cuts.first().map_or(0, |cut| cut.starts.len()) + 1;
    let n_categories = category.map_or(0, |attribute| attribute.labels.len());
    let n_customers = ledger.n_customers();
    control.expect(2 * n_customers as u64);
    let stretches = (0..n_customers).step_by(STRETCH);
    let stretches: Vec<_> = stretches.map(|start| start..(start + STRETCH).min(n_customers)).collect();
    // Who has a row is known by his first purchase, so that every stretch writes into its place of the answer.
    let rows = stretches.par_iter().map(|stretch| {
        control.check()?;
        control.advance(stretch.len() as u64);
        let seen = |first: i64| cuts.iter().filter(|cut| first < cut.as_of).count();
        Ok(stretch.clone().filter_map(|customer| shop.first_purchase(customer)).map(seen).sum())
    });
    let rows = rows.collect::<Result<Vec<usize>>>()?;
    let n_rows = rows.iter().sum::<usize>();
    let (n_counts, n_sums) = (wanted.counts.len() * windows, wanted.sums.len() * windows);
    let width = size_of::<Life>() + n_counts * size_of::<u32>() + n_sums * size_of::<f64>();
    control.book(n_rows as u64, (n_rows * width) as u64)?;
    let mut lives = vec![Life::default(); n_rows];
    let mut counts = (0..n_counts).map(|_| Pages::zeroed(n_rows)).collect::<Result<Vec<Pages<u32>>>>()?;
    let mut sums = (0..n_sums).map(|_| Pages::zeroed(n_rows)).collect::<Result<Vec<Pages<f64>>>>()?;
    let mut places: Vec<Place<'_>> = cut_up(&mut lives, &rows)
        .into_iter()
        .map(|lives| Place { lives, counts: Vec::new(), sums: Vec::new() })
        .collect();
    for column in &mut counts {
        places.iter_mut().zip(cut_up(column, &rows)).for_each(|(place, piece)| place.counts.push(piece));
    }
    for column in &mut sums {
        places.iter_mut().zip(cut_up(column, &rows)).for_each(|(place, piece)| place.sums.push(piece));
    }
    places.into_par_iter().zip(stretches).try_for_each(|(place, stretch)| {
        let many = stretch.len();
        let mut walk = Walk::new(windows, ledger.items().len(), n_categories);
        let mut writer = Writer { place, wanted, windows, row: 0, counts: Vec::new(), sums: Vec::new() };
        for (at, customer) in stretch.enumerate() {
            if at % 256 == 0 {
                control.check()?;
            }
            for (number, cut) in (0..).zip(cuts) {
                if let Some(life) = walk.back(&shop, customer, cut)? {
                    writer.put(Life { cut: number, ..life }, &walk);
                }
            }
        }
        writer.flush();
        control.advance(many as u64);
        Ok(())
    })?;
    Ok(Features {
        lives,
        counts: counts.into_iter().map(ScalarBuffer::from).collect(),
        sums: sums.into_iter().map(ScalarBuffer::from).collect(),
        categories: category.map(|attribute| attribute.labels.clone()),
    })
}

/// Pieces of given lengths, one after the other.
fn cut_up<'a, T>(mut whole: &'a mut [T], lengths: &[usize]) -> Vec<&'a mut [T]> {
    let mut pieces = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (piece, rest) = whole.split_at_mut(length);
        pieces.push(piece);
        whole = rest;
    }
    pieces
}

/// The place of one stretch of customers in the answer.
struct Place<'a> {
    lives: &'a mut [Life],
    counts: Vec<&'a mut [u32]>,
    sums: Vec<&'a mut [f64]>,
}

/// Rows that are gathered before they go to their columns: one row touches every column, in memory lines far apart that
/// push each other out of the cache.
const GATHERED: usize = 64;

/// Writes rows into columns.
struct Writer<'a> {
    place: Place<'a>,
    wanted: &'a Wanted,
    windows: usize,
    row: usize,
    counts: Vec<u32>,
    sums: Vec<i64>,
}

impl Writer<'_> {
    fn put(&mut self, life: Life, walk: &Walk) {
        self.place.lives[self.row] = life;
        for &at in &self.wanted.counts {
            self.counts.extend(walk.counts.iter().map(|window| window[at]));
        }
        for &at in &self.wanted.sums {
            self.sums.extend(walk.sums.iter().map(|window| window[at]));
        }
        self.row += 1;
        if self.row.is_multiple_of(GATHERED) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let rows = self.row.saturating_sub(1) / GATHERED * GATHERED..self.row;
        let width = self.place.counts.len();
        for (at, column) in self.place.counts.iter_mut().enumerate() {
            let gathered = self.counts[at.min(self.counts.len())..].iter().step_by(width);
            column[rows.clone()].iter_mut().zip(gathered).for_each(|(cell, &count)| *cell = count);
        }
        let width = self.place.sums.len();
        for (at, column) in self.place.sums.iter_mut().enumerate() {
            let in_days = self.wanted.sums[at / self.windows] == Sum::GapSquares as usize;
            let unit = if in_days { 1.0 } else { UNIT };
            let gathered = self.sums[at.min(self.sums.len())..].iter().step_by(width);
            column[rows.clone()].iter_mut().zip(gathered).for_each(|(cell, &sum)| *cell = sum as f64 / unit);
        }
        self.counts.clear();
        self.sums.clear();
    }
}

/// The columns that are looked at.
struct Shop<'a> {
    ledger: &'a Ledger,
    sign: Option<&'a [i64]>,
    amounts: Option<&'a [i64]>,
    quantities: Option<&'a [i64]>,
    discounts: Option<&'a [i64]>,
    items: Option<&'a [u32]>,
    categories: Option<&'a [u32]>,
    top_category: bool,
}

impl Shop<'_> {
    /// The instant of a customer's first purchase.
    fn first_purchase(&self, customer: usize) -> Option<i64> {
        let mut orders = self.ledger.orders_of(customer);
        let first = orders.find(|&order| self.ledger.is_purchase(self.sign, order));
        first.map(|order| self.ledger.order_times()[order])
    }
}

/// The way back through one customer's orders.
struct Walk {
    counts: Vec<[u32; COUNTS.len()]>,
    sums: Vec<[i64; SUMS.len()]>,
    /// The number of this walk. What bears it in `items` and `categories` was met on this walk.
    number: u32,
    items: Vec<u32>,
    /// The number of the walk and the lines met on it.
    categories: Vec<(u32, u32)>,
}

impl Walk {
    fn new(windows: usize, n_items: usize, n_categories: usize) -> Self {
        Self {
            counts: vec![[0; COUNTS.len()]; windows],
            sums: vec![[0; SUMS.len()]; windows],
            number: 0,
            items: vec![0; n_items],
            categories: vec![(0, 0); n_categories],
        }
    }

    /// Walks back from a cut; nothing if nothing was bought before it.
    fn back(&mut self, shop: &Shop<'_>, customer: usize, cut: &Cut) -> Result<Option<Life>> {
        let (ledger, zone) = (shop.ledger, shop.ledger.zone());
        self.number += 1;
        self.counts.fill([0; COUNTS.len()]);
        self.sums.fill([0; SUMS.len()]);
        let end = zone.day(cut.as_of);
        let (mut weekdays, mut hours) = ([0_u32; 7], [0_u32; 24]);
        let mut life: Option<Life> = None;
        let (mut top, mut category_lines) = ((NONE, 0), 0);
        let mut ring = 0;
        for order in ledger.orders_before(customer, cut.as_of).rev() {
            let time = ledger.order_times()[order];
            while cut.starts.get(ring).is_some_and(|&start| time < start) {
                ring += 1;
            }
            let (counts, sums) = (&mut self.counts[ring], &mut self.sums[ring]);
            let mut value = None;
            for line in ledger.lines_of(order) {
                let amount = shop.amounts.map_or(0, |amounts| amounts[line]);
                add(&mut sums[Sum::SpendNet as usize], amount, "amount")?;
                if shop.sign.is_some_and(|sign| sign[line] < 0) {
                    counts[Count::ReturnLines as usize] += 1;
                    add(&mut sums[Sum::Returned as usize], amount, "amount")?;
                    continue;
                }
                add(value.get_or_insert(0), amount, "amount")?;
                counts[Count::Lines as usize] += 1;
                if let Some(quantities) = shop.quantities {
                    add(&mut sums[Sum::Quantity as usize], quantities[line], "quantity")?;
                }
                if let Some(discounts) = shop.discounts {
                    add(&mut sums[Sum::Discount as usize], discounts[line], "discount")?;
                }
                let Some(item) = shop.items.map(|items| items[line] as usize) else { continue };
                let Some(seen) = self.items.get_mut(item) else { continue };
                let first = *seen != self.number;
                if !first && !shop.top_category {
                    continue;
                }
                counts[Count::Items as usize] += u32::from(first);
                *seen = self.number;
                let Some(category) = shop.categories.map(|categories| categories[item]) else { continue };
                let Some((seen, lines)) = self.categories.get_mut(category as usize) else { continue };
                category_lines += 1;
                if *seen != self.number {
                    (*seen, *lines) = (self.number, 0);
                    counts[Count::Categories as usize] += 1;
                }
                *lines += 1;
                if (*lines, top.0) > (top.1, category) {
                    top = (category, *lines);
                }
            }
            let Some(value) = value else { continue };
            let local = zone.local(time);
            let day = local.div_euclid(DAY) as i32;
            let weekday = (day + 3).rem_euclid(7) as usize;
            let hour = (local.rem_euclid(DAY) / (DAY / 24)) as usize;
            weekdays[weekday] += 1;
            hours[hour] += 1;
            counts[Count::Orders as usize] += 1;
            counts[Count::WeekendOrders as usize] += u32::from(weekday >= 5);
            counts[Count::NightOrders as usize + hour / 6] += 1;
            add(&mut sums[Sum::SpendGross as usize], value, "amount")?;
            let largest = &mut sums[Sum::LargestOrder as usize];
            *largest = value.max(*largest);
            let later = life.map(|life| end - life.tenure_days);
            if later != Some(day) {
                counts[Count::ActiveDays as usize] += 1;
                let gap = later.map_or(0, |later| later - day);
                counts[Count::GapDays as usize] += gap as u32;
                let longest = &mut counts[Count::LongestGapDays as usize];
                *longest = (gap as u32).max(*longest);
                sums[Sum::GapSquares as usize] += i64::from(gap) * i64::from(gap);
            }
            let life = life.get_or_insert(Life {
                customer: customer as u32,
                cut: 0,
                recency_days: end - day,
                tenure_days: 0,
                first_order_value: 0,
                last_order_value: value,
                top_weekday: 0,
                top_weekday_orders: 0,
                top_hour: 0,
                top_hour_orders: 0,
                top_category: NONE,
                top_category_lines: 0,
                category_lines: 0,
            });
            (life.tenure_days, life.first_order_value) = (end - day, value);
        }
        let Some(mut life) = life else { return Ok(None) };
        (life.top_weekday, life.top_weekday_orders) = commonest(&weekdays);
        (life.top_hour, life.top_hour_orders) = commonest(&hours);
        (life.top_category, life.top_category_lines) = top;
        life.category_lines = category_lines;
        self.widen()?;
        Ok(Some(life))
    }

    /// Makes windows of rings: each holds all that the shorter ones hold.
    fn widen(&mut self) -> Result<()> {
        for ring in 1..self.counts.len() {
            let (shorter, longer) = self.counts.split_at_mut(ring);
            for (at, (longer, &shorter)) in longer[0].iter_mut().zip(&shorter[ring - 1]).enumerate() {
                *longer = if at == Count::LongestGapDays as usize {
                    shorter.max(*longer)
                } else {
                    shorter + *longer
                };
            }
            let (shorter, longer) = self.sums.split_at_mut(ring);
            for (at, (longer, &shorter)) in longer[0].iter_mut().zip(&shorter[ring - 1]).enumerate() {
                if at == Sum::LargestOrder as usize {
                    *longer = shorter.max(*longer);
                } else {
                    add(longer, shorter, SUMS[at])?;
                }
            }
        }
        Ok(())
    }
}

fn add(sum: &mut i64, value: i64, column: &str) -> Result<()> {
    let value = if value == MISSING { 0 } else { value };
    *sum = sum.checked_add(value).ok_or_else(|| Error::Overflow { column: column.to_owned() })?;
    Ok(())
}

/// The first of the largest numbers: its place and itself.
fn commonest(counts: &[u32]) -> (u8, u32) {
    let mut best = (0, 0);
    for (place, &count) in (0..).zip(counts) {
        if count > best.1 {
            best = (place, count);
        }
    }
    best
}
