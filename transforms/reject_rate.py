"""Whether more of a file cannot be loaded than chance explains."""

from transforms.relations import Work, query, statement

# Of a short list each row is a large share.
_BY_CHANCE = 10


def say_too_many_rejects(work: Work, limit: float) -> str:
    """What is wrong with a file of which too many rows cannot be loaded; empty: they are few.

    Args:
        work: With ``landed`` and ``issues``.
        limit: Share of the rows that may be rejected, 0 to 1; fewer than ten rows are never too
            many.
    """
    found = query(work, statement("count_rejects"))
    rejected = int(found["rejected"].sum())
    rows = found["rows"].item(0) if len(found) else 0
    if not are_too_many(rejected, rows, limit):
        return ""
    reasons = ", ".join(
        f"{count:,} x {code} (first in line {line:,})"
        for code, count, line in found.select("code", "rejected", "first_line").iter_rows()
    )
    return (
        f"{rejected / rows:.0%} of its rows cannot be loaded ({rejected:,} of {rows:,}), the limit"
        f" is {limit:.0%}: {reasons}."
    )


def are_too_many(rejected: int, rows: int, limit: float) -> bool:
    """Whether so many of so many rows are more than chance explains. Arguments as above."""
    return rejected >= _BY_CHANCE and rejected > limit * rows
