"""`basketry personas` and `basketry lookalike`, and their figures."""

from __future__ import annotations

import json

import polars as pl
import pytest

import basketry as bk
from basketry.cli import main


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A saved shop and a pool beside it."""
    folder = tmp_path_factory.mktemp("people")
    made = bk.simulate(customers=1_500, parts=["prospects"])
    made.ledger.save(folder / "shop.ledger")
    made.tables["prospects"].write_parquet(folder / "pool.parquet")
    made.tables["behaviour"].write_parquet(folder / "known.parquet")
    people = made.truth["segments"].filter(pl.col("segment") == "family_kids")
    people.select("customer").write_csv(folder / "seed.csv")
    return folder


@pytest.fixture
def call(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return left.value.code, told.out, told.err

    return run


def test_personas_of_buyers_and_of_a_list(call, shop) -> None:
    source = shop / "shop.ledger"
    asked = ("--bought", "category=toys", "--as-of", "2024-10-01", "--json")
    code, out, told = call("personas", source, *asked)
    assert code == 0, told
    rows = json.loads(out)
    assert {row["group"] for row in rows} == {"buyers of toys"}
    own = next(row for row in rows if row["label"] == "bought toys")
    assert own["low"] < own["odds_ratio"] < own["high"]
    assert own["sentence"].startswith("Buyers of toys")
    code, out, told = call(
        "personas", source, "--target", shop / "seed.csv", "--category", "category", "--json"
    )
    assert code == 0, told
    assert "The group" in json.loads(out)[0]["sentence"]
    assert call("personas", source)[0] == 2
    assert call("personas", source, "--bought", "toys", "--as-of", "2024-10-01")[0] == 2
    assert call("personas", source, "--bought", "category=toys")[0] == 2
    assert call("personas", source, "--target", shop / "seed.txt")[0] == 2


def test_lookalike_of_a_list(call, shop, tmp_path) -> None:
    files = (
        "--pool",
        shop / "pool.parquet",
        "--seed-ids",
        shop / "seed.csv",
        "--known",
        shop / "known.parquet",
    )
    code, out, told = call("lookalike", *files, "--size", 50, "--json")
    assert code == 0, told
    rows = json.loads(out)
    assert [row["rank"] for row in rows] == list(range(1, 51))
    seed = pl.read_csv(shop / "seed.csv")["customer"]
    assert not {row["id"] for row in rows} & set(seed)
    assert call("lookalike", *files, "-o", tmp_path / "all.csv")[0] == 0
    pool = pl.read_parquet(shop / "pool.parquet")
    kept = pool.filter(~pl.col("id").is_in(seed.implode()))
    assert pl.read_csv(tmp_path / "all.csv").height == kept.height
    reach = json.loads(call("lookalike", *files, "--reach", "--json")[1])
    assert reach[-1]["people"] == kept.height
    assert call("lookalike", *files, "--key", "who")[0] == 1
    assert call("lookalike", *files, "-o", tmp_path / "all.txt")[0] == 2


def test_simulate_writes_what_is_asked_for(call, tmp_path) -> None:
    code, _, told = call(
        "simulate", "--customers", 60, "--part", "personas", "--part", "outcomes", "-o", tmp_path / "s"
    )
    assert code == 0, told
    assert (tmp_path / "s" / "personas.parquet").is_file()
    assert (tmp_path / "s" / "truth" / "contacts.parquet").is_file()
    assert not (tmp_path / "s" / "prospects.parquet").exists()
    assert call("simulate", "--customers", 60, "--part", "person", "-o", tmp_path / "t")[0] == 2
