"""File systems through fsspec: how a feed's is reached, and what its entries say."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from contracts.errors import LocationError
from contracts.feeds import REFERENCE, Feed
from flows.warehouse import first_line

# What file systems call the time of a file's last change.
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of a file whose location tells none."""


@dataclass(frozen=True)
class Found:
    """A file at its location.

    Attributes:
        path: What the location calls it.
        modified_at: When it last changed, by the clock there.
    """

    path: str
    size_bytes: int
    modified_at: datetime

    @property
    def name(self) -> str:
        """What people call it."""
        return self.path.rstrip("/").rpartition("/")[2]


def read_secrets(feed: Feed) -> dict[str, str]:
    """The values of the environment that a feed names.

    Raises:
        LocationError: The environment does not have one of them.
    """
    texts = (feed.location, *map(str, feed.options.values()))
    names = {name for text in texts for name in REFERENCE.findall(text)}
    if missing := sorted(name for name in names if name not in os.environ):
        raise LocationError(
            f"{feed.location}: the environment has no {', '.join(missing)}.\n"
            f"Set it where Leadfold is started: export {missing[0]}=..."
        )
    return {name: os.environ[name] for name in names}


def connect(feed: Feed, home: Path, secrets: dict[str, str]) -> tuple[Any, str]:
    """The file system of a feed, and the folder in it.

    Raises:
        LocationError: The address cannot be followed, or leads to a server that is not the one
            that is meant.
    """
    options = {
        name: REFERENCE.sub(lambda found: secrets[found[1]], value)
        if isinstance(value, str)
        else value
        for name, value in feed.options.items()
    }
    address = _fill_in(feed.location, secrets)
    if "://" not in address:
        from fsspec.implementations.local import LocalFileSystem

        return LocalFileSystem(), str(home / Path(address).expanduser())
    parts = urlsplit(address)
    try:
        if parts.scheme in ("sftp", "ssh"):
            from flows.sftp import KnownSFTP

            said = {"username": parts.username, "password": parts.password}
            login = {name: unquote(value) for name, value in said.items() if value}
            port = {"port": parts.port} if parts.port else {}
            host = parts.hostname or ""
            told: dict[str, Any] = {
                **login,
                **port,
                "answer_seconds": feed.answer_seconds,
                **options,
            }
            return KnownSFTP(host, **told), unquote(parts.path) or "/"
        from fsspec.core import url_to_fs

        files, folder = url_to_fs(address, skip_instance_cache=True, **options)
        return files, folder
    except ImportError as error:
        is_ours = parts.scheme in ("sftp", "ssh")
        remedy = "pip install 'leadfold[sftp]'" if is_ours else str(error)
        raise LocationError(f"what reads {parts.scheme}:// is not installed.\n{remedy}") from error
    except ValueError as error:
        raise LocationError(f"it cannot be read so: {first_line(error)}") from error


def _fill_in(location: str, secrets: dict[str, str]) -> str:
    """Put the environment's values in, percent-encoded where they are a user or a password."""
    start, _, rest = location.rpartition("://")
    login, at, rest = rest.rpartition("@") if start else ("", "", rest)
    login = REFERENCE.sub(lambda found: quote(secrets[found[1]], safe=""), login)
    rest = REFERENCE.sub(lambda found: secrets[found[1]], rest)
    return (f"{start}://" if start else "") + login + at + rest


def is_file(entry: dict[str, Any]) -> bool:
    """Whether an entry is a file: no folder, link or pipe."""
    return entry["type"] == "file" and not entry.get("islink")


def read_entry(entry: dict[str, Any]) -> Found:
    """A file as its file system tells of it."""
    return Found(entry["name"], int(entry["size"] or 0), _read_time(entry))


def _read_time(entry: dict[str, Any]) -> datetime:
    said = next((entry[name] for name in _TIMES if entry.get(name) is not None), None)
    if isinstance(said, int | float):
        return datetime.fromtimestamp(said, UTC)
    if isinstance(said, str):
        said = datetime.fromisoformat(said)
    if not isinstance(said, datetime):
        return NO_TIME
    return said if said.tzinfo else said.replace(tzinfo=UTC)
