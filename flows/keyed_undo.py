"""An undo in keyed tables: what an import said of rows counts no more, or counts again."""

from datetime import UTC, datetime

import polars as pl
import psycopg
from psycopg import sql

from contracts.keyed import KeyedTable
from contracts.registry import load_tables
from contracts.score import Score
from flows.copying import copy_in, copy_out
from flows.keyed_references import resolve
from flows.keyed_sql import Moved, key_of, name_table
from flows.keyed_stored import fetch_found, fetch_statements, list_keys, note_absent
from flows.undo_repeats import find_repeats
from flows.undo_stored import Undoing
from flows.wanted import CHUNK_ROWS, temp_table
from transforms import keyed
from transforms.boards import TABLE
from transforms.plan import Plan, add_keyed
from transforms.relations import Work, query, stream
from transforms.scores import say_scores, score_people
from transforms.work_tables import schema_of


def undo_keyed(
    connection: psycopg.Connection,
    work: Work,
    undoing: Undoing,
    plan: Plan,
    import_id: str,
    score: Score | None,
    *,
    is_locking: bool = False,
) -> Plan:
    """Add to the plan of an undo what becomes of the rows of which its import said something.

    Rows that refer to somebody who goes with the undo go with them, or refer to nobody then. People
    whom the undo touches are scored anew.

    Args:
        connection: In the transaction that holds the team's lock.
        work: With all that is planned of people.
        undoing: What is undone.
        plan: What is planned of people.
        import_id: The undo itself.
        score: What makes points, by the policy in effect afterwards.
        is_locking: Whether to keep everybody else from changing these rows meanwhile.
    """
    keyed.begin(work)
    keyed.note_moving_people(work)
    if score:
        keyed.list_line_people(work)
        score_people(work, score, datetime.now(UTC))
        say_scores(work)
    said = keyed.list_computed(work)
    _open_moving(connection, work)
    for table in load_tables().values():
        # Boards of rules stay: leads of later imports are on them.
        if table.name == TABLE and undoing.base.source != TABLE:
            continue
        is_said = table.name in said
        if _list_rows(connection, table, undoing) or is_said:
            _undo_table(connection, work, table, undoing, import_id, is_locking=is_locking)
            _add_moving(connection, work, table.name)
    return add_keyed(work, plan, keyed.count_rows(work))


def _undo_table(
    connection: psycopg.Connection,
    work: Work,
    table: KeyedTable,
    undoing: Undoing,
    import_id: str,
    *,
    is_locking: bool,
) -> None:
    team_id, base = undoing.entry.team_id, undoing.base
    keyed.take_said(work, table)
    if keyed.has_lines(work):
        for name, reference in table.references():
            resolve(connection, work, team_id, "", name, reference)
    keyed.key_rows(work)
    removed = _list_removed(connection, table, undoing)
    _add_rows_of_keys(connection, work, table, team_id, removed)
    names = name_table(table, team_id)
    found = sql.SQL(
        "undo_rows AS u JOIN {table} AS t ON t.team_id = u.team_id AND t.{id} = u.row_id"
    ).format(table=sql.Identifier(table.name), id=names["id"])
    if is_locking:
        connection.execute(
            sql.SQL("SELECT FROM {found} ORDER BY u.row_id FOR UPDATE OF t").format(found=found)
        )
    # Of an undo that is undone, what it had computed counts no more, either.
    own = () if undoing.entry.import_id == base.import_id else (undoing.entry.import_id,)
    moved = Moved((*own, base.import_id), "")
    if undoing.is_reviving:
        moved = Moved(own, base.import_id)
    fetch_found(connection, work, table, team_id, found, moved=moved)
    fetch_statements(
        connection,
        work,
        table,
        team_id,
        sql.SQL("removed_rows AS r JOIN row_statements AS s ON s.row_id = r.row_id"),
        sql.SQL("r.row_key"),
        moved=moved,
    )
    note_absent(connection, work, table, team_id)
    open_ = keyed.list_taken_back(work, base.import_id)
    repeats = [] if undoing.is_reviving else find_repeats(connection, base, open_, "repeated_rows")
    repeated = pl.concat([pl.DataFrame(schema=schema_of("row_repeats")), *repeats])
    keyed.restate_rows(work, table, import_id, removed, repeated)
    keyed.plan_rows(work, table)


def _open_moving(connection: psycopg.Connection, work: Work) -> None:
    """Make ``moving_rows``: which people and leads go, and which come."""
    temp_table(
        connection,
        'moving_rows (table_name text COLLATE "C", row_id text COLLATE "C", is_coming boolean)',
    )
    copy_in(connection, "moving_rows", stream(work, "from moving_rows", CHUNK_ROWS))
    connection.execute("CREATE INDEX ON moving_rows (table_name, row_id)")
    connection.execute("ANALYZE moving_rows")


