"""A plan as a file, for whoever asks for it: CSV for a spreadsheet, or Parquet."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import polars as pl

from contracts.errors import UnreadableFileError, WrongCallError
from flows.jobs import Job, Outcome
from flows.landing import Batch
from transforms.cells import neutralize
from transforms.plan_changes import SCHEMA, has_plan, list_changes, stream_changes
from transforms.relations import Work

_FORMS = (".csv", ".parquet")
_TEXTS = [name for name, kind in SCHEMA.items() if kind == pl.String]


def check_plan_file(target: Path, source: Path) -> None:
    """See that a plan of the file ``source`` can be written to ``target``, before any work is done.

    Raises:
        WrongCallError: It is neither CSV nor Parquet, has no folder, or is the source itself.
    """
    if target.suffix.lower() not in _FORMS:
        raise WrongCallError(
            f"A plan is written as CSV or Parquet, not as '{target.name}'.\n"
            f"Give a file that ends in {' or '.join(_FORMS)}."
        )
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise WrongCallError(f"Cannot write the plan to '{target}': there is no such folder.")
    if target.exists() and source.exists() and target.samefile(source):
        raise WrongCallError(f"'{target}' is the file to import: the plan would overwrite it.")


def check_alone(job: Job, batches: list[Batch]) -> None:
    """See that a file whose plan is wanted is one import.

    Raises:
        UnreadableFileError: It is an archive of several files, whose plans depend on each other.
    """
    if job.plan_file and len(batches) > 1:
        raise UnreadableFileError(
            f"{job.file_name}: the archive holds {len(batches)} files, and each is an import with a"
            " plan of its own.\nUnpack it and give one file at a time, or leave out --plan."
        )


def tell_plan(job: Job, work: Work, outcome: Outcome) -> Outcome:
    """Add to an outcome what changes, and write it down where the job says so.

    Raises:
        WrongCallError: A dry run cannot write its plan. What an import has done is not undone for
            that: its outcome says it.
    """
    if not (job.is_dry_run or job.plan_file):
        return outcome
    if not has_plan(work):
        return replace(outcome, reason="The import had been done before, so there is no plan.")
    try:
        outcome = replace(outcome, changes=list_changes(work))
        if job.plan_file:
            write_plan(work, job.plan_file)
    except Exception as error:
        if job.is_dry_run and not isinstance(error, OSError):
            raise
        cause = error.strerror if isinstance(error, OSError) else type(error).__name__
        told = f"its plan could not be written to '{job.plan_file}': {cause}."
        if job.is_dry_run:
            raise WrongCallError(f"Nothing was imported, and {told}") from error
        return replace(outcome, changes=None, reason=f"The import is done, but {told}")
    return outcome


def write_plan(work: Work, path: Path) -> None:
    """Write the rows of ``plan_changes``, chunk by chunk.

    A new file is for its owner only: it holds people's data. No spreadsheet runs a cell of the CSV
    (``transforms.cells.neutralize``).
    """
    opener = partial(os.open, mode=0o600)
    with open(path, "wb", opener=opener) as file:
        if path.suffix.lower() == ".csv":
            _write_csv(work, file)
        else:
            _write_parquet(work, file)


def _write_csv(work: Work, file: BinaryIO) -> None:
    # With the mark by which Excel knows UTF-8.
    pl.DataFrame(schema=SCHEMA).write_csv(file, include_bom=True, line_terminator="\r\n")
    for chunk in stream_changes(work):
        inert = chunk.with_columns(neutralize(pl.col(name)).alias(name) for name in _TEXTS)
        inert.write_csv(file, include_header=False, line_terminator="\r\n")


def _write_parquet(work: Work, file: BinaryIO) -> None:
    import pyarrow.parquet as pq

    oldest = pl.CompatLevel.oldest()
    schema = pl.DataFrame(schema=SCHEMA).to_arrow(compat_level=oldest).schema
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for chunk in stream_changes(work):
            writer.write_table(chunk.to_arrow(compat_level=oldest))
