"""The files under LEADFOLD_HOME that speak of one person."""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from flows.erasing_copies import FOLDER, PART_PREFIX, Swap, write_without
from flows.erasing_search import Found, Wanted, search_file
from flows.erasure_keys import FILE_NAME
from flows.jobs import Job
from flows.landing import Batch
from flows.settings import Settings
from transforms.traces import Traces

# Postgres has its own way to forget; samples and compiled modules are part of the program.
_LEFT_ALONE = ("postgres", "samples", "work", "pycache", FOLDER)
_SETTLED_SECONDS = 3600


@dataclass(frozen=True)
class Ledgered:
    """What the ledger knows of a landed file, by its hash.

    Attributes:
        teams: Whose imports read it.
        is_running: Whether one of them is not at its end.
        source: By which contract our team's last import read it.
        source_file: As which logical file.
    """

    teams: frozenset[str]
    is_running: bool
    source: str
    source_file: str


@dataclass
class Sweep:
    """What was found in files, and what becomes of them.

    Attributes:
        swaps: To carry out after the commit.
        hashes: Hash of a landed file -> that of its copy; empty for one that goes.
        lines: Hash of a file -> lines at which the person's records start.
        records: How many records were taken out of files that stay.
        rewritten: Files that go on without those records.
        deleted: Files that go as a whole.
        remains: What stays, as sentences.
    """

    swaps: list[Swap] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    lines: dict[str, set[int]] = field(default_factory=dict)
    records: int = 0
    rewritten: list[Path] = field(default_factory=list)
    deleted: list[Path] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)


def list_ledgered(connection: psycopg.Connection, team_id: str) -> dict[str, Ledgered]:
    """Every landed file that the ledger names, of all teams; '' stands for those not named yet."""
    found = connection.execute(
        "SELECT coalesce(file_hash, ''), array_agg(DISTINCT team_id), bool_or(status = 'running'),"
        " (array_agg(source ORDER BY import_id DESC) FILTER (WHERE team_id = %(team)s))[1],"
        " (array_agg(source_file ORDER BY import_id DESC) FILTER (WHERE team_id = %(team)s))[1]"
        " FROM imports GROUP BY file_hash",
        {"team": team_id},
    )
    return {
        digest: Ledgered(frozenset(teams), is_running, source or "", source_file or "")
        for digest, teams, is_running, source, source_file in found
    }


def sweep_files(
    settings: Settings,
    team_id: str,
    known: dict[str, Ledgered],
    traces: Traces,
    lines: dict[str, set[int]],
    records: frozenset[tuple[str, str]],
    scratch: Path,
    *,
    is_dry_run: bool,
) -> Sweep:
    """Look through every file under home, and write the copies that are to replace them.

    Args:
        settings: Where home is.
        team_id: Whose person; files that only other teams imported are left alone.
        known: Of ``list_ledgered``.
        traces: By what the person is known in a text.
        lines: Hash of a landed file -> lines at which records of the person stand.
        records: ``source_file`` and ``source_record_id`` of each of the person's records.
        scratch: A folder for what packed files hold.
        is_dry_run: Whether to write no copy.
    """
    sweep = Sweep()
    if (settings.home / "samples").is_dir():
        sweep.remains.append(f"{settings.home / 'samples'} is part of the program: not searched.")
    sweep.remains += [
        f"{path} is a link: where it leads to was not searched."
        for path in _walk(settings.home)
        if path.is_symlink()
    ]
    is_landing = "" in known and known[""].is_running
    for path in list_files(settings.home):
        try:
            digest = _hash(path)
            entry = known.get(digest)
            if entry and team_id not in entry.teams:
                continue
            if not _is_named_by_content(path) and traces.is_in(path.name):
                sweep.remains.append(f"{path}: the file's name speaks of the person. Rename it.")
            source_file = entry.source_file if entry else ""
            wanted = Wanted(
                traces,
                frozenset(lines.get(digest, ())),
                frozenset(one for file, one in records if file == source_file),
                entry.source if entry else "",
            )
            found = search_file(path, wanted, scratch)
            if found:
                sweep.lines.setdefault(digest, set()).update(found.lines)
                _decide(
                    sweep, path, digest, found, entry, settings, team_id, is_dry_run, is_landing
                )
        except OSError as error:
            sweep.remains.append(f"{path} could not be searched: {error.strerror}.")
    return sweep


