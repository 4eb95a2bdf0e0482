//! Where rows wait, radix-partitioned, until the stream ends.
//!
//! A partition is one stream of 64-bit words. Rows that follow each other and belong to the same customer, order and instant
//! are one *run*: a header and then the lines. Blocks are memory maps of their own, so that a partition that has been worked
//! off returns its memory to the system at once.
//!
//! ```text
//! header   lines << 32 | customer     time     [order id: one word, or its length in bytes and then its bytes]
//! line     [item]   measure ...
//! ```

use memmap2::MmapMut;

use crate::error::{Error, Result};

/// Words of the first block of a stream; each later block is twice as large as the one before, up to [`LARGEST`].
const SMALLEST: usize = 1 << 12;
const LARGEST: usize = 1 << 17;

/// A growing sequence of words in memory of its own.
#[derive(Debug, Default)]
pub(super) struct Stream {
    full: Vec<(MmapMut, usize)>,
    open: Option<MmapMut>,
    used: usize,
    room: usize,
}

impl Stream {
    /// Makes room for `need` words in one piece and gives it to be filled.
    #[inline]
    pub(super) fn claim(&mut self, need: usize) -> Result<&mut [u64]> {
        if self.used + need > self.room {
            self.begin(need)?;
        }
        let start = self.used;
        self.used += need;
        let words = self.open.as_mut().map_or(&mut [][..], |block| bytemuck::cast_slice_mut(&mut block[..]));
        words.get_mut(start..start + need).ok_or(Error::Memory { bytes: need as u64 * 8 })
    }

    fn begin(&mut self, need: usize) -> Result<()> {
        if let Some(block) = self.open.take() {
            self.full.push((block, self.used));
        }
        let words = (SMALLEST << self.full.len().min(5)).clamp(need, LARGEST.max(need));
        let block = MmapMut::map_anon(words * 8).map_err(|_| Error::Memory { bytes: words as u64 * 8 })?;
        (self.open, self.used, self.room) = (Some(block), 0, words);
        Ok(())
    }

    /// Replaces `words` by all words in one piece; the blocks are given back as they are copied.
    pub(super) fn drain_into(mut self, words: &mut Vec<u64>) {
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
