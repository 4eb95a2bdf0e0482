"""`basketry lookalike`: people in a pool who resemble a seed."""

from pathlib import Path
from typing import Annotated

import typer

from basketry.cli._options import RawCsv, Seed

_File = Path | None


def lookalike(
    pool: Annotated[
        Path,
        typer.Option("--pool", metavar="FILE", help="Whom to score: an id and features, csv or parquet."),
    ],
    seed_ids: Annotated[
        Path,
        typer.Option("--seed-ids", metavar="FILE", help="Whom to resemble: a column of ids, csv or parquet."),
    ],
    known: Annotated[
        _File,
        typer.Option("--known", metavar="FILE", help="The features of the seed, if it is not in the pool."),
    ] = None,
    key: Annotated[str, typer.Option("--key", help="The column of ids in the pool.")] = "id",
    size: Annotated[int | None, typer.Option("--size", min=1, help="Only so many, the most alike.")] = None,
    reach: Annotated[
        bool, typer.Option("--reach", help="How alike at which reach, in place of people.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    output: Annotated[
        _File,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file: .csv, .parquet or .json."),
    ] = None,
    raw_csv: RawCsv = False,
    seed: Seed = 0,
) -> None:
    """Score a pool of people by how much they resemble a seed; whoever is in the seed is left out."""
    from basketry.cli._output import check_ending, show, write_table
    from basketry.cli._progress import Steps
    from basketry.cli._source import frame_in, ids_in
    from basketry.models.lookalike import lookalike as answer

    if output is not None:
        check_ending(output)
    steps = Steps()
    with steps("lookalike"):
        seen = None if known is None else frame_in(known)
        ids = ids_in(seed_ids, "customer", key)
        found = answer(ids, frame_in(pool), known=seen, key=key, rng=seed)
    frame = found.reach if reach else found.scores if size is None else found.take(size)
    if output is not None:
        write_table(frame, output, raw_csv=raw_csv)
    if json or output is None:
        show(frame, as_json=json, raw_csv=raw_csv)
