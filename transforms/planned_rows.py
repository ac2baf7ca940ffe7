"""The rows that a plan writes, in the order in which they are written."""

from collections.abc import Iterator
from typing import Literal

import polars as pl

from contracts.people_tables import Table
from transforms.lone import count_lone
from transforms.relations import CHUNK_ROWS, Work, stream_by_line, stream_sorted

Action = Literal["insert", "update", "delete"]

# In the order of each table's index: it grows at one end, and two imports can't deadlock.
_ROWS = {
    "leads": ("lead_id",),
    "personas": ("persona_id",),
    "identities": ("value", "kind", "persona_id"),
    "lead_versions": ("lead_id", "import_id"),
    "persona_versions": ("persona_id",),
    "merge_candidates": ("left_id", "right_id"),
    "opt_outs": ("kind", "value", "channel"),
    "lead_activities": ("activity_id",),
    "undone_leads": ("lead_id",),
    "lead_moves": ("lead_id",),
    "identity_versions": ("kind", "value", "persona_id"),
    "row_versions": ("table_name", "row_key"),
}
PEOPLE_TABLES = tuple(_ROWS)
"""The tables that are planned with people."""

LONE_TABLES = ("leads", "personas")
"""The tables whose rows of lone records are written from where they were staged: too much to be
sorted as a whole. Their ids go on after those of the others."""
# Rows of many columns: fewer of them are sorted at a time.
_WIDE = (*LONE_TABLES, "lead_versions")
_TEXT_ROWS = 200_000


def stream_lone(work: Work, table: Table, chunk_rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
    """The new rows of one of ``LONE_TABLES`` that lone records come to, as ``stream_rows``."""
    select = f"select * exclude (action) from lone_{table.name} where true"  # noqa: S608
    yield from stream_by_line(work, select, "lone_records", chunk_rows)


def stream_rows(
    work: Work,
    table: Table,
    action: Action,
    count: int,
    chunk_rows: int,
    *,
    with_lone: bool = True,
) -> Iterator[pl.DataFrame]:
    """The rows of a table that are planned, with the table's columns, in chunks.

    Args:
        work: In which they are planned.
        table: The table.
        action: Which of them.
        count: How many there are.
        chunk_rows: As many a chunk.
        with_lone: Whether to give what ``stream_lone`` gives, too.
    """
    has_lone = table.name in LONE_TABLES and action == "insert"
    lone = count_lone(work) if has_lone else 0
    name = f"met_{table.name}" if has_lone else table.planned_in
    if table.is_keyed:
        columns = ", ".join((*table.columns, *(["version"] if table.is_versioned else [])))
        order = table.written_by or table.key
    else:
        columns, order = "* exclude (action)", _ROWS[table.name]
    yield from stream_sorted(
        work,
        f"select {columns} from {name} where action = '{action}'",  # noqa: S608
        order,
        chunk_rows,
        count=count - lone,
        stretch_rows=_TEXT_ROWS if table.name in _WIDE or table.is_keyed else 0,
    )
    if lone and with_lone:
        yield from stream_lone(work, table, chunk_rows)
