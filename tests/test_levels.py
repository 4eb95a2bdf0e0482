"""Several levels of items in one run: no set holds an item and what it is a part of."""

import polars as pl
import pytest

import basketry as bk

from .test_baskets import lines_of, sets_of, slowly

ATTRIBUTES = ("category", "department", "brand")


@pytest.fixture(scope="module", params=range(3))
def lines(request):
    return lines_of(request.param)


@pytest.fixture(scope="module")
def ledger(lines):
    return bk.read_ledger(
        lines, timezone="UTC", item_attributes={name: name for name in ATTRIBUTES}, returns="keep"
    )


def oracle(lines, levels, least):
    """Baskets of all levels, less the sets in which one name tells another."""
    rows, items = [], {}
    for order, quantity, *names in lines.select("order", "quantity", "item", *ATTRIBUTES).iter_rows():
        line = dict(zip(("item", *ATTRIBUTES), names, strict=True))
        places = []
        for level in levels:
            axes = [level] if isinstance(level, str) else level
            label = " | ".join(line[axis] for axis in axes)
            places.append(label if level == "item" else f"{' | '.join(axes)}: {label}")
        items[line["item"]] = places
        rows += [(order, place, quantity) for place in places if quantity > 0]
    members = {}
    for item, places in items.items():
        for place in places:
            members.setdefault(place, set()).add(item)
    tells = {(a, b) for a in members for b in members if a != b and members[a] <= members[b]}
    found = slowly(rows, least)
    return {s: v for s, v in found.items() if not any((a, b) in tells for a in s for b in s)}


@pytest.mark.parametrize(
    "levels",
    [["item", "category"], ["item", "category", "department"], ["category", ["category", "brand"]],
     ["department", "brand", "item"]],
)  # fmt: skip
def test_levels_equal_the_oracle(lines, ledger, levels):
    wanted = oracle(lines, levels, 3)
    assert wanted
    for threads in (1, 3):
        found = bk.frequent_itemsets(
            ledger, levels=levels, min_count=3, values=["quantity"], n_threads=threads
        )
        found = found.with_columns(pl.col("quantity").cast(pl.Int64))
        assert sets_of(found, "quantity") == {tuple(sorted(items, key=str)): n for items, n in wanted.items()}
    counted = bk.count_itemsets(ledger, levels=levels, min_count=3)
    assert counted["count"].sum() == len(wanted)


def test_rules_over_levels_leave_ancestors_out(ledger):
    rules = bk.frequent_itemsets(ledger, levels=["item", "category"], min_count=2, min_length=2)
    parents = dict(ledger.items().select("item", "category").rows())
    for items in rules["itemset"]:
        assert not any(f"category: {parents.get(one)}" in items for one in items)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"levels": ["item", "item"]}, "twice"),
        ({"levels": []}, "levels="),
        ({"levels": "item"}, "levels='item'"),
        ({"levels": ["item"], "item": "category"}, "in place of item"),
        ({"levels": [[]]}, "at least one"),
    ],
)
def test_refusals(ledger, arguments, text):
    with pytest.raises(bk.ParameterError, match=text):
        bk.frequent_itemsets(ledger, min_count=1, **arguments)
