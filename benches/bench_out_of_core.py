"""A dump in partitions: features of every customer under a memory limit, and the same bytes as without one.

BASKETRY_BENCH_ROWS sets the number of lines (10 million by default). The acceptance of 100 million lines under 2 GiB is
BASKETRY_BENCH_ROWS=100_000_000; 100 lines a customer on average, in 16 files. It takes some 10 GB of disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = int(os.environ.get("BASKETRY_BENCH_ROWS", "10_000_000"))
MEMORY = 2 * 2**30 * min(ROWS, 100_000_000) // 100_000_000
"""As much a line as 2 GiB are for 100 million, but never less than Python and polars need."""
LIMIT = max(MEMORY, 512 * 2**20)

PARTS = """
import hashlib, json, sys
from pathlib import Path
import basketry as bk
dump, folder, memory = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
columns = {name: name for name in ("customer", "order", "time", "item", "quantity", "amount")}
shop = bk.partition_ledger(
    str(dump), folder, memory=memory, columns=columns, item_attributes={"category": "category"}, timezone="UTC")
table = bk.customer_features(shop, windows=[30, 90, 365], category="category")
table.sink_parquet(folder / "features.parquet", row_group_size=1 << 16)
digest = hashlib.file_digest((folder / "features.parquet").open("rb"), "sha256").hexdigest()
print(json.dumps([shop.n_partitions, shop.n_customers, len(table.collect_schema()), digest]))
"""

WHOLE = """
import hashlib, json, sys
from pathlib import Path
import basketry as bk
dump, folder = Path(sys.argv[1]), Path(sys.argv[2])
columns = {name: name for name in ("customer", "order", "time", "item", "quantity", "amount")}
shop = bk.read_ledger(str(dump), columns=columns, item_attributes={"category": "category"}, timezone="UTC")
table = bk.customer_features(shop, windows=[30, 90, 365], category="category")
table.write_parquet(folder / "whole.parquet", row_group_size=1 << 16)
digest = hashlib.file_digest((folder / "whole.parquet").open("rb"), "sha256").hexdigest()
print(json.dumps(digest))
"""

WRITE = """
import sys
from pathlib import Path
from lines import write_files
write_files(Path(sys.argv[1]), *map(int, sys.argv[2:]))
"""


@pytest.fixture(scope="session")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dump") / "lines"
    arguments = [str(path), str(ROWS), str(max(ROWS // 100, 1)), "16"]
    subprocess.run([sys.executable, "-c", WRITE, *arguments], check=True, cwd=Path(__file__).parent)
    return path


def bench_features_under_a_limit(measure, dump, tmp_path):
    memory = max(MEMORY, 2**20)
    ours = measure.child(PARTS, str(dump), str(tmp_path / "parts"), str(memory))
    many, customers, columns, digest = ours["answer"]
    assert columns >= 90
    assert ours["peak_mb"] <= 1.1 * LIMIT / 2**20
    figures = {"partitions": many, "customers": customers, "columns": columns, "limit_mb": LIMIT / 2**20}
    figures |= {name: ours[name] for name in ("cpu", "wall", "peak_mb")}
    # What the whole needs is there only for smaller dumps.
    if ROWS <= 20_000_000:
        whole = measure.child(WHOLE, str(dump), str(tmp_path))
        assert whole["answer"] == digest
        figures |= {f"whole_{name}": whole[name] for name in ("cpu", "wall", "peak_mb")}
    measure.record(f"features of {ROWS:,} lines in partitions", figures)
