"""What was measured: medians, ratios with their targets, ``bench.json``."""

import os
import platform
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median
from typing import Any, NamedTuple

import psutil

from tests.benchmarks.measure import Cost

Name = tuple[int, str]
"""Rows of the file, and what was done with it."""


class Target(NamedTuple):
    """What a ratio is to be.

    Attributes:
        over, under: The two that are compared. Of several the sum is taken.
        rows: Sizes of both: ``rows``, ``small`` or ``large``.
        limit: At most that much; of ``is_least`` at least.
        is_per_row: Whether each is divided by its rows.
    """

    over: str
    under: tuple[str, ...]
    rows: tuple[str, str] = ("rows", "rows")
    limit: float | None = None
    is_least: bool = False
    is_per_row: bool = False


TARGETS = {
    "first_over_floor": Target("first", ("floor",), limit=1.5),
    "small_first_over_floor": Target("first", ("floor",), ("small", "small"), 2.2),
    "large_first_over_floor": Target("first", ("floor",), ("large", "large"), 1.4),
    "floor_over_single_floor": Target("floor", ("single_floor",), limit=3.5),
    "same_over_first": Target("same", ("first",), limit=0.35),
    "same_rows_over_first": Target("same_rows", ("first",)),
    "one_percent_over_first": Target("one_percent", ("first",), limit=0.45),
    "ten_percent_over_first": Target("ten_percent", ("first",)),
    "dry_run_over_first": Target("dry_run", ("first",)),
    "follow_up_over_first": Target("follow_up", ("first",)),
    "dlt_job_over_first": Target("dlt_job", ("first",), limit=1.5, is_least=True),
    "dlt_job_over_same": Target("dlt_job_same", ("same",), limit=12, is_least=True),
    "dlt_job_over_same_rows": Target("dlt_job_same", ("same_rows",)),
    "dlt_job_one_percent_over_one_percent": Target("dlt_job_one_percent", ("one_percent",)),
    "dlt_load_over_first": Target("dlt_load", ("first",)),
    "both_teams_over_sum": Target("both_teams", ("first", "second_team"), limit=0.9),
    "large_row_over_small_row": Target(
        "first", ("first",), ("large", "small"), 1.25, is_per_row=True
    ),
    "file_51_over_first_file": Target("file_51", ("first",), ("small", "small"), 1.5),
}
"""Ratio of seconds -> what it compares. ``dlt_job_over_same``: both with the same file again."""

LARGE_CLIENT_BYTES = 1_500_000_000
HUGE_CLIENT_RATIO = 1.3


@dataclass
class Results:
    """Everything of one run.

    Attributes:
        rows: The size at which all is compared.
        small, large, huge: The other sizes; 0: not measured.
        versions: Of what was used.
        tables: Table -> its rows, bytes and bytes of its indexes after the first import.
        steps: Rows -> step -> seconds of the first import, one of each repetition.
        counts: Name -> what the import told of the rows.
    """

    rows: int
    small: int = 0
    large: int = 0
    huge: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    tables: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    steps: dict[int, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[Name, dict[str, int]] = field(default_factory=dict)
    costs: dict[Name, list[Cost]] = field(default_factory=lambda: defaultdict(list))

    def add(self, rows: int, name: str, cost: Cost) -> None:
        """Note a repetition."""
        self.costs[rows, name].append(cost)

    def median_of(self, rows: int, name: str, what: str = "seconds") -> float | None:
        """The median of an attribute of the costs; None: it was not measured."""
        found = self.costs.get((rows, name))
        return median(getattr(cost, what) for cost in found) if found else None

    def peak_of(self, rows: int, name: str, what: str = "client_bytes") -> int | None:
        """The highest of all repetitions."""
        found = self.costs.get((rows, name))
        return max(getattr(cost, what) for cost in found) if found else None

    def median_steps(self, rows: int) -> dict[str, float]:
        """Step -> seconds of the first import at a size."""
        found = self.steps.get(rows, [])
        names = dict.fromkeys(step for steps in found for step in steps)
        return {step: median(steps.get(step, 0.0) for steps in found) for step in names}

    def ratio(self, name: str) -> float | None:
        """A ratio of ``TARGETS``; None: a part of it was not measured."""
        target = TARGETS[name]
        sizes = [getattr(self, size) for size in target.rows]
        over = self.median_of(sizes[0], target.over)
        parts = [self.median_of(sizes[1], each) for each in target.under]
        if over is None or None in parts:
            return None
        under = sum(part for part in parts if part is not None)
        return over / under * (sizes[1] / sizes[0] if target.is_per_row else 1)

    @property
    def bytes_per_person(self) -> float:
        """What a person takes in Postgres: all tables and indexes of it."""
        people = self.tables.get("personas", (0, 0, 0))[0]
        return sum(heap + index for _, heap, index in self.tables.values()) / max(people, 1)

    def to_json(self) -> dict[str, Any]:
        """What a later run is compared with. Seconds are medians, bytes of memory peaks.

        ``rows``, ``ratios``, ``client_peak_bytes`` (first import) and ``seconds`` are about the
        main size; ``sizes`` has every size. What was not measured is null or absent.
        """
        sizes: dict[str, dict[str, Any]] = defaultdict(dict)
        for rows, name in self.costs:
            sizes[str(rows)][name] = {
                "seconds": self.median_of(rows, name),
                "client_peak_bytes": self.peak_of(rows, name),
                "server_peak_bytes": self.peak_of(rows, name, "server_bytes"),
                "wal_bytes": self.median_of(rows, name, "wal_bytes"),
                "repetitions": len(self.costs[rows, name]),
                **({"counts": told} if (told := self.counts.get((rows, name))) else {}),
            }
        return {
            "rows": self.rows,
            "ratios": {name: self.ratio(name) for name in TARGETS},
            "client_peak_bytes": self.peak_of(self.rows, "first"),
            "seconds": {
                name: self.median_of(rows, name) for rows, name in self.costs if rows == self.rows
            },
            "bytes_per_person": self.bytes_per_person,
            "sizes": dict(sizes),
            "steps": {str(rows): self.median_steps(rows) for rows in self.steps},
            "tables": {
                name: {"rows": rows, "bytes": heap, "index_bytes": index}
                for name, (rows, heap, index) in self.tables.items()
            },
            "machine": describe_machine(),
            "versions": self.versions,
        }


def describe_machine() -> str:
    """On what was measured."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}"


def list_versions(postgres: str) -> dict[str, str]:
    """Of what the speed depends on."""
    named = {name: version(name) for name in ("leadfold", "polars", "duckdb", "psycopg")}
    return {"python": platform.python_version(), **named, "postgres": postgres}


def compare(now: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    """Lines that tell how a run differs from an earlier one: what ``bench.json`` holds of both."""
    lines = ["| against the earlier run | before | now | change |", "|---|---:|---:|---:|"]
    if old["rows"] != now["rows"]:
        lines.insert(0, f"The earlier run was of {old['rows']:,} rows: its seconds are others.\n")
    for part in ("ratios", "seconds"):
        for name, value in now[part].items():
            lines.append(_compared(f"{name} {part}", old[part].get(name), value))
    for name in ("client_peak_bytes", "bytes_per_person"):
        lines.append(_compared(name, old.get(name), now[name]))
    return lines


def _compared(name: str, old: float | None, new: float | None) -> str:
    cells = ["-" if value is None else f"{value:,.3g}" for value in (old, new)]
    if old and new is not None:
        return f"| {name} | {cells[0]} | {cells[1]} | {new / old - 1:+.0%} |"
    return f"| {name} | {cells[0]} | {cells[1]} | - |"
