"""Records out of lines: where each begins and ends, also where one is damaged.

A quote that never closes would swallow all that follows. The rule for where a damaged record
ends:

1. A record whose quotes are all well-formed is as long as its quotes say, whatever its width,
   unless it is of the wrong width and its later lines are, one after the other, whole records of
   the right width: then its quote was never meant to span them.
2. Else it ends at the first line break after which a line stands that parses by itself to the
   right width (or is a footer). If none does up to the end of the file, all of it is one
   damaged record; if none does within what a record may hold, the damaged record is one line.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from flows.reading.csv_fields import MAX_RECORD_BYTES, Dialect, FieldParser, Parsed, Width
from flows.reading.footers import is_repeated_header, is_rule, is_total
from flows.reading.text_lines import Lines, has_controls

# All of C0 and DEL but tab, line feed and carriage return, which have rules of their own.
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MANY_PARTS = 10


class Table(NamedTuple):
    """How the records of a table are written.

    Attributes:
        dialect: How fields are written.
        width: How many fields a record has.
        header: The header as it is written, to know it when it comes again.
        names: The names of the columns.
        usual_width: How many fields most records have.
    """

    dialect: Dialect
    width: Width
    header: tuple[str, ...]
    names: tuple[str, ...]
    usual_width: int


class Record(NamedTuple):
    """One record: a row, or damage.

    Attributes:
        first: Index of its first line.
        n_lines: How many lines it has.
        fields: The cells; for damage, as far as they could be told.
        code: Why it is rejected, or None.
    """

    first: int
    n_lines: int
    fields: list[str]
    code: str | None


def iterate_records(lines: Lines, table: Table, *, stop: int, is_last: bool) -> Iterator[Record]:
    """The records of a block.

    Args:
        lines: The block's lines; lines that turn out to be several are split in place.
        table: How its records are written.
        stop: Records that start at or after this offset in the block are left; the lines
            beyond serve to see where a damaged record ends.
        is_last: Whether the file ends with the block.
    """
    return _Splitter(lines, table, is_last).records(stop)


class _Splitter:
    def __init__(self, lines: Lines, table: Table, is_last: bool) -> None:
        self._lines = lines
        self._parser = FieldParser(lines, table.dialect)
        self._dialect = table.dialect
        self._width = table.width
        self._header = table.header
        self._is_last = is_last
        self._hopeless_to = 0
        # Told once for the block; in wide encodings every unit has a zero byte.
        is_wide = lines.encoding.kind == "other" or lines.encoding.unit_bytes > 1
        self._has_controls = is_wide or has_controls(lines.data)

    def records(self, stop: int) -> Iterator[Record]:
        index = 0
        lines = self._lines
        while index < len(lines) and lines.starts[index] < stop:
            if self._is_blank(index):
                index += 1
                continue
            parsed = self._parser.parse(index)
            row = self._width.fit(parsed.fields) if parsed.state == "whole" else None
            if row is None or parsed.has_lone_return:
                if self._split_at_returns(index):
                    continue
                record = self._damaged(index, parsed, row)
            else:
                record = Record(index, parsed.n_lines, row, None)
            index += record.n_lines
            if record.code is not None or any(record.fields):
                yield self._judge_bytes(record)

    def _is_blank(self, index: int) -> bool:
        text = self._lines.text(index)
        return not text.strip(" \t") and self._dialect.delimiter not in text

    def _damaged(self, index: int, parsed: Parsed, row: list[str] | None) -> Record:
        fields = parsed.fields
        if parsed.state == "whole" and row is not None:
            return Record(index, parsed.n_lines, fields, "lone_cr")
        if parsed.state == "whole":
            if not any(fields):
                return Record(index, parsed.n_lines, [], None)
            n_lines = self._lines_of_misfit(index, parsed.n_lines)
            if n_lines < parsed.n_lines:
                return Record(index, n_lines, fields, "unclosed_quote")
            is_long = len(fields) > self._width.n_columns
            code = "too_many_fields" if is_long else "too_few_fields"
            return Record(index, n_lines, fields, code)
        is_open = parsed.state == "open" or parsed.n_lines > 1
        n_lines = self._lines_to_next_record(index)
        return Record(index, n_lines, fields, "unclosed_quote" if is_open else "stray_quote")

    def _lines_of_misfit(self, index: int, n_lines: int) -> int:
        """How long a well-formed record of the wrong width is (rule 1)."""
        for first in range(index + 1, index + n_lines):
            at = first
            while at < index + n_lines:
                if self._is_blank(at):
                    at += 1
                    continue
                parsed = self._parser.parse(at)
                if not self._fits(parsed) or parsed.has_stray:
                    break
                at += parsed.n_lines
            else:
                return first - index
        return n_lines

    def _lines_to_next_record(self, index: int) -> int:
        """How long a malformed record is (rule 2)."""
        lines = self._lines
        at = max(index + 1, self._hopeless_to)
        while at < len(lines) and lines.starts[at] - lines.starts[index] <= MAX_RECORD_BYTES:
            if not self._is_blank(at) and self._starts_record(at):
                return self._without_blank_tail(index, at)
            at += 1
        # Remembered, so that a long stretch of damage is looked through once and not per line.
        self._hopeless_to = at
        if at >= len(lines) and self._is_last:
            return self._without_blank_tail(index, len(lines))
        return 1

    def _without_blank_tail(self, index: int, end: int) -> int:
        while end > index + 1 and self._is_blank(end - 1):
            end -= 1
        return end - index

    def _starts_record(self, index: int) -> bool:
        parsed = self._parser.parse(index)
        text = self._lines.text(index)
        if parsed.state != "whole":
            return False
        if is_total(parsed.fields) or is_repeated_header(parsed.fields, self._header):
            return True
        if not self._fits(parsed):
            return is_rule(text)
        # `left off",x` may be the tail of the damaged record; `5" pipe,x` is one of its own.
        return not (parsed.has_stray and self._parser.looks_closed(text))

    def _fits(self, parsed: Parsed) -> bool:
        is_whole = parsed.state == "whole" and not parsed.has_lone_return
        return is_whole and self._width.fit(parsed.fields) is not None

    def _split_at_returns(self, index: int) -> bool:
        r"""Where ``\r`` ends lines here and there, what it parts are whole records.

        In a long run of them a few may be damaged; two halves of one field never all fit.
        """
        text = self._lines.text(index)
        if "\r" not in text or self._width.n_columns < 2:
            return False
        parts = self._lines.at_returns(index)
        parser = FieldParser(parts, self._dialect)
        filled = [at for at in range(len(parts)) if parts.text(at).strip(" \t")]
        n_fit = 0
        for at in filled:
            parsed = parser.parse(at)
            n_fit += parsed.n_lines == 1 and self._fits(parsed)
        is_long_run = len(filled) >= _MANY_PARTS and n_fit >= 0.8 * len(filled)
        if (len(parts) == 1 and "\r" in parts.text(0)) or not (is_long_run or n_fit == len(filled)):
            return False
        self._lines.replace(index, parts)
        return True

    def _judge_bytes(self, record: Record) -> Record:
        """Bytes that mean nothing come before any question of structure."""
        lines = self._lines
        if not self._has_controls and not lines.undecoded:
            return record
        span = range(record.first, record.first + record.n_lines)
        if not all(lines.is_decoded(at) for at in span):
            return record._replace(code="undecodable_bytes")
        if not self._has_controls:
            return record
        found = "".join("".join(CONTROLS.findall(lines.text(at))) for at in span)
        if "\x00" in found:
            return record._replace(code="nul_byte")
        return record._replace(code="control_characters") if found else record
