//! The binary of basketry: names only.

mod columns;
mod customers;
mod errors;
mod itemsets;
mod lags;
mod ledger;
mod lifetime;
mod rules;
mod run;
mod sequences;
mod simulate;

use pyo3::prelude::*;

/// The compiled half of basketry. Its face is the package `basketry`.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use crate::columns::Columns;
    #[pymodule_export]
    use crate::customers::{customer_features, quintiles, rfm};
    #[pymodule_export]
    use crate::itemsets::{Baskets, count_itemsets, frequent_itemsets, support_for};
    #[pymodule_export]
    use crate::lags::{due_list, just_bought, lag_tables, purchase_cycles, retention};
    #[pymodule_export]
    use crate::ledger::{Account, Ledger, LedgerBuilder};
    #[pymodule_export]
    use crate::lifetime::{LifetimeTable, lifetime_forecast};
    #[pymodule_export]
    use crate::rules::{association_rules, local_rules, test_rules};
    #[pymodule_export]
    use crate::sequences::{axis_labels, contrast_sequences, frequent_sequences};
    #[pymodule_export]
    use crate::sequences::{sequence_matches, sequence_rules};
    #[pymodule_export]
    use crate::simulate::simulate;

    /// Whether the binary was built without optimisation: its times mean nothing then.
    #[pymodule_export]
    const DEBUG: bool = cfg!(debug_assertions);
}
