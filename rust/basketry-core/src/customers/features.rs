//! What customers did before an instant, in nested windows that end there.
//!
//! A customer's orders are walked once, from the last one back, for all instants together: an order's lines are summed up once
//! and its sums go to every instant that sees it. The window that an order enters first only grows on the way, so that every
//! order falls into one ring between two window edges and a running sum over rings gives every window: the cost does
//! not depend on how many there are. What is met for the first time on the way back has its last occurrence there: that is
//! where a distinct item, category or day counts, for those instants that have not met it later.

use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use bytemuck::Pod;
use rayon::prelude::*;

use super::STRETCH;
use crate::control::Control;
use crate::dictionary::{Ids, NONE};
use crate::error::{Error, Result};
use crate::ledger::{DAY, Ledger, MISSING, UNIT, Zone};
use crate::pages::{Pages, cut_up};

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
    DiscountOrders,
}

/// The names of the counts, in their order.
pub const COUNTS: [&str; 14] = [
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
    "discount_orders",
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
    /// The commonest weekday and hour of each customer.
    pub habits: bool,
}

impl Wanted {
    /// Everything.
    pub fn all() -> Self {
        let (counts, sums) = ((0..COUNTS.len()).collect(), (0..SUMS.len()).collect());
        Self { counts, sums, top_category: true, habits: true }
    }

    /// What is named in [`COUNTS`] and [`SUMS`], the commonest category if `top_category` is named, weekday and hour if theirs
    /// are; other names mean nothing here.
    pub fn named<T: AsRef<str>>(names: &[T]) -> Self {
        let wants = |name: &str| names.iter().any(|wanted| wanted.as_ref() == name);
        let places = |all: &[&str]| (0..all.len()).filter(|&at| wants(all[at])).collect();
        let habits = ["top_weekday", "top_weekday_orders", "top_hour", "top_hour_orders"];
        Self {
            counts: places(&COUNTS),
            sums: places(&SUMS),
            top_category: wants("top_category"),
            habits: habits.into_iter().any(wants),
        }
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

/// Tells of every customer what he did before each cut. The cuts must have equally many windows and stand in order of time.
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
        habits: wanted.habits,
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
    // All columns in one piece: its pages are huge however short a column is.
    let mut counts: Pages<u32> = Pages::zeroed(n_counts * n_rows)?;
    let mut sums: Pages<f64> = Pages::zeroed(n_sums * n_rows)?;
    let mut places: Vec<Place<'_>> = cut_up(&mut lives, &rows)
        .into_iter()
        .map(|lives| Place { lives, counts: Vec::new(), sums: Vec::new() })
        .collect();
    for column in cut_up(&mut counts, &vec![n_rows; n_counts]) {
        places.iter_mut().zip(cut_up(column, &rows)).for_each(|(place, piece)| place.counts.push(piece));
    }
    for column in cut_up(&mut sums, &vec![n_rows; n_sums]) {
        places.iter_mut().zip(cut_up(column, &rows)).for_each(|(place, piece)| place.sums.push(piece));
    }
    places.into_par_iter().zip(stretches).try_for_each(|(place, stretch)| {
        let many = stretch.len();
        let mut walk = Walk::new(&shop, cuts, windows, n_categories);
        let mut writer = Writer::new(place, wanted, windows);
        for (at, customer) in stretch.enumerate() {
            if at % 256 == 0 {
                control.check()?;
            }
            walk.back(&shop, customer)?;
            for (number, track) in (0..).zip(&walk.tracks) {
                if let Some(life) = track.life {
                    writer.put(Life { cut: number, ..life }, track)?;
                }
            }
        }
        writer.flush();
        control.advance(many as u64);
        Ok(())
    })?;
    Ok(Features {
        lives,
        counts: columns(counts, n_counts, n_rows),
        sums: columns(sums, n_sums, n_rows),
        categories: category.map(|attribute| attribute.labels.clone()),
    })
}

/// Columns of one length that stand in one piece, one after the other.
fn columns<T: Pod + ArrowNativeType>(whole: Pages<T>, many: usize, length: usize) -> Vec<ScalarBuffer<T>> {
    let whole = ScalarBuffer::from(whole);
    (0..many).map(|at| whole.slice(at * length, length)).collect()
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
    /// The rows since the last flush, column by column.
    counts: Vec<[u32; GATHERED]>,
    sums: Vec<[i64; GATHERED]>,
}

impl<'a> Writer<'a> {
    fn new(place: Place<'a>, wanted: &'a Wanted, windows: usize) -> Self {
        let (counts, sums) = (vec![[0; GATHERED]; place.counts.len()], vec![[0; GATHERED]; place.sums.len()]);
        Self { place, wanted, windows, row: 0, counts, sums }
    }

