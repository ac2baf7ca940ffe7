"""Conformed rows -> staged rows: each is normalised, and admitted or rejected by itself."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from contracts.registry import load_tables
from flows.jobs import Job
from flows.landing import Batch
from flows.reading.places import read_places
from transforms.admit import admit
from transforms.consents import list_opt_outs
from transforms.file_times import find_file_time
from transforms.keyed_cells import read_said
from transforms.normalize import normalize
from transforms.relations import Work, append
from transforms.shapes import STAGED
from transforms.work_tables import recall


class Judged(NamedTuple):
    """What became of a chunk of conformed rows.

    Attributes:
        lines: ``line_no`` of all of them.
        issues: Their damaged cells.
        opt_outs: What they say of consent, rejected or not.
        accepted: Rows for ``staged``.
        said_rows: Which of the rows that are loaded say something of which keyed table.
        said_cells: What they say of it.
        rejected: The others as they were conformed, each with its ``code`` and ``message``.
    """

    lines: pl.DataFrame
    issues: pl.DataFrame
    opt_outs: pl.DataFrame
    accepted: pl.DataFrame
    said_rows: pl.DataFrame
    said_cells: pl.DataFrame
    rejected: pl.DataFrame


def judge(job: Job, is_day_first: Mapping[str, bool | None], conformed: pl.DataFrame) -> Judged:
    """Normalise and admit rows; it depends on nothing but the job and the rows themselves.

    Args:
        job: The import.
        is_day_first: The order of day and month of the times of which the contract tells none.
        conformed: Rows of the table ``conformed``.
    """
    source = job.contract
    clock = find_file_time(job.dated_name, source, job.landed_at).clock
    normal = normalize(conformed, source, job.team.region, job.landed_at, is_day_first=is_day_first)
    rows = normal.rows.with_columns(pl.coalesce("clock", pl.lit(clock, STAGED["clock"])))
    opt_outs = list_opt_outs(rows, source.claim_space)
    accepted, rejected = admit(rows.drop("opt_outs"))
    region = source.region or job.team.region
    said = read_said(conformed, rows["clock"], source, job.source_file, region, is_day_first)
    if not source.is_about_people:
        # A row that names nobody may still be one of its table.
        rejected = pl.concat(
            [said.rejected, rejected.filter(pl.col("code") != "no_identity")], how="diagonal"
        ).unique("line_no", keep="first", maintain_order=True)
        accepted = accepted.join(rejected, on="line_no", how="anti", maintain_order="left")
    return Judged(
        conformed.select("line_no"),
        pl.concat([normal.issues, said.issues]),
        opt_outs,
        accepted,
        _of_loaded(said.rows, rejected),
        _of_loaded(said.cells, rejected),
        conformed.join(rejected, on="line_no", maintain_order="left"),
    )


def _of_loaded(said: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """What loaded rows say, and what a log is to tell of rejected ones."""
    logs = [name for name, table in load_tables().items() if table.is_log]
    return said.filter(
        pl.col("table_name").is_in(logs) | ~pl.col("line_no").is_in(rejected["line_no"].implode())
    )


def put_judged(work: Work, batch: Batch, judged: Judged) -> None:
    """Add to ``staged``, ``said_rows``, ``said_cells``, ``stated_opt_outs`` (also of rejects),
    ``issues`` and ``judged_lines``."""
    append(work, "stated_opt_outs", judged.opt_outs)
    append(work, "staged", judged.accepted)
    append(work, "said_rows", judged.said_rows)
    append(work, "said_cells", judged.said_cells)
    issues = judged.issues.with_columns(pl.col("raw").cast(pl.Binary), encoding=pl.lit("utf-8"))
    append(work, "issues", issues)
    append(work, "issues", place_rejects(work, batch, judged.rejected, pl.col("code")))
    append(work, "judged_lines", judged.lines)


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
        message=pl.col("message") if "message" in rows.columns else pl.lit(None, pl.String),
        raw=pl.Series(raws, dtype=pl.Binary),
        encoding=pl.lit(recall(work, "encoding")),
    )
