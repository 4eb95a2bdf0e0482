"""Frames in, one self-contained page out."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from basketry.report import sentences, text
from basketry.report.charts.picture import Pictures
from basketry.report.charts.svg import VL_VERSION
from basketry.report.findings import Findings
from basketry.report.sections import sections

_STATIC_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_LIVE = """
const charts = JSON.parse(document.getElementById("charts").textContent);
const phone = window.matchMedia("(max-width: 720px)").matches;
for (const place of document.querySelectorAll("[data-chart]")) {
  const spec = charts[place.dataset.chart];
  const live = document.createElement("div");
  live.className = phone || !spec.narrow ? "live single" : "live";
  vegaEmbed(live, phone && spec.narrow || spec.wide, {actions: false, ast: true, renderer: "svg"})
    .then(() => place.replaceChildren(live));
}
"""


def build_report(findings: Findings, *, interactive: bool = False) -> str:
    """Write the report as one HTML page that needs no network and no other file.

    Parameters
    ----------
    findings
        What the page shows. Nothing is computed from it; it is chosen from, ordered and put in words.
    interactive
        Embed the charts live, with their scripts once (about 900 KB): pointing at a mark shows its numbers.
        Without it the page holds no script at all, and its content security policy forbids any.

    Returns
    -------
    str
        The page. It is the same for the same findings, whatever the day or the time zone.

    Raises
    ------
    SchemaError
        When a frame lacks a column (raised where ``Findings`` is made).

    Examples
    --------
    >>> from datetime import date
    >>> page = build_report(Findings(title="Corner shop", as_of=date(2024, 5, 1)))
    >>> "<h1>Corner shop</h1>" in page, "<script" in page
    (True, False)
    """
    pictures = Pictures()
    parts = sections(findings, pictures)
    script = _script() if interactive and pictures.specs else None
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=text.clean(findings.title, 120),
            period=sentences.period(findings),
            tiles=_tiles(findings),
            found=sentences.found(findings),
            sections=parts,
            policy=Markup(_policy(script)),
            script=script,
            specs=pictures.as_json() if script else None,
        )
    )


def _tiles(findings: Findings) -> list[tuple[str, str]]:
    totals, currency = findings.totals, findings.currency
    written = {
        "Customers": text.count(totals.get("customers")),
        "Orders": text.count(totals.get("orders")),
        "Anonymous orders": text.count(totals.get("anonymous_orders")),
        "Items": text.count(totals.get("items")),
        "Net revenue": text.money(totals.get("revenue_net"), currency, short=True),
        "Gross revenue": text.money(totals.get("revenue_gross"), currency, short=True),
    }
    return [(name, value) for name, value in written.items() if value != text.NOTHING]


@cache
def _script() -> Markup:
    bundle = vl_convert.javascript_bundle(_LIVE, vl_version=VL_VERSION)
    return Markup(bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--"))


def _policy(script: str | None) -> str:
    """Allow no script, or exactly the one that we ship, by its hash."""
    if script is None:
        return _STATIC_POLICY
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _STATIC_POLICY.replace("script-src 'none'", f"script-src 'sha256-{digest}'")


@cache
def _environment() -> Environment:
    options: dict[str, Any] = {"autoescape": True, "undefined": StrictUndefined}
    return Environment(
        loader=PackageLoader("basketry.report"), trim_blocks=True, lstrip_blocks=True, **options
    )
