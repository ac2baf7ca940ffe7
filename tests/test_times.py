"""Times: every shape, one order of day and month per file, and the hours that clocks skip."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.issues import ISSUES
from transforms.times import DayOrder, count_day_order, day_first, parse_dates, parse_times

NOON = datetime(2024, 1, 31, 12, 0, 0, tzinfo=UTC)
MIDNIGHT = datetime(2024, 1, 31, tzinfo=UTC)


def parse(text: str | None, **options: object) -> tuple[datetime | None, str | None]:
    row = parse_times(pl.Series([text], dtype=pl.String), **options).row(0)  # type: ignore[arg-type]
    return (row[0], row[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", MIDNIGHT),
        ("2024/1/31", MIDNIGHT),
        ("20240131", MIDNIGHT),
        ("31/01/2024", MIDNIGHT),
        ("1/31/2024", MIDNIGHT),
        ("31.01.24", MIDNIGHT),
        ("Jan 31, 2024", MIDNIGHT),
        ("January 31st, 2024", MIDNIGHT),
        ("31 Jan 2024", MIDNIGHT),
        ("31-JAN-24", MIDNIGHT),
        ("Wednesday, January 31, 2024", MIDNIGHT),
        ("45322", MIDNIGHT),
        ("2024-01-31T12:00:00Z", NOON),
        ("2024-01-31 12:00:00", NOON),
        ("2024-01-31T12:00", NOON),
        ("2024-01-31 12:00:00.000", NOON),
        ("2024-01-31T12:00:00.000000000Z", NOON),
        ("2024-01-31T14:00:00+02:00", NOON),
        ("2024-01-31T14:00:00+0200", NOON),
        ("2024-01-31 14:00:00+02", NOON),
        ("2024-01-31 07:00:00 EST", NOON),
        ("2024-01-31 12:00:00 UTC", NOON),
        ("1/31/2024 12:00 PM", NOON),
        ("01/31/2024, 12:00:00 p.m.", NOON),
        ("Jan 31, 2024 at 12:00 pm", NOON),
        ("Wed, 31 Jan 2024 12:00:00 +0000", NOON),
        ("Wed Jan 31 12:00:00 2024", NOON),
        ("Wed Jan 31 12:00:00 UTC 2024", NOON),
        ("20240131120000", NOON),
        ("20240131T120000Z", NOON),
        ("1706702400", NOON),
        ("1706702400000", NOON),
        ("1706702400.0", NOON),
        ("45322.5", NOON),
        ("1/31/2024 12:30 AM", MIDNIGHT + timedelta(minutes=30)),
        (" 2024-01-31 ", MIDNIGHT),
    ],
)
def test_shapes(text: str, expected: datetime) -> None:
    """What has one reading is read, whatever its shape."""
    assert parse(text) == (expected, None)


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("yesterday", "time_unreadable"),
        ("2024-02-30", "time_unreadable"),
        ("2024-02-30 10:00:00", "time_unreadable"),
        ("2024-01-31 25:00:00", "time_unreadable"),
        ("1/31/2024 13:00 PM", "time_unreadable"),
        ("0000-00-00 00:00:00", "time_unreadable"),
        ("31/31/2024", "time_unreadable"),
        ("24-01-31", "time_unreadable"),
        ("31 Foo 2024", "time_unreadable"),
        ("2024-01-31 12:00 IST", "time_unreadable"),
        ("4155552671.5E3", "time_unreadable"),
        ("1066-10-14", "time_out_of_range"),
        ("9999-12-31", "time_out_of_range"),
        ("03/04/2024", "time_ambiguous"),
        ("3.4.24 10:00", "time_ambiguous"),
    ],
)
def test_nothing_is_guessed(text: str | None, issue: str | None) -> None:
    """What has no reading, or two, is null with an issue; a blank has none."""
    assert parse(text) == (None, issue)
    assert issue is None or issue in ISSUES


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["03/04/2024", "25/12/2024"], True),
        (["03/04/2024", "12/25/2024 10:00 AM"], False),
        (["03/04/2024", "05.05.2024"], None),
        (["25/12/2024", "12/25/2024"], None),
        (["2024-12-25", "25 Dec 2024", "45322", None, "x"], None),
        ([], None),
    ],
)
def test_the_file_decides_the_order(texts: list[str | None], expected: bool | None) -> None:
    """One telling date settles the order for its file; two that disagree settle nothing."""
    assert day_first(pl.Series(texts, dtype=pl.String)) is expected


@pytest.mark.parametrize(
    ("text", "order", "month"),
    [("03/04/2024", True, 4), ("03/04/2024", False, 3), ("12/25/2024", True, None),
     ("25/12/2024", False, None), ("25/12/2024", None, 12), ("2024-03-04", True, 3)],
)  # fmt: skip
def test_the_order_holds_for_every_row(text: str, order: bool | None, month: int | None) -> None:
    """A date that contradicts the file's order is an issue, not an exception to it."""
    value, issue = parse(text, day_first=order)
    assert (value.month if value else None) == month
    assert issue == (None if month else "time_unreadable")


@pytest.mark.parametrize(
    ("text", "hour", "issue"),
    [
        ("2024-01-31 07:00:00", 12, None),
        ("2024-07-01 08:00", 12, None),
        ("2024-01-31T12:00:00Z", 12, None),
        ("45322.5", 17, None),
        ("1706702400", 12, None),
        ("2024-03-10 02:30:00", None, "time_clock_skipped"),
        ("2024-11-03 01:30:00", 5, "time_clock_repeated"),
        ("2024-11-03 01:30:00 EST", 6, None),
    ],
)
def test_time_zones(text: str, hour: int | None, issue: str | None) -> None:
    """Text without an offset stands in the contract's zone; a skipped or repeated hour is said."""
    value, said = parse(text, timezone="America/New_York")
    assert (value.hour if value else None, said) == (hour, issue)


