"""Statements of one source record -> one lead."""

import polars as pl

from transforms.relations import Work, query, run


def land_rows(work: Work, conformed: pl.DataFrame) -> None:
    """Take in a chunk of ``transforms.conform.conform``."""
    work.register("conformed", conformed)
    run(work, "land_rows")
    work.unregister("conformed")


def group_records(work: Work) -> pl.Series:
    """Group the landed rows by record.

    Returns:
        The ids of the records, sorted.
    """
    run(work, "group_records")
    return query(work, "select source_record_id from records order by all")["source_record_id"]


def find_changed(work: Work) -> None:
    """Leave out the records whose rows are those that Postgres has taken in before."""
    run(work, "find_changed")


def fold_statements(work: Work) -> None:
    """Fold the staged rows, and what Postgres holds of their records, into one lead a record."""
    run(work, "fold_statements")
