// A failed unwrap is a failed test.
#![allow(clippy::unwrap_used)]

use super::*;

fn shop_of(config: &Config, root: u64) -> Shop {
    simulate(config, root, &Control::default()).unwrap()
}

fn default_shop(world: World, root: u64) -> Shop {
    shop_of(&Config::of(world, 20_000, 600, 104).unwrap(), root)
}

/// The product segments of every order, as bits.
fn baskets(shop: &Shop) -> Vec<u64> {
    let mut items = shop.lines.item.iter();
    let bit = |&item: &u32| 1u64 << shop.items.product_segment[item as usize - 1];
    shop.orders
        .lines
        .iter()
        .map(|&n| items.by_ref().take(n as usize).map(bit).fold(0, |a, b| a | b))
        .collect()
}

fn orders_of_customers(shop: &Shop) -> Vec<u32> {
    let mut orders = vec![0; shop.customers.segment.len()];
    for &customer in &shop.orders.customer {
        orders[customer as usize - 1] += 1;
    }
    orders
}

#[test]
fn a_flat_calendar_gives_the_check_values() {
    // Mean orders, share of one-timers and share of three orders or more, from the specification.
    const EXPECTED: [(f64, f64, f64); 8] = [
        (16.8, 0.04, 0.91),
        (2.7, 0.34, 0.41),
        (7.1, 0.11, 0.78),
        (4.0, 0.23, 0.59),
        (1.2, 0.88, 0.03),
        (5.7, 0.15, 0.72),
        (2.6, 0.38, 0.36),
        (7.9, 0.10, 0.80),
    ];
    let mut config = Config::of(World::Null, 20_000, 600, 104).unwrap();
    config.flatten();
    let mut total = 0;
    let mut found = [(0u32, 0u32, 0u32, 0u32); 8];
    for root in [7, 1, 2] {
        let shop = shop_of(&config, root);
        total += shop.orders.time.len();
        for (&n, &segment) in orders_of_customers(&shop).iter().zip(&shop.customers.segment) {
            let found = &mut found[segment as usize];
            *found = (found.0 + 1, found.1 + n, found.2 + u32::from(n == 1), found.3 + u32::from(n >= 3));
        }
    }
    let mean = total as f64 / 3.0;
    for (segment, (&(n, orders, ones, threes), expected)) in SEGMENTS.iter().zip(found.iter().zip(EXPECTED)) {
        let n = f64::from(n);
        let (orders, ones, threes) = (f64::from(orders) / n, f64::from(ones) / n, f64::from(threes) / n);
        assert!((n / 60_000.0 - segment.share).abs() < 0.005, "{}", segment.name);
        assert!((orders / expected.0 - 1.0).abs() < 0.1, "{} {orders}", segment.name);
        assert!((ones - expected.1).abs() < 0.03, "{} {ones}", segment.name);
        assert!((threes - expected.2).abs() < 0.03, "{} {threes}", segment.name);
    }
    assert!((mean / 95_000.0 - 1.0).abs() < 0.01, "{mean} orders");
}

#[test]
fn the_easy_world_has_its_size_and_its_values() {
    let shop = default_shop(World::Easy, 7);
    let orders = shop.orders.time.len() as f64;
    let products = baskets(&shop).iter().map(|basket| f64::from(basket.count_ones())).sum::<f64>() / orders;
    assert!((orders / 100_000.0 - 1.0).abs() < 0.03, "{orders} orders");
    assert!((2.0..=2.1).contains(&products), "{products} product segments");
    let mut values = [(0.0, 0.0, 0.0); 8];
    let mut at = 0;
    for (&customer, &n) in shop.orders.customer.iter().zip(&shop.orders.lines) {
        let segment = shop.customers.segment[customer as usize - 1] as usize;
        let those = at..at + n as usize;
        at = those.end;
        let value: f64 = those
            .clone()
            .map(|line| shop.lines.price[line] as f64 / 1e4 * f64::from(shop.lines.quantity[line]))
            .sum();
        let discounted = f64::from(shop.lines.tenths_off[those.start] > 0);
        values[segment] =
            (values[segment].0 + 1.0, values[segment].1 + value, values[segment].2 + discounted);
    }
    for (segment, (n, value, discounted)) in SEGMENTS.iter().zip(values) {
        let (value, discounted) = (value / n, discounted / n);
        assert!((value / segment.mean_order - 1.0).abs() < 0.1, "{} {value}", segment.name);
        // Sale weeks add .3 to about a fourteenth of the orders.
        assert!((-0.02..0.06).contains(&(discounted - segment.discount)), "{} {discounted}", segment.name);
    }
}

