//! From the ids of a shop (texts or integers) to dense codes, chunk by chunk.
//!
//! While rows stream in, an [`Encoder`] numbers ids in the order in which they appear. At the end the ids that were used are
//! sorted, and a table of ranks turns the first numbers into final codes: the same codes for any order of rows.

use arrow_buffer::{Buffer, ScalarBuffer};
use hashbrown::HashTable;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::error::{Error, Result};

/// The code of a missing id.
pub const NONE: u32 = u32::MAX;

/// Texts in Arrow's view layout: 16 bytes a text, short ones inline, long ones in shared buffers.
#[derive(Debug, Clone, Copy)]
pub struct TextChunk<'a> {
    /// One view a text.
    pub views: &'a [u128],
    /// What the views of long texts point into.
    pub buffers: &'a [Buffer],
}

/// The longest text that a view holds inline.
const INLINE: usize = 12;

impl<'a> TextChunk<'a> {
    /// The view of a text that stands at `offset` of the first buffer.
    pub(crate) fn view(text: &[u8], offset: u32) -> u128 {
        let mut view = [0; 16];
        view[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
        if text.len() <= INLINE {
            view[4..4 + text.len()].copy_from_slice(text);
        } else {
            view[4..8].copy_from_slice(&text[..4]);
            view[12..].copy_from_slice(&offset.to_le_bytes());
        }
        u128::from_le_bytes(view)
    }

    /// The bytes of one text.
    #[inline]
    pub fn get(&self, row: usize) -> &'a [u8] {
        let view = &self.views[row];
        let length = *view as u32 as usize;
        if length <= INLINE {
            &bytemuck::bytes_of(view)[4..4 + length]
        } else {
            let offset = (view >> 96) as u32 as usize;
            &self.buffers[(view >> 64) as u32 as usize][offset..offset + length]
        }
    }
}

/// A chunk of an id column.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// Whole numbers.
    Integers(&'a [i64]),
    /// Texts.
    Texts(TextChunk<'a>),
}

impl Values<'_> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Texts(texts) => texts.views.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A chunk of an id column as it arrives: plain, or as keys into distinct values.
#[derive(Debug, Clone, Copy)]
pub struct IdChunk<'a> {
    /// The ids, or the distinct ids if there are keys.
    pub values: Values<'a>,
    /// Positions in `values`, one a row.
    pub keys: Option<&'a [u32]>,
    /// Which rows hold an id; `None` if all do.
    pub valid: Option<&'a arrow_buffer::BooleanBuffer>,
}

impl<'a> IdChunk<'a> {
    /// A plain chunk without missing ids.
    pub fn plain(values: Values<'a>) -> Self {
        Self { values, keys: None, valid: None }
    }

    /// How many rows the chunk has.
    pub fn len(&self) -> usize {
        self.keys.map_or_else(|| self.values.len(), <[u32]>::len)
    }

