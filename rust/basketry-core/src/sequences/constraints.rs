//! What a match has to keep to.

use super::months;
use crate::error::{Error, Result};

/// How far one event of a customer lies behind another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// Local calendar days.
    Days(u32),
    /// Calendar months: from the 31st to the last day of a shorter month.
    Months(u32),
    /// Positions among the customer's events: 1 means directly following.
    Events(u32),
}

impl Distance {
    /// Where an event stands on the scale of this distance.
    pub(super) fn at(self, day: i32, position: u32) -> i32 {
        match self {
            Self::Days(_) | Self::Months(_) => day,
            Self::Events(_) => i32::try_from(position).unwrap_or(i32::MAX),
        }
    }

    /// The place that lies so far behind another. It never falls when that one rises.
    pub(super) fn behind(self, at: i32) -> i32 {
        match self {
            Self::Days(number) | Self::Events(number) => at.saturating_add_unsigned(number),
            Self::Months(number) => months::later(at, number),
        }
    }

    /// The number without its unit.
    fn number(self) -> u32 {
        match self {
            Self::Days(number) | Self::Months(number) | Self::Events(number) => number,
        }
    }
}

/// Limits on the shape of a sequence and on the times of a match. What is `None` is not limited; nothing is limited by default.
///
/// Gaps are those between consecutive matched events, the span reaches from the first matched event to the last; all limits
/// are inclusive. Positions count all events of the customer, those without frequent items too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Constraints {
    /// The most events of a sequence.
    pub max_length: Option<u32>,
    /// The most items of a sequence, over all its events.
    pub max_items: Option<u32>,
    /// The smallest gap.
    pub min_gap: Option<Distance>,
    /// The largest gap.
    pub max_gap: Option<Distance>,
    /// The largest span.
    pub max_span: Option<Distance>,
}

impl Constraints {
    /// Refuses limits that nothing can meet.
    pub(super) fn check(&self) -> Result<()> {
        let at_least_one = [
            ("max_length", self.max_length),
            ("max_items", self.max_items),
            ("max_gap", self.max_gap.map(Distance::number)),
        ];
        for (name, limit) in at_least_one {
            if limit == Some(0) {
                let expected = "a sequence needs at least 1; leave it out for no limit";
                return Err(Error::Parameter { name, value: "0".into(), expected });
            }
        }
        match (self.min_gap, self.max_gap) {
            (Some(least), Some(most))
                if std::mem::discriminant(&least) == std::mem::discriminant(&most)
                    && least.number() > most.number() =>
            {
                Err(Error::Parameter {
                    name: "min_gap",
                    value: least.number().to_string(),
                    expected: "it must not be above max_gap",
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether a match may not be drawn out or pressed together at will, so that all ends of a sequence count and not just the
    /// first.
    pub(super) fn bounds_matches(&self) -> bool {
        self.bounds_gaps() || self.min_gap.is_some() || self.max_span.is_some()
    }

    /// Whether leaving out a middle event can break a match.
    pub(super) fn bounds_gaps(&self) -> bool {
        self.max_gap.is_some()
    }

    /// What of the first event of a match has to be remembered for the limit on the span.
    pub(super) fn start(&self, day: i32, position: u32) -> i32 {
        self.max_span.map_or(day, |span| span.at(day, position))
    }

    /// Whether an event is far enough behind the one before it.
    pub(super) fn is_apart(&self, before: (i32, u32), event: (i32, u32)) -> bool {
        self.min_gap
            .is_none_or(|least| least.at(event.0, event.1) >= least.behind(least.at(before.0, before.1)))
    }

    /// Whether an event is near enough to the one before it, and to what [`Constraints::start`] told of the first one.
    pub(super) fn is_near(&self, before: (i32, u32), start: i32, event: (i32, u32)) -> bool {
        self.max_gap.is_none_or(|most| most.at(event.0, event.1) <= most.behind(most.at(before.0, before.1)))
            && self.max_span.is_none_or(|most| most.at(event.0, event.1) <= most.behind(start))
    }
}
