//! The ledger as named flat columns and back, for a file that can be mapped.
//!
//! Writing the parts in any container that keeps them aligned, and giving them back, is all that saving takes; nothing is
//! decoded, so that opening costs one look at the offsets.

use arrow_buffer::{Buffer, ScalarBuffer};

use sha2::{Digest, Sha256};

use super::{Attribute, Ledger, NO_ITEM, Zone};
use crate::dictionary::{Encoder, Ids, NONE};
use crate::error::{Error, Result};

/// A flat column.
#[derive(Debug, Clone, PartialEq)]
pub enum Flat {
    /// 64-bit signed.
    I64(ScalarBuffer<i64>),
    /// 32-bit codes and offsets.
    U32(ScalarBuffer<u32>),
    /// 64-bit offsets.
    U64(ScalarBuffer<u64>),
    /// Bytes.
    Bytes(Buffer),
}

impl Ledger {
    /// All columns, in a fixed order. Equal ledgers have equal parts.
    pub fn to_parts(&self) -> Vec<(String, Flat)> {
        let whole = self.clone().compact();
        let mut parts = Vec::new();
        ids_to_parts("customer", &whole.customers, &mut parts);
        ids_to_parts("item", &whole.items, &mut parts);
        parts.push(("order_offsets".to_owned(), Flat::U32(whole.order_offsets)));
        parts.push(("order_time".to_owned(), Flat::I64(whole.order_times)));
        if let Some(ids) = &whole.order_ids {
            ids_to_parts("order", ids, &mut parts);
        }
        parts.push(("line_offsets".to_owned(), Flat::U32(whole.line_offsets)));
        if let Some(items) = whole.line_items {
            parts.push(("line_item".to_owned(), Flat::U32(items)));
        }
        for (name, values) in whole.measures {
            parts.push((format!("measure:{name}"), Flat::I64(values)));
        }
        for (kind, attributes) in [("item", &whole.item_attributes), ("customer", &whole.customer_attributes)]
        {
            for (number, attribute) in attributes.iter().enumerate() {
                let place = format!("{kind}_attribute.{number}");
                let name = Buffer::from(attribute.name.as_bytes());
                parts.push((format!("{place}.name"), Flat::Bytes(name)));
                parts.push((format!("{place}.codes"), Flat::U32(attribute.codes.clone())));
                ids_to_parts(&place, &attribute.labels, &mut parts);
            }
        }
        let (starts, offsets) = whole.zone.table();
        parts.push(("zone_starts".to_owned(), Flat::I64(starts.to_vec().into())));
        let offsets: Vec<i64> = offsets.iter().map(|&offset| i64::from(offset)).collect();
        parts.push(("zone_offsets".to_owned(), Flat::I64(offsets.into())));
        parts.push(("zone_name".to_owned(), Flat::Bytes(Buffer::from(whole.zone.name().as_bytes()))));
        parts
    }

