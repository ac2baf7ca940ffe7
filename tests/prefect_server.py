"""A Prefect server of the tests' own, with all its services, as a team would run it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from prefect.events.worker import EventsWorker
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)

from flows import UNTRACKED

LOGIN = ("eve", "not-a-secret")
"""Who may enter, as where other machines may."""

_SECONDS = 300


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """A server that is up.

    Yields:
        The address of its API.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder),
        **UNTRACKED,
        "PREFECT_SERVER_API_AUTH_STRING": ":".join(LOGIN),
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--no-ui", "--port", str(port)]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_for(lambda: server.poll() is not None or is_up(url))
        assert server.poll() is None, (folder / "server.log").read_text()
        yield url
    finally:
        server.terminate()
        server.wait(_SECONDS)


@contextmanager
def reporting_to(url: str) -> Iterator[None]:
    """Flows of this process report to a server."""
    with temporary_settings(
        {
            PREFECT_API_URL: url,
            PREFECT_API_AUTH_STRING: ":".join(LOGIN),
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
            PREFECT_LOGGING_TO_API_ENABLED: False,
        }
    ):
        yield
        # It keeps its connection: what other tests tell is meant for other servers.
        EventsWorker.drain_all()


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).is_success
    except httpx.HTTPError:
        return False


def wait_for(happened: Callable[[], object]) -> None:
    """Look until it has happened; what takes five minutes never will."""
    deadline = time.monotonic() + _SECONDS
    while not happened():
        assert time.monotonic() < deadline, "It did not happen."
        time.sleep(0.2)
