"""How names and numbers are written on the page: plain text out, escaping is the template's work."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

NOTHING = "–"
NBSP = "\u00a0"
_JOINERS = "\u200c\u200d"  # needed inside Persian and Indic words and in emoji


def clean(value: object, limit: int | None = None) -> str:
    r"""Make a value safe to show: one line, no control or direction characters, cut at ``limit``.

    Control characters matter twice: they can turn a page's text around, and the SVG renderer aborts the
    whole process on a character that XML forbids.

    Examples
    --------
    >>> clean("a\x00b\n c")
    'a b c'
    >>> clean("A very long name of an item", 12)
    'A very long…'
    """
    if value is None:
        return NOTHING
    text = "".join(
        c if unicodedata.category(c)[0] not in "CZ" or c in _JOINERS else " " for c in str(value)[:2000]
    )
    text = " ".join(text.split())
    if limit is not None and len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    return text or NOTHING


def items(
    basket: Iterable[object], names: Mapping[object, str] | None = None, limit: int = 60
) -> tuple[str, ...]:
    """Write the items of a set as their names, each cut at ``limit``.

    Examples
    --------
    >>> items(["22423", "POST"], {"22423": "Cake stand"})
    ('Cake stand', 'POST')
    """
    return tuple(clean((names or {}).get(item, item), limit) for item in basket)


def quoted(names: Iterable[str]) -> str:
    """Write cleaned names inside a sentence, isolated so that a right-to-left one cannot turn its neighbours.

    Examples
    --------
    >>> quoted(["Cake stand", "Postage"]).replace("\u2068", "").replace("\u2069", "")
    '“Cake stand” and “Postage”'
    """
    return listed([f"“\u2068{name}\u2069”" for name in names])


def listed(parts: Sequence[str]) -> str:
    """Join parts of a sentence.

    Examples
    --------
    >>> listed(["orders", "spend", "margin"])
    'orders, spend and margin'
    """
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def count(value: float | None) -> str:
    """Write a whole number with thousands separated.

    Examples
    --------
    >>> count(1234567), count(None)
    ('1,234,567', '–')
    """
    return NOTHING if value is None or _missing(value) else f"{round(value):,}"


def decimal(value: float | None, places: int = 1) -> str:
    """Write a number with a fixed number of decimals, thousands separated.

    Examples
    --------
    >>> decimal(1234.56), decimal(-0.5, 2)
    ('1,234.6', '−0.50')
    """
    return NOTHING if value is None or _missing(value) else f"{value:,.{places}f}".replace("-", "−")


def quantity(value: float | None) -> str:
    """Write a number of unknown size: decimals only as far as they tell something.

    Examples
    --------
    >>> quantity(1234.56), quantity(12.345), quantity(0.1234)
    ('1,235', '12.3', '0.12')
    """
    if value is None or _missing(value):
        return NOTHING
    return decimal(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2)


def share(value: float | None) -> str:
    """Write a share of one as a percentage.

    Examples
    --------
    >>> share(0.1234), share(0.0001), share(0)
    ('12.3%', '<0.1%', '0.0%')
    """
    if value is None or _missing(value):
        return NOTHING
    return "<0.1%" if 0 < value < 0.0005 else f"{decimal(100 * value)}%"


def chance(value: float | None) -> str:
    """Write a p or q value.

    Examples
    --------
    >>> chance(0.0312), chance(1e-9)
    ('0.031', '<0.001')
    """
    if value is None or _missing(value):
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def money(value: float | None, currency: str | None = None, *, short: bool = False) -> str:
    r"""Write an amount; ``short`` gives millions in words.

    Examples
    --------
    >>> money(17431533.18, "GBP"), money(17431533.18, "£", short=True), money(9.5)
    ('GBP\xa017,431,533', '£17.4\xa0million', '9.50')
    """
    if value is None or _missing(value):
        return NOTHING
    size = abs(value)
    if short and size >= 1e6:
        digits = f"{size / 1e6:,.1f}{NBSP}million"
    else:
        digits = f"{size:,.0f}" if size >= 1000 else f"{size:,.2f}"
    unit = clean(currency, 12) if currency else ""
    return ("−" if value < 0 else "") + unit + (NBSP if len(unit) > 1 else "") + digits


def compact(value: float | None) -> str:
    """Write a number in at most five characters, for the end of a bar.

    Examples
    --------
    >>> compact(9138244.2), compact(934803), compact(812.4)
    ('9.1M', '935k', '812')
    """
    if value is None or _missing(value):
        return NOTHING
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return decimal(value / size, 0 if abs(value) >= 99.5 * size else 1) + unit
    return count(value)


def day(value: date | datetime | None) -> str:
    r"""Write a date.

    Examples
    --------
    >>> day(date(2011, 12, 9))
    '9\xa0December\xa02011'
    """
    return NOTHING if value is None else f"{value.day}{NBSP}{value:%B}{NBSP}{value.year}"


def month(value: date | datetime) -> str:
    """Write a month.

    Examples
    --------
    >>> month(date(2011, 12, 1))
    'December 2011'
    """
    return f"{value:%B} {value.year}"


def weeks(value: float) -> str:
    """Write a number of weeks in words a person uses.

    Examples
    --------
    >>> weeks(1), weeks(6), weeks(26), weeks(52)
    ('1 week', '6 weeks', '26 weeks (half a year)', '52 weeks (one year)')
    >>> weeks(17)
    '17 weeks (about 4 months)'
    """
    whole = round(value)
    return f"{whole} {'week' if whole == 1 else 'weeks'}{_months(whole)}"


def week(value: float) -> str:
    """Write which week, in words a person uses.

    Examples
    --------
    >>> week(6), week(52)
    ('week 6', 'week 52 (one year)')
    """
    return f"week {round(value)}{_months(round(value))}"


def _months(whole: int) -> str:
    words = {26: "half a year", 52: "one year"}.get(whole)
    if words is None and whole >= 9:
        words = f"about {round(whole * 7 / 30.44)} months"
    return f" ({words})" if words else ""


def plain(name: str) -> str:
    """Write a column's or feature's name as words.

    Examples
    --------
    >>> plain("order_value_mean")
    'order value mean'
    """
    return clean(name.replace("_", " "), 40)
