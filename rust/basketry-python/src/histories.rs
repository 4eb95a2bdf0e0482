//! Customers' histories for Python: what the questions about sequences are asked of.

use std::sync::Arc;

use basketry_core::dictionary::Ids;
use basketry_core::histories::{self as core, Collected};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3_arrow::PyRecordBatchReader;

use crate::columns::{self, Columns, Table, Visits};
use crate::itemsets::Id;
use crate::ledger::Ledger;
use crate::run::{Reins, run};

/// Per customer his events in time order, and the ids that codes stand for.
#[pyclass(frozen, module = "basketry._core")]
pub struct Histories {
    pub view: Arc<core::Histories>,
    pub customers: Ids,
    pub items: Ids,
    /// Of a ledger before an instant: who has an order by then. A support is a share of these.
    known: Option<Vec<bool>>,
}

impl From<Collected> for Histories {
    fn from(read: Collected) -> Self {
        let Collected { histories, customers, items } = read;
        Self { view: Arc::new(histories), customers, items, known: None }
    }
}

impl Histories {
    /// What makes the histories of those of whom a support is a share; a copy, if not all are.
    pub fn of_known(&self) -> impl FnOnce() -> Arc<core::Histories> + Send + use<> {
        let (view, known) = (self.view.clone(), self.known.clone());
        move || match known {
            Some(known) => Arc::new(view.of(&known)),
            None => view,
        }
    }
}

#[pymethods]
impl Histories {
    /// Reads the columns `customer`, `item` and `time`, which has days.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn from_rows(py: Python<'_>, rows: PyRecordBatchReader, reins: Reins<'_>) -> PyResult<Self> {
        let visits = py.detach(|| Visits::read(rows))?;
        run(py, &reins, move |control| core::collect(&visits, control)).map(Self::from)
    }

    /// Reads a text with a customer a line.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn from_text(py: Python<'_>, text: PyBackedBytes, reins: Reins<'_>) -> PyResult<Self> {
        run(py, &reins, move |control| core::parse(&text, control)).map(Self::from)
    }

    /// The customer-days of a ledger before an instant.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn from_ledger(
        py: Python<'_>,
        ledger: &Ledger,
        axis: &str,
        before: Option<i64>,
        reins: Reins<'_>,
    ) -> PyResult<Self> {
        let (tree, axis) = (ledger.0.clone(), axis.to_owned());
        let (view, items) = run(py, &reins, move |control| {
            let axis = tree.axis(&axis)?;
            Ok((core::Histories::from_ledger(&tree, &axis, before, control)?, axis.labels))
        })?;
        let known = before.map(|before| ledger.known(before));
        Ok(Self { view: Arc::new(view), customers: ledger.0.customers().clone(), items, known })
    }

    /// The customers of whom a support is a share: of a ledger those with an order by then.
    #[getter]
    fn n_customers(&self) -> usize {
        self.known.as_ref().map_or(self.view.len(), |known| known.iter().filter(|&&known| known).count())
    }

    /// Who of the customers they are, in the order of their codes; None for all.
    fn known(&self) -> Option<Vec<bool>> {
        self.known.clone()
    }

    /// The ids of all customers, in the order of their codes.
    fn customers(&self) -> PyResult<Columns> {
        Table::default().with("customer", columns::all_ids(&self.customers)?).finish()
    }

    /// The ids of all items, in the order of their codes.
    fn items(&self) -> PyResult<Columns> {
        Table::default().with("item", columns::all_ids(&self.items)?).finish()
    }

    /// The code of each id, or None if there is no such item.
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python by value")]
    fn codes(&self, ids: Vec<Id>) -> Vec<Option<u32>> {
        ids.iter().map(|id| id.among(&self.items)).collect()
    }
}
