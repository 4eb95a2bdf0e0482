//! From rows as they stream in to runs in partitions; every row is used or set aside by a reason.

use arrow_buffer::BooleanBuffer;

use super::stage::{Stream, WIDE, halves};
use crate::dictionary::{Encoder, IdChunk, NONE, Values};
use crate::error::{Error, Result};

/// Money and quantities are whole numbers of ten-thousandths.
pub const UNIT: f64 = 10_000.0;

/// The value of a further measure that a line does not have. Quantity and amount are never missing.
pub const MISSING: i64 = i64::MIN;

/// Ten-thousandths from this on (225 billion units) are not exact in a double, and a few thousand of them pass 64 bits.
const LARGEST: u64 = 1 << 51;

/// How many partitions known customers fall into, and guests.
pub(super) const CUSTOMER_PARTS: usize = 256;
pub(super) const GUEST_PARTS: usize = 16;

/// Why a row is not in the ledger. The caller's own reasons have numbers from [`Reason::OWN`] on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// It is in the ledger.
    Used = 0,
    /// It has no time.
    NoTime = 1,
    /// It lies at or after the end of the data that was stated.
    Future = 2,
    /// It has no order id although orders have ids.
    NoOrder = 3,
    /// Its quantity is missing or no number.
    BadQuantity = 4,
    /// Its amount is missing or no number.
    BadAmount = 5,
    /// It has no customer, and such rows are dropped.
    Guest = 6,
    /// Its quantity is zero: neither bought nor brought back.
    ZeroQuantity = 7,
    /// It is a return, and returns are dropped.
    Return = 8,
    /// It cost nothing, and such rows are dropped.
    ZeroPrice = 9,
    /// It cost less than nothing.
    NegativePrice = 10,
    /// It repeats another row of its order, and repeats are dropped.
    Duplicate = 11,
}

impl Reason {
    /// The first number of the caller's own reasons.
    pub const OWN: u8 = 128;
}

/// What becomes of rows that are not plain purchases by a known customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one question to the owner of the data")]
pub struct Policy {
    /// Rows without a customer are kept as orders without a customer.
    pub keep_guests: bool,
    /// Rows of negative quantity are kept as returns.
    pub keep_returns: bool,
    /// Rows that cost nothing are kept.
    pub keep_zero_prices: bool,
    /// Purchases of a negative amount are kept.
    pub keep_negative_prices: bool,
    /// Rows that repeat another row of their order are kept.
    pub keep_duplicates: bool,
    /// The first instant after the data, in microseconds UTC.
    pub until: Option<i64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            keep_guests: true,
            keep_returns: true,
            keep_zero_prices: true,
            keep_negative_prices: false,
            keep_duplicates: true,
            until: None,
        }
    }
}

/// Numbers of one column in one of the forms in which they arrive.
#[derive(Debug, Clone, Copy)]
pub enum Numbers<'a> {
    /// In units, with a fraction.
    Floats(&'a [f64]),
    /// In whole units.
    Integers(&'a [i64]),
    /// In ten-thousandths.
    Scaled(&'a [i64]),
}

/// A chunk of a column of numbers.
#[derive(Debug, Clone, Copy)]
pub struct NumberChunk<'a> {
    /// The numbers.
    pub numbers: Numbers<'a>,
    /// Which rows hold one; `None` if all do.
    pub valid: Option<&'a BooleanBuffer>,
}

impl NumberChunk<'_> {
    /// The first number that is there and was not scaled, because it is none or too large: its row and how it reads.
    pub(crate) fn unfit(&self, scaled: &[i64]) -> Option<(usize, String)> {
        let held = |row: &usize| self.valid.is_none_or(|valid| valid.value(*row));
        let row = (0..scaled.len()).find(|row| scaled[*row] == MISSING && held(row))?;
        let text = match self.numbers {
            Numbers::Floats(values) => values[row].to_string(),
            Numbers::Integers(values) => values[row].to_string(),
            Numbers::Scaled(values) => (values[row] as f64 / UNIT).to_string(),
        };
        Some((row, text))
    }
}

/// A chunk of instants, in microseconds UTC.
#[derive(Debug, Clone, Copy)]
pub struct TimeChunk<'a> {
    /// The instants.
    pub times: &'a [i64],
    /// Which rows hold one; `None` if all do.
    pub valid: Option<&'a BooleanBuffer>,
}

