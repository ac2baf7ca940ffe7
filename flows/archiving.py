"""A file that is in goes to the archive, without the rows of people who were erased."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from contracts.errors import LeadfoldError
from flows import import_issues, ledger
from flows.erasing_copies import write_without
from flows.erasing_search import Found, Wanted, search_file
from flows.file_forms import detect_container
from flows.landing import land
from flows.moving import move_over
from transforms.traces import Traces


@dataclass(frozen=True)
class Imported:
    """What one import took from a file; of an archive, from one member.

    Attributes:
        file_hash: Of the landed copy as it is now.
        source: By which contract it was read.
        erased_lines: Where it speaks of people who were erased.
    """

    file_hash: str | None
    source: str
    erased_lines: frozenset[int] = frozenset()


def list_imported(connection: psycopg.Connection, import_ids: Sequence[str]) -> list[Imported]:
    """What the ledger says of the imports of a file."""
    found = []
    for import_id in import_ids:
        entry = ledger.find_import(connection, import_id)
        issues = import_issues.list_issues(connection, entry)
        # Every other issue keeps the text that it is about, until retention takes it much later.
        erased = frozenset(issue.line_no for issue in issues if issue.raw is None)
        found.append(Imported(entry.file_hash, entry.source, erased))
    return found


def was_imported(path: Path, imported: Sequence[Imported], work: Path) -> bool:
    """Whether the file's content is what was imported, and not something that came since.

    Args:
        path: The file, packed or not.
        imported: Of its members, in order.
        work: A folder for what is unpacked on the way.
    """
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Not among what was landed: from there, people who were erased are out by now.
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        try:
            batches = land(path, Path(scratch))
        except LeadfoldError:
            return False
        if len(batches) != len(imported):
            return False
        for batch, one in zip(batches, imported, strict=True):
            if one.file_hash == batch.sha256:
                continue
            found = _search(batch.path, one)
            if not found.places or found.is_whole:
                return False
            if write_without(batch.path, Path(scratch) / "cleaned", found) != one.file_hash:
                return False
    return True


def archive(path: Path, target: Path, imported: Sequence[Imported]) -> bool:
    """Put a file that was imported in another's place.

    Rows of people who were erased are left out. Where that cannot be done, as in a zip or a
    workbook, nothing of the file is kept: its landed copy holds what may be.

    Args:
        path: The file.
        target: A file that may be overwritten.
        imported: Of its members, in order.

    Returns:
        Whether it lies there now.
    """
    if not any(one.erased_lines for one in imported):
        move_over(path, target)
        return True
    is_kept = detect_container(path) == "none"
    if is_kept:
        found = _search(path, imported[0])
        is_kept = bool(found.places) and not found.is_whole
    if is_kept:
        part = target.with_name(f".{target.name[:200]}.part")
        write_without(path, part, found)
        part.replace(target)
    else:
        target.unlink(missing_ok=True)
    path.unlink()
    return is_kept


def _search(path: Path, one: Imported) -> Found:
    wanted = Wanted(Traces(), one.erased_lines, source=one.source)
    return search_file(path, wanted, path.parent)
