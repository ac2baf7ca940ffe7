"""Landed text -> named fields: which column fills which field, and what no field names."""

import difflib
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from contracts.errors import SourceDriftError
from contracts.people import FIELDS, IDENTIFYING
from contracts.source import Source, header_key

POSITION = ("line_no", "byte_offset", "byte_length")
"""Where a record stands in the landed file; every frame of rows carries these first."""

# Between a header and its cell, and between cells; reading rejects rows that hold such letters.
_IS = "\x1f"
_NEXT = "\x1e"


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
    by_key: dict[str, str] = {}
    for header in headers:
        by_key.setdefault(header_key(header), header)
    fields: dict[str, tuple[str, ...]] = {}
    for name, rule in source.columns.items():
        keys = dict.fromkeys(header_key(column) for column in rule.columns)
        present = tuple(by_key[key] for key in keys if key in by_key)
        is_list = FIELDS[name].kind in ("phones", "emails")
        if present:
            fields[name] = present if is_list else present[:1]
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
        the contract (text, null where blank; ``phones`` and ``emails`` lists of texts without
        blanks), ``extra`` (what the contract does not name, as a JSON object of header and
        text, sorted by header; null where there is nothing), ``row_text`` (all cells but the
        ignored ones, from which the fingerprint comes) and ``id_text`` (all cells, from which
        a record id comes where there is none). The texts depend on no rule that may change,
        nor on the order of the columns. Row order is kept.

    Raises:
        SourceDriftError: A required column is absent.
    """
    headers = [name for name in landed.collect_schema().names() if name not in POSITION]
    columns = map_columns(headers, source)
    cells = {header: _cell(header, source.blanks) for header in headers}
    fields = []
    for name, field in FIELDS.items():
        present = [cells[header] for header in columns.fields.get(name, ())]
        if field.kind in ("phones", "emails"):
            texts = pl.concat_list(present).list.drop_nulls() if present else pl.lit([], _TEXTS)
            fields.append(texts.alias(name))
        else:
            text = present[0] if present else pl.lit(None, pl.String)
            fields.append(text.alias(name))
    kept = [header for header in headers if header not in columns.ignored]
    return landed.select(
        *POSITION,
        *fields,
        _extra(columns.extra, cells).alias("extra"),
        _canonical(kept).alias("row_text"),
        _canonical(headers).alias("id_text"),
    )


_TEXTS = pl.List(pl.String)


def _cell(header: str, blanks: Sequence[str]) -> pl.Expr:
    """A cell without outer blanks, null where it says 'nothing'."""
    text = pl.col(header).str.strip_chars()
    return pl.when(~text.str.to_lowercase().is_in(list(blanks))).then(text)


def _extra(headers: Sequence[str], cells: dict[str, pl.Expr]) -> pl.Expr:
    """A JSON object of the cells that are not blank; null where all are."""
    if not headers:
        return pl.lit(None, pl.String)
    members = []
    for header in sorted(headers):
        cell = cells[header]
        member = pl.struct(cell.alias(header)).struct.json_encode().str.strip_prefix("{")
        members.append(pl.when(cell.is_not_null()).then(member.str.strip_suffix("}")))
    joined = pl.concat_str(members, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then("{" + joined + "}")


def _canonical(headers: Sequence[str]) -> pl.Expr:
    """The cells that are not empty, by header: trimmed, NFC, whatever the order of the columns."""
    parts = []
    for header in sorted(headers):
        text = pl.col(header).str.strip_chars()
        parts.append(pl.when(text != "").then(pl.lit(header.strip() + _IS) + text))
    joined = pl.concat_str(parts, separator=_NEXT, ignore_nulls=True)
    return joined.str.normalize("NFC")


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
