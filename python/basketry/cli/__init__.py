"""The command `basketry`: it parses, calls and prints; what it knows of shops is in the rooms below.

Nothing here imports a frame library before a command runs, so that ``basketry --help`` answers at once.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from basketry.cli._interrupt import answering_ctrl_c
from basketry.cli.cohorts import cohorts
from basketry.cli.compare import compare
from basketry.cli.demo import demo
from basketry.cli.due import due
from basketry.cli.features import features
from basketry.cli.inspect import inspect
from basketry.cli.itemsets import itemsets
from basketry.cli.lags import lags
from basketry.cli.lifetime import lifetime
from basketry.cli.lookalike import lookalike
from basketry.cli.missions import cube, groups, missions
from basketry.cli.motivation import motivation
from basketry.cli.personas import personas
from basketry.cli.revenue import concentration, revenue
from basketry.cli.rfm import rfm
from basketry.cli.rules import rules
from basketry.cli.run import run
from basketry.cli.score import score
from basketry.cli.segments import segments
from basketry.cli.sequences import sequences
from basketry.cli.simulate import simulate

DONE, REFUSED, WRONG_CALL, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="basketry",
    help="From a shop's raw transactions to rules, sequences, segments and a report.",
    epilog="Data go to stdout, messages to stderr. Exit codes: 0 done, 1 the data or a budget said no, "
    "2 wrong call, 130 interrupted.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from basketry.cli._produce import own_version

        typer.echo(f"basketry {own_version()}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


for _command in (demo, inspect, run):
    app.command()(_command)
for _command in (rfm, features, cohorts, lifetime, segments, itemsets, rules, sequences, lags, due):
    app.command()(_command)
for _command in (score, compare):
    app.command()(_command)
for _command in (revenue, concentration, motivation, groups, missions, cube):
    app.command()(_command)
app.command()(personas)
app.command()(lookalike)
app.command()(simulate)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit code.

    Parameters
    ----------
    arguments
        What was typed after the name; None takes it from the process.
    """
    typed = sys.argv[1:] if arguments is None else arguments
    # An option of the whole command is welcome behind the verb, too.
    debug = "--debug" in typed
    typed = [word for word in typed if word != "--debug"]
    with answering_ctrl_c():
        code = _run(typed, debug=debug)
    sys.exit(code)


def _run(typed: list[str], *, debug: bool) -> int:
    try:
        code = app(typed, prog_name="basketry", standalone_mode=False)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except TyperException as error:
        return _refuse(error.format_message(), WRONG_CALL)
    except Exception as error:
        if debug:
            raise
        return _refuse(_told(error), _code(error))
    if code == INTERRUPTED:
        return _refuse("interrupted, nothing was written", INTERRUPTED)
    return code if isinstance(code, int) else DONE


def _refuse(message: str, code: int) -> int:
    line = " ".join(message.split())
    if line:
        typer.echo(f"basketry: {line}", err=True)
    return code


def _code(error: Exception) -> int:
    from basketry.exceptions import ParameterError

    return WRONG_CALL if isinstance(error, ParameterError) else REFUSED


def _told(error: Exception) -> str:
    from basketry.exceptions import BasketryError

    if isinstance(error, BasketryError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    return f"unexpected {type(error).__name__}: {error}. --debug shows where; please report it"
