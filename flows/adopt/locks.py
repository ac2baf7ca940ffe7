"""How long what writers may come to wait for was held."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Statement = Literal[
    "batch",
    "create index",
    "create unique index",
    "create trigger",
    "drop trigger",
    "drop index",
    "restore batch",
]


class Kind(NamedTuple):
    """A statement, and which locks it takes."""

    statement: str
    lock: str


KINDS: dict[Statement, Kind] = {
    "batch": Kind(
        "one batch: SELECT FOR UPDATE, UPDATE, DELETE, COMMIT",
        "ROW EXCLUSIVE on the table and those that refer to it; the rows of the batch",
    ),
    "create index": Kind("CREATE INDEX CONCURRENTLY", "SHARE UPDATE EXCLUSIVE"),
    "create unique index": Kind("CREATE UNIQUE INDEX CONCURRENTLY", "SHARE UPDATE EXCLUSIVE"),
    "create trigger": Kind("CREATE TRIGGER", "SHARE ROW EXCLUSIVE"),
    "drop trigger": Kind("DROP TRIGGER", "ACCESS EXCLUSIVE"),
    "drop index": Kind("DROP INDEX CONCURRENTLY", "SHARE UPDATE EXCLUSIVE"),
    "restore batch": Kind(
        "one batch given back: INSERT, UPDATE, COMMIT",
        "ROW EXCLUSIVE on the table and those that refer to it; the rows of the batch",
    ),
}


@dataclass
class LockLog:
    """What was held, by statement and table: how often, and for how long at most, in seconds."""

    held: dict[tuple[Statement, str], tuple[int, float]] = field(default_factory=dict)

    @contextmanager
    def holding(self, statement: Statement, table: str) -> Iterator[None]:
        """Note how long it takes from here; what fails was held, too."""
        begun = time.monotonic()
        try:
            yield
        finally:
            times, longest = self.held.get((statement, table), (0, 0.0))
            seconds = time.monotonic() - begun
            self.held[statement, table] = (times + 1, max(longest, seconds))

    def to_json(self) -> list[dict[str, Any]]:
        """For scripts."""
        return [
            {
                **KINDS[statement]._asdict(),
                "on": table,
                "times": times,
                "longest_seconds": round(longest, 3),
            }
            for (statement, table), (times, longest) in self.held.items()
        ]
