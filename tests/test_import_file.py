"""The Prefect flow tells the same story as the plain one."""

import asyncio
import os
import re
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.flow_engine import run_flow
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect.states import Completed
from prefect.testing.utilities import prefect_test_harness

from flows import UNTRACKED, import_file, ledger, sweeping, teams
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.run_imports import LeadfoldFaultError, end
from flows.runs import import_id_of
from flows.settings import Settings
from flows.sweeping import Suspects, sweep
from tests.conftest import Import

TEXT = "name,phone,email\nAnn,415-555-2671,\nBob,,bob@example.com\nZed,12,\nAnn,415-555-2671,\n"


@pytest.fixture(scope="module")
def prefect() -> Iterator[None]:
    """A Prefect server of the test's own, without the heartbeat that costs a second a flow."""
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_LOGGING_TO_API_ENABLED: False}),
    ):
        yield


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFOLD_HOME", str(settings.home))
    monkeypatch.setenv("LEADFOLD_DATABASE_URL", settings.database_url)
    # A server of a program's own takes longer than Prefect waits for where all cores are busy.
    monkeypatch.setenv("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")


def state_of(connection: psycopg.Connection, team: str) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT full_name, phone, email FROM personas WHERE team_id = %s ORDER BY 1", [team]
    ).fetchall()


def test_the_flow_and_the_plain_story_give_the_same(
    prefect: None,
    environment: None,
    connection: psycopg.Connection,
    import_text: Import,
    tmp_path: Path,
) -> None:
    """Counts, matches, effects and people are the same; the flow leaves a report behind."""
    teams.add_team(connection, "beta")
    plain = import_text(TEXT)
    (outcome,) = import_file.run(Request(tmp_path / "list.csv", "beta", "generic"))
    assert (outcome.status, outcome.counts, outcome.match, outcome.effects) == (
        plain.status,
        plain.counts,
        plain.match,
        plain.effects,
    )
    assert state_of(connection, "beta") == state_of(connection, "acme")
    assert ledger.find_import(connection, outcome.import_id).status == "done"
    assert any(outcome.import_id in str(page.data) for page in artifacts())


def test_a_failed_import_is_a_failed_run_with_its_sentence(
    prefect: None, environment: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """Whoever looks at the run reads what the ledger says."""
    path = tmp_path / "empty.csv"
    path.touch()
    state = import_file.import_path("acme", "generic", path, return_state=True)
    assert state.is_failed()
    assert state.message == (
        "Failed: empty.csv: the file is empty (0 bytes).\n"
        "Export it again; check the sender's filter."
    )
    (entry,) = ledger.list_imports(connection)
    assert entry.status == "failed"


def test_a_fault_tells_where_it_is_and_of_nobody(settings: Settings) -> None:
    """Prefect stores the text of an error, and strange ones quote what they were met with."""

    def work() -> list[Outcome]:
        raise ValueError("no such person: ann@example.com")

    with pytest.raises(LeadfoldFaultError, match=r"^A fault of Leadfold's: ValueError") as caught:
        end(work, settings)
    assert "ann@" not in "".join(traceback.format_exception(caught.value))


def test_a_run_that_died_within_an_archive_goes_on_with_its_other_members(
    prefect: None, environment: None, connection: psycopg.Connection, settings: Settings
) -> None:
    """Killed between two members, the run that is taken up again does not forget the second."""
    path = settings.inbox / "acme" / "lists.zip"
    path.parent.mkdir(parents=True)
    called = {"team": "acme", "source": "generic", "file": "acme/lists.zip"}
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(import_file.import_file, parameters=called)
    members = {"a.csv": "name,phone\nAnn,415-555-2671\n", "b.csv": "name,phone\nBob,415-555-2672\n"}
    for last in (1, 2):
        with zipfile.ZipFile(path, "w") as archive:
            for name in list(members)[:last]:
                archive.writestr(name, members[name])
        if last == 1:
            # As the ledger stands when the process dies before the second has begun.
            run_import(
                Request(path, "acme", "generic", import_id=import_id_of(str(run.id))), settings
            )
    run_flow(import_file.import_file, flow_run=run, parameters=called, return_type="state")
    found = [(entry.file_name, entry.status) for entry in ledger.list_imports(connection)]
    assert sorted(found) == [("lists.zip/a.csv", "done"), ("lists.zip/b.csv", "done")]
    assert len(state_of(connection, "acme")) == 2
    assert not path.exists()
    assert (settings.archive / "acme" / "lists.zip").exists()


def test_the_flow_as_a_program_says_nothing_but_its_outcome(
    environment: None, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """Standard error holds Prefect's log lines, and no dump of what could not be freed.

    The server that Prefect starts for it tells nobody of it.

    Prefect's own server may log that its SQLite was locked for a moment; no failure is ours.
    """
    path = tmp_path / "list.csv"
    path.write_text(TEXT)
    # Whoever sends anything cannot, and logs that.
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "flows.import_file", path, "--team", "acme", "--source", "generic"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(import_file.__file__).parent.parent,
        env={name: value for name, value in os.environ.items() if name not in UNTRACKED} | nowhere,
    )
    assert done.stdout.splitlines()[-1].startswith("Done: 4 rows: 2 new")
    assert "leaked" not in done.stderr
    assert "telemetry" not in done.stderr
    assert not re.search(r'File "[^"]*/(flows|transforms|contracts)/', done.stderr)


def test_the_module_is_a_program(
    prefect: None,
    environment: None,
    connection: psycopg.Connection,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``python -m flows.import_file`` tells the outcome in a sentence and an exit code."""
    path = tmp_path / "list.csv"
    path.write_text(TEXT)
    assert import_file.main([str(path), "--team", "acme", "--source", "generic"]) == 0
    assert "Done: 4 rows: 2 new, 0 changed, 1 duplicate, 1 rejected." in capsys.readouterr().out
    assert import_file.main([str(path), "--team", "nobody", "--source", "generic"]) == 2
    assert "Unknown team 'nobody'" in capsys.readouterr().err


def test_every_deployment_names_a_flow() -> None:
    """What prefect.yaml deploys is there, under the entrypoint that it says."""
    root = Path(import_file.__file__).parent.parent
    deployments = yaml.safe_load((root / "prefect.yaml").read_text())["deployments"]
    names = {deployment["name"]: deployment["entrypoint"] for deployment in deployments}
    assert "import-file" in names
    for name, entrypoint in names.items():
        assert load_flow_from_entrypoint(entrypoint).name == name


def test_a_run_is_dead_when_two_sweeps_say_so(
    prefect: None,
    environment: None,
    connection: psycopg.Connection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that lets go of its lock, and a moment later tells its end, is not begun again."""
    # The server says itself since when a run is in its state.
    monkeypatch.setattr(sweeping, "_BEGINNING", timedelta(0))
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(import_file.import_file)
        deployment_id = client.create_deployment(flow_id, "import-file")
        ending, dead = (
            client.create_flow_run_from_deployment(
                deployment_id, state=State(type=StateType.RUNNING)
            ).id
            for _ in range(2)
        )
        suspects: Suspects = {}
        assert sweep(settings, suspects) == []
        client.set_flow_run_state(ending, Completed(), force=True)
        (told,) = sweep(settings, suspects)
        assert "taken up again" in told
        names = [client.read_flow_run(run_id).state_name for run_id in (ending, dead)]
        assert names == ["Completed", "TakenUpAgain"]
        assert sweep(settings, suspects) == []


def artifacts() -> list[object]:
    async def fetch() -> list[object]:
        async with get_client() as client:
            return list(await client.read_artifacts())

    return asyncio.run(fetch())
