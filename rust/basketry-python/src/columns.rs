//! Arrow in and out: the only file that knows Arrow arrays.
//!
//! In: record batches become the core's slices. Out: the core's columns become one record batch that Python takes through
//! the C stream interface. Nothing is copied that need not be.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, LargeListArray,
    RecordBatch, RecordBatchOptions, StructArray, TimestampMicrosecondArray, UInt8Array, UInt32Array,
    UInt64Array,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};

use crate::errors;

/// The columns of a result. `polars.DataFrame(columns)` takes them without a copy.
#[pyclass(frozen, module = "basketry._core")]
pub struct Columns(RecordBatch);

#[pymethods]
impl Columns {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let rows: ArrayRef = Arc::new(StructArray::from(self.0.clone()));
        let field = Arc::new(Field::new("", rows.data_type().clone(), false));
        let stream = Box::new(ArrayIterator::new(vec![Ok(rows)], field));
        Ok(to_stream_pycapsule(py, stream, requested_schema)?)
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }
}

/// Puts the columns of a result together, one after the other.
#[derive(Default)]
pub struct Table {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Table {
    /// Adds a column.
    pub fn with(mut self, name: &str, column: impl Into<Column>) -> Self {
        let Column(array) = column.into();
        self.fields.push(Field::new(name, array.data_type().clone(), true));
        self.arrays.push(array);
        self
    }

    /// Ends the table; the columns must be equally long.
    pub fn finish(self) -> PyResult<Columns> {
        let rows = self.arrays.first().map_or(0, Array::len);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(self.fields)), self.arrays, &options)
            .map(Columns)
            .map_err(|error| errors::from_arrow("result", &error))
    }
}

/// One column of a result.
pub struct Column(pub ArrayRef);

macro_rules! column_from {
    ($($native:ty => $array:ty),*) => {$(
        impl From<Vec<$native>> for Column {
            fn from(values: Vec<$native>) -> Self {
                Self(Arc::new(<$array>::from(values)))
            }
        }
    )*};
}

column_from!(bool => BooleanArray, i32 => Int32Array, i64 => Int64Array, u8 => UInt8Array, u32 => UInt32Array, u64 => UInt64Array,
    f64 => Float64Array, Option<f64> => Float64Array, Option<i64> => Int64Array, Option<u32> => UInt32Array);

/// A column of texts.
pub fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> Column {
    let mut builder = StringViewBuilder::new();
    for value in values {
        builder.append_value(value);
    }
    Column(Arc::new(builder.finish()))
}

/// A column of instants, in microseconds since 1970 in UTC.
pub fn instants(values: Vec<i64>) -> Column {
    Column(Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")))
}

/// A column of exact money, from units of 10^-4 of the currency. In 128 bits: polars 2.1 misreads decimals of 64.
pub fn money(values: Vec<i64>) -> Column {
    let wide: Vec<i128> = values.into_iter().map(i128::from).collect();
    Column(Arc::new(Decimal128Array::from(wide).with_data_type(DataType::Decimal128(18, 4))))
}

/// A column of lists: row `i` holds `values[offsets[i]..offsets[i + 1]]`. `values` may itself be a column of lists.
pub fn lists(offsets: Vec<i64>, values: Column) -> Column {
    let field = Arc::new(Field::new("item", values.0.data_type().clone(), true));
    Column(Arc::new(LargeListArray::new(
        field,
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        values.0,
        None,
    )))
}
