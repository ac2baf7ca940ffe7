"""The Postgres of the benchmark: one server for all that is compared, as embedded by default."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from flows import local_postgres, teams, warehouse
from flows.settings import Settings

TEAMS = ("acme", "borea")
_MIGRATED = "bench_migrated"

_SIZES = """
SELECT c.relname, greatest(c.reltuples, 0)::bigint, pg_table_size(c.oid), pg_indexes_size(c.oid)
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
ORDER BY pg_total_relation_size(c.oid) DESC
"""


class Server:
    """A running server with a migrated database to copy, in which two teams are."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._admin = local_postgres.start(home).replace("/leadfold?", "/postgres?")
        self.create(_MIGRATED, template="template1")
        with warehouse.connected(Settings(home, self.url(_MIGRATED))) as connection:
            for team in TEAMS:
                teams.add_team(connection, team)

    def url(self, database: str) -> str:
        """The address of a database."""
        return self._admin.replace("/postgres?", f"/{database}?")

    def create(self, database: str, template: str = _MIGRATED) -> str:
        """Make a database anew, as a copy of another one, and give its name."""
        self.drop(database)
        names = map(sql.Identifier, (database, template))
        # Copied file by file: that of a large one would else go through the WAL, page by page.
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(*names))
        return database

    def drop(self, *databases: str) -> None:
        """Remove databases, as far as they are there."""
        for database in databases:
            self._run(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
            )

    def settle(self) -> None:
        """Write out what is dirty, so that nobody pays for what another one did."""
        self._run(sql.SQL("CHECKPOINT"))

    def vacuum(self, database: str) -> None:
        """Do at once what autovacuum would do in a minute, beside what is measured then."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")

    def wal_position(self) -> int:
        """How many bytes of WAL were ever written."""
        return int(str(self._run(sql.SQL("SELECT pg_current_wal_insert_lsn() - '0/0'"))))

    def version(self) -> str:
        """Which Postgres it is."""
        return str(self._run(sql.SQL("SHOW server_version")))

    def process(self) -> psutil.Process:
        """The postmaster; its children do the work."""
        pid_file = self.home / "postgres" / "data" / "postmaster.pid"
        return psutil.Process(int(pid_file.read_text().split()[0]))

    def sizes(self, database: str) -> list[tuple[str, int, int, int]]:
        """Table, rows, bytes of the table, bytes of its indexes; the largest first.

        Rows are those that ``vacuum`` counted.
        """
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            return connection.execute(_SIZES).fetchall()

    def _run(self, statement: sql.SQL | sql.Composed) -> object:
        with psycopg.connect(self._admin, autocommit=True) as connection:
            done = connection.execute(statement)
            row = done.fetchone() if done.description else None
            return row[0] if row else None


@contextmanager
def running_server(home: Path) -> Iterator[Server]:
    """The server of a folder, stopped at the end."""
    home.mkdir(parents=True, exist_ok=True)
    try:
        yield Server(home)
    finally:
        local_postgres.stop(home)
