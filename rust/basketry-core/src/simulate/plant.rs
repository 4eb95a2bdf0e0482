//! The planted laws: which product segments they tie together, and what they do to a basket.

use super::calendar::Regime;
use super::random::{Random, Streams};
use super::worlds::{Config, PRODUCT_SEGMENTS, SequenceLaw};

/// What kind of law a planted rule is, or what makes a decoy look like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A removes B.
    Negative,
    /// A adds B.
    Global,
    /// A adds B, for women in big cities only.
    Local,
    /// A and C together add B; neither alone does.
    ThreeItem,
    /// No law: both sell in the same season.
    DecoySeason,
    /// No law: both sell in the sale.
    DecoySale,
    /// No law: both sell well.
    DecoyPopular,
}

impl Kind {
    /// Its name in the truth.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Global => "global",
            Self::Local => "local",
            Self::ThreeItem => "three_item",
            Self::DecoySeason => "decoy_season",
            Self::DecoySale => "decoy_sale",
            Self::DecoyPopular => "decoy_popular",
        }
    }

    const fn is_decoy(self) -> bool {
        matches!(self, Self::DecoySeason | Self::DecoySale | Self::DecoyPopular)
    }
}

/// A planted rule or a decoy. Sides are codes of product segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its kind.
    pub kind: Kind,
    /// What must be in the basket.
    pub antecedent: Vec<u8>,
    /// What is added or removed.
    pub consequent: u8,
    /// With which probability; 0 for a decoy.
    pub q: f64,
}

/// A planted sequence. Sides are codes of product segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// What an order must hold.
    pub antecedent: u8,
    /// What the extra order holds.
    pub consequent: u8,
    /// How often and when it follows.
    pub law: SequenceLaw,
}

/// All laws of a world.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Plan {
    /// The rules in the order in which they act, then the decoys.
    pub rules: Vec<Rule>,
    /// The sequences.
    pub sequences: Vec<Sequence>,
}

// Product segments by falling frequency play these parts. No consequent is an antecedent, and no consequent serves two rules,
// so that no pair is tied by a detour; only the removed side of a negative rule has to sell well.
const ANTECEDENTS: std::ops::Range<usize> = 0..12;
const DECOYS: std::ops::Range<usize> = 12..20;
const RULE_CONSEQUENTS: std::ops::Range<usize> = 20..34;
const SEQUENCE_CONSEQUENTS: std::ops::Range<usize> = 34..PRODUCT_SEGMENTS;

impl Plan {
    /// Deals the parts to the product segments, of which `frequencies` tells how well each sells.
    pub(super) fn new(config: &Config, frequencies: &[f64; PRODUCT_SEGMENTS], root: u64) -> Self {
        let mut ranked: [u8; PRODUCT_SEGMENTS] = std::array::from_fn(|at| at as u8);
        ranked.sort_by(|&a, &b| frequencies[b as usize].total_cmp(&frequencies[a as usize]));
        let mut random = Streams::new(root, "rules").of(u64::MAX);
        random.shuffle(&mut ranked[DECOYS]);
        random.shuffle(&mut ranked[RULE_CONSEQUENTS]);
        random.shuffle(&mut ranked[SEQUENCE_CONSEQUENTS]);
        let antecedents = &ranked[ANTECEDENTS];
        let mut consequents = ranked[RULE_CONSEQUENTS].iter().copied();
        let mut rules = Vec::new();
        // A local rule sees a quarter of the customers, so it gets the most frequent antecedents.
        let parts = [
            (Kind::Global, &config.global_rules, &antecedents[4..]),
            (Kind::Local, &config.local_rules, &antecedents[..4]),
        ];
        for (kind, probabilities, antecedents) in parts {
            for ((&q, &a), b) in probabilities.iter().zip(antecedents).zip(&mut consequents) {
                rules.push(Rule { kind, antecedent: vec![a], consequent: b, q });
            }
        }
        for ((&q, pair), b) in config.three_item_rules.iter().zip([[0, 2], [1, 3]]).zip(&mut consequents) {
            let antecedent = pair.map(|at| antecedents[at]).into();
            rules.push(Rule { kind: Kind::ThreeItem, antecedent, consequent: b, q });
        }
        for (&q, [a, b]) in config.negative_rules.iter().zip([[4, 1], [5, 0]]) {
            let (antecedent, consequent) = (vec![antecedents[a]], antecedents[b]);
            rules.push(Rule { kind: Kind::Negative, antecedent, consequent, q });
        }
        let decoys = ranked[DECOYS].chunks_exact(2);
        let kinds = [Kind::DecoySeason, Kind::DecoySeason, Kind::DecoySale, Kind::DecoySale];
        let popular = antecedents[..4].chunks_exact(2).map(|pair| (pair, Kind::DecoyPopular));
        for (pair, kind) in decoys.zip(kinds).chain(popular) {
            let real = match kind {
                Kind::DecoySeason => config.season_decoy > 1.0,
                Kind::DecoySale => config.sale_decoy > 1.0,
                _ => true,
            };
            if real {
                rules.push(Rule { kind, antecedent: vec![pair[0]], consequent: pair[1], q: 0.0 });
            }
        }
        // A negative rule acts first: what it removes must not have added anything.
        rules.sort_by_key(|rule| rule.kind);
        let sequences = antecedents
            .iter()
            .zip(&ranked[SEQUENCE_CONSEQUENTS])
            .zip(&config.sequences)
            .map(|((&antecedent, &consequent), law)| Sequence { antecedent, consequent, law: law.clone() })
            .collect();
        Self { rules, sequences }
    }

