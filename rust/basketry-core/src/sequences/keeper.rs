//! What of the search is kept: from which count on, and under which names.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::IN_EVENT;
use crate::control::Control;

/// Decides what becomes a result. The threshold rises while the search goes on, if only the most frequent are wanted.
pub(super) struct Keeper<'a> {
    /// The caller's code of each item.
    pub codes: &'a [u32],
    pub control: &'a Control,
    /// Items that a sequence must have, by their numbers.
    contains: Vec<u32>,
    least: AtomicU32,
    top: Option<usize>,
    /// The largest counts so far.
    best: Mutex<BinaryHeap<Reverse<u32>>>,
}

impl<'a> Keeper<'a> {
    pub fn new(
        codes: &'a [u32],
        contains: Vec<u32>,
        least: u32,
        top: Option<usize>,
        control: &'a Control,
    ) -> Self {
        Self { codes, control, contains, least: AtomicU32::new(least), top, best: Mutex::default() }
    }

    /// The smallest count that can still matter. It only rises, and never above the smallest count of the result, so what
    /// remains does not depend on when a thread looks.
    pub fn least(&self) -> u32 {
        self.least.load(Relaxed)
    }

    /// Whether a sequence is wanted; raises the threshold if it is one of the most frequent.
    pub fn wants(&self, sequence: &[u32], count: u32) -> bool {
        let has = |item: &u32| sequence.iter().any(|token| token & !IN_EVENT == *item);
        if count < self.least() || !self.contains.iter().all(has) {
            return false;
        }
        if let Some(top) = self.top {
            let mut best = self.best.lock().unwrap_or_else(PoisonError::into_inner);
            best.push(Reverse(count));
            if best.len() > top {
                best.pop();
            }
            if let Some(&Reverse(worst)) = best.peek().filter(|_| best.len() == top) {
                self.least.fetch_max(worst, Relaxed);
            }
        }
        true
    }
}
