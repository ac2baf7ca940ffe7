"""Kill -9 and Ctrl-C in the midst of imports: each file is in exactly once, and the ledger tells.

One home goes through it all, since each start takes seconds; what was seen is written down. The
import ``crashed`` loses its own process, then the one that serves; ``stopped`` gets Ctrl-C, and
after the next start kill -9 for everything, Postgres too.
"""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest

from flows import ledger, local_postgres, teams, warehouse
from flows.settings import Settings
from tests.receivers import web_receiver
from tests.running import Running, await_

NAMES = ("crashed", "stopped")
# A sweep takes a run for dead after a minute; what it mends is not to pass for ended.
_SOON_SECONDS = 45


@dataclass
class Story:
    """What became of the files.

    Attributes:
        runs: Name -> the flow run, at the end.
        entries: Name -> its ledger rows, at the end.
        people: How many people are there at the end.
        stopped: The ledger row of the file in whose midst Ctrl-C came, while Leadfold was down.
        exit_code: Of the ``up`` that got Ctrl-C.
        left: Processes that lived on after it.
        unfinished: Flow and task runs that stay 'Running' or 'Pending' at the end.
        counts: Pools, automations, blocks and deployments after the first start and the last.
        alerts: What the webhook got.
    """

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: dict[str, list[ledger.Import]] = field(default_factory=dict)
    people: int = 0
    stopped: ledger.Import | None = None
    exit_code: int | None = None
    left: list[psutil.Process] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    counts: list[dict[str, int]] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("crashes") / "home"
    settings = Settings(home)
    found = Story()
    with web_receiver() as web, ExitStack() as stack:
        running = Running(home, {"LEADFOLD_ALERT_WEBHOOK": f"http://127.0.0.1:{web.port}/"})
        stack.callback(local_postgres.stop, home)
        stack.callback(running.kill_all)
        with closing(warehouse.connect(settings)) as connection:
            teams.add_team(connection, "acme")
        running.start()
        found.counts.append(count(running))
        ids = {"crashed": begin(running, "crashed")}
        with team_busy(settings):
            await_waiting(settings)
            running.flow_process(ids["crashed"]).kill()
            await_(lambda: count_again(running, ids["crashed"]) == 1, "taken up again")
            await_waiting(settings, 2)
            (serving,) = running.members("flows.serving")
            serving.kill()
            await_(lambda: count_again(running, ids["crashed"]) == 2, "taken up again")
        running.await_state(ids["crashed"], "COMPLETED")
        with team_busy(settings):
            ids["stopped"] = begin(running, "stopped")
            await_waiting(settings)
            found.exit_code = running.stop(signal.SIGINT)
            found.left = running.members("python")
            (found.stopped,) = read_entries(settings, "stopped")
            running.start()
            await_waiting(settings, 2)
            running.kill_all()
        running.start()
        running.await_state(ids["stopped"], "COMPLETED")
        for name, run_id in ids.items():
            found.runs[name] = running.read_run(run_id)
            found.entries[name] = read_entries(settings, name)
        found.unfinished = list_unfinished(running)
        with closing(warehouse.connect(settings)) as connection:
            ((found.people,),) = connection.execute("SELECT count(*) FROM personas").fetchall()
        found.counts.append(count(running))
        await_(lambda: web.messages, "an alert")
        assert running.stop(signal.SIGTERM) == 0
        found.alerts = web.messages
        yield found


def count(running: Running) -> dict[str, int]:
    kinds = ("work_pools", "automations", "block_documents", "deployments")
    return {kind: len(running.ask("POST", f"/{kind}/filter", {})) for kind in kinds}


