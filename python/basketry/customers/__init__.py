"""What is known of each customer: recency, frequency, money, features in windows, cohorts; clusters in `segments`."""

from basketry.customers.cohorts import Cohorts, cohorts
from basketry.customers.features import customer_features, feature_dictionary
from basketry.customers.rfm import quadrants, rfm, rfm_map, rfm_segments

__all__ = [
    "Cohorts",
    "cohorts",
    "customer_features",
    "feature_dictionary",
    "quadrants",
    "rfm",
    "rfm_map",
    "rfm_segments",
]
