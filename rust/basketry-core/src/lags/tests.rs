//! Life tables by hand and by another way, and what must not change the answer.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

type Rows = Vec<Vec<(i32, Vec<u32>)>>;

fn answer(rows: Rows, end_day: i32, antecedent: &[u32], consequent: &[u32], horizon: u32) -> TimeToNext {
    let log = Histories::from_rows(rows, end_day);
    ask(&log, antecedent, consequent, horizon).unwrap()
}

fn ask(log: &Histories, antecedent: &[u32], consequent: &[u32], horizon: u32) -> Result<TimeToNext> {
    let question = Question { antecedent, consequent };
    lag_tables(log, &[question], horizon, 1, &Control::default()).map(|mut answers| answers.remove(0))
}

#[test]
fn life_table_by_hand() {
    let rows = vec![
        vec![(0, vec![0]), (7, vec![1])], // buys in week 1, on its last day
        vec![(0, vec![0]), (8, vec![1]), (9, vec![1])], // week 2, on its first day; later ones do not count
        vec![(0, vec![0, 1])],            // the same basket is no outcome: followed to the end
        vec![(10, vec![0])],              // followed for 18 days: censored in week 3
        vec![(0, vec![1]), (20, vec![0])], // bought before: censored in week 2, 8 days
        vec![(0, vec![0]), (3, vec![0]), (15, vec![1])], // the first antecedent counts: week 3
        vec![(28, vec![0])],              // on the last day: never at risk
        vec![(5, vec![1])],               // never the antecedent
    ];
    let table = answer(rows, 29, &[0], &[1], 4).table;
    assert_eq!(table.at_risk, [6, 5, 3, 1]);
    assert_eq!(table.events, [1, 1, 1, 0]);
    assert_eq!(table.hazard, [1.0 / 6.0, 0.2, 1.0 / 3.0, 0.0]);
    let survival = 5.0 / 6.0 * 0.8 * (2.0 / 3.0);
    assert!((table.cumulative[3] - (1.0 - survival)).abs() < 1e-15);
    // Greenwood: 1 / (6 * 5) + 1 / (5 * 4) + 1 / (3 * 2) = 1 / 4.
    let reach = 1.959_963_984_540_054 * 0.5 / f64::abs(survival.ln());
    assert!((table.low[3] - (1.0 - survival.powf((-reach).exp()))).abs() < 1e-15);
    assert!((table.high[3] - (1.0 - survival.powf(reach.exp()))).abs() < 1e-15);
}

#[test]
fn sides_of_several_items_are_complete_with_the_last_one() {
    let rows = vec![vec![(0, vec![0]), (7, vec![1, 2]), (14, vec![2]), (21, vec![3]), (28, vec![2])]];
    // {0, 1} is complete on day 7; since then 2 comes on day 14 and 3 on day 21.
    let table = answer(rows.clone(), 60, &[0, 1], &[2, 3], 4).table;
    assert_eq!(table.events, [0, 1, 0, 0]);
    // Bought again: the next one after the first.
    assert_eq!(answer(rows, 60, &[2], &[2], 2).table.events, [1, 0]);
}

#[test]
fn wrong_questions_are_refused() {
    let log = Histories::from_rows([vec![(0, vec![0])], vec![(5, vec![1])]], 22);
    let ask = |antecedent: &[u32], consequent: &[u32], horizon| ask(&log, antecedent, consequent, horizon);
    assert!(ask(&[0], &[1], 3).is_ok());
    assert!(ask(&[0], &[1], 4).unwrap_err().to_string().contains("21 days"));
    assert!(matches!(ask(&[0], &[1], 0), Err(Error::Parameter { name: "horizon", .. })));
    assert!(matches!(ask(&[], &[1], 1), Err(Error::Parameter { name: "antecedent", .. })));
    assert!(matches!(ask(&[0], &[], 1), Err(Error::Parameter { name: "consequent", .. })));
    let nobody = ask(&[7], &[1], 8).unwrap();
    assert_eq!(nobody.table.at_risk, [0; 8]);
    assert_eq!(nobody.peaks[0].kind, Kind::NotEnoughData);
    assert_eq!((nobody.peaks[0].low, nobody.peaks[0].high), (1, 8));
}

