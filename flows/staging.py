"""A landed file -> staged rows in the work database: all row by row work, before the lock."""

from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl
import psycopg

from contracts.errors import TooManyRejectsError
from contracts.registry import load_sources
from flows import ledger_files, warehouse
from flows.erased_rows import keep_out_erased
from flows.fingerprints import Known, change_seq, fetch_fingerprints, fetch_known
from flows.jobs import Job, Progress
from flows.landed_rows import (
    land_passed_over,
    land_rows,
    place_rejects,
    recall_day_orders,
)
from flows.landing import Batch
from flows.reject_rows import describe_layout
from flows.settings import Settings
from flows.spreading import spread
from transforms.admit import Admitted, admit
from transforms.consents import list_opt_outs
from transforms.dedupe import find_changed, keep_reading_issues
from transforms.file_times import find_file_time
from transforms.normalize import normalize, rules_digest
from transforms.reject_rate import say_too_many_rejects
from transforms.relations import Work, append, at_once, stream_by_line
from transforms.shapes import STAGED
from transforms.work_tables import empty, note, open_work, recall

# Where more records are stored than one for so many bytes of the file, asking for those of the file
# is cheaper than asking for all: a row has some hundred bytes.
_BYTES_PER_KNOWN = 50


class _Judged(NamedTuple):
    """A chunk of conformed rows, and what became of them."""

    conformed: pl.DataFrame
    issues: pl.DataFrame
    opt_outs: pl.DataFrame
    admitted: Admitted


def stage(job: Job, batch: Batch, settings: Settings, progress: Progress) -> Work:
    """Read, conform, normalise and admit a file; no lock is held meanwhile.

    Returns:
        The work database, in which ``fold`` goes on; the caller closes it.

    Raises:
        UnreadableFileError: It is no CSV with a header and rows.
        SourceDriftError: Its header or its name does not fit the source.
        CorrectionError: It corrects rows of several imports.
        TooManyRejectsError: More of its rows cannot be loaded than the policy takes for chance. A
            dry run goes on, and says so.
    """
    work = open_database(settings.work / job.import_id, settings)
    try:
        open_work(work, list_sources())
        known = _fetch_known(work, job, batch, settings)
        layout = land_rows(work, job, batch, known, settings, progress)
        with warehouse.connected(settings, job.import_id) as connection:
            if not job.is_dry_run:
                ledger_files.note_layout(connection, job.import_id, describe_layout(layout))
            stage_changed(work, connection, job, batch, settings, progress)
        _check_rejects(work, job)
    except BaseException:
        work.close()
        raise
    return work


def _fetch_known(work: Work, job: Job, batch: Batch, settings: Settings) -> Known | None:
    """What need not be read again; a plan that somebody reads names unchanged people, too."""
    note(work, "fingerprints_seq", "")
    if job.is_dry_run or job.plan_file or job.corrects:
        return None
    with warehouse.connected(settings, job.import_id) as connection:
        return fetch_known(
            connection,
            work,
            job.team.team_id,
            job.source_file,
            rules_digest(job.contract, job.team.region),
            most_records=batch.size_bytes // _BYTES_PER_KNOWN,
        )


def open_database(folder: Path, settings: Settings) -> Work:
    """Open an empty work database; what does not fit into memory spills into ``folder``."""
    work = duckdb.connect(
        # In a file, every table would be compressed as it is made, and few are read twice.
        ":memory:",
        config={
            "memory_limit": settings.memory_limit,
            "threads": str(settings.threads),
            "temp_directory": str(folder / "spill"),
            "preserve_insertion_order": "false",
        },
    )
    # It would draw bars into whatever terminal there is; and compress all that is in memory anew
    # with every 16 MB that come in, which took longer than all reading and normalising.
    work.execute("set enable_progress_bar = false; set checkpoint_threshold = '1000TB'").fetchall()
    return work


def list_sources() -> pl.DataFrame:
    """What ``open_work`` needs to know of every source."""
    known = [(one.name, one.trust, one.claim_space) for one in load_sources().values()]
    return pl.DataFrame(known, ["source", "trust", "claim_space"], orient="row")


def _check_rejects(work: Work, job: Job) -> None:
    """Hold a file of which too much cannot be loaded."""
    if not (told := say_too_many_rejects(work, job.policy.max_reject_rate)):
        note(work, "would_be_held", "")
    elif job.is_dry_run:
        note(work, "would_be_held", f"An import of it would be held: {told}")
    else:
        raise TooManyRejectsError(f"{job.file_name}: {told}")


def stage_changed(
    work: Work,
    connection: psycopg.Connection,
    job: Job,
    batch: Batch,
    settings: Settings,
    progress: Progress,
) -> None:
    """Normalise and admit the records that differ from what Postgres holds.

    Fills ``staged``, ``stated_opt_outs`` (also of rows that are rejected) and ``issues``, and notes
    the team's ``change_seq`` that it compared with. Rows about people who were erased are rejected.
    Run again, it starts over.

    Raises:
        ErasureKeyError: People of the team were erased under another key than the one at hand.
    """
    note(work, "change_seq", str(change_seq(connection, job.team.team_id)))
    source = job.contract
    rules = rules_digest(source, job.team.region)
    is_same = fetch_fingerprints(connection, work, job.team.team_id, job.source_file, rules)
    note(work, "has_other_rules", "no" if is_same else "yes")
    find_changed(work)
    empty(work, "staged")
    empty(work, "stated_opt_outs")
    # What reading rejected stays; only landed rows are judged again.
    work.execute("delete from issues where line_no in (select line_no from landed)").fetchall()
    keep_reading_issues(work)
    land_passed_over(work, job, batch, settings)
    is_day_first = recall_day_orders(work, source)
    file_time = find_file_time(job.dated_name, source, job.landed_at)
    file_clock = pl.lit(file_time.clock, STAGED["clock"])

    def judge(conformed: pl.DataFrame) -> _Judged:
        normal = normalize(
            conformed, source, job.team.region, job.landed_at, is_day_first=is_day_first
        )
        rows = normal.rows.with_columns(pl.coalesce("clock", file_clock))
        opt_outs = list_opt_outs(rows, source.claim_space)
        return _Judged(conformed, normal.issues, opt_outs, admit(rows.drop("opt_outs")))

    texts = "select * from conformed semi join changed_lines using (line_no) where true"
    changed = stream_by_line(work, texts, "changed_lines", settings.chunk_rows)
    done = 0
    with at_once(work):
        for conformed, issues, opt_outs, admitted in spread(judge, changed, settings.threads):
            append(work, "stated_opt_outs", opt_outs)
            append(work, "staged", admitted.accepted)
            append(
                work,
                "issues",
                issues.with_columns(pl.col("raw").cast(pl.Binary), encoding=pl.lit("utf-8")),
            )
            rejected = conformed.join(admitted.rejected, on="line_no", maintain_order="left")
            append(work, "issues", place_rejects(work, batch, rejected, pl.col("code")))
            done += len(conformed)
            progress("normalise", done)
    keep_out_erased(work, connection, job.team, source.claim_space, job.source_file, settings.home)


def is_staged_from(work: Work, seq: int) -> bool:
    """Whether the team's data is still as it was when the batch was compared with it."""
    return recall(work, "change_seq") == str(seq)
