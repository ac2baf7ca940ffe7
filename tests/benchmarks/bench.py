"""Leadfold against the floor of Postgres and against dlt, in one run: ``make bench``.

    python -m tests.benchmarks.bench --rows 1000000 --peers yes --json bench.json

What each line means is told in docs/speed.md. Prints tables in markdown; progress goes to standard
error. A server of its own runs below the home folder meanwhile, and is removed at the end.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows import local_postgres
from tests.benchmarks import tables
from tests.benchmarks.chart import draw
from tests.benchmarks.dlt_peer import DltPeer
from tests.benchmarks.results import Results, compare, list_versions
from tests.benchmarks.rounds import Bench
from tests.benchmarks.server import running_server

_ROOT = Path(__file__).resolve().parents[2]
# Files are made of rounds of twenty rows.
_ROUND = 20


def run(called: argparse.Namespace) -> Iterator[Results]:
    """Measure everything that is asked for, and give what is known after each size."""
    rows, large = called.rows, called.large
    small = min(called.small, rows)
    home: Path = called.home.resolve()
    folder = home / "run"
    local_postgres.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)
    peer = DltPeer(home) if called.peers == "yes" else None
    try:
        with running_server(folder) as server:
            versions = list_versions(server.version()) | ({"dlt": peer.version} if peer else {})
            results = Results(rows, small, large, called.huge, versions)
            bench = Bench(server, folder, peer, results, called.repetitions)
            if small < rows:
                bench.grow(small, repetitions=called.repetitions)
            bench.compare(rows)
            yield results
            if large:
                bench.grow(large, small_rows=small, repetitions=1)
                yield results
            if called.huge:
                bench.import_once(called.huge)
                yield results
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what is asked for."""
    called = _parse(arguments)
    # Read first: it may be the file that is replaced.
    before = json.loads(called.against.read_text()) if called.against else None
    # Told after each size, so that hours are not lost to what breaks later.
    for results in run(called):
        _report(results, called, before)


def _report(results: Results, called: argparse.Namespace, before: Mapping[str, Any] | None) -> None:
    told = results.to_json()
    parts = (
        tables.cost_lines(results),
        tables.ratio_lines(results),
        tables.step_lines(results),
        tables.size_lines(results),
        tables.count_lines(results),
        compare(told, before) if before else [],
    )
    print("\n\n".join("\n".join(part) for part in parts))
    if called.json:
        called.json.write_text(json.dumps(told, indent=2) + "\n")
    if called.chart:
        called.chart.write_text(draw(results))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench")
    parser.add_argument("--rows", type=_rows, default=1_000_000, help="size at which all is done")
    parser.add_argument(
        "--peers", choices=("yes", "no"), default="yes", help="with dlt, or without"
    )
    parser.add_argument("--small", type=_rows, default=100_000, help="size from which it grows")
    parser.add_argument(
        "--large", type=_rows, default=0, help="size to which it grows, once; 0: none"
    )
    parser.add_argument(
        "--huge", type=_rows, default=0, help="size for memory alone, once; 0: none"
    )
    parser.add_argument("--repetitions", type=int, default=3, help="of which the median is taken")
    parser.add_argument("--home", type=Path, default=_ROOT / "data" / "bench", help="a folder")
    parser.add_argument("--json", type=Path, help="where to write bench.json")
    parser.add_argument("--chart", type=Path, help="where to draw the chart, as SVG")
    parser.add_argument("--against", type=Path, help="bench.json of an earlier run")
    return parser.parse_args(arguments)


def _rows(text: str) -> int:
    rows = int(text.replace("_", ""))
    if rows % _ROUND:
        raise argparse.ArgumentTypeError(f"{rows} is no multiple of {_ROUND}")
    return rows


if __name__ == "__main__":
    main()
