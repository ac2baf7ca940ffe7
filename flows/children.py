"""Child processes of ``leadfold up``, each with all that it starts: begun, ended, found again.

A child leads a session of its own, so that a Ctrl-C in the terminal reaches ``up`` alone, and what
the child started is known when the child is gone. Who it is stands in a note, so that the next
``up`` can end what a killed one left.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_LOG_BYTES = 10_000_000
_LOOK_SECONDS = 0.05
# How far two readings of a process's start may lie apart.
_SAME_START_SECONDS = 1.0


@dataclass(frozen=True)
class Child:
    """A process that leads a session.

    Attributes:
        name: What people and the log call it.
        process: The process.
        log: The file that it writes to.
        note: The file that tells the next ``up`` of it.
    """

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    note: Path

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self.process.poll() is None

    def end(self, seconds: float) -> None:
        """Ask it to end, then end it and all that it started."""
        if self.is_running:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        _end_session(self.process.pid, 0)
        self.process.wait()
        self.note.unlink(missing_ok=True)

    def end_orphans(self, seconds: float) -> None:
        """End what it started and left behind; those who can are given the time to tell why."""
        _end_session(self.process.pid, seconds)
        self.note.unlink(missing_ok=True)


def start_child(
    name: str, command: Sequence[str], home: Path, environment: Mapping[str, str]
) -> Child:
    """Start a program whose output goes to ``logs/<name>.log``."""
    log, note = home / "logs" / f"{name}.log", home / "up" / f"{name}.json"
    for folder in (log.parent, note.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            # Prefect reads settings from the folder that it runs in.
            cwd=home,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with contextlib.suppress(psutil.Error):
        started = psutil.Process(process.pid).create_time()
        note.write_text(json.dumps({"pid": process.pid, "started": started}))
    return Child(name, process, log, note)


def end_leftovers(home: Path, seconds: float) -> list[str]:
    """End what an ``up`` that was killed has left running, and say what that was."""
    ended = []
    for note in sorted((home / "up").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError):
            said = json.loads(note.read_text())
            if _is_session(said["pid"], said["started"]) and _end_session(said["pid"], seconds):
                ended.append(note.stem)
        note.unlink(missing_ok=True)
    return ended


def _is_session(pid: int, started: float) -> bool:
    """Whether a session is still the one that a process led which started then."""
    try:
        return abs(psutil.Process(pid).create_time() - started) < _SAME_START_SECONDS
    except psutil.Error:
        # No number is given anew while a session bears it: what is in it is what the process left.
        return True


def _end_session(leader: int, seconds: float) -> bool:
    """End all processes of a session; tells whether there were any."""
    members = _list_session(leader)
    for each in members:
        _signal(each, signal.SIGTERM if seconds else signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while seconds and _list_session(leader) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    for each in _list_session(leader):
        _signal(each, signal.SIGKILL)
    return bool(members)


def _list_session(leader: int) -> list[int]:
    """The processes of a session that live; a zombie has ended."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            is_member = os.getsid(pid) == leader
            if is_member and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
