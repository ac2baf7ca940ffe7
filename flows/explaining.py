"""Why a persona is as it is: its leads, its claims, and what won each golden field."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

from flows.acts import open_without_rows, resolve_stored
from flows.finding import Found
from flows.jobs import make_import_id
from flows.settings import Settings
from flows.statements import fetch_statements, list_leads
from flows.stored_personas import fetch_only
from flows.stories import (
    ClaimStory,
    FieldStory,
    Holding,
    LeadStory,
    tell_claims,
    tell_fields,
    tell_leads,
)
from flows.teams import policy_of
from flows.work_database import open_database, telling_memory
from flows.workspace import hold_workspace
from transforms.explain import (
    Claimed,
    golden_now,
    list_claimed,
    list_said,
    rank_stored,
    take_statements,
)
from transforms.relations import Work
from transforms.scores import list_parts, score_people

_SOURCE = "why"


@dataclass(frozen=True)
class Explanation:
    """All that there is to say about why a persona is as it is."""

    found: Found
    merged_ids: tuple[str, ...]
    is_ended: bool
    created_at: datetime
    leads: tuple[LeadStory, ...]
    claims: tuple[ClaimStory, ...]
    fields: tuple[FieldStory, ...]
    score: tuple[tuple[str, float], ...] | None


@contextmanager
def as_of_now(connection: psycopg.Connection) -> Iterator[None]:
    """A transaction in which all is read as of one moment; imports go on meanwhile."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def explain(connection: psycopg.Connection, found: Found, settings: Settings) -> Explanation:
    """Explain a persona, by the rules by which imports compute it.

    Args:
        connection: In a transaction as ``as_of_now`` opens it.
        found: Who.
        settings: Where work databases go, and where chats are read.
    """
    team_id, persona_id = found.team.team_id, found.persona_id
    leads = list_leads(connection, team_id, persona_id)
    statements, places = fetch_statements(connection, team_id, persona_id, leads)
    work_id = make_import_id()
    with (
        hold_workspace(settings.work, work_id) as folder,
        telling_memory(f"Explaining {persona_id}", settings),
        closing(open_database(folder, settings)) as work,
    ):
        _rank(connection, work, found, work_id)
        take_statements(work, statements)
        said, claimed, golden = list_said(work), list_claimed(work), golden_now(work)
        parts = _score(work, found)
    persona = _fetch_persona(connection, team_id, persona_id)
    urls = {each.lead_id: conversation_url(each.conversation_id, settings) for each in leads}
    return Explanation(
        found,
        tuple(list_merged(connection, team_id, persona_id)),
        persona["is_ended"],
        persona["created_at"],
        tuple(tell_leads(leads, places, urls)),
        tuple(tell_claims(_fetch_holders(connection, found, claimed), claimed, places)),
        tuple(tell_fields(persona, golden, said, places)),
        parts,
    )


def list_merged(connection: psycopg.Connection, team_id: str, persona_id: str) -> list[str]:
    """The ids that were merged into a persona, however often; the oldest first."""
    found = connection.execute(
        "WITH RECURSIVE gone AS ("
        " SELECT persona_id FROM personas WHERE team_id = %(team)s AND merged_into = %(id)s"
        " UNION SELECT p.persona_id FROM gone JOIN personas AS p"
        " ON p.team_id = %(team)s AND p.merged_into = gone.persona_id)"
        " SELECT persona_id FROM gone WHERE persona_id <> %(id)s ORDER BY 1",
        {"team": team_id, "id": persona_id},
    )
    return [each for (each,) in found.fetchall()]


def conversation_url(conversation_id: str | None, settings: Settings) -> str | None:
    """Where a chat is read, by the template that is set."""
    if not conversation_id or not settings.conversation_url:
        return None
    return settings.conversation_url.format(conversation_id=quote(conversation_id, safe=""))


def _rank(connection: psycopg.Connection, work: Work, found: Found, work_id: str) -> None:
    """The story of a refold as far as golden records, about one person as Postgres holds it."""
    policy = policy_of(found.team)
    open_without_rows(work, work_id, _SOURCE, policy)
    fetch_only(connection, work, found.team.team_id, [found.persona_id])
    resolve_stored(work, policy)
    rank_stored(work)


def _score(work: Work, found: Found) -> tuple[tuple[str, float], ...] | None:
    """What makes the person's score by now; None: the policy declares none."""
    score = policy_of(found.team).score
    if score is None:
        return None
    score_people(work, score, datetime.now(UTC))
    return tuple(list_parts(work))


def _fetch_persona(connection: psycopg.Connection, team_id: str, persona_id: str) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "SELECT * FROM personas WHERE team_id = %s AND persona_id = %s", [team_id, persona_id]
        ).fetchone()
    assert row is not None, "found in this transaction"
    return row


def _fetch_holders(
    connection: psycopg.Connection, found: Found, claimed: Sequence[Claimed]
) -> dict[tuple[str, str], Holding]:
    """Who holds the claims that the person holds, or that its leads state."""
    stated = sorted({(each.kind, each.value) for each in claimed})
    rows = connection.execute(
        "WITH wanted AS ("
        " SELECT kind, value FROM persona_claims WHERE team_id = %(team)s AND persona_id = %(id)s"
        " UNION SELECT * FROM unnest(%(kinds)s::text[], %(values)s::text[]))"
        " SELECT kind, value, bool_or(i.persona_id = %(id)s),"
        " coalesce(bool_or(i.is_exclusive) FILTER (WHERE i.persona_id = %(id)s), false),"
        " count(*) FILTER (WHERE i.persona_id <> %(id)s)"
        " FROM wanted JOIN identities AS i USING (kind, value)"
        " WHERE i.team_id = %(team)s GROUP BY kind, value",
        {
            "team": found.team.team_id,
            "id": found.persona_id,
            "kinds": [kind for kind, _ in stated],
            "values": [value for _, value in stated],
        },
    )
    return {(kind, value): Holding(*held) for kind, value, *held in rows.fetchall()}
