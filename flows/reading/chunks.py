"""What reading hands on, in pieces: rows, rejects and issues."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from contracts.issues import ISSUES

REJECT_SCHEMA = pl.Schema(
    {
        "line_no": pl.Int64(),
        "byte_offset": pl.Int64(),
        "byte_length": pl.Int64(),
        "code": pl.String(),
        "message": pl.String(),
        "raw": pl.Binary(),
        "encoding": pl.String(),
    }
)
ISSUE_SCHEMA = pl.Schema(
    {
        "line_no": pl.Int64(),
        "column": pl.String(),
        "code": pl.String(),
        "raw": pl.Binary(),
        "encoding": pl.String(),
    }
)


@dataclass(frozen=True)
class Chunk:
    """Some records of a file; each record of the file is in rows or in rejects of one chunk.

    Attributes:
        rows: ``line_no``, ``byte_offset``, ``byte_length``, then a text column per header name.
        rejects: `REJECT_SCHEMA`; ``raw`` is the record as it stands in the landed file.
        issues: `ISSUE_SCHEMA`; cells of `rows` that are not as they should be. ``column`` is
            null where the whole record is meant.
    """

    rows: pl.DataFrame
    rejects: pl.DataFrame
    issues: pl.DataFrame


class Reject(NamedTuple):
    """A record that is not loaded. Offsets and lengths are in bytes of the landed file."""

    line_no: int
    byte_offset: int | None
    byte_length: int | None
    code: str
    detail: str
    raw: bytes
    encoding: str


class CellIssue(NamedTuple):
    """A cell that is not as it should be."""

    line_no: int
    column: str | None
    code: str
    raw: bytes
    encoding: str


def row_schema(names: tuple[str, ...]) -> pl.Schema:
    """The columns of `Chunk.rows`."""
    places = {name: pl.Int64() for name in ("line_no", "byte_offset", "byte_length")}
    return pl.Schema({**places, **{name: pl.String() for name in names}})


@dataclass
class Collector:
    """Gathers what is read until a chunk is full.

    Attributes:
        names: The table's columns.
        chunk_rows: The most rows that a chunk has, and about as many rejects.
    """

    names: tuple[str, ...]
    chunk_rows: int
    _frames: list[pl.DataFrame] = field(default_factory=list)
    _n_rows: int = 0
    _rejects: list[Reject] = field(default_factory=list)
    _issues: list[CellIssue] = field(default_factory=list)

    def add_rows(self, rows: pl.DataFrame) -> None:
        """Add rows in the order of the file."""
        if rows.height:
            self._frames.append(rows)
            self._n_rows += rows.height

    def add_reject(self, reject: Reject) -> None:
        """Add a record that is not loaded."""
        self._rejects.append(reject)

    def add_issue(self, issue: CellIssue) -> None:
        """Add an issue of a row that is or will be added."""
        self._issues.append(issue)

    def full_chunks(self) -> Iterator[Chunk]:
        """The chunks that are full by now."""
        while self._n_rows >= self.chunk_rows:
            yield self._take(self.chunk_rows)
        if len(self._rejects) >= self.chunk_rows:
            yield self._take(self._n_rows)

    def last_chunk(self) -> Iterator[Chunk]:
        """What is left; nothing if there is nothing."""
        yield from self.full_chunks()
        if self._n_rows or self._rejects or self._issues:
            yield self._take(self._n_rows)

    def _take(self, n_rows: int) -> Chunk:
        schema = row_schema(self.names)
        frames = (
            pl.concat(self._frames, rechunk=False) if self._frames else pl.DataFrame(schema=schema)
        )
        rows, rest = frames.head(n_rows), frames.slice(n_rows)
        self._frames = [rest] if rest.height else []
        self._n_rows = rest.height
        last_line = rows["line_no"][-1] if rows.height and rest.height else None
        issues = [i for i in self._issues if last_line is None or i.line_no <= last_line]
        rejects = [r for r in self._rejects if last_line is None or r.line_no <= last_line]
        # They come in the order of the columns, not of the lines.
        self._issues = [i for i in self._issues if last_line and i.line_no > last_line]
        self._rejects = [r for r in self._rejects if last_line and r.line_no > last_line]
        return Chunk(rows, _reject_frame(rejects), _issue_frame(issues))


def _reject_frame(rejects: list[Reject]) -> pl.DataFrame:
    rows = [
        (r.line_no, r.byte_offset, r.byte_length, r.code, _message(r), r.raw, r.encoding)
        for r in sorted(rejects, key=lambda r: r.line_no)
    ]
    return pl.DataFrame(rows, schema=REJECT_SCHEMA, orient="row")


def _issue_frame(issues: list[CellIssue]) -> pl.DataFrame:
    ordered = sorted(issues, key=lambda issue: (issue.line_no, issue.column or ""))
    return pl.DataFrame(ordered, schema=ISSUE_SCHEMA, orient="row")


def _message(reject: Reject) -> str:
    sentence = ISSUES[reject.code].sentence
    return f"{sentence} {reject.detail}" if reject.detail else sentence
