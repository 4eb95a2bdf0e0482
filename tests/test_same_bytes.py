"""The same rows give the same bytes: every table of the whole analysis, for any threads and any order of rows."""

import hashlib

import pytest

import basketry as bk
from basketry.cli._analysis import Parameters, analyse


@pytest.fixture(scope="module")
def lines():
    shop = bk.simulate(customers=1500, rng=11)
    orders = shop.tables["orders"].rename({"id": "order"}).select("order", "customer", "ts")
    joined = shop.tables["lines"].join(orders, on="order")
    return joined.select(
        "customer", "order", "item", "ts", "qty", amount=joined["price"].cast(float) * joined["qty"]
    )


def hashes(lines, n_threads):
    columns = {
        "customer": "customer",
        "order": "order",
        "item": "item",
        "time": "ts",
        "quantity": "qty",
        "amount": "amount",
    }
    shop = bk.read_ledger(lines, columns=columns, timezone="UTC", n_threads=n_threads)
    found = analyse(shop, Parameters(n_threads=n_threads))
    tables = {
        name: hashlib.sha256(table.write_json().encode()).hexdigest() for name, table in found.tables.items()
    }
    return shop.fingerprint, tables


def test_every_table_is_the_same(lines):
    fingerprint, tables = hashes(lines, 1)
    assert {"rules", "sequences", "sequence_rules", "lags", "rfm", "segments", "profile"} <= tables.keys()
    for n_threads in (2, 8):
        shuffled = lines.sample(fraction=1.0, shuffle=True, seed=n_threads)
        assert hashes(shuffled, n_threads) == (fingerprint, tables)
