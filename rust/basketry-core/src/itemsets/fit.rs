//! Which support gives no more itemsets than there is room for.

use std::time::{Duration, Instant};

use super::{Kind, Options, run, sink::Spectrum};
use crate::baskets::Baskets;
use crate::error::Exhausted;
use crate::{Budget, Control, Error};

/// How long a caller who was refused waits for advice.
const PATIENCE: Duration = Duration::from_millis(400);

/// Adds to a refusal what would have fitted, found by counting sets at higher and higher supports.
pub(super) fn advise(refused: Error, baskets: &Baskets, options: &Options, bytes_a_set: usize) -> Error {
    let Error::Capacity(Exhausted { limit, allowed, found, .. }) = refused else { return refused };
    let most = match limit {
        "results" => allowed as u64,
        "bytes" => allowed as u64 / bytes_a_set as u64,
        _ => return refused,
    };
    let mend = match fitting(baskets, options, most) {
        Some((count, sets)) => {
            let support = count as f64 / baskets.len() as f64;
            format!("{sets} itemsets would fit, from min_count={count} on (min_support {support:.3})")
        }
        None => "limit max_length, exclude items, or raise the minimum support or the budget".to_owned(),
    };
    Error::Capacity(Exhausted { limit, allowed, found, mend })
}

/// A low support at which there are at most `most` sets, with their number; `None` if none is found in time.
fn fitting(baskets: &Baskets, options: &Options, most: u64) -> Option<(u64, u64)> {
    let started = Instant::now();
    let count = |min_count| {
        let left = PATIENCE.checked_sub(started.elapsed())?;
        let budget = Budget { results: Some(most), seconds: Some(left.as_secs_f64()), ..Budget::default() };
        let control = Control::new(budget);
        let mut spectrum = Spectrum::booking(&control);
        let options = Options { min_count, kind: Kind::All, top: None, ..options.clone() };
        run(baskets, &options, &control, &mut spectrum).ok()?;
        let by_length = spectrum.finish(options.max_length.unwrap_or(usize::MAX)).ok()?;
        by_length.iter().try_fold(0_u64, |sum, &sets| sum.checked_add(sets)).filter(|&sets| sets <= most)
    };
    let (mut low, mut high) = (options.min_count, baskets.len() as u64);
    let mut best = (high, count(high)?);
    while high - low > 1 + low / 32 && started.elapsed() < PATIENCE {
        let middle = ((low as f64 * high as f64).sqrt() as u64).clamp(low + 1, high - 1);
        match count(middle) {
            Some(sets) => (high, best) = (middle, (middle, sets)),
            None => low = middle,
        }
    }
    Some(best)
}
