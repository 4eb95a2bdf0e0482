//! Arrow in and out: the only file that knows Arrow arrays.
//!
//! In: record batches become the core's slices. Out: the core's columns become one record batch that Python takes through
//! the C stream interface. Nothing is copied that need not be.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    LargeBinaryArray, LargeListArray, LargeStringArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
    RecordBatchReader, StringViewArray, StructArray, TimestampMicrosecondArray, UInt8Array, UInt32Array,
    UInt64Array,
};
pub use arrow_buffer::ScalarBuffer;
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use basketry_core::Error;
use basketry_core::baskets::{self, Grouping};
use basketry_core::dictionary::{Encoder, IdChunk, Ids, NONE, TextChunk, Values};
use basketry_core::histories;
use basketry_core::ledger::{
    Attribute, Flat, MISSING, NumberChunk, Numbers, OrderKey, Rows, Shape, TimeChunk, UNIT,
};
use bytemuck::Pod;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyRecordBatchReader;
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
pub struct Column(ArrayRef);

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
    f64 => Float64Array, Option<f64> => Float64Array, Option<i64> => Int64Array, Option<u32> => UInt32Array,
    Option<String> => StringViewArray);

macro_rules! column_from_buffer {
    ($($native:ty => $array:ty),*) => {$(
        impl From<ScalarBuffer<$native>> for Column {
            fn from(values: ScalarBuffer<$native>) -> Self {
                Self(Arc::new(<$array>::new(values, None)))
            }
        }
    )*};
}

column_from_buffer!(u32 => UInt32Array, u64 => UInt64Array, f64 => Float64Array);