#[test]
fn planted_rules_hold_and_nothing_else_changes() {
    let (easy, null) = (default_shop(World::Easy, 7), default_shop(World::Null, 7));
    assert_eq!(easy.items, null.items);
    assert_eq!(easy.product_segments, null.product_segments);
    let mut same = easy.customers.clone();
    same.left_week.clone_from(&null.customers.left_week);
    assert_eq!(same, null.customers, "all but the extra orders after leaving");
    // Without extra orders the orders are the same one by one, and a basket differs by what the rules did.
    let mut config = Config::of(World::Easy, 20_000, 600, 104).unwrap();
    config.sequences.clear();
    let ruled = shop_of(&config, 7);
    assert_eq!(ruled.orders.time, null.orders.time);
    assert_eq!(ruled.orders.channel, null.orders.channel);
    let (after, before) = (baskets(&ruled), baskets(&null));
    for rule in ruled.plan.rules.iter().filter(|rule| rule.q > 0.0) {
        let needed = rule.antecedent.iter().fold(0u64, |bits, &a| bits | 1 << a);
        let b = 1u64 << rule.consequent;
        let negative = rule.kind == Kind::Negative;
        let (mut candidates, mut hits) = (0u32, 0u32);
        for ((&after, &before), &customer) in after.iter().zip(&before).zip(&ruled.orders.customer) {
            let who = customer as usize - 1;
            let local = ruled.customers.traits.gender[who] == 0 && ruled.customers.traits.city[who] == 0;
            let holds = after & needed == needed && (rule.kind != Kind::Local || local);
            if holds && (before & b != 0) == negative {
                candidates += 1;
                hits += u32::from((after & b != 0) != negative);
            } else if !holds {
                assert!(negative || before & b == after & b, "no other law touches a consequent");
            }
        }
        let (n, share) = (f64::from(candidates), f64::from(hits) / f64::from(candidates));
        assert!(n > 50.0);
        assert!((share - rule.q).abs() < 4.0 * (rule.q * (1.0 - rule.q) / n).sqrt(), "{rule:?} {share}");
    }
}

#[test]
fn planted_sequences_peak_where_they_should() {
    let shop = default_shop(World::Easy, 7);
    let baskets = baskets(&shop);
    for sequence in &shop.plan.sequences {
        // Every later order with B, by its lag in weeks, beside the orders of A that are watched that long.
        let (mut pairs, mut watched) = ([0u32; 60], [0u32; 60]);
        let week = |at: usize| (shop.orders.time[at] - START) as f64 / 604_800e6;
        for (at, basket) in baskets.iter().enumerate() {
            if basket >> sequence.antecedent & 1 == 0 {
                continue;
            }
            watched
                .iter_mut()
                .zip(0..)
                .for_each(|(watched, lag)| *watched += u32::from(week(at) + f64::from(lag) < 103.0));
            let later = (at + 1..baskets.len())
                .take_while(|&to| shop.orders.customer[to] == shop.orders.customer[at]);
            for to in later.filter(|&to| baskets[to] >> sequence.consequent & 1 == 1) {
                let lag = (week(to) - week(at)).round() as usize;
                if lag < 60 {
                    pairs[lag] += 1;
                }
            }
        }
        let rate: Vec<f64> =
            pairs.iter().zip(watched).map(|(&n, watched)| f64::from(n) / f64::from(watched.max(1))).collect();
        let mut ordinary = rate.clone();
        ordinary.sort_by(f64::total_cmp);
        let usual = ordinary[30];
        for &peak in &sequence.law.peaks {
            let peak = peak as usize;
            // The lag is N(peak, .7), so half of the extra orders are within half a week and nearly all within one and a half.
            let extra: f64 = (peak - 2..=peak + 2).map(|lag| rate[lag] - usual).sum();
            let expected = sequence.law.probability / sequence.law.peaks.len() as f64;
            assert!(rate[peak] > 1.5 * usual, "no peak at {peak}");
            assert!((extra / expected - 1.0).abs() < 0.35, "{extra} for {expected} at {peak}");
        }
    }
}

#[test]
fn decoys_meet_more_often_than_chance_without_any_law() {
    let shop = default_shop(World::Null, 7);
    assert!(shop.plan.rules.iter().all(|rule| rule.q == 0.0) && shop.plan.sequences.is_empty());
    assert_eq!(shop.plan.rules.len(), 6);
    let stationary = default_shop(World::Stationary, 7);
    assert_eq!(stationary.plan.rules.iter().filter(|rule| rule.q == 0.0).count(), 2, "only the popular ones");
    let in_sale = |shop: &Shop, product: u8| {
        let weeks = Config::of(World::Null, 1, 600, 104).unwrap().sale_weeks;
        let (mut inside, mut outside) = ((0.0, 0.0), (0.0, 0.0));
        for (basket, time) in baskets(shop).iter().zip(&shop.orders.time) {
            let sale = weeks.contains(&(((time - START) / 604_800_000_000) as u32));
            let side = if sale { &mut inside } else { &mut outside };
            *side = (side.0 + 1.0, side.1 + f64::from(u8::from(basket >> product & 1 == 1)));
        }
        (inside.1 / inside.0) / (outside.1 / outside.0)
    };
    for rule in shop.plan.rules.iter().filter(|rule| rule.kind == Kind::DecoySale) {
        assert!(in_sale(&shop, rule.antecedent[0]) > 2.0);
        assert!(in_sale(&shop, rule.consequent) > 2.0);
    }
}

