"""Texts -> numbers in plain digits, and words of a vocabulary."""

import re
from collections.abc import Iterable, Mapping

import polars as pl

from transforms.columns import compute
from transforms.money import parse_money

_GAPS = r"[\s_-]+"


def read_numbers(text: pl.Series, *, is_whole: bool) -> tuple[pl.Series, pl.Series]:
    """Amounts in plain digits, without zeros that say nothing, and ``number_unreadable``.

    A comma groups thousands.
    """
    read = parse_money(text, decimal=".")
    plain = compute(
        pl.lit(read["amount"]).cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")
    )
    is_fault = plain.is_null() & text.is_not_null()
    if is_whole:
        whole = plain.cast(pl.Int64, strict=False)
        is_fault |= whole.is_null() & text.is_not_null()
    codes = compute(pl.when(pl.lit(is_fault)).then(pl.lit("number_unreadable")))
    return compute(pl.when(~pl.lit(is_fault)).then(pl.lit(plain))), codes


def spell(words: Iterable[str]) -> dict[str, str]:
    """Spelling -> word: case does not count, nor whether blanks or dashes part it."""
    return {re.sub(_GAPS, "_", word.lower()): word for word in words}


def read_words(
    text: pl.Series, words: Mapping[str, str], code: str = "word_unknown"
) -> tuple[pl.Series, pl.Series]:
    """The words that texts spell, and ``code`` where one spells none.

    Args:
        text: Mended cells; null says nothing.
        words: Spelling (as ``spell`` makes it) -> word.
        code: What is noted of other texts.
    """
    key = _word_keys(pl.lit(text))
    value = compute(key.replace_strict(dict(words), default=None, return_dtype=pl.String))
    is_unknown = value.is_null() & text.is_not_null()
    return value, compute(pl.when(pl.lit(is_unknown)).then(pl.lit(code)))


def _word_keys(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().str.replace_all(_GAPS, "_")