/// A column of instants, in microseconds since 1970 in UTC.
pub fn instants(values: Vec<i64>) -> Column {
    Column(Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")))
}

/// A column of calendar days, in days since 1970.
pub fn days(values: Vec<i32>) -> Column {
    Column(Arc::new(Date32Array::from(values)))
}

/// The same, where some are not known.
pub fn maybe_days(values: Vec<Option<i32>>) -> Column {
    Column(Arc::new(Date32Array::from(values)))
}

/// A column of money or quantities in units, from ten-thousandths.
pub fn units(values: impl IntoIterator<Item = i64>) -> Column {
    let unit = |value: i64| (value != MISSING).then_some(value as f64 / UNIT);
    Column(Arc::new(values.into_iter().map(unit).collect::<Float64Array>()))
}

/// A column of exact money, from ten-thousandths. In 128 bits: polars 2.1 misreads decimals of 64.
pub fn money(values: Vec<i64>) -> Column {
    let wide: Vec<i128> = values.into_iter().map(i128::from).collect();
    Column(Arc::new(Decimal128Array::from(wide).with_data_type(DataType::Decimal128(18, 4))))
}

/// A column of lists: row `i` holds `values[offsets[i]..offsets[i + 1]]`. `values` may itself be a column of lists.
pub fn lists(offsets: impl Into<ScalarBuffer<i64>>, values: Column) -> Column {
    let field = Arc::new(Field::new("item", values.0.data_type().clone(), true));
    Column(Arc::new(LargeListArray::new(field, OffsetBuffer::new(offsets.into()), values.0, None)))
}

/// A column of lists of ids, such as the sides of rules.
pub fn id_lists(ids: &Ids, offsets: impl Into<ScalarBuffer<i64>>, codes: &[u32]) -> PyResult<Column> {
    Ok(lists(offsets, ids_of(ids, codes)?))
}

/// A column of all ids, in their order.
pub fn all_ids(ids: &Ids) -> PyResult<Column> {
    match ids {
        Ids::Integers(values) => Ok(Column(Arc::new(Int64Array::new(values.clone(), None)))),
        Ids::Texts { offsets, bytes } => {
            let offsets = OffsetBuffer::new(ScalarBuffer::<i64>::from(offsets.clone().into_inner()));
            LargeStringArray::try_new(offsets, bytes.clone(), None)
                .map(|array| Column(Arc::new(array)))
                .map_err(|error| errors::from_arrow("id", &error))
        }
    }
}

/// A column of the ids that codes stand for; null for a missing code.
pub fn ids_of(ids: &Ids, codes: &[u32]) -> PyResult<Column> {
    let nulls = codes.contains(&NONE).then(|| codes.iter().map(|&code| code != NONE).collect::<NullBuffer>());
    match ids {
        Ids::Integers(values) => {
            let picked = codes.iter().map(|&code| values.get(code as usize).copied().unwrap_or(0));
            Ok(Column(Arc::new(Int64Array::new(picked.collect(), nulls))))
        }
        Ids::Texts { bytes, offsets } => {
            // Views point into the ids' own bytes: 16 bytes a row, whatever the length of the ids.
            let blocks = bytes.len().div_ceil(BLOCK).max(1);
            let buffers: Vec<Buffer> = (0..blocks)
                .map(|block| {
                    let start = block * BLOCK;
                    bytes.slice_with_length(start, (bytes.len() - start).min(2 * BLOCK))
                })
                .collect();
            let view = |&code: &u32| {
                if code == NONE {
                    return 0;
                }
                let start = offsets[code as usize] as usize;
                let block = start / BLOCK;
                arrow_array::builder::make_view(
                    ids.text(code as usize),
                    block as u32,
                    (start - block * BLOCK) as u32,
                )
            };
            StringViewArray::try_new(codes.iter().map(view).collect(), buffers, nulls)
                .map(|array| Column(Arc::new(array)))
                .map_err(|error| errors::from_arrow("id", &error))
        }
    }
}

/// A view points at most 2 GiB into a buffer: longer bytes are shown as overlapping blocks.
const BLOCK: usize = 1 << 30;

/// What the columns of a stream of rows say about the ledger to come.
pub fn shape_of(schema: &Schema, measures: Vec<String>) -> Shape {
    let is_text = |field: &Field| {
        let inner = match field.data_type() {
            DataType::Dictionary(_, values) => values.as_ref(),
            plain => plain,
        };
        matches!(inner, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    };
    let order = match schema.column_with_name("order") {
        None => OrderKey::Time,
        Some((_, field)) if is_text(field) => OrderKey::Text,
        Some(_) => OrderKey::Integer,
    };
    Shape { order, item: schema.column_with_name("item").is_some(), measures }
}

/// Reads attributes: every column of a frame is one, every row the label of an item or a customer.
pub fn attributes(frame: PyRecordBatchReader) -> PyResult<Vec<Attribute>> {
    let reader = frame.into_reader()?;
    let schema = reader.schema();
    let mut encoders: Vec<_> =
        schema.fields().iter().map(|_| (Encoder::new("attribute"), Vec::new())).collect();
    for batch in reader {
        let batch = batch.map_err(|error| errors::from_arrow("attributes", &error))?;
        for (column, (encoder, codes)) in batch.columns().iter().zip(&mut encoders) {
            let held = Held::new("attribute", column)?;
            let mut part = Vec::new();
            encoder.encode(&held.chunk(), &mut part).map_err(|error| errors::to_python(&error))?;
            codes.append(&mut part);
        }
    }
    let attribute = |(field, (encoder, codes)): (&Arc<Field>, (Encoder, Vec<u32>))| {
        Attribute::new(field.name(), encoder, &codes)
    };
    Ok(schema.fields().iter().zip(encoders).map(attribute).collect())
}

/// Reads a column of codes; a missing one is 2^32 - 1.
pub fn codes(frame: PyRecordBatchReader) -> PyResult<Vec<u32>> {
    let mut codes = Vec::new();
    for_each_batch(frame, |batch| {
        let column = batch.columns().first().and_then(|column| column.as_primitive_opt::<UInt32Type>());
        let column = column.ok_or_else(|| errors::from_arrow("codes", &"they are no 32-bit numbers"))?;
        codes.extend(column.iter().map(|code| code.unwrap_or(u32::MAX)));
        Ok(())
    })?;
    Ok(codes)
}

/// Reads every column of a frame as numbers; a missing one is NaN.
pub fn floats(frame: PyRecordBatchReader) -> PyResult<Vec<Vec<f64>>> {
    let reader = frame.into_reader()?;
    let mut columns = vec![Vec::new(); reader.schema().fields().len()];
    for batch in reader {
        let batch = batch.map_err(|error| errors::from_arrow("input", &error))?;
        for ((field, array), column) in batch.schema().fields().iter().zip(batch.columns()).zip(&mut columns)
        {
            let array = cast(field.name(), array, &DataType::Float64)?;
            let array = array.as_primitive::<Float64Type>();
            match valid(array) {
                None => column.extend_from_slice(array.values()),
                Some(_) => column.extend(array.iter().map(|value| value.unwrap_or(f64::NAN))),
            }
        }
    }
    Ok(columns)
}

/// Reads columns of 64-bit numbers without a missing one, with their names.
pub fn integers(frame: PyRecordBatchReader) -> PyResult<Vec<(String, Vec<i64>)>> {
    let reader = frame.into_reader()?;
    let mut columns: Vec<_> =
        reader.schema().fields().iter().map(|field| (field.name().clone(), Vec::new())).collect();
    for batch in reader {
        let batch = batch.map_err(|error| errors::from_arrow("integers", &error))?;
        for (column, (name, values)) in batch.columns().iter().zip(&mut columns) {
            let column = column.as_primitive_opt::<Int64Type>().filter(|column| column.null_count() == 0);
            let column = column.ok_or_else(|| errors::from_arrow(name, &"these are no 64-bit numbers"))?;
            values.extend_from_slice(column.values());
        }
    }
    Ok(columns)
}

/// Rows that are worked on at once: few enough that all their columns stay in the cache.
const ROWS_AT_ONCE: usize = 1 << 14;

/// Reads every batch of a stream, in pieces.
pub fn for_each_batch(
    reader: PyRecordBatchReader,
    mut take: impl FnMut(&RecordBatch) -> PyResult<()>,
) -> PyResult<()> {
    for batch in reader.into_reader()? {
        let batch = batch.map_err(|error| errors::from_arrow("input", &error))?;
        for start in (0..batch.num_rows().max(1)).step_by(ROWS_AT_ONCE) {
            take(&batch.slice(start, ROWS_AT_ONCE.min(batch.num_rows() - start)))?;
        }
    }
    Ok(())
}

/// Rows of items on their way to baskets, held until all of them are there.
pub struct Basketfuls(Vec<Basketful>, IdType);

struct Basketful {
    baskets: Option<Held>,
    /// Where lists of items begin, in place of basket ids.
    lists: Option<OffsetBuffer<i64>>,
    items: Held,
    values: Vec<Measure>,
}

impl Basketfuls {
    /// Reads the columns `basket`, `item` and `value 0`, `value 1` ..., which are called `values`, or, without the column `basket`, lists of items.
    pub fn read(rows: PyRecordBatchReader, values: &[String]) -> PyResult<Self> {
        let (mut held, mut id_type) = (Vec::new(), IdType::default());
        for_each_batch(rows, |batch| {
            let column = |name: &str| {
                batch.column_by_name(name).ok_or_else(|| errors::from_arrow(name, &"it is missing"))
            };
            let items = column("item")?;
            id_type = IdType::of(items.data_type());
            let number = |(at, name): (usize, &String)| Measure::new(name, column(&format!("value {at}"))?);
            let values = values.iter().enumerate().map(number);
            let values = values.collect::<PyResult<_>>()?;
            held.push(if let Some(baskets) = batch.column_by_name("basket") {
                let (baskets, items) = (Held::new("basket", baskets)?, Held::new("item", items)?);
                Basketful { baskets: Some(baskets), lists: None, items, values }
            } else {
                let lists = match items.data_type() {
                    DataType::List(field) | DataType::FixedSizeList(field, _) => {
                        cast("item", items, &DataType::LargeList(field.clone()))?
                    }
                    _ => items.clone(),
                };
                let lists = lists.as_list::<i64>();
                let (start, end) = (lists.offsets()[0], lists.offsets()[lists.len()]);
                let items = lists.values().slice(start as usize, (end - start) as usize);
                let items = Held::new("item", &items)?;
                Basketful { baskets: None, lists: Some(lists.offsets().clone()), items, values }
            });
            Ok(())
        })?;
        Ok(Self(held, id_type))
    }

    /// What the item ids are.
    pub fn id_type(&self) -> IdType {
        self.1.clone()
    }

    /// The same as slices.
    pub fn rows<'a>(&'a self) -> Vec<baskets::Rows<'a>> {
        let rows = |held: &'a Basketful| baskets::Rows {
            baskets: match (&held.baskets, &held.lists) {
                (Some(baskets), _) => Grouping::Ids(baskets.chunk()),
                (None, lists) => Grouping::Lists(lists.as_deref().unwrap_or_default()),
            },
            items: held.items.chunk(),
            values: held.values.iter().map(Measure::chunk).collect(),
        };
        self.0.iter().map(rows).collect()
    }
}

