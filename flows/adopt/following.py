"""References without a foreign key that came in while the rows that they name went."""

import time
from typing import LiteralString

import psycopg
from psycopg import sql

from contracts.errors import LeadfoldError
from flows.adopt.adoption import Adoption
from flows.adopt.giving_back import PASSING
from flows.adopt.journal import begin_batch, open_side_table
from flows.adopt.schema import Reference
from flows.adopt.statements import equal, listed, numbered

_PATIENCE_SECONDS = 60.0
# Rows (c) that name one that went, and the row that stayed then (k).
_DANGLING: LiteralString = (
    "FROM {child} AS c JOIN ("
    " SELECT DISTINCT ON ({parent}) * FROM {removed} ORDER BY {parent}, _leadfold_batch_no DESC"
    ") AS s ON c.{column} = s.{parent}"
    " CROSS JOIN jsonb_populate_record(NULL::{table}, s._leadfold_kept) AS k"
    " WHERE NOT EXISTS (SELECT FROM {table} AS t WHERE t.{parent} = s.{parent})"
)


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
    return sum(_follow_all(connection, adoption, each, key_no) for each in undeclared)


def _await_others(connection: psycopg.Connection) -> None:
    """Wait until all transactions have ended that have written anything by now."""
    (begun,) = connection.execute(
        "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    ).fetchone() or (0,)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        (oldest,) = connection.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        ).fetchone() or (0,)
        if oldest >= begun:
            return
        time.sleep(0.2)


def _follow_all(
    connection: psycopg.Connection, adoption: Adoption, reference: Reference, key_no: int
) -> int:
    """Again as long as any moves: the row that stayed then may have gone since."""
    total = 0
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            moved = _follow(connection, adoption, reference, key_no)
        except PASSING:
            if time.monotonic() > deadline:
                raise LeadfoldError(
                    f"Others keep rows of {reference.child.full_name} locked, some of which refer"
                    " to a row that went. End what holds them (pg_stat_activity)."
                ) from None
            time.sleep(0.3)
            continue
        if not moved:
            return total
        total += moved


def _follow(
    connection: psycopg.Connection, adoption: Adoption, reference: Reference, key_no: int
) -> int:
    (parent,) = adoption.table.primary_key
    key, (column,) = reference.child.primary_key, reference.columns
    parts = {
        "moved": open_side_table(connection, "moved", adoption.table, reference).identifier,
        "removed": open_side_table(connection, "removed", adoption.table).identifier,
        "key": listed("c", key),
        "after": sql.SQL(", ").join(
            sql.Identifier("k", parent) if name == column else sql.Identifier("c", name)
            for name in key
        ),
        "column": sql.Identifier(column),
        "parent": sql.Identifier(parent),
        "table": adoption.table.identifier,
        "child": reference.child.identifier,
        "is_row": equal("c", key, "m", numbered("key", key)),
    }
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '300ms'")
        connection.execute(
            sql.SQL("SELECT {key} " + _DANGLING + " FOR UPDATE OF c").format(**parts)
        )
        parts["batch_no"] = sql.Literal(begin_batch(connection, key_no))
        noted = connection.execute(
            sql.SQL(
                "INSERT INTO {moved} SELECT {batch_no}, {key}, {after}, c.{column}, k.{parent} "
                + _DANGLING
            ).format(**parts)
        ).rowcount
        if not noted:
            raise psycopg.Rollback
        connection.execute(
            sql.SQL(
                "UPDATE {child} AS c SET {column} = m.is_1 FROM {moved} AS m"
                " WHERE m._leadfold_batch_no = {batch_no} AND c.{column} = m.was_1 AND {is_row}"
            ).format(**parts)
        )
        connection.execute(
            sql.SQL("UPDATE leadfold_adopt.batches SET moved = {} WHERE batch_no = {}").format(
                noted, parts["batch_no"]
            )
        )
    return noted
