"""Files for tests: written by a small writer of its own, read through the front door."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from flows.landing import land
from flows.reading import Layout, ReadingHints, read

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Read:
    """What reading a file gave: rows and rejects with their lines, and issues."""

    layout: Layout
    rows: list[tuple[int, *Row]]
    rejects: list[tuple[int, str]]
    raws: list[bytes]
    issues: list[tuple[int, str | None, str]]
    places: list[tuple[int, int]]

    @property
    def cells(self) -> list[Row]:
        """The rows without their lines."""
        return [row[1:] for row in self.rows]


def read_bytes(
    content: bytes,
    hints: ReadingHints | None = None,
    *,
    is_careful: bool = False,
    chunk_rows: int = 50_000,
    name: str = "file.csv",
) -> Read:
    """Land and read a file of this content."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        (batch,) = land(path, Path(folder) / "landing")
        reading = read(batch, hints=hints, is_careful=is_careful, chunk_rows=chunk_rows)
        found = Read(reading.layout, [], [], [], [], [])
        for chunk in reading.chunks():
            assert chunk.rows.height <= chunk_rows
            lines = chunk.rows["line_no"].to_list()
            cells = chunk.rows.drop("line_no", "byte_offset", "byte_length").rows()
            found.rows.extend((line, *row) for line, row in zip(lines, cells, strict=True))
            found.rejects.extend(chunk.rejects.select("line_no", "code").rows())
            found.raws.extend(chunk.rejects["raw"].to_list())
            found.issues.extend(chunk.issues.select("line_no", "column", "code").rows())
            for frame in (chunk.rows, chunk.rejects):
                found.places.extend(frame.select("byte_offset", "byte_length").rows())
        return found


@dataclass(frozen=True)
class Written:
    """How a test writes a table."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    line_end: str = "\n"
    quotes_all: bool = False

    def row(self, cells: tuple[str, ...]) -> str:
        """One record without its line end."""
        return self.delimiter.join(self.cell(cell) for cell in cells)

    def cell(self, cell: str) -> str:
        """One field."""
        quote, escape = self.quote, self.escape
        if escape:
            cell = cell.replace(escape, escape * 2)
        special = (self.delimiter, "\n", "\r", *([quote] if quote else []))
        if not quote:
            return cell.replace(self.delimiter, escape + self.delimiter) if escape else cell
        if self.quotes_all or any(mark in cell for mark in special):
            return quote + cell.replace(quote, (escape or quote) + quote) + quote
        return cell

    def table(self, rows: list[tuple[str, ...]]) -> str:
        """Records with their line ends."""
        return "".join(self.row(row) + self.line_end for row in rows)
