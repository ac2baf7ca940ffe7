"""``leadfold up``: one instance for all of it, with a login and alerts, cut off from the world."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from flows import local_postgres, prefect_database, teams, warehouse
from flows.settings import Settings
from tests.offline import HOOK, count_attempts, offline
from tests.receivers import web_receiver
from tests.running import Running, await_, free_port

ROOT = Path(__file__).resolve().parent.parent
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
PASSWORD = "s3cret-of-the-test"
GOOD = "name,phone\nAnn Unmistakable,415-555-2671\nBob,415-555-2672\n"
BROKEN = "%PDF-1.7\n1 0 obj\n"


@dataclass
class Story:
    """What was seen of a Leadfold that was started, used, deployed to, and stopped.

    Attributes:
        is_cut_off: Whether no other network was there.
        attempts: How often the kernel was asked for a way to elsewhere.
        denied: What Python processes asked for elsewhere.
        served: Deployments by name, as the first start registered them.
        deployed: The same, after ``leadfold deploy``.
        runs: Name -> a flow run at its end.
        web: What the webhook got.
        second: Exit code and output of a second ``up`` in the same home.
        processes: Command lines of all its processes.
        logs: All that it has logged.
        code: Exit code of the stop.
    """

    is_cut_off: bool = False
    attempts: int = 0
    denied: str = ""
    served: dict[str, Any] = field(default_factory=dict)
    deployed: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Any] = field(default_factory=dict)
    web: list[str] = field(default_factory=list)
    second: tuple[int, str] = (0, "")
    processes: str = ""
    logs: str = ""
    code: int | None = None


@pytest.fixture(scope="module")
def story(server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("up") / "home"
    settings = Settings(home, local_postgres.recreate_database(server_home, "up"))
    with closing(warehouse.connect(settings)) as connection:
        connection.execute("DROP DATABASE IF EXISTS up_prefect WITH (FORCE)")
        teams.add_team(connection, "acme")
    found = Story()
    with ExitStack() as stack:
        found.is_cut_off = stack.enter_context(offline())
        before = count_attempts()
        web = stack.enter_context(web_receiver())
        denied = home.parent / "denied"
        running = Running(
            home,
            {
                "LEADFOLD_DATABASE_URL": settings.database_url,
                "LEADFOLD_UI_AUTH": f"admin:{PASSWORD}",
                "LEADFOLD_ALERT_WEBHOOK": f"http://127.0.0.1:{web.port}/alert",
                "LEADFOLD_OFFLINE_LOG": str(denied),
                "PYTHONPATH": str(HOOK),
                # What a person has set for other purposes leads nowhere else.
                "PREFECT_API_KEY": "pnu_of_somebody",
                "http_proxy": "http://proxy.example:3128",
            },
        )
        stack.callback(running.kill_all)
        running.start()
        found.served = list_deployments(running)
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", "up"],
            env=running.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        found.second = (done.returncode, done.stdout + done.stderr)
        ids = {
            "good": running.begin_import("acme", "good.csv", GOOD),
            "broken": running.begin_import("acme", "broken.csv", BROKEN),
        }
        found.runs["good"] = running.await_state(ids["good"], "COMPLETED")
        found.runs["broken"] = running.await_state(ids["broken"], "FAILED")
        await_(lambda: web.messages, "an alert")
        found.processes = "\n".join(" ".join(each.cmdline()) for each in running.members())
        found.web = web.messages
        found.attempts = count_attempts() - before
        found.denied = denied.read_text() if denied.exists() else ""
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", "deploy"],
            env={
                **{key: value for key, value in os.environ.items() if "PREFECT" not in key},
                "LEADFOLD_HOME": str(home),
                "PREFECT_HOME": str(home / "prefect"),
                "PREFECT_API_URL": f"http://127.0.0.1:{running.port}/api",
                "PREFECT_API_AUTH_STRING": f"admin:{PASSWORD}",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found.deployed = list_deployments(running)
        found.code = running.stop()
        found.logs = "".join(path.read_text() for path in (home / "logs").iterdir())
        found.logs += running.said()
        yield found


def list_deployments(running: Running) -> dict[str, Any]:
    return {each["name"]: each for each in running.ask("POST", "/deployments/filter", {})}


def test_nothing_is_asked_of_other_machines(story: Story) -> None:
    """No name is looked up and no connection tried but on loopback: starts, imports, a deploy."""
    assert story.denied == ""
    if not story.is_cut_off:
        pytest.skip("only root can cut a process off; what Python asked for was looked at")
    assert story.attempts == 0


def test_an_attempt_would_be_seen() -> None:
    """What the test above counts goes up when somebody tries."""
    with offline() as is_cut_off:
        if not is_cut_off:
            pytest.skip("only root can cut a process off")
        before = count_attempts()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            with pytest.raises(OSError, match="unreachable"):
                stranger.connect(("192.0.2.1", 53))
        assert count_attempts() > before


def test_imports_run_by_their_deployment(story: Story) -> None:
    """A run that was asked of the server ends with its sentence; then Ctrl-C stops it all."""
    assert story.runs["good"]["state"]["message"].startswith("Done: 2 rows: 2 new")
    assert story.code == 0


@pytest.mark.parametrize("said", DEPLOYMENTS, ids=lambda said: said["name"])
@pytest.mark.parametrize("way", ["served", "deployed"])
def test_one_definition_serves_both_ways(story: Story, way: str, said: dict[str, Any]) -> None:
    """``leadfold up`` and ``prefect deploy`` make the same deployment of an entry."""
    made = getattr(story, way)[said["name"]]
    assert made["description"] == said["description"]
    assert made["entrypoint"] == said["entrypoint"]
    assert made["enforce_parameter_schema"]
    assert not made["paused"]
    schedules = [
        (each["schedule"]["cron"], each["schedule"]["timezone"]) for each in made["schedules"]
    ]
    assert schedules == [(each["cron"], each["timezone"]) for each in said.get("schedules", [])]
    limit = made["global_concurrency_limit"]
    options = made["concurrency_options"] or {}
    wanted = said.get("concurrency_limit")
    assert (limit and limit["limit"]) == (wanted and wanted["limit"])
    assert options.get("collision_strategy") == (wanted and wanted["collision_strategy"])


def test_one_home_has_one_leadfold(story: Story) -> None:
    """A second one says that there is one, and where."""
    code, said = story.second
    assert code == 2
    assert "Leadfold is up already" in said
    assert "http://127.0.0.1" in said


def test_a_password_is_nowhere_to_be_read(story: Story) -> None:
    """Neither in the list of processes nor in a log."""
    assert "flows.prefect_server" in story.processes
    assert PASSWORD not in story.processes
    assert PASSWORD not in story.logs


def test_a_failed_import_is_told_by_webhook(story: Story) -> None:
    """What is told names the run, says why, and holds nobody's data."""
    (told,) = [json.loads(each) for each in story.web]
    assert told["subject"] == "Leadfold: an import failed"
    assert "broken.csv" in told["body"]
    assert "PDF" in told["body"]
    assert "Unmistakable" not in "".join(story.web)


