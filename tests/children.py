"""Processes that import a file: one that kills itself at a named point, one that tells.

The product has no hooks for this: functions are found by name and wrapped, in whatever module they
were imported into. A name that is gone is an AttributeError, and the child ends otherwise than by
its own hand, which fails the test.
"""

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import wraps
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

import psycopg

from flows import importing, warehouse
from flows.dropping import import_dropped_files
from flows.importing import PLAIN, run_import
from flows.jobs import Request
from flows.settings import Settings
from flows.teams import find_team
from flows.undoing import run_undo
from transforms.plan import Counts

P = ParamSpec("P")
T = TypeVar("T")
Reached = Callable[[tuple[object, ...]], bool]
"""Told the arguments of a call that has ended: whether this is the point."""

FORKABLE = ["polars", "duckdb", "psycopg", "pandera.polars", "phonenumbers", "pydantic", "pyarrow"]
"""What takes long to import and starts no thread that a fork would lose; our own modules do."""


class Told(NamedTuple):
    """How an import in a process of its own ended."""

    status: str
    reason: str
    counts: Counts
    match: dict[str, int]


def import_at_once(settings: Settings, source: str, paths: Sequence[Path]) -> list[Told]:
    """Import files into team acme, each in a process of its own, all of them at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(FORKABLE)
    start = context.Barrier(len(paths))
    processes, ends = [], []
    for path in paths:
        hear, tell = context.Pipe(duplex=False)
        processes.append(
            context.Process(target=_import_and_tell, args=(settings, path, source, start, tell))
        )
        processes[-1].start()
        tell.close()
        ends.append(hear)
    told = [Told(*end.recv()) for end in ends]
    for process in processes:
        process.join()
    assert not any(process.exitcode for process in processes)
    return told


def _import_and_tell(
    settings: Settings, path: Path, source: str, start: Barrier, told: Connection
) -> None:
    """Import a file as soon as all others are ready to, and tell how it ended."""
    start.wait()
    (outcome,) = run_import(Request(path, "acme", source), settings)
    told.send((outcome.status, outcome.reason, outcome.counts, outcome.match))


def import_and_die(
    settings: Settings, path: Path, team: str, source: str, point: str, started: Connection
) -> None:
    """Import a file; with a ``point``, be killed there.

    Args:
        point: ``step NAME``: after a step of the import. ``call MODULE.NAME N``: after the Nth
            call of a function. ``write TABLE ACTION``: after apply has done that.
            ``before COMMIT``, ``after COMMIT``. Empty: nowhere.
        started: Told as soon as the import begins.
    """
    steps = PLAIN
    kind, _, rest = point.partition(" ")
    if kind == "step":
        steps = replace(PLAIN, **{rest: _dying(getattr(PLAIN, rest), lambda _: True)})
    else:
        _arm(point)
    started.send(True)
    (outcome,) = run_import(Request(path, team, source), settings, steps=steps)
    sys.exit(0 if outcome.status == "done" else f"{outcome.status}: {outcome.reason}")


def drop_and_die(settings: Settings, team: str, point: str) -> None:
    """Import what a team has dropped, and be killed at a point."""
    _arm(point)
    with closing(warehouse.connect(settings)) as connection:
        found = find_team(connection, team)
    for _ in import_dropped_files(
        found, settings, lambda asked: importing.run_import(asked, settings)
    ):
        continue
    sys.exit("the point was not reached")


def undo_and_die(settings: Settings, import_id: str, point: str) -> None:
    """Undo an import, and be killed at a point, as ``import_and_die`` names them."""
    _arm(point)
    outcome = run_undo(import_id, settings)
    sys.exit(0 if outcome.status == "done" else f"{outcome.status}: {outcome.reason}")


def _arm(point: str) -> None:
    """Die at a point that is no step."""
    kind, _, rest = point.partition(" ")
    if kind == "call":
        name, number = rest.split(" ")
        _wrap(name, _nth(int(number)))
    elif kind == "write":
        table, action = rest.split(" ")
        _wrap(
            "flows.apply._write",
            lambda given: (
                action in given and any(getattr(each, "name", None) == table for each in given)
            ),
        )
    elif rest == "COMMIT":
        _die_at_commit(is_before=kind == "before")
    elif point:
        raise AssertionError(f"no such point: {point}")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying(function: Callable[P, T], is_reached: Reached) -> Callable[P, T]:
    @wraps(function)
    def run(*arguments: P.args, **options: P.kwargs) -> T:
        result = function(*arguments, **options)
        if is_reached((*arguments, *options.values())):
            _die()
        return result

    return run


def _nth(number: int) -> Reached:
    calls: list[object] = []

    def is_reached(given: tuple[object, ...]) -> bool:
        calls.append(given)
        return len(calls) == number

    return is_reached


def _wrap(dotted: str, is_reached: Reached) -> None:
    """Let the process die after a call of a function, wherever it is known by name."""
    module_name, _, name = dotted.rpartition(".")
    function = getattr(importlib.import_module(module_name), name)
    _put_everywhere(function, _dying(function, is_reached))


def _put_everywhere(function: object, wrapped: object) -> None:
    for module in list(sys.modules.values()):
        if module.__name__.partition(".")[0] in ("flows", "transforms"):
            for known, value in list(vars(module).items()):
                if value is function:
                    setattr(module, known, wrapped)


def _die_at_commit(*, is_before: bool) -> None:
    """Die right before or after the COMMIT of the transaction that apply wrote in."""
    applied: list[bool] = []

    def note(given: tuple[object, ...]) -> bool:
        applied.append(True)
        return False

    _wrap("flows.apply.apply", note)
    leave = psycopg.Transaction.__exit__

    def leave_and_die(self: psycopg.Transaction, *error: object) -> bool:
        if applied and is_before:
            _die()
        result = leave(self, *error)  # type: ignore[arg-type]
        if applied:
            _die()
        return result

    psycopg.Transaction.__exit__ = leave_and_die  # type: ignore[method-assign, assignment]
