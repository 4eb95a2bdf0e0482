//! Baskets from rows of ids or from lists of ids: dictionaries in parallel, then sets by position.

use rayon::prelude::*;

use super::Baskets;
use crate::control::Control;
use crate::dictionary::{Encoder, IdChunk, Ids, Merger, NONE};
use crate::error::{Error, Result};
use crate::ledger::{MISSING, NumberChunk, scale};

/// A chunk of rows.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    /// Which rows belong together.
    pub baskets: Grouping<'a>,
    /// The item of each row. A row without one makes an empty basket known.
    pub items: IdChunk<'a>,
    /// Numbers of each row whose sums are wanted; only of rows with basket ids.
    pub values: Vec<NumberChunk<'a>>,
}

/// Which rows belong together.
#[derive(Debug, Clone, Copy)]
pub enum Grouping<'a> {
    /// Those with the same id, wherever they stand.
    Ids(IdChunk<'a>),
    /// Basket `i` is the rows from `offsets[i]` to `offsets[i + 1]`, counted from the first offset.
    Lists(&'a [i64]),
}

/// What the caller calls the columns.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The column of basket ids.
    pub basket: String,
    /// The columns of numbers.
    pub values: Vec<String>,
}

/// Baskets in the order in which they appear, the sorted ids of their items, and the sums of the values.
#[derive(Debug)]
pub struct Collected {
    /// The baskets.
    pub baskets: Baskets,
    /// What the codes of items stand for.
    pub ids: Ids,
    /// For each value its sum over the rows of each item of each basket, in ten-thousandths.
    pub values: Vec<Vec<i64>>,
}

