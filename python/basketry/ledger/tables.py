"""Related tables of one shop, joined to one row a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.mapping import Layout
from basketry.ledger.part import Part, reading

ROLES = ("lines", "orders", "customers", "products")
"""The tables of a shop."""

JOINED = {"orders": "_order_found", "customers": "_customer_found", "products": "_product_found"}
"""Columns that tell after a join whether the key was there."""


def tables_of(files: Sequence[Path], layout: Layout) -> dict[str, Path] | None:
    """Tell which file is which table; None if the files are not tables of one shop.

    Parameters
    ----------
    files
        The files of a folder.
    layout
        Tells by which names.
    """
    tables: dict[str, Path] = {}
    free = list(files)
    for role, names in layout.tables.items():
        for name in names:
            hits = [p for p in free if name in p.stem.lower()]
            # The shortest name is the table itself: 'orders' before 'orders_archive'.
            hits.sort(key=lambda p: (len(p.stem), p.name))
            if hits and role not in tables:
                tables[role] = hits[0]
                free.remove(hits[0])
    return tables if "lines" in tables and "orders" in tables else None


def join_tables(tables: Mapping[str, Part], keys: Mapping[str, tuple[str, str]]) -> Part:
    """Join related tables to one row a line.

    Parameters
    ----------
    tables
        Role -> table; ``lines`` must be there.
    keys
        Role -> (column of lines, column of the table); what is not given is found by name.
    """
    for role in tables:
        if role not in ROLES:
            raise ParameterError.unknown("source", role, ROLES)
    if "lines" not in tables:
        raise ParameterError.out_of_range("source", sorted(tables), "the table 'lines' is needed")
    for role, pair in keys.items():
        if role not in ROLES[1:]:
            raise ParameterError.unknown("keys", role, ROLES[1:])
        if isinstance(pair, str) or len(pair) != 2:
            raise ParameterError.out_of_range(
                "keys", keys, "pairs (column of lines, column of the table) are needed"
            )
    joined, schema = tables["lines"].rows, tables["lines"].schema
    small = []
    notes = sum((Counter(part.notes) for part in tables.values()), Counter[str]())
    for role, part in ((role, tables[role]) for role in ROLES[1:] if role in tables):
        left, right = keys.get(role) or _common_key(role, joined, part)
        if left not in joined.collect_schema():
            raise SchemaError.unknown_column(left, f"key of {role}", joined.collect_schema())
        if right not in part.schema:
            raise SchemaError.unknown_column(right, f"key of {role}", part.schema)
        table = _one_row_a_key(part, right, role)
        if role != "orders":
            # Under the name that the key has in the joined rows.
            small.append(table if left in part.schema else table.rename({right: left}))
        found = table.with_columns(pl.col(right).alias("_key"), pl.lit(True).alias(JOINED[role])).drop(right)
        joined = joined.join(
            found, left_on=left, right_on="_key", how="left", suffix=f"_{role}", maintain_order="left"
        )
        with reading(part.name):
            schema = joined.collect_schema()
    return Part(tables["lines"].name, joined, schema, notes, small, joined=list(tables.values()))


def _one_row_a_key(part: Part, key: str, role: str) -> pl.LazyFrame:
    """Refuse a table with different rows of one key; equal rows are one."""

    def most(rows: pl.LazyFrame) -> pl.DataFrame:
        repeats = pl.col("len") > 1, pl.col(key).is_not_null()
        return part.collect(rows.group_by(key).len().filter(*repeats).sort(key).head(1))

    if most(part.rows).is_empty():
        return part.rows
    table = part.rows.unique(maintain_order=True)
    twice = most(table)
    if twice.height:
        raise SchemaError(
            f"{part.name}: {key!r} is the key of {role}, and {twice[key][0]!r} has {twice['len'][0]} different rows: "
            f"keep one of them."
        )
    return table


def _common_key(role: str, joined: pl.LazyFrame, part: Part) -> tuple[str, str]:
    """Find the key by name: a column of both that is named for the table, or the table's ``id``."""
    single = role.removesuffix("s")
    left, right = joined.collect_schema().names(), part.schema.names()
    for candidate in (f"{single}_id", single, "item" if role == "products" else single):
        for other in (candidate, "id"):
            if candidate in left and other in right:
                return candidate, other
    raise SchemaError(
        f"{part.name}: no common key of lines and {role} was found. "
        f"Pass keys={{{role!r}: (column of lines, column of {role})}}. "
        f"Lines have {left}, {role} have {right}."
    )
