"""A landed file -> staged rows in the import's work file: all row by row work, before the lock."""

from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import psycopg

from contracts.source import load_source, load_sources
from flows import warehouse
from flows.jobs import Job, Progress
from flows.landing import Batch
from flows.reading import read, read_bytes
from flows.settings import Settings
from flows.stored import change_seq, fetch_fingerprints
from transforms.admit import admit
from transforms.conform import conform
from transforms.dedupe import find_changed, group_records, land_rows
from transforms.normalize import normalize
from transforms.relations import Work, append, query, stream
from transforms.work_tables import empty, open_work


def stage(job: Job, batch: Batch, settings: Settings, progress: Progress) -> Path:
    """Read, conform, normalise and admit a file; no lock is held meanwhile.

    Returns:
        The work file, in which ``fold`` goes on.

    Raises:
        UnreadableFileError: It is no CSV with a header and rows.
        SourceDriftError: Its header does not fit the source.
    """
    work_file = settings.work / job.import_id / "work.duckdb"
    work_file.unlink(missing_ok=True)
    with closing(open_work_file(work_file, settings.memory_limit)) as work:
        _land_records(work, job, batch, settings.chunk_rows, progress)
        with (
            warehouse.answering(),
            closing(warehouse.connect(settings, job.import_id)) as connection,
        ):
            stage_changed(work, connection, job, batch, settings.chunk_rows, progress)
    return work_file


def open_work_file(path: Path, memory_limit: str) -> Work:
    """Open an import's work file; what does not fit into memory spills beside it."""
    return duckdb.connect(
        str(path),
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(path.parent / "spill"),
            "preserve_insertion_order": "false",
        },
    )


def _land_records(work: Work, job: Job, batch: Batch, chunk_rows: int, progress: Progress) -> None:
    """Fill ``landed`` with what the file says, and ``issues`` with what cannot be a row."""
    source = load_source(job.source)
    known = [(one.name, one.trust, one.claim_space) for one in load_sources().values()]
    open_work(work, pl.DataFrame(known, ["source", "trust", "claim_space"], orient="row"))
    done = 0
    for chunk in read(batch, chunk_rows):
        land_rows(work, conform(chunk.rows.lazy(), source).collect())
        append(work, "issues", chunk.rejects.with_columns(severity=pl.lit("reject")))
        done += len(chunk.rows) + len(chunk.rejects)
        progress("read", done)
    group_records(work)


def stage_changed(
    work: Work,
    connection: psycopg.Connection,
    job: Job,
    batch: Batch,
    chunk_rows: int,
    progress: Progress,
) -> None:
    """Normalise and admit the records that differ from what Postgres holds.

    Fills ``staged`` and ``issues``, and notes the team's ``change_seq`` that it compared with.
    Run again, it starts over.
    """
    _note_change_seq(work, change_seq(connection, job.team.team_id))
    fetch_fingerprints(connection, work, job.team.team_id, job.source_file)
    find_changed(work)
    empty(work, "staged")
    # What reading rejected stays; only landed rows are judged again.
    work.execute("delete from issues where line_no in (select line_no from landed)").fetchall()
    source = load_source(job.source)
    done = 0
    for conformed in stream(
        work,
        "select * from landed semi join changed_records using (source_record_id) order by line_no",
        chunk_rows,
    ):
        normal = normalize(conformed, source, job.team.region, job.landed_at)
        admitted = admit(normal.rows)
        append(work, "staged", admitted.accepted)
        append(
            work,
            "issues",
            normal.issues.with_columns(pl.col("raw").cast(pl.Binary), encoding=pl.lit("utf-8")),
        )
        append(work, "issues", _rejects(batch, conformed, admitted.rejected))
        done += len(conformed)
        progress("normalise", done)


def is_staged_from(work: Work, seq: int) -> bool:
    """Whether the team's data is still as it was when the batch was compared with it."""
    return bool(query(work, "select change_seq = $seq as same from compared", seq=seq).item())


def _note_change_seq(work: Work, seq: int) -> None:
    work.execute(
        "create or replace table compared as select $seq::bigint as change_seq", {"seq": seq}
    ).fetchall()


def _rejects(batch: Batch, conformed: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows with their bytes as they stand in the file."""
    placed = rejected.join(conformed, on="line_no", how="left", maintain_order="left")
    return rejected.with_columns(
        severity=pl.lit("reject"),
        raw=pl.Series(read_bytes(batch, placed), dtype=pl.Binary),
        encoding=pl.lit("utf-8"),
    )
