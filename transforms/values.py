"""Times, as the contracts name their formats."""

from collections.abc import Sequence

import polars as pl

_ISO = (
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)


def parse_times(
    values: pl.Series, formats: Sequence[str] = (), timezone: str = "UTC"
) -> pl.DataFrame:
    """Read timestamps in ISO 8601 and in the formats that a contract names.

    Args:
        values: Times as text. Null and blank give null and no issue.
        formats: strptime formats, tried before ISO 8601.
        timezone: The IANA zone of times that state no offset.

    Returns:
        Row for row: ``value`` (Datetime in microseconds, UTC; null unless readable) and
        ``issue`` (time_invalid).
    """
    text = values.str.strip_chars()
    found = pl.Series(values.name, [None] * len(values), pl.Datetime("us", "UTC"))
    for pattern in (*formats, *_ISO):
        if found.null_count() == text.null_count():
            break
        has_offset = "%z" in pattern
        parsed = text.str.to_datetime(
            pattern, time_unit="us", time_zone="UTC" if has_offset else None, strict=False
        )
        if not has_offset:
            zone = "UTC" if pattern.endswith("Z") else timezone
            # A time that the clocks skipped or repeated has no one answer in UTC: null, an issue.
            parsed = parsed.dt.replace_time_zone(zone, non_existent="null", ambiguous="null")
        found = found.zip_with(found.is_not_null(), parsed.dt.convert_time_zone("UTC"))
    is_blank = text.is_null() | (text == "")
    frame = pl.DataFrame({"value": found, "is_blank": is_blank})
    return frame.select(
        "value",
        issue=pl.when(pl.col("value").is_null() & ~pl.col("is_blank").fill_null(value=True)).then(
            pl.lit("time_invalid")
        ),
    )
