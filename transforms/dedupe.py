"""Statements of one source record -> one lead."""

import polars as pl

from transforms.conform import Named
from transforms.relations import Work, ask, ask_value, run, statement
from transforms.work_tables import empty


def hash_rows(work: Work, keys: pl.DataFrame, named: Named) -> pl.DataFrame:
    """The rows of ``landed`` for a chunk of a file, and ``is_test``.

    Nothing is written, so that each thread may do it on a cursor of its own.

    Args:
        work: The work database.
        keys: Of ``transforms.conform.key_rows``.
        named: Of ``transforms.conform.name_cells``, for the same rows.
    """
    marks = {f"mark_{at}": mark for at, mark in enumerate(named.marks)}
    parts = [f"$mark_{at} || cell_{at}" for at in range(len(marks))]
    hashing = statement("hash_rows").replace("{parts}", ", ".join(parts or ["null"]))
    # The statement takes the frame by the name of the variable, as in ``append``.
    rows = keys.hstack(named.cells)  # noqa: F841
    frame: pl.DataFrame = work.sql(hashing, params=marks or None).pl()
    return frame


def group_records(work: Work) -> None:
    """Group the landed rows by record. Makes ``records``."""
    run(work, "group_records")


def recall_records(work: Work) -> None:
    """Make ``records`` of a file that need not be read: all that is stored of it."""
    run(work, "recall_records")


def digest_records(work: Work) -> str:
    """By what the records of a file that are leads now are known again, all of them at once."""
    return str(ask_value(work, statement("digest_records")))


def digest_stored(work: Work) -> str:
    """The same of the records in ``stored_fingerprints``."""
    digest = "select records_digest(source_record_id, fingerprint) from stored_fingerprints"
    return str(ask_value(work, digest))


def find_changed(work: Work) -> None:
    """Leave out the records whose rows are those that Postgres has taken in before."""
    run(work, "find_changed")


def forget_unchanged(work: Work) -> None:
    """Drop what was staged of rows that are not to change anything now.

    Reads ``changed_lines`` and ``judged_lines``. Makes ``unjudged_lines``: those that remain to be
    judged.
    """
    run(work, "forget_unchanged")


def keep_reading_issues(work: Work) -> None:
    """Tell what reading noticed about the rows that are judged now."""
    run(work, "keep_reading_issues")


def count_agreeing_ids(work: Work) -> tuple[int, int]:
    """How many record ids were there before, and how many of them are about the same people."""
    ((common, agreeing),) = ask(work, statement("count_agreeing_ids"))
    return common, agreeing


def mark_stored_leads(work: Work) -> None:
    """Tell the stored leads of the batch's records from the other leads of their people."""
    run(work, "mark_stored_leads")


def fold_statements(work: Work) -> None:
    """Fold what this file says of each record, and what Postgres holds of it, into one lead.

    Reads ``staged``, ``stored_leads`` and ``stored_versions``. Makes ``stated``, what this file
    says, and ``folded``, what holds.
    """
    run(work, "state_several")
    fold_fields(work)
    run(work, "state_records")
    run(work, "state_again")
    fold_fields(work)
    run(work, "fold_statements")


def fold_fields(work: Work) -> None:
    """Fold the statements of ``fold_input``, which is used up, into ``fold_output``.

    A small import mostly has nothing to fold, and pays for the asking alone.
    """
    statements = "select count(*) from fold_input"
    if not ask_value(work, statements):
        empty(work, "fold_output")
        return
    run(work, "fold_pairs")
    if ask_value(work, statements):
        run(work, "fold_fields")
