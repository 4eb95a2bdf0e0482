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

/// Rows piece by piece, each made when it is its turn: what it is made of then is in the cache, and soon free again.
pub trait Pieces: Sync {
    /// How many pieces there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the rows of one piece to `take`.
    ///
    /// # Errors
    /// Those of `take`; [`Error::Column`] for rows that cannot be read.
    fn take(&self, piece: usize, take: &mut dyn FnMut(&Rows<'_>) -> Result<()>) -> Result<()>;
}

/// Makes histories from rows in any order and with repeats.
///
/// Takes eight bytes a row beside the result, and four more until rows are sorted by customer.
///
/// # Errors
/// [`Error::Column`] if a row lacks an id, or texts and integers are mixed in a column; [`Error::Interrupted`] when asked to stop.
pub fn collect(pieces: &impl Pieces, control: &Control) -> Result<Collected> {
    let numbers: Vec<usize> = (0..pieces.len()).collect();
    let stretch = numbers.len().div_ceil(rayon::current_num_threads()).max(1);
    let parts = numbers
        .par_chunks(stretch)
        .map(|numbers| {
            let mut part = Part::default();
            for &piece in numbers {
                control.check()?;
                pieces.take(piece, &mut |rows| part.push(rows))?;
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
    let (starts, lists) = grouped(rows, customer_ids.len());
    control.check()?;
    let histories = ordered(&starts, lists, item_ids.len(), control)?;
    Ok(Collected { histories, customers: customer_ids, items: item_ids })
}

/// Puts the keys of each customer behind each other, all of his in one list; where customers rise from row to row they are there
/// already.
fn grouped(rows: Vec<(Vec<u32>, Vec<u64>)>, n_customers: usize) -> (Vec<usize>, Vec<Vec<u64>>) {
    let mut starts = vec![0_usize; n_customers + 1];
    for run in rows.iter().flat_map(|(customers, _)| customers.chunk_by(|a, b| a == b)) {
        starts[run[0] as usize + 1] += run.len();
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let ends = rows.iter().flat_map(|(customers, _)| [customers.first(), customers.last()]).flatten();
    if ends.is_sorted() && rows.par_iter().all(|(customers, _)| customers.is_sorted()) {
        return (starts, whole(rows));
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
    (starts, vec![keys])
}

/// The keys of sorted rows: a customer whom two lists share goes to the first of them.
fn whole(rows: Vec<(Vec<u32>, Vec<u64>)>) -> Vec<Vec<u64>> {
    let mut lists: Vec<Vec<u64>> = Vec::with_capacity(rows.len());
    let mut last = NONE;
    for (customers, mut keys) in rows {
        let shared = customers.partition_point(|&customer| customer == last);
        if let Some(before) = lists.last_mut() {
            before.extend(keys.drain(..shared));
        }
        if !keys.is_empty() {
            lists.push(keys);
        }
        last = customers.last().copied().unwrap_or(last);
    }
    if lists.is_empty() {
        // There may be customers without a row.
        lists.push(Vec::new());
    }
    lists
}

/// Customers that one thread puts in order at a time.
const STRETCH: usize = 1 << 12;

/// Makes events of the keys of each customer.
fn ordered(
    starts: &[usize],
    mut lists: Vec<Vec<u64>>,
    n_items: usize,
    control: &Control,
) -> Result<Histories> {
    let mut items = vec![0; starts.last().copied().unwrap_or(0)];
    let mut stretches = Vec::new();
    let (mut room, mut start) = (items.as_mut_slice(), 0);
    let mut ends = &starts[1..];
    for list in &mut lists {
        let (own, others) = ends.split_at(ends.partition_point(|&end| end <= start + list.len()));
        ends = others;
        let mut keys = list.as_mut_slice();
        for ends in own.chunks(STRETCH) {
            let length = ends.last().map_or(0, |end| end - start);
            let (piece, more) = keys.split_at_mut(length);
            let (place, rest) = room.split_at_mut(length);
            stretches.push((start, ends, piece, place));
            (keys, room, start) = (more, rest, start + length);
        }
    }
    let pieces = stretches
        .into_par_iter()
        .map(|(first, ends, keys, items)| {
            control.check()?;
            let mut piece = Piece::default();
            let mut start = 0;
            for &end in ends {
                piece.add(&mut keys[start..end - first], items);
                start = end - first;
            }
            Ok((piece, start))
        })
        .collect::<Result<Vec<_>>>()?;
    drop(lists);
    let (mut customers, mut days, mut events) = (vec![0], Vec::new(), vec![0]);
    let (mut begin, mut end) = (0, 0);
    for (piece, length) in pieces {
        customers.extend(piece.customers.iter().map(|end| end + days.len()));
        events.extend(piece.events.iter().map(|event| event + end));
        days.extend(piece.days);
        if begin > end {
            items.copy_within(begin..begin + piece.used, end);
        }
        begin += length;
        end += piece.used;
    }
    items.truncate(end);
    items.shrink_to_fit();
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
    /// How many items there are in all of them.
    used: usize,
}

impl Piece {
    /// Adds a customer, his items behind those that are there.
    fn add(&mut self, keys: &mut [u64], items: &mut [u32]) {
        if !keys.is_sorted() {
            keys.sort_unstable();
        }
        for day in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
            let mut last = NONE;
            for &key in day {
                let item = key as u32;
                if item != last {
                    items[self.used] = item;
                    self.used += 1;
                    last = item;
                }
            }
            self.days.push(day_of(day[0]));
            self.events.push(self.used);
        }
        self.customers.push(self.days.len());
    }
}
