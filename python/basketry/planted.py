"""What is planted beside a simulated shop when asked for: outcomes, personas, prospects, and their truth."""

from __future__ import annotations

from typing import Any

import polars as pl
import polars.selectors as cs

Frames = dict[str, pl.DataFrame]

CHANNELS = pl.DataFrame(
    {"channel": ["email", "video", "letter"], "cost": [0.01, 0.25, 0.90], "factor": [0.6, 1.0, 1.4]}
)
"""What a contact costs, and by which factor it multiplies the response of a customer."""
RESPONSE = 0.5
"""A contact of factor 1 adds ``RESPONSE * p0 * (1 - p0)`` to the probability of buying: most to those who hesitate."""
DAY = 86_400_000_000


def outcomes(parts: dict[str, Any], config: dict[str, Any]) -> tuple[Frames, Frames]:
    """Make the tables ``returns`` and ``channels`` and the truths ``outcomes`` and ``contacts``.

    Parameters
    ----------
    parts
        What the compiled half gave.
    config
        The knobs of the world.
    """
    start = pl.lit(config["start_us"] // DAY, pl.Int32).cast(pl.Date)
    rows = (
        pl.DataFrame(parts.pop("outcomes"))
        .select(
            (start + pl.duration(weeks=pl.col("week"))).cast(pl.Date).alias("as_of"),
            pl.col("customer").cast(pl.Int64),
            pl.exclude("week", "customer"),
        )
        .sort("as_of", "customer")
    )
    truth = rows.select(
        "as_of",
        "customer",
        p_churn=1 - pl.col("p_buy"),
        p_sale="p_sale",
        p_return="p_return",
        churn=~pl.col("bought"),
        sale="in_sale",
        **{"return": "returned"},
    )
    back = pl.DataFrame(parts.pop("returns")).with_columns(pl.col("order", "item", "qty").cast(pl.Int64))
    last = rows.filter(pl.col("as_of") == pl.col("as_of").max())
    return {"returns": back, "channels": CHANNELS}, {"outcomes": truth, "contacts": contacts(last)}


def contacts(rows: pl.DataFrame) -> pl.DataFrame:
    """Tell what every channel does to each customer, and which is the best.

    Parameters
    ----------
    rows
        ``as_of``, ``customer``, ``p_buy``, ``bought``, ``margin`` of all earlier ``orders``, and a ``draw``.
    """
    told = rows.select(
        "as_of",
        "customer",
        p0="p_buy",
        tau=RESPONSE * pl.col("p_buy") * (1 - pl.col("p_buy")),
        margin=pl.col("margin").cast(pl.Float64) / pl.col("orders"),
        bought="bought",
        draw="draw",
    )
    names = CHANNELS["channel"].to_list()
    profits, bought = {}, {}
    for name, cost, factor in CHANNELS.iter_rows():
        rise = factor * pl.col("tau")
        profits[f"profit_{name}"] = pl.col("margin") * rise - cost
        # Who would buy anyway buys; of the others as many more as the probability rises by.
        bought[f"bought_{name}"] = pl.col("bought") | (pl.col("draw") < rise / (1 - pl.col("p0")))
    told = told.with_columns(**profits, **bought).drop("draw")
    most = pl.max_horizontal(*profits)
    best = pl.coalesce(pl.when(pl.col(f"profit_{name}") == most).then(pl.lit(name)) for name in names)
    return told.with_columns(
        best=pl.when(most > 0).then(best).otherwise(pl.lit("none")).cast(pl.Enum(["none", *names])),
        best_profit=pl.max_horizontal(most, 0.0),
    )


def personas(parts: dict[str, Any], customers: pl.DataFrame) -> tuple[Frames, Frames]:
    """Make the table and the truth ``personas``.

    Parameters
    ----------
    parts
        What the compiled half gave.
    customers
        The table of customers.
    """
    table = pl.DataFrame(parts.pop("personas")).select(
        customers["id"].alias("customer"), "target", pl.col("orders").cast(pl.Int64), pl.nth(range(3, 46))
    )
    truth = pl.DataFrame(parts.pop("planted")).select(
        pl.lit("buys " + parts["persona_categories"][0]).alias("target"), pl.all()
    )
    return {"personas": table}, {"personas": truth}


def prospects(parts: dict[str, Any], count: int) -> tuple[Frames, Frames]:
    """Make the tables ``prospects`` and ``behaviour`` and the truth ``prospects``.

    Parameters
    ----------
    parts
        What the compiled half gave.
    count
        How many customers there are.
    """
    names = parts["names"]
    row = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    known = pl.col("known").cast(pl.Int64)
    seen = {f"product_{at}": f"views {name}" for at, name in enumerate(names["product_segment"])}
    seen |= {f"band_{at}": f"views {name}" for at, name in enumerate(names["price_band"])}
    own = {"gender": "customer_gender", "city": "city", "device": "device", "birth_band": "birth_band"}
    pool = pl.DataFrame(parts.pop("prospects")).select(
        pl.when(known > 0).then(known).otherwise(row + count).alias("id"),
        *(pl.col(column).cat.to(pl.Enum(names[name])) for column, name in own.items()),
        pl.exclude("known", *own),
    )
    truth = pl.DataFrame(parts.pop("prospect_truth")).select(
        pool["id"].alias("prospect"),
        pl.col("segment").cat.to(pl.Enum(names["segment"])),
        pl.exclude("segment"),
    )
    behaviour = pl.DataFrame(parts.pop("behaviour")).select(row.alias("customer"), pl.all())
    tables = {"prospects": pool, "behaviour": behaviour}
    wide = {name: table.with_columns(cs.unsigned_integer().cast(pl.Int64)) for name, table in tables.items()}
    return {name: table.rename(seen) for name, table in wide.items()}, {"prospects": truth}


def with_returns(
    lines: pl.DataFrame, orders: pl.DataFrame, returns: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add what came back, as orders of their own with lines of negative quantity.

    Parameters
    ----------
    lines, orders, returns
        The tables of a shop.
    """
    back = returns.with_columns(
        (pl.struct("order", "ts").rle_id().cast(pl.Int64) + orders.height + 1).alias("id")
    )
    brought = back.unique("id", maintain_order=True).select("id", "order", "ts")
    of = orders.select(pl.col("id").alias("order"), "customer", "channel", "status")
    new_orders = brought.join(of, on="order", maintain_order="left").select(orders.columns)
    new_lines = back.select(
        pl.col("id").alias("order"),
        "item",
        -pl.col("qty"),
        "price",
        pl.lit(0.0).alias("discount"),
        pl.lit(value=True).alias("returned"),
    )
    return pl.concat([lines, new_lines.select(lines.columns)]), pl.concat([orders, new_orders])