    /// The weights of the product segments in this regime: decoys sell more in their time.
    pub(super) fn tilted(
        &self,
        config: &Config,
        weights: &[f64; PRODUCT_SEGMENTS],
        regime: Regime,
    ) -> [f64; PRODUCT_SEGMENTS] {
        let mut tilted = *weights;
        let mut seasons = 0;
        for rule in &self.rules {
            let factor = match rule.kind {
                Kind::DecoySeason => {
                    seasons += 1;
                    if regime.season == seasons { config.season_decoy } else { 1.0 }
                }
                Kind::DecoySale if regime.sale => config.sale_decoy,
                _ => 1.0,
            };
            for product in [rule.antecedent[0], rule.consequent] {
                tilted[product as usize] *= factor;
            }
        }
        tilted
    }

    /// Lets the rules act on a basket, given as a set of bits; `local` tells whether local rules hold for the customer.
    pub(super) fn act(&self, basket: u64, local: bool, random: &mut Random) -> u64 {
        let mut kept = basket;
        let mut added = 0;
        for rule in &self.rules {
            let needed = rule.antecedent.iter().fold(0, |bits, &product| bits | 1u64 << product);
            let silent = rule.kind.is_decoy() || (rule.kind == Kind::Local && !local);
            if silent || kept & needed != needed || !random.chance(rule.q) {
                continue;
            }
            match rule.kind {
                Kind::Negative => kept &= !(1 << rule.consequent),
                _ => added |= 1 << rule.consequent,
            }
        }
        kept | added
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::catalogue::Range;
    use super::super::worlds::World;
    use super::*;

    #[test]
    fn parts_do_not_meet() {
        for root in 0..20 {
            let config = Config::of(World::Easy, 1, 600, 104).unwrap();
            let range = Range::new(&config, root);
            let plan = Plan::new(&config, &range.frequencies(), root);
            let count = |kind| plan.rules.iter().filter(|rule| rule.kind == kind).count();
            assert_eq!([Kind::Global, Kind::Local, Kind::ThreeItem, Kind::Negative].map(count), [8, 4, 2, 2]);
            assert_eq!([Kind::DecoySeason, Kind::DecoySale, Kind::DecoyPopular].map(count), [2, 2, 2]);
            assert_eq!(plan.sequences.iter().map(|sequence| sequence.law.peaks.len()).sum::<usize>(), 11);
            let mut consequents: Vec<u8> = plan
                .rules
                .iter()
                .filter(|rule| matches!(rule.kind, Kind::Global | Kind::Local | Kind::ThreeItem))
                .map(|rule| rule.consequent)
                .chain(plan.sequences.iter().map(|sequence| sequence.consequent))
                .collect();
            let antecedents: Vec<u8> = plan
                .rules
                .iter()
                .flat_map(|rule| rule.antecedent.clone())
                .chain(plan.sequences.iter().map(|sequence| sequence.antecedent))
                .collect();
            assert!(consequents.iter().all(|b| !antecedents.contains(b)));
            consequents.sort_unstable();
            consequents.dedup();
            assert_eq!(consequents.len(), 20);
        }
    }

    #[test]
    fn rules_act_as_they_say() {
        let rule = |kind, antecedent: &[u8], consequent| Rule {
            kind,
            antecedent: antecedent.into(),
            consequent,
            q: 1.0,
        };
        let plan = Plan {
            rules: vec![
                rule(Kind::Negative, &[0], 1),
                rule(Kind::Global, &[1], 2),
                rule(Kind::Local, &[0], 3),
                rule(Kind::ThreeItem, &[0, 4], 5),
            ],
            sequences: Vec::new(),
        };
        let mut random = Streams::new(1, "test").of(0);
        assert_eq!(plan.act(0b00_0011, false, &mut random), 0b00_0001, "what is removed adds nothing");
        assert_eq!(plan.act(0b00_0010, false, &mut random), 0b00_0110);
        assert_eq!(plan.act(0b00_0001, true, &mut random), 0b00_1001);
        assert_eq!(plan.act(0b01_0001, false, &mut random), 0b11_0001);
        assert_eq!(plan.act(0b01_0000, true, &mut random), 0b01_0000);
    }
}
