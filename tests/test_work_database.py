"""The work database: what it may take of memory and disk, and what is told if it needs more."""

import errno
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest

import flows.folding
import flows.importing
from contracts.errors import WorkMemoryError
from flows.erasing import run_erase
from flows.jobs import Job, Outcome
from flows.settings import Settings
from flows.staging import list_sources
from flows.work_database import leaving_room, open_database, telling_memory
from tests.conftest import Import
from transforms.relations import Work, append, ask_value, at_once, is_on_disk
from transforms.work_tables import open_work

_LIMIT = "select parse_formatted_bytes(current_setting('memory_limit'))"


@pytest.mark.parametrize("limit", ["600MB", "1GiB", "60%", "none"])
def test_room_is_left_for_a_while(limit: str, tmp_path: Path) -> None:
    """DuckDB takes a quarter less, and as much as before at the end."""
    settings = Settings(tmp_path, memory_limit=limit)
    with closing(open_database(tmp_path, settings)) as work:
        before = ask_value(work, _LIMIT)
        with leaving_room(work):
            meanwhile = ask_value(work, _LIMIT)
        assert 0.74 * before < meanwhile < 0.76 * before
        assert 0.99 * before < ask_value(work, _LIMIT) < 1.01 * before


def test_of_a_file_many_times_as_large_as_the_memory_all_goes_to_disk(tmp_path: Path) -> None:
    """Of tables that are in memory, some of each row stays there."""
    settings = Settings(tmp_path, memory_limit="24MB")

    def fill(file_bytes: int) -> None:
        with closing(open_database(tmp_path, settings, file_bytes=file_bytes)) as work:
            open_work(work, list_sources())
            with at_once(work):
                for first in range(0, 800_000, 50_000):
                    lines = pl.DataFrame({"line_no": range(first, first + 50_000)})
                    append(work, "staged", lines.with_columns(full_name=pl.lit("Ann Lee")))
            assert ask_value(work, "select count(*) from staged") == 800_000

    with pytest.raises(duckdb.OutOfMemoryException):
        fill(file_bytes=0)
    fill(file_bytes=100_000_000)
    # As after a kill.
    fill(file_bytes=100_000_000)


def test_what_went_wrong_is_not_hidden_by_the_limit(tmp_path: Path) -> None:
    """A work database that broke has no limit to be raised."""

    def break_off() -> None:
        with closing(open_database(tmp_path, Settings(tmp_path))) as work, leaving_room(work):
            work.close()
            raise duckdb.OutOfMemoryException

    with pytest.raises(duckdb.OutOfMemoryException):
        break_off()


@pytest.mark.parametrize(
    ("spill", "told"),
    [("10GB", "Set LEADFOLD_MEMORY_LIMIT"), ("1MB", "Make room there")],
)
def test_too_little_memory_and_too_little_disk_are_told_apart(
    spill: str, told: str, tmp_path: Path
) -> None:
    """A disk that is full is not mended by more memory."""
    settings = Settings(tmp_path, memory_limit="20MB")
    settings.work.mkdir(parents=True)
    # Held in memory as one value, or spilled as rows.
    rows = "select md5(n::varchar) as text from range(2000000) as t(n)"
    taking = f"select string_agg(text) from ({rows})" if spill == "10GB" else rows

    def take() -> None:
        with (
            telling_memory("list.csv", settings),
            closing(open_database(settings.work, settings)) as work,
        ):
            work.execute(f"set max_temp_directory_size = '{spill}'").fetchall()
            work.execute(f"create table taken as {taking}").fetchall()

    with pytest.raises(WorkMemoryError, match=told) as caught:
        take()
    assert str(caught.value).startswith("list.csv needs more ")


@pytest.mark.parametrize(
    ("number", "told"), [(errno.ENOSPC, WorkMemoryError), (errno.EIO, duckdb.IOException)]
)
def test_a_disk_on_which_tables_do_not_fit_is_told(
    tmp_path: Path, number: int, told: type[Exception]
) -> None:
    """DuckDB tells of it in another way than of what it spills; other faults stay what they are."""
    error = duckdb.IOException(f'Could not write file "work.duckdb": {os.strerror(number)}')
    with pytest.raises(told), telling_memory("list.csv", Settings(tmp_path)):
        raise error


@pytest.mark.parametrize(
    ("said", "fails_on_disk", "tried", "status"),
    [
        ("could not allocate", False, [False, True], "done"),
        ("could not allocate", True, [False, True], "failed"),
        ("max_temp_directory_size", False, [False], "failed"),
    ],
)
def test_an_import_that_runs_out_of_memory_is_tried_again_with_its_tables_on_disk(
    import_text: Import,
    connection: psycopg.Connection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    fails_on_disk: bool,
    tried: list[bool],
    status: str,
) -> None:
    """A file of 1M rows, a third of them known, once did not fit; on disk it does. Once only, and
    not where the disk itself is full."""
    found: list[bool] = []
    resolve = flows.folding.resolve
    # Somebody who was erased: the landed copy is cleaned of them, but not before it is read again.
    import_text("id,name,phone\n9,Zed Oz,415-555-0109\n", name="before.csv")
    run_erase("+14155550109", settings)

    def fail(work: Work, *rest: object) -> None:
        found.append(is_on_disk(work))
        if fails_on_disk or not found[-1]:
            raise duckdb.OutOfMemoryException(said)
        resolve(work, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(flows.folding, "resolve", fail)
    real = flows.importing._stage_and_fold

    def leave_a_file(job: Job, *rest: Any) -> Outcome:
        if not found:
            # As of an attempt with tables on disk that was killed, and whose run goes on.
            (settings.work / job.import_id / "work.duckdb").write_text("")
        return real(job, *rest)

    monkeypatch.setattr(flows.importing, "_stage_and_fold", leave_a_file)
    outcome = import_text(
        "id,name,phone\n1,Ann Lee,415-555-0101\n2,Ben Roe,415-555-0102\n9,Zed,415-555-0109\n"
    )
    assert (found, outcome.status) == (tried, status)
    landed = [path.read_text() for path in settings.landing.iterdir()]
    assert not any("0109" in text for text in landed)
    leads = connection.execute("SELECT count(*) FROM leads").fetchone()
    assert leads == (2 if status == "done" else 0,)
