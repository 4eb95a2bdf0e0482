"""The command line: every verb, what it writes, how it refuses, and that it leaves nothing half done."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

from basketry.cli import main
from basketry.cli._output import for_csv
from basketry.control import Budget
from basketry.ledger import Ledger
from basketry.simulation import simulate

VERBS = ("rfm", "features", "cohorts", "lifetime", "segments", "itemsets", "rules", "sequences", "lags")
DEEP = ("revenue", "concentration", "motivation", "groups", "missions", "cube")
TABLES = {
    *("quality", "revenue", "rfm", "rfm_map", "rfm_segments", "quadrants", "segments", "profile"),
    *("segment_labels", "itemsets", "rules", "sequences", "sequence_rules", "lags", "lag_peaks", "items"),
    *("lag_rules", "due", "retention", "validated_rules"),
    *("personas", "lookalike", "lookalike_scores"),
    *("cohorts", "concentration", "concentration_curve", "cube", "cube_found"),
    *("prediction", "comparison", "periods", "gains", "reliability", "bands", "scores"),
    *("lifetime", "lifetime_parameters", "lifetime_measures", "lifetime_by_frequency", "lifetime_tracking"),
}


@pytest.fixture
def call(capsys):
    """Run the command in this process: exit code, stdout, stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return left.value.code, told.out, told.err

    return run


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    """A shop as one file that the generic names fit, over its product segments."""
    shop = simulate(customers=1_500, rng=7)
    items = shop.tables["items"].select(item="id", description="product_segment", category="category")
    orders = shop.tables["orders"].select(order="id", customer="customer", time="ts")
    lines = shop.tables["lines"].join(orders, on="order").join(items, on="item")
    path = tmp_path_factory.mktemp("shop") / "corner_shop.parquet"
    lines.with_columns(pl.col("category", "description").cast(pl.String)).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def made(dump, tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "out"
    with pytest.raises(SystemExit) as left:
        main(["run", str(dump), "-o", str(out), "--item", "category"])
    assert left.value.code == 0
    return out


def python(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "basketry.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_help_names_every_verb_and_needs_no_frames(call):
    code, out, _ = call("--help")
    assert code == 0
    verbs = re.findall(r"^  (\w+) {2,}\w", out.split("Commands:")[1], re.MULTILINE)
    assert verbs == [
        "demo",
        "inspect",
        "run",
        *VERBS,
        "due",
        "score",
        "compare",
        *DEEP,
        "personas",
        "lookalike",
        "simulate",
    ]
    seen = "import sys, basketry.cli; print({'polars', 'numpy', 'rich'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", seen], text=True).strip() == "set()"


