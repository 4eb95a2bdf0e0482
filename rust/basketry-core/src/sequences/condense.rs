//! Closed and maximal sequences: the result without what longer sequences say as well.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::{Found, IN_EVENT};
use crate::control::Control;
use crate::error::Result;

/// Which of the frequent sequences to give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// All of them.
    #[default]
    All,
    /// Those without a longer one of the same count.
    Closed,
    /// Those without a longer one.
    Maximal,
}

/// Tells for each sequence whether it stays. Longer sequences are looked for among the found ones, so under the same limits.
///
/// Every sequence rules out its parts. Where parts are always at least as frequent as the whole it is enough to leave out one
/// item: the others follow step by step. With a limit on gaps (`all_parts`) a step in between can be missing, so all parts are
/// looked up.
pub(super) fn stays(found: &Found, kind: Kind, all_parts: bool, control: &Control) -> Result<Vec<bool>> {
    let n = found.counts.len();
    let mut place: FxHashMap<&[u32], u32> = FxHashMap::with_capacity_and_hasher(n, FxBuildHasher);
    for sequence in 0..n {
        if sequence % 4096 == 0 {
            control.check()?;
        }
        place.insert(found.tokens_of(sequence), sequence as u32);
    }
    let stays: Vec<AtomicBool> = (0..n).map(|_| AtomicBool::new(true)).collect();
    (0..n).into_par_iter().try_for_each(|whole| {
        if whole % 1024 == 0 {
            control.check()?;
        }
        let mut seen = FxHashSet::default();
        let mut open = vec![found.tokens_of(whole).to_vec()];
        let mut steps = 0;
        while let Some(sequence) = open.pop() {
            // A long sequence has more parts than can be looked up between two checks.
            steps += 1;
            if steps % 1024 == 0 {
                control.check()?;
            }
            for part in parts(&sequence) {
                if let Some(&at) = place.get(part.as_slice())
                    && (kind == Kind::Maximal || found.counts[at as usize] == found.counts[whole])
                {
                    stays[at as usize].store(false, Relaxed);
                }
                if all_parts && part.len() > 1 && seen.insert(part.clone()) {
                    open.push(part);
                }
            }
        }
        Ok(())
    })?;
    Ok(stays.into_iter().map(AtomicBool::into_inner).collect())
}

/// The sequences with one item less.
fn parts(sequence: &[u32]) -> impl Iterator<Item = Vec<u32>> {
    (0..sequence.len()).filter(|_| sequence.len() > 1).map(|left_out| {
        let mut part = sequence.to_vec();
        let token = part.remove(left_out);
        // Without its first item an event begins with the next one.
        if token & IN_EVENT == 0
            && let Some(next) = part.get_mut(left_out)
        {
            *next &= !IN_EVENT;
        }
        part
    })
}
