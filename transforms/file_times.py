"""A time in a file's name -> the clock of its rows."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from contracts.errors import SourceDriftError
from contracts.source import FILE_TIME_PARTS, Source
from transforms.cell_issues import ISSUE_SCHEMA
from transforms.times import parse_times

_AHEAD = (
    "The file's name gives a time more than a day from now, so that time counts as none: its rows"
    " are older than any that have one."
)


class FileTime(NamedTuple):
    """What a file's name says of its rows.

    Attributes:
        clock: The clock of those that have none of their own; None where the source does not take
            it from names, or where it can't be right.
        issues: Columns of ``transforms.cell_issues.ISSUE_SCHEMA``: at most one, on the first line.
    """

    clock: datetime | None
    issues: pl.DataFrame


def find_file_time(name: str, source: Source, landed_at: datetime) -> FileTime:
    """Find the file's time, if the contract says that its name has one.

    Raises:
        SourceDriftError: The name has none. Its rows would count as older than all that is stored,
            and what is new in them would be lost without a word.
    """
    none = pl.DataFrame(schema=ISSUE_SCHEMA)
    if not source.file_time:
        return FileTime(None, none)
    clock = read_file_time(name, source.file_time, source.file_timezone)
    if clock is None:
        raise SourceDriftError(
            f"{source.name}: the name '{name}' does not say of when the file is; expected is"
            f" '{source.file_time}', such as {landed_at.strftime(source.file_time)}.\n"
            f"Give the file such a name, or change file_time in contracts/sources/{source.name}"
            ".yaml."
        )
    if clock <= landed_at + timedelta(days=1):
        return FileTime(clock, none)
    found = (1, "issue", "clock_in_future", "file_name", _AHEAD, name)
    return FileTime(None, pl.DataFrame([found], schema=ISSUE_SCHEMA, orient="row"))


def read_file_time(name: str, pattern: str, timezone: str = "UTC") -> datetime | None:
    """Read the time in a file's name.

    Args:
        name: The file's name; of a member of an archive ``outer.zip/member.csv``, of which the
            member's own part counts first.
        pattern: strptime, of the letters in ``contracts.source.FILE_TIME_PARTS``. It is looked for
            anywhere in the name, without case; digits at its ends are whole numbers there. What it
            leaves out is the first: of a month its first day, of a day its midnight.
        timezone: The zone in which the time is told.

    Returns:
        The first time in the name, in UTC; None where there is none.
    """
    regex = re.compile(_as_regex(pattern), re.IGNORECASE)
    for part in reversed(name.split("/")):
        for match in regex.finditer(part):
            try:
                local = datetime.strptime(match[1], pattern)  # noqa: DTZ007
            except ValueError:  # the 31st of February
                continue
            # The next hour, where the clocks went forward over midnight.
            texts = pl.Series([(local + timedelta(hours=n)).isoformat(" ") for n in (0, 1)])
            found = parse_times(texts, timezone=timezone)["value"].drop_nulls()
            if len(found):
                # By way of a plain time: Python may know no zones where Polars does.
                plain: datetime = found.dt.replace_time_zone(None)[0]
                return plain.replace(tzinfo=UTC)
    return None


def _as_regex(pattern: str) -> str:
    """Where the pattern may stand in a name, as group 1; overlapping finds are found, too."""
    parts = re.split(r"%(.)", pattern)
    texts = [FILE_TIME_PARTS[part] if at % 2 else re.escape(part) for at, part in enumerate(parts)]
    start = r"(?<!\d)" if parts[0] == "" or parts[0][0].isdigit() else ""
    end = r"(?!\d)" if parts[-1] == "" or parts[-1][-1].isdigit() else ""
    return f"(?={start}({''.join(texts)}){end})"
