//! The search against a slow and obvious one, and hand-made cases.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

type Rows = Vec<Vec<(i32, Vec<u32>)>>;
type Pattern = Vec<Vec<u32>>;

/// All patterns with a match in one history: every choice of events, and of items in them, is tried.
fn patterns_of(log: &Histories, customer: usize, limits: &Constraints) -> BTreeSet<Pattern> {
    let mut all = BTreeSet::new();
    let first = log.events_of(customer).start;
    for event in log.events_of(customer) {
        extend(log, customer, limits, (event, event, event - first), &Vec::new(), &mut all);
    }
    all
}

fn extend(
    log: &Histories,
    customer: usize,
    limits: &Constraints,
    (start, event, position): (usize, usize, usize),
    prefix: &Pattern,
    all: &mut BTreeSet<Pattern>,
) {
    let items = log.items_of(event);
    for choice in 1u32..1 << items.len() {
        let set: Vec<u32> = (0..items.len()).filter(|i| choice >> i & 1 == 1).map(|i| items[i]).collect();
        let mut pattern = prefix.clone();
        pattern.push(set);
        let within = |limit: Option<u32>, value: usize| limit.is_none_or(|most| value <= most as usize);
        let size = pattern.iter().map(Vec::len).sum();
        if !within(limits.max_length, pattern.len()) || !within(limits.max_items, size) {
            continue;
        }
        all.insert(pattern.clone());
        for (next_position, next) in log.events_of(customer).enumerate().skip(position + 1) {
            let gap = (log.day(next) - log.day(event)) as usize;
            let span = (log.day(next) - log.day(start)) as usize;
            if gap >= limits.min_gap.unwrap_or(0) as usize
                && within(limits.max_gap, gap)
                && within(limits.max_gap_events, next_position - position)
                && within(limits.max_span, span)
            {
                extend(log, customer, limits, (start, next, next_position), &pattern, all);
            }
        }
    }
}

fn oracle(log: &Histories, min_count: u64, limits: &Constraints) -> Vec<(Pattern, u64)> {
    let mut counts: BTreeMap<Pattern, u64> = BTreeMap::new();
    for customer in 0..log.len() {
        for pattern in patterns_of(log, customer, limits) {
            *counts.entry(pattern).or_default() += 1;
        }
    }
    let mut frequent: Vec<_> = counts.into_iter().filter(|&(_, count)| count >= min_count).collect();
    frequent.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    frequent
}

fn listed(found: &Sequences) -> Vec<(Pattern, u64)> {
    (0..found.len()).map(|i| (found.events_of(i).map(<[u32]>::to_vec).collect(), found.counts[i])).collect()
}

fn mined(rows: Rows, min_count: u64, limits: Constraints) -> Vec<(Pattern, u64)> {
    let log = Histories::from_rows(rows, 1000);
    listed(&mine(&log, min_count, &limits, Kind::All, &Control::default()).unwrap())
}

fn rows() -> impl Strategy<Value = Rows> {
    // Days repeat on purpose: lines of one day make one event.
    let event = (0..30i32, prop::collection::vec(0..5u32, 1..3));
    prop::collection::vec(prop::collection::vec(event, 0..6), 0..7)
}

