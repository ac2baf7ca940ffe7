"""One record's fields from its lines, strictly by the dialect.

This is the authority on what a record is. The fast path (`csv_blocks`) is used only where it
provably says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from flows.reading.text_lines import Lines

MAX_RECORD_BYTES = 1_048_576


@dataclass(frozen=True)
class Dialect:
    r"""How fields are written.

    Attributes:
        delimiter: One character.
        quote: One character, or "" where nothing is quoted.
        escape: "" where a quote inside of quotes is doubled, or a backslash. After a
            backslash a quote, delimiter, backslash or line end means itself; before any other
            character the backslash is text (``C:\new``).
        is_any_break: Whether a lone carriage return ends a line.
    """

    delimiter: str
    quote: str = '"'
    escape: str = ""
    is_any_break: bool = False


class Parsed(NamedTuple):
    """What stands from a line on.

    Attributes:
        state: whole: well-formed. malformed: a quote where none can be. open: a quote that
            nothing closes before the end of the text or of what one record may hold.
        n_lines: Lines looked at; for a whole record, its lines.
        fields: The fields, complete only for a whole record.
        has_stray: Whether an unquoted field contains a quote, taken as text.
        has_lone_return: Whether an unquoted field contains a carriage return.
    """

    state: Literal["whole", "malformed", "open"]
    n_lines: int
    fields: list[str]
    has_stray: bool = False
    has_lone_return: bool = False


@dataclass(frozen=True)
class Width:
    """How many fields a record has.

    Trailing delimiters vary within one file, and carry nothing: empty fields beyond the header
    are dropped, and nameless columns at the end of the header may be absent from a record.
    """

    n_columns: int
    n_optional: int = 0

    def fit(self, fields: list[str]) -> list[str] | None:
        """The fields as one row of the table, or None where that would lose or invent any."""
        missing = self.n_columns - len(fields)
        if missing == 0:
            return fields
        if missing < 0:
            return None if any(fields[missing:]) else fields[:missing]
        return fields + [""] * missing if missing <= self.n_optional else None


class FieldParser:
    """Parses records out of lines."""

    def __init__(self, lines: Lines, dialect: Dialect) -> None:
        self._lines = lines
        self._delimiter = dialect.delimiter
        self._quote = dialect.quote
        self._escape = dialect.escape
        self._meaning = {dialect.delimiter, dialect.quote, dialect.escape}

    def parse(self, index: int) -> Parsed:
        """The record that starts on a line."""
        text = self._lines.text(index)
        is_plain = not (self._quote and self._quote in text) and "\r" not in text
        if is_plain and not (self._escape and self._escape in text):
            return Parsed("whole", 1, text.split(self._delimiter))
        return _Scan(self, self._lines, index).run()

    def looks_closed(self, text: str) -> bool:
        """Whether some quote in a line stands where a quoted field would end."""
        return bool(self._quote) and (
            text.endswith(self._quote) or self._quote + self._delimiter in text
        )


class _Scan:
    """The state of parsing one record."""

    def __init__(self, parser: FieldParser, lines: Lines, index: int) -> None:
        self._delimiter = parser._delimiter
        self._quote = parser._quote
        self._escape = parser._escape
        self._meaning = parser._meaning
        self._lines = lines
        self._first = index
        self._index = index
        self._text = lines.text(index)
        self._at = 0

    def run(self) -> Parsed:
        fields: list[str] = []
        has_quoted = has_stray = has_return = False
        while True:
            if self._quote and self._text.startswith(self._quote, self._at):
                has_quoted = True
                field = self._quoted()
            else:
                field = self._unquoted()
                if field is not None:
                    has_stray |= bool(self._quote) and self._had_stray
                    has_return |= "\r" in field
            if field is None:
                return Parsed("open", self._n_lines, fields)
            fields.append(field)
            if self._at == len(self._text):
                break
            if not self._text.startswith(self._delimiter, self._at):
                return Parsed("malformed", self._n_lines, fields)
            self._at += 1
        if has_quoted and has_stray:
            # Whoever quotes fields escapes quotes. One that stands free is what is left of a
            # field whose opening quote was taken for the closing one of an earlier field.
            return Parsed("malformed", self._n_lines, fields)
        return Parsed("whole", self._n_lines, fields, has_stray, has_return)

    @property
    def _n_lines(self) -> int:
        return self._index - self._first + 1

    def _next_line(self) -> str | None:
        """Go to the next line; the line end just passed, or None where the record must end."""
        lines = self._lines
        if self._index + 1 >= len(lines):
            return None
        if lines.ends[self._index + 1] - lines.starts[self._first] > MAX_RECORD_BYTES:
            return None
        line_end = lines.line_end(self._index)
        self._index += 1
        self._text = lines.text(self._index)
        self._at = 0
        return line_end

    def _quoted(self) -> str | None:
        parts: list[str] = []
        self._at += 1
        while True:
            text = self._text
            end = _first_of((self._quote, self._escape), text, self._at)
            if end < 0:
                parts.append(text[self._at :])
                line_end = self._next_line()
                if line_end is None:
                    return None
                parts.append(line_end)
            elif text[end] == self._escape:
                parts.append(text[self._at : end])
                if not self._escaped(end, parts):
                    return None
            elif text.startswith(self._quote, end + 1):
                parts.append(text[self._at : end + 1])
                self._at = end + 2
            else:
                parts.append(text[self._at : end])
                self._at = end + 1
                return "".join(parts)

    def _unquoted(self) -> str | None:
        parts: list[str] = []
        self._had_stray = False
        while True:
            text = self._text
            end = _first_of((self._delimiter, self._escape), text, self._at)
            stop = len(text) if end < 0 else end
            part = text[self._at : stop]
            parts.append(part)
            self._had_stray |= bool(self._quote) and self._quote in part
            self._at = stop
            if end < 0 or text[end] == self._delimiter:
                return "".join(parts)
            if not self._escaped(end, parts):
                return None

    def _escaped(self, at: int, parts: list[str]) -> bool:
        """Take in what a backslash makes of the next character."""
        following = self._text[at + 1 : at + 2]
        if following:
            parts.append(following if following in self._meaning else self._escape + following)
            self._at = at + 2
            return True
        line_end = self._next_line()
        if line_end is None:
            return False
        parts.append(line_end)
        return True


def _first_of(marks: Sequence[str], text: str, start: int) -> int:
    found = [at for mark in marks if mark and (at := text.find(mark, start)) >= 0]
    return min(found, default=-1)