/// Rows of customers, items and days, a piece at a time; each is made into slices when it is its turn.
pub struct Visits(Vec<[ArrayRef; 3]>);

impl Visits {
    /// Reads the columns `customer`, `item` and `time`.
    pub fn read(rows: PyRecordBatchReader) -> PyResult<Self> {
        let mut pieces = Vec::new();
        for_each_batch(rows, |batch| {
            let column = |name: &str| {
                batch.column_by_name(name).cloned().ok_or_else(|| errors::from_arrow(name, &"it is missing"))
            };
            pieces.push([column("customer")?, column("item")?, column("time")?]);
            Ok(())
        })?;
        Ok(Self(pieces))
    }
}

impl histories::Pieces for Visits {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn take(
        &self,
        piece: usize,
        take: &mut dyn FnMut(&histories::Rows<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let [customers, items, days] = &self.0[piece];
        let customers = Held::read("customer", customers)?;
        let items = Held::read("item", items)?;
        let days = cast_strictly("time", days, &DataType::Date32)?;
        take(&histories::Rows {
            customers: customers.chunk(),
            items: items.chunk(),
            days: days.as_primitive::<Date32Type>().values(),
        })
    }
}

/// Flat lists of codes that can be written with anything in the place of a code.
pub trait CodeLists {
    /// What is left of the lists then.
    type Rest;

