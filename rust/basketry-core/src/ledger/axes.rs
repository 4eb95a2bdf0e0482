//! What counts as an item: the item itself, an attribute, a combination of attributes, or several of these at once.

use std::collections::BTreeMap;

use arrow_buffer::ScalarBuffer;

use super::{Ledger, NO_ITEM};
use crate::dictionary::Ids;
use crate::error::{Error, Result};

/// What stands between the labels of a combination.
const AND: &str = " | ";

/// What counts as an item.
#[derive(Debug, Clone)]
pub struct Axis {
    /// For each level the code of each item, [`NO_ITEM`] for an item without one; no level if items stand for themselves.
    pub(super) levels: Vec<ScalarBuffer<u32>>,
    /// The names of the codes, sorted.
    pub labels: Ids,
    /// Pairs of codes of which the first implies the second: every item of the one is an item of the other.
    pub implied: Vec<(u32, u32)>,
}

impl Axis {
    /// Visits the codes of an item.
    #[inline]
    pub(crate) fn each(&self, item: u32, mut visit: impl FnMut(u32)) {
        if self.levels.is_empty() && item != NO_ITEM {
            visit(item);
        }
        for level in &self.levels {
            if let Some(&code) = level.get(item as usize).filter(|&&code| code != NO_ITEM) {
                visit(code);
            }
        }
    }
}

impl Ledger {
    /// The axis of items (`item`) or of one of their attributes. An item without the attribute is not on the axis.
    ///
    /// # Errors
    /// [`Error::MissingColumn`] if lines have no items, or items no such attribute.
    pub fn axis(&self, name: &str) -> Result<Axis> {
        if self.line_items.is_none() {
            return Err(Error::MissingColumn { column: "item".to_owned() });
        }
        if name == "item" {
            return Ok(Axis { levels: Vec::new(), labels: self.items.clone(), implied: Vec::new() });
        }
        let attribute = self.item_attributes.iter().find(|attribute| attribute.name == name);
        let attribute = attribute.ok_or_else(|| Error::MissingColumn { column: name.to_owned() })?;
        let levels = vec![attribute.codes.clone()];
        Ok(Axis { levels, labels: attribute.labels.clone(), implied: Vec::new() })
    }

    /// The axis of the combinations of attributes that items have, such as `shoes | high`.
    ///
    /// # Errors
    /// As [`Ledger::axis`]; [`Error::Column`] if two combinations would have the same label.
    pub fn combined(&self, names: &[String]) -> Result<Axis> {
        match names {
            [name] => self.axis(name),
            names => named(&[self.combination(names)?], &names.join(AND)),
        }
    }

    /// Several axes at once, each a combination of attributes: every item has a code on each of them.
    ///
    /// Items are called by their ids, all else by the axis too: `category: shoes`.
    ///
    /// # Errors
    /// As [`Ledger::combined`].
    pub fn levels(&self, axes: &[Vec<String>]) -> Result<Axis> {
        if let [axis] = axes {
            return self.combined(axis);
        }
        let levels = axes.iter().map(|names| self.combination(names)).collect::<Result<Vec<_>>>()?;
        let mut axis = named(&levels, "levels")?;
        axis.implied = implied(&axis.levels);
        Ok(axis)
    }

    /// The place of each item on an axis of some attributes; none if it lacks one of them.
    fn combination(&self, names: &[String]) -> Result<Vec<Option<Place>>> {
        let axes = names.iter().map(|name| self.axis(name)).collect::<Result<Vec<_>>>()?;
        let axis_name = names.join(AND);
        let place = |item: u32| {
            let mut codes = Vec::with_capacity(axes.len());
            for axis in &axes {
                axis.each(item, |code| codes.push(code));
            }
            let labels = || axes.iter().zip(&codes).map(|(axis, &code)| axis.labels.label(code as usize));
            let label = labels().collect::<Vec<_>>().join(AND);
            (codes.len() == axes.len()).then_some(Place { axis: axis_name.clone(), label, codes })
        };
        Ok((0..self.items.len() as u32).map(place).collect())
    }
}

/// Where an item stands on an axis.
#[derive(Clone, PartialEq)]
struct Place {
    axis: String,
    label: String,
    codes: Vec<u32>,
}

/// Numbers the places of items on some levels by their names.
fn named(levels: &[Vec<Option<Place>>], axis: &str) -> Result<Axis> {
    let several = levels.len() > 1;
    let name = |place: &Place| match place {
        Place { axis, label, .. } if several && axis != "item" => format!("{axis}: {label}"),
        Place { label, .. } => label.clone(),
    };
    let mut known: BTreeMap<String, &Place> = BTreeMap::new();
    for place in levels.iter().flatten().flatten() {
        let same = known.entry(name(place)).or_insert(place);
        if *same != place {
            let problem = format!("would call two different things '{}': rename a label", name(place));
            return Err(Error::Column { column: axis.to_owned(), problem });
        }
    }
    let names: Vec<&String> = known.keys().collect();
    let code = |place: &Option<Place>| {
        let place = place.as_ref()?;
        names.binary_search(&&name(place)).ok().map(|code| code as u32)
    };
    let coded =
        |level: &Vec<Option<Place>>| level.iter().map(|place| code(place).unwrap_or(NO_ITEM)).collect();
    Ok(Axis {
        levels: levels.iter().map(coded).collect(),
        labels: Ids::from_texts(&names),
        implied: Vec::new(),
    })
}

/// Pairs of codes of two levels of which the first implies the second. Of two codes that imply each other one pair is told.
fn implied(levels: &[ScalarBuffer<u32>]) -> Vec<(u32, u32)> {
    let n_codes = levels.iter().flat_map(|level| level.iter()).filter(|&&code| code != NO_ITEM).max();
    let n_codes = n_codes.map_or(0, |&most| most as usize + 1);
    let mut pairs = Vec::new();
    for (at, fine) in levels.iter().enumerate() {
        for (_, coarse) in levels.iter().enumerate().filter(|&(other, _)| other != at) {
            // The code that all items of a code have in common.
            let mut common: Vec<Option<u32>> = vec![None; n_codes];
            for (&fine, &coarse) in fine.iter().zip(coarse.iter()).filter(|&(&fine, _)| fine != NO_ITEM) {
                let common = &mut common[fine as usize];
                *common = Some(if common.is_none_or(|common| common == coarse) { coarse } else { NO_ITEM });
            }
            let known = (0..).zip(common).filter_map(|(fine, coarse)| Some((fine, coarse?)));
            pairs.extend(known.filter(|&(_, coarse)| coarse != NO_ITEM));
        }
    }
    pairs.sort_unstable_by_key(|&(one, other): &(u32, u32)| (one.min(other), one.max(other)));
    pairs.dedup_by_key(|&mut (one, other)| (one.min(other), one.max(other)));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_implies_what_all_its_items_have() {
        let level = |codes: &[u32]| ScalarBuffer::from(codes.to_vec());
        // Items 0 to 3; categories 4 and 5; 6 and 7 on a level of which an item is left out.
        let levels = [level(&[0, 1, 2, 3]), level(&[4, 4, 5, 5]), level(&[6, 6, 7, NO_ITEM])];
        let wanted = [(0, 4), (0, 6), (1, 4), (1, 6), (2, 5), (2, 7), (3, 5), (4, 6), (7, 5)];
        let mut pairs = implied(&levels);
        pairs.sort_unstable();
        assert_eq!(pairs, wanted);
    }
}
