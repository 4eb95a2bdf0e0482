//! The ledger against an obvious one, for rows in any order and any chunking.
#![allow(clippy::unwrap_used, clippy::type_complexity, missing_docs)]

use std::collections::BTreeMap;

use arrow_buffer::BooleanBuffer;
use basketry_core::Control;
use basketry_core::dictionary::{IdChunk, Ids, TextChunk, Values};
use basketry_core::ledger::{
    Account, Builder, DAY, Ledger, NO_ITEM, NumberChunk, Numbers, OrderKey, Policy, Reason, Rows, Shape,
    TimeChunk, Zone,
};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    customer: Option<i64>,
    order: i64,
    time: i64,
    item: Option<i64>,
    quantity: i64,
    amount: i64,
}

fn row() -> impl Strategy<Value = Row> {
    (
        prop::option::weighted(0.8, prop_oneof![0_i64..5, any::<i64>().prop_map(|id| id % 3 * 1_000_003)]),
        0_i64..6,
        0_i64..8,
        prop::option::weighted(0.9, 0_i64..4),
        -1_i64..3,
        -2_i64..4,
    )
        .prop_map(|(customer, order, time, item, quantity, amount)| Row {
            customer,
            order,
            time: time * DAY / 2,
            item,
            quantity,
            amount,
        })
}

/// How ids reach the builder.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    NoOrder,
    Integer,
    Text,
}

fn build(rows: &[Row], cuts: usize, form: Form, policy: Policy) -> (Ledger, Account) {
    let shape = Shape {
        order: match form {
            Form::NoOrder => OrderKey::Time,
            Form::Integer => OrderKey::Integer,
            Form::Text => OrderKey::Text,
        },
        item: true,
        measures: vec!["quantity".into(), "amount".into()],
    };
    let mut builder = Builder::new(shape, policy);
    for chunk in rows.chunks(cuts.max(1)) {
        let customers: Vec<i64> = chunk.iter().map(|row| row.customer.unwrap_or(0)).collect();
        let known: BooleanBuffer = chunk.iter().map(|row| row.customer.is_some()).collect();
        let orders: Vec<i64> = chunk.iter().map(|row| row.order).collect();
        // Texts sort as the integers do: short ones inline, long ones in a buffer.
        let texts: Vec<String> = orders
            .iter()
            .map(|order| format!("{order}{}", "x".repeat(if order % 2 == 0 { 0 } else { 14 })))
            .collect();
        let (views, bytes) = views(&texts);
        let buffers = [bytes];
        let times: Vec<i64> = chunk.iter().map(|row| row.time).collect();
        let items: Vec<i64> = chunk.iter().map(|row| row.item.unwrap_or(0)).collect();
        let some_item: BooleanBuffer = chunk.iter().map(|row| row.item.is_some()).collect();
        let quantities: Vec<i64> = chunk.iter().map(|row| row.quantity).collect();
        let amounts: Vec<f64> = chunk.iter().map(|row| row.amount as f64).collect();
        let order = match form {
            Form::NoOrder => None,
            Form::Integer => Some(IdChunk::plain(Values::Integers(&orders))),
            Form::Text => Some(IdChunk::plain(Values::Texts(TextChunk { views: &views, buffers: &buffers }))),
        };
        builder
            .push(&Rows {
                n_rows: chunk.len(),
                customer: Some(IdChunk {
                    values: Values::Integers(&customers),
                    keys: None,
                    valid: Some(&known),
                }),
                order,
                time: Some(TimeChunk { times: &times, valid: None }),
                item: Some(IdChunk { values: Values::Integers(&items), keys: None, valid: Some(&some_item) }),
                measures: vec![
                    NumberChunk { numbers: Numbers::Integers(&quantities), valid: None },
                    NumberChunk { numbers: Numbers::Floats(&amounts), valid: None },
                ],
                reasons: None,
            })
            .unwrap();
    }
    builder.finish(Zone::utc(), &Control::default()).unwrap()
}