    /// Offsets, `values[code]` for each code, and the rest.
    ///
    /// # Errors
    /// [`basketry_core::Error::Memory`] if there is no room for them.
    fn with<T: Value>(self, values: &[T]) -> Result<Filled<T, Self::Rest>, Error>;
}

/// Offsets, values, and the rest of some lists.
pub type Filled<T, R> = (ScalarBuffer<i64>, ScalarBuffer<T>, R);

/// What can stand for an id in a column.
pub trait Value: Pod + ArrowNativeType {}

impl Value for u8 {}
impl Value for u16 {}
impl Value for u32 {}
impl Value for i64 {}
impl Value for u128 {}

/// The type of integer ids where they came from; they go back as the same.
#[derive(Clone)]
pub struct IdType(DataType);

impl Default for IdType {
    fn default() -> Self {
        Self(DataType::Int64)
    }
}

impl IdType {
    fn of(column: &DataType) -> Self {
        match column {
            DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
                Self::of(field.data_type())
            }
            DataType::Dictionary(_, values) => Self::of(values),
            narrow if narrow.is_integer() => Self(narrow.clone()),
            _ => Self::default(),
        }
    }
}

/// What stands for ids in a column: the numbers themselves, in as many bits as they need, or views of texts with the buffers
/// they point into.
pub enum Stand {
    Bits8(ScalarBuffer<u8>, IdType),
    Bits16(ScalarBuffer<u16>, IdType),
    Bits32(ScalarBuffer<u32>, IdType),
    Bits64(ScalarBuffer<i64>),
    Views(ScalarBuffer<u128>, Arc<[Buffer]>),
}

