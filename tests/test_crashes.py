"""Kill -9 at every named point and at random moments; then the same file again.

What is there after a kill is all of the import or nothing; after the re-run it is what one clean
run gives, and the ledger tells of each try what became of it.
"""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql

from flows import ledger, local_postgres, teams, warehouse
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.settings import Settings
from flows.write_order import PEOPLE_ORDER
from tests.children import FORKABLE, import_and_die
from tests.states import Record, content

HEADER = (
    "Record ID - Contact,First Name,Last Name,Phone Number,Email,City,Lead Status,"
    "Last Modified Date,Unsubscribed from all email\n"
)
# Then: two people, one of them updated, one as she was; a bridge, a shared phone, an opt-out, a
# duplicate, a reject: something to write in every table.
BEFORE = HEADER + (
    "1,Ann,Lee,415-555-2671,ann@example.com,Bonn,new,2026-01-01,\n"
    "2,Bob,Kahn,415-555-2672,bob@example.com,Rome,new,2026-01-01,\n"
    "3,Cid,Moss,415-555-2673,cid@example.com,Kyiv,new,2026-01-01,\n"
)
FILE = HEADER + (
    "1,Ann,Lee,415-555-2671,ann@example.com,Ulm,called,2026-02-01,\n"
    "2,Bob,Kahn,415-555-2672,bob@example.com,Rome,new,2026-01-01,\n"
    "3,Cid,Moss,415-555-2671,cid@example.com,Kyiv,won,2026-02-01,yes\n"
    "4,Dora,Nash,415-555-2674,dora@example.com,Oslo,new,2026-01-01,\n"
    "4,Dora,Nash,415-555-2674,dora@example.com,Oslo,new,2026-01-01,\n"
    "5,Eve,Orr,415-555-2674,eve@example.com,Oslo,new,,true\n"
    "6,Fay\n"
)
# A file of HubSpot's merges nobody, this one finds no line that many people share, and of what an
# undo does tests/test_undo.py tells.
NOT_HERE = {
    ("identities", "delete"),
    ("merge_candidates", "delete"),
    ("merge_candidates", "update"),
    ("lead_moves", "insert"),
    ("row_versions", "insert"),
    ("undone_leads", "insert"),
    *((table, "delete") for table in ("personas", "leads", "opt_outs", "lead_activities")),
    ("undone_leads", "delete"),
}
WRITES = [(table.name, action) for table, action in PEOPLE_ORDER]
POINTS = [
    "step land",
    "step stage",
    "call flows.fingerprints.fetch_fingerprints 1",
    "call flows.stored.fetch_stored 1",
    *(f"call flows.copying.copy_in {number}" for number in (1, 4, 7)),
    *(f"write {table} {action}" for table, action in WRITES if (table, action) not in NOT_HERE),
    "call flows.apply.apply 1",
    "before COMMIT",
    "after COMMIT",
    "step fold",
]
IS_COMMITTED = {"after COMMIT", "step fold"}
MOMENTS = range(int(os.environ.get("LEADFOLD_MOMENTS", "8")))


class Run(NamedTuple):
    """How a process ended, and after how long."""

    exit_code: int | None
    seconds: float


@dataclass(frozen=True)
class Ordeal:
    """What a kill, and then a clean run of the same file, left.

    Attributes:
        exit_code: How the process ended that was to be killed.
        killed: The content after the kill.
        status: How the re-run ended.
        rerun: The content after the re-run.
        tries: The ledger's rows of the file, the oldest first, after the re-run.
    """

    exit_code: int | None
    killed: Record
    status: str
    rerun: Record
    tries: list[ledger.Import]


