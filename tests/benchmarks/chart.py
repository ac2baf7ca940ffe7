"""The chart of the README: seconds side by side, time by step, growth by size."""

import re

from flows import charts
from tests.benchmarks.results import Results
from tests.benchmarks.tables import NAMES

_GAP = 12


def draw(results: Results) -> str:
    """All three as one SVG."""
    rows = results.rows
    took = [(told, results.median_of(rows, name)) for name, told in NAMES.items()]
    steps = results.median_steps(rows)
    sizes = sorted(results.steps)
    growth = {
        NAMES[name]: [_seconds_per_million(results, size, name) for size in sizes]
        for name in ("first", "floor")
    }
    return _stack(
        charts.bars(f"Seconds, {rows:,} rows", [(told, each) for told, each in took if each]),
        charts.stacked(f"Seconds of a first import, {rows:,} rows", list(steps.items())),
        charts.trend(
            "Seconds per million rows, by rows of the file",
            [_short(size) for size in sizes],
            growth,
            "s",
        ),
    )


def _short(rows: int) -> str:
    """A size in few letters, which fit below the axis: 100k, 5M."""
    return f"{rows / 1e6:g}M" if rows >= 1_000_000 else f"{rows / 1e3:g}k"


def _seconds_per_million(results: Results, rows: int, name: str) -> float | None:
    seconds = results.median_of(rows, name)
    return None if seconds is None else seconds / rows * 1e6


def _stack(*pictures: str) -> str:
    """Pictures of one width, one below the other."""
    parts, y, width = [], 0, 0
    for picture in pictures:
        size = re.search(r'width="(\d+)" height="(\d+)"', picture)
        assert size
        width = int(size[1])
        parts.append(picture.replace("<svg ", f'<svg y="{y}" ', 1))
        y += int(size[2]) + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y - _GAP}"'
        f' viewBox="0 0 {width} {y - _GAP}">{"".join(parts)}</svg>\n'
    )