fn views(texts: &[String]) -> (Vec<u128>, arrow_buffer::Buffer) {
    let (mut views, mut bytes) = (Vec::new(), Vec::<u8>::new());
    for text in texts {
        let mut view = [0; 16];
        view[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
        if text.len() <= 12 {
            view[4..4 + text.len()].copy_from_slice(text.as_bytes());
        } else {
            view[4..8].copy_from_slice(&text.as_bytes()[..4]);
            view[12..].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        views.push(u128::from_le_bytes(view));
    }
    (views, arrow_buffer::Buffer::from_vec(bytes))
}

/// A line as (item, quantity, amount); a missing item sorts last.
type Line = (i64, i64, i64);
/// Orders as (customer, or last for guests; time; order id; lines).
type Tree = Vec<(Option<i64>, i64, i64, Vec<Line>)>;

/// The same tree made the slow way. Orders without ids are told apart by their time, guests without ids not joined at all.
fn oracle(rows: &[Row], form: Form) -> Tree {
    let mut orders: BTreeMap<(Option<i64>, i64, usize), (i64, Vec<Line>)> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        let key = if form == Form::NoOrder { row.time } else { row.order };
        let alone = if form == Form::NoOrder && row.customer.is_none() { number } else { 0 };
        let order = orders.entry((row.customer, key, alone)).or_insert((i64::MAX, Vec::new()));
        order.0 = order.0.min(row.time);
        order.1.push((row.item.unwrap_or(i64::MAX), row.quantity * 10_000, row.amount * 10_000));
    }
    let mut tree: Tree = orders
        .into_iter()
        .map(|((customer, key, _), (time, mut lines))| {
            lines.sort_unstable();
            (customer, time, if form == Form::NoOrder { 0 } else { key }, lines)
        })
        .collect();
    tree.sort_by(|a, b| (a.0.is_none(), a).cmp(&(b.0.is_none(), b)));
    tree
}

fn tree(ledger: &Ledger) -> Tree {
    let integer = |ids: &Ids, at: usize| match ids {
        Ids::Integers(values) => values[at],
        Ids::Texts { .. } => String::from_utf8_lossy(ids.text(at)).trim_end_matches('x').parse().unwrap(),
    };
    let read = |customer: Option<i64>, order: usize| {
        let lines = ledger.lines_of(order).map(|line| {
            let item = ledger.line_items().unwrap()[line];
            let item = if item == NO_ITEM { i64::MAX } else { integer(ledger.items(), item as usize) };
            (item, ledger.measure("quantity").unwrap()[line], ledger.measure("amount").unwrap()[line])
        });
        let id = ledger.order_ids().map_or(0, |ids| integer(ids, order));
        (customer, ledger.order_times()[order], id, lines.collect())
    };
    let known = (0..ledger.n_customers()).flat_map(|customer| {
        let id = integer(ledger.customers(), customer);
        ledger.orders_of(customer).map(move |order| (Some(id), order))
    });
    known.chain(ledger.guest_orders().map(|order| (None, order))).map(|(id, order)| read(id, order)).collect()
}

fn keep_all() -> Policy {
    Policy { keep_negative_prices: true, ..Policy::default() }
}

fn usable(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().filter(|row| row.quantity != 0).collect()
}

fn forms() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::NoOrder), Just(Form::Integer), Just(Form::Text)]
}

