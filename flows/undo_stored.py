"""What Postgres holds about an import that is to be undone, and about whom that touches."""

from dataclasses import dataclass
from typing import LiteralString

import polars as pl
import psycopg
from psycopg import sql

from contracts.policy import Policy
from flows import stored
from flows.fetching import fetch
from flows.ledger import Import
from flows.stored_personas import fetch_around
from flows.undo_repeats import find_repeats
from flows.wanted import temp_table
from transforms.relations import Work, append, query
from transforms.shapes import STATEMENTS
from transforms.undo import list_affected
from transforms.work_tables import empty, schema_of


@dataclass(frozen=True)
class Undoing:
    """An import that is to be undone.

    Attributes:
        entry: Its row in the ledger. Its own changes to who is whom are taken back.
        base: Whose statements count no more, or count again: the import itself, or of an undo the
            import that this is about in the end.
        is_reviving: Whether the base's statements count again.
        has_policy: Whether it put a policy into effect, so that it touches everybody.
        withdraws_opt_outs: Whether opt-outs go, too.
    """

    entry: Import
    base: Import
    is_reviving: bool
    has_policy: bool = False
    withdraws_opt_outs: bool = False


def fetch_undoing(
    connection: psycopg.Connection,
    work: Work,
    undoing: Undoing,
    policy: Policy,
    *,
    is_locking: bool = False,
) -> None:
    """Fill ``statements``, the logs of the import, and the ``stored_<table>`` tables.

    Args:
        connection: In the transaction that holds the team's lock.
        work: With ``match_keys`` and ``sources``.
        undoing: What is to be undone.
        policy: The one in effect afterwards.
        is_locking: Whether to keep everybody else from changing these people meanwhile.
    """
    team_id = undoing.entry.team_id
    stored.empty_all(work)
    _list_leads(connection, undoing)
    _list_personas(connection, undoing)
    _fetch_statements(connection, work, undoing)
    _fetch_logs(connection, work, undoing)
    if undoing.has_policy:
        stored.fetch_everybody(connection, work, team_id)
        list_affected(work, policy)
        return
    fetch_around(connection, work, team_id, policy, is_locking=is_locking)


def _list_leads(connection: psycopg.Connection, undoing: Undoing) -> None:
    """Make ``undo_leads``: of which the base says something, whether they are leads now or not."""
    temp_table(connection, "undo_leads (team_id text, lead_id text)")
    base = undoing.base
    time_part = base.import_id.removeprefix("import_")[:10]
    connection.execute(
        "INSERT INTO undo_leads"
        " SELECT team_id, lead_id FROM lead_versions"
        " WHERE team_id = %(team)s AND import_id = %(id)s"
        # A lead that was stated once has no version; its id begins with the time of its import.
        " UNION SELECT team_id, lead_id FROM leads WHERE team_id = %(team)s"
        " AND import_id = %(id)s AND lead_id >= %(first)s AND lead_id < %(first)s || '~'",
        {"team": base.team_id, "id": base.import_id, "first": f"lead_{time_part}"},
    )
    connection.execute("CREATE INDEX ON undo_leads (team_id, lead_id)")
    connection.execute("ANALYZE undo_leads")


def _list_personas(connection: psycopg.Connection, undoing: Undoing) -> None:
    """Make ``asked``: whom it touches, and who was merged into one of them or took one over."""
    temp_table(connection, "asked (team_id text, persona_id text)")
    connection.execute(
        "INSERT INTO asked"
        " SELECT team_id, persona_id FROM undo_leads JOIN leads USING (team_id, lead_id)"
        " UNION SELECT team_id, persona_id FROM undo_leads"
        " JOIN undone_leads USING (team_id, lead_id)"
        " UNION SELECT l.team_id, l.persona_id FROM lead_moves AS m"
        " JOIN leads AS l USING (team_id, lead_id)"
        " WHERE m.team_id = %(team)s AND m.import_id = %(id)s"
        " UNION SELECT team_id, unnest(ARRAY[from_persona_id, to_persona_id]) FROM lead_moves"
        " WHERE team_id = %(team)s AND import_id = %(id)s"
        " UNION SELECT team_id, persona_id FROM identity_versions"
        " WHERE team_id = %(team)s AND import_id = %(id)s"
        " UNION SELECT team_id, persona_id FROM persona_versions"
        " WHERE team_id = %(team)s AND import_id = %(id)s"
        " UNION SELECT team_id, unnest(ARRAY[before->>'left_id', before->>'right_id'])"
        " FROM row_versions WHERE team_id = %(team)s AND import_id = %(id)s"
        " AND table_name = 'merge_candidates'",
        {"team": undoing.entry.team_id, "id": undoing.entry.import_id},
    )
    connection.execute("CREATE INDEX ON asked (team_id, persona_id)")
    connection.execute("ANALYZE asked")
    connection.execute(
        "WITH RECURSIVE kin AS ("
        "SELECT p.team_id, p.persona_id, p.merged_into FROM asked"
        " JOIN personas AS p USING (team_id, persona_id)"
        " UNION SELECT p.team_id, p.persona_id, p.merged_into FROM kin AS k JOIN personas AS p"
        " ON p.team_id = k.team_id AND p.merged_into = k.persona_id)"
        " INSERT INTO asked SELECT team_id, persona_id FROM kin"
        " UNION SELECT team_id, leadfold_find_persona(team_id, persona_id) FROM kin"
        " WHERE merged_into IS NOT NULL EXCEPT SELECT team_id, persona_id FROM asked"
    )
    connection.execute("ANALYZE asked")


