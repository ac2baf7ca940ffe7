"""How sources and keyed tables fit: what a source may say of a table, and a table's own source."""

from collections.abc import Mapping

from contracts.keyed import LEADS, PERSONAS, KeyedTable
from contracts.source import Source, header_key
from contracts.source_rules import ColumnRule
from contracts.strict import hint_near

WHOLE_ROW = "*"
"""In the place of a header: all cells of the row, for a column of kind ``json``."""

# By what a row of a table may name a person.
_NAMING = ("crm_id", "phones", "emails", "first_name", "last_name", "full_name")


def check_tables(source: Source, tables: Mapping[str, KeyedTable]) -> None:
    """See that what a source says of keyed tables is there.

    Raises:
        ValueError: It is not; the message names the nearest.
    """
    for name, fills in source.tables.items():
        if name not in tables:
            raise ValueError(f"tables: {_unknown(name, 'table', tables)}")
        cells = tables[name].cells
        for column, rule in fills.items():
            if column not in cells:
                raise ValueError(f"tables.{name}: {_unknown(column, 'column', cells)}")
            if WHOLE_ROW in rule.columns and cells[column].kind != "json":
                raise ValueError(f"tables.{name}.{column}: '*' fills columns of kind 'json' only")


def make_source(table: KeyedTable, tables: Mapping[str, KeyedTable], usual: Source) -> Source:
    """The source of files whose columns are called as those of a table.

    Args:
        table: The table.
        tables: All of them.
        usual: Has the usual words by which a row names a person.
    """
    fills = {name: ColumnRule(columns=(name,)) for name in table.cells}
    own = {header_key(name) for name in fills}
    known = {header_key(header) for header in usual.known_headers}
    columns = {"updated_at": usual.columns["updated_at"]}
    if _names_people(table, tables):
        for name in _NAMING:
            words = [word for word in usual.columns[name].columns if header_key(word) not in own]
            columns[name] = ColumnRule(columns=tuple(words))
    naming = [word for name in _NAMING if name in columns for word in columns[name].columns]
    return Source(
        name=table.name,
        entity=table.name,
        source_file="feed",
        people="referred",
        id_space=usual.id_space,
        recognised_by=tuple(name for name in fills if header_key(name) not in known),
        columns=columns,
        tables={table.name: fills},
        record_id_from=tuple(naming),
    )


def _names_people(table: KeyedTable, tables: Mapping[str, KeyedTable]) -> bool:
    return any(
        reference.to in (PERSONAS, LEADS)
        or (reference.by and _refers_to_people(tables[reference.to], reference.by))
        for _, reference in table.references()
    )


def _refers_to_people(table: KeyedTable, column: str) -> bool:
    return table.columns[column].to == PERSONAS


def _unknown(name: str, thing: str, known: Mapping[str, object]) -> str:
    hint = hint_near(name, known)
    return f"'{name}' is no {thing}.{hint} There are: {', '.join(known)}"
