"""A ledger from some of the lines of another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from basketry.ledger.ledger import Ledger
from basketry.ledger.read import read_ledger


def with_lines(ledger: Ledger, lines: pl.DataFrame, *, n_threads: int | None = None) -> Ledger:
    """Build a ledger of other lines, with the attributes, policies and quality sheet of this one.

    Parameters
    ----------
    ledger
        The shop.
    lines
        Lines as `Ledger.lines` gives them, fewer or changed.
    n_threads
        How many threads to use; None for all.
    """
    own = [name for name in ledger.core.measures if name not in ("quantity", "amount")]
    roles = [name for name in lines.columns if name not in own]
    attributes: dict[str, Any] = {}
    for role, table in (("item", ledger.items()), ("customer", ledger.customers())):
        if role in roles and table.width > 1:
            named = {name: f"{role} {name}" for name in table.columns if name != role}
            lines = lines.join(table.rename(named), on=role, how="left", maintain_order="left")
            attributes[f"{role}_attributes"] = named
    built = read_ledger(
        lines,
        columns={name: name for name in roles},
        measures={name: name for name in own},
        timezone=ledger.timezone,
        returns=ledger.returns,
        zero_prices="keep",
        negative_prices="keep",
        n_threads=n_threads,
        **attributes,
    )
    return replace(built, quality=ledger.quality, currency=ledger.currency)