    /// Whether the chunk has no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A column of ids that is complete: of customers and items sorted and distinct, so that a position is a code; of orders as
/// they stand.
#[derive(Debug, Clone, PartialEq)]
pub enum Ids {
    /// Whole numbers.
    Integers(ScalarBuffer<i64>),
    /// Texts, one after the other: text `i` is `bytes[offsets[i]..offsets[i + 1]]`.
    Texts {
        /// One more than there are texts.
        offsets: ScalarBuffer<u64>,
        /// UTF-8.
        bytes: Buffer,
    },
}

impl Ids {
    /// Makes a column of texts.
    pub fn from_texts<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        let (mut offsets, mut bytes) = (vec![0], Vec::new());
        for text in texts {
            bytes.extend_from_slice(text.as_ref());
            offsets.push(bytes.len() as u64);
        }
        Self::Texts { offsets: offsets.into(), bytes: Buffer::from_vec(bytes) }
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Texts { offsets, .. } => offsets.len() - 1,
        }
    }

    /// Whether there is no id.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of text `i` of a text column; empty for a column of integers.
    pub fn text(&self, i: usize) -> &[u8] {
        match self {
            Self::Integers(_) => &[],
            Self::Texts { offsets, bytes } => &bytes[offsets[i] as usize..offsets[i + 1] as usize],
        }
    }

    /// An id as a text.
    pub fn label(&self, i: usize) -> String {
        match self {
            Self::Integers(values) => values[i].to_string(),
            Self::Texts { .. } => String::from_utf8_lossy(self.text(i)).into_owned(),
        }
    }

    /// The code of a number among sorted ids.
    pub fn find_integer(&self, id: i64) -> Option<u32> {
        match self {
            Self::Integers(known) => known.binary_search(&id).ok().map(|code| code as u32),
            Self::Texts { .. } => None,
        }
    }

    /// The code of a text among sorted ids.
    pub fn find_text(&self, id: &[u8]) -> Option<u32> {
        let Self::Texts { .. } = self else { return None };
        let (mut start, mut end) = (0, self.len());
        while start < end {
            let middle = usize::midpoint(start, end);
            if self.text(middle) < id {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        (start < self.len() && self.text(start) == id).then_some(start as u32)
    }

    /// A range of the ids, without a copy.
    #[must_use]
    pub fn slice(&self, start: usize, length: usize) -> Self {
        match self {
            Self::Integers(values) => Self::Integers(values.slice(start, length)),
            Self::Texts { offsets, bytes } => {
                Self::Texts { offsets: offsets.slice(start, length + 1), bytes: bytes.clone() }
            }
        }
    }
}

/// Numbers ids in the order in which they appear.
#[derive(Debug)]
pub struct Encoder {
    /// What the ids are ids of: the canonical column name, for errors.
    column: &'static str,
    known: Known,
}

#[derive(Debug)]
enum Known {
    Nothing,
    Integers(Integers),
    Texts(Texts),
}

impl Encoder {
    /// An encoder that knows no id yet.
    pub fn new(column: &'static str) -> Self {
        Self { column, known: Known::Nothing }
    }

    /// How many distinct ids were seen.
    pub fn len(&self) -> usize {
        match &self.known {
            Known::Nothing => 0,
            Known::Integers(known) => known.ids.len(),
            Known::Texts(known) => known.views.len(),
        }
    }

    /// Whether no id was seen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces `codes` by the codes of a chunk, [`NONE`] where the id is missing.
    ///
    /// # Errors
    /// [`Error::Column`] if texts follow integers or the other way round, [`Error::TooMany`] past 2^32 - 2 distinct ids.
    pub fn encode(&mut self, chunk: &IdChunk<'_>, codes: &mut Vec<u32>) -> Result<()> {
        codes.clear();
        if chunk.values.is_empty() {
            // All ids are missing. A column without a type comes as integers, so that only texts are known to be texts.
            if let (Values::Texts(_), Known::Nothing) = (chunk.values, &self.known) {
                self.known = Known::Texts(Texts::default());
            }
            codes.resize(chunk.len(), NONE);
            return Ok(());
        }
        match (chunk.values, &mut self.known) {
            (Values::Integers(_), Known::Texts(_)) => return Err(self.mixed("integers", "text")),
            (Values::Texts(_), Known::Integers(_)) => return Err(self.mixed("text", "integers")),
            (Values::Integers(_), known @ Known::Nothing) => *known = Known::Integers(Integers::default()),
            (Values::Texts(_), known @ Known::Nothing) => *known = Known::Texts(Texts::default()),
            _ => {}
        }
        let valid = chunk.valid.filter(|_| chunk.keys.is_none());
        match (chunk.values, &mut self.known) {
            (Values::Integers(values), Known::Integers(known)) => known.encode(values, valid, codes),
            (Values::Texts(texts), Known::Texts(known)) => known.encode(&texts, valid, codes),
            _ => {}
        }
        if let Some(keys) = chunk.keys {
            let of_values = std::mem::take(codes);
            match chunk.valid {
                None => codes.extend(keys.iter().map(|&key| of_values[key as usize])),
                Some(valid) => codes.extend(
                    keys.iter()
                        .zip(valid)
                        .map(|(&key, valid)| if valid { of_values[key as usize] } else { NONE }),
                ),
            }
        }
        if self.len() >= NONE as usize {
            return Err(Error::TooMany {
                what: self.column,
                count: self.len() as u64,
                most: u64::from(NONE) - 1,
            });
        }
        Ok(())
    }

    /// Takes over the ids of another encoder: replaces `codes` by what its codes become here.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub(crate) fn absorb(&mut self, other: &Self, codes: &mut Vec<u32>) -> Result<()> {
        codes.clear();
        match (&other.known, &mut self.known) {
            (Known::Nothing, _) => {}
            (Known::Integers(other), _) => {
                self.encode(&IdChunk::plain(Values::Integers(&other.ids)), codes)?;
            }
            (Known::Texts(_), Known::Integers(_)) => return Err(self.mixed("text", "integers")),
            (Known::Texts(other), known) => {
                if let Known::Nothing = known {
                    *known = Known::Texts(Texts::default());
                }
                if let Known::Texts(known) = known {
                    codes.extend(
                        (0..other.views.len()).map(|code| known.code(other.views[code], other.get(code))),
                    );
                }
            }
        }
        Ok(())
    }

    /// Sorts the ids that were used and tells the rank of each code among them ([`NONE`] for an unused one).
    pub fn finish(self, used: &[bool]) -> (Ids, Vec<u32>) {
        let mut ranks = vec![NONE; self.len()];
        let codes = (0..self.len() as u32).into_par_iter().filter(|&code| used[code as usize]);
        let ids = match self.known {
            Known::Nothing => Ids::Integers(Vec::new().into()),
            Known::Integers(known) => {
                let mut sorted: Vec<(i64, u32)> =
                    codes.map(|code| (known.ids[code as usize], code)).collect();
                sorted.par_sort_unstable();
                for (rank, &(_, code)) in sorted.iter().enumerate() {
                    ranks[code as usize] = rank as u32;
                }
                Ids::Integers(sorted.into_iter().map(|(id, _)| id).collect())
            }
            Known::Texts(known) => {
                let mut sorted: Vec<(u64, u32)> =
                    codes.map(|code| (leading(known.get(code as usize)), code)).collect();
                sorted.par_sort_unstable_by(|a, b| {
                    a.0.cmp(&b.0).then_with(|| known.get(a.1 as usize).cmp(known.get(b.1 as usize)))
                });
                for (rank, &(_, code)) in sorted.iter().enumerate() {
                    ranks[code as usize] = rank as u32;
                }
                Ids::from_texts(sorted.iter().map(|&(_, code)| known.get(code as usize)))
            }
        };
        (ids, ranks)
    }

    fn mixed(&self, now: &str, before: &str) -> Error {
        Error::Column {
            column: self.column.to_owned(),
            problem: format!(
                "holds {now} in one part of the input and {before} before: read ids as text throughout"
            ),
        }
    }
}

