"""What Postgres holds about a batch: fetched into the import's work file, with row versions."""

from collections.abc import Iterable
from typing import LiteralString

import polars as pl
import psycopg
from psycopg import sql

from flows.copying import copy_in, copy_out
from transforms.normalize import compare_emails
from transforms.relations import Work, append, stream
from transforms.work_tables import (
    STORED_IDENTITIES,
    STORED_LEADS,
    STORED_PERSONAS,
    Schema,
    empty,
)

# Lead columns that are not stored as they travel: how Postgres spells them.
_LEAD_SPELLING: dict[str, LiteralString] = {
    "version": "l.xmin::text::bigint",
    "fingerprint": "replace(l.fingerprint::text, '-', '')",
    "phones": "array_to_json(l.phones)",
    "emails": "array_to_json(l.emails)",
    "opt_outs": "array_to_json(l.opt_outs)",
    "clock": """to_char(l.clock AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    "extra": "l.fields->'extra'",
}
# These two are made on the way.
_LEAD_SCHEMA: Schema = {
    name: dtype for name, dtype in STORED_LEADS.items() if name not in ("email_keys", "is_in_batch")
}


def change_seq(connection: psycopg.Connection, team_id: str) -> int:
    """The number of commits that changed the team's data."""
    row = connection.execute(
        "SELECT change_seq FROM teams WHERE team_id = %s", [team_id]
    ).fetchone()
    return int(row[0]) if row else 0  # a dry run's new team is not there yet


def fetch_fingerprints(
    connection: psycopg.Connection, work: Work, team_id: str, source_file: str, rules: str
) -> None:
    """Fill ``stored_fingerprints`` for the records of the batch.

    They tell that the same text was read before; where it was read by other ``rules``, that says
    nothing of its values, and none is fetched.
    """
    empty(work, "stored_fingerprints")
    last = connection.execute(
        "SELECT rules FROM imports WHERE team_id = %s AND source_file = %s AND status = 'done'"
        " ORDER BY import_id DESC LIMIT 1",
        [team_id, source_file],
    ).fetchone()
    if last is None or last[0] != rules:
        return
    with connection.transaction():
        ids = stream(work, "select source_record_id from records order by all", 100_000)
        _list_records(connection, team_id, source_file, ids)
        for frame in copy_out(
            connection,
            "SELECT l.source_record_id, replace(l.fingerprint::text, '-', '')"
            " FROM wanted_records AS w JOIN leads AS l"
            " USING (team_id, source_record_id, source_file)",
            {"source_record_id": pl.String, "fingerprint": pl.String},
        ):
            append(work, "stored_fingerprints", frame)


def fetch_batch(connection: psycopg.Connection, work: Work, team_id: str, source_file: str) -> None:
    """Fill ``stored_leads`` and ``stored_identities`` for the staged records and their claims."""
    empty(work, "stored_leads")
    empty(work, "stored_identities")
    _list_records(
        connection,
        team_id,
        source_file,
        stream(work, "select source_record_id from nodes", 100_000),
    )
    _fetch_leads(
        connection,
        work,
        " FROM wanted_records AS w JOIN leads AS l USING (team_id, source_record_id, source_file)",
        is_in_batch=True,
    )
    _temp_table(connection, "wanted_claims (team_id text, kind text, value text)")
    claims = stream(work, "select distinct kind, value from claims order by all", 100_000)
    copy_in(connection, "wanted_claims", _of_team(claims, team_id))
    connection.execute("ANALYZE wanted_claims")
    for frame in copy_out(
        connection,
        "SELECT i.kind, i.value, i.persona_id, i.is_exclusive"
        " FROM wanted_claims AS w JOIN identities AS i USING (team_id, kind, value)"
        # A person that somebody put in by hand holds the phone, though no identity says so.
        " UNION SELECT w.kind, w.value, p.persona_id, true"
        " FROM wanted_claims AS w JOIN personas AS p"
        " ON p.team_id = w.team_id AND p.phone = w.value AND w.kind = 'phone'"
        " AND p.is_phone_exclusive AND p.merged_into IS NULL AND p.phone <> ''",
        STORED_IDENTITIES,
    ):
        append(work, "stored_identities", frame)


def fetch_personas(connection: psycopg.Connection, work: Work, team_id: str) -> None:
    """Add what Postgres holds of the personas that the batch was assigned to.

    Fills ``stored_personas``, and adds their other leads to ``stored_leads`` and their other
    claims to ``stored_identities``.
    """
    empty(work, "stored_personas")
    _temp_table(connection, "wanted_personas (team_id text, persona_id text)")
    # New personas have nothing to fetch; those that follow an anchor have.
    followed = stream(
        work,
        "select distinct persona_id from assigned"
        " where persona_id in (select persona_id from stored_identities)"
        " or persona_id in (select persona_id from stored_leads) order by all",
        100_000,
    )
    copy_in(connection, "wanted_personas", _of_team(followed, team_id))
    connection.execute("ANALYZE wanted_personas")
    for frame in copy_out(
        connection,
        _select(STORED_PERSONAS, "p", {"version": "p.xmin::text::bigint"})
        + sql.SQL(" FROM wanted_personas AS w JOIN personas AS p USING (team_id, persona_id)"),
        STORED_PERSONAS,
    ):
        append(work, "stored_personas", frame)
    _fetch_leads(
        connection,
        work,
        " FROM wanted_personas AS w JOIN leads AS l USING (team_id, persona_id)"
        " WHERE NOT EXISTS (SELECT FROM wanted_records AS r WHERE r.team_id = l.team_id"
        " AND r.source_record_id = l.source_record_id AND r.source_file = l.source_file)",
        is_in_batch=False,
    )
    for frame in copy_out(
        connection,
        "SELECT i.kind, i.value, i.persona_id, i.is_exclusive"
        " FROM wanted_personas AS w JOIN identities AS i USING (team_id, persona_id)"
        " WHERE NOT EXISTS (SELECT FROM wanted_claims AS c WHERE c.team_id = i.team_id"
        " AND c.kind = i.kind AND c.value = i.value)",
        STORED_IDENTITIES,
    ):
        append(work, "stored_identities", frame)


def _fetch_leads(
    connection: psycopg.Connection, work: Work, tail: LiteralString, *, is_in_batch: bool
) -> None:
    statement = _select(_LEAD_SCHEMA, "l", _LEAD_SPELLING) + sql.SQL(tail)
    for frame in copy_out(connection, statement, _LEAD_SCHEMA):
        append(
            work,
            "stored_leads",
            frame.with_columns(
                email_keys=compare_emails(frame["emails"]), is_in_batch=pl.lit(is_in_batch)
            ),
        )


def _select(
    schema: Schema, table: LiteralString, spelling: dict[str, LiteralString]
) -> sql.Composed:
    """SELECT of a schema's columns, in its order."""
    columns = [
        sql.SQL(spelling[name]) if name in spelling else sql.Identifier(table, name)
        for name in schema
    ]
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(columns))


def _list_records(
    connection: psycopg.Connection, team_id: str, source_file: str, ids: Iterable[pl.DataFrame]
) -> None:
    _temp_table(
        connection, "wanted_records (team_id text, source_record_id text, source_file text)"
    )
    frames = (frame.with_columns(source_file=pl.lit(source_file)) for frame in ids)
    copy_in(connection, "wanted_records", _of_team(frames, team_id))
    connection.execute("ANALYZE wanted_records")


def _of_team(frames: Iterable[pl.DataFrame], team_id: str) -> Iterable[pl.DataFrame]:
    return (frame.with_columns(team_id=pl.lit(team_id)) for frame in frames)


def _temp_table(connection: psycopg.Connection, definition: LiteralString) -> None:
    """A temp table that is gone with the transaction, also if this one had made it before."""
    name = definition.split(" ", 1)[0]
    connection.execute("DROP TABLE IF EXISTS pg_temp." + name)
    connection.execute("CREATE TEMP TABLE " + definition + " ON COMMIT DROP")
