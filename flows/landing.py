"""Landing: a file is copied in under the name of its content, so that it can be read again."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import UnreadableFileError, WrongCallError

_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Batch:
    """One landed file.

    Attributes:
        file_name: The name that its sender gave it.
        path: The copy; named by content, readable by its owner alone.
        sha256: Of the content, hex.
        size_bytes: Of the content.
    """

    file_name: str
    path: Path
    sha256: str
    size_bytes: int


def check_path(path: Path) -> None:
    """Raise WrongCallError unless there is a file of that path."""
    if not path.exists():
        raise WrongCallError(f"There is no file '{path}'.")
    if not path.is_file():
        raise WrongCallError(f"'{path}' is not a file.")


def land(path: Path, landing: Path) -> Batch:
    """Copy a file into the landing folder. The same content lands once, however often it comes.

    Raises:
        UnreadableFileError: It may not be read, or is empty.
    """
    landing.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    size = 0
    # Created with mode 0600.
    handle, copy = tempfile.mkstemp(dir=landing, prefix=".landing-")
    try:
        with path.open("rb") as source, os.fdopen(handle, "wb") as target:
            while block := source.read(_BLOCK_BYTES):
                digest.update(block)
                size += target.write(block)
        if size == 0:
            raise UnreadableFileError(f"'{path.name}' is empty: it has no header and no rows.")
        landed = landing / f"{digest.hexdigest()}.csv"
        Path(copy).replace(landed)
    except OSError as error:
        Path(copy).unlink(missing_ok=True)
        raise UnreadableFileError(f"'{path}' cannot be read: {error.strerror}.") from error
    except BaseException:
        Path(copy).unlink(missing_ok=True)
        raise
    return Batch(path.name, landed, digest.hexdigest(), size)
