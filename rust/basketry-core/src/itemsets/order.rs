//! The order of a result: sorting by counting, because counts and lengths are small numbers.

/// The places of sets by falling count, then rising length, then as they stand.
pub(super) fn by_count_and_length(counts: &[u32], lengths: &[u16]) -> Vec<u32> {
    let places: Vec<u32> = (0..counts.len() as u32).collect();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let places = sorted(&places, usize::from(longest), |place| usize::from(lengths[place as usize]));
    let most = counts.iter().copied().max().unwrap_or(0);
    sorted(&places, most as usize, |place| (most - counts[place as usize]) as usize)
}

/// Sorts by a key of at most `most`, and leaves equal ones as they stand.
fn sorted(places: &[u32], most: usize, key: impl Fn(u32) -> usize) -> Vec<u32> {
    // A table much longer than the places would be slower to go through than comparing.
    if most > 8 * places.len() + 1024 {
        let mut sorted = places.to_vec();
        sorted.sort_by_key(|&place| key(place));
        return sorted;
    }
    let mut next = vec![0_u32; most + 2];
    for &place in places {
        next[key(place) + 1] += 1;
    }
    for at in 1..next.len() {
        next[at] += next[at - 1];
    }
    let mut sorted = vec![0; places.len()];
    for &place in places {
        let next = &mut next[key(place)];
        sorted[*next as usize] = place;
        *next += 1;
    }
    sorted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_a_stable_sort(
            sets in prop::collection::vec((prop_oneof![0_u32..9, 0_u32..u32::MAX], 1_u16..20), 0..60),
        ) {
            let (counts, lengths): (Vec<u32>, Vec<u16>) = sets.iter().copied().unzip();
            let mut wanted: Vec<u32> = (0..sets.len() as u32).collect();
            wanted.sort_by_key(|&place| (!counts[place as usize], lengths[place as usize]));
            prop_assert_eq!(by_count_and_length(&counts, &lengths), wanted);
        }
    }
}