impl Stand {
    /// One value an id; integers as a type that holds them all.
    pub fn for_ids(ids: &Ids, id_type: &IdType) -> PyResult<Self> {
        if let Ids::Integers(values) = ids {
            return Ok(match id_type.0.primitive_width() {
                Some(1) => Self::Bits8(values.iter().map(|&id| id as u8).collect(), id_type.clone()),
                Some(2) => Self::Bits16(values.iter().map(|&id| id as u16).collect(), id_type.clone()),
                Some(4) => Self::Bits32(values.iter().map(|&id| id as u32).collect(), id_type.clone()),
                _ => Self::Bits64(values.clone()),
            });
        }
        let Column(all) = ids_of(ids, &(0..ids.len() as u32).collect::<Vec<_>>())?;
        let (views, buffers, _) = all.as_string_view().clone().into_parts();
        Ok(Self::Views(views, buffers))
    }

    /// Replaces codes by what stands for their ids; touches no Python.
    pub fn fill<C: CodeLists>(&self, codes: C) -> Result<(IdLists, C::Rest), Error> {
        Ok(match self {
            Self::Bits8(values, id_type) => {
                let (offsets, items, rest) = codes.with(values)?;
                (IdLists(offsets, Self::Bits8(items, id_type.clone())), rest)
            }
            Self::Bits16(values, id_type) => {
                let (offsets, items, rest) = codes.with(values)?;
                (IdLists(offsets, Self::Bits16(items, id_type.clone())), rest)
            }
            Self::Bits32(values, id_type) => {
                let (offsets, items, rest) = codes.with(values)?;
                (IdLists(offsets, Self::Bits32(items, id_type.clone())), rest)
            }
            Self::Bits64(values) => {
                let (offsets, items, rest) = codes.with(values)?;
                (IdLists(offsets, Self::Bits64(items)), rest)
            }
            Self::Views(views, buffers) => {
                let (offsets, items, rest) = codes.with(views)?;
                (IdLists(offsets, Self::Views(items, buffers.clone())), rest)
            }
        })
    }
}

/// Lists of ids on their way to a column.
pub struct IdLists(ScalarBuffer<i64>, Stand);

impl IdLists {
    /// The column.
    pub fn finish(self) -> PyResult<Column> {
        let Self(offsets, items) = self;
        let values: ArrayRef = match items {
            Stand::Bits8(values, id_type) => signed::<UInt8Type, Int8Type>(values, &id_type),
            Stand::Bits16(values, id_type) => signed::<UInt16Type, Int16Type>(values, &id_type),
            Stand::Bits32(values, id_type) => signed::<UInt32Type, Int32Type>(values, &id_type),
            Stand::Bits64(values) => Arc::new(Int64Array::new(values, None)),
            Stand::Views(views, buffers) => Arc::new(
                StringViewArray::try_new(views, buffers, None)
                    .map_err(|error| errors::from_arrow("item", &error))?,
            ),
        };
        Ok(lists(offsets, Column(values)))
    }
}

/// A column of bits that are read as unsigned or as signed numbers.
fn signed<U, I>(values: ScalarBuffer<U::Native>, id_type: &IdType) -> ArrayRef
where
    U: ArrowPrimitiveType,
    I: ArrowPrimitiveType,
{
    if id_type.0 == I::DATA_TYPE {
        let length = values.len();
        Arc::new(PrimitiveArray::<I>::new(ScalarBuffer::new(values.into_inner(), 0, length), None))
    } else {
        Arc::new(PrimitiveArray::<U>::new(values, None))
    }
}

/// The columns of one batch, cast to what the core reads.
pub struct Batch {
    n_rows: usize,
    customer: Option<Held>,
    order: Option<Held>,
    item: Option<Held>,
    time: Option<Int64Array>,
    measures: Vec<Measure>,
    reasons: Option<ScalarBuffer<u8>>,
}

/// An id column: its values, and the keys if it came dictionary-encoded.
struct Held {
    values: ArrayRef,
    keys: Option<UInt32Array>,
    /// Which rows hold an id, if not all do.
    valid: Option<BooleanBuffer>,
}