/// A chunk of rows in canonical columns. All chunks of one ledger have the same columns.
#[derive(Debug, Clone, Default)]
pub struct Rows<'a> {
    /// How many rows there are.
    pub n_rows: usize,
    /// Who bought.
    pub customer: Option<IdChunk<'a>>,
    /// In which order.
    pub order: Option<IdChunk<'a>>,
    /// When.
    pub time: Option<TimeChunk<'a>>,
    /// What.
    pub item: Option<IdChunk<'a>>,
    /// How many and for how much, in the order of the builder's measures.
    pub measures: Vec<NumberChunk<'a>>,
    /// The caller's own reason to set a row aside, 0 for none.
    pub reasons: Option<&'a [u8]>,
}

/// Where every row went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Rows by reason; those in the ledger stand at 0.
    pub rows: Vec<u64>,
    /// The number of the first row of each reason, counted from 0.
    pub first_row: Vec<Option<u64>>,
    /// The amounts of the rows of each reason, in ten-thousandths.
    pub amounts: Vec<i128>,
    /// Rows in the ledger that have no customer.
    pub guests: u64,
    /// Rows in the ledger that are returns.
    pub returns: u64,
    /// Rows in the ledger that cost nothing.
    pub zero_prices: u64,
    /// Rows in the ledger without an item although items were given.
    pub no_item: u64,
    /// Rows that repeat another row of their order, kept or dropped.
    pub duplicates: u64,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            rows: vec![0; 256],
            first_row: vec![None; 256],
            amounts: vec![0; 256],
            guests: 0,
            returns: 0,
            zero_prices: 0,
            no_item: 0,
            duplicates: 0,
        }
    }
}

/// Which columns a ledger has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// Whether orders have ids.
    pub order: OrderKey,
    /// Whether lines have items.
    pub item: bool,
    /// The names of the measures; `quantity` and `amount` have a meaning of their own.
    pub measures: Vec<String>,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.order {
            OrderKey::Time => "no order ids",
            OrderKey::Integer => "order ids that are whole numbers",
            OrderKey::Text => "order ids that are texts",
        })?;
        f.write_str(if self.item { ", items" } else { ", no items" })?;
        self.measures.iter().try_for_each(|name| write!(f, ", {name}"))
    }
}

impl Shape {
    /// The place of a measure.
    pub fn measure(&self, name: &str) -> Option<usize> {
        self.measures.iter().position(|known| known == name)
    }

    /// Words of one staged line.
    pub(super) fn line_words(&self, wide: bool) -> usize {
        usize::from(self.item) + (self.measures.len() << u32::from(wide))
    }
}

/// What tells the orders of a customer apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrderKey {
    /// Nothing but the instant.
    #[default]
    Time,
    /// Ids that are whole numbers.
    Integer,
    /// Ids that are texts.
    Text,
}

/// Codes ids, judges rows and stages them.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) shape: Shape,
    pub(super) policy: Policy,
    pub(super) customers: Encoder,
    pub(super) items: Encoder,
    pub(super) customer_used: Vec<bool>,
    pub(super) item_used: Vec<bool>,
    pub(super) streams: Vec<Stream>,
    pub(super) account: Account,
    rows_seen: u64,
    scratch: Scratch,
}

/// Buffers that are kept from chunk to chunk.
#[derive(Debug, Default)]
struct Scratch {
    customers: Vec<u32>,
    items: Vec<u32>,
    reasons: Vec<u8>,
    measures: Vec<Vec<i64>>,
}

impl Intake {
    pub(super) fn new(shape: Shape, policy: Policy) -> Self {
        let scratch = Scratch { measures: vec![Vec::new(); shape.measures.len()], ..Scratch::default() };
        Self {
            shape,
            policy,
            customers: Encoder::new("customer"),
            items: Encoder::new("item"),
            customer_used: Vec::new(),
            item_used: Vec::new(),
            streams: (0..CUSTOMER_PARTS + GUEST_PARTS).map(|_| Stream::default()).collect(),
            account: Account::default(),
            rows_seen: 0,
            scratch,
        }
    }

