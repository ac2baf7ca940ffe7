"""Corrections: a file of rejects that somebody has mended, and what it inherits."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace

from contracts.errors import CorrectionError
from contracts.feeds import AUTO
from contracts.registry import load_source
from flows import ledger, warehouse
from flows.jobs import Job
from flows.landing import Batch
from flows.ledger import Import
from flows.reading import ReadingHints, read
from flows.settings import Settings
from transforms.corrections import IMPORT, MARKS, is_correction, take_marks

# As some of the names that a header of ours has: what a title above it may push down is little.
_HEAD_BYTES = 65_536
_ROWS_READ = 1000
HINTS = ReadingHints(known_names=frozenset(MARKS))
"""How a correction is written: not as its source writes, but as people's spreadsheets do."""


def as_correction(job: Job, batch: Batch, settings: Settings) -> Job | None:
    """The job of a file that corrects rejects of an import, as which it is read; None: it is none.

    Raises:
        CorrectionError: It says that it is one, and cannot be.
        UnreadableFileError: It cannot be read.
    """
    if not _may_be_correction(batch):
        return None
    reading = read(batch, hints=HINTS, chunk_rows=_ROWS_READ)
    if not is_correction(reading.layout.columns, job.file_name):
        return None
    ids = (
        import_id
        for chunk in reading.chunks()
        for import_id in take_marks(chunk.rows).marks["corrects_import"].drop_nulls()
    )
    import_id = next(ids, "")
    if not import_id:
        raise CorrectionError(
            f"{job.file_name}: no row says in '{IMPORT}' which import it corrects.\n"
            "Get the file of rejects again: leadfold rejects IMPORT --csv FILE"
        )
    return _inherit(job, import_id, settings)


def _inherit(job: Job, import_id: str, settings: Settings) -> Job:
    """A correction is read as the file that it corrects was."""
    with warehouse.connected(settings, job.import_id) as connection:
        entry = ledger.get_import(connection, import_id)
        if entry is None or entry.team_id != job.team.team_id:
            # Whether another team has such an import is nobody's business.
            raise CorrectionError(
                f"{job.file_name}: team '{job.team.name}' has no import {import_id}.\n"
                "Import the file for the team whose rows were rejected."
            )
        _check_corrected(entry, job)
        first = entry
        while first.corrects_import_id:
            first = ledger.find_import(connection, first.corrects_import_id)
    return replace(
        job,
        source=entry.source,
        source_file=entry.source_file,
        corrects=entry.import_id,
        time_name=first.file_name,
        accepted=job.accepted | first.accepted,
    )


def _check_corrected(entry: Import, job: Job) -> None:
    if job.source not in (AUTO, entry.source):
        raise CorrectionError(
            f"{job.file_name}: it corrects rows of {entry.file_name}, which was read as"
            f" {entry.source}, not {job.source}.\nGive {entry.source} as its source, or auto."
        )
    load_source(entry.source)
    if entry.status != "done" or entry.undone_by_import_id:
        status = "undone" if entry.undone_by_import_id else entry.status
        raise CorrectionError(
            f"{job.file_name}: it corrects rows of {entry.file_name}, but that import is {status}:"
            f" the other rows of that file are not here.\nImport {entry.file_name} itself."
        )


def _may_be_correction(batch: Batch) -> bool:
    """Whether our names stand at the beginning of a file; most files need no more than this."""
    if batch.form == "csv":
        with batch.path.open("rb") as file:
            heads = [file.read(_HEAD_BYTES)]
    elif batch.form == "xlsx":
        heads = list(_workbook_heads(batch))
    else:
        return False
    # Without the NULs of UTF-16.
    return any(b"_leadfold_" in head.replace(b"\0", b"") for head in heads)


def _workbook_heads(batch: Batch) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(batch.path) as archive:
            for name in archive.namelist():
                if re.fullmatch(r"xl/(sharedStrings|worksheets/[^/]+)\.xml", name):
                    with archive.open(name) as member:
                        yield member.read(_HEAD_BYTES)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return
