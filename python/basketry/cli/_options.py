"""The options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Source = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        help="A csv or parquet file, several, a glob, a folder, or a saved .ledger file.",
    ),
]
Config = Annotated[Path | None, typer.Option("--config", help="A basketry.toml, as `inspect` writes it.")]
Preset = Annotated[
    str | None, typer.Option("--preset", help="generic, online-retail, cdnow or olist; guessed if not given.")
]
Timezone = Annotated[
    str | None,
    typer.Option("--timezone", help="The shop's zone, such as Europe/London, where times have none."),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="DATE", help="Leave out orders at or after it; the end of the data if not given."
    ),
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="How many threads; all if not given.")]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        help="The most memory to take, such as 2GiB: a larger dump is worked off in partitions of customers.",
    ),
]
Partitions = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="DIR", help="Keep the partitions here, for the next question; with --memory."
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all chance.")]
Force = Annotated[bool, typer.Option("--force", help="Write though something else is there.")]
RawCsv = Annotated[
    bool,
    typer.Option(
        "--raw-csv", help="Write text cells that a spreadsheet would take for formulas as they are."
    ),
]
Interactive = Annotated[
    bool, typer.Option("--interactive", help="Embed the charts live, with their scripts.")
]
Folder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write.")]
Item = Annotated[
    str | None,
    typer.Option(
        "--item", metavar="ATTRIBUTE", help="What counts as an item, such as category; items if not given."
    ),
]
MinSupport = Annotated[
    float | None, typer.Option("--min-support", help="The least share, above 0 and up to 1.")
]
MinCount = Annotated[int | None, typer.Option("--min-count", help="The least number, in place of the share.")]
MaxLength = Annotated[int | None, typer.Option("--max-length", help="The most items or events.")]
Names = list[str] | None


def each(name: str, meta: str, text: str) -> Any:
    """Make an option that may be repeated.

    Parameters
    ----------
    name, meta, text
        The option, what it takes, and its help.
    """
    return typer.Option(name, metavar=meta, help=f"{text}; may be repeated.")


Basket = Annotated[str | None, typer.Option("--basket", help="order, day or customer.")]
Items = Annotated[
    Names, each("--item", "ATTRIBUTE", "What counts as an item, such as category; several are combined")
]
Levels = Annotated[
    Names, each("--level", "ATTRIBUTE", "An axis (item, category, or brand,category) beside others")
]
Excludes = Annotated[Names, each("--excludes", "ITEM", "An item that is left out")]
