"""Segments of customers, groups of products, missions of baskets: what clustering tells of a shop."""

from basketry.customers.segments.cube import BuyingCube, buying_cube
from basketry.customers.segments.missions import Missions, basket_missions
from basketry.customers.segments.products import ProductGroups, product_groups
from basketry.customers.segments.segmentation import Segmentation, profile_segments, segment_customers

__all__ = [
    "BuyingCube",
    "Missions",
    "ProductGroups",
    "Segmentation",
    "basket_missions",
    "buying_cube",
    "product_groups",
    "profile_segments",
    "segment_customers",
]
