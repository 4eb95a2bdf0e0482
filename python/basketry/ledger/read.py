"""`read_ledger`: from a dump to a ledger, with every row accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from basketry.control import Reins, reins
from basketry.exceptions import ParameterError, SchemaError
from basketry.ledger.accounting import Tally, examples, sheet
from basketry.ledger.attributes import attributed
from basketry.ledger.ledger import Ledger, tree_totals
from basketry.ledger.mapping import PRESETS, Layout, Resolved, guess_preset, marked, preset_layout, resolve
from basketry.ledger.options import Options
from basketry.ledger.part import Part
from basketry.ledger.reading import Reading, push_part
from basketry.ledger.sources import open_parts
from basketry.ledger.zones import Moment


def read_ledger(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    preset: str | None = None,
    config: str | Path | None = None,
    timezone: str | None = None,
    returns: str | None = None,
    guests: str | None = None,
    cancelled: str | None = None,
    cancelled_prefix: str | None = None,
    cancelled_status: Sequence[str] | None = None,
    zero_prices: str | None = None,
    negative_prices: str | None = None,
    duplicates: str | None = None,
    overlap: str | None = None,
    currency: str | None = None,
    test_customers: str | Sequence[str] | None = None,
    until: Moment | None = None,
    on_bad_rows: str | None = None,
    date_format: str | None = None,
    decimal: str | None = None,
    float_ids: bool | None = None,
    measures: Mapping[str, str] | None = None,
    item_attributes: Mapping[str, str] | None = None,
    customer_attributes: Mapping[str, str] | None = None,
    keys: Mapping[str, tuple[str, str]] | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    n_threads: int | None = None,
) -> Ledger:
    """Read a dump of transactions into a ledger.

    Rows may come in any order and in any number of files. Every row is used or set aside by a reason; `Ledger.quality` tells
    how many and why. What is not given is taken from ``config``, then from the preset, then from general defaults.

    Parameters
    ----------
    source
        A csv or parquet file, a glob, a folder (of equal files, or of related tables: lines, orders, customers, products), a
        list of those, a mapping of tables, a polars frame or lazy frame, or any object with ``__arrow_c_stream__``.
    columns
        Role -> column; without a preset these and no others are read. Roles: ``customer, order, time, item,
        quantity, price, amount, currency, status``. Without ``order`` the rows of a customer at one instant are one
        order; without ``amount`` it is quantity x price.
    preset
        ``generic``, ``online-retail``, ``cdnow`` or ``olist``. None guesses by the columns.
    config
        A basketry.toml, as ``basketry inspect`` writes it.
    timezone
        The shop's time zone, by its IANA name. Needed where times have none.
    returns
        Lines of negative quantity are never purchases. ``net``: money is purchases less returns; ``keep``: money is
        purchases alone and returns stay visible; ``drop``: they are set aside.
    guests
        Rows without a customer: ``keep`` (baskets without a customer) or ``drop``.
    cancelled, cancelled_prefix, cancelled_status
        ``drop`` or ``keep`` rows whose order id begins with the prefix or whose status is one of the list.
    zero_prices, negative_prices
        ``keep`` or ``drop`` purchases that cost nothing, or less than nothing.
    duplicates
        ``keep`` or ``drop`` lines that repeat another line of their order in every mapped column.
    overlap
        Files whose times overlap: ``keep`` reads all rows; ``later`` takes the later file from its first instant on.
    currency
        The one currency to read; needed where the dump holds several.
    test_customers
        A regular expression or a list of ids that are no customers.
    until
        The first instant after the dump; later rows are in the future.
    on_bad_rows
        ``raise`` or ``drop`` rows whose date or number cannot be read.
    date_format
        The format of dates held as text, in chrono's notation.
    decimal
        The decimal mark of numbers held as text: ``.`` or ``,``.
    float_ids
        Read ids held as floats as whole numbers.
    measures
        Name -> column of further numbers of a line, such as ``{"margin": "margin"}``.
    item_attributes, customer_attributes
        Name -> column; the most frequent value of an item or customer counts, the smallest of equally frequent ones.
    keys
        How related tables join: table -> (column of lines, column of the table).
    separator, encoding
        How csv files are written. None guesses the separator from the header, and takes ``utf8``.
    n_threads
        How many threads to use; None for all.

    Returns
    -------
    Ledger
        The same for any order of rows, any chunking and any number of threads.

    Raises
    ------
    SchemaError
        If the data are not what the mapping says; the text names the column, the row, the value and the mend.
    ParameterError
        If an argument is out of range.

    Examples
    --------
    >>> import basketry as bk, polars as pl
    >>> from datetime import date
    >>> dump = pl.DataFrame({
    ...     "who": ["ann", "bob", None], "what": ["tea", "cup", "tea"], "when": [date(2024, 1, 2)] * 3,
    ...     "pieces": [2, 1, 1], "each": [1.5, 8.0, 1.5]})
    >>> shop = bk.read_ledger(dump, timezone="Europe/Paris", columns={
    ...     "customer": "who", "item": "what", "time": "when", "quantity": "pieces", "price": "each"})
    >>> print(shop.quality)
                3 rows in
                3 used      used
                1 noted     no customer, kept as a basket
                2 customers, 3 orders (1 without a customer), 2 items
    """
    held_reins = reins(n_threads)
    reading = prepare(
        source,
        columns=columns,
        preset=preset,
        config=config,
        measures=measures,
        item_attributes=item_attributes,
        customer_attributes=customer_attributes,
        keys=keys,
        separator=separator,
        encoding=encoding,
        timezone=timezone,
        returns=returns,
        guests=guests,
        cancelled=cancelled,
        cancelled_prefix=cancelled_prefix,
        cancelled_status=cancelled_status,
        zero_prices=zero_prices,
        negative_prices=negative_prices,
        duplicates=duplicates,
        overlap=overlap,
        currency=currency,
        test_customers=test_customers,
        until=until,
        on_bad_rows=on_bad_rows,
        date_format=date_format,
        decimal=decimal,
        float_ids=float_ids,
    )
    return _read(reading, held_reins)


def prepare(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    preset: str | None = None,
    config: str | Path | None = None,
    measures: Mapping[str, str] | None = None,
    item_attributes: Mapping[str, str] | None = None,
    customer_attributes: Mapping[str, str] | None = None,
    keys: Mapping[str, tuple[str, str]] | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    **given: Any,
) -> Reading:
    """Find out what is to be read and how, without building anything.

    Parameters
    ----------
    source, columns, preset, config, measures, item_attributes, customer_attributes, keys, separator, encoding
        As for `read_ledger`.
    given
        The cleaning options that `read_ledger` names.
    """
    for name in given:
        if name not in {f.name for f in fields(Options)}:
            raise ParameterError.unknown("reading", name, [f.name for f in fields(Options)])
    held: Mapping[str, Any] = {}
    if config is not None:
        from basketry.ledger.config import load_config

        if not isinstance(config, str | Path):
            raise ParameterError.out_of_range("config", config, "the path of a basketry.toml is needed")
        held = load_config(Path(config))
        columns = columns or held.get("columns")
        measures = measures or held.get("measures")
        item_attributes = item_attributes or held.get("item_attributes")
        customer_attributes = customer_attributes or held.get("customer_attributes")
        keys = keys or held.get("keys")
        preset = preset or held.get("preset")
        separator, encoding = separator or held.get("separator"), encoding or held.get("encoding")
    layout = preset_layout(preset) if preset else None
    parts = open_parts(
        source,
        layout=layout or _folder_layout(source),
        keys=keys,
        separator=separator,
        encoding=encoding or "utf8",
    )
    resolved, layout = _mapping(
        parts, layout, preset, columns, measures, item_attributes, customer_attributes
    )
    options = _options(given, held.get("clean", {}), layout.options)
    return Reading.of(parts, resolved, options)


def inspect_source(source: Any, *, preset: str | None = None) -> tuple[Resolved, Options, list[Part]]:
    """Guess the mapping of a dump without reading it.

    Parameters
    ----------
    source
        As for `read_ledger`.
    preset
        The preset to try; None guesses.
    """
    layout = preset_layout(preset) if preset else None
    parts = open_parts(source, layout=layout or _folder_layout(source))
    resolved, layout = _mapping(parts, layout, preset, None, None, None, None)
    return resolved, _options({}, {}, layout.options), parts


def _folder_layout(source: Any) -> Layout:
    """Guess which tables a folder holds, before any column is known."""
    names = (
        [p.stem.lower() for p in Path(source).iterdir()]
        if isinstance(source, str | Path) and Path(source).is_dir()
        else []
    )
    return PRESETS["olist" if any("olist" in name for name in names) else "generic"]


def _mapping(
    parts: list[Part],
    layout: Layout | None,
    preset: str | None,
    columns: Mapping[str, str] | None,
    measures: Mapping[str, str] | None,
    item_attributes: Mapping[str, str] | None,
    customer_attributes: Mapping[str, str] | None,
) -> tuple[Resolved, Layout]:
    found = parts[0].schema.names()
    guessed = layout is None
    if layout is None:
        # Columns that the caller names are the whole mapping; nothing is guessed beside them.
        preset = None if columns else guess_preset(found)
        layout = Layout() if columns else PRESETS[preset or "generic"]
    resolved = resolve(
        found,
        layout,
        columns=columns,
        measures=measures,
        item_attributes=item_attributes,
        customer_attributes=customer_attributes,
    )
    roles = resolved.columns
    if "customer" not in roles and "order" not in roles:
        raise SchemaError(
            f"no column for 'customer' or 'order' was found: pass columns={{'customer': ..., 'time': ...}}. "
            f"Found: {', '.join(map(repr, found)) or 'no column at all'}."
        )
    return marked(resolved, preset=preset, guessed=guessed and columns is None), layout


def _options(given: Mapping[str, Any], config: Mapping[str, Any], preset: Mapping[str, Any]) -> Options:
    names = {f.name for f in fields(Options)}
    merged = {k: v for k, v in {**preset, **config}.items() if k in names}
    merged |= {k: v for k, v in given.items() if v is not None}
    return Options(**merged)


def _read(reading: Reading, held_reins: Reins) -> Ledger:
    builder = reading.builder()
    ends, notes = [0], Counter[str]()
    for part, steps in reading.recipes():
        ends.append(ends[-1] + push_part(builder, part, steps, notes))
        notes.update(part.notes)
    if not ends[-1]:
        builder.push(reading.no_rows())
    core, account = builder.finish(reading.zone, held_reins)
    core = attributed(core, reading.parts, reading.resolved)
    tally = Tally.of(account, ends[-1], notes)
    found = examples(tally, reading, ends)
    quality = sheet(tally, reading, found, tree_totals(core))
    return Ledger(core, quality, reading.options.currency, reading.options.returns)
