//! Histories from a text: a customer a line, as the public sets of sequences are.

use rayon::prelude::*;

use super::collect::{Collected, Part, join, key};
use crate::control::Control;
use crate::dictionary::{IdChunk, NONE, Values};
use crate::error::{Error, Result};
use crate::lines::stretches;

/// Lines between two looks at whether to go on.
const STRIDE: usize = 1 << 12;

/// Reads histories from a text in the format of SPMF: numbers of items, `-1` after each event, `-2` at the end of the line. An event
/// may begin with its day, `<7>`; without it the first event of a customer is on day 0 and each next one a day later.
///
/// A customer's id is the number of his line, from 1. Empty lines and those that begin with `#`, `%` or `@` are no customers;
/// an event without items is none, but counts as a day.
///
/// # Errors
/// [`Error::Column`] with the line that is written otherwise; [`Error::Interrupted`] when asked to stop.
///
/// # Examples
/// ```
/// use basketry_core::histories::parse;
/// let read = parse(b"3 7 -1 3 -1 -2\n<4> 7 -1 <9> 3 -1 -2\n", &Default::default())?;
/// let log = read.histories;
/// assert_eq!((log.len(), log.items_of(0), log.items_of(1)), (2, [0, 1].as_slice(), [0].as_slice()));
/// assert_eq!((log.day(1), log.day(3), read.items.find_integer(7)), (1, 9, Some(1)));
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn parse(text: &[u8], control: &Control) -> Result<Collected> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let stretches = stretches(text);
    let lines = |stretch: &&[u8]| stretch.split(|&byte| byte == b'\n').count() - 1;
    let lines: Vec<usize> = stretches.par_iter().map(lines).collect();
    let firsts = lines.iter().scan(1, |first, lines| Some(std::mem::replace(first, *first + lines)));
    let firsts: Vec<usize> = firsts.collect();
    let parts = stretches
        .par_iter()
        .zip(firsts)
        .map(|(stretch, first)| {
            let mut part = Part::default();
            let (mut ids, mut codes) = (Vec::new(), Vec::new());
            for (number, line) in (first..).zip(stretch.split(|&byte| byte == b'\n')) {
                if number % STRIDE == 0 {
                    control.check()?;
                }
                let line = line.trim_ascii();
                if !matches!(line.first(), None | Some(b'#' | b'%' | b'@')) {
                    read(line, &mut part, &mut ids, &mut codes).map_err(|problem| Error::Column {
                        column: "data".to_owned(),
                        problem: format!("has {problem} in line {number}: items are whole numbers, -1 ends an event, -2 a customer"),
                    })??;
                    let customer = [number as i64];
                    part.customer_ids.encode(&IdChunk::plain(Values::Integers(&customer)), &mut codes)?;
                    part.customers.resize(part.keys.len(), codes[0]);
                }
            }
            Ok(part)
        })
        .collect::<Result<Vec<_>>>()?;
    join(parts, control)
}

/// Reads a line, or tells what in it is wrong.
fn read(
    line: &[u8],
    part: &mut Part,
    ids: &mut Vec<i64>,
    codes: &mut Vec<u32>,
) -> std::result::Result<Result<()>, String> {
    let start = part.keys.len();
    let (mut day, mut ended) = (0, false);
    ids.clear();
    for token in line.split(u8::is_ascii_whitespace).filter(|token| !token.is_empty()) {
        let wrong = || format!("'{}'", String::from_utf8_lossy(token));
        if ended {
            return Err(format!("{} behind -2", wrong()));
        }
        let dated = token.strip_prefix(b"<").and_then(|token| token.strip_suffix(b">"));
        let value: i64 = std::str::from_utf8(dated.unwrap_or(token))
            .ok()
            .and_then(|number| number.parse().ok())
            .ok_or_else(wrong)?;
        match value {
            _ if dated.is_some() => day = i32::try_from(value).map_err(|_| wrong())?,
            -1 => day = day.checked_add(1).ok_or_else(wrong)?,
            -2 => ended = true,
            0.. => {
                ids.push(value);
                part.keys.push(key(day, NONE));
            }
            _ => return Err(wrong()),
        }
    }
    let coded = part.item_ids.encode(&IdChunk::plain(Values::Integers(ids)), codes);
    for (place, &code) in part.keys[start..].iter_mut().zip(codes.iter()) {
        *place = *place >> 32 << 32 | u64::from(code);
    }
    Ok(coded)
}
