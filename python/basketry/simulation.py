"""A shop of known truth: tables whose segments, rules and sequences were planted, and what was planted.

Tests, benches and examples draw from it. What a method finds is right if the truth says so, else it is false.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from basketry import _core, planted
from basketry.arguments import seed, whole
from basketry.control import reins
from basketry.exceptions import ParameterError
from basketry.files import whole_file
from basketry.ledger import Ledger, read_ledger

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np

    from basketry.faults import Faults

WORLDS = ("easy", "hard", "null", "season-only", "stationary", "missions")
PARTS = ("outcomes", "personas", "prospects")
LEAST_PROSPECTS = 2_000


@dataclass(frozen=True, eq=False)
class Simulation:
    """A simulated shop.

    Parameters
    ----------
    tables
        ``customers``, ``items``, ``orders`` and ``lines``, each sorted by its key. ``price`` is paid per
        unit, ``discount`` is the share of the list price that was taken off; a line's margin is ``qty *
        (price - cost)``. A *product segment* is one combination of category, gender and brand: the grain of
        the planted laws.
    truth
        ``segments``: the latent segment of every customer, its orders a week ``lambda``, its probability
        ``p`` to leave after an order, the week of its last order if it left, its probability of a
        discounted order. ``rules``: the planted rules between product segments and the decoys, which are no
        rules (``q`` is 0). ``sequences``: after an order with the antecedent, an extra order with the
        consequent follows with this probability at one of the peaks, in weeks, scattered by ``spread``
        weeks, even if the customer has left.

        With the part ``"outcomes"``: ``outcomes`` holds one row for every customer known at each thirteenth
        week from week 26 on (``as_of``, a Monday), with what happened in the 13 weeks from then: ``churn``
        (no order), ``sale`` (a discounted order), ``return`` (something was brought back), and what an oracle
        says that knows all laws and the customer's past, but not the latent segment, rate or leaving:
        ``p_churn``, ``p_sale``, ``p_return``. (It does not foresee the extra orders of planted sequences, and
        so is exact in the null, season-only and stationary worlds.) ``contacts`` tells, at the last of these
        days, what each of ``tables["channels"]`` does: ``p0`` is the probability of an order without contact,
        a channel adds ``factor * tau`` to it, where ``tau = 0.5 * p0 * (1 - p0)``; ``margin`` is that of the
        mean earlier order; ``profit_<channel>`` is ``margin * factor * tau - cost``; ``best`` and
        ``best_profit`` are the oracle's policy, ``"none"`` and 0 where no contact pays; ``bought`` and
        ``bought_<channel>`` are what would come of each. ``tables["returns"]`` has the day of each return.

        With ``"personas"``: of every column of ``tables["personas"]`` the ``odds_ratio`` for ``target``, held
        constant all others and the logarithm of ``orders``; ``null`` ones do nothing, ``confounded`` ones go
        with ``orders`` and so seem to.

        With ``"prospects"``: of every row of ``tables["prospects"]`` the latent segment, rate and ``value``
        (expected spend in the year after a first order), whether the prospect would become a ``buyer`` by a
        campaign made for people of the segment, and whether by any other (``stray_buyer``). Every hundredth
        prospect is a customer and has that id; ``tables["behaviour"]`` has for customers what prospects have.
        In the world of missions also ``missions``: what each order was made for; ``product_groups``: the group of
        each product segment, which one mission is after; ``cells``: customers of a segment come ``factor``
        times as often for the group's mission in a quarter (13 weeks), with or without a discount.
    config
        Every knob of the world, with the seed.
    """

    tables: dict[str, pl.DataFrame]
    truth: dict[str, pl.DataFrame]
    config: dict[str, Any]

    @cached_property
    def ledger(self) -> Ledger:
        """The shop as a ledger, built when first asked for.

        Lines have the measures ``margin`` and ``discount``. A line that came back later counts as bought;
        with the part ``"outcomes"``, what came back is a line of negative quantity on its day, in an order of
        its own. Without it, returns are in ``tables`` only.
        """
        items, lines, orders = (self.tables[name] for name in ("items", "lines", "orders"))
        if "returns" in self.tables:
            lines, orders = planted.with_returns(lines, orders, self.tables["returns"])
        cost = pl.lit(items["cost"]).gather(pl.col("item") - 1)
        margin = (pl.col("qty") * (pl.col("price") - cost)).alias("margin")
        tables = {
            "lines": lines.with_columns(margin),
            "orders": orders.drop("status"),
            "customers": self.tables["customers"],
            "products": items,
        }
        own = {name: name for name in ("product_segment", "category", "price_band", "brand", "colour")}
        return read_ledger(
            tables,
            columns={
                "customer": "customer",
                "order": "order",
                "time": "ts",
                "item": "item",
                "quantity": "qty",
                "price": "price",
            },
            measures={"margin": "margin", "discount": "discount"},
            # The join names the second of two columns called gender for its table.
            item_attributes={**own, "gender": "gender_products"},
            customer_attributes={name: name for name in ("gender", "city", "device", "birth_band")},
            timezone="UTC",
        )

    def write(self, folder: str | Path) -> None:
        """Write the tables and, in ``truth/``, the truths as Parquet, and ``config.json``.

        Parameters
        ----------
        folder
            Where to; made if it is not there. Files of the same name are replaced.
        """
        folder = Path(folder)
        (folder / "truth").mkdir(parents=True, exist_ok=True)
        for name, table in self.tables.items():
            with whole_file(folder / f"{name}.parquet") as path:
                table.write_parquet(path)
        for name, table in self.truth.items():
            with whole_file(folder / "truth" / f"{name}.parquet") as path:
                table.write_parquet(path)
        with whole_file(folder / "config.json") as path:
            path.write_text(json.dumps(self.config, indent=2) + "\n", encoding="utf-8")

    def write_faulty(self, folder: str | Path) -> Faults:
        """Write the shop as a dump of four related CSV files that have nine faults of real dumps.

        The files are ``customers.csv``, ``orders.csv``, ``lines.csv`` and ``products.csv``. Faulty rows are
        *added* to the clean ones, or say the same in another way (an explicit UTC offset, a byte-order
        mark). So a reader that sets aside what is faulty finds the clean shop, to the cent.

        Parameters
        ----------
        folder
            Where to; made if it is not there. Files of the same name are replaced.

        Returns
        -------
        Faults
            How many rows each fault touches, which, and the totals of the clean shop.
        """
        from basketry.faults import write_faulty_dump  # numpy costs 100 ms, and few ask for this

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return write_faulty_dump(self.tables, folder, seed=self.config["seed"])


def simulate(
    world: str = "easy",
    *,
    customers: int = 20_000,
    items: int = 600,
    weeks: int = 104,
    parts: Collection[str] = (),
    rng: int | np.random.Generator = 7,
    n_threads: int | None = None,
) -> Simulation:
    """Simulate a shop of which everything is known.

    Customers belong to eight latent segments, each with its rhythm, dropout, order value, liking for
    discounts and taste. Every draw depends on the seed, its component and its customer alone: the same call
    gives the same tables on any machine and for any number of threads, and two worlds of one seed share
    what their laws share.

    Parameters
    ----------
    world
        ``"easy"`` has strong tastes and every law; ``"hard"`` weak tastes; ``"null"`` no rules and no
        sequences; ``"season-only"`` sale weeks 26 weeks apart and no law; ``"stationary"`` the same rules
        in every week, without season, sale or sequences; ``"missions"`` makes every order for one of five
        missions, each after its own product group, without rules or sequences.
    customers
        How many. One makes about five orders of two lines.
    items
        How many, spread over 40 product segments; at least 120.
    weeks
        Length of the log, from Monday 2 January 2023.
    parts
        What is planted beside the shop, which stays the same: ``"outcomes"`` (churn, purchases in a sale and
        returns with an oracle's probabilities, and the response to channels; from 39 weeks up),
        ``"personas"`` (traits with known odds ratios for a target) and ``"prospects"`` (as many people who
        look around and do not buy yet, at least 2,000). `Simulation` tells what each holds.
    rng
        The seed, or a generator to draw it from.
    n_threads
        How many threads to use; None for all. It never changes the result.

    Returns
    -------
    Simulation
        With ``tables``, ``truth`` and ``config``.

    Raises
    ------
    ParameterError
        For an unknown world, or a number out of its range.

    Examples
    --------
    >>> shop = simulate("easy", customers=1_000)
    >>> shop.tables["orders"].columns
    ['id', 'customer', 'ts', 'channel', 'status']
    >>> shop.truth["sequences"]["peak_weeks"].to_list()
    [[16, 26, 52], [8], [4, 12], [26, 52], [6], [13, 26]]
    """
    if world not in WORLDS:
        raise ParameterError.unknown("world", world, WORLDS)
    most = 2**32 - 1
    parts = {parts} if isinstance(parts, str) else parts
    for part in parts:
        if part not in PARTS:
            raise ParameterError.unknown("parts", part, PARTS)
    count = whole("customers", customers, 1, most)
    weeks = whole("weeks", weeks, 1, most)
    if "outcomes" in parts and weeks < 39:
        raise ParameterError.out_of_range(
            "weeks", weeks, "outcomes need 39 weeks up: two quarters that are known and one that is foretold"
        )
    asked = {part: part in parts for part in PARTS} | {
        "prospects": max(count, LEAST_PROSPECTS) if "prospects" in parts else None
    }
    made = _core.simulate(
        world, count, whole("items", items, 1, most), weeks, seed(rng), asked, reins(n_threads)
    )
    config: dict[str, Any] = made["config"]
    tables, truth = _tables(made), _truth(made, config)
    more: list[tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]] = []
    if "outcomes" in parts:
        more.append(planted.outcomes(made, config))
    if "personas" in parts:
        more.append(planted.personas(made, tables["customers"]))
    if "prospects" in parts:
        more.append(planted.prospects(made, count))
    for own_tables, own_truth in more:
        tables |= own_tables
        truth |= own_truth
    return Simulation(tables=tables, truth=truth, config=config)


def _named(column: str, names: list[str]) -> pl.Expr:
    return pl.col(column).cat.to(pl.Enum(names))


def _tables(parts: dict[str, Any]) -> dict[str, pl.DataFrame]:
    names = parts["names"]
    # Popped, so that the raw columns are freed as the tables are made. Ids are 64-bit, as in all results.
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    customers = pl.DataFrame(parts.pop("customers")).select(
        id=number,
        first_seen=pl.col("first_seen").cast(pl.Date),
        gender=_named("gender", names["customer_gender"]),
        city=_named("city", names["city"]),
        device=_named("device", names["device"]),
        birth_band=_named("birth_band", names["birth_band"]),
        # A domain and a country code that are nobody's.
        email=pl.format("customer{}@example.com", number),
        phone=pl.format("+999{}", number.cast(pl.String).str.zfill(9)),
        consent="consent",
    )
    coded = ("product_segment", "category", "gender", "price_band", "brand", "colour")
    items = pl.DataFrame(parts.pop("items")).select(
        number.alias("id"), *(_named(column, names[column]) for column in coded), pl.exclude(coded)
    )
    orders = pl.DataFrame(parts.pop("orders")).select(
        id=number,
        customer=pl.col("customer").cast(pl.Int64),
        ts="ts",
        channel=_named("channel", names["channel"]),
        status=pl.lit("completed", pl.Enum(["completed", "cancelled"])),
    )
    tenths = pl.Series([share / 10 for share in range(11)])
    lines = pl.DataFrame(parts.pop("lines")).select(
        pl.col("order", "item", "qty").cast(pl.Int64),
        pl.col("price"),
        # Looked up: polars divides by multiplying, which would make 0.30000000000000004 of three tenths.
        pl.lit(tenths).gather(pl.col("tenths_off")).alias("discount"),
        pl.col("returned"),
    )
    return {"customers": customers, "items": items, "orders": orders, "lines": lines}


def _truth(parts: dict[str, Any], config: dict[str, Any]) -> dict[str, pl.DataFrame]:
    names = parts["names"]
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    propensity = pl.Series(names["discount"], dtype=pl.Float64)
    segments = pl.DataFrame(parts.pop("segments")).select(
        number.alias("customer"),
        _named("segment", names["segment"]),
        pl.col("lambda", "p", "left_week"),
        pl.lit(propensity).gather(pl.col("segment")).alias("discount_propensity"),
    )
    rules = pl.DataFrame(parts.pop("rules")).select(number.alias("rule"), pl.all())
    sequences = pl.DataFrame(parts.pop("sequences")).select(
        number.alias("pair"), pl.all(), pl.lit(config["lag_spread"]).alias("spread")
    )
    truth = {"segments": segments, "rules": rules, "sequences": sequences}
    return truth | (_missions(parts, config) if "missions" in config else {})


def _missions(parts: dict[str, Any], config: dict[str, Any]) -> dict[str, pl.DataFrame]:
    names = parts["names"]
    groups = pl.DataFrame({"category": names["category"], "product_group": names["group_of_category"]})
    product_segments = pl.DataFrame({"product_segment": names["product_segment"]})
    category = pl.col("product_segment").str.split("/").list.first()
    group = pl.Series(names["product_group"])
    return {
        "missions": pl.DataFrame(parts.pop("missions")).select(
            pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("order"),
            _named("mission", names["mission"]),
        ),
        "product_groups": product_segments.with_columns(category=category)
        .join(groups, on="category", maintain_order="left")
        .drop("category"),
        "cells": pl.DataFrame(parts.pop("cells")).select(
            _named("segment", names["segment"]),
            pl.lit(group).gather(pl.col("mission")).alias("product_group"),
            (pl.col("quarter") + 1).cast(pl.Int64),
            "discounted",
            pl.lit(config["cell_factor"]).alias("factor"),
        ),
    }
