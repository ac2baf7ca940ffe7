"""Where records end in a block of CSV, if everything about its marks is regular."""

import numpy as np
import numpy.typing as npt

from flows.reading.csv_records import Table

Positions = npt.NDArray[np.int64]
Units = npt.NDArray[np.uint8]

_LF, _CR, _TAB = 10, 13, 9


def find_borders(text: bytes, table: Table, *, is_last: bool) -> tuple[Positions, Positions] | None:
    """All line feeds, and which of them end a record; None for anything irregular."""
    units = np.frombuffer(text, dtype=np.uint8)
    feeds = np.flatnonzero(units == _LF)
    n_controls = int(np.count_nonzero(units < 32)) - len(feeds)
    n_returns = 0
    if n_controls:  # mostly there are none but line feeds, and counting is all
        n_returns = int(np.count_nonzero(units == _CR))
        n_controls -= n_returns + int(np.count_nonzero(units == _TAB))
    if n_controls or text.find(b"\x7f") >= 0:
        return None
    if n_returns and (len(feeds) == 0 or n_returns != np.count_nonzero(units[feeds - 1] == _CR)):
        return None
    dialect = table.dialect
    if dialect.escape and dialect.escape.encode() in text:
        return None
    if not dialect.quote or dialect.quote.encode() not in text:
        n_delimiters = int(np.count_nonzero(units == ord(dialect.delimiter)))
        n_records = len(feeds) + (text[-1] != _LF)
        if n_delimiters != (table.usual_width - 1) * n_records:
            return None
        return feeds, np.arange(len(feeds), dtype=np.int64)
    return _find_quoted_borders(text, feeds, table, is_last=is_last)


def _find_quoted_borders(
    text: bytes, feeds: Positions, table: Table, *, is_last: bool
) -> tuple[Positions, Positions] | None:
    units = np.frombuffer(text, dtype=np.uint8)
    delimiter = ord(table.dialect.delimiter)
    quotes = np.flatnonzero(units == ord(table.dialect.quote))
    opens, closes = quotes[0::2], quotes[1::2]
    is_even = len(opens) == len(closes)
    if not _quotes_are_regular(units, opens, closes, delimiter) or (is_last and not is_even):
        return None
    quoted = None
    at_border = np.arange(len(feeds), dtype=np.int64)
    if is_even and len(opens) * 50 < len(units):
        pairs = zip(opens.tolist(), closes.tolist(), strict=True)
        quoted = b"".join([text[start:end] for start, end in pairs])
    if quoted is None or b"\n" in quoted:
        is_border = np.searchsorted(opens, feeds) == np.searchsorted(closes, feeds)
        at_border = np.flatnonzero(is_border)
    n_records = len(at_border) + (is_even and text[-1] != _LF)
    if quoted is not None:
        n_delimiters = int(np.count_nonzero(units == delimiter)) - quoted.count(delimiter)
    else:
        end = len(units) if is_even else int(feeds[at_border[-1]]) if n_records else 0
        delimiters = np.flatnonzero(units[:end] == delimiter)
        n_quoted = int(np.searchsorted(opens, end))
        within = np.searchsorted(delimiters, closes[:n_quoted])
        within -= np.searchsorted(delimiters, opens[:n_quoted])
        n_delimiters = len(delimiters) - int(within.sum())
    if n_delimiters != (table.usual_width - 1) * n_records:
        return None
    return feeds, at_border


def _quotes_are_regular(units: Units, opens: Positions, closes: Positions, delimiter: int) -> bool:
    """Whether every opening and closing quote stands where one can.

    A doubled quote shows as a closing and an opening one without anything between. The block
    may end inside of a quoted field; then there is one more opening quote.
    """
    before = units[opens - 1]
    can_open = (before == delimiter) | (before == _LF)
    can_open[1:] |= opens[1:] == closes[: len(opens) - 1] + 1
    can_open[0] |= opens[0] == 0
    after = units[np.minimum(closes + 1, len(units) - 1)]
    # A carriage return stands only before a line feed here; `_find_borders` has seen to it.
    can_close = (after == delimiter) | (after == _LF) | (after == _CR)
    n_next = min(len(closes), len(opens) - 1)
    can_close[:n_next] |= opens[1 : n_next + 1] == closes[:n_next] + 1
    can_close |= closes == len(units) - 1
    return bool(can_open.all() and can_close.all())
