"""Which column of a file fills which field, and what no field names."""

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple

from contracts.errors import SourceDriftError
from contracts.people import FIELDS, IDENTIFYING, LIST_KINDS
from contracts.registry import load_tables
from contracts.source import Source, header_key
from contracts.source_rules import ColumnRule
from contracts.table_sources import WHOLE_ROW

_REPEATED = re.compile(r" \(\d+\)$")


class ColumnMap(NamedTuple):
    """How one file's columns are used.

    Attributes:
        fields: Our field -> the file's headers that fill it, in the contract's order.
        tables: Keyed table -> its column -> the header that fills it, or ``*``.
        extra: Headers that the contract does not name; kept in ``fields``.
        ignored: Headers that the contract does not want.
    """

    fields: dict[str, tuple[str, ...]]
    tables: dict[str, dict[str, str]]
    extra: tuple[str, ...]
    ignored: tuple[str, ...]


def map_columns(headers: Sequence[str], source: Source) -> ColumnMap:
    """Find the column of every field that the contract names.

    Raises:
        SourceDriftError: A required column is absent, or none that identifies what a row is about.
    """
    fields: dict[str, tuple[str, ...]] = {}
    for name, rule in source.columns.items():
        present = tuple(find_headers(rule.columns, headers))
        if present:
            fields[name] = present if FIELDS[name].kind in LIST_KINDS else present[:1]
    tables = {
        name: {
            column: header
            for column, rule in fills.items()
            if (header := _find_cell(rule, headers))
        }
        for name, fills in source.tables.items()
    }
    for name in source.required:
        if name not in fields:
            raise SourceDriftError(_absent(source, name, source.columns[name], headers))
    if not source.is_about_people:
        _check_row(source, tables[source.entity], headers)
    elif not any(name in fields for name in IDENTIFYING):
        raise SourceDriftError(
            f"{source.name}: no column identifies a person (CRM id, phone or email). "
            f"The file has {_some(headers)}.\n"
            "If it is another provider's file, name that source; if the provider renamed its "
            f"columns, add the new names in contracts/sources/{source.name}.yaml."
        )
    ignore = {header_key(column) for column in source.ignore}
    used = {header for names in fields.values() for header in names}
    used |= {header for columns in tables.values() for header in columns.values()}
    used |= {header for rule in source.consent for header in find_headers(rule.columns, headers)}
    if source.deleted:
        used |= set(find_headers(source.deleted.columns, headers))
    rest = [header for header in headers if header not in used]
    return ColumnMap(
        fields,
        tables,
        extra=tuple(header for header in rest if header_key(header) not in ignore),
        ignored=tuple(header for header in rest if header_key(header) in ignore),
    )


def find_headers(wanted: Sequence[str], headers: Sequence[str]) -> list[str]:
    """Those of some headers that the file has, as the file writes them, also if one stands twice.

    Reading calls the second of two columns of one name ``Phone (2)``.
    """
    by_key: dict[str, list[str]] = {}
    for header in headers:
        first = _REPEATED.sub("", header)
        by_key.setdefault(header_key(first if first in headers else header), []).append(header)
    keys = dict.fromkeys(header_key(column) for column in wanted)
    return [header for key in keys for header in by_key.get(key, ())]


def _find_cell(rule: ColumnRule, headers: Sequence[str]) -> str:
    """The header of the one column that fills a column of a table; empty: none does."""
    if WHOLE_ROW in rule.columns:
        return WHOLE_ROW
    return next(iter(find_headers(rule.columns, headers)), "")


def _check_row(source: Source, columns: dict[str, str], headers: Sequence[str]) -> None:
    """See that the columns are there without which no row of the file is one of its table."""
    table = load_tables()[source.entity]
    for name, column in table.cells.items():
        # What a reference is about may stand in the columns that name a person.
        is_needed = column.is_required and not column.default and column.kind != "reference"
        if is_needed and name not in columns:
            rule = source.tables[table.name].get(name, ColumnRule(columns=(name,)))
            raise SourceDriftError(_absent(source, name, rule, headers))


def _absent(source: Source, field: str, rule: ColumnRule, headers: Sequence[str]) -> str:
    wanted = rule.columns[0]
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
