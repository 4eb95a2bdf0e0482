"""The report: structure, safety and plain words, on frames made by hand."""

import dataclasses
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from html.parser import HTMLParser

import polars as pl
import pytest

from basketry.exceptions import SchemaError
from basketry.report import Findings, Lag, build_report
from basketry.report.charts import svg
from basketry.report.charts.segments import bubbles
from basketry.report.tables.patterns import strongest

QUADRANTS = ["loyal", "regular", "big fish", "one-time"]
PLANTED = "CUSTOMER-4711"


def rules(n=30, names=None):
    items = names or [f"item {i}" for i in range(n + 1)]
    return pl.DataFrame(
        {
            "antecedent": [[items[i]] for i in range(n)],
            "consequent": [[items[i + 1]] for i in range(n)],
            "count": [200 - i for i in range(n)],
            "support": [0.02] * n,
            "confidence": [0.8 - 0.01 * i for i in range(n)],
            "lift": [9.0 - 0.1 * i for i in range(n)],
            "median_gap_days": [14.0] * n,
            "p_value": [1e-6] * n,
            "q_value": [1e-5] * n,
        }
    )


def lag(peaks=(8, 26)):
    weeks = range(1, 61)
    table = pl.DataFrame(
        {
            "week": list(weeks),
            "at_risk": [1000 - 10 * w for w in weeks],
            "events": [30 if w in peaks else 5 for w in weeks],
            "expected": [5.0] * 60,
            "hazard": [(30 if w in peaks else 5) / (1000 - 10 * w) for w in weeks],
            "cumulative": [0.005 * w for w in weeks],
            "low": [0.004 * w for w in weeks],
            "high": [0.006 * w for w in weeks],
        }
    )
    found = pl.DataFrame(
        {
            "week": list(peaks),
            "low": [w - 1 for w in peaks],
            "high": [w + 1 for w in peaks],
            "excess": [25.0] * len(peaks),
            "rate_ratio": [6.0] * len(peaks),
            "p_value": [1e-4] * len(peaks),
            "stability": [0.9] * len(peaks),
            "kind": ["since purchase"] * len(peaks),
        },
        schema_overrides={"week": pl.Int64, "low": pl.Int64, "high": pl.Int64, "kind": pl.String},
    )
    return Lag(["printer"], ["ink"], table, found)


def retention():
    days = list(range(7, 371, 7))
    curves = [
        pl.DataFrame(
            {
                "since": [since] * len(days),
                "days": days,
                "at_risk": [900 - day for day in days],
                "returned": [top * day / 370 for day in days],
                "low": [0.9 * top * day / 370 for day in days],
                "high": [1.1 * top * day / 370 for day in days],
            }
        )
        for since, top in (("first", 0.4), ("every", 0.85))
    ]
    return pl.concat(curves)


def segments(names=None, sizes=None):
    names = names or [f"Segment of kind {i}" for i in range(8)]
    n = len(names)
    return pl.DataFrame(
        {
            "segment": list(range(1, n + 1)),
            "name": names,
            "customers": sizes or [100 + 10 * i for i in range(n)],
            "share": [1 / n] * n,
            "orders_mean": [1.0 + i for i in range(n)],
            "order_value_mean": [20.0 + 15 * ((3 * i) % n) for i in range(n)],
            "recency_days_mean": [200.0 - i for i in range(n)],
            "spend_total": [90_000.0 - 500 * i for i in range(n)],
            "spend_share": [1 / n] * n,
            "margin_total": [30_000.0 - 500 * i for i in range(n)],
            "customer": [PLANTED] * n,
        }
    )


def profile(features=None):
    features = features or ["orders", "order_value_mean", "recency_days", "discount_share"]
    n = len(features)
    return pl.DataFrame(
        {
            "segment": [1] * n,
            "feature": features,
            "mean": [100.0 + i if i % 2 else 1.0 for i in range(n)],
            "everyone_mean": [50.0] * n,
            "percentile": [95.0 - i / 10 if i % 2 else 5.0 + i / 10 for i in range(n)],
        }
    )


