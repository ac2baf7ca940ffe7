"""A CSV file from its first byte to its last: blocks, each by the fast or the careful path."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import polars as pl

from contracts.errors import refusal
from flows.reading.chunks import CellIssue, Chunk, Collector, Reject, row_schema
from flows.reading.csv_blocks import Clean, parse_clean, whole_lines
from flows.reading.csv_fields import MAX_RECORD_BYTES
from flows.reading.csv_records import Record, Table, iterate_records
from flows.reading.encodings import TextEncoding
from flows.reading.footers import is_footer, is_repeated_header, is_rule, is_total
from flows.reading.text_issues import Positions, mend_rows
from flows.reading.text_lines import Lines

BLOCK_BYTES = 8_388_608
_STEP_BYTES = 65_536
_LONGEST_STEPS = 8
# What the careful path may look at beyond a record's start: the record itself, and one more.
_LOOKAHEAD_BYTES = 3 * MAX_RECORD_BYTES
_MAX_FOOTER_LINES = 100
_WORKERS = 3
_WRONG_WIDTH = ("too_few_fields", "too_many_fields")


class _Ahead(NamedTuple):
    """A block that is looked at before its turn; whether it begins at a record is a guess."""

    offset: int
    data: bytes
    clean: Future[Clean | None] | None


@dataclass
class CsvReader:
    """Reads the records of a landed CSV file.

    Attributes:
        name: What people call the file.
        path: The landed file.
        encoding: How it is encoded.
        table: How its records are written.
        first_byte: Where the line after the header starts.
        first_line: The number of that line, from 1.
        chunk_rows: The most rows of a chunk.
        is_careful: Whether to take the careful path throughout; tests compare the two.
        block_bytes: How much is read at once.
    """

    name: str
    path: Path
    encoding: TextEncoding
    table: Table
    first_byte: int
    first_line: int
    chunk_rows: int
    is_careful: bool = False
    block_bytes: int = BLOCK_BYTES
    _tail: list[tuple[Reject, bool]] = field(default_factory=list)

    def chunks(self) -> Iterator[Chunk]:
        """The records of the file, in its order."""
        self._offset, self._line_no = self.first_byte, self.first_line
        self._end = self.path.stat().st_size
        self._collected = Collector(self.table.names, self.chunk_rows)
        self._tail = []
        with self.path.open("rb", buffering=0) as file, ThreadPoolExecutor(_WORKERS) as pool:
            ahead: deque[_Ahead] = deque()
            while self._offset < self._end:
                self._look_ahead(file, pool, ahead)
                block = ahead.popleft()
                clean = block.clean.result() if block.clean else None
                if clean is not None:
                    self._take_clean(block.data, clean)
                else:
                    self._read_in_steps(file, len(block.data))
                if ahead and ahead[0].offset != self._offset:
                    ahead.clear()
                yield from self._collected.full_chunks()
        self._settle_tail(is_end=True)
        yield from self._collected.last_chunk()

    def _look_ahead(self, file: BinaryIO, pool: ThreadPoolExecutor, ahead: deque[_Ahead]) -> None:
        """Start on the next blocks, on the guess that each ends where a record does."""
        while len(ahead) <= _WORKERS:
            offset = ahead[-1].offset + len(ahead[-1].data) if ahead else self._offset
            if offset >= self._end:
                return
            file.seek(offset)
            data = file.read(self.block_bytes)
            is_last = offset + len(data) >= self._end
            data = data if is_last else whole_lines(data, self.encoding)
            clean = None
            if not self.is_careful:
                clean = pool.submit(parse_clean, data, self.encoding, self.table, is_last=is_last)
            ahead.append(_Ahead(offset, data, clean))

    def _read_in_steps(self, file: BinaryIO, n_bytes: int) -> None:
        """Read a block with something odd in it; only the steps concerned are slow.

        What is odd mostly stands together, and a step has its price however short it is. So steps
        are halved where they are odd, and doubled where they are not; and where one odd step
        follows another, the next is not cut as short.
        """
        file.seek(self._offset)
        data = file.read(n_bytes + _LOOKAHEAD_BYTES)
        is_last = self._offset + len(data) >= self._end
        at, size, least = 0, _STEP_BYTES if self.is_careful else n_bytes // 2, _STEP_BYTES
        while at < n_bytes:
            step = data[at : min(at + max(size, least), n_bytes)]
            at_end = is_last and at + len(step) == len(data)
            clean = None
            if not self.is_careful:
                clean = parse_clean(step, self.encoding, self.table, is_last=at_end)
            if clean is not None:
                self._take_clean(step, clean)
                at += clean.n_bytes
                size, least = 2 * len(step), _STEP_BYTES
            elif len(step) > least:
                size = len(step) // 2
            else:
                at += self._read_carefully(data, at, len(step), is_last)
                least = min(2 * least, _LONGEST_STEPS * _STEP_BYTES)

    def _take_clean(self, block: bytes, clean: Clean) -> None:
        self._settle_tail(is_end=False)
        places = [
            pl.Series("line_no", clean.line_steps + self._line_no, dtype=pl.Int64),
            pl.Series("byte_offset", clean.starts + self._offset, dtype=pl.Int64),
            pl.Series("byte_length", clean.ends - clean.starts, dtype=pl.Int64),
        ]
        rows = pl.DataFrame(places + clean.rows.get_columns())
        for at in clean.spanning.tolist():
            raw = block[clean.starts[at] : clean.ends[at]]
            self._flag_swallowed(raw, int(clean.line_steps[at]) + self._line_no)
        self._add_rows(rows, clean.suspects)
        self._offset += clean.n_bytes
        self._line_no += clean.n_lines

    def _read_carefully(self, data: bytes, at: int, size: int, is_last: bool) -> int:
        """Read one step record by record; how many bytes that were."""
        # The step's records, with enough behind them to see where damage ends.
        end = min(len(data), at + size + _LOOKAHEAD_BYTES)
        block, at_end = data[at:end], is_last and end == len(data)
        lines = Lines(
            block,
            self.encoding,
            is_any_break=self.table.dialect.is_any_break,
            is_last=at_end,
        )
        if not len(lines):
            raise refusal(
                self.name,
                f"line {self._line_no} is longer than {_LOOKAHEAD_BYTES:,} bytes.",
                "This is hardly a table. Check what the sender meant to export.",
            )
        rows: list[tuple[object, ...]] = []
        past = 0
        for record in iterate_records(lines, self.table, stop=size, is_last=at_end):
            past = record.first + record.n_lines
            self._sort_record(lines, record, rows)
        while past < len(lines) and lines.starts[past] < size:
            past += 1
        frame = pl.DataFrame(rows, schema=row_schema(self.table.names), orient="row")
        self._add_rows(frame, np.arange(len(frame)))
        self._line_no += past
        advance = lines.nexts[past - 1]
        self._offset += advance
        return advance

    def _sort_record(self, lines: Lines, record: Record, rows: list[tuple[object, ...]]) -> None:
        """A record is a row, a reject, or a footer if nothing better follows."""
        line_no, fields = self._line_no + record.first, record.fields
        start = lines.starts[record.first]
        code = self._code_of(lines, record)
        if code is None:
            if self._tail:
                self._settle_tail(is_end=False)
            size = lines.ends[record.first + record.n_lines - 1] - start
            rows.append((line_no, self._offset + start, size, *fields))
            if record.n_lines > 1:
                self._flag_swallowed(lines.raw(record.first, record.n_lines), line_no)
            return
        raw = lines.raw(record.first, record.n_lines)
        detail = ""
        may_be_footer = False
        if code in _WRONG_WIDTH:
            detail = f"It has {len(fields)}, the header has {len(self.table.names)}."
            may_be_footer = record.n_lines == 1 and is_footer(lines.text(record.first), fields)
        reject = Reject(
            line_no, self._offset + start, len(raw), code, detail, raw, self.encoding.name
        )
        self._tail.append((reject, may_be_footer))
        if len(self._tail) > _MAX_FOOTER_LINES:
            self._settle_tail(is_end=False)

    def _code_of(self, lines: Lines, record: Record) -> str | None:
        """Why a record is no row, or None; a total or a header is no record of any width."""
        code, fields = record.code, record.fields
        header = self.table.header
        if code is None:
            # Nearly every record ends here.
            first = fields[0].strip().strip("\ufeff ")
            if first and "otal" not in first and "OTAL" not in first and first != header[0]:
                return None
        elif code not in _WRONG_WIDTH:
            return code
        if is_total(fields) or is_repeated_header(fields, header):
            return "not_a_record"
        if code is not None and is_rule(lines.text(record.first)):
            return "not_a_record"
        return code

    def _settle_tail(self, *, is_end: bool) -> None:
        """Footers are footers only when no record follows them."""
        for reject, may_be_footer in self._tail:
            if is_end and may_be_footer:
                self._collected.add_reject(reject._replace(code="not_a_record", detail=""))
            else:
                self._collected.add_reject(reject)
        self._tail.clear()

    def _add_rows(self, rows: pl.DataFrame, suspects: Positions) -> None:
        if len(suspects):
            rows, found = mend_rows(rows, self.table.names, suspects)
            for line_no, column, code, text in found:
                raw = text.encode(self.encoding.name, errors="replace")
                self._collected.add_issue(CellIssue(line_no, column, code, raw, self.encoding.name))
        self._collected.add_rows(rows)

    def _flag_swallowed(self, raw: bytes, line_no: int) -> None:
        """A quoted cell may hold lines that were meant as records of their own.

        Legal as it is, each of its lines having as many delimiters as a record has is more
        than chance; a person should look.
        """
        n_delimiters = len(self.table.names) - 1
        if n_delimiters < 2:
            return
        text = raw.decode(self.encoding.name, errors="replace")
        lines = [line for line in text.split("\n") if line.strip()]
        if all(line.count(self.table.dialect.delimiter) == n_delimiters for line in lines):
            self._collected.add_issue(
                CellIssue(line_no, None, "swallowed_lines", raw, self.encoding.name)
            )
