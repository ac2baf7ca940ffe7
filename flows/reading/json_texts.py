"""Where the records of a JSON file are: lines, or the elements of an array, as raw bytes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from contracts.errors import refusal
from flows.reading.encodings import TextEncoding
from flows.reading.json_records import BrokenJsonError, Pairs, parse_json
from flows.reading.text_lines import find_lines

MAX_RECORD_BYTES = 67_108_864

_BLOCK_BYTES = 4_194_304
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
_BETWEEN_OBJECTS = re.compile(rb"(?<=\})\s*,\s*(?=\{)")
_WHITE = b" \t\r\n"


class RawRecord(NamedTuple):
    """One record's bytes: its number or line from 1, and its place in the file."""

    line_no: int
    offset: int
    raw: bytes


def iterate_lines(path: Path, name: str, encoding: TextEncoding) -> Iterator[RawRecord]:
    """The lines of a JSON Lines file that are not blank.

    Raises:
        UnreadableFileError: A line is longer than 64 MiB.
    """
    offset, line_no = encoding.bom_bytes, 1
    with path.open("rb") as file:
        file.seek(offset)
        data, is_last = b"", False
        while data or not is_last:
            piece = file.read(_BLOCK_BYTES)
            is_last = len(piece) < _BLOCK_BYTES
            data += piece
            bounds = find_lines(data, encoding, is_any_break=False, is_last=is_last)
            for start, end in zip(bounds.starts.tolist(), bounds.ends.tolist(), strict=True):
                raw = data[start:end]
                if raw.strip(b" \t\r\n\x00"):
                    yield RawRecord(line_no, offset + start, raw)
                line_no += 1
            used = int(bounds.nexts[-1]) if len(bounds.nexts) else 0
            offset, data = offset + used, data[used:]
            if len(data) > MAX_RECORD_BYTES:
                raise refusal(name, f"line {line_no} is longer than 64 MiB.", "Split the file.")


def iterate_elements(path: Path, name: str, first_byte: int) -> Iterator[RawRecord]:
    """The elements of a JSON array in UTF-8, each as it stands in the file.

    A damaged element may hide where it ends. What looks like one broken element is therefore
    parted again where ``}, {`` stands, and parts that are objects with the same first key as
    the elements before are elements of their own.

    Raises:
        UnreadableFileError: An element is longer than 64 MiB.
    """
    number = 0
    first_key: str | None = None
    for offset, raw in _elements(path, name, first_byte):
        for at, part in _part_broken(raw, first_key):
            number += 1
            first_key = first_key or _first_key(part)
            yield RawRecord(number, offset + at, part)


def _elements(path: Path, name: str, first_byte: int) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        file.seek(first_byte)
        data, is_last = file.read(_BLOCK_BYTES), False
        at = data.find(b"[") + 1
        offset = first_byte
        while True:
            end, is_closed = _element_end(data, at)
            if end is None:
                piece = file.read(_BLOCK_BYTES)
                is_last = not piece
                offset, data, at = offset + at, data[at:] + piece, 0
                if len(data) > MAX_RECORD_BYTES:
                    raise refusal(name, "a record is longer than 64 MiB.", "Split the file.")
                if not is_last:
                    continue
                end, is_closed = len(data), True
            raw = data[at:end]
            if raw.strip(_WHITE):
                lead = len(raw) - len(raw.lstrip(_WHITE))
                yield offset + at + lead, raw.strip(_WHITE)
            if is_closed:
                return
            at = end + 1


def _element_end(data: bytes, start: int) -> tuple[int | None, bool]:
    """Where the element at a place ends, and whether the array does; None: not within."""
    depth = 0
    for match in _TOKEN.finditer(data, start):
        token = match[0]
        if token in b"{[":
            depth += 1
        elif token == b"," and depth == 0:
            return match.start(), False
        elif token in b"}]":
            if depth == 0:
                return match.start(), True
            depth -= 1
    return None, False


def _part_broken(raw: bytes, first_key: str | None) -> Iterator[tuple[int, bytes]]:
    if first_key is None or _first_key(raw) is not None:
        yield 0, raw
        return
    cuts = [match.span() for match in _BETWEEN_OBJECTS.finditer(raw)]
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(raw)]
    broken_from: int | None = None
    broken_to = 0
    for start, end in zip(starts, ends, strict=True):
        if _first_key(raw[start:end]) == first_key:
            if broken_from is not None:
                yield broken_from, raw[broken_from:broken_to]
                broken_from = None
            yield start, raw[start:end]
        else:
            broken_from = start if broken_from is None else broken_from
            broken_to = end
    if broken_from is not None:
        yield broken_from, raw[broken_from:broken_to]


def _first_key(raw: bytes) -> str | None:
    """The first key of an object, or None if this is no object."""
    try:
        value = parse_json(raw.decode("utf-8"))
    except (BrokenJsonError, UnicodeDecodeError):
        return None
    return value[0][0] if isinstance(value, Pairs) and value else None
