"""Dates and times as people and programs write them, into UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from transforms.columns import by_value, compute, nulls, put
from transforms.time_shapes import NUMERIC, NUMERIC_SHORT, read_offset, read_shapes

# As written, whatever the zone.
_EARLIEST = datetime(1900, 1, 1)  # noqa: DTZ001
_LATEST = datetime(2199, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001
# What nearly every API and database writes; worth its own way, ten times as fast.
_ISO_ZONE = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
    rf"(?:\.[0-9]{{1,9}})?{_ISO_ZONE}?$"
)
_MAY_BE_NUMERIC = r"^\s*[0-9]{1,2}[-/.]"
# Also behind what a spreadsheet puts before a text.
_BEGINS_NUMERIC = r"^\W*[0-9]{1,2}[-/.]"
_ISO_SECONDS = len("2025-12-31T23:59:59")
_LOCAL = pl.Datetime("us")


@dataclass(frozen=True)
class DayOrder:
    """What the dates of a file say about the order of day and month. Adds up over chunks.

    Attributes:
        day_first_rows: Dates like ``25/12/2025``, which only day first can be.
        month_first_rows: Dates like ``12/25/2025``.
    """

    day_first_rows: int
    month_first_rows: int

    def __add__(self, other: "DayOrder") -> "DayOrder":
        return DayOrder(
            self.day_first_rows + other.day_first_rows,
            self.month_first_rows + other.month_first_rows,
        )

    @property
    def is_day_first(self) -> bool | None:
        """The order, or None where nothing or both orders were seen."""
        if bool(self.day_first_rows) == bool(self.month_first_rows):
            return None
        return self.day_first_rows > 0


def count_day_order(values: pl.Series) -> DayOrder:
    """What one chunk of a column says about the order of day and month."""
    may_be = values.str.contains(_MAY_BE_NUMERIC).fill_null(False)
    dates = values.filter(may_be).str.strip_chars().str.to_uppercase()
    is_numeric = dates.str.contains(NUMERIC) | dates.str.contains(NUMERIC_SHORT)
    dates = dates.filter(is_numeric.fill_null(False))
    first = dates.str.extract(r"^([0-9]+)").cast(pl.Int64)
    second = dates.str.extract(r"^[0-9]+[^0-9]([0-9]+)").cast(pl.Int64)
    return DayOrder(int((first > 12).sum()), int((second > 12).sum()))


def may_need_order(values: pl.Series) -> bool:
    """Whether any text of a chunk may be a date that the order of day and month decides."""
    return bool(values.str.contains(_BEGINS_NUMERIC).any())


def day_first(values: pl.Series) -> bool | None:
    """Whether ``03/04/2025`` is 3 April in this file. None: its values do not tell, or disagree.

    Args:
        values: The whole column of the file, never a chunk: see :class:`DayOrder` for chunks.
    """
    return count_day_order(values).is_day_first


def parse_times(
    values: pl.Series,
    *,
    formats: Sequence[str] = (),
    day_first: bool | None = None,
    timezone: str = "UTC",
) -> pl.DataFrame:
    """Read times.

    Null and blank cells are null without an issue. Two-digit years follow POSIX: 00 to 68 are of
    this century. Digits beyond microseconds fall away. A date alone is its midnight.

    Args:
        values: The cells as text.
        formats: strptime patterns, the first that fits counts, and nothing else is read. None
            given: ISO 8601, day/month/year in either order, written months, RFC 2822, Unix seconds
            and milliseconds, Excel's serial numbers (1900 system).
        day_first: Order of day and month, for the whole file: from the contract or from
            :func:`day_first`. Never guessed for a row: with None, dates that have two readings are
            issues (`25/12/2025` has one); with True or False, dates that contradict it are.
        timezone: Where the clocks stood, for texts without an offset. An IANA name.

    Returns:
        Row for row ``value`` (Datetime in UTC, microseconds) and ``issue``: ``time_unreadable``,
        ``time_ambiguous``, ``time_out_of_range`` or ``time_clock_skipped`` with a null value,
        ``time_clock_repeated`` with the earlier of both times.
    """
    local, offset, issue = _read(values, formats, day_first)
    frame = pl.DataFrame({"local": local, "offset": offset, "issue": issue})
    here = pl.col("local").dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    later = pl.col("local").dt.replace_time_zone(timezone, ambiguous="latest", non_existent="null")
    has_offset = pl.col("offset").is_not_null()
    read = frame.select(
        "local",
        "issue",
        has_offset=has_offset,
        value=pl.when(has_offset)
        .then((pl.col("local") - pl.duration(minutes=pl.col("offset"))).dt.replace_time_zone("UTC"))
        .otherwise(here.dt.convert_time_zone("UTC")),
        is_repeated=~has_offset & (here != later),
    )
    is_skipped = pl.col("value").is_null() & pl.col("local").is_not_null()
    return read.select(
        "value",
        issue=pl.when(is_skipped)
        .then(pl.lit("time_clock_skipped"))
        .when("is_repeated")
        .then(pl.lit("time_clock_repeated"))
        .otherwise("issue"),
    )


def parse_dates(
    values: pl.Series, *, formats: Sequence[str] = (), day_first: bool | None = None
) -> pl.DataFrame:
    """Read calendar dates, like birthdays, which no time zone may move.

    As :func:`parse_times`, but ``value`` is the Date as written; a time of day falls away.
    """
    local, _, issue = _read(values, formats, day_first)
    return pl.DataFrame({"value": local.dt.date(), "issue": issue})


def _read(
    values: pl.Series, formats: Sequence[str], day_first: bool | None
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Local time, minutes ahead of UTC or null, and issue."""
    texts = values.cast(pl.String).str.strip_chars()
    is_given = (texts != "").fill_null(False)
    if formats:
        local, offset = _read_formats(texts, formats)
        is_ambiguous = pl.repeat(False, texts.len(), eager=True)
    else:
        local, offset, is_ambiguous = _read_any(texts, is_given, day_first)
    is_in_range = local.is_between(_EARLIEST, _LATEST)
    issue = compute(
        pl.when(pl.lit(is_ambiguous))
        .then(pl.lit("time_ambiguous"))
        .when(pl.lit(is_given) & pl.lit(local).is_null())
        .then(pl.lit("time_unreadable"))
        .when(~pl.lit(is_in_range))
        .then(pl.lit("time_out_of_range"))
    )
    return compute(pl.when(pl.lit(is_in_range)).then(pl.lit(local))), offset, issue


