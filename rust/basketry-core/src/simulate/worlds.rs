//! What a world is made of: its customer segments and its knobs.

use crate::error::{Error, Result};

/// The product segments of a shop: the combinations of category, gender and brand that it sells.
pub const PRODUCT_SEGMENTS: usize = 40;

/// Product segments of an order, with what the rules add: what prices are set for.
const MEAN_BASKET: f64 = 2.05;

/// How one kind of customer buys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Its name.
    pub name: &'static str,
    /// Its share of the customers.
    pub share: f64,
    /// Shape of the gamma law of the weekly rate.
    pub shape: f64,
    /// Rate (inverse scale, in weeks) of the gamma law of the weekly rate.
    pub rate: f64,
    /// First parameter of the beta law of leaving after an order.
    pub leave_a: f64,
    /// Second parameter of the beta law of leaving after an order.
    pub leave_b: f64,
    /// Mean value of an order, after discount.
    pub mean_order: f64,
    /// Share of the orders that are discounted.
    pub discount: f64,
    /// Orders per customer on a flat calendar: weighs the segments when frequencies are guessed.
    pub orders: f64,
}

const fn segment(
    name: &'static str,
    share: f64,
    [shape, rate]: [f64; 2],
    [leave_a, leave_b]: [f64; 2],
    mean_order: f64,
    discount: f64,
    orders: f64,
) -> Segment {
    Segment { name, share, shape, rate, leave_a, leave_b, mean_order, discount, orders }
}

/// The latent segments. Their positions are the codes in the truth.
pub const SEGMENTS: [Segment; 8] = [
    segment("loyal_frequent", 0.06, [4.0, 10.0], [0.6, 12.0], 35.0, 0.15, 16.8),
    segment("big_fish_rare", 0.05, [2.0, 60.0], [0.8, 8.0], 260.0, 0.05, 2.7),
    segment("regular_small", 0.16, [3.0, 20.0], [0.8, 8.0], 22.0, 0.25, 7.1),
    segment("bargain", 0.14, [2.0, 25.0], [1.0, 5.0], 28.0, 0.85, 4.0),
    segment("one_timer", 0.30, [0.5, 60.0], [3.0, 2.0], 45.0, 0.35, 1.2),
    segment("fashion_new", 0.09, [2.5, 20.0], [1.0, 8.0], 80.0, 0.05, 5.7),
    segment("gift_season", 0.10, [1.5, 45.0], [1.0, 6.0], 60.0, 0.30, 2.6),
    segment("family_kids", 0.10, [3.0, 18.0], [0.8, 9.0], 48.0, 0.45, 7.9),
];

/// The segment that prefers new items.
pub(super) const FASHION_NEW: usize = 5;
/// The segment that buys before the year ends.
pub(super) const GIFT_SEASON: usize = 6;
/// The segment that buys for children.
pub(super) const FAMILY_KIDS: usize = 7;

/// Which truth is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// Strong tastes, every law planted.
    Easy,
    /// Weak tastes, every law planted.
    Hard,
    /// Tastes, seasons and segments, and no law at all.
    Null,
    /// Sale weeks exactly 26 weeks apart and no lag law: every peak that is found is false.
    SeasonOnly,
    /// The same law in every week: no season, no sale, customers arrive to the end, no lag law.
    Stationary,
    /// Strong tastes, and every order made for one of five missions; no rules, no lag law.
    Missions,
}

impl World {
    /// The names, in the order of the variants.
    pub const NAMES: [&str; 6] = ["easy", "hard", "null", "season-only", "stationary", "missions"];

    /// The world of this name.
    ///
    /// # Errors
    /// [`Error::Parameter`] for any other text.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "easy" => Ok(Self::Easy),
            "hard" => Ok(Self::Hard),
            "null" => Ok(Self::Null),
            "season-only" => Ok(Self::SeasonOnly),
            "stationary" => Ok(Self::Stationary),
            "missions" => Ok(Self::Missions),
            _ => Err(Error::Parameter {
                name: "world",
                value: format!("'{name}'"),
                expected: "it must be 'easy', 'hard', 'null', 'season-only', 'stationary' or 'missions'",
            }),
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// A planted sequence: after an order with A, an extra order with B at one of the peaks.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceLaw {
    /// Probability that the extra order follows.
    pub probability: f64,
    /// The lags it may have, in weeks; one is chosen evenly.
    pub peaks: Vec<u32>,
}

