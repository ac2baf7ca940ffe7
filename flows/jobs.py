"""What travels through an import: the request, the job, the outcome."""

import getpass
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from contracts.feeds import Feed
from contracts.policy import Policy
from contracts.registry import load_source
from contracts.source import Source
from flows.ledger import Import, Origin
from flows.teams import Team, policy_of
from transforms.file_times import read_file_time
from transforms.ids import derive_ids, make_id, time_part
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


def member_import_id(import_id: str, number: int) -> str:
    """The id of the import of an archive's member, the same again when the request is repeated."""
    if number == 0:
        return import_id
    digest = hashlib.sha256(f"{import_id} {number}".encode()).hexdigest()
    return str(derive_ids("import", time_part(import_id), pl.Series([digest]))[0])


@dataclass(frozen=True)
class Request:
    """What somebody asks for: one file, into one team, read as one source.

    Attributes:
        import_id: Asked again under the same id, it is the same import: what is done stays.
        new_team: For a dry run: the team as it would be, if there is none of that name yet.
        plan_file: Where to write the whole plan, as CSV or Parquet.
        origin: How it is started.
        run_id: The Prefect flow run in which it runs; empty: none.
        feed: The feed that brought the file.
    """

    path: Path
    team: str
    source: str
    is_dry_run: bool = False
    new_team: Team | None = None
    started_by: str = field(default_factory=find_user)
    import_id: str = field(default_factory=make_import_id)
    plan_file: Path | None = None
    origin: Origin = "command"
    run_id: str = ""
    feed: Feed | None = None


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
        feed: The feed that brought the file.
        accepted: Codes of ``HeldError`` for which it was held, and that somebody accepted.
        corrects: The import whose rejected rows the file brings again, corrected; empty: none's.
        time_name: The file's name that tells of when its rows are; empty: its own.
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
    feed: Feed | None = None
    accepted: frozenset[str] = frozenset()
    corrects: str = ""
    time_name: str = ""

    @property
    def contract(self) -> Source:
        """The contract by which the file is read: as feed and people say."""
        source = load_source(self.source)
        changes: dict[str, Any] = {}
        if self.feed and self.feed.mode:
            changes["mode"] = "snapshot" if self.feed.mode == "snapshot" else "delta"
        if self.corrects:
            # The rows that were right are not in it, and are not gone for that.
            changes["mode"] = "delta"
        if "header_drift" in self.accepted:
            keys = ("source_record_id",)
            is_snapshot = changes.get("mode", source.mode) == "snapshot"
            changes["required"] = tuple(k for k in source.required if is_snapshot and k in keys)
            pattern, timezone = source.file_time, source.file_timezone
            if pattern and read_file_time(self.dated_name, pattern, timezone) is None:
                changes["file_time"] = ""
        return source.model_copy(update=changes)

    @property
    def policy(self) -> Policy:
        """The policy by which it is planned: as team, feed and people say."""
        changes = self.feed.policy.said if self.feed else {}
        # Somebody has looked at each row of a correction; what is still wrong is told, not asked.
        if "too_many_rejects" in self.accepted or self.corrects:
            changes["max_reject_rate"] = 1.0
        if "too_many_deletes" in self.accepted:
            changes["max_delete_rate"] = 1.0
        return policy_of(self.team).model_copy(update=changes)

    @property
    def dated_name(self) -> str:
        """The name that may tell of when the rows are: of a correction, that of the first file."""
        return self.time_name or self.file_name


@dataclass(frozen=True)
class Outcome:
    """What an import did, or would do.

    Attributes:
        status: done, held, failed, declined; or dry_run.
        counts: What became of the rows.
        match: Records by the way they found their person.
        effects: Table -> action -> rows.
        reason: Of one that is not done, for people.
        changes: The plan in short, of a dry run and where its plan is written to a file.
        kept: Of an undo: what it could not take back, and why (``imports.kept``).
        is_passing: Whether it failed for a reason that may pass, such as a database that is away.
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
    is_passing: bool = False

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
