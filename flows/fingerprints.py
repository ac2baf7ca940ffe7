"""By what Postgres knows a record again, before anything of it is read."""

import polars as pl
import psycopg

from flows.copying import copy_out
from flows.wanted import list_records
from transforms.relations import Work, append
from transforms.work_tables import empty


def change_seq(connection: psycopg.Connection, team_id: str) -> int:
    """The number of commits that changed the team's data."""
    row = connection.execute(
        "SELECT change_seq FROM teams WHERE team_id = %s", [team_id]
    ).fetchone()
    return int(row[0]) if row else 0  # a dry run's new team is not there yet


def fetch_fingerprints(
    connection: psycopg.Connection, work: Work, team_id: str, source_file: str, rules: str
) -> bool:
    """Fill ``stored_fingerprints`` for the records of the batch.

    They tell that the same text was read before; where it was read by other ``rules``, that says
    nothing of its values, and none is fetched. Nor of a record that was missing meanwhile.

    Returns:
        Whether what is stored was read by these rules.
    """
    empty(work, "stored_fingerprints")
    last = connection.execute(
        "SELECT rules FROM imports WHERE team_id = %s AND source_file = %s"
        " AND status = 'done' AND undone_by_import_id IS NULL ORDER BY commit_no DESC LIMIT 1",
        [team_id, source_file],
    ).fetchone()
    if last is None or last[0] != rules:
        return last is None
    with connection.transaction():
        list_records(connection, work, "records", team_id, source_file)
        for frame in copy_out(
            connection,
            "SELECT l.source_record_id, replace(l.fingerprint::text, '-', '')"
            " FROM wanted_records AS w JOIN leads AS l"
            " USING (team_id, source_record_id, source_file) WHERE NOT l.is_missing",
            {"source_record_id": pl.String, "fingerprint": pl.String},
        ):
            append(work, "stored_fingerprints", frame)
    return True