/// The first eight bytes as a number that sorts like the text.
fn leading(text: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = text.len().min(8);
    first[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(first)
}

/// Whole numbers: small ones through a table, the others through a hash map; none is looked up while they only rise.
#[derive(Debug, Default)]
struct Integers {
    ids: Vec<i64>,
    /// Whether an id was smaller than one before it, so that ids have to be looked up.
    mixed: bool,
    small: Vec<u32>,
    large: FxHashMap<i64, u32>,
}

impl Integers {
    fn encode(&mut self, values: &[i64], valid: Option<&arrow_buffer::BooleanBuffer>, codes: &mut Vec<u32>) {
        let mut last = (values.first().map_or(0, |first| !first), NONE);
        let mut code = |id: i64| {
            if id != last.0 {
                last = (id, self.code(id));
            }
            last.1
        };
        match valid {
            None => codes.extend(values.iter().map(|&id| code(id))),
            Some(valid) => {
                codes
                    .extend(values.iter().zip(valid).map(|(&id, valid)| if valid { code(id) } else { NONE }));
            }
        }
    }

    #[inline]
    fn code(&mut self, id: i64) -> u32 {
        match self.small.get(id as usize) {
            Some(&code) if code != NONE => code,
            _ => self.learn(id),
        }
    }

    /// The slow path: an id out of the table, or a new one.
    fn learn(&mut self, id: i64) -> u32 {
        let next = self.ids.len() as u32;
        if !self.mixed {
            match self.ids.last() {
                Some(&last) if id < last => {
                    self.mixed = true;
                    for id in std::mem::take(&mut self.ids) {
                        self.learn(id);
                    }
                }
                Some(&last) if id == last => return next - 1,
                _ => {
                    self.ids.push(id);
                    return next;
                }
            }
        }
        // The table may be 8 times as long as there are ids: dense numbering, the usual case, never meets the map.
        let reach = (8 * (self.ids.len() + 8192)).max(self.small.len());
        if (0..reach as i64).contains(&id) {
            if id as usize >= self.small.len() {
                let length = (id as usize + 1).next_power_of_two().max(2 * self.small.len());
                self.small.resize(length, NONE);
                for (code, &known) in self.ids.iter().enumerate() {
                    if (0..length as i64).contains(&known) {
                        self.small[known as usize] = code as u32;
                    }
                }
            }
            let slot = &mut self.small[id as usize];
            if *slot == NONE {
                *slot = next;
                self.ids.push(id);
            }
            return *slot;
        }
        *self.large.entry(id).or_insert_with(|| {
            self.ids.push(id);
            next
        })
    }
}

/// Texts: own views, long texts in one arena, a hash table of codes.
#[derive(Debug, Default)]
struct Texts {
    views: Vec<u128>,
    arena: Vec<u8>,
    /// The upper half of the hash beside the code saves most look-ups of the text itself.
    table: HashTable<(u32, u32)>,
}

impl Texts {
    fn get(&self, code: usize) -> &[u8] {
        let view = &self.views[code];
        let length = *view as u32 as usize;
        if length <= INLINE {
            &bytemuck::bytes_of(view)[4..4 + length]
        } else {
            let offset = (view >> 64) as u64 as usize;
            &self.arena[offset..offset + length]
        }
    }

    fn encode(
        &mut self,
        chunk: &TextChunk<'_>,
        valid: Option<&arrow_buffer::BooleanBuffer>,
        codes: &mut Vec<u32>,
    ) {
        codes.reserve(chunk.views.len());
        let mut last = (chunk.views.first().map_or(0, |first| !first), NONE);
        for (row, &view) in chunk.views.iter().enumerate() {
            if valid.is_some_and(|valid| !valid.value(row)) {
                codes.push(NONE);
                continue;
            }
            if view != last.0 {
                let text = if view as u32 as usize <= INLINE { &[] } else { chunk.get(row) };
                last = (view, self.code(view, text));
            }
            codes.push(last.1);
        }
    }

    /// The code of a text: of a short one by its view alone, of a long one by its bytes.
    fn code(&mut self, view: u128, text: &[u8]) -> u32 {
        let next = self.views.len() as u32;
        let short = view as u32 as usize <= INLINE;
        let hash = if short { hash_words(view as u64, (view >> 64) as u64) } else { hash_bytes(text) };
        let tag = (hash >> 32) as u32;
        let (views, arena) = (&self.views, &self.arena);
        let same = |&(other, code): &(u32, u32)| {
            other == tag && {
                let known = views[code as usize];
                if short {
                    known == view
                } else {
                    let length = known as u32 as usize;
                    let offset = (known >> 64) as u64 as usize;
                    length == text.len() && &arena[offset..offset + length] == text
                }
            }
        };
        // The table keeps the upper half of each hash, which is all that growing it needs.
        match self
            .table
            .entry(u64::from(tag).wrapping_mul(SPREAD), same, |&(tag, _)| u64::from(tag).wrapping_mul(SPREAD))
        {
            hashbrown::hash_table::Entry::Occupied(found) => found.get().1,
            hashbrown::hash_table::Entry::Vacant(free) => {
                free.insert((tag, next));
                if short {
                    self.views.push(view);
                } else {
                    self.views.push((self.arena.len() as u128) << 64 | u128::from(text.len() as u32));
                    self.arena.extend_from_slice(text);
                }
                next
            }
        }
    }
}

const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline]
fn hash_words(low: u64, high: u64) -> u64 {
    let product = u128::from(low ^ 0xA076_1D64_78BD_642F) * u128::from(high ^ SPREAD);
    (product as u64) ^ (product >> 64) as u64
}

