"""A landed file -> staged rows in the work database: all row by row work, before the lock."""

from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl
import psycopg

from contracts.errors import TooManyRejectsError, UnreadableFileError
from contracts.registry import load_sources
from contracts.source import Source
from flows import ledger_files, warehouse
from flows.corrections import HINTS as CORRECTION_HINTS
from flows.erased_rows import keep_out_erased
from flows.fingerprints import change_seq, fetch_fingerprints
from flows.jobs import Job, Progress
from flows.landing import Batch
from flows.reading import Layout, ReadingHints, read
from flows.reading.chunks import Chunk
from flows.reading.places import read_places
from flows.reject_rows import describe_layout
from flows.settings import Settings
from flows.spreading import spread
from transforms.admit import Admitted, admit
from transforms.conform import conform, map_columns
from transforms.consents import list_opt_outs
from transforms.corrections import check_marks, read_marks, restore_names, take_marks
from transforms.dedupe import find_changed, group_records, keep_reading_issues, land_rows
from transforms.file_times import find_file_time
from transforms.normalize import normalize, rules_digest
from transforms.reject_rate import say_too_many_rejects
from transforms.relations import Work, append, at_once, stream, stream_by_line
from transforms.shapes import STAGED
from transforms.times import DayOrder, count_day_order
from transforms.work_tables import empty, note, open_work, recall


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
        layout = _land_records(work, job, batch, settings, progress)
        with warehouse.connected(settings, job.import_id) as connection:
            if not job.is_dry_run:
                ledger_files.note_layout(connection, job.import_id, describe_layout(layout))
            stage_changed(work, connection, job, batch, settings, progress)
        _check_rejects(work, job)
    except BaseException:
        work.close()
        raise
    return work


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


def _land_records(
    work: Work, job: Job, batch: Batch, settings: Settings, progress: Progress
) -> Layout:
    """Fill ``landed`` with what the file says, and ``issues`` with what cannot be a row.

    Returns:
        How the file is written.
    """
    source = job.contract
    open_work(work, list_sources())
    file_time = find_file_time(job.dated_name, source, job.landed_at)
    append(work, "issues", file_time.issues.with_columns(pl.col("raw").cast(pl.Binary)))
    hints = CORRECTION_HINTS if job.corrects else list_hints(source)
    reading = read(batch, hints=hints, chunk_rows=settings.chunk_rows)
    encoding = reading.layout.encoding or "utf-8"
    note(work, "encoding", encoding)
    if not reading.layout.columns:
        raise UnreadableFileError(f"'{batch.file_name}' holds no records.")
    # Also of a file in which no record is a row: its header must fit.
    columns = reading.layout.columns
    map_columns(tuple(restore_names(columns).values()) if job.corrects else columns, source)

    def name_fields(chunk: Chunk) -> tuple[Chunk, pl.DataFrame, list[pl.DataFrame]]:
        rows, marks = chunk.rows, []
        if job.corrects:
            rows, taken = take_marks(rows)
            marks = [taken, read_marks(chunk.rejects)]
        return chunk, conform(rows.lazy(), source).collect(), marks

    done = 0
    with at_once(work):
        for chunk, conformed, marks in spread(name_fields, reading.chunks(), settings.threads):
            for found in marks:
                append(work, "corrected_lines", found)
            tests = conformed.filter("is_test")
            land_rows(work, conformed.filter(~pl.col("is_test")).drop("is_test"))
            append(work, "issues", place_rejects(work, batch, tests, pl.lit("test_row")))
            append(work, "issues", _as_issues(chunk.rejects, "reject"))
            append(
                work,
                "reading_issues",
                _as_issues(chunk.issues.rename({"column": "field"}), "issue"),
            )
            done += len(chunk.rows) + len(chunk.rejects)
            progress("read", done)
    if done == 0:
        raise UnreadableFileError(
            f"'{batch.file_name}' has a header but no rows: there is nothing to import."
        )
    if job.corrects:
        check_marks(work, job.corrects, job.file_name)
    group_records(work)
    return reading.layout


