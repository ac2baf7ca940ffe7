"""What ``leadfold up`` holds while it lives: its home, which no other may have, and signals."""

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from contracts.errors import WrongCallError
from flows import prefect_address
from flows.settings import Settings


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold this home's ``up``.

    Raises:
        WrongCallError: Another process holds it.
    """
    with (settings.home / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise WrongCallError(
                f"Leadfold is up already in {settings.home}: {file.read().strip()}.\n"
                "Use that one, or stop it first."
            ) from None
        _write(file, f"process {os.getpid()}, {prefect_address.ui_url(settings)}")
        yield


def _write(file: IO[str], text: str) -> None:
    file.truncate(0)
    file.write(text)
    file.flush()


@contextmanager
def until_signal() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the second Ctrl-C interrupts."""
    stop = threading.Event()

    def ask(number: int, _: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
