//! The binary of basketry: names only.

use pyo3::prelude::*;

/// The compiled half of basketry. Its face is the package `basketry`.
#[pymodule(gil_used = false)]
mod _core {}
