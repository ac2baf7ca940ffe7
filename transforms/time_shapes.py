"""The ways in which exports write dates and times, as patterns with named parts."""

from typing import NamedTuple

import polars as pl

_ZONE = r"(?P<zone>Z|UTC|GMT|[ECMP][SD]T|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})"
_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    rf"(?:\s*(?P<meridiem>[AP])\.?M\.?)?(?:\s*{_ZONE})?"
)
_TIME = rf"(?:(?:T|,?\s+(?:AT\s+)?){_CLOCK})?"
_WEEKDAY = r"(?:(?:MON|TUE|WED|THU|FRI|SAT|SUN)[A-Z]*\.?,?\s+)?"
_MONTH = r"(?P<month>[A-Z]{3,9})\.?"
_DAY = r"(?P<day>[0-9]{1,2})(?:ST|ND|RD|TH)?"

# For text in upper case. `first` and `second` stand for day and month in an order not yet known.
YEAR_FIRST = rf"^(?P<year>[0-9]{{4}})[-/.](?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}}){_TIME}$"
NUMERIC = rf"^(?P<one>[0-9]{{1,2}})[-/.](?P<two>[0-9]{{1,2}})[-/.](?P<year>[0-9]{{4}}){_TIME}$"
# Not with hyphens: `24-01-31` could as well begin with its year.
NUMERIC_SHORT = rf"^(?P<one>[0-9]{{1,2}})[/.](?P<two>[0-9]{{1,2}})[/.](?P<year>[0-9]{{2}}){_TIME}$"
COMPACT = (
    r"^(?P<year>(?:19|20|21)[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    rf"(?:T?(?P<hour>[0-9]{{2}})(?P<minute>[0-9]{{2}})(?P<second>[0-9]{{2}})\s*{_ZONE}?)?$"
)
NAMED = (
    rf"^{_WEEKDAY}{_DAY}[-\s./]+{_MONTH}[-\s,./]+(?P<year>[0-9]{{4}}|[0-9]{{2}}){_TIME}$",
    rf"^{_WEEKDAY}{_MONTH}[-\s]+{_DAY},?[-\s]+(?P<year>[0-9]{{4}}){_TIME}$",
    rf"^{_WEEKDAY}{_MONTH}\s+{_DAY}\s+{_CLOCK}\s+(?P<year>[0-9]{{4}})$",
)
# Ten digits are seconds since 1970 from 2001 to 2286, thirteen are milliseconds.
EPOCH = r"^(?P<epoch>[0-9]{10}(?:[0-9]{3}|\.[0-9]{1,6})?)$"
# Excel's days since 1900: five digits reach from 1927 to 2173.
SERIAL = r"^(?P<serial>[0-9]{5}(?:\.[0-9]+)?)$"
SHAPES = (YEAR_FIRST, NUMERIC, NUMERIC_SHORT, COMPACT, *NAMED, EPOCH, SERIAL)

_MONTHS = {
    name[:length]: number
    for number, name in enumerate(
        ("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER",
         "OCTOBER", "NOVEMBER", "DECEMBER"), start=1,
    )
    for length in ((3, 4, len(name)) if name == "SEPTEMBER" else (3, len(name)))
}  # fmt: skip
# RFC 2822 4.3. Other abbreviations have several meanings (IST, BST, CST in China) and are refused;
# of these, CST and its kin are taken as RFC 2822 has them.
_ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420,
    "MDT": -360, "PST": -480, "PDT": -420,
}  # fmt: skip
_PARTS = (
    "year", "month", "day", "one", "two", "hour", "minute", "second", "fraction", "meridiem",
    "zone", "epoch", "serial",
)  # fmt: skip
# Excel counts from the day before 1900 and believes in 29 February 1900.
_SERIAL_START = pl.datetime(1899, 12, 30, time_unit="us")
_EPOCH_START = pl.datetime(1970, 1, 1, time_unit="us")


class LocalTimes(NamedTuple):
    """Times as written, before any time zone.

    Attributes:
        local: Datetime without zone; null where unreadable.
        offset: Minutes ahead of UTC where the text says so, else null.
        is_ambiguous: Whether the text is sound but its day and month have two readings.
    """

    local: pl.Series
    offset: pl.Series
    is_ambiguous: pl.Series


def read_shapes(texts: pl.Series, day_first: bool | None) -> LocalTimes:
    """Read times in any of the known shapes.

    Args:
        texts: Trimmed text in upper case.
        day_first: Order of day and month in ``03/04/2025``. None: not known.
    """
    parts = pl.DataFrame({"text": texts}).with_row_index("row")
    # A file has one shape or two, and each costs what it costs, however few its rows.
    rows = {shape: parts.filter(texts.str.contains(shape)) for shape in SHAPES}
    read = [
        _read_shape(found, shape, day_first)
        for shape, found in rows.items()
        if len(found) or shape == SHAPES[0]
    ]
    found = pl.concat(read).unique("row", keep="first", maintain_order=True)
    joined = parts.select("row").join(found, on="row", how="left", maintain_order="left")
    return LocalTimes(
        joined["local"],
        joined["offset"],
        joined["is_ambiguous"].fill_null(False),
    )


