"""The dashboard: how good the lead sources are, and whether the promises hold, as one page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import cast

from prefect.artifacts import Artifact, create_markdown_artifact
from prefect.client.schemas.objects import Artifact as ArtifactResponse

from flows import charts, report, warehouse
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
from flows.settings import Settings
from flows.terminal import visible

KEY = "dashboard"

_MOST_DUPLICATES = 0.001
_LEAST_SUCCESS = 0.999
# As many lines as a chart tells apart.
_MOST_LINES = 8

Sources = Mapping[str, Sequence[Figures]]


def publish_dashboard(settings: Settings) -> None:
    """Publish the dashboard over the ledger as it is now, if it has changed; within a flow run.

    Its page in Prefect shows the last one that was published, and keeps those before it.

    Raises:
        DatabaseUnavailableError: Postgres does not answer.
    """
    with warehouse.connected(settings, "leadfold dashboard") as connection:
        figures = list_figures(connection)
        merged = count_merged(connection)
    page = write_dashboard(figures, merged, datetime.now(UTC).date())
    # In a flow that is not async it is no coroutine.
    shown = cast(ArtifactResponse | None, Artifact.get(KEY))
    if shown is None or shown.data != page:
        what = f"Lead sources and promises, last {RECENT_DAYS} days"
        create_markdown_artifact(page, key=KEY, description=what)


def write_dashboard(figures: Sequence[Figures], merged: Mapping[str, int], today: date) -> str:
    """The dashboard as markdown.

    Args:
        figures: What the ledger says (``list_figures``).
        merged: Team -> recent personas that turned out to be another one.
        today: The last of the recent days, in UTC.
    """
    recent = [each for each in figures if is_recent(each)]
    sources = dict(
        sorted(group_by_source(recent).items(), key=lambda item: -add_up(item[1]).rows.landed)
    )
    parts = [
        "# Lead sources and promises",
        "",
        f"The last {RECENT_DAYS} days up to {today}, UTC. Files alone: judgements, undos and"
        " refolds are not counted.",
        "",
        *_promise_lines(recent, merged),
        "",
        "## Sources compared",
        "",
    ]
    if not sources:
        return "\n".join((*parts, "No file was imported in these days."))
    parts += [*_tables(sources), "", "## Day by day", ""]
    if len(sources) > _MOST_LINES:
        parts += [f"The {_MOST_LINES} sources with the most rows.", ""]
    return "\n".join((*parts, *_trends(dict(list(sources.items())[:_MOST_LINES]), today)))


def _promise_lines(recent: Sequence[Figures], merged: Mapping[str, int]) -> Iterator[str]:
    """The two promises to the business, and whether they are kept."""
    ended = add_up(recent)
    yield "| promise | now | of | kept |"
    yield "|---|---:|---:|---|"
    ratio = duplicates_ratio(recent, merged)
    yield (
        f"| under 0.1 % of new people are duplicates | {_percent(ratio, 3)} |"
        f" {ended.stayed:,} people | {_kept(ratio, lambda found: found < _MOST_DUPLICATES)} |"
    )
    ratio = success_ratio(ended)
    yield (
        f"| 99.9 % of imports succeed | {_percent(ratio, 3)} |"
        f" {ended.done + ended.failed:,} imports |"
        f" {_kept(ratio, lambda found: found >= _LEAST_SUCCESS)} |"
    )


def _kept(ratio: float | None, is_kept: Callable[[float], bool]) -> str:
    if ratio is None:
        return "nothing to tell yet"
    return "yes" if is_kept(ratio) else "**no**"


def _tables(sources: Sources) -> Iterator[str]:
    """What came of the imports of each source, and how its records found their people."""
    added = {name: add_up(group) for name, group in sources.items()}
    yield from _table(
        ("source", "imports", "failed", "held", "rows", "duplicate", "rejected", "seconds each"),
        {
            name: (
                *(f"{count:,}" for count in (each.done, each.failed, each.held, each.rows.landed)),
                _percent(_share(each.rows.duplicate, each.rows.landed)),
                _percent(_share(each.rows.rejected, each.rows.landed)),
                f"{each.seconds / each.timed:,.1f}" if each.timed else "",
            )
            for name, each in added.items()
        },
    )
    yield ""
    yield from _table(
        ("person found by", *report.MATCH_LABELS.values()),
        {
            name: [
                _percent(_share(each.match.get(key, 0), sum(each.match.values())))
                for key in report.MATCH_LABELS
            ]
            for name, each in added.items()
        },
    )


def _table(columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|---|" + "---:|" * (len(columns) - 1)
    for name, cells in rows.items():
        yield f"| {' | '.join((_cell(name), *cells))} |"


def _trends(sources: Sources, today: date) -> Iterator[str]:
    """A chart a measure, a line a source, a point a day; a day without an import is a gap."""
    days = [today - timedelta(days=ago) for ago in reversed(range(RECENT_DAYS))]
    labels = [f"{day:%m-%d}" for day in days]
    for title, unit, measure in _MEASURES:
        series = {}
        for name, group in sources.items():
            by_day = {each.day: measure(each) for each in group}
            series[name] = [by_day.get(day) for day in days]
        yield charts.image(charts.trend(title, labels, series, unit), title)
        yield ""


_MEASURES: tuple[tuple[str, str, Callable[[Figures], float | None]], ...] = (
    ("Rows that repeat a record of their file", "%", lambda day: _points(day, "duplicate")),
    ("Rows that were rejected", "%", lambda day: _points(day, "rejected")),
    (
        "Records that brought a new person",
        "%",
        lambda day: _hundred(_share(day.match.get("new", 0), sum(day.match.values()))),
    ),
    ("Time an import takes", "s", lambda day: _share(day.seconds, day.timed)),
)


def _points(figures: Figures, outcome: str) -> float | None:
    return _hundred(_share(getattr(figures.rows, outcome), figures.rows.landed))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _percent(share: float | None, digits: int = 1) -> str:
    return "" if share is None else f"{100 * share:.{digits}f} %"


def _cell(text: str) -> str:
    """Text that is one cell of a table, and no markup."""
    return "".join(f"\\{each}" if each in "\\|*_`<[]" else each for each in visible(text))
