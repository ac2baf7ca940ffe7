"""The ledger as Prometheus reads it: text format 0.0.4."""

from collections.abc import Iterable, Iterator

import psycopg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from flows.figures import (
    RECENT_DAYS,
    Figures,
    add_up,
    count_merged,
    duplicates_ratio,
    group_by_source,
    is_recent,
    list_figures,
    success_ratio,
)
from transforms.plan import Counts

_STATUSES = ("done", "failed", "held", "declined", "running")
_BY = ("team", "source")
_RECENTLY = f"of the last {RECENT_DAYS} days"


def write_metrics(connection: psycopg.Connection) -> str:
    """What the ledger says of all imports of files, by team and source.

    Counters are sums over imports that are done, which no pruning, undo or repeated run makes
    smaller. What may go down, such as the number of imports that wait, is a gauge.

    Raises:
        psycopg.Error: Postgres does not answer, or there is no ledger.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Ledger(list_figures(connection), count_merged(connection)))
    return generate_latest(registry).decode()


class _Ledger(Collector):
    """Figures in the form that ``prometheus_client`` writes out."""

    def __init__(self, figures: list[Figures], merged: dict[str, int]) -> None:
        self._figures = figures
        self._merged = merged

    def collect(self) -> Iterator[Metric]:
        groups = group_by_source(self._figures).values()
        whole = [add_up(group, group[0].team_id, group[0].source) for group in groups]
        recent = [
            add_up(filter(is_recent, group), group[0].team_id, group[0].source) for group in groups
        ]
        yield from _count(whole)
        yield from _measure(whole, recent)
        yield from _promises(recent, self._merged)


def _count(whole: Iterable[Figures]) -> Iterator[Metric]:
    """Counters: they only ever grow."""
    imports = CounterMetricFamily(
        "leadfold_imports_done", "Imports of files that are done.", labels=_BY
    )
    rows = CounterMetricFamily(
        "leadfold_rows",
        "Rows of files that are imported, by what became of them; each row counts once.",
        labels=(*_BY, "outcome"),
    )
    prevented = CounterMetricFamily(
        "leadfold_duplicates_prevented",
        "Rows that repeated a record of their file (found_by=row), and records that are the same"
        " person as another record, by what told so.",
        labels=(*_BY, "found_by"),
    )
    created = CounterMetricFamily(
        "leadfold_personas_created", "Personas that imports created.", labels=_BY
    )
    updated = CounterMetricFamily(
        "leadfold_personas_updated", "Golden records that imports changed.", labels=_BY
    )
    for each in whole:
        labels = [each.team_id, each.source]
        imports.add_metric(labels, each.done)
        for outcome in Counts._fields[1:]:
            rows.add_metric([*labels, outcome], getattr(each.rows, outcome))
        prevented.add_metric([*labels, "row"], each.rows.duplicate)
        for found_by, records in sorted(each.match.items()):
            # A record that is known by its own id is no duplicate: it came again.
            if found_by not in ("new", "source_record"):
                prevented.add_metric([*labels, found_by], records)
        created.add_metric(labels, each.created)
        updated.add_metric(labels, each.updated)
    yield from (imports, rows, prevented, created, updated)


def _measure(whole: Iterable[Figures], recent: Iterable[Figures]) -> Iterator[Metric]:
    """Times, states, and shares of the recent days."""
    took = SummaryMetricFamily(
        "leadfold_import_duration_seconds",
        "From the start of an import to its end; of those that never waited for a person.",
        labels=_BY,
    )
    imports = GaugeMetricFamily(
        "leadfold_imports",
        "Imports of files by their status now; one that failed may yet be done.",
        labels=(*_BY, "status"),
    )
    last = GaugeMetricFamily(
        "leadfold_last_import_timestamp_seconds", "When the last import was done.", labels=_BY
    )
    for each in whole:
        labels = [each.team_id, each.source]
        took.add_metric(labels, each.timed, each.seconds)
        for status in _STATUSES:
            imports.add_metric([*labels, status], getattr(each, status))
        if each.last_done:
            last.add_metric(labels, each.last_done.timestamp())
    success = GaugeMetricFamily(
        "leadfold_import_success_ratio",
        f"Imports {_RECENTLY} that are done / those done or failed.",
        labels=_BY,
    )
    rejected = GaugeMetricFamily(
        "leadfold_rejected_rows_ratio", f"Rejected rows / rows {_RECENTLY}.", labels=_BY
    )
    for each in recent:
        labels = [each.team_id, each.source]
        if (ratio := success_ratio(each)) is not None:
            success.add_metric(labels, ratio)
        if each.rows.landed:
            rejected.add_metric(labels, each.rows.rejected / each.rows.landed)
    yield from (took, imports, last, success, rejected)


def _promises(recent: Iterable[Figures], merged: dict[str, int]) -> Iterator[Metric]:
    """The two promises to the business, over all teams, and duplicates by team."""
    recent = list(recent)
    stayed: dict[str, int] = {}
    for each in recent:
        stayed[each.team_id] = stayed.get(each.team_id, 0) + each.stayed
    duplicates = GaugeMetricFamily(
        "leadfold_duplicate_personas_ratio",
        f"Personas {_RECENTLY} that have been merged into another since / personas that imports"
        " created in these days.",
        labels=("team",),
    )
    for team_id, personas in sorted(stayed.items()):
        if personas:
            duplicates.add_metric([team_id], merged.get(team_id, 0) / personas)
    yield duplicates
    kept = duplicates_ratio(recent, merged)
    if kept is not None:
        yield GaugeMetricFamily(
            "leadfold_promise_duplicate_personas_ratio",
            "The promise: under 0.001. leadfold_duplicate_personas_ratio over all teams.",
            kept,
        )
    succeeded = success_ratio(add_up(recent))
    if succeeded is not None:
        yield GaugeMetricFamily(
            "leadfold_promise_import_success_ratio",
            "The promise: at least 0.999. leadfold_import_success_ratio over all teams.",
            succeeded,
        )
