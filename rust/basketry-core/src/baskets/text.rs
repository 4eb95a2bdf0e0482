//! Baskets from a text: a basket a line, items separated by blanks, as the public sets of the itemset mining repository are.

use arrow_buffer::Buffer;
use rayon::prelude::*;

use super::Baskets;
use super::collect::{Groups, Joined, Part};
use crate::control::Control;
use crate::dictionary::{IdChunk, Ids, TextChunk, Values};
use crate::error::{Error, Result};
use crate::lines::stretches;

/// Reads baskets from a text. Items are integers if all of them are written as such, else texts. An empty line is an
/// empty basket.
///
/// # Errors
/// [`Error::Column`] for bytes that are no text; [`Error::Interrupted`] when asked to stop.
///
/// # Examples
/// ```
/// use basketry_core::baskets::parse;
/// let (shop, ids) = parse(b"3 1 3\n\n2\n", &Default::default())?;
/// assert_eq!((shop.len(), shop.items_of(0), ids.find_integer(3)), (3, [0, 2].as_slice(), Some(2)));
/// # Ok::<(), basketry_core::Error>(())
/// ```
pub fn parse(text: &[u8], control: &Control) -> Result<(Baskets, Ids)> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let stretches = stretches(text);
    let read = |part: fn(&[u8], &Control) -> Result<Option<Part>>| {
        stretches.par_iter().map(|stretch| part(stretch, control)).collect::<Result<Option<Vec<_>>>>()
    };
    let parts = if let Some(parts) = read(integers)? {
        parts
    } else {
        check_text(text)?;
        read(texts)?.unwrap_or_default()
    };
    let joined = Joined::new(parts, control)?;
    Ok((joined.baskets, joined.ids))
}

/// Ids that are coded at a time.
const AT_ONCE: usize = 1 << 12;

/// Reads a stretch in which all items are integers; nothing if one is not.
fn integers(text: &[u8], control: &Control) -> Result<Option<Part>> {
    let mut part = Part::new();
    let (mut ends, mut ids, mut codes) = (Vec::new(), Vec::with_capacity(AT_ONCE), Vec::new());
    part.codes.reserve(text.len() / 4);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if ids.len() >= AT_ONCE {
            control.check()?;
            part.items.encode(&IdChunk::plain(Values::Integers(&ids)), &mut codes)?;
            part.codes.append(&mut codes);
            ids.clear();
        }
        if let Some((id, digits, after)) = short(&text[at..]) {
            ids.push(id);
            at += digits + 1;
            if after == b'\n' {
                ends.push(part.codes.len() + ids.len());
            }
            continue;
        }
        if byte <= b' ' {
            if byte == b'\n' {
                ends.push(part.codes.len() + ids.len());
            }
            at += 1;
            continue;
        }
        let negative = byte == b'-';
        at += usize::from(negative);
        let (start, mut id) = (at, 0_i64);
        while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
            id = id.wrapping_mul(10).wrapping_add(i64::from(digit));
            at += 1;
        }
        // A leading zero belongs to a code, not to a number: 007 is not 7.
        let digits = at - start;
        let padded = text.get(start) == Some(&b'0') && (digits > 1 || negative);
        if !(1..=18).contains(&digits) || padded || text.get(at).is_some_and(|&byte| byte > b' ') {
            return Ok(None);
        }
        ids.push(if negative { -id } else { id });
    }
    part.items.encode(&IdChunk::plain(Values::Integers(&ids)), &mut codes)?;
    part.codes.append(&mut codes);
    Ok(Some(part.ended(ends, text)))
}

/// Reads a number of up to seven digits and the blank after it, eight bytes at once and without a branch for each digit: number,
/// digits, blank. Nothing for all else.
#[inline]
fn short(text: &[u8]) -> Option<(i64, usize, u8)> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(*text.first_chunk()?);
    // Digits become 0 to 9; of every other byte the high bit is set, up to the first of them.
    let values = word ^ 0x3030_3030_3030_3030;
    let others = (((values & !HIGH) + 0x7676_7676_7676_7676) | values) & HIGH;
    let digits = others.trailing_zeros() as usize / 8;
    let after = (word >> (8 * (digits & 7))) as u8;
    if !(1..8).contains(&digits) || after > b' ' || (digits > 1 && values.trailing_zeros() >= 8) {
        return None;
    }
    // Neighbours are joined to pairs, to fours, to the whole.
    let sum = values << (64 - 8 * digits);
    let sum = (sum & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(2561) >> 8;
    let sum = (sum & 0x00FF_00FF_00FF_00FF).wrapping_mul(6_553_601) >> 16;
    let sum = (sum & 0x0000_FFFF_0000_FFFF).wrapping_mul(42_949_672_960_001) >> 32;
    Some((sum as i64, digits, after))
}

/// Reads a stretch in which items are texts.
fn texts(text: &[u8], control: &Control) -> Result<Option<Part>> {
    let mut part = Part::new();
    let (mut ends, mut views, mut codes) = (Vec::new(), Vec::with_capacity(AT_ONCE), Vec::new());
    let buffers = [Buffer::from_slice_ref(text)];
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte <= b' ' {
            if byte == b'\n' {
                ends.push(part.codes.len() + views.len());
            }
            at += 1;
            continue;
        }
        let rest = &text[at..];
        let item = &rest[..rest.iter().position(|&byte| byte <= b' ').unwrap_or(rest.len())];
        views.push(TextChunk::view(item, at as u32));
        at += item.len();
        if views.len() == AT_ONCE {
            control.check()?;
            let chunk = TextChunk { views: &views, buffers: &buffers };
            part.items.encode(&IdChunk::plain(Values::Texts(chunk)), &mut codes)?;
            part.codes.append(&mut codes);
            views.clear();
        }
    }
    let chunk = TextChunk { views: &views, buffers: &buffers };
    part.items.encode(&IdChunk::plain(Values::Texts(chunk)), &mut codes)?;
    part.codes.append(&mut codes);
    Ok(Some(part.ended(ends, text)))
}

impl Part {
    /// Ends the last line of a stretch, which may lack its end.
    fn ended(mut self, mut ends: Vec<usize>, text: &[u8]) -> Self {
        if text.last().is_some_and(|&byte| byte != b'\n') {
            ends.push(self.codes.len());
        }
        self.groups = Groups::Ends(ends);
        self
    }
}

/// Refuses bytes that are no UTF-8, with their line.
fn check_text(text: &[u8]) -> Result<()> {
    let Err(error) = std::str::from_utf8(text) else { return Ok(()) };
    let at = error.valid_up_to();
    let line = text[..at].split(|&byte| byte == b'\n').count();
    let start = text[..at].iter().rposition(|&byte| byte <= b' ').map_or(0, |blank| blank + 1);
    let end = text[at..].iter().position(|&byte| byte <= b' ').map_or(text.len(), |blank| at + blank);
    let value = String::from_utf8_lossy(&text[start..end.min(start + 40)]);
    Err(Error::Column {
        column: "item".to_owned(),
        problem: format!(
            "holds bytes that are no UTF-8 at line {line}: '{value}'; convert the file to UTF-8"
        ),
    })
}
