"""What all tests share."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """Find a file of the public data sets, or skip the test that needs it."""
    root = Path(
        os.environ.get("BASKETRY_DATA") or Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    )

    def find(name: str) -> Path:
        path = root / name
        if not path.exists():
            pytest.skip(f"{name} is not here: set BASKETRY_DATA to the folder that holds it")
        return path

    return find


@pytest.fixture(scope="session")
def fimi(data_file):
    """Read a public set as a table of basket and item, each once per session."""
    tables = {}

    def read(name):
        if name not in tables:
            text = gzip.decompress(data_file(f"fimi/{name}.dat.gz").read_bytes()).decode()
            rows = pl.DataFrame({"line": text.splitlines()}).with_row_index("basket")
            items = rows.with_columns(item=pl.col("line").str.strip_chars().str.split(" ")).explode("item")
            tables[name] = items.select("basket", pl.col("item").replace("", None).cast(pl.Int64))
        return tables[name]

    return read


@pytest.fixture(scope="session")
def known(data_file):
    """The public counts: set -> support -> kind -> by_len."""
    return json.loads(data_file("../reference/itemset_counts.json").read_text())["sets"]