    /// A hash (SHA-256, hexadecimal) of all columns: equal ledgers, however they were read, have the same.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, flat) in self.to_parts() {
            let bytes = match &flat {
                Flat::I64(values) => values.inner().as_slice(),
                Flat::U32(values) => values.inner().as_slice(),
                Flat::U64(values) => values.inner().as_slice(),
                Flat::Bytes(bytes) => bytes.as_slice(),
            };
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name);
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Takes columns that [`Ledger::to_parts`] gave.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a column is missing or points outside of another.
    pub fn from_parts(parts: Vec<(String, Flat)>) -> Result<Self> {
        let mut parts = Parts(parts);
        let customers = parts.ids("customer")?;
        let items = parts.ids("item")?;
        let order_offsets = parts.u32("order_offsets")?;
        let order_times = parts.i64("order_time")?;
        let order_ids = if parts.has("order") { Some(parts.ids("order")?) } else { None };
        let line_offsets = parts.u32("line_offsets")?;
        let line_items = if parts.has("line_item") { Some(parts.u32("line_item")?) } else { None };
        let measures = parts.measures()?;
        let item_attributes = parts.attributes("item")?;
        let customer_attributes = parts.attributes("customer")?;
        let zone_starts = parts.i64("zone_starts")?.to_vec();
        let zone_offsets = parts.i64("zone_offsets")?.iter().map(|&offset| offset as i32).collect();
        let zone_name = String::from_utf8_lossy(&parts.bytes("zone_name")?).into_owned();
        let n_orders = order_times.len() as u32;
        let n_lines = line_offsets.last().copied().unwrap_or(0) as usize;
        sound(order_offsets.len() == customers.len() + 1, "order_offsets")?;
        sound(increasing(&order_offsets) && order_offsets.first() == Some(&0), "order_offsets")?;
        let n_known = order_offsets.last().copied().unwrap_or(0);
        sound(n_known <= n_orders, "order_offsets")?;
        sound(line_offsets.len() == order_times.len() + 1 && line_offsets[0] == 0, "line_offsets")?;
        sound(increasing(&line_offsets), "line_offsets")?;
        sound(order_ids.as_ref().is_none_or(|ids| ids.len() == order_times.len()), "order")?;
        let codes_fit = |codes: &[u32], most: usize| {
            // Wrapping makes the missing code 0 and every other one more: one comparison a code.
            codes.iter().fold(0, |largest: u32, &code| largest.max(code.wrapping_add(1))) as usize <= most
        };
        sound(NONE == NO_ITEM, "codes")?;
        if let Some(codes) = &line_items {
            sound(codes.len() == n_lines && codes_fit(codes, items.len()), "line_item")?;
        }
        sound(measures.iter().all(|(_, values)| values.len() == n_lines), "measure")?;
        let attributes = item_attributes.iter().chain(&customer_attributes);
        for attribute in attributes {
            sound(codes_fit(&attribute.codes, attribute.labels.len()), "attribute")?;
        }
        let mut ledger = Self {
            customers,
            items,
            order_offsets,
            guests: n_known..n_orders,
            order_times,
            order_ids,
            line_offsets,
            line_items,
            measures,
            item_attributes: Vec::new(),
            customer_attributes: Vec::new(),
            zone: Zone::new(&zone_name, zone_starts, zone_offsets)?,
        };
        ledger.set_attributes(item_attributes, customer_attributes)?;
        Ok(ledger)
    }

    /// The same ledger with columns of its own if it is a slice of a larger one.
    fn compact(mut self) -> Self {
        let known = self.order_offsets[0]..self.order_offsets[self.n_customers()];
        if known.start == 0
            && known.end == self.guests.start
            && self.guests.end as usize == self.order_times.len()
        {
            return self;
        }
        // Slices have no guests, so that their orders are one range.
        let (first, n_orders) = (known.start as usize, known.len());
        let base = self.line_offsets[first];
        let n_lines = (self.line_offsets[known.end as usize] - base) as usize;
        self.order_offsets = self.order_offsets.iter().map(|offset| offset - known.start).collect();
        self.order_times = self.order_times.slice(first, n_orders);
        self.order_ids = self.order_ids.map(|ids| ids.slice(first, n_orders));
        self.line_offsets =
            self.line_offsets.slice(first, n_orders + 1).iter().map(|offset| offset - base).collect();
        self.line_items = self.line_items.map(|items| items.slice(base as usize, n_lines));
        for (_, values) in &mut self.measures {
            *values = values.slice(base as usize, n_lines);
        }
        self.guests = n_orders as u32..n_orders as u32;
        self
    }
}

impl Attribute {
    /// An attribute whose labels an encoder has numbered; `codes` holds its number for each item or customer.
    pub fn new(name: &str, encoder: Encoder, codes: &[u32]) -> Self {
        let all = vec![true; encoder.len()];
        let (labels, ranks) = encoder.finish(&all);
        let rank = |&code: &u32| ranks.get(code as usize).copied().unwrap_or(NONE);
        Self { name: name.to_owned(), codes: codes.iter().map(rank).collect(), labels }
    }

    /// An attribute with the label of each item or customer; `None` where it is not known.
    pub fn from_texts(name: &str, texts: &[Option<&[u8]>]) -> Self {
        let mut labels: Vec<&[u8]> = texts.iter().copied().flatten().collect();
        labels.sort_unstable();
        labels.dedup();
        let code = |text: Option<&[u8]>| {
            text.map_or(NONE, |text| labels.binary_search(&text).map_or(NONE, |code| code as u32))
        };
        Self {
            name: name.to_owned(),
            codes: texts.iter().copied().map(code).collect(),
            labels: Ids::from_texts(&labels),
        }
    }
}