impl Batch {
    /// Casts what has to be cast.
    pub fn new(batch: &RecordBatch, measures: &[String]) -> PyResult<Self> {
        let ids = |name: &str| {
            batch
                .column_by_name(name)
                .map(|array| Held::new(name, array).map(Held::without_empty))
                .transpose()
        };
        let time = batch.column_by_name("time").map(|array| {
            let micros =
                cast("time", array, &DataType::Timestamp(arrow_schema::TimeUnit::Microsecond, None))?;
            Ok::<_, PyErr>(cast("time", &micros, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
        });
        let number = |name: &String| {
            let array = batch
                .column_by_name(name)
                .ok_or_else(|| errors::from_arrow(name, &"it is missing in a part of the input"))?;
            Measure::new(name, array)
        };
        let reasons = batch.column_by_name("set_aside").map(|array| {
            Ok::<_, PyErr>(
                cast("set_aside", array, &DataType::UInt8)?.as_primitive::<UInt8Type>().values().clone(),
            )
        });
        Ok(Self {
            n_rows: batch.num_rows(),
            customer: ids("customer")?,
            order: ids("order")?,
            item: ids("item")?,
            time: time.transpose()?,
            measures: measures.iter().map(number).collect::<PyResult<_>>()?,
            reasons: reasons.transpose()?,
        })
    }

    /// The same as slices, given to `use_rows`.
    pub fn rows<T>(&self, use_rows: impl FnOnce(&Rows<'_>) -> T) -> T {
        let measures = self.measures.iter().map(Measure::chunk).collect();
        use_rows(&Rows {
            n_rows: self.n_rows,
            customer: self.customer.as_ref().map(Held::chunk),
            order: self.order.as_ref().map(Held::chunk),
            time: self.time.as_ref().map(|time| TimeChunk { times: time.values(), valid: valid(time) }),
            item: self.item.as_ref().map(Held::chunk),
            measures,
            reasons: self.reasons.as_deref(),
        })
    }
}

impl Held {
    fn new(name: &str, array: &ArrayRef) -> PyResult<Self> {
        Self::read(name, array).map_err(|error| errors::to_python(&error))
    }

    fn read(name: &str, array: &ArrayRef) -> Result<Self, Error> {
        let plain = |array: &ArrayRef| match array.data_type() {
            kind if kind.is_integer() => cast_strictly(name, array, &DataType::Int64),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                cast_strictly(name, array, &DataType::Utf8View)
            }
            DataType::Null => cast_strictly(name, array, &DataType::Int64),
            other => Err(errors::unreadable(
                name,
                &format!(
                    "ids are texts or whole numbers, it holds {other}: cast it before, or map another column"
                ),
            )),
        };
        let DataType::Dictionary(_, kind) = array.data_type() else {
            return Ok(Self::plain(plain(array)?));
        };
        let dictionary = array.as_any_dictionary();
        if dictionary.values().null_count() > 0 {
            return Ok(Self::plain(plain(&cast_strictly(name, array, kind)?)?));
        }
        let keys = cast_strictly(name, &dictionary.keys().slice(0, dictionary.len()), &DataType::UInt32)?;
        let valid = valid(&keys).cloned();
        let keys = keys.as_primitive::<UInt32Type>().clone();
        Ok(Self { values: plain(dictionary.values())?, keys: Some(keys), valid })
    }

    fn plain(values: ArrayRef) -> Self {
        let valid = valid(&values).cloned();
        Self { values, keys: None, valid }
    }

    /// An empty text is a missing id, as text files write it.
    fn without_empty(mut self) -> Self {
        let Some(texts) = self.values.as_string_view_opt() else { return self };
        // The low half of a view is the length of its text.
        let views = texts.views();
        if views.iter().all(|&view| view as u32 > 0) {
            return self;
        }
        let holds = |row: usize| match &self.keys {
            None => views[row] as u32 > 0,
            Some(keys) => views.get(keys.value(row) as usize).is_some_and(|&view| view as u32 > 0),
        };
        let rows = self.keys.as_ref().map_or(views.len(), Array::len);
        let filled = BooleanBuffer::collect_bool(rows, holds);
        self.valid = Some(self.valid.as_ref().map_or(filled.clone(), |valid| valid & &filled));
        self
    }

    fn chunk(&self) -> IdChunk<'_> {
        let values = if let Some(texts) = self.values.as_string_view_opt() {
            Values::Texts(TextChunk { views: texts.views(), buffers: texts.data_buffers() })
        } else {
            Values::Integers(self.values.as_primitive::<Int64Type>().values())
        };
        IdChunk {
            values,
            keys: self.keys.as_ref().map(|keys| &keys.values()[..]),
            valid: self.valid.as_ref(),
        }
    }
}

fn valid(array: &dyn Array) -> Option<&BooleanBuffer> {
    array.nulls().filter(|nulls| nulls.null_count() > 0).map(NullBuffer::inner)
}

/// A column of numbers.
struct Measure {
    array: ArrayRef,
    /// Decimals in ten-thousandths.
    scaled: Vec<i64>,
}

impl Measure {
    fn new(name: &str, array: &ArrayRef) -> PyResult<Self> {
        let array = match array.data_type() {
            kind if kind.is_integer() => cast(name, array, &DataType::Int64),
            DataType::Decimal128(..) | DataType::Decimal256(..) => {
                cast(name, array, &DataType::Decimal128(38, 4))
            }
            kind if kind.is_floating() => cast(name, array, &DataType::Float64),
            other => Err(errors::from_arrow(name, &format!("a number is needed, it holds {other}"))),
        }?;
        Ok(Self { scaled: ten_thousandths(&array), array })
    }

