"""How a file is written, what a contract may say about that, and the file made readable."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flows.file_forms import Form
from flows.reading.chunks import Chunk


@dataclass(frozen=True)
class ReadingHints:
    r"""What a contract says about its files; whatever is None is found out.

    Attributes:
        encoding: Any encoding that Python knows.
        delimiter: One character.
        quote: One character, or "" where nothing is quoted.
        escape: A backslash, or "" where a quote inside of quotes is doubled.
        header_line: The physical line of the header, from 1 (.xlsx: the row).
        has_header: False: there is none; True: there is one, however odd it looks.
        columns: Names for a file without a header.
        known_names: Header names that the contract knows; they help to find the header.
        sheet: The sheet to read; else the first one that is not empty.
        records_path: Dotted path to the list of records in a JSON document.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header_line: int | None = None
    has_header: bool | None = None
    columns: tuple[str, ...] = ()
    known_names: frozenset[str] = frozenset()
    sheet: str | None = None
    records_path: str | None = None


@dataclass(frozen=True)
class Layout:
    """How a file is written: what `inspect` shows and hints may override.

    Attributes:
        form: csv, xlsx, jsonl, json or parquet.
        columns: The columns' names: none empty, none twice.
        header: The header's names as they are written.
        header_line: The header's physical line, from 1; None where there is none.
        preamble: Title and note lines before the header.
        encoding, delimiter, quote, escape: As in `ReadingHints`; None where the form has none.
        is_any_break: Whether a lone carriage return ends a line.
        sheet: The sheet that is read.
        sheets: All sheets of the workbook.
        records_path: Where in a JSON document the records are; "" for the document itself.
    """

    form: Form
    columns: tuple[str, ...]
    header: tuple[str, ...] = ()
    header_line: int | None = None
    preamble: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    is_any_break: bool = False
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    records_path: str | None = None


@dataclass(frozen=True)
class Reading:
    """A file that can be read, from the start, as often as wanted."""

    layout: Layout
    _chunks: Callable[[], Iterator[Chunk]]

    def chunks(self) -> Iterator[Chunk]:
        """The file's records, in its order, at most ``chunk_rows`` rows at a time."""
        return self._chunks()
