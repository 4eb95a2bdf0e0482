//! Missions: what an order is made for. Each shifts how large a basket is and what goes into it.

use super::catalogue::CATEGORIES;
use super::random::{Random, Streams};
use super::worlds::{Config, PRODUCT_SEGMENTS, SEGMENTS};

/// One reason to order, and the product group that it is after.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mission {
    /// Its name.
    pub name: &'static str,
    /// The name of its product group.
    pub group: &'static str,
    /// The categories of the group.
    pub categories: &'static [&'static str],
    /// Its weight among the orders.
    pub share: f64,
    /// Factor on the weight in the eight weeks before the year ends.
    pub year_end: f64,
    /// Factor on the weight of an order without and with a discount.
    pub discount: [f64; 2],
    /// The fewest product segments of a basket.
    pub least: u32,
    /// Product segments beyond these: mean of a Poisson law.
    pub extra: f64,
}

/// The missions. Their positions are the codes in the truth; together their groups hold every category once.
pub const MISSIONS: [Mission; 5] = [
    Mission {
        name: "stock_up",
        group: "care",
        categories: &["cosmetics", "underwear"],
        share: 0.22,
        year_end: 1.0,
        discount: [1.0, 1.0],
        least: 2,
        extra: 1.2,
    },
    Mission {
        name: "single_need",
        group: "outdoor",
        categories: &["coats", "shoes"],
        share: 0.22,
        year_end: 1.0,
        discount: [1.0, 1.0],
        least: 1,
        extra: 0.15,
    },
    Mission {
        name: "gift",
        group: "presents",
        categories: &["bags", "jewellery", "toys"],
        share: 0.16,
        year_end: 3.0,
        discount: [1.0, 0.6],
        least: 1,
        extra: 0.5,
    },
    Mission {
        name: "outfit",
        group: "clothes",
        categories: &["dresses", "shirts", "trousers"],
        share: 0.25,
        year_end: 1.0,
        discount: [1.0, 1.0],
        least: 2,
        extra: 0.8,
    },
    Mission {
        name: "sale_hunt",
        group: "leisure",
        categories: &["knitwear", "sportswear"],
        share: 0.15,
        year_end: 1.0,
        discount: [0.4, 3.0],
        least: 1,
        extra: 1.0,
    },
];

/// The quarters of the year, of thirteen weeks each.
pub const QUARTERS: u32 = 4;
const YEAR: u32 = 52;

/// A planted cell: customers of this segment come more often for this mission in this quarter, with or without a discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Code of the customer segment.
    pub segment: u8,
    /// Code of the mission, and so of its product group.
    pub mission: u8,
    /// Quarter of the year, from 0.
    pub quarter: u8,
    /// Whether the order has a discount.
    pub discounted: bool,
}

/// The planted cells, one for each customer segment.
pub(super) fn cells(config: &Config, root: u64) -> Vec<Cell> {
    if !config.missions || config.cell_factor <= 1.0 {
        return Vec::new();
    }
    let mut random = Streams::new(root, "cells").of(0);
    (0..SEGMENTS.len())
        .map(|segment| Cell {
            segment: segment as u8,
            mission: random.below(MISSIONS.len() as u32) as u8,
            quarter: random.below(QUARTERS) as u8,
            discounted: random.chance(SEGMENTS[segment].discount),
        })
        .collect()
}

/// Draws the mission of an order.
pub(super) fn draw(
    config: &Config,
    cells: &[Cell],
    segment: usize,
    week: u32,
    discounted: bool,
    random: &mut Random,
) -> u8 {
    let of_year = week % YEAR;
    let quarter = of_year * QUARTERS / YEAR;
    let weights: [f64; MISSIONS.len()] = std::array::from_fn(|at| {
        let mission = &MISSIONS[at];
        let lifted = cells.iter().any(|cell| {
            (usize::from(cell.segment), usize::from(cell.mission)) == (segment, at)
                && (u32::from(cell.quarter), cell.discounted) == (quarter, discounted)
        });
        mission.share
            * mission.discount[usize::from(discounted)]
            * if of_year >= YEAR - 8 { mission.year_end } else { 1.0 }
            * if lifted { config.cell_factor } else { 1.0 }
    });
    let sum: f64 = weights.iter().sum();
    random.choose(&weights.map(|weight| weight / sum)) as u8
}

/// The mission whose group holds a category.
pub fn mission_of(category: u8) -> usize {
    let name = CATEGORIES[usize::from(category)];
    MISSIONS.iter().position(|mission| mission.categories.contains(&name)).unwrap_or_default()
}

/// The weights of the product segments for a mission: its group gets the share `focus` of the draws.
pub(super) fn focused(
    weights: &[f64; PRODUCT_SEGMENTS],
    of_group: &[bool; PRODUCT_SEGMENTS],
    focus: f64,
) -> [f64; PRODUCT_SEGMENTS] {
    let inside: f64 = weights.iter().zip(of_group).filter(|(_, of)| **of).map(|(weight, _)| weight).sum();
    let outside = weights.iter().sum::<f64>() - inside;
    std::array::from_fn(|at| {
        if of_group[at] { weights[at] * focus / inside } else { weights[at] * (1.0 - focus) / outside }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_has_one_mission() {
        for (code, category) in (0..).zip(CATEGORIES) {
            let holders = MISSIONS.iter().filter(|mission| mission.categories.contains(&category)).count();
            assert_eq!(holders, 1, "{category}");
            assert!(MISSIONS[mission_of(code)].categories.contains(&category));
        }
    }

    #[test]
    fn a_focus_gives_the_group_its_share() {
        let mut of_group = [false; PRODUCT_SEGMENTS];
        of_group[3] = true;
        of_group[5] = true;
        let weights = focused(&std::array::from_fn(|at| 1.0 + at as f64), &of_group, 0.9);
        assert!((weights[3] + weights[5] - 0.9).abs() < 1e-12);
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((weights[5] / weights[3] - 1.5).abs() < 1e-12, "tastes stay inside the group");
    }
}
