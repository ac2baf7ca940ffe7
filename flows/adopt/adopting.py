"""An adoption carried out: duplicates kept out, cleaned, and the unique index made.

What was done is in the database, and nowhere else: a run that was killed is begun again by the same
command, finds what is left to do, and does it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg

from contracts.errors import LeadfoldError
from flows.adopt import guards, indexes
from flows.adopt.adoption import AdoptedKey, Adoption
from flows.adopt.checks import list_blanks
from flows.adopt.cleaning import Cleaner
from flows.adopt.following import follow_undeclared
from flows.adopt.journal import Cleaned, open_journal
from flows.adopt.key_states import is_begun, note_key, note_valid
from flows.adopt.locks import LockLog

_LOCK = "leadfold:adopt"
_PATIENCE_SECONDS = 30.0
# Duplicates that come in all the same, from writers whose snapshot is older than the guard.
_ROUNDS = 5


@dataclass(frozen=True)
class AdoptedResult:
    """What became of one key.

    Attributes:
        table: The table.
        columns: The key.
        index: The unique index.
        cleaned: What was done in all runs so far.
        is_valid: Whether Postgres keeps the key.
    """

    table: str
    columns: tuple[str, ...]
    index: str
    cleaned: Cleaned
    is_valid: bool

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "table": self.table,
            "columns": list(self.columns),
            "index": self.index,
            **asdict(self.cleaned),
            "is_valid": self.is_valid,
        }


@dataclass(frozen=True)
class Applied:
    """All of it.

    Attributes:
        keys: What became of each key.
        locks: What was held, for how long.
    """

    keys: list[AdoptedResult] = field(default_factory=list)
    locks: LockLog = field(default_factory=LockLog)


@contextmanager
def alone(connection: psycopg.Connection) -> Iterator[None]:
    """No other adoption of this database runs meanwhile.

    Raises:
        LeadfoldError: One runs.
    """
    # A statement whose client was killed ends; without it an index would be built to its end first.
    with suppress(psycopg.Error):
        connection.execute("SET client_connection_check_interval = '1s'")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # Asked again and again: CREATE INDEX CONCURRENTLY would wait for who waits in a statement.
    while connection.execute(
        "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_LOCK]
    ).fetchone() != (True,):
        if time.monotonic() > deadline:
            raise LeadfoldError(
                "Another leadfold adopt works on this database. Wait until it has ended."
            )
        time.sleep(0.2)
    yield
    connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [_LOCK])


def apply(
    connection: psycopg.Connection, adoptions: Sequence[Adoption], tell: Callable[[str], None]
) -> Applied:
    """Clean the tables and bring them under their keys.

    Args:
        connection: To the database, without a transaction; ``checks`` found nothing against it.
        adoptions: What is wanted.
        tell: Called with a sentence whenever a step is done.

    Raises:
        LeadfoldError: Something cannot be done as the data stands; what was done stays, and the
            same call goes on from there.
    """
    applied = Applied()
    with alone(connection):
        open_journal(connection)
        _let_go_of_others(connection, adoptions, applied.locks, tell)
        for adoption in adoptions:
            for key in adoption.keys:
                _apply_key(connection, adoption, key, applied.locks, tell)
                applied.keys.append(_tell_key(connection, key))
        indexes.drop_helpers(connection, applied.locks)
    return applied


def _let_go_of_others(
    connection: psycopg.Connection,
    adoptions: Sequence[Adoption],
    log: LockLog,
    tell: Callable[[str], None],
) -> None:
    """Keys of a run that was cut off, and that are not wanted any more: duplicates may come in."""
    wanted = {(key.table.schema, key.index) for each in adoptions for key in each.keys}
    begun = connection.execute(
        "SELECT key_no, table_schema, table_name, index_name FROM leadfold_adopt.keys"
        " WHERE state = 'cleaning'"
    ).fetchall()
    for key_no, schema, table, index in begun:
        if (schema, index) not in wanted:
            guards.take_down(connection, schema, table, key_no, log)
            tell(f"{schema}.{table}: {index} of an earlier run is not wanted any more.")


def _apply_key(
    connection: psycopg.Connection,
    adoption: Adoption,
    key: AdoptedKey,
    log: LockLog,
    tell: Callable[[str], None],
) -> None:
    was_cut_off = is_begun(connection, key)
    key_no = note_key(connection, key, adoption.contract, is_ours=not key.is_in_force)
    if not key.is_in_force:
        cleaner = Cleaner(connection, adoption, key, key_no, log)
        indexes.make_helper(connection, key.table, key.columns, log)
        for each in adoption.references:
            indexes.make_helper(connection, each.child, each.columns, log)
        guards.put_up(connection, key, key_no, log)
        tell(f"{key.name}: duplicates are kept out from here.")
        if blanks := list(list_blanks(connection, key)):
            raise LeadfoldError(blanks[0])
        for _ in range(_ROUNDS):
            cleaned = cleaner.clean()
            tell(
                f"{key.name}: groups cleaned: {cleaned.groups:,}, rows removed:"
                f" {cleaned.removed:,}, references moved: {cleaned.moved:,}, that became equal:"
                f" {cleaned.dropped:,}, rows filled: {cleaned.changed:,}."
            )
            if not (why := indexes.make_unique(connection, key, log)):
                break
        else:
            raise LeadfoldError(
                f"{key.name}: there are still duplicates ({why}), as writers in long transactions"
                " bring them in. Run the same command again when there are fewer of those."
            )
        tell(f"{key.name}: {key.index} is valid.")
    if was_cut_off or not key.is_in_force:
        follow_undeclared(connection, adoption, key_no)
    guards.take_down(connection, key.table.schema, key.table.name, key_no, log)
    note_valid(connection, key_no)


def _tell_key(connection: psycopg.Connection, key: AdoptedKey) -> AdoptedResult:
    """What all runs have done about a key."""
    row = connection.execute(
        "SELECT coalesce(sum(groups), 0)::int, coalesce(sum(removed), 0)::int,"
        " coalesce(sum(moved), 0)::int, coalesce(sum(dropped), 0)::int,"
        " coalesce(sum(changed), 0)::int, k.state = 'valid'"
        " FROM leadfold_adopt.keys AS k LEFT JOIN leadfold_adopt.batches AS b"
        " ON b.key_no = k.key_no AND b.restored_at IS NULL"
        " WHERE k.table_schema = %s AND k.index_name = %s GROUP BY k.state",
        [key.table.schema, key.index],
    ).fetchone()
    assert row
    *counts, is_valid = row
    return AdoptedResult(
        key.table.full_name, key.columns, key.index, Cleaned(*counts), is_valid=is_valid
    )
