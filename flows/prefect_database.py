"""The database of Leadfold's own Prefect server, beside that of the people."""

from contextlib import closing
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from contracts.errors import DatabaseUnavailableError, WrongCallError
from flows import warehouse
from flows.settings import Settings


def ensure_database(settings: Settings) -> str:
    """Find or make Prefect's database, and give its address as SQLAlchemy reads it.

    It is called ``prefect`` in the embedded Postgres, and else as Leadfold's with ``_prefect``
    behind it.

    Raises:
        DatabaseUnavailableError: Postgres does not answer, or the user may not make a database.
        WrongCallError: LEADFOLD_PREFECT_DATABASE_URL is no address.
    """
    if settings.prefect_database_url:
        try:
            return sqlalchemy_url(settings.prefect_database_url)
        except psycopg.ProgrammingError as error:
            raise WrongCallError(
                "LEADFOLD_PREFECT_DATABASE_URL is not the address of a database.\n"
                "Write postgresql://user:password@host:5432/database."
            ) from error
    with closing(warehouse.open_connection(settings, "leadfold up")) as connection:
        own = connection.info.dbname
        name = f"{own}_prefect" if settings.database_url else "prefect"
        _make(connection, name)
    return sqlalchemy_url(make_conninfo(warehouse.find_database(settings), dbname=name))


def _make(connection: psycopg.Connection, name: str) -> None:
    found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
    if found.fetchone() is not None:
        return
    try:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.errors.DuplicateDatabase:
        return
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseUnavailableError(
            f"Prefect needs a database of its own, and {connection.info.user} may not make one.\n"
            f"Let an administrator run: CREATE DATABASE {name} OWNER {connection.info.user}\n"
            "or set LEADFOLD_PREFECT_DATABASE_URL to one that is there."
        ) from error


def sqlalchemy_url(dsn: str) -> str:
    """The address of a database as SQLAlchemy and asyncpg read it.

    Raises:
        psycopg.ProgrammingError: It is no address.
    """
    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    login = quote(parts.get("user", ""), safe="")
    if "password" in parts:
        login += ":" + quote(parts["password"], safe="")
    host = parts.get("host", "")
    options = {"ssl": parts["sslmode"]} if "sslmode" in parts else {}
    if host.startswith("/"):
        options["host"], host = host, ""
        if "port" in parts:
            options["port"] = parts["port"]
    place = f"[{host}]" if ":" in host else host
    port = f":{parts['port']}" if host and "port" in parts else ""
    query = f"?{urlencode(options)}" if options else ""
    database = quote(parts.get("dbname", ""), safe="")
    return f"postgresql+asyncpg://{login}@{place}{port}/{database}{query}"