/// A shop of 4,000 customers: antecedent 0 at some time, consequent 1 at a steady rate and, for a part, 12 weeks after.
fn shop(law: bool, season: bool) -> Rows {
    let mut state = 11u64;
    let mut uniform = move || {
        state = random::mix(state);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..4000)
        .map(|_| {
            let mut events = vec![(0, vec![9])];
            let index = 7 + (uniform() * 350.0) as i32;
            events.push((index, vec![0]));
            for week in 0..104 {
                let rate = if season && (week % 52 == 30 || week % 52 == 31) { 0.1 } else { 0.004 };
                if uniform() < rate {
                    events.push((week * 7 + (uniform() * 7.0) as i32, vec![1]));
                }
            }
            if law && uniform() < 0.04 {
                events.push((index + 80 + (uniform() * 8.0) as i32, vec![1]));
            }
            events
        })
        .collect()
}

fn weeks(answer: &TimeToNext, kind: Kind) -> Vec<u32> {
    answer.peaks.iter().filter(|peak| peak.kind == kind).filter_map(|peak| peak.week).collect()
}

#[test]
fn a_law_is_found_and_a_season_is_not_taken_for_one() {
    let with_law = answer(shop(true, false), 728, &[0], &[1], 50);
    assert_eq!(weeks(&with_law, Kind::SincePurchase), [12]);
    let peak = with_law.peaks.iter().find(|peak| peak.kind == Kind::SincePurchase).unwrap();
    assert!(peak.low >= 11 && peak.high <= 13, "{peak:?}");
    assert!(peak.rate_ratio > Some(2.0) && peak.p_value <= Some(0.001), "{peak:?}");
    assert!(weeks(&with_law, Kind::Calendar).is_empty());
    assert!(weeks(&answer(shop(false, true), 728, &[0], &[1], 50), Kind::SincePurchase).is_empty());
    assert_eq!(weeks(&answer(shop(true, true), 728, &[0], &[1], 50), Kind::SincePurchase), [12]);
}

#[test]
fn moving_all_dates_or_more_threads_change_nothing() {
    let rows = shop(true, true);
    let moved: Rows = rows
        .iter()
        .map(|events| events.iter().map(|(day, items)| (day + 7 * 300, items.clone())).collect())
        .collect();
    let on = |threads, rows: Rows, end_day| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| answer(rows, end_day, &[0], &[1], 50))
    };
    let first = on(1, rows.clone(), 728);
    assert_eq!(first, on(2, rows.clone(), 728));
    assert_eq!(first, on(8, rows, 728));
    assert_eq!(first, on(2, moved, 728 + 7 * 300));
}

proptest! {
    /// The product-limit estimate from one (weeks, bought) pair a customer, at every week anew.
    #[test]
    fn life_table_equals_kaplan_meier(
        pairs in prop::collection::vec((1..=56i32, 0..80i32), 1..40),
    ) {
        let rows = pairs.iter().map(|&(index, gap)| vec![(index, vec![0]), (index + gap, vec![1])]).collect();
        let table = answer(rows, 64, &[0], &[1], 1).table;
        prop_assert!(table.at_risk.len() == 1);
        let rows: Rows = pairs.iter().map(|&(index, gap)| vec![(index, vec![0]), (index + gap, vec![1])]).collect();
        let longest = pairs.iter().map(|&(index, _)| (63 - index) / 7).max().unwrap();
        let table = answer(rows, 64, &[0], &[1], longest as u32).table;
        let durations: Vec<(i32, bool)> = pairs
            .iter()
            .map(|&(index, gap)| {
                let bought = gap > 0 && index + gap < 64;
                let days = if bought { gap } else { 63 - index };
                ((days + 6) / 7, bought)
            })
            .collect();
        let mut survival = 1.0;
        for week in 1..=longest {
            let at_risk = durations.iter().filter(|&&(weeks, _)| weeks >= week).count();
            let bought = durations.iter().filter(|&&(weeks, bought)| bought && weeks == week).count();
            if at_risk > 0 {
                survival *= 1.0 - bought as f64 / at_risk as f64;
            }
            prop_assert_eq!(table.at_risk[week as usize - 1], at_risk as u64);
            prop_assert!((table.cumulative[week as usize - 1] - (1.0 - survival)).abs() < 1e-12);
        }
    }
}
