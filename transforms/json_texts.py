"""JSON in cells: one text for what is equal, so that it can be compared as text."""

import json
import re
from collections.abc import Collection
from decimal import Decimal

import polars as pl

from transforms.cells import is_blank
from transforms.columns import compute


def canonical_json(texts: pl.Series, blanks: Collection[str]) -> tuple[pl.Series, pl.Series]:
    """JSON texts with sorted keys, no spaces and plain numbers, and ``json_unreadable`` or null.

    Unreadable is also what ``jsonb`` cannot hold: the letter U+0000, and half of a surrogate pair.
    Blanks are null without an issue.
    """
    is_given = compute(~is_blank(pl.lit(texts), blanks)).fill_null(value=False)
    known = {text: canonical_text(text) for text in set(texts.filter(is_given))}
    values = compute(
        pl.when(pl.lit(is_given)).then(
            pl.lit(texts).replace_strict(known, default=None, return_dtype=pl.String)
        )
    )
    is_fault = is_given & values.is_null()
    return values, compute(pl.when(pl.lit(is_fault)).then(pl.lit("json_unreadable")))


def canonical_text(text: str) -> str | None:
    """One JSON text in that form; None: it cannot be read."""
    if _NUL.search(text):
        return None
    try:
        said = json.loads(text, parse_float=_plain, parse_constant=_refuse)
        told = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        told.encode()
    except (ValueError, RecursionError):
        return None
    return _MARKED.sub(r"\1", told)


_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# A number travels through Python as a text between letters that no text holds by then.
_MARKED = re.compile(r'"\\u0000([-0-9.]+)\\u0000"')
_MOST_DIGITS = 1_000


def _plain(number: str) -> str:
    read = Decimal(number)
    if abs(read.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"{number} is hardly a number")
    return f"\0{read:f}\0"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