@pytest.mark.parametrize(
    "verb",
    ["demo", "inspect", "run", *VERBS, "score", "compare", *DEEP, "personas", "lookalike", "simulate"],
)
def test_help_of_each_verb(call, verb):
    code, out, err = call(verb, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: basketry {verb}")


def test_version(call):
    code, out, _ = call("--version")
    assert code == 0
    assert out.startswith("basketry ")


def test_run_writes_everything(made):
    assert sorted(entry.name for entry in made.iterdir()) == [
        "report.html",
        "run.json",
        "shop.ledger",
        "tables",
    ]
    written = {entry.name for entry in (made / "tables").iterdir()}
    assert written == {f"{name}.{ending}" for name in TABLES for ending in ("csv", "parquet")}
    page = (made / "report.html").read_text()
    assert len(page) < 800_000
    for figure in ("Figure 1.", "Figure 2", "Figure 3.", "Figure 4.", "Figure 14.", "Figure 17."):
        assert figure in page
    for chart in ("revenue", "segments", "profile", "rfm-customers", "rfm-monetary-mean", "quadrants"):
        assert f'data-chart="{chart}"' in page
    assert 'data-chart="lag2' in page
    for linked in set(re.findall(r'href="(tables/[^"]+)"', page)):
        assert (made / linked).is_file(), linked
    assert not list(made.parent.glob(".*"))


def test_run_tells_how_it_was_made(made, dump):
    record = json.loads((made / "run.json").read_text())
    rows = record["rows"]
    assert rows["rows_in"] == rows["rows_used"] + rows["rows_set_aside"] == pl.read_parquet(dump).height
    assert record["fingerprint"] == Ledger.open(made / "shop.ledger").fingerprint
    assert record["source"] == ["corner_shop.parquet"]
    assert {"basketry", "python", "polars"} <= set(record["versions"])
    assert {"read", "rules", "report"} <= set(record["seconds"])
    assert (record["seed"], record["absent"]) == (0, {})


def test_a_second_run_replaces_the_first_and_says_the_same(made, dump, tmp_path, call):
    before = {name: (made / name).read_bytes() for name in ("report.html", "shop.ledger", "tables/rules.csv")}
    (made / "notes.txt").write_text("mine")
    assert call("run", dump, "-o", made, "--item", "category", "--threads", 1)[0] == 0
    assert (made / "notes.txt").read_text() == "mine"
    (made / "notes.txt").unlink()
    assert before == {name: (made / name).read_bytes() for name in before}


def test_a_foreign_folder_is_refused(dump, tmp_path, call):
    (tmp_path / "thesis.txt").write_text("years of work")
    code, _, err = call("run", dump, "-o", tmp_path)
    assert code == 2
    assert "holds other files" in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("verb", VERBS)
def test_each_question_answers_in_csv_json_and_files(call, made, tmp_path, verb):
    ledger = made / "shop.ledger"
    own = ("--item", "category") if verb in ("itemsets", "rules", "sequences", "lags") else ()
    code, out, err = call(verb, ledger, *own, "--top", 5)
    assert (code, err) == (0, "")
    table = pl.read_csv(io.StringIO(out))
    assert 0 < table.height <= 5
    rows = json.loads(call(verb, ledger, *own, "--top", 5, "--json")[1])
    assert list(rows[0]) == table.columns
    assert len(rows) == table.height
    for ending, read in ((".csv", pl.read_csv), (".parquet", pl.read_parquet), (".json", pl.read_json)):
        path = tmp_path / f"answer{ending}"
        code, out, _ = call(verb, ledger, *own, "--top", 5, "-o", path)
        assert (code, out) == (0, "")
        assert read(path).height == table.height


def test_a_dump_and_its_ledger_answer_alike(call, dump, made):
    assert call("rfm", dump)[1] == call("rfm", made / "shop.ledger")[1]


def test_thresholds_are_taken_as_typed(call, made):
    rows = json.loads(
        call("itemsets", made / "shop.ledger", "--min-count", 30, "--max-length", 2, "--json")[1]
    )
    assert min(row["count"] for row in rows) >= 30
    assert max(row["length"] for row in rows) <= 2


def test_a_pair_is_followed(call, made):
    rows = json.loads(
        call("lags", made / "shop.ledger", "--antecedent", 1, "--consequent", 2, "--horizon", "8w", "--json")[
            1
        ]
    )
    assert [row["week"] for row in rows] == list(range(1, 9))
    assert call("lags", made / "shop.ledger", "--antecedent", 1)[0] == 2


def test_many_pairs_are_followed(call, made):
    asked = (made / "shop.ledger", "--item", "category", "--min-events", 50, "--horizon", "20w", "--json")
    rules = json.loads(call("lags", *asked, "--rules")[1])
    assert len(rules) > 3
    assert min(rule["events"] for rule in rules) >= 50
    weeks = json.loads(call("lags", *asked)[1])
    assert len(weeks) == 20 * len(rules)
    assert list(weeks[0])[:3] == ["antecedent", "consequent", "week"]


def test_who_is_due(call, made):
    asked = ("due", made / "shop.ledger", "--item", "category", "--as-of", "2024-06-01", "--json")
    # So small a shop has no sure peak.
    assert json.loads(call(*asked)[1]) == []
    rows = json.loads(call(*asked, "--every-rule", "--weeks", 2, "--per-customer", 1)[1])
    assert len({row["customer"] for row in rows}) == len(rows) > 50
    assert all(row["lift"] >= 1 and row["since"] < "2024-06-01" for row in rows)


@pytest.mark.parametrize(
    ("verb", "own"),
    [
        ("revenue", ("--period", "quarter", "--against", "year")),
        ("concentration", ("--of", "item")),
        ("groups", ("--k", 3)),
        ("missions", ("--category", "category", "--k", 3)),
        ("cube", ("--category", "category", "--k", 3, "--all")),
        ("segments", ("--purpose", "taste", "--category", "category", "--k", 3, "--profile")),
    ],
)
def test_customers_in_depth(call, made, verb, own):
    code, out, err = call(verb, made / "shop.ledger", *own, "--top", 3)
    assert (code, err) == (0, "")
    assert pl.read_csv(io.StringIO(out)).height == 3


def test_motivation_needs_discounts(call, made):
    code, _, err = call("motivation", made / "shop.ledger", "--discount", "rebate")
    assert code == 1
    assert "rebate" in err


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_after_as_of_is_seen(call, dump, tmp_path, verb):
    cut = pl.datetime(2024, 3, 1, time_zone="UTC")
    past = tmp_path / "past.parquet"
    pl.read_parquet(dump).filter(pl.col("time") < cut).write_parquet(past)
    own = ("--item", "category") if verb in ("itemsets", "rules", "sequences", "lags") else ()
    early = ("--as-of", "2024-03-01")
    assert call(verb, dump, *own, *early)[1] == call(verb, past, *own, *early)[1]


def test_rules_are_looked_for_in_segments_and_put_to_the_test(call, dump, tmp_path):
    people = pl.read_parquet(dump).select("customer").unique().sort("customer")
    halves = people.with_columns(
        segment=pl.when(pl.col("customer") % 2 == 0).then(pl.lit("even")).otherwise(pl.lit("odd"))
    )
    halves.write_csv(tmp_path / "halves.csv")
    code, out, told = call(
        *("rules", dump, "--item", "category", "--min-count", 30, "--min-lift", 0.8, "--json"),
        *("--within", tmp_path / "halves.csv"),
    )
    assert code == 0, told
    found = json.loads(out)
    assert {one["segment"] for row in found for one in row["segments"]} == {"even", "odd"}
    assert all(max(row["lift"], *(one["lift"] or 0 for one in row["segments"])) >= 0.8 for row in found)
    wanted = found[0]["consequent"][0]
    code, out, told = call(
        *("rules", dump, "--item", "category", "--min-count", 20, "--consequent", wanted, "--json"),
        *("--max-antecedent", 1, "--holdout", "2024-04-01", "--strata", tmp_path / "halves.csv"),
    )
    assert code == 0, told
    tested = json.loads(out)
    assert {row["consequent"][0] for row in tested} == {wanted}
    assert {row["verdict"] for row in tested} <= {"kept", "weak", "rejected"}
    for arguments, words in (
        (("--within", "city"), "within"),
        (("--strata", tmp_path / "nobody.csv"), "no such file"),
        (("--holdout", "2044-01-01"), "holdout"),
    ):
        code, _, told = call("rules", dump, "--min-count", 50, *arguments)
        assert code == 2
        assert words in told


def test_without_items_the_rest_goes_on(call, tmp_path):
    shop = simulate(customers=300)
    orders = shop.tables["orders"].select("customer", time="ts", amount=pl.lit(9.5))
    orders.write_parquet(tmp_path / "sums.parquet")
    assert call("run", tmp_path / "sums.parquet", "-o", tmp_path / "out")[0] == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert set(record["absent"]) == {
        *("rules", "sequences", "sequence_rules", "lags", "cube", "prediction", "personas", "lookalike")
    }
    assert "do not tell which items" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("money", [True, False])
def test_one_customer_and_no_money(call, tmp_path, money):
    lines = pl.DataFrame({"customer": ["ann"] * 3, "item": ["a", "b", "a"], "time": ["2024-01-01"] * 3})
    lines = lines.with_columns(amount=pl.lit(1.0)) if money else lines
    lines.write_parquet(tmp_path / "one.parquet")
    code, _, err = call("run", tmp_path / "one.parquet", "-o", tmp_path / "out", "--timezone", "UTC")
    assert (code, err) == (0, "")
    absent = json.loads((tmp_path / "out" / "run.json").read_text())["absent"]
    assert ("revenue" in absent) is not money


def test_inspect_writes_the_mapping_and_reads_by_it(call, dump, tmp_path):
    toml = tmp_path / "basketry.toml"
    code, out, err = call("inspect", dump, "-o", toml)
    assert code == 0
    assert 'item = "item"' in out
    assert "rows in" in out
    assert str(toml) in err
    assert call("rfm", dump, "--config", toml)[1] == call("rfm", dump)[1]
    assert call("inspect", dump, "-o", toml)[0] == 2
    told = json.loads(call("inspect", dump, "-o", toml, "--force", "--json")[1])
    assert told["input"]["columns"]["time"] == "time"


def test_simulate_writes_a_shop_and_a_faulty_one(call, tmp_path):
    assert call("simulate", "--customers", 300, "-o", tmp_path / "clean")[0] == 0
    assert (tmp_path / "clean" / "truth" / "sequences.parquet").is_file()
    assert call("simulate", "--customers", 300, "--faulty", "-o", tmp_path / "faulty")[0] == 0
    toml = tmp_path / "faulty" / "basketry.toml"
    rows = json.loads(call("rfm", tmp_path / "faulty", "--config", toml, "--json")[1])
    assert len(rows) > 100
    assert call("simulate", "--world", "flat", "-o", tmp_path / "x")[0] == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["clean", "faulty"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("rfm",), 2, "SOURCE"),
        (("rfm", "nowhere.csv"), 1, "nowhere.csv does not exist"),
        (("rfm", "{dump}", "--nonsense"), 2, "--nonsense"),
        (("rfm", "{dump}", "--threads", "0"), 2, "--threads"),
        (("rfm", "{dump}", "--ties", "up"), 2, "ties='up'"),
        (("rfm", "{dump}", "--as-of", "soon"), 2, "as_of='soon'"),
        (("rfm", "{dump}", "-o", "x.xlsx"), 2, ".parquet"),
        (("rfm", "{dump}", "--preset", "olist"), 1, ""),
        (("rfm", "{ledger}", "--timezone", "UTC"), 2, "leave it out"),
        (("itemsets", "{dump}", "--min-support", "7"), 2, "min_support=7.0"),
        (("rules", "{dump}", "--item", "smell"), 1, "smell"),
        (("dance",), 2, "dance"),
    ],
)
def test_refusals_take_one_line(call, made, dump, arguments, code, said):
    given = [word.format(dump=dump, ledger=made / "shop.ledger") for word in arguments]
    left, out, err = call(*given)
    assert (left, out) == (code, "")
    assert err.startswith("basketry: ")
    assert err.count("\n") == 1
    assert said in err


