"""References to rows that go, moved to the row that stays."""

from collections.abc import Sequence

import psycopg
from psycopg import sql

from contracts.errors import LeadfoldError
from flows.adopt.checks import list_unique
from flows.adopt.journal import SideTable, open_side_table
from flows.adopt.schema import ExistingTable, Index, Reference
from flows.adopt.statements import equal, listed, named, numbered, renamed

# What is there already must not be on its way out.
_LOCK_EQUALS = """
WITH moving AS (SELECT {child_key}, {after} {moving})
SELECT FROM {child} AS c
WHERE EXISTS (SELECT FROM moving AS m WHERE {has_values})
ORDER BY {child_order} FOR UPDATE OF c
"""
_NOTE_EQUALS = """
WITH moving AS (SELECT {child_key}, {after} {moving}),
wanted AS MATERIALIZED (
    SELECT * FROM moving AS m
    WHERE {is_whole} AND EXISTS (
        SELECT FROM (SELECT * FROM {child} WHERE {is_about}) AS c WHERE {is_same}
    )
),
all_rows AS (
    SELECT {wanted_key}, {wanted_values}, 1 AS is_moving FROM wanted AS m
    UNION ALL
    SELECT {child_key}, {child_values}, 0
    FROM (SELECT * FROM {child} WHERE {is_about}) AS c
    WHERE EXISTS (SELECT FROM wanted AS m WHERE {has_values})
        AND NOT EXISTS (SELECT FROM moving AS m WHERE {is_same})
),
placed AS (
    SELECT *, row_number() OVER (PARTITION BY {values} ORDER BY is_moving, {keys}) AS place
    FROM all_rows
)
INSERT INTO {side} SELECT {batch}, {child_columns}
FROM {child} AS c JOIN placed AS m ON m.place > 1 AND {is_same}
"""
_DROP_EQUALS = """
DELETE FROM {child} AS c USING {side} AS m WHERE m._leadfold_batch_no = {batch} AND {is_kept}
"""