#[test]
fn threads_do_not_matter_and_the_seed_does() {
    let config = Config::of(World::Easy, 5_000, 600, 104).unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| shop_of(&config, 7))
    };
    let one = with(1);
    assert!(one == with(2) && one == with(8));
    assert!(one != shop_of(&config, 8));
    // A customer is the same in a smaller world.
    let few = shop_of(&Config { customers: 100, ..config }, 7);
    assert_eq!(few.orders.time[..], one.orders.time[..few.orders.time.len()]);
    assert_eq!(few.lines.price[..], one.lines.price[..few.lines.price.len()]);
}

#[test]
fn odd_sizes_work_and_wrong_ones_are_refused() {
    for (customers, items, weeks) in [(1, 120, 8), (1_025, 5_000, 520)] {
        let shop = shop_of(&Config::of(World::Easy, customers, items, weeks).unwrap(), 3);
        assert_eq!(shop.items.cost.len(), items as usize);
        assert!(shop.orders.time.len() >= customers as usize);
        let first = shop.orders.time.iter().zip(&shop.lines.item).next();
        assert!(first.is_some());
    }
    for (customers, items, weeks) in [(0, 600, 104), (1, 119, 104), (1, 600, 7), (1, 600, 521)] {
        assert!(matches!(Config::of(World::Easy, customers, items, weeks), Err(Error::Parameter { .. })));
    }
    assert!(World::named("Easy").is_err());
    for name in World::NAMES {
        assert_eq!(World::named(name).unwrap().name(), name);
    }
}

#[test]
fn a_stop_is_heard() {
    let control = Control::default();
    control.stop();
    let config = Config::of(World::Easy, 5_000, 600, 104).unwrap();
    assert_eq!(simulate(&config, 7, &control).unwrap_err(), Error::Interrupted);
}

#[test]
fn orders_are_made_for_their_missions() {
    let shop = default_shop(World::Missions, 7);
    assert_eq!(shop.orders.mission.len(), shop.orders.time.len());
    assert_eq!(shop.cells.len(), SEGMENTS.len());
    let (mut inside, mut all, mut sizes) = ([0.0; 5], [0.0; 5], [(0.0, 0.0); 5]);
    for (basket, &mission) in baskets(&shop).iter().zip(&shop.orders.mission) {
        let mission = usize::from(mission);
        sizes[mission] = (sizes[mission].0 + 1.0, sizes[mission].1 + f64::from(basket.count_ones()));
        for (product, name) in (0..).zip(&shop.product_segments) {
            let category = CATEGORIES.iter().position(|category| name.starts_with(category)).unwrap();
            if basket >> product & 1 == 1 {
                all[mission] += 1.0;
                inside[mission] += f64::from(u8::from(mission_of(category as u8) == mission));
            }
        }
    }
    for (mission, ((inside, all), (orders, size))) in MISSIONS.iter().zip(inside.iter().zip(all).zip(sizes)) {
        // A product that is drawn twice is drawn again, which takes from a group with one best seller.
        assert!((0.75..0.93).contains(&(inside / all)), "{} {}", mission.name, inside / all);
        let expected = f64::from(mission.least) + mission.extra;
        assert!((size / orders / expected - 1.0).abs() < 0.05, "{} {}", mission.name, size / orders);
    }
    // Without missions nothing changes and nothing is told.
    let easy = default_shop(World::Easy, 7);
    assert!(easy.orders.mission.is_empty() && easy.cells.is_empty());
}

#[test]
fn planted_cells_are_lifted() {
    let shop = default_shop(World::Missions, 7);
    let mut lines = 0;
    let mut found = vec![[[0.0; 2]; 2]; shop.cells.len()];
    for (at, &customer) in shop.orders.customer.iter().enumerate() {
        let discounted = shop.lines.tenths_off[lines] > 0;
        lines += shop.orders.lines[at] as usize;
        let week = ((shop.orders.time[at] - START) / 604_800_000_000) as u32 % 52;
        for (cell, found) in shop.cells.iter().zip(&mut found) {
            // Years end in other missions; the same discount in other quarters is what a cell is held against.
            if shop.customers.segment[customer as usize - 1] == cell.segment && discounted == cell.discounted
            {
                let those = &mut found[usize::from(week / 13 == u32::from(cell.quarter))];
                those[usize::from(shop.orders.mission[at] == cell.mission)] += 1.0;
            }
        }
    }
    for (cell, [[out, out_on], [inside, inside_on]]) in shop.cells.iter().zip(found) {
        let odds = (inside_on / inside) / (out_on / out);
        let gift = MISSIONS[usize::from(cell.mission)].year_end > 1.0 || cell.quarter == 3;
        assert!(gift || odds > 1.8 && odds < 5.0, "{cell:?} {odds}");
    }
}