def list_files(home: Path) -> Iterator[Path]:
    """Every regular file under home that may hold people's data, in order."""
    for path in _walk(home):
        if path.is_file() and not path.is_symlink() and path != home / FILE_NAME:
            yield path


def _walk(home: Path) -> Iterator[Path]:
    """Files, and links to whatever."""
    for folder, names, files in os.walk(home):
        if Path(folder) == home:
            names[:] = [name for name in names if name not in _LEFT_ALONE]
        names.sort()
        for name in sorted((*names, *files)):
            path = Path(folder) / name
            if path.is_symlink() or name in files:
                yield path


def _decide(
    sweep: Sweep,
    path: Path,
    digest: str,
    found: Found,
    entry: Ledgered | None,
    settings: Settings,
    team_id: str,
    is_dry_run: bool,
    is_landing: bool,
) -> None:
    is_fresh = path.name.startswith(".landing-") and (
        time.time() - path.stat().st_mtime < _SETTLED_SECONDS
    )
    is_landed = path.parent == settings.landing
    if is_fresh or (entry and entry.is_running) or (is_landed and entry is None and is_landing):
        sweep.remains.append(
            f"{path} is being imported. The import rejects the person and cleans the file at its"
            " end; if it fails, erase the phone or email again."
        )
        return
    is_shared = bool(is_landed and entry and entry.teams - {team_id})
    if is_shared:
        sweep.remains.append(f"{path} stays, since another team imported the same file.")
    if found.is_whole:
        if not is_shared:
            sweep.deleted.append(path)
            sweep.swaps.append(Swap(str(path)))
        return
    sweep.records += len(found.places)
    sweep.rewritten.append(path)
    if is_dry_run:
        return
    part = path.with_name(f"{PART_PREFIX}{digest[:16]}-{len(sweep.swaps)}.part")
    fresh = write_without(path, part, found)
    name = path.with_name(f"{fresh}{path.suffix}") if is_landed else path
    sweep.swaps.append(Swap(str(path), str(part), str(name), is_shared))
    if is_landed:
        sweep.hashes[digest] = fresh


def point_to_copies(connection: psycopg.Connection, team_id: str, hashes: dict[str, str]) -> None:
    """Tell the ledger the new names of landed files; lines stand where they stood."""
    for old, new in hashes.items():
        connection.execute(
            "UPDATE imports SET file_hash = %s"
            " WHERE team_id = %s AND file_hash = %s AND status <> 'running'",
            [new, team_id, old],
        )


def clean_landed(connection: psycopg.Connection, job: Job, batch: Batch, lines: set[int]) -> None:
    """Take the rows of erased people out of the landed copy of a file that was just imported.

    The copy stays as it is while another import may be reading it: that one cleans it.
    """
    if not lines or not batch.path.exists():
        return
    team_id = job.team.team_id
    (others,) = connection.execute(
        "SELECT array_agg(team_id || ' ' || status) FROM imports"
        " WHERE file_hash = %s AND import_id <> %s AND (team_id <> %s OR status = 'running')",
        [batch.sha256, job.import_id, team_id],
    ).fetchone() or (None,)
    if others and any(other.endswith(" running") for other in others):
        return
    wanted = Wanted(Traces(), frozenset(lines), source=job.source)
    found = search_file(batch.path, wanted, batch.path.parent)
    if found.places and not found.is_whole:
        part = batch.path.with_name(f"{PART_PREFIX}{batch.sha256[:16]}-{job.import_id}.part")
        fresh = write_without(batch.path, part, found)
        part.replace(batch.path.with_name(f"{fresh}{batch.path.suffix}"))
        connection.execute(
            "UPDATE imports SET file_hash = %s WHERE team_id = %s AND file_hash = %s",
            [fresh, team_id, batch.sha256],
        )
    if found and not others:
        batch.path.unlink(missing_ok=True)


def _is_named_by_content(path: Path) -> bool:
    return re.fullmatch("[0-9a-f]{64}", path.stem) is not None


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
