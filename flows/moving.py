"""Moving files so that none is ever overwritten, and none is half there."""

import errno
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path


def reserve(folder: Path, name: str, beside: Sequence[str] = ()) -> Path:
    """An empty file of a name that nothing there has, for what is to be moved over it.

    The name as it is, else with today's date, else with a number, too.

    Args:
        folder: Where; made if it is not there.
        name: As it should be called.
        beside: What is to stand beside it: endings that are put behind the name.
    """
    for each in reversed((folder, *folder.parents)):
        # With a mode of its own each: `parents` would make them for everybody.
        each.mkdir(mode=0o700, exist_ok=True)
    for candidate in _names(name):
        path = folder / candidate
        if any(os.path.lexists(f"{path}{ending}") for ending in beside):
            continue
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return path
    raise AssertionError("unreachable: numbers do not end")


def move_over(path: Path, target: Path) -> None:
    """Put a file in another's place; from another file system as a whole, too."""
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = target.with_name(f".{target.name[:200]}.part")
        shutil.copy2(path, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
        path.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file for its owner only, so that nobody ever sees a part of it."""
    part = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _names(name: str) -> "map[str]":
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    def candidate(number: int) -> str:
        if number == 0:
            return name
        again = f" ({number})" if number > 1 else ""
        return f"{stem} {today}{again}{dot}{ending}"

    return map(candidate, count())
