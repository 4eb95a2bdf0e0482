"""`basketry demo`: a simulated shop, from nothing to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from basketry.cli._options import Folder, Force, Interactive, Seed, Threads


def demo(
    output: Folder = Path("out"),
    customers: Annotated[
        int, typer.Option("--customers", min=1, help="How many customers the shop has.")
    ] = 20_000,
    seed: Seed = 7,
    threads: Threads = None,
    interactive: Interactive = False,
    force: Force = False,
) -> None:
    """Simulate a shop, ask everything of it and write its report."""
    from basketry.cli._analysis import Parameters
    from basketry.cli._produce import output_folder, produce, say_where
    from basketry.cli._progress import Steps
    from basketry.simulation import simulate

    steps = Steps()
    with output_folder(output, force) as folder:
        with steps("simulate"):
            ledger = simulate("easy", customers=customers, rng=seed, n_threads=threads).ledger
        produce(
            ledger,
            folder,
            steps=steps,
            # The laws of the simulated shop hold between its product segments.
            parameters=Parameters(axis="product_segment", seed=seed, n_threads=threads),
            title="A simulated shop",
            source=[f"simulation of {customers:,} customers"],
            interactive=interactive,
            raw_csv=False,
        )
    say_where(output)
