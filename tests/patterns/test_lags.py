"""Time to next: planted laws are found, seasons and noise are not taken for one."""

import importlib.util
import sys

import numpy as np
import polars as pl
import pytest

import basketry as bk

from .logs import EPOCH, ledger

SHOP = {
    "n": 12_000,
    "weeks": 156,
    "scale": 1.0,
    "null": False,
    "season": True,
    "churn": 0.006,
    "noise_items": 200,
}


@pytest.fixture(scope="session")
def planted(data_file):
    spec = importlib.util.spec_from_file_location(
        "planted_timegap", data_file("sequences/planted_timegap.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = before

    def build(seed, **changes):
        rows, truth = module.build(seed, **(SHOP | changes))
        return ledger(pl.DataFrame(rows, schema=["customer", "day", "item"])), truth

    return build


def weeks(answer, kind="since purchase"):
    return answer.peaks.filter(pl.col("kind") == kind)["week"].to_list()


@pytest.mark.parametrize(("seed", "season"), [(1, True), (2, True), (3, False)])
def test_planted_peaks_are_found(planted, seed, season):
    shop, _ = planted(seed, season=season)
    answer = bk.time_to_next(shop, antecedent=[1], consequent=[2])
    found = weeks(answer)
    assert len(found) == 3
    assert np.abs(np.array(found) - [16, 26, 52]).max() <= 2
    peaks = answer.peaks.filter(pl.col("kind") == "since purchase")
    assert (peaks["low"] <= peaks["week"]).all()
    assert (peaks["high"] >= peaks["week"]).all()
    assert (peaks["stability"] >= 0.8).all()


def test_cumulative_incidence_is_that_of_customers_who_stay(planted):
    shop, truth = planted(1, churn=0.0)
    year = bk.time_to_next(shop, antecedent=[1], consequent=[2], horizon="52w").table.row(51, named=True)
    # The truth counts calendar weeks: it has a few days more of the peak that is planted on week 52.
    assert year["low"] < truth["p_B_within_52w_fully_observed"] - 0.002 < year["high"]


@pytest.mark.parametrize(("seed", "season"), [(1, True), (2, True), (3, False), (4, False)])
def test_without_a_law_there_is_no_peak(planted, seed, season):
    shop, _ = planted(seed, season=season, null=True)
    assert weeks(bk.time_to_next(shop, antecedent=[1], consequent=[2])) == []


def test_the_answer_is_the_same_for_any_threads_and_seed_decides(planted):
    shop, _ = planted(5, n=3000)
    ask = lambda **options: bk.time_to_next(shop, antecedent=[1], consequent=[2], **options)  # noqa: E731
    first = ask(n_threads=1)
    assert first.table.equals(ask(n_threads=8).table)
    assert first.peaks.equals(ask(n_threads=2).peaks)
    assert first.peaks.equals(ask(rng=np.int64(0).item()).peaks)
    assert first.table.equals(ask(rng=np.random.default_rng(1)).table)


def rows(*lines):
    return ledger(pl.DataFrame(list(lines), schema=["customer", "day", "item"], orient="row"))


def test_schema_and_life_table_by_hand():
    shop = rows(
        (1, 0, "a"),
        (1, 7, "b"),
        (2, 0, "a"),
        (2, 8, "b"),
        (3, 0, "a"),
        (3, 0, "b"),
        (4, 10, "a"),
        (5, 28, "z"),
    )
    answer = bk.time_to_next(shop, antecedent=["a"], consequent=["b"], horizon=28)
    assert answer.table.columns == [
        "week",
        "at_risk",
        "events",
        "expected",
        "hazard",
        "cumulative",
        "low",
        "high",
    ]
    assert answer.table["week"].to_list() == [1, 2, 3, 4]
    assert answer.table["at_risk"].to_list() == [4, 3, 2, 1]
    assert answer.table["events"].to_list() == [1, 1, 0, 0]
    assert answer.table["cumulative"].to_list() == pytest.approx([0.25, 0.5, 0.5, 0.5])
    assert answer.peaks.columns == [
        "week",
        "low",
        "high",
        "first",
        "last",
        "excess",
        "rate_ratio",
        "p_value",
        "stability",
        "kind",
    ]
    assert answer.peaks.row(0) == (None, 1, 4, 1, 4, None, None, None, None, "not enough data")
    assert repr(answer) == "TimeToNext(50.0% within 4 weeks, no peak since purchase)"


def test_a_table_works_as_a_ledger_does():
    table = pl.DataFrame({"who": [1, 1], "what": ["a", "b"], "when": [EPOCH, EPOCH.replace(day=20)]})
    answer = bk.time_to_next(
        table, customer="who", item="what", time="when", antecedent="a", consequent="b", horizon="2w"
    )
    assert answer.table["at_risk"].to_list() == [1, 1]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"horizon": "5w"}, "follow-up 28 days"),
        ({"horizon": 10}, "whole weeks"),
        ({"antecedent": ["nil"]}, "antecedent='nil' is not known"),
        ({"consequent": []}, "at least one item"),
        ({"rng": -1}, "rng=-1"),
    ],
)
def test_wrong_calls_are_refused(wrong, text):
    shop = rows((1, 0, "a"), (1, 28, "b"))
    with pytest.raises(bk.ParameterError, match=text):
        bk.time_to_next(shop, **({"antecedent": ["a"], "consequent": ["b"], "horizon": "4w"} | wrong))