/// Every knob of a world. [`Config::of`] sets them all; shares and probabilities lie in 0..=1, times are weeks.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Which truth is planted.
    pub world: World,
    /// How many customers.
    pub customers: u32,
    /// How many items.
    pub items: u32,
    /// Length of the log.
    pub weeks: u32,
    /// How much more a segment buys of each product segment that it likes.
    pub taste: f64,
    /// How many product segments a segment likes.
    pub liked: usize,
    /// First orders are uniform from week 0 to here.
    pub first_order_weeks: f64,
    /// Amplitude of the yearly wave of the intensity.
    pub season: f64,
    /// Factor on the intensity of the gift segment in the eight weeks before the year ends.
    pub gift: f64,
    /// The sale weeks.
    pub sale_weeks: Vec<u32>,
    /// Factor on the intensity in a sale week.
    pub sale_intensity: f64,
    /// Rise of the discount probability in a sale week.
    pub sale_discount: f64,
    /// Product segments of an order beyond the first: mean of a Poisson law.
    pub extra_segments: f64,
    /// Shares of the quantities 1, 2 and 3.
    pub quantities: [f64; 3],
    /// Shares of the discounts of 10, 20, 30, 40 and 50 %.
    pub depths: [f64; 5],
    /// Share of women among the customers.
    pub women: f64,
    /// Share of customers in big cities.
    pub big_city: f64,
    /// Probabilities of the global rules A -> B.
    pub global_rules: Vec<f64>,
    /// Probabilities of the rules that hold for women in big cities only.
    pub local_rules: Vec<f64>,
    /// Probabilities of the rules A and C -> B.
    pub three_item_rules: Vec<f64>,
    /// Probabilities of the rules by which A removes B.
    pub negative_rules: Vec<f64>,
    /// Factor on the two product segments of a seasonal decoy in its 13 weeks of the year; 1 makes no such decoy.
    pub season_decoy: f64,
    /// Factor on the two product segments of a sale decoy in a sale week; 1 makes no such decoy.
    pub sale_decoy: f64,
    /// The planted sequences.
    pub sequences: Vec<SequenceLaw>,
    /// Standard deviation of a lag around its peak, in weeks.
    pub lag_spread: f64,
    /// Whether every order is made for a mission.
    pub missions: bool,
    /// Share of the draws of a basket that are from the product group of its mission.
    pub mission_focus: f64,
    /// Factor on the weight of the mission of a planted cell; 1 plants none.
    pub cell_factor: f64,
}

impl Config {
    /// The default knobs of a world.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no customers, fewer than three items a product segment, or a log shorter than 8 weeks or
    /// longer than 520.
    pub fn of(world: World, customers: u32, items: u32, weeks: u32) -> Result<Self> {
        let refuse =
            |name, value: u32, expected| Err(Error::Parameter { name, value: value.to_string(), expected });
        if !(1..=50_000_000).contains(&customers) {
            return refuse("customers", customers, "it must be from 1 to 50,000,000");
        }
        if !(120..=100_000).contains(&items) {
            return refuse("items", items, "it must be from 120 (three for each product segment) to 100,000");
        }
        if !(8..=520).contains(&weeks) {
            return refuse("weeks", weeks, "it must be from 8 to 520");
        }
        let mut config = Self {
            world,
            customers,
            items,
            weeks,
            taste: 10.0,
            liked: 5,
            first_order_weeks: f64::from(weeks) * 0.75,
            season: 0.3,
            gift: 4.0,
            // Any two of them differ by 21, 37 or 58 weeks or a sum of these: off every planted peak and off the year.
            sale_weeks: (0..weeks).filter(|week| matches!(week % 58, 5 | 26)).collect(),
            sale_intensity: 1.8,
            sale_discount: 0.3,
            extra_segments: 0.93,
            quantities: [0.88, 0.09, 0.03],
            depths: [0.25, 0.30, 0.25, 0.15, 0.05],
            women: 0.6,
            big_city: 0.4,
            global_rules: [0.12, 0.175, 0.25, 0.35].repeat(2),
            local_rules: vec![0.12, 0.175, 0.25, 0.35],
            three_item_rules: vec![0.35, 0.5],
            negative_rules: vec![0.5, 0.7],
            season_decoy: 3.0,
            sale_decoy: 4.0,
            sequences: [
                (0.12, vec![16, 26, 52]),
                (0.06, vec![8]),
                (0.10, vec![4, 12]),
                (0.11, vec![26, 52]),
                (0.05, vec![6]),
                (0.09, vec![13, 26]),
            ]
            .map(|(probability, peaks)| SequenceLaw { probability, peaks })
            .into(),
            lag_spread: 0.7,
            missions: false,
            mission_focus: 0.9,
            cell_factor: 3.0,
        };
        match world {
            World::Easy => {}
            World::Hard => config.taste = 4.0,
            World::Null => {
                config.without_rules();
                config.sequences.clear();
            }
            World::SeasonOnly => {
                config.without_rules();
                config.sequences.clear();
                config.sale_weeks = (0..weeks).filter(|week| week % 26 == 10).collect();
            }
            World::Stationary => {
                config.sequences.clear();
                config.flatten();
                config.first_order_weeks = f64::from(weeks);
            }
            World::Missions => {
                config.without_rules();
                config.sequences.clear();
                config.season_decoy = 1.0;
                config.sale_decoy = 1.0;
                config.missions = true;
            }
        }
        Ok(config)
    }

    fn without_rules(&mut self) {
        self.global_rules.clear();
        self.local_rules.clear();
        self.three_item_rules.clear();
        self.negative_rules.clear();
    }

    /// Makes all weeks alike: no season, no gifts, no sale, no decoy that needs one.
    pub(super) fn flatten(&mut self) {
        self.season = 0.0;
        self.gift = 1.0;
        self.sale_weeks.clear();
        self.season_decoy = 1.0;
        self.sale_decoy = 1.0;
    }

    /// The mean share that a discount takes off.
    pub(super) fn mean_depth(&self) -> f64 {
        self.depths.iter().zip(1u32..).map(|(share, tenths)| share * f64::from(tenths) / 10.0).sum()
    }

    /// The mean number of units of an order, with what the rules add.
    pub(super) fn mean_units(&self) -> f64 {
        let quantity: f64 = self.quantities.iter().zip(1u32..).map(|(share, n)| share * f64::from(n)).sum();
        MEAN_BASKET * quantity
    }
}
