//! The only place where a core error becomes a Python exception.

use basketry_core::Error;
use pyo3::prelude::*;

pyo3::import_exception!(basketry.exceptions, CapacityError);
pyo3::import_exception!(basketry.exceptions, InternalError);
pyo3::import_exception!(basketry.exceptions, ParameterError);
pyo3::import_exception!(basketry.exceptions, SchemaError);

/// Gives the exception class that fits the kind of mistake.
pub fn to_python(error: &Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::Parameter { .. } => ParameterError::new_err(text),
        Error::Column { .. } | Error::MissingColumn { .. } | Error::Damaged { .. } => {
            SchemaError::new_err(text)
        }
        Error::Overflow { .. } | Error::TooMany { .. } | Error::Memory { .. } | Error::Capacity(_) => {
            CapacityError::new_err(text)
        }
        Error::Interrupted => pyo3::exceptions::PyKeyboardInterrupt::new_err(()),
        _ => InternalError::new_err(text),
    }
}

/// Gives the exception for a panic that was caught: always our fault.
pub fn from_panic(payload: &(dyn std::any::Any + Send)) -> PyErr {
    let what = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown".to_owned());
    InternalError::new_err(format!(
        "basketry failed in itself ({what}). Please report it with the call that led here."
    ))
}

/// Gives the error of Arrow data that cannot be taken in.
pub fn unreadable(column: &str, error: &impl std::fmt::Display) -> Error {
    Error::Column { column: column.to_owned(), problem: format!("cannot be read: {error}") }
}

/// Gives the exception for Arrow data that cannot be taken in.
pub fn from_arrow(column: &str, error: &impl std::fmt::Display) -> PyErr {
    to_python(&unreadable(column, error))
}

/// Gives the exception for a file that cannot be read or written.
pub fn from_file(path: &str, error: &impl std::fmt::Display) -> PyErr {
    SchemaError::new_err(format!("{path}: {error}"))
}
