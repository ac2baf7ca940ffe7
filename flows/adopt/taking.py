"""Values that the row that stays takes over from those that go."""

import psycopg
from psycopg import sql

from contracts.errors import LeadfoldError
from flows.adopt.adoption import Adoption
from flows.adopt.journal import open_side_table
from flows.adopt.merging import Merge
from flows.adopt.statements import equal, listed, numbered, renamed


class ValueTaker:
    """Merges the rows of each group of ``pg_temp.ranked`` into the one that stays.

    Args:
        connection: To the adopted database.
        adoption: Of the table.
    """

    def __init__(self, connection: psycopg.Connection, adoption: Adoption) -> None:
        self._connection = connection
        self._table = adoption.table
        self._merges = adoption.merges
        self._pk = adoption.table.primary_key
        self._columns = tuple(each.column for each in adoption.merges)
        self._changed = open_side_table(connection, "changed", adoption.table)
        if self._merges:
            connection.execute("DROP TABLE IF EXISTS pg_temp.taken")
            connection.execute(
                sql.SQL(
                    "CREATE TEMP TABLE taken AS SELECT {}, {} FROM {} AS t WITH NO DATA"
                ).format(
                    renamed("t", self._pk, numbered("key", self._pk)),
                    renamed("t", self._columns, numbered("value", self._columns)),
                    self._table.identifier,
                )
            )

    def take(self, batch_no: int) -> int:
        """Merge; gives how many rows changed."""
        if not self._merges:
            return 0
        run = self._connection.execute
        run("DELETE FROM pg_temp.taken")
        run(self._find_statement)
        kept = run(self._keep_statement(batch_no)).rowcount
        if not kept:
            return 0
        changed = run(self._change_statement).rowcount
        if changed != kept:
            raise LeadfoldError(
                f"{kept:,} rows of {self._table.full_name} were to take something over, and"
                f" {changed:,} did: a trigger or rule of the table keeps them."
            )
        run(self._keep_after_statement(batch_no))
        return changed

    @property
    def _find_statement(self) -> sql.Composed:
        values = sql.SQL(", ").join(map(self._value, self._merges))
        return sql.SQL(
            "INSERT INTO pg_temp.taken SELECT {}, {} FROM pg_temp.ranked AS s"
            " JOIN {} AS own ON s.place = 1 AND {}"
        ).format(
            listed("own", self._pk),
            values,
            self._table.identifier,
            equal("own", self._pk, "s", numbered("key", self._pk)),
        )

    def _value(self, merge: Merge) -> sql.Composed:
        """What the row is to have: of the first of its group that has something there."""
        own = sql.Identifier("own", merge.column)
        column = self._table.columns[merge.column]
        first = sql.SQL(
            "coalesce((SELECT {value} FROM pg_temp.ranked AS r JOIN {table} AS t ON {is_row}"
            " WHERE r.group_no = s.group_no AND {has_value} AND {is_other} ORDER BY {order}"
            " LIMIT 1), {own})"
        ).format(
            value=sql.Identifier("t", merge.column),
            table=self._table.identifier,
            is_row=equal("t", self._pk, "r", numbered("key", self._pk)),
            has_value=column.is_filled("t"),
            is_other=sql.SQL("{} IS DISTINCT FROM {}").format(
                sql.Identifier("t", merge.column), sql.Identifier("own", merge.refers_to)
            )
            if merge.refers_to
            else sql.SQL("true"),
            order=merge.order,
            own=own,
        )
        if not merge.only_blanks:
            return first
        return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(
            column.is_filled("own"), own, first
        )

    @property
    def _differs(self) -> sql.Composed:
        """As text: not every type can be compared, as json cannot."""
        return sql.SQL(" OR ").join(
            sql.SQL("{}::text IS DISTINCT FROM {}::text").format(
                sql.Identifier("t", column), sql.Identifier("v", value)
            )
            for column, value in zip(self._columns, numbered("value", self._columns), strict=True)
        )

    @property
    def _is_taker(self) -> sql.Composed:
        return equal("t", self._pk, "v", numbered("key", self._pk))

    def _keep_statement(self, batch_no: int) -> sql.Composed:
        return sql.SQL(
            "INSERT INTO {} SELECT {}, false, {}"
            " FROM pg_temp.taken AS v JOIN {} AS t ON {} WHERE {}"
        ).format(
            self._changed.identifier,
            batch_no,
            listed("t", tuple(self._table.columns)),
            self._table.identifier,
            self._is_taker,
            self._differs,
        )

    @property
    def _change_statement(self) -> sql.Composed:
        values = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), sql.Identifier("v", value))
            for column, value in zip(self._columns, numbered("value", self._columns), strict=True)
        )
        return sql.SQL("UPDATE {} AS t SET {} FROM pg_temp.taken AS v WHERE {} AND ({})").format(
            self._table.identifier, values, self._is_taker, self._differs
        )

    def _keep_after_statement(self, batch_no: int) -> sql.Composed:
        return sql.SQL(
            "INSERT INTO {side} SELECT {batch_no}, true, {columns}"
            " FROM {side} AS b JOIN {table} AS t ON {is_row}"
            " WHERE b._leadfold_batch_no = {batch_no} AND NOT b._leadfold_is_after"
        ).format(
            batch_no=batch_no,
            side=self._changed.identifier,
            columns=listed("t", tuple(self._table.columns)),
            table=self._table.identifier,
            is_row=equal("t", self._pk, "b", self._pk),
        )
