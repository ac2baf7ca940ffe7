"""Where a feed's files lie: a folder, an SFTP server, or what else fsspec reaches."""

import fnmatch
import hashlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from contracts.errors import FileNotStableError, LeadfoldError, LocationError
from contracts.feeds import Feed
from flows.file_systems import Found, connect, is_file, read_entry, read_secrets
from flows.settings import Settings
from flows.warehouse import first_line

T = TypeVar("T")

_TRIES = 3
_BACKOFF_SECONDS = 1.0
_LONGEST_NAME_BYTES = 255
# What programs call a file that they are still writing.
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", "~")


class FileRefusedError(LocationError):
    """The location answers, but does not give this one file."""


class Location:
    """A feed's location, once it is reached; what breaks on the way is tried again."""

    def __init__(self, feed: Feed, settings: Settings) -> None:
        self._feed, self._home = feed, settings.home
        self._secrets = read_secrets(feed)
        self._files: Any = None
        self._folder = ""

    def list_files(self) -> list[Found]:
        """The files that the feed means, by name; links, folders and unfinished ones are none.

        Raises:
            LocationError: It cannot be reached.
        """
        return self._try("", lambda: _answer_within(self._feed.answer_seconds, self._list))

    def list_settled(
        self, is_known: Callable[[Found], bool]
    ) -> tuple[list[Found], Collection[str]]:
        """As ``list_files``, and the paths of those that are still being written.

        A file is settled when it has not changed for ``settle_seconds``. Where the clock here does
        not tell that, a second look does.

        Args:
            is_known: Whether a file was taken as it is, and so is of no interest.
        """
        found = self.list_files()
        seconds = self._feed.settle_seconds
        until = time.time() - seconds
        if all(is_known(each) or each.modified_at.timestamp() <= until for each in found):
            return found, ()
        time.sleep(seconds)
        before = set(found)
        found = self.list_files()
        return found, {each.path for each in found if each not in before}

    def fetch(self, found: Found, target: Path) -> str:
        """Copy a file here, for its owner only.

        Returns:
            SHA-256 of what was copied, in hex.

        Raises:
            FileNotStableError: It changed meanwhile, or is gone.
            FileRefusedError: It may not be read.
            LocationError: The location does not answer any more.
        """
        if not _can_be_named(found.name):
            raise FileRefusedError("Its name is none here: give it a shorter one, in UTF-8.")
        return self._try(found.name, lambda: self._fetch(found, target))

    def close(self) -> None:
        """Leave it."""
        if self._files is not None and hasattr(self._files, "close"):
            self._files.close()
        self._files = None

    def _list(self) -> list[Found]:
        self._reach()
        self._files.invalidate_cache()
        if not self._files.isdir(self._folder):
            raise LocationError("there is no such folder.")
        entries = (each for each in self._files.ls(self._folder, detail=True) if is_file(each))
        found = [read_entry(each) for each in entries]
        return sorted((each for each in found if self._is_meant(each.name)), key=lambda f: f.path)

    def _is_meant(self, name: str) -> bool:
        is_finished = not name.startswith((".", "~")) and not name.lower().endswith(_UNFINISHED)
        return is_finished and fnmatch.fnmatchcase(name, self._feed.pattern)

    def _fetch(self, found: Found, target: Path) -> str:
        self._reach()
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        try:
            self._files.get_file(found.path, str(target))
        except PermissionError as error:
            raise FileRefusedError(
                f"{found.name}: the location does not let us read it."
            ) from error
        except OSError:
            self._check_unchanged(found)
            raise
        self._check_unchanged(found)
        if target.stat().st_size != found.size_bytes:
            raise _changed(found)
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _check_unchanged(self, found: Found) -> None:
        self._files.invalidate_cache()
        try:
            now = read_entry(self._files.info(found.path))
        except FileNotFoundError as error:
            raise _changed(found) from error
        if (now.size_bytes, now.modified_at) != (found.size_bytes, found.modified_at):
            raise _changed(found)

    def _reach(self) -> None:
        if self._files is None:
            self._files, self._folder = connect(self._feed, self._home, self._secrets)

    def _try(self, name: str, step: Callable[[], T]) -> T:
        """Try a step; after a fault that may pass again, over a new connection."""
        what = f"{self._feed.location}: " + (f"{name}: " if name else "")
        for attempt in range(1, _TRIES + 1):
            try:
                return step()
            except LocationError as error:
                fault = str(error)
                if isinstance(error, FileRefusedError):
                    raise
                break
            except LeadfoldError:
                raise
            except Exception as error:
                # Each file system has errors of its own; what they tell may quote what they got.
                fault = _tell(error)
                self.close()
                if attempt < _TRIES:
                    time.sleep(_BACKOFF_SECONDS * 2 ** (attempt - 1))
        raise LocationError(what + self._hide(fault)) from None

    def _hide(self, text: str) -> str:
        for name, value in self._secrets.items():
            for spelling in {value, quote(value, safe="")}:
                text = text.replace(spelling, f"${{{name}}}") if spelling else text
        return text


@contextmanager
def reach(feed: Feed, settings: Settings) -> Iterator[Location]:
    """A feed's location, left at the end.

    Raises:
        LocationError: The feed names a value that the environment does not have.
    """
    location = Location(feed, settings)
    try:
        yield location
    finally:
        location.close()


def _can_be_named(name: str) -> bool:
    try:
        return len(name.encode()) <= _LONGEST_NAME_BYTES
    except UnicodeEncodeError:
        return False


def _answer_within(seconds: float, call: Callable[[], T]) -> T:
    """What a call gives; a thread that hangs in it is left behind.

    Raises:
        TimeoutError: It takes longer.
    """
    given: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            given.append(call())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not given:
        raise TimeoutError
    return given[0]


def _changed(found: Found) -> FileNotStableError:
    return FileNotStableError(f"{found.name}: it changed while it was being fetched.")


def _tell(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time."
    if isinstance(error, ConnectionRefusedError) or "NoValidConnections" in type(error).__name__:
        return "nobody listens there."
    return f"{type(error).__name__}: {first_line(error)}"
