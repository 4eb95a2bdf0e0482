"""A simulated shop as a faulty dump: four related CSV files with nine faults, each counted exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from basketry.files import whole_file

# How many rows a fault touches: a share of the clean rows, and at least so many while there are as many.
_SHARES: dict[str, tuple[float, int]] = {
    "duplicate_lines": (0.005, 20),
    "negative_quantity": (0.01, 20),
    "future_dates": (0.001, 5),
    "orphan_customers": (0.001, 5),
    "orphan_orders": (0.001, 5),
    "orphan_items": (0.0005, 5),
    "mixed_currencies": (0.003, 5),
    "test_customers": (0.001, 3),
    "cancelled_orders": (0.01, 10),
    "time_zones": (0.02, 10),
}
_OFFSETS = ((60, "+01:00"), (-300, "-05:00"), (330, "+05:30"))
_WITH_MARK = ("customers", "lines")
_MONEY = pl.Decimal(18, 2)
_FUTURE = pl.duration(days=3650)


@dataclass(frozen=True, eq=False)
class Faults:
    """What is wrong with a faulty dump, and what a reader should find in it.

    Parameters
    ----------
    counts
        By ``kind`` and ``table``: ``rows`` that carry the fault, ``lines`` that hang on them (themselves, if
        they are lines) and their ``value``. Orphan keys are three kinds: orders without their customer, lines
        without their order, lines without their item. Test customers have their orders beside them. For the
        byte-order mark a row is a file.
    rows
        Every faulty row: ``kind``, ``table``, and ``row``, counted from 0 after the header.
    totals
        One row about the clean shop: ``customers``, ``items``, ``orders``, ``lines``, ``units``, ``gross``,
        ``returned`` (the value of the lines of negative quantity, which are true), ``net``, and ``until``:
        the day after the log.
    """

    counts: pl.DataFrame
    rows: pl.DataFrame
    totals: pl.DataFrame


def write_faulty_dump(tables: dict[str, pl.DataFrame], folder: Path, *, seed: int) -> Faults:
    """Write the four files.

    Parameters
    ----------
    tables
        The clean tables of a simulation.
    folder
        Where to; must exist.
    seed
        Decides which rows are taken.
    """
    dump = _Dump(tables, seed)
    dump.add_lines()
    dump.add_orders()
    dump.shift_zones()
    return dump.write(folder)


class _Dump:
    """The four tables on their way to disk.

    ``fault`` marks the rows that carry one, ``cause`` the lines that hang on one.
    """

    def __init__(self, tables: dict[str, pl.DataFrame], seed: int) -> None:
        self.seed = seed
        clean = pl.lit(None, pl.String)
        self.customers = tables["customers"].with_columns(pl.col("id").pipe(_customer_id), fault=clean)
        self.products = tables["items"].with_columns(fault=clean)
        self.orders = tables["orders"].with_columns(
            pl.col("customer").pipe(_customer_id),
            pl.col("status").cast(pl.String),
            currency=pl.lit("EUR"),
            fault=clean,
        )
        self.lines = tables["lines"].drop("returned").with_columns(fault=clean, cause=clean)
        self.clean = {"customers": self.customers, "orders": self.orders, "lines": self.lines}
        # Each fault takes its own run of one random order, so that no row is touched by two.
        self.left = {name: self._shuffled(table.height, name) for name, table in self.clean.items()}
        until = tables["orders"].select(pl.col("ts").max().dt.date() + pl.duration(days=1)).item()
        self.totals = self.lines.select(
            customers=pl.lit(self.customers.height),
            items=pl.lit(self.products.height),
            orders=pl.lit(self.orders.height),
            lines=pl.len(),
            units=pl.col("qty").sum(),
            gross=_value(),
        ).with_columns(until=until)

    def _draws(self, count: int, purpose: str) -> np.ndarray:
        """Give reproducible 64-bit numbers: SplitMix64 of the seed, the purpose and the position."""
        key = np.uint64(int.from_bytes(purpose.encode()[:8].ljust(8, b"."), "little") ^ self.seed)
        with np.errstate(over="ignore"):
            z = key + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            return np.asarray(z ^ (z >> np.uint64(31)))

    def _shuffled(self, count: int, purpose: str) -> np.ndarray:
        return np.argsort(self._draws(count, purpose), kind="stable")

    def _take(self, kind: str, table: str) -> pl.DataFrame:
        share, least = _SHARES[kind]
        clean = self.clean[table]
        count = max(least, round(share * clean.height))
        taken, self.left[table] = np.split(self.left[table], [count])
        return clean[np.sort(taken)]

    def add_lines(self) -> None:
        """Add lines to clean orders, and lines of orders that are not there."""
        duplicates = self._take("duplicate_lines", "lines")
        returns = self._take("negative_quantity", "lines").with_columns(-pl.col("qty"))
        returned = returns.select(-_value()).item()
        self.totals = self.totals.with_columns(returned=returned).with_columns(
            net=pl.col("gross") - pl.col("returned")
        )
        no_item = self._take("orphan_items", "lines").with_columns(pl.col("item") + self.products.height)
        no_order = self._take("orphan_orders", "lines").with_columns(pl.col("order") + 10**9)
        for kind, rows in (
            ("duplicate_lines", duplicates),
            ("negative_quantity", returns),
            ("orphan_items", no_item),
            ("orphan_orders", no_order),
        ):
            self.lines = self.lines.vstack(rows.with_columns(fault=pl.lit(kind), cause=pl.lit(kind)))

    def add_orders(self) -> None:
        """Add the customers who test, and orders with lines, each like a clean one but an hour earlier."""
        testers = self._take("test_customers", "customers").with_columns(
            id=pl.format("TEST-{}", pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(4)),
            email=pl.format("test{}@example.com", pl.int_range(1, pl.len() + 1)),
            fault=pl.lit("test_customers"),
        )
        self.customers = self.customers.vstack(testers)
        tester = pl.lit(testers["id"]).gather(pl.int_range(pl.len()) % testers.height)
        strangers = pl.format("C9{}", pl.int_range(pl.len()).cast(pl.String).str.zfill(7))
        for kind, change in (
            ("test_customers", tester.alias("customer")),
            ("orphan_customers", strangers.alias("customer")),
            ("future_dates", pl.col("ts") + _FUTURE),
            ("mixed_currencies", pl.lit("USD").alias("currency")),
            ("cancelled_orders", pl.lit("cancelled").alias("status")),
        ):
            orders = self._take(kind, "orders").with_columns(change)
            ids = orders.select(order="id", new=pl.int_range(pl.len()) + self.orders.height + 1)
            added = orders.with_columns(
                id=ids["new"], ts=pl.col("ts") - pl.duration(hours=1), fault=pl.lit(kind)
            )
            self.orders = self.orders.vstack(added)
            lines = self.clean["lines"].join(ids, on="order", maintain_order="left")
            self.lines = self.lines.vstack(lines.with_columns(order="new", cause=pl.lit(kind)).drop("new"))

    def shift_zones(self) -> None:
        """Write some clean times as local times with their offset; all others are UTC and do not say so."""
        chosen = self._take("time_zones", "orders").select("id", zone=pl.int_range(pl.len()) % len(_OFFSETS))
        text = pl.col("ts").dt.strftime("%Y-%m-%d %H:%M:%S")
        for zone, (minutes, offset) in enumerate(_OFFSETS):
            local = (pl.col("ts") + pl.duration(minutes=minutes)).dt.strftime(f"%Y-%m-%dT%H:%M:%S{offset}")
            text = pl.when(pl.col("zone") == zone).then(local).otherwise(text)
        fault = pl.when(pl.col("zone").is_not_null()).then(pl.lit("time_zones")).otherwise("fault")
        joined = self.orders.join(chosen, on="id", how="left", maintain_order="left")
        self.orders = joined.with_columns(ts=text, fault=fault).drop("zone")

    def write(self, folder: Path) -> Faults:
        """Mix the added rows among the clean ones, write the files and count."""
        files = {
            "customers": self.customers,
            "orders": self.orders,
            "lines": self.lines,
            "products": self.products,
        }
        marked = []
        for name, table in files.items():
            mixed = self._mixed(table, name)
            with whole_file(folder / f"{name}.csv") as path:
                mixed.drop("fault", "cause", strict=False).write_csv(path, include_bom=name in _WITH_MARK)
            faulty = mixed.with_row_index("row").filter(pl.col("fault").is_not_null())
            marked.append(faulty.select(kind="fault", table=pl.lit(name), row=pl.col("row").cast(pl.Int64)))
        rows = pl.concat(marked).sort("kind", "table", "row")
        zoned = self.orders.filter(pl.col("fault") == "time_zones")
        elsewhere = self.lines.join(zoned, left_on="order", right_on="id", how="semi")
        hanging = pl.concat(
            [self.lines.drop_nulls("cause"), elsewhere.with_columns(cause=pl.lit("time_zones"))]
        )
        hanging = hanging.group_by(kind="cause").agg(lines=pl.len(), value=_value())
        by_row = rows.group_by("kind", "table").agg(rows=pl.len()).join(hanging, on="kind", how="left")
        by_file = pl.DataFrame({"kind": "byte_order_mark", "table": _WITH_MARK, "rows": 1, "lines": 0})
        counts = pl.concat([by_row, by_file.with_columns(value=pl.lit(0, _MONEY))], how="vertical_relaxed")
        counts = counts.cast({"rows": pl.Int64, "lines": pl.Int64, "value": _MONEY})
        return Faults(counts=counts.sort("kind", "table"), rows=rows, totals=self.totals)

    def _mixed(self, table: pl.DataFrame, name: str) -> pl.DataFrame:
        """Move each added row to a random place; the clean rows keep their order."""
        clean = self.clean[name].height if name in self.clean else table.height
        places = np.arange(table.height)
        places[clean:] = self._draws(table.height - clean, "mix " + name) % np.uint64(clean)
        return table[np.argsort(places, kind="stable")]


def _customer_id(number: pl.Expr) -> pl.Expr:
    return pl.format("C{}", number.cast(pl.String).str.zfill(7)).alias(number.meta.output_name())


def _value() -> pl.Expr:
    # Exact: quantities times cents as integers, and back to money.
    cents = (pl.col("price") * 100).cast(pl.Int64)
    return ((pl.col("qty") * cents).sum().cast(_MONEY) / 100).cast(_MONEY)