def test_formats_of_the_contract() -> None:
    """A contract's patterns are read in their order, with and without zone, and nothing else is."""
    texts = pl.Series(
        ["31.01.24 13:00", "2024-01-31T14:00:00+0200", "2024-01-31", "04.03.24 10:00"]
    )
    read = parse_times(
        texts, formats=["%d.%m.%y %H:%M", "%Y-%m-%dT%H:%M:%S%z"], timezone="Europe/Berlin"
    )
    assert read["value"].to_list() == [NOON, NOON, None, datetime(2024, 3, 4, 9, tzinfo=UTC)]
    assert read["issue"].to_list() == [None, None, "time_unreadable", None]


def test_dates_do_not_move() -> None:
    """A birthday is the day that was written, wherever it was written."""
    texts = pl.Series(["1990-05-17", "05/17/1990", "17 May 1990", "32990.9", "x", None])
    read = parse_dates(texts)
    assert read["value"].to_list() == [*[date(1990, 5, 17)] * 3, date(1990, 4, 27), None, None]
    assert read["issue"].to_list() == [None] * 4 + ["time_unreadable", None]


@pytest.mark.parametrize(
    "text",
    ["１２３４５", "３１/０１/２０２４", "２０２４-01-31", "2024-01-31T٠٠:00:00Z"],
)
def test_digits_of_other_scripts_are_unreadable(text: str) -> None:
    """Such a cell is an issue of its row, and never the end of the import."""
    assert parse(text) == (None, "time_unreadable")
    assert count_day_order(pl.Series([text])) == DayOrder(0, 0)


@pytest.mark.parametrize("texts", [[], [None], [""], ["2024-01-31"], ["x"]])
def test_columns_never_differ(texts: list[str | None]) -> None:
    """The schema is the same for an empty, a blank, a clean and a damaged column."""
    read = parse_times(pl.Series(texts, dtype=pl.String))
    assert read.height == len(texts)
    assert read.schema == {"value": pl.Datetime("us", "UTC"), "issue": pl.String}


MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC))


@given(st.lists(MOMENTS, max_size=20))
@settings(max_examples=40, deadline=None)
def test_idempotence(moments: list[datetime]) -> None:
    """A time written in our own form reads as itself, in any zone and order."""
    texts = pl.Series([each.isoformat(sep=" ") for each in moments], dtype=pl.String)
    for order, zone in ((None, "UTC"), (True, "Asia/Jakarta"), (False, "America/New_York")):
        read = parse_times(texts, day_first=order, timezone=zone)
        assert read["value"].to_list() == moments
        assert read["issue"].is_null().all()


OFFSETS = st.sampled_from(["", "Z", "+0000", "-0700", "+05:30", "-00:30", "+02", "-09"])


@given(st.lists(st.tuples(MOMENTS, OFFSETS, st.sampled_from("T "), st.integers(0, 9))))
@settings(max_examples=60, deadline=None)
def test_iso_reads_as_the_slow_shapes_do(rows: list[tuple[datetime, str, str, int]]) -> None:
    """The way of its own that ISO times have gives what the pattern for all shapes gives."""
    texts = [
        moment.strftime(f"%Y-%m-%d{mark}%H:%M:%S") + ("." + "123456789"[:digits]) * (digits > 0)
        for moment, _, mark, digits in rows
    ]
    offsets = [offset for _, offset, _, _ in rows]
    fast = pl.Series([a + b for a, b in zip(texts, offsets, strict=True)], dtype=pl.String)
    # A space before the zone is no ISO.
    late = [f"{a} {b or 'UTC'}" for a, b in zip(texts, offsets, strict=True)]
    slow = pl.Series(late, dtype=pl.String)
    assert parse_times(fast).rows() == parse_times(slow).rows()


@given(st.lists(MOMENTS, max_size=20), st.booleans(), st.sampled_from("/.-"))
@settings(max_examples=40, deadline=None)
def test_both_orders(moments: list[datetime], is_day_first: bool, mark: str) -> None:
    """A column written in one order never reads in the other."""
    parts = ["%d", "%m", "%Y"] if is_day_first else ["%m", "%d", "%Y"]
    texts = [each.strftime(mark.join(parts)) for each in moments]
    column = pl.Series(texts, dtype=pl.String)
    decided = day_first(column)
    assert decided in (None, is_day_first)
    dates = [each.date() for each in moments]
    assert parse_dates(column, day_first=is_day_first)["value"].to_list() == dates
    read = parse_dates(column, day_first=decided)["value"].to_list()
    assert all(got in (None, wanted) for got, wanted in zip(read, dates, strict=True))


@given(st.lists(st.sampled_from(["13/01/2024", "01/13/2024", "1/1/2024", "x", "2024-01-13"])))
@settings(max_examples=50, deadline=None)
def test_evidence_adds_up(texts: list[str]) -> None:
    """The order of a file does not depend on how it is cut into chunks."""
    column = pl.Series(texts, dtype=pl.String)
    chunks = sum((count_day_order(column[i : i + 1]) for i in range(len(texts))), DayOrder(0, 0))
    assert chunks.is_day_first is day_first(column)
