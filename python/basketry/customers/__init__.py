"""What is known of each customer: recency, frequency, money; clusters in `segments`."""

from basketry.customers.rfm import quadrants, rfm, rfm_map, rfm_segments

__all__ = ["quadrants", "rfm", "rfm_map", "rfm_segments"]