def test_other_machines_need_a_login(tmp_path: Path) -> None:
    """Without one, it does not even begin."""
    assert "LEADFOLD_UI_AUTH" in refusal(tmp_path, {"LEADFOLD_UI_HOST": "0.0.0.0"})


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """In a sentence that says what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "LEADFOLD_UI_PORT" in refusal(tmp_path, {"LEADFOLD_UI_PORT": port})


def refusal(home: Path, environment: dict[str, str]) -> str:
    told = {"LEADFOLD_HOME": str(home), "LEADFOLD_UI_PORT": str(free_port()), **environment}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "up"],
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    return done.stderr


def test_prefect_gets_a_database_beside_leadfolds(settings: Settings) -> None:
    """Named after it, made once; who may not make one is told what to ask for."""
    made = prefect_database.ensure_database(settings)
    assert made == prefect_database.ensure_database(settings)
    name = conninfo_to_dict(settings.database_url)["dbname"]
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        query = "SELECT datname FROM pg_database WHERE datname LIKE %s ESCAPE '!'"
        assert connection.execute(query, [f"{name}!_%"]).fetchall() == [(f"{name}_prefect",)]
        connection.execute(f'DROP DATABASE "{name}_prefect"')


@pytest.mark.parametrize(
    ("dsn", "url"),
    [
        (
            "postgresql://u:p%40%2F@db.example:5433/x?sslmode=require",
            "postgresql+asyncpg://u:p%40%2F@db.example:5433/x?ssl=require",
        ),
        ("postgresql://u@/x?host=/run/pg", "postgresql+asyncpg://u@/x?host=%2Frun%2Fpg"),
        ("host=::1 user=u dbname=x", "postgresql+asyncpg://u@[::1]/x"),
    ],
)
def test_an_address_is_said_in_other_words(dsn: str, url: str) -> None:
    """SQLAlchemy and asyncpg read the same server, user, password and encryption."""
    assert prefect_database.sqlalchemy_url(dsn) == url
