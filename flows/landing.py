"""Landing: a file that somebody sent becomes one or more batches under content-addressed names."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import (
    FileNotStableError,
    UnreadableFileError,
    UnsafeArchiveError,
    WrongCallError,
)
from flows.file_forms import Form, detect_container, detect_form
from flows.unpacking import Limits, members

_SYNC_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Batch:
    """One landed file.

    Attributes:
        file_name: As the user gave it; a zip member is ``outer.zip/member.csv``.
        path: The landed, unpacked file: ``<sha256>.<form>``, mode 0600.
        sha256: Of the unpacked content, in hex.
        size_bytes: Of the unpacked content.
        form: What the content is, by its bytes: csv, xlsx, jsonl, json or parquet.
        refusal: Why this member of an archive cannot be read, though others can; then ``path``
            leads nowhere.
    """

    file_name: str
    path: Path
    sha256: str
    size_bytes: int
    form: Form
    refusal: str = ""


def check_path(path: Path) -> None:
    """Raise WrongCallError unless there is a file of that path."""
    if not path.exists():
        raise WrongCallError(f"There is no file '{path}'.")
    if not path.is_file():
        raise WrongCallError(f"'{path}' is not a file.")


def land(
    path: Path,
    landing_folder: Path,
    *,
    limits: Limits | None = None,
    settle_seconds: float = 0,
    clock: Callable[[], float] = time.time,
) -> list[Batch]:
    """Take a file in: unpack, hash, copy, and name it after its content.

    Landing the same content twice gives the same batches and writes the same file again. Either
    all members of an archive land or none.

    Args:
        path: The file as it was sent: plain, ``.gz``, ``.zst`` or ``.zip``.
        landing_folder: Where landed files live; made with mode 0700 if absent.
        limits: How much a packed file may unpack to.
        settle_seconds: A file changed within this time is taken as still growing. A watched
            drop folder passes some seconds; a person who names a file means it as it is.
        clock: The time, in seconds since 1970.

    Returns:
        One batch per file; a zip gives one per member, in the archive's order.

    Raises:
        WrongCallError: There is no such file, or it is no file.
        FileNotStableError: The file is still being written.
        UnreadableFileError: The file holds no rows, or cannot be unpacked.
        UnsafeArchiveError: The archive may harm.
    """
    check_path(path)
    name = path.name
    before = _signature(path)
    if settle_seconds > 0 and clock() - path.stat().st_mtime < settle_seconds:
        raise _not_stable(name, f"it was changed less than {settle_seconds:g} seconds ago")
    landing_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    parts: list[tuple[Path, Batch]] = []
    try:
        container = detect_container(path)
        for member, pieces in members(path, name, container, limits or Limits()):
            part, digest, size_bytes = _write_part(pieces, landing_folder)
            parts.append((part, Batch(member, part, digest, size_bytes, "csv")))
            if container != "none":
                _refuse_nested(part, member)
            try:
                form = detect_form(part, member)
            except UnreadableFileError as error:
                if container != "zip":
                    raise
                refused = Batch(member, part, digest, size_bytes, "csv", str(error))
                parts[-1] = (part, refused)
                continue
            landed = landing_folder / f"{digest}.{form}"
            parts[-1] = (part, Batch(member, landed, digest, size_bytes, form))
        if _signature(path) != before:
            raise _not_stable(name, "it changed while it was being read")
        for part, batch in parts:
            if not batch.refusal:
                part.replace(batch.path)
    finally:
        for part, _ in parts:
            part.unlink(missing_ok=True)
    return [batch for _, batch in parts]


def _write_part(pieces: Iterator[bytes], folder: Path) -> tuple[Path, str, int]:
    """Write to a temporary name beside the target, so that the rename is atomic."""
    digest = hashlib.sha256()
    size_bytes = synced_bytes = 0
    handle, part_name = tempfile.mkstemp(prefix=".landing-", suffix=".part", dir=folder)
    part = Path(part_name)
    try:
        # What was written goes to disk while the rest is read: waiting for it is half of landing.
        with os.fdopen(handle, "wb") as file, ThreadPoolExecutor(1) as pool:
            syncing: Future[None] | None = None
            for piece in pieces:
                digest.update(piece)
                size_bytes += file.write(piece)
                if size_bytes >= synced_bytes + _SYNC_BYTES and (not syncing or syncing.done()):
                    _await(syncing)
                    synced_bytes = size_bytes
                    syncing = pool.submit(os.fsync, handle)
            _await(syncing)
            file.flush()
            os.fsync(handle)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part, digest.hexdigest(), size_bytes


def _await(syncing: Future[None] | None) -> None:
    """Raise what the disk has told; it tells of an error once, and the next call would not."""
    if syncing:
        syncing.result()


def _refuse_nested(part: Path, member: str) -> None:
    if detect_container(part) != "none":
        raise UnsafeArchiveError(
            f"{member}: a packed file inside a packed file.\n"
            "Unpack the outer one and send the inner one."
        )


def _signature(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _not_stable(name: str, evidence: str) -> FileNotStableError:
    return FileNotStableError(
        f"{name}: the file is still growing: {evidence}.\nTry again when it has been written."
    )