/// Makes baskets from rows in any order and with repeats.
///
/// # Errors
/// [`Error::Column`] if a row has no basket, or texts and integers are mixed in a column; [`Error::Overflow`] for a sum that
/// does not fit; [`Error::Interrupted`] when asked to stop.
pub fn collect(chunks: &[Rows<'_>], names: &Names, control: &Control) -> Result<Collected> {
    let firsts: Vec<usize> = chunks
        .iter()
        .scan(0, |first, rows| Some(std::mem::replace(first, *first + rows.items.len())))
        .collect();
    let stretch = chunks.len().div_ceil(rayon::current_num_threads()).max(1);
    let parts = chunks
        .par_chunks(stretch)
        .zip(firsts.par_chunks(stretch))
        .map(|(chunks, firsts)| {
            let mut part = Part::new();
            part.codes.reserve(chunks.iter().map(|rows| rows.items.len()).sum());
            for (rows, &first) in chunks.iter().zip(firsts) {
                control.check()?;
                part.push(rows, first, names)?;
            }
            Ok(part)
        })
        .collect::<Result<Vec<_>>>()?;
    let joined = Joined::new(parts, control)?;
    let values = match chunks.first() {
        Some(rows) if !rows.values.is_empty() => {
            let sums =
                names.values.iter().enumerate().map(|(at, name)| joined.sums(chunks, at, name, control));
            sums.collect::<Result<_>>()?
        }
        _ => Vec::new(),
    };
    Ok(Collected { baskets: joined.baskets, ids: joined.ids, values })
}

/// A stretch of the rows, with codes of its own.
pub(super) struct Part {
    pub(super) items: Encoder,
    pub(super) codes: Vec<u32>,
    pub(super) groups: Groups,
}

pub(super) enum Groups {
    /// Where each basket ends.
    Ends(Vec<usize>),
    /// The basket of each row.
    Codes(Encoder, Vec<u32>),
}

impl Part {
    pub(super) fn new() -> Self {
        Self { items: Encoder::new("item"), codes: Vec::new(), groups: Groups::Ends(Vec::new()) }
    }

    fn push(&mut self, rows: &Rows<'_>, first: usize, names: &Names) -> Result<()> {
        let mut codes = Vec::new();
        self.items.encode(&rows.items, &mut codes)?;
        match rows.baskets {
            Grouping::Lists(offsets) => {
                let start = self.codes.len();
                let complete = !codes.contains(&NONE);
                let Groups::Ends(ends) = &mut self.groups else { return Ok(()) };
                for list in offsets.windows(2) {
                    let list = (list[0] - offsets[0]) as usize..(list[1] - offsets[0]) as usize;
                    if complete {
                        ends.push(start + list.end);
                    } else {
                        self.codes.extend(codes[list].iter().filter(|&&code| code != NONE));
                        ends.push(self.codes.len());
                    }
                }
                if complete {
                    self.codes.append(&mut codes);
                }
            }
            Grouping::Ids(ids) => {
                self.codes.append(&mut codes);
                if let Groups::Ends(_) = self.groups {
                    let baskets = Vec::with_capacity(self.codes.capacity());
                    self.groups = Groups::Codes(Encoder::new("basket"), baskets);
                }
                let Groups::Codes(encoder, baskets) = &mut self.groups else { return Ok(()) };
                encoder.encode(&ids, &mut codes)?;
                if let Some(row) = codes.iter().position(|&code| code == NONE) {
                    let row = first + row + 1;
                    return Err(Error::Column {
                        column: names.basket.clone(),
                        problem: format!(
                            "is empty at row {row}: fill it, or drop the rows that belong to no basket"
                        ),
                    });
                }
                baskets.append(&mut codes);
            }
        }
        Ok(())
    }
}

/// All parts with the same codes.
pub(super) struct Joined {
    pub(super) baskets: Baskets,
    pub(super) ids: Ids,
    /// For each part the basket and the item of each row, if rows have basket ids.
    rows: Vec<(Vec<u32>, Vec<u32>)>,
}

impl Joined {
    pub(super) fn new(parts: Vec<Part>, control: &Control) -> Result<Self> {
        let (mut items, mut groups) = (Merger::new("item"), Merger::new("basket"));
        let mut codes = Vec::with_capacity(parts.len());
        let mut by_part = Vec::with_capacity(parts.len());
        let (mut ends, mut start, mut lists) = (vec![0], 0, false);
        for part in parts {
            control.check()?;
            items.add(part.items)?;
            match part.groups {
                Groups::Ends(mut more) => {
                    lists |= !more.is_empty();
                    for end in &mut more {
                        *end += start;
                    }
                    ends.append(&mut more);
                    by_part.push(Vec::new());
                }
                Groups::Codes(encoder, baskets) => {
                    groups.add(encoder)?;
                    by_part.push(baskets);
                }
            }
            start += part.codes.len();
            codes.push(part.codes);
        }
        let n_baskets = groups.all.len();
        let (ids, ranks) = {
            let used = vec![true; items.all.len()];
            items.all.finish(&used)
        };
        let mut rows: Vec<(Vec<u32>, Vec<u32>)> = by_part.into_iter().zip(codes).collect();
        rows.par_iter_mut().enumerate().for_each(|(part, (baskets, codes))| {
            if let Some(becomes) = groups.becomes.get(part).and_then(Option::as_ref) {
                for basket in &mut *baskets {
                    *basket = becomes[*basket as usize];
                }
            }
            let becomes = items.becomes[part].as_ref();
            for code in codes.iter_mut().filter(|code| **code != NONE) {
                *code = ranks[becomes.map_or(*code, |becomes| becomes[*code as usize]) as usize];
            }
        });
        control.check()?;
        let (starts, items) = if lists {
            (ends, rows.drain(..).map(|(_, codes)| codes).collect::<Vec<_>>().concat())
        } else {
            grouped(&rows, n_baskets)
        };
        control.check()?;
        let (offsets, items) = tidy(starts, items, ids.len());
        Ok(Self { baskets: Baskets::from_parts(offsets, items, ids.len()), ids, rows })
    }

    /// The sums of one value over the rows of each item of each basket.
    fn sums(&self, chunks: &[Rows<'_>], at: usize, name: &str, control: &Control) -> Result<Vec<i64>> {
        let mut first = 0;
        let mut sums = vec![0_i64; self.baskets.items().len()];
        let mut rows = self.rows.iter().flat_map(|(baskets, items)| baskets.iter().zip(items));
        let mut scaled = Vec::new();
        for chunk in chunks {
            control.check()?;
            scale(&chunk.values[at], &mut scaled);
            if let Some((row, value)) = chunk.values[at].unfit(&scaled) {
                let row = first + row + 1;
                return Err(Error::Column {
                    column: name.to_owned(),
                    problem: format!(
                        "holds {value} at row {row}: a value is a number below 225 billion, or missing"
                    ),
                });
            }
            first += scaled.len();
            // The numbers come first: where they end, no row is lost.
            for (&value, (&basket, &item)) in scaled.iter().zip(rows.by_ref()) {
                let held = self.baskets.items_of(basket as usize).binary_search(&item);
                if let (Ok(place), true) = (held, value != MISSING) {
                    let sum = &mut sums[self.baskets.offsets[basket as usize] + place];
                    *sum =
                        sum.checked_add(value).ok_or_else(|| Error::Overflow { column: name.to_owned() })?;
                }
            }
        }
        Ok(sums)
    }
}

/// Puts the items of each basket behind each other; baskets in rows that rise are there already.
fn grouped(rows: &[(Vec<u32>, Vec<u32>)], n_baskets: usize) -> (Vec<usize>, Vec<u32>) {
    let ends = rows.iter().flat_map(|(baskets, _)| [baskets.first(), baskets.last()]).flatten();
    let rises = ends.is_sorted() && rows.par_iter().all(|(baskets, _)| baskets.is_sorted());
    if rises && rows.par_iter().all(|(_, items)| !items.contains(&NONE)) {
        let (mut starts, mut last, mut first) = (Vec::with_capacity(n_baskets + 1), NONE, 0);
        for (baskets, _) in rows {
            for (row, &basket) in (first..).zip(baskets) {
                if basket != last {
                    starts.push(row);
                    last = basket;
                }
            }
            first += baskets.len();
        }
        starts.push(first);
        let items: Vec<&[u32]> = rows.iter().map(|(_, items)| items.as_slice()).collect();
        return (starts, items.concat());
    }
    let rows_with_items =
        || rows.iter().flat_map(|(baskets, items)| baskets.iter().zip(items)).filter(|row| *row.1 != NONE);
    let mut starts = vec![0_usize; n_baskets + 1];
    rows_with_items().for_each(|(&basket, _)| starts[basket as usize + 1] += 1);
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let all = starts[n_baskets];
    if rises {
        return (starts, rows_with_items().map(|(_, &item)| item).collect());
    }
    // Every thread looks at all rows and moves those of its own range of baskets.
    let mut items = vec![0_u32; all];
    let ranges = rayon::current_num_threads().clamp(1, 8);
    let cuts: Vec<usize> =
        (0..=ranges).map(|range| starts.partition_point(|&start| start < all * range / ranges)).collect();
    let mut rest = items.as_mut_slice();
    let mut pieces = Vec::with_capacity(ranges);
    for cut in cuts.windows(2) {
        let end = if cut[1] > n_baskets { all } else { starts[cut[1]] };
        let (piece, more) = rest.split_at_mut(end - starts[cut[0].min(n_baskets)]);
        rest = more;
        pieces.push((cut[0]..cut[1].min(n_baskets), piece));
    }
    pieces.into_par_iter().for_each(|(range, piece)| {
        let first = starts[range.start.min(n_baskets)];
        let mut next: Vec<u32> = starts[range.clone()].iter().map(|&start| (start - first) as u32).collect();
        for (&basket, &item) in rows_with_items() {
            if let Some(at) = (basket as usize).checked_sub(range.start).and_then(|at| next.get_mut(at)) {
                piece[*at as usize] = item;
                *at += 1;
            }
        }
    });
    (starts, items)
}

/// Baskets that are put in order at a time.
const STRETCH: usize = 1 << 12;

/// Sorts the items of each basket and takes repeats out.
fn tidy(mut offsets: Vec<usize>, mut items: Vec<u32>, n_items: usize) -> (Vec<usize>, Vec<u32>) {
    let mut stretches = Vec::new();
    let (mut rest, mut start) = (items.as_mut_slice(), 0);
    for ends in offsets[1..].chunks_mut(STRETCH) {
        let end = ends.last().copied().unwrap_or(start);
        let (piece, more) = rest.split_at_mut(end - start);
        stretches.push((start, ends, piece));
        (rest, start) = (more, end);
    }
    // The items that stay stand at the front of each stretch, and its ends are told from there.
    let kept: Vec<(usize, usize)> = stretches
        .into_par_iter()
        .map(|(first, ends, items)| {
            for end in &mut *ends {
                *end -= first;
            }
            sort(ends, items, n_items);
            (first, dedup(ends, items))
        })
        .collect();
    let mut end = 0;
    for ((first, kept), ends) in kept.into_iter().zip(offsets[1..].chunks_mut(STRETCH)) {
        for at in &mut *ends {
            *at += end;
        }
        if first != end {
            items.copy_within(first..first + kept, end);
        }
        end += kept;
    }
    items.truncate(end);
    (offsets, items)
}

/// Sorts the items of each basket of a stretch.
fn sort(ends: &[usize], items: &mut [u32], n_items: usize) {
    let mut start = 0;
    if n_items > 2 * items.len() {
        for &end in ends {
            items[start..end].sort_unstable();
            start = end;
        }
        return;
    }
    let sorted = ends.iter().all(|&end| {
        let row = std::mem::replace(&mut start, end)..end;
        items[row].is_sorted()
    });
    if sorted {
        return;
    }
    // No two items are compared: baskets are dealt out to their items, and then item after item is put into its baskets.
    let mut next = vec![0_u32; n_items + 1];
    for &item in &*items {
        next[item as usize + 1] += 1;
    }
    for at in 1..next.len() {
        next[at] += next[at - 1];
    }
    let mut dealt = vec![0_u32; items.len()];
    let (mut places, mut start) = (Vec::with_capacity(ends.len()), 0);
    for (basket, &end) in (0..).zip(ends) {
        places.push(start as u32);
        for &item in &items[start..end] {
            let at = &mut next[item as usize];
            dealt[*at as usize] = basket;
            *at += 1;
        }
        start = end;
    }
    let mut start = 0;
    for (item, &end) in (0..).zip(&next[..n_items]) {
        for &basket in &dealt[start as usize..end as usize] {
            let place = &mut places[basket as usize];
            items[*place as usize] = item;
            *place += 1;
        }
        start = end;
    }
}

/// Takes repeats out of the sorted items of each basket of a stretch, and tells how many items stay.
fn dedup(ends: &mut [usize], items: &mut [u32]) -> usize {
    let (mut kept, mut start) = (0, 0);
    for end in ends {
        let row = std::mem::replace(&mut start, *end)..*end;
        let begin = kept;
        for at in row {
            let item = items[at];
            if kept == begin || items[kept - 1] != item {
                items[kept] = item;
                kept += 1;
            }
        }
        *end = kept;
    }
    kept
}
