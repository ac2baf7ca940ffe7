"""What an adoption took away, kept in a schema of its own until somebody is sure.

Schema ``leadfold_adopt`` in the adopted database: ``keys`` (one row per key), ``batches`` (one per
transaction that cleaned), ``side_tables`` (where what was taken away stands), and of each table
``removed_..`` (rows that went, whole), ``changed_..`` (rows that stayed, before and after),
``moved_..`` (references, before and after) and ``dropped_..`` (rows that referred, and became equal
to another).
"""

from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from contracts.errors import WrongCallError
from flows.adopt.adoption import AdoptedKey, shorten
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
    name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('removed', 'changed', 'moved', 'dropped')),
    table_schema text NOT NULL,
    table_name text NOT NULL,
    key_columns text[] NOT NULL,
    reference_columns text[] NOT NULL,
    column_names text[] NOT NULL
);
"""


@dataclass(frozen=True)
class SideTable:
    """A table of the journal.

    Attributes:
        name: Its name in schema ``leadfold_adopt``.
        kind: What stands in it.
        table_schema: Where the table is that it is about.
        table_name: That table.
        key_columns: That table's primary key.
        reference_columns: Of ``moved``: the columns that refer; in the journal they are ``was_1``,
            ``is_1`` and so on, the primary key ``key_1`` before and ``now_1`` after.
        column_names: The columns that can be written, of the table that it is about.
    """

    name: str
    kind: Kind
    table_schema: str
    table_name: str
    key_columns: tuple[str, ...]
    reference_columns: tuple[str, ...]
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


def note_key(
    connection: psycopg.Connection, key: AdoptedKey, contract: str, *, is_ours: bool
) -> int:
    """Write down that a key is worked on; gives its number.

    Args:
        connection: To the adopted database.
        key: The key.
        contract: Of its table.
        is_ours: Whether the index is made by us, so that a restore drops it.
    """
    row = connection.execute(
        "INSERT INTO leadfold_adopt.keys AS k"
        " (table_schema, table_name, contract, columns, index_name, wanted, is_ours, state)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 'cleaning')"
        " ON CONFLICT (table_schema, index_name) DO UPDATE SET columns = excluded.columns"
        " RETURNING key_no",
        [
            *(key.table.schema, key.table.name, contract, list(key.columns), key.index),
            *(Jsonb(dict(key.where)), is_ours),
        ],
    ).fetchone()
    assert row
    return int(row[0])


def note_valid(connection: psycopg.Connection, key_no: int) -> None:
    """Write down that Postgres keeps a key now."""
    connection.execute("UPDATE leadfold_adopt.keys SET state = 'valid' WHERE key_no = %s", [key_no])


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
    parts = (
        kind,
        *([about.schema] if about.schema != "public" else []),
        about.name,
        *([reference.name] if reference else []),
    )
    side = SideTable(
        shorten("_".join(parts)), kind, about.schema, about.name, about.primary_key,
        reference.columns if reference else (), about.written_columns,
    )  # fmt: skip
    stored = connection.execute(
        "SELECT column_names FROM leadfold_adopt.side_tables WHERE name = %s", [side.name]
    ).fetchone()
    if stored and tuple(stored[0]) != side.column_names:
        raise WrongCallError(
            f"The columns of {about.full_name} have changed since its rows were put into"
            f" {JOURNAL}.{side.name}. Restore first (leadfold adopt --restore), or rename that"
            " table and delete its row in leadfold_adopt.side_tables."
        )
    if stored:
        return side
    with connection.transaction():
        connection.execute(_definition(side, table, reference))
        connection.execute(
            sql.SQL("CREATE INDEX ON {} (_leadfold_batch_no)").format(side.identifier)
        )
        connection.execute(
            "INSERT INTO leadfold_adopt.side_tables VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                *(side.name, kind, about.schema, about.name, list(side.key_columns)),
                *(list(side.reference_columns), list(side.column_names)),
            ],
        )
    return side


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
    """All tables of the journal."""
    rows = connection.execute(
        "SELECT name, kind, table_schema, table_name, key_columns, reference_columns, column_names"
        " FROM leadfold_adopt.side_tables ORDER BY name"
    ).fetchall()
    return [
        SideTable(name, kind, schema, table, tuple(keys), tuple(refs), tuple(columns))
        for name, kind, schema, table, keys, refs, columns in rows
    ]