class Arena:
    """Databases that hold the file before, each with a home of its own."""

    def __init__(self, server_home: Path, folder: Path) -> None:
        self.folder = folder
        self.admin = local_postgres.start(server_home).replace("/leadfold?", "/postgres?")
        self.path = folder / "feed.csv"
        self.path.write_text(FILE)
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(FORKABLE)
        first = self.clone("template_leadfold", "crash_before")
        with closing(warehouse.connect(first)) as connection:
            teams.add_team(connection, "acme")
        (folder / "before.csv").write_text(BEFORE)
        assert self.import_file(first, folder / "before.csv").status == "done"
        self.before = self.content(first)
        clean = self.clone("crash_before", "crash_clean")
        assert self.import_file(clean).status == "done"
        self.after = self.content(clean)
        self.counts = self.tries(clean)[0].counts
        timed = self.run(self.clone("crash_before", "crash_timed"))
        assert timed.exit_code == 0
        self.seconds = timed.seconds

    def clone(self, template: str, name: str) -> Settings:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return Settings(self.folder / name, self.admin.replace("/postgres?", f"/{name}?"))

    def import_file(self, settings: Settings, path: Path | None = None) -> Outcome:
        """Import the file, or another, in this process."""
        (outcome,) = run_import(Request(path or self.path, "acme", "hubspot"), settings)
        return outcome

    def run(self, settings: Settings, point: str = "", seconds: float | None = None) -> Run:
        """Import the file in a process of its own, which dies at a point, or after a time."""
        heard, tell = self.context.Pipe(duplex=False)
        process = self.context.Process(
            target=import_and_die, args=(settings, self.path, "acme", "hubspot", point, tell)
        )
        process.start()
        tell.close()
        with suppress(EOFError):  # if it could not even begin, its exit code tells
            heard.recv()
        start = time.monotonic()
        process.join(60 if seconds is None else seconds)
        process.kill()
        process.join()
        return Run(process.exitcode, time.monotonic() - start)

    def suffer(self, name: str, point: str = "", seconds: float | None = None) -> Ordeal:
        """A kill, then a clean run of the same file."""
        settings = self.clone("crash_before", name)
        exit_code = self.run(settings, point, seconds).exit_code
        killed = self.content(settings)
        outcome = self.import_file(settings)
        return Ordeal(
            exit_code, killed, outcome.status, self.content(settings), self.tries(settings)
        )

    def content(self, settings: Settings) -> Record:
        with closing(warehouse.connect(settings)) as connection:
            return content(connection)

    def tries(self, settings: Settings) -> list[ledger.Import]:
        with closing(warehouse.connect(settings)) as connection:
            found = ledger.list_imports(connection)
        return [entry for entry in reversed(found) if entry.file_name == self.path.name]


@pytest.fixture(scope="module")
def arena(server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Arena:
    return Arena(server_home, tmp_path_factory.mktemp("crashes"))


@pytest.fixture(scope="module")
def ordeals(arena: Arena) -> Iterator[dict[str, Future[Ordeal]]]:
    """All of them, two at a time: each has a database, a home and processes of its own."""
    moments = random.Random(5)
    with ThreadPoolExecutor(2) as pool:
        found = {
            point: pool.submit(arena.suffer, f"crash_point_{at}", point)
            for at, point in enumerate(POINTS)
        }
        for at in MOMENTS:
            seconds = moments.uniform(0, arena.seconds)
            found[str(at)] = pool.submit(arena.suffer, f"crash_moment_{at}", "", seconds)
        yield found
        pool.shutdown(cancel_futures=True)


def test_there_is_something_to_lose(arena: Arena) -> None:
    """The file inserts, updates, leaves alone, repeats and rejects."""
    assert arena.counts == (7, 1, 1, 2, 2, 1, 0)
    assert arena.before != arena.after


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_loses_and_doubles_nothing(
    arena: Arena, ordeals: dict[str, Future[Ordeal]], point: str
) -> None:
    """Before COMMIT nothing is seen, after it everything; the re-run ends as a clean run does."""
    ordeal = ordeals[point].result()
    assert ordeal.exit_code == -signal.SIGKILL, "the point is not there, or was not reached"
    assert ordeal.killed == (arena.after if point in IS_COMMITTED else arena.before)
    check_rerun(arena, ordeal)
    assert [entry.status for entry in ordeal.tries] == (
        ["done", "done"] if point in IS_COMMITTED else ["failed", "done"]
    )


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_at_any_moment_loses_and_doubles_nothing(
    arena: Arena, ordeals: dict[str, Future[Ordeal]], moment: int
) -> None:
    """Wherever it was: all or nothing is seen, and the re-run ends as a clean run does."""
    ordeal = ordeals[str(moment)].result()
    assert ordeal.exit_code in (-signal.SIGKILL, 0)
    assert ordeal.killed in (arena.before, arena.after)
    check_rerun(arena, ordeal)


def check_rerun(arena: Arena, ordeal: Ordeal) -> None:
    """The content is that of a clean run; of all tries just one did it."""
    assert ordeal.status == "done"
    assert ordeal.rerun == arena.after
    done = [entry.counts for entry in ordeal.tries if entry.status == "done"]
    others = [entry.status for entry in ordeal.tries if entry.status != "done"]
    assert done[0] == arena.counts
    for counts in done[1:]:
        assert (counts.inserted, counts.updated, counts.deleted) == (0, 0, 0)
        assert counts.landed == arena.counts.landed
    assert set(others) <= {"failed"}, "a killed import is told as failed"


def test_who_clears_up_may_be_killed_too(arena: Arena) -> None:
    """An import that is killed while it sweeps after another leaves neither running for ever."""
    settings = arena.clone("crash_before", "crash_sweeper")
    assert arena.run(settings, "step land").exit_code == -signal.SIGKILL
    assert arena.run(settings, "call flows.ledger.stop_import 1").exit_code == -signal.SIGKILL
    assert arena.import_file(settings).status == "done"
    assert arena.content(settings) == arena.after
    assert [entry.status for entry in arena.tries(settings)][-1] == "done"
    assert "running" not in [entry.status for entry in arena.tries(settings)]