def _fetch_statements(connection: psycopg.Connection, work: Work, undoing: Undoing) -> None:
    """Fill ``undoable_leads``, ``statements`` and ``repeats``."""
    empty(work, "undoable_leads")
    fetch(
        connection,
        work,
        "undoable_leads",
        schema_of("undoable_leads"),
        "FROM (SELECT lead_id, source, source_file, source_record_id, persona_id,"
        " false AS is_undone FROM undo_leads JOIN leads USING (team_id, lead_id)"
        " UNION ALL SELECT lead_id, source, source_file, source_record_id,"
        " coalesce(leadfold_find_persona(team_id, persona_id), persona_id), true"
        " FROM undo_leads JOIN undone_leads USING (team_id, lead_id)) AS t",
    )
    empty(work, "statements")
    base_id = sql.Literal(undoing.base.import_id)
    fetch(
        connection,
        work,
        "statements",
        STATEMENTS,
        sql.SQL(
            "FROM (SELECT v.*, i.commit_no AS seq, true AS is_stored, CASE"
            " WHEN v.import_id = {base} THEN {reviving} ELSE i.undone_by_import_id IS NULL END"
            " AS is_active FROM undo_leads JOIN lead_versions AS v USING (team_id, lead_id)"
            " JOIN imports AS i ON i.import_id = v.import_id) AS t"
        ).format(base=base_id, reviving=sql.Literal(undoing.is_reviving)),
    )
    fetch(
        connection,
        work,
        "statements",
        STATEMENTS,
        "FROM (SELECT l.*, 0::bigint AS seq, false AS is_stored, false AS is_active"
        " FROM undo_leads JOIN leads AS l USING (team_id, lead_id) WHERE NOT EXISTS ("
        "SELECT FROM lead_versions AS v WHERE v.team_id = l.team_id AND v.lead_id = l.lead_id)"
        ") AS t",
    )
    empty(work, "repeats")
    if not undoing.is_reviving:
        _list_repeats(connection, work, undoing.base)


def _list_repeats(connection: psycopg.Connection, work: Work, base: Import) -> None:
    """Fill ``repeats``: by which later file a statement was repeated first."""
    open_ = query(
        work,
        "select lead_id, statement_digest(source_record_id,"
        " case when is_missing then 'missing' else fingerprint end) as digest"
        " from statements join undoable_leads using (lead_id) where import_id = $base",
        base=base.import_id,
    )
    for found in find_repeats(connection, base, open_, "repeated"):
        of_base = found.drop("digest").with_columns(of_import_id=pl.lit(base.import_id))
        append(work, "repeats", of_base)