def _add_moving(connection: psycopg.Connection, work: Work, table: str) -> None:
    """Add the rows of a keyed table that go and come, for those that refer to them."""
    rows = stream(work, "from moving_rows where table_name = $table", CHUNK_ROWS, table=table)
    copy_in(connection, "moving_rows", rows)


def _list_rows(connection: psycopg.Connection, table: KeyedTable, undoing: Undoing) -> bool:
    """Make ``undo_rows``: which an undo may touch; and tell whether there are any.

    Those of which the import said something, those that refer to what goes, and those that
    referred to what comes back.
    """
    temp_table(connection, 'undo_rows (team_id text COLLATE "C", row_id text COLLATE "C")')
    names = {
        "team": sql.Literal(undoing.entry.team_id),
        "base": sql.Literal(undoing.base.import_id),
        "name": sql.Literal(table.name),
        "id": sql.Identifier(table.id_column),
        "table": sql.Identifier(table.name),
        # What imports note of leads themselves has no key.
        "is_keyed": sql.SQL(" AND ").join(
            sql.SQL("t.{} IS NOT NULL").format(sql.Identifier(name)) for name in table.key
        ),
    }
    parts = [
        sql.SQL(
            "SELECT team_id, row_id FROM row_statements WHERE team_id = {team}"
            " AND import_id = {base} AND table_name = {name}"
            # A row that was stated once is its own statement.
            " UNION SELECT team_id, {id} FROM {table} AS t WHERE team_id = {team}"
            " AND import_id = {base} AND {is_keyed}"
        ).format(**names)
    ]
    for column, reference in table.references():
        parts.append(
            sql.SQL(
                "SELECT t.team_id, t.{id} FROM moving_rows AS m JOIN {table} AS t"
                " ON t.{column} = m.row_id AND t.team_id = {team} AND {is_keyed}"
                " WHERE m.table_name = {to} AND NOT m.is_coming"
                " UNION SELECT s.team_id, s.row_id FROM moving_rows AS m JOIN row_statements AS s"
                " ON s.team_id = {team} AND s.table_name = {name}"
                " AND s.cells->>{column_name} = m.row_id"
                " WHERE m.table_name = {to} AND m.is_coming"
            ).format(
                column=sql.Identifier(column),
                column_name=sql.Literal(column),
                to=sql.Literal(reference.to),
                **names,
            )
        )
    select = sql.SQL(" UNION ").join(parts)
    found = connection.execute(sql.SQL("INSERT INTO undo_rows {}").format(select)).rowcount
    return found > 0


def _list_removed(
    connection: psycopg.Connection, table: KeyedTable, undoing: Undoing
) -> pl.DataFrame:
    """Make ``removed_rows``, and give it: ``row_key`` and ``row_id`` of those that may come back.

    Where nothing counts again, what is gone stays so: somebody may have removed it by hand.
    """
    temp_table(connection, 'removed_rows (row_key text COLLATE "C", row_id text COLLATE "C")')
    key = key_of(
        table,
        lambda name: sql.SQL("(s.cells->>{})").format(sql.Literal(name)),
        sql.SQL("s.row_id"),
    )
    connection.execute(
        sql.SQL(
            "INSERT INTO removed_rows SELECT DISTINCT ON (s.row_id) {key}, s.row_id"
            " FROM undo_rows AS u JOIN row_statements AS s ON s.team_id = u.team_id"
            " AND s.table_name = {name} AND s.row_id = u.row_id"
            " WHERE {is_reviving} AND NOT EXISTS ("
            "SELECT FROM {table} AS t WHERE t.team_id = u.team_id AND t.{id} = u.row_id)"
        ).format(
            key=key,
            is_reviving=sql.Literal(undoing.is_reviving),
            name=sql.Literal(table.name),
            table=sql.Identifier(table.name),
            id=sql.Identifier(table.id_column),
        )
    )
    schema = schema_of("new_rows")
    found = copy_out(connection, "SELECT row_key, row_id FROM removed_rows", schema)
    return pl.concat([pl.DataFrame(schema=schema), *found])


def _add_rows_of_keys(
    connection: psycopg.Connection,
    work: Work,
    table: KeyedTable,
    team_id: str,
    removed: pl.DataFrame,
) -> None:
    """Add to ``undo_rows`` those that have the keys of removed rows, and of what is computed."""
    computed = query(work, "select distinct row_key from keyed_lines")
    keys = pl.concat([computed, removed.select("row_key")])["row_key"].unique().sort()
    list_keys(connection, table, keys)
    connection.execute(
        sql.SQL(
            "INSERT INTO undo_rows SELECT t.team_id, t.{id} FROM {found}"
            " EXCEPT SELECT team_id, row_id FROM undo_rows"
        ).format(**name_table(table, team_id))
    )
    connection.execute("ANALYZE undo_rows")
