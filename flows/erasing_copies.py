"""Files without some of their records, put in place all at once, also after a crash.

Copies are written first, under names of their own. A list of what is to replace what is written
before the database commits, and carried out after. It names files, and nobody.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from flows.erasing_search import Found, Place
from flows.reading.encodings import TextEncoding

PART_PREFIX = ".erasing-"
FOLDER = "erasing"
_PIECE_BYTES = 1_048_576


@dataclass(frozen=True)
class Swap:
    """What becomes of one file.

    Attributes:
        old: The file as it is.
        part: Its copy without the records; empty: it just goes.
        name: The copy's name in the end.
        keeps_old: Whether the file stays beside its copy: it is another team's, too.
    """

    old: str
    part: str = ""
    name: str = ""
    keeps_old: bool = False


def write_list(home: Path, import_id: str, swaps: list[Swap]) -> None:
    """Write down what is to be done once the import is committed."""
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{import_id}.json"
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump([asdict(swap) for swap in swaps], file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_lists(home: Path) -> dict[str, list[Swap]]:
    """Import -> what an erasure that was cut off has left to do, if it was committed."""
    return {
        path.stem: [Swap(**entry) for entry in json.loads(path.read_text())]
        for path in sorted((home / FOLDER).glob("*.json"))
    }


def carry_out(home: Path, import_id: str, swaps: list[Swap]) -> None:
    """Put the copies in place; safe to do again."""
    for swap in swaps:
        old, part = Path(swap.old), Path(swap.part)
        if swap.part and part.exists():
            part.replace(swap.name)
        if not swap.keeps_old and swap.old != swap.name:
            old.unlink(missing_ok=True)
    _forget(home, import_id)


def drop(home: Path, import_id: str, swaps: list[Swap]) -> None:
    """Leave all files as they are: the import was not committed."""
    for swap in swaps:
        if swap.part:
            Path(swap.part).unlink(missing_ok=True)
    _forget(home, import_id)


def _forget(home: Path, import_id: str) -> None:
    (home / FOLDER / f"{import_id}.json").unlink(missing_ok=True)
    if (home / FOLDER).is_dir() and not any((home / FOLDER).iterdir()):
        (home / FOLDER).rmdir()


def write_without(path: Path, target: Path, found: Found) -> str:
    """Copy a text file without the records that were found, and give the copy's SHA-256.

    Their line breaks stay, so that every other record keeps its line; a blank line is no record.
    The copy is for its owner only and as old as the file.
    """
    digest = hashlib.sha256()
    opener = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with path.open("rb") as source, os.fdopen(opener, "wb") as copy:
        for piece in _pieces(source.read, sorted(found.places), found.encoding):
            digest.update(piece)
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
    status = path.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    return digest.hexdigest()


def _pieces(
    read_bytes: Callable[[int], bytes], places: list[Place], encoding: TextEncoding
) -> Iterator[bytes]:
    at = 0
    for offset, length in places:
        # Of two that overlap, the second may have begun in the first.
        yield from _copied(read_bytes, offset - at)
        rest = offset + length - max(at, offset)
        if rest > 0:
            yield _breaks(read_bytes(rest), encoding)
        at = max(at, offset + length)
    yield from _copied(read_bytes, None)


def _copied(read_bytes: Callable[[int], bytes], length: int | None) -> Iterator[bytes]:
    left = length
    while left is None or left > 0:
        piece = read_bytes(_PIECE_BYTES if left is None else min(left, _PIECE_BYTES))
        if not piece:
            return
        left = None if left is None else left - len(piece)
        yield piece


def _breaks(raw: bytes, encoding: TextEncoding) -> bytes:
    """The line breaks of a record, unit by unit."""
    size = encoding.unit_bytes
    order: Literal["big", "little"] = "big" if encoding.name.endswith("-be") else "little"
    wanted = {
        encoding.line_feed.to_bytes(size, order),
        encoding.carriage_return.to_bytes(size, order),
    }
    units = (raw[at : at + size] for at in range(0, len(raw), size))
    return b"".join(unit for unit in units if unit in wanted)
