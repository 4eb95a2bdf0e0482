//! The simulator's door.

use basketry_core::simulate::{
    self as core, Behaviour, Config, Kind, NULL_TRAITS, Outcomes, PERSONAS, Personas, Plan, Prospects,
    Returns, SEGMENTS, Shop, World,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::columns::{Column, Table, instants, lists, money};
use crate::run::{Reins, run};

/// What may be asked for beside the shop itself.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Parts {
    outcomes: bool,
    personas: bool,
    prospects: Option<u32>,
}

/// Simulates a shop. Gives its tables and truths, with codes for names, the names, and the whole configuration.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one per argument of the question")]
#[pyo3(signature = (world, customers, items, weeks, root, asked, reins))]
#[expect(clippy::needless_pass_by_value, reason = "Python hands the reins over")]
pub fn simulate<'py>(
    py: Python<'py>,
    world: &str,
    customers: u32,
    items: u32,
    weeks: u32,
    root: u64,
    asked: Parts,
    reins: Reins<'_>,
) -> PyResult<Bound<'py, PyDict>> {
    let (config, shop, outcomes, personas, prospects) = run(py, &reins, |control| {
        let config = Config::of(World::named(world)?, customers, items, weeks)?;
        let shop = core::simulate(&config, root, control)?;
        let outcomes = asked.outcomes.then(|| core::outcomes(&config, root, &shop, control)).transpose()?;
        let personas = asked.personas.then(|| core::personas(&config, root, &shop));
        let prospects =
            asked.prospects.map(|count| core::prospects(&config, root, count, control)).transpose()?;
        Ok((config, shop, outcomes, personas, prospects))
    })?;
    let parts = PyDict::new(py);
    parts.set_item("config", configuration(py, &config, root)?)?;
    parts.set_item("names", names(py, &shop.product_segments)?)?;
    let Shop { customers, items, product_segments, orders, lines, plan, cells } = shop;
    let mut tables = vec![
        (
            "customers",
            Table::default()
                .with("first_seen", customers.first_seen)
                .with("gender", customers.traits.gender)
                .with("city", customers.traits.city)
                .with("device", customers.traits.device)
                .with("birth_band", customers.traits.birth_band)
                .with("consent", customers.traits.consent),
        ),
        (
            "segments",
            Table::default()
                .with("segment", customers.segment)
                .with("lambda", customers.lambda)
                .with("p", customers.p)
                .with("left_week", customers.left_week),
        ),
        (
            "items",
            Table::default()
                .with("product_segment", items.product_segment)
                .with("category", items.category)
                .with("gender", items.gender)
                .with("price_band", items.price_band)
                .with("brand", items.brand)
                .with("colour", items.colour)
                .with("cost", money(items.cost))
                .with("list_price", money(items.list_price))
                .with("launch_week", items.launch_week)
                .with("durable", items.durable),
        ),
        (
            "orders",
            Table::default()
                .with("customer", orders.customer)
                .with("ts", instants(orders.time))
                .with("channel", orders.channel),
        ),
        (
            "lines",
            Table::default()
                .with("order", lines.order)
                .with("item", lines.item)
                .with("qty", lines.quantity)
                .with("price", money(lines.price))
                .with("tenths_off", lines.tenths_off)
                .with("returned", lines.returned),
        ),
        ("missions", Table::default().with("mission", orders.mission)),
        (
            "cells",
            Table::default()
                .with("segment", cells.iter().map(|cell| cell.segment).collect::<Vec<_>>())
                .with("mission", cells.iter().map(|cell| cell.mission).collect::<Vec<_>>())
                .with("quarter", cells.iter().map(|cell| cell.quarter).collect::<Vec<_>>())
                .with("discounted", cells.iter().map(|cell| cell.discounted).collect::<Vec<_>>()),
        ),
        ("rules", rules(&plan, &product_segments)),
        ("sequences", sequences(&plan, &product_segments)),
    ];
    if let Some((outcomes, back)) = outcomes {
        tables.push(("outcomes", outcome_table(outcomes)));
        tables.push(("returns", return_table(back)));
    }
    if let Some(personas) = personas {
        parts.set_item("persona_categories", personas.categories)?;
        tables.push(("planted", planted()));
        tables.push(("personas", persona_table(personas)));
    }
    if let Some(Prospects {
        known,
        traits,
        behaviour,
        segment,
        lambda,
        p,
        value,
        buyer,
        stray_buyer,
        customers,
    }) = prospects
    {
        let people = Table::default()
            .with("known", known)
            .with("gender", traits.gender)
            .with("city", traits.city)
            .with("device", traits.device)
            .with("birth_band", traits.birth_band)
            .with("consent", traits.consent);
        let truth = Table::default()
            .with("segment", segment)
            .with("lambda", lambda)
            .with("p", p)
            .with("value", value)
            .with("buyer", buyer)
            .with("stray_buyer", stray_buyer);
        tables.push(("prospects", with_behaviour(people, behaviour)));
        tables.push(("prospect_truth", truth));
        tables.push(("behaviour", with_behaviour(Table::default(), customers)));
    }
    for (name, table) in tables {
        parts.set_item(name, table.finish()?)?;
    }
    Ok(parts)
}