def test_debug_shows_the_traceback():
    process = python("rfm", "nowhere.csv", "--debug")
    assert "Traceback" in process.communicate()[1]
    assert process.returncode == 1


def test_no_formula_from_data():
    frame = pl.DataFrame(
        {
            "a": ["=1+1", "@x", "-2+3", "\tx", "+", "plain", None],
            "n": [-1, -2, 3, 4, 5, 6, 7],
            "l": [["=1", "b"]] * 7,
        }
    )
    safe = for_csv(frame.lazy()).collect()
    assert safe["a"].to_list() == ["'=1+1", "'@x", "'-2+3", "'\tx", "'+", "plain", None]
    assert safe["n"].to_list() == frame["n"].to_list()
    assert json.loads(safe["l"][0]) == ["=1", "b"]
    assert for_csv(frame.lazy(), raw=True).collect()["a"].to_list() == frame["a"].to_list()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("after", [0.05, 1.0, 2.5])
def test_an_interrupted_run_leaves_nothing(tmp_path, after):
    process = python("demo", "--customers", 200_000, "-o", tmp_path / "out")
    deadline = time.monotonic() + 30
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(after)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    # Half a second is the bar; a machine that runs other tests beside this one gets three.
    assert time.monotonic() - start < 3
    assert process.returncode == 130
    assert err.splitlines() == ["basketry: interrupted, nothing was written"]
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_swept(tmp_path, call):
    left = tmp_path / ".out.999999999.part"
    left.mkdir()
    (left / "half").write_text("")
    assert call("simulate", "--customers", 50, "-o", tmp_path / "out")[0] == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_a_reader_that_has_enough_is_no_error(made):
    process = python("rfm", made / "shop.ledger")
    process.stdout.close()
    err = process.stderr.read()
    process.wait()
    assert "Traceback" not in err
    process.stderr.close()


