"""A landed file -> its rows in the work database; rows that Postgres knows are not read further."""

from functools import partial
from typing import NamedTuple

import polars as pl

from contracts.errors import UnreadableFileError
from contracts.registry import load_tables
from contracts.source import Source
from flows.corrections import HINTS as CORRECTION_HINTS
from flows.fingerprints import Known
from flows.jobs import Job, Progress
from flows.landing import Batch
from flows.reading import Layout, Reading, ReadingHints, read
from flows.reading.chunks import Chunk
from flows.settings import Settings
from flows.spreading import spread
from flows.staged_rows import Judged, judge, place_rejects, put_judged
from transforms.column_map import map_columns
from transforms.conform import CLOCKS, conform, key_rows, name_cells, trim_cells
from transforms.corrections import check_marks, read_marks, restore_names, take_marks
from transforms.dedupe import group_records, hash_rows
from transforms.file_times import find_file_time
from transforms.relations import Work, append, at_once, query
from transforms.times import DayOrder, count_day_order, may_need_order
from transforms.work_tables import note, recall


class _Read(NamedTuple):
    """A chunk of a file, and what it says.

    Attributes:
        rows: How many records are no rejects.
        rejects: Those that reading rejects, as issues.
        issues: What reading noticed in the others.
        landed: All of its rows, but the provider's tests.
        conformed: What the rows say that were not known, and are to be judged later.
        judged: What became of them, where they are judged at once.
        tests: What the provider's tests say.
        day_orders: What its times say of the order of day and month.
    """

    rows: int
    rejects: pl.DataFrame
    issues: pl.DataFrame
    landed: pl.DataFrame
    conformed: pl.DataFrame
    judged: Judged | None
    tests: pl.DataFrame
    marks: list[pl.DataFrame]
    day_orders: dict[str, DayOrder]


def land_rows(
    work: Work,
    job: Job,
    batch: Batch,
    known: Known | None,
    settings: Settings,
    progress: Progress,
) -> Layout:
    """Fill ``landed`` with the rows of a file, and ``issues`` with what is no row.

    What the rows say goes into ``conformed``, to be judged when Postgres was asked which records
    are new. Known rows are not looked at; ``conform_missing`` does so where they turn out to be
    needed. Where most rows of a chunk are new, they are judged at once (``flows.staged_rows``), but
    for those with a time that other rows may be needed to understand.

    Args:
        work: With the tables of ``transforms.work_tables``.
        job: The import.
        batch: The landed file.
        known: What Postgres knows of the logical file, if that was worth asking before.
        settings: How many rows at a time, in how many threads.
        progress: Is told how many rows were read.

    Returns:
        How the file is written.

    Raises:
        UnreadableFileError: It is no table, or has no rows.
        SourceDriftError: Its header or its name does not fit the source.
        CorrectionError: It corrects rows of several imports.
    """
    source = job.contract
    file_time = find_file_time(job.dated_name, source, job.landed_at)
    append(work, "issues", file_time.issues.with_columns(pl.col("raw").cast(pl.Binary)))
    reading = _open(job, batch, settings)
    note(work, "encoding", reading.layout.encoding or "utf-8")
    if not reading.layout.columns:
        raise UnreadableFileError(f"'{batch.file_name}' holds no records.")
    # Also of a file in which no record is a row: its header must fit.
    columns = reading.layout.columns
    map_columns(tuple(restore_names(columns).values()) if job.corrects else columns, source)
    orders = dict.fromkeys(_open_clocks(source), DayOrder(0, 0))
    done = 0
    read_chunk = partial(_read_chunk, work, job, known)
    with at_once(work):
        for found in spread(read_chunk, reading.chunks(), settings.threads):
            _land(work, batch, found)
            orders |= {name: orders[name] + order for name, order in found.day_orders.items()}
            done += found.rows + len(found.rejects)
            progress("read", done)
    if done == 0:
        raise UnreadableFileError(
            f"'{batch.file_name}' has a header but no rows: there is nothing to import."
        )
    if job.corrects:
        check_marks(work, job.corrects, job.file_name)
    for name, order in orders.items():
        note(work, f"day_order_{name}", f"{order.day_first_rows} {order.month_first_rows}")
    group_records(work)
    return reading.layout


def conform_missing(work: Work, job: Job, batch: Batch, settings: Settings) -> None:
    """Read the rows of ``unjudged_lines`` again that are not in ``conformed``.

    They were known, but another row of their record is new, or others changed it meanwhile.
    """
    missing = "select line_no from unjudged_lines anti join conformed using (line_no)"
    lines = query(work, missing)["line_no"]
    if not len(lines):
        return

    def conform_chunk(chunk: Chunk) -> pl.DataFrame:
        rows = chunk.rows.filter(pl.col("line_no").is_in(lines.implode()))
        cells = trim_cells(rows)
        hashed = _hash(work, cells, key_rows(cells, job.contract), job.contract)
        return _conform(cells, hashed, job.contract)

    with at_once(work):
        chunks = _open(job, batch, settings).chunks()
        for conformed in spread(conform_chunk, chunks, settings.threads):
            append(work, "conformed", conformed)