fn outcome_table(outcomes: Outcomes) -> Table {
    Table::default()
        .with("week", outcomes.week)
        .with("customer", outcomes.customer)
        .with("p_buy", outcomes.p_buy)
        .with("p_sale", outcomes.p_sale)
        .with("p_return", outcomes.p_return)
        .with("bought", outcomes.bought)
        .with("in_sale", outcomes.in_sale)
        .with("returned", outcomes.returned)
        .with("margin", money(outcomes.margin))
        .with("orders", outcomes.orders)
        .with("draw", outcomes.draw)
}

fn return_table(returns: Returns) -> Table {
    Table::default()
        .with("order", returns.order)
        .with("item", returns.item)
        .with("ts", instants(returns.time))
        .with("qty", returns.quantity)
        .with("price", money(returns.price))
}

fn trait_names() -> impl Iterator<Item = String> {
    let nulls = (1..=NULL_TRAITS).map(|number| format!("trait_{number:02}"));
    PERSONAS.iter().map(|(name, _)| (*name).to_owned()).chain(nulls)
}

fn persona_table(personas: Personas) -> Table {
    let start = Table::default()
        .with("target", personas.target)
        .with("probability", personas.probability)
        .with("orders", personas.orders);
    trait_names().zip(personas.traits).fold(start, |table, (name, column)| table.with(&name, column))
}

/// The truth of the personas: one row a trait.
fn planted() -> Table {
    let all = PERSONAS.len() + NULL_TRAITS;
    let ratio = |at: usize| PERSONAS.get(at).map_or(1.0, |&(_, ratio)| ratio);
    Table::default()
        .with("trait", trait_names().map(Some).collect::<Vec<_>>())
        .with("odds_ratio", (0..all).map(ratio).collect::<Vec<_>>())
        .with("null", (0..all).map(|at| at >= PERSONAS.len()).collect::<Vec<_>>())
        .with("confounded", (0..all).map(Personas::is_confounded).collect::<Vec<_>>())
}

/// Adds what was looked at; the columns of product segments and price bands are numbered.
fn with_behaviour(table: Table, seen: Behaviour) -> Table {
    let table = table.with("visits", seen.visits).with("sale_views", seen.sale_views);
    let numbered = |table: Table, start: &str, columns: Vec<Vec<u32>>| {
        columns
            .into_iter()
            .enumerate()
            .fold(table, |table, (at, column)| table.with(&format!("{start}{at}"), column))
    };
    numbered(numbered(table, "band_", seen.bands), "product_", seen.views)
}

fn rules(plan: &Plan, names: &[String]) -> Table {
    let of = |&product: &u8| names[product as usize].as_str();
    let rules = &plan.rules;
    let scope = |kind| if kind == Kind::Local { "women in big cities" } else { "all" };
    Table::default()
        .with("kind", texts(rules.iter().map(|rule| rule.kind.name())))
        .with(
            "antecedent",
            lists(
                offsets(rules.iter().map(|rule| rule.antecedent.len())),
                texts(rules.iter().flat_map(|rule| &rule.antecedent).map(of)).into(),
            ),
        )
        .with("consequent", texts(rules.iter().map(|rule| of(&rule.consequent))))
        .with("q", rules.iter().map(|rule| rule.q).collect::<Vec<_>>())
        .with("scope", texts(rules.iter().map(|rule| scope(rule.kind))))
}