    fn chunk(&self) -> NumberChunk<'_> {
        NumberChunk {
            numbers: match self.array.data_type() {
                DataType::Int64 => Numbers::Integers(self.array.as_primitive::<Int64Type>().values()),
                DataType::Float64 => Numbers::Floats(self.array.as_primitive::<Float64Type>().values()),
                _ => Numbers::Scaled(&self.scaled),
            },
            valid: valid(&self.array),
        }
    }
}

/// Decimals of scale 4 as 64-bit numbers; what does not fit is missing. Empty for other arrays.
fn ten_thousandths(array: &ArrayRef) -> Vec<i64> {
    let Some(decimals) = array.as_primitive_opt::<Decimal128Type>() else { return Vec::new() };
    decimals.values().iter().map(|&value| i64::try_from(value).unwrap_or(MISSING)).collect()
}

fn cast(name: &str, array: &ArrayRef, kind: &DataType) -> PyResult<ArrayRef> {
    cast_strictly(name, array, kind).map_err(|error| errors::to_python(&error))
}

fn cast_strictly(name: &str, array: &ArrayRef, kind: &DataType) -> Result<ArrayRef, Error> {
    if array.data_type() == kind {
        return Ok(array.clone());
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, kind, &strict).map_err(|error| errors::unreadable(name, &error))
}

/// Writes flat columns as one Arrow IPC file: a row of lists, each list one column, aligned so that it can be mapped.
pub fn write_parts(path: &str, parts: Vec<(String, Flat)>, note: &str) -> PyResult<()> {
    let mut table = Table::default();
    for (name, flat) in parts {
        let list = |values: ArrayRef| lists(vec![0, values.len() as i64], Column(values));
        let column = match flat {
            Flat::I64(values) => list(Arc::new(Int64Array::new(values, None))),
            Flat::U32(values) => list(Arc::new(UInt32Array::new(values, None))),
            Flat::U64(values) => list(Arc::new(UInt64Array::new(values, None))),
            Flat::Bytes(bytes) => {
                let offsets = OffsetBuffer::from_lengths([bytes.len()]);
                Column(Arc::new(LargeBinaryArray::new(offsets, bytes, None)))
            }
        };
        table = table.with(&name, column);
    }
    let Columns(batch) = table.finish()?;
    let write = || {
        let file = std::fs::File::create(path)?;
        let schema = batch
            .schema()
            .as_ref()
            .clone()
            .with_metadata([(FORMAT.0.into(), FORMAT.1.into()), (NOTE.into(), note.into())].into());
        let mut writer = FileWriter::try_new(std::io::BufWriter::new(file), &schema)?;
        writer.write(&batch.clone().with_schema(Arc::new(schema))?)?;
        writer.finish()
    };
    write().map_err(|error| errors::from_file(path, &error))
}

/// Marks a file as a ledger, with the version of the layout.
const FORMAT: (&str, &str) = ("basketry.ledger", "1");

