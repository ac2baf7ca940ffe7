"""What an adoption took away, kept in a schema of its own until somebody is sure.

Schema ``leadfold_adopt`` in the adopted database: ``keys`` (one row per key), ``batches`` (one per
transaction that cleaned), ``side_tables`` (where what was taken away stands), and of each table
``removed_..`` (rows that went, whole), ``changed_..`` (rows that stayed, before and after),
``moved_..`` (references, before and after) and ``dropped_..`` (rows that referred, and became equal
to another).
"""

from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql

from contracts.errors import WrongCallError
from flows.adopt.adoption import shorten
from flows.adopt.schema import JOURNAL, ExistingTable, Reference
from flows.adopt.statements import numbered, renamed

Kind = Literal["removed", "changed", "moved", "dropped"]

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS leadfold_adopt;
CREATE TABLE IF NOT EXISTS leadfold_adopt.keys (
    key_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    contract text NOT NULL,
    columns text[] NOT NULL,
    index_name text NOT NULL,
    wanted jsonb NOT NULL,
    is_ours boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('cleaning', 'valid')),
    begun_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (table_schema, index_name)
);
CREATE TABLE IF NOT EXISTS leadfold_adopt.batches (
    batch_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_no integer NOT NULL REFERENCES leadfold_adopt.keys,
    groups integer NOT NULL DEFAULT 0,
    removed integer NOT NULL DEFAULT 0,
    moved integer NOT NULL DEFAULT 0,
    dropped integer NOT NULL DEFAULT 0,
    changed integer NOT NULL DEFAULT 0,
    seconds double precision NOT NULL DEFAULT 0,
    done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    restored_at timestamptz
);
CREATE TABLE IF NOT EXISTS leadfold_adopt.side_tables (
    side_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('removed', 'changed', 'moved', 'dropped')),
    table_schema text NOT NULL,
    table_name text NOT NULL,
    reference_name text NOT NULL,
    key_columns text[] NOT NULL,
    reference_columns text[] NOT NULL,
    parent_columns text[] NOT NULL,
    parent_side text NOT NULL,
    column_names text[] NOT NULL,
    UNIQUE (kind, table_schema, table_name, reference_name)
);
"""


@dataclass
class Cleaned:
    """What was done about one key.

    Attributes:
        groups: Groups of duplicates.
        removed: Rows that went.
        moved: References that were moved to the row that stays.
        dropped: Rows that referred, and became equal to another.
        changed: Rows that stayed, and took something over.
    """

    groups: int = 0
    removed: int = 0
    moved: int = 0
    dropped: int = 0
    changed: int = 0


@dataclass(frozen=True)
class SideTable:
    """A table of the journal.

    Attributes:
        side_no: In which order they were begun.
        name: Its name in schema ``leadfold_adopt``.
        kind: What stands in it.
        table_schema: Where the table is that it is about.
        table_name: That table.
        reference_name: Of ``moved`` and ``dropped``: by what it refers.
        key_columns: That table's primary key.
        reference_columns: Of ``moved``: the columns that refer; in the journal they are ``was_1``,
            ``is_1`` and so on, the primary key ``key_1`` before and ``now_1`` after.
        parent_columns: Of ``moved`` and ``dropped``: what they refer to.
        parent_side: The side table in which rows stand that they referred to.
        column_names: The columns that can be written, of the table that it is about.
    """

    side_no: int
    name: str
    kind: Kind
    table_schema: str
    table_name: str
    reference_name: str
    key_columns: tuple[str, ...]
    reference_columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    parent_side: str
    column_names: tuple[str, ...]

    @property
    def identifier(self) -> sql.Identifier:
        """Its name in a statement."""
        return sql.Identifier(JOURNAL, self.name)

    @property
    def about(self) -> sql.Identifier:
        """The table that it is about, in a statement."""
        return sql.Identifier(self.table_schema, self.table_name)


def has_journal(connection: psycopg.Connection) -> bool:
    """Whether an adoption was begun in this database."""
    row = connection.execute(
        "SELECT to_regclass('leadfold_adopt.side_tables') IS NOT NULL"
    ).fetchone()
    return bool(row and row[0])


def open_journal(connection: psycopg.Connection) -> None:
    """Make the schema and its tables, where they are not there."""
    with connection.transaction():
        connection.execute(_SCHEMA)


def begin_batch(connection: psycopg.Connection, key_no: int) -> int:
    """Begin a batch about a key, within its transaction; gives its number."""
    row = connection.execute(
        "INSERT INTO leadfold_adopt.batches (key_no) VALUES (%s) RETURNING batch_no", [key_no]
    ).fetchone()
    assert row
    return int(row[0])


def open_side_table(
    connection: psycopg.Connection,
    kind: Kind,
    table: ExistingTable,
    reference: Reference | None = None,
) -> SideTable:
    """A table of the journal; it is made where it is not there.

    Args:
        connection: To the adopted database.
        kind: What goes into it.
        table: What is referred to, or cleaned.
        reference: Of ``moved`` and ``dropped``: by what it is referred to.

    Raises:
        WrongCallError: It was made when the table had other columns.
    """
    about = reference.child if reference else table
    refers = reference.columns if reference else ()
    found = [
        side
        for side in list_side_tables(connection)
        if (side.kind, side.table_schema, side.table_name) == (kind, about.schema, about.name)
        and side.reference_name == (reference.name if reference else "")
    ]
    if found and (found[0].column_names, found[0].reference_columns) == (
        about.written_columns,
        refers,
    ):
        return found[0]
    if found:
        raise WrongCallError(
            f"The columns of {about.full_name} have changed since its rows were put into"
            f" {JOURNAL}.{found[0].name}. Restore first (leadfold adopt --restore), or rename that"
            " table and delete its row in leadfold_adopt.side_tables."
        )
    parent_side = open_side_table(connection, "removed", table).name if reference else ""
    name = _name(connection, kind, about, reference)
    with connection.transaction():
        row = connection.execute(
            "INSERT INTO leadfold_adopt.side_tables (name, kind, table_schema, table_name,"
            " reference_name, key_columns, reference_columns, parent_columns, parent_side,"
            " column_names) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING *",
            [
                *(name, kind, about.schema, about.name, reference.name if reference else ""),
                *(list(about.primary_key), list(refers)),
                *(list(reference.parent_columns) if reference else [], parent_side),
                list(about.written_columns),
            ],
        ).fetchone()
        assert row
        side = _read(row)
        connection.execute(_definition(side, table, reference))
        connection.execute(
            sql.SQL("CREATE INDEX ON {} (_leadfold_batch_no)").format(side.identifier)
        )
    return side


def _name(
    connection: psycopg.Connection, kind: Kind, about: ExistingTable, reference: Reference | None
) -> str:
    """A name for people; two tables of different schemas may come to the same."""
    parts = (
        kind,
        *([about.schema] if about.schema != "public" else []),
        about.name,
        *([reference.name] if reference else []),
    )
    name = shorten("_".join(parts))
    taken = connection.execute(
        "SELECT FROM leadfold_adopt.side_tables WHERE name = %s", [name]
    ).fetchone()
    return shorten(f"{name}_{about.oid}") if taken is not None else name


def _read(row: tuple[Any, ...]) -> SideTable:
    number, name, kind, schema, table, reference, keys, refers, parents, parent_side, columns = row
    return SideTable(
        *(number, name, kind, schema, table, reference),
        *(tuple(keys), tuple(refers), tuple(parents), parent_side, tuple(columns)),
    )


def _definition(side: SideTable, table: ExistingTable, reference: Reference | None) -> sql.Composed:
    batch = sql.SQL("0::bigint AS _leadfold_batch_no")
    if side.kind == "moved":
        assert reference
        key, refers = reference.child.primary_key, reference.columns
        columns = [
            renamed("c", key, numbered("key", key)),
            renamed("c", key, numbered("now", key)),
            renamed("c", refers, numbered("was", refers)),
            renamed("p", reference.parent_columns, numbered("is", refers)),
        ]
        return sql.SQL(
            "CREATE TABLE {} AS SELECT {}, {} FROM {} AS c, {} AS p WITH NO DATA"
        ).format(side.identifier, batch, sql.SQL(", ").join(columns), side.about, table.identifier)
    beside = {
        "removed": ", NULL::jsonb AS _leadfold_kept",
        "changed": ", false AS _leadfold_is_after",
        "dropped": "",
    }[side.kind]
    return sql.SQL("CREATE TABLE {} AS SELECT {}{}, t.* FROM {} AS t WITH NO DATA").format(
        side.identifier, batch, sql.SQL(beside), side.about
    )  # fmt: skip


def list_side_tables(connection: psycopg.Connection) -> list[SideTable]:
    """All tables of the journal, in the order in which they were begun."""
    rows = connection.execute("SELECT * FROM leadfold_adopt.side_tables ORDER BY side_no")
    return [_read(row) for row in rows.fetchall()]
