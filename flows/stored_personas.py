"""What Postgres holds about some people: fetched where no file says who is meant."""

from collections.abc import Iterable
from typing import LiteralString

import polars as pl
import psycopg
from psycopg import sql

from contracts.policy import Policy
from flows import stored
from flows.copying import copy_in
from flows.fetching import fetch
from flows.wanted import WANTED_RECORDS, of_team, temp_table
from transforms.relations import Work, query
from transforms.shapes import STORED_IDENTITIES, STORED_LEADS
from transforms.undo import list_affected
from transforms.work_tables import empty


def fetch_personas(
    connection: psycopg.Connection,
    work: Work,
    team_id: str,
    persona_ids: Iterable[str],
    *,
    shared_after: int,
    is_locking: bool = False,
) -> None:
    """Fill the ``stored_<table>`` tables with people, and whoever shares or was refused a claim
    that they hold: all who may get another claim when these are merged or taken apart.

    Args:
        connection: In the transaction that holds the team's lock.
        work: With ``match_keys``.
        team_id: Whose people.
        persona_ids: Who they are; ids that were merged into others bring their candidates along.
        shared_after: A claim that more people hold is told by its number alone.
        is_locking: Whether to keep everybody else from changing these people meanwhile.
    """
    stored.empty_all(work)
    temp_table(connection, WANTED_RECORDS)
    _ask(connection, "asked", team_id, persona_ids)
    temp_table(connection, "wanted_claims (team_id text, kind text, value text)")
    # By other kinds nobody is matched: whoever holds their values is no matter.
    kinds = query(work, "select kind from match_keys where priority is not null")["kind"].to_list()
    connection.execute(
        "INSERT INTO wanted_claims SELECT DISTINCT team_id, kind, value"
        " FROM asked JOIN persona_claims USING (team_id, persona_id) WHERE kind = ANY(%s)",
        [kinds],
    )
    stored.list_holders(connection, work, team_id, shared_after)
    connection.execute(
        "INSERT INTO wanted_personas SELECT team_id, persona_id FROM asked"
        " EXCEPT SELECT team_id, persona_id FROM wanted_personas"
    )
    if is_locking:
        stored.lock_people(connection)
    stored.fetch_people(connection, work)
    stored.fetch_candidates(connection, work, team_id)


def fetch_around(
    connection: psycopg.Connection, work: Work, team_id: str, policy: Policy, *, is_locking: bool
) -> None:
    """Fill the ``stored_<table>`` tables with the people in the temp table ``asked``, and with all
    who hold or were refused what these hold or state, and ``affected_claims`` with that.

    Reads ``statements`` of the work database, too: of leads that are none now, and may be again.
    """
    temp_table(connection, WANTED_RECORDS)
    temp_table(connection, "wanted_claims (team_id text, kind text, value text)")
    # First what these hold and state, to learn who may get it from them.
    for name, schema, table in (
        ("stored_leads", STORED_LEADS, "leads"),
        ("stored_identities", STORED_IDENTITIES, "persona_claims"),
    ):
        theirs = sql.SQL("FROM asked JOIN {} AS t USING (team_id, persona_id)")
        fetch(connection, work, name, schema, theirs.format(sql.Identifier(table)))
    claims = list_affected(work, policy)
    empty(work, "stored_leads")
    empty(work, "stored_identities")
    copy_in(connection, "wanted_claims", of_team([claims], team_id))
    stored.list_holders(connection, work, team_id, policy.shared_after)
    connection.execute(
        "INSERT INTO wanted_personas SELECT team_id, persona_id FROM asked"
        # Of a crowd of whom all but one may leave, the last one.
        " UNION SELECT %(team)s, persona_id FROM found AS f WHERE (kind, value) IN ("
        "SELECT kind, value FROM found GROUP BY kind, value"
        " HAVING count(*) - count(*) FILTER (WHERE persona_id IN (SELECT persona_id FROM asked))"
        " < 2) EXCEPT SELECT team_id, persona_id FROM wanted_personas",
        {"team": team_id},
    )
    connection.execute("ANALYZE wanted_personas")
    if is_locking:
        stored.lock_people(connection)
    stored.fetch_people(connection, work)
    stored.fetch_candidates(connection, work, team_id)


def fetch_only(
    connection: psycopg.Connection, work: Work, team_id: str, persona_ids: Iterable[str]
) -> None:
    """Fill ``stored_personas``, ``stored_leads`` and ``stored_identities`` with these people
    alone, to look at them."""
    stored.empty_all(work)
    _ask(connection, "wanted_personas", team_id, persona_ids)
    stored.fetch_people(connection, work)


def _ask(
    connection: psycopg.Connection, table: LiteralString, team_id: str, persona_ids: Iterable[str]
) -> None:
    temp_table(connection, table + " (team_id text, persona_id text)")
    ids = pl.DataFrame({"persona_id": sorted(set(persona_ids))}, {"persona_id": pl.String})
    copy_in(connection, table, of_team([ids], team_id))
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
