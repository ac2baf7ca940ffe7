"""Which record of a table is its header, and what its columns are called."""

import re
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

RESERVED_NAMES = ("line_no", "byte_offset", "byte_length")

_SEARCHED_RECORDS = 40
_DATA = re.compile(
    r"[^@\s]+@[^@\s]+\.[^@\s]+"  # an email address
    r"|[\s\d().+\-/:,%$€£#]*\d[\s\d().+\-/:,%$€£#TZ]*"  # a number, phone, date or time
    r"|https?://.*|true|false",
    re.IGNORECASE | re.DOTALL,
)


class ParsedLine(NamedTuple):
    """A record of the sample: the index of its first line, its lines, its fields."""

    at: int
    n_lines: int
    fields: list[str]


class HeaderFound(NamedTuple):
    """The header of a table.

    Attributes:
        at: Index of the header's line in the sample, or None where there is no header.
        first_data: Index of the first line that may be a record.
        written: The names as they are written.
        names: The columns' names: none empty, none twice.
        n_optional: How many nameless columns stand at the end.
    """

    at: int | None
    first_data: int
    written: tuple[str, ...]
    names: tuple[str, ...]
    n_optional: int


def find_header(
    records: list[ParsedLine],
    header_line: int | None = None,
    has_header: bool | None = None,
    known_names: frozenset[str] = frozenset(),
) -> HeaderFound:
    """The header: the first record that is about as wide as the table and looks like labels.

    What stands before it are titles and notes. Where the first record of the table looks like
    data, the file has no header and its columns are called ``column_1`` and so on.

    Args:
        records: The first records of the file.
        header_line: The physical line, from 1, on which the contract says the header stands.
        has_header: What the contract says; None where it says nothing.
        known_names: Column names that the contract knows; a record of them is the header.
    """
    if not records:
        return HeaderFound(None, 0, (), (), 0)
    usual = _usual_width(records)
    chosen = None
    if header_line is not None:
        chosen = next((r for r in records if r.at + 1 >= header_line), None)
    elif has_header is not False:
        chosen = _known(records, known_names) or _labels(records, usual)
        if chosen is None and has_header:
            chosen = records[0]
    if chosen is None:
        first = next((r for r in records if len(r.fields) == usual), records[0])
        written: tuple[str, ...] = ("",) * usual
        return HeaderFound(None, first.at, written, name_columns(written), 0)
    written = tuple(field.strip("\ufeff \t") for field in chosen.fields)
    data = [r.fields for r in records if r.at > chosen.at]
    if _has_row_numbers(written, data):
        written = ("", *written)
    n_optional = 0
    while n_optional < len(written) and not written[-1 - n_optional]:
        n_optional += 1
    first_data = chosen.at + chosen.n_lines
    return HeaderFound(chosen.at, first_data, written, name_columns(written), n_optional)


def name_columns(written: tuple[str, ...]) -> tuple[str, ...]:
    """Names of which none is empty and none comes twice.

    A second ``Email`` is ``Email (2)``; the seventh column, if nameless, is ``column_7``.
    """
    taken = set(RESERVED_NAMES)
    names = []
    for number, text in enumerate(written, start=1):
        base = text or f"column_{number}"
        name, count = base, 1
        while name in taken or (name != base and name in written):
            count += 1
            name = f"{base} ({count})"
        taken.add(name)
        names.append(name)
    return tuple(names)


def is_label(text: str) -> bool:
    """Whether a cell may be a column's name rather than a value, a note or a title."""
    text = text.strip()
    return len(text) <= 100 and not text.endswith(":") and not _DATA.fullmatch(text)


def _usual_width(records: list[ParsedLine]) -> int:
    widths = Counter(len(record.fields) for record in records)
    wide = {width: count for width, count in widths.items() if width > 1}
    # Notes before a short table may outnumber its records.
    if wide and max(wide.values()) * 4 >= widths[1]:
        return max(wide, key=lambda width: (wide[width], width))
    return 1


def _known(records: list[ParsedLine], known_names: frozenset[str]) -> ParsedLine | None:
    for record in records[:_SEARCHED_RECORDS]:
        filled = [field.strip() for field in record.fields if field.strip()]
        if filled and sum(field in known_names for field in filled) * 2 >= len(filled):
            return record
    return None


def _labels(records: list[ParsedLine], usual: int) -> ParsedLine | None:
    for record in records[:_SEARCHED_RECORDS]:
        filled = [field for field in record.fields if field.strip("\ufeff \t")]
        if len(filled) < 0.5 * usual or (usual > 1 and len(record.fields) < 2):
            continue
        if any("@" in field and _DATA.fullmatch(field.strip()) for field in filled):
            return None
        n_labels = sum(is_label(field) for field in filled)
        if filled and n_labels >= 0.7 * len(filled):
            return record
        if len(record.fields) == usual and not any(field.endswith(":") for field in filled):
            return None
    return None


def _has_row_numbers(written: tuple[str, ...], data: list[list[str]]) -> bool:
    """R's ``write.table`` puts a row number before each record and nothing into the header."""
    wider = [fields for fields in data if len(fields) == len(written) + 1]
    if len(wider) < 2 or len(wider) < 0.9 * len(data):
        return False
    numbers = [fields[0].strip() for fields in wider]
    if not all(number.isdecimal() and len(number) < 10 for number in numbers):
        return False
    is_counting = all(int(a) < int(b) for a, b in pairwise(numbers))
    return is_counting and any(fields[-1] for fields in wider)
