"""What Postgres holds of how personas came to be: rows of versions, moves, judgements, imports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row, dict_row


@dataclass(frozen=True)
class Imported:
    """An import, as far as a history tells it."""

    import_id: str
    commit_no: int | None = None
    finished_at: datetime | None = None
    file_name: str | None = None
    cause: str | None = None
    started_by: str | None = None
    undoes_import_id: str | None = None
    undone_by_import_id: str | None = None


@dataclass(frozen=True)
class Rows:
    """Rows about one person, under the names of their tables; the survivor's persona first."""

    personas: list[dict[str, Any]]
    versions: list[dict[str, Any]]
    leads: list[dict[str, Any]]
    statements: list[dict[str, Any]]
    moves: list[dict[str, Any]]
    candidates: list[dict[str, Any]]
    imports: dict[str, Imported]


_PERSONAS: LiteralString = (
    "SELECT * FROM personas WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s)"
    " ORDER BY array_position(%(ids)s, persona_id::text)"
)
_VERSIONS: LiteralString = (
    "SELECT v.* FROM persona_versions AS v LEFT JOIN imports AS i USING (import_id)"
    " WHERE v.team_id = %(team)s AND v.persona_id = ANY (%(ids)s)"
    " ORDER BY i.commit_no NULLS LAST, v.import_id, v.persona_id"
)
_LEADS: LiteralString = (
    "SELECT lead_id, persona_id, source, source_record_id, lead_status, stage, score::text,"
    " board_id, board_name, edited_fields FROM leads"
    " WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s) ORDER BY lead_id"
)
# Also of leads that are none any more, and of imports that were undone.
_STATEMENTS: LiteralString = (
    "WITH own AS ("
    " SELECT lead_id, source, source_record_id, import_id, line_no, conversation_id, created_at"
    " FROM leads WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s)"
    " UNION ALL SELECT lead_id, source, source_record_id, NULL, NULL, NULL, NULL"
    " FROM undone_leads WHERE team_id = %(team)s AND persona_id = ANY (%(ids)s))"
    " SELECT own.lead_id, own.source, own.source_record_id, v.import_id, v.line_no,"
    " coalesce(v.conversation_id, own.conversation_id) AS conversation_id"
    " FROM own JOIN lead_versions AS v ON v.team_id = %(team)s AND v.lead_id = own.lead_id"
    " WHERE NOT v.is_missing"
    " UNION ALL SELECT lead_id, source, source_record_id, import_id, line_no, conversation_id"
    " FROM own WHERE import_id IS NOT NULL AND NOT EXISTS ("
    " SELECT FROM lead_versions AS v WHERE v.team_id = %(team)s AND v.lead_id = own.lead_id)"
    " ORDER BY 4, 2, 3"
)
_MOVES: LiteralString = (
    "SELECT import_id, lead_id, from_persona_id, to_persona_id FROM lead_moves"
    " WHERE team_id = %(team)s"
    " AND (from_persona_id = ANY (%(ids)s) OR to_persona_id = ANY (%(ids)s))"
    " ORDER BY import_id, lead_id"
)
_CANDIDATES: LiteralString = (
    "SELECT m.* FROM merge_candidates AS m WHERE m.team_id = %(team)s"
    " AND (m.left_id = ANY (%(ids)s) OR m.right_id = ANY (%(ids)s)"
    " OR m.left_lead_ids && %(leads)s::text[] OR m.right_lead_ids && %(leads)s::text[]"
    " OR EXISTS (SELECT FROM identities AS i WHERE i.team_id = m.team_id AND i.kind = m.left_id"
    " AND i.value = m.right_id AND i.persona_id = ANY (%(ids)s)))"
    " ORDER BY m.created_at, m.left_id, m.right_id"
)
_IMPORTS: LiteralString = (
    "SELECT import_id, commit_no, finished_at, file_name, cause, started_by, undoes_import_id,"
    " undone_by_import_id FROM imports WHERE team_id = %(team)s"
    " AND (import_id = ANY (%(imports)s) OR undoes_import_id = ANY (%(imports)s))"
    " ORDER BY commit_no"
)


def fetch_rows(connection: psycopg.Connection, team_id: str, ids: Sequence[str]) -> Rows:
    """All that tells how a person came to be as it is.

    Args:
        connection: Where to ask.
        team_id: Whose people.
        ids: The persona, and those who were merged into it.
    """
    values: dict[str, object] = {"team": team_id, "ids": list(ids)}

    def rows(query: LiteralString) -> list[dict[str, Any]]:
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    personas, versions, leads = rows(_PERSONAS), rows(_VERSIONS), rows(_LEADS)
    statements, moves = rows(_STATEMENTS), rows(_MOVES)
    values["leads"] = [each["lead_id"] for each in leads]
    candidates = rows(_CANDIDATES)
    listed = (personas, versions, statements, moves, candidates)
    values["imports"] = sorted(
        {each["import_id"] for group in listed for each in group}
        | {each["previous_import_id"] for each in versions if each["previous_import_id"]}
    )
    with connection.cursor(row_factory=class_row(Imported)) as cursor:
        imports = {each.import_id: each for each in cursor.execute(_IMPORTS, values)}
    return Rows(personas, versions, leads, statements, moves, candidates, imports)
