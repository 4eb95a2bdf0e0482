"""Which column of a dump is what: by argument, by preset, by guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from basketry.exceptions import ParameterError, SchemaError

ROLES = ("customer", "order", "time", "item", "quantity", "price", "amount", "currency", "status")
"""What a column can be. ``amount`` is the money of the line; where it is not mapped it is quantity x price."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What is known of a kind of dump before it is read.

    Parameters
    ----------
    columns
        The column of each role; several candidates mean the first that is there.
    item_attributes, customer_attributes
        Attribute names and their columns.
    measures
        Further numbers of a line and their columns.
    tables
        Which files of a folder are which table: role and a part of the file's name.
    keys
        The columns that join the tables.
    options
        Cleaning options that differ from the general defaults.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    item_attributes: Mapping[str, str] = field(default_factory=dict)
    customer_attributes: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


_GENERIC_TABLES = {
    "lines": ("order_items", "order_lines", "lines", "items_sold"),
    "customers": ("customers", "customer"),
    "products": ("products", "product", "items"),
    "orders": ("orders", "order"),
}

PRESETS: dict[str, Layout] = {
    "generic": Layout(
        columns={
            "customer": (
                "customer",
                "customer_id",
                "customerid",
                "client_id",
                "user_id",
                "member_id",
                "card_id",
            ),
            "order": ("order", "order_id", "orderid", "invoice", "invoice_no", "invoiceno", "basket_id"),
            "time": (
                *("time", "timestamp", "ts", "datetime", "order_time", "ordered_at", "created_at", "date"),
                *("order_date", "invoice_date", "invoicedate"),
            ),
            "item": (
                "item",
                "item_id",
                "product",
                "product_id",
                "productid",
                "sku",
                "stockcode",
                "article_id",
            ),
            "quantity": ("quantity", "qty", "units"),
            "price": ("price", "unit_price", "unitprice"),
            "amount": ("amount", "line_amount", "line_total", "total", "revenue", "spend", "sales"),
            "currency": ("currency", "currency_code"),
            "status": ("status", "order_status"),
        },
        measures={"margin": "margin"},
        item_attributes={name: name for name in ("category", "brand", "price_band", "colour")},
        customer_attributes={name: name for name in ("gender", "city", "country")},
        tables=_GENERIC_TABLES,
    ),
    "online-retail": Layout(
        columns={
            "customer": ("CustomerID", "Customer ID"),
            "order": ("Invoice", "InvoiceNo"),
            "time": ("InvoiceDate",),
            "item": ("StockCode",),
            "quantity": ("Quantity",),
            "price": ("UnitPrice", "Price"),
        },
        item_attributes={"description": "Description"},
        customer_attributes={"country": "Country"},
        options={
            "timezone": "Europe/London",
            "cancelled_prefix": "C",
            "zero_prices": "drop",
            "overlap": "later",
            "currency": "GBP",
        },
    ),
    "cdnow": Layout(
        columns={"customer": ("customer_id",), "time": ("date",), "quantity": ("cds",), "amount": ("spend",)},
        options={"timezone": "America/New_York", "currency": "USD"},
    ),
    "olist": Layout(
        columns={
            "customer": ("customer_unique_id",),
            "order": ("order_id",),
            "time": ("order_purchase_timestamp",),
            "item": ("product_id",),
            "price": ("price",),
            "status": ("order_status",),
        },
        item_attributes={"category": "product_category_name"},
        customer_attributes={"state": "customer_state"},
        tables={
            "lines": ("order_items",),
            "customers": ("customers",),
            "products": ("products",),
            "orders": ("orders",),
        },
        keys={
            "orders": ("order_id", "order_id"),
            "customers": ("customer_id", "customer_id"),
            "products": ("product_id", "product_id"),
        },
        options={"timezone": "America/Sao_Paulo", "currency": "BRL"},
    ),
}
"""Layouts of well-known dumps. ``generic`` holds names that are common everywhere."""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """The mapping of one dump: every role, attribute and measure with the one column that it is read from."""

    columns: Mapping[str, str]
    item_attributes: Mapping[str, str]
    customer_attributes: Mapping[str, str]
    measures: Mapping[str, str]
    preset: str | None = None
    guessed: bool = False

    @property
    def numbers(self) -> list[str]:
        """The roles that become numbers of a line; without ``amount`` it is made of the price."""
        has = {role: role in self.columns for role in ROLES}
        return [role for role in ("quantity", "amount") if has[role] or (role == "amount" and has["price"])]


