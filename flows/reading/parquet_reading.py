"""Parquet: typed columns become text, as a CSV export of the same table would show them."""

from collections.abc import Iterator

import polars as pl
import polars.selectors as cs

from contracts.errors import refusal
from flows.landing import Batch
from flows.reading.chunks import CellIssue, Chunk, Collector, Reject, row_schema
from flows.reading.csv_records import CONTROLS
from flows.reading.headers import name_columns
from flows.reading.json_records import Flat, Pairs, flatten
from flows.reading.layouts import Layout, Reading
from flows.reading.text_issues import find_text_issues


def read_parquet(batch: Batch, chunk_rows: int) -> Reading:
    """Make a Parquet file readable; ``line_no`` is the record's number, from 1.

    Whole numbers have no ``.0``, times are ISO 8601, binary values are hexadecimal. Structs and
    lists go by dotted path, as in JSON.

    Raises:
        UnreadableFileError: The file is damaged.
    """
    try:
        schema = pl.read_parquet_schema(batch.path)
        n_rows = int(pl.scan_parquet(batch.path).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise refusal(
            batch.file_name, f"the Parquet file is damaged ({error}).", "Send it again."
        ) from error
    nested = [name for name, dtype in schema.items() if dtype.is_nested()]
    written = list(schema)
    if nested:
        written = _flat_names(batch, list(schema), nested, n_rows, chunk_rows)
    names = name_columns(tuple(written))
    layout = Layout(form="parquet", columns=names, header=tuple(written))

    def chunks() -> Iterator[Chunk]:
        collected = Collector(names, chunk_rows)
        for first in range(0, n_rows, chunk_rows):
            frame = _slice(batch, first, chunk_rows)
            flat = _flatten(frame, nested, written) if nested else _as_text(frame)
            flat.columns = list(names)
            _add(collected, flat, first, names)
            yield from collected.full_chunks()
        yield from collected.last_chunk()

    return Reading(layout, chunks)


def _slice(batch: Batch, first: int, n_rows: int) -> pl.DataFrame:
    return pl.scan_parquet(batch.path).slice(first, n_rows).collect()


def _add(collected: Collector, cells: pl.DataFrame, first: int, names: tuple[str, ...]) -> None:
    numbers = pl.int_range(first + 1, first + 1 + cells.height, dtype=pl.Int64, eager=True)
    nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, cells.height)
    rows = pl.DataFrame(
        [
            numbers.alias("line_no"),
            nothing.alias("byte_offset"),
            nothing.alias("byte_length"),
            *cells.get_columns(),
        ],
        schema=row_schema(names),
    )
    is_odd = pl.any_horizontal(cs.by_name(*names).str.contains(CONTROLS.pattern).fill_null(False))
    odd = rows.filter(is_odd)
    for line_no, row in zip(odd["line_no"], odd.select(cs.by_name(*names)).rows(), strict=True):
        raw = "\t".join(cell or "" for cell in row).encode()
        code = "nul_byte" if b"\x00" in raw else "control_characters"
        collected.add_reject(Reject(line_no, None, None, code, "", raw, "utf-8"))
    rows, issues = find_text_issues(rows.filter(~is_odd), names)
    for line_no, column, code, text in issues:
        collected.add_issue(CellIssue(line_no, column, code, text.encode(), "utf-8"))
    collected.add_rows(rows)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(_column_text(frame[name]) for name in frame.columns)


def _column_text(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype == pl.String:
        return column
    if dtype == pl.Binary:
        return column.bin.encode("hex")
    if dtype == pl.Datetime:
        return column.dt.to_string("iso:strict").str.replace(r"\.0+$", "")
    if dtype in (pl.Date, pl.Time, pl.Duration):
        return column.dt.to_string("iso:strict")
    if dtype.is_float():
        return column.cast(pl.String).str.replace(r"\.0$", "")
    return column.cast(pl.String)


def _flat_names(
    batch: Batch, columns: list[str], nested: list[str], n_rows: int, chunk_rows: int
) -> list[str]:
    found: dict[str, dict[str, None]] = {name: {} for name in nested}
    for first in range(0, n_rows, chunk_rows):
        frame = _slice(batch, first, chunk_rows).select(nested)
        for name in nested:
            for value in frame[name].to_list():
                found[name].update(dict.fromkeys(_paths(name, value)))
    return [path for name in columns for path in found.get(name, {name: None})]


def _flatten(frame: pl.DataFrame, nested: list[str], written: list[str]) -> pl.DataFrame:
    columns = {name: _column_text(frame[name]) for name in frame.columns if name not in nested}
    for name in nested:
        flats = [_paths(name, value) for value in frame[name].to_list()]
        for path in dict.fromkeys(path for flat in flats for path in flat):
            texts = [flat.get(path) for flat in flats]
            columns[path] = pl.Series(path, texts, dtype=pl.String)
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    return pl.DataFrame({path: columns.get(path, nothing) for path in written})


def _paths(name: str, value: object) -> Flat:
    return flatten(Pairs([(name, _as_json(value))]))


def _as_json(value: object) -> object:
    if isinstance(value, dict):
        return Pairs([(str(key), _as_json(inner)) for key, inner in value.items()])
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, float):
        return str(value).removesuffix(".0")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