def groups(name, names):
    n = len(names)
    return pl.DataFrame(
        {
            name: names,
            "customers": [100 + i for i in range(n)],
            "share": [1 / n] * n,
            "customers_share": [1 / n] * n,
            "orders": [300 + i for i in range(n)],
            "orders_share": [1 / n] * n,
            "orders_mean": [3.0] * n,
            "recency_days_mean": [50.0] * n,
            "spend_total": [5000.0 - i for i in range(n)],
            "spend_share": [1 / n] * n,
            "customer": [PLANTED] * n,
        }
    )


def personas():
    return pl.DataFrame(
        {
            "group": ["buyers of tea"] * 3,
            "label": ["mobile", "city: <b>big</b>", "rare"],
            "customers": [500, 300, 9],
            "target_share": [0.6, 0.3, 0.1],
            "other_share": [0.4, 0.3, 0.1],
            "odds_ratio": [2.1, 1.02, 0.9],
            "low": [1.8, 0.9, 0.1],
            "high": [2.5, 1.2, 4.0],
            "q_value": [0.001, 0.8, 0.9],
            "verdict": ["more", "no difference", "no difference"],
            "sentence": ["Buyers of tea are 1.5 times as likely to show “mobile”.", "No.", "No."],
            "customer": [PLANTED] * 3,
        }
    )


def lookalike():
    return pl.DataFrame(
        {
            "seed": ["the 400 who spent most"] * 3,
            "share": [0.01, 0.05, 1.0],
            "people": [20, 100, 2000],
            "similarity": [0.8, 0.6, 0.1],
            "least_similarity": [0.7, 0.4, 0.0],
        }
    )


