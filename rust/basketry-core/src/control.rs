//! How a caller holds the reins of long work: stop, progress, budget.
//!
//! A kernel gets one [`Control`], calls [`Control::check`] every few thousand steps and [`Control::advance`] when a unit of
//! work is done. The threads that do the work only read and add to atomics; whoever waits for them looks at the counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::error::{Error, Exhausted, Result};

/// The most that a piece of work may cost. What is `None` is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Budget {
    /// The most results (itemsets, rules, sequences).
    pub results: Option<u64>,
    /// The most bytes of results.
    pub bytes: Option<u64>,
    /// The longest time.
    pub seconds: Option<f64>,
}

/// Stop flag, progress counters and budget of one call.
#[derive(Debug)]
pub struct Control {
    stop: Arc<AtomicBool>,
    done: AtomicU64,
    total: AtomicU64,
    found: AtomicU64,
    bytes: AtomicU64,
    budget: Budget,
    started: Instant,
}

impl Default for Control {
    fn default() -> Self {
        Self::new(Budget::default())
    }
}

impl Control {
    /// A control with a budget; the clock of its seconds starts now.
    pub fn new(budget: Budget) -> Self {
        Self {
            stop: Arc::default(),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            found: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            budget,
            started: Instant::now(),
        }
    }

    /// A control with a budget of which some seconds have gone by.
    pub fn begun(budget: Budget, seconds: f64) -> Self {
        let gone = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let control = Self::new(budget);
        Self { started: control.started.checked_sub(gone).unwrap_or(control.started), ..control }
    }

    /// A control for a part of the work: it hears the same request to stop and counts seconds from the same start, and has a
    /// budget and counters of its own.
    #[must_use]
    pub fn with_budget(&self, budget: Budget) -> Self {
        Self { stop: self.stop.clone(), started: self.started, ..Self::new(budget) }
    }

    /// The budget.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// The seconds since the start.
    pub fn elapsed(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Asks the work to stop at its next check.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    /// Tells how many units of work there are.
    pub fn expect(&self, units: u64) {
        self.total.store(units, Relaxed);
    }

    /// Tells that `units` more units are done.
    pub fn advance(&self, units: u64) {
        self.done.fetch_add(units, Relaxed);
    }

    /// Units done and units expected; `(0, 0)` before the work knows.
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Relaxed), self.total.load(Relaxed))
    }

    /// Books results before they are stored.
    ///
    /// # Errors
    /// [`Error::Capacity`] when they do not fit the budget, so that memory is never grown past it.
    pub fn book(&self, results: u64, bytes: u64) -> Result<()> {
        let found = self.found.fetch_add(results, Relaxed) + results;
        let held = self.bytes.fetch_add(bytes, Relaxed) + bytes;
        if let Some(most) = self.budget.results.filter(|&most| found > most) {
            return Err(self.exhausted("results", most as f64));
        }
        if let Some(most) = self.budget.bytes.filter(|&most| held > most) {
            return Err(self.exhausted("bytes", most as f64));
        }
        Ok(())
    }

    /// Asks whether the work may go on.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after [`Control::stop`], [`Error::Capacity`] when the seconds are used up.
    pub fn check(&self) -> Result<()> {
        if self.stop.load(Relaxed) {
            return Err(Error::Interrupted);
        }
        match self.budget.seconds {
            Some(most) if self.started.elapsed() > Duration::from_secs_f64(most) => {
                Err(self.exhausted("seconds", most))
            }
            _ => Ok(()),
        }
    }

    fn exhausted(&self, limit: &'static str, allowed: f64) -> Error {
        Error::Capacity(Exhausted { limit, allowed, found: self.found.load(Relaxed), mend: String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_and_budget_are_heard() {
        let control = Control::new(Budget { results: Some(2), ..Budget::default() });
        assert!(control.check().is_ok());
        assert!(control.book(2, 24).is_ok());
        assert!(matches!(control.book(1, 12), Err(Error::Capacity(e)) if e.limit == "results"));
        control.stop();
        assert_eq!(control.check(), Err(Error::Interrupted));
        assert_eq!(control.with_budget(Budget::default()).check(), Err(Error::Interrupted));
        let late = Control::new(Budget { seconds: Some(0.0), ..Budget::default() });
        std::thread::sleep(Duration::from_millis(2));
        assert!(matches!(late.check(), Err(Error::Capacity(e)) if e.limit == "seconds"));
        // Of a minute an hour has gone by, and the refusal names the minute.
        let begun = Control::begun(Budget { seconds: Some(60.0), ..Budget::default() }, 3600.0);
        assert!(matches!(begun.check(), Err(Error::Capacity(e)) if (e.allowed - 60.0).abs() < 1e-9));
        let fresh = Control::begun(Budget { seconds: Some(60.0), ..Budget::default() }, -1.0);
        assert!(fresh.check().is_ok());
    }
}
