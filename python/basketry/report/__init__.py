"""The page that a person opens: frames come in, a page goes out, no statistic is computed here."""

from basketry.report.build import build_report
from basketry.report.findings import Findings, Lag

__all__ = ["Findings", "Lag", "build_report"]
