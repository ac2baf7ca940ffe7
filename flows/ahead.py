"""Lone records go to Postgres while the rest of a file is planned: what becomes of them is known.

Planning keeps DuckDB busy, and taking rows in keeps one process of Postgres busy; one after the
other, they leave cores idle. It is all one transaction still: where the plan cannot be made, or
others were faster, what was written ahead is rolled back with the rest.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Event
from types import TracebackType
from typing import Self

import polars as pl
import psycopg

from contracts import people_tables as tables
from flows.apply import insert_rows, name_import
from transforms.lone import count_lone
from transforms.planned_rows import stream_lone
from transforms.relations import Work, is_on_disk

# In the order in which a plan is written.
_TABLES = (tables.PERSONAS, tables.LEADS)
_CANCEL_SECONDS, _AGAIN_SECONDS = 5.0, 0.2


class _StoppedError(Exception):
    """Nobody wants the rows any more."""


class Ahead:
    """A connection that is lent, while it is not needed, to a thread that writes lone records.

    As a context manager it ends what still goes on when the import fails.

    Attributes:
        written: Table -> rows that are written, as of the last ``wait``.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        """
        Args:
            connection: In the transaction that holds the team's lock.
        """
        self.written: Mapping[str, int] = {}
        self._connection = connection
        self._pool = ThreadPoolExecutor(1)
        self._begun: Future[dict[str, int]] | None = None
        self._is_stopped = Event()

    def begin(self, work: Work, team_id: str, import_id: str) -> None:
        """Write the lone records that ``set_lone_aside`` found, if there are any.

        Of a file so large that its tables are on disk, nothing is written ahead: they are to be
        written down as a whole meanwhile, for which nobody may read them.
        """
        if not count_lone(work) or is_on_disk(work):
            return
        name_import(self._connection, import_id)
        # A cursor of its own: planning goes on with the connection that it is of.
        self._begun = self._pool.submit(self._write, work.cursor(), team_id)

    def wait(self) -> psycopg.Connection:
        """The connection, once all is written. What went wrong is told here, and not before.

        Raises:
            psycopg.Error: Postgres did not take it.
        """
        if self._begun:
            self.written = self._begun.result()
        return self._connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_stopped.set()
        while self._begun and not self._begun.done():
            # It may wait for Postgres, now or in a moment.
            with suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
            wait([self._begun], timeout=_AGAIN_SECONDS)
        self._pool.shutdown()

    def _write(self, work: Work, team_id: str) -> dict[str, int]:
        with work:
            return {
                table.name: insert_rows(
                    self._connection, team_id, table, self._until_stopped(stream_lone(work, table))
                )
                for table in _TABLES
            }

    def _until_stopped(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for frame in frames:
            if self._is_stopped.is_set():
                raise _StoppedError
            yield frame