def findings(**changes):
    months = [date(2023 + m // 12, m % 12 + 1, 1) for m in range(20)]
    everything = Findings(
        title="Corner shop",
        as_of=date(2024, 9, 1),
        currency="EUR",
        run={"version": "0.1.0", "parameters": {"rules": {"min_support": 0.01}}, "seed": 7},
        quality=pl.DataFrame(
            {
                "reason": ["clean line", "no price", "exact duplicate"],
                "status": ["used", "set aside", "noted"],
                "rows": [900, 100, 7],
                "share": [0.9, 0.1, 0.007],
                "amount": [1000.5, None, 3.0],
                "first_row": [None, 17, 3],
                "example": [None, "abc", None],
                "mend": [None, "name the column", None],
            }
        ),
        totals={
            "rows_in": 1000,
            "rows_used": 900,
            "rows_set_aside": 100,
            "customers": 1080,
            "orders": 2500,
            "lines": 900,
            "items": 31,
            "first_order": date(2023, 1, 1),
            "last_order": date(2024, 8, 30),
            "revenue_gross": 1_250_000.0,
            "revenue_net": 1_200_000.0,
            "anonymous_orders": 12,
        },
        revenue=pl.DataFrame(
            {
                "period": months,
                "orders": range(100, 120),
                "customers": range(50, 70),
                "revenue": [1000.0 * (i + 1) for i in range(20)],
            }
        ),
        rules=rules(),
        sequences=pl.DataFrame(
            {
                "sequence": [[["printer"], ["ink"]], [["ink"]]],
                "length": [2, 1],
                "items": [2, 1],
                "count": [40, 90],
                "support": [0.1, 0.3],
            }
        ),
        sequence_rules=rules(),
        lags=[lag(), lag((6,)), lag(())],
        retention=retention(),
        segments=segments(),
        profile=profile(),
        rfm_map=pl.DataFrame(
            {
                "r": [r for r in range(1, 6) for _ in range(5)],
                "f": list(range(1, 6)) * 5,
                "customers": [9, *range(20, 44)],
                "monetary_mean": [987_654.0, *(10.0 * i for i in range(24))],
            }
        ),
        rfm_segments=groups("segment", ["Champions", "At risk", "New"]),
        quadrants=groups("quadrant", QUADRANTS),
        personas=personas(),
        lookalike=lookalike(),
    )
    return dataclasses.replace(everything, **changes)


class Shape(HTMLParser):
    """What a browser would make of a page: elements with their attributes' names, text, links."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.words, self.links, self.sections, self.depth = [], [], [], [], 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.elements.append((tag, tuple(sorted(found))))
        self.links += [found[name] for name in ("href", "src", "xlink:href") if name in found]
        if tag == "section":
            self.sections.append(found["id"])

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.words.append(data.replace("\u2068", "").replace("\u2069", ""))

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def page():
    return build_report(findings())


def test_the_page_has_every_part_in_its_order(page):
    shape = Shape(page)
    assert shape.sections == [
        "found",
        "quality",
        "revenue",
        "rules",
        "timing",
        "retention",
        "segments",
        "profile",
        "rfm",
        "quadrants",
        "personas",
        "lookalike",
        "lifetime",
        "predictions",
        "run",
    ]
    for figure in ("Figure 1.", "Figure 2a.", "Figure 2b.", "Figure 2c.", "Figure 3.", "Figure 4."):
        assert figure in shape.text
    tags = Counter(tag for tag, _ in shape.elements)
    # Revenue, the first lag curve and retention have a second drawing for the phone.
    assert tags["svg"] == 4 + 2 + 2 + 2 + 2 + 1 + 1 + 2 + 1
    assert tags["figcaption"] == tags["figure"] > 8
    assert tags["table"] == tags["caption"]
    assert tags["main"] == tags["h1"] == tags["title"] == 1


def test_one_self_contained_page_without_script(page):
    shape = Shape(page)
    tags = {tag for tag, _ in shape.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "image", "a:href", "use", "foreignObject"}
    assert "default-src 'none'" in page
    assert "script-src 'none'" in page
    assert len(page.encode()) < 600_000
    assert all(re.fullmatch(r"#\w+|tables/\w+\.(csv|parquet)", link) for link in shape.links)
    assert not any(name.startswith("on") for _, names in shape.elements for name in names)


def test_it_is_accessible(page):
    shape = Shape(page)
    heads = [names for tag, names in shape.elements if tag == "th"]
    assert heads
    assert all("scope" in names for names in heads)
    charts = [names for tag, names in shape.elements if "data-chart" in names]
    assert charts
    assert all({"role", "aria-label"} <= set(names) for names in charts)
    assert 'lang="en"' in page
    assert all("aria-hidden" in names for tag, names in shape.elements if tag == "svg")


def test_ids_are_unique(page):
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


def test_the_page_reads_no_clock_and_no_time_zone(page):
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; from test_report import *; print(build_report(findings()))"
    )
    folders = [*[p for p in sys.path if p], os.path.dirname(__file__)]  # noqa: PTH120
    run = subprocess.run(
        [sys.executable, "-c", code, *folders],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env=os.environ | {"TZ": "America/Los_Angeles", "PYTHONIOENCODING": "utf-8"},
    )
    assert run.stdout == page + "\n"


def test_sentences_come_from_the_numbers(page):
    text = Shape(page).text
    for words in (
        "10.0% of the rows were set aside, most of them because: no price (100 rows).",
        "The best month was August 2024, with EUR 20,000 from 119 orders.",
        "Of 100 baskets with “item 0”, 80 also hold “item 1”; that is 9.0 times as many as in all baskets.",
        "After “printer”, customers come for “ink” most clearly around week 8, 6.0 times as often as by "
        "chance; then around week 26 (half a year), 6.0 times as often as by chance.",
        "Within 60 weeks (about 14 months), 30.0% have come (95% interval 24.0% to 36.0%).",
        "No week stands out from chance.",
        "Have come back after the first order: 25% within 238 days; after any order: 25% within 112 days, "
        "50% within 224 days and 80% within 350 days.",
        "The most valuable segment is “Segment of kind 0”: 12.5% of customers (100) bring 12.5% of spend",
        "“Segment of kind 0” stands above everyone in order value mean (101 against 50.0) and discount share "
        "(103 against 50.0); and below everyone in orders (1.0 against 50.0) and recency days "
        "(1.0 against 50.0).",
        "1,000 rows were read: 900 used and 100 set aside; none is unaccounted for.",
    ):
        assert words.replace("\u00a0", " ") in text.replace("\u00a0", " ")


def test_rows_that_do_not_add_up_are_told():
    page = build_report(
        findings(totals={"rows_in": 10, "rows_used": 7, "rows_set_aside": 2}, **only("quality"))
    )
    assert "These do not add up: 1 rows are unaccounted for." in Shape(page).text


def only(*kept):
    """Leave out every frame but the named ones: pages without charts are made at once."""
    frames = (
        "quality",
        "revenue",
        "rules",
        "sequences",
        "sequence_rules",
        "lags",
        "retention",
        "segments",
        "profile",
        "rfm_map",
        "rfm_segments",
        "quadrants",
        "personas",
        "lookalike",
    )
    return dict.fromkeys(set(frames) - set(kept))


def test_what_is_absent_is_named_with_the_reason():
    bare = Findings(
        title="Nothing", as_of=date(2024, 1, 1), absent={"segments": "Segments need 80 customers."}
    )
    page = build_report(bare)
    text = Shape(page).text
    assert "Segments need 80 customers." in text
    for part in ("Association rules", "Lag curves", "Retention", "The RFM map", "Customer lifetimes"):
        assert re.search(rf"{part} (was|were) not computed in this run\.", text)
    assert "<svg" not in page
    assert build_report(bare, interactive=True) == page


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Findings)])
def test_every_frame_may_be_empty(name):
    whole = findings(**only(name))
    value = getattr(whole, name)
    if isinstance(value, pl.DataFrame):
        page = build_report(dataclasses.replace(whole, **{name: value.head(0)}))
        assert Shape(page).sections == Shape(build_report(whole)).sections


def test_lags_may_be_empty():
    short = lag()
    for lags in ([], [dataclasses.replace(short, table=short.table.head(0), peaks=short.peaks.head(0))]):
        assert "no lag curve is drawn" in build_report(findings(**only("lags") | {"lags": lags}))


@pytest.mark.parametrize("hole", [None, float("nan"), float("inf")])
def test_missing_numbers_are_dashes(hole):
    numbers = ["share", "orders_mean", "order_value_mean", "recency_days_mean", "spend_total", "margin_total"]
    first = pl.int_range(pl.len()) == 0
    holes = segments().with_columns(
        [pl.when(first).then(pl.lit(hole, pl.Float64)).otherwise(pl.col(n)).alias(n) for n in numbers]
    )
    page = build_report(findings(**only() | {"segments": holes}))
    words = outside_svg(page).text.split("Customer segments")[1]
    assert not re.search(r"\b(nan|inf|none)\b", words, flags=re.IGNORECASE)
    assert "–" in words


def test_an_unknown_margin_is_said():
    unknown = segments().with_columns(margin_total=pl.lit(None, pl.Float64))
    assert "margin is not known" in build_report(findings(**only() | {"segments": unknown}))


def test_one_segment_alone_and_equal_segments_are_drawn():
    for frame in (
        segments().head(1),
        segments().with_columns(orders_mean=3.0, order_value_mean=0.0, spend_total=0.0),
    ):
        assert "<svg" in svg.render(bubbles(frame, currency=None), "x")


def test_a_lacking_column_is_named():
    with pytest.raises(
        SchemaError, match=r"report frame 'rules' lacks 'lift'; .*Found: 'antecedent', 'consequent'"
    ):
        findings(rules=rules().drop("lift"))
    with pytest.raises(SchemaError, match=r"report frame 'lags.table' lacks 'hazard'"):
        findings(lags=[dataclasses.replace(lag(), table=lag().table.drop("hazard"))])


def test_small_groups_are_not_shown(page):
    assert "987" not in Shape(page).text  # the spend of the nine customers in one cell of the map
    assert "&lt;10" in page
    small = segments(names=["Large", "Tiny secret"], sizes=[10, 9])
    secret = profile().with_columns(segment=pl.lit(2))
    text = Shape(build_report(findings(**only("segments") | {"segments": small, "profile": secret}))).text
    assert "Tiny secret" not in text
    assert "Large" in text
    assert "One segment has fewer than 10 customers and is not shown in detail." in text
    assert "discount share" not in text


def test_no_customer_key_reaches_the_page(page):
    assert PLANTED not in page


def validated(n=12):
    """What became of the rules of `rules`: the first are kept, every third of them in one segment only."""
    frame = rules(n)
    kept = [i < 10 for i in range(n)]

    def segment(name, baskets):
        told = {"segment": name, "baskets": baskets, "antecedent_count": baskets // 10, "count": 9}
        return told | {"confidence": 0.4, "lift": 2.0, "lift_low": 1.5, "lift_high": 2.6}

    return frame.select("antecedent", "consequent", "count", "lift", "confidence", "q_value").with_columns(
        lift_low=pl.col("lift") * 0.8,
        lift_high=pl.col("lift") * 1.2,
        later_lift=pl.col("lift") * 0.9,
        later_lift_low=pl.col("lift") * 0.6,
        later_lift_high=pl.col("lift") * 1.3,
        verdict=pl.Series(["kept" if one else "rejected" for one in kept]),
        reason=pl.Series(["holds" if one else "explained by taste: the same customers" for one in kept]),
        scope=pl.Series(["local" if i % 3 == 0 else "global" for i in range(n)]),
        holds_in=pl.Series([["1 Few and dear"]] * n),
        segments=pl.Series([[segment("1 Few and dear", 500), segment("2 Rest", 90)]] * n),
    )


def test_rules_that_held_are_drawn_for_every_segment():
    kinds = {"segments": segments(), "validated_rules": validated()}
    page = build_report(findings(**kinds))
    section = page[page.index('id="rules"') :].split("</section>")[0]
    drawn = section.split("<svg", 2)[1]
    assert "Figure 1. Rules that hold, and for whom" in section
    assert "Of 12 rules that were put to the test, 10 hold among baskets of the same customer" in section
    for words in ("generated", "tested", "kept", "local: segment 1", "global", "40%", "later"):
        assert words in drawn, words
    # A confidence that rests on fewer than ten baskets is not shown.
    assert drawn.count("40%") == 8
    assert "tables/validated_rules.csv" in section
    assert len(page) < 600_000
    plain = build_report(findings(validated_rules=validated().drop("segments", "scope", "holds_in")))
    assert "Figure 1. The strongest rules" in plain


def test_the_strongest_rules_are_diverse_and_solid():
    frame = pl.DataFrame(
        {
            "antecedent": [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]],
            "consequent": [["b"], ["a"], ["b"], ["b"], ["a"], ["g"]],
            "count": [50, 50, 40, 30, 9, 80],
            "support": [0.1] * 6,
            "confidence": [0.5] * 6,
            "lift": [9.0, 8.0, 7.0, 6.0, 5.0, 4.0],
            "q_value": [0.0, 0.0, 0.0, 0.0, 0.0, 0.06],
        }
    )
    assert strongest(frame)["antecedent"].to_list() == [["a"], ["c"]]


def test_long_results_stay_small():
    weeks = pl.DataFrame({"week": range(1, 521)})
    long = weeks.join(lag().table.drop("week").head(1), how="cross")
    many = Lag(["a"], ["b"], long, lag().peaks)
    days = pl.date_range(date(1960, 1, 1), date(2023, 12, 1), "1mo", eager=True)
    old = pl.DataFrame({"period": days, "orders": 100, "customers": 50, "revenue": 7.0})
    page = build_report(findings(**only("rules") | {"lags": [many], "revenue": old, "rules": rules(5000)}))
    assert len(page.encode()) < 300_000
    for drawing in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        assert len(re.findall(r"<(path|rect|circle|line|text)\b", drawing)) < 500


SCRIPT = "alert(1)"
PAYLOADS = [
    f"<script>{SCRIPT}</script>", "<SCRIPT SRC=//x.example/x.js></SCRIPT>",
    f"</script><script>{SCRIPT}</script>",
    f"<img src=x onerror={SCRIPT}>", f'"><img src=x onerror={SCRIPT}>', f"'><img src=x onerror={SCRIPT}>",
    f"<svg onload={SCRIPT}>", f"</svg><script>{SCRIPT}</script>", f"</text><script>{SCRIPT}</script>",
    f"<svg><animate onbegin={SCRIPT}>", f"<a href='javascript:{SCRIPT}'>x</a>", f"javascript:{SCRIPT}",
    f"<iframe srcdoc='<script>{SCRIPT}</script>'>", f"<body onload={SCRIPT}>",
    f"<input autofocus onfocus={SCRIPT}>",
    f"<details open ontoggle={SCRIPT}>", f"<math><mtext><style><img onerror={SCRIPT}>", "<!--", "-->", "]]>",
    "<![CDATA[x]]>", "<?xml version='1.0'?>", "<!DOCTYPE x [<!ENTITY e 'x'>]>&e;", "&lt;b&gt;", "&#60;b&#62;",
    "&amp;amp;", "{{ 7 * 7 }}", "{% raw %}", "${7*7}", "#{7*7}", "</style><b>", "</title><b>", "</table><b>",
    "</figure></main></body></html>", '" onmouseover="alert(1)', "' onmouseover='alert(1)", "`alert(1)`",
    "=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\tTAB", "a\x00b", "\x01\x02\x1b[31m", "\uffff\ufffe",
    "\u202egnp.exe", "\u0645\u0631\u062d\u0628\u0627 <b>", "x" * 5000,
    "line\r\nline\u2028line", "datum.value",
]  # fmt: skip


def hostile(names):
    quality = pl.DataFrame(
        {"reason": names, "status": "set aside", "rows": 1, "share": 0.1, "example": names, "mend": names}
    )
    whole = rules(1).with_columns(antecedent=pl.Series([names]), consequent=pl.Series([names[:3]]))
    return findings(
        title=names[0],
        currency=names[1],
        quality=quality,
        rules=whole,
        sequence_rules=whole,
        sequences=pl.DataFrame(
            {"sequence": [[names, names]], "length": 2, "items": 100, "count": 40, "support": 0.1}
        ),
        lags=[dataclasses.replace(lag(), antecedent=names[:2], consequent=names[2:4])],
        segments=segments(names),
        profile=profile(names),
        rfm_segments=groups("segment", names),
        quadrants=groups("quadrant", names),
        run=dict(zip(names, names, strict=True)),
        absent={"revenue": names[3]},
        revenue=None,
        item_names={names[4]: names[5]},
    )


def outside_svg(page):
    return Shape(re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL))


def test_there_are_fifty_different_payloads():
    assert len(set(PAYLOADS)) == 50


@pytest.mark.parametrize("interactive", [False, True])
def test_names_from_data_never_become_markup(interactive):
    harmless = build_report(hostile([f"name {i}" for i in range(50)]), interactive=interactive)
    page = build_report(hostile(PAYLOADS), interactive=interactive)
    # Outside the drawings: element for element and attribute for attribute the page of harmless names.
    assert outside_svg(page).elements == outside_svg(harmless).elements
    assert Counter(tag for tag, _ in Shape(page).elements)["script"] == (2 if interactive else 0)
    for drawing in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        assert {tag for tag, _ in Shape(drawing).elements} <= {
            "svg",
            "g",
            "path",
            "text",
            "rect",
            "line",
            "circle",
        }
        assert not re.search(r"\son\w+\s*=|href|style=", re.sub(r">[^<]*<", "><", drawing))
    text = Shape(page).text
    for payload in PAYLOADS:
        if payload.isprintable() and len(payload) < 40:
            assert payload in text
    ours = page[: page.index("</script>")] if interactive else page
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\uffff]", ours)
    assert "x" * 200 not in ours


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_in_a_drawing_is_text(payload):
    spec = {
        "data": {"values": [{"name": payload}]},
        "mark": {"type": "text", "limit": 2000},
        "encoding": {"text": {"field": "name", "type": "nominal"}},
        "title": payload,
    }
    drawing = svg.render(spec, "x")
    assert {tag for tag, _ in Shape(drawing).elements} <= {"svg", "g", "path", "rect", "text"}
    assert "script>" not in re.sub(r"&lt;/?script&gt;", "", drawing)


def test_live_charts_come_with_one_script_under_its_hash():
    page = build_report(findings(**only("quadrants")), interactive=True)
    assert page.count("<script") == 2
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]+'", page)
    assert "unsafe-eval" not in re.search(r"Content-Security-Policy.*", page)[0]


def test_the_report_is_not_imported_with_the_package():
    heavy = "('altair', 'jinja2', 'vl_convert', 'basketry.report')"
    code = f"import sys, basketry; sys.exit(any(name in sys.modules for name in {heavy}))"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
