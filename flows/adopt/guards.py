"""A trigger that keeps new duplicates out while the old ones are cleaned.

Without it a writer that goes on inserting duplicates would keep the unique index from ever being
made. It refuses what the index is going to refuse, by the same error.
"""

import random
import time
from collections.abc import Callable

import psycopg
from psycopg import errors, sql

from contracts.errors import LeadfoldError
from flows.adopt.adoption import AdoptedKey
from flows.adopt.locks import LockLog, Statement
from flows.adopt.schema import JOURNAL
from flows.adopt.statements import equal

_LOCK_TIMEOUT = "200ms"
_PATIENCE_SECONDS = 600.0
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0

_FUNCTION = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {search_path} AS {body}
"""
# Two that come at once do not see each other: the index will, and they are cleaned.
_BODY = """
BEGIN
    IF NOT ({covers_new}) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND ({covers_old}) AND {is_as_before} THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM {table} AS t WHERE {is_same} AND {covers} AND NOT ({is_row})) THEN
        RAISE unique_violation USING
            MESSAGE = {message}, DETAIL = 'The row is kept out until leadfold adopt is done.',
            CONSTRAINT = {index}, TABLE = {table_name}, SCHEMA = {schema};
    END IF;
    RETURN NULL;
END
"""


def put_up(connection: psycopg.Connection, key: AdoptedKey, key_no: int, log: LockLog) -> None:
    """Keep new duplicates of a key out.

    Args:
        connection: To the adopted database, without a transaction.
        key: The key; there is an index by which its rows are found.
        key_no: Its number in the journal.
        log: Where the lock is noted.

    Raises:
        LeadfoldError: Somebody keeps the table locked for too long.
    """
    connection.execute(_define(connection, key, key_no))
    name = _trigger_name(key_no)
    (there,) = connection.execute(
        "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s AND tgname = %s", [key.table.oid, name]
    ).fetchone() or (0,)
    if there:
        return
    statement = sql.SQL(
        "CREATE TRIGGER {} AFTER INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()"
    ).format(sql.Identifier(name), key.table.identifier, _function_name(key_no))
    locking(
        connection,
        log,
        "create trigger",
        key.table.full_name,
        lambda: connection.execute(statement),
    )


def take_down(
    connection: psycopg.Connection, schema: str, table: str, key_no: int, log: LockLog
) -> None:
    """Take it away; where there is none, nothing happens."""
    (there,) = connection.execute(
        "SELECT count(*) FROM pg_trigger WHERE tgname = %s AND tgrelid = to_regclass(%s)",
        [
            _trigger_name(key_no),
            sql.Identifier(schema, table).as_string(connection),
        ],
    ).fetchone() or (0,)
    if there:
        statement = sql.SQL("DROP TRIGGER {} ON {}").format(
            sql.Identifier(_trigger_name(key_no)), sql.Identifier(schema, table)
        )
        name = f"{schema}.{table}"
        locking(connection, log, "drop trigger", name, lambda: connection.execute(statement))
    connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {}()").format(_function_name(key_no)))


def locking(
    connection: psycopg.Connection,
    log: LockLog,
    statement: Statement,
    table: str,
    run: Callable[[], object],
) -> None:
    """Run what needs a table for a moment. While it waits, others wait behind it: so it gives up
    soon, and tries again.

    Raises:
        LeadfoldError: Others kept the table locked all the time.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    pause = _SHORTEST_PAUSE_SECONDS
    while True:
        try:
            with log.holding(statement, table), connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
                run()
            return
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if time.monotonic() > deadline:
                raise LeadfoldError(
                    f"{table} is kept locked by others ({statement} waits for it). End what holds"
                    " it (pg_locks, pg_stat_activity), and run the same command again."
                ) from None
            # Those who queued up behind it go first.
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            time.sleep(random.uniform(pause / 2, pause))


def _trigger_name(key_no: int) -> str:
    # The last of a row's triggers: it sees what the others have made of the row.
    return f"zz_leadfold_adopt_{key_no}"


def _function_name(key_no: int) -> sql.Identifier:
    return sql.Identifier(JOURNAL, f"guard_{key_no}")


def _define(connection: psycopg.Connection, key: AdoptedKey, key_no: int) -> sql.Composed:
    columns, table = key.columns, key.table
    # Where the columns' types are at home are the operators that compare them.
    homes = {table.columns[name].type_schema for name in columns} - {"pg_catalog"}
    body = sql.SQL(_BODY).format(
        covers_new=key.covers("new"),
        covers_old=key.covers("old"),
        is_as_before=equal("new", columns, "old", columns),
        table=table.identifier,
        is_same=equal("t", columns, "new", columns),
        covers=key.covers("t"),
        is_row=equal("t", table.primary_key, "new", table.primary_key),
        message=sql.Literal(f'duplicate key value violates unique constraint "{key.index}"'),
        index=sql.Literal(key.index),
        table_name=sql.Literal(table.name),
        schema=sql.Literal(table.schema),
    )
    return sql.SQL(_FUNCTION).format(
        function=_function_name(key_no),
        search_path=sql.SQL(", ").join(
            sql.Identifier(name) for name in ("pg_catalog", *sorted(homes), "pg_temp")
        ),
        body=sql.Literal(body.as_string(connection)),
    )