fn hash_bytes(text: &[u8]) -> u64 {
    text.chunks(8).fold(text.len() as u64, |hash, part| hash_words(hash, leading(part)).wrapping_add(SPREAD))
}

/// Makes one dictionary of those of all parts.
pub(crate) struct Merger {
    pub(crate) all: Encoder,
    /// What the codes of each part become; `None` for those that stay.
    pub(crate) becomes: Vec<Option<Vec<u32>>>,
}

impl Merger {
    pub(crate) fn new(column: &'static str) -> Self {
        Self { all: Encoder::new(column), becomes: Vec::new() }
    }

    pub(crate) fn add(&mut self, part: Encoder) -> Result<()> {
        if self.all.is_empty() {
            self.all = part;
            self.becomes.push(None);
        } else {
            let mut becomes = Vec::new();
            self.all.absorb(&part, &mut becomes)?;
            self.becomes.push(Some(becomes));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use arrow_buffer::BooleanBuffer;
    use proptest::prelude::*;

    fn views(texts: &[Vec<u8>]) -> (Vec<u128>, Buffer) {
        let (mut views, mut bytes) = (Vec::new(), Vec::<u8>::new());
        for text in texts {
            let mut view = [0; 16];
            view[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
            if text.len() <= INLINE {
                view[4..4 + text.len()].copy_from_slice(text);
            } else {
                view[4..8].copy_from_slice(&text[..4]);
                view[12..].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
                bytes.extend(text);
            }
            views.push(u128::from_le_bytes(view));
        }
        (views, Buffer::from_vec(bytes))
    }

    proptest! {
        #[test]
        fn texts_get_the_rank_of_their_sorted_place(
            texts in prop::collection::vec(prop::collection::vec(0_u8..3, 0..20), 1..60),
        ) {
            let (views, bytes) = views(&texts);
            let chunk = TextChunk { views: &views, buffers: &[bytes] };
            let mut encoder = Encoder::new("item");
            let mut codes = Vec::new();
            encoder.encode(&IdChunk::plain(Values::Texts(chunk)), &mut codes).unwrap();
            let (ids, ranks) = { let used = vec![true; encoder.len()]; encoder.finish(&used) };
            let sorted: std::collections::BTreeSet<_> = texts.iter().collect();
            prop_assert_eq!(ids.len(), sorted.len());
            for (row, text) in texts.iter().enumerate() {
                let rank = ranks[codes[row] as usize] as usize;
                prop_assert_eq!(ids.text(rank), text.as_slice());
                prop_assert_eq!(sorted.iter().position(|&other| other == text), Some(rank));
            }
        }

        #[test]
        fn integers_get_the_rank_of_their_sorted_place(
            ids in prop::collection::vec(prop_oneof![0_i64..50, -3..3_i64, 0..2_000_000_i64, any::<i64>()], 1..80),
            cut in 0_usize..80,
        ) {
            let mut encoder = Encoder::new("customer");
            let (mut codes, mut part) = (Vec::<u32>::new(), Vec::new());
            let (head, tail) = ids.split_at(cut.min(ids.len()));
            for chunk in [head, tail] {
                encoder.encode(&IdChunk::plain(Values::Integers(chunk)), &mut part).unwrap();
                codes.extend(&part);
            }
            let used = vec![true; encoder.len()];
            let (sorted, ranks) = encoder.finish(&used);
            let Ids::Integers(sorted) = sorted else { panic!("integers") };
            prop_assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
            for (row, &id) in ids.iter().enumerate() {
                prop_assert_eq!(sorted[ranks[codes[row] as usize] as usize], id);
            }
        }
    }

    #[test]
    fn missing_unused_and_mixed() {
        let mut encoder = Encoder::new("customer");
        let mut codes = Vec::new();
        let valid = BooleanBuffer::from(vec![true, false, true]);
        let chunk = IdChunk { values: Values::Integers(&[7, 0, 3]), keys: None, valid: Some(&valid) };
        encoder.encode(&chunk, &mut codes).unwrap();
        assert_eq!(codes, [0, NONE, 1]);
        let keyed =
            IdChunk { values: Values::Integers(&[3, 9]), keys: Some(&[1, 0, 1]), valid: Some(&valid) };
        encoder.encode(&keyed, &mut codes).unwrap();
        assert_eq!(codes, [2, NONE, 2]);
        let text = IdChunk::plain(Values::Texts(TextChunk { views: &[0], buffers: &[] }));
        assert!(matches!(encoder.encode(&text, &mut codes), Err(Error::Column { .. })));
        let (ids, ranks) = encoder.finish(&[true, false, true]);
        assert_eq!((ids, ranks), (Ids::Integers(vec![7, 9].into()), vec![0, NONE, 1]));
    }
}
