"""Reading: a landed CSV -> text frames, and the records that cannot be rows."""

import csv
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import polars as pl

from contracts.errors import UnreadableFileError
from flows.landing import Batch

REJECT_SCHEMA = {
    "line_no": pl.Int64,
    "code": pl.String,
    "raw": pl.Binary,
    "encoding": pl.String,
}

# A cell longer than this is an unclosed quote, not a cell.
_CELL_CHARS = 1_000_000


class Chunk(NamedTuple):
    """Some records of a file; each is in exactly one of the two.

    Attributes:
        rows: ``line_no`` (on which the record starts, 1-based), ``byte_offset`` and
            ``byte_length`` (where its bytes stand in the landed file), one text column per header.
        rejects: Columns of ``REJECT_SCHEMA``; ``raw`` is the record's bytes as they came.
    """

    rows: pl.DataFrame
    rejects: pl.DataFrame


class _Lines:
    """The lines of a file for the csv module, which asks for as many as a record has."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._is_first = True
        self.taken: list[bytes] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.taken.append(line)
            # Bytes that are not UTF-8 stay visible as surrogates; `read` rejects their record.
            text = line.decode("utf-8", "surrogateescape")
            yield text.removeprefix("\ufeff") if self._is_first else text
            self._is_first = False

    def take(self) -> list[bytes]:
        """The lines since the last call: those of one record."""
        lines, self.taken = self.taken, []
        return lines


def read(batch: Batch, chunk_rows: int = 50_000) -> Iterator[Chunk]:
    """Read a CSV in UTF-8 with a header in its first line.

    Yields:
        Chunks of up to ``chunk_rows`` records, in the order of the file.

    Raises:
        UnreadableFileError: It has no header, or no rows, or a header that is not text.
    """
    with batch.path.open("rb") as file:
        yield from _read(batch, file, chunk_rows)


def _read(batch: Batch, file: BinaryIO, chunk_rows: int) -> Iterator[Chunk]:
    csv.field_size_limit(_CELL_CHARS)
    lines = _Lines(file)
    records = csv.reader(iter(lines), strict=True)
    try:
        header = _name_columns(next(records))
    except StopIteration:
        raise UnreadableFileError(f"'{batch.file_name}' has no header and no rows.") from None
    except csv.Error as error:
        raise UnreadableFileError(f"'{batch.file_name}' has no readable header: {error}.") from None
    has_rows = False
    for chunk in _chunks(records, lines, header, chunk_rows):
        has_rows = True
        yield chunk
    if not has_rows:
        raise UnreadableFileError(
            f"'{batch.file_name}' has a header but no rows: there is nothing to import."
        )


def read_bytes(batch: Batch, offsets: pl.DataFrame) -> list[bytes]:
    """The bytes of records, by ``byte_offset`` and ``byte_length``."""
    with batch.path.open("rb") as file:
        found = []
        for offset, length in offsets.select("byte_offset", "byte_length").iter_rows():
            file.seek(offset)
            found.append(file.read(length))
        return found


def _chunks(
    records: Iterator[list[str]], lines: _Lines, header: list[str], chunk_rows: int
) -> Iterator[Chunk]:
    taken = lines.take()
    line_no, offset = 1 + len(taken), sum(map(len, taken))
    rows: list[tuple[object, ...]] = []
    rejects: list[tuple[object, ...]] = []
    while True:
        try:
            cells = next(records)
            code = _damage(cells, len(header))
        except StopIteration:
            break
        except csv.Error:
            cells, code = [], "unclosed_quote"
        taken = lines.take()
        raw = b"".join(taken)
        if code:
            rejects.append((line_no, code, raw, "utf-8"))
        elif cells:  # the csv module gives a blank line as no cells
            rows.append((line_no, offset, len(raw), *cells))
        line_no += len(taken)
        offset += len(raw)
        if len(rows) + len(rejects) >= chunk_rows:
            yield _chunk(rows, rejects, header)
            rows, rejects = [], []
    if rows or rejects:
        yield _chunk(rows, rejects, header)


def _damage(cells: list[str], width: int) -> str | None:
    """Why a record cannot be a row."""
    if not cells:
        return None
    if len(cells) != width:
        return "too_many_fields" if len(cells) > width else "too_few_fields"
    for cell in cells:
        # Most cells are plain: only others are looked at character by character.
        if cell.isascii() and cell.isprintable():
            continue
        if any("\udc80" <= letter <= "\udcff" for letter in cell):
            return "undecodable_bytes"
        if any(letter < " " and letter not in "\t\n\r" for letter in cell):
            return "control_characters"
    return None


def _name_columns(cells: list[str]) -> list[str]:
    """Headers as they stand; a nameless column gets its number, a repeated name a suffix."""
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = cell.strip() or f"column_{number}"
        repeats = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(f"{name} ({repeats + 1})" if name in names else name)
    return names


def _chunk(
    rows: list[tuple[object, ...]], rejects: list[tuple[object, ...]], header: list[str]
) -> Chunk:
    schema = {
        "line_no": pl.Int64,
        "byte_offset": pl.Int64,
        "byte_length": pl.Int64,
        **dict.fromkeys(header, pl.String),
    }
    return Chunk(
        pl.DataFrame(rows, schema, orient="row"),
        pl.DataFrame(rejects, REJECT_SCHEMA, orient="row"),
    )
