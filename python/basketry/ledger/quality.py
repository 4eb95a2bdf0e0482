"""The quality sheet: where every row of a dump went."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

from basketry.schema import QUALITY


@dataclass(frozen=True)
class Quality:
    """What was read, what was set aside and why, and what is worth a word.

    Rows in = rows used + rows set aside, by reason.

    Parameters
    ----------
    frame
        One row a reason: ``reason``, ``status`` (``used``, ``set aside`` or ``noted``), ``rows``, ``share`` of the rows in,
        ``amount`` (money of those rows), ``first_row`` (counted from 1, over all files), ``example``, ``mend``.
    totals
        ``rows_in``, ``rows_used``, ``rows_set_aside``, ``customers``, ``orders``, ``guest_orders``, ``lines``, ``items``,
        ``first_order``, ``last_order``, ``amount``.
    """

    frame: pl.DataFrame
    totals: dict[str, Any]

    def rows(self, reason: str) -> int:
        """Count the rows of a reason; 0 if there is none.

        Parameters
        ----------
        reason
            The reason as the sheet spells it.
        """
        return int(self.frame.filter(pl.col("reason") == reason)["rows"].sum())

    def __str__(self) -> str:
        totals = self.totals
        lines = [f"{totals['rows_in']:>13,} rows in"]
        for row in self.frame.iter_rows(named=True):
            where = f"  first at row {row['first_row']:,}" if row["first_row"] is not None else ""
            example = f": {row['example']}" if row["example"] else ""
            lines.append(f"{row['rows']:>13,} {row['status']:<9} {row['reason']}{where}{example}")
        lines.append(
            f"{totals['customers']:>13,} customers, {totals['orders']:,} orders "
            f"({totals['guest_orders']:,} without a customer), {totals['items']:,} items"
        )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.frame.columns)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{'' if cell is None else escape(str(cell))}</td>" for cell in row)
            + "</tr>"
            for row in self.frame.head(50).iter_rows()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def to_json(self) -> str:
        """Write the sheet as one JSON text."""
        rows = self.frame.to_dicts()
        return json.dumps({"rows": rows, "totals": self.totals}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Quality:
        """Read a sheet that `to_json` wrote.

        Parameters
        ----------
        text
            The JSON text.
        """
        held = json.loads(text)
        return cls(pl.DataFrame(held["rows"], schema=QUALITY), held["totals"])
