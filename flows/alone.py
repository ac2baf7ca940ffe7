"""What ``leadfold up`` holds while it lives: its home and database, for it alone, and signals."""

import fcntl
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import psycopg

from contracts.errors import WrongCallError
from flows import prefect_address, warehouse
from flows.settings import Settings

# Who was killed just now may still have its session for a moment.
_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.2


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


class DatabaseHold:
    """The mark on a database that a ``leadfold up`` works with it, from whatever machine.

    Two of them would take each other's runs for dead, since each knows its own processes only.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.connection: psycopg.Connection | None = None

    def take(self) -> None:
        """Hold the database, or see that it is still held.

        Raises:
            WrongCallError: Another ``leadfold up`` holds it.
            DatabaseUnavailableError: Postgres does not answer.
        """
        if self.connection and self._is_alive(self.connection):
            return
        self.release()
        connection = warehouse.open_connection(self.settings, "leadfold up")
        # Where a machine falls silent, its session ends within a minute, not after hours.
        connection.execute("SET tcp_keepalives_idle = 30")
        connection.execute("SET tcp_keepalives_interval = 10")
        connection.execute("SET tcp_keepalives_count = 3")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        ask = "SELECT pg_try_advisory_lock(hashtextextended('leadfold up', 0))"
        while connection.execute(ask).fetchone() != (True,):
            if time.monotonic() > deadline:
                connection.close()
                raise WrongCallError(
                    "Another 'leadfold up' works with this database, from another LEADFOLD_HOME or"
                    " another machine.\nUse that one, or stop it first."
                )
            time.sleep(_LOOK_SECONDS)
        self.connection = connection

    def release(self) -> None:
        """Let go of the database."""
        if self.connection:
            self.connection.close()
        self.connection = None

    def _is_alive(self, connection: psycopg.Connection) -> bool:
        try:
            connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True


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
