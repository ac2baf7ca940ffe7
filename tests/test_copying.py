"""The COPY encoder against Postgres itself."""

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.copying import copy_in, copy_out

# Postgres stores any text but NUL; a surrogate is not text.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
awkward = st.sampled_from(
    ["", " ", "\\", "\\.", "\\N", "\n", "\r\n", "\t", '"', "'", ",", "{", "}", "NULL", "{}", '"{"']
)
cells = st.none() | awkward | texts | st.tuples(awkward, texts).map("".join)
rows = st.fixed_dictionaries(
    {
        "text": cells,
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "flag": st.none() | st.booleans(),
        "time": st.none()
        | st.datetimes().map(lambda time: time.replace(year=2000 + time.year % 30)),
        "list": st.none() | st.lists(awkward | texts, max_size=3),
    }
)
SCHEMA = {
    "text": pl.String,
    "number": pl.Int64,
    "flag": pl.Boolean,
    "time": pl.Datetime("us", "UTC"),
    "list": pl.List(pl.String),
}


@pytest.fixture
def table(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute(
        'CREATE TABLE cells ("text" text, "number" bigint, "flag" boolean, "time" timestamptz,'
        ' "list" text[])'
    )
    return connection


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(rows, max_size=8))
def test_what_goes_in_comes_out(table: psycopg.Connection, cells: list[dict[str, object]]) -> None:
    """Every text, number, flag, time and list survives the way to Postgres and back."""
    frame = pl.DataFrame(cells, SCHEMA)
    table.execute("TRUNCATE cells")
    assert copy_in(table, "cells", [frame]) == len(frame)
    found = list(
        copy_out(
            table,
            'SELECT "text", "number", "flag",'
            ' to_char("time" AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\'),'
            ' array_to_json("list") FROM cells ORDER BY ctid',
            SCHEMA,
        )
    )
    back = pl.concat(found) if found else pl.DataFrame(schema=SCHEMA)
    assert back.to_dicts() == frame.to_dicts()


@given(st.binary(max_size=40))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_bytes_go_in_as_they_are(connection: psycopg.Connection, raw: bytes) -> None:
    """Rejected rows keep their bytes, whatever they are."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS raws (raw bytea)")
    connection.execute("TRUNCATE raws")
    copy_in(connection, "raws", [pl.DataFrame({"raw": [raw, None]}, {"raw": pl.Binary})])
    assert connection.execute("SELECT raw FROM raws ORDER BY ctid").fetchall() == [(raw,), (None,)]
