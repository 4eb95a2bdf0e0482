//! Customers whose figures are equal count as one row with a weight.

use std::ops::Range;

use rayon::prelude::*;

use super::Model;
use crate::control::Control;
use crate::error::{Error, Result};

/// Rows of a piece: few enough for a core's cache, many enough for a thread.
const PIECE: usize = 1 << 12;

/// The figures of customers, as a model takes them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lives<'a> {
    /// Repeat purchases: a whole number.
    pub x: &'a [f64],
    /// From the first to the last purchase; of the model of money, the mean of a purchase.
    pub t_x: &'a [f64],
    /// From the first purchase to the end; of the model of money, nothing.
    pub age: &'a [f64],
    /// Covariates of the rate of purchase, a column each.
    pub of_rate: &'a [Vec<f64>],
    /// Covariates of the lifetime, a column each.
    pub of_lifetime: &'a [Vec<f64>],
}

impl Lives<'_> {
    /// How many customers.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// The covariates of a customer: of the rate, then of the lifetime.
    pub(crate) fn covariates(&self, row: usize) -> impl Iterator<Item = f64> {
        self.of_rate.iter().chain(self.of_lifetime).map(move |column| column[row])
    }

    /// Refuses what cannot be a customer of this model.
    ///
    /// # Errors
    /// [`Error::Column`] with the first row that is impossible.
    pub fn check(&self, model: Model) -> Result<()> {
        let wrong = |column: &str, row: usize, problem: &str| {
            let problem = format!("{problem} (row {}: x={}, ", row + 1, self.x[row]);
            let rest = match model {
                Model::GammaGamma => format!("mean={})", self.t_x[row]),
                _ => format!("t_x={}, T={})", self.t_x[row], self.age.get(row).unwrap_or(&f64::NAN)),
            };
            Err(Error::Column { column: column.to_owned(), problem: problem + &rest })
        };
        for row in 0..self.len() {
            let (x, t_x) = (self.x[row], self.t_x[row]);
            if !(x >= 0.0 && x <= f64::from(u32::MAX) && x.fract() == 0.0) {
                return wrong(
                    "frequency",
                    row,
                    "holds something else than a whole number of repeat purchases",
                );
            }
            if model == Model::GammaGamma {
                if x == 0.0 || !(t_x > 0.0 && t_x.is_finite()) {
                    return wrong("monetary", row, "needs a repeat purchase and a mean above 0");
                }
                continue;
            }
            let age = self.age[row];
            if !age.is_finite() || !(0.0..=age).contains(&t_x) {
                return wrong(
                    "recency",
                    row,
                    "is not between 0 and T: all three count from the first purchase",
                );
            }
            if (x > 0.0) != (t_x > 0.0) {
                return wrong("recency", row, "is 0 where there is no repeat purchase, and only there");
            }
            if model == Model::BetaBinomial && (t_x.fract() != 0.0 || age.fract() != 0.0 || x > t_x) {
                return wrong(
                    "recency",
                    row,
                    "and T are whole numbers of opportunities, and x is at most t_x",
                );
            }
        }
        for (row, value) in
            (0..self.len()).flat_map(|row| self.covariates(row).map(move |value| (row, value)))
        {
            if !value.is_finite() {
                return wrong("covariates", row, "holds a value that is missing or not finite");
            }
        }
        Ok(())
    }
}

/// The distinct rows, sorted by covariates, `x`, `t_x` and age, cut into pieces of one frequency.
///
/// The order of customers has no part in it, and so none in any sum over it.
#[derive(Debug, Default)]
pub struct Table {
    pub(crate) t_x: Vec<f64>,
    pub(crate) age: Vec<f64>,
    pub(crate) weight: Vec<f64>,
    /// The covariates, pattern by pattern: of the rate, then of the lifetime.
    pub(crate) patterns: Vec<f64>,
    pub(crate) n_rate: usize,
    pub(crate) n_lifetime: usize,
    pub(crate) pieces: Vec<Piece>,
    /// Pieces that are worked on together.
    pub(crate) stretches: Vec<Range<usize>>,
}