def recall_day_orders(work: Work, source: Source) -> dict[str, bool | None]:
    """Whether the file writes the day before the month, by all its values; never by one row's.

    A field whose own values do not tell is read as those of the file's other times.
    """
    counts = {name: recall(work, f"day_order_{name}").split() for name in _open_clocks(source)}
    orders = {name: DayOrder(*map(int, counted)) for name, counted in counts.items()}
    of_file = sum(orders.values(), DayOrder(0, 0)).is_day_first
    return {
        name: of_file if order.is_day_first is None else order.is_day_first
        for name, order in orders.items()
    }


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


def _open(job: Job, batch: Batch, settings: Settings) -> Reading:
    hints = CORRECTION_HINTS if job.corrects else list_hints(job.contract)
    return read(batch, hints=hints, chunk_rows=settings.chunk_rows)


def _read_chunk(work: Work, job: Job, known: Known | None, chunk: Chunk) -> _Read:
    rows, marks = chunk.rows, []
    if job.corrects:
        rows, taken = take_marks(rows)
        marks = [taken, read_marks(chunk.rejects)]
    cells = trim_cells(rows)
    keys = key_rows(cells, job.contract)
    hashed = _hash(work, cells, keys, job.contract)
    is_test = hashed["is_test"]
    hashed = hashed.drop("is_test")
    landed = hashed.filter(~is_test)
    new = landed.filter(~known.holds(landed["row_hash"])) if known else landed
    conformed = _conform(cells, new, job.contract)
    clocks = [name for name in _open_clocks(job.contract) if name in keys]
    judged = None
    if (
        known
        and len(conformed) * 2 > len(landed)
        and not any(may_need_order(keys[name]) for name in clocks)
    ):
        judged = judge(job, dict.fromkeys(clocks), conformed)
        conformed = conformed.clear()
    said = keys.filter(~pl.col("is_test"))
    return _Read(
        len(rows),
        _as_issues(chunk.rejects, "reject"),
        _as_issues(chunk.issues.rename({"column": "field"}), "issue"),
        landed,
        conformed,
        judged,
        # Hardly any file has tests, and conforming none takes as long as conforming ten.
        _conform(cells, hashed.filter(is_test), job.contract)
        if is_test.any()
        else conformed.clear(),
        marks,
        {name: count_day_order(said[name]) for name in clocks},
    )


def _hash(work: Work, cells: pl.DataFrame, keys: pl.DataFrame, source: Source) -> pl.DataFrame:
    """The rows of ``landed``; called in threads, each of which needs a cursor of its own."""
    with work.cursor() as cursor:
        return hash_rows(cursor, keys, name_cells(cells, source))


def _conform(cells: pl.DataFrame, hashed: pl.DataFrame, source: Source) -> pl.DataFrame:
    """What those rows say that were hashed."""
    if len(hashed) < len(cells):
        cells = cells.filter(pl.col("line_no").is_in(hashed["line_no"].implode()))
    named = hashed.select("line_no", "source_record_id", "raw_text")
    return conform(cells, source).join(named, on="line_no", maintain_order="left")


def _open_clocks(source: Source) -> list[str]:
    """The times of which the contract does not say how they are written."""
    rules = {name: source.columns[name] for name in CLOCKS if name in source.columns}
    rules |= {
        f"{table}.{name}": rule
        for table, fills in source.tables.items()
        for name, rule in fills.items()
        if load_tables()[table].columns[name].kind == "time"
    }
    return [name for name, rule in rules.items() if not rule.formats and rule.day_first is None]


def _land(work: Work, batch: Batch, found: _Read) -> None:
    for mark in found.marks:
        append(work, "corrected_lines", mark)
    append(work, "landed", found.landed)
    append(work, "issues", place_rejects(work, batch, found.tests, pl.lit("test_row")))
    append(work, "issues", found.rejects)
    append(work, "reading_issues", found.issues)
    if found.judged:
        put_judged(work, batch, found.judged)
        append(work, "issues", found.issues.join(found.judged.lines, on="line_no", how="semi"))
    else:
        append(work, "conformed", found.conformed)


def _as_issues(found: pl.DataFrame, severity: str) -> pl.DataFrame:
    return found.drop("byte_offset", "byte_length", strict=False).with_columns(
        severity=pl.lit(severity)
    )
