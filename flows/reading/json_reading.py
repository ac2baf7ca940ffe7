"""JSON Lines and JSON documents, read in two passes: the columns first, then the records.

Records need not have the same keys, and a chunk's columns must not depend on where it is cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from contracts.errors import refusal
from flows.landing import Batch
from flows.reading.chunks import CellIssue, Chunk, Collector, Reject, row_schema
from flows.reading.csv_records import CONTROLS
from flows.reading.encodings import TextEncoding, detect_encoding
from flows.reading.headers import name_columns
from flows.reading.json_records import (
    BrokenJsonError,
    Flat,
    Pairs,
    find_records,
    flatten,
    parse_json,
)
from flows.reading.json_records import to_text as json_text
from flows.reading.json_texts import MAX_RECORD_BYTES, RawRecord, iterate_elements, iterate_lines
from flows.reading.layouts import Layout, Reading, ReadingHints
from flows.reading.text_issues import find_text_issues

_FRAME_ROWS = 10_000


class _Judged(NamedTuple):
    line_no: int
    offset: int | None
    raw: bytes
    flat: Flat
    code: str | None
    detail: str


@dataclass(frozen=True)
class _Source:
    """The records of one file, as often as wanted."""

    batch: Batch
    encoding: TextEncoding
    records_path: str | None
    document: list[object] | None

    def records(self) -> Iterator[_Judged]:
        if self.document is not None:
            for number, value in enumerate(self.document, start=1):
                raw = (json_text(value) or "null").encode("utf-8", errors="replace")
                yield _judge_value(RawRecord(number, 0, raw), value)._replace(offset=None)
            return
        path, name = self.batch.path, self.batch.file_name
        raws = (
            iterate_lines(path, name, self.encoding)
            if self.batch.form == "jsonl"
            else iterate_elements(path, name, self.encoding.bom_bytes)
        )
        for record in raws:
            yield _judge(record, self.encoding.name)


def read_json(batch: Batch, hints: ReadingHints, chunk_rows: int) -> Reading:
    """Make a JSON file readable; ``line_no`` is the line, or the record's number in an array.

    Raises:
        UnreadableFileError: A document that is not an array is broken, over 64 MiB, or has no
            records at the contract's path.
    """
    encoding = detect_encoding(batch.path, batch.file_name, hints.encoding)
    source = _open(batch, hints, encoding)
    keys: dict[str, None] = {}
    for record in source.records():
        if record.code is None:
            keys.update(dict.fromkeys(record.flat))
    written = tuple(keys)
    names = name_columns(written)
    layout = Layout(
        form=batch.form,
        columns=names,
        header=written,
        encoding=encoding.name,
        records_path=source.records_path,
    )
    return Reading(layout, lambda: _chunks(source, written, names, chunk_rows))


def _open(batch: Batch, hints: ReadingHints, encoding: TextEncoding) -> _Source:
    if batch.form == "jsonl" and hints.records_path is None:
        return _Source(batch, encoding, None, None)
    with batch.path.open("rb") as file:
        file.seek(encoding.bom_bytes)
        head = file.read(65_536)
    is_array = encoding.kind == "utf8" and head.lstrip().startswith(b"[")
    if is_array and not hints.records_path:
        return _Source(batch, encoding, "", None)
    if batch.size_bytes > MAX_RECORD_BYTES:
        raise refusal(
            batch.file_name,
            "a JSON document of over 64 MiB that is not an array.",
            "Ask the sender for JSON Lines: one record per line.",
        )
    try:
        text = batch.path.read_bytes()[encoding.bom_bytes :].decode(encoding.name)
        found = find_records(parse_json(text), hints.records_path)
    except (BrokenJsonError, UnicodeDecodeError) as error:
        raise refusal(
            batch.file_name, f"the JSON document is broken: {error}", "Send it again."
        ) from error
    if found is None:
        raise refusal(
            batch.file_name,
            f"there are no records at '{hints.records_path or ''}'.",
            "Set records_path in the contract to the path of the list of records.",
        )
    return _Source(batch, encoding, found[0], found[1])


def _judge(record: RawRecord, codec: str) -> _Judged:
    try:
        value = parse_json(record.raw.decode(codec))
    except UnicodeDecodeError:
        return _Judged(*_place(record), {}, "undecodable_bytes", "")
    except BrokenJsonError as error:
        code = "nul_byte" if b"\x00" in record.raw and codec == "utf-8" else "broken_json"
        return _Judged(*_place(record), {}, code, str(error))
    return _judge_value(record, value)


def _judge_value(record: RawRecord, value: object) -> _Judged:
    if not isinstance(value, Pairs):
        return _Judged(*_place(record), {}, "not_an_object", "")
    flat = flatten(value)
    texts = [text for text in (*flat, *flat.values()) if text]
    controls = "".join("".join(CONTROLS.findall(text)) for text in texts)
    code = None
    if "\x00" in controls:
        code = "nul_byte"
    elif controls:
        code = "control_characters"
    elif not all(_is_text(text) for text in texts):
        code = "undecodable_bytes"
    return _Judged(*_place(record), flat, code, "")


def _place(record: RawRecord) -> tuple[int, int, bytes]:
    return record.line_no, record.offset, record.raw


def _is_text(text: str) -> bool:
    r"""Half a surrogate pair (``\ud83d`` alone) is valid JSON and no text."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _chunks(
    source: _Source, keys: tuple[str, ...], names: tuple[str, ...], chunk_rows: int
) -> Iterator[Chunk]:
    collected = Collector(names, chunk_rows)
    codec = source.encoding.name
    rows: list[tuple[object, ...]] = []

    def flush() -> None:
        frame = pl.DataFrame(rows, schema=row_schema(names), orient="row")
        frame, issues = find_text_issues(frame, names)
        for line_no, column, code, text in issues:
            collected.add_issue(CellIssue(line_no, column, code, text.encode(), "utf-8"))
        collected.add_rows(frame)
        rows.clear()

    for record in source.records():
        size = None if record.offset is None else len(record.raw)
        if record.code is None:
            cells = (record.flat.get(key) for key in keys)
            rows.append((record.line_no, record.offset, size, *cells))
        else:
            collected.add_reject(
                Reject(
                    record.line_no,
                    record.offset,
                    size,
                    record.code,
                    record.detail,
                    record.raw,
                    codec,
                )
            )
        if len(rows) >= _FRAME_ROWS:
            flush()
            yield from collected.full_chunks()
    flush()
    yield from collected.last_chunk()