proptest! {
    #[test]
    fn equals_the_obvious_tree(rows in prop::collection::vec(row(), 0..120), cuts in 1_usize..130, form in forms()) {
        let rows = usable(rows);
        let (ledger, account) = build(&rows, cuts, form, keep_all());
        prop_assert_eq!(tree(&ledger), oracle(&rows, form));
        prop_assert_eq!(account.rows[0], rows.len() as u64);
        prop_assert_eq!(ledger.n_lines(), rows.len());
        prop_assert_eq!(account.returns, rows.iter().filter(|row| row.quantity < 0).count() as u64);
    }

    #[test]
    fn order_and_chunks_of_rows_do_not_matter(
        (rows, shuffled) in prop::collection::vec(row(), 0..80).prop_flat_map(|rows| {
            let rows = usable(rows);
            (Just(rows.clone()), Just(rows).prop_shuffle())
        }),
        cuts in 1_usize..90,
        form in forms(),
    ) {
        let (one, _) = build(&rows, 1_000, form, keep_all());
        let (other, _) = build(&shuffled, cuts, form, keep_all());
        prop_assert_eq!(one.to_parts(), other.to_parts());
    }

    #[test]
    fn parts_slices_and_merges_are_the_same_ledger(
        rows in prop::collection::vec(row(), 1..80),
        cut in 0_usize..80,
        form in forms(),
    ) {
        let rows = usable(rows);
        let (whole, _) = build(&rows, 7, form, keep_all());
        prop_assert_eq!(&Ledger::from_parts(whole.to_parts()).unwrap(), &whole);
        let (head, tail) = rows.split_at(cut.min(rows.len()));
        let (head, _) = build(head, 9, form, keep_all());
        let (tail, _) = build(tail, 9, form, keep_all());
        prop_assert_eq!(tree(&head.merge(&tail, &Control::default()).unwrap()), tree(&whole));
        let middle = whole.n_customers() / 2;
        let slices = [whole.slice(0..middle), whole.slice(middle..whole.n_customers())];
        let mut both: Tree = slices.iter().flat_map(tree).collect();
        for slice in &slices {
            prop_assert_eq!(tree(&Ledger::from_parts(slice.to_parts()).unwrap()), tree(slice));
        }
        both.extend(tree(&whole).into_iter().filter(|order| order.0.is_none()));
        prop_assert_eq!(both, tree(&whole));
    }

    #[test]
    fn every_row_is_accounted_for(rows in prop::collection::vec(row(), 0..120), bits in 0_u8..32) {
        let policy = Policy {
            keep_guests: bits & 1 == 0,
            keep_returns: bits & 2 == 0,
            keep_zero_prices: bits & 4 == 0,
            keep_duplicates: bits & 8 == 0,
            keep_negative_prices: bits & 16 == 0,
            until: Some(3 * DAY),
        };
        let (ledger, account) = build(&rows, 11, Form::Integer, policy);
        prop_assert_eq!(account.rows.iter().sum::<u64>(), rows.len() as u64);
        prop_assert_eq!(account.rows[0] as usize, ledger.n_lines());
        let money: i128 = ledger.measure("amount").unwrap().iter().map(|&amount| i128::from(amount)).sum();
        prop_assert_eq!(account.amounts[0], money);
        let given: i128 = rows.iter().map(|row| i128::from(row.amount) * 10_000).sum();
        prop_assert_eq!(account.amounts.iter().sum::<i128>(), given);
        let late = rows.iter().filter(|row| row.time >= 3 * DAY).count() as u64;
        prop_assert_eq!(account.rows[Reason::Future as usize], late);
        let returns = ledger.measure("quantity").unwrap().iter().filter(|&&quantity| quantity < 0).count() as u64;
        prop_assert_eq!(account.returns, returns);
    }
}

#[test]
fn threads_do_not_matter() {
    let rows: Vec<Row> = (0..20_000_i64)
        .map(|n| Row {
            customer: (n % 11 != 0).then_some(n * 7919 % 3001),
            order: n / 3,
            time: n * 7 % 1009 * DAY,
            item: Some(n * 31 % 97),
            quantity: 1 + n % 3,
            amount: n % 50,
        })
        .collect();
    let in_pool = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| build(&rows, 333, Form::Text, keep_all()).0.to_parts())
    };
    let one = in_pool(1);
    assert_eq!(one, in_pool(2));
    assert_eq!(one, in_pool(8));
}

#[test]
fn damaged_parts_are_refused() {
    let rows = [Row { customer: Some(1), order: 1, time: 0, item: Some(1), quantity: 1, amount: 1 }];
    let (ledger, _) = build(&rows, 1, Form::Integer, keep_all());
    let optional = ["measure:quantity", "measure:amount", "line_item", "order.id"];
    for at in 0..ledger.to_parts().len() {
        let mut parts = ledger.to_parts();
        let (name, _) = parts.remove(at);
        assert_eq!(Ledger::from_parts(parts).is_err(), !optional.contains(&name.as_str()), "{name}");
    }
}