class ReferenceMover:
    """Moves one reference, a batch at a time.

    A row that would come to be equal to one that is there already, by a unique index of its own
    table, does not move: it goes, and is kept.

    Args:
        connection: To the adopted database.
        table: The table whose rows go.
        reference: By what its rows are referred to.
    """

    def __init__(
        self, connection: psycopg.Connection, table: ExistingTable, reference: Reference
    ) -> None:
        self._connection = connection
        self._table = table
        self._reference = reference
        self._moved = open_side_table(connection, "moved", table, reference)
        self._unique = [] if reference.is_to_itself else list_unique(reference)
        self._dropped: SideTable | None = None
        if self._unique:
            self._dropped = open_side_table(connection, "dropped", table, reference)

    @property
    def place(self) -> int:
        """Before which others it moves: in the order in which their journals were begun."""
        return self._moved.side_no

    def move(self, batch_no: int) -> tuple[int, int]:
        """Move what refers to rows of ``pg_temp.ranked`` that go.

        Returns:
            How many rows were moved, and how many went since they became equal to another.
        """
        # Somebody may be about to let them refer to another row.
        self._connection.execute(self._lock_statement)
        dropped = sum(self._drop_equals(batch_no, index) for index in self._unique)
        noted = self._connection.execute(self._note_statement(batch_no)).rowcount
        moved = self._connection.execute(self._move_statement(batch_no)).rowcount
        if moved != noted:
            raise LeadfoldError(
                f"{noted:,} rows of {self._reference.child.full_name} were to refer to the row that"
                f" stays, and {moved:,} came to: a trigger or rule of it keeps them."
            )
        if self._reference.is_to_itself:
            # What others may take over of a row that goes; it is kept as it was already.
            self._connection.execute(self._follow_statement)
        return moved, dropped

    @property
    def _moving(self) -> sql.Composed:
        """FROM and WHERE of the rows that refer (``c``) to one that goes, with the one that stays
        (``kept``). Of the table itself, rows that go as well stay as they are."""
        table, reference = self._table, self._reference
        key = table.primary_key
        stays: sql.Composable = sql.SQL("")
        if reference.is_to_itself:
            stays = sql.SQL(
                "WHERE NOT EXISTS (SELECT FROM pg_temp.ranked AS g WHERE g.place > 1 AND {})"
            ).format(equal("g", numbered("key", key), "c", key))
        return sql.SQL(
            "FROM pg_temp.ranked AS r"
            " JOIN {table} AS gone ON r.place > 1 AND {is_gone}"
            " JOIN {table} AS kept ON {is_kept}"
            " JOIN {child} AS c ON {refers} {stays}"
        ).format(
            table=table.identifier,
            child=reference.child.identifier,
            is_gone=equal("gone", key, "r", numbered("key", key)),
            is_kept=equal("kept", key, "r", numbered("kept", key)),
            refers=equal("c", reference.columns, "gone", reference.parent_columns),
            stays=stays,
        )

    def _after(self, columns: Sequence[str]) -> sql.Composed:
        """The values that columns of ``c`` are to have."""
        given = dict(zip(self._reference.columns, self._reference.parent_columns, strict=True))
        return sql.SQL(", ").join(
            sql.Identifier("kept", given[name]) if name in given else sql.Identifier("c", name)
            for name in columns
        )

    @property
    def _lock_statement(self) -> sql.Composed:
        key = listed("c", self._reference.child.primary_key)
        return sql.SQL("SELECT {} {} ORDER BY {} FOR UPDATE OF c").format(key, self._moving, key)

    def _note_statement(self, batch_no: int) -> sql.Composed:
        reference = self._reference
        key, refers = reference.child.primary_key, reference.columns
        return sql.SQL("INSERT INTO {} SELECT {}, {}, {}, {}, {} {}").format(
            self._moved.identifier,
            batch_no,
            listed("c", key),
            self._after(key),
            listed("c", refers),
            listed("kept", reference.parent_columns),
            self._moving,
        )

    def _move_statement(self, batch_no: int) -> sql.Composed:
        reference = self._reference
        key, refers = reference.child.primary_key, reference.columns
        values = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), sql.Identifier("m", now))
            for column, now in zip(refers, numbered("is", refers), strict=True)
        )
        return sql.SQL(
            "UPDATE {} AS c SET {} FROM {} AS m WHERE m._leadfold_batch_no = {} AND {}"
        ).format(
            reference.child.identifier,
            values,
            self._moved.identifier,
            batch_no,
            equal("c", key, "m", numbered("key", key)),
        )

    @property
    def _follow_statement(self) -> sql.Composed:
        """Of rows that go, references to rows that go."""
        table, refers = self._table, self._reference.columns
        key, parents = table.primary_key, self._reference.parent_columns
        values = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), sql.Identifier("kept", parent))
            for column, parent in zip(refers, parents, strict=True)
        )
        return sql.SQL(
            "UPDATE {table} AS c SET {values} FROM pg_temp.ranked AS g, pg_temp.ranked AS r"
            " JOIN {table} AS gone ON {is_gone} JOIN {table} AS kept ON {is_kept}"
            " WHERE g.place > 1 AND r.place > 1 AND {goes} AND {refers}"
        ).format(
            table=table.identifier,
            values=values,
            is_gone=equal("gone", key, "r", numbered("key", key)),
            is_kept=equal("kept", key, "r", numbered("kept", key)),
            goes=equal("c", key, "g", numbered("key", key)),
            refers=equal("c", refers, "gone", parents),
        )

    def _drop_equals(self, batch_no: int, index: Index) -> int:
        """Take rows away that would be equal by an index: those that refer already come first."""
        assert self._dropped
        child = self._reference.child
        key, columns = child.primary_key, index.columns
        new = numbered("value", columns)
        parts = {
            "side": self._dropped.identifier,
            "batch": sql.Literal(batch_no),
            "child": child.identifier,
            "child_key": renamed("c", key, numbered("key", key)),
            "child_order": listed("c", key),
            "child_values": renamed("c", columns, new),
            "child_columns": listed("c", tuple(child.columns)),
            "after": sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(value, sql.Identifier(name))
                for value, name in zip(self._after_each(columns), new, strict=True)
            ),
            "moving": self._moving,
            "is_about": sql.SQL(index.predicate or "true"),
            "is_whole": sql.SQL(" AND ").join(
                sql.SQL("{} IS NOT NULL").format(sql.Identifier("m", name)) for name in new
            ),
            "is_same": equal("c", key, "m", numbered("key", key)),
            "is_kept": equal("c", key, "m", key),
            "has_values": equal("c", columns, "m", new),
            "wanted_key": listed("m", numbered("key", key)),
            "wanted_values": listed("m", new),
            "values": named(new),
            "keys": named(numbered("key", key)),
        }
        self._connection.execute(sql.SQL(_LOCK_EQUALS).format(**parts))
        noted = self._connection.execute(sql.SQL(_NOTE_EQUALS).format(**parts)).rowcount
        if noted:
            self._connection.execute(sql.SQL(_DROP_EQUALS).format(**parts))
        return noted

    def _after_each(self, columns: Sequence[str]) -> list[sql.Composed]:
        return [self._after([name]) for name in columns]