def list_sources() -> pl.DataFrame:
    """What ``open_work`` needs to know of every source."""
    known = [(one.name, one.trust, one.claim_space) for one in load_sources().values()]
    return pl.DataFrame(known, ["source", "trust", "claim_space"], orient="row")


def list_hints(source: Source) -> ReadingHints:
    """What a contract says of how its files are written."""
    said = source.reading
    return ReadingHints(
        encoding=said.encoding or None,
        delimiter=said.delimiter or None,
        quote=said.quote or None,
        sheet=said.sheet or None,
        records_path=said.records or None,
        known_names=source.known_headers,
    )


def _check_rejects(work: Work, job: Job) -> None:
    """Hold a file of which too much cannot be loaded."""
    if not (told := say_too_many_rejects(work, job.policy.max_reject_rate)):
        note(work, "would_be_held", "")
    elif job.is_dry_run:
        note(work, "would_be_held", f"An import of it would be held: {told}")
    else:
        raise TooManyRejectsError(f"{job.file_name}: {told}")


def _as_issues(found: pl.DataFrame, severity: str) -> pl.DataFrame:
    return found.drop("byte_offset", "byte_length", strict=False).with_columns(
        severity=pl.lit(severity)
    )


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
    is_day_first = _day_order(work, source, settings.chunk_rows)
    file_time = find_file_time(job.dated_name, source, job.landed_at)
    file_clock = pl.lit(file_time.clock, STAGED["clock"])

    def judge(conformed: pl.DataFrame) -> _Judged:
        normal = normalize(
            conformed, source, job.team.region, job.landed_at, is_day_first=is_day_first
        )
        rows = normal.rows.with_columns(pl.coalesce("clock", file_clock))
        opt_outs = list_opt_outs(rows, source.claim_space)
        return _Judged(conformed, normal.issues, opt_outs, admit(rows.drop("opt_outs")))

    texts = "select * from landed semi join changed_lines using (line_no) where true"
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


def _day_order(work: Work, source: Source, chunk_rows: int) -> dict[str, bool | None]:
    """Whether the file writes the day before the month, by all its values; never by one row's.

    A field whose own values do not tell is read as those of the file's other times.
    """
    fields = [
        name
        for name in ("updated_at", "last_activity_at")
        if (rule := source.columns.get(name)) and not rule.formats and rule.day_first is None
    ]
    if not fields:
        return {}
    counted = dict.fromkeys(fields, DayOrder(0, 0))
    for chunk in stream(work, f"select {', '.join(fields)} from landed", chunk_rows):  # noqa: S608
        for name in fields:
            counted[name] += count_day_order(chunk[name])
    of_file = sum(counted.values(), DayOrder(0, 0)).is_day_first
    orders = {name: order.is_day_first for name, order in counted.items()}
    return {name: of_file if order is None else order for name, order in orders.items()}


def is_staged_from(work: Work, seq: int) -> bool:
    """Whether the team's data is still as it was when the batch was compared with it."""
    return recall(work, "change_seq") == str(seq)


def place_rejects(work: Work, batch: Batch, rows: pl.DataFrame, code: pl.Expr) -> pl.DataFrame:
    """Rejected rows with their bytes as they stand in the file, or as text where they do not."""
    has_place = rows["byte_offset"].is_not_null()
    placed = read_places(batch.path, rows.filter(has_place))
    raws = [
        next(placed) if is_placed else (text or "").encode()
        for is_placed, text in zip(has_place, rows["raw_text"], strict=True)
    ]
    return rows.select(
        "line_no",
        severity=pl.lit("reject"),
        code=code,
        raw=pl.Series(raws, dtype=pl.Binary),
        encoding=pl.lit(recall(work, "encoding")),
    )
