//! Where rows wait, radix-partitioned, until the stream ends.
//!
//! A partition is one stream of 32-bit words. Rows that follow each other and belong to the same customer, order and instant
//! are one *run*: a header and then the lines. Nearly all numbers fit one word; a run in which one does not is *wide*. Blocks
//! are memory maps of their own, so that a partition that has been worked off returns its memory to the system at once.
//!
//! ```text
//! header   lines | WIDE     customer     time: two words     [order id: two words, or its length in bytes and then its bytes]
//! line     [item]   measure ...: one word each, two in a wide run
//! ```

use memmap2::MmapMut;

use crate::error::{Error, Result};

/// Words of the first block of a stream; each later block is twice as large as the one before, up to [`LARGEST`].
const SMALLEST: usize = 1 << 13;
const LARGEST: usize = 1 << 18;

/// Marks a run whose measures take two words.
pub(super) const WIDE: u32 = 1 << 31;

/// A number as two words.
#[inline]
pub(super) fn halves(number: i64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// The number that the first two words stand for.
#[inline]
pub(super) fn whole(words: &[u32]) -> i64 {
    i64::from(words[1]) << 32 | i64::from(words[0])
}

/// How much a partition holds at the most: its runs may turn out to be one order.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Size {
    pub(super) orders: usize,
    pub(super) lines: usize,
    pub(super) id_bytes: usize,
}

/// A growing sequence of words in memory of its own.
#[derive(Debug, Default)]
pub(super) struct Stream {
    full: Vec<(MmapMut, usize)>,
    open: Option<MmapMut>,
    used: usize,
    room: usize,
    pub(super) size: Size,
}

impl Stream {
    /// Makes room for `need` words in one piece and gives it to be filled.
    #[inline]
    pub(super) fn claim(&mut self, need: usize) -> Result<&mut [u32]> {
        if self.used + need > self.room {
            self.begin(need)?;
        }
        let start = self.used;
        self.used += need;
        let words = self.open.as_mut().map_or(&mut [][..], |block| bytemuck::cast_slice_mut(&mut block[..]));
        words.get_mut(start..start + need).ok_or(Error::Memory { bytes: need as u64 * 4 })
    }

    fn begin(&mut self, need: usize) -> Result<()> {
        if let Some(block) = self.open.take() {
            self.full.push((block, self.used));
        }
        let words = (SMALLEST << self.full.len().min(5)).clamp(need, LARGEST.max(need));
        let block = MmapMut::map_anon(words * 4).map_err(|_| Error::Memory { bytes: words as u64 * 4 })?;
        (self.open, self.used, self.room) = (Some(block), 0, words);
        Ok(())
    }

    /// Replaces `words` by all words in one piece; the blocks are given back as they are copied.
    pub(super) fn drain_into(mut self, words: &mut Vec<u32>) {
        words.clear();
        if let Some(block) = self.open.take() {
            self.full.push((block, self.used));
        }
        words.reserve(self.full.iter().map(|(_, used)| used).sum());
        for (block, used) in self.full {
            words.extend_from_slice(&bytemuck::cast_slice(&block[..])[..used]);
        }
    }
}
