"""Connections and migrations."""

import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from contracts.errors import DatabaseUnavailableError, MigrationError, TeamBusyError
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


def test_rows_that_an_index_refuses_are_told_without_what_they_hold(
    bare: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody dropped the index, and a claim came in twice: what Postgres tells names it."""
    everything = warehouse.read_migrations()
    until = {name: text for name, text in everything.items() if name < "0012"}
    with closing(warehouse.open_connection(bare, "test")) as connection:
        with monkeypatch.context() as patch:
            patch.setattr(warehouse, "read_migrations", lambda: until)
            warehouse.migrate(connection)
        connection.execute("DROP INDEX identities_exclusive_unique_idx")
        for persona_id in ("ann", "ben"):
            connection.execute(
                "INSERT INTO personas (team_id, persona_id) VALUES ('a', %s)", [persona_id]
            )
            connection.execute(
                "INSERT INTO identities VALUES ('a', 'phone', '+1001', %s, true)", [persona_id]
            )
        with pytest.raises(MigrationError, match="identities_exclusive_unique_idx") as caught:
            warehouse.migrate(connection)
        assert "+1001" not in "".join(traceback.format_exception(caught.value))


def test_claims_are_kept_when_their_indexes_become_one(
    bare: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database with people in it gets the one index; rows stay, and the same is refused."""
    everything = warehouse.read_migrations()
    until = {name: text for name, text in everything.items() if name < "0006"}
    query = "SELECT ctid, * FROM identities ORDER BY ctid"
    phones = [("ann", "+1001", True), ("ann", "+1009", False), ("ben", "+1009", False)]
    with closing(warehouse.open_connection(bare, "test")) as connection:
        with monkeypatch.context() as patch:
            patch.setattr(warehouse, "read_migrations", lambda: until)
            warehouse.migrate(connection)
        connection.execute("INSERT INTO personas (team_id, persona_id) VALUES ('a', 'ann')")
        for persona_id, phone, is_exclusive in phones:
            connection.execute(
                "INSERT INTO identities VALUES ('a', 'phone', %s, %s, %s)",
                [phone, persona_id, is_exclusive],
            )
        before = connection.execute(query).fetchall()
        assert warehouse.migrate(connection)[0] == "0006_one_index.sql"
        assert connection.execute(query).fetchall() == before
        assert connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_index"
            " WHERE indrelid = 'identities'::regclass ORDER BY 1"
        ).fetchall() == [("identities_exclusive_unique_idx",)]
        assert connection.execute("SELECT claims, shared_claims FROM personas").fetchall() == [
            (["phone=+1001", "phone=+1009"], ["phone=+1009"])
        ]
        for persona_id, phone, is_exclusive in (*phones, ("ben", "+1001", True)):
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute(
                    "INSERT INTO identities VALUES ('a', 'phone', %s, %s, %s)",
                    [phone, persona_id, is_exclusive],
                )
        with pytest.raises(psycopg.errors.NotNullViolation):
            connection.execute("INSERT INTO identities VALUES ('a', 'phone', '+1', NULL, true)")
        # The triggers that were there before know the new index.
        connection.execute("UPDATE personas SET phone = '+1009'")
        connection.execute("UPDATE personas SET phone = NULL")
        assert connection.execute("SELECT count(*) FROM identities").fetchone() == (2,)


