//! The due list: which rules are open for whom, and how likely each is kept in the next weeks.

use rayon::prelude::*;

use super::Question;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::histories::Histories;
use crate::ledger::{Axis, Ledger, MISSING};

/// Customers of one piece of work.
const STRETCH: usize = 1024;
/// A side of a rule is kept in the bits of a word.
const MOST_ITEMS: usize = 64;

/// A rule with what is known of its time.
#[derive(Debug, Clone)]
pub struct Clock<'a> {
    /// The items that open it and those that close it.
    pub question: Question<'a>,
    /// Probability to have bought by the end of each week since; as long as anybody was followed.
    pub cumulative: &'a [f64],
    /// Share of those at risk who buy in each week by level and calendar alone.
    pub chance: &'a [f64],
    /// First and last week of each peak, by week.
    pub peaks: &'a [(u32, u32)],
    /// What a purchase of the consequent is worth, to rank by; 1 if that is not known.
    pub worth: f64,
}

/// Which open rules to list.
#[derive(Debug, Clone, Copy)]
pub struct DueLimits {
    /// The weeks ahead.
    pub within_weeks: u32,
    /// The least lift over chance.
    pub min_lift: f64,
    /// Only rules with a peak in the weeks ahead.
    pub peaks_only: bool,
    /// At most so many rules a customer: those of the highest probability times worth.
    pub top: Option<u32>,
}

/// An open rule of a customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Due {
    /// Customer, as numbered in the histories.
    pub customer: u32,
    /// Rule, as numbered in the call.
    pub rule: u32,
    /// The day that opened it.
    pub index_day: i32,
    /// Probability to buy in the weeks ahead, given that it has not happened yet.
    pub probability: f64,
    /// The same by level and calendar alone.
    pub expected: f64,
    /// First and last day of the next peak, or of the one that is on.
    pub peak: Option<(i32, i32)>,
    /// Whether that peak touches the weeks ahead.
    pub due: bool,
}

/// Lists for every customer the rules that are open at the end of the histories.
///
/// A rule opens on the day that completes its antecedent and closes on the first strictly later day by which the consequent
/// has been bought since; then the antecedent has to be complete anew, on that day or later. The probability of the next weeks
/// is (S(k) - S(k + h)) / S(k), S being one less `cumulative` and k the weeks that passed; between the ends of weeks the
/// hazard is even. Weeks beyond the life table count as none, and a rule older than its table is left out.
///
/// One traversal; a purchase costs the rules that its item is part of. By customer, then falling probability times worth,
/// then rule.
///
/// # Errors
/// [`Error::Parameter`] if a side has more than 64 items; [`Error::Interrupted`] on request; [`Error::Capacity`] beyond the
/// budget.
pub fn due_list(
    histories: &Histories,
    clocks: &[Clock<'_>],
    limits: &DueLimits,
    control: &Control,
) -> Result<Vec<Due>> {
    let roles = Roles::new(histories.n_items(), clocks)?;
    let curves: Vec<[Vec<f64>; 2]> =
        clocks.iter().map(|clock| [hazards_of(clock.cumulative), chance_of(clock.chance)]).collect();
    let starts: Vec<usize> = (0..histories.len()).step_by(STRETCH).collect();
    control.expect(starts.len() as u64);
    let pieces = starts.into_par_iter().map_init(
        || vec![State::default(); clocks.len()],
        |states, start| {
            control.check()?;
            let mut piece = Vec::new();
            for customer in start..(start + STRETCH).min(histories.len()) {
                let first = piece.len();
                for rule in roles.open(histories, customer, states) {
                    let (clock, curves) = (&clocks[rule as usize], &curves[rule as usize]);
                    let index_day = states[rule as usize].index_day;
                    if let Some(mut due) = judge(clock, curves, index_day, histories.end_day(), limits) {
                        (due.customer, due.rule) = (customer as u32, rule);
                        piece.push(due);
                    }
                }
                let score = |due: &Due| due.probability * clocks[due.rule as usize].worth;
                piece[first..].sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.rule.cmp(&b.rule)));
                piece.truncate(first + limits.top.map_or(usize::MAX - first, |top| top as usize));
            }
            control.book(piece.len() as u64, (piece.len() * size_of::<Due>()) as u64)?;
            control.advance(1);
            Ok(piece)
        },
    );
    Ok(pieces.collect::<Result<Vec<_>>>()?.concat())
}

