"""How statements run on a work database: what is added at once, and what is read beside it."""

import threading
import time
from contextlib import suppress

import duckdb
import polars as pl
import pytest

import transforms.relations
from transforms.relations import (
    append,
    at_once,
    list_stretches,
    query,
    stream_by_line,
    stream_sorted,
)


def test_texts_are_taken_ahead_while_the_connection_is_busy() -> None:
    """The thread that makes the next rows, and whoever cleans up meanwhile, do not collide."""
    work = duckdb.connect(":memory:", config={"threads": "2"})
    append_lines(work, 10)
    busy = threading.Thread(target=lambda: run_on(work))
    busy.start()
    time.sleep(0.2)
    chunks = list(stream_by_line(work, "select * from landed where true", "landed", 4))
    assert busy.is_alive()
    while busy.is_alive():
        work.interrupt()
        busy.join(0.1)
    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert sorted(pl.concat(chunks)["line_no"]) == list(range(10))
    work.close()


def run_on(work: duckdb.DuckDBPyConnection) -> None:
    """A query that takes hours, until it is interrupted."""
    with suppress(duckdb.InterruptException):
        work.execute(
            "select count(*) from range(100000000) a, range(100000000) b"
            " where a.range % 7 = b.range % 11"
        ).fetchall()


def test_what_is_added_at_once_is_all_there_or_not_at_all() -> None:
    """A fault in the middle takes back what was added since the beginning."""
    work = duckdb.connect(":memory:")
    append_lines(work, 3)
    with at_once(work):
        append(work, "landed", lines(3, 5))
        assert len(query(work, "select * from landed")) == 5
    with pytest.raises(duckdb.CatalogException):
        add_and_fail(work)
    assert sorted(query(work, "select line_no from landed")["line_no"]) == list(range(5))
    work.close()


def add_and_fail(work: duckdb.DuckDBPyConnection) -> None:
    with at_once(work):
        append(work, "landed", lines(5, 9))
        append(work, "no_such_table", lines(5, 9))


def lines(first: int, end: int) -> pl.DataFrame:
    return pl.DataFrame({"line_no": range(first, end), "text": "x"})


def append_lines(work: duckdb.DuckDBPyConnection, end: int) -> None:
    work.execute("create table landed (line_no bigint, text varchar)").fetchall()
    append(work, "landed", lines(0, end))


@pytest.mark.parametrize("stretch", [1, 7, 100, 1000])
def test_rows_come_sorted_and_whole_however_long_a_stretch_is(
    stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, also where many share a value or a kind has few."""
    monkeypatch.setattr(transforms.relations, "STRETCH_ROWS", stretch)
    work = duckdb.connect(":memory:")
    work.execute(
        "create table claims as select 'k' || (i % 3) as kind,"
        " case when i % 2 = 0 then 'same' else 'v' || (i * 7919 % 1000) end as value, i"
        " from range(500) as t(i)"
    )
    chunks = stream_sorted(
        work, "select * from claims where true", ("kind", "value", "i"), 50, count=500
    )
    found = [row for chunk in chunks for row in chunk.iter_rows()]
    assert found == sorted(found)
    assert sorted(i for *_, i in found) == list(range(500))


def test_stretches_are_all_numbers_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at least, so that what is numbered from 0 is there though nothing is."""
    monkeypatch.setattr(transforms.relations, "STRETCH_ROWS", 3)
    assert list_stretches(0) == [(0, 2)]
    assert list_stretches(3) == [(0, 2)]
    assert list_stretches(7) == [(0, 2), (3, 5), (6, 8)]
