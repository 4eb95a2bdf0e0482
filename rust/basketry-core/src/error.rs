//! Every way a kernel can refuse.
//!
//! Variants carry the offending values; sentences are made only in `Display`. Kinds follow the mistake, not the module:
//! a wrong argument, data that are not what they were said to be, work that would pass its budget, a request to stop.

/// What a kernel answers when it cannot give a result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument is out of range or contradicts another.
    #[error("{name} is {value}, but {expected}")]
    Parameter {
        /// The argument, as the caller knows it.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// What would have been right, and so the mend.
        expected: &'static str,
    },
    /// A column does not hold what it was said to hold.
    #[error("column '{column}' {problem}")]
    Column {
        /// The canonical name of the column.
        column: String,
        /// What was found, where, and the mend.
        problem: String,
    },
    /// An answer needs a column that the ledger was built without.
    #[error("this needs the column '{column}', and the ledger was read without it: map it in columns=")]
    MissingColumn {
        /// The canonical name of the column.
        column: String,
    },
    /// A sum or a count would not fit its type.
    #[error("the total of column '{column}' passes the range of 64-bit money (922 trillion): check its unit")]
    Overflow {
        /// The canonical name of the column.
        column: String,
    },
    /// A table has more entries than a 32-bit code can number.
    #[error("{what}: {count} entries, at most {most} fit one ledger: split the input by customer")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many fit.
        most: u64,
    },
    /// The system gave no more memory.
    #[error("the system refused {bytes} more bytes of memory: read a part of the data, or fewer columns")]
    Memory {
        /// How much was asked for.
        bytes: u64,
    },
    /// The work met its budget before it was done.
    #[error("{0}")]
    Capacity(Exhausted),
    /// A saved state is damaged, truncated or of another version.
    #[error("{what}: {problem}")]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The caller asked to stop.
    #[error("stopped on request")]
    Interrupted,
}

/// How far the work came when its budget was used up.
#[derive(Debug, Clone, PartialEq)]
pub struct Exhausted {
    /// Which part of the budget was met: `results`, `bytes` or `seconds`.
    pub limit: &'static str,
    /// The limit as it was set.
    pub allowed: f64,
    /// How many results had been found.
    pub found: u64,
    /// What would fit, in words; empty if that is not known.
    pub mend: String,
}

impl std::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the budget of {} {} was met after {} results", self.allowed, self.limit, self.found)?;
        if self.mend.is_empty() {
            write!(f, ": raise the minimum support or the budget")
        } else {
            write!(f, ": {}", self.mend)
        }
    }
}

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;
