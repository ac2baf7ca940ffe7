"""Real Postgres for every test: one embedded server a run, a fresh clone of a database a test."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

import transforms.lone
from contracts.registry import load_sources, parse_source
from contracts.source import Source
from flows import local_postgres, teams, warehouse
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.settings import Settings
from tests.place import Place

_numbers = count()


# The files that take longest, each by itself: begun last, they would keep one core waiting.
_LONGEST = (
    *("test_up_crashes", "test_up", "test_browser", "test_nightly_sync", "test_adopting_live"),
    *("test_undo", "test_docs_review", "test_docs_undo", "test_samples", "test_judging_promises"),
    *(
        "test_corrections",
        "test_undo_promises",
        "test_drop_folder",
        "test_docs_why",
        "test_importing",
    ),
    *("test_explaining_worlds", "test_crashes", "test_identity", "test_promises", "test_doctor"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; within a file the order stays. Leave out what soaks."""
    order = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
    if "LEADFOLD_SOAK" not in os.environ:
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: make soak"))


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name no test after bytes: packed ones hold the time, and each worker has its own."""
    return "bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A LEADFOLD_HOME whose Postgres runs for the whole session, with a migrated template."""
    home = tmp_path_factory.mktemp("server")
    address = local_postgres.recreate_database(home, "template_leadfold")
    with closing(warehouse.connect(Settings(home, address))) as connection:
        # Processes are killed here, the machine is not; dropping a database waits for the disk.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield home
    local_postgres.stop(home)


@pytest.fixture(scope="session")
def meanwhile(server_home: Path) -> Iterator[Callable[..., object]]:
    """``meanwhile(call, *arguments)`` does what nobody waits for while the next test runs."""
    begun: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:
        yield lambda *call: begun.append(pool.submit(*call))
    for each in begun:
        each.result()


def _drop_database(admin: str, name: str) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def settings(
    server_home: Path, tmp_path: Path, meanwhile: Callable[..., object]
) -> Iterator[Settings]:
    """Settings with a home and a migrated database of the test's own."""
    name = f"test_{next(_numbers)}"
    admin = local_postgres.start(server_home).replace("/leadfold?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template_leadfold").format(sql.Identifier(name))
        )
    yield Settings(
        tmp_path / "home",
        admin.replace("/postgres?", f"/{name}?"),
        chunk_rows=1000,
        # The other core is another worker's; test_spreading has more.
        threads=1,
    )
    # Postgres takes a tenth of a second for it, most of which it sleeps.
    meanwhile(_drop_database, admin, name)


@pytest.fixture
def connection(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection to the test's database, with team 'acme' (region US) in it."""
    with closing(warehouse.connect(settings)) as connection:
        teams.add_team(connection, "acme")
        yield connection


AddSource = Callable[[str], Source]


@pytest.fixture
def add_source(monkeypatch: pytest.MonkeyPatch) -> AddSource:
    """Adds a contract to those that there are, for one test: ``add_source("name: x\\n...")``."""

    def do(text: str) -> Source:
        source = parse_source(text, "a contract of the test")
        monkeypatch.setitem(load_sources(), source.name, source)
        return source

    return do


Import = Callable[..., Outcome]


@pytest.fixture
def import_text(settings: Settings, connection: psycopg.Connection, tmp_path: Path) -> Import:
    """Imports a text as a file: ``import_text("phone\\n...", source="generic", name="a.csv")``."""

    def do(
        text: str,
        source: str = "generic",
        name: str = "list.csv",
        team: str = "acme",
        *,
        is_dry_run: bool = False,
        chunk_rows: int | None = None,
    ) -> Outcome:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        used = replace(settings, chunk_rows=chunk_rows) if chunk_rows else settings
        (outcome,) = run_import(Request(path, team, source, is_dry_run=is_dry_run), used)
        return outcome

    return do


def snapshot(connection: psycopg.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but the ledger, with where and by whom it was written."""
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND relname <> 'imports' ORDER BY relname"
    ).fetchall()
    return {
        name: connection.execute(
            sql.SQL("SELECT ctid::text, xmin::text, xmax::text FROM {} ORDER BY ctid").format(
                sql.Identifier(name)
            )
        ).fetchall()
        for (name,) in tables
    }


@pytest.fixture
def place(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A database that is emptied between examples; its files are small, and some of their records
    are planned by themselves all the same, as in large ones."""
    monkeypatch.setattr(transforms.lone, "FEW_RECORDS", 0)
    with closing(warehouse.connect(settings)) as connection:
        yield Place(settings, tmp_path, connection)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the API of a Prefect server with all its services, one for the session."""
    # Importing Prefect takes two seconds, which most tests need not wait for.
    from tests.prefect_server import running_server

    with running_server(tmp_path_factory.mktemp("prefect")) as url:
        yield url


@pytest.fixture
def prefect_api(
    prefect_server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The server, to which flows of this process report; they use the test's own database."""
    from tests.prefect_server import reporting_to

    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    with reporting_to(prefect_server):
        yield prefect_server
