"""Connections and migrations."""

import threading
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from contracts.errors import DatabaseUnavailableError, MigrationError
from flows import warehouse
from flows.settings import Settings


@pytest.fixture
def bare(settings: Settings) -> Settings:
    """A database without a schema."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return settings


def applied(settings: Settings) -> list[str]:
    with psycopg.connect(settings.database_url) as connection:
        query = "SELECT name FROM leadfold_migrations ORDER BY name"
        return [name for (name,) in connection.execute(query)]


def test_migrations_are_applied_once_each(bare: Settings) -> None:
    """The first connection migrates, the second finds nothing to do."""
    with closing(warehouse.open_connection(bare, "test")) as connection:
        names = warehouse.migrate(connection)
        assert names == applied(bare)
        assert "0001_people.sql" in names
        assert warehouse.migrate(connection) == []


def test_migrations_of_many_at_once_are_applied_once(bare: Settings) -> None:
    """Six programs that start on an empty database do not get in one another's way."""
    faults: list[BaseException] = []

    def start() -> None:
        try:
            warehouse.connect(bare).close()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert applied(bare)


def test_an_edited_migration_is_refused(settings: Settings) -> None:
    """A migration that was applied as something else stops every program."""
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("UPDATE leadfold_migrations SET checksum = 'other'")
    with pytest.raises(MigrationError, match=r"0001_people\.sql was edited"):
        warehouse.connect(settings)


def test_a_database_of_a_newer_version_is_refused(settings: Settings) -> None:
    """An old program does not work on a schema that it does not know."""
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("INSERT INTO leadfold_migrations VALUES ('9999_later.sql', 'x')")
    with pytest.raises(MigrationError, match="newer version"):
        warehouse.connect(settings)


def test_a_table_of_somebody_else_is_not_touched(bare: Settings) -> None:
    """A database that has a table of that name already is refused as a whole."""
    with psycopg.connect(bare.database_url) as connection:
        connection.execute("CREATE TABLE leads (id int)")
    with pytest.raises(MigrationError, match="database of its own"):
        warehouse.connect(bare)
    with psycopg.connect(bare.database_url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert tables == [("leads",)]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody:hunter2@127.0.0.1:9/none",
        "postgresql://nobody:hunter2@no-such-host.invalid/none",
        "not a url, password=hunter2",
    ],
)
def test_a_database_that_does_not_answer_is_said_in_one_sentence(
    settings: Settings, url: str
) -> None:
    """Host and database are named, the password never."""
    with pytest.raises(DatabaseUnavailableError, match="does not answer") as caught:
        warehouse.connect(replace(settings, database_url=url))
    assert "hunter2" not in str(caught.value)
    assert "LEADFOLD_DATABASE_URL" in str(caught.value)


def test_a_team_is_locked_against_a_second_import(settings: Settings) -> None:
    """One import of a team at a time; another team is not held up."""
    with (
        closing(warehouse.connect(settings)) as one,
        closing(warehouse.connect(settings)) as other,
        warehouse.team_locked(one, "acme", 1),
    ):
        with pytest.raises(DatabaseUnavailableError, match="Another import of team 'acme'"):
            with warehouse.team_locked(other, "acme", 1):
                pass
        with warehouse.team_locked(other, "beta", 1):
            pass
