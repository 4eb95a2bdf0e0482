"""`basketry simulate`: a shop of known truth, as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from basketry.cli._options import Folder, Force, Threads, each

if TYPE_CHECKING:
    from basketry.simulation import Simulation

_MARK = "config.json"
_TABLES = (
    *("customers", "items", "products", "orders", "lines"),
    *("returns", "channels", "personas", "prospects", "behaviour"),
)
_OURS = {f"{name}.{ending}" for name in _TABLES for ending in ("parquet", "csv")}
_OURS |= {_MARK, "truth", "basketry.toml"}


def simulate(
    output: Folder,
    world: Annotated[
        str, typer.Option("--world", help="easy, hard, null, season-only, stationary or missions.")
    ] = "easy",
    customers: Annotated[int, typer.Option("--customers", min=1, help="How many customers.")] = 20_000,
    items: Annotated[int, typer.Option("--items", min=120, help="How many items.")] = 600,
    weeks: Annotated[int, typer.Option("--weeks", min=1, help="Length of the log.")] = 104,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all chance.")] = 7,
    parts: Annotated[
        list[str] | None, each("--part", "NAME", "outcomes, personas or prospects beside the shop")
    ] = None,
    faulty: Annotated[bool, typer.Option("--faulty", help="A dump with nine faults, as csv.")] = False,
    threads: Threads = None,
    force: Force = False,
) -> None:
    """Simulate a shop and write its tables and its truth."""
    from basketry.cli._folder import whole_folder
    from basketry.cli._progress import Steps
    from basketry.simulation import simulate as make

    steps = Steps()
    with whole_folder(output, mark=_MARK, ours=_OURS, force=force) as folder:
        with steps("simulate"):
            shop = make(
                world,
                customers=customers,
                items=items,
                weeks=weeks,
                rng=seed,
                n_threads=threads,
                parts=parts or (),
            )
        with steps("write"):
            if faulty:
                _write_faulty(shop, folder)
            else:
                shop.write(folder)
    typer.echo(output)


def _write_faulty(shop: "Simulation", folder: Path) -> None:
    """Write the dump, how it is read, and beside it the clean shop with what is wrong."""
    from basketry.cli._toml import config_text

    faults = shop.write_faulty(folder)
    shop.write(folder / "truth")
    (folder / "truth" / _MARK).rename(folder / _MARK)
    faults.counts.write_parquet(folder / "truth" / "fault_counts.parquet")
    faults.rows.write_parquet(folder / "truth" / "fault_rows.parquet")
    faults.totals.write_parquet(folder / "truth" / "totals.parquet")
    clean = {"duplicates": "drop", "test_customers": "^TEST-", "until": faults.totals["until"].item()}
    (folder / "basketry.toml").write_text(
        config_text({"input": {"timezone": "UTC", "currency": "EUR"}, "clean": clean}), encoding="utf-8"
    )
