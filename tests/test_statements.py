"""Several statements of one record come to one, whichever way they are folded."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.dedupe import fold_fields
from transforms.relations import Work, append, query
from transforms.shapes import FOLDED
from transforms.work_tables import empty, open_work

Statement = dict[str, Any]

CLOCKS = (None, *(datetime(2026, 1, day, 12, 30, 5, 250_000, tzinfo=UTC) for day in (1, 2, 3)))
TEXTS = ("crm_id", "city", "note")
FIELDS = (*TEXTS, "phones", "emails", "tags")
_VALUES = ("a", "b", "É")
_lists = st.one_of(st.none(), st.lists(st.sampled_from(_VALUES), max_size=2))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _spell(clock: datetime | None) -> str | None:
    return clock and clock.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@st.composite
def _statements(draw: st.DrawFn) -> Statement:
    stated: Statement = {
        **{name: draw(st.sampled_from((None, *_VALUES))) for name in TEXTS},
        **{name: draw(_lists) for name in ("phones", "emails", "tags")},
        "is_deleted": draw(st.booleans()),
        "clock": draw(st.sampled_from(CLOCKS)),
        "last_activity_at": draw(st.sampled_from(CLOCKS)),
    }
    stated["email_keys"] = stated["emails"] and [each.lower() for each in stated["emails"]]
    extra = draw(st.dictionaries(st.sampled_from(('k"', "m")), st.sampled_from(_VALUES)))
    clocks = draw(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(CLOCKS), max_size=1))
    return stated | {
        "extra": _json(extra) if extra else None,
        "field_clocks": _json({name: _spell(each) for name, each in clocks.items()})
        if clocks
        else None,
    }


@st.composite
def _records(draw: st.DrawFn) -> list[Statement]:
    """Half of them as most are: two statements without clocks of their own for some fields."""
    if draw(st.booleans()):
        return draw(st.lists(_statements(), min_size=1, max_size=3))
    plain = {"field_clocks": None, "extra": draw(st.sampled_from((None, '{"m":"a"}')))}
    return [draw(_statements()) | plain for _ in range(2)]


def _say(seq: int, stated: Statement) -> list[tuple[str, tuple[Any, ...], Any, datetime | None]]:
    """What a statement says of each field: the field, how new that is, the value, its clock."""
    clocks = json.loads(stated["field_clocks"] or "{}")
    values = {name: stated[name] for name in (*FIELDS, "is_deleted")}
    if stated["emails"]:
        values["emails"] = {"shown": stated["emails"], "keys": stated["email_keys"]}
    extra = json.loads(stated["extra"] or "{}")
    values |= {f"extra:{name}": value for name, value in extra.items()}
    said = []
    for name, value in values.items():
        is_stated = value not in (None, [])
        if is_stated or name in clocks:
            clock = stated["clock"]
            if name in clocks:
                clock = clocks[name] and datetime.fromisoformat(clocks[name])
            # DuckDB keeps the order of an object's keys, and shown stands before keys.
            text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
            text = text.replace("\\u00c9", "É").replace("\\u00e9", "é") if is_stated else ""
            rank = (clock is not None, clock.timestamp() if clock else seq, text)
            said.append((name, rank, value if is_stated else None, clock))
    return said


def folded(statements: list[Statement]) -> Statement:
    """What the head of fold_fields.sql promises of one record."""
    best: dict[str, tuple[tuple[Any, ...], Any, datetime | None]] = {}
    for seq, stated in enumerate(statements):
        for name, *claim in _say(seq, stated):
            if name not in best or claim[0] > best[name][0]:
                best[name] = (claim[0], claim[1], claim[2])
    clock = max((each["clock"] for each in statements if each["clock"]), default=None)
    activity = (each["last_activity_at"] or each["clock"] for each in statements)
    values = {name: value for name, (_, value, _) in best.items()}
    emails = values.pop("emails", None) or {}
    own = {n: _spell(at) for n, (_, value, at) in best.items() if value is None or at != clock}
    extra = {name[6:]: value for name, value in values.items() if name.startswith("extra:")}
    return {
        **{name: values.get(name) for name in (*TEXTS, "phones", "tags", "is_deleted")},
        "emails": emails.get("shown"),
        "email_keys": emails.get("keys"),
        "extra": _json(extra) if extra else None,
        "field_clocks": _json(own) if own else None,
        "clock": clock,
        "last_activity_at": max((each for each in activity if each), default=None),
    }


def _put(work: Work, records: list[list[Statement]]) -> None:
    rows = [
        {"source_record_id": str(number), "seq": seq, **stated}
        for number, statements in enumerate(records)
        for seq, stated in enumerate(statements)
    ]
    empty(work, "fold_output")
    columns = "create or replace table fold_input as select 0 as seq, * from fold_output"
    work.execute(columns).fetchall()
    schema: dict[str, Any] = {"seq": pl.Int64, **FOLDED}
    append(work, "fold_input", pl.DataFrame(rows, schema_overrides=schema))


@pytest.fixture(scope="module")
def work() -> Iterator[Work]:
    with duckdb.connect() as connection:
        sources = pl.DataFrame({"source": ["x"], "trust": [0], "claim_space": ["x"]})
        open_work(connection, sources)
        connection.execute("set timezone = 'UTC'").fetchall()
        yield connection


@given(st.lists(_records(), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_of_each_field_the_newest_statement_wins(
    work: Work, records: list[list[Statement]]
) -> None:
    """By clock, and by the order of landing; blanks erase nothing, what was emptied stays so."""
    _put(work, records)
    fold_fields(work)
    found = query(work, "from fold_output order by source_record_id::int")
    assert found["source_record_id"].to_list() == [str(each) for each in range(len(records))]
    expected = [folded(statements) for statements in records]
    assert found.select(expected[0].keys()).to_dicts() == expected
