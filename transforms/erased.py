"""Rows about people who were erased: found by their claims, and turned into rejects."""

from collections.abc import Iterable, Iterator

import polars as pl

from transforms.relations import Work, append, ask_value, execute, query, run, statement, stream
from transforms.shapes import ERASED_CLAIMS
from transforms.work_tables import empty

RECORD = "record"
"""The kind under which a source record itself is known; its value is as ``name_record`` says."""


def name_record(source_file: str, source_record_id: str) -> str:
    """The value by which a record is known again."""
    return f"{source_file}\x1f{source_record_id}"


def list_row_claims(
    work: Work, claim_space: str, source_file: str, chunk_rows: int
) -> Iterator[pl.DataFrame]:
    """What could tell that a staged row is about somebody: distinct ``kind`` and ``value``."""
    run(work, "list_row_claims", claim_space=claim_space, source_file=source_file)
    yield from stream(work, "select distinct kind, value from row_claims", chunk_rows)


def list_raw_texts(work: Work) -> pl.DataFrame:
    """What is kept of rejects and damaged cells as it came: ``line_no``, ``raw``, ``encoding``."""
    return query(work, statement("list_raw_texts"))


def list_cells(work: Work, table: str, column: str) -> list[str]:
    """What the file says in a column of a keyed table."""
    said = (
        "select distinct value from said_cells where table_name = $table and column_name = $column"
    )
    return query(work, said, table=table, column=column)["value"].to_list()


def empty_cells(work: Work, table: str, column: str, values: list[str]) -> None:
    """Leave those values of a column unsaid."""
    execute(
        work,
        "delete from said_cells where table_name = $table and column_name = $column"
        " and list_contains($values, value)",
        table=table,
        column=column,
        values=values,
    )


def reject_erased(work: Work, claims: Iterable[tuple[str, str]], lines: Iterable[int]) -> int:
    """Reject the records of which a claim is one of somebody who was erased.

    Nothing of such a row stays: no text, no damaged cell, no opt-out. It is safe to do again.

    Args:
        work: With ``row_claims`` (``list_row_claims``), ``staged``, ``landed`` and ``issues``.
        claims: Kind and value of those that were erased.
        lines: Lines whose text, kept with a reject or a damaged cell, speaks of somebody erased.

    Returns:
        How many rows of the file speak of them.
    """
    empty(work, "erased_claims")
    append(work, "erased_claims", pl.DataFrame(list(claims), ERASED_CLAIMS, orient="row"))
    empty(work, "silenced_lines")
    found = pl.DataFrame({"line_no": list(lines)}, schema={"line_no": pl.Int64})
    append(work, "silenced_lines", found)
    run(work, "reject_erased")
    return int(ask_value(work, "select count(*) as lines from erased_lines"))
