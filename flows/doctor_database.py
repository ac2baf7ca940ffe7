"""What ``leadfold doctor`` looks at in Postgres: that it answers, its clock, and the ledger."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, LiteralString

import psycopg

from contracts.errors import LeadfoldError
from flows import warehouse
from flows.checks import Finding, join, look
from flows.doctor_schema import check_claims, check_migrations, check_promises, check_rights
from flows.settings import Settings
from flows.teams import has_changed_policy, list_teams, policy_of
from flows.terminal import fault
from flows.workspace import is_held

_NOTICED = timedelta(seconds=5)
# So far off, times in files count as in the future, and schedules run at another hour.
_WRONG = timedelta(hours=1)

_SCHEMA = (check_rights, check_promises, check_claims)


def check_database(settings: Settings) -> Iterator[Finding]:
    """Everything about the database; where it does not answer, that alone.

    It is neither made nor migrated here.
    """
    if not settings.database_url and not (settings.home / "postgres" / "data").exists():
        says = "There is no database yet."
        yield Finding("database", "warning", says, "The first command that needs it makes it.")
        return
    try:
        connection = warehouse.open_connection(settings, "leadfold doctor")
    except Exception as error:
        says, _, remedy = fault(error).partition("\n")
        yield Finding("database", "wrong", says, remedy)
        return
    with closing(connection):
        yield from _check(connection, settings)


def _check(connection: psycopg.Connection, settings: Settings) -> Iterator[Finding]:
    for check in (check_server, check_clock):
        yield from look("database", partial(check, connection))
    migrated = list(look("database", lambda: check_migrations(connection)))
    yield from migrated
    if any(each.status != "ok" for each in migrated):
        # What is not there cannot be looked at.
        return
    for check in _SCHEMA:
        if connection.closed:
            return
        yield from look("database", partial(check, connection))
    yield from look("imports", lambda: check_imports(connection, settings))
    yield from look("settings", lambda: check_teams(connection))


def check_server(connection: psycopg.Connection) -> Iterator[Finding]:
    """Which server it is, and whether it can be written to."""
    place = warehouse.describe(connection.info.dsn)
    version = connection.info.server_version
    told = f"Postgres {version // 10000}.{version % 10000} answers at {place}"
    if _ask(connection, "SELECT pg_is_in_recovery()"):
        yield Finding(
            *("database", "wrong", f"{told}, a standby that cannot be written to."),
            "Give the address of the primary server in LEADFOLD_DATABASE_URL.",
        )
    elif _ask(connection, "SELECT current_setting('default_transaction_read_only')::boolean"):
        yield Finding(
            *("database", "wrong", f"{told}, which is read-only."),
            "ALTER DATABASE ... SET default_transaction_read_only = off;",
        )
    else:
        yield Finding("database", "ok", f"{told}.")


def check_clock(connection: psycopg.Connection) -> Iterator[Finding]:
    """Whether its clock and ours agree."""
    before = datetime.now(UTC)
    server = _ask(connection, "SELECT clock_timestamp()")
    yield judge_clock(before, server, datetime.now(UTC))


def judge_clock(before: datetime, server: datetime, after: datetime) -> Finding:
    """What to think of the server's clock, which was read between two times of ours."""
    off = max(before - server, server - after, timedelta())
    seconds = f"{off.total_seconds():,.0f} s"
    if off <= _NOTICED:
        return Finding("database", "ok", "The server's clock agrees with ours; times are in UTC.")
    return Finding(
        "database",
        "wrong" if off >= _WRONG else "warning",
        f"The server's clock is {seconds} {'behind' if server < before else 'ahead of'} ours.",
        "Set both machines' clocks by NTP.",
    )


def check_imports(connection: psycopg.Connection, settings: Settings) -> Iterator[Finding]:
    """Which imports wait for a person, and which say that they run while no process does it."""
    held = connection.execute(
        "SELECT count(*), min(finished_at) FROM imports WHERE status = 'held'"
    ).fetchone()
    if held and held[0]:
        yield Finding(
            "imports",
            "warning",
            f"{held[0]:,} imports are held for a person, the oldest since {held[1]:%Y-%m-%d %H:%M}"
            " UTC.",
            "Decide about them in the Prefect UI. To see them: leadfold imports",
        )
    running = connection.execute(
        "SELECT import_id FROM imports WHERE status = 'running' ORDER BY import_id"
    ).fetchall()
    dead = [name for (name,) in running if not is_held(settings.work / f"{name}.lock")]
    if dead:
        yield Finding(
            "imports",
            "warning",
            f"No process of this machine works on {len(dead):,} imports that say 'running':"
            f" {join(dead, 2)}.",
            "Unless another machine does, leadfold up takes them up again; else import the files"
            " again.",
        )
    if not dead:
        says = f"Imports that run, each in a process that lives: {len(running):,}."
        yield Finding("imports", "ok", says)


def check_teams(connection: psycopg.Connection) -> Iterator[Finding]:
    """Whether each team's policy in effect is one, and the one of its file."""
    teams = list_teams(connection)
    faults = []
    for team in teams:
        try:
            policy_of(team)
            is_changed = has_changed_policy(team)
        except LeadfoldError as error:
            says, _, more = str(error).partition("\n")
            faults.append(Finding("settings", "wrong", says, more))
            continue
        if is_changed:
            says = f"The policy file of team '{team.name}' says something else than is in effect."
            remedy = f"leadfold refold '{team.team_id}' puts it in effect."
            faults.append(Finding("settings", "warning", says, remedy))
    yield from faults
    if not faults:
        yield Finding(
            "settings", "ok", f"Teams that have the policies of their files: {len(teams):,}."
        )


def _ask(connection: psycopg.Connection, question: LiteralString) -> Any:
    row = connection.execute(question).fetchone()
    return row[0] if row else None
