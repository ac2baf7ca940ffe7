"""Landed text -> named fields: which column fills which field, and what no field names."""

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from contracts.errors import SourceDriftError
from contracts.people import FIELDS, IDENTIFYING, LIST_KINDS
from contracts.source import Source, header_key
from transforms.columns import nulls, put, spread
from transforms.record_ids import mend_id

POSITION = ("line_no", "byte_offset", "byte_length")
"""Where a record stands in the landed file; every frame of rows carries these first."""

# Between a header and its cell, and between cells; reading rejects rows that hold such letters.
_IS = "\x1f"
_NEXT = "\x1e"
_REPEATED = re.compile(r" \(\d+\)$")


class ColumnMap(NamedTuple):
    """How one file's columns are used.

    Attributes:
        fields: Our field -> the file's headers that fill it, in the contract's order.
        extra: Headers that the contract does not name; kept in ``fields``.
        ignored: Headers that the contract does not want.
    """

    fields: dict[str, tuple[str, ...]]
    extra: tuple[str, ...]
    ignored: tuple[str, ...]


def map_columns(headers: Sequence[str], source: Source) -> ColumnMap:
    """Find the column of every field that the contract names.

    Raises:
        SourceDriftError: A required column is absent, or none that identifies a person is there.
    """
    fields: dict[str, tuple[str, ...]] = {}
    for name, rule in source.columns.items():
        present = tuple(_present(rule.columns, headers))
        if present:
            fields[name] = present if FIELDS[name].kind in LIST_KINDS else present[:1]
    for name in source.required:
        if name not in fields:
            raise SourceDriftError(_absent(source, name, headers))
    if not any(name in fields for name in IDENTIFYING):
        raise SourceDriftError(
            f"{source.name}: no column identifies a person (CRM id, phone or email). "
            f"The file has {_some(headers)}.\n"
            "If it is another provider's file, name that source; if the provider renamed its "
            f"columns, add the new names in contracts/sources/{source.name}.yaml."
        )
    ignore = {header_key(column) for column in source.ignore}
    used = {header for names in fields.values() for header in names}
    used |= {header for rule in source.consent for header in _present(rule.columns, headers)}
    if source.deleted:
        used |= set(_present(source.deleted.columns, headers))
    rest = [header for header in headers if header not in used]
    return ColumnMap(
        fields,
        extra=tuple(header for header in rest if header_key(header) not in ignore),
        ignored=tuple(header for header in rest if header_key(header) in ignore),
    )


def conform(landed: pl.LazyFrame, source: Source) -> pl.LazyFrame:
    """Give a source's columns our field names.

    Args:
        landed: The file as it came: ``line_no``, ``byte_offset``, ``byte_length``, then one
            text column per header.
        source: The contract of the source that sent it.

    Returns:
        The position, then ``source_record_id`` (null where the file has none), the fields of
        the contract (text, trimmed, null where empty; ``phones``, ``emails`` and ``tags`` lists of
        texts), ``area_code`` (for phones that are written without one), ``consents`` (texts for
        ``transforms.consents``), ``deleted`` (for ``transforms.tombstones``), ``extra`` (what the
        contract does not name, as a JSON object of header and text, sorted by header; null where
        there is nothing), ``is_test`` (a test lead of the provider's), ``raw_text`` (of a record
        that has no place in the file, such as a workbook's row: its cells, for a reject),
        ``row_text`` (all cells but the ignored ones, from which the fingerprint comes) and
        ``id_text`` (where there is no record id: all cells, or those of ``record_id_from``, from
        which one comes). The last two
        depend on no rule that may change, nor on the order of the columns. Row order is kept.

    Raises:
        SourceDriftError: A required column is absent.
    """
    headers = [name for name in landed.collect_schema().names() if name not in POSITION]
    columns = map_columns(headers, source)
    kept = [header for header in headers if header not in columns.ignored]
    named = _present(source.record_id_from, headers) or headers
    return landed.select(
        *POSITION,
        *_fields(columns, source),
        _area_code(headers, source).alias("area_code"),
        _consents(headers, source).alias("consents"),
        _deleted(headers, source).alias("deleted"),
        _extra(columns.extra).alias("extra"),
        _is_test(headers, source).alias("is_test"),
        _where(pl.col("byte_offset").is_null(), headers, _shown(headers)).alias("raw_text"),
        _canonical(kept).alias("row_text"),
        _where(_record_id(columns, source).is_null(), headers, _canonical(named)).alias("id_text"),
    )


