"""Which records of a file speak of one person, whatever the file is."""

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import polars as pl

from contracts.errors import LeadfoldError, SourceDriftError, UnreadableFileError, WrongCallError
from contracts.registry import load_source
from contracts.source import Source
from flows.file_forms import detect_container, detect_form
from flows.landed_rows import list_hints
from flows.landing import Batch, land
from flows.reading import ReadingHints, read
from flows.reading.encodings import TextEncoding, describe, detect_encoding
from flows.reading.json_texts import iterate_lines
from transforms.conform import POSITION, key_rows, trim_cells
from transforms.traces import Traces

Place = tuple[int, int]
"""Where a record stands: its first byte, and how many they are."""

_CHUNK_ROWS = 50_000
_PIECE_BYTES = 1_048_576
_SEPARATOR = " \x1f "


@dataclass(frozen=True)
class Wanted:
    """What is looked for in one file.

    Attributes:
        traces: By what the person is known in a text.
        lines: Lines at which the person's records stand, as far as the database knows.
        record_ids: Ids of the person's records, if it is a file of their source.
        source: The contract by which the file was read, if it is known.
    """

    traces: Traces
    lines: frozenset[int] = frozenset()
    record_ids: frozenset[str] = frozenset()
    source: str = ""


@dataclass
class Found:
    """What speaks of the person in one file.

    Attributes:
        places: Where, in the file's bytes.
        lines: The lines at which those records start.
        encoding: Of a text.
        is_whole: Only the file as a whole can go: it has no records with a place of their own.
    """

    places: set[Place] = field(default_factory=set)
    lines: set[int] = field(default_factory=set)
    encoding: TextEncoding = field(default_factory=lambda: describe("utf-8"))
    is_whole: bool = False

    def __bool__(self) -> bool:
        return self.is_whole or bool(self.places)


def search_file(path: Path, wanted: Wanted, scratch: Path) -> Found:
    """Find the records of a file that speak of the person.

    Args:
        path: A file of any kind, packed or not.
        wanted: What is looked for.
        scratch: A folder for what a packed file holds.

    Raises:
        OSError: The file cannot be read.
    """
    if not path.stat().st_size:
        return Found()
    if detect_container(path) != "none":
        return _search_packed(path, wanted, scratch)
    try:
        form = detect_form(path, path.name)
    except UnreadableFileError:
        return _search_bytes(path, wanted)
    batch = Batch(path.name, path, "", path.stat().st_size, form)
    found = Found()
    try:
        _search_records(batch, wanted, found)
    except LeadfoldError:
        # It is no table, or a damaged one; as text it can be read all the same.
        if form not in ("csv", "jsonl"):
            return _search_bytes(path, wanted)
    if form not in ("csv", "jsonl"):
        return Found(lines=found.lines, is_whole=bool(found.lines))
    _search_lines(path, wanted.traces, found)
    return found


def _search_records(batch: Batch, wanted: Wanted, found: Found) -> None:
    source = _find_source(wanted.source)
    reading = read(batch, hints=list_hints(source) if source else ReadingHints())
    if reading.layout.encoding:
        found.encoding = describe(reading.layout.encoding)
    for chunk in reading.chunks():
        is_found = wanted.traces.find(_texts(chunk.rows)) | _is_listed(chunk.rows, wanted, source)
        _note(chunk.rows.filter(is_found), found)
        raws = pl.Series(
            [
                raw.decode(encoding, "replace")
                for raw, encoding in chunk.rejects.select("raw", "encoding").iter_rows()
            ],
            dtype=pl.String,
        )
        is_found = wanted.traces.find(raws) | _is_listed(chunk.rejects, wanted, None)
        _note(chunk.rejects.filter(is_found), found)


def _find_source(name: str) -> Source | None:
    try:
        return load_source(name) if name else None
    except WrongCallError:
        return None


def _texts(rows: pl.DataFrame) -> pl.Series:
    cells = [name for name in rows.columns if name not in POSITION]
    return rows.select(
        pl.concat_str(
            [pl.col(name) for name in cells], separator=_SEPARATOR, ignore_nulls=True
        ).alias("text")
    )["text"]


def _is_listed(rows: pl.DataFrame, wanted: Wanted, source: Source | None) -> pl.Series:
    """Whether the database knows the record as the person's, by its line or its id."""
    is_listed = rows["line_no"].is_in(sorted(wanted.lines))
    if source is None or not wanted.record_ids or not len(rows):
        return is_listed
    try:
        keys = key_rows(trim_cells(rows), source).select("source_record_id", "id_text")
    except SourceDriftError:
        return is_listed
    ids = [one or "h1_" + hashlib.md5(text.encode()).hexdigest() for one, text in keys.iter_rows()]
    return is_listed | pl.Series(ids, dtype=pl.String).is_in(sorted(wanted.record_ids))


def _note(rows: pl.DataFrame, found: Found) -> None:
    for line_no, offset, length in rows.select(POSITION).iter_rows():
        found.lines.add(line_no)
        if offset is not None and length is not None:
            found.places.add((offset, length))


def _search_lines(path: Path, traces: Traces, found: Found) -> None:
    """What stands outside of records: titles, headers, and all of a text that is no table."""
    try:
        encoding = detect_encoding(path, path.name)
    except UnreadableFileError:
        encoding = describe("latin-1")
    found.encoding = encoding
    for lines in _batched(path, encoding):
        texts = [raw.decode(encoding.name, "replace") for _, _, raw in lines]
        is_found = traces.find(pl.Series(texts, dtype=pl.String))
        for (line_no, offset, raw), is_one in zip(lines, is_found, strict=True):
            if is_one and not any(
                start <= offset < start + length for start, length in found.places
            ):
                found.places.add((offset, len(raw)))
                found.lines.add(line_no)


def _batched(path: Path, encoding: TextEncoding) -> Iterator[list[tuple[int, int, bytes]]]:
    records = iterate_lines(path, path.name, encoding)
    while lines := list(islice(records, _CHUNK_ROWS)):
        yield [(line.line_no, line.offset, line.raw) for line in lines]


def _search_bytes(path: Path, wanted: Wanted) -> Found:
    """Of a file of no known form, whether its bytes, read as text, speak of the person."""
    found = Found()
    _search_lines(path, wanted.traces, found)
    is_text = b"\x00" not in path.open("rb").read(65_536)
    return found if is_text else Found(is_whole=bool(found.places))


def _search_packed(path: Path, wanted: Wanted, scratch: Path) -> Found:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        try:
            batches = land(path, Path(folder))
        except (LeadfoldError, OSError):
            return Found()
        return Found(
            is_whole=any(
                bool(search_file(batch.path, wanted, scratch))
                for batch in batches
                if not batch.refusal
            )
        )