def list_unfinished(running: Running) -> list[str]:
    """Flow and task runs that stay unfinished, but for those that have begun by the clock just now.

    These end by themselves, long before they would be taken for dead.
    """
    states = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}

    def ask() -> dict[str, str]:
        return {
            run["id"]: run["name"]
            for kind in ("flow_runs", "task_runs")
            for run in running.ask("POST", f"/{kind}/filter", {kind: states})
        }

    found = ask()
    deadline = time.monotonic() + _SOON_SECONDS
    while found and time.monotonic() < deadline:
        time.sleep(1)
        found = {run_id: name for run_id, name in ask().items() if run_id in found}
    return list(found.values())


def begin(running: Running, name: str) -> str:
    """Start the import of a file of two people by its deployment, as the form does."""
    at = NAMES.index(name)
    text = f"name,phone\nAnn,415-555-26{at}1\nBob,415-555-26{at}2\n"
    return running.begin_import("acme", f"{name}.csv", text)


@contextmanager
def team_busy(settings: Settings) -> Iterator[None]:
    """Hold the team's lock, so that an import waits right before it plans and writes."""
    with closing(warehouse.open_connection(settings, "a test")) as connection:
        team_id = teams.find_team(connection, "acme").team_id
        connection.execute(
            "SELECT pg_advisory_lock(hashtextextended('leadfold:' || %s, 0))", [team_id]
        )
        yield


def await_waiting(settings: Settings, sessions: int = 1) -> None:
    """Wait until an import waits for the team's lock; Postgres counts the killed ones with it."""
    with closing(warehouse.open_connection(settings, "a test")) as connection:
        query = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await_(
            lambda: len(connection.execute(query).fetchall()) == sessions, "an import that waits"
        )


def count_again(running: Running, run_id: str) -> int:
    states = running.ask("GET", f"/flow_run_states/?flow_run_id={run_id}")
    return sum(state["name"] == "TakenUpAgain" for state in states)


def read_entries(settings: Settings, name: str) -> list[ledger.Import]:
    with closing(warehouse.connect(settings)) as connection:
        found = ledger.list_imports(connection)
    return [entry for entry in found if entry.file_name == f"{name}.csv"]


@pytest.mark.parametrize("name", NAMES)
def test_what_was_killed_is_imported_exactly_once(story: Story, name: str) -> None:
    """The same flow run completes the same import, and the ledger tells that it was stopped."""
    (entry,) = story.entries[name]
    run = story.runs[name]
    assert run["state_type"] == "COMPLETED"
    assert entry.run_id == run["id"]
    assert (entry.status, entry.counts.inserted) == ("done", 2)
    assert len(entry.stops) == 2


def test_every_person_is_there_once(story: Story) -> None:
    """Two files of two people each."""
    assert story.people == 4


def test_nothing_stays_running(story: Story) -> None:
    """Neither runs nor steps of runs, whatever was killed in their midst."""
    assert story.unfinished == []


def test_ctrl_c_stops_in_the_midst_of_an_import(story: Story) -> None:
    """It ends well, leaves no process, and the ledger says why the import ended."""
    assert story.exit_code == 0
    assert story.left == []
    assert story.stopped is not None
    assert story.stopped.status == "failed"
    assert (story.stopped.reason or "").startswith("Stopped")


def test_the_ledger_tells_a_kill_from_a_stop(story: Story) -> None:
    """Each time that an import ended before it was done stays in its row."""
    crashed, stopped = ([each["reason"] for each in story.entries[name][0].stops] for name in NAMES)
    assert crashed[0].startswith("The process ended")
    assert stopped[0].startswith("Stopped")
    assert stopped[1].startswith("The process ended")


def test_a_second_start_makes_nothing_twice(story: Story) -> None:
    """Pools, automations, blocks and deployments are as many as after the first."""
    first, last = story.counts
    assert first == last
    assert first["automations"] == 3


def test_a_crash_is_told_and_a_stop_is_none(story: Story) -> None:
    """The alert names the run whose process was killed, and not the one that was stopped."""
    told = [json.loads(each) for each in story.alerts]
    assert {each["subject"].partition(",")[0] for each in told} == {"Leadfold: an import crashed"}
    assert all("crashed.csv" in each["body"] for each in told)
