"""The start of a CSV file: encoding, dialect, header, and where its records begin."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.errors import refusal
from flows.reading.csv_fields import Width
from flows.reading.csv_records import Table
from flows.reading.dialects import CsvHints, CsvLayout, count_fitting, detect_layout
from flows.reading.encodings import TextEncoding, detect_encoding, undecodable_header
from flows.reading.headers import HeaderFound, name_columns
from flows.reading.text_lines import Lines

_SAMPLE_BYTES = 131_072
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class CsvStart:
    """What is known of a CSV file before its first record is read.

    Attributes:
        encoding: How it is encoded.
        table: How its records are written.
        header_line: The header's physical line, from 1, or None.
        preamble: The lines before the header.
        first_byte: Where the line after the header starts.
        first_line: The number of that line.
    """

    encoding: TextEncoding
    table: Table
    header_line: int | None
    preamble: tuple[str, ...]
    first_byte: int
    first_line: int


def open_csv(
    path: Path,
    name: str,
    *,
    hints: CsvHints,
    encoding_hint: str | None = None,
    columns: tuple[str, ...] = (),
) -> CsvStart:
    """Find out how a CSV file is written.

    Args:
        path: The landed file.
        name: What people call it, for the message.
        hints: What the contract says of the dialect and the header.
        encoding_hint: The encoding that the contract names.
        columns: Names for a file without a header.

    Raises:
        UnreadableFileError: The encoding or the header cannot be told, or there is no line.
    """
    encoding = detect_encoding(path, name, encoding_hint)
    with path.open("rb") as file:
        file.seek(encoding.bom_bytes)
        sample = file.read(_SAMPLE_BYTES)
        is_last = not file.read(1)
    lines, layout = _choose_line_breaks(sample, encoding, hints, is_last)
    header = layout.header
    if not header.names:
        raise refusal(
            name,
            "there is no line with text in it.",
            "Export it again; check the sender's filter.",
        )
    if header.at is not None:
        _refuse_undecoded(lines, header, name, encoding)
    elif columns:
        names = columns + ("",) * (len(header.names) - len(columns))
        header = header._replace(names=name_columns(names))
    # Without any line after the header the sample, and so the file, ends here.
    at_end = header.first_data >= len(lines)
    first_byte = len(sample) if at_end else lines.starts[header.first_data]
    table = Table(
        layout.dialect,
        Width(len(header.names), header.n_optional),
        header.written,
        header.names,
        layout.usual_width,
    )
    before = range(header.at if header.at is not None else header.first_data)
    return CsvStart(
        encoding,
        table,
        None if header.at is None else header.at + 1,
        tuple(lines.text(at) for at in before),
        encoding.bom_bytes + first_byte,
        header.first_data + 1,
    )


def _choose_line_breaks(
    sample: bytes, encoding: TextEncoding, hints: CsvHints, is_last: bool
) -> tuple[Lines, CsvLayout]:
    r"""Whether a lone ``\r`` ends a line here, or is damage inside of a field.

    Both are tried; fewer records that do not fit the header decide. The number of those that
    do fit must not: a return in the last field leaves a first half that fits, but is cut off.
    """
    lines, layout = _lay_out(sample, encoding, hints, is_last=is_last, is_any_break=False)
    texts = (lines.text(at) for at in range(len(lines)))
    if not any("\r" in _QUOTED.sub("", text) for text in texts):
        return lines, layout
    by_any, any_layout = _lay_out(sample, encoding, hints, is_last=is_last, is_any_break=True)
    n_fitting, n_misfits = count_fitting(lines, layout)
    n_fitting_any, n_misfits_any = count_fitting(by_any, any_layout)
    if n_misfits_any < n_misfits or (n_fitting_any and not n_fitting):
        return by_any, any_layout
    return lines, layout


def _lay_out(
    sample: bytes, encoding: TextEncoding, hints: CsvHints, *, is_last: bool, is_any_break: bool
) -> tuple[Lines, CsvLayout]:
    lines = Lines(sample, encoding, is_any_break=is_any_break, is_last=is_last)
    if not len(lines):
        # One line longer than the sample; what there is of it must do.
        lines = Lines(sample, encoding, is_any_break=is_any_break, is_last=True)
    layout = detect_layout(lines, hints)
    dialect = replace(layout.dialect, is_any_break=is_any_break)
    return lines, replace(layout, dialect=dialect)


def _refuse_undecoded(lines: Lines, header: HeaderFound, name: str, encoding: TextEncoding) -> None:
    assert header.at is not None
    for at in range(header.at, min(header.first_data, len(lines))):
        if not lines.is_decoded(at):
            raise undecodable_header(name, encoding)