/// What a customer has done for a rule.
#[derive(Clone, Copy, Default)]
struct State {
    /// One more than the customer this is about.
    of: u32,
    antecedent: u64,
    consequent: u64,
    open: bool,
    index_day: i32,
}

/// For each item the rules that it opens or closes, with its bit.
struct Roles {
    offsets: Vec<usize>,
    entries: Vec<(u32, u64)>,
    /// Where the entries that open begin, behind those that close.
    opening: Vec<usize>,
    /// All bits of the antecedent and of the consequent of each rule.
    full: Vec<(u64, u64)>,
}

impl Roles {
    fn new(n_items: usize, clocks: &[Clock<'_>]) -> Result<Self> {
        let mut of_item: Vec<[Vec<(u32, u64)>; 2]> = vec![Default::default(); n_items];
        let mut full = Vec::with_capacity(clocks.len());
        for (rule, clock) in clocks.iter().enumerate() {
            let sides = [clock.question.consequent, clock.question.antecedent];
            for (side, items) in sides.into_iter().enumerate() {
                if items.is_empty() || items.len() > MOST_ITEMS {
                    return Err(Error::Parameter {
                        name: "rules",
                        value: format!("a side of {} items", items.len()),
                        expected: "each side needs 1 to 64",
                    });
                }
                for (place, &item) in items.iter().enumerate() {
                    if let Some(of_item) = of_item.get_mut(item as usize) {
                        of_item[side].push((rule as u32, 1 << place));
                    }
                }
            }
            let all = |items: &[u32]| u64::MAX >> (MOST_ITEMS - items.len());
            full.push((all(clock.question.antecedent), all(clock.question.consequent)));
        }
        let mut roles = Self { offsets: vec![0], entries: Vec::new(), opening: Vec::new(), full };
        for [closing, opening] in of_item {
            roles.entries.extend(closing);
            roles.opening.push(roles.entries.len());
            roles.entries.extend(opening);
            roles.offsets.push(roles.entries.len());
        }
        Ok(roles)
    }

    /// The rules that a customer leaves open, in no order.
    fn open(&self, histories: &Histories, customer: usize, states: &mut [State]) -> Vec<u32> {
        let (me, mut touched) = (customer as u32 + 1, Vec::new());
        for event in histories.events_of(customer) {
            let (day, items) = (histories.day(event), histories.items_of(event));
            if day >= histories.end_day() {
                break;
            }
            for &item in items {
                for &(rule, bit) in &self.entries[self.offsets[item as usize]..self.opening[item as usize]] {
                    let state = &mut states[rule as usize];
                    if state.of == me && state.open {
                        state.consequent |= bit;
                        if state.consequent == self.full[rule as usize].1 {
                            *state = State { of: me, ..State::default() };
                        }
                    }
                }
            }
            for &item in items {
                for &(rule, bit) in
                    &self.entries[self.opening[item as usize]..self.offsets[item as usize + 1]]
                {
                    let state = &mut states[rule as usize];
                    if state.of != me {
                        *state = State { of: me, ..State::default() };
                        touched.push(rule);
                    }
                    if !state.open {
                        state.antecedent |= bit;
                        state.open = state.antecedent == self.full[rule as usize].0;
                        state.index_day = day;
                    }
                }
            }
        }
        touched.retain(|&rule| states[rule as usize].open);
        touched
    }
}

/// Cumulative hazards at the ends of the weeks, from week 0 on, of a cumulative incidence.
fn hazards_of(cumulative: &[f64]) -> Vec<f64> {
    [0.0].into_iter().chain(cumulative.iter().map(|share| -(1.0 - share).max(0.0).ln())).collect()
}

/// The same of weekly shares.
fn chance_of(weekly: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let add = |share: &f64| {
        sum -= (1.0 - share.min(1.0)).ln();
        sum
    };
    [0.0].into_iter().chain(weekly.iter().map(add)).collect()
}

/// The hazard between two numbers of days, even within each week; what lies beyond the curve is none.
fn hazard_between(curve: &[f64], from: u32, to: u32) -> f64 {
    let at = |days: u32| {
        let (week, rest) = ((days / 7) as usize, f64::from(days % 7) / 7.0);
        match curve.get(week + 1) {
            // Also where the curve is infinite: everybody has bought by then.
            Some(&next) if rest > 0.0 => curve[week] + rest * (next - curve[week]),
            _ => curve[week.min(curve.len() - 1)],
        }
    };
    at(to) - at(from)
}

fn judge(
    clock: &Clock<'_>,
    [hazards, chance]: &[Vec<f64>; 2],
    index_day: i32,
    end_day: i32,
    limits: &DueLimits,
) -> Option<Due> {
    // The days that have passed without a purchase since the index day.
    let passed = (end_day - 1).abs_diff(index_day);
    if passed as usize >= 7 * clock.cumulative.len() {
        return None;
    }
    let ahead = 7 * limits.within_weeks;
    let likely = |hazard: f64| -(-hazard).exp_m1();
    let probability = likely(hazard_between(hazards, passed, passed + ahead));
    let expected = likely(hazard_between(chance, passed, passed + ahead));
    // Where nobody in the data waited so long, nothing is known.
    if probability.is_nan() || probability < limits.min_lift * expected {
        return None;
    }
    let days = |&(first, last): &(u32, u32)| (index_day + 7 * first as i32 - 6, index_day + 7 * last as i32);
    let peak = clock.peaks.iter().map(days).find(|&(_, last)| last >= end_day);
    let due = peak.is_some_and(|(first, _)| first < end_day + ahead as i32);
    if limits.peaks_only && !due {
        return None;
    }
    Some(Due { customer: 0, rule: 0, index_day, probability, expected, peak, due })
}

/// The mean amount of a line with each code of an axis, in ten-thousandths, over the purchases before an instant; 0 for a code
/// that was not bought, `None` for all if the ledger has no amounts.
pub fn mean_line_amounts(ledger: &Ledger, axis: &Axis, before: i64) -> Option<Vec<f64>> {
    let (amounts, items) = (ledger.measure("amount")?, ledger.line_items()?);
    let sign = ledger.sign()?;
    let mut sums = vec![(0_i128, 0_u64); axis.labels.len()];
    for order in ledger.all_orders().filter(|&order| ledger.order_times()[order] < before) {
        for line in ledger.lines_of(order) {
            if sign[line] >= 0 && amounts[line] != MISSING {
                axis.each(items[line], |code| {
                    let (sum, count) = &mut sums[code as usize];
                    *sum += i128::from(amounts[line]);
                    *count += 1;
                });
            }
        }
    }
    Some(sums.into_iter().map(|(sum, count)| sum as f64 / count.max(1) as f64).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const CUMULATIVE: [f64; 4] = [0.1, 0.1, 0.4, 0.5];
    const CHANCE: [f64; 4] = [0.05, 0.05, 0.05, 0.05];
    const ALL: DueLimits = DueLimits { within_weeks: 1, min_lift: 0.0, peaks_only: false, top: None };

    fn clock<'a>(antecedent: &'a [u32], consequent: &'a [u32]) -> Clock<'a> {
        let question = Question { antecedent, consequent };
        Clock { question, cumulative: &CUMULATIVE, chance: &CHANCE, peaks: &[(3, 3)], worth: 2.0 }
    }

    fn list(
        rows: Vec<Vec<(i32, Vec<u32>)>>,
        end_day: i32,
        clocks: &[Clock<'_>],
        limits: &DueLimits,
    ) -> Vec<Due> {
        due_list(&Histories::from_rows(rows, end_day), clocks, limits, &Control::default()).unwrap()
    }

    #[test]
    fn probability_and_peak_by_hand() {
        // Fourteen days have passed since day 0: two whole weeks.
        let rows = || vec![vec![(0, vec![0])]];
        let due = list(rows(), 15, &[clock(&[0], &[1])], &ALL)[0];
        assert!((due.probability - (0.9 - 0.6) / 0.9).abs() < 1e-12);
        assert!((due.expected - 0.05).abs() < 1e-12);
        assert_eq!((due.peak, due.due), (Some((15, 21)), true));
        let two = DueLimits { within_weeks: 2, ..ALL };
        assert!(
            (list(rows(), 15, &[clock(&[0], &[1])], &two)[0].probability - (0.9 - 0.5) / 0.9).abs() < 1e-12
        );
        // Mid-week the hazard is even: half of the logarithm is left.
        let late = list(rows(), 19, &[clock(&[0], &[1])], &ALL)[0];
        let passed = 0.9_f64.powf(3.0 / 7.0) * 0.6_f64.powf(4.0 / 7.0);
        let then = 0.6_f64.powf(3.0 / 7.0) * 0.5_f64.powf(4.0 / 7.0);
        assert!((late.probability - (1.0 - then / passed)).abs() < 1e-12);
        // After the peak, and after the table.
        assert_eq!(list(rows(), 23, &[clock(&[0], &[1])], &ALL)[0].peak, None);
        assert!(list(rows(), 23, &[clock(&[0], &[1])], &DueLimits { peaks_only: true, ..ALL }).is_empty());
        assert!(list(rows(), 30, &[clock(&[0], &[1])], &ALL).is_empty());
        assert!(list(rows(), 2, &[clock(&[0], &[1])], &DueLimits { min_lift: 3.0, ..ALL }).is_empty());
    }

    #[test]
    fn buying_drops_a_rule_and_the_antecedent_opens_it_anew() {
        let open = |rows| list(rows, 15, &[clock(&[0], &[1])], &ALL).first().map(|due| due.index_day);
        assert_eq!(open(vec![vec![(0, vec![0]), (3, vec![1])]]), None);
        assert_eq!(open(vec![vec![(0, vec![0, 1])]]), Some(0));
        assert_eq!(open(vec![vec![(0, vec![0]), (3, vec![0, 1])]]), Some(3));
        assert_eq!(open(vec![vec![(0, vec![0]), (2, vec![0]), (15, vec![1])]]), Some(0));
    }

    /// The day that opened a rule which is still open, replayed day by day.
    fn replay(events: &[(i32, Vec<u32>)], end_day: i32, rule: Question<'_>) -> Option<i32> {
        let (mut index, mut first, mut then) = (None, BTreeSet::<u32>::new(), BTreeSet::<u32>::new());
        for day in 0..end_day {
            let bought: BTreeSet<u32> =
                events.iter().filter(|event| event.0 == day).flat_map(|event| event.1.clone()).collect();
            if index.is_some() {
                then.extend(&bought);
                if rule.consequent.iter().all(|item| then.contains(item)) {
                    (index, first, then) = (None, BTreeSet::new(), BTreeSet::new());
                }
            }
            if index.is_none() {
                first.extend(&bought);
                index = rule.antecedent.iter().all(|item| first.contains(item)).then_some(day);
            }
        }
        index
    }

    proptest! {
        #[test]
        fn open_rules_equal_a_replay(
            rows in prop::collection::vec(
                prop::collection::vec((0..26_i32, prop::collection::vec(0..4_u32, 1..3)), 0..9), 1..6),
            top in prop::option::of(1..3_u32),
        ) {
            let rules: [(&[u32], &[u32]); 4] = [(&[0], &[1]), (&[1], &[1]), (&[0, 1], &[2]), (&[2], &[0, 3])];
            let clocks: Vec<Clock<'_>> = rules.iter().map(|(first, then)| clock(first, then)).collect();
            let end_day = 25;
            let found = list(rows.clone(), end_day, &clocks, &DueLimits { top, ..ALL });
            let mut expected = Vec::new();
            for (customer, events) in rows.iter().enumerate() {
                let mut own: Vec<(u32, u32, i32)> = Vec::new();
                for (number, clock) in clocks.iter().enumerate() {
                    own.extend(replay(events, end_day, clock.question).map(|day| (customer as u32, number as u32, day)));
                }
                let chance = |day: i32| found_probability(day, end_day);
                own.sort_by(|a, b| chance(b.2).total_cmp(&chance(a.2)).then(a.1.cmp(&b.1)));
                own.truncate(top.unwrap_or(9) as usize);
                expected.extend(own);
            }
            let found: Vec<_> = found.iter().map(|due| (due.customer, due.rule, due.index_day)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    fn found_probability(index_day: i32, end_day: i32) -> f64 {
        list(vec![vec![(index_day, vec![0])]], end_day, &[clock(&[0], &[1])], &ALL)[0].probability
    }
}
