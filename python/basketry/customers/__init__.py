"""What is known of each customer: recency, frequency, money, features in windows, cohorts; clusters in `segments`."""

from basketry.customers.cohorts import Cohorts, cohorts
from basketry.customers.concentration import Concentration, concentration
from basketry.customers.features import customer_features, feature_dictionary
from basketry.customers.revenue import PriceVolumeMix, price_volume_mix, revenue_tree
from basketry.customers.rfm import quadrants, rfm, rfm_map, rfm_segments
from basketry.customers.sale import sale_motivation

__all__ = [
    "Cohorts",
    "Concentration",
    "PriceVolumeMix",
    "cohorts",
    "concentration",
    "customer_features",
    "feature_dictionary",
    "price_volume_mix",
    "quadrants",
    "revenue_tree",
    "rfm",
    "rfm_map",
    "rfm_segments",
    "sale_motivation",
]