_MOVES: LiteralString = (
    "FROM (SELECT m.lead_id, CASE"
    " WHEN f.persona_id IS NULL OR leadfold_find_persona(m.team_id, m.from_persona_id)"
    " = l.persona_id THEN m.from_persona_id"
    " ELSE leadfold_find_persona(m.team_id, m.from_persona_id) END AS persona_id,"
    " l.persona_id IN (m.to_persona_id, leadfold_find_persona(m.team_id, m.to_persona_id))"
    " AS is_there FROM lead_moves AS m JOIN leads AS l USING (team_id, lead_id)"
    " LEFT JOIN personas AS f ON f.team_id = m.team_id AND f.persona_id = m.from_persona_id"
    " WHERE m.team_id = {team} AND m.import_id = {id}) AS t "
)
# Table of the work database -> where it is fetched from.
_LOGS: dict[str, LiteralString] = {
    "wanted_moves": _MOVES + "WHERE is_there",
    "stuck_moves": _MOVES + "WHERE NOT is_there",
    "identity_log": "FROM identity_versions AS t WHERE team_id = {team} AND import_id = {id}",
    "edit_log": "FROM (SELECT row_key AS persona_id, before FROM row_versions"
    " WHERE team_id = {team} AND import_id = {id} AND table_name = 'personas') AS t",
    "merge_log": "FROM (SELECT persona_id, changes->'merged_into'->>'before' AS before_id,"
    " changes->'merged_into'->>'after' AS after_id FROM persona_versions"
    " WHERE team_id = {team} AND import_id = {id} AND changes ? 'merged_into') AS t",
    # Of an undo that is undone also the pairs that another undo let go meanwhile, since what they
    # shared was gone; what was judged of these was undone there.
    "row_log": "FROM (SELECT DISTINCT ON (n.row_key) n.table_name, n.before || jsonb_build_object("
    "'judgement', NULL, 'judged_by', NULL, 'judged_at', NULL, 'left_lead_ids', NULL,"
    " 'right_lead_ids', NULL) AS before, true AS is_last FROM row_versions AS n"
    " JOIN imports AS i ON i.import_id = n.import_id WHERE n.team_id = {team}"
    " AND n.table_name = 'merge_candidates' AND n.import_id <> {id} AND NOT {is_undone}"
    " AND n.before->>'import_id' = {base} AND NOT EXISTS (SELECT FROM merge_candidates AS m"
    " WHERE m.team_id = n.team_id AND concat_ws('|', m.left_id, m.right_id) = n.row_key)"
    " AND NOT EXISTS (SELECT FROM row_versions AS own WHERE own.team_id = n.team_id"
    " AND own.import_id = {id} AND own.table_name = n.table_name AND own.row_key = n.row_key)"
    " ORDER BY n.row_key, i.commit_no DESC) AS t UNION ALL SELECT table_name, before, is_last"
    " FROM (SELECT table_name, before, NOT EXISTS (SELECT FROM row_versions AS n"
    " JOIN imports AS i ON i.import_id = n.import_id AND i.undone_by_import_id IS NULL"
    " WHERE n.team_id = v.team_id AND n.table_name = v.table_name AND n.row_key = v.row_key"
    " AND i.commit_no > {commit}) AS is_last FROM row_versions AS v"
    " WHERE team_id = {team} AND import_id = {id}) AS t",
    # What an unmerge judged, unless somebody judged otherwise since.
    "own_judgements": "FROM merge_candidates AS t WHERE team_id = {team} AND import_id = {id}"
    " AND judgement IS NOT NULL AND guard = 'judgement'"
    " AND NOT EXISTS (SELECT FROM row_versions AS n"
    " JOIN imports AS i ON i.import_id = n.import_id AND i.undone_by_import_id IS NULL"
    " WHERE n.team_id = t.team_id AND n.table_name = 'merge_candidates'"
    " AND n.row_key = concat_ws('|', t.left_id, t.right_id) AND i.commit_no > {commit})",
    "own_activities": "FROM undo_leads JOIN lead_activities AS t USING (team_id, lead_id)"
    # Those that files stated have a key, and are undone by it (flows.keyed_undo).
    " WHERE t.import_id = {base} AND t.external_id IS NULL AND {is_undone}",
    "own_opt_outs": "FROM (SELECT *, EXISTS (SELECT FROM imports AS i WHERE i.team_id = o.team_id"
    " AND i.source_file = o.source_file AND i.commit_no > {base_commit}"
    " AND i.undone_by_import_id IS NULL) AS has_later FROM opt_outs AS o"
    " WHERE team_id = {team} AND import_id = {base} AND {is_undone} AND {withdraws}) AS t",
}


def _fetch_logs(connection: psycopg.Connection, work: Work, undoing: Undoing) -> None:
    """Fill what the import changed beside statements: moves, claims, edits, judgements."""
    entry = undoing.entry
    values = {
        "team": entry.team_id,
        "id": entry.import_id,
        "base": undoing.base.import_id,
        "commit": entry.commit_no,
        "base_commit": undoing.base.commit_no,
        "is_undone": not undoing.is_reviving,
        "withdraws": undoing.withdraws_opt_outs,
    }
    names = {name: sql.Literal(value) for name, value in values.items()}
    for table, tail in _LOGS.items():
        empty(work, table)
        fetch(
            connection,
            work,
            table,
            schema_of(table),
            sql.SQL(tail).format(**names),
        )
