"""Takes what is older than it is wanted out of a team's tables."""

from datetime import datetime

import psycopg
from psycopg import sql

from contracts.registry import load_tables

Pruned = dict[str, int]
"""Table -> rows."""

# Histories of imports that nobody can undo any more.
_HISTORIES = ("persona_versions", "lead_moves", "identity_versions", "row_versions")


def prune_versions(connection: psycopg.Connection, team_id: str, until: datetime) -> Pruned:
    """Remove earlier statements and states of imports that were done before a time.

    Those imports can no longer be undone. A lead loses its versions only when all of them are that
    old, and no undo or edit by hand may need them: it is its own statement then, as one that was
    stated once. What it says does not change.
    """
    connection.execute("DROP TABLE IF EXISTS pg_temp.old_imports")
    connection.execute(
        "CREATE TEMP TABLE old_imports ON COMMIT DROP AS SELECT i.import_id FROM imports AS i"
        " LEFT JOIN imports AS undo ON undo.import_id = i.undone_by_import_id"
        " WHERE i.team_id = %(team)s AND i.status = 'done' AND i.finished_at < %(until)s"
        " AND (undo.import_id IS NULL OR undo.finished_at < %(until)s)",
        {"team": team_id, "until": until},
    )
    marked = connection.execute(
        "UPDATE imports SET is_undoable = false WHERE is_undoable"
        " AND import_id IN (SELECT import_id FROM old_imports)"
    )
    pruned = {"imports": marked.rowcount}
    pruned["lead_versions"] = connection.execute(
        "DELETE FROM lead_versions AS t USING ("
        " SELECT lead_id FROM lead_versions AS v LEFT JOIN old_imports AS o USING (import_id)"
        " WHERE v.team_id = %(team)s GROUP BY lead_id HAVING count(*) = count(o.import_id)) AS old"
        " WHERE t.team_id = %(team)s AND t.lead_id = old.lead_id"
        " AND NOT EXISTS (SELECT FROM leads AS l WHERE l.team_id = t.team_id"
        " AND l.lead_id = t.lead_id AND l.edited_fields IS NOT NULL)"
        " AND NOT EXISTS (SELECT FROM undone_leads AS u WHERE u.team_id = t.team_id"
        " AND u.lead_id = t.lead_id AND u.import_id NOT IN (SELECT import_id FROM old_imports))",
        {"team": team_id},
    ).rowcount
    # Of a row that was edited by hand, its statements say what it was before.
    pruned["row_statements"] = sum(
        connection.execute(
            sql.SQL(
                "DELETE FROM row_statements AS t USING ("
                " SELECT row_id FROM row_statements AS s LEFT JOIN old_imports AS o"
                " USING (import_id) WHERE s.team_id = %(team)s AND s.table_name = %(name)s"
                " GROUP BY row_id HAVING count(*) = count(o.import_id)) AS old"
                " WHERE t.team_id = %(team)s AND t.table_name = %(name)s"
                " AND t.row_id = old.row_id AND NOT EXISTS (SELECT FROM {table} AS r"
                " WHERE r.team_id = t.team_id AND r.{id} = t.row_id"
                " AND r.edited_fields IS NOT NULL)"
            ).format(table=sql.Identifier(table.name), id=sql.Identifier(table.id_column)),
            {"team": team_id, "name": table.name},
        ).rowcount
        for table in load_tables().values()
    )
    for table in _HISTORIES:
        pruned[table] = connection.execute(
            sql.SQL(
                "DELETE FROM {} WHERE team_id = %s"
                " AND import_id IN (SELECT import_id FROM old_imports)"
            ).format(sql.Identifier(table)),
            [team_id],
        ).rowcount
    return pruned


def prune_issues(connection: psycopg.Connection, team_id: str, until: datetime) -> Pruned:
    """Empty the text of rejects and damaged cells; line, code and message stay.

    A file that came again and had the same issues keeps them as long as its last import is kept.
    """
    done = connection.execute(
        "UPDATE import_issues SET raw = NULL WHERE team_id = %(team)s AND raw IS NOT NULL"
        " AND import_id IN (SELECT coalesce(issues_import_id, import_id) FROM imports"
        " WHERE team_id = %(team)s GROUP BY 1"
        " HAVING max(coalesce(finished_at, 'infinity')) < %(until)s)",
        {"team": team_id, "until": until},
    )
    return {"import_issues": done.rowcount}
