"""What Postgres holds about a batch: fetched into the import's work database, with row versions."""

from typing import LiteralString

import polars as pl
import psycopg
from psycopg import sql

from contracts.source import Source
from flows.copying import copy_in, copy_out
from flows.fetching import fetch
from flows.judgements import fetch_judgements
from flows.wanted import CHUNK_ROWS, WANTED_RECORDS, by_key, list_records, of_team, temp_table
from transforms.dedupe import mark_stored_leads
from transforms.relations import Work, append, ask_value, stream
from transforms.shapes import (
    STORED_CANDIDATES,
    STORED_IDENTITIES,
    STORED_LEADS,
    STORED_PERSONAS,
    STORED_VERSIONS,
    Schema,
)
from transforms.work_tables import empty


def fetch_stored(
    connection: psycopg.Connection,
    work: Work,
    team_id: str,
    source_file: str,
    source: Source,
    *,
    shared_after: int,
    is_locking: bool = False,
) -> None:
    """Fill the ``stored_<table>`` tables with all that this batch may be about.

    Args:
        connection: In the transaction that holds the team's lock.
        work: With ``nodes``, ``claims``, ``merges`` and ``stated_opt_outs``.
        team_id: Whose people.
        source_file: The logical file.
        source: Its contract.
        shared_after: A claim that more people hold is told by its number alone.
        is_locking: Whether to keep everybody else from changing these people meanwhile, and from
            putting in others.
    """
    empty_all(work)
    if is_locking:
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('leadfold:new-people:' || %s, 0))",
            [team_id],
        )
    if not _has_people(connection, team_id):
        # Of a first import, nothing is asked: it would be every id and every claim of the file.
        temp_table(connection, WANTED_RECORDS)
        return
    list_records(connection, work, "nodes", team_id, source_file)
    if source.mode == "snapshot":
        _fetch_missing(connection, work, team_id, source_file)
    with by_key(connection):
        _list_personas(connection, work, team_id, shared_after)
    if is_locking:
        lock_people(connection)
    fetch_people(connection, work)
    # Not asked of Postgres: where its statistics are old, that is a nested loop over both.
    mark_stored_leads(work)
    fetch_candidates(connection, work, team_id)
    _fetch_undone(connection, work)
    _fetch_opt_outs(connection, work, team_id, source_file)


def _has_people(connection: psycopg.Connection, team_id: str) -> bool:
    """Whether Postgres holds anything of a team that a plan may depend on."""
    tables = ("leads", "personas", "identities", "merge_candidates", "opt_outs", "undone_leads")
    held = [
        sql.SQL("EXISTS (SELECT FROM {} WHERE team_id = {})").format(
            sql.Identifier(table), sql.Literal(team_id)
        )
        for table in tables
    ]
    (found,) = connection.execute(
        sql.SQL("SELECT {}").format(sql.SQL(" OR ").join(held))
    ).fetchone() or (True,)
    return bool(found)


def fetch_everybody(connection: psycopg.Connection, work: Work, team_id: str) -> None:
    """Fill the ``stored_<table>`` tables with all people of a team."""
    empty_all(work)
    temp_table(connection, WANTED_RECORDS)
    temp_table(connection, "wanted_claims (team_id text, kind text, value text)")
    temp_table(connection, "wanted_personas (team_id text, persona_id text)")
    connection.execute(
        "INSERT INTO wanted_personas SELECT team_id, persona_id FROM personas"
        " WHERE team_id = %s AND merged_into IS NULL",
        [team_id],
    )
    connection.execute("ANALYZE wanted_personas")
    fetch_people(connection, work)
    fetch_candidates(connection, work, team_id)


def empty_all(work: Work) -> None:
    """Make the ``stored_<table>`` tables anew, with no rows."""
    for name in (
        *("leads", "versions", "identities", "shared", "personas"),
        *("candidates", "judgements", "opt_outs", "undone"),
    ):
        empty(work, f"stored_{name}")
    empty(work, "missing_leads")
    empty(work, "still_missing")


def fetch_versions(connection: psycopg.Connection, work: Work) -> None:
    """Fill ``stored_versions`` with the statements of ``wanted_records`` that count."""
    empty(work, "stored_versions")
    fetch(
        connection,
        work,
        "stored_versions",
        STORED_VERSIONS,
        "FROM wanted_records AS w JOIN leads AS l USING (team_id, source_record_id, source_file)"
        " JOIN lead_versions AS t USING (team_id, lead_id)"
        " JOIN imports AS i ON i.import_id = t.import_id AND i.undone_by_import_id IS NULL",
        {
            "source_record_id": "l.source_record_id",
            "seq": "row_number() OVER (PARTITION BY t.lead_id ORDER BY i.commit_no)",
        },
    )