fn ids_to_parts(name: &str, ids: &Ids, parts: &mut Vec<(String, Flat)>) {
    match ids {
        Ids::Integers(values) => parts.push((format!("{name}.id"), Flat::I64(values.clone()))),
        Ids::Texts { offsets, bytes } => {
            let (start, end) = (offsets[0], offsets[offsets.len() - 1]);
            let offsets = if start == 0 {
                offsets.clone()
            } else {
                offsets.iter().map(|offset| offset - start).collect()
            };
            let bytes = bytes.slice_with_length(start as usize, (end - start) as usize);
            parts.push((format!("{name}.id_offsets"), Flat::U64(offsets)));
            parts.push((format!("{name}.id_bytes"), Flat::Bytes(bytes)));
        }
    }
}

fn increasing(offsets: &[u32]) -> bool {
    offsets.is_sorted()
}

fn sound(sound: bool, part: &str) -> Result<()> {
    if sound { Ok(()) } else { Err(damaged(&format!("the part '{part}' does not fit the others"))) }
}

fn damaged(problem: &str) -> Error {
    Error::Damaged { what: "saved ledger", problem: format!("{problem}; build and save it again") }
}

/// Columns that wait to be taken by name.
struct Parts(Vec<(String, Flat)>);

impl Parts {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| {
            known == name || known.strip_prefix(name).is_some_and(|rest| rest.starts_with(".id"))
        })
    }

    fn take(&mut self, name: &str) -> Result<Flat> {
        let at = self.0.iter().position(|(known, _)| known == name);
        at.map(|at| self.0.remove(at).1).ok_or_else(|| damaged(&format!("the part '{name}' is missing")))
    }

    fn i64(&mut self, name: &str) -> Result<ScalarBuffer<i64>> {
        if let Flat::I64(values) = self.take(name)? { Ok(values) } else { Err(wrong_type(name)) }
    }

    fn u32(&mut self, name: &str) -> Result<ScalarBuffer<u32>> {
        if let Flat::U32(values) = self.take(name)? { Ok(values) } else { Err(wrong_type(name)) }
    }

    fn bytes(&mut self, name: &str) -> Result<Buffer> {
        if let Flat::Bytes(values) = self.take(name)? { Ok(values) } else { Err(wrong_type(name)) }
    }

    fn ids(&mut self, name: &str) -> Result<Ids> {
        let whole = format!("{name}.id");
        if self.0.iter().any(|(known, _)| *known == whole) {
            return Ok(Ids::Integers(self.i64(&whole)?));
        }
        let name = format!("{name}.id_offsets");
        let Flat::U64(offsets) = self.take(&name)? else { return Err(wrong_type(&name)) };
        let bytes = self.bytes(&name.replace("id_offsets", "id_bytes"))?;
        let fits = offsets.first() == Some(&0)
            && offsets.last().copied() == Some(bytes.len() as u64)
            && offsets.is_sorted();
        sound(fits, &name)?;
        Ok(Ids::Texts { offsets, bytes })
    }

    fn measures(&mut self) -> Result<Vec<(String, ScalarBuffer<i64>)>> {
        let names = self.0.iter().filter_map(|(name, _)| name.strip_prefix("measure:").map(str::to_owned));
        let names: Vec<String> = names.collect();
        names.into_iter().map(|name| Ok((name.clone(), self.i64(&format!("measure:{name}"))?))).collect()
    }

    fn attributes(&mut self, kind: &str) -> Result<Vec<Attribute>> {
        let mut attributes = Vec::new();
        loop {
            let place = format!("{kind}_attribute.{}", attributes.len());
            if !self.has(&place) {
                return Ok(attributes);
            }
            let name = String::from_utf8_lossy(&self.bytes(&format!("{place}.name"))?).into_owned();
            let codes = self.u32(&format!("{place}.codes"))?;
            attributes.push(Attribute { name, codes, labels: self.ids(&place)? });
        }
    }
}

fn wrong_type(name: &str) -> Error {
    damaged(&format!("the part '{name}' is of another type"))
}