def test_a_migration_that_has_to_wait_says_for_whom(
    bare: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import of the version before is at work; nothing is half done."""
    until = {name: text for name, text in warehouse.read_migrations().items() if name < "0006"}
    with (
        closing(warehouse.open_connection(bare, "test")) as connection,
        closing(warehouse.open_connection(bare, "old")) as old,
    ):
        with monkeypatch.context() as patch:
            patch.setattr(warehouse, "read_migrations", lambda: until)
            warehouse.migrate(connection)
        with old.transaction():
            old.execute("SELECT FROM identities")
            connection.execute("SET lock_timeout = '200ms'")
            with pytest.raises(MigrationError, match="others are at work in it"):
                warehouse.migrate(connection)
        assert warehouse.migrate(connection)[0] == "0006_one_index.sql"


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


@pytest.fixture
def guest(bare: Settings) -> Iterator[Settings]:
    """The bare database as a user sees it who may do nothing in it."""
    name = bare.database_url.split("?")[0].rsplit("/", 1)[1] + "_guest"
    with psycopg.connect(bare.database_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        yield replace(bare, database_url=bare.database_url.replace("leadfold@", f"{name}@"))
        owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.mark.parametrize("may_use", [False, True])
def test_a_user_who_may_not_create_tables_is_told_so(
    bare: Settings, guest: Settings, may_use: bool
) -> None:
    """As on Postgres 15 and newer, where only owners create in `public`; no temporary tables."""
    with psycopg.connect(bare.database_url, autocommit=True) as owner:
        if may_use:
            owner.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    with pytest.raises(MigrationError, match="a user who may create tables") as caught:
        warehouse.connect(guest)
    assert "permission denied for schema public" in str(caught.value)


def test_a_database_without_its_schema_is_refused(bare: Settings) -> None:
    """Without `public`, tables would be temporary, and an import gone with its connection."""
    with psycopg.connect(bare.database_url, autocommit=True) as owner:
        owner.execute("DROP SCHEMA public")
    with pytest.raises(MigrationError, match='schema "public" does not exist'):
        warehouse.connect(bare)


def test_a_read_only_database_is_refused(bare: Settings) -> None:
    """A standby, or a database that was set so, cannot be migrated; the message says why."""
    _set_for_database(bare, "default_transaction_read_only", "on")
    with pytest.raises(MigrationError, match="the database is read-only"):
        warehouse.connect(bare)


def test_a_time_limit_of_the_database_ends_no_import(settings: Settings) -> None:
    """A connection of ours idles while a long plan is made; limits set for others do not count."""
    limits = (
        "idle_in_transaction_session_timeout",
        "statement_timeout",
        "idle_session_timeout",
        "transaction_timeout",
    )
    for limit in limits:
        _set_for_database(settings, limit, "3s")
    with psycopg.connect(settings.database_url) as connection:
        for limit in limits:
            assert connection.execute(f"SHOW {limit}").fetchone() == ("3s",)
    with closing(warehouse.connect(settings)) as connection:
        for limit in limits:
            assert connection.execute(f"SHOW {limit}").fetchone() == ("0",)


def _set_for_database(settings: Settings, parameter: str, value: str) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(connection.info.dbname), sql.Identifier(parameter), value
            )
        )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody:hunter2@127.0.0.1:9/none",
        "postgresql://nobody:hunter2@no-such-host.invalid/none",
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


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:pa/ss@127.0.0.1:9/x",
        "postgresql://u:12/ss@127.0.0.1:9/x",
        "postgresql://u:p@sswd@127.0.0.1:9/x",
        "postgresql://u:pa:ss@sswd@127.0.0.1:9/x",
        "postgresql://u:se cret@127.0.0.1:9/x",
        "postgresql://u:100%secret@127.0.0.1:9/x",
        "postgres://u:12/ss%20wd@h/x",
        "postgresql+psycopg://u:secret@127.0.0.1:9/x",
        "u:secret@127.0.0.1/x",
        "host=127.0.0.1 port=9 password=se cret",
        "host=127.0.0.1 password=a port=secret",
        "not a url, password=secret",
    ],
)
def test_what_is_no_address_is_not_repeated(settings: Settings, url: str) -> None:
    """Unencoded, a password may end up in any part of an address, and in what libpq says of it."""
    with pytest.raises(DatabaseUnavailableError) as caught:
        warehouse.connect(replace(settings, database_url=url))
    said = str(caught.value)
    assert said.startswith("LEADFOLD_DATABASE_URL is not the address of a database.\n")
    assert "percent-encoded" in said
    for part in ("pa/", "/ss", ":12", "ss@", "sswd", "secret", "cret", "127.0.0.1"):
        assert part not in said
    # Tracebacks show what an error comes from.
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://u:p%2Fa%40ss@db.example:5433/leads", "db.example:5433/leads"),
        ("postgresql://u:pa#s?s@db.example/leads", "db.example/leads"),
        ("postgresql://one:1,two:2/leads", "one,two:1,2/leads"),
        ("postgresql://[::1]:5432/leads", "::1:5432/leads"),
        ("postgresql://leadfold@/leadfold?host=/srv/my%20data/run", "/srv/my data/run/leadfold"),
        ("host=/tmp dbname='my leads' password=secret", "/tmp/my leads"),
        ("host=db user=ann password=secret", "db/ann"),
        ("postgresql://", "localhost"),
    ],
)
def test_an_address_is_told_without_its_password(url: str, name: str) -> None:
    """Usual addresses are named: hosts, sockets, IPv6, several servers, key=value."""
    assert warehouse.describe(url) == name


def test_a_team_is_locked_against_a_second_import(settings: Settings) -> None:
    """One import of a team at a time, waited for as told; another team is not held up."""
    with (
        closing(warehouse.connect(settings)) as one,
        closing(warehouse.connect(settings)) as other,
        warehouse.team_locked(one, "acme", 1),
    ):
        for wait_seconds in (0, 1):
            start = time.monotonic()
            with pytest.raises(TeamBusyError, match="Another import of team 'acme'"):
                with warehouse.team_locked(other, "acme", wait_seconds):
                    pass
            # Not the 60 s that a locked row is waited for, nor for ever.
            assert wait_seconds <= time.monotonic() - start < wait_seconds + 20
        with warehouse.team_locked(other, "beta", 1):
            pass
