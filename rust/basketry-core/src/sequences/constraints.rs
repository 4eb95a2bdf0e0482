//! What a match has to keep to.

use crate::error::{Error, Result};

/// Limits on the shape of a sequence and on the times of a match. What is `None` is not limited; nothing is limited by default.
///
/// Gaps are those between consecutive matched events, the span reaches from the first matched event to the last; all limits
/// are inclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Constraints {
    /// The most events of a sequence.
    pub max_length: Option<u32>,
    /// The most items of a sequence, over all its events.
    pub max_items: Option<u32>,
    /// The fewest days of a gap.
    pub min_gap: Option<u32>,
    /// The most days of a gap.
    pub max_gap: Option<u32>,
    /// The most positions of a gap, counted in the customer's events: 1 means directly following.
    pub max_gap_events: Option<u32>,
    /// The most days of the span.
    pub max_span: Option<u32>,
}

impl Constraints {
    /// Refuses limits that nothing can meet.
    pub(super) fn check(&self) -> Result<()> {
        let at_least_one = [
            ("max_length", self.max_length),
            ("max_items", self.max_items),
            ("max_gap", self.max_gap),
            ("max_gap", self.max_gap_events),
        ];
        for (name, limit) in at_least_one {
            if limit == Some(0) {
                let expected = "a sequence needs at least 1; leave it out for no limit";
                return Err(Error::Parameter { name, value: "0".into(), expected });
            }
        }
        match (self.min_gap, self.max_gap) {
            (Some(least), Some(most)) if least > most => Err(Error::Parameter {
                name: "min_gap",
                value: least.to_string(),
                expected: "it must not be above max_gap",
            }),
            _ => Ok(()),
        }
    }

    /// Whether a match may not be drawn out at will, so that all ends of a sequence count and not just the first.
    pub(super) fn bounds_matches(&self) -> bool {
        self.bounds_gaps() || self.max_span.is_some()
    }

    /// Whether leaving out a middle event can break a match.
    pub(super) fn bounds_gaps(&self) -> bool {
        self.max_gap.is_some() || self.max_gap_events.is_some()
    }

    /// The fewest days of a gap as a number of days.
    pub(super) fn min_gap(&self) -> i32 {
        self.min_gap.map_or(0, |days| i32::try_from(days).unwrap_or(i32::MAX))
    }
}