def test_itemsets_of_a_text(call, tmp_path):
    path = tmp_path / "shop.dat"
    path.write_text("1 2\n1 3\n\n1 2 3\n")
    code, out, _ = call(
        "itemsets", path, "--min-count", "2", "--contains", "1", "--min-length", "2", "--json"
    )
    assert code == 0
    assert [row["itemset"] for row in json.loads(out)] == [[1, 2], [1, 3]]
    code, out, _ = call("itemsets", path, "--support-for", "5", "--json")
    assert (code, json.loads(out)) == (0, [{"min_count": 2, "min_support": 0.5, "itemsets": 5}])
    code, out, _ = call("itemsets", path, "--min-count", "2", "--kind", "maximal", "--top", "1", "--json")
    assert [row["itemset"] for row in json.loads(out)] == [[1, 2]]
    assert call("itemsets", path)[0] == 0
    assert call("itemsets", path, "--min-count", "2", "--value", "amount")[0] == 2


def test_sequences_with_every_option(call, dump):
    ask = ("sequences", dump, "--item", "category", "--min-count", "60", "--json")
    code, out, _ = call(*ask)
    rows = json.loads(out)
    assert code == 0
    assert {len(row["sequence"]) for row in rows} >= {1, 2}
    for narrower in (
        ("--max-length", "1"), ("--max-gap", "2w"), ("--min-gap", "8w"), ("--max-span", "3w"),
        ("--contains", rows[0]["sequence"][0][0]), ("--excludes", rows[0]["sequence"][0][0]), ("--top", "3"),
        ("--as-of", "2023-06-01"), ("--min-count", "90"),
    ):  # fmt: skip
        code, out, _ = call(*ask, *narrower)
        assert code == 0
        assert len(json.loads(out)) < len(rows)
    assert call("sequences", dump, "--item", "category", "--min-support", "0.1")[0] == 0


