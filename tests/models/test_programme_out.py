"""The programme on the command line and on the page."""

import json
from datetime import date

import polars as pl
import pytest

import basketry as bk
from basketry.campaigns.channels import Channel, channel_policy
from basketry.cli import main
from basketry.models.programme import propensity_programme
from basketry.report import Findings, build_report


@pytest.fixture(scope="module")
def shop():
    return bk.simulate(customers=1200, rng=7).ledger


@pytest.fixture(scope="module")
def programme(shop):
    return propensity_programme(shop, learners=["ridge"], folds=1, periods=2, replicates=20, explained=3)


def test_the_page_shows_windows_gain_reliability_profit_and_revenue(programme):
    told = [
        (
            programme.target,
            programme.comparison.verdict,
            programme.comparison.offered,
            programme.scores.height,
        )
    ]
    cutoffs = channel_policy(
        programme.scores, {"mail": Channel(0.01, 0.6), "<i>way": Channel(0.9, 1.4)}, margin=9
    ).cutoffs
    findings = Findings(
        title="Shop", as_of=date(2024, 12, 30), currency="EUR",
        prediction=pl.DataFrame(told, schema=["target", "verdict", "offered", "people"], orient="row"),
        comparison=programme.comparison.sheet, periods=programme.labelled.periods, gains=programme.gains,
        reliability=programme.reliability, cutoffs=cutoffs,
    )  # fmt: skip
    page = build_report(findings)
    for figure in ("Figure 5.", "Figure 7.", "Figure 8.", "Figure 9.", "Figure 10."):
        assert figure in page
    assert "The model" in page
    assert "<i>way" not in page
    empty = {
        name: getattr(findings, name).head(0)
        for name in ("comparison", "periods", "gains", "reliability", "cutoffs")
    }
    assert "Figure 5." not in build_report(
        Findings(title="", as_of=findings.as_of, prediction=findings.prediction, **empty)
    )


def run(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(words))
    out = capsys.readouterr()
    return left.value.code, out.out, out.err


def test_score_and_compare(shop, tmp_path, capsys):
    shop.save(tmp_path / "shop.ledger")
    (tmp_path / "ways.csv").write_text("channel,cost,factor\nmail,0.01,0.6\nletter,0.9,1.4\n")
    asked = [str(tmp_path / "shop.ledger"), "--learner", "ridge", "--folds", "1"]
    more = [
        "--channel-costs",
        str(tmp_path / "ways.csv"),
        "--margin",
        "20",
        "--model",
        str(tmp_path / "a.model"),
    ]
    code, out, err = run(capsys, "score", *asked, *more, "--json", "--top", "5")
    rows = json.loads(out)
    assert (code, len(rows)) == (0, 5)
    assert {"customer", "p", "percentile", "reasons", "channel", "expected_profit"} <= set(rows[0])
    assert "the best baseline" in err
    assert bk.PropensityModel.load(tmp_path / "a.model").card_["target"] == "reactivation"
    code, out, _ = run(capsys, "compare", *asked, "--target", "repurchase")
    assert code == 0
    assert out.startswith("as_of,model,kind,people,base_rate,precision_5")
    for wrong, why in (
        (["score", *asked, "--target", "wishes"], "'wishes' is not known"),
        (["score", *asked, "--channel-costs", str(tmp_path / "ways.csv")], "--margin"),
        (["score", *asked, "--channel-costs", str(tmp_path / "none.csv"), "--margin", "1"], "no such file"),
        (["compare", *asked, "--window", "900d"], "too short"),
    ):
        code, _, err = run(capsys, *wrong)
        assert code == 2
        assert why in err
