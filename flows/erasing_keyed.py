"""Takes one person out of the keyed tables of a team."""

from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg
from psycopg import sql

from contracts.keyed import LEADS, PERSONAS, KeyedTable
from contracts.registry import load_tables

_TEXTS = ("id", "text", "phone", "email", "json")


def erase_keyed(
    connection: psycopg.Connection, team_id: str, quotes: LiteralString
) -> Iterator[tuple[str, str, int]]:
    """Delete the rows that are about a person, and empty the cells of others that quote them.

    Args:
        connection: In a transaction, with the temp tables of ``flows.erasing_rows.list_gone``.
        team_id: Whose rows.
        quotes: A condition that a row ``t`` has a text with a phone, email or id of theirs in it.

    Yields:
        Table, action and how many rows.
    """
    connection.execute("CREATE TEMP TABLE gone_rows (table_name text, row_id text) ON COMMIT DROP")
    for table in load_tables().values():
        yield table.name, "delete", _delete(connection, table, team_id)
        yield table.name, "update", _release(connection, table, team_id)
        yield table.name, "update", _empty_quotes(connection, table, team_id)
        yield "row_statements", "update", _empty_said(connection, table, team_id, quotes)
    said = connection.execute(
        "DELETE FROM row_statements AS t WHERE t.team_id = %s"
        " AND (t.table_name, t.row_id) IN (TABLE gone_rows)",
        [team_id],
    )
    yield "row_statements", "delete", said.rowcount


def _delete(connection: psycopg.Connection, table: KeyedTable, team_id: str) -> int:
    which = [
        _is_gone(name, reference.to)
        for name, reference in table.references()
        if reference.on_erase == "deleted"
    ]
    if not which:
        return 0
    # Also of rows that were undone since.
    said = [
        _is_gone(name, reference.to, "(t.cells->>{})", sql.Literal)
        for name, reference in table.references()
        if reference.on_erase == "deleted"
    ]
    connection.execute(
        sql.SQL(
            "DELETE FROM row_statements AS t WHERE t.team_id = %s AND t.table_name = %s"
            " AND ({which})"
        ).format(which=sql.SQL(" OR ").join(said)),
        [team_id, table.name],
    )
    return connection.execute(
        sql.SQL(
            "WITH gone AS (DELETE FROM {table} AS t WHERE t.team_id = %s AND ({which})"
            " RETURNING t.{id}) INSERT INTO gone_rows SELECT {name}, {id} FROM gone"
        ).format(
            table=sql.Identifier(table.name),
            id=sql.Identifier(table.id_column),
            name=sql.Literal(table.name),
            which=sql.SQL(" OR ").join(which),
        ),
        [team_id],
    ).rowcount


def _release(connection: psycopg.Connection, table: KeyedTable, team_id: str) -> int:
    rows = 0
    for name, reference in table.references():
        if reference.on_erase == "released":
            rows += connection.execute(
                sql.SQL(
                    "UPDATE {table} AS t SET {column} = NULL WHERE t.team_id = %s AND {which}"
                ).format(
                    table=sql.Identifier(table.name),
                    column=sql.Identifier(name),
                    which=_is_gone(name, reference.to),
                ),
                [team_id],
            ).rowcount
    return rows


def _is_gone(
    column: str,
    target: str,
    value: LiteralString = "t.{}",
    quoted: Callable[[str], sql.Composable] = sql.Identifier,
) -> sql.Composed:
    """Whether a reference is to what goes; a row's own, unless it is told where it stands."""
    gone = {
        PERSONAS: sql.SQL("TABLE gone_personas"),
        LEADS: sql.SQL("TABLE gone_leads"),
    }.get(target)
    return sql.SQL("{} IN ({})").format(
        sql.SQL(value).format(quoted(column)),
        gone
        or sql.SQL("SELECT row_id FROM gone_rows WHERE table_name = {}").format(
            sql.Literal(target)
        ),
    )


def _list_texts(table: KeyedTable) -> list[str]:
    """Columns that may quote somebody, but for what a row cannot be without."""
    return [
        name
        for name, column in table.columns.items()
        if column.kind in _TEXTS and not column.is_required and name not in table.key
    ]


def _empty_said(
    connection: psycopg.Connection, table: KeyedTable, team_id: str, quotes: LiteralString
) -> int:
    """The same of what imports said of the rows of a table, and to whom these referred."""
    return connection.execute(
        sql.SQL(
            "UPDATE row_statements AS t SET cells = coalesce((SELECT jsonb_object_agg(key, value)"
            " FROM jsonb_each_text(t.cells) WHERE NOT (key = ANY(%s) AND EXISTS ("
            "SELECT FROM gone_words AS w WHERE position(w.word IN lower(value)) > 0))), '{{}}')"
            " WHERE t.team_id = %s AND t.table_name = %s AND ({quotes})"
        ).format(quotes=sql.SQL(quotes)),
        [
            [*_list_texts(table), *(name for name, _ in table.references())],
            *(team_id, table.name),
        ],
    ).rowcount


def _empty_quotes(connection: psycopg.Connection, table: KeyedTable, team_id: str) -> int:
    """Empty cells with a phone, email or id of theirs; what a row cannot be without stays."""
    names = _list_texts(table)
    if not names:
        return 0
    quoted: LiteralString = (
        "EXISTS (SELECT FROM gone_words AS w WHERE position(w.word IN lower(t.{}::text)) > 0)"
    )
    tests = {name: sql.SQL(quoted).format(sql.Identifier(name)) for name in names}
    emptied = [
        sql.SQL("{column} = CASE WHEN {test} THEN NULL ELSE t.{column} END").format(
            column=sql.Identifier(name), test=test
        )
        for name, test in tests.items()
    ]
    return connection.execute(
        sql.SQL("UPDATE {table} AS t SET {emptied} WHERE t.team_id = %s AND ({which})").format(
            table=sql.Identifier(table.name),
            emptied=sql.SQL(", ").join(emptied),
            which=sql.SQL(" OR ").join(tests.values()),
        ),
        [team_id],
    ).rowcount
