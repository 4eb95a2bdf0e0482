"""Readers of the public logs: each gives a ledger of customer-days."""

import gzip
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl

import basketry as bk

EPOCH = date(2000, 1, 1)


def log_of(name: str, data_file: Callable[[str], Path]) -> bk.Ledger:
    """Read one of the logs by its short name."""
    if name == "or2day":
        return _or2day(
            *(data_file(f"retail/online_retail_ii_{years}.parquet") for years in ("2009_2010", "2010_2011"))
        )
    if name == "cjday":
        return _spmf(data_file("sequences/complete_journey_sample_day.timed.gz"))
    return _spmf(data_file(f"sequences/{name}.spmf.gz"))


@cache
def _spmf(path: Path) -> bk.Ledger:
    """One customer a line; `-1` ends an event, `-2` the line; an event may begin with its `<day>`."""
    customers, items, days = [], [], []
    for customer, line in enumerate(gzip.decompress(path.read_bytes()).decode().splitlines()):
        day = 0
        for token in line.split():
            if token.startswith("<"):
                day = int(token[1:-1])
            elif token == "-1":
                day += 1
            elif token != "-2":
                customers.append(customer)
                items.append(int(token))
                days.append(day)
    return ledger(pl.DataFrame({"customer": customers, "item": items, "day": days}))


@cache
def _or2day(*paths: Path) -> bk.Ledger:
    bought = (
        pl.concat([pl.read_parquet(path) for path in paths])
        .unique()
        .filter(
            pl.col("CustomerID").is_not_null(),
            ~pl.col("Invoice").str.starts_with("C"),
            pl.col("Quantity") > 0,
            pl.col("UnitPrice") > 0,
        )
    )
    day = (pl.col("InvoiceDate").dt.date() - date(2009, 12, 1)).dt.total_days()
    return ledger(bought.select(customer="CustomerID", item="StockCode", day=day))


def ledger(frame: pl.DataFrame) -> bk.Ledger:
    """Make a ledger of customers, items and day numbers."""
    rows = frame.select("customer", "item", time=pl.lit(EPOCH) + pl.duration(days="day"))
    return bk.read_ledger(
        rows, columns={"customer": "customer", "item": "item", "time": "time"}, timezone="UTC"
    )
