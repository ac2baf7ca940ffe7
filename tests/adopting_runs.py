"""Running ``leadfold adopt`` in a process of its own, killing it, and what it did to a database."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from tests import adopting_oracle as oracle
from tests.adopting_world import MAPPING, connect, read_fields
from tests.adopting_writer import Write

ROWS = int(os.environ.get("LEADFOLD_ADOPT_ROWS", "20_000"))
"""How many leads the database has."""

PATIENCE_SECONDS = 300.0 + ROWS / 250
"""How long a command may take; nothing is asserted about time."""

APPLY = ("--mapping", "mapping.yaml", "--apply", "--no-backup", "--json")
RESTORE = ("--restore", "--json")


class Adopting:
    """The command, on one database."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mapping.yaml").write_text(MAPPING)

    @contextmanager
    def started(self, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
        """The command while it runs; what is left of it at the end is killed."""
        environment = {
            **{key: value for key, value in os.environ.items() if "PREFECT" not in key},
            "LEADFOLD_HOME": str(self.folder / "home"),
            "LEADFOLD_DATABASE_URL": self.address,
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "flows.cli", "adopt", *arguments],
                cwd=self.folder,
                env=environment,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            # It leads a session of its own, with all that it has started.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE_SECONDS)

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run the command to its end; gives its exit code and what it said on stderr."""
        with self.started(*arguments) as process:
            code = process.wait(PATIENCE_SECONDS)
        return code, (self.folder / "err").read_text()

    def said(self) -> Any:
        """The JSON that the last run printed."""
        return json.loads((self.folder / "out").read_text())

    def finish(self, *arguments: str, expected: int = 0) -> Any:
        """Run the command to its end, which must be as expected; gives the JSON that it prints."""
        code, errors = self.run(*arguments)
        assert code == expected, errors
        return self.said()

    def kill_when(self, is_moment: Callable[[], bool], *arguments: str) -> bool:
        """Start the command and kill it -9 in a moment; tells whether that came."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.started(*arguments) as process:
            while process.poll() is None:
                if is_moment():
                    return True
                assert time.monotonic() < deadline, "neither the moment nor the end came"
                # Moments are short.
                threading.Event().wait(0.003)
            assert process.returncode == 0, (self.folder / "err").read_text()
        return False


def is_cleaning(connection: psycopg.Connection) -> bool:
    """Whether a batch is through, and a key still being cleaned."""
    try:
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM leadfold_adopt.batches)"
            " AND EXISTS (SELECT FROM leadfold_adopt.keys WHERE state = 'cleaning')"
        ).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return False
    return bool(row and row[0])


def try_duplicates(connection: psycopg.Connection) -> list[str]:
    """Write rows that are equal to stored ones by phone and workspace; gives what refused each."""
    found = []
    # Somebody who is alone, and a member of a group.
    for phones in ("+1222%", "+1555%"):
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(
                    "INSERT INTO leads (workspace_id, phone) SELECT workspace_id, phone FROM leads"
                    " WHERE phone LIKE %s ORDER BY phone DESC LIMIT 1",
                    [phones],
                )
            found.append("nothing")
        except psycopg.errors.UniqueViolation as error:
            found.append(error.diag.constraint_name or "")
    return found


def is_indexing(connection: psycopg.Connection) -> bool:
    """Whether a unique index of leads is there and not valid yet, which is while it is built."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = 'public.leads'::regclass"
        " AND indisunique AND NOT indisvalid)"
    ).fetchone()
    return bool(row and row[0])


def others(connection: psycopg.Connection) -> int:
    """How many connections there are which are not the test's."""
    row = connection.execute(f"SELECT count(*) {_OTHERS}").fetchone()
    return int(row[0]) if row else 0


def end_others(connection: psycopg.Connection) -> None:
    """End what Postgres still does for a killed process, as its own crash would."""
    connection.execute(f"SELECT pg_terminate_backend(pid) {_OTHERS}")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while others(connection):
        assert time.monotonic() < deadline, "a connection does not end"
        threading.Event().wait(0.01)


_OTHERS = """FROM pg_stat_activity WHERE datname = current_database()
AND backend_type = 'client backend' AND application_name <> 'test'"""


