"""How a statement to Postgres names the columns, keys and references of a keyed table."""

from collections.abc import Callable
from typing import NamedTuple

from psycopg import sql

from contracts.keyed import LEADS, PERSONAS, Column, KeyedTable
from contracts.registry import load_tables

KEY_SEPARATOR = "\x1f"
"""Stands between the values of a key; reading rejects rows that hold such a letter."""

TIME = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
# Kind -> how a value is spelt as comparable text; others are text themselves.
_SPELLING = {
    "time": sql.SQL(TIME),
    "number": sql.SQL("trim_scale({})::text"),
    "integer": sql.SQL("({})::text"),
    "yes_no": sql.SQL("({})::text"),
    "json": sql.SQL("({})::text"),
}
_CASTS = {
    "time": sql.SQL("({})::timestamptz"),
    "number": sql.SQL("({})::numeric"),
    "yes_no": sql.SQL("({})::boolean"),
}
_IDS = {PERSONAS: "persona_id", LEADS: "lead_id"}


class Moved(NamedTuple):
    """Whose statements an undo counts otherwise.

    Attributes:
        left_out: Imports of which nothing counts any more.
        revived: The import whose statements count again; empty: none.
    """

    left_out: tuple[str, ...]
    revived: str

    @property
    def counts(self) -> sql.Composed:
        """Whether what the import ``i`` said counts."""
        return sql.SQL(
            "((i.undone_by_import_id IS NULL OR i.import_id = {}) AND i.import_id <> ALL({}))"
        ).format(sql.Literal(self.revived), sql.Literal(list(self.left_out)))


def name_table(table: KeyedTable, team_id: str) -> dict[str, sql.Composable]:
    """What statements about a table say of it.

    Returns:
        ``id``: its id column. ``team``, ``name``: literals. ``key``: the key of a row ``t``, or its
        id, where the unique index does not cover it. ``found``: a FROM clause of the rows ``t``
        with a key of ``wanted_keys``. ``once``: one of those that have the key, and are covered no
        more. ``wanted_key``: the key in both.
    """
    same = [sql.SQL("t.{0} = w.{0}").format(sql.Identifier(name)) for name in table.key]
    if not table.is_shared:
        same.append(sql.SQL("t.team_id = {}").format(sql.Literal(team_id)))
    is_covered = _is_covered(table, lambda name: sql.Identifier("t", name))
    return {
        "id": sql.Identifier(table.id_column),
        "team": sql.Literal(team_id),
        "name": sql.Literal(table.name),
        "key": key_of(
            table, lambda name: sql.Identifier("t", name), sql.Identifier("t", table.id_column)
        ),
        "found": sql.SQL("wanted_keys AS w JOIN {} AS t ON {}").format(
            sql.Identifier(table.name), sql.SQL(" AND ").join([*same, is_covered])
        ),
        "once": sql.SQL("wanted_keys AS w JOIN {} AS t ON {} AND NOT ({})").format(
            sql.Identifier(table.name), sql.SQL(" AND ").join(same), is_covered
        ),
        "wanted_key": sql.SQL("concat_ws({}, {})").format(
            sql.Literal(KEY_SEPARATOR),
            sql.SQL(", ").join(sql.Identifier("w", name) for name in table.key),
        ),
    }


def key_of(
    table: KeyedTable, name_of: Callable[[str], sql.Composable], id_: sql.Composable
) -> sql.Composed:
    """The key of a row, by what its columns are called; its id where no key covers it."""
    return sql.SQL("CASE WHEN {} THEN concat_ws({}, {}) ELSE {} END").format(
        _is_covered(table, name_of),
        sql.Literal(KEY_SEPARATOR),
        sql.SQL(", ").join(map(name_of, table.key)),
        id_,
    )


def _is_covered(table: KeyedTable, name_of: Callable[[str], sql.Composable]) -> sql.Composed:
    """Whether the unique index is over a row."""
    tests = [sql.SQL("{} IS NOT NULL").format(name_of(name)) for name in table.key]
    tests += [
        sql.SQL("{} = {}").format(name_of(name), sql.Literal(value))
        for name, value in table.where.items()
    ]
    return sql.SQL(" AND ").join(tests)


def said_of(name: str, column: Column) -> sql.Composable:
    """How a statement ``s`` says a column."""
    value = sql.SQL("s.cells->>{}").format(sql.Literal(name))
    cast = _CASTS.get(column.kind)
    return cast.format(value) if cast else value


def id_column_of(table: str) -> str:
    """The column by which rows of a table are referred to."""
    target = load_tables().get(table)
    return target.id_column if target else _IDS[table]


def spell(table: KeyedTable, name_of: Callable[[str, Column], sql.Composable]) -> sql.Composed:
    """The columns of a table as comparable texts, by what each is called."""
    return sql.SQL(", ").join(
        _SPELLING.get(column.kind, sql.SQL("{}")).format(name_of(name, column))
        for name, column in table.columns.items()
    )
