"""Which landed files mention a person."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import psycopg

from contracts.errors import LeadfoldError
from flows.file_forms import Form
from flows.landing import Batch
from flows.reading import read
from transforms.mentions import Mentions

_BLOCK_CHARS = 1_000_000
# Longer than any phone, email or id, so that none is cut in two between blocks.
_OVERLAP_CHARS = 1_000


def list_mentioning(
    connection: psycopg.Connection, landing: Path, team_id: str, mentions: Mentions
) -> list[str]:
    """Names of landed files in which a person is mentioned, sorted.

    Files that only other teams have imported are left out; who landed a file that nobody imported
    (a dry run) is not known, so it is looked into.
    """
    owned = connection.execute(
        "SELECT file_hash FROM imports WHERE file_hash IS NOT NULL GROUP BY file_hash"
        " HAVING NOT bool_or(team_id = %s)",
        [team_id],
    )
    others = {file_hash for (file_hash,) in owned.fetchall()}
    paths = sorted(landing.glob("[0-9a-f]*.*")) if landing.is_dir() else []
    return [path.name for path in paths if path.stem not in others and _mentions(path, mentions)]


def _mentions(path: Path, mentions: Mentions) -> bool:
    form = path.suffix.removeprefix(".")
    try:
        texts = _cells(path, form) if form in ("xlsx", "parquet") else _blocks(path)
        return any(map(mentions.are_in, texts))
    except (LeadfoldError, OSError):
        # What cannot be read was not imported either.
        return False


def _blocks(path: Path) -> Iterator[str]:
    """A text file in overlapping blocks; in any usual encoding, what is ASCII in it is right."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rest = ""
        while block := file.read(_BLOCK_CHARS):
            # The NULs of UTF-16.
            text = rest + block.replace("\0", "")
            yield text
            rest = text[-_OVERLAP_CHARS:]


def _cells(path: Path, form: str) -> Iterator[str]:
    """The rows of a workbook or Parquet file, a text each."""
    known = next(each for each in get_args(Form) if each == form)
    batch = Batch(path.name, path, path.stem, path.stat().st_size, known)
    for chunk in read(batch).chunks():
        for row in chunk.rows.iter_rows():
            yield ", ".join(str(cell) for cell in row if cell is not None)