def preset_layout(name: str) -> Layout:
    """Find a preset.

    Parameters
    ----------
    name
        Its name.
    """
    if name not in PRESETS:
        raise ParameterError.unknown("preset", name, PRESETS)
    return PRESETS[name]


def guess_preset(found: Iterable[str]) -> str | None:
    """Guess the preset whose columns are all there; None if only the generic names can be tried.

    Parameters
    ----------
    found
        The columns of the dump, those of joined tables included.
    """
    names = set(found)
    for name, layout in PRESETS.items():
        if name != "generic" and all(any(c in names for c in many) for many in layout.columns.values()):
            return name
    return None


def resolve(
    found: Iterable[str],
    layout: Layout,
    *,
    columns: Mapping[str, str] | None,
    measures: Mapping[str, str] | None,
    item_attributes: Mapping[str, str] | None,
    customer_attributes: Mapping[str, str] | None,
) -> Resolved:
    """Decide the one column of every role.

    What the caller names must be there; what a layout offers is taken where it is there.

    Parameters
    ----------
    found
        The columns of the dump.
    layout
        What is tried for roles that the caller did not name.
    columns, measures, item_attributes, customer_attributes
        What the caller named.
    """
    names = list(found)
    given = _checked("columns", columns) or {}
    for role in given:
        if role not in ROLES:
            raise ParameterError.unknown("columns", role, ROLES)
    lowered = {_plain(name): name for name in reversed(names)}
    chosen: dict[str, str] = {}
    for role in ROLES:
        if role in given:
            chosen[role] = _there(given[role], role, names)
            continue
        for candidate in layout.columns.get(role, ()):
            hit = candidate if candidate in names else lowered.get(_plain(candidate))
            if hit is not None and hit not in chosen.values():
                chosen[role] = hit
                break
    for role in [role for role in chosen if role not in given and chosen[role] in given.values()]:
        del chosen[role]
    items, customers = (
        _checked("item_attributes", item_attributes, {"item"}),
        _checked("customer_attributes", customer_attributes, {"customer"}),
    )
    return Resolved(
        columns=chosen,
        measures=_named(
            _checked("measures", measures, {*ROLES, "set_aside"}), layout.measures, names, chosen
        ),
        item_attributes=_named(items, layout.item_attributes, names, chosen),
        customer_attributes=_named(customers, layout.customer_attributes, names, chosen),
    )


def marked(resolved: Resolved, *, preset: str | None, guessed: bool) -> Resolved:
    """Tell with a mapping where it came from.

    Parameters
    ----------
    resolved
        The mapping.
    preset
        The preset that was used, if any.
    guessed
        Whether nobody asked for it.
    """
    return replace(resolved, preset=preset, guessed=guessed)


def _named(
    given: Mapping[str, str] | None, offered: Mapping[str, str], names: list[str], chosen: Mapping[str, str]
) -> dict[str, str]:
    if given is not None:
        return {name: _there(column, name, names) for name, column in given.items()}
    taken = set(chosen.values())
    lowered = {_plain(name): name for name in reversed(names)}
    hits = {
        name: column if column in names else lowered.get(_plain(column)) for name, column in offered.items()
    }
    return {name: column for name, column in hits.items() if column is not None and column not in taken}


def _checked(
    name: str, given: Mapping[str, str] | None, taken: Iterable[str] = ()
) -> Mapping[str, str] | None:
    if given is None:
        return None
    if not isinstance(given, Mapping) or not all(
        isinstance(text, str) for pair in given.items() for text in pair
    ):
        raise ParameterError.out_of_range(name, given, "a mapping of name to column is needed")
    clash = sorted(set(given).intersection(taken))
    if clash:
        raise ParameterError.out_of_range(
            name, given, f"{clash[0]!r} is a name of basketry's own, choose another"
        )
    return given


def _there(column: str, role: str, names: list[str]) -> str:
    if column not in names:
        raise SchemaError.unknown_column(column, role, names)
    return column


def _plain(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")