def test_sequences_partly(call, dump, monkeypatch):
    ask = ("sequences", dump, "--item", "category", "--min-count", "60", "--max-length", "3", "--json")
    monkeypatch.setattr("basketry.patterns.sequences.SEQUENCES", Budget(results=40))
    code, _, err = call(*ask)
    assert code == 1
    assert "would fit, from min_count=" in err
    code, out, err = call(*ask, "--partial")
    assert code == 0
    assert "basketry: sequences of at most" in err
    assert json.loads(out)


def test_rules_between_orders_of_several_items(call, dump):
    ask = ("sequences", dump, "--item", "category", "--rules", "--min-count", "60", "--json")
    single = json.loads(call(*ask)[1])
    code, out, _ = call(*ask, "--max-antecedent", "2", "--max-consequent", "2")
    sides = {(len(row["antecedent"]), len(row["consequent"])) for row in json.loads(out)}
    assert code == 0
    assert sides >= {(1, 1), (2, 1), (1, 2)}
    sure = [
        (row["antecedent"], row["consequent"]) for row in json.loads(call(*ask, "--min-confidence", "0.3")[1])
    ]
    assert sure == [(row["antecedent"], row["consequent"]) for row in single if row["confidence"] >= 0.3]
    assert len(sure) < len(single)
    assert len(json.loads(call(*ask, "--max-gap", "3w")[1])) < len(single)
    assert call("sequences", dump, "--item", "category", "--rules")[0] == 0
    code, _, err = call(*ask, "--max-span", "3w")
    assert (code, "leave it out" in err) == (2, True)
    code, _, err = call("sequences", dump, "--min-count", "60", "--max-antecedent", "2")
    assert (code, "add --rules" in err) == (2, True)


def test_itemsets_of_several_levels_with_values(call, dump):
    code, out, _ = call(
        "itemsets", dump, "--item", "category", "--min-count", "50", "--value", "amount", "--json"
    )
    assert code == 0
    assert all(float(row["amount"]) > 0 for row in json.loads(out))
    code, out, _ = call(
        "itemsets", dump, "--level", "item", "--level", "category", "--min-count", "100", "--json"
    )
    assert code == 0
    assert any(name.startswith("category: ") for row in json.loads(out) for name in row["itemset"])
