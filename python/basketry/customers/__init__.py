"""What is known of each customer: recency, frequency, money, segments."""

from basketry.customers.rfm import quadrants, rfm, rfm_map, rfm_segments
from basketry.customers.segments import Segmentation, segment_customers

__all__ = ["Segmentation", "quadrants", "rfm", "rfm_map", "rfm_segments", "segment_customers"]
