"""An adoption taken back: the indexes dropped, and what was cleaned as it was before.

Batches are given back from the last to the first, each in one transaction. What somebody changed
since stays as they left it, and is told.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from contracts.errors import LeadfoldError, WrongCallError
from flows.adopt import guards, indexes
from flows.adopt.adopting import alone
from flows.adopt.giving_back import PASSING, Left, give_back
from flows.adopt.journal import SideTable, has_journal, list_side_tables
from flows.adopt.locks import LockLog

_LOCK_TIMEOUT = "300ms"
_PATIENCE_SECONDS = 120.0
_TOLD = 1_000


@dataclass
class Restored:
    """What was given back.

    Attributes:
        removed: Rows that had gone.
        moved: References.
        dropped: Rows that had referred.
        changed: Rows that had stayed, and taken something over.
        left: What was not given back; the first 1,000.
        locks: What was held, for how long.
    """

    removed: int = 0
    moved: int = 0
    dropped: int = 0
    changed: int = 0
    left: list[Left] = field(default_factory=list)
    locks: LockLog = field(default_factory=LockLog)

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        kinds = ("removed", "moved", "dropped", "changed")
        return {
            "restored": {kind: getattr(self, kind) for kind in kinds},
            "left": [asdict(each) for each in self.left],
            "locks": self.locks.to_json(),
        }


def restore(connection: psycopg.Connection, tell: Callable[[str], None]) -> Restored:
    """Take the adoption of this database back.

    Args:
        connection: To the database, without a transaction.
        tell: Called with a sentence whenever a step is done.

    Raises:
        WrongCallError: Nothing was adopted here.
        LeadfoldError: Others keep rows locked; the same call goes on from there.
    """
    if not has_journal(connection):
        raise WrongCallError("Nothing was adopted in this database: there is no leadfold_adopt.")
    restored = Restored()
    with alone(connection):
        _drop_keys(connection, restored.locks, tell)
        sides = list_side_tables(connection)
        for batch_no in _list_batches(connection, sides):
            _restore_batch(connection, sides, batch_no, restored)
        tell(
            f"{restored.removed:,} rows, {restored.moved:,} references and {restored.dropped:,}"
            f" rows that referred are as they were; {restored.changed:,} rows gave back what they"
            " had taken over."
        )
        if _list_batches(connection, sides):
            tell(
                "What could not be given back stays in schema leadfold_adopt. The same command"
                " tries it again."
            )
        else:
            connection.execute("DROP SCHEMA leadfold_adopt CASCADE")
    return restored


def _drop_keys(connection: psycopg.Connection, log: LockLog, tell: Callable[[str], None]) -> None:
    keys = connection.execute(
        "SELECT key_no, table_schema, table_name, index_name, is_ours FROM leadfold_adopt.keys"
        " ORDER BY key_no"
    ).fetchall()
    for key_no, schema, table, index, is_ours in keys:
        guards.take_down(connection, schema, table, key_no, log)
        if is_ours:
            indexes.drop(connection, schema, index, log)
            tell(f"{schema}.{table}: {index} is dropped.")
    # One that somebody makes by that name from now on is theirs.
    connection.execute("UPDATE leadfold_adopt.keys SET is_ours = false, state = 'cleaning'")
    indexes.drop_helpers(connection, log)


def _list_batches(connection: psycopg.Connection, sides: list[SideTable]) -> list[int]:
    """The batches of which anything is left to give back, the last first."""
    queries: list[sql.Composable] = [
        sql.SQL("SELECT batch_no FROM leadfold_adopt.batches WHERE restored_at IS NULL")
    ]
    queries += [
        sql.SQL("SELECT _leadfold_batch_no FROM {}").format(side.identifier) for side in sides
    ]
    rows = connection.execute(
        sql.SQL("{} ORDER BY 1 DESC").format(sql.SQL(" UNION ").join(queries))
    ).fetchall()
    return [number for (number,) in rows]


def _restore_batch(
    connection: psycopg.Connection, sides: list[SideTable], batch_no: int, restored: Restored
) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with (
                restored.locks.holding("restore batch", "all tables"),
                connection.transaction(),
            ):
                connection.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
                counts, left = give_back(connection, sides, batch_no)
            break
        except PASSING:
            if time.monotonic() > deadline:
                raise LeadfoldError(
                    "Others keep rows locked that are to be given back. End what holds them"
                    " (pg_stat_activity), and run the same command again."
                ) from None
            time.sleep(0.3)
    for kind, count in counts.items():
        setattr(restored, kind, getattr(restored, kind) + count)
    restored.left += left[: _TOLD - len(restored.left)]
