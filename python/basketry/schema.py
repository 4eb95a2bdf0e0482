"""The schema of every result frame: name and type, with unit and meaning beside it."""

from __future__ import annotations

import polars as pl

Schema = dict[str, "pl.DataType | type[pl.DataType]"]

QUALITY: Schema = {
    "reason": pl.String,  # why rows are where they are
    "status": pl.String,  # used | set aside | noted
    "rows": pl.Int64,
    "share": pl.Float64,  # of the rows in
    "amount": pl.Float64,  # money of the rows, in the shop's currency; null where it is not known
    "first_row": pl.Int64,  # counted from 1, over all files
    "example": pl.String,  # the first offending value
    "mend": pl.String,  # what to do about it
}
