"""What is to become of duplicates, by a plain Python loop over rows that were read beforehand."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]

KEYS = (("phone", "workspace_id"), ("device_id", "phone"))
# The primary key and full_name, which is generated, count for nothing and are never filled.
COUNTED = (
    *("workspace_id", "user_id", "device_id", "phone", "email", "first_name", "last_name"),
    *("niche", "status", "notes", "score", "tags", "custom", "referred_by"),
    *("created_at", "updated_at", "last_activity_at"),
)
# Neither are the columns of a key, of which (workspace_id, id) is one.
FILLED = tuple(set(COUNTED) - {"workspace_id", "device_id", "phone"})
COLUMNS = (
    "id, workspace_id::text, user_id, device_id, phone, email, first_name, last_name, full_name,"
    " niche, status, notes, score::text, tags::text, custom::text, referred_by, created_at,"
    " updated_at, last_activity_at"
)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def read_leads(connection: psycopg.Connection, where: str, *values: object) -> dict[int, Row]:
    """Some leads by their ids, as the rules look at them."""
    with connection.cursor(row_factory=dict_row) as cursor:
        query = f"SELECT {COLUMNS} FROM leads WHERE {where}"
        return {row["id"]: row for row in cursor.execute(query, values)}  # type: ignore[arg-type]


def read_similar(connection: psycopg.Connection, phones: Iterable[str]) -> dict[int, Row]:
    """Leads whose phone somebody else has too, or which is one of these."""
    where = (
        "phone <> '' AND phone IN (SELECT phone FROM leads GROUP BY phone HAVING count(*) > 1"
        " UNION SELECT unnest(%s::text[]))"
    )
    return read_leads(connection, where, list(phones))


@dataclass
class Folded:
    """What is to stand after both keys.

    Attributes:
        rows: Id -> the row of everybody who stays, with its blanks filled.
        went: Id -> who took the place of a row that goes; that one may go by the next key.
        groups: For each key, how many groups there were.
        removed: For each key, how many rows went.
        decided: How often a step of the ranking, or a fill before, told who is first.
    """

    rows: dict[int, Row]
    went: dict[int, int] = field(default_factory=dict)
    groups: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    decided: Counter[str] = field(default_factory=Counter)

    def survivor(self, lead: int) -> int:
        """Who stands for a lead at the end."""
        while lead in self.went:
            lead = self.went[lead]
        return lead

    def may_take(self, first: Row, row: Row, column: str) -> bool:
        """Whether a blank is filled by what stands in another row. Nobody comes to refer to
        himself in that way."""
        is_himself = column == "referred_by" and self.survivor(row[column]) == first["id"]
        return not is_blank(row[column]) and not is_himself


def fold(rows: Mapping[int, Row]) -> Folded:
    """Apply the rules to rows among which every row of their groups is."""
    found = Folded({lead: dict(row) for lead, row in rows.items()})
    for key in KEYS:
        groups = [group for group in _groups(found.rows.values(), key) if len(group) > 1]
        for group in groups:
            first, *others = sorted(group, key=_rank)
            _tell(found.decided, first, others[0], rows)
            for row in others:
                found.went[row["id"]] = first["id"]
                del found.rows[row["id"]]
            for column in FILLED:
                if is_blank(first[column]):
                    values = (row[column] for row in others if found.may_take(first, row, column))
                    first[column] = next(values, first[column])
        found.groups.append(len(groups))
        found.removed.append(sum(len(group) - 1 for group in groups))
    for row in found.rows.values():
        row["full_name"] = f"{row['first_name'] or ''} {row['last_name'] or ''}"
    return found


def components(rows: Iterable[Row]) -> dict[int, int]:
    """Id -> the group that a row is in by either key, transitively: the smallest id in it."""
    above: dict[int, int] = {}

    def top(lead: int) -> int:
        while above.setdefault(lead, lead) != lead:
            above[lead] = lead = above[above[lead]]
        return lead

    rows = list(rows)
    for row in rows:
        top(row["id"])
    for key in KEYS:
        for group in _groups(rows, key):
            tops = {top(row["id"]) for row in group}
            for one in tops:
                above[one] = min(tops)
    return {row["id"]: top(row["id"]) for row in rows}


def is_blank(value: object) -> bool:
    return value is None or value in ("", "{}", "[]")


def _groups(rows: Iterable[Row], key: tuple[str, ...]) -> list[list[Row]]:
    """Rows that are equal in a key in which none of their values is null or ''."""
    groups: defaultdict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        values = tuple(row[column] for column in key)
        if None not in values and "" not in values:
            groups[values].append(row)
    return list(groups.values())


def _rank(row: Row) -> tuple[tuple[bool, int] | int, ...]:
    """What comes first stays."""
    newest, oldest = row["last_activity_at"], row["created_at"]
    return (-_completeness(row), _place(newest, -1), _place(oldest, 1), row["id"])


def _completeness(row: Row) -> int:
    return sum(not is_blank(row[column]) for column in COUNTED)


def _place(moment: datetime | None, direction: int) -> tuple[bool, int]:
    """Null comes last whatever the direction."""
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1) if moment else 0
    return moment is None, direction * microseconds


def _tell(decided: Counter[str], first: Row, second: Row, before: Mapping[int, Row]) -> None:
    """Note by what the first went before the second."""
    steps = ("completeness", "newest", "oldest", "id")
    step = next(
        i for i, (a, b) in enumerate(zip(_rank(first), _rank(second), strict=True)) if a != b
    )
    decided[steps[step]] += 1
    if steps[step] == "newest" and second["last_activity_at"] is None:
        decided["newest null"] += 1
    if steps[step] == "oldest" and second["created_at"] is None:
        decided["oldest null"] += 1
    if _rank(before[first["id"]]) > _rank(before[second["id"]]):
        decided["filled before"] += 1
