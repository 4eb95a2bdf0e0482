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
    /// Makes room for `need` words in one piece. Answers whether a new block was begun, which ends an open run.
    #[inline]
    pub(super) fn reserve(&mut self, need: usize) -> Result<bool> {
        if self.used + need <= self.room {
            return Ok(false);
        }
        self.begin(need)?;
        Ok(true)
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

    /// Adds a word; room was made before.
    #[inline]
    pub(super) fn push(&mut self, word: u64) {
        let used = self.used;
        if let Some(slot) = self.words_mut().get_mut(used) {
            *slot = word;
            self.used += 1;
        }
    }

    /// Where the next word will stand in the open block.
    pub(super) fn place(&self) -> usize {
        self.used
    }

    /// Counts one more line in the header at `place`.
    #[inline]
    pub(super) fn count_line(&mut self, place: usize) {
        if let Some(header) = self.words_mut().get_mut(place) {
            *header += 1 << 32;
        }
    }

    fn words_mut(&mut self) -> &mut [u64] {
        self.open.as_mut().map_or(&mut [], |block| bytemuck::cast_slice_mut(&mut block[..]))
    }

    /// All words in one piece; the blocks are given back as they are copied.
    pub(super) fn into_words(mut self) -> Vec<u64> {
        if let Some(block) = self.open.take() {
            self.full.push((block, self.used));
        }
        let mut words = Vec::with_capacity(self.full.iter().map(|(_, used)| used).sum());
        for (block, used) in self.full {
            words.extend_from_slice(&bytemuck::cast_slice(&block[..])[..used]);
        }
        words
    }
}
