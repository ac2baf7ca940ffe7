"""What Postgres holds about a batch: fetched into the import's work file, with row versions."""

from collections.abc import Iterable
from typing import LiteralString

import polars as pl
import psycopg

from contracts.people import GOLDEN, TEXTS
from flows.copying import Schema, copy_in, copy_out
from transforms.normalize import compare_emails
from transforms.relations import Work, append, stream

_TEXT = pl.List(pl.String)

_LEAD_SCHEMA: Schema = {
    "lead_id": pl.String,
    "persona_id": pl.String,
    "version": pl.Int64,
    "source": pl.String,
    "source_file": pl.String,
    "source_record_id": pl.String,
    "import_id": pl.String,
    "fingerprint": pl.String,
    "crm_id": pl.String,
    "phones": _TEXT,
    "emails": _TEXT,
    **dict.fromkeys(TEXTS, pl.String),
    "clock": pl.Datetime("us", "UTC"),
    "extra": pl.String,
}

# The columns of _LEAD_SCHEMA, in its order.
_LEAD_COLUMNS: LiteralString = """
    l.lead_id, l.persona_id, l.xmin::text::bigint, l.source, l.source_file, l.source_record_id,
    l.import_id, replace(l.fingerprint::text, '-', ''), l.crm_id,
    array_to_json(l.phones), array_to_json(l.emails),
    l.first_name, l.last_name, l.full_name, l.company, l.job_title, l.st_address, l.city,
    l.state, l.zip, l.country, l.product, l.lead_status,
    to_char(l.clock AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), l.fields->'extra'
"""

_PERSONA_SCHEMA: Schema = {
    "persona_id": pl.String,
    "version": pl.Int64,
    **dict.fromkeys(GOLDEN, pl.String),
}

_IDENTITY_SCHEMA: Schema = {
    "kind": pl.String,
    "value": pl.String,
    "persona_id": pl.String,
    "is_exclusive": pl.Boolean,
}


def change_seq(connection: psycopg.Connection, team_id: str) -> int:
    """The number of commits that changed the team's data."""
    row = connection.execute(
        "SELECT change_seq FROM teams WHERE team_id = %s", [team_id]
    ).fetchone()
    assert row is not None, f"team {team_id} is gone"
    return int(row[0])


def fetch_fingerprints(
    connection: psycopg.Connection, work: Work, team_id: str, source_file: str
) -> None:
    """Fill ``stored_fingerprints`` for the records of the batch."""
    with connection.transaction():
        ids = stream(work, "select source_record_id from records order by all", 100_000)
        _list_records(connection, team_id, source_file, ids)
        work.execute("delete from stored_fingerprints").fetchall()
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
    work.execute("delete from stored_leads").fetchall()
    work.execute("delete from stored_identities").fetchall()
    _list_records(
        connection,
        team_id,
        source_file,
        stream(work, "select source_record_id from nodes", 100_000),
    )
    _fetch_leads(
        connection,
        work,
        "FROM wanted_records AS w JOIN leads AS l USING (team_id, source_record_id, source_file)",
        is_in_batch=True,
    )
    _temp_table(connection, "wanted_claims (team_id text, kind text, value text)")
    claims = stream(work, "select distinct kind, value from claims order by all", 100_000)
    copy_in(connection, "wanted_claims", _of_team(claims, team_id))
    connection.execute("ANALYZE wanted_claims")
    for frame in copy_out(
        connection,
        "SELECT i.kind, i.value, i.persona_id, i.is_exclusive"
        " FROM wanted_claims AS w JOIN identities AS i USING (team_id, kind, value)",
        _IDENTITY_SCHEMA,
    ):
        append(work, "stored_identities", frame)


def fetch_personas(connection: psycopg.Connection, work: Work, team_id: str) -> None:
    """Add what Postgres holds of the personas that the batch was assigned to.

    Fills ``stored_personas``, and adds their other leads to ``stored_leads`` and their other
    claims to ``stored_identities``.
    """
    work.execute("delete from stored_personas").fetchall()
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
        "SELECT p.persona_id, p.xmin::text::bigint, p.crm_id, p.phone, p.email, p.first_name,"
        " p.last_name, p.full_name, p.company, p.job_title, p.st_address, p.city, p.state, p.zip,"
        " p.country FROM wanted_personas AS w JOIN personas AS p USING (team_id, persona_id)",
        _PERSONA_SCHEMA,
    ):
        append(work, "stored_personas", frame)
    _fetch_leads(
        connection,
        work,
        "FROM wanted_personas AS w JOIN leads AS l USING (team_id, persona_id)"
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
        _IDENTITY_SCHEMA,
    ):
        append(work, "stored_identities", frame)


def _fetch_leads(
    connection: psycopg.Connection, work: Work, tail: LiteralString, *, is_in_batch: bool
) -> None:
    for frame in copy_out(connection, "SELECT " + _LEAD_COLUMNS + tail, _LEAD_SCHEMA):
        append(
            work,
            "stored_leads",
            frame.with_columns(
                email_keys=compare_emails(frame["emails"]), is_in_batch=pl.lit(is_in_batch)
            ),
        )


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
