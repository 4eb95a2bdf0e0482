"""From rows to partitions: spread over a folder, built one by one, merged with what was there before."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import polars as pl

from basketry import _core
from basketry.control import Reins
from basketry.exceptions import CapacityError, SchemaError
from basketry.files import whole_file
from basketry.ledger.accounting import Tally, examples, sheet
from basketry.ledger.attributes import label_counts, labelled, said, wanted
from basketry.ledger.clean import Recipe
from basketry.ledger.ledger import tree_totals
from basketry.ledger.manifest import Counts, Manifest, recorded
from basketry.ledger.part import ROW, Part
from basketry.ledger.reading import Reading, push_part

LINE_BYTES = 72
"""What a line takes while its ledger is built, by measurement; further measures come on top."""


def line_bytes(reading: Reading) -> int:
    """Tell what a line takes while a ledger is built.

    Parameters
    ----------
    reading
        What is read.
    """
    return LINE_BYTES + 16 * len(reading.resolved.measures)


def ledger_file(folder: Path, number: int, generation: int) -> Path:
    """Name the saved ledger of a partition.

    Parameters
    ----------
    folder, number, generation
        The folder, the partition, and how many readings are in it.
    """
    return folder / f"{number:04}.{generation}.ledger"


def grow(folder: Path, manifest: Manifest, reading: Reading, mark: str, held_reins: Reins) -> Manifest:
    """Take one more reading into the partitions. What is done already is not done again.

    Parameters
    ----------
    folder
        Where the partitions are.
    manifest
        What they hold.
    reading, mark
        What comes, and its fingerprint.
    held_reins
        Threads and progress.
    """
    generation = manifest.generation + 1
    rows = folder / f"rows-{generation}"
    if manifest.generation:
        _check_alike(manifest, reading)
    folder.mkdir(parents=True, exist_ok=True)
    if manifest.pending != mark:
        shutil.rmtree(rows, ignore_errors=True)
        for left in folder.glob(f"*.{generation}.*"):
            left.unlink()
        manifest = manifest.write(folder, pending=mark, ends=[], polars=pl.__version__)
    if not manifest.ends:
        ends = _spread(folder, rows, manifest, reading)
        manifest = manifest.write(folder, ends=ends)
    for number in range(manifest.partitions):
        if not ledger_file(folder, number, generation).is_file():
            _build(folder, rows, manifest, reading, number, held_reins)
        for spread in rows.glob(f"*/part={number}"):
            shutil.rmtree(spread)
    manifest = _finish(folder, manifest, reading)
    for left in (*folder.glob(f"*.{generation - 1}.*"), rows, folder / "answers"):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    return manifest


def _check_alike(manifest: Manifest, reading: Reading) -> None:
    if manifest.polars != pl.__version__:
        raise SchemaError(
            f"the partitions were made with polars {manifest.polars} and {pl.__version__} spreads customers otherwise: "
            f"add the files with that version, or make the partitions again."
        )
    now, before = recorded(reading), manifest.reading
    currencies = now["options"].pop("currency"), before["options"]["currency"]
    if None not in currencies and currencies[0] != currencies[1]:
        raise SchemaError(
            f"a dump in {currencies[0]} cannot be added to partitions in {currencies[1]}: convert one of them first."
        )
    if now != before | {"options": {k: v for k, v in before["options"].items() if k != "currency"}}:
        raise SchemaError(
            "the columns of the new file are not those of the files before it: rename them, or make the partitions again."
        )


def _spread(folder: Path, rows: Path, manifest: Manifest, reading: Reading) -> list[int]:
    """Write all rows into partitions, file by file, and count the rows up to and with each file."""
    ends, largest = [manifest.rows_before()], Counter[int]()
    many = manifest.partitions
    kinds = dict[str, pl.DataType]()
    for number, (part, steps) in enumerate(reading.recipes()):
        schema = part.rows.select(steps.columns).collect_schema()
        kinds |= {role: _id_type(schema[role]) for role in ("customer", "order", "item") if role in schema}
        target = rows / f"{number:05}"
        if not target.is_dir():
            unfinished = target.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            marks = [expr.alias(reason) for reason, expr in steps.notes.items()]
            part.spread([*steps.columns, *marks], _key(schema, kinds), many, unfinished)
            unfinished.rename(target)
        here = {k: _rows(_files(target, k)) for k in range(many)}
        largest.update(here)
        ends.append(ends[-1] + sum(here.values()))
    _check_size(largest, manifest, reading)
    for at, (name, column) in enumerate(wanted("item", reading.resolved).items()):
        pairs = said("item", name, column, kinds["item"], reading.parts, reading.resolved)
        _keep_counts(folder, "items", manifest.generation, at, pairs)
    for at, (name, column) in enumerate(wanted("customer", reading.resolved).items()):
        pairs = said("customer", name, column, kinds["customer"], reading.parts, reading.resolved)
        target = rows / f"labels-{at}"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        whole = Part(name, pairs, pairs.collect_schema())
        whole.spread([pl.col("customer", name)], pl.col("customer").hash(0), many, target)
    return ends


def _id_type(kind: pl.DataType) -> pl.DataType:
    return pl.Int64() if kind.is_integer() else pl.String()


def _key(schema: pl.Schema, kinds: Mapping[str, pl.DataType]) -> pl.Expr:
    """Hash the customer; rows without one, who are no customer, go by their order, so that it stays whole."""
    key = pl.col("time").cast(pl.Int64).hash(0) if "time" in schema else pl.lit(0, pl.UInt64)
    for role in ("order", "customer"):
        if role in schema:
            ids = pl.col(role).cast(kinds[role])
            named = ids.is_not_null() & (ids != "") if kinds[role] == pl.String else ids.is_not_null()
            key = pl.when(named).then(ids.hash(0)).otherwise(key)
    return key


def _files(folder: Path, number: int) -> list[Path]:
    return sorted((folder / f"part={number}").glob("*.parquet"))


def _rows(files: list[Path]) -> int:
    return int(pl.scan_parquet(files).select(pl.len()).collect().item()) if files else 0


def _check_size(largest: Mapping[int, int], manifest: Manifest, reading: Reading) -> None:
    rows, wide = max(largest.values(), default=0), line_bytes(reading)
    if rows * wide * 3 // 2 > manifest.memory and sum(largest.values()) * wide > manifest.memory:
        raise CapacityError(
            f"one of {manifest.partitions} partitions has {rows:,} of {sum(largest.values()):,} lines, because a customer or "
            f"an order has so many: {rows * wide * 3 // 2 // 2**20 + 1:,} MiB of memory would do. Pass test_customers= if "
            f"it is no customer."
        )


def _labels_file(folder: Path, what: str, generation: int, at: int) -> Path:
    return folder / f"{what}-{at}.{generation}.labels"


def _keep_counts(folder: Path, what: str, generation: int, at: int, pairs: pl.LazyFrame) -> pl.DataFrame:
    """Count labels, add the counts of the readings before, and keep the sum for later ones."""
    counts = label_counts(pairs).collect(engine="streaming")
    before = _labels_file(folder, what, generation, at)
    if generation:
        counts = label_counts(pl.concat([pl.read_parquet(before), counts]).lazy()).collect()
    with whole_file(_labels_file(folder, what, generation + 1, at)) as unfinished:
        counts.write_parquet(unfinished)
    return counts


def _build(
    folder: Path, rows: Path, manifest: Manifest, reading: Reading, number: int, held_reins: Reins
) -> None:
    """Build the ledger of a partition from its rows, merge it with the one before, and save it."""
    builder, notes = reading.builder(), Counter[str]()
    here = list[tuple[int, Path]]()
    many = 0
    for at, part in enumerate(reading.parts):
        files = _files(rows / f"{at:05}", number)
        if files:
            spread = pl.scan_parquet(files)
            schema = spread.collect_schema()
            marks = [name for name, kind in schema.items() if kind == pl.Boolean]
            canonical = [name for name in schema if name not in (*marks, ROW)]
            steps = Recipe([pl.col(canonical)], {name: pl.col(name) for name in marks})
            many += push_part(builder, Part(part.name, spread, schema), steps, notes)
            here += [(manifest.ends[at], file) for file in files]
    if not many:
        builder.push(reading.no_rows())
    core, account = builder.finish(reading.zone, held_reins)

    def place(row: int) -> int:
        numbers = pl.concat(
            [pl.scan_parquet(file).select(pl.col(ROW).cast(pl.Int64) + first) for first, file in here]
        )
        return int(numbers.slice(row, 1).collect().item())

    tally = Tally.of(account, many, notes, place)
    if manifest.generation:
        before, _ = _core.Ledger.open(str(ledger_file(folder, number, manifest.generation)))
        core = before.merge(core, held_reins)
    items, customers = dict[str, pl.DataFrame](), dict[str, pl.DataFrame]()
    kind = pl.DataFrame(core.items()).schema.get("item", pl.String())
    for at, name in enumerate(wanted("item", reading.resolved)):
        items[name] = pl.read_parquet(_labels_file(folder, "items", manifest.generation + 1, at))
    kind = pl.DataFrame(core.customers()).schema.get("customer", pl.String())
    for at, name in enumerate(wanted("customer", reading.resolved)):
        files = _files(rows / f"labels-{at}", number)
        nobody = pl.LazyFrame(schema={"customer": kind, name: pl.String})
        pairs = pl.scan_parquet(files).drop(ROW) if files else nobody
        customers[name] = _keep_counts(folder, f"{number:04}", manifest.generation, at, pairs)
    core = labelled(core, items, customers)
    with whole_file(ledger_file(folder, number, manifest.generation + 1)) as unfinished:
        core.save(str(unfinished), json.dumps({"tally": tally.to_json()}, ensure_ascii=False))


def _finish(folder: Path, manifest: Manifest, reading: Reading) -> Manifest:
    """Sum up all partitions in the manifest, which makes the new generation the one that counts."""
    generation = manifest.generation + 1
    tallies, cores = list[Tally](), list[_core.Ledger]()
    for number in range(manifest.partitions):
        core, note = _core.Ledger.open(str(ledger_file(folder, number, generation)))
        tallies.append(Tally.from_json(json.loads(note)["tally"]))
        cores.append(core)
    tally = reduce(add, tallies)
    for part in reading.parts:
        tally += Tally(0, {}, [0] * len(tally.noted), dict(part.notes))
    shown = examples(tally, reading, manifest.ends) | manifest.shown
    if manifest.generation:
        tally = Tally.from_json(manifest.tally) + tally
    counts = _counts(cores)
    quality = sheet(tally, reading, shown, tree_totals(counts))
    told: dict[str, Any] = recorded(reading)
    known = manifest.reading.get("options", {}).get("currency")
    told["options"]["currency"] = told["options"]["currency"] or known
    return manifest.write(
        folder,
        generation=generation,
        pending=None,
        ends=[],
        reading=told,
        tally=tally.to_json(),
        shown=shown,
        counts=counts,
        quality=quality.to_json(),
    )


def _counts(cores: Sequence[_core.Ledger]) -> Counts:
    spans = [core.span for core in cores if core.span is not None]
    items: pl.Series | None = None
    for core in cores:
        here = pl.DataFrame(core.items()).to_series(0)
        items = here if items is None else pl.concat([items, here]).unique()
    return Counts(
        n_customers=sum(core.n_customers for core in cores),
        n_orders=sum(core.n_orders for core in cores),
        n_guest_orders=sum(core.n_guest_orders for core in cores),
        n_lines=sum(core.n_lines for core in cores),
        n_items=0 if items is None else len(items),
        span=(min(first for first, _ in spans), max(last for _, last in spans)) if spans else None,
        zone=cores[0].zone,
    )
