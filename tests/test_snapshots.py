"""Snapshots: half-open windows, calendar months, who is looked at, and the proof that nothing leaks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basketry as bk
from basketry.exceptions import LeakError, ParameterError, SchemaError

LONDON = ZoneInfo("Europe/London")


def read(rows, **more):
    frame = pl.DataFrame(
        rows,
        schema={"customer": pl.String, "time": pl.Datetime("us"), "quantity": pl.Int64, "amount": pl.Float64},
        orient="row",
    )
    names = ("customer", "time", "quantity", "amount")
    return bk.read_ledger(frame, columns={name: name for name in names}, timezone="Europe/London", **more)


def buys(*events):
    return [(who, datetime.fromisoformat(at), 1, 10.0) for who, at in events]


def test_the_cut_day_belongs_to_one_side_only():
    shop = read(
        buys(
            ("ann", "2011-06-01 10:00"),
            ("ann", "2011-06-09 15:00"),
            ("ann", "2011-08-01"),
            ("bob", "2011-12-01"),
        )
    )
    found = bk.Snapshot(as_of=date(2011, 6, 9), label="90d").build(shop)
    row = found.table.row(0, named=True)
    assert (row["orders_all"], row["label"], row["label_value"]) == (1, True, 20.0)
    assert row["_feature_max_ts"] == datetime(2011, 6, 1, 9, tzinfo=UTC)
    assert row["_label_min_ts"] == datetime(2011, 6, 9, 14, tzinfo=UTC)
    assert row["_feature_max_ts"] < row["as_of"] <= row["_label_min_ts"]
    # One microsecond decides: an instant of the purchase itself puts it into the label.
    at = datetime(2011, 6, 9, 15)  # noqa: DTZ001
    assert bk.Snapshot(as_of=at, label="90d").build(shop).table["orders_all"].to_list() == [1]
    later = bk.Snapshot(as_of=at + timedelta(microseconds=1), label="90d").build(shop).table
    assert later.select("orders_all", "label_value").row(0) == (2, 10.0)


NINE_MONTHS = buys(
    # Base is October to December, dormant January to March, label April to June of 2024.
    ("ann", "2023-10-01"), ("ann", "2024-04-01"),  # first instants of base and label
    ("bea", "2023-12-31 23:59:59"), ("bea", "2024-06-30 23:59:59"),  # last instants of both
    ("cat", "2023-11-11"),  # came and stayed away
    ("dan", "2023-09-30 23:59:59"), ("dan", "2024-05-01"),  # before the base
    ("eve", "2023-11-01"), ("eve", "2024-01-01"), ("eve", "2024-05-01"),  # first instant of dormant
    ("fay", "2023-11-01"), ("fay", "2024-03-31 23:59:59"),  # last instant of dormant
    ("gus", "2024-02-01"), ("gus", "2024-05-01"),  # known, but not in the base
    ("hal", "2023-12-24"), ("hal", "2024-07-01"),  # after the label
    ("ian", "2024-04-01"), ("joe", "2024-06-30"), ("kim", "2024-07-01"),  # new
)  # fmt: skip


def test_the_nine_months_of_the_deck_by_hand():
    shop = read(NINE_MONTHS)
    for windows in (
        {"base": ("-6mo", "-3mo"), "dormant": ("-3mo", 0), "label": (0, "3mo")},
        {"base": "3mo", "dormant": "3mo", "label": "3mo"},
        {"base": "1q", "dormant": "1q", "label": "1q"},
    ):
        found = bk.Snapshot(as_of=date(2024, 4, 1), **windows).build(shop)
        assert found.table.select("customer", "label").rows() == [
            ("ann", True), ("bea", True), ("cat", False), ("hal", False)
        ]  # fmt: skip
        counts = ("known", "outside_base", "still_active", "population", "positives", "new_customers")
        # Summer time: midnight is 23:00 UTC in October, April and July.
        assert found.periods.select(counts).row(0) == (8, 2, 2, 4, 2, 2)
        starts = found.periods.select("base_start", "dormant_start", "label_start", "label_end").row(0)
        assert [str(at)[:16] for at in starts] == [
            "2023-09-30 23:00", "2024-01-01 00:00", "2024-03-31 23:00", "2024-06-30 23:00"
        ]  # fmt: skip


def test_a_gap_and_fewest_orders():
    shop = read(NINE_MONTHS)
    late = bk.Snapshot(as_of=date(2024, 4, 1), base="3mo", dormant="3mo", gap="1mo", label="2mo").build(shop)
    assert late.table.filter("label")["customer"].to_list() == ["bea"]
    twice = bk.Snapshot(as_of=date(2024, 4, 1), min_orders=2, label="3mo").build(shop)
    assert twice.table["customer"].to_list() == ["eve", "fay"]


def test_a_label_window_past_the_data_is_refused():
    shop = read(NINE_MONTHS)
    bk.Snapshot(as_of=date(2024, 4, 2), label="3mo").build(shop)
    with pytest.raises(
        ParameterError,
        match=r"'2024-04-03'.* ends at 2024-07-03, the data at 2024-07-02",
    ):
        bk.Snapshot(as_of=[date(2024, 1, 1), date(2024, 4, 3)], label="3mo").build(shop)
    assert (
        "label" not in bk.Snapshot(as_of=date(2024, 4, 2), label="3mo").to_score().build(shop).table.columns
    )


def test_a_purge_lies_between_training_and_test():
    shop = read(NINE_MONTHS)
    months = [date(2024, month, 1) for month in (1, 2, 3, 4)]
    found = bk.Snapshot(as_of=months, label="2mo").build(shop)
    train, test = found.split()
    assert sorted({at.astimezone(LONDON).date() for at in train["as_of"]}) == months[:2]
    assert {at.astimezone(LONDON).date() for at in test["as_of"]} == {months[3]}
    train, test = found.split(months[2], apart=True)
    assert not set(train["customer"]) & set(test["customer"])
    with pytest.raises(ParameterError, match="no as_of has its label window closed by then"):
        found.split(months[1])
    with pytest.raises(ParameterError, match="Known: '2024-01-01'"):
        found.split(date(2024, 1, 5))
    with pytest.raises(SchemaError, match="no label"):
        bk.Snapshot(as_of=months).build(shop).split()


def test_a_line_is_seen_from_when_it_became_known():
    at = datetime.fromisoformat
    lines = pl.DataFrame({
        "customer": ["ann", "ann", "bob"],
        "time": [at("2024-01-10"), at("2024-01-10"), at("2024-08-01")],
        "quantity": [2, -1, 1],
        "amount": [20.0, -10.0, 5.0],
        "booked": [at("2024-01-10"), at("2024-03-01"), None],
    })  # fmt: skip
    shop = bk.read_ledger(
        lines, columns={name: name for name in ("customer", "time", "quantity", "amount")},
        measures={"booked": "booked"}, timezone="UTC",
    )  # fmt: skip
    asked = bk.Snapshot(
        as_of=[date(2024, 2, 1), date(2024, 3, 1), date(2024, 3, 2)], label="1mo", known_at="booked"
    )
    found = asked.build(shop)
    assert found.table["spend_net_all"].to_list() == [20.0, 20.0, 10.0]
    assert found.audit().check().passed
    assert bk.Snapshot(as_of=date(2024, 2, 1)).build(shop).table["spend_net_all"].to_list() == [10.0]
    with pytest.raises(SchemaError, match="did you mean 'booked'"):
        bk.Snapshot(as_of=date(2024, 2, 1), known_at="boked").build(shop)


def test_targets(shop):
    asked = {"as_of": date(2023, 10, 1), "label": "90d", "windows": [90], "discount": "discount"}
    lines = shop.lines().join(shop.items(), on="item")
    start, end = datetime(2023, 10, 1, tzinfo=UTC), datetime(2023, 12, 30, tzinfo=UTC)
    inside = lines.filter(pl.col("time") >= start, pl.col("time") < end)
    label = shop.items()["category"][0]
    for target, hit in (
        ("purchase", pl.col("quantity") > 0),
        ("sale", pl.col("discount") > 0),
        ({"category": label}, pl.col("category") == label),
        ({"category": [label], "brand": shop.items()["brand"].to_list()}, pl.col("category") == label),
    ):
        found = bk.Snapshot(target=target, **asked).build(shop).table
        wanted = inside.filter(hit)
        assert found.filter("label")["customer"].to_list() == sorted(
            set(wanted["customer"]) & set(found["customer"])
        )
        people = found.select("customer")
        money = wanted.join(people, on="customer", how="semi")["amount"].sum()
        assert found["label_value"].sum() == pytest.approx(money)
    bought = bk.Snapshot(target="purchase", **asked).build(shop).table
    stayed = bk.Snapshot(target="churn", **asked).build(shop).table
    assert stayed["label"].to_list() == (~bought["label"]).to_list()
    back = read([*NINE_MONTHS, ("cat", datetime.fromisoformat("2024-05-01"), -1, -10.0)])
    found = bk.Snapshot(as_of=date(2024, 4, 1), label="3mo", target="return").build(back).table
    assert found.filter("label").select("customer", "label_value").rows() == [("cat", 10.0)]


@pytest.fixture(scope="module")
def shop():
    return bk.simulate(customers=400, rng=3).ledger


def test_the_audit_passes_and_catches_a_planted_leak(shop):
    asked = bk.Snapshot(
        as_of=[date(2023, 6, 1), date(2023, 9, 1)], dormant="60d", label="60d", category="category",
        discount="discount", attributes=["gender"],
    )  # fmt: skip
    audit = asked.build(shop).audit()
    assert audit.passed
    assert audit.table["check"].to_list() == ["times", "deleted", "perturbed"] * 2
    assert audit.table.filter(check="deleted")["columns"].min() > 150
    assert audit.table["events"].min() > 100

    def orders_ever(ledger, as_of):
        return ledger.orders().drop_nulls("customer").group_by("customer").agg(orders_ever=pl.len())

    def orders_before(ledger, as_of):
        past = ledger.orders().filter(pl.col("time") < as_of).drop_nulls("customer")
        return past.group_by("customer").agg(orders_before=pl.len())

    def up_to_the_day(ledger, as_of):
        # Off by one instant: what is bought at as_of is seen.
        past = ledger.orders().filter(pl.col("time") <= as_of).drop_nulls("customer")
        return past.group_by("customer").agg(up_to_the_day=pl.len())

    def plant(maker):
        return bk.Snapshot(as_of=date(2023, 6, 1), label="60d", windows=[30], features=maker).build(shop)

    assert plant(orders_before).audit().check().passed
    for leak in (orders_ever, up_to_the_day):
        audit = plant(leak).audit()
        assert not audit.passed
        with pytest.raises(LeakError, match=rf"'{leak.__name__}' at 2023-06-01 would know the future"):
            audit.check()
    with pytest.raises(SchemaError, match="'orders_all', which is there already"):
        plant(lambda ledger, _: orders_before(ledger, _).rename({"orders_before": "orders_all"}))
    with pytest.raises(SchemaError, match="several rows"):
        plant(lambda ledger, _: ledger.orders().select("customer", x=1).drop_nulls())


DAYS = st.integers(0, 400)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), DAYS, st.sampled_from([1, 2, -1])), min_size=1, max_size=40),
    st.integers(100, 300), st.integers(0, 90), st.integers(1, 90), st.integers(0, 20),
)  # fmt: skip
def test_people_and_labels_equal_the_oracle(rows, cut, dormant, label, gap):
    start = datetime.fromisoformat("2023-01-01")
    end = ("z", 500, 1)
    shop = read(
        [(who, start + timedelta(days=day), pieces, 2.0 * pieces) for who, day, pieces in [*rows, end]]
    )
    as_of = start.date() + timedelta(days=cut)
    asked = bk.Snapshot(as_of=as_of, dormant=dormant or None, label=label, gap=gap, windows=[30])
    bought = {}
    for who, day, pieces in [*rows, end]:
        if pieces > 0:
            bought.setdefault(who, set()).add(day)
    wanted = {
        who: any(cut + gap <= day < cut + gap + label for day in days)
        for who, days in bought.items()
        if any(day < cut - dormant for day in days) and not any(cut - dormant <= day < cut for day in days)
    }
    found = asked.build(shop)
    assert dict(found.table.select("customer", "label").rows()) == wanted
    known = [who for who, days in bought.items() if min(days) < cut]
    counts = found.periods.row(0, named=True)
    assert (
        counts["known"]
        == len(known)
        == counts["outside_base"] + counts["still_active"] + counts["population"]
    )
    assert counts["new_customers"] == sum(cut <= min(days) < cut + gap + label for days in bought.values())
    assert found.audit().passed


def test_cdnow_as_published(data_file):
    shop = bk.read_ledger(data_file("retail/cdnow_master.parquet"))
    cuts = [date(1997, 10, 1), date(1998, 1, 1), date(1998, 4, 1)]
    found = bk.Snapshot(as_of=cuts, dormant="90d", label="90d", windows=[365]).build(shop)
    rows = found.periods.select("population", pl.col("base_rate").round(4)).rows()
    assert rows == [(19_375, 0.1109), (19_394, 0.0969), (19_753, 0.0783)]
    assert found.audit().check().passed


def test_wrong_arguments_are_refused_with_a_mend(shop):
    for wrong in (
        {"base": "3 months"}, {"dormant": 0}, {"dormant": "-3mo"}, {"label": ("-1d", "30d")}, {"label": (1, 2, 3)},
        {"dormant": ("-30d", "5d")}, {"gap": "-1d", "label": 30}, {"gap": 3, "label": (3, 30)}, {"min_orders": 0},
        {"target": "reactivate"}, {"target": "sale"}, {"base": True},
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            bk.Snapshot(**wrong)
    for wrong in (
        {"as_of": []},
        {"as_of": [date(2023, 5, 1)] * 2},
        {"base": ("-1mo", "-2mo")},
        {"label": ("10d", "5d")},
    ):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            bk.Snapshot(**wrong).build(shop)
    with pytest.raises(ParameterError, match="leaves the calendar"):
        bk.Snapshot(base="99999mo").build(shop)
    with pytest.raises(ParameterError, match="read_ledger"):
        bk.Snapshot().build("shop.csv")
    with pytest.raises(SchemaError, match="did you mean 'gender'"):
        bk.Snapshot(attributes=["gendre"]).build(shop)
    with pytest.raises(SchemaError, match="did you mean 'category'"):
        bk.Snapshot(as_of=date(2023, 1, 1), label=30, target={"categry": "x"}).build(shop)
    with pytest.raises(ParameterError, match="'nothing' is not known"):
        bk.Snapshot(as_of=date(2023, 1, 1), label=30, target={"category": "nothing"}).build(shop)
    with pytest.raises(SchemaError, match="saving"):
        bk.Snapshot(as_of=date(2023, 1, 1), label=30, target="sale", discount="saving").build(shop)
