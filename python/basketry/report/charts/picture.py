"""Pictures of a page: each drawn once for the desk and, where it needs it, once for the phone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from basketry.report.charts import svg


@dataclass(frozen=True)
class Picture:
    """A drawn chart; ``narrow`` is ``None`` when one drawing serves both widths."""

    name: str
    wide: Markup
    narrow: Markup | None = None


@dataclass
class Pictures:
    """The pictures of one page, with the specifications they were drawn from."""

    specs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def one(self, name: str, spec: dict[str, Any]) -> Picture:
        """Draw a chart that is small enough for every width."""
        self.specs[name] = {"wide": spec}
        return Picture(name, _drawn(spec, name))

    def two(self, name: str, make: Callable[[bool], dict[str, Any]]) -> Picture:
        """Draw a chart twice; ``make`` is told whether it is for the phone."""
        self.specs[name] = {"wide": make(False), "narrow": make(True)}
        return Picture(
            name, _drawn(self.specs[name]["wide"], name), _drawn(self.specs[name]["narrow"], f"{name}-n")
        )

    def as_json(self) -> Markup:
        """Write the specifications for a script element: no name can close it."""
        text = json.dumps(svg.cleaned(self.specs), ensure_ascii=True, separators=(",", ":"))
        return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _drawn(spec: dict[str, Any], name: str) -> Markup:
    return Markup(svg.render(spec, name))
