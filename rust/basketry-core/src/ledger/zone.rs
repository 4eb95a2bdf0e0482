//! The shop's time zone: from an instant to the local calendar day.

use crate::error::{Error, Result};

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// A time zone as a table of offsets, so that the core needs no time zone database.
///
/// # Examples
/// ```
/// use basketry_core::ledger::{DAY, Zone};
/// // An hour ahead of UTC from the first day of 1970 on.
/// let zone = Zone::new("here", vec![i64::MIN, DAY], vec![0, 3600])?;
/// assert_eq!(zone.day(DAY - 1), 0);
/// assert_eq!(zone.day(2 * DAY - 1), 2);
/// # Ok::<(), basketry_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    starts: Vec<i64>,
    offsets: Vec<i32>,
}

impl Zone {
    /// A zone that is `offsets[i]` seconds ahead of UTC from instant `starts[i]` on.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the table is empty, not increasing, or does not begin at the smallest instant.
    pub fn new(name: &str, starts: Vec<i64>, offsets: Vec<i32>) -> Result<Self> {
        let sound = starts.len() == offsets.len()
            && starts.first() == Some(&i64::MIN)
            && starts.windows(2).all(|pair| pair[0] < pair[1])
            && offsets.iter().all(|offset| offset.abs() <= 86_400);
        if sound {
            Ok(Self { name: name.to_owned(), starts, offsets })
        } else {
            Err(Error::Damaged {
                what: "time zone",
                problem: format!("the offsets of {name} are not a table"),
            })
        }
    }

    /// Universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), starts: vec![i64::MIN], offsets: vec![0] }
    }

    /// The name in the time zone database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The table: since when, how many seconds ahead.
    pub fn table(&self) -> (&[i64], &[i32]) {
        (&self.starts, &self.offsets)
    }

    /// The local time of an instant, in microseconds.
    #[inline]
    pub fn local(&self, instant: i64) -> i64 {
        let row = self.starts.partition_point(|&start| start <= instant) - 1;
        instant.saturating_add(i64::from(self.offsets[row]) * 1_000_000)
    }

    /// The local calendar day of an instant, in days since 1970-01-01.
    #[inline]
    pub fn day(&self, instant: i64) -> i32 {
        self.local(instant).div_euclid(DAY) as i32
    }
}
