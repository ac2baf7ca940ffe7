"""What was judged not to be one person, as Postgres holds it: fetched for plans, and checked."""

from typing import LiteralString, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from flows.copying import copy_out
from transforms.relations import Work, append
from transforms.shapes import STORED_JUDGEMENTS

# A judgement is about leads, and follows them to whomever they belong by now. Of who had none when
# it was judged (somebody put in by hand), it is about the person.
_SIDES: LiteralString = (
    "SELECT m.left_id, m.right_id, said.side, said.lead_id, said.persona_id"
    " FROM merge_candidates AS m CROSS JOIN LATERAL ("
    "SELECT 'left' AS side, unnest(m.left_lead_ids) AS lead_id, NULL AS persona_id"
    " UNION ALL SELECT 'right', unnest(m.right_lead_ids), NULL"
    " UNION ALL SELECT 'left', NULL, leadfold_find_persona(m.team_id, m.left_id)"
    " WHERE coalesce(cardinality(m.left_lead_ids), 0) = 0"
    " UNION ALL SELECT 'right', NULL, leadfold_find_persona(m.team_id, m.right_id)"
    " WHERE coalesce(cardinality(m.right_lead_ids), 0) = 0"
    ") AS said WHERE m.team_id = {team} AND m.judgement = 'not_same'"
)


class Apart(NamedTuple):
    """Two people whom a judgement keeps apart.

    Attributes:
        left_id: With ``right_id`` the key of the candidate that was judged.
        right_id: See there.
        one_id: A live persona with a lead of the left side.
        other_id: A live persona with a lead of the right side.
    """

    left_id: str
    right_id: str
    one_id: str
    other_id: str


def fetch_judgements(connection: psycopg.Connection, work: Work, team_id: str) -> None:
    """Fill ``stored_judgements`` with all of a team: they are few, and told by people."""
    query = sql.SQL(_SIDES).format(team=sql.Literal(team_id))
    for frame in copy_out(connection, query, STORED_JUDGEMENTS):
        append(work, "stored_judgements", frame)


def list_apart(connection: psycopg.Connection, team_id: str) -> list[Apart]:
    """Whom judgements keep apart now; of one judgement several where its leads are several's."""
    query = sql.SQL(
        "WITH sides AS (SELECT DISTINCT s.left_id, s.right_id, s.side,"
        " coalesce(l.persona_id, s.persona_id) AS persona_id"
        " FROM ({sides}) AS s LEFT JOIN leads AS l ON l.team_id = {team}"
        " AND l.lead_id = s.lead_id)"
        " SELECT one.left_id, one.right_id, one.persona_id AS one_id, other.persona_id AS other_id"
        " FROM sides AS one JOIN sides AS other USING (left_id, right_id)"
        " WHERE one.side = 'left' AND other.side = 'right'"
        " AND one.persona_id <> other.persona_id ORDER BY 1, 2, 3, 4"
    ).format(sides=sql.SQL(_SIDES).format(team=sql.Literal(team_id)), team=sql.Literal(team_id))
    with connection.cursor(row_factory=class_row(Apart)) as cursor:
        return cursor.execute(query).fetchall()
