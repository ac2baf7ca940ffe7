"""Values that are neither phone, email nor name: one place to import their readers from."""

from collections.abc import Collection

import polars as pl

from transforms.money import parse_money
from transforms.places import normalize_countries, normalize_postcodes, normalize_states
from transforms.times import DayOrder, count_day_order, day_first, parse_dates, parse_times

__all__ = [
    "FALSE_WORDS",
    "TRUE_WORDS",
    "DayOrder",
    "count_day_order",
    "day_first",
    "normalize_countries",
    "normalize_postcodes",
    "normalize_states",
    "parse_dates",
    "parse_flags",
    "parse_money",
    "parse_times",
]

# `x` and check marks are how people tick a box in a sheet.
TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1", "1.0", "on", "x", "✓", "✔", "☑"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "0", "0.0", "off", "☐", "✗", "✘"})


def parse_flags(
    values: pl.Series,
    *,
    true_words: Collection[str] = TRUE_WORDS,
    false_words: Collection[str] = FALSE_WORDS,
) -> pl.DataFrame:
    """Read yes and no.

    Blanks are null without an issue. Any other word is null with one: never a no.

    Args:
        values: The cells as text.
        true_words: What means yes, in any case.
        false_words: What means no, in any case. A word in both means neither.

    Returns:
        Row for row ``value`` (Boolean) and ``issue`` (``flag_unknown``).
    """
    yes, no = ({word.casefold() for word in words} for words in (true_words, false_words))
    word = pl.col("word")
    return (
        pl.DataFrame({"word": values.cast(pl.String).str.strip_chars().str.to_lowercase()})
        .with_columns(
            value=pl.when(word.is_in(sorted(yes - no)))
            .then(True)
            .when(word.is_in(sorted(no - yes)))
            .then(False)
        )
        .select(
            "value",
            issue=pl.when(pl.col("value").is_null() & (word != "")).then(pl.lit("flag_unknown")),
        )
    )
