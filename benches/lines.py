"""Synthetic lines in time order: half of them by customers of zipf activity, three lines an order."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

CHUNK = 10_000_000


def write_lines(path: Path, rows: int, *, text_ids: bool = False) -> None:
    """Write `rows` lines as one parquet file, row group by row group.

    Customers: rows / 20, half of the lines uniform over them, half with weight 1 / rank. Items: 20,000 with weight 1 / rank.
    """
    frames = []
    for frame in lines(rows, rows // 20, CHUNK, text_ids=text_ids):
        frames.append(path.with_suffix(f".{len(frames)}.part"))
        frame.write_parquet(frames[-1], compression="zstd", row_group_size=1_000_000)
    pl.scan_parquet(frames).sink_parquet(path, compression="zstd", row_group_size=1_000_000)
    for part in frames:
        part.unlink()


def write_files(folder: Path, rows: int, customers: int, files: int) -> None:
    """Write `rows` lines as a folder of parquet files that follow each other in time."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(lines(rows, customers, -(-rows // files))):
        frame.write_parquet(folder / f"{number:02}.parquet", compression="zstd", row_group_size=500_000)


def lines(rows: int, customers: int, chunk: int, *, text_ids: bool = False) -> Iterator[pl.DataFrame]:
    """Draw lines, some rows at a time."""
    rng = np.random.default_rng(7)
    order_base = 0
    for start in range(0, rows, chunk):
        many = min(chunk, rows - start)
        new_order = rng.random(many) < 1 / 3
        new_order[0] = True
        order = np.cumsum(new_order) - 1
        n_orders = int(order[-1]) + 1
        uniform = rng.integers(0, customers, n_orders)
        ranked = _zipf(rng, customers, n_orders)
        buyer = np.where(rng.random(n_orders) < 0.5, uniform, ranked).astype(np.int32)
        begin = 1_600_000_000_000 + start * 6_307
        moment = begin + np.sort(rng.integers(0, many * 6_307, n_orders))
        quantity = rng.integers(1, 5, many).astype(np.int16)
        returned = rng.random(many) < 0.03
        quantity[returned] = -quantity[returned]
        price = rng.integers(50, 20_000, many)
        item = _zipf(rng, 20_000, many).astype(np.int32)
        frame = pl.DataFrame(
            {
                "customer": buyer[order],
                "order": (order + order_base).astype(np.int64),
                "time": pl.Series(moment[order]).cast(pl.Datetime("ms")),
                "item": item,
                "category": (item % 300).astype(np.int16),
                "quantity": quantity,
                "amount": quantity * price / 100.0,
            }
        )
        if text_ids:
            frame = frame.with_columns(
                customer=pl.format("C{}", pl.col("customer").cast(pl.String).str.zfill(8)),
                order=pl.format("O{}", pl.col("order").cast(pl.String).str.zfill(9)),
                item=pl.format("P{}", pl.col("item").cast(pl.String).str.zfill(6)),
            )
        order_base += n_orders
        yield frame


def _zipf(rng: np.random.Generator, ids: int, many: int) -> np.ndarray:
    weights = 1 / np.arange(1, ids + 1)
    cumulative = np.cumsum(weights) / weights.sum()
    ranks = np.searchsorted(cumulative, rng.random(many))
    return np.minimum(rng.permutation(ids)[np.minimum(ranks, ids - 1)], ids - 1)


if __name__ == "__main__":
    write_lines(Path(sys.argv[1]), int(sys.argv[2]), text_ids="text" in sys.argv[3:])
