"""Maintenance: what is older than anybody wants, and what killed imports left, goes."""

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from contracts.retention import Retention, load_retention
from flows import warehouse
from flows.erasing import finish_cut_off, one_at_a_time
from flows.importing import sweep_killed
from flows.pruning import prune_issues, prune_versions
from flows.settings import Settings
from flows.teams import list_teams

FILE_NAME = "retention.yaml"
_FOLDERS = {
    "landed": "landing",
    "archived": "archive",
    "quarantined": "quarantine",
    "plans": "plans",
}
# A file that is being landed lives for minutes; one that is a day old was left behind.
_ABANDONED = timedelta(days=1)


@dataclass
class Maintenance:
    """What was removed, or would be.

    Attributes:
        files: Kind -> how many files.
        rows: Table -> how many rows; of ``imports``, those that cannot be undone any more.
        killed: Imports whose process had ended.
        finished: Files that an erasure, cut off after its commit, had left to replace.
        is_dry_run: Whether nothing was removed.
    """

    files: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    finished: int = 0
    is_dry_run: bool = False

    def to_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "files": self.files,
            "rows": self.rows,
            "killed_imports": self.killed,
            "erasures_finished": self.finished,
            "is_dry_run": self.is_dry_run,
        }

    def lines(self) -> list[str]:
        """For people."""
        word = "would be removed" if self.is_dry_run else "removed"
        said = [f"Files {kind}, {word}: {count:,}." for kind, count in self.files.items() if count]
        for table, count in self.rows.items():
            if count and table == "imports":
                said.append(f"Imports that cannot be undone any more: {count:,}.")
            elif count and table == "import_issues":
                said.append(f"Texts of rejects and damaged cells, {word}: {count:,}.")
            elif count:
                said.append(f"Rows of {table}, {word}: {count:,}.")
        if self.killed:
            said.append(
                f"Left behind by killed imports, removed: {len(self.killed):,} work folders."
            )
        if self.finished:
            said.append(f"Files of an erasure that had been cut off, replaced: {self.finished:,}.")
        return said or ["There is nothing to remove."]


def read_retention(settings: Settings) -> Retention:
    """What is kept for how long: as Leadfold comes, or as ``retention.yaml`` in home says.

    Raises:
        ContractError: That file says what it cannot say.
    """
    path = settings.home / FILE_NAME
    own = path.read_text(encoding="utf-8") if path.exists() else ""
    return load_retention(own, str(path))


def run_maintenance(
    settings: Settings, *, is_dry_run: bool = False, now: datetime | None = None
) -> Maintenance:
    """Remove what is older than the retention says. Done again, it finds nothing.

    Args:
        settings: Where the database and the files are.
        is_dry_run: Whether to tell, and remove nothing.
        now: The time from which days are counted; else that of the clock.

    Raises:
        ContractError: ``retention.yaml`` says what it cannot say.
        TeamBusyError: An import of a team runs for too long.
        DatabaseUnavailableError: Postgres does not answer.
    """
    now = now or datetime.now(UTC)
    retention = read_retention(settings)
    done = Maintenance(is_dry_run=is_dry_run)
    with (
        one_at_a_time(settings.home),
        warehouse.connected(settings, "leadfold maintain") as connection,
    ):
        if not is_dry_run:
            done.killed = sweep_killed(connection, settings)
            done.finished = finish_cut_off(connection, settings.home)
        _prune_files(connection, settings, retention, done, now)
        _prune_rows(connection, settings, retention, done, now)
    return done


def _prune_files(
    connection: psycopg.Connection,
    settings: Settings,
    retention: Retention,
    done: Maintenance,
    now: datetime,
) -> None:
    in_use = {
        digest
        for (digest,) in connection.execute(
            "SELECT file_hash FROM imports WHERE status IN ('running', 'held')"
            " AND file_hash IS NOT NULL"
        )
    }
    for kind, folder in _FOLDERS.items():
        days: int | None = getattr(retention, kind)
        for path in _list_files(settings.home / folder):
            is_part = path.name.startswith(".landing-")
            age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
            kept_for = _ABANDONED if is_part else timedelta(days=days) if days else None
            if kept_for is None or age < kept_for or path.stem in in_use:
                continue
            done.files[kind] = done.files.get(kind, 0) + 1
            if not done.is_dry_run:
                path.unlink(missing_ok=True)


def _list_files(folder: Path) -> list[Path]:
    return [
        Path(parent) / name
        for parent, _, names in os.walk(folder)
        for name in sorted(names)
        if not (Path(parent) / name).is_symlink()
    ]


def _prune_rows(
    connection: psycopg.Connection,
    settings: Settings,
    retention: Retention,
    done: Maintenance,
    now: datetime,
) -> None:
    if retention.versions is None and retention.issues is None:
        return
    counted: Counter[str] = Counter()
    for team in list_teams(connection):
        with warehouse.team_locked(connection, team.team_id, settings.lock_wait_seconds):
            if retention.versions is not None:
                until = now - timedelta(days=retention.versions)
                counted.update(prune_versions(connection, team.team_id, until))
            if retention.issues is not None:
                until = now - timedelta(days=retention.issues)
                counted.update(prune_issues(connection, team.team_id, until))
            if done.is_dry_run:
                raise psycopg.Rollback
    done.rows = dict(counted)
