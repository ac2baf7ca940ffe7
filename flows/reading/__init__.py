"""Reading: a landed file becomes chunks of text rows, rejects and issues.

Every record of the file is in exactly one chunk, as a row or as a reject. Cells are text as it
stands in the file. An empty cell of CSV or .xlsx is "", for the file does say something there;
null means that nothing was said: a key that a JSON record lacks, JSON's or Parquet's null, or
text that cannot be stored (an issue tells).

Blank lines, records without any filled field, and what stands before the header are no records.
"""

from collections.abc import Iterator

from flows.landing import Batch
from flows.reading.chunks import Chunk
from flows.reading.csv_opening import open_csv
from flows.reading.csv_reading import CsvReader
from flows.reading.dialects import CsvHints
from flows.reading.json_reading import read_json
from flows.reading.layouts import Layout, Reading, ReadingHints
from flows.reading.parquet_reading import read_parquet
from flows.reading.workbooks import read_workbook

__all__ = ["Batch", "Chunk", "Layout", "Reading", "ReadingHints", "read"]


def read(
    batch: Batch,
    *,
    hints: ReadingHints | None = None,
    chunk_rows: int = 50_000,
    is_careful: bool = False,
) -> Reading:
    """Find out how a landed file is written, and make it readable.

    Args:
        batch: A landed file.
        hints: What its contract says about it.
        chunk_rows: The most rows of one chunk.
        is_careful: Never take the fast path. The result is the same; tests compare the two.

    Returns:
        The layout, and the chunks, which are read when they are asked for.

    Raises:
        UnreadableFileError: The file as a whole cannot be read. It may also be raised while
            chunks are read, where only then the fault shows.
    """
    hints = hints or ReadingHints()
    if batch.form == "xlsx":
        return read_workbook(batch, hints, chunk_rows)
    if batch.form in ("json", "jsonl"):
        return read_json(batch, hints, chunk_rows)
    if batch.form == "parquet":
        return read_parquet(batch, chunk_rows)
    return _read_csv(batch, hints, chunk_rows, is_careful)


def _read_csv(batch: Batch, hints: ReadingHints, chunk_rows: int, is_careful: bool) -> Reading:
    start = open_csv(
        batch.path,
        batch.file_name,
        hints=CsvHints(
            delimiter=hints.delimiter,
            quote=hints.quote,
            escape=hints.escape,
            header_line=hints.header_line,
            has_header=hints.has_header,
            known_names=hints.known_names,
        ),
        encoding_hint=hints.encoding,
        columns=hints.columns,
    )
    dialect = start.table.dialect
    layout = Layout(
        form="csv",
        columns=start.table.names,
        header=start.table.header,
        header_line=start.header_line,
        preamble=start.preamble,
        encoding=start.encoding.name,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        is_any_break=dialect.is_any_break,
    )

    def chunks() -> Iterator[Chunk]:
        reader = CsvReader(
            batch.file_name,
            batch.path,
            start.encoding,
            start.table,
            start.first_byte,
            start.first_line,
            chunk_rows,
            is_careful,
        )
        return reader.chunks()

    return Reading(layout, chunks)
