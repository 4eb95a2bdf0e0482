"""Every cleaning policy, with exact counts and money to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from basketry.exceptions import ParameterError
from basketry.ledger import Ledger, read_ledger
from basketry.simulation import simulate

# One row of every kind: plain, guest, return, gift, correction, repeated line, nothing bought, cancelled.
SHOP = pl.DataFrame(
    [
        ("ann", "1", "tea", 2, "1.25", "paid"),
        (None, "2", "tea", 1, "1.25", "paid"),
        ("ann", "3", "tea", -1, "1.25", "paid"),
        ("bob", "4", "card", 1, "0.00", "paid"),
        ("bob", "4", "cup", 1, "-3.10", "paid"),
        ("bob", "5", "cup", 1, "8.99", "paid"),
        ("bob", "5", "cup", 1, "8.99", "paid"),
        ("cid", "6", "cup", 0, "8.99", "paid"),
        ("cid", "C7", "pot", 1, "20.01", "paid"),
        ("cid", "C8", "pot", -1, "20.01", "paid"),
        ("cid", "9", "pot", 1, "20.01", "Void"),
    ],
    schema=["customer", "order", "item", "quantity", "price", "status"],
    orient="row",
).with_columns(time=pl.lit(date(2024, 5, 1)))


def read(frame: pl.DataFrame = SHOP, **options: object) -> Ledger:
    ledger = read_ledger(frame, timezone="UTC", **options)
    totals = ledger.quality.totals
    assert totals["rows_in"] == frame.height == totals["rows_used"] + totals["rows_set_aside"]
    assert totals["rows_used"] == ledger.n_lines
    assert totals["amount"] == pytest.approx(ledger.lines()["amount"].sum() if ledger.n_lines else 0)
    return ledger


def aside(ledger: Ledger) -> dict[str, tuple[int, Decimal | None]]:
    """Give rows and money by reason of what was set aside."""
    rows = ledger.quality.frame.filter(pl.col("status") == "set aside")
    return {
        reason: (count, None if amount is None else cents(amount))
        for reason, count, amount in rows.select("reason", "rows", "amount").iter_rows()
    }


def cents(amount: float) -> Decimal:
    return Decimal(round(amount * 100)) / 100


def net(ledger: Ledger) -> Decimal:
    return cents(ledger.orders()["net"].sum())


PLAIN = {
    "quantity of zero": (1, Decimal(0)),
    "negative price": (1, Decimal("-3.10")),
    "cancelled": (1, Decimal("20.01")),
}


@pytest.mark.parametrize(
    ("options", "more", "lines", "money"),
    [
        ({}, {}, 8, "20.48"),
        ({"guests": "drop"}, {"no customer": (1, Decimal("1.25"))}, 7, "19.23"),
        ({"returns": "keep"}, {}, 8, "20.48"),
        ({"returns": "drop"}, {"return": (2, Decimal("-21.26"))}, 6, "41.74"),
        ({"zero_prices": "drop"}, {"price of zero": (1, Decimal(0))}, 7, "20.48"),
        ({"negative_prices": "keep"}, {"negative price": None}, 9, "17.38"),
        ({"duplicates": "drop"}, {"repeated line": (1, Decimal("8.99"))}, 7, "11.49"),
        ({"cancelled": "keep"}, {"cancelled": None}, 9, "40.49"),
        ({"cancelled_status": ["paid"]}, {"cancelled": (10, None)}, 1, "20.01"),
        ({"cancelled_status": []}, {"cancelled": None}, 9, "40.49"),
        ({"cancelled_prefix": "C"}, {"cancelled": (2, Decimal("40.02"))}, 7, "0.47"),
        ({"test_customers": "^a"}, {"test customer": (2, Decimal("1.25"))}, 6, "19.23"),
        ({"test_customers": ["ann", "bob"]}, {}, 3, "1.25"),
    ],
    ids=str,
)
def test_every_policy(options: dict[str, object], more: dict, lines: int, money: str) -> None:
    ledger = read(**options)
    assert ledger.n_lines == lines
    assert net(ledger) == Decimal(money)
    found = aside(ledger)
    if options in ({"cancelled_status": ["paid"]}, {"test_customers": ["ann", "bob"]}):
        assert sum(rows for rows, _ in found.values()) == SHOP.height - lines
        return
    expected = {reason: told for reason, told in {**PLAIN, **more}.items() if told is not None}
    assert found == expected


def test_a_return_is_never_a_purchase() -> None:
    ledger = read()
    orders = ledger.orders()
    returns = orders.filter(~pl.col("purchase"))
    assert returns["order"].to_list() == ["3", "C8"]
    assert returns["gross"].to_list() == [0.0, 0.0]
    assert returns["net"].to_list() == [-1.25, -20.01]
    assert ledger.quality.rows("return, kept apart from purchases") == 2
    assert read(returns="keep").money_is_net is False
    assert ledger.money_is_net is True


def test_guests_are_baskets_and_no_customers() -> None:
    ledger = read()
    assert (ledger.n_customers, ledger.n_orders) == (3, 7)
    assert ledger.quality.totals["guest_orders"] == 1
    assert ledger.orders()["customer"][-1] is None
    assert ledger.quality.rows("no customer, kept as a basket") == 1


def test_what_is_kept_is_noted() -> None:
    ledger = read(negative_prices="keep", cancelled="keep")
    assert ledger.quality.rows("price of zero, kept") == 1
    assert ledger.quality.rows("repeated line, kept") == 1


def test_the_sheet_says_where_and_what_to_do() -> None:
    sheet = read().quality.frame
    row = sheet.row(by_predicate=pl.col("reason") == "negative price", named=True)
    assert row["first_row"] == 5
    assert row["share"] == pytest.approx(1 / 11)
    assert "negative_prices='keep'" in row["mend"]


def test_several_currencies_are_read_one_by_one() -> None:
    rows = SHOP[:4].with_columns(currency=pl.Series(["EUR", "USD", "EUR", None]))
    ledger = read(rows, currency="EUR")
    assert aside(ledger) == {"another currency": (1, Decimal("1.25"))}
    assert ledger.currency == "EUR"
    assert read(rows.filter(pl.col("currency") == "USD")).currency == "USD"
    assert read(rows.cast({"currency": pl.Categorical}), currency="EUR").n_lines == 3


def test_the_future_is_set_aside() -> None:
    rows = SHOP[:3].with_columns(time=pl.Series([date(2024, 5, 1), date(2024, 5, 2), date(2034, 5, 1)]))
    assert aside(read(rows, until=date(2024, 5, 3))) == {"in the future": (1, Decimal("-1.25"))}
    assert read(rows, until="2024-05-02").n_lines == 1
    assert read(rows, until=datetime(2034, 5, 2, tzinfo=UTC)).n_lines == 3


def test_the_later_file_wins_where_files_overlap() -> None:
    days = [date(2024, 5, day) for day in range(1, 9)]
    rows = SHOP[:8].with_columns(time=pl.Series(days))
    early, late = rows[:5], rows[3:]
    both = read_ledger([early, late], timezone="UTC", overlap="later")
    assert both.fingerprint == read(rows).fingerprint
    assert read_ledger([late, early], timezone="UTC", overlap="later").fingerprint == both.fingerprint
    assert both.quality.rows("overlaps a later file") == 2
    doubled = read_ledger([early, late], timezone="UTC")
    assert doubled.quality.totals["rows_in"] == 10
    assert doubled.n_lines == both.n_lines + 1  # the correction of negative price is set aside in both


@pytest.mark.parametrize("bad", ["time", "quantity", "price"])
def test_bad_rows_are_dropped_on_request(bad: str) -> None:
    rows = SHOP.with_columns(pl.col("time", "quantity").cast(pl.String))
    rows = rows.with_columns(
        pl.when(pl.int_range(pl.len()) == 2).then(pl.lit("?!")).otherwise(bad).alias(bad)
    )
    ledger = read(rows, on_bad_rows="drop")
    assert aside(ledger) == PLAIN | {f"{bad} does not parse": (1, None)}
    sheet = ledger.quality.frame.row(by_predicate=pl.col("reason") == f"{bad} does not parse", named=True)
    assert (sheet["first_row"], sheet["example"]) == (3, "'?!'")
    assert net(ledger) == Decimal("21.73")


def test_a_measure_that_does_not_parse_is_left_out() -> None:
    rows = SHOP[:3].with_columns(margin=pl.Series(["1", "x", ""]))
    ledger = read(rows, measures={"margin": "margin"})
    assert ledger.quality.rows("margin does not parse, left out") == 1
    assert sorted(ledger.lines()["margin"].to_list(), key=str) == [1.0, None, None]


def test_the_decimal_comma() -> None:
    rows = SHOP[:2].with_columns(price=pl.Series(["1.234,50", " 0,01 "]))
    assert net(read(rows, decimal=",")) == Decimal("2469.01")


def test_float_ids_are_read_as_whole_numbers() -> None:
    rows = SHOP[:4].with_columns(customer=pl.Series([17850.0, float("nan"), None, 3.0]))
    ledger = read(rows, float_ids=True, test_customers=["3"])
    assert ledger.customers()["customer"].to_list() == [17850]
    assert aside(ledger) == {"test customer": (1, Decimal(0))}
    bad = rows.with_columns(customer=pl.Series([1.0, 2.5, float("inf"), 2.0**63]))
    assert aside(read(bad, float_ids=True, on_bad_rows="drop")) == {"customer does not parse": (3, None)}


def test_a_faulty_dump_is_read_to_the_cent(tmp_path) -> None:
    shop = simulate("easy", customers=2_000)
    faults = shop.write_faulty(tmp_path)
    told = {
        kind: (lines, value)
        for kind, lines, value in faults.counts.select("kind", "lines", "value").iter_rows()
    }
    ledger = read_ledger(
        tmp_path,
        timezone="UTC",
        currency="EUR",
        duplicates="drop",
        test_customers="^TEST-",
        until=faults.totals["until"].item(),
        columns={
            "customer": "customer",
            "order": "order",
            "item": "item",
            "quantity": "qty",
            "price": "price",
            "time": "ts",
            "status": "status",
            "currency": "currency",
        },
    )
    flags = {
        "duplicate_lines": "repeated line",
        "negative_quantity": "return, kept apart from purchases",
        "future_dates": "in the future",
        "orphan_orders": "order not in the orders table",
        "orphan_customers": "customer not in the customers table",
        "orphan_items": "item not in the products table",
        "mixed_currencies": "another currency",
        "test_customers": "test customer",
        "cancelled_orders": "cancelled",
        "time_zones": "time with an offset of its own",
        "byte_order_mark": "byte-order mark",
    }
    assert set(flags) == set(told)
    found = {kind: ledger.quality.rows(reason) for kind, reason in flags.items()}
    marks = faults.counts.filter(pl.col("kind") == "byte_order_mark")["rows"].sum()
    assert found == {kind: lines for kind, (lines, _) in told.items()} | {"byte_order_mark": marks}
    money = aside(ledger)
    for kind, reason in flags.items():
        if reason in money and kind != "orphan_orders":
            assert money[reason] == told[kind], kind
    kept = sum(told[kind][1] for kind in ("orphan_customers", "orphan_items"))
    assert net(ledger) == faults.totals["net"].item() + kept
    totals = ledger.quality.totals
    lines = pl.read_csv(tmp_path / "lines.csv", infer_schema=False).height
    assert totals["rows_in"] == lines == totals["rows_used"] + totals["rows_set_aside"]


def test_unknown_policies_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"guests='kepe' is not known; did you mean 'keep'"):
        read(guests="kepe")
