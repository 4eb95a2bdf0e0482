"""The sections of cohorts, concentration, segments in words and the cube: what they show and what they hide."""

from datetime import date

import polars as pl

import basketry as bk
from basketry.cli._analysis import Parameters, analyse
from basketry.report import Findings, build_report


def findings(**frames):
    return Findings(title="Shop", as_of=date(2024, 1, 1), **frames)


def test_a_shop_fills_every_part():
    shop = bk.simulate(customers=600, rng=7).ledger
    result = analyse(shop, Parameters(item="category", k=3))
    page = build_report(result.findings("Shop", {}))
    for words in (
        "The share of each cohort that bought",
        "How much the top customers bring",
        "The segments in words",
        "Who buys what",
        "When what is bought",
        "What is bought on discount",
    ):
        assert words in page, (words, result.absent)
    assert set(result.tables) >= {"cohorts", "concentration", "concentration_curve", "cube", "cube_found"}
    assert result.tables["cube"]["axis"].unique(maintain_order=True).to_list() == [
        "segment",
        "month",
        "discount",
    ]


def test_small_groups_are_not_shown():
    cohorts = pl.DataFrame(
        {
            "cohort": [date(2024, 1, 1)] * 2,
            "age": [0, 1],
            "size": [9, 9],
            "customers": [9, 3],
            "retention": [1.0, 1 / 3],
        }
    )
    page = build_report(findings(cohorts=cohorts))
    assert "No cohort has 10 customers" in page
    tops = pl.DataFrame({"top_percent": [1], "many": [2], "spend_total": [987654.0], "share": [0.5]})
    page = build_report(findings(concentration=tops))
    assert "987,654" not in page
    cells = pl.DataFrame(
        {"segment": ["1 Tiny"], "group": ["bags"], "customers": [4], "lines": [40], "index": [3.0], "low": [2.0],
         "high": [4.0]}
    )  # fmt: skip
    cube = cells.select(
        pl.lit("segment").alias("axis"), pl.col("segment").alias("level"), pl.exclude("segment", "low", "high"),
        verdict=pl.lit("over"),
    )  # fmt: skip
    page = build_report(findings(cube=cube, cube_found=cells))
    assert "No cell has 10 customers" in page
    assert "Tiny" not in page


def test_a_reason_takes_the_place_of_what_is_absent():
    page = build_report(findings(absent={"cube": "No items are known."}))
    assert "No items are known." in page
    assert "Who brings the money" not in page
