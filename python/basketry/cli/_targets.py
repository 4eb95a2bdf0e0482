"""What the commands that foretell share: their options, and the programme they run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from basketry.cli._question import Asked, question

if TYPE_CHECKING:
    import polars as pl

    from basketry.campaigns.channels import Channel
    from basketry.ledger import Ledger
    from basketry.models.programme import Programme

_Target = Annotated[
    str,
    typer.Option(
        "--target",
        help="reactivation, repurchase, churn, sale, return, or ATTRIBUTE=LABEL such as category=tea.",
    ),
]
_Learners = Annotated[
    list[str] | None,
    typer.Option(
        "--learner", help="lasso, ridge, forest, boosting, network, svm or lightgbm; may come several times."
    ),
]
_Window = Annotated[
    str, typer.Option("--window", help="How long silent or active before the date: 90d, 3mo.")
]
_Label = Annotated[str, typer.Option("--label", help="How far ahead to look: 90d, 3mo.")]
_Gap = Annotated[str, typer.Option("--gap", help="How long until anything can come of it.")]
_Folds = Annotated[int, typer.Option("--folds", min=1, help="How many later dates to test on.")]
_Category = Annotated[
    str | None, typer.Option("--category", metavar="ATTRIBUTE", help="Labels of items that are counted.")
]
_Discount = Annotated[
    str | None, typer.Option("--discount", metavar="MEASURE", help="The measure that holds discounts.")
]


@dataclass(frozen=True, kw_only=True)
class _Options:
    """What every command that foretells takes."""

    target: _Target = "reactivation"
    learner: _Learners = None
    window: _Window = "90d"
    label: _Label = "90d"
    gap: _Gap = "0d"
    folds: _Folds = 3
    category: _Category = None
    discount: _Discount = None

    def run(self, ledger: Ledger, asked: Asked, **more: Any) -> Programme:
        """Run the programme, and tell its verdict on stderr."""
        from basketry.models.learners import USUAL
        from basketry.models.programme import propensity_programme

        own = asdict(self)
        attribute, sign, label = own.pop("target").partition("=")
        target = {attribute: label} if sign else attribute
        learners = own.pop("learner") or USUAL
        found = propensity_programme(
            ledger, target=target, as_of=asked.as_of, learners=learners, rng=asked.seed, n_threads=asked.threads,
            **own, **more,
        )  # fmt: skip
        typer.echo(found.comparison.verdict, err=True)
        return found


def foretelling(answer: Callable[..., pl.DataFrame]) -> Callable[..., None]:
    """Make a command of a function that answers from a programme.

    Parameters
    ----------
    answer
        Takes what runs the programme when it is called, and its own options, which stand behind those of all such commands.
    """

    def asked_for(ledger: Ledger, asked: Asked, **options: Any) -> pl.DataFrame:
        shared = _Options(**{one.name: options.pop(one.name) for one in fields(_Options)})
        return answer(partial(shared.run, ledger, asked), **options)

    first = list(inspect.signature(asked_for).parameters.values())[:2]
    shared = inspect.signature(_Options, eval_str=True).parameters.values()
    own = list(inspect.signature(answer).parameters.values())[1:]
    parameters = [
        *first,
        *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*shared, *own)),
    ]
    asked_for.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    asked_for.__name__, asked_for.__doc__ = answer.__name__, answer.__doc__
    return question(asked_for)


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