def _read_shape(rows: pl.DataFrame, shape: str, day_first: bool | None) -> pl.DataFrame:
    parts = (
        rows.with_columns(pl.col("text").str.extract_groups(shape).alias("parts"))
        .unnest("parts")
        .with_columns(
            pl.lit(None, pl.String).alias(name) for name in _PARTS if f"(?P<{name}>" not in shape
        )
    )
    first, second = pl.col("one").cast(pl.Int64), pl.col("two").cast(pl.Int64)
    has_two_readings = (first <= 12) & (second <= 12) & (first != second)
    is_day_first = pl.lit(day_first) if day_first is not None else first > 12
    day = pl.coalesce(
        pl.col("day").cast(pl.Int64), pl.when(is_day_first).then(first).otherwise(second)
    )
    month = pl.coalesce(
        pl.col("month").cast(pl.Int64, strict=False),
        pl.col("month").replace_strict(_MONTHS, default=None, return_dtype=pl.Int64),
        pl.when(is_day_first).then(second).otherwise(first),
    )
    return (
        parts.with_columns(day=day, month=month, year=_four_digits("year"), hour=_hour_of_day())
        .with_columns(is_ambiguous=has_two_readings.fill_null(False) & (day_first is None))
        .select(
            "row",
            local=pl.when(~pl.col("is_ambiguous")).then(pl.coalesce(_calendar(), _counted())),
            offset=pl.when(pl.col("epoch").is_not_null()).then(0).otherwise(read_offset("zone")),
            is_ambiguous="is_ambiguous",
        )
    )


def _four_digits(year: str) -> pl.Expr:
    """POSIX strptime: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068."""
    number = pl.col(year).cast(pl.Int64)
    century = pl.when(number <= 68).then(2000).otherwise(1900)
    return pl.when(pl.col(year).str.len_chars() == 2).then(number + century).otherwise(number)


def _hour_of_day() -> pl.Expr:
    """The hour from 0 to 23; null for 13 PM and 0 PM, which nobody can mean."""
    hour, half = pl.col("hour").cast(pl.Int64).fill_null(0), pl.col("meridiem")
    return (
        pl.when(half.is_null())
        .then(hour)
        .when((half == "A") & (hour <= 12))
        .then(hour % 12)
        .when((half == "P") & hour.is_between(1, 12))
        .then(hour % 12 + 12)
    )


def _calendar() -> pl.Expr:
    """The time that year to fraction spell; null for 30 February and 25 o'clock."""
    pad = [pl.col(name).cast(pl.String).str.zfill(2) for name in ("month", "day", "hour")]
    text = pl.format(
        "{}-{}-{} {}:{}:{}.{}",
        pl.col("year").cast(pl.String).str.zfill(4),
        *pad,
        pl.col("minute").fill_null("00"),
        pl.col("second").fill_null("00"),
        pl.col("fraction").fill_null("0").str.pad_end(6, "0").str.slice(0, 6),
    )
    return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.6f", strict=False, time_unit="us")


def _counted() -> pl.Expr:
    """The time that a count of seconds, milliseconds or days means."""
    count = pl.col("epoch")
    is_milli = count.str.len_chars() == 13
    seconds = count.cast(pl.Float64) / pl.when(is_milli).then(1000).otherwise(1)
    # A day's fraction in a float is good to about a tenth of a millisecond: round to whole ones.
    milliseconds = (pl.col("serial").cast(pl.Float64) * 86_400_000).round().cast(pl.Int64)
    return pl.coalesce(
        _EPOCH_START + pl.duration(microseconds=(seconds * 1_000_000).round().cast(pl.Int64)),
        _SERIAL_START + pl.duration(milliseconds=milliseconds),
    )


def read_offset(zone: str) -> pl.Expr:
    """Minutes ahead of UTC that a column says: ``Z``, ``EST``, ``+02:00``, ``-0700``, ``+02``."""
    named = pl.col(zone).replace_strict(_ZONES, default=None, return_dtype=pl.Int64)
    sign = pl.when(pl.col(zone).str.starts_with("-")).then(-1).otherwise(1)
    hours = pl.col(zone).str.extract(r"^[+-]([0-9]{2})").cast(pl.Int64)
    minutes = pl.col(zone).str.extract(r"^[+-][0-9]{2}:?([0-9]{2})$").cast(pl.Int64).fill_null(0)
    return pl.coalesce(named, sign * (hours * 60 + minutes))
