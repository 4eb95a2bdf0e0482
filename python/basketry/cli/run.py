"""`basketry run`: from a dump to a report."""

from __future__ import annotations

from pathlib import Path

from basketry.cli._options import (
    AsOf,
    Axis,
    Config,
    Folder,
    Force,
    Interactive,
    Preset,
    RawCsv,
    Seed,
    Source,
    Threads,
    Timezone,
)


def run(
    source: Source,
    output: Folder = Path("out"),
    config: Config = None,
    preset: Preset = None,
    timezone: Timezone = None,
    as_of: AsOf = None,
    axis: Axis = "item",
    seed: Seed = 0,
    threads: Threads = None,
    interactive: Interactive = False,
    raw_csv: RawCsv = False,
    force: Force = False,
) -> None:
    """Ask everything of a dump and write report, tables and ledger into a folder."""
    from basketry.cli._analysis import Parameters
    from basketry.cli._produce import output_folder, produce, say_where
    from basketry.cli._progress import Steps
    from basketry.cli._source import named, open_source

    steps = Steps()
    parameters = Parameters(as_of=as_of, axis=axis, seed=seed, n_threads=threads)
    with output_folder(output, force) as folder:
        with steps("read"):
            ledger = open_source(source, config=config, preset=preset, timezone=timezone, threads=threads)
        produce(
            ledger,
            folder,
            steps=steps,
            parameters=parameters,
            title=named(source),
            source=[Path(name).name for name in source],
            interactive=interactive,
            raw_csv=raw_csv,
        )
    say_where(output)
