"""The bars of segments, sale motivation, groups, missions and cells, at full size, on worlds whose truth is known.

    PYTHONPATH=python python benches/bench_segments.py [--customers 20000] [--seeds 7 1]

Prints what was asked, what was reached and how long it took; a bar that is missed makes the exit code 1.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, roc_auc_score

import basketry as bk
from basketry.customers.segments.profile import telling

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.test_missions import groups_of
from tests.test_segments import EVERYTHING, PLANTED


def main() -> int:
    """Run every bar for every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 1])
    asked = parser.parse_args()
    missed = 0
    for seed in asked.seeds:
        for job in (segments, missions):
            began = time.perf_counter()
            for what, bar, reached in job(asked.customers, seed):
                missed += bar is not None and reached < bar
                print(
                    f"  {what:58s} asked {bar if bar is not None else '-':>5} reached {reached:.3f}",
                    flush=True,
                )
            print(f"seed {seed}, {job.__name__}: {time.perf_counter() - began:.1f} s", flush=True)
    return int(missed > 0)


def segments(customers, seed):
    """Find planted segments, name them, and tell discount seekers."""
    shop = bk.simulate("easy", customers=customers, rng=seed)
    found = bk.segment_customers(shop.ledger, replicates=5, **EVERYTHING)
    truth = shop.truth["segments"].select("customer", "discount_propensity", planted="segment")
    orders = bk.rfm(shop.ledger).select("customer", "orders")
    joined = found.labels.join(truth, on="customer").join(orders, on="customer")
    for least, bar in ((1, None), (3, 0.6), (6, None)):
        part = joined.filter(pl.col("orders") >= least)
        score = adjusted_rand_score(part["planted"].to_physical(), part["segment"])
        yield f"ARI, customers with {least}+ orders", bar, score
    yield "agreement with bootstrap samples", None, found.stability["agreement"][0]
    told = bk.profile_segments(
        shop.ledger, found.labels, purpose=["rfm", "taste", "sale", "calendar"],
        category=["product_segment", "gender"], discount="discount",
    )  # fmt: skip
    wide = joined.group_by("segment", "planted").agg(n=pl.len()).pivot("planted", index="segment", values="n")
    wide = wide.fill_null(0).sort("segment")
    both = wide.select(pl.exclude("segment")).to_numpy().astype(float)
    pairs = zip(*linear_sum_assignment(-both / (both.sum(0) + both.sum(1)[:, None] - both)), strict=True)
    named = 0
    for at, of in pairs:
        said = [one["feature"] for one in telling(told.profile, wide["segment"][int(at)])[:3]]
        hit = bool(set(said) & PLANTED[wide.columns[1:][of]])
        named += hit
        print(f"    {wide.columns[1:][of]:16s} {'named ' if hit else 'MISSED'} {said}")
    yield "segments whose first three traits name the planted one", 7, float(named)
    axis = bk.sale_motivation(shop.ledger, discount="discount").filter(pl.col("orders") >= 3)
    axis = axis.join(truth, on="customer")
    seekers = axis["discount_propensity"] > 0.5
    yield "AUC of the axis, 3+ orders", 0.95, roc_auc_score(seekers, axis["axis"])
    yield "AUC of the plain share on discount", None, roc_auc_score(seekers, axis["discount_share"])


def missions(customers, seed):
    """Find planted product groups, missions and cells."""
    shop = bk.simulate("missions", customers=customers, rng=seed)
    ledger, planted = shop.ledger, groups_of(shop)
    truth = shop.truth["product_groups"].select(
        pl.col("product_segment").cast(pl.String).alias("item"), group_planted="product_group"
    )
    segments_found = bk.product_groups(ledger, item="product_segment", replicates=2)
    joined = segments_found.labels.join(truth, on="item").drop_nulls("group")
    score = normalized_mutual_info_score(joined["group_planted"], joined["group"])
    yield f"NMI of product groups, {segments_found.groups.height} chosen, by product segment", 0.7, score
    groups = bk.product_groups(ledger, k=5, replicates=0)
    joined = groups.labels.join(planted, on="item", suffix="_planted").drop_nulls("group")
    score = normalized_mutual_info_score(joined["group_planted"], joined["group"])
    yield "NMI of product groups, 5 asked for, by single item", None, score
    named = ledger.items().select("item", name=pl.col("product_segment").cast(pl.String))
    by_segment = named.join(segments_found.labels.select(name="item", group="group"), on="name")
    orders = (
        ledger.orders().select("order").with_row_index("basket").with_columns(pl.col("basket").cast(pl.Int64))
    )
    for name, what in (("found groups", by_segment.select("item", "group")), ("planted groups", planted)):
        found = bk.basket_missions(ledger, groups=what, discount="discount", k=5)
        known = found.labels.join(orders, on="basket").join(
            shop.truth["missions"], on="order", suffix="_planted"
        )
        score = normalized_mutual_info_score(known["mission_planted"].to_physical(), known["mission"])
        yield f"NMI of missions, over {name}", 0.7, score
    segments = shop.truth["segments"].select("customer", pl.col("segment").cast(pl.String))
    cube = bk.buying_cube(ledger, groups=planted, segments=segments, period="quarter", discount="discount")
    key = ["segment", "group", "period", "discounted"]
    cells = shop.truth["cells"].select(
        pl.col("segment").cast(pl.String), group="product_group", period="quarter", discounted="discounted"
    )
    over = cube.found.filter(verdict="over").select(key)
    hits = over.join(cells, on=key).height
    yield "precision of cells that are over", 0.9, hits / over.height if over.height else float(np.nan)
    yield "recall of planted cells", None, hits / cells.height


if __name__ == "__main__":
    sys.exit(main())
