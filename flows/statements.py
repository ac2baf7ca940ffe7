"""What each import said of a person's leads: fetched from Postgres, with the file it stood in."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
import psycopg
from psycopg.rows import dict_row

from transforms.explain import STATEMENTS

_SPELLED = {
    "extra": "s.fields->>'extra'",
    "field_clocks": "s.field_clocks::text",
    "fingerprint": "s.fingerprint::text",
    "seq": "coalesce(i.commit_no, 0)",
}
_COLUMNS = ", ".join(
    f"{_SPELLED.get(name, f's.{name}')} AS {name}"
    for name in STATEMENTS
    if name not in ("lead_id", "import_id")
)
# A lead without any version is its own single statement. Those of undone imports hold no more.
_STATEMENTS = f"""
SELECT s.lead_id, s.import_id, i.file_name, i.cause, i.finished_at, {_COLUMNS}
FROM leads AS l
JOIN lead_versions AS s USING (team_id, lead_id)
JOIN imports AS i ON i.import_id = s.import_id AND i.undone_by_import_id IS NULL
WHERE l.team_id = %(team)s AND l.persona_id = %(persona)s AND NOT s.is_missing
UNION ALL
SELECT s.lead_id, s.import_id, i.file_name, i.cause, i.finished_at, {_COLUMNS}
FROM leads AS s
LEFT JOIN imports AS i ON i.import_id = s.import_id
WHERE s.team_id = %(team)s AND s.persona_id = %(persona)s AND NOT EXISTS (
    SELECT FROM lead_versions AS v WHERE v.team_id = s.team_id AND v.lead_id = s.lead_id
)
"""  # noqa: S608


@dataclass(frozen=True)
class Place:
    """Where a statement stands.

    Attributes:
        lead_id: Of which lead.
        source: By which contract it was read.
        source_record_id: The record's id in its source.
        file_name: As people call the file; None: the ledger does not know the import.
        line_no: First line of the record in the file; None: from before lines were kept.
        landed_at: When the import was done.
    """

    lead_id: str
    source: str
    source_file: str
    source_record_id: str
    import_id: str
    file_name: str | None
    line_no: int | None
    landed_at: datetime | None


@dataclass(frozen=True)
class Lead:
    """A lead as it stands, of what is told about it."""

    lead_id: str
    source: str
    source_file: str
    source_record_id: str
    conversation_id: str | None
    created_at: datetime
    clock: datetime | None
    is_deleted: bool
    is_missing: bool


def list_leads(connection: psycopg.Connection, team_id: str, persona_id: str) -> list[Lead]:
    """The leads of a person, in the order in which they came."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            "SELECT lead_id, source, source_file, source_record_id, conversation_id, created_at,"
            " clock, is_deleted, is_missing FROM leads WHERE team_id = %s AND persona_id = %s"
            " ORDER BY created_at, source_file, source_record_id",
            [team_id, persona_id],
        )
        return [Lead(**row) for row in found.fetchall()]


def fetch_statements(
    connection: psycopg.Connection, team_id: str, persona_id: str, leads: list[Lead]
) -> tuple[pl.DataFrame, dict[tuple[str, int], Place]]:
    """What was said of the leads of a person.

    Returns:
        The statements, as ``transforms.explain.STATEMENTS``; and where each stands, by lead and
        ``seq``.
    """
    named = {lead.lead_id: lead for lead in leads}
    with connection.cursor(row_factory=dict_row) as cursor:
        values = {"team": team_id, "persona": persona_id}
        rows = cursor.execute(_STATEMENTS.encode(), values).fetchall()
    places = {}
    for row in rows:
        lead = named[row["lead_id"]]
        places[lead.lead_id, row["seq"]] = Place(
            lead.lead_id,
            lead.source,
            lead.source_file,
            lead.source_record_id,
            row["import_id"],
            row["file_name"],
            row["line_no"],
            row["finished_at"],
        )
    said = [{name: row[name] for name in STATEMENTS} for row in rows]
    return pl.DataFrame(said, STATEMENTS, orient="row"), places
