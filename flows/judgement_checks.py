"""Whether judgements can be carried out: what stands against them, as sentences."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from contracts.errors import WrongCallError
from flows.judgements import list_apart
from flows.teams import Team
from transforms.decide import Contradiction, Decision, Judgement, find_contradictions
from transforms.pair_ids import PairKey, pair_id

WORDS: dict[str, str] = {"same": "the same", "not_same": "not the same"}


@dataclass(frozen=True)
class Judging:
    """One call's judgements about the people of one team.

    Attributes:
        team: Whose people.
        wanted: Key of each candidate -> what it is judged.
        judged_by: Who judges.
        judged_at: When.
    """

    team: Team
    wanted: dict[PairKey, Judgement]
    judged_by: str
    judged_at: datetime

    @property
    def name(self) -> str:
        """What it is called where imports name their file."""
        return f"{len(self.wanted)} judgement{'' if len(self.wanted) == 1 else 's'}"


class _Candidate(NamedTuple):
    left_id: str
    right_id: str
    guard: str
    judgement: str | None
    judged_by: str | None
    judged_at: datetime | None
    one_id: str | None
    other_id: str | None
    one_name: str | None
    other_name: str | None

    @property
    def names(self) -> str:
        return f"{self.one_name or self.one_id} and {self.other_name or self.other_id}"


_CANDIDATES = """
WITH told AS (
    SELECT m.*, leadfold_find_persona(team_id, left_id) AS one_id,
        leadfold_find_persona(team_id, right_id) AS other_id
    FROM merge_candidates AS m
    WHERE team_id = %(team)s AND (left_id, right_id) IN (
        SELECT * FROM unnest(%(left)s::text[], %(right)s::text[])
    )
),
named AS (
    SELECT persona_id, coalesce(
        nullif(concat_ws(' ', first_name, last_name, suffix), ''), full_name, company, phone, email
    ) AS name
    FROM personas
    WHERE team_id = %(team)s AND persona_id IN (
        SELECT one_id FROM told UNION SELECT other_id FROM told
    )
)
SELECT left_id, right_id, guard, judgement, judged_by, judged_at, one_id, other_id,
    one.name AS one_name, other.name AS other_name
FROM told
LEFT JOIN named AS one ON one.persona_id = one_id
LEFT JOIN named AS other ON other.persona_id = other_id
"""


def start_judging(team: Team, wanted: dict[PairKey, Judgement], judged_by: str) -> Judging:
    """Judgements of now, to be checked and then carried out."""
    return Judging(team, wanted, judged_by, datetime.now(UTC))


def check_judging(connection: psycopg.Connection, judging: Judging) -> list[Decision]:
    """See that all that is judged can be so, as things stand.

    Raises:
        WrongCallError: A pair is none, is one person by now or is judged so already; or judgements
            contradict each other, or an earlier one.
    """
    known = {(each.left_id, each.right_id): each for each in _list_candidates(connection, judging)}
    faults = {
        key: fault
        for key, judgement in judging.wanted.items()
        if (fault := _fault(known.get(key), judgement))
    }
    if faults:
        raise WrongCallError("\n".join(f"{pair_id(key)}: {told}" for key, told in faults.items()))
    decisions = [
        Decision(
            *key,
            known[key].one_id or "",
            known[key].other_id or "",
            judgement,
            judging.judged_by,
            judging.judged_at,
        )
        for key, judgement in sorted(judging.wanted.items())
    ]
    apart = defaultdict(list)
    for left_id, right_id, one_id, other_id in list_apart(connection, judging.team.team_id):
        apart[left_id, right_id].append((one_id, other_id))
    if found := find_contradictions(decisions, apart):
        raise WrongCallError("\n".join(map(_contradiction, found)))
    return decisions


def _list_candidates(connection: psycopg.Connection, judging: Judging) -> list[_Candidate]:
    with connection.cursor(row_factory=class_row(_Candidate)) as cursor:
        values = {
            "team": judging.team.team_id,
            "left": [left_id for left_id, _ in judging.wanted],
            "right": [right_id for _, right_id in judging.wanted],
        }
        return cursor.execute(_CANDIDATES, values).fetchall()


def _fault(found: _Candidate | None, judgement: Judgement) -> str:
    """Why a candidate cannot be judged so; empty where it can."""
    if found is None:
        return "there is no such pair any more. To see those that there are: leadfold review"
    if found.guard == "shared_value":
        return "a value that many people share is no pair of people, so nothing is judged about it."
    if found.one_id is None or found.other_id is None:
        return "one of the two people is not there any more."
    if found.one_id == found.other_id:
        told = f"the two are one person by now, {found.one_name or found.one_id}."
        unmerge = "\nTo take people apart again: leadfold review --unmerge"
        return told + (unmerge if judgement == "not_same" else "")
    # Who was judged the same, and is two, was taken apart since.
    if found.judgement == judgement == "not_same":
        when = f"{found.judged_at:%Y-%m-%d}" if found.judged_at else "earlier"
        words = WORDS[judgement]
        return f"{found.names} were judged {words} already, by {found.judged_by}, {when}."
    return ""


def _contradiction(found: Contradiction) -> str:
    name = pair_id((found.left_id, found.right_id))
    if found.is_earlier:
        return (
            f"{name} was judged not the same, and these judgements would make its people one.\n"
            f"If that judgement was wrong, say so in the same call: --same {name}"
        )
    return f"{name} is judged not the same here, and other judgements of this call make it one."
