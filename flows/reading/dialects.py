"""How a CSV file is written, and where its table begins, told from its first lines."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from flows.reading.csv_fields import Dialect, FieldParser, Width
from flows.reading.headers import HeaderFound, ParsedLine, find_header
from flows.reading.text_lines import Lines

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_RECORDS = 300
_MANY_OPENED = 3
_SEP_LINE = re.compile(r"""["']?sep=(.)["']?[,;\t|]*""", re.IGNORECASE)


@dataclass(frozen=True)
class CsvHints:
    """What a contract says about a file; None where it says nothing."""

    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header_line: int | None = None
    has_header: bool | None = None
    known_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CsvLayout:
    """How a CSV file is written.

    Attributes:
        dialect: Delimiter, quote, escape and line ends.
        header: The header found; its places are indexes into the sample's lines.
        usual_width: How many fields most records have.
    """

    dialect: Dialect
    header: HeaderFound
    usual_width: int


def detect_layout(lines: Lines, hints: CsvHints) -> CsvLayout:
    """The layout under which most of the sample's records are as wide as its header.

    Args:
        lines: The file's first lines, by every kind of line break.
        hints: What the contract says; it is believed.
    """
    skip, told = _sep_line(lines)
    delimiter = hints.delimiter or told
    candidates = [delimiter] if delimiter else list(_DELIMITERS)
    best: tuple[float, CsvLayout] | None = None
    for candidate in candidates:
        for dialect in _quotings(lines, candidate, hints):
            score, layout = _judge(lines, dialect, hints, skip)
            if best is None or score > best[0] + 1e-9:
                best = (score, layout)
    assert best is not None
    return best[1]


def count_fitting(lines: Lines, layout: CsvLayout) -> tuple[int, int]:
    """How many of the sample's records are as wide as the header, and how many are not.

    A record with a stray carriage return is not.
    """
    parser = FieldParser(lines, layout.dialect)
    width = Width(len(layout.header.names), layout.header.n_optional)
    n_fitting = n_misfits = 0
    at = layout.header.first_data
    for _ in range(_SAMPLE_RECORDS):
        if at >= len(lines):
            break
        parsed = parser.parse(at)
        is_whole = parsed.state == "whole" and not parsed.has_lone_return
        if not is_whole or any(parsed.fields):
            is_fitting = is_whole and width.fit(parsed.fields) is not None
            n_fitting, n_misfits = n_fitting + is_fitting, n_misfits + (not is_fitting)
        at += parsed.n_lines if is_whole else 1
    return n_fitting, n_misfits


def _sep_line(lines: Lines) -> tuple[int, str | None]:
    """Excel's own way of telling the delimiter, in a line before the header."""
    if len(lines) and (match := _SEP_LINE.fullmatch(lines.text(0).strip("\ufeff "))):
        return 1, match[1]
    return 0, None


def _quotings(lines: Lines, delimiter: str, hints: CsvHints) -> Iterable[Dialect]:
    """The ways of quoting that the sample gives a reason to try, the likeliest first."""
    texts = [lines.text(at) for at in range(len(lines))]
    if hints.quote is not None:
        quotes = [hints.quote]
    else:
        wrapped = {q: _n_wrapped(texts, delimiter, q) for q in ('"', "'")}
        quotes = ["'", '"'] if wrapped["'"] > wrapped['"'] else ['"']
        # One quote that nothing closes is damage; many, and none that closes, are plain text.
        n_opened = sum(text.startswith('"') + text.count(delimiter + '"') for text in texts)
        if n_opened >= _MANY_OPENED and not wrapped['"']:
            quotes.append("")
    for quote in quotes:
        plain = Dialect(delimiter, quote)
        yield plain if not hints.escape else replace(plain, escape=hints.escape)
        marks = ("\\" + delimiter, "\\" + quote if quote else "\\\\")
        if hints.escape is None and any(mark in text for text in texts for mark in marks):
            yield replace(plain, escape="\\")


def _n_wrapped(texts: list[str], delimiter: str, quote: str) -> int:
    """How many fields begin and end with a quote; one over several lines does not show."""
    mark, q = re.escape(delimiter), re.escape(quote)
    field = re.compile(rf"(?:^|(?<={mark})){q}(?:[^{q}\\]|{q}{q}|\\.)*{q}(?={mark}|$)")
    return sum(len(field.findall(text)) for text in texts[:_SAMPLE_RECORDS] if quote in text)


def _judge(lines: Lines, dialect: Dialect, hints: CsvHints, skip: int) -> tuple[float, CsvLayout]:
    """How well a dialect explains the sample, from 0 to a little over 1."""
    parsed, n_malformed = _parse_sample(lines, dialect, skip)
    header = find_header(parsed, hints.header_line, hints.has_header, hints.known_names)
    width = Width(len(header.names), header.n_optional)
    records = [line for line in parsed if line.at >= header.first_data]
    n_records = len(records) + n_malformed
    widths = Counter(len(line.fields) for line in records)
    usual = max(widths, key=lambda w: (widths[w], w), default=len(header.names))
    layout = CsvLayout(dialect, header, usual)
    if len(header.names) < 2:
        # One column explains everything, and therefore next to nothing.
        return 0.001 * (1 - n_malformed / max(1, n_records)), layout
    n_fit = sum(width.fit(line.fields) is not None for line in records)
    share = n_fit / n_records if n_records else 0.9
    # Among equals the wider table wins; no quoting only where quoting explains less.
    bonus = 0.03 * min(len(header.names), 20) / 20
    malus = 0.02 if not dialect.quote else 0.0
    malus += 0.0001 if dialect.escape else 0.0
    # A table without labels, or with lines before them, is the less likely reading.
    malus += 0.2 if header.at is None else 0.02 * (header.at > skip)
    known = len(hints.known_names.intersection(header.names))
    return 0.05 + share + bonus - malus + min(known, 10), layout


def _parse_sample(lines: Lines, dialect: Dialect, skip: int) -> tuple[list[ParsedLine], int]:
    parser = FieldParser(lines, dialect)
    parsed_lines: list[ParsedLine] = []
    n_malformed = 0
    index = skip
    while index < len(lines) and len(parsed_lines) < _SAMPLE_RECORDS:
        if not lines.text(index).strip(" \t"):
            index += 1
            continue
        parsed = parser.parse(index)
        if parsed.state == "whole":
            parsed_lines.append(ParsedLine(index, parsed.n_lines, parsed.fields))
            index += parsed.n_lines
        else:
            n_malformed += 1
            index += 1
    return parsed_lines, n_malformed
