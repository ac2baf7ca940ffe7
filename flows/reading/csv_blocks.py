"""The fast path: a block that is provably clean, parsed by Polars.

Every condition here exists so that `csv_records` would say exactly the same of the block. When
in doubt the answer is None, and the careful path decides.
"""

import string
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.reading.csv_borders import find_borders
from flows.reading.csv_fields import MAX_RECORD_BYTES
from flows.reading.csv_records import Table
from flows.reading.encodings import TextEncoding
from flows.reading.footers import may_hold_footers
from flows.reading.text_issues import find_suspects

Positions = npt.NDArray[np.int64]

_LF, _CR = 10, 13


class Clean(NamedTuple):
    """A clean block.

    Attributes:
        rows: The cells, one column per name.
        starts: Where each record starts in the block's original bytes.
        ends: Where each record's text ends.
        line_steps: How many lines stand in the block before each record.
        n_bytes: How much of the block it covers.
        n_lines: How many physical lines that is.
        suspects: Indexes of the records in which a cell may hold wrongly decoded text.
        spanning: Indexes of the records of several lines.
    """

    rows: pl.DataFrame
    starts: Positions
    ends: Positions
    line_steps: Positions
    n_bytes: int
    n_lines: int
    suspects: Positions
    spanning: Positions


def parse_clean(
    data: bytes, encoding: TextEncoding, table: Table, *, is_last: bool
) -> Clean | None:
    """Parse a block, or None if anything about it is odd.

    Args:
        data: Bytes that begin at a record. All records that end within are taken.
        encoding: The encoding of the bytes.
        table: How its records are written.
        is_last: Whether the file ends with the block.
    """
    if not _can_be_fast(encoding, table):
        return None
    original = data if is_last else whole_lines(data, encoding)
    text = _as_utf8(original, encoding)
    if text is None or not text or text.startswith(b"\xef\xbb\xbf"):
        return None
    borders = find_borders(text, table, is_last=is_last)
    if borders is None:
        return None
    feeds, at_border = borders
    if not is_last:
        if len(at_border) == 0:
            return None
        # The block may end inside of a quoted field: go back to the last whole record.
        text = text[: feeds[at_border[-1]] + 1]
        feeds = feeds[: at_border[-1] + 1]
    bounds = _bounds(text, feeds[at_border])
    place = _place(text, bounds, _Original(original, encoding), (feeds, at_border))
    rows = None if place is None else _parse(text, table, *bounds)
    if rows is None or place is None:
        return None
    starts, ends, n_bytes = place
    has_tail = text[-1] != _LF
    line_steps = np.zeros(len(starts), dtype=np.int64)
    line_steps[1:] = at_border[: len(starts) - 1] + 1
    n_lines = len(feeds) + has_tail
    lines_of = np.diff(np.append(line_steps, n_lines))
    spanning = np.flatnonzero(lines_of > 1)
    if len(spanning) and int(np.max((ends - starts)[spanning])) > MAX_RECORD_BYTES:
        return None
    suspects = np.unique(np.searchsorted(bounds[0], find_suspects(text), side="right") - 1)
    return Clean(rows, starts, ends, line_steps, n_bytes, n_lines, suspects, spanning)


def _can_be_fast(encoding: TextEncoding, table: Table) -> bool:
    dialect = table.dialect
    return (
        encoding.kind != "other"
        and encoding.line_feed == _LF
        and len(table.names) > 1
        and table.usual_width > 1
        and len(dialect.delimiter) == 1
        and dialect.delimiter.isascii()
        and dialect.quote.isascii()
        and -table.width.n_optional <= table.usual_width - len(table.names)
    )


def whole_lines(data: bytes, encoding: TextEncoding) -> bytes:
    """The lines of a block that end within it; all of it where none does."""
    if encoding.unit_bytes == 1:
        cut = data.rfind(b"\n") + 1
    else:
        feeds = _feeds_in_original(data, encoding)
        cut = int(feeds[-1]) + encoding.unit_bytes if len(feeds) else 0
    return data[:cut] if 0 < cut < len(data) else data


def _as_utf8(data: bytes, encoding: TextEncoding) -> bytes | None:
    # Whether UTF-8 is sound, cell by cell, Polars says as it parses it.
    if encoding.kind == "utf8" or (encoding.unit_bytes == 1 and data.isascii()):
        return data
    try:
        return data.decode(encoding.name).encode("utf-8")
    except UnicodeDecodeError:
        return None


