//! Histories from rows of customer, item and day, without a ledger: for a table that needs no cleaning.

use rayon::prelude::*;

use super::Histories;
use crate::control::Control;
use crate::dictionary::{Encoder, IdChunk, Ids, Merger, NONE};
use crate::error::{Error, Result};

/// Rows of a table.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The customer of each row.
    pub customers: IdChunk<'a>,
    /// What he bought.
    pub items: IdChunk<'a>,
    /// On which day.
    pub days: &'a [i32],
}

/// Histories, and what their codes stand for.
#[derive(Debug)]
pub struct Collected {
    /// The histories.
    pub histories: Histories,
    /// The sorted ids of the customers.
    pub customers: Ids,
    /// The sorted ids of the items.
    pub items: Ids,
}

/// Makes histories from rows in any order and with repeats.
///
/// Takes eight bytes a row beside the result, and four more until rows are sorted by customer.
///
/// # Errors
/// [`Error::Column`] if a row lacks an id, or texts and integers are mixed in a column; [`Error::Interrupted`] when asked to stop.
pub fn collect(chunks: &[Rows<'_>], control: &Control) -> Result<Collected> {
    let stretch = chunks.len().div_ceil(rayon::current_num_threads()).max(1);
    let parts = chunks
        .par_chunks(stretch)
        .map(|chunks| {
            let mut part = Part::default();
            let rows = chunks.iter().map(|rows| rows.days.len()).sum();
            part.customers.reserve(rows);
            part.keys.reserve(rows);
            for rows in chunks {
                control.check()?;
                part.push(rows)?;
            }
            Ok(part)
        })
        .collect::<Result<Vec<_>>>()?;
    join(parts, control)
}

/// A stretch of the rows, with codes of its own.
pub(super) struct Part {
    pub customer_ids: Encoder,
    pub item_ids: Encoder,
    /// The customer of each row.
    pub customers: Vec<u32>,
    /// Day and item of each row, see [`key`].
    pub keys: Vec<u64>,
    codes: Vec<u32>,
}

impl Default for Part {
    fn default() -> Self {
        Self {
            customer_ids: Encoder::new("customer"),
            item_ids: Encoder::new("item"),
            customers: Vec::new(),
            keys: Vec::new(),
            codes: Vec::new(),
        }
    }
}

impl Part {
    fn push(&mut self, rows: &Rows<'_>) -> Result<()> {
        let codes = &mut self.codes;
        self.customer_ids.encode(&rows.customers, codes)?;
        complete("customer", codes)?;
        self.customers.append(codes);
        self.item_ids.encode(&rows.items, codes)?;
        complete("item", codes)?;
        self.keys.extend(codes.iter().zip(rows.days).map(|(&item, &day)| key(day, item)));
        Ok(())
    }
}

fn complete(column: &str, codes: &[u32]) -> Result<()> {
    if codes.contains(&NONE) {
        let problem = "has empty ids: fill them, or drop their rows".to_owned();
        return Err(Error::Column { column: column.to_owned(), problem });
    }
    Ok(())
}

/// A day and an item as a number that sorts by day and then by item.
pub(super) fn key(day: i32, item: u32) -> u64 {
    u64::from(day.cast_unsigned() ^ 1 << 31) << 32 | u64::from(item)
}

fn day_of(key: u64) -> i32 {
    ((key >> 32) as u32 ^ 1 << 31).cast_signed()
}

/// Makes histories of all parts.
pub(super) fn join(parts: Vec<Part>, control: &Control) -> Result<Collected> {
    let (mut customers, mut items) = (Merger::new("customer"), Merger::new("item"));
    let mut rows = Vec::with_capacity(parts.len());
    for part in parts {
        control.check()?;
        customers.add(part.customer_ids)?;
        items.add(part.item_ids)?;
        rows.push((part.customers, part.keys));
    }
    let ranked = |ids: Encoder| {
        let used = vec![true; ids.len()];
        ids.finish(&used)
    };
    let ((customer_ids, customer_ranks), (item_ids, item_ranks)) =
        rayon::join(|| ranked(customers.all), || ranked(items.all));
    rows.par_iter_mut().enumerate().for_each(|(part, (of_rows, keys))| {
        let becomes = customers.becomes[part].as_ref();
        for customer in of_rows {
            *customer =
                customer_ranks[becomes.map_or(*customer, |becomes| becomes[*customer as usize]) as usize];
        }
        let becomes = items.becomes[part].as_ref();
        for key in keys {
            let code = *key as u32;
            let code = becomes.map_or(code, |becomes| becomes[code as usize]);
            *key = *key >> 32 << 32 | u64::from(item_ranks[code as usize]);
        }
    });
    control.check()?;
    let (starts, keys) = grouped(rows, customer_ids.len());
    control.check()?;
    let histories = ordered(&starts, keys, item_ids.len(), control)?;
    Ok(Collected { histories, customers: customer_ids, items: item_ids })
}

/// Puts the keys of each customer behind each other; where customers rise from row to row they are there already.
fn grouped(mut rows: Vec<(Vec<u32>, Vec<u64>)>, n_customers: usize) -> (Vec<usize>, Vec<u64>) {
    let mut starts = vec![0_usize; n_customers + 1];
    for &customer in rows.iter().flat_map(|(customers, _)| customers) {
        starts[customer as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let ends = rows.iter().flat_map(|(customers, _)| [customers.first(), customers.last()]).flatten();
    if ends.is_sorted() && rows.par_iter().all(|(customers, _)| customers.is_sorted()) {
        let mut parts = rows.drain(..).map(|(_, keys)| keys);
        let mut keys = parts.next().unwrap_or_default();
        parts.for_each(|part| keys.extend(part));
        return (starts, keys);
    }
    // Every thread looks at all rows and moves those of its own range of customers.
    let all = starts[n_customers];
    let mut keys = vec![0_u64; all];
    let ranges = rayon::current_num_threads().clamp(1, 8);
    let mut cuts: Vec<usize> =
        (0..ranges).map(|range| starts.partition_point(|&start| start < all * range / ranges)).collect();
    cuts.push(n_customers);
    let mut rest = keys.as_mut_slice();
    let mut pieces = Vec::with_capacity(ranges);
    for cut in cuts.windows(2) {
        let (piece, more) = rest.split_at_mut(starts[cut[1]] - starts[cut[0]]);
        rest = more;
        pieces.push((cut[0]..cut[1], piece));
    }
    pieces.into_par_iter().for_each(|(range, piece)| {
        let first = starts[range.start];
        let mut next: Vec<usize> = starts[range.clone()].iter().map(|&start| start - first).collect();
        for (&customer, &key) in rows.iter().flat_map(|(customers, keys)| customers.iter().zip(keys)) {
            if let Some(at) = (customer as usize).checked_sub(range.start).and_then(|at| next.get_mut(at)) {
                piece[*at] = key;
                *at += 1;
            }
        }
    });
    (starts, keys)
}

/// Customers that one thread puts in order at a time.
const STRETCH: usize = 1 << 12;

/// Makes events of the keys of each customer.
fn ordered(starts: &[usize], mut keys: Vec<u64>, n_items: usize, control: &Control) -> Result<Histories> {
    let mut stretches = Vec::new();
    let (mut rest, mut start) = (keys.as_mut_slice(), 0);
    for ends in starts[1..].chunks(STRETCH) {
        let end = ends.last().copied().unwrap_or(start);
        let (piece, more) = rest.split_at_mut(end - start);
        stretches.push((start, ends, piece));
        (rest, start) = (more, end);
    }
    let pieces = stretches
        .into_par_iter()
        .map(|(first, ends, keys)| {
            control.check()?;
            let mut piece = Piece::default();
            let mut start = 0;
            for &end in ends {
                piece.add(&mut keys[start..end - first]);
                start = end - first;
            }
            Ok(piece)
        })
        .collect::<Result<Vec<_>>>()?;
    drop(keys);
    let (mut customers, mut days, mut events, mut items) = (vec![0], Vec::new(), vec![0], Vec::new());
    for piece in pieces {
        customers.extend(piece.customers.iter().map(|end| end + days.len()));
        events.extend(piece.events.iter().map(|end| end + items.len()));
        days.extend(piece.days);
        items.extend(piece.items);
    }
    let end_day = days.iter().max().map_or(0, |&last: &i32| last.saturating_add(1));
    Ok(Histories::from_parts(customers, days, events, items, n_items, end_day))
}

/// Histories of some customers.
#[derive(Default)]
struct Piece {
    /// Where the events of each customer end.
    customers: Vec<usize>,
    days: Vec<i32>,
    /// Where the items of each event end.
    events: Vec<usize>,
    items: Vec<u32>,
}

impl Piece {
    /// Adds a customer.
    fn add(&mut self, keys: &mut [u64]) {
        if !keys.is_sorted() {
            keys.sort_unstable();
        }
        for day in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
            let mut last = NONE;
            for &key in day {
                let item = key as u32;
                if item != last {
                    self.items.push(item);
                    last = item;
                }
            }
            self.days.push(day_of(day[0]));
            self.events.push(self.items.len());
        }
        self.customers.push(self.days.len());
    }
}
