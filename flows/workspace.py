"""The work folder of an import: held while its process lives, swept when it died."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_LOCK = ".lock"


@contextmanager
def hold_workspace(work: Path, import_id: str) -> Iterator[Path]:
    """A folder of the import's own, gone at the end; its lock tells others that it is in use."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = work / (import_id + _LOCK)
    folder = work / import_id
    with lock_file(lock):
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)


def sweep_workspaces(work: Path) -> Iterator[str]:
    """Remove what killed imports left behind, and tell which they were.

    The kernel lets go of a lock when its holder dies, so a lock that can be had is nobody's.
    Each goes when the next is asked for: who is killed before it has told the ledger leaves it to
    be found again.
    """
    for lock in sorted(work.glob("*" + _LOCK)):
        import_id = lock.name.removesuffix(_LOCK)
        with lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield import_id
            shutil.rmtree(work / import_id, ignore_errors=True)
            lock.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a process that lives holds a lock."""
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold a lock if nobody does, and tell whether; its file goes with it."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        # Who had it a moment ago has removed the file: what is locked now is no longer the lock.
        if not path.exists() or not os.path.samestat(path.stat(), os.fstat(file.fileno())):
            yield False
            return
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def lock_file(path: Path) -> Iterator[IO[str]]:
    """Hold a lock, waiting for whoever holds it; the kernel lets go of it when its holder dies."""
    while True:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # A sweep may have removed the file between its opening and its locking.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                yield file
                return
