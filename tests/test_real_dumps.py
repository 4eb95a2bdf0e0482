"""Public dumps, read with the presets alone, against the published counts and the RFM checksums."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from basketry.customers import rfm
from basketry.ledger import Ledger, read_ledger
from basketry.ledger.read import inspect_source


@pytest.fixture(scope="module")
def retail(data_file) -> Ledger:
    pattern = data_file("retail/online_retail_ii_2009_2010.parquet").with_name("online_retail_ii_*.parquet")
    return read_ledger(pattern, guests="drop", returns="drop")


@pytest.fixture(scope="module")
def cdnow(data_file) -> Ledger:
    return read_ledger(data_file("retail/cdnow_master.parquet"))


@pytest.fixture(scope="module")
def cdnow_sample(data_file) -> Ledger:
    return read_ledger(data_file("retail/cdnow_sample.parquet"))


@pytest.fixture(scope="module")
def olist_folder(data_file, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("olist")
    for table in ("orders", "order_items", "customers", "products"):
        name = f"olist20_{table}.parquet"
        (folder / name).symlink_to(data_file(f"retail/{name}").resolve())
    return folder


def exact(ledger: Ledger) -> int:
    """Sum the money of a ledger in ten-thousandths."""
    return int((ledger.lines()["amount"] * 10_000).round().cast(pl.Int64).sum())


def accounted(ledger: Ledger, rows_in: int) -> bool:
    sheet = ledger.quality.frame.filter(pl.col("status") != "noted")
    totals = ledger.quality.totals
    return (
        sheet["rows"].sum() == totals["rows_in"] == rows_in
        and totals["rows_used"] == ledger.n_lines
        and totals["rows_used"] + totals["rows_set_aside"] == rows_in
    )


def test_online_retail_is_guessed_and_cleaned(retail: Ledger) -> None:
    assert retail.timezone == "Europe/London"
    assert retail.currency == "GBP"
    assert retail.n_lines == 791_044
    assert retail.n_customers == 5_878
    assert exact(retail) == 174_315_331_780
    assert retail.quality.totals["amount"] == pytest.approx(17_431_533.178, abs=1e-6)
    assert (retail.first_day, retail.last_day) == (date(2009, 12, 1), date(2011, 12, 9))
    assert accounted(retail, 1_067_370)
    assert retail.quality.rows("overlaps a later file") == 22_523
    assert retail.items().columns == ["item", "description"]
    assert retail.customers().filter(customer=12346)["country"].to_list() == ["United Kingdom"]


def test_online_retail_keeps_guests_as_baskets(data_file) -> None:
    files = [data_file(f"retail/online_retail_ii_{years}.parquet") for years in ("2009_2010", "2010_2011")]
    ledger = read_ledger(files)
    assert accounted(ledger, 1_067_370)
    assert ledger.quality.rows("no customer, kept as a basket") > 200_000
    named = ledger.orders().drop_nulls("customer")
    # A shop's own definition of net: purchases less returns, of all rows with a customer.
    one, two = map(pl.read_parquet, files)
    both = pl.concat([one.filter(pl.col("InvoiceDate") < two["InvoiceDate"].min()), two])
    clean = both.drop_nulls("CustomerID").filter(pl.col("UnitPrice") > 0)
    assert ledger.n_customers == clean["CustomerID"].n_unique()
    worth = (clean["UnitPrice"] * 10_000).round().cast(pl.Int64) * clean["Quantity"]
    assert int((named["net"] * 10_000).round().cast(pl.Int64).sum()) == worth.sum()


def test_cdnow(cdnow: Ledger) -> None:
    assert (cdnow.n_customers, cdnow.n_lines) == (23_570, 69_659)
    assert exact(cdnow) == 25_003_156_300
    assert accounted(cdnow, 69_659)
    assert cdnow.quality.rows("price of zero, kept") == 80
    assert (cdnow.first_day, cdnow.last_day) == (date(1997, 1, 1), date(1998, 6, 30))


def test_olist_counts_people_not_order_keys(olist_folder: Path) -> None:
    resolved, options, _ = inspect_source(olist_folder)
    assert (resolved.preset, resolved.guessed) == ("olist", True)
    assert resolved.columns["customer"] == "customer_unique_id"
    everything = read_ledger(olist_folder, cancelled="keep")
    assert options.timezone == everything.timezone == "America/Sao_Paulo"
    assert everything.n_lines == 22_618
    orders = pl.read_parquet(olist_folder / "olist20_orders.parquet")
    items = pl.read_parquet(olist_folder / "olist20_order_items.parquet")
    people = pl.read_parquet(olist_folder / "olist20_customers.parquet")
    assert (orders.height, people["customer_unique_id"].n_unique()) == (20_000, 19_831)
    # Orders without a line bring nothing to a ledger: mostly those that could not be delivered.
    with_lines = orders.join(items, on="order_id", how="semi")
    assert everything.n_orders == with_lines.height
    assert (
        everything.n_customers == with_lines.join(people, on="customer_id")["customer_unique_id"].n_unique()
    )
    assert accounted(everything, 22_618)

    ledger = read_ledger(olist_folder)
    void = items.join(orders, on="order_id").filter(pl.col("order_status") == "canceled")
    assert ledger.quality.rows("cancelled") == void.height > 0
    assert ledger.n_orders == everything.n_orders - void["order_id"].n_unique()
    cents = (items["price"] * 100).round().cast(pl.Int64).sum() - (void["price"] * 100).round().cast(
        pl.Int64
    ).sum()
    assert exact(ledger) == cents * 100
    assert accounted(ledger, 22_618)


@pytest.fixture(scope="module")
def checksums(data_file) -> dict[str, dict[str, float]]:
    return json.loads(data_file("../reference/rfm_clv_truth.json").read_text())["rfm_summary_day_unit"]


@pytest.mark.parametrize(
    ("case", "shop", "last"),
    [
        ("cdnow_sample_to_1997-09-30", "cdnow_sample", date(1997, 9, 30)),
        ("cdnow_sample_all", "cdnow_sample", date(1998, 6, 30)),
        ("cdnow_master_to_1997-09-30", "cdnow", date(1997, 9, 30)),
        ("cdnow_master_all", "cdnow", date(1998, 6, 30)),
        ("or2_clean_all", "retail", date(2011, 12, 9)),
        ("or2_clean_to_2011-06-09", "retail", date(2011, 6, 9)),
    ],
)
def test_rfm_checksums(case: str, shop: str, last: date, checksums, request: pytest.FixtureRequest) -> None:
    truth = checksums[case]
    table = rfm(request.getfixturevalue(shop), as_of=last + timedelta(days=1))
    assert table.height == truth["customers"]
    assert table["frequency"].cast(pl.Int64).sum() == truth["sum_frequency"]
    assert table["frequency"].max() == truth["max_frequency"]
    assert (table["frequency"] > 0).sum() == truth["repeat"]
    # T and recency count from the first purchase to the last day itself, not to the midnight after it.
    tenure, recency = table["tenure_days"].cast(pl.Int64), table["recency_days"].cast(pl.Int64)
    assert (tenure - 1).sum() == truth["sum_T"]
    assert (tenure - recency).sum() == truth["sum_recency"]
    assert table["monetary"].sum() == pytest.approx(truth["sum_monetary_value"], abs=5e-5, rel=1e-9)
    assert (table["monetary"] ** 2).sum() == pytest.approx(truth["sumsq_monetary"], abs=5e-3, rel=1e-9)
    assert (table["monetary"] < 0).sum() == truth["monetary_negative"]


def test_returns_are_no_purchases(data_file, retail: Ledger, checksums) -> None:
    # The seventh case, 'or2_with_returns_all', counts the day of a cancellation as a day of purchase, which a ledger
    # never does. What can agree with it is checked: who is there, and what they paid net.
    truth = checksums["or2_with_returns_all"]
    pattern = data_file("retail/online_retail_ii_2009_2010.parquet").with_name("online_retail_ii_*.parquet")
    ledger = read_ledger(pattern, guests="drop", zero_prices="keep", negative_prices="keep")
    assert ledger.n_lines == 809_560
    assert ledger.n_customers == truth["customers"]
    table = rfm(ledger, as_of=date(2011, 12, 10))
    buyers = rfm(retail, as_of=date(2011, 12, 10))
    assert table["frequency"].sum() < truth["sum_frequency"]
    assert set(buyers["customer"]) <= set(table["customer"])
    net = int((ledger.orders()["net"] * 10_000).round().cast(pl.Int64).sum())
    files = [data_file(f"retail/online_retail_ii_{years}.parquet") for years in ("2009_2010", "2010_2011")]
    one, two = map(pl.read_parquet, files)
    rows = pl.concat([one.filter(pl.col("InvoiceDate") < two["InvoiceDate"].min()), two]).drop_nulls(
        "CustomerID"
    )
    assert rows.height == 809_560
    assert net == ((rows["UnitPrice"] * 10_000).round().cast(pl.Int64) * rows["Quantity"]).sum()
