"""Channels and the hesitant band: the policy against the oracle's profit, by hand and by lot."""

import numpy as np
import polars as pl
import pytest

from basketry.campaigns.channels import Channel, band_table, channel_policy
from basketry.exceptions import ParameterError, SchemaError
from basketry.models.propensity import PropensityModel

WAYS = {"e-mail": Channel(0.01, 0.6), "video": Channel(0.25, 1.0), "letter": Channel(0.90, 1.4)}


def test_each_person_gets_the_channel_that_pays_most():
    chances = [0.0, 0.001, 0.05, 0.1, 0.2, 0.8, 1.0]
    people = pl.DataFrame({"customer": range(len(chances)), "p": chances})
    found = channel_policy(people, WAYS, margin=10.0)
    for row in found.people.iter_rows(named=True):
        profits = {name: min(1, row["p"] * way.factor) * 10 - way.cost for name, way in WAYS.items()}
        best = max(profits, key=lambda name: (profits[name], -WAYS[name].cost))
        wanted = (best, profits[best]) if profits[best] > 0 else ("none", 0.0)
        assert (row["channel"], row["expected_profit"]) == (wanted[0], pytest.approx(wanted[1]))
    assert found.people["channel"].to_list() == [
        "none",
        "none",
        "e-mail",
        "video",
        "letter",
        "letter",
        "video",
    ]
    assert found.channels["policy"][0] == "chosen"
    last = found.cutoffs.filter(share=1.0)
    assert dict(last.select("channel", "expected_profit").rows()) == pytest.approx(
        dict(found.channels.select("policy", "expected_profit").rows())
    )


def test_the_policy_comes_near_the_oracle_on_people_of_known_chance():
    rng = np.random.default_rng(5)
    n = 30_000
    traits = rng.normal(size=(n, 4))
    chance = 1 / (1 + np.exp(-(traits @ np.array([0.9, -0.6, 0.4, 0.0]) - 2.6)))
    table = pl.DataFrame(traits, schema=["a", "b", "c", "d"]).with_row_index("customer")
    early, late = table[: n // 2], table[n // 2 :]
    hits = rng.random(n) < chance
    model = PropensityModel("ridge").fit(early, hits[: n // 2])
    scored = model.rank(late).join(late.with_columns(truth=chance[n // 2 :]), on="customer", how="left")

    def real(channels):
        """Give the profit that the truth says of a choice."""
        cost = np.array([WAYS[one].cost if one in WAYS else 0.0 for one in channels])
        factor = np.array([WAYS[one].factor if one in WAYS else 0.0 for one in channels])
        return (np.minimum(1, scored["truth"].to_numpy() * factor) * 8.0 - cost).sum()

    chosen = real(channel_policy(scored, WAYS, margin=8.0).people["channel"].to_list())
    oracle = real(channel_policy(scored, WAYS, margin=8.0, score="truth").people["channel"].to_list())
    single = [real([name] * scored.height) for name in WAYS]
    assert chosen >= 0.97 * oracle
    assert chosen > max(single)


def test_the_bands_hold_everybody():
    people = pl.DataFrame(
        {"p": [0.0, 0.149, 0.15, 0.49, 0.5, 1.0], "label": [False, False, True, False, True, True]}
    )
    found = band_table(people, label="label")
    assert found.select("band", "people", "actual", "share_of_yes").rows() == [
        ("below", 2, 0.0, 0.0), ("hesitant", 2, 0.5, 1 / 3), ("above", 2, 1.0, 2 / 3)
    ]  # fmt: skip
    assert found["ratio"].to_list() == [None, pytest.approx(0.64), pytest.approx(0.75)]
    assert "actual" not in band_table(people).columns
    assert band_table(people.head(0), label="label")["people"].sum() == 0


def test_wrong_arguments_are_refused_with_a_mend():
    people = pl.DataFrame({"customer": [1], "p": [0.5]})
    with pytest.raises(ParameterError, match="cost"):
        Channel(cost=-1)
    with pytest.raises(ParameterError, match="channels"):
        channel_policy(people, {}, margin=1)
    with pytest.raises(ParameterError, match="probabilities"):
        channel_policy(people.with_columns(p=1.5), WAYS, margin=1)
    with pytest.raises(SchemaError, match="'margin'"):
        channel_policy(people, WAYS, margin="margin")
    with pytest.raises(ParameterError, match="band"):
        band_table(people, band=(0.5, 0.2))
