//! Which of the frequent sets are asked for.

/// Which of the frequent sets to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Every frequent set.
    #[default]
    All,
    /// Sets that no larger set equals in count.
    Closed,
    /// Sets that no larger set is frequent with.
    Maximal,
}
