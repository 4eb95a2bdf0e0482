"""Predictions that stand beside their baselines: propensity, its scores, its reasons and its comparison sheet."""
