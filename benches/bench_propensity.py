"""Predictions: the folds of CDNOW by all usual learners, the programmes of Online Retail II, calibration where nothing drifts.

BASKETRY_DATA names the folder of the public data.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("BASKETRY_DATA", "data"))

CDNOW = """
import json, sys
from datetime import date
import basketry as bk
shop = bk.read_ledger(sys.argv[1])
train = [date(1997, month, 1) for month in range(5, 13)]
tests = [date(1997, 10, 1), date(1998, 1, 1), date(1998, 4, 1)]
table = bk.Snapshot(as_of=sorted({*train, *tests}), dormant="90d", label="90d").build(shop)
found = bk.compare(table, tests=tests)
rows = found.sheet.select("as_of", "model", "people", "base_rate", "auc", "lift_10", "revenue_10", "brier").with_columns(
    as_of=found.sheet["as_of"].cast(str))
bands = [bk.band_table(fold, score=found.chosen, label="label")["ratio"][1] for _, fold in found.scored.group_by("as_of")]
print(json.dumps({"chosen": found.chosen, "verdict": found.verdict, "bands": bands, "rows": rows.to_dicts()}))
"""

RETAIL = """
import json, sys, time
import polars as pl
import basketry as bk
start, spent = time.perf_counter(), time.process_time()
shop = bk.read_ledger(sys.argv[1:3])
found = bk.propensity_programme(shop, target=sys.argv[3])
print(json.dumps({"seconds": time.perf_counter() - start, "cpu_s": time.process_time() - spent,
                  "verdict": found.comparison.verdict, "offered": found.comparison.offered,
                  "rows": found.comparison.sheet.select("as_of", "model", "people", "base_rate", "auc", "lift_10", "revenue_10",
                      "brier", "calibration_error").with_columns(pl.col("as_of").cast(pl.String)).to_dicts()}))
"""

STATIONARY = """
import json, sys
from datetime import date
import polars as pl
import basketry as bk
from basketry.models.metrics import Sheet
world = bk.simulate("stationary", customers=int(sys.argv[1]), rng=7, parts=["outcomes"])
found = bk.propensity_programme(world.ledger, target="repurchase", as_of=date(2024, 12, 30), window="91d", label="91d",
                                learners=["ridge", "lasso"], folds=1)
rows = found.comparison.scored.with_columns(as_of=pl.col("as_of").dt.date()).join(
    world.truth["outcomes"], on=["customer", "as_of"], maintain_order="left")
sheet = Sheet(rows["label"].to_numpy(), rows["label_value"].to_numpy(), rows["customer"].to_numpy(), replicates=20)
oracle = sheet.of(*[1 - rows["p_churn"].to_numpy()] * 2)["calibration_error"]
errors = dict(found.comparison.sheet.select("model", "calibration_error").rows())
chosen = found.comparison.chosen
print(json.dumps({"people": rows.height, "chosen": chosen, "calibration_error": errors[chosen],
                  "oracle": oracle[0], "all": errors, "move": found.comparison.drift["move"][0]}))
"""


def needed(name):
    path = DATA / "retail" / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"{name} is not here: set BASKETRY_DATA to the folder that holds it")
    return str(path)


def bench_cdnow(measure):
    answer = measure.child(CDNOW, needed("cdnow_master"))
    measure.record(
        "propensity: CDNOW, three folds",
        {"cpu": answer["cpu"], "peak_mb": answer["peak_mb"]} | answer["answer"],
    )


@pytest.mark.parametrize("target", ["reactivation", "repurchase"])
def bench_online_retail(measure, target):
    sheets = [needed(f"online_retail_ii_{years}") for years in ("2009_2010", "2010_2011")]
    answer = measure.child(RETAIL, *sheets, target)
    measure.record(
        f"propensity: Online Retail II, {target}", {"peak_mb": answer["peak_mb"]} | answer["answer"]
    )
    models = {row["model"] for row in answer["answer"]["rows"]}
    assert {"random", "recency", "frequency", "BG/NBD", "ridge", "lasso", "forest", "boosting"} <= models
    assert answer["answer"]["seconds"] < 60


def bench_calibration_where_nothing_drifts(measure):
    answer = measure.child(STATIONARY, "40000")
    measure.record(
        "propensity: calibration in the stationary world", {"cpu": answer["cpu"]} | answer["answer"]
    )
    assert answer["answer"]["calibration_error"] <= 0.015
