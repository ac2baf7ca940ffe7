"""Connections to Postgres: the one place that opens them, migrates, and takes a team's lock."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from importlib import resources

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from contracts.errors import DatabaseUnavailableError, MigrationError, TeamBusyError
from flows import local_postgres
from flows.settings import Settings

OLDEST_SERVER = 140000
_MIGRATION_LOCK = "leadfold:migrations"

# An outside writer may keep a row locked; an import then plans again rather than wait for ever.
# Other timeouts, which a role or database may set, would end a connection while it waits for a
# long plan. They are asked for by name: each version of Postgres has more of them.
_SESSION = """
SET TIME ZONE 'UTC';
SET search_path = public, pg_temp;
SET lock_timeout = '60s';
SET client_min_messages = warning;
SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN (
    'statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout',
    'transaction_timeout'
);
"""

_NOT_AN_ADDRESS = """\
LEADFOLD_DATABASE_URL is not the address of a database.
Write postgresql://user:password@host:5432/database; in user and password write special characters
percent-encoded: / as %2F, @ as %40, : as %3A, % as %25, a blank as %20."""

# lock_timeout is counted in milliseconds, in 32 bits; 0 would wait for ever.
_LONGEST_WAIT_MS = 2**31 - 1


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
        DatabaseUnavailableError: It does not answer, is older than Postgres 14, or its address
            is none.
    """
    dsn = find_database(settings)
    name = describe(dsn)
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
            f"The database at {name} does not answer: {first_line(error)}\n"
            "Check LEADFOLD_DATABASE_URL and that the server is up."
        ) from error
    if connection.info.server_version < OLDEST_SERVER:
        found = connection.info.server_version // 10000
        connection.close()
        raise DatabaseUnavailableError(f"{name} is Postgres {found}; Leadfold needs 14 or newer.")
    connection.execute(_SESSION)
    return connection


@contextmanager
def connected(settings: Settings, purpose: str = "leadfold") -> Iterator[psycopg.Connection]:
    """A connection as ``connect`` opens it, closed at the end; errors as in ``answering``."""
    with answering(), closing(connect(settings, purpose)) as connection:
        yield connection


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
    """A database's address without its password, for people.

    Raises:
        DatabaseUnavailableError: It is no address. The message quotes nothing of it: where
            special characters stand unencoded, any part may hold some of the password.
    """
    parts = _parse(dsn)
    if parts is None:
        # Outside the except clause: a traceback would show what libpq says, password and all.
        raise DatabaseUnavailableError(_NOT_AN_ADDRESS)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    database = parts.get("dbname") or parts.get("user")
    return f"{host}{port}/{database}" if database else f"{host}{port}"


def _parse(dsn: str) -> dict[str, str] | None:
    """What an address says, or None where it is none or libpq may have cut it in a wrong place."""
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    except psycopg.ProgrammingError:
        return None
    if not re.fullmatch(r"[0-9,]*", parts.get("port", "")):
        return None
    # `key=value` says what is what; a URL is cut at the first `/`, `@` or `:` that fits.
    is_url = dsn.startswith(("postgresql://", "postgres://"))
    names = [*parts.get("host", "").split(","), parts.get("dbname", "")]
    return None if is_url and any(map(_is_odd, names)) else parts


def _is_odd(name: str) -> bool:
    """Whether a host or database in a URL is likelier the rest of a password."""
    is_socket_folder = name.startswith("/") and "@" not in name
    is_ipv6 = re.fullmatch(r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(%\w+)?", name) is not None
    return not (is_socket_folder or is_ipv6) and re.search(r"[@:\s]", name) is not None


def first_line(error: BaseException) -> str:
    """What went wrong, in a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def migrate(connection: psycopg.Connection) -> list[str]:
    """Apply the migrations that are missing, each once, under a lock.

    Returns:
        The names of those applied now.

    Raises:
        MigrationError: An applied migration was edited, the database is newer than this
            program, a table of ours exists without it, the user may not create tables, or others
            are at work in it.
    """
    files = read_migrations()
    # Reading first keeps the usual start free of locks.
    if list_pending(connection, files):
        try:
            with connection.transaction():
                connection.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_MIGRATION_LOCK]
                )
                pending = list_pending(connection, files)
                for name in pending:
                    _apply_migration(connection, name, files[name])
                return pending
        except psycopg.errors.LockNotAvailable as error:
            raise MigrationError(
                "The database is to be brought up to date, but others are at work in it: an import,"
                " or a migration that was begun elsewhere.\n"
                "Wait until it has ended, then: leadfold migrate"
            ) from error
    return []


@cache
def read_migrations() -> dict[str, str]:
    """Name -> SQL of every migration, in the order in which they are applied."""
    folder = resources.files("flows") / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def list_pending(connection: psycopg.Connection, files: dict[str, str]) -> list[str]:
    """The names of the migrations that are still to be applied.

    Raises:
        MigrationError: An applied one was edited, or is not known to this program.
    """
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
    try:
        # With its schema: a user who may not use `public` would create a temporary table.
        connection.execute(
            "CREATE TABLE IF NOT EXISTS public.leadfold_migrations ("
            " name text PRIMARY KEY, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        connection.execute(sql.SQL(text))
        connection.execute(
            "INSERT INTO leadfold_migrations (name, checksum) VALUES (%s, %s)",
            [name, _checksum(text)],
        )
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise MigrationError(
            f"Migration {name} cannot be applied: the database is read-only.\n"
            "Give the address of the primary server, and see default_transaction_read_only."
        ) from error
    except psycopg.errors.UniqueViolation as error:
        # Not as Postgres tells it: that holds people's data.
        raise MigrationError(
            f"Migration {name} cannot be applied: two rows are alike that the index"
            f" {error.diag.constraint_name} tells apart.\nAn index of Leadfold's was dropped, it"
            " seems. Take one of each two away, then: leadfold migrate"
        ) from None
    except (
        psycopg.errors.DuplicateTable,
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.InvalidSchemaName,
    ) as error:
        raise MigrationError(
            f"Migration {name} cannot be applied: {first_line(error)}.\n"
            "Give Leadfold a database of its own, and a user who may create tables in its schema"
            " public."
        ) from error


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def team_locked(connection: psycopg.Connection, team_id: str, wait_seconds: int) -> Iterator[None]:
    """A transaction that holds the team's lock: one import of a team at a time.

    Raises:
        TeamBusyError: Another import of the team holds the lock for too long.
    """
    wait_ms = min(max(wait_seconds * 1000, 1), _LONGEST_WAIT_MS)
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{wait_ms}ms"])
        try:
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('leadfold:' || %s, 0))", [team_id]
            )
        except psycopg.errors.LockNotAvailable as error:
            raise TeamBusyError(
                f"Another import of team '{team_id}' did not end within {wait_seconds} s.\n"
                "Wait for it, or raise LEADFOLD_LOCK_WAIT_SECONDS."
            ) from error
        connection.execute("SET LOCAL lock_timeout = '60s'")
        yield