def _fetch_missing(
    connection: psycopg.Connection, work: Work, team_id: str, source_file: str
) -> None:
    """Fill ``missing_leads``: those whose record the whole file no longer has."""
    temp_table(connection, 'present_records (source_record_id text COLLATE "C")')
    ids = stream(work, "select source_record_id from records order by all", CHUNK_ROWS)
    copy_in(connection, "present_records", ids)
    connection.execute("ANALYZE present_records")
    temp_table(connection, "missing (team_id text, lead_id text, persona_id text)")
    connection.execute(
        "INSERT INTO missing SELECT team_id, lead_id, persona_id FROM leads AS l"
        " WHERE team_id = %s AND source_file = %s AND NOT is_deleted AND NOT is_missing"
        " AND NOT EXISTS (SELECT FROM present_records AS p"
        " WHERE p.source_record_id = l.source_record_id)",
        [team_id, source_file],
    )
    fetch(connection, work, "missing_leads", {"lead_id": pl.String}, "FROM missing AS t")
    # Those that were missing before are missing in this file, too.
    still = sql.SQL(
        "FROM leads AS t WHERE team_id = {} AND source_file = {} AND is_missing"
        " AND NOT EXISTS (SELECT FROM present_records AS p"
        " WHERE p.source_record_id = t.source_record_id)"
    ).format(sql.Literal(team_id), sql.Literal(source_file))
    fetch(connection, work, "still_missing", {"source_record_id": pl.String}, still)


def count_live_leads(connection: psycopg.Connection, team_id: str, source_file: str) -> int:
    """The records of a feed that are not ended."""
    (count,) = connection.execute(
        "SELECT count(*) FROM leads WHERE team_id = %s AND source_file = %s"
        " AND NOT is_deleted AND NOT is_missing",
        [team_id, source_file],
    ).fetchone() or (0,)
    return int(count)


def _list_personas(
    connection: psycopg.Connection, work: Work, team_id: str, shared_after: int
) -> None:
    """Make ``wanted_personas``: of the batch's leads, and who holds one of its claims."""
    temp_table(connection, "wanted_claims (team_id text, kind text, value text)")
    claims = stream(
        work,
        "select distinct kind, value from claims where priority is not null"
        " union select distinct kind, value from merges order by value, kind",
        CHUNK_ROWS,
    )
    copy_in(connection, "wanted_claims", of_team(claims, team_id))
    list_holders(connection, work, team_id, shared_after)
    if ask_value(work, "select count(*) as missing from missing_leads"):
        connection.execute(
            "INSERT INTO wanted_personas SELECT DISTINCT team_id, persona_id FROM missing"
            " EXCEPT SELECT team_id, persona_id FROM wanted_personas"
        )


def list_holders(
    connection: psycopg.Connection, work: Work, team_id: str, shared_after: int
) -> None:
    """Make ``wanted_personas``: of the leads in ``wanted_records``, and who holds or was refused
    one of ``wanted_claims``, but for those of too many; these go to ``stored_shared``."""
    connection.execute("ANALYZE wanted_claims")
    temp_table(connection, "found (kind text, value text, persona_id text, people bigint)")
    connection.execute(
        "INSERT INTO found SELECT kind, value, i.persona_id,"
        " count(*) OVER (PARTITION BY kind, value)"
        " FROM wanted_claims JOIN identities AS i USING (team_id, kind, value)"
    )
    crowded = sql.SQL("SELECT DISTINCT kind, value, people FROM found WHERE people > {}").format(
        sql.Literal(shared_after)
    )
    told: Schema = {"kind": pl.String, "value": pl.String, "people": pl.Int64}
    for frame in copy_out(connection, crowded, told):
        append(work, "stored_shared", frame)
    temp_table(connection, "wanted_personas (team_id text, persona_id text)")
    connection.execute(
        "INSERT INTO wanted_personas SELECT %s, persona_id FROM found WHERE people <= %s"
        " UNION SELECT team_id, l.persona_id FROM wanted_records"
        " JOIN leads AS l USING (team_id, source_record_id, source_file)",
        [team_id, shared_after],
    )
    # Who was refused one of these values gets it, too, should it turn out to be several people's.
    for holder, refused in (("left_id", "right_id"), ("right_id", "left_id")):
        refusals = sql.SQL(
            "INSERT INTO wanted_personas SELECT m.team_id, {} FROM found AS f"
            " JOIN merge_candidates AS m ON m.team_id = %s AND {} = f.persona_id"
            " AND m.evidence->'links'"
            " @> jsonb_build_array(jsonb_build_object('kind', f.kind, 'value', f.value))"
            " WHERE f.people <= %s EXCEPT SELECT team_id, persona_id FROM wanted_personas"
        ).format(sql.Identifier("m", refused), sql.Identifier("m", holder))
        connection.execute(refusals, [team_id, shared_after])
    connection.execute("ANALYZE wanted_personas")


