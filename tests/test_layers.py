"""Imports point one way: contracts <- transforms <- flows."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("contracts", "transforms", "flows")
# What would make a contract or a transform depend on more than its input.
IMPURE = {
    *("prefect", "psycopg", "pathlib", "os", "io", "shutil", "tempfile", "time", "random"),
    *("secrets", "subprocess", "socket", "click", "rich"),
}


def modules(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_no_layer_above_it(layer: str) -> None:
    """contracts knows neither transforms nor flows; transforms does not know flows."""
    above = LAYERS[LAYERS.index(layer) + 1 :]
    for path in modules(layer):
        for name in imported(path):
            assert name.split(".")[0] not in above, f"{path} imports {name}"


@pytest.mark.parametrize("layer", ["contracts", "transforms"])
def test_pure_layers_touch_no_clock_file_or_network(layer: str) -> None:
    """contracts and transforms depend on their input alone; their own YAML and SQL aside."""
    for path in modules(layer):
        for name in imported(path):
            assert name.split(".")[0] not in IMPURE, f"{path} imports {name}"
        text = path.read_text(encoding="utf-8")
        for call in ("open(", ".now(", ".today(", ".utcnow("):
            assert call not in text.replace("def open_", ""), f"{path} calls {call}"


def test_no_module_hides_one_of_the_standard_library() -> None:
    """Prefect puts a flow's folder first on the path, so a flows/email.py would break imports."""
    for layer in LAYERS:
        for path in (ROOT / layer).glob("*.py"):
            assert path.stem == "__init__" or path.stem not in sys.stdlib_module_names, path


def test_modules_fit_in_a_readers_head() -> None:
    """No module grows past 300 lines."""
    for layer in LAYERS:
        for path in modules(layer):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= 300, f"{path.name} has {lines} lines"


def test_every_sql_file_is_used_and_says_what_it_does() -> None:
    """Each statement has a header comment, and something runs it."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in modules("transforms"))
    for path in sorted((ROOT / "transforms" / "sql").glob("*.sql")):
        assert path.read_text(encoding="utf-8").startswith("-- "), path.name
        assert f'"{path.stem}"' in code, f"{path.name} is run by nobody"