/// Where the caller's text stands.
const NOTE: &str = "basketry.note";

/// Maps a file that [`write_parts`] wrote; the columns stay in the file until they are read.
pub fn map_parts(path: &str) -> PyResult<(Vec<(String, Flat)>, String)> {
    let file = std::fs::File::open(path).map_err(|error| errors::from_file(path, &error))?;
    // SAFETY: the map is only read. A ledger file is replaced as a whole, never written in place, so that an open map
    // keeps the bytes it was opened on.
    #[expect(unsafe_code, reason = "mapping a file is unsafe in Rust: another process could change it")]
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|error| errors::from_file(path, &error))?;
    let buffer = Buffer::from(bytes::Bytes::from_owner(map));
    // Arrow's reader trusts the sizes in a file and panics where they point outside of it.
    let parts = catch_unwind(AssertUnwindSafe(|| decode(&buffer)));
    parts
        .unwrap_or_else(|_| Err(ArrowError::ParseError("its parts point outside of it".into())))
        .map_err(|error| errors::from_file(path, &format!("no saved ledger, or a damaged one ({error})")))
}

fn decode(buffer: &Buffer) -> Result<(Vec<(String, Flat)>, String), ArrowError> {
    let broken = |what: &str| ArrowError::ParseError(what.to_owned());
    let trailer = buffer.len().checked_sub(10).ok_or_else(|| broken("too short"))?;
    let tail: [u8; 10] = buffer[trailer..].try_into().map_err(|_| broken("no trailer"))?;
    let start = read_footer_length(tail).map_err(|_| broken("no trailer"))?;
    let start = trailer.checked_sub(start).ok_or_else(|| broken("no footer"))?;
    let footer = arrow_ipc::root_as_footer(&buffer[start..trailer]).map_err(|_| broken("no footer"))?;
    let schema = footer.schema().ok_or_else(|| broken("no schema"))?;
    let schema = Arc::new(arrow_ipc::convert::fb_to_schema(schema));
    if schema.metadata().get(FORMAT.0).map(String::as_str) != Some(FORMAT.1) {
        return Err(broken("no ledger of this version"));
    }
    let blocks = footer.recordBatches().ok_or_else(|| broken("no columns"))?;
    let block = blocks.iter().next().ok_or_else(|| broken("no columns"))?;
    let (at, length) =
        (block.offset() as usize, block.metaDataLength() as usize + block.bodyLength() as usize);
    if at.checked_add(length).is_none_or(|end| end > start) {
        return Err(broken("truncated"));
    }
    let decoder = FileDecoder::new(schema.clone(), footer.version());
    let batch = decoder.read_record_batch(block, &buffer.slice_with_length(at, length))?;
    let batch = batch.filter(|batch| batch.num_rows() == 1).ok_or_else(|| broken("no columns"))?;
    let part = |field: &Arc<Field>, array: &ArrayRef| {
        let flat = match array.data_type() {
            DataType::LargeBinary => {
                let array = array.as_binary::<i64>();
                let (start, end) = (array.value_offsets()[0] as usize, array.value_offsets()[1] as usize);
                Flat::Bytes(array.values().slice_with_length(start, end - start))
            }
            DataType::LargeList(_) => {
                let values = array.as_list::<i64>().value(0);
                match values.data_type() {
                    DataType::Int64 => Flat::I64(values.as_primitive::<Int64Type>().values().clone()),
                    DataType::UInt32 => Flat::U32(values.as_primitive::<UInt32Type>().values().clone()),
                    DataType::UInt64 => {
                        Flat::U64(values.as_primitive::<arrow_array::types::UInt64Type>().values().clone())
                    }
                    other => return Err(broken(&format!("unknown part of type {other}"))),
                }
            }
            other => return Err(broken(&format!("unknown part of type {other}"))),
        };
        Ok((field.name().clone(), flat))
    };
    let parts = schema.fields().iter().zip(batch.columns()).map(|(field, array)| part(field, array));
    Ok((parts.collect::<Result<_, _>>()?, schema.metadata().get(NOTE).cloned().unwrap_or_default()))
}
