"""Frames to Postgres and back by COPY. The only encoder: text format in, CSV out."""

import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import LiteralString

import polars as pl
import psycopg
from psycopg import sql

from flows.spreading import take_ahead
from transforms.columns import compute, put
from transforms.shapes import Schema

_READ_BYTES = 16 * 1024 * 1024


def encode(frame: pl.DataFrame) -> bytes:
    r"""Write rows in COPY's text format.

    Text, numbers, booleans, timestamps in UTC, bytes (to ``bytea``) and lists of text (to
    ``text[]``). Null is ``\N``. Text must hold no NUL, which Postgres cannot store.
    """
    text = io.BytesIO()
    pl.DataFrame([_encoded(column) for column in frame.get_columns()]).write_csv(
        text, separator="\t", include_header=False, quote_style="never", null_value="\\N"
    )
    return text.getvalue()


def _encoded(column: pl.Series) -> pl.Series:
    if column.dtype == pl.List(pl.String):
        return _escaped(_as_array(column))
    if column.dtype == pl.String:
        return _escaped(column)
    if column.dtype == pl.Binary:
        return compute(pl.concat_str(pl.lit(r"\\x"), pl.lit(column).bin.encode("hex"))).alias(
            column.name
        )
    if column.dtype == pl.Datetime:
        return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f+00")
    return column


def _as_array(lists: pl.Series) -> pl.Series:
    """Lists of text as Postgres writes arrays; quotes and backslashes are rare in phones."""
    item = pl.element()
    if lists.explode().str.contains(r'["\\]').any():
        item = item.str.replace_all(r'(["\\])', r"\$1")
        lists = compute(pl.lit(lists).list.eval(item))
    joined = pl.concat_str(pl.lit('{"'), pl.lit(lists).list.join('","'), pl.lit('"}'))
    is_empty = pl.lit(lists).list.len() == 0
    return compute(pl.when(is_empty).then(pl.lit("{}")).otherwise(joined)).alias(lists.name)


def _escaped(text: pl.Series) -> pl.Series:
    """Escape what means something to COPY; most text holds none of it."""
    is_odd = text.str.contains(r"[\\\n\r\t]").fill_null(value=False)
    if not is_odd.any():
        return text
    escaped = (
        text.filter(is_odd)
        .str.replace_all("\\", "\\\\", literal=True)
        .str.replace_all("\n", "\\n", literal=True)
        .str.replace_all("\r", "\\r", literal=True)
        .str.replace_all("\t", "\\t", literal=True)
    )
    return put(text, is_odd, escaped)


def copy_in(connection: psycopg.Connection, table: str, frames: Iterable[pl.DataFrame]) -> int:
    """COPY frames into the columns of a table that they name, and return the rows written.

    The columns of the first frame are those of all. While Postgres takes one in, the next is made.
    """
    made = ((frame, encode(frame)) for frame in frames if len(frame))
    rows = 0
    with ExitStack() as stack:
        copy: psycopg.Copy | None = None
        for frame, text in take_ahead(made):
            if copy is None:
                statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                    sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
                )
                copy = stack.enter_context(connection.cursor().copy(statement))
            copy.write(text)
            rows += len(frame)
    return rows


def copy_out(
    connection: psycopg.Connection, query: LiteralString | sql.Composed, schema: Schema
) -> Iterator[pl.DataFrame]:
    """The rows of a query in frames of some megabytes.

    Args:
        connection: Where to ask.
        query: A SELECT without parameters; temp tables carry what it depends on.
        schema: Column -> dtype of the answer, in order. Lists of text come as JSON text.
    """
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(
        sql.SQL(query) if isinstance(query, str) else query
    )
    buffer = io.BytesIO()
    with connection.cursor().copy(statement) as copy:
        for piece in copy:  # whole rows each
            buffer.write(piece)
            if buffer.tell() >= _READ_BYTES:
                yield _decode(buffer.getvalue(), schema)
                buffer = io.BytesIO()
    if buffer.tell():
        yield _decode(buffer.getvalue(), schema)


def _decode(rows: bytes, schema: Schema) -> pl.DataFrame:
    """Read COPY's CSV: an unquoted empty cell is null, a quoted one is the empty text."""
    texts = {name: pl.Int64 if dtype == pl.Int64 else pl.String for name, dtype in schema.items()}
    frame = pl.read_csv(io.BytesIO(rows), schema=texts, has_header=False)
    return frame.select(_decoded(name, dtype) for name, dtype in schema.items())


def _decoded(name: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    value = pl.col(name)
    if dtype == pl.List(pl.String):
        return value.str.json_decode(pl.List(pl.String))
    if dtype == pl.Boolean:
        return value == "t"
    if dtype == pl.Datetime:
        return value.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="us", time_zone="UTC")
    return value
