"""Specification in, harmless SVG out.

Two doors guard the page. Every string is cleaned before the renderer sees it, because the renderer aborts the
whole process on a character that XML forbids. What comes back is parsed and rebuilt from a short list of
allowed elements and attributes, so nothing that could run, load or link can pass, whatever the names say.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import altair as alt
import vl_convert

from basketry.report.text import clean

_TAGS = {"svg", "g", "path", "text", "tspan", "rect", "line", "circle", "defs", "clipPath"}
_ATTRIBUTES = {
    "viewBox", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "dx", "dy", "d", "id",
    "transform", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-linecap", "stroke-miterlimit", "opacity", "text-anchor", "font-size", "font-weight", "font-style",
    "clip-path",
}  # fmt: skip
_LONG_NUMBER = re.compile(r"-?\d*\.\d{2,}(?:e-?\d+)?")
_REFERENCE = re.compile(r"url\(#([A-Za-z0-9_-]+)\)")
VL_VERSION = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def render(spec: dict[str, Any], name: str) -> str:
    """Draw a Vega-Lite specification as inline SVG; ``name`` keeps ids of one page's pictures apart."""
    drawn = vl_convert.vegalite_to_svg(cleaned(spec), vl_version=VL_VERSION, allowed_base_urls=[])
    root = ET.fromstring(drawn)
    ids: dict[str, str] = {}
    for element in root.iter():
        if "id" in element.attrib:
            ids[element.attrib["id"]] = f"{name}-{len(ids)}"
    _rebuild(root, ids)
    root.set("aria-hidden", "true")
    return ET.tostring(root, encoding="unicode")


def cleaned(value: Any) -> Any:
    """Clean every string inside a specification."""
    if isinstance(value, str):
        return clean(value, 500) if value.strip() else value
    if isinstance(value, dict):
        return {key: cleaned(inner) for key, inner in value.items()}
    return [cleaned(inner) for inner in value] if isinstance(value, list) else value


def _rebuild(element: ET.Element, ids: dict[str, str]) -> None:
    element.tag = element.tag.rpartition("}")[2]
    kept = {key: text for key, text in element.attrib.items() if key in _ATTRIBUTES}
    if kept.get("opacity") == "1":
        del kept["opacity"]
    for key, text in kept.items():
        if key == "id":
            kept[key] = ids[text]
        elif "url(" in text:
            found = _REFERENCE.fullmatch(text)
            kept[key] = f"url(#{ids[found[1]]})" if found and found[1] in ids else "none"
        else:
            kept[key] = _LONG_NUMBER.sub(_round, text)
    element.attrib.clear()
    element.attrib.update(kept)
    for child in list(element):
        if child.tag.rpartition("}")[2] not in _TAGS or child.get("display") == "none" or _is_empty(child):
            element.remove(child)
        else:
            _rebuild(child, ids)


def _is_empty(element: ET.Element) -> bool:
    return (
        element.get("class") == "background" and element.get("stroke") is None and element.get("fill") is None
    )


def _round(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}".removesuffix(".0")
