"""What the commands that foretell share: their options, and the programme they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._question import Asked

if TYPE_CHECKING:
    from basketry.campaigns.channels import Channel
    from basketry.ledger import Ledger
    from basketry.models.programme import Programme

Target = Annotated[
    str,
    typer.Option(
        "--target",
        help="reactivation, repurchase, churn, sale, return, or ATTRIBUTE=LABEL such as category=tea.",
    ),
]
Window = Annotated[str, typer.Option("--window", help="How long silent or active before the date: 90d, 3mo.")]
Label = Annotated[str, typer.Option("--label", help="How far ahead to look: 90d, 3mo.")]
Gap = Annotated[str, typer.Option("--gap", help="How long until anything can come of it.")]
Folds = Annotated[int, typer.Option("--folds", min=1, help="How many later dates to test on.")]
Learners = Annotated[
    list[str] | None,
    typer.Option(
        "--learner", help="lasso, ridge, forest, boosting, network, svm or lightgbm; may come several times."
    ),
]
Category = Annotated[
    str | None, typer.Option("--category", metavar="ATTRIBUTE", help="Labels of items that are counted.")
]
Discount = Annotated[
    str | None, typer.Option("--discount", metavar="MEASURE", help="The measure that holds discounts.")
]


def programme_of(
    ledger: Ledger, asked: Asked, target: str, learners: list[str] | None, own: dict[str, Any]
) -> Programme:
    """Run the programme that a command asks for, and tell its verdict on stderr.

    Parameters
    ----------
    ledger
        The shop.
    asked
        The shared options.
    target
        As typed.
    learners
        As typed; None for the usual ones.
    own
        Further arguments of the programme.
    """
    from basketry.models.learners import USUAL
    from basketry.models.programme import propensity_programme

    attribute, sign, label = target.partition("=")
    found = propensity_programme(
        ledger, target={attribute: label} if sign else target, as_of=asked.as_of, learners=learners or USUAL,
        rng=asked.seed, n_threads=asked.threads, **own,
    )  # fmt: skip
    typer.echo(found.comparison.verdict, err=True)
    return found


def read_channels(path: Path) -> dict[str, Channel]:
    """Read channels from a csv of ``channel``, ``cost`` and ``factor``.

    Parameters
    ----------
    path
        The file.
    """
    import polars as pl

    from basketry.campaigns.channels import Channel
    from basketry.exceptions import ParameterError, SchemaError

    if not path.is_file():
        raise ParameterError.out_of_range("--channel-costs", str(path), "there is no such file")
    table = pl.read_csv(path)
    for name in ("channel", "cost", "factor"):
        if name not in table.columns:
            raise SchemaError.unknown_column(name, "channel costs", table.columns)
    return {str(row["channel"]): Channel(row["cost"], row["factor"]) for row in table.iter_rows(named=True)}
