"""The drop folder of a running Leadfold: a burst of files, a kill, and what came while it was down.

One ``leadfold up`` goes through it all, since its start takes seconds. ``make soak`` runs it, with
``LEADFOLD_DROPS=500``; what needs no running Leadfold is in ``test_drop_folder``.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from flows import ledger, local_postgres, teams, warehouse
from flows.dropped_files import SETTLE_SECONDS
from flows.settings import Settings
from tests.running import Running, await_
from tests.test_up_crashes import await_waiting, team_busy

pytestmark = pytest.mark.soak

DROPS = int(os.environ.get("LEADFOLD_DROPS", "40"))
WRITERS = 5
ROWS = 6
PATIENCE_SECONDS = 120 + 5 * DROPS


@dataclass
class Story:
    """What became of it.

    Attributes:
        entries: The ledger's rows of each file.
        runs: All import runs.
        archived: Names of files in the archive.
        people: How many there are in the end.
    """

    entries: dict[str, list[ledger.Import]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    people: int = 0


def text_of(number: int) -> str:
    rows = (f"A{row},+1415{number:03}{row:04}\n" for row in range(2000, 2000 + ROWS))
    return "first_name,phone\n" + "".join(rows)


def write(folder: Path, writer: int) -> None:
    """Drop every fifth file: at once, by a rename, or with a pause in the middle of a row."""
    for number in range(200 + writer, 200 + DROPS, WRITERS):
        path, text = folder / f"{number}.csv", text_of(number)
        if writer == 0:
            part = path.with_suffix(".csv.part")
            part.write_text(text)
            part.rename(path)
        elif writer == 1:
            with path.open("w") as file:
                file.write(text[: len(text) // 2 + 3])
                file.flush()
                time.sleep(1.2 * SETTLE_SECONDS)
                file.write(text[len(text) // 2 + 3 :])
        else:
            path.write_text(text)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("drops") / "home"
    running, settings, found = Running(home), Settings(home), Story()
    folder = settings.drop / "acme" / "generic"
    folder.mkdir(parents=True)
    try:
        with closing(warehouse.connect(settings)) as connection:
            teams.add_team(connection, "acme")
        (folder / "down.csv").write_text(text_of(901))
        running.start()
        await_done(settings, 1)
        with team_busy(settings):
            (folder / "killed.csv").write_text(text_of(902))
            await_waiting(settings)
            running.members("prefect.engine")[0].kill()
        await_done(settings, 2)
        writers = [threading.Thread(target=write, args=(folder, each)) for each in range(WRITERS)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        await_done(settings, 2 + DROPS)
        await_(lambda: not list_runs(running, "PENDING", "RUNNING"), "the end of the runs")
        found.runs = list_runs(running)
        with closing(warehouse.connect(settings)) as connection:
            for entry in ledger.list_imports(connection, limit=10_000):
                found.entries.setdefault(entry.file_name, []).append(entry)
            ((found.people,),) = connection.execute("SELECT count(*) FROM personas").fetchall()
        found.archived = sorted(path.name for path in (settings.archive / "acme").glob("*.csv"))
        yield found
    finally:
        running.kill_all()
        local_postgres.stop(home)


def await_done(settings: Settings, files: int) -> None:
    archive = settings.archive / "acme"
    await_(
        lambda: archive.is_dir() and len(list(archive.glob("*.report.txt"))) >= files,
        f"{files} files",
        PATIENCE_SECONDS,
    )


def list_runs(running: Running, *types: str) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {"flows": {"name": {"any_": ["import-dropped"]}}}
    if types:
        asked["flow_runs"] = {"state": {"type": {"any_": list(types)}}}
    found: list[dict[str, Any]] = running.ask("POST", "/flow_runs/filter", asked)
    return found


def test_what_came_while_leadfold_was_down_is_found(story: Story) -> None:
    """At its start, without an event."""
    assert [entry.status for entry in story.entries["down.csv"]] == ["done"]


def test_a_killed_import_is_taken_up_again(story: Story) -> None:
    """By whoever sees the claim first: it is the same import, once."""
    (entry,) = story.entries["killed.csv"]
    assert (entry.status, entry.counts.inserted, entry.origin) == ("done", ROWS, "drop")


def test_each_file_of_a_burst_is_imported_once_and_whole(story: Story) -> None:
    """Written at once, by a rename, or slowly; none is left, none is half there."""
    names = [f"{number}.csv" for number in range(200, 200 + DROPS)]
    assert sorted(story.entries) == sorted([*names, "down.csv", "killed.csv"])
    for name in names:
        assert [(each.status, each.counts.inserted) for each in story.entries[name]] == [
            ("done", ROWS)
        ]
    assert story.people == (DROPS + 2) * ROWS
    assert story.archived == sorted(story.entries)


def test_a_burst_takes_few_runs_one_after_the_other(story: Story) -> None:
    """One run a team at a time, however many files come: they share runs."""
    assert 1 <= len(story.runs) <= 5 + DROPS // 10
    assert Counter(run["state_type"] for run in story.runs) == {"COMPLETED": len(story.runs)}
    times = sorted((run["start_time"], run["end_time"]) for run in story.runs)
    assert all(end <= start for (_, end), (start, _) in pairwise(times))
