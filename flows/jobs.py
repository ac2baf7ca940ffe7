"""What travels through an import: the request, the job, the outcome."""

import getpass
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flows.ledger import Import
from flows.teams import Team
from transforms.ids import make_id
from transforms.plan import NO_ROWS, Counts
from transforms.plan_changes import Changes

Progress = Callable[[str, int], None]
"""Told the step (read, normalise, plan, write) and how many rows it has done so far."""


def say_nothing(step: str, rows: int) -> None:
    """The progress that nobody watches."""


def find_user() -> str:
    """Who runs this program; a number where the account has no name, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def make_import_id() -> str:
    """The id of an import that starts now."""
    return make_id("import", time.time_ns() // 1_000_000, secrets.randbits(80))


@dataclass(frozen=True)
class Request:
    """What somebody asks for: one file, into one team, read as one source.

    Attributes:
        new_team: For a dry run: the team as it would be, if there is none of that name yet.
        plan_file: Where to write the whole plan, as CSV or Parquet.
    """

    path: Path
    team: str
    source: str
    is_dry_run: bool = False
    new_team: Team | None = None
    started_by: str = field(default_factory=find_user)
    import_id: str = field(default_factory=make_import_id)
    plan_file: Path | None = None


@dataclass(frozen=True)
class Job:
    """An import that has begun. Names, ids and paths only, so that it can pass between tasks.

    Attributes:
        import_id: Its row in the ledger; a dry run has none.
        team: Whose people these are.
        source: Name of the contract.
        source_file: The logical file, part of each record's key.
        file_name: What people call the file; a member of an archive is ``outer.zip/member.csv``.
        path: The file as it was given.
        landed_at: The time of the import, for all that depends on one.
        is_dry_run: Whether to stop before anything is written.
        plan_file: Where to write the whole plan, as CSV or Parquet.
    """

    import_id: str
    team: Team
    source: str
    source_file: str
    file_name: str
    path: Path
    landed_at: datetime
    is_dry_run: bool
    plan_file: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What an import did, or would do.

    Attributes:
        status: done, held, failed; or dry_run.
        counts: What became of the rows.
        match: Records by the way they found their person.
        effects: Table -> action -> rows.
        reason: Of a held or failed one, for people.
        changes: The plan in short, of a dry run and where its plan is written to a file.
        kept: Of an undo: what it could not take back, and why (``imports.kept``).
    """

    import_id: str
    team_id: str
    source: str
    file_name: str
    status: str
    counts: Counts = NO_ROWS
    match: dict[str, int] = field(default_factory=dict)
    effects: dict[str, dict[str, int]] = field(default_factory=dict)
    reason: str = ""
    changes: Changes | None = None
    kept: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of_entry(cls, entry: Import) -> "Outcome":
        """The outcome that the ledger tells."""
        return cls(
            entry.import_id,
            entry.team_id,
            entry.source,
            entry.file_name,
            entry.status,
            entry.counts,
            entry.match,
            entry.effects,
            entry.reason or "",
            kept=entry.kept,
        )

    @property
    def is_good(self) -> bool:
        """Whether it did what was asked."""
        return self.status in ("done", "dry_run")
