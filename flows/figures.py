"""The ledger added up: by team, source and day. What metrics and the dashboard are made of."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from transforms.plan import NO_ROWS, Counts

RECENT_DAYS = 30
"""So many days are told one by one, today's among them; all before them is told as one."""

_SUMS = ", ".join(f"sum(rows_{name}) FILTER (WHERE is_done)" for name in Counts._fields)

# Files alone: judgements, refolds and undos bring no rows and no people of a source.
_TOLD = f"""
WITH recent AS (SELECT (now() AT TIME ZONE 'UTC')::date - {RECENT_DAYS - 1} AS first_day),
told AS (
    SELECT imports.*, status = 'done' AS is_done,
        CASE WHEN coalesce(finished_at, started_at) >= first_day
            THEN coalesce(finished_at, started_at)::date END AS day
    FROM imports CROSS JOIN recent
    WHERE cause IN ('file', 'rules', 'correction')
)
"""  # noqa: S608

_FIGURES = f"""
{_TOLD}
SELECT team_id, source, day,
    count(*) FILTER (WHERE is_done) AS done,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'held') AS held,
    count(*) FILTER (WHERE status = 'declined') AS declined,
    count(*) FILTER (WHERE status = 'running') AS running,
    ARRAY[{_SUMS}]::bigint[] AS rows,
    sum((effects -> 'personas' ->> 'insert')::bigint) FILTER (WHERE is_done)::bigint AS created,
    sum((effects -> 'personas' ->> 'update')::bigint) FILTER (WHERE is_done)::bigint AS updated,
    sum((effects -> 'personas' ->> 'insert')::bigint)
        FILTER (WHERE is_done AND undone_by_import_id IS NULL)::bigint AS stayed,
    count(*) FILTER (WHERE is_done AND holds = '[]') AS timed,
    sum(extract(epoch FROM finished_at - started_at))
        FILTER (WHERE is_done AND holds = '[]')::float8 AS seconds,
    max(finished_at) FILTER (WHERE is_done) AS last_done
FROM told
GROUP BY team_id, source, day
ORDER BY team_id, source, day NULLS FIRST
"""  # noqa: S608

_MATCH = f"""
{_TOLD}
SELECT team_id, source, day, key, sum(value::bigint)::bigint
FROM told CROSS JOIN jsonb_each_text(match)
WHERE is_done
GROUP BY team_id, source, day, key
"""  # noqa: S608

# Those who were merged are few, and have an index of their own.
_MERGED = f"""
SELECT team_id, count(*) FROM personas
WHERE merged_into IS NOT NULL
    AND created_at >= (now() AT TIME ZONE 'UTC')::date - {RECENT_DAYS - 1}
GROUP BY team_id
"""  # noqa: S608


@dataclass(frozen=True)
class Figures:
    """What the ledger says of imports of files, added up.

    Attributes:
        team_id: Whose imports; empty where several teams are added up.
        source: Of which source; empty where several are added up.
        day: On which day they ended, in UTC; None: before the recent days, or on several.
        done: How many imports are; ``failed``, ``held``, ``declined`` and ``running`` likewise.
        rows: What became of the rows of those that are done.
        created: Personas that they created; ``updated`` likewise.
        stayed: Of those created, by imports that nobody undid.
        timed: Imports that are done and never waited for a person.
        seconds: How long those took, together.
        last_done: When the last one was done.
        match: Records by the way they found their person.
    """

    team_id: str = ""
    source: str = ""
    day: date | None = None
    done: int = 0
    failed: int = 0
    held: int = 0
    declined: int = 0
    running: int = 0
    rows: Counts = NO_ROWS
    created: int = 0
    updated: int = 0
    stayed: int = 0
    timed: int = 0
    seconds: float = 0.0
    last_done: datetime | None = None
    match: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Team and source."""
        return f"{self.team_id}/{self.source}"


_ADDED = ("done", "failed", "held", "declined", "running", "created", "updated", "stayed", "timed")


def list_figures(connection: psycopg.Connection) -> list[Figures]:
    """What the whole ledger says, by team, source and day, in this order."""
    match: dict[tuple[Any, ...], dict[str, int]] = {}
    for *group, key, records in connection.execute(_MATCH):
        match.setdefault(tuple(group), {})[key] = records
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_FIGURES).fetchall()
    return [
        Figures(
            **{
                **{name: value or 0 for name, value in row.items()},
                **{name: row[name] for name in ("team_id", "source", "day", "last_done")},
                "rows": Counts(*(count or 0 for count in row["rows"])),
                "match": match.get((row["team_id"], row["source"], row["day"]), {}),
            }
        )
        for row in found
    ]


def add_up(figures: Iterable[Figures], team_id: str = "", source: str = "") -> Figures:
    """The sum of figures, under the name of what they have in common."""
    figures = list(figures)
    match: Counter[str] = Counter()
    for each in figures:
        match.update(each.match)
    ends = [each.last_done for each in figures if each.last_done]
    return Figures(
        team_id,
        source,
        rows=Counts(*map(sum, zip(NO_ROWS, *(each.rows for each in figures), strict=True))),
        seconds=sum(each.seconds for each in figures),
        last_done=max(ends, default=None),
        match=dict(match),
        **{name: sum(getattr(each, name) for each in figures) for name in _ADDED},
    )


def group_by_source(figures: Iterable[Figures]) -> dict[str, list[Figures]]:
    """``team/source`` -> its figures."""
    grouped: dict[str, list[Figures]] = {}
    for each in figures:
        grouped.setdefault(each.name, []).append(each)
    return grouped


def is_recent(figures: Figures) -> bool:
    """Whether they are those of one of the recent days."""
    return figures.day is not None


def count_merged(connection: psycopg.Connection) -> dict[str, int]:
    """Team -> personas that were created in the recent days and turned out to be another one."""
    return dict(connection.execute(_MERGED).fetchall())


def success_ratio(figures: Figures) -> float | None:
    """The share of ended imports that are done; those held or declined are no failures."""
    ended = figures.done + figures.failed
    return figures.done / ended if ended else None


def duplicates_ratio(recent: Iterable[Figures], merged: Mapping[str, int]) -> float | None:
    """Personas that turned out to be another one, over those that the recent imports created."""
    stayed = add_up(recent).stayed
    return sum(merged.values()) / stayed if stayed else None