def _read_formats(texts: pl.Series, formats: Sequence[str]) -> tuple[pl.Series, pl.Series]:
    local = pl.repeat(None, texts.len(), dtype=_LOCAL, eager=True)
    offset = nulls(texts.len()).cast(pl.Int64)
    for pattern in formats:
        has_zone = "%z" in pattern or "%#z" in pattern
        is_open = local.is_null() & texts.is_not_null()
        read = texts.filter(is_open).str.to_datetime(
            pattern, strict=False, time_unit="us", time_zone="UTC" if has_zone else None
        )
        local = put(local, is_open, read.dt.replace_time_zone(None))
        if has_zone:
            zero = compute(pl.when(pl.lit(read).is_not_null()).then(pl.lit(0, pl.Int64)))
            offset = put(offset, is_open, zero)
    return local, offset


def _read_any(
    texts: pl.Series, is_given: pl.Series, day_first: bool | None
) -> tuple[pl.Series, pl.Series, pl.Series]:
    is_iso = texts.str.contains(_ISO).fill_null(False)
    iso = _read_iso(texts.filter(is_iso))
    local = put(pl.repeat(None, texts.len(), dtype=_LOCAL, eager=True), is_iso, iso["local"])
    offset = put(nulls(texts.len()).cast(pl.Int64), is_iso, iso["offset"])
    is_ambiguous = pl.repeat(False, texts.len(), eager=True)
    is_rest = is_given & ~is_iso
    if not is_rest.any():
        return local, offset, is_ambiguous
    rest = read_shapes(texts.filter(is_rest).str.to_uppercase(), day_first)
    return (
        put(local, is_rest, rest.local),
        put(offset, is_rest, rest.offset.cast(pl.Int64)),
        put(is_ambiguous, is_rest, rest.is_ambiguous),
    )


def _read_iso(texts: pl.Series) -> pl.DataFrame:
    """``local`` and ``offset`` of ISO times: to the second by row, what follows once per text."""
    seconds = texts.str.head(_ISO_SECONDS).str.replace(" ", "T", literal=True)
    tail = by_value(texts.str.slice(_ISO_SECONDS), _read_iso_tails)
    return tail.select(
        seconds.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us").alias("local")
        + pl.duration(microseconds="microseconds"),
        "offset",
    )


def _read_iso_tails(tails: pl.Series) -> pl.DataFrame:
    """Microseconds and minutes ahead of UTC of ``.123Z``, ``+02:00`` and nothing at all."""
    fraction = pl.col("tail").str.extract(r"^\.([0-9]+)").fill_null("0")
    return (
        pl.DataFrame({"tail": tails})
        .with_columns(zone=pl.col("tail").str.extract(rf"({_ISO_ZONE})$"))
        .select(
            microseconds=fraction.str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64),
            offset=read_offset("zone"),
        )
    )
