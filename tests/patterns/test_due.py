"""The due list: what is open, and that people buy when they are due."""

from datetime import date, timedelta

import polars as pl
import pytest

import basketry as bk

from .due import buy_rates
from .logs import EPOCH

LINES = pl.DataFrame(
    {
        "customer": ["ann", "ann", "bob", "cid", "cid", "dan", "dan", "eve"],
        "item": ["hat", "cup", "hat", "hat", "cup", "hat", "hat", "pin"],
        "time": [EPOCH + timedelta(days=day) for day in (0, 9, 20, 0, 23, 3, 22, 27)],
        "amount": [5.0, 8.0, 5.0, 5.0, 4.0, 5.0, 5.0, 1.0],
    }
)
AS_OF = EPOCH + timedelta(days=28)


@pytest.fixture(scope="module")
def shop():
    return bk.read_ledger(LINES, columns={name: name for name in LINES.columns}, timezone="UTC")


@pytest.fixture(scope="module")
def lags(shop):
    return bk.lag_tables(shop, [("hat", "cup"), ("cup", "hat")], horizon="3w", as_of=AS_OF)


def test_open_rules_and_their_probability(shop, lags):
    found = bk.due_list(shop, lags, as_of=AS_OF, within_weeks=1)
    assert found.schema == {
        "customer": pl.String, "rule": pl.UInt32, "antecedent": pl.List(pl.String),
        "consequent": pl.List(pl.String), "since": pl.Date, "weeks_since": pl.Float64,
        "probability": pl.Float64, "expected": pl.Float64, "lift": pl.Float64, "peak_from": pl.Date,
        "peak_to": pl.Date, "due": pl.Boolean, "value": pl.Float64,
    }  # fmt: skip
    # Ann has her cup, and nobody waited for a hat as long as she; dan's first hat is too old for its table as well, and his
    # second opens nothing anew.
    assert found.select("customer", "antecedent", "since").rows() == [
        ("bob", ["hat"], EPOCH + timedelta(days=20)),
        ("cid", ["cup"], EPOCH + timedelta(days=23)),
    ]
    bob = found.row(0, named=True)
    survival = [1.0, *(1 - lags[0].table["cumulative"])]
    assert bob["weeks_since"] == pytest.approx(8 / 7)
    assert bob["probability"] == pytest.approx((survival[1] - survival[2]) / survival[1])
    assert bob["value"] == pytest.approx(bob["probability"] * 6.0)
    assert bob["peak_from"] is None
    assert not bob["due"]


def test_limits(shop, lags):
    ask = lambda **options: bk.due_list(shop, lags, as_of=AS_OF, **options)  # noqa: E731
    assert ask(peaks_only=True).is_empty()
    assert ask(top=1)["customer"].is_unique().all()
    assert ask(min_lift=1e9).filter(pl.col("expected") > 0).is_empty()
    assert ask(n_threads=1).equals(ask(n_threads=8))
    assert bk.due_list(LINES, lags, as_of=AS_OF).drop("value").equals(ask().drop("value"))
    with pytest.raises(bk.CapacityError):
        ask(budget=bk.Budget(results=1))
    for wrong, text in (
        ({"within_weeks": 0}, "within_weeks=0"), ({"min_lift": -1}, "min_lift=-1"), ({"max_q": 2}, "max_q=2"),
        ({"top": 0}, "top=0"),
    ):  # fmt: skip
        with pytest.raises(bk.ParameterError, match=text):
            ask(**wrong)
    with pytest.raises(bk.ParameterError, match="lag_tables"):
        bk.due_list(shop, lags.rules)


@pytest.mark.parametrize("seed", [1, 5])
def test_people_buy_when_they_are_due(seed):
    """In their due weeks the listed customers buy at three times their rate of any week, and more."""
    due, other = buy_rates(seed, date(2024, 7, 29))
    assert due >= 3 * other
