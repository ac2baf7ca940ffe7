"""Planning again where another writer was faster, or Postgres was away for a moment."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import NamedTuple

import psycopg

from contracts.errors import (
    DatabaseUnavailableError,
    LeadfoldError,
    StalePlanError,
    TeamBusyError,
)
from flows import ledger, warehouse
from flows.jobs import Outcome
from flows.ledger import Status
from flows.settings import Settings

MAX_TRIES = 5
_BACKOFF_SECONDS = 0.2
_RESTART_SECONDS = 1.0

# Classes of SQLSTATE (PostgreSQL, Appendix A) that pass: lost connections, conflicts with other
# writers, lock timeouts, a server that is going down or coming up.
_PASSING = ("08", "40", "55P03", "57P01", "57P02", "57P03")


def is_passing(error: Exception) -> bool:
    """Whether planning again from fresh state may help.

    What a writer outside Leadfold, a lost connection or a restart of Postgres did to a plan does
    not last; a full disk, a value too long for an index, or a busy team do.
    """
    if isinstance(error, DatabaseUnavailableError):
        return not isinstance(error, TeamBusyError)
    if isinstance(error, psycopg.OperationalError):
        return error.sqlstate is None or error.sqlstate.startswith(_PASSING)
    return isinstance(error, StalePlanError | psycopg.errors.UniqueViolation)


def tell_stopped(
    settings: Settings, import_id: str, status: Status, reason: str, code: str = ""
) -> None:
    """Tell the ledger why an import stopped, if the database can still be told."""
    with (
        suppress(LeadfoldError, psycopg.Error),
        warehouse.connected(settings, import_id) as connection,
    ):
        ledger.stop_import(connection, import_id, status, reason, code)


class Try(NamedTuple):
    """One try to plan and apply.

    Attributes:
        connection: A connection of its own.
        conflicts: What earlier tries met, by constraint or ``row_version``.
        is_last: Whether to keep others from writing meanwhile, since there is no further try.
    """

    connection: psycopg.Connection
    conflicts: Mapping[str, int]
    is_last: bool


def try_until_applied(
    settings: Settings, import_id: str, once: Callable[[Try], Outcome]
) -> Outcome:
    """Plan and apply; where what others did spoils it, again from fresh state, with backoff.

    Raises:
        DatabaseUnavailableError: Postgres does not answer, or others kept changing the rows.
    """
    conflicts: Counter[str] = Counter()
    for attempt in range(1, MAX_TRIES + 1):
        try:
            with closing(warehouse.connect(settings, import_id)) as connection:
                return once(Try(connection, conflicts, attempt == MAX_TRIES))
        except (LeadfoldError, psycopg.Error) as error:
            if not is_passing(error):
                if isinstance(error, LeadfoldError):
                    raise
                raise DatabaseUnavailableError(
                    f"Nothing was written. Postgres says: {warehouse.first_line(error)}"
                ) from error
            conflicts[_conflict(error)] += 1
            if attempt == MAX_TRIES:
                raise DatabaseUnavailableError(
                    f"Nothing was written: {MAX_TRIES} tries failed, the last one because: "
                    f"{warehouse.first_line(error)}\nImport the file again."
                ) from error
            # Jitter, so that those who met do not meet again; a restart takes some seconds.
            is_gone = not isinstance(error, StalePlanError | psycopg.errors.UniqueViolation)
            least = _RESTART_SECONDS * attempt if is_gone else 0
            time.sleep(least + random.uniform(0, _BACKOFF_SECONDS * 2**attempt))
    raise AssertionError("unreachable: the last try returns or raises")


def _conflict(error: Exception) -> str:
    """What another writer's change is called in the ledger: the constraint that it met."""
    if isinstance(error, StalePlanError):
        return error.conflict
    if isinstance(error, psycopg.Error) and error.diag.constraint_name:
        return error.diag.constraint_name
    return type(error).__name__
