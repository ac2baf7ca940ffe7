"""A real ``leadfold up`` in processes of its own, and what a test asks of its server."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

T = TypeVar("T")

PATIENCE_SECONDS = 300.0
"""How long a test waits for what will come; it asserts nothing about time."""


def await_(ask: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Ask again and again until the answer is something."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: it did not come"
        time.sleep(0.1)
    return answer


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """One home, and the ``leadfold up`` that runs in it, if it does."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.port = free_port()
        self.environment = {
            **{key: value for key, value in os.environ.items() if "PREFECT" not in key},
            "LEADFOLD_HOME": str(home),
            "LEADFOLD_UI_PORT": str(self.port),
            "LEADFOLD_FILES_PORT": str(free_port()),
            "LEADFOLD_WORKERS": "2",
            **(environment or {}),
        }
        self.auth = tuple(self.environment.get("LEADFOLD_UI_AUTH", "").split(":"))[:2]
        self.output = home / "up.out"
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start it and do not wait."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.cli", "up"],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self.process

    def start(self) -> "Running":
        """Start it, and wait until it says that it is up."""
        process = self.launch()

        def is_up() -> bool:
            assert process.poll() is None, self.said()
            return "Leadfold is up" in self.said()

        await_(is_up, "up")
        return self

    def said(self) -> str:
        """What it has told on the terminal."""
        return self.output.read_text()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it as a person or a service manager does; gives its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def members(self, word: str = "") -> list[psutil.Process]:
        """All its processes, and those that it has left; only those with a word in the command."""
        found = []
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get("LEADFOLD_HOME") == str(self.home)
                postgres = str(self.home / "postgres") in process.cmdline()
                if (is_ours or postgres) and word in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill_all(self) -> None:
        """Kill -9 for everything that this home runs, Postgres and what it has started too."""
        found = self.members()
        for process in [each for one in found for each in one.children(recursive=True)] + found:
            try:
                process.kill()
            except psutil.Error:
                continue
        if self.process:
            self.process.wait(PATIENCE_SECONDS)
        psutil.wait_procs(found, PATIENCE_SECONDS)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """What the server's API answers."""
        url = f"http://127.0.0.1:{self.port}/api{path}"
        auth = self.auth if len(self.auth) == 2 else None
        answer = httpx.request(method, url, json=body, auth=auth, timeout=30, trust_env=False)  # type: ignore[arg-type]
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def begin_run(self, deployment: str, parameters: Mapping[str, object]) -> str:
        """Start a flow run by its deployment, as the form does; gives its id."""
        found = self.ask("GET", f"/deployments/name/{deployment}/{deployment}")
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.ask("POST", f"/deployments/{found['id']}/create_flow_run", body)["id"])

    def begin_import(self, team: str, name: str, text: str, source: str = "generic") -> str:
        """Put a file into the inbox, and start its import as soon as the form offers it."""
        folder = self.home / "inbox" / team
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        file = f"{team}/{name}"

        def is_offered() -> bool:
            found = self.ask("GET", "/deployments/name/import-file/import-file")
            return file in found["parameter_openapi_schema"]["properties"]["file"].get("enum", [])

        await_(is_offered, f"{file} in the form")
        return self.begin_run("import-file", {"team": team, "source": source, "file": file})

    def read_run(self, run_id: str) -> dict[str, Any]:
        """A flow run, as the API tells it."""
        found: dict[str, Any] = self.ask("GET", f"/flow_runs/{run_id}")
        return found

    def await_state(self, run_id: str, *types: str) -> dict[str, Any]:
        """Wait until a flow run is in one of the states."""

        def is_there() -> dict[str, Any] | None:
            run = self.read_run(run_id)
            return run if run["state_type"] in types else None

        return await_(is_there, f"{types} of {run_id}")

    def flow_process(self, run_id: str) -> psutil.Process:
        """The process that works on a flow run."""

        def find() -> psutil.Process | None:
            for process in self.members("prefect.engine"):
                if process.environ().get("PREFECT__FLOW_RUN_ID") == run_id:
                    return process
            return None

        return await_(find, f"a process of {run_id}")
