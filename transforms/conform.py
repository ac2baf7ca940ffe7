"""Landed text -> named fields, and what rows are known again by."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from contracts.people import FIELDS, LIST_KINDS
from contracts.registry import load_tables
from contracts.source import Source
from contracts.table_sources import WHOLE_ROW
from transforms.column_map import ColumnMap, find_headers, map_columns
from transforms.columns import is_beyond_ascii, nulls, put, spread
from transforms.record_ids import mend_id

POSITION = ("line_no", "byte_offset", "byte_length")
"""Where a record stands in the landed file; every frame of rows carries these first."""

CLOCKS = ("updated_at", "last_activity_at")
"""The fields that are times; how a file writes them is told by all of its rows."""

# Between a header and its cell, and between cells; reading rejects rows that hold such letters.
_IS = "\x1f"
_NEXT = "\x1e"


class Named(NamedTuple):
    """The cells of which the texts of rows are put together (``transforms.dedupe.hash_rows``).

    Attributes:
        marks: What stands before each cell: the name of its column.
        cells: A column per mark, ``cell_0`` and on; null where nothing is said.
    """

    marks: list[str]
    cells: pl.DataFrame


def trim_cells(landed: pl.DataFrame) -> pl.DataFrame:
    """The cells of a file without outer blanks, null where nothing is left; what all begin with.

    Args:
        landed: The file as it came: ``line_no``, ``byte_offset``, ``byte_length``, then one
            text column per header.
    """
    trimmed = landed.with_columns(_column(name).str.strip_chars() for name in _headers(landed))
    return trimmed.with_columns(
        pl.when(_column(name).str.len_bytes() > 0).then(_column(name)).alias(name)
        for name in _headers(landed)
    )


def key_rows(cells: pl.DataFrame, source: Source) -> pl.DataFrame:
    """What a row is known again by; cheap beside reading all of it.

    Args:
        cells: Rows of ``trim_cells``.
        source: The contract of the source that sent them.

    Returns:
        The position, then ``source_record_id`` (null where the file has none), ``is_test`` (a test
        lead of the provider's), ``id_text`` (where there is no record id: all cells, or those of
        ``record_id_from``, from which one comes; it depends on no rule that may change, nor on the
        order of the columns), ``updated_at``, ``last_activity_at`` and the times of keyed tables
        (``table.column``) as they stand, and ``raw_text`` (of a record that has no place in the
        file, such as a workbook's row: its cells, for a reject). Row order is kept.

    Raises:
        SourceDriftError: A required column is absent.
    """
    headers = _headers(cells)
    columns = map_columns(headers, source)
    named = find_headers(source.record_id_from, headers) or headers
    return cells.select(
        *POSITION,
        _record_id(columns, source).alias("source_record_id"),
        _is_test(headers, source).alias("is_test"),
        _where(_record_id(columns, source).is_null(), headers, _canonical(named)).alias("id_text"),
        *_fields(columns, source, CLOCKS),
        *(
            _cell(header, source.prefixes).alias(f"{table}.{name}")
            for table, filled in columns.tables.items()
            for name, header in filled.items()
            if load_tables()[table].columns[name].kind == "time"
        ),
        _where(pl.col("byte_offset").is_null(), headers, _shown(headers)).alias("raw_text"),
    )


def name_cells(cells: pl.DataFrame, source: Source) -> Named:
    """All cells but the ignored ones, from which fingerprints come.

    What they say depends on no rule that may change, nor on the order of the columns.

    Args:
        cells: Rows of ``trim_cells``.
        source: The contract of the source that sent them.

    Raises:
        SourceDriftError: A required column is absent.
    """
    headers = _headers(cells)
    ignored = map_columns(headers, source).ignored
    kept = sorted(header for header in headers if header not in ignored)
    marks = pl.Series([header.strip() + _IS for header in kept], dtype=pl.String)
    return Named(
        # By the same tables as the cells: those of Python are of another version of Unicode.
        _compose_odd(marks).to_list(),
        # Named before they are composed: Polars takes a series' name (``^.*$``) for a pattern.
        cells.select(_compose(_column(name).alias(f"cell_{at}")) for at, name in enumerate(kept)),
    )


def conform(cells: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Give a source's columns our field names.

    Args:
        cells: Rows of ``trim_cells``.
        source: The contract of the source that sent them.

    Returns:
        The position, then the fields of the contract but the record id (text, trimmed, null where
        empty; ``phones``, ``emails`` and ``tags`` lists of texts), ``area_code`` (for phones that
        are written without one), ``consents`` (texts for ``transforms.consents``), ``deleted``
        (for ``transforms.tombstones``) and ``extra`` (what the contract does not name, as a JSON
        object of header and text, sorted by header; null where there is nothing) and ``said`` (for
        ``transforms.keyed_cells``: keyed table -> its column -> text, as JSON; null where the
        contract names no table). Row order is kept.

    Raises:
        SourceDriftError: A required column is absent.
    """
    headers = _headers(cells)
    columns = map_columns(headers, source)
    return cells.select(
        *POSITION,
        *_fields(columns, source, [name for name in FIELDS if name != "source_record_id"]),
        _area_code(headers, source).alias("area_code"),
        _consents(headers, source).alias("consents"),
        _deleted(headers, source).alias("deleted"),
        _extra(columns.extra).alias("extra"),
        _said(columns, source, headers).alias("said"),
    )


def _headers(rows: pl.DataFrame) -> list[str]:
    return [name for name in rows.columns if name not in POSITION]


_TEXTS = pl.List(pl.String)


def _fields(columns: ColumnMap, source: Source, names: Sequence[str]) -> list[pl.Expr]:
    fields = []
    for name in names:
        cells = [_cell(header, source.prefixes) for header in columns.fields.get(name, ())]
        if FIELDS[name].kind in LIST_KINDS:
            fields.append(_listed(cells).alias(name))
        else:
            fields.append((cells[0] if cells else pl.lit(None, pl.String)).alias(name))
    return fields


def _record_id(columns: ColumnMap, source: Source) -> pl.Expr:
    headers = columns.fields.get("source_record_id")
    return (
        mend_id(_cell(headers[0], source.prefixes), source) if headers else pl.lit(None, pl.String)
    )


def _column(header: str) -> pl.Expr:
    """A column by its name as it stands: people's headers may look like patterns (``*``)."""
    return cs.by_name(header).as_expr()


def _cell(header: str, prefixes: Sequence[str] = ()) -> pl.Expr:
    """A cell without the provider's marks, null where nothing is left."""
    if not prefixes:
        return _column(header)
    marks = "|".join(re.escape(prefix) for prefix in prefixes)
    text = _column(header).str.replace(f"^(?:{marks})", "").str.strip_chars()
    return pl.when(text != "").then(text)


def _area_code(headers: Sequence[str], source: Source) -> pl.Expr:
    present = find_headers(source.area_code, headers)
    return _cell(present[0]) if present else pl.lit(None, pl.String)


def _consents(headers: Sequence[str], source: Source) -> pl.Expr:
    """What the consent columns say: number of the rule, a mark, the text."""
    cells = [
        pl.concat_str(pl.lit(f"{number}{_IS}"), _cell(header))
        for number, rule in enumerate(source.consent)
        for header in find_headers(rule.columns, headers)
    ]
    return _listed(cells)


def _deleted(headers: Sequence[str], source: Source) -> pl.Expr:
    """What the columns of the rule for tombstones say."""
    named = find_headers(source.deleted.columns, headers) if source.deleted else []
    return _listed([_cell(header) for header in named])


def _listed(cells: Sequence[pl.Expr]) -> pl.Expr:
    """A row's cells that are not null, as one list."""
    return pl.concat_list(cells).list.drop_nulls() if cells else pl.lit([], _TEXTS)


def _said(columns: ColumnMap, source: Source, headers: Sequence[str]) -> pl.Expr:
    """What a row says of keyed tables."""
    tables = [
        pl.struct(
            (_extra(headers) if header == WHOLE_ROW else _cell(header, source.prefixes)).alias(name)
            for name, header in filled.items()
        ).alias(table)
        for table, filled in columns.tables.items()
        if filled
    ]
    return pl.struct(tables).struct.json_encode() if tables else pl.lit(None, pl.String)


def _is_test(headers: Sequence[str], source: Source) -> pl.Expr:
    if not source.test_rows:
        return pl.lit(False)
    starts = "|".join(re.escape(start) for start in source.test_rows)
    cells = [_column(header).str.contains(rf"^\s*(?:{starts})") for header in headers]
    return pl.any_horizontal(cells).fill_null(value=False)


def _extra(headers: Sequence[str]) -> pl.Expr:
    """A JSON object of the cells that are not empty; null where all are."""
    if not headers:
        return pl.lit(None, pl.String)
    members = []
    for header in sorted(headers):
        cell = _cell(header)
        member = pl.struct(cell.alias(header)).struct.json_encode().str.strip_prefix("{")
        members.append(pl.when(cell.is_not_null()).then(member.str.strip_suffix("}")))
    joined = pl.concat_str(members, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then("{" + joined + "}")


def _canonical(headers: Sequence[str]) -> pl.Expr:
    """The cells that are not empty, by header: NFC, whatever the order of the columns."""
    parts = []
    for header in sorted(headers):
        parts.append(pl.lit(header.strip() + _IS) + _column(header))
    return _compose(pl.concat_str(parts, separator=_NEXT, ignore_nulls=True))


def _compose(text: pl.Expr) -> pl.Expr:
    """Text in normal form NFC."""
    return text.map_batches(_compose_odd, return_dtype=pl.String, is_elementwise=True)


def _compose_odd(text: pl.Series) -> pl.Series:
    # Nothing else here takes as long, and text is what it would be composed to as long as all of
    # its letters stand before U+0300 (UAX 15: NFC_Quick_Check; the first combining mark is there).
    is_odd = is_beyond_ascii(text)
    if not is_odd.any():
        return text
    is_odd = is_odd.scatter(
        is_odd.arg_true(), text.filter(is_odd).str.contains(r"[^\x{0}-\x{2FF}]")
    )
    return put(text, is_odd, text.filter(is_odd).str.normalize("NFC"))


def _where(needed: pl.Expr, headers: Sequence[str], text: pl.Expr) -> pl.Expr:
    """A text of some rows, null in the others; `when/then` would compute it for all."""

    def make(given: Sequence[pl.Series]) -> pl.Series:
        mask, *columns = given
        if mask.len() == 1 and columns:
            mask = mask.new_from_index(0, columns[0].len())
        if not mask.any():
            return nulls(mask.len())
        return spread(pl.DataFrame(columns).filter(mask).select(text).to_series(), mask)

    return pl.map_batches(
        [needed, *map(_column, headers)], make, return_dtype=pl.String, is_elementwise=True
    )


def _shown(headers: Sequence[str]) -> pl.Expr:
    """All cells that are not empty, for people: ``Name: Zed | Phone: 12``."""
    cells = _canonical(headers)
    return cells.str.replace_all(_IS, ": ", literal=True).str.replace_all(
        _NEXT, " | ", literal=True
    )