def _bounds(text: bytes, record_feeds: Positions) -> tuple[Positions, Positions]:
    """Where records start and end, without their line ends."""
    units = np.frombuffer(text, dtype=np.uint8)
    has_tail = text[-1] != _LF
    starts = np.zeros(len(record_feeds) + has_tail, dtype=np.int64)
    starts[1:] = (record_feeds if has_tail else record_feeds[:-1]) + 1
    ends = np.empty_like(starts)
    n = len(record_feeds)
    ends[:n] = record_feeds - ((record_feeds > 0) & (units[record_feeds - 1] == _CR))
    if has_tail:
        ends[-1] = len(text)
    return starts, ends


class _Original(NamedTuple):
    data: bytes
    encoding: TextEncoding


def _place(
    text: bytes,
    bounds: tuple[Positions, Positions],
    source: _Original,
    borders: tuple[Positions, Positions],
) -> tuple[Positions, Positions, int] | None:
    """Starts and ends of records and the size of all, in the original's bytes."""
    original, encoding = source
    feeds, at_border = borders
    if encoding.kind == "utf8":
        return *bounds, len(text)
    width = encoding.unit_bytes
    all_feeds = _feeds_in_original(original, encoding)
    has_tail = text[-1] != _LF
    if len(all_feeds) < len(feeds) or (has_tail and len(all_feeds) != len(feeds)):
        return None
    units = np.frombuffer(original, dtype=encoding.unit_dtype, count=len(original) // width)
    record_feeds = all_feeds[at_border]
    starts = np.zeros(len(record_feeds) + has_tail, dtype=np.int64)
    starts[1:] = (record_feeds if has_tail else record_feeds[:-1]) + width
    has_return = (record_feeds > 0) & (units[record_feeds // width - 1] == _CR)
    ends = record_feeds - width * has_return
    if has_tail:
        return starts, np.append(ends, len(original)), len(original)
    return starts, ends, int(all_feeds[len(feeds) - 1]) + width


def _feeds_in_original(data: bytes, encoding: TextEncoding) -> Positions:
    width = encoding.unit_bytes
    units = np.frombuffer(data, dtype=encoding.unit_dtype, count=len(data) // width)
    return np.flatnonzero(units == _LF) * width


def _parse(text: bytes, table: Table, starts: Positions, ends: Positions) -> pl.DataFrame | None:
    dialect = table.dialect
    width = table.usual_width
    quotes = 2 * width if dialect.quote and dialect.quote.encode() in text else 0
    # Only a record this short can be blank; how those count is for the careful path to say.
    if len(starts) == 0 or int(np.min(ends - starts)) <= width - 1 + quotes:
        shortest = np.flatnonzero(ends - starts <= width - 1 + quotes)
        blank = (dialect.delimiter + dialect.quote).encode()
        for at in shortest.tolist():
            if not text[starts[at] : ends[at]].strip(blank):
                return None
    names = [f"f{number}" for number in range(width)]
    try:
        rows = pl.read_csv(
            text,
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            separator=dialect.delimiter,
            quote_char=dialect.quote or None,
            empty_string_is_null=False,
            extra_columns="raise",
        )
    except pl.exceptions.PolarsError:
        return None
    if rows.height != len(starts):
        return None
    fitted = _fit(rows, table)
    if fitted is None:
        return None
    odd = _find_footer_starts(text, starts, table)
    suspects = fitted if len(odd) == len(starts) else fitted[odd]
    if len(odd) and may_hold_footers(suspects, table.header, text):
        return None
    return fitted


def _find_footer_starts(text: bytes, starts: Positions, table: Table) -> Positions:
    """The records that begin as a total or the header may; digits and most letters do not."""
    letters = set(string.ascii_letters.encode()) - set(b"tTgGsSrRoOcCpP")
    header = next((name for name in table.header if name), "")
    harmless = (letters | set(string.digits.encode())) - set(header.encode()[:1])
    may_start = np.ones(256, dtype=bool)
    may_start[list(harmless)] = False
    return np.flatnonzero(may_start[np.frombuffer(text, dtype=np.uint8)[starts]])


def _fit(rows: pl.DataFrame, table: Table) -> pl.DataFrame | None:
    """Give the columns their names; fields beyond the header must be empty."""
    n_columns = len(table.names)
    for name in rows.columns[n_columns:]:
        if (rows[name] != "").any():
            return None
    columns = [
        column.alias(name)
        for column, name in zip(rows.get_columns()[:n_columns], table.names, strict=False)
    ]
    columns += [
        pl.Series(name, [""], dtype=pl.String).new_from_index(0, rows.height)
        for name in table.names[len(columns) :]
    ]
    return pl.DataFrame(columns)