fn sequences(plan: &Plan, names: &[String]) -> Table {
    let of = |product: u8| names[product as usize].as_str();
    let sequences = &plan.sequences;
    let peaks: Vec<u32> = sequences.iter().flat_map(|sequence| sequence.law.peaks.iter().copied()).collect();
    Table::default()
        .with("antecedent", texts(sequences.iter().map(|sequence| of(sequence.antecedent))))
        .with("consequent", texts(sequences.iter().map(|sequence| of(sequence.consequent))))
        .with("probability", sequences.iter().map(|sequence| sequence.law.probability).collect::<Vec<_>>())
        .with(
            "peak_weeks",
            lists(offsets(sequences.iter().map(|sequence| sequence.law.peaks.len())), Column::from(peaks)),
        )
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Option<String>> {
    values.map(|value| Some(value.to_owned())).collect()
}

fn offsets(lengths: impl Iterator<Item = usize>) -> Vec<i64> {
    let ends = lengths.scan(0, |end, length| {
        *end += length as i64;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

/// The names behind the codes, by column.
fn names<'py>(py: Python<'py>, product_segments: &[String]) -> PyResult<Bound<'py, PyDict>> {
    let names = PyDict::new(py);
    names.set_item("segment", SEGMENTS.map(|segment| segment.name))?;
    names.set_item("discount", SEGMENTS.map(|segment| segment.discount))?;
    names.set_item("customer_gender", core::CUSTOMER_GENDERS)?;
    names.set_item("city", core::CITIES)?;
    names.set_item("device", core::DEVICES)?;
    names.set_item("birth_band", core::BIRTH_BANDS)?;
    names.set_item("product_segment", product_segments)?;
    names.set_item("category", core::CATEGORIES)?;
    names.set_item("gender", core::GENDERS)?;
    names.set_item("price_band", core::PRICE_BANDS)?;
    names.set_item("brand", core::BRANDS)?;
    names.set_item("colour", core::COLOURS)?;
    names.set_item("channel", core::CHANNELS)?;
    names.set_item("mission", core::MISSIONS.map(|mission| mission.name))?;
    names.set_item("product_group", core::MISSIONS.map(|mission| mission.group))?;
    let groups: Vec<&str> = (0..core::CATEGORIES.len() as u8)
        .map(|category| core::MISSIONS[core::mission_of(category)].group)
        .collect();
    names.set_item("group_of_category", groups)?;
    Ok(names)
}

fn configuration<'py>(py: Python<'py>, config: &Config, root: u64) -> PyResult<Bound<'py, PyDict>> {
    let Config { world, customers, items, weeks, taste, liked, first_order_weeks, season, gift, .. } = config;
    let told = PyDict::new(py);
    told.set_item("world", world.name())?;
    told.set_item("customers", customers)?;
    told.set_item("items", items)?;
    told.set_item("weeks", weeks)?;
    told.set_item("seed", root)?;
    told.set_item("start_us", core::START)?;
    told.set_item("taste", taste)?;
    told.set_item("liked", liked)?;
    told.set_item("first_order_weeks", first_order_weeks)?;
    told.set_item("season", season)?;
    told.set_item("gift", gift)?;
    told.set_item("sale_weeks", &config.sale_weeks)?;
    told.set_item("sale_intensity", config.sale_intensity)?;
    told.set_item("sale_discount", config.sale_discount)?;
    told.set_item("extra_segments", config.extra_segments)?;
    told.set_item("quantities", config.quantities)?;
    told.set_item("depths", config.depths)?;
    told.set_item("women", config.women)?;
    told.set_item("big_city", config.big_city)?;
    told.set_item("global_rules", &config.global_rules)?;
    told.set_item("local_rules", &config.local_rules)?;
    told.set_item("three_item_rules", &config.three_item_rules)?;
    told.set_item("negative_rules", &config.negative_rules)?;
    told.set_item("season_decoy", config.season_decoy)?;
    told.set_item("sale_decoy", config.sale_decoy)?;
    let sequences = PyList::empty(py);
    for law in &config.sequences {
        let sequence = PyDict::new(py);
        sequence.set_item("probability", law.probability)?;
        sequence.set_item("peaks", &law.peaks)?;
        sequences.append(sequence)?;
    }
    told.set_item("sequences", sequences)?;
    told.set_item("lag_spread", config.lag_spread)?;
    if config.missions {
        told.set_item("mission_focus", config.mission_focus)?;
        told.set_item("cell_factor", config.cell_factor)?;
        let missions = PyDict::new(py);
        for mission in core::MISSIONS {
            let law = PyDict::new(py);
            law.set_item("group", mission.group)?;
            law.set_item("share", mission.share)?;
            law.set_item("year_end", mission.year_end)?;
            law.set_item("discount", mission.discount)?;
            law.set_item("least", mission.least)?;
            law.set_item("extra", mission.extra)?;
            missions.set_item(mission.name, law)?;
        }
        told.set_item("missions", missions)?;
    }
    let segments = PyDict::new(py);
    for segment in SEGMENTS {
        let law = PyDict::new(py);
        law.set_item("share", segment.share)?;
        law.set_item("rate_gamma", (segment.shape, segment.rate))?;
        law.set_item("leave_beta", (segment.leave_a, segment.leave_b))?;
        law.set_item("mean_order", segment.mean_order)?;
        law.set_item("discount", segment.discount)?;
        segments.set_item(segment.name, law)?;
    }
    told.set_item("segments", segments)?;
    Ok(told)
}
