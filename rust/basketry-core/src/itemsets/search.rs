//! What all nodes of a search share.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::closed;
use super::conflicts::Conflicts;
use super::sink::Sink;
use super::words::Words;
use crate::{Control, Result};

/// The bounds of a search and the room its threads work in.
pub(super) struct Search<'a> {
    /// The least count of a frequent set.
    pub(super) min: u32,
    pub(super) control: &'a Control,
    /// Items that may not meet.
    pub(super) conflicts: &'a Conflicts,
    scratch: Mutex<Vec<Scratch>>,
}

/// Room that one thread works in at a time.
#[derive(Default)]
pub(super) struct Scratch {
    /// Counts per item; all zero between uses.
    pub(super) counts: Vec<u32>,
    /// The place of an item in a smaller database, from 1; all zero between uses.
    pub(super) places: Vec<u32>,
    /// The same for a database of at most 64 items.
    pub(super) bits: Vec<u8>,
    /// Frequent partners of an item.
    pub(super) partners: Vec<Vec<(u32, u32)>>,
    /// The bit of an item in a node of words, from 1; all zero between uses.
    pub(super) seats: Vec<u8>,
    /// Items that all baskets of an item hold.
    pub(super) folded: Vec<u32>,
    pub(super) narrow: Vec<u16>,
    pub(super) wide: Vec<u32>,
    #[expect(clippy::vec_box, reason = "a node is moved by its address")]
    pub(super) spare: Vec<Box<Words>>,
    pub(super) closed: closed::Room,
}

impl<'a> Search<'a> {
    pub(super) fn new(min: u32, conflicts: &'a Conflicts, control: &'a Control) -> Self {
        Self { min, control, conflicts, scratch: Mutex::default() }
    }

    /// Works on parts of the walk side by side, each with a fork of the sink.
    pub(super) fn side_by_side<P: Send, S: Sink>(
        &self,
        parts: impl IntoParallelIterator<Item = P, Iter: IndexedParallelIterator>,
        sink: &mut S,
        work: impl Fn(P, &mut Scratch, &mut S) -> Result<()> + Sync,
    ) -> Result<()> {
        let parts = parts
            .into_par_iter()
            .with_max_len(1)
            .map(|part| {
                let mut fork = sink.fork();
                self.with_scratch(|scratch| work(part, scratch, &mut fork))?;
                Ok(fork)
            })
            .collect::<Result<Vec<_>>>()?;
        sink.join(parts)
    }

    /// Lends room to a piece of work.
    pub(super) fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let lent = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = lent.unwrap_or_default();
        let done = work(&mut scratch);
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        done
    }
}
