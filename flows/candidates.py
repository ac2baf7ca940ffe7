"""Candidates as Postgres holds them: pairs who may be one, and values of too many people."""

from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg.rows import class_row, kwargs_row

from contracts.guards import SHARED_VALUE
from flows.ledger import Import
from flows.teams import Team
from transforms.pair_ids import PairKey


@dataclass(frozen=True)
class Side:
    """One of the two people of a pair.

    Attributes:
        records: Where each of its records stands: file and line.
        last_seen: The newest time that a source states, else that of the import.
    """

    persona_id: str
    name: str = ""
    ids: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    company: str = ""
    city: str = ""
    records: tuple[str, ...] = ()
    last_seen: datetime | None = None

    @property
    def called(self) -> str:
        """By what people know it again."""
        known = (self.name, self.company, *self.phones, *self.emails, *self.ids)
        return next(filter(None, known), self.persona_id)


@dataclass(frozen=True)
class Shared:
    """A value that both people of a pair state.

    Attributes:
        left: The records of the left one that state it; none where it was put in by hand.
        right: Those of the right one.
    """

    kind: str
    value: str
    points: int
    left: tuple[str, ...]
    right: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """A candidate as Postgres holds it, and who its people are by now."""

    left_id: str
    right_id: str
    guard: str
    kind: str
    value: str
    judgement: str | None
    judged_by: str | None
    judged_at: datetime | None
    one_id: str | None
    other_id: str | None

    @property
    def key(self) -> PairKey:
        """What tells it from the others."""
        return self.left_id, self.right_id

    @property
    def is_open(self) -> bool:
        """Whether it waits for a judgement."""
        return self.judgement is None and self.is_two

    @property
    def is_two(self) -> bool:
        """Whether both people are there, and are two."""
        return None not in (self.one_id, self.other_id) and self.one_id != self.other_id


@dataclass(frozen=True)
class Pair:
    """Two people who may be one, side by side.

    Attributes:
        pair_id: By what commands name it.
        names: What their names say: same, agree, unknown or contradict.
        points: How certain it is; see ``transforms.certainty``.
    """

    pair_id: str
    told: Told
    left: Side
    right: Side
    names: str
    points: int
    shared: tuple[Shared, ...] = ()


@dataclass(frozen=True)
class Crowd:
    """A value of too many people, which identifies none of them."""

    kind: str
    value: str
    people: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Review:
    """What there is to look at in a team.

    Attributes:
        pairs: The most certain first.
        pair_count: How many there are in all.
        crowds: Those of the most people first.
        crowd_count: How many there are in all.
    """

    team: Team
    pairs: tuple[Pair, ...] = ()
    pair_count: int = 0
    crowds: tuple[Crowd, ...] = ()
    crowd_count: int = 0
    named: dict[PairKey, str] = field(default_factory=dict)


_TOLD = """
SELECT left_id, right_id, guard, kind, value, judgement, judged_by, judged_at,
    CASE WHEN l.merged_into IS NULL THEN l.persona_id
        ELSE leadfold_find_persona(m.team_id, left_id) END AS one_id,
    CASE WHEN r.merged_into IS NULL THEN r.persona_id
        ELSE leadfold_find_persona(m.team_id, right_id) END AS other_id
FROM merge_candidates AS m
LEFT JOIN personas AS l ON l.team_id = m.team_id AND l.persona_id = left_id
LEFT JOIN personas AS r ON r.team_id = m.team_id AND r.persona_id = right_id
WHERE m.team_id = %s AND guard <> %s ORDER BY left_id, right_id
"""
_CROWDS = """
SELECT kind, value, (evidence->>'people')::bigint AS people, ARRAY(
    SELECT coalesce(
        nullif(concat_ws(' ', p.first_name, p.last_name, p.suffix), ''), p.full_name, p.company,
        p.email, p.phone, p.persona_id
    )
    FROM jsonb_array_elements_text(evidence->'examples') WITH ORDINALITY AS e (persona_id, place)
    JOIN personas AS p ON p.team_id = m.team_id AND p.persona_id = e.persona_id
    ORDER BY 1 LIMIT 5
) AS examples
FROM merge_candidates AS m
WHERE team_id = %s AND guard = %s AND (evidence->>'people')::bigint > 1
ORDER BY people DESC, kind, value
"""


def list_told(connection: psycopg.Connection, team_id: str) -> list[Told]:
    """All pairs that a team was told of, judged or not."""
    with connection.cursor(row_factory=class_row(Told)) as cursor:
        return cursor.execute(_TOLD, [team_id, SHARED_VALUE]).fetchall()


def list_crowds(connection: psycopg.Connection, team_id: str) -> list[Crowd]:
    """The values of a team that identify nobody, since too many people state them."""
    with connection.cursor(row_factory=kwargs_row(_read_crowd)) as cursor:
        return cursor.execute(_CROWDS, [team_id, SHARED_VALUE]).fetchall()


def _read_crowd(kind: str, value: str, people: int, examples: list[str]) -> Crowd:
    return Crowd(kind, value, people, tuple(examples))


def count_held(connection: psycopg.Connection, entry: Import) -> dict[str, int]:
    """Guard -> how many pairs of people and shared values an import has noted to be looked at."""
    found = connection.execute(
        "SELECT guard, count(*) FROM merge_candidates WHERE team_id = %s AND import_id = %s"
        " AND judgement IS NULL GROUP BY guard ORDER BY guard",
        [entry.team_id, entry.import_id],
    )
    return dict(found.fetchall())