    /// Makes windows of rings: each holds all that the shorter ones hold.
    fn put(&mut self, life: Life, track: &Track) -> Result<()> {
        self.place.lives[self.row] = life;
        let slot = self.row % GATHERED;
        for (columns, &at) in self.counts.chunks_exact_mut(self.windows).zip(&self.wanted.counts) {
            let mut window = 0;
            for (column, ring) in columns.iter_mut().zip(&track.rings) {
                let count = ring.counts[at];
                window =
                    if at == Count::LongestGapDays as usize { count.max(window) } else { window + count };
                column[slot] = window;
            }
        }
        for (columns, &at) in self.sums.chunks_exact_mut(self.windows).zip(&self.wanted.sums) {
            let mut window = 0;
            for (column, ring) in columns.iter_mut().zip(&track.rings) {
                let sum = ring.sums[at];
                if at == Sum::LargestOrder as usize {
                    window = sum.max(window);
                } else {
                    add(&mut window, sum, SUMS[at])?;
                }
                column[slot] = window;
            }
        }
        self.row += 1;
        if self.row.is_multiple_of(GATHERED) {
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        let rows = self.row.saturating_sub(1) / GATHERED * GATHERED..self.row;
        for (column, gathered) in self.place.counts.iter_mut().zip(&self.counts) {
            column[rows.clone()].copy_from_slice(&gathered[..rows.len()]);
        }
        for (at, (column, gathered)) in self.place.sums.iter_mut().zip(&self.sums).enumerate() {
            let in_days = self.wanted.sums[at / self.windows] == Sum::GapSquares as usize;
            let unit = if in_days { 1.0 } else { UNIT };
            column[rows.clone()].iter_mut().zip(gathered).for_each(|(cell, &sum)| *cell = sum as f64 / unit);
        }
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
    habits: bool,
}

impl Shop<'_> {
    /// The instant of a customer's first purchase.
    fn first_purchase(&self, customer: usize) -> Option<i64> {
        let mut orders = self.ledger.orders_of(customer);
        let first = orders.find(|&order| self.ledger.is_purchase(self.sign, order));
        first.map(|order| self.ledger.order_times()[order])
    }
}

/// What happened between two edges of windows.
#[derive(Debug, Clone, Copy, Default)]
struct Ring {
    counts: [u32; COUNTS.len()],
    sums: [i64; SUMS.len()],
}

/// What one cut sees of the customer at hand.
struct Track {
    cut: Cut,
    /// The day of the cut.
    end: i32,
    rings: Vec<Ring>,
    /// The ring of the order at hand.
    ring: usize,
    life: Option<Life>,
    weekdays: [u32; 7],
    hours: [u32; 24],
    /// Items and categories of the order at hand that no later order before the cut has.
    items: u32,
    categories: u32,
    /// For each category the number of the walk and the lines met on it; none if nobody asks.
    tops: Vec<(u32, u32)>,
    top: (u32, u32),
    category_lines: u32,
}

/// The lines of one order.
#[derive(Default)]
struct Lines {
    bought: u32,
    returned: u32,
    /// Whether something bought had a discount.
    reduced: bool,
    sums: [i64; SUMS.len()],
}

impl Track {
    fn new(cut: &Cut, zone: &Zone, windows: usize, n_tops: usize) -> Self {
        Self {
            cut: cut.clone(),
            end: zone.day(cut.as_of),
            rings: vec![Ring::default(); windows],
            ring: 0,
            life: None,
            weekdays: [0; 7],
            hours: [0; 24],
            items: 0,
            categories: 0,
            tops: vec![(0, 0); n_tops],
            top: (NONE, 0),
            category_lines: 0,
        }
    }