/// Rows of one frequency and one pattern of covariates.
#[derive(Debug)]
pub(crate) struct Piece {
    pub x: f64,
    pub pattern: usize,
    pub rows: Range<usize>,
    /// The distinct `t_x` and ages of these rows, ascending: what depends on one of them alone is computed but once.
    pub ends: Vec<f64>,
    /// Where the `t_x` and the age of each row stand among the ends. Both are empty if the model is not of time.
    pub between: Vec<(u32, u32)>,
}

impl Table {
    /// Collapses the figures of customers.
    ///
    /// # Errors
    /// As [`Lives::check`]; [`Error::Interrupted`] when asked to stop.
    pub fn new(lives: &Lives<'_>, model: Model, control: &Control) -> Result<Self> {
        lives.check(model)?;
        control.check()?;
        let (patterns, of_row) = patterns(lives);
        let key = |row: usize| {
            // Numbers from 0 up are in the order of their bits.
            let bits = |column: &[f64]| column.get(row).map_or(0, |value| (value + 0.0).to_bits());
            let pattern = of_row.get(row).copied().unwrap_or(0);
            (pattern, lives.x[row] as u32, bits(lives.t_x), bits(lives.age))
        };
        let mut keys: Vec<_> = (0..lives.len()).into_par_iter().map(key).collect();
        control.check()?;
        keys.par_sort_unstable();
        control.check()?;
        let mut table = Self {
            patterns,
            n_rate: lives.of_rate.len(),
            n_lifetime: lives.of_lifetime.len(),
            ..Self::default()
        };
        let mut now = None;
        for equal in keys.chunk_by(|one, other| one == other) {
            let (pattern, x, t_x, age) = equal[0];
            let row = table.weight.len();
            if now != Some((pattern, x))
                || table.pieces.last().is_some_and(|piece| row - piece.rows.start == PIECE)
            {
                now = Some((pattern, x));
                table.pieces.push(Piece {
                    x: f64::from(x),
                    pattern: pattern as usize,
                    rows: row..row,
                    ends: Vec::new(),
                    between: Vec::new(),
                });
            }
            table.t_x.push(f64::from_bits(t_x));
            table.age.push(f64::from_bits(age));
            table.weight.push(equal.len() as f64);
            if let Some(piece) = table.pieces.last_mut() {
                piece.rows.end += 1;
            }
        }
        if model.is_timed() {
            let (t_x, age) = (&table.t_x, &table.age);
            table.pieces.par_iter_mut().for_each(|piece| piece.find_ends(t_x, age));
        }
        let mut start = 0;
        for (at, piece) in table.pieces.iter().enumerate() {
            if piece.rows.end - table.pieces[start].rows.start >= PIECE || at + 1 == table.pieces.len() {
                table.stretches.push(start..at + 1);
                start = at + 1;
            }
        }
        Ok(table)
    }

    /// How many distinct rows.
    pub fn n_rows(&self) -> usize {
        self.weight.len()
    }

    /// Whether one thread does it as fast as several.
    pub fn is_small(&self) -> bool {
        self.stretches.len() < super::FEW
    }

    /// How many covariates.
    pub fn n_covariates(&self) -> usize {
        self.n_rate + self.n_lifetime
    }
}

impl Piece {
    fn find_ends(&mut self, t_x: &[f64], age: &[f64]) {
        let (t_x, age) = (&t_x[self.rows.clone()], &age[self.rows.clone()]);
        self.ends = t_x.iter().chain(age).copied().collect();
        self.ends.sort_unstable_by(f64::total_cmp);
        self.ends.dedup();
        let place = |end: f64| self.ends.partition_point(|&other| other < end) as u32;
        self.between = t_x.iter().zip(age).map(|(&t_x, &age)| (place(t_x), place(age))).collect();
    }
}

