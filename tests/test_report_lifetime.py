"""The section of customer lifetimes: what it shows of a hold-out, and what it says without one."""

from __future__ import annotations

import re
from datetime import date, timedelta

import polars as pl

from basketry.cli._lifetime import lifetime
from basketry.report import Findings, build_report
from basketry.report.lifetime import verdict
from basketry.simulation import simulate


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<body", 1)[1]).split())


def test_a_run_draws_the_fit_against_the_holdout():
    shop = simulate(customers=2000, rng=4).ledger
    tables = lifetime(shop, None)
    assert set(tables) == {
        *(
            "lifetime",
            "lifetime_parameters",
            "lifetime_measures",
            "lifetime_by_frequency",
            "lifetime_tracking",
        )
    }
    assert tables["lifetime"].height == shop.n_customers
    shown = {
        name: tables[name] for name in ("lifetime_tracking", "lifetime_measures", "lifetime_by_frequency")
    }
    page = build_report(Findings(title="Shop", as_of=shop.end, **shown))
    text = words(page)
    assert "Figure 13" in text
    assert "Lifetime fit against hold-out" in text
    assert "not seen from here on" in text
    total = tables["lifetime_measures"].filter(rule="actual")["purchases"].item()
    assert f"where there were {total:,.0f}" in text


def test_a_short_history_is_told():
    shop = simulate(customers=300, weeks=20, rng=4).ledger
    try:
        lifetime(shop, None)
    except ValueError as error:
        reason = str(error)
    page = build_report(Findings(title="Shop", as_of=shop.end, absent={"lifetime_tracking": reason}))
    assert "182 are needed to foresee customers" in words(page)


def test_a_plain_rule_that_was_closer_is_named():
    def measures(mae):
        return pl.DataFrame(
            {
                "rule": ["actual", "model", "own rate", "zero", "mean"],
                "mae": [0.0, mae, 0.5, 0.8, 0.9],
                "rmse": [0.0, 0.9, 1.0, 2.0, 1.5],
                "purchases": [900.0, 850.0, 1200.0, 0.0, 900.0],
                "bias": [0.0, -0.055, 0.33, -1.0, 0.0],
            }
        )

    assert "A plain rule did better" in verdict(measures(0.6))
    assert "A plain rule" not in verdict(measures(0.4))
    days = [date(2024, 1, 1) + timedelta(weeks=week) for week in range(40)]
    few = pl.DataFrame({"day": days, "seen": [True] * 40, "actual": [3] * 40, "expected": [3.0] * 40})
    page = build_report(
        Findings(title="Shop", as_of=days[-1], lifetime_tracking=few, lifetime_measures=measures(0.4))
    )
    assert "fewer than 10 repeat purchases" in words(page)
