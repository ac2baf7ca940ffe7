"""A landed file -> staged rows in the work database: all row by row work, before the lock."""

from collections.abc import Mapping
from functools import partial

import polars as pl
import psycopg

from contracts.errors import TooManyRejectsError, UnreadableFileError
from contracts.registry import load_sources
from flows import ledger_files, warehouse
from flows.erased_rows import keep_out_erased
from flows.fingerprints import Known, change_seq, fetch_fingerprints, fetch_known
from flows.jobs import Job, Progress
from flows.known_files import find_same
from flows.landed_rows import (
    conform_missing,
    land_rows,
    recall_day_orders,
)
from flows.landing import Batch
from flows.reject_rows import describe_layout
from flows.settings import Settings
from flows.spreading import spread
from flows.staged_rows import judge, put_judged
from flows.work_database import leaving_room, open_database
from transforms.dedupe import find_changed, forget_unchanged, keep_reading_issues, recall_records
from transforms.normalize import rules_digest
from transforms.reject_rate import say_too_many_rejects
from transforms.relations import Work, ask_value, at_once, query, stream_by_line
from transforms.work_tables import empty, note, open_work, recall

# Where more records are stored than one for so many bytes of the file, asking for those of the file
# is cheaper than asking for all: a row has some hundred bytes.
_BYTES_PER_KNOWN = 50

SAME_AS = "same_as"
"""The note that tells of which import the file is the same, and was not read for that; or empty."""


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
        ErasureKeyError: As ``stage_changed``.
    """
    folder = settings.work / job.import_id
    work = open_database(folder, settings, file_bytes=batch.size_bytes)
    try:
        open_work(work, list_sources())
        known = _fetch_known(work, job, batch, settings)
        with leaving_room(work):
            layout = _take_in(work, job, batch, known, settings, progress)
            with warehouse.connected(settings, job.import_id) as connection:
                if not job.is_dry_run:
                    ledger_files.note_layout(connection, job.import_id, layout)
                stage_changed(work, connection, job, batch, settings, progress)
        _check_rejects(work, job)
    except BaseException:
        work.close()
        raise
    return work


def is_known_by_rows(job: Job) -> bool:
    """Whether all that a row says goes into a lead, by which it is known again."""
    return job.contract.is_about_people and not job.contract.tables and not job.corrects


def _take_in(
    work: Work,
    job: Job,
    batch: Batch,
    known: Known | None,
    settings: Settings,
    progress: Progress,
) -> Mapping[str, object]:
    """Make ``records``, and tell how the file is written; one that is known is not read."""
    same = None
    if known and not known.is_nothing:
        with warehouse.connected(settings, job.import_id) as connection:
            same = find_same(connection, work, job, batch)
    note(work, SAME_AS, same.import_id if same else "")
    if not same:
        return describe_layout(land_rows(work, job, batch, known, settings, progress))
    layout = same.layout or {}
    note(work, "encoding", str(layout.get("encoding") or "utf-8"))
    recall_records(work)
    progress("read", same.rows_landed)
    return layout


def _fetch_known(work: Work, job: Job, batch: Batch, settings: Settings) -> Known | None:
    """What need not be read again; a plan that somebody reads names unchanged people, too."""
    note(work, "fingerprints_seq", "")
    if job.is_dry_run or job.plan_file or not is_known_by_rows(job):
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


def list_sources() -> pl.DataFrame:
    """What ``open_work`` needs to know of every source."""
    known = [
        (one.name, one.trust, one.claim_space, "webhook" if one.is_webhook else "import")
        for one in load_sources().values()
    ]
    columns = ["source", "trust", "claim_space", "lead_source"]
    return pl.DataFrame(known, columns, orient="row")


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
    Run again, it judges those rows only that it did not judge before.

    Raises:
        ErasureKeyError: People of the team were erased under another key than the one at hand.
        UnreadableFileError: Rows that have to be read again are not there any more.
    """
    team_id = job.team.team_id
    seq = change_seq(connection, team_id)
    rules = rules_digest(job.contract, job.team.region)
    if recall(work, SAME_AS) and recall(work, "fingerprints_seq") != str(seq):
        # Others changed the team's data meanwhile: the file is read after all.
        note(work, SAME_AS, "")
        with leaving_room(work):
            land_rows(work, job, batch, None, settings, progress)
    # By what is known of a record, only people are passed over.
    is_same = not job.contract.is_about_people or fetch_fingerprints(
        connection, work, team_id, job.source_file, rules, seq=seq
    )
    note(work, "has_other_rules", "no" if is_same else "yes")
    if job.contract.tables:
        # A record that is known says something of other tables still, which is the file's own then.
        empty(work, "stored_fingerprints")
    find_changed(work)
    if recall(work, SAME_AS):
        note(work, "change_seq", str(seq))
        return
    forget_unchanged(work)
    keep_reading_issues(work)
    conform_missing(work, job, batch, settings)
    judge_chunk = partial(judge, job, recall_day_orders(work, job.contract))
    texts = "select * from conformed semi join unjudged_lines using (line_no) where true"
    changed = stream_by_line(work, texts, "unjudged_lines", settings.chunk_rows)
    done = ask_value(work, "select count(*) from judged_lines")
    if done:
        progress("normalise", done)
    with at_once(work):
        for judged in spread(judge_chunk, changed, settings.threads):
            put_judged(work, batch, judged)
            done += len(judged.lines)
            progress("normalise", done)
    if not (job.is_dry_run or job.plan_file):
        # As large as all that was staged; a plan for people to read names them by it.
        empty(work, "conformed")
    unread = "select line_no from changed_lines anti join judged_lines using (line_no) limit 1"
    if len(query(work, unread)):
        raise UnreadableFileError(
            f"'{batch.file_name}': its landed copy is not what it was when it was read first.\n"
            "Import the file again."
        )
    space = job.contract.claim_space
    keep_out_erased(work, connection, job.team, space, job.source_file, settings.home)
    # At last: what was broken off before is not to be taken for done.
    note(work, "change_seq", str(seq))


def is_staged_from(work: Work, seq: int) -> bool:
    """Whether the team's data is still as it was when the batch was compared with it."""
    return recall(work, "change_seq") == str(seq)
