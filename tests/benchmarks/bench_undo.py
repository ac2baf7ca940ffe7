"""An import of known and new people, and its undo: seconds of each, and their ratio.

    python -m tests.benchmarks.bench_undo [ROWS [RUNS]]

A file of 30 % of the rows is imported first. Then the measured one comes: those 30 % with another
city and a newer clock, and 70 % new people; each has a phone and an email, a tenth a second phone.
Then that is undone. Each run has a database of its own on the embedded Postgres of a temp folder.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl

from contracts.people import GOLDEN
from flows import local_postgres, teams, warehouse
from flows.importing import run_import
from flows.jobs import Request
from flows.settings import Settings
from flows.undoing import run_undo

_KNOWN = 0.3


def write_files(folder: Path, rows: int) -> tuple[Path, Path]:
    """The earlier file and the measured one."""
    number = pl.int_range(rows, dtype=pl.Int64, eager=True)
    known = int(rows * _KNOWN)
    frame = pl.DataFrame({"n": number}).select(
        id=pl.format("r{}", "n"),
        first_name=pl.format("Ann{}", pl.col("n") % 997),
        last_name=pl.format("Lee{}", pl.col("n") % 50021),
        phone=pl.format("+1{}", 4_152_000_000 + pl.col("n")),
        mobile=pl.when(pl.col("n") % 10 == 0).then(pl.format("+1{}", 2_122_000_000 + pl.col("n"))),
        email=pl.format("p{}@example.com", "n"),
        city=pl.format("City {}", pl.col("n") % 1000),
        company=pl.format("Company {}", pl.col("n") % 5000),
        updated_at=pl.lit("2026-02-01 10:00:00"),
    )
    earlier = frame.head(known).with_columns(
        city=pl.lit("Old Town"), updated_at=pl.lit("2026-01-01 10:00:00")
    )
    paths = (folder / "earlier" / "list.csv", folder / "measured" / "list.csv")
    for path, part in zip(paths, (earlier, frame), strict=True):
        path.parent.mkdir(exist_ok=True)
        part.write_csv(path)
    return paths


@contextmanager
def _measured(seconds: dict[str, list[float]], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds.setdefault(name, []).append(time.perf_counter() - start)


def measure(settings: Settings, files: tuple[Path, Path], seconds: dict[str, list[float]]) -> None:
    """Import both files and undo the second; check that nothing but the first is left."""
    with warehouse.connected(settings) as connection:
        teams.add_team(connection, "acme")
    earlier, file = files
    run_import(Request(earlier, "acme", "generic"), settings)
    before = _content(settings)
    with _measured(seconds, "import"):
        (outcome,) = run_import(Request(file, "acme", "generic"), settings)
    assert outcome.status == "done", outcome.reason
    with _measured(seconds, "undo"):
        undone = run_undo(outcome.import_id, settings)
    assert undone.status == "done", undone.reason
    assert _content(settings) == before
    print(f"  {outcome.counts.inserted:,} new, {outcome.counts.updated:,} changed", flush=True)


def _content(settings: Settings) -> list[object]:
    """Digests of the people, their claims and their records."""
    fields = ", ".join(GOLDEN)
    digests = (
        f"SELECT sum(hashtextextended(row({fields})::text, 0)) FROM personas",
        "SELECT sum(hashtextextended(row(kind, value, is_exclusive)::text, 0)) FROM identities",
        "SELECT sum(hashtextextended(row(source_record_id, city)::text, 0)) FROM leads",
    )
    with warehouse.connected(settings) as connection:
        return [connection.execute(digest).fetchall() for digest in digests]


def main() -> None:
    """Print the medians."""
    rows, runs = (*map(int, sys.argv[1:]), *(100_000, 3)[len(sys.argv) - 1 :])
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = Settings(home=home)
        try:
            files = write_files(home, rows)
            for number in range(runs):
                url = local_postgres.recreate_database(home, f"run_{number}")
                measure(replace(server, database_url=url), files, seconds)
        finally:
            local_postgres.stop(home)
    took = {name: statistics.median(found) for name, found in seconds.items()}
    ratio = took["undo"] / took["import"]
    print(
        f"{rows:,} rows, 30 % of them known, median of {runs}: import {took['import']:.1f} s,"
        f" undo {took['undo']:.1f} s: {ratio:.2f} times the import (at most 1.5 wanted)"
    )


if __name__ == "__main__":
    main()
