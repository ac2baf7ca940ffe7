"""The results as people read them: tables in markdown, with what was wanted."""

from collections.abc import Iterator

from tests.benchmarks.results import (
    HUGE_CLIENT_RATIO,
    LARGE_CLIENT_BYTES,
    TARGETS,
    Results,
    describe_machine,
)

NAMES = {
    "single_floor": "floor, one table",
    "floor": "floor, all tables",
    "first": "Leadfold, first import",
    "dry_run": "Leadfold, dry run",
    "same": "Leadfold, same file again",
    "same_rows": "Leadfold, same rows in another order",
    "one_percent": "Leadfold, 1 % changed",
    "ten_percent": "Leadfold, 10 % changed",
    "follow_up": "Leadfold, 30 % in common",
    "second_team": "Leadfold, another team",
    "both_teams": "Leadfold, two teams at once",
    "file_51": "Leadfold, into the largest",
    "dlt_job": "dlt job, first",
    "dlt_job_same": "dlt job, same file again",
    "dlt_job_one_percent": "dlt job, 1 % changed",
    "dlt_load": "dlt load only, first",
    "dlt_load_same": "dlt load only, same file again",
    "dlt_load_one_percent": "dlt load only, 1 % changed",
}
"""What was done -> how tables and chart call it."""


def cost_lines(results: Results) -> Iterator[str]:
    """A line for each thing that was done, by size."""
    versions = ", ".join(f"{name} {number}" for name, number in results.versions.items())
    yield f"{describe_machine()}; {versions}\n"
    yield "| rows | what | seconds | rows/s | client peak | server peak | WAL | of |"
    yield "|---:|---|---:|---:|---:|---:|---:|---:|"
    for rows in sorted({rows for rows, _ in results.costs}):
        for name, told in NAMES.items():
            seconds = results.median_of(rows, name)
            if seconds is None:
                continue
            done = rows * 2 if name == "both_teams" else rows
            client, server = (
                results.peak_of(rows, name, what) or 0 for what in ("client_bytes", "server_bytes")
            )
            wal = results.median_of(rows, name, "wal_bytes") or 0
            yield (
                f"| {rows:,} | {told} | {seconds:.2f} | {done / seconds:,.0f} | {client / 1e6:,.0f}"
                f" MB | {server / 1e6:,.0f} MB | {wal / 1e6:,.0f} MB"
                f" | {len(results.costs[rows, name])} |"
            )


def count_lines(results: Results) -> Iterator[str]:
    """What became of the rows of each import."""
    names = list(dict.fromkeys(name for told in results.counts.values() for name in told))
    yield f"| rows | import | {' | '.join(name.removeprefix('rows_') for name in names)} |"
    yield f"|---:|---|{'---:|' * len(names)}"
    for (rows, name), told in sorted(results.counts.items()):
        cells = " | ".join(f"{told[each]:,}" for each in names)
        yield f"| {rows:,} | {NAMES[name]} | {cells} |"


def ratio_lines(results: Results) -> Iterator[str]:
    """Each ratio, what it is to be, and whether it is."""
    yield "| ratio | rows | is | wanted | holds |"
    yield "|---|---|---:|---:|---|"
    for name, target in TARGETS.items():
        value = results.ratio(name)
        if value is None:
            continue
        sizes = " / ".join(f"{rows:,}" for rows in dict.fromkeys(_sizes(results, target.rows)))
        limit = target.limit
        if limit is None:
            yield f"| {name} | {sizes} | {value:.2f} | | |"
            continue
        holds = value >= limit if target.is_least else value <= limit
        wanted = f"{'at least' if target.is_least else 'at most'} {limit:g}"
        yield f"| {name} | {sizes} | {value:.2f} | {wanted} | {'yes' if holds else 'no'} |"
    large, huge = (results.peak_of(rows, "first") for rows in (results.large, results.huge))
    if large:
        wanted, holds = LARGE_CLIENT_BYTES / 1e6, large <= LARGE_CLIENT_BYTES
        yield (
            f"| client peak, MB | {results.large:,} | {large / 1e6:,.0f} | at most {wanted:,.0f}"
            f" | {'yes' if holds else 'no'} |"
        )
    if large and huge:
        yield (
            f"| client peak, growth | {results.huge:,} / {results.large:,} | {huge / large:.2f}"
            f" | at most {HUGE_CLIENT_RATIO:g}"
            f" | {'yes' if huge <= HUGE_CLIENT_RATIO * large else 'no'} |"
        )


def step_lines(results: Results) -> Iterator[str]:
    """Where the time of a first import goes, by size."""
    found = [results.median_steps(rows) for rows in results.steps]
    steps = list(dict.fromkeys(step for seconds in found for step in seconds))
    yield f"| rows | {' | '.join(steps)} |"
    yield f"|---:|{'---:|' * len(steps)}"
    for rows in sorted(results.steps):
        seconds = results.median_steps(rows)
        yield f"| {rows:,} | {' | '.join(f'{seconds.get(step, 0):.2f}' for step in steps)} |"


def size_lines(results: Results) -> Iterator[str]:
    """What the people take in Postgres after the first import."""
    yield f"{results.bytes_per_person:,.0f} bytes per person in Postgres, indexes included:\n"
    yield "| table | rows | bytes/row | of that indexes |"
    yield "|---|---:|---:|---:|"
    for name, (rows, heap, index) in results.tables.items():
        if rows:
            each, indexes = (heap + index) / rows, index / rows
            yield f"| {name} | {rows:,} | {each:,.0f} | {indexes:,.0f} |"


def _sizes(results: Results, names: tuple[str, str]) -> list[int]:
    return [getattr(results, name) for name in names]
