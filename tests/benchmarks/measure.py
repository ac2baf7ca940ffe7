"""What a call of a program costs: seconds, memory of client and server, WAL."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.benchmarks.server import Server

# Often at first: some calls are over in a tenth of a second.
_FIRST_SAMPLE_SECONDS, _SAMPLE_SECONDS = 0.01, 0.2


class Call(NamedTuple):
    """A program, its arguments, and what is set beside the environment that there is."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = {}


@dataclass(frozen=True)
class Cost:
    """What a measured call took.

    Attributes:
        seconds: From its start to its end, by the clock on the wall.
        client_bytes: The most memory that it and its children held at a time. Pages that several
            share count once.
        server_bytes: Likewise that of all processes of Postgres, its shared buffers included.
        wal_bytes: WAL that was written meanwhile.
        output: What it printed, one text a call.
    """

    seconds: float
    client_bytes: int
    server_bytes: int
    wal_bytes: int
    output: tuple[str, ...] = field(repr=False)


def measure(server: Server, *calls: Call) -> Cost:
    """Run programs at once, and wait for all.

    Raises:
        RuntimeError: One of them failed; the message holds what it said.
    """
    server.settle()
    wal = server.wal_position()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        running = [_start(call, Path(folder) / str(n)) for n, call in enumerate(calls)]
        watch = _Watch([psutil.Process(one.pid) for one in running], server.process())
        watch.start()
        codes = [one.wait() for one in running]
        seconds = time.perf_counter() - start
        watch.stop()
        said = [(Path(folder) / str(n)).read_text() for n in range(len(calls))]
        for call, code, output, number in zip(calls, codes, said, range(len(calls)), strict=True):
            if code:
                errors = (Path(folder) / f"{number}.err").read_text()
                told = f"{output[-2000:]}{errors[-4000:]}"
                raise RuntimeError(f"{' '.join(call.arguments)} ended with {code}:\n{told}")
    wal = server.wal_position() - wal
    return Cost(seconds, watch.client_bytes, watch.server_bytes, wal, tuple(said))


def _start(call: Call, output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as out, output.with_name(output.name + ".err").open("wb") as err:
        return subprocess.Popen(
            call.arguments, env={**os.environ, **call.environment}, stdout=out, stderr=err
        )


class _Watch(threading.Thread):
    """Looks every so often at how much memory programs and the server hold."""

    def __init__(self, clients: list[psutil.Process], server: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.client_bytes = self.server_bytes = 0
        self._clients, self._server = clients, server
        self._is_over = threading.Event()

    def run(self) -> None:
        pause = _FIRST_SAMPLE_SECONDS
        while not self._is_over.wait(pause):
            self._look()
            pause = min(2 * pause, _SAMPLE_SECONDS)

    def stop(self) -> None:
        self._is_over.set()
        self.join()

    def _look(self) -> None:
        clients = [process for one in self._clients for process in _family(one)]
        peak = max((_peak_bytes(process) for process in clients), default=0)
        self.client_bytes = max(self.client_bytes, _held_bytes(clients), peak)
        self.server_bytes = max(self.server_bytes, _held_bytes(_family(self._server)))


def _family(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def _held_bytes(processes: list[psutil.Process]) -> int:
    own, shared = 0, [0]
    for process in processes:
        with suppress(psutil.Error):
            held = process.memory_info()
            common = getattr(held, "shared", 0)
            own += held.rss - common
            shared.append(common)
    return own + max(shared)


def _peak_bytes(process: psutil.Process) -> int:
    """The most that one process ever held, where the system tells (Linux)."""
    with suppress(OSError, psutil.Error):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
