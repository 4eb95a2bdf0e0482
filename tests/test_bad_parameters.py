"""Wrong arguments and wrong settings are refused early, with name, value, range and mend; odd frames are no crash."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import basketry as bk
from basketry.exceptions import BasketryError, ParameterError, SchemaError
from basketry.ledger import Ledger, read_ledger

DAY = pl.DataFrame(
    {"customer": ["ann", "bob"], "order": [1, 2], "time": [date(2024, 1, 1)] * 2, "amount": [1.0, 2.5]}
)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("timezone", 3, "a text is needed, or None"),
        ("timezone", True, "a text is needed, or None"),
        (
            "timezone",
            "Europe/Lodnon",
            "a name of the IANA database is needed, such as 'Europe/London' or 'UTC'",
        ),
        ("returns", "nett", "is not known; did you mean 'net'? Known: 'net', 'keep', 'drop'"),
        ("returns", True, "is not known. Known: 'net', 'keep', 'drop'"),
        ("guests", 1, "is not known. Known: 'keep', 'drop'"),
        ("on_bad_rows", "rais", "is not known; did you mean 'raise'? Known: 'raise', 'drop'"),
        ("decimal", ";", "is not known. Known: '.', ','"),
        ("currency", 3, "a text is needed, or None"),
        ("currency", "", "a text is needed, or None"),
        ("cancelled_prefix", 3, "a text is needed, or None"),
        ("cancelled_status", "void", "a list of texts is needed, such as ['void']"),
        ("cancelled_status", [3], "a list of texts is needed, such as ['void']"),
        ("test_customers", "(", "a regular expression or a list of ids is needed"),
        ("test_customers", 3.5, "a regular expression or a list of ids is needed"),
        ("float_ids", "yes", "True or False is needed"),
        ("date_format", 3, "a text is needed, or None"),
        ("until", "soon", "a date or time in ISO 8601 is needed, such as '2011-12-10'"),
        ("until", 3, "a date, a datetime or a text in ISO 8601 is needed"),
        ("until", float("nan"), "a date, a datetime or a text in ISO 8601 is needed"),
        ("separator", ";;", "one character such as ';' is needed, or None"),
        ("separator", 3, "one character such as ';' is needed, or None"),
        ("encoding", "nope", "'utf8', 'utf8-lossy' or a name that Python knows is needed, such as 'latin-1'"),
        ("encoding", 3, "'utf8', 'utf8-lossy' or a name that Python knows is needed, such as 'latin-1'"),
        ("columns", 3, "a mapping of name to column is needed"),
        ("columns", {"customer": 3}, "a mapping of name to column is needed"),
        ("measures", ["margin"], "a mapping of name to column is needed"),
        ("measures", {"amount": "amount"}, "'amount' is a name of basketry's own, choose another"),
        ("item_attributes", {"item": "amount"}, "'item' is a name of basketry's own, choose another"),
        (
            "customer_attributes",
            {"customer": "amount"},
            "'customer' is a name of basketry's own, choose another",
        ),
        ("n_threads", 0, "a whole number from 1 up, or None for all"),
        ("n_threads", -1, "a whole number from 1 up, or None for all"),
        ("n_threads", True, "a whole number from 1 up, or None for all"),
        ("n_threads", float("nan"), "a whole number from 1 up, or None for all"),
        ("n_threads", "2", "a whole number from 1 up, or None for all"),
        ("config", 3, "the path of a basketry.toml is needed"),
    ],
)
def test_arguments_of_read_ledger(name: str, value: object, said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        read_ledger(DAY, **({"timezone": "UTC"} | {name: value}))
    text = str(caught.value)
    assert text in (f"{name}={value!r}: {said}.", f"{name}={value!r} {said}.")


def test_unknown_names_are_told_with_the_nearest() -> None:
    with pytest.raises(
        ParameterError, match=r"preset='olits' is not known; did you mean 'olist'\? Known: 'gen"
    ):
        read_ledger(DAY, preset="olits")
    with pytest.raises(ParameterError, match=r"columns='custmer' is not known; did you mean 'customer'\?"):
        read_ledger(DAY, columns={"custmer": "customer"})
    with pytest.raises(ParameterError, match=r"source='line' is not known; did you mean 'lines'\?"):
        read_ledger({"line": DAY})
    with pytest.raises(ParameterError, match=r"keys='order' is not known; did you mean 'orders'\?"):
        read_ledger({"lines": DAY}, keys={"order": ("order", "id")})
    with pytest.raises(
        ParameterError, match=r"keys=.*: pairs \(column of lines, column of the table\) are needed"
    ):
        read_ledger({"lines": DAY}, keys={"orders": "id"})


@pytest.mark.parametrize("source", [3, None, b"dump.csv", [3], object()])
def test_sources_that_are_none(source: object) -> None:
    with pytest.raises(
        ParameterError, match="a path, a frame, a mapping of tables or an Arrow stream is needed"
    ):
        read_ledger(source)


def test_empty_sources() -> None:
    with pytest.raises(ParameterError, match=r"source=\[\]: a list of at least one file or frame is needed"):
        read_ledger([])
    with pytest.raises(ParameterError, match=r"source=\[\]: the table 'lines' is needed"):
        read_ledger({})


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (
            "[input]\ntimezon = 'UTC'",
            "the key 'input.timezon' is not known; did you mean 'timezone'? Known: preset,",
        ),
        (
            "[clean]\nreturn = 'net'",
            "the key 'clean.return' is not known; did you mean 'returns'? Known: returns,",
        ),
        ("[inptu]", "the key 'inptu' is not known; did you mean 'input'? Known: input, clean."),
        ("[input]\ntimezone = 3", "input.timezone=3: input should be a valid string."),
        ("[clean]\nreturns = 'nett'", "clean.returns='nett': input should be 'net', 'keep' or 'drop'."),
        ("input = 3", "input=3: input should be a valid dictionary"),
    ],
)
def test_settings_in_a_file(toml: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "basketry.toml"
    path.write_text(toml)
    with pytest.raises(ParameterError) as caught:
        read_ledger(DAY, config=path)
    assert str(caught.value).startswith(f"{path}: {said}")


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "basketry.toml"
    with pytest.raises(SchemaError, match=r"basketry.toml cannot be read: No such file"):
        read_ledger(DAY, config=path)
    path.write_text("[input\n")
    with pytest.raises(SchemaError, match=r"basketry.toml is no TOML: .*line 1"):
        read_ledger(DAY, config=path)


def test_settings_are_taken_unless_said_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "basketry.toml"
    path.write_text(
        "[input]\ntimezone = 'Asia/Tokyo'\nseparator = ';'\nencoding = 'latin-1'\ncolumns = {customer = 'who', "
        "time = 'day', amount = 'paid'}\nmeasures = {m = 'm'}\n[clean]\nreturns = 'keep'\nuntil = 2024-02-01\n"
    )
    dump = tmp_path / "dump.csv"
    dump.write_bytes("who;day;paid;m\né;2024-01-01;2.5;1\né;2024-03-01;2.5;1\n".encode("latin-1"))
    ledger = read_ledger(dump, config=path)
    assert (ledger.timezone, ledger.returns, ledger.n_lines) == ("Asia/Tokyo", "keep", 1)
    assert ledger.customers()["customer"].to_list() == ["é"]
    assert read_ledger(dump, config=path, timezone="UTC", returns="net").timezone == "UTC"
    dump.write_text("who;day;paid;m\né;2024-01-01;2.5;1\n", encoding="utf-8")
    assert read_ledger(dump, config=path, encoding="utf8").customers()["customer"].to_list() == ["é"]


def test_arguments_of_a_ledger() -> None:
    ledger = read_ledger(DAY, timezone="UTC")
    for start, end, name in ((-1, 2, "start"), (0, 1.5, "end"), (True, 2, "start"), (0, "2", "end")):
        with pytest.raises(ParameterError, match=rf"{name}=.*: a whole number from 0 up is needed"):
            ledger.slice(start, end)
    for as_of in ("soon", float("nan"), True, 3):
        with pytest.raises(ParameterError, match="as_of="):
            bk.rfm(ledger, as_of=as_of)
    for share in (0, 1, -0.5, float("nan"), float("inf"), True, "x", None):
        with pytest.raises(ParameterError, match=r"big_fish=.*: a share above 0 and below 1 is needed"):
            bk.rfm(ledger, big_fish=share)
    for orders in (1, "x", 2.5, float("nan"), True):
        with pytest.raises(ParameterError, match="loyal_orders="):
            bk.rfm(ledger, loyal_orders=orders)
    for name, value in (
        ("results", 0),
        ("bytes", 1.5),
        ("seconds", float("nan")),
        ("results", "x"),
        ("bytes", True),
    ):
        with pytest.raises(ParameterError, match=rf"budget.{name}={value!r}"):
            bk.Budget(**{name: value})


@pytest.mark.parametrize(
    "name",
    ["a\0b", "😀" * 3, "שלום", "e\u0301", "é", "\u202eabc", "=1+1", "<b>", "x" * (1 << 20), " ", "null"],
)
def test_any_text_is_an_id(name: str) -> None:
    rows = DAY.with_columns(
        customer=pl.lit(name), order=pl.lit(name), item=pl.lit(name), category=pl.lit(name)
    )
    ledger = read_ledger(rows, timezone="UTC")
    assert ledger.customers()["customer"].to_list() == [name]
    assert ledger.items().row(0) == (name, name)
    assert ledger.orders()["order"].to_list() == [name]


SHAPES = {
    "no row": DAY.clear(),
    "untyped and empty": pl.DataFrame({"customer": [], "order": [], "time": [], "amount": []}),
    "only nulls": DAY.select(pl.lit(None).alias(name) for name in DAY.columns),
    "one customer": DAY[:1],
    "all equal": pl.concat([DAY[:1]] * 50),
    "all different": pl.DataFrame(
        {"customer": range(500), "order": range(500), "time": [date(2024, 1, 1)] * 500, "amount": range(500)}
    ),
    "only guests": DAY.with_columns(customer=pl.lit(None, pl.String)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_odd_frames_have_the_usual_columns(shape: str) -> None:
    usual = read_ledger(DAY, timezone="UTC")
    ledger = read_ledger(SHAPES[shape], timezone="UTC")
    assert isinstance(ledger, Ledger)
    for name in ("orders", "lines", "customers", "items"):
        found, expected = getattr(ledger, name)(), getattr(usual, name)()
        assert found.columns == expected.columns
        changing = {"customer", "order", "item"}
        kinds = [kind for column, kind in found.schema.items() if column not in changing]
        assert kinds == [kind for column, kind in expected.schema.items() if column not in changing]
    assert bk.rfm(ledger).columns == bk.rfm(usual).columns
    assert bk.rfm(ledger).height == ledger.n_customers
    assert ledger.quality.frame.schema == usual.quality.frame.schema
    assert str(ledger.quality)
    assert repr(ledger).startswith("Ledger(")


FORKED = """
import multiprocessing, basketry, polars
from datetime import date
shop = basketry.read_ledger(polars.DataFrame({"customer": [1], "time": [date(2024, 1, 1)], "amount": [1.0]}), timezone="UTC")
def ask(queue):
    try:
        queue.put(basketry.rfm(shop).height)
    except basketry.exceptions.BasketryError as error:
        queue.put(str(error))
context = multiprocessing.get_context("fork")
queue = context.Queue()
child = context.Process(target=ask, args=(queue,))
child.start()
print(queue.get(timeout=60))
child.join(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_fork_after_use_is_refused_and_does_not_hang() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, timeout=60, check=True
    )
    assert "forked after basketry was used" in done.stdout
    assert "'spawn' or 'forkserver'" in done.stdout


def test_all_errors_are_of_one_family() -> None:
    for kind in (SchemaError, ParameterError):
        assert issubclass(kind, BasketryError)
        assert issubclass(kind, ValueError)
