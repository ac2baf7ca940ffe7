"""An app that goes on writing while its database is taken over, and remembers what came of it.

Each write is a transaction of its own and is tried once. Two threads draw new people out of the
same numbers, so that some of them are made twice at the same moment.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg

from tests.adopting_world import TAGS, connect

_OPEN = """
SELECT id, workspace_id, device_id, phone FROM leads
WHERE phone LIKE '+1555%' AND right(phone, 2)::int / 10 % 2 = 1
   OR phone LIKE '+1222%' AND id % 50 = 0
"""

_NEW_LEAD = """
INSERT INTO leads (workspace_id, device_id, phone, first_name, notes, created_at, last_activity_at)
VALUES (%s, %s, %s, 'New', %s, now(), now()) RETURNING id
"""
_CALL = "INSERT INTO calls (lead_id, outcome) VALUES (%s, %s) RETURNING id"
_TAG = """
INSERT INTO lead_tags (lead_id, tag_id) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING lead_id
"""
_EDIT = "UPDATE leads SET status = %s, notes = %s, updated_at = now() WHERE id = %s RETURNING id"


@dataclass(frozen=True)
class Write:
    """One transaction.

    Attributes:
        thread: Which of the writer's threads.
        kind: 'lead', 'call', 'tag' or 'edit'.
        values: What it wrote, as its statement takes it.
        row_id: The id of the row that it wrote, if it wrote one.
        latency_seconds: How long it took, with its end.
        refused: The SQLSTATE that it got, if it got one.
        constraint: The constraint that refused it.
        message: What the error says.
    """

    thread: int
    kind: str
    values: tuple[Any, ...]
    row_id: int | None
    latency_seconds: float
    refused: str = ""
    constraint: str = ""
    message: str = ""


class Writer:
    """What the threads share, and what they have written."""

    def __init__(self, address: str, rows: int, pause_seconds: float = 0.003) -> None:
        self.address, self.rows, self.pause_seconds = address, rows, pause_seconds
        self.stopped = threading.Event()
        self.writes: list[Write] = []
        self.own: deque[tuple[Any, ...]] = deque(maxlen=40)
        """Keys of people who are being made, or were just now: the threads repeat each other's."""
        self.own_ids: deque[int] = deque(maxlen=500)
        self.made = 0
        with connect(address) as connection:
            self.workspaces = [i for (i,) in connection.execute("SELECT id FROM workspaces")]
            # Half of the groups, and some who are alone: what is new repeats them.
            self.open = connection.execute(_OPEN).fetchall()
            self.open_ids = [each[0] for each in self.open]
            query = "SELECT id FROM leads WHERE phone LIKE '+1555%'"
            self.members = [i for (i,) in connection.execute(query)]
        # The other groups get calls and tags, but stay who they were: a rule tells who survives.
        self.closed = set(self.members) - set(self.open_ids)

    def await_more(self, writes: int) -> None:
        """Wait until so many more transactions are through."""
        aim = len(self.writes) + writes
        while len(self.writes) < aim:
            assert not self.stopped.wait(0.02), "the writer has stopped"

    def write_on(self, thread: int) -> None:
        """Write until told to stop."""
        dice = random.Random(thread)
        with connect(self.address) as connection:
            while not self.stopped.wait(self.pause_seconds):
                kind = dice.choices(("lead", "call", "tag", "edit"), (35, 30, 20, 15))[0]
                self.writes.append(self._write(connection, thread, kind, dice))

    def _write(
        self, connection: psycopg.Connection, thread: int, kind: str, dice: random.Random
    ) -> Write:
        statement, values = {
            "lead": self._new_lead,
            "call": self._call,
            "tag": self._tag,
            "edit": self._edit,
        }[kind](dice)
        done = partial(Write, thread, kind, values)
        started = time.perf_counter()
        try:
            row = connection.execute(statement, values).fetchone()
        except psycopg.Error as error:
            seconds = time.perf_counter() - started
            name = error.diag.constraint_name or ""
            return done(None, seconds, error.sqlstate or type(error).__name__, name, str(error))
        seconds = time.perf_counter() - started
        if kind == "lead" and row:
            self.own_ids.append(row[0])
        return done(row[0] if row else None, seconds)

    def _new_lead(self, dice: random.Random) -> tuple[str, tuple[Any, ...]]:
        """Mostly somebody new, sometimes somebody stored, sometimes one of our own again."""
        choice = dice.random()
        if choice < 0.1:
            _, workspace, device, phone = dice.choice(self.open)
            # By the first key, or by the second alone.
            by_device = device and dice.random() < 0.5
            key = (dice.choice(self.workspaces) if by_device else workspace, device, phone)
        elif choice < 0.25 and self.own:
            workspace, device, phone = dice.choice(tuple(self.own))
            by_device = dice.random() < 0.5
            key = (dice.choice(self.workspaces) if by_device else workspace, device, phone)
        else:
            self.made += 1
            number = f"{self.made:07}"
            key = (dice.choice(self.workspaces), f"dev-w-{number}", f"+1666{number}")
        self.own.append(key)
        notes = f"new {dice.random()}" if dice.random() < 0.5 else None
        return _NEW_LEAD, (*key, notes)

    def _call(self, dice: random.Random) -> tuple[str, tuple[Any, ...]]:
        return _CALL, (self._anybody(dice, self.members), f"call {dice.random()}")

    def _tag(self, dice: random.Random) -> tuple[str, tuple[Any, ...]]:
        return _TAG, (self._anybody(dice, self.members), dice.randint(1, TAGS))

    def _edit(self, dice: random.Random) -> tuple[str, tuple[Any, ...]]:
        lead = next(
            lead
            for lead in iter(lambda: self._anybody(dice, self.open_ids), None)
            if lead not in self.closed
        )
        return _EDIT, (f"status {dice.random()}", f"notes {dice.random()}", lead)

    def _anybody(self, dice: random.Random, members: list[int]) -> int:
        choice = dice.random()
        if choice < 0.3:
            return dice.choice(members)
        if choice < 0.4 and self.own_ids:
            return dice.choice(tuple(self.own_ids))
        return dice.randint(1, self.rows)


@contextmanager
def writing(address: str, rows: int) -> Iterator[Writer]:
    """A writer that writes as long as this lasts."""
    writer = Writer(address, rows)
    threads = [
        threading.Thread(target=writer.write_on, args=(number,), name=f"writer {number}")
        for number in range(2)
    ]
    for thread in threads:
        thread.start()
    try:
        yield writer
    finally:
        writer.stopped.set()
        for thread in threads:
            thread.join()
