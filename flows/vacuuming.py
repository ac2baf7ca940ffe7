"""Makes Postgres forget rows that were deleted: until then their bytes stand in its files."""

import psycopg
from psycopg import sql
from psycopg.errors import Diagnostic

# A table up to this size is written anew at once; a larger one would be locked for too long.
_REWRITE_BYTES = 512 * 1024**2
_WAIT = "10s"
_CLEARS_SAMPLES = 180000
_SAMPLES = "pg_statistic"


def vacuum(connection: psycopg.Connection, tables: list[str]) -> list[str]:
    """Clean tables of what was deleted, and the planner's samples of their values.

    Args:
        connection: In autocommit mode, without a transaction.
        tables: Those in which rows were changed or deleted.

    Returns:
        What remains, as sentences.
    """
    if not tables:
        return []
    remains: list[str] = []

    def note(said: Diagnostic) -> None:
        # Who may not clean a table is warned, and nothing fails.
        remains.append(f"Postgres says: {said.message_primary}.")

    connection.add_notice_handler(note)
    connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(_WAIT)))
    for table in (*tables, _SAMPLES):
        try:
            remains += _clean(connection, table)
        except psycopg.Error as error:
            reason = (str(error).strip().splitlines() or ["no reason given"])[0]
            remains.append(f"Table {table} could not be cleaned of old bytes: {reason}.")
    connection.execute("SET lock_timeout = '60s'")
    connection.remove_notice_handler(note)
    return remains


def _clean(connection: psycopg.Connection, table: str) -> list[str]:
    name = sql.Identifier(table)
    remains = []
    if table != _SAMPLES:
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(name))
        remains += _forget_samples(connection, table)
    if _size(connection, table) <= _REWRITE_BYTES:
        connection.execute(sql.SQL("VACUUM (FULL) {}").format(name))
    else:
        remains.append(
            f"The free space of table {table} may hold old bytes until it is used again, or until"
            f" you run VACUUM (FULL) {table}."
        )
    return remains


def _forget_samples(connection: psycopg.Connection, table: str) -> list[str]:
    """Drop the planner's samples of a table that is empty now: ANALYZE leaves those as they are."""
    name = sql.Identifier(table)
    is_filled = connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(name)).fetchone()
    if is_filled is not None:
        return []
    sampled = connection.execute(
        "SELECT schemaname, tablename, attname, inherited FROM pg_stats"
        " WHERE schemaname = 'public' AND tablename = %s",
        [table],
    ).fetchall()
    if sampled and connection.info.server_version < _CLEARS_SAMPLES:
        return [f"The planner's samples of table {table} (pg_stats) stay until it is filled again."]
    for column in sampled:
        connection.execute("SELECT pg_clear_attribute_stats(%s, %s, %s, %s)", column)
    return []


def _size(connection: psycopg.Connection, table: str) -> int:
    (size,) = connection.execute(
        "SELECT pg_total_relation_size(%s::regclass)", [table]
    ).fetchone() or (0,)
    return int(size)
