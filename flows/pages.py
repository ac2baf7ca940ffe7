"""Markdown as Prefect's UI shows it: text from outside is only text, tables are tables."""

import re
from collections.abc import Iterable, Sequence

from flows.terminal import visible

_LONGEST_CELL = 160


def escape(text: str) -> str:
    """Text from outside on one line, with no markup read into it."""
    flat = " ".join(visible(text).split())
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~$&])", r"\\\1", flat)


def cell(text: str) -> str:
    """A text from outside as the cell of a table; the end of a long one is left out."""
    return escape(text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 3] + "...")


def table(headers: Sequence[str], rows: Iterable[Sequence[str | int]]) -> list[str]:
    """A table, line by line; numbers stand to the right.

    Args:
        headers: The columns, as they are.
        rows: Cells, texts as they are: what comes from outside goes through ``cell`` first.
    """
    lines = [list(row) for row in rows]
    if not lines:
        return []
    marks = ["---:" if isinstance(each, int) else "---" for each in lines[0]]
    said = [[f"{each:,}" if isinstance(each, int) else each for each in row] for row in lines]
    return [_line(each) for each in (headers, marks, *said)]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
