//! Which items can stand in a rule whose consequent is given.

use super::Options;
use crate::baskets::Baskets;
use crate::itemsets::{self, Itemsets};
use crate::{Control, Result};

/// The most consequents that are looked after one by one.
const FEW: usize = 64;

/// The frequent itemsets that rules are made of. With a few consequents given, items that meet none of them in enough baskets are
/// not searched: no rule has them.
///
/// # Errors
/// As [`itemsets::mine()`].
pub fn mine(
    baskets: &Baskets,
    sets: &itemsets::Options,
    options: &Options,
    control: &Control,
) -> Result<Itemsets> {
    match &options.consequents {
        Some(wanted) if wanted.len() <= FEW => {
            let mut sets = sets.clone();
            sets.excludes.extend(apart(baskets, wanted, sets.min_count));
            itemsets::mine(baskets, &sets, control)
        }
        _ => itemsets::mine(baskets, sets, control),
    }
}

/// The items that meet none of the wanted ones in `least` baskets; those themselves meet themselves.
fn apart(baskets: &Baskets, wanted: &[u32], least: u64) -> Vec<u32> {
    let mut places = vec![None; baskets.n_items()];
    for (place, &item) in wanted.iter().enumerate() {
        places[item as usize] = Some(place);
    }
    let mut met = vec![0_u32; baskets.n_items() * wanted.len()];
    let mut here = Vec::new();
    for basket in baskets.iter() {
        here.clear();
        here.extend(basket.iter().filter_map(|&item| places[item as usize]));
        for &item in basket {
            for &place in &here {
                met[item as usize * wanted.len() + place] += 1;
            }
        }
    }
    let rare = |counts: &[u32]| counts.iter().all(|&count| u64::from(count) < least);
    let items = (0_u32..).zip(met.chunks(wanted.len().max(1)));
    items.filter(|(_, counts)| rare(counts)).map(|(item, _)| item).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::derive;

    proptest! {
        #[test]
        fn no_rule_is_lost(
            rows in prop::collection::vec(prop::collection::vec(0_u32..9, 0..7), 0..30),
            wanted in prop::collection::btree_set(0_u32..9, 0..4),
            least in 1_u64..5,
        ) {
            let shop = Baskets::from_rows(&rows);
            let wanted: Vec<u32> = wanted.into_iter().filter(|&item| (item as usize) < shop.n_items()).collect();
            let options = Options { consequents: Some(wanted), ..Options::at_least(1, 4) };
            let sets = itemsets::Options::at_least(least);
            let control = Control::default();
            let all = derive(&itemsets::mine(&shop, &sets, &control).unwrap(), &options, &control).unwrap();
            let some = derive(&mine(&shop, &sets, &options, &control).unwrap(), &options, &control).unwrap();
            prop_assert_eq!(all.measures, some.measures);
        }
    }
}