    pub(super) fn push(&mut self, rows: &Rows<'_>) -> Result<()> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let done = self.code(rows, &mut scratch).and_then(|()| {
            self.judge(rows, &mut scratch);
            self.stage(rows, &scratch)
        });
        self.scratch = scratch;
        self.rows_seen += rows.n_rows as u64;
        done
    }

    /// Turns ids into codes and numbers into ten-thousandths; a bad number leaves its reason.
    fn code(&mut self, rows: &Rows<'_>, scratch: &mut Scratch) -> Result<()> {
        scratch.reasons.clear();
        match rows.reasons {
            Some(reasons) => scratch.reasons.extend_from_slice(reasons),
            None => scratch.reasons.resize(rows.n_rows, 0),
        }
        if let Some(chunk) = &rows.customer {
            self.customers.encode(chunk, &mut scratch.customers)?;
        } else {
            scratch.customers.clear();
            scratch.customers.resize(rows.n_rows, NONE);
        }
        if let Some(chunk) = &rows.item {
            self.items.encode(chunk, &mut scratch.items)?;
        }
        self.customer_used.resize(self.customers.len(), false);
        self.item_used.resize(self.items.len(), false);
        for (name, (chunk, scaled)) in
            self.shape.measures.iter().zip(rows.measures.iter().zip(&mut scratch.measures))
        {
            let bad = match name.as_str() {
                "quantity" => Some(Reason::BadQuantity as u8),
                "amount" => Some(Reason::BadAmount as u8),
                _ => None,
            };
            scale(chunk, scaled);
            if let Some(bad) = bad.filter(|_| scaled.contains(&MISSING)) {
                for (reason, value) in scratch.reasons.iter_mut().zip(scaled.iter_mut()) {
                    if *value == MISSING {
                        *value = 0;
                        if *reason == 0 {
                            *reason = bad;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds the reason of each row. The first that applies counts; the order is that of [`Reason`].
    fn judge(&mut self, rows: &Rows<'_>, scratch: &mut Scratch) {
        let Scratch { customers, reasons, measures, .. } = scratch;
        let mut set = |row: usize, reason: Reason| {
            if reasons[row] == 0 || (reasons[row] < Reason::OWN && reasons[row] > reason as u8) {
                reasons[row] = reason as u8;
            }
        };
        if let Some(time) = &rows.time {
            if let Some(valid) = time.valid {
                (0..rows.n_rows).filter(|&row| !valid.value(row)).for_each(|row| set(row, Reason::NoTime));
            }
            if let Some(until) = self.policy.until {
                let late = time.times.iter().enumerate().filter(|&(_, &time)| time >= until);
                late.for_each(|(row, _)| set(row, Reason::Future));
            }
        }
        if let Some(valid) = rows.order.as_ref().and_then(|order| order.valid) {
            (0..rows.n_rows).filter(|&row| !valid.value(row)).for_each(|row| set(row, Reason::NoOrder));
        }
        if !self.policy.keep_guests {
            let guests = customers.iter().enumerate().filter(|&(_, &code)| code == NONE);
            guests.for_each(|(row, _)| set(row, Reason::Guest));
        }
        let quantity = self.shape.measure("quantity").map(|at| measures[at].as_slice());
        let amount = self.shape.measure("amount").map(|at| measures[at].as_slice());
        if let Some(quantity) = quantity {
            for (row, &quantity) in quantity.iter().enumerate() {
                if quantity == 0 {
                    set(row, Reason::ZeroQuantity);
                } else if quantity < 0 && !self.policy.keep_returns {
                    set(row, Reason::Return);
                }
            }
        }
        let policy = self.policy;
        let asks_of_amount = !policy.keep_zero_prices
            || (quantity.is_some() && !policy.keep_negative_prices)
            || (quantity.is_none() && !policy.keep_returns);
        if let Some(amount) = amount.filter(|_| asks_of_amount) {
            for (row, &amount) in amount.iter().enumerate() {
                if amount > 0 {
                    continue;
                }
                let returned = quantity.map_or(amount < 0, |quantity| quantity[row] < 0);
                if amount == 0 {
                    if !self.policy.keep_zero_prices {
                        set(row, Reason::ZeroPrice);
                    }
                } else if !returned && !self.policy.keep_negative_prices {
                    set(row, Reason::NegativePrice);
                } else if quantity.is_none() && !self.policy.keep_returns {
                    set(row, Reason::Return);
                }
            }
        }
        if !reasons.iter().any(|&reason| reason != 0) {
            return;
        }
        for (row, &reason) in reasons.iter().enumerate().filter(|&(_, &reason)| reason != 0) {
            let account = &mut self.account;
            account.rows[usize::from(reason)] += 1;
            account.first_row[usize::from(reason)].get_or_insert(self.rows_seen + row as u64);
            account.amounts[usize::from(reason)] += amount.map_or(0, |amount| i128::from(amount[row]));
        }
    }

    /// Writes the rows that are used into their partitions, run by run.
    fn stage(&mut self, rows: &Rows<'_>, scratch: &Scratch) -> Result<()> {
        let Scratch { customers, items, reasons, measures } = scratch;
        let order = rows.order.as_ref();
        let times = rows.time.as_ref().map(|time| time.times);
        let items = rows.item.is_some().then_some(items.as_slice());
        let fits = |value: &i64| i32::try_from(*value).is_ok();
        let narrow = measures.iter().flatten().all(fits);
        let mut row = 0;
        while row < rows.n_rows {
            if reasons[row] != 0 {
                row += 1;
                continue;
            }
            let customer = customers[row];
            let continues = |next: usize| {
                reasons[next] == 0
                    && customers[next] == customer
                    && times.is_none_or(|times| times[next] == times[row])
                    && order.is_none_or(|order| same_order(order, row, next))
                    // A guest without an order id is an order of his own on every row.
                    && (customer != NONE || order.is_some())
            };
            let mut end = row + 1;
            while end < rows.n_rows && end - row < LONGEST_RUN && continues(end) {
                end += 1;
            }
            let time = times.map_or(0, |times| times[row]);
            let stream = match self.customer_used.get_mut(customer as usize) {
                Some(used) => {
                    *used = true;
                    customer as usize % CUSTOMER_PARTS
                }
                None => CUSTOMER_PARTS + guest_part(order, row, time),
            };
            let id = order.map(|order| order_id(order, row));
            let (id_words, id_bytes) = match id {
                None => (0, 0),
                Some(Id::Integer(_)) => (2, 0),
                Some(Id::Text(text)) => (1 + text.len().div_ceil(4), text.len()),
            };
            let many = end - row;
            let wide = !narrow && !measures.iter().all(|measure| measure[row..end].iter().all(fits));
            let line_words = self.shape.line_words(wide);
            let stream = &mut self.streams[stream];
            stream.size.orders += 1;
            stream.size.lines += many;
            stream.size.id_bytes += id_bytes;
            let words = stream.claim(4 + id_words + many * line_words)?;
            let (header, lines) = words.split_at_mut(4 + id_words);
            header[0] = many as u32 | if wide { WIDE } else { 0 };
            header[1] = customer;
            header[2..4].copy_from_slice(&halves(time));
            match id {
                None => {}
                Some(Id::Integer(id)) => header[4..6].copy_from_slice(&halves(id)),
                Some(Id::Text(text)) => {
                    header[4] = text.len() as u32;
                    bytemuck::cast_slice_mut(&mut header[5..])[..text.len()].copy_from_slice(text);
                }
            }
            if let Some(items) = items {
                for (line, &item) in lines.chunks_exact_mut(line_words).zip(&items[row..end]) {
                    line[0] = item;
                    match self.item_used.get_mut(item as usize) {
                        Some(used) => *used = true,
                        None => self.account.no_item += 1,
                    }
                }
            }
            let first = usize::from(items.is_some());
            for (at, measure) in measures.iter().enumerate() {
                for (line, &value) in lines.chunks_exact_mut(line_words).zip(&measure[row..end]) {
                    if wide {
                        line[first + 2 * at..][..2].copy_from_slice(&halves(value));
                    } else {
                        line[first + at] = value as u32;
                    }
                }
            }
            if customer == NONE {
                self.account.guests += many as u64;
            }
            row = end;
        }
        self.book_used(scratch);
        Ok(())
    }

    /// Counts the rows that are used, their money and what is worth a word.
    fn book_used(&mut self, scratch: &Scratch) {
        let reasons = &scratch.reasons;
        let amount = self.shape.measure("amount").map(|at| scratch.measures[at].as_slice());
        let sign = self.shape.measure("quantity").map(|at| scratch.measures[at].as_slice()).or(amount);
        let account = &mut self.account;
        // Blocks are short enough that their money fits 64 bits.
        for start in (0..reasons.len()).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(reasons.len());
            let used = reasons[block.clone()].iter().map(|&reason| reason == 0);
            account.rows[0] += used.clone().filter(|&used| used).count() as u64;
            if let Some(amount) = amount {
                let amount = &amount[block.clone()];
                let kept = |(&amount, used): (&i64, bool)| if used { amount } else { 0 };
                account.amounts[0] += i128::from(amount.iter().zip(used.clone()).map(kept).sum::<i64>());
                account.zero_prices += count(amount, used.clone(), |amount| amount == 0);
            }
            if let Some(sign) = sign {
                account.returns += count(&sign[block], used, |sign| sign < 0);
            }
        }
    }
}

/// Rows whose numbers are summed in 64 bits; a number has at most 2^51.
const BLOCK: usize = 1 << 11;

fn count(values: &[i64], used: impl Iterator<Item = bool>, is: impl Fn(i64) -> bool) -> u64 {
    values.iter().zip(used).map(|(&value, used)| u64::from(used && is(value))).sum()
}

/// Rows of one run at the most, so that a run fits the words of a block.
const LONGEST_RUN: usize = 1 << 12;

/// The id of an order.
#[derive(Clone, Copy)]
enum Id<'a> {
    Integer(i64),
    Text(&'a [u8]),
}

#[inline]
fn order_id<'a>(order: &IdChunk<'a>, row: usize) -> Id<'a> {
    let at = order.keys.map_or(row, |keys| keys[row] as usize);
    match order.values {
        Values::Integers(ids) => Id::Integer(ids[at]),
        Values::Texts(texts) => Id::Text(texts.get(at)),
    }
}

#[inline]
fn same_order(order: &IdChunk<'_>, a: usize, b: usize) -> bool {
    match (order.keys, order.values) {
        (Some(keys), _) => keys[a] == keys[b],
        (None, Values::Integers(ids)) => ids[a] == ids[b],
        // Equal views are equal texts; equal texts with other views only begin one more run.
        (None, Values::Texts(texts)) => texts.views[a] == texts.views[b],
    }
}

/// Spreads guests by order id, or by time where orders have none.
fn guest_part(order: Option<&IdChunk<'_>>, row: usize, time: i64) -> usize {
    use std::hash::Hasher;
    let mut hasher = rustc_hash::FxHasher::default();
    match order.map(|order| order_id(order, row)) {
        Some(Id::Text(text)) => hasher.write(text),
        Some(Id::Integer(id)) => hasher.write_i64(id),
        None => hasher.write_i64(time),
    }
    (hasher.finish() >> 32) as usize % GUEST_PARTS
}

/// Turns numbers into ten-thousandths, [`MISSING`] where there is none.
pub(crate) fn scale(chunk: &NumberChunk<'_>, scaled: &mut Vec<i64>) {
    scaled.clear();
    match chunk.numbers {
        Numbers::Floats(values) => scaled.extend(values.iter().map(|&value| {
            let units = value * UNIT;
            // Adding and taking away 1.5 * 2^52 rounds to the nearest whole number, ties to even, without a branch.
            let rounded = (units + 6_755_399_441_055_744.0) - 6_755_399_441_055_744.0;
            if units.abs() < LARGEST as f64 { rounded as i64 } else { MISSING }
        })),
        Numbers::Integers(values) => scaled.extend(values.iter().map(|&value| {
            if value.unsigned_abs() < LARGEST / UNIT as u64 { value * UNIT as i64 } else { MISSING }
        })),
        Numbers::Scaled(values) => scaled
            .extend(values.iter().map(|&value| if value.unsigned_abs() < LARGEST { value } else { MISSING })),
    }
    if let Some(valid) = chunk.valid {
        for (value, valid) in scaled.iter_mut().zip(valid) {
            if !valid {
                *value = MISSING;
            }
        }
    }
}

impl Shape {
    /// Refuses rows whose columns are not those of the ledger.
    pub(super) fn check(&self, rows: &Rows<'_>) -> Result<()> {
        let order = match rows.order.as_ref().map(|order| order.values) {
            None => OrderKey::Time,
            Some(Values::Integers(_)) => OrderKey::Integer,
            Some(Values::Texts(_)) => OrderKey::Text,
        };
        let problem = if order != self.order {
            (
                "order",
                format!("holds {order:?} ids in one part of the input and {:?} ids in another", self.order),
            )
        } else if rows.item.is_some() != self.item {
            ("item", "is there in one part of the input and not in another".to_owned())
        } else if rows.measures.len() != self.measures.len() {
            ("measures", format!("{} are there, {} were announced", rows.measures.len(), self.measures.len()))
        } else {
            return Ok(());
        };
        Err(Error::Column { column: problem.0.to_owned(), problem: problem.1 })
    }
}
