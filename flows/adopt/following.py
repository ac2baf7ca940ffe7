"""References without a foreign key that came in while the rows that they name went."""

import time

import psycopg
from psycopg import sql

from flows.adopt.adoption import Adoption
from flows.adopt.journal import begin_batch, open_side_table
from flows.adopt.schema import Reference
from flows.adopt.statements import equal, listed, numbered

_PATIENCE_SECONDS = 60.0


def follow_undeclared(connection: psycopg.Connection, adoption: Adoption, key_no: int) -> int:
    """Move references that nothing has kept from naming a row that is gone; gives how many.

    Transactions that were open meanwhile may bring some in, so it waits for those to end, for a
    minute at most. Who writes an id of a row that went after that, writes one that is not there.

    Args:
        connection: To the adopted database, without a transaction.
        adoption: Of the table.
        key_no: For which key rows went.
    """
    undeclared = [each for each in adoption.references if not each.is_declared]
    if not undeclared:
        return 0
    _await_others(connection)
    return sum(_follow(connection, adoption, each, key_no) for each in undeclared)


def _await_others(connection: psycopg.Connection) -> None:
    (begun,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        (older,) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start < %s AND backend_type = 'client backend'",
            [begun],
        ).fetchone() or (0,)
        if not older:
            return
        time.sleep(0.2)


def _follow(
    connection: psycopg.Connection, adoption: Adoption, reference: Reference, key_no: int
) -> int:
    """Again as long as any moves: the row that stayed then may have gone since."""
    (parent,) = adoption.table.primary_key
    removed = open_side_table(connection, "removed", adoption.table)
    moved = open_side_table(connection, "moved", adoption.table, reference)
    key, (column,) = reference.child.primary_key, reference.columns
    total = 0
    while True:
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '5s'")
            batch_no = begin_batch(connection, key_no)
            noted = connection.execute(
                sql.SQL(
                    "INSERT INTO {moved} SELECT {batch_no}, {key}, {after}, c.{column}, k.{parent}"
                    " FROM (SELECT DISTINCT ON ({parent}) * FROM {removed}"
                    " ORDER BY {parent}, _leadfold_batch_no DESC) AS s"
                    " CROSS JOIN jsonb_populate_record(NULL::{table}, s._leadfold_kept) AS k"
                    " JOIN {child} AS c ON c.{column} = s.{parent}"
                    " WHERE NOT EXISTS (SELECT FROM {table} AS t WHERE t.{parent} = s.{parent})"
                ).format(
                    moved=moved.identifier,
                    batch_no=batch_no,
                    key=listed("c", key),
                    after=sql.SQL(", ").join(
                        sql.Identifier("k", parent) if name == column else sql.Identifier("c", name)
                        for name in key
                    ),
                    column=sql.Identifier(column),
                    parent=sql.Identifier(parent),
                    removed=removed.identifier,
                    table=adoption.table.identifier,
                    child=reference.child.identifier,
                )
            ).rowcount
            connection.execute(
                sql.SQL(
                    "UPDATE {child} AS c SET {column} = m.is_1 FROM {moved} AS m"
                    " WHERE m._leadfold_batch_no = {batch_no} AND c.{column} = m.was_1 AND {is_row}"
                ).format(
                    child=reference.child.identifier,
                    column=sql.Identifier(column),
                    moved=moved.identifier,
                    batch_no=batch_no,
                    is_row=equal("c", key, "m", numbered("key", key)),
                )
            )
            connection.execute(
                "UPDATE leadfold_adopt.batches SET moved = %s WHERE batch_no = %s",
                [noted, batch_no],
            )
            if not noted:
                raise psycopg.Rollback
        if not noted:
            return total
        total += noted
