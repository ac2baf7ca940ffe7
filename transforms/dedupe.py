"""Statements of one source record -> one lead."""

import polars as pl

from transforms.relations import Work, append, query, run


def open_work(work: Work, sources: pl.DataFrame) -> None:
    """Make the tables of one import's work file.

    Args:
        work: An empty file, or that of an earlier try, which starts over.
        sources: ``source``, ``trust`` and ``claim_space`` of every source that we know.
    """
    run(work, "macros")
    run(work, "work_tables")
    append(work, "sources", sources)


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