_TEXTS = pl.List(pl.String)


def _fields(columns: ColumnMap, source: Source) -> list[pl.Expr]:
    fields = []
    for name, field in FIELDS.items():
        cells = [_cell(header, source.prefixes) for header in columns.fields.get(name, ())]
        if field.kind in LIST_KINDS:
            fields.append(_listed(cells).alias(name))
        else:
            text = cells[0] if cells else pl.lit(None, pl.String)
            # The key is needed before all else; other cells are mended when they are normalised.
            is_key = name == "source_record_id"
            fields.append((_record_id(columns, source) if is_key else text).alias(name))
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
    """A cell without outer blanks and the provider's marks, null where nothing is left."""
    text = _column(header).str.strip_chars()
    if prefixes:
        marks = "|".join(re.escape(prefix) for prefix in prefixes)
        text = text.str.replace(f"^(?:{marks})", "").str.strip_chars()
    return pl.when(text != "").then(text)


def _area_code(headers: Sequence[str], source: Source) -> pl.Expr:
    present = _present(source.area_code, headers)
    return _cell(present[0]) if present else pl.lit(None, pl.String)


def _consents(headers: Sequence[str], source: Source) -> pl.Expr:
    """What the consent columns say: number of the rule, a mark, the text."""
    cells = [
        pl.concat_str(pl.lit(f"{number}{_IS}"), _cell(header))
        for number, rule in enumerate(source.consent)
        for header in _present(rule.columns, headers)
    ]
    return _listed(cells)


def _deleted(headers: Sequence[str], source: Source) -> pl.Expr:
    """What the columns of the rule for tombstones say."""
    named = _present(source.deleted.columns, headers) if source.deleted else []
    return _listed([_cell(header) for header in named])


def _listed(cells: Sequence[pl.Expr]) -> pl.Expr:
    """A row's cells that are not null, as one list."""
    return pl.concat_list(cells).list.drop_nulls() if cells else pl.lit([], _TEXTS)


def _is_test(headers: Sequence[str], source: Source) -> pl.Expr:
    if not source.test_rows:
        return pl.lit(False)
    starts = "|".join(re.escape(start) for start in source.test_rows)
    cells = [_column(header).str.contains(rf"^\s*(?:{starts})") for header in headers]
    return pl.any_horizontal(cells).fill_null(value=False)


def _present(wanted: Sequence[str], headers: Sequence[str]) -> list[str]:
    """Those of some headers that the file has, as the file writes them, also if one stands twice.

    Reading calls the second of two columns of one name ``Phone (2)``.
    """
    by_key: dict[str, list[str]] = {}
    for header in headers:
        first = _REPEATED.sub("", header)
        by_key.setdefault(header_key(first if first in headers else header), []).append(header)
    keys = dict.fromkeys(header_key(column) for column in wanted)
    return [header for key in keys for header in by_key.get(key, ())]


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
    """The cells that are not empty, by header: trimmed, NFC, whatever the order of the columns."""
    parts = []
    for header in sorted(headers):
        text = _column(header).str.strip_chars()
        parts.append(pl.when(text != "").then(pl.lit(header.strip() + _IS) + text))
    return _compose(pl.concat_str(parts, separator=_NEXT, ignore_nulls=True))


def _compose(text: pl.Expr) -> pl.Expr:
    """Text in normal form NFC."""
    return text.map_batches(_compose_odd, return_dtype=pl.String, is_elementwise=True)


def _compose_odd(text: pl.Series) -> pl.Series:
    # Nothing else here takes as long, and text is what it would be composed to as long as all of
    # its letters stand before U+0300 (UAX 15: NFC_Quick_Check; the first combining mark is there).
    is_odd = text.str.len_bytes() != text.str.len_chars()
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


def _absent(source: Source, field: str, headers: Sequence[str]) -> str:
    wanted = source.columns[field].columns[0]
    near = difflib.get_close_matches(wanted, headers, n=1)
    hint = f" The nearest is '{near[0]}'." if near else ""
    return (
        f"{source.name}: missing column '{wanted}' ({field}). "
        f"The file has {_some(headers)}.{hint}\n"
        f"If {source.name} renamed it, add the new name in contracts/sources/{source.name}.yaml."
    )


def _some(headers: Sequence[str]) -> str:
    shown = ", ".join(f"'{header}'" for header in headers[:3])
    return f"{shown} and {len(headers) - 3} more" if len(headers) > 3 else shown