def lock_people(connection: psycopg.Connection) -> None:
    """Keep everybody else from changing ``wanted_personas`` meanwhile."""
    for table in ("personas", "leads"):
        connection.execute(
            sql.SQL(
                "SELECT FROM {} AS t JOIN wanted_personas USING (team_id, persona_id)"
                " ORDER BY t.persona_id FOR UPDATE OF t"
            ).format(sql.Identifier(table))
        )


def fetch_people(connection: psycopg.Connection, work: Work) -> None:
    """Personas, with all of their leads and claims."""
    people = sql.SQL("FROM wanted_personas AS w JOIN {} AS t USING (team_id, persona_id)")
    for name, schema, table in (
        ("stored_personas", STORED_PERSONAS, "personas"),
        ("stored_identities", STORED_IDENTITIES, "persona_claims"),
        ("stored_leads", STORED_LEADS, "leads"),
    ):
        fetch(connection, work, name, schema, people.format(sql.Identifier(table)))


def fetch_candidates(connection: psycopg.Connection, work: Work, team_id: str) -> None:
    """What was told before of these people and values, and what was judged."""
    found = (
        "SELECT t.*, t.xmin::text::bigint FROM ("
        "SELECT t.team_id, left_id, right_id FROM wanted_personas AS w"
        " JOIN merge_candidates AS t ON t.team_id = w.team_id AND t.left_id = w.persona_id"
        " UNION SELECT t.team_id, left_id, right_id FROM wanted_personas AS w"
        " JOIN merge_candidates AS t ON t.team_id = w.team_id AND t.right_id = w.persona_id"
        " UNION SELECT t.team_id, left_id, right_id FROM wanted_claims AS c"
        " JOIN merge_candidates AS t"
        " ON t.team_id = c.team_id AND t.left_id = c.kind AND t.right_id = c.value"
        ") AS k JOIN merge_candidates AS t USING (team_id, left_id, right_id)"
    )
    temp_table(connection, "told (LIKE merge_candidates)")
    connection.execute("ALTER TABLE told ADD COLUMN version bigint")
    connection.execute("INSERT INTO told " + found)
    spelling: dict[str, LiteralString] = {"version": "t.version"}
    fetch(connection, work, "stored_candidates", STORED_CANDIDATES, "FROM told AS t", spelling)
    fetch_judgements(connection, work, team_id)


def _fetch_undone(connection: psycopg.Connection, work: Work) -> None:
    """Which records were leads once, until their imports were undone."""
    fetch(
        connection,
        work,
        "stored_undone",
        {"source_record_id": pl.String, "lead_id": pl.String},
        "FROM wanted_records JOIN undone_leads AS t USING (team_id, source_record_id, source_file)",
    )


def _fetch_opt_outs(
    connection: psycopg.Connection, work: Work, team_id: str, source_file: str
) -> None:
    temp_table(connection, "wanted_opt_outs (kind text, value text, channel text)")
    stated = stream(
        work, "select distinct kind, value, channel from stated_opt_outs order by all", CHUNK_ROWS
    )
    if not copy_in(connection, "wanted_opt_outs", stated):
        return
    connection.execute("ANALYZE wanted_opt_outs")
    for frame in copy_out(
        connection,
        sql.SQL(
            "SELECT kind, value, channel FROM wanted_opt_outs JOIN opt_outs"
            " USING (kind, value, channel) WHERE team_id = {} AND source_file = {}"
        ).format(sql.Literal(team_id), sql.Literal(source_file)),
        {"kind": pl.String, "value": pl.String, "channel": pl.String},
    ):
        append(work, "stored_opt_outs", frame)