    /// Forgets the customer before.
    fn begin(&mut self) {
        self.rings.fill(Ring::default());
        (self.ring, self.life) = (0, None);
        (self.weekdays, self.hours) = ([0; 7], [0; 24]);
        (self.top, self.category_lines) = ((NONE, 0), 0);
    }

    /// Meets a line of a category on a walk.
    fn meet(&mut self, category: u32, walk: u32) {
        let Some((seen, lines)) = self.tops.get_mut(category as usize) else { return };
        if *seen != walk {
            (*seen, *lines) = (walk, 0);
        }
        *lines += 1;
        self.category_lines += 1;
        if (*lines, self.top.0) > (self.top.1, category) {
            self.top = (category, *lines);
        }
    }

    /// Passes an order and its lines.
    fn pass(&mut self, time: i64, lines: &Lines) -> Result<()> {
        while self.cut.starts.get(self.ring).is_some_and(|&start| time < start) {
            self.ring += 1;
        }
        let Ring { counts, sums } = &mut self.rings[self.ring];
        counts[Count::Lines as usize] += lines.bought;
        counts[Count::ReturnLines as usize] += lines.returned;
        counts[Count::DiscountOrders as usize] += u32::from(lines.reduced);
        counts[Count::Items as usize] += self.items;
        counts[Count::Categories as usize] += self.categories;
        for at in [Sum::SpendGross, Sum::SpendNet, Sum::Returned, Sum::Quantity, Sum::Discount] {
            let at = at as usize;
            add(&mut sums[at], lines.sums[at], SUMS[at])?;
        }
        Ok(())
    }

    /// Counts the order that was passed as a purchase at a local time.
    fn visit(&mut self, customer: usize, local: i64, value: i64) {
        let Ring { counts, sums } = &mut self.rings[self.ring];
        let day = local.div_euclid(DAY) as i32;
        let weekday = (day + 3).rem_euclid(7) as usize;
        let hour = (local.rem_euclid(DAY) / (DAY / 24)) as usize;
        self.weekdays[weekday] += 1;
        self.hours[hour] += 1;
        counts[Count::Orders as usize] += 1;
        counts[Count::WeekendOrders as usize] += u32::from(weekday >= 5);
        counts[Count::NightOrders as usize + hour / 6] += 1;
        let largest = &mut sums[Sum::LargestOrder as usize];
        *largest = value.max(*largest);
        let later = self.life.map(|life| self.end - life.tenure_days);
        if later != Some(day) {
            counts[Count::ActiveDays as usize] += 1;
            let gap = later.map_or(0, |later| later - day);
            counts[Count::GapDays as usize] += gap as u32;
            let longest = &mut counts[Count::LongestGapDays as usize];
            *longest = (gap as u32).max(*longest);
            sums[Sum::GapSquares as usize] += i64::from(gap) * i64::from(gap);
        }
        let life = self.life.get_or_insert(Life {
            customer: customer as u32,
            recency_days: self.end - day,
            last_order_value: value,
            ..Life::default()
        });
        (life.tenure_days, life.first_order_value) = (self.end - day, value);
    }
}

/// The way back through one customer's orders.
struct Walk {
    /// One a cut.
    tracks: Vec<Track>,
    /// Where this walk's numbers begin. What bears a number above it in `items` and `categories` was met on this walk, by as
    /// many of the last cuts as the number is above it.
    base: u32,
    items: Vec<u32>,
    categories: Vec<u32>,
}

impl Walk {
    fn new(shop: &Shop<'_>, cuts: &[Cut], windows: usize, n_categories: usize) -> Self {
        let n_tops = if shop.top_category { n_categories } else { 0 };
        let track = |cut| Track::new(cut, shop.ledger.zone(), windows, n_tops);
        Self {
            tracks: cuts.iter().map(track).collect(),
            base: 0,
            items: vec![0; shop.ledger.items().len()],
            categories: vec![0; n_categories],
        }
    }