fn constraints() -> impl Strategy<Value = Constraints> {
    let limit = |most: u32| prop::option::weighted(0.3, 1..most);
    (limit(4), limit(5), limit(8), limit(15), limit(4), prop::option::weighted(0.3, 0..25u32)).prop_map(
        |(max_length, max_items, min_gap, max_gap, max_gap_events, max_span)| Constraints {
            max_length,
            max_items,
            min_gap: min_gap.map(|days| max_gap.map_or(days, |most| days.min(most))),
            max_gap,
            max_gap_events,
            max_span,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn equals_brute_force(rows in rows(), limits in constraints(), min_count in 1..4u64) {
        let log = Histories::from_rows(rows, 100);
        let found = mine(&log, min_count, &limits, Kind::All, &Control::default()).unwrap();
        prop_assert_eq!(listed(&found), oracle(&log, min_count, &limits));
    }

    #[test]
    fn equals_brute_force_without_limits(rows in rows(), min_count in 1..4u64) {
        let log = Histories::from_rows(rows, 100);
        let limits = Constraints::default();
        let found = mine(&log, min_count, &limits, Kind::All, &Control::default()).unwrap();
        prop_assert_eq!(listed(&found), oracle(&log, min_count, &limits));
    }
}

/// Whether one pattern is a part of another: its sets are parts of later and later ones.
fn is_part(part: &Pattern, whole: &Pattern) -> bool {
    let mut sets = whole.iter();
    part != whole && part.iter().all(|set| sets.any(|other| set.iter().all(|item| other.contains(item))))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn closed_and_maximal_by_definition(rows in rows(), limits in constraints(), min_count in 1..4u64) {
        let log = Histories::from_rows(rows, 100);
        let all = oracle(&log, min_count, &limits);
        for kind in [Kind::Closed, Kind::Maximal] {
            let without = |one: &&(Pattern, u64)| {
                !all.iter().any(|other| is_part(&one.0, &other.0) && (kind == Kind::Maximal || one.1 == other.1))
            };
            let expected: Vec<_> = all.iter().filter(without).cloned().collect();
            let found = mine(&log, min_count, &limits, kind, &Control::default()).unwrap();
            prop_assert_eq!(listed(&found), expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_selection_is_what_selecting_from_all_gives(
        rows in rows(),
        limits in constraints(),
        min_count in 1..4u64,
        top in prop::option::of(1..20usize),
        contains in prop::collection::vec(0..5u32, 0..3),
        excludes in prop::collection::vec(0..5u32, 0..2),
        kind in prop::sample::select(vec![Kind::All, Kind::Closed, Kind::Maximal]),
    ) {
        let log = Histories::from_rows(rows, 100);
        let mut left: Vec<_> = oracle(&log, min_count, &limits);
        left.retain(|(pattern, _)| pattern.iter().flatten().all(|item| !excludes.contains(item)));
        let stays = |one: &(Pattern, u64)| kind == Kind::All
            || !left.iter().any(|other| is_part(&one.0, &other.0) && (kind == Kind::Maximal || one.1 == other.1));
        let mut expected: Vec<_> = left.iter().filter(|&one| stays(one)).cloned().collect();
        expected.retain(|(pattern, _)| contains.iter().all(|item| pattern.iter().flatten().any(|i| i == item)));
        expected.truncate(top.unwrap_or(usize::MAX));
        let selection = Selection { top, contains, excludes, among: None };
        let found = select(&log, min_count, &limits, kind, &selection, &Control::default()).unwrap();
        prop_assert_eq!(listed(&found), expected);
    }

    #[test]
    fn matches_and_groups_agree_with_the_counts(rows in rows(), limits in constraints()) {
        let log = Histories::from_rows(rows, 100);
        let found = mine(&log, 1, &limits, Kind::All, &Control::default()).unwrap();
        let groups: Vec<u32> = (0..log.len() as u32).map(|customer| customer % 2).collect();
        let two = contrast(&log, &found, &limits, &groups, &Control::default()).unwrap();
        // Some of them, or a log of thousands of sequences takes minutes.
        for sequence in (0..found.len()).step_by(1 + found.len() / 40) {
            prop_assert_eq!(two.counts[0][sequence] + two.counts[1][sequence], found.counts[sequence]);
            let sets: Pattern = found.events_of(sequence).map(<[u32]>::to_vec).collect();
            let who = matches(&log, &sets, &limits, &[], &Control::default()).unwrap();
            prop_assert_eq!(who.customers.len() as u64, found.counts[sequence]);
            for (place, &customer) in who.customers.iter().enumerate() {
                let days = &who.days[who.offsets[place] as usize..who.offsets[place + 1] as usize];
                let expected = earliest(&log, customer as usize, &sets, &limits, &[]);
                prop_assert_eq!(Some(days), expected.as_deref());
            }
        }
    }

    #[test]
    fn matches_step_over_no_barrier(
        rows in rows(),
        limits in constraints(),
        sets in prop::collection::vec(prop::collection::vec(0..5u32, 1..3), 1..4),
        without in prop::collection::vec(0..5u32, 1..3),
    ) {
        let log = Histories::from_rows(rows, 100);
        let found = matches(&log, &sets, &limits, &without, &Control::default()).unwrap();
        let mut place = 0;
        for customer in 0..log.len() {
            let expected = earliest(&log, customer, &sets, &limits, &without);
            prop_assert_eq!(found.customers.get(place) == Some(&(customer as u32)), expected.is_some());
            if let Some(expected) = expected {
                let days = &found.days[found.offsets[place] as usize..found.offsets[place + 1] as usize];
                prop_assert_eq!(days, expected.as_slice());
                place += 1;
            }
        }
        prop_assert_eq!(place, found.customers.len());
    }
}

#[test]
fn a_refusal_says_what_would_fit() {
    let rows = vec![(0..8).map(|day| (day, vec![0, 1, 2])).collect::<Vec<_>>(); 3];
    let mut rows: Rows = rows.into_iter().map(|events| events.into_iter().collect()).collect();
    rows.extend(vec![vec![(0, vec![0, 1, 2])]; 3]);
    let log = Histories::from_rows(rows, 10);
    let least = |results| {
        let control = Control::new(crate::Budget { results: Some(results), ..crate::Budget::default() });
        let refused = mine(&log, 2, &Constraints::default(), Kind::All, &control);
        if let Err(Error::Capacity(exhausted)) = refused { exhausted.mend } else { String::new() }
    };
    // Up to one item there are 3, up to two 3 + 3 + 9; all six customers have the 7 sets of one event.
    assert_eq!(
        least(10),
        "7 would fit, from min_count=4 on (min_support 0.666667); 3 would fit with max_items=1"
    );
    assert!(least(20).ends_with("15 would fit with max_items=2"));
    assert!(least(2).starts_with("limit max_items"));
}

/// The days of the first match in the order of their lists, by trying every choice of events.
fn earliest(
    log: &Histories,
    customer: usize,
    sets: &[Vec<u32>],
    limits: &Constraints,
    without: &[u32],
) -> Option<Vec<i32>> {
    let holds = |event: usize, set: &Vec<u32>| set.iter().all(|item| log.items_of(event).contains(item));
    let mut paths: Vec<Vec<usize>> = vec![Vec::new()];
    for set in sets {
        let longer = |path: &Vec<usize>| {
            let path = path.clone();
            log.events_of(customer)
                .filter(move |&event| {
                    path.last().is_none_or(|&before| {
                        let (gap, span) =
                            (log.day(event) - log.day(before), log.day(event) - log.day(path[0]));
                        let within =
                            |limit: Option<u32>, value: i32| limit.is_none_or(|most| value <= most as i32);
                        event > before
                            && gap >= limits.min_gap.unwrap_or(0) as i32
                            && within(limits.max_gap, gap)
                            && within(limits.max_gap_events, (event - before) as i32)
                            && within(limits.max_span, span)
                            && !(before + 1..event).any(|between| {
                                log.items_of(between).iter().any(|item| without.contains(item))
                            })
                    })
                })
                .collect::<Vec<_>>()
        };
        paths = paths
            .iter()
            .flat_map(|path| longer(path).into_iter().map(|event| [path.clone(), vec![event]].concat()))
            .filter(|path| holds(path[path.len() - 1], set))
            .collect();
    }
    let days = |path: Vec<usize>| path.iter().map(|&event| log.day(event)).collect::<Vec<_>>();
    paths.into_iter().map(days).min()
}

/// Letters as items: "A0 A5 B8" is one customer's log.
fn customer(text: &str) -> Vec<(i32, Vec<u32>)> {
    text.split(' ').map(|event| (event[1..].parse().unwrap(), vec![code(event.as_bytes()[0])])).collect()
}

fn code(letter: u8) -> u32 {
    u32::from(letter - b'A')
}

/// The patterns of one customer, written like "AAB"; all events here have one item.
fn words(log: &str, limits: Constraints) -> Vec<String> {
    let letter = |event: &Vec<u32>| char::from(b'A' + event[0] as u8);
    let mut words: Vec<String> = mined(vec![customer(log)], 1, limits)
        .iter()
        .map(|(pattern, _)| pattern.iter().map(letter).collect())
        .collect();
    words.sort();
    words
}

#[test]
fn limits_in_days_by_hand() {
    let none = Constraints::default();
    let gap = |days| Constraints { max_gap: Some(days), ..none };
    let span = |days| Constraints { max_span: Some(days), ..none };
    let has = |log, limits, word: &str| words(log, limits).contains(&word.to_owned());
    assert_eq!(words("A0 A5 B8", gap(5)), ["A", "AA", "AAB", "AB", "B"]);
    assert_eq!(words("A0 A5 B8", gap(2)), ["A", "B"]);
    assert_eq!(words("A0 A5 B8", span(3)), ["A", "AB", "B"]);
    assert!(has("A0 B3 B9", Constraints { min_gap: Some(7), ..none }, "AB"));
    assert!(has("A0 B10 B20 C25", gap(10), "ABBC"));
    assert!(!has("A0 B10 B20 C25", gap(10), "ABC"));
    assert!(has("A0 A4 B6 C9", span(5), "ABC"));
    assert!(!has("A0 A4 B6 C9", span(4), "ABC"));
}

#[test]
fn events_with_several_items_by_hand() {
    let found = mined(vec![vec![(0, vec![1, 2]), (1, vec![3])]; 3], 3, Constraints::default());
    let patterns: BTreeSet<Pattern> = found.iter().map(|(pattern, _)| pattern.clone()).collect();
    let expected: [Pattern; 7] = [
        vec![vec![1]],
        vec![vec![2]],
        vec![vec![3]],
        vec![vec![1, 2]],
        vec![vec![1], vec![3]],
        vec![vec![2], vec![3]],
        vec![vec![1, 2], vec![3]],
    ];
    assert_eq!(patterns, BTreeSet::from(expected));
    assert!(found.iter().all(|&(_, count)| count == 3));
}

#[test]
fn the_number_of_threads_does_not_show() {
    // Large enough that the search is split; drawn by a fixed rule.
    let mut state = 7u64;
    let mut draw = |most: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % most) as u32
    };
    let rows: Rows = (0..3000)
        .map(|_| {
            (0..12)
                .map(|day| (day * 5, (0..=draw(3)).map(|_| draw(6) * draw(3)).collect()))
                .collect::<Vec<_>>()
        })
        .collect();
    let log = Histories::from_rows(rows, 100);
    for limits in [Constraints::default(), Constraints { max_gap: Some(20), ..Constraints::default() }] {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mine(&log, 900, &limits, Kind::All, &Control::default()).unwrap())
        };
        let alone = on(1);
        assert!(alone.len() > 100);
        assert_eq!(alone, on(2));
        assert_eq!(alone, on(8));
    }
}

#[test]
fn random_logs_of_baskets_equal_brute_force() {
    // 10,000 logs with baskets and with ties in time, always the same ones.
    let mut state = 11u64;
    let mut draw = |most: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    for case in 0..10_000 {
        let n_items = 2 + draw(5);
        let rows: Rows = (0..draw(7))
            .map(|_| {
                (0..draw(7))
                    .map(|_| (draw(12) as i32, (0..=draw(3)).map(|_| draw(n_items) as u32).collect()))
                    .collect()
            })
            .collect();
        let log = Histories::from_rows(rows, 50);
        let limits = Constraints { max_items: Some(4), ..Constraints::default() };
        let min_count = 1 + draw(3);
        let found = mine(&log, min_count, &limits, Kind::All, &Control::default()).unwrap();
        assert_eq!(listed(&found), oracle(&log, min_count, &limits), "case {case}");
    }
}

#[test]
fn wrong_limits_are_refused() {
    let log = Histories::from_rows([customer("A0 B1")], 10);
    let refused =
        |min_count, limits| mine(&log, min_count, &limits, Kind::All, &Control::default()).unwrap_err();
    let none = Constraints::default();
    assert!(matches!(refused(0, none), Error::Parameter { name: "min_count", .. }));
    assert!(matches!(refused(1, Constraints { max_length: Some(0), ..none }), Error::Parameter { .. }));
    let crossed = Constraints { min_gap: Some(9), max_gap: Some(7), ..none };
    assert!(matches!(refused(1, crossed), Error::Parameter { name: "min_gap", .. }));
    let control = Control::new(crate::Budget { results: Some(2), ..crate::Budget::default() });
    assert!(
        matches!(mine(&log, 1, &none, Kind::All, &control), Err(Error::Capacity(e)) if e.limit == "results")
    );
    control.stop();
}

#[test]
fn no_customer_and_no_event_give_an_empty_result() {
    assert!(mined(vec![], 1, Constraints::default()).is_empty());
    assert!(mined(vec![vec![], vec![]], 1, Constraints::default()).is_empty());
}

/// Left and right items; count, customers of each side, median gap.
type Sides = (Vec<u32>, Vec<u32>);
type Numbers = (u64, u64, u64, f64);

/// All rules and their numbers by trying every pair of disjoint sets on every split of every history.
fn rule_oracle(log: &Histories, limits: &RuleLimits) -> BTreeMap<Sides, Numbers> {
    let n = log.n_items();
    let set = |mask: u32| (0..n as u32).filter(|i| mask >> i & 1 == 1).collect::<Vec<_>>();
    let mask = |events: &mut dyn Iterator<Item = usize>| -> u32 {
        events.flat_map(|e| log.items_of(e)).fold(0, |mask, &item| mask | 1 << item)
    };
    let holders =
        |want: u32| (0..log.len()).filter(|&c| mask(&mut log.events_of(c)) & want == want).count() as u64;
    let mut all = BTreeMap::new();
    for (x, y) in (1..1u32 << n).flat_map(|x| (1..1u32 << n).map(move |y| (x, y))).filter(|(x, y)| x & y == 0)
    {
        let fits = |limit: Option<u32>, side: u32| limit.is_none_or(|most| side.count_ones() <= most);
        if !fits(limits.max_antecedent, x) || !fits(limits.max_consequent, y) {
            continue;
        }
        let fits = |s: usize, t: usize| match limits.window {
            None => true,
            Some(Window::Events(most)) => t - s < most as usize,
            Some(Window::Days(most)) => log.day(t) - log.day(s) <= most as i32,
        };
        let mut gaps = Vec::new();
        for customer in 0..log.len() {
            let events = log.events_of(customer);
            let first = events.clone().find_map(|b| {
                let pairs = (events.start..=b).flat_map(|s| (b + 1..events.end).map(move |t| (s, t)));
                let holds = |&(s, t): &(usize, usize)| {
                    fits(s, t) && mask(&mut (s..=b)) & x == x && mask(&mut (b + 1..=t)) & y == y
                };
                pairs.filter(holds).map(|(_, t)| log.day(t) - log.day(b)).min()
            });
            gaps.extend(first);
        }
        gaps.sort_unstable();
        let count = gaps.len() as u64;
        let (numerator, denominator) = limits.min_confidence;
        // With a window X counts where all of it lies within one.
        let near = |c: &usize| {
            let events = log.events_of(*c);
            events.clone().any(|s| (s..events.end).any(|t| fits(s, t) && mask(&mut (s..=t)) & x == x))
        };
        let antecedent = (0..log.len()).filter(near).count() as u64;
        if count >= limits.min_count && count * denominator >= antecedent * numerator {
            let median = f64::from(gaps[(gaps.len() - 1) / 2] + gaps[gaps.len() / 2]) / 2.0;
            all.insert((set(x), set(y)), (count, antecedent, holders(y), median));
        }
    }
    all
}

fn window() -> impl Strategy<Value = Option<Window>> {
    prop_oneof![
        Just(None),
        (2..5u32).prop_map(|n| Some(Window::Events(n))),
        (1..20u32).prop_map(|n| Some(Window::Days(n)))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn rules_equal_brute_force(
        rows in rows(),
        window in window(),
        min_count in 1..4u64,
        numerator in 0..4u64,
        max_antecedent in prop::option::of(1..3u32),
        max_consequent in prop::option::of(1..3u32),
    ) {
        let log = Histories::from_rows(rows, 100);
        let limits = RuleLimits { min_count, min_confidence: (numerator, 4), max_antecedent, max_consequent, window };
        let found = rules(&log, &limits, &Control::default()).unwrap();
        let listed: BTreeMap<_, _> = (0..found.len())
            .map(|i| {
                let (x, y) = found.sides_of(i);
                let numbers = (found.counts[i], found.antecedent_counts[i], found.consequent_counts[i]);
                ((x.to_vec(), y.to_vec()), (numbers.0, numbers.1, numbers.2, found.median_gap_days[i]))
            })
            .collect();
        prop_assert_eq!(listed.len(), found.len());
        prop_assert_eq!(listed, rule_oracle(&log, &limits));
    }
}

proptest! {
    /// What a smaller confidence adds to the rules takes nothing from the certainty of the others.
    #[test]
    fn q_values_do_not_depend_on_confidence(rows in rows(), window in window(), numerator in 1..5u64) {
        let log = Histories::from_rows(rows, 100);
        let above = |min_confidence| {
            let limits =
                RuleLimits { min_count: 1, min_confidence, max_antecedent: Some(2), max_consequent: Some(2), window };
            let found = rules(&log, &limits, &Control::default()).unwrap();
            let numbers = |rule: usize| {
                let (x, y) = found.sides_of(rule);
                let sides = (x.to_vec(), y.to_vec());
                (sides, (found.p_values[rule].to_bits(), found.q_values[rule].to_bits()))
            };
            (0..found.len()).map(numbers).collect::<BTreeMap<_, _>>()
        };
        let all = above((0, 1));
        for (sides, numbers) in above((numerator, 5)) {
            prop_assert_eq!(all[&sides], numbers);
        }
    }
}

#[test]
fn a_refusal_of_rules_says_what_would_fit() {
    // Of 20 customers all buy 0 and then 1, and half of them go on with eight more items.
    let rows: Rows = (0..20)
        .map(|customer| {
            let more = if customer < 10 { 10 } else { 2 };
            (0..more).map(|item| (item as i32, vec![item])).collect()
        })
        .collect();
    let log = Histories::from_rows(rows, 20);
    let limits = RuleLimits {
        min_count: 2,
        min_confidence: (0, 1),
        max_antecedent: None,
        max_consequent: None,
        window: None,
    };
    let refused = |results| {
        let control = Control::new(crate::Budget { results: Some(results), ..crate::Budget::default() });
        match rules(&log, &limits, &control) {
            Err(Error::Capacity(exhausted)) => exhausted.mend,
            _ => String::new(),
        }
    };
    assert_eq!(refused(50), "1 would fit, from min_count=11 on (min_support 0.55)");
    assert!(refused(0).starts_with("limit max_antecedent"), "{}", refused(0));
    assert_eq!(refused(1_000_000), "");
}
