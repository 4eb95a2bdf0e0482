"""Who may call whom, in both halves: arrows point down only."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import basketry

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "python" / "basketry"
CORE = ROOT / "rust" / "basketry-core" / "src"

LAYERS = {
    "exceptions": 0,
    "schema": 0,
    "control": 0,
    "files": 0,
    "arguments": 0,
    "money": 0,
    "ledger": 1,
    "patterns": 2,
    "customers": 2,
    "simulation": 2,
    "planted": 2,
    "faults": 2,
    "models": 3,
    "campaigns": 4,
    "report": 5,
    "distributed": 5,
    "cli": 6,
}
# Rooms of one layer that are one subject in two files.
NEIGHBOURS = {
    ("simulation", "faults"),
    ("simulation", "planted"),
    ("control", "exceptions"),
    ("files", "exceptions"),
    ("arguments", "exceptions"),
}
HEAVY = {
    "sklearn": {"customers/segments", "models"},
    "scipy": {"customers/segments", "models"},
    "altair": {"report"},
    "vl_convert": {"report"},
}
HEAVY |= {"jinja2": {"report"}, "typer": {"cli"}, "rich": {"cli"}, "pydantic": {"ledger/config.py", "cli"}}

# Which module of the core may use which; a module may always use itself.
CORE_BELOW = {
    "error": set(),
    "control": {"error"},
    "dictionary": {"error"},
    "ledger": {"error", "control", "dictionary", "pages"},
}
_VIEWS = {"error", "control", "dictionary", "ledger"}
CORE_BELOW |= {"baskets": _VIEWS | {"lines"}, "histories": _VIEWS | {"lines"}}
CORE_BELOW |= {"customers": _VIEWS | {"pages"}}
CORE_BELOW |= {"chance": set(), "pages": set(), "lines": set()}
CORE_BELOW |= {"itemsets": _VIEWS | {"baskets", "pages"}, "rules": _VIEWS | {"baskets", "itemsets", "chance"}}
CORE_BELOW |= {"sequences": _VIEWS | {"histories", "chance"}, "lags": _VIEWS | {"histories", "chance"}}
CORE_BELOW |= {"simulate": {"error", "control"}, "lifetime": {"error", "control"}}


def python_files():
    return sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", python_files(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_python_arrows_point_down(path):
    relative = path.relative_to(PACKAGE)
    room = relative.parts[0].removesuffix(".py")
    if room in ("__init__",):
        return
    assert room in LAYERS, f"{relative}: a room that the map does not know"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] in HEAVY:
            allowed = HEAVY[parts[0]]
            places = {parent.as_posix() for parent in (relative, *relative.parents)}
            assert places & allowed, f"{relative} imports {name}"
        if parts[0] != "basketry" or len(parts) < 2 or parts[1] == room:
            continue
        if parts[1] == "_core":
            assert 1 <= LAYERS[room] <= 3, f"{relative} calls the compiled half"
        elif parts[1] in LAYERS:
            below = LAYERS[parts[1]] < LAYERS[room]
            assert below or (room, parts[1]) in NEIGHBOURS, f"{relative} imports {name}"


@pytest.mark.parametrize(
    "path", sorted(CORE.rglob("*.rs")), ids=lambda path: path.relative_to(CORE).as_posix()
)
def test_core_arrows_point_down(path):
    module = path.relative_to(CORE).parts[0].removesuffix(".rs")
    if module == "lib":
        return
    code = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("//"))
    code = code.split("#[cfg(test)]")[0]
    used = set(re.findall(r"\bcrate::(\w+)", code))
    for group in re.findall(r"\buse crate::\{([^}]*)\}", code):
        used |= set(re.findall(r"(\w+)(?:::|,|$)", group))
    modules = used & set(CORE_BELOW)
    assert modules - {module} <= CORE_BELOW[module]


def test_core_knows_neither_python_nor_arrow_arrays():
    manifest = (ROOT / "rust" / "basketry-core" / "Cargo.toml").read_text().split("[dev-dependencies]")[0]
    arrow = set(re.findall(r"^(arrow[\w-]*|pyo3[\w-]*)", manifest, re.MULTILINE))
    assert arrow == {"arrow-buffer"}


def test_only_one_file_of_the_binding_says_arrow():
    binding = ROOT / "rust" / "basketry-python" / "src"
    saying = {p.name for p in binding.glob("*.rs") if re.search(r"\barrow_\w+::", p.read_text())}
    assert saying == {"columns.rs"}


def test_unsafe_stands_only_where_it_is_argued():
    for path in (ROOT / "rust").rglob("src/**/*.rs"):
        lines = path.read_text().splitlines()
        for at, line in enumerate(lines):
            if re.search(r"\bunsafe\b", line) and not line.lstrip().startswith(("//", "#[expect")):
                assert any("SAFETY:" in above for above in lines[max(0, at - 6) : at]), f"{path}:{at + 1}"


def test_the_public_face_is_complete_and_documented():
    assert sorted(basketry.__all__) == sorted(set(basketry.__all__))
    for name in basketry.__all__:
        assert getattr(basketry, name).__doc__, name


def test_import_is_light():
    code = "import sys, basketry; print([m for m in sys.modules if m in set(sys.argv[1:])])"
    heavy = [
        "numpy",
        "sklearn",
        "scipy",
        "altair",
        "jinja2",
        "pydantic",
        "typer",
        "rich",
        "pyarrow",
        "pandas",
        "vl_convert",
    ]
    loaded = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
