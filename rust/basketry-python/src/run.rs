//! Runs a kernel for Python: detached, in a pool of its own, with Ctrl-C heard and panics caught.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use basketry_core::{Budget, Control, Result};
use pyo3::prelude::*;

use crate::errors;

/// How often the waiting thread looks for signals and reports progress.
const TICK: Duration = Duration::from_millis(50);

/// What every long call takes beside its own arguments.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Reins<'py> {
    n_threads: usize,
    results: Option<u64>,
    bytes: Option<u64>,
    seconds: Option<f64>,
    /// When the call began, by Python's monotonic clock.
    started: f64,
    progress: Option<Bound<'py, PyAny>>,
}

/// Runs `kernel` on a pool of threads that lives as long as the call, so that a fork in between is harmless.
///
/// The calling thread waits, lets other Python threads run, hears Ctrl-C and tells `progress(done, total)`.
pub fn run<T: Send>(
    py: Python<'_>,
    reins: &Reins<'_>,
    kernel: impl FnOnce(&Control) -> Result<T> + Send,
) -> PyResult<T> {
    let now: f64 = py.import("time")?.call_method0("monotonic")?.extract()?;
    let budget = Budget { results: reins.results, bytes: reins.bytes, seconds: reins.seconds };
    let control = Control::begun(budget, now - reins.started);
    let n_threads = reins.n_threads;
    let progress = reins.progress.clone().map(Bound::unbind);
    py.detach(|| {
        std::thread::scope(|scope| {
            let (sender, receiver) = channel::<()>();
            let control = &control;
            let worker = scope.spawn(move || {
                // Dropping the sender, at the end or in a panic, wakes the waiting thread.
                let _wake = sender;
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
                pool.map(|pool| pool.install(|| kernel(control)))
            });
            let mut raised = None;
            let mut told = (0, 0);
            while receiver.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let now = control.progress();
                let news = now != told;
                told = now;
                let heard = Python::attach(|py| {
                    py.check_signals()?;
                    match &progress {
                        Some(progress) if news => progress.call1(py, now).map(drop),
                        _ => Ok(()),
                    }
                });
                if let Err(error) = heard {
                    control.stop();
                    raised.get_or_insert(error);
                }
            }
            let outcome = worker.join();
            match (raised, outcome) {
                (Some(error), _) => Err(error),
                (None, Ok(Ok(Ok(value)))) => Ok(value),
                (None, Ok(Ok(Err(error)))) => Err(errors::to_python(&error)),
                (None, Ok(Err(error))) => Err(errors::from_panic(&error.to_string())),
                (None, Err(panic)) => Err(errors::from_panic(panic.as_ref())),
            }
        })
    })
}