class Report:
    """A report of the app that looks at leads again and again, for some 0.3 s each time.

    An index that is built concurrently waits for the one that began before it was filled, so
    that the moment in which it is there and not valid is long enough to be met.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.is_held, self.is_stopped = threading.Event(), threading.Event()

    def run(self) -> None:
        with connect(self.address) as connection:
            while not self.is_stopped.is_set():
                with connection.transaction():
                    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    connection.execute("SELECT id FROM leads LIMIT 1")
                    self.is_stopped.wait(0.3)
                    if self.is_held.is_set():
                        self.is_stopped.wait(PATIENCE_SECONDS)

    def meets_index(self, connection: psycopg.Connection) -> bool:
        """Whether an index is being built; then it is kept from being done."""
        if is_indexing(connection):
            self.is_held.set()
        return self.is_held.is_set()


@contextmanager
def reporting(address: str) -> Iterator[Report]:
    """A report that goes on as long as this lasts."""
    report = Report(address)
    thread = threading.Thread(target=report.run, name="report")
    thread.start()
    try:
        yield report
    finally:
        report.is_stopped.set()
        thread.join()


@dataclass
class Taken:
    """A database that was taken over, beside what it was.

    Attributes:
        was: The address of the database as it was.
        now: The address of the same as it is now.
        said: The JSON of the run that came to its end.
        writes: What the app wrote meanwhile.
        told: What happened on the way.
        refusals: What refused copies of stored rows while the first key was cleaned.
    """

    was: str
    now: str
    said: Any
    writes: list[Write] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @cached_property
    def before(self) -> psycopg.Connection:
        return connect(self.was)

    @cached_property
    def after(self) -> psycopg.Connection:
        return connect(self.now)

    def close(self) -> None:
        self.before.close()
        self.after.close()

    def written(self, kind: str) -> list[Write]:
        """What the app wrote of one kind, and Postgres took."""
        return [write for write in self.writes if write.kind == kind and write.row_id is not None]

    @cached_property
    def own(self) -> dict[int, oracle.Row]:
        """The leads that the app wrote meanwhile: their ids and keys."""
        return {
            int(write.row_id or 0): {
                "id": write.row_id,
                "workspace_id": str(write.values[0]),
                "device_id": write.values[1],
                "phone": write.values[2],
            }
            for write in self.written("lead")
        }

    @cached_property
    def similar(self) -> dict[int, oracle.Row]:
        """Leads as they were whose phone somebody else had, or has got since."""
        return oracle.read_similar(self.before, {row["phone"] for row in self.own.values()})

    @cached_property
    def folded(self) -> oracle.Folded:
        """What is to become of them as they were."""
        return oracle.fold(self.similar)

    @cached_property
    def group(self) -> dict[int, int]:
        """Lead -> its group by either key, transitively; who is not here is alone."""
        return oracle.components([*self.similar.values(), *self.own.values()])

    @cached_property
    def groups(self) -> dict[int, list[int]]:
        """Group -> its leads, where they are more than one."""
        found = defaultdict(list)
        for lead, group in self.group.items():
            found[group].append(lead)
        return {group: leads for group, leads in found.items() if len(leads) > 1}

    @cached_property
    def touched(self) -> set[int]:
        """Groups which the app added to or edited meanwhile: who survives depends on when."""
        edited = {write.values[2] for write in self.written("edit")}
        return {self.group[lead] for lead in {*edited, *self.own} if lead in self.group}

    @cached_property
    def standing(self) -> set[int]:
        """Who of them is there."""
        query = "SELECT id FROM leads WHERE id = ANY(%s)"
        return {lead for (lead,) in self.after.execute(query, [list(self.group)])}

    @cached_property
    def removed(self) -> list[int]:
        """Whom the command says that it has removed."""
        return [i for (i,) in self.after.execute("SELECT id FROM leadfold_adopt.removed_leads")]

    def is_right(self, before: int | None, after: int | None) -> bool:
        """Whether what referred to one lead may refer to the other now."""
        if before is None or before not in self.group:
            return after == before
        group = self.group[before]
        if group not in self.touched:
            return after == self.folded.survivor(before)
        return after in self.standing and self.group.get(after or 0) == group

    def paired(self, query: str) -> Iterator[tuple[list[bytes] | None, list[bytes] | None]]:
        """The rows of a query as they were and are, by the id that comes first in them."""
        left, right = read_fields(self.was, query), read_fields(self.now, query)
        one, other = next(left, None), next(right, None)
        while one or other:
            if other is None or (one and int(one[0]) < int(other[0])):
                yield one, None
                one = next(left, None)
            elif one is None or int(other[0]) < int(one[0]):
                yield None, other
                other = next(right, None)
            else:
                yield one, other
                one, other = next(left, None), next(right, None)


def number(field_: bytes) -> int | None:
    """A number as COPY writes it."""
    return None if field_ == rb"\N" else int(field_)


def some(wrong: Iterable[Any]) -> list[Any]:
    """The first few, which a failure shows."""
    return [each for each, _ in zip(wrong, range(5), strict=False)]