/// The distinct patterns of covariates, sorted and flat, and which one each row has; nothing without covariates.
fn patterns(lives: &Lives<'_>) -> (Vec<f64>, Vec<u32>) {
    let width = lives.of_rate.len() + lives.of_lifetime.len();
    if width == 0 {
        return (Vec::new(), Vec::new());
    }
    let mut flat = Vec::with_capacity(width * lives.len());
    for row in 0..lives.len() {
        flat.extend(lives.covariates(row).map(|value| value + 0.0));
    }
    let of = |row: u32| &flat[row as usize * width..][..width];
    let compare = |one: &u32, other: &u32| {
        let pairs = of(*one).iter().zip(of(*other));
        pairs
            .map(|(one, other)| one.total_cmp(other))
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    let mut rows: Vec<u32> = (0..lives.len() as u32).collect();
    rows.par_sort_unstable_by(compare);
    let (mut distinct, mut of_row, mut number) = (Vec::new(), vec![0; lives.len()], 0);
    for equal in rows.chunk_by(|one, other| compare(one, other).is_eq()) {
        distinct.extend_from_slice(of(equal[0]));
        for &row in equal {
            of_row[row as usize] = number;
        }
        number += 1;
    }
    (distinct, of_row)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = (u32, u32, u32, u32);

    fn collapsed(rows: &[Row]) -> Vec<(Row, f64)> {
        let column = |of: fn(&Row) -> u32| rows.iter().map(|row| f64::from(of(row))).collect::<Vec<_>>();
        let (x, t_x, age) = (column(|row| row.0), column(|row| row.1), column(|row| row.2));
        let covariate = [column(|row| row.3)];
        let lives = Lives { x: &x, t_x: &t_x, age: &age, of_rate: &covariate, of_lifetime: &[] };
        let table = Table::new(&lives, Model::Pareto, &Control::default()).unwrap();
        let mut found = Vec::new();
        for piece in &table.pieces {
            for (row, &(from, to)) in piece.rows.clone().zip(&piece.between) {
                assert_eq!(piece.ends[from as usize].to_bits(), table.t_x[row].to_bits());
                assert_eq!(piece.ends[to as usize].to_bits(), table.age[row].to_bits());
                let key = [piece.x, table.t_x[row], table.age[row], table.patterns[piece.pattern]]
                    .map(|v| v as u32);
                found.push(((key[0], key[1], key[2], key[3]), table.weight[row]));
            }
        }
        assert_eq!(table.stretches.iter().map(ExactSizeIterator::len).sum::<usize>(), table.pieces.len());
        found
    }

    proptest! {
        #[test]
        fn every_customer_counts_once(rows in prop::collection::vec((0_u32..4, 1_u32..5, 5_u32..8, 0_u32..3), 1..80)) {
            let rows: Vec<Row> = rows.into_iter().map(|(x, t_x, age, z)| (x, if x > 0 { t_x } else { 0 }, age, z)).collect();
            let mut counts = std::collections::BTreeMap::new();
            for &(x, t_x, age, z) in &rows {
                *counts.entry((z, x, t_x, age)).or_insert(0.0) += 1.0;
            }
            let wanted: Vec<_> = counts.into_iter().map(|((z, x, t_x, age), n)| ((x, t_x, age, z), n)).collect();
            prop_assert_eq!(collapsed(&rows), wanted);
        }
    }

    #[test]
    fn impossible_customers_are_refused() {
        let refused = |x: f64, t_x: f64, age: f64, model| {
            let lives = Lives { x: &[x], t_x: &[t_x], age: &[age], ..Lives::default() };
            lives.check(model).is_err()
        };
        assert!(!refused(2.0, 3.0, 4.0, Model::BetaGeo));
        assert!(refused(0.5, 3.0, 4.0, Model::BetaGeo));
        assert!(refused(2.0, 5.0, 4.0, Model::Pareto));
        assert!(refused(0.0, 3.0, 4.0, Model::BetaGeo));
        assert!(refused(2.0, f64::NAN, 4.0, Model::BetaGeo));
        assert!(refused(4.0, 3.0, 4.0, Model::BetaBinomial));
        assert!(refused(1.0, 0.0, 0.0, Model::GammaGamma));
    }
}
