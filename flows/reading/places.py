"""Records by their place in the landed file."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl


def read_places(path: Path, rows: pl.DataFrame) -> Iterator[bytes]:
    """The bytes of records as they stand in the file, by ``byte_offset`` and ``byte_length``."""
    with path.open("rb") as file:
        for offset, length in rows.select("byte_offset", "byte_length").iter_rows():
            file.seek(offset)
            yield file.read(length)
