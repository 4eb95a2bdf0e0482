//! Who has a sequence, and when; and in which of two groups it is more usual.

use rayon::prelude::*;

use super::{Constraints, Sequences};
use crate::chance::{Fisher, false_discovery};
use crate::control::Control;
use crate::error::Result;
use crate::histories::Histories;

/// The customers of one sequence with the days of their first match, customer after customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// The customers, ascending.
    pub customers: Vec<u32>,
    /// Where the days of each customer begin.
    pub offsets: Vec<i64>,
    /// The day of each event of the sequence.
    pub days: Vec<i32>,
}

/// Finds the customers who have a sequence under the constraints, each with his first match: no other one has an earlier first
/// event, and of those that begin with it none has an earlier second one, and so on.
///
/// No event strictly between two consecutive matched events may have an item of `without`; the matched events themselves may.
///
/// Limits on the shape of a sequence have no effect here.
///
/// # Errors
/// [`crate::Error::Parameter`] for limits that nothing can meet, [`crate::Error::Interrupted`] on request.
pub fn matches(
    histories: &Histories,
    sequence: &[Vec<u32>],
    constraints: &Constraints,
    without: &[u32],
    control: &Control,
) -> Result<Matches> {
    constraints.check()?;
    let all: Vec<usize> = (0..histories.len()).collect();
    let firsts: Vec<Option<Vec<i32>>> = all
        .into_par_iter()
        .map(|customer| {
            if customer % 4096 == 0 {
                control.check()?;
            }
            let events = first_match(histories, customer, sequence, constraints, without);
            Ok(events.map(|events| events.iter().map(|&event| histories.day(event)).collect()))
        })
        .collect::<Result<_>>()?;
    let mut found = Matches { offsets: vec![0], ..Matches::default() };
    for (customer, days) in firsts.iter().enumerate() {
        if let Some(days) = days {
            found.customers.push(customer as u32);
            found.days.extend(days);
            found.offsets.push(found.days.len() as i64);
        }
    }
    Ok(found)
}

/// The events of a customer's first match.
fn first_match<S: AsRef<[u32]>>(
    histories: &Histories,
    customer: usize,
    sequence: &[S],
    limits: &Constraints,
    without: &[u32],
) -> Option<Vec<usize>> {
    let events = histories.events_of(customer);
    // For each event the last one before it that no match may step over.
    let mut latest = None;
    let barriers: Vec<Option<usize>> = events
        .clone()
        .map(|event| {
            let barrier = latest;
            if without.iter().any(|item| histories.items_of(event).binary_search(item).is_ok()) {
                latest = Some(event);
            }
            barrier
        })
        .collect();
    let holds = |event: usize, set: &S| {
        set.as_ref().iter().all(|item| histories.items_of(event).binary_search(item).is_ok())
    };
    let (first, others) = sequence.split_first()?;
    let width = events.len();
    for start in events.clone().filter(|&event| holds(event, first)) {
        let point = |event: usize| (histories.day(event), (event - events.start) as u32);
        let (day, position) = point(start);
        let begin = limits.start(day, position);
        let follows = |before: usize, event: usize| {
            limits.is_apart(point(before), point(event))
                && limits.is_near(point(before), begin, point(event))
                && barriers[event - events.start].is_none_or(|barrier| barrier <= before)
        };
        // Of a start it only matters which event was reached with how many sets: what led nowhere once is not tried again.
        let mut dead = vec![false; width * others.len()];
        let mut path = vec![start];
        let mut next = start + 1;
        loop {
            let depth = path.len() - 1;
            if depth == others.len() {
                return Some(path);
            }
            let before = path[depth];
            let place = |event: usize| depth * width + event - events.start;
            let fits = |&event: &usize| {
                !dead[place(event)] && follows(before, event) && holds(event, &others[depth])
            };
            if let Some(event) = (next..events.end).find(fits) {
                path.push(event);
                next = event + 1;
            } else if depth == 0 {
                break;
            } else {
                dead[(depth - 1) * width + before - events.start] = true;
                path.pop();
                next = before + 1;
            }
        }
    }
    None
}

/// Sequences with their customers in two groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contrast {
    /// The customers of each group who have each sequence.
    pub counts: [Vec<u64>; 2],
    /// The customers of each group.
    pub sizes: [u64; 2],
    /// The chance of a difference at least as large in either direction, if the groups were drawn by lot.
    pub p_values: Vec<f64>,
    /// The same after correction for all sequences.
    pub q_values: Vec<f64>,
}

/// Counts each sequence in two groups of customers: `group_of` gives 0 or 1, and anything else for customers who are left out.
///
/// # Errors
/// [`crate::Error::Interrupted`] on request, [`crate::Error::Capacity`] when the time is used up.
pub fn contrast(
    histories: &Histories,
    sequences: &Sequences,
    constraints: &Constraints,
    group_of: &[u32],
    control: &Control,
) -> Result<Contrast> {
    let mut holders: Vec<Vec<u32>> = vec![Vec::new(); histories.n_items()];
    let mut sizes = [0; 2];
    for customer in (0..histories.len()).filter(|&customer| group_of[customer] < 2) {
        sizes[group_of[customer] as usize] += 1;
        for &item in histories.events_of(customer).flat_map(|event| histories.items_of(event)) {
            if holders[item as usize].last() != Some(&(customer as u32)) {
                holders[item as usize].push(customer as u32);
            }
        }
    }
    let counted: Vec<[u64; 2]> = (0..sequences.len())
        .into_par_iter()
        .map(|sequence| {
            control.check()?;
            let sets: Vec<&[u32]> = sequences.events_of(sequence).collect();
            let rarest =
                sets.iter().flat_map(|set| set.iter()).min_by_key(|&&item| holders[item as usize].len());
            let mut counts = [0; 2];
            for &customer in rarest.map_or(&[][..], |&item| &holders[item as usize]) {
                let has = first_match(histories, customer as usize, &sets, constraints, &[]).is_some();
                counts[group_of[customer as usize] as usize] += u64::from(has);
            }
            Ok(counts)
        })
        .collect::<Result<_>>()?;
    let chance = Fisher::new(sizes[0] + sizes[1]);
    let p_values: Vec<f64> = counted
        .par_iter()
        .map(|counts| {
            let tail = |group: usize| chance.at_least(counts[group], sizes[group], counts[0] + counts[1]);
            (2.0 * tail(0).min(tail(1))).min(1.0)
        })
        .collect();
    let q_values = false_discovery(&p_values, p_values.len() as u64);
    let counts = [0, 1].map(|group| counted.iter().map(|counts| counts[group]).collect());
    Ok(Contrast { counts, sizes, p_values, q_values })
}
