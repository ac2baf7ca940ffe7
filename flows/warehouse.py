"""Connections to Postgres: the one place that opens them, migrates, and takes a team's lock."""

import getpass
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from contracts.errors import DatabaseUnavailableError, MigrationError
from flows import local_postgres
from flows.settings import Settings

OLDEST_SERVER = 140000
_MIGRATION_LOCK = "leadfold:migrations"

# An outside writer may keep a row locked; an import then plans again rather than wait for ever.
_SESSION = """
SET TIME ZONE 'UTC';
SET search_path = public, pg_temp;
SET lock_timeout = '60s';
SET client_min_messages = warning;
"""


def find_database(settings: Settings) -> str:
    """The address of the database in use; the embedded Postgres is started where none is set.

    Raises:
        DatabaseUnavailableError: The embedded Postgres does not start.
    """
    return settings.database_url or local_postgres.start(settings.home)


def connect(settings: Settings, purpose: str = "leadfold") -> psycopg.Connection:
    """Open a connection as ``open_connection`` does, with the schema up to date.

    Raises:
        DatabaseUnavailableError: It does not answer, or is older than Postgres 14.
        MigrationError: Its schema is not one that these migrations made.
    """
    connection = open_connection(settings, purpose)
    try:
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_connection(settings: Settings, purpose: str) -> psycopg.Connection:
    """Open a connection in autocommit mode: UTC, a fixed search path, timeouts.

    Args:
        settings: Which database.
        purpose: Shown as ``application_name`` in ``pg_stat_activity``.

    Raises:
        DatabaseUnavailableError: It does not answer, or is older than Postgres 14.
    """
    dsn = find_database(settings)
    try:
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            application_name=purpose[:63],
            connect_timeout=settings.connect_timeout_seconds,
            keepalives_idle=30,
        )
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise DatabaseUnavailableError(
            f"The database at {describe(dsn)} does not answer: {first_line(error)}\n"
            "Check LEADFOLD_DATABASE_URL and that the server is up."
        ) from error
    if connection.info.server_version < OLDEST_SERVER:
        found = connection.info.server_version // 10000
        connection.close()
        raise DatabaseUnavailableError(
            f"{describe(dsn)} is Postgres {found}; Leadfold needs 14 or newer."
        )
    connection.execute(_SESSION)
    return connection


@contextmanager
def answering() -> Iterator[None]:
    """Turn a connection that breaks into an error that says so.

    Raises:
        DatabaseUnavailableError: Postgres went away within.
    """
    try:
        yield
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(
            f"The database went away: {first_line(error)}\nNothing was written. Try again."
        ) from error


def describe(dsn: str) -> str:
    """A database's address without its password, for people."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "the given address"
    host = parts.get("host") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{host}{port}/{parts.get('dbname') or parts.get('user') or getpass.getuser()}"


def first_line(error: Exception) -> str:
    """What went wrong, in a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def migrate(connection: psycopg.Connection) -> list[str]:
    """Apply the migrations that are missing, each once, under a lock.

    Returns:
        The names of those applied now.

    Raises:
        MigrationError: An applied migration was edited, the database is newer than this
            program, or a table of ours exists without it.
    """
    files = _migrations()
    # Reading first keeps the usual start free of locks.
    if _pending(connection, files):
        with connection.transaction():
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_MIGRATION_LOCK]
            )
            pending = _pending(connection, files)
            for name in pending:
                _apply_migration(connection, name, files[name])
            return pending
    return []


def _migrations() -> dict[str, str]:
    folder = resources.files("flows") / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def _pending(connection: psycopg.Connection, files: dict[str, str]) -> list[str]:
    # Asked of the catalog as a table: to_regclass may answer from before the lock was waited for.
    found = connection.execute(
        "SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename = 'leadfold_migrations'"
    )
    if found.fetchone() is None:
        return list(files)
    applied: dict[str, str] = dict(
        connection.execute("SELECT name, checksum FROM leadfold_migrations").fetchall()
    )
    for name, checksum in applied.items():
        if name not in files:
            raise MigrationError(
                f"The database knows migration {name}, which this version of Leadfold does not.\n"
                "It was made by a newer version: upgrade Leadfold."
            )
        if checksum != _checksum(files[name]):
            raise MigrationError(
                f"Migration {name} was edited after it was applied.\n"
                "Put the file back as it was, and make the change in a migration of its own."
            )
    return [name for name in files if name not in applied]


def _apply_migration(connection: psycopg.Connection, name: str, text: str) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS leadfold_migrations ("
        " name text PRIMARY KEY, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    try:
        connection.execute(sql.SQL(text))
    except (psycopg.errors.DuplicateTable, psycopg.errors.InsufficientPrivilege) as error:
        raise MigrationError(
            f"Migration {name} cannot be applied: {first_line(error)}.\n"
            "Give Leadfold a database of its own, and a user who may create tables in it."
        ) from error
    connection.execute(
        "INSERT INTO leadfold_migrations (name, checksum) VALUES (%s, %s)", [name, _checksum(text)]
    )


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def team_locked(connection: psycopg.Connection, team_id: str, wait_seconds: int) -> Iterator[None]:
    """A transaction that holds the team's lock: one import of a team at a time.

    Raises:
        DatabaseUnavailableError: Another import of the team holds the lock for too long.
    """
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{wait_seconds}s"])
        try:
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('leadfold:' || %s, 0))", [team_id]
            )
        except psycopg.errors.LockNotAvailable as error:
            raise DatabaseUnavailableError(
                f"Another import of team '{team_id}' has been running for {wait_seconds} s.\n"
                "Wait for it, or raise LEADFOLD_LOCK_WAIT_SECONDS."
            ) from error
        connection.execute("SET LOCAL lock_timeout = '60s'")
        yield