    /// Walks back from the last cut. A track has a life then if something was bought before its cut.
    fn back(&mut self, shop: &Shop<'_>, customer: usize) -> Result<()> {
        let (ledger, zone) = (shop.ledger, shop.ledger.zone());
        self.base += self.tracks.len() as u32 + 1;
        self.tracks.iter_mut().for_each(Track::begin);
        let Some(last) = self.tracks.last().map(|track| track.cut.as_of) else { return Ok(()) };
        // The first cut that sees the order at hand.
        let mut first = self.tracks.len();
        for order in ledger.orders_before(customer, last).rev() {
            let time = ledger.order_times()[order];
            while first > 0 && time < self.tracks[first - 1].cut.as_of {
                first -= 1;
            }
            let lines = self.lines(shop, order, first)?;
            let local = zone.local(time);
            for track in &mut self.tracks[first..] {
                track.pass(time, &lines)?;
                if lines.bought > 0 {
                    track.visit(customer, local, lines.sums[Sum::SpendGross as usize]);
                }
            }
        }
        for track in &mut self.tracks {
            let Some(life) = &mut track.life else { continue };
            if shop.habits {
                (life.top_weekday, life.top_weekday_orders) = commonest(&track.weekdays);
                (life.top_hour, life.top_hour_orders) = commonest(&track.hours);
            }
            (life.top_category, life.top_category_lines) = track.top;
            life.category_lines = track.category_lines;
        }
        Ok(())
    }

    /// Sums up the lines of an order that the cuts from `first` on see.
    fn lines(&mut self, shop: &Shop<'_>, order: usize, first: usize) -> Result<Lines> {
        let Self { tracks, base, items, categories } = self;
        let number = *base + (tracks.len() - first) as u32;
        // The cuts for which a thing is new that was met before under the number `seen`.
        let end = tracks.len();
        let new = |seen: u32| first..end - seen.saturating_sub(*base) as usize;
        for track in &mut tracks[first..] {
            (track.items, track.categories) = (0, 0);
        }
        let mut found = Lines::default();
        for line in shop.ledger.lines_of(order) {
            let amount = shop.amounts.map_or(0, |amounts| amounts[line]);
            add(&mut found.sums[Sum::SpendNet as usize], amount, "amount")?;
            if shop.sign.is_some_and(|sign| sign[line] < 0) {
                found.returned += 1;
                add(&mut found.sums[Sum::Returned as usize], amount, "amount")?;
                continue;
            }
            found.bought += 1;
            add(&mut found.sums[Sum::SpendGross as usize], amount, "amount")?;
            if let Some(quantities) = shop.quantities {
                add(&mut found.sums[Sum::Quantity as usize], quantities[line], "quantity")?;
            }
            if let Some(discounts) = shop.discounts {
                add(&mut found.sums[Sum::Discount as usize], discounts[line], "discount")?;
                found.reduced |= discounts[line] > 0;
            }
            let Some(item) = shop.items.map(|items| items[line] as usize) else { continue };
            let Some(seen) = items.get_mut(item) else { continue };
            if *seen < number {
                tracks[new(*seen)].iter_mut().for_each(|track| track.items += 1);
                *seen = number;
            } else if !shop.top_category {
                continue;
            }
            let Some(&category) = shop.categories.and_then(|categories| categories.get(item)) else {
                continue;
            };
            if shop.top_category {
                tracks[first..].iter_mut().for_each(|track| track.meet(category, *base));
            }
            let Some(seen) = categories.get_mut(category as usize).filter(|seen| **seen < number) else {
                continue;
            };
            tracks[new(*seen)].iter_mut().for_each(|track| track.categories += 1);
            *seen = number;
        }
        Ok(found)
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
