"""Indexes made and dropped while writers go on, whatever an earlier run left behind."""

from collections.abc import Sequence

import psycopg
from psycopg import errors, sql

from contracts.errors import LeadfoldError
from flows.adopt.adoption import AdoptedKey, shorten
from flows.adopt.locks import LockLog
from flows.adopt.schema import ExistingTable
from flows.adopt.statements import named

_TRIES = 5
_PREFIX = "leadfold_adopt_"


def make_helper(
    connection: psycopg.Connection, table: ExistingTable, columns: Sequence[str], log: LockLog
) -> None:
    """Make an index by which rows are found meanwhile, where the table has none of its own."""
    if table.has_index_on(columns):
        return
    name = _helper_name(table, columns)
    statement = sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} ({})").format(
        sql.Identifier(name), table.identifier, named(columns)
    )
    if _is_valid(connection, table.schema, name) is not True:
        drop(connection, table.schema, name, log)
        with log.holding("create index", table.full_name):
            _run_alone(connection, statement)


def make_unique(connection: psycopg.Connection, key: AdoptedKey, log: LockLog) -> str:
    """Make the unique index of a key.

    Returns:
        Empty; or what Postgres says of duplicates that there are.

    Raises:
        LeadfoldError: Others kept it from being made, again and again.
    """
    table = key.table
    statement = sql.SQL("CREATE UNIQUE INDEX CONCURRENTLY {} ON {} ({}){}").format(
        sql.Identifier(key.index), table.identifier, named(key.columns), key.predicate
    )
    for _ in range(_TRIES):
        if _is_valid(connection, table.schema, key.index):
            return ""
        # Of a run that was killed, or that met duplicates.
        drop(connection, table.schema, key.index, log)
        try:
            with log.holding("create unique index", table.full_name):
                _run_alone(connection, statement)
        except errors.UniqueViolation as error:
            drop(connection, table.schema, key.index, log)
            return error.diag.message_detail or error.diag.message_primary or "duplicates"
        except errors.DeadlockDetected:
            continue
    if _is_valid(connection, table.schema, key.index):
        return ""
    raise LeadfoldError(
        f"The index {key.index} was not made in {_TRIES} tries: other transactions keep meeting it."
        " Run the same command again: it goes on from here."
    )


def drop_helpers(connection: psycopg.Connection, log: LockLog) -> None:
    """Drop all indexes that were made for the meantime."""
    rows = connection.execute(
        "SELECT n.nspname, c.relname"
        " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'i' AND starts_with(c.relname, %s)",
        [_PREFIX],
    ).fetchall()
    for schema, name in rows:
        drop(connection, schema, name, log)


def drop(connection: psycopg.Connection, schema: str, name: str, log: LockLog) -> None:
    """Drop an index, if there is one of that name."""
    if _is_valid(connection, schema, name) is None:
        return
    with log.holding("drop index", f"{schema}.{name}"):
        _run_alone(
            connection,
            sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(schema, name)),
        )


def _helper_name(table: ExistingTable, columns: Sequence[str]) -> str:
    return shorten(f"{_PREFIX}{table.name}_{'_'.join(columns)}")


def _is_valid(connection: psycopg.Connection, schema: str, name: str) -> bool | None:
    """Whether an index is in force; None: there is none."""
    row = connection.execute(
        "SELECT i.indisvalid AND i.indisready FROM pg_index AS i"
        " JOIN pg_class AS c ON c.oid = i.indexrelid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.relname = %s AND n.nspname = %s",
        [name, schema],
    ).fetchone()
    return bool(row[0]) if row else None


def _run_alone(connection: psycopg.Connection, statement: sql.Composed) -> None:
    """Outside of a transaction, and without a limit: it waits for others, and nobody for it."""
    connection.execute("SET lock_timeout = 0")
    try:
        connection.execute(statement)
    finally:
        if not connection.closed:
            connection.execute("SET lock_timeout = '60s'")
